"""What the detector's card says: SKAB by event and robustness through the agent, NAB beside rolling z-scores."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from .. import agent
from ..run import Run, data_folder
from . import hydraulic as other_rig
from . import perturb, product, protocol, recordings
from .alarms import pooled, raised
from .scorer import Scorer

# Windows of the mean, ticks of the history, ticks between: the last one has the detector's own spans.
ROLLING = ((1, 300, 0), (4, 300, 10), (10, 300, 30))
Z_LIMITS = (3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 15.0)
SKAB_Z_LIMITS = (4.0, 5.0, 8.0)
# Where samples are lost is chance, and one event more or less with it: such figures are means of so many placements.
PLACEMENTS = 5
PERTURBATIONS = (
    ("5 % of samples missing", perturb.missing, "1s", PLACEMENTS),
    ("30 s gaps, about every 5 min", perturb.gaps, "1s", PLACEMENTS),
    ("channels shuffled and rescaled", perturb.rescaled, "1s", 1),
    ("ten times the rate, period 100 ms", perturb.faster, "100ms", 1),
    ("ten times the rate, period 1 s", perturb.faster, "1s", 1),
)


def skab(run: Run, bundle: Path) -> dict[str, dict[str, float]]:
    """Detectors by name: the bundle and trivial ones in the agent, rolling z-scores beside them."""
    folder = data_folder() / "skab"
    report = product.skab(bundle, [folder / "valve1", folder / "normal.csv"])
    out = {"lineside": product.hourly(report["detector"])}
    out |= {trivial["name"]: product.hourly(trivial) for trivial in report["trivial"]}
    loaded = recordings.skab(data_folder())
    for limit in SKAB_Z_LIMITS:
        tally = protocol.score(protocol.rolling_z(limit), loaded)
        out[f"rolling z-score, 10 of 300 s, {limit:.0f} sd"] = tally.hourly()
    run.say(f"SKAB: {out['lineside']}")
    return out


def robustness(run: Run, bundle: Path, plain: dict[str, float]) -> list[dict[str, Any]]:
    """SKAB again, perturbed; points of recall that it costs, in the mean, at least and at most."""
    rows = []
    for name, perturbation, period, placements in PERTURBATIONS:
        found = []
        for seed in range(run.seed, run.seed + placements):
            with tempfile.TemporaryDirectory() as target:
                files = perturb.write(perturbation, seed, data_folder() / "skab", Path(target))
                found.append(product.hourly(product.skab(bundle, files, period)["detector"]))
            run.say(f"{name}: {found[-1]}")
        lost = [100 * (plain["events"] - one["events"]) for one in found]
        mean = {key: float(np.mean([one[key] for one in found])) for key in found[0]}
        points = {"points_lost": float(np.mean(lost)), "least": min(lost), "most": max(lost)}
        rows.append({"name": name, "placements": placements, **points, **mean})
    return rows


def hydraulic(run: Run, bundle: Path) -> dict[str, dict[str, float]]:
    """A rig that nothing was chosen on: the bundle as it is, with windows of a whole load cycle, and trivial ones."""
    found = other_rig.recordings(data_folder())
    with tempfile.TemporaryDirectory() as target:
        files = other_rig.write(found, Path(target))
        plain, cycles = (product.hydraulic(bundle, files, window) for window in ("1s", f"{other_rig.CYCLE_S}s"))
    out = {"lineside": product.hourly(plain["detector"])}
    out["lineside, windows of a load cycle"] = product.hourly(cycles["detector"])
    out |= {trivial["name"]: product.hourly(trivial) for trivial in plain["trivial"]}
    for limit in SKAB_Z_LIMITS:
        tally = protocol.score(protocol.rolling_z(limit), found)
        out[f"rolling z-score, 10 of 300 s, {limit:.0f} sd"] = tally.hourly()
    run.say(f"hydraulic rig: {out}")
    return out


def nab(run: Run, scorer: Scorer, limits: list[float]) -> list[dict[str, Any]]:
    """NAB's streams, a row a tick: the scorer at its own limits, rolling z-scores at many."""
    streams = recordings.nab(data_folder())
    run.say(f"NAB: {len(streams)} streams")
    scores = [pooled(scorer.logits(agent.features(stream.values))) for stream in streams]
    rows = []
    for limit in limits:
        tally = protocol.Tally()
        for stream, score in zip(streams, scores):
            tally.add(stream, raised(score, limit))
        rows.append({"name": f"lineside, limit {limit:.2f}", **tally.daily()})
    for short, window, lag in ROLLING:
        for limit in Z_LIMITS:
            tally = protocol.Tally()
            detector = protocol.rolling_z(limit, window, short, lag)
            for stream in streams:
                tally.add(stream, detector(stream.values))
            rows.append({"name": f"rolling z-score, {short} of {window} rows, {limit:.0f} sd", **tally.daily()})
    return rows


def ahead(rows: list[dict[str, Any]], own: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Names of the z-scores that a setting beats or equals on both figures, and of those that beat it so."""

    def beats(one: dict[str, Any], other: dict[str, Any]) -> bool:
        return one["events"] >= other["events"] and one["false_per_day"] <= other["false_per_day"]

    others = [row for row in rows if row["name"].startswith("rolling")]
    return [row["name"] for row in others if beats(own, row)], [row["name"] for row in others if beats(row, own)]


def flat(skab_rows: dict[str, dict[str, float]], nab_rows: list[dict[str, Any]]) -> dict[str, float]:
    """The figures that the manifest carries."""
    own = {f"skab_{name}": value for name, value in skab_rows["lineside"].items() if np.isfinite(value)}
    return own | {f"nab_{name}": value for name, value in nab_rows[0].items() if name != "name"}
