"""The bundle that ships: measured as a bundle by the agent, then packed with what was found."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from .. import agent, bundle, card
from ..bundle import Bundle, Tensor
from ..run import Run
from . import alarms, calibrate, dataset, measure, network, page, refit
from .features import WIDTH
from .scorer import Scorer

# What the model may need on the smallest board: weights, plan and buffers; one call for eight channels.
BUDGET = {"memory_kib": 1024, "p95_us": 1000}
# The novelty gate is off: see the card of the release that turns it on.
NOVELTY_RATIO = 0.0
# The rate per window of SKAB's configuration: five a day at one window a second.
RATE = 5 / 86_400
# Further limits at which NAB is told: the detector's own setting comes first.
NAB_LIMITS = (2.0, 3.0, 6.0, 8.0)
# Share of the injected faults that a refit may lose by chance: two of 48.
HARM = 0.05


def made(
    run: Run,
    version: str,
    release: int,
    text: str,
    figures: dict[str, float],
    scorer: Scorer | None = None,
    model: bytes | None = None,
) -> Bundle:
    """The bundle of a run's limits and model, or of another model under the same limits."""
    scorer = scorer or Scorer(network.load(run.need("weights.npz", "train")))
    model = model or run.need("model.onnx", "export").read_bytes()
    calibration = json.loads(run.need("limits.json", "export").read_text())
    limits = calibration["limits"]
    detector = {"limits": [(float(f"{rate:.2e}"), limit) for rate, limit in limits], "hold": alarms.HOLD}
    detector |= {"clear_margin": alarms.CLEAR_MARGIN, "past_peaks": alarms.PAST_PEAKS}
    detector |= {"novelty_ratio": NOVELTY_RATIO, "pooling": alarms.POOLING}
    return Bundle(
        name="detector",
        version=version,
        release=release,
        task="detect",
        description="Scores each channel of a machine against its own history; trained on synthetic machines",
        model=model,
        input=Tensor("features", ("channels", WIDTH)),
        output=Tensor("logit", ("channels", 1)),
        golden=page.golden(scorer, dataset.load(run.need("rows.npz", "data")).features, run.seed),
        card=text,
        budget=BUDGET,
        detector=detector,
        tables={"drift": {"score": calibration["score"]}},
        evaluation={key: round(value, 3) for key, value in figures.items()},
    )


def trial(run: Run) -> Path:
    """The bundle as it stands, to be measured."""
    return bundle.write(run, run.path("trial"), made(run, "0.0.0", 1, "", {}))


def evaluate(run: Run) -> dict[str, Any]:
    """Everything that the card tells."""
    folder = trial(run)
    scorer = Scorer(network.load(run.path("weights.npz")))
    limit = calibrate.limit_at(json.loads(run.path("limits.json").read_text())["limits"], RATE)
    figures: dict[str, Any] = {"limit": limit, "agent": agent.bundle_test(folder)}
    figures["skab"] = measure.skab(run, folder)
    figures["nab"] = measure.nab(run, scorer, [limit, *NAB_LIMITS])
    names = ("beats", "beaten_by")
    figures["nab_verdict"] = [
        {"name": row["name"], **dict(zip(names, measure.ahead(figures["nab"], row)))}
        for row in figures["nab"]
        if row["name"].startswith("lineside")
    ]
    if run.config.get("crossfit"):
        from . import crossfit

        figures["skab"]["refitted, cross-fitted by file"] = crossfit.skab(run)
    figures["robustness"] = measure.robustness(run, folder, figures["skab"]["lineside"])
    figures["hydraulic"] = measure.hydraulic(run, folder)
    print(page.measured(figures))
    card.curves(run, "loss", "loss")
    return figures


def pack(run: Run) -> None:
    """Writes the bundle that ships."""
    figures = json.loads(run.need("evaluation.json", "evaluate").read_text())
    calibration = json.loads(run.path("limits.json").read_text())
    version, release = run.config["version"], run.config["release"]
    with np.load(run.path("rows.npz")) as file:
        rows, streams = len(file["labels"]), int(file["streams"])
    text = page.shipped(version, rows, streams, run.seed, calibration, page.measured(figures))
    flat = {"limit": figures["limit"]} | measure.flat(figures["skab"], figures["nab"])
    _prove(run, made(run, version, release, text, flat))


def pack_site(run: Run) -> None:
    """Writes the bundle of a site's refit, a release above the shipped one, unless it is worse than that."""
    figures = json.loads(run.need("evaluation.json", "evaluate").read_text())
    ours, theirs = figures["refit"], figures["shipped"]
    if ours["false_alarms"] > theirs["false_alarms"] or ours["found"] < theirs["found"] - HARM:
        raise SystemExit(
            f"The refit is worse than the shipped detector on hours that it did not see, and is not packed: "
            f"{ours['false_alarms']} false alarms against {theirs['false_alarms']}, {ours['found']:.2f} of the "
            f"injected faults found against {theirs['found']:.2f}. Keep the shipped one, or export more hours."
        )
    _, manifest = refit.shipped()
    release = run.config.get("site_release", manifest["release"] + 1)
    major, minor, patch = manifest["version"].split(".")
    version = f"{major}.{minor}.{int(patch) + 1}"
    calibration = json.loads(run.path("limits.json").read_text())
    flat = {f"site_{key}": float(value) for key, value in ours.items()}
    _prove(run, made(run, version, release, page.site(version, calibration, figures), flat))


def _prove(run: Run, whole: Bundle) -> None:
    folder = bundle.write(run, run.path("bundle"), whole)
    report = agent.bundle_test(folder)
    run.say(f"{folder}: good, largest difference {report['golden']['largest_difference']:.1e}")
