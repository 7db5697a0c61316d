"""The incident model's scorer: what it learns from, that its ONNX is the network, and its temperature."""

from itertools import islice

import numpy as np
import onnxruntime
import pytest
import torch
from lineside_training.incident import calibration, diagnosis, generator, graph, scorer, sets

CONFIG = {"reduced_tables": 0.5, "modes_removed": 0.4, "truth_removed": 0.16, "hidden_kinds": 0.33, "other_kinds": 0.25}
MIX = generator.Mix(compound=0.5)


def made_up(rows: int = 7, width: int = 5, cases: int = 1024) -> sets.Rows:
    """Cases whose right row is the one with the largest first figure."""
    rng = np.random.default_rng(3)
    features = rng.normal(size=(cases, rows, width)).astype(np.float16)
    features[::5, 2] = np.nan
    best = np.nan_to_num(features[..., 0], nan=-np.inf).argmax(axis=1)
    return sets.Rows(features, np.stack([best, best], axis=1))


@pytest.fixture(scope="module")
def trained() -> scorer.Weights:
    return scorer.train(made_up(), 1, members=2, epochs=40, smoothing=0.01, report=lambda **_: None)


def test_the_network_learns_which_row_is_right_and_passes_over_rows_that_are_not_there(trained):
    rows = made_up()
    logits = trained.logits(rows.features)
    assert np.isneginf(logits[::5, 2]).all()
    assert (logits.argmax(axis=1)[:, None] == rows.target).any(axis=1).mean() > 0.9


def test_the_onnx_file_is_the_network(trained):
    rows = np.random.default_rng(4).normal(scale=4.0, size=(9, 5)).astype(np.float32)
    session = onnxruntime.InferenceSession(graph.build(trained).SerializeToString())
    (answer,) = session.run(None, {"features": rows})
    assert np.abs(answer[:, 0] - trained.logits(rows)).max() < 1e-4


def test_weights_come_back_as_they_were(trained, tmp_path):
    trained.save(tmp_path / "weights.npz")
    again = scorer.Weights.load(tmp_path / "weights.npz")
    rows = made_up().features
    assert np.array_equal(again.logits(rows), trained.logits(rows))


def test_the_temperature_of_logits_that_are_twice_too_sure_is_two():
    rng = np.random.default_rng(5)
    logits = rng.normal(scale=2.0, size=(20_000, 6))
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    target = (chances.cumsum(axis=1) > rng.random(len(logits))[:, None]).argmax(axis=1)
    target = np.stack([target, target], axis=1)
    assert calibration.temperature(2.0 * logits, target) == pytest.approx(2.0, abs=0.1)


def test_of_two_faults_the_network_may_say_either_and_is_rewarded_for_both():
    chances = torch.log(torch.tensor([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]]))
    said = scorer.likelihood(chances, torch.tensor([[0, 1], [2, 2]])).exp()
    assert said.tolist() == pytest.approx([0.8, 0.2])
    logits, right = np.log([[0.45, 0.45, 0.1]] * 10), np.array([[0, 1]] * 9 + [[2, 2]])
    assert calibration.temperature(logits, right) == pytest.approx(1.0, abs=0.05)


def test_a_case_with_two_faults_has_two_right_rows_and_one_where_the_table_lacks_the_other():
    cases = list(sets.varied(generator.cases(6, 200, mix=MIX), 6, CONFIG | {"truth_removed": 0.5}))
    two = [case for case in cases if case["truth"]["second"]]
    assert len(two) > 40
    for case in two:
        truth, gone = case["truth"], case["without"]
        there = [mode for mode in (truth["mode"], truth["second"]) if mode not in gone] or [diagnosis.UNKNOWN]
        assert set(sets.right(case)) == set(there)
    assert {len(set(sets.right(case))) for case in two} == {1, 2}


def test_the_best_limit_for_a_second_fault_wins():
    cases = [{"truth": {"mode": "a", "second": "b"}}, {"truth": {"mode": "a", "second": None}}]
    eager = [{"label": "a", "second": "b"}, {"label": "a", "second": "c"}]
    strict = [{"label": "a", "second": "b"}, {"label": "a", "second": None}]
    never = [{"label": "a", "second": None}] * 2
    judged = {limit: never if limit > 0.6 else strict if limit == 0.6 else eager for limit in calibration.SECONDS}
    assert calibration.second_above(cases, judged) == 0.6


def test_kinds_are_hidden_and_true_modes_taken_out_as_often_as_asked():
    cases = list(sets.varied(islice(generator.cases(5, 600), 600), 5, CONFIG))
    known = [case for case in cases if case["truth"]["mode"] in diagnosis.modes()]
    removed = np.mean([case["truth"]["mode"] in case["without"] for case in known])
    assert removed == pytest.approx(CONFIG["truth_removed"], abs=0.06)
    assert 0.3 < np.mean([case["case"]["kind"] is None for case in cases]) < 0.7
    again = list(sets.varied(islice(generator.cases(5, 600), 600), 5, CONFIG))
    assert cases == again
