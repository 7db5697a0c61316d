"""A site's refit: from the shipped weights on, with the machine's own normal hours beside synthetic machines.

Its windows are negatives, faults injected into them positives. What comes out is moved halfway back to the
shipped weights, and is packed only if on hours that it did not see it is no worse than they are.
"""

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import agent
from ..bundle import CATALOG
from ..run import Run
from . import alarms, calibrate, dataset, graph, hours, network
from .dataset import WARM_UP, Rows
from .inject import FAULTS, inject, movement
from .network import Weights
from .scorer import Scorer
from .synthetic import Array

# Of the loss, how much the site's own rows have.
SITE_SHARE = 0.5
# A false alarm costs as much more than a miss as in the shipped training.
NEGATIVE_WEIGHT = 6.0
EPOCHS, SPEED = 3, 1e-3
# How far the weights go from the shipped ones to the refitted ones. This, the share and the epochs were chosen
# among four settings on SKAB, where the cross-fitted figures are told.
MIXING = 0.5
# Faults for each 2 400 windows of a channel, and the windows around one.
COPIES, SPAN = 12, 1500
NEGATIVE_STRIDE, POSITIVE_STRIDE = 4, 6
# Synthetic rigs that keep the weights from forgetting, and rows of them.
RIGS, ROWS = 150, 60_000
# The last part of every piece: limits and figures come from it, weights do not.
HELD_OUT = 0.3
# Faults that the refit is tried with; each is followed for so long, and begins where the agent watches.
TRIALS, AFTER, WATCHED = 48, 600, alarms.WARM_UP + 50
# Windows of the site's that count as much as the synthetic rigs for the limits.
PRIOR_WINDOWS = 20_000
RATE = 5 / 86_400


def shipped() -> tuple[Weights, dict[str, Any]]:
    """The catalogue's weights and manifest."""
    folder = CATALOG / "detector"
    manifest = tomllib.loads((folder / "manifest.toml").read_text(encoding="utf-8"))
    return graph.read((folder / "model.onnx").read_bytes()), manifest


