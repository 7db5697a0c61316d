"""The incident model: which fault it is. No verb `quantize`: a few thousand weights are smaller than their graph."""

from ..run import Run


def data(run: Run) -> None:
    """Draws cases and runs the agent's rows over them: for learning, and others for the calibration."""
    import json

    import numpy as np

    from . import diagnosis, generator, sets

    run.used("signatures", diagnosis.SIGNATURES.read_bytes())
    run.used("phrases", diagnosis.PHRASES.read_bytes())
    for name, seed in (("learning", run.seed), ("calibration", run.seed + 1000)):
        rows = sets.learning(seed, run.config[f"{name}_cases"], run.config)
        run.used(name, rows.features.tobytes() + rows.target.tobytes())
        np.savez(run.path(f"{name}.npz"), features=rows.features, target=rows.target)
        run.say(f"{len(rows.target)} cases for {name}")
    # For the limit of a second fault, and for what is to be beaten, which learns from cases as they are.
    counts = (("second", run.seed + 2000, "second_cases"), ("training", run.seed, "learning_cases"))
    for name, seed, count in counts:
        with run.path(f"{name}.jsonl").open("w") as file:
            file.writelines(json.dumps(case) + "\n" for case in generator.cases(seed, run.config[count], mix=sets.mix(run.config)))


def train(run: Run) -> None:
    """Fits the networks of each seed; the first one ships, the others show the spread."""
    from . import scorer, sets

    rows = sets.load(run.need("learning.npz", "data"))
    for number in range(run.config["seeds"]):
        seed, config = run.seed + number, run.config
        weights = scorer.train(rows, seed, config["members"], config["epochs"], config["smoothing"], run.log)
        weights.save(run.path(f"weights-{number}.npz"))
        run.say(f"seed {seed} is fitted")


def export(run: Run) -> None:
    """Writes each seed's ONNX, and the figures that belong to its weights."""
    import json

    from .. import toml_text
    from . import calibration, graph, scorer, sets

    rows = sets.load(run.need("calibration.npz", "data"))
    cases = [json.loads(line) for line in run.need("second.jsonl", "data").read_text().splitlines()]
    second = None
    for number in range(run.config["seeds"]):
        weights = scorer.Weights.load(run.need(f"weights-{number}.npz", "train"))
        onnx, suffix = graph.build(weights), f"-{number}" if number else ""
        model = run.path(f"model{suffix}.onnx")
        model.write_bytes(onnx.SerializeToString())
        temperature = calibration.temperature(weights.logits(rows.features), rows.target)
        values = calibration.settings(temperature, calibration.SECONDS[0], run.config["abstain_below"])
        # Which limit is best is a question of the table, not of a seed's weights: it is answered once.
        second = second or calibration.second_above(cases, calibration.judge_at(cases, model, values))
        values = calibration.settings(temperature, second, run.config["abstain_below"])
        run.path(f"settings{suffix}.toml").write_text(toml_text.document(values))
        run.say(f"{model.name}: {values}")


def evaluate(run: Run) -> None:
    """Judges the scorer of each seed on the held-out sets, beside what is to be beaten."""
    from . import scoring

    trained = []
    for number in range(run.config["seeds"]):
        suffix = f"-{number}" if number else ""
        onnx, settings = (run.need(name, "export") for name in (f"model{suffix}.onnx", f"settings{suffix}.toml"))
        trained.append(scoring.Trained(run.seed + number, onnx, settings))
    scoring.evaluate(run, trained, run.need("training.jsonl", "data"))


def pack(run: Run) -> None:
    """Writes the bundle, and has the agent try it."""
    from .. import agent
    from . import packing, scorer, sets

    weights = scorer.Weights.load(run.need("weights-0.npz", "train"))
    rows = sets.load(run.need("calibration.npz", "data"))
    card = packing.card(packing.head(run, weights), run.need("evaluation.md", "evaluate").read_text(encoding="utf-8"))
    folder = packing.write(run, weights, rows.features, card, packing.figures(run))
    agent.bundle_test(folder)
