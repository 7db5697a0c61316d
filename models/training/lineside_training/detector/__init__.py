"""The detector: from made-up machines to the bundle that is built into the agent, and a site's refit of it."""

import json

from ..run import Run


def data(run: Run) -> None:
    """Makes streams with faults and runs the agent's feature bank over them; a site's own hours likewise."""
    from .. import agent
    from . import dataset, refit

    if run.config.get("site"):
        refit.data(run)
        return
    values, labels, _ = dataset.streams(run.seed, run.config["rigs"])
    run.used("synthetic", values.tobytes() + labels.tobytes())
    run.say(f"{len(values)} streams of {values.shape[1]} ticks; features …")
    dataset.save(dataset.rows(agent.features, values, labels, run.seed), len(values), run.path("rows.npz"))


def train(run: Run) -> None:
    """Fits the networks, for a site from the shipped weights on."""
    from . import dataset, network, refit

    if run.config.get("site"):
        weights = refit.train(run)
    else:
        weights = network.train(dataset.load(run.need("rows.npz", "data")), run.seed, report=run.log)
    network.save(weights, run.path("weights.npz"))


def export(run: Run) -> None:
    """Writes the model, and measures which limit gives how many false alarms."""
    from . import calibrate, graph, network, refit
    from .scorer import Scorer

    scorer = Scorer(network.load(run.need("weights.npz", "train")))
    run.path("model.onnx").write_bytes(graph.build(scorer).SerializeToString())
    run.say("calibrating …")
    calibration = refit.calibration(run, scorer) if run.config.get("site") else calibrate.synthetic(run, scorer)
    run.path("limits.json").write_text(json.dumps(calibration))


def evaluate(run: Run) -> None:
    """Measures the model through the agent, beside others, and prints it."""
    from . import packed, refit

    figures = refit.evaluate(run) if run.config.get("site") else packed.evaluate(run)
    run.path("evaluation.json").write_text(json.dumps(figures, indent=1))


def pack(run: Run) -> None:
    """Writes the bundle; the agent must pass it."""
    from . import packed

    if run.config.get("site"):
        packed.pack_site(run)
    else:
        packed.pack(run)