def site_rows(parts: list[Array], seed: int) -> Rows:
    """Rows of normal hours `[channels, windows]`, and of faults put into copies of them."""
    rng = np.random.default_rng([seed, 11])
    features, labels = [], []

    def keep(values: Array, marks: Array, wanted: int, stride: int) -> None:
        chosen = (rng.uniform(size=marks.shape) < 1 / stride) & (marks == wanted)
        chosen[:, :WARM_UP] = False
        features.append(agent.features(values)[chosen])
        labels.append(np.full(int(chosen.sum()), wanted, np.float32))

    for values in parts:
        keep(values, np.zeros(values.shape, np.int8), 0, NEGATIVE_STRIDE)
        ticks = values.shape[1]
        for _ in range(max(1, COPIES * ticks // dataset.TICKS)):
            start = int(rng.integers(max(ticks - SPAN, 0) + 1))
            faulty = [inject(rng, filled(channel)) for channel in values[:, start : start + SPAN]]
            keep(np.array([f.values for f in faulty]), np.array([f.labels for f in faulty]), 1, POSITIVE_STRIDE)
    label = np.concatenate(labels)
    weights = np.where(label == 1, 1.0, NEGATIVE_WEIGHT).astype(np.float32)
    return Rows(np.concatenate(features), label, weights)


def filled(channel: Array) -> Array:
    """A channel whose missing samples repeat the one before."""
    there = ~np.isnan(channel)
    if not there.any():
        return np.zeros_like(channel)
    last = np.maximum.accumulate(np.where(there, np.arange(channel.size), -1))
    return channel[np.where(last < 0, np.argmax(there), last)]


def fit(start: Weights, synthetic: Rows, site: Rows, seed: int, report=None) -> Weights:
    """Refits weights with a site's rows, and moves them back towards where they started."""
    rng = np.random.default_rng([seed, 12])
    pick = rng.choice(len(synthetic.labels), min(ROWS, len(synthetic.labels)), replace=False)
    ours = synthetic.weights[pick] / synthetic.weights[pick].sum() * (1 - SITE_SHARE)
    theirs = site.weights / site.weights.sum() * SITE_SHARE
    weights = np.concatenate([ours, theirs]).astype(np.float32)
    features = np.concatenate([synthetic.features[pick], site.features])
    rows = Rows(features, np.concatenate([synthetic.labels[pick], site.labels]), weights / weights.mean())
    return between(start, network.train(rows, seed, EPOCHS, report, start, SPEED), MIXING)


def between(one: Weights, other: Weights, share: float) -> Weights:
    """The weights at `share` of the way from one to the other."""
    one, other = network.unstandardised(one), network.unstandardised(other)

    def mix(a: tuple[Array, ...], b: tuple[Array, ...]) -> tuple[Array, ...]:
        return tuple(((1 - share) * x + share * y).astype(np.float32) for x, y in zip(a, b))

    return replace(one, matrices=mix(one.matrices, other.matrices), biases=mix(one.biases, other.biases))


def split(values: Array) -> int:
    """The window from which on a piece is held out."""
    return int(values.shape[1] * (1 - HELD_OUT))


def data(run: Run) -> None:
    """Rows of the site's hours but the held-out ones, and of synthetic rigs."""
    pieces = hours.read(Path(run.config["site"]))
    values, labels, _ = dataset.streams(run.seed, RIGS)
    run.used("synthetic", values.tobytes() + labels.tobytes())
    run.say(f"{len(pieces)} pieces of {len({piece.device for piece in pieces})} devices; features …")
    dataset.save(dataset.rows(agent.features, values, labels, run.seed), len(values), run.path("synthetic.npz"))
    seen = [piece.values[:, : split(piece.values)] for piece in pieces]
    dataset.save(site_rows(seen, run.seed), sum(map(len, seen)), run.path("rows.npz"))


def train(run: Run) -> Weights:
    """The refitted weights."""
    start, manifest = shipped()
    run.used(f"detector release {manifest['release']}", (CATALOG / "detector" / "model.onnx").read_bytes())
    synthetic, site = (dataset.load(run.need(name, "data")) for name in ("synthetic.npz", "rows.npz"))
    return fit(start, synthetic, site, run.seed, run.log)


def held_out(run: Run) -> list[tuple[Array, int]]:
    """Features of each piece, with the window from which on it is held out."""
    pieces = hours.read(Path(run.config["site"]))
    return [(agent.features(piece.values), split(piece.values)) for piece in pieces]


def false_alarms(scorer: Scorer, pieces: list[tuple[Array, int]], limit: float) -> int:
    """New alarms in what is held out."""
    raised = [alarms.raised(alarms.pooled(scorer.logits(features)), limit) for features, _ in pieces]
    return sum(at >= start for found, (_, start) in zip(raised, pieces) for at in found)


def calibration(run: Run, scorer: Scorer) -> dict[str, Any]:
    """The limits: rates on synthetic rigs, corrected by what the held-out hours had."""
    prior, pieces = calibrate.synthetic(run, scorer), held_out(run)
    ticks = sum(features.shape[1] - max(start, alarms.WARM_UP) for features, start in pieces)
    return prior | {"site_ticks": ticks, "limits": corrected(prior["limits"], scorer, pieces, ticks)}


def corrected(
    limits: list[tuple[float, float]], scorer: Scorer, pieces: list[tuple[Array, int]], ticks: int
) -> list[tuple[float, float]]:
    """Rates as if the rigs were `PRIOR_WINDOWS` windows of the site, and its own alarms came on top."""
    out: list[tuple[float, float]] = []
    for rate, limit in limits:
        count = false_alarms(scorer, pieces, limit)
        site = (rate * PRIOR_WINDOWS + count) / (PRIOR_WINDOWS + ticks)
        if not out or site > out[-1][0]:
            out.append((site, limit))
    return out


def evaluate(run: Run) -> dict[str, Any]:
    """The refit and the shipped weights on held-out hours: false alarms, and injected faults that are found."""
    start, manifest = shipped()
    found: dict[str, Any] = {}
    limits = json.loads(run.need("limits.json", "export").read_text())
    pieces = held_out(run)
    rng = np.random.default_rng([run.seed, 13])
    faulty = trials(rng, [piece.values for piece in hours.read(Path(run.config["site"]))])
    if not faulty:
        raise SystemExit(f"{run.config['site']}: no piece of the hours is long enough to inject a fault: export more")
    for name, weights, table in (
        ("shipped", start, manifest["detector"]["limits"]),
        ("refit", network.load(run.need("weights.npz", "train")), limits["limits"]),
    ):
        scorer, limit = Scorer(weights), calibrate.limit_at(table, RATE)
        hits = [caught(scorer, features, onset, limit) for features, onset in faulty]
        figures = {"limit": limit, "false_alarms": false_alarms(scorer, pieces, limit), "found": float(np.mean(hits))}
        found[name] = figures
        run.say(f"{name}: {figures}")
    found |= {"windows": limits["site_ticks"], "faults": len(faulty)}
    return found


def trials(rng: np.random.Generator, pieces: list[Array], count: int = TRIALS) -> list[tuple[Array, int]]:
    """Stretches of held-out hours with a fault in one channel: features, and the onset's window."""
    kinds, shares = zip(*FAULTS)
    long_enough = [values for values in pieces if values.shape[1] - AFTER > max(split(values), WATCHED)]
    out: list[tuple[Array, int]] = []
    while long_enough and len(out) < count:
        values = long_enough[int(rng.integers(len(long_enough)))]
        at = int(rng.integers(max(split(values), WATCHED), values.shape[1] - AFTER))
        begin = max(0, at - SPAN)
        part, channel = values[:, begin : at + AFTER].copy(), int(rng.integers(len(values)))
        whole, onset = filled(part[channel]), at - begin
        changed, labels = kinds[int(rng.choice(len(kinds), p=shares))](rng, whole, onset, movement(whole, onset))
        if (labels == 1).any():
            part[channel] = changed
            out.append((agent.features(part), onset))
    return out


def caught(scorer: Scorer, features: Array, onset: int, limit: float) -> bool:
    """Whether a new alarm is raised from the onset on."""
    return any(at >= onset for at in alarms.raised(alarms.pooled(scorer.logits(features)), limit))
