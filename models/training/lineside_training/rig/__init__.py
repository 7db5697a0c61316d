"""The recipe for "I have labelled cycles of my machine": several heads on one cycle, abstention, one bundle."""

import json

import numpy as np

from ..run import Run, data_folder


def data(run: Run) -> None:
    """Reads the cycles: a site's own with `--site`, otherwise the hydraulic rig of the open data."""
    from pathlib import Path

    from . import cycles

    if site := run.config.get("site"):
        found = cycles.site(Path(site))
    else:
        folder = data_folder() / "hydraulic"
        run.used("hydraulic", folder)
        found = cycles.hydraulic(folder)
    found.save(run.path("cycles.npz"))
    heads = ", ".join(f"{name} ({len(labels)})" for name, labels in found.classes.items())
    run.say(f"{len(found.values)} cycles of {len(found.channels)} channels; {heads}")


def train(run: Run) -> None:
    """Fits every head on all cycles, and learns which regimes they cover."""
    import pickle

    from . import cycles, judge, recipe, regimes

    found = cycles.load(run.need("cycles.npz", "data"))
    everything = np.arange(len(found.values))
    heads = dict(judge.fitted(found, recipe.wishes(run, found), everything, run.seed))
    covered = regimes.fit(found.values, judge.combinations(found))
    run.path("heads.pickle").write_bytes(pickle.dumps((heads, covered)))


def export(run: Run) -> None:
    """Writes all heads and the coverage as one ONNX file."""
    from . import cycles, graph, recipe

    heads, covered = recipe.trained(run)
    found = cycles.load(run.need("cycles.npz", "data"))
    run.path("model.onnx").write_bytes(graph.build(heads, covered, len(found.channels)).SerializeToString())


def evaluate(run: Run) -> None:
    """Fits and scores every fold of every split, and prints the report."""
    from .. import card
    from . import cycles, judge, page, recipe

    found = cycles.load(run.need("cycles.npz", "data"))
    figures = {}
    for unseen, folds in judge.splits(found).items():
        run.say(f"{unseen}: {len(folds)} folds")
        told = judge.answers(found, recipe.wishes(run, found), folds, run.seed, run.say)
        figures[unseen] = judge.summary(found, told)
        sure = {
            name: (chance.argmax(axis=1) == found.heads[name], chance.max(axis=1))
            for name, chance in told.chances.items()
        }
        card.coverage_plot(run, f"coverage-{unseen.replace(' ', '-')}", sure)
        for name, (right, confidence) in sure.items():
            card.reliability_plot(run, f"reliability-{name}-{unseen.replace(' ', '-')}", right, confidence)
    run.path("evaluation.json").write_text(json.dumps(figures, indent=1))
    run.path("card.md").write_text(page.report(found, figures), encoding="utf-8")
    print(page.report(found, figures))


def pack(run: Run) -> None:
    """Writes the bundle and has the agent check it."""
    from . import recipe

    recipe.pack(run)
