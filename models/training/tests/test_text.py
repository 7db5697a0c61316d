"""The text model: the normaliser's reference against shared vectors, the heads, and the graph against torch."""

import json
from pathlib import Path

import numpy as np
import pytest

from lineside_training.run import REPOSITORY
from lineside_training.text import encoder, graph, heads, normalise, normalise_fit
from lineside_training.text.encoder import Encoder, Packed

SHIPPED = REPOSITORY / "models" / "catalog" / "text" / "normaliser.json"
LINES = [
    [("REPL", "replace"), ("HYD", "hydraulic"), ("PUMP", "pump"), ("AB123", "<id>")],
    [("repl", "replace"), ("dog", "dogbone"), ("bone", ""), ("pin", "pin")],
    [("pump", "pump"), ("u/s", "unserviceable"), ("POS", "position"), ("7", "<num>")],
]


def test_the_shipped_normaliser_writes_what_its_file_promises_the_agent() -> None:
    shipped, golden = normalise_fit.load(SHIPPED), json.loads(SHIPPED.read_text(encoding="utf-8"))["golden"]
    assert len(golden) >= 100
    assert {line: shipped.normalise(line) for line in golden} == golden


def test_a_normaliser_learns_and_comes_back_from_its_file(tmp_path: Path) -> None:
    made = normalise_fit.learn(LINES * 8, [["pump", "leaking"]] * 4, {"pump", "leaking"}, 0.2, 7)
    normalise_fit.save(made, tmp_path / "normaliser.json")
    again = normalise_fit.load(tmp_path / "normaliser.json")
    assert again.normalise("REPL pump u/s") == made.normalise("REPL pump u/s") == "replace pump unserviceable"


def test_a_score_counts_right_and_wrong_changes() -> None:
    line = [[("REPL", "replace"), ("pump", "pump"), ("cyl", "cylinder")]]
    found = normalise_fit.score(lambda raws: ["replace", "pumps", "cyl"], line)
    assert found == {"needed": 2, "made": 0.5, "wrong": 0.5, "net": 0.0, "precision": 0.5}


def test_a_swap_is_one_slip() -> None:
    assert normalise.distance("gaurd", "guard", 1) == 1
    assert normalise.distance("pump", "valve", 2) == 3


def test_four_bits_come_back_within_half_a_step() -> None:
    matrix = np.random.default_rng(1).normal(size=(8, 64)).astype(np.float32)
    packed = Packed.of(matrix)
    assert packed.bits.nbytes == matrix.size // 2
    step = np.repeat(packed.scales.astype(np.float32)[:, :, 0], encoder.BLOCK, axis=1)
    inside = np.abs(matrix) <= 7 * step
    assert (np.abs(packed.matrix() - matrix)[inside] <= step[inside] / 2 + 1e-6).all()


def _encoder(packed: bool) -> Encoder:
    rng = np.random.default_rng(3)
    width, inner = 96, 128
    shapes = {name: (width, width) for name in encoder.MATRICES}
    shapes |= {"intermediate.dense": (inner, width), "output.dense": (width, inner)}
    matrices, vectors = {}, {f"norm.{kind}": rng.normal(size=width).astype(np.float32) for kind in ("weight", "bias")}
    for layer in range(2):
        for name, shape in shapes.items():
            matrix = (rng.normal(size=shape) / 10).astype(np.float32)
            matrices[f"{layer}.{name}"] = Packed.of(matrix) if packed else matrix
            vectors[f"{layer}.{name}.bias"] = rng.normal(size=shape[0]).astype(np.float32)
        for name in ("attention.output", "output"):
            for kind in ("weight", "bias"):
                vectors[f"{layer}.{name}.norm.{kind}"] = rng.normal(size=width).astype(np.float32)
    tokens = rng.integers(-127, 128, (20, width)).astype(np.int8)
    scales = rng.uniform(0.001, 0.01, (20, 1)).astype(np.float32)
    return Encoder(vectors, matrices, tokens, scales, rng.normal(size=(16, width)).astype(np.float32) / 20)


