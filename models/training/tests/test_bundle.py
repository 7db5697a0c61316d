"""What is written is what the manifest says, and what the agent reads."""

import hashlib
import json
import tomllib

import pytest

from lineside_training import agent, bundle, card, mlflow_log, toml_text
from lineside_training.bundle import Bundle, Tensor
from lineside_training.run import Run


@pytest.fixture
def run(tmp_path):
    run = Run.open("toy", tmp_path / "run", changes={"rate": 0.1, "nested": {"deep": "x"}})
    run.used("recordings", b"some")
    for step in range(3):
        run.log(step, loss=1 / (step + 1))
    run.path("evaluation.json").write_text(json.dumps({"accuracy": 0.9, "why": "text"}))
    return run


def some(**more) -> Bundle:
    facts = {"name": "toy", "version": "1.2.3", "release": 4, "task": "classify-incident"}
    facts |= {"description": 'With "quotes"', "model": b"weights", "golden": {"tolerance": 1e-4}, "card": "# Toy\n"}
    return Bundle(**facts | more)


def test_every_file_has_its_digest_and_every_set_its_own(run):
    whole = some(
        labels=("a", "b"),
        input=Tensor("x", ("rows", 3)),
        output=Tensor("y", ("rows", 2)),
        tokenizer=b"{}",
        language={"kind": "decoder", "context": 64, "end": [2]},
        lexicon="[words]\n",
        chat_template="{{ x }}",
        files={"signatures": ("signatures.toml", b"modes = []")},
        evaluation={"accuracy": 0.9},
        detector={"limits": [[1e-5, 4.0]], "hold": 4},
        tables={"reference": {"scores": [1, 2]}},
    )
    folder = bundle.write(run, run.path("bundle"), whole)
    manifest = tomllib.loads((folder / "manifest.toml").read_text())
    named = [manifest[role] for role in ("model", "golden", "card", "tokenizer", "signatures")]
    named += [manifest["language"][role] for role in ("lexicon", "chat_template")]
    for table in named:
        assert hashlib.sha256((folder / table["file"]).read_bytes()).hexdigest() == table["sha256"]
    assert {table["file"] for table in named} | {"manifest.toml"} == {path.name for path in folder.iterdir()}
    assert manifest["model"]["input"] == {"name": "x", "type": "f32", "shape": ["rows", 3]}
    assert (manifest["release"], manifest["reference"]) == (4, {"scores": [1, 2]})
    sets = {row["name"]: row["sha256"] for row in manifest["provenance"]["data"]}
    assert sets["recordings"] == hashlib.sha256(b"some").hexdigest() and "configuration" in sets
    assert manifest["provenance"]["seed"] == run.seed and "lineside_training" in manifest["provenance"]["code"]


def test_a_bundle_written_again_holds_nothing_of_the_one_before(run):
    folder = bundle.write(run, run.path("bundle"), some(tokenizer=b"{}"))
    bundle.write(run, folder, some())
    assert not (folder / "tokenizer.json").exists()


@pytest.mark.parametrize(
    "value",
    [1, -2, True, 0.5, 1e-05, "a\nb\t\"c\" \\ \u00e9 \x01 \x7f", [], ["x", ["y"]], {"a b": 1, "": 2}, [{"k": 1}]],
)
def test_toml_is_read_back_as_it_was(value):
    document = {"plain": value, "table": {"key": value, "other": 1}}
    assert tomllib.loads(toml_text.document(document)) == document


def test_toml_refuses_what_it_cannot_say():
    with pytest.raises(TypeError, match="NoneType"):
        toml_text.document({"x": None})


def test_a_missing_program_says_how_to_build_it(monkeypatch, tmp_path):
    monkeypatch.setattr(agent, "REPOSITORY", tmp_path)
    for name in ("LINESIDE_BIN", "LINESIDE_EXAMPLES"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit, match="features: not found; build it: cargo build --workspace --examples"):
        agent.program("features")
    with pytest.raises(SystemExit, match="lineside: not found; build it: cargo build"):
        agent.lineside()


def test_curves_are_small_pictures_and_the_same_each_time(run):
    card.curves(run, "loss", "loss")
    first = run.path("curves/loss.png").read_bytes()
    card.curves(run, "loss", "loss")
    assert first[:4] == b"\x89PNG" and len(first) < 60_000
    assert run.path("curves/loss.png").read_bytes() == first


def test_what_ships_is_the_bundle_and_a_page_with_its_curves(run, tmp_path, monkeypatch):
    monkeypatch.setattr(bundle, "CATALOG", tmp_path / "catalog")
    monkeypatch.setattr(bundle, "PAGES", tmp_path / "pages")
    bundle.write(run, run.path("bundle"), some())
    card.curves(run, "loss", "loss")
    bundle.ship(run)
    assert (tmp_path / "catalog" / "toy" / "manifest.toml").is_file()
    page = (tmp_path / "pages" / "toy.md").read_text()
    assert page.startswith("# Toy") and "(toy/loss.png)" in page and (tmp_path / "pages" / "toy" / "loss.png").is_file()


def test_mlflow_reads_what_was_logged(run, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    tracking = pytest.importorskip("mlflow.tracking", reason="needs the extra `mlflow`")
    card.curves(run, "loss", "loss")
    for _ in range(2):  # again: replaced, not added
        mlflow_log.write(run, tmp_path / "mlruns")
    client = tracking.MlflowClient(tracking_uri=(tmp_path / "mlruns").as_uri())
    (found,) = client.search_runs(["0"])
    assert found.info.status == "FINISHED" and found.data.tags["model"] == "toy"
    assert found.data.params == {"seed": "7", "rate": "0.1", "nested.deep": "x"}
    assert found.data.metrics["evaluation.accuracy"] == 0.9
    history = client.get_metric_history(found.info.run_id, "loss")
    assert [(point.step, point.value) for point in history] == [(0, 1.0), (1, 0.5), (2, 1 / 3)]
    assert {artifact.path for artifact in client.list_artifacts(found.info.run_id)} >= {"used.json", "curves"}


def test_the_file_store_has_the_form_that_mlflow_reads(run, tmp_path):
    target = mlflow_log.write(run, tmp_path / "mlruns")
    lines = (target / "metrics" / "loss").read_text().splitlines()
    assert [line.split()[1:] for line in lines] == [["1.0", "0"], ["0.5", "1"], [str(1 / 3), "2"]]
    meta = dict(line.split(": ", 1) for line in (target / "meta.yaml").read_text().splitlines())
    assert json.loads(meta["run_id"]) == target.name and json.loads(meta["status"]) == 3
