"""A verb is done once for the same ingredients, and again when one of them changes."""

import os
import subprocess
import sys
import textwrap
from functools import partial

import pytest

from lineside_training import code, verbs
from lineside_training.run import PACKAGE, Run


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A package with one model of three verbs, which note in `log.txt` that they ran."""
    package = tmp_path / "toys"
    (package / "toy").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "toy" / "__init__.py").write_text(
        textwrap.dedent(
            """
            def data(run):
                from . import making
                making.note(run, "data")

            def train(run):
                from . import learning
                learning.train(run)

            def pack(run):
                from . import making
                making.note(run, "pack")
            """
        )
    )
    note = "def note(run, what):\n    with run.path('log.txt').open('a') as f:\n        f.write(what + ' ')\n"
    (package / "toy" / "making.py").write_text(note)
    (package / "toy" / "learning.py").write_text("from .making import note\ndef train(run):\n    note(run, 'train')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(verbs, "PACKAGE", package)
    monkeypatch.setattr(code, "PACKAGE", package)
    monkeypatch.setattr(verbs, "model", lambda name: __import__(f"toys.{name}", fromlist=["x"]))
    yield package / "toy"
    for name in [name for name in sys.modules if name.startswith("toys")]:
        del sys.modules[name]


def log(run):
    file = run.path("log.txt")
    return file.read_text().split() if file.is_file() else []


def test_what_is_done_is_not_done_again_unless_asked(toy, tmp_path):
    run = Run.open("toy", tmp_path / "run")
    verbs.perform(run, "all")
    verbs.perform(run, "all")
    assert log(run) == ["data", "train", "pack"]
    verbs.perform(run, "train", again=True)
    assert log(run) == ["data", "train", "pack", "train"]
    with pytest.raises(SystemExit, match="other|not done"):
        verbs.perform(Run.open("toy", tmp_path / "run", seed=8), "pack")
    verbs.perform(run, "all")
    assert log(run)[4:] == ["pack"], "what follows a repeated verb is done again"


def test_another_configuration_or_seed_does_all_again(toy, tmp_path):
    for changes, seed in (({}, 1), ({"size": 2}, 1), ({"size": 2}, 2)):
        verbs.perform(Run.open("toy", tmp_path / "run", seed, changes=changes), "all")
    assert log(Run.open("toy", tmp_path / "run")) == ["data", "train", "pack"] * 3


def test_changed_code_does_again_what_runs_it_and_what_follows(toy, tmp_path):
    run = Run.open("toy", tmp_path / "run")
    verbs.perform(run, "all")
    file = toy / "learning.py"
    file.write_text('"""Another docstring."""\n# and a comment\n' + file.read_text())
    verbs.perform(run, "all")
    assert log(run) == ["data", "train", "pack"], "words about code train nothing again"
    file.write_text(file.read_text() + "RATE = 3\n")
    verbs.perform(run, "all")
    assert log(run) == ["data", "train", "pack", "train", "pack"]


def test_a_verb_before_its_precondition_says_what_to_run(toy, tmp_path):
    with pytest.raises(SystemExit, match="`data` was not done yet.*data toy"):
        verbs.perform(Run.open("toy", tmp_path / "run"), "train")
    with pytest.raises(SystemExit, match="no verb `quantize`; it has data, train, pack"):
        verbs.perform(Run.open("toy", tmp_path / "run"), "quantize")


def test_an_interrupted_verb_finds_what_it_left_only_with_the_same_ingredients(toy, tmp_path):
    (toy / "learning.py").write_text(
        "def train(run):\n    left = run.partial('train', 'half')\n    if left.is_file():\n"
        "        return run.path('resumed').write_text('')\n    left.write_text('')\n    raise KeyboardInterrupt\n"
    )
    run = Run.open("toy", tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        verbs.perform(run, "all")
    other = Run.open("toy", tmp_path / "run", seed=9)
    with pytest.raises(KeyboardInterrupt):
        verbs.perform(other, "all")
    verbs.perform(other, "all")
    assert other.path("resumed").is_file() and not (tmp_path / "run" / "train.partial").exists()


def test_a_site_whose_files_change_is_done_again(toy, tmp_path):
    site = tmp_path / "site"
    site.mkdir()
    for text in ("1", "1", "2"):
        (site / "hours.csv").write_text(text)
        run = Run.open("toy", tmp_path / "run", changes={"site": str(site)})
        verbs.perform(run, "all")
    assert log(run) == ["data", "train", "pack"] * 2


def test_an_unknown_model_names_those_there_are():
    with pytest.raises(SystemExit, match="camera: no such model; there are detector"):
        verbs.model("camera")


def make_a_file(folder, name):
    if name == "b":
        raise SystemExit("b has no data")
    (folder / name).write_text(str(os.getpid()))


def test_models_are_made_side_by_side_and_one_that_fails_keeps_no_other_from_being_made(tmp_path):
    with pytest.raises(SystemExit, match="b has no data"):
        verbs.side_by_side(["a", "b", "c"], 2, partial(make_a_file, tmp_path))
    made = {name: (tmp_path / name).read_text() for name in ("a", "c")}
    assert str(os.getpid()) not in made.values()
    verbs.side_by_side(["a", "c"], 1, partial(make_a_file, tmp_path))
    assert {(tmp_path / name).read_text() for name in ("a", "c")} == {str(os.getpid())}


def test_all_models_can_be_asked_for_side_by_side(tmp_path):
    # What each of them says needs no data: the verb before was not done.
    asked = ["-m", "lineside_training", "export", "all", "--jobs", "2", "--run", str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(PACKAGE.parent)}
    told = subprocess.run([sys.executable, *asked], capture_output=True, text=True, env=environment)
    assert told.returncode != 0 and "was not done yet" in told.stderr, told.stderr
    assert {folder.name for folder in tmp_path.iterdir()} == set(verbs.SHIPPED)