@pytest.mark.parametrize("packed", [False, True])
def test_the_graph_answers_as_torch_does(packed: bool) -> None:
    runtime = pytest.importorskip("onnxruntime")
    made, rng, classes = _encoder(packed), np.random.default_rng(5), 4
    read = rng.normal(size=(6, 2, 96))
    read = (read / np.linalg.norm(read, axis=2, keepdims=True)).reshape(6, -1)
    rows = heads.Rows(read, np.arange(6) % classes, np.ones(6))
    classifier = heads.fit(rows, heads.Settings(classes, 0.5, (0.4,), (0.1,)), (0.4, 0.7), 0.1)
    classifier.least, classifier.sharpness = 0.05, 2.3
    model = graph.build(made, classifier).SerializeToString()
    session = runtime.InferenceSession(model, providers=["CPUExecutionProvider"])
    ids = [2, 7, 7, 19, 3]
    wanted = classifier.logits(made.read_by().read(ids).numpy()[None].astype(np.float64))
    given = session.run(None, {"input_ids": np.array([ids]), "position_ids": np.arange(5)[None]})[0]
    assert np.abs(given - wanted).max() < 1e-4


def test_the_encoder_is_minilm() -> None:
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    theirs = transformers.AutoModel.from_pretrained(str(encoder.folder())).eval()
    ids = [101, 9850, 3617, 102]
    reader = Encoder.of(range(30522), 16, packed=False).read_by()
    reader.tokens = theirs.embeddings.word_embeddings.weight.detach()
    with torch.no_grad():
        mean = theirs(torch.tensor([ids])).last_hidden_state[0].mean(dim=0)
    assert (reader.read(ids)[384:] - mean / mean.norm()).abs().max() < 1e-5


def test_the_kept_tokens_spell_every_text() -> None:
    document, numbers = encoder.tokenizer(["hydraulic cylinder"], 400)
    made = pytest.importorskip("tokenizers").Tokenizer.from_str(document)
    assert made.get_vocab_size() == len(numbers) == 400
    assert "[UNK]" not in made.encode("xylophone 12-b, zzz").tokens
    assert made.encode("hydraulic").tokens == ["[CLS]", "hydraulic", "[SEP]"]


def _around(centres: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng, truth = np.random.default_rng(seed), np.arange(count) % len(centres)
    read = (centres[truth] + 0.2 * rng.normal(size=(count, centres.shape[1]))).reshape(count, 2, -1)
    return (read / np.linalg.norm(read, axis=2, keepdims=True)).reshape(count, -1), truth


def test_a_head_tells_what_it_saw_and_is_unsure_of_what_is_like_nothing() -> None:
    centres = np.random.default_rng(2).normal(size=(3, 32))
    read, truth = _around(centres, 60, 3)
    settings = heads.Settings(3, 0.5, (0.5, 1.0), (0.1, 0.3))
    made, chosen = heads.learn(heads.Rows(read, truth, np.ones(60)), settings, 7)
    asked, wanted = _around(centres, 30, 4)
    chances = made.chances(asked)
    assert (chances.argmax(axis=1) == wanted).all() and np.allclose(chances.sum(axis=1), 1)
    assert (chosen["first"], chosen["last"]) in settings.kernels and chosen["penalty"] in settings.penalties
    assert made.chances(-asked).max() < chances.max(axis=1).min()
    made.lines, made.far = made.lines * 0, 20.0
    assert np.allclose(made.chances(asked), 1 / 3)


def test_the_kernel_is_of_the_distances_of_both_halves() -> None:
    read, truth = _around(np.random.default_rng(5).normal(size=(2, 8)), 4, 6)
    made = heads.fit(heads.Rows(read, truth, np.ones(4)), heads.Settings(2, 0.0, (), ()), (0.3, 0.9), 0.5)
    halves = ((read[:, None] - read[None]).reshape(4, 4, 2, -1) ** 2).sum(axis=3)
    near = np.exp(-halves @ np.array([0.3, 0.9]))
    votes = np.linalg.solve(near + 0.5 * np.eye(4), np.eye(2)[truth])
    assert np.allclose(made.counted(read), near @ votes, atol=2e-3)
