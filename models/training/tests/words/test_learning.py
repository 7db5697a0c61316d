"""A tiny decoder learns fifty pairs, goes on after an interruption as if there had been none, and is exported."""

import dataclasses

import numpy as np
import onnxruntime
import pytest
import torch
from .words_material import CONTEXT, VOCABULARY, reader, texts

from lineside_training.words import int4, losses
from lineside_training.words.batches import Texts, batch
from lineside_training.words.graph import onnx_file
from lineside_training.words.guide import Guide
from lineside_training.words.learning import Plan, learn
from lineside_training.words.model import Decoder, fresh

SIZES = {"vocabulary": VOCABULARY, "width": 64, "inner": 96, "layers": 2, "heads": 2, "groups": 1}
SIZES |= {"context": CONTEXT, "theta": 1e4}
PLAN = Plan(steps=140, rate=6e-3, warm_up=5, batch_tokens=600, seed=3)


def quiet(*_, **__):
    pass


@pytest.fixture(scope="module")
def learnt(tmp_path_factory) -> Decoder:
    torch.set_num_threads(1)
    return learn(fresh(SIZES, 1), texts(reader()), PLAN, tmp_path_factory.mktemp("run") / "c.pt", quiet, quiet).eval()


def test_it_learns_to_say_the_direction(learnt):
    found = losses.measure(learnt, texts(reader()))
    assert found.loss < 0.1 and found.right > 0.98
    assert losses.measure(fresh(SIZES, 1), texts(reader())).right < 0.5


def test_four_bits_learnt_lose_less_than_four_bits_rounded(learnt, tmp_path):
    material = texts(reader())
    rounded = losses.measure(losses.four_bits(learnt), material, learnt)
    copy = fresh(SIZES, 1)
    copy.load_state_dict(learnt.state_dict())
    plan = dataclasses.replace(PLAN, steps=40, rate=1e-3, four_bits=True)
    after = losses.measure(losses.four_bits(learn(copy, material, plan, tmp_path / "c.pt", quiet, quiet)), material)
    assert after.loss < rounded.loss


def test_a_student_learns_from_a_teacher(learnt, tmp_path):
    plan = dataclasses.replace(PLAN, taught=1.0)
    student = learn(fresh(SIZES | {"inner": 64}, 2), texts(reader()), plan, tmp_path / "c.pt", quiet, quiet, learnt)
    assert losses.measure(student, texts(reader()), learnt).agrees > 0.95


def test_the_guide_asks_of_which_topic_a_prompt_speaks_and_what_it_marks_it_with():
    made = reader()
    prompt = "<p.incident.v1><p.opened><c0.name> flow<p.step><p.up><c1.name> level<p.ramp><p.unexplained><p.text>"
    answer = [made.token_to_id(token) for token in ("<c1.name>", "<end>")]
    told = Texts.of([(made.encode(prompt).ids, answer)])
    guide = Guide(64, VOCABULARY)
    asked = guide.asks(batch(told, np.array([0])))
    names = [made.id_to_token(int(token)) for token in guide.marks]
    assert asked.topics.tolist() == [1] * (asked.topics == 1).sum() + [2] * (asked.topics == 2).sum()
    assert asked.within.sum() == len(asked.topics) == len(made.encode(prompt).ids) - 3
    assert [names[at] for at in asked.marks[0].nonzero().ravel()] == ["<p.ramp>", "<p.unexplained>"]


def test_a_guided_decoder_holds_nothing_of_the_guide(learnt, tmp_path):
    plan = dataclasses.replace(PLAN, steps=20, guided=0.5)
    guided = learn(fresh(SIZES, 1), texts(reader()), plan, tmp_path / "c.pt", quiet, quiet)
    assert guided.state_dict().keys() == learnt.state_dict().keys()


def test_an_interrupted_training_ends_where_an_uninterrupted_one_does(tmp_path):
    plan = dataclasses.replace(PLAN, steps=110, guided=0.5)
    whole = learn(fresh(SIZES, 1), texts(reader()), plan, tmp_path / "whole.pt", quiet, quiet)

    class Interrupted(Exception):
        pass

    def stop(step: int, **_) -> None:
        if step == plan.steps:
            raise Interrupted

    with pytest.raises(Interrupted):
        learn(fresh(SIZES, 1), texts(reader()), plan, tmp_path / "cut.pt", stop, quiet)
    said: list[str] = []
    again = learn(fresh(SIZES, 1), texts(reader()), plan, tmp_path / "cut.pt", quiet, said.append)
    assert said == ["goes on at step 100"]
    for one, other in zip(whole.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("four_bits", [False, True])
def test_the_export_computes_what_torch_does_with_any_cut_of_the_text(learnt, four_bits):
    decoder = losses.four_bits(learnt) if four_bits else learnt
    session = onnxruntime.InferenceSession(onnx_file(decoder, four_bits), providers=["CPUExecutionProvider"])
    # With four bits the runtime rounds inputs to eight bits, torch does not.
    tolerance = 0.5 if four_bits else 1e-3
    text = texts(reader()).text(0).astype(np.int64)
    with torch.no_grad():
        wanted = decoder(torch.from_numpy(text)[None])[0].numpy()
    for cut in (1, 5, len(text) - 1):
        cache = {i.name: np.zeros((1, 1, 0, 32), np.float32) for i in session.get_inputs() if i.name.startswith("past")}
        for start, end in ((0, cut), (cut, len(text))):
            ids = {"input_ids": text[None, start:end], "position_ids": np.arange(start, end)[None]}
            out = dict(zip((o.name for o in session.get_outputs()), session.run(None, ids | cache), strict=True))
            assert np.abs(out.pop("logits")[0, 0] - wanted[end - 1]).max() < tolerance
            cache = {name.replace("present", "past"): value for name, value in out.items()}


def test_rounding_in_torch_is_what_codes_and_scales_stand_for():
    weight = torch.randn(6, 64, generator=torch.Generator().manual_seed(4))
    weight[2, :32] = 0
    codes, scales = int4.codes(weight.numpy())
    stood_for = (codes.astype(np.float32) - int4.ZERO) * scales[..., None]
    assert np.array_equal(int4.rounded(weight).numpy(), stood_for.reshape(6, 64))
    packed = int4.packed(codes)
    assert np.array_equal(np.stack([packed & 15, packed >> 4], -1).reshape(codes.shape), codes)
