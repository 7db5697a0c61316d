"""Writes the bundle: `manifest.toml`, `model.onnx`, `golden.json`, `card.md`."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx

from . import __version__, alarms
from .scorer import GAIN, Scorer
from .synthetic import Array

TOLERANCE = 1e-4
# Golden cases: numbers of channels, rows taken from held-out streams.
CASES = (1, 3, 8, 8)
# What the model may need on the smallest board: weights, plan and buffers; one call for eight channels.
MEMORY_KIB, P95_US = 1024, 1000
# The novelty gate is off: see the card of the release that turns it on.
NOVELTY_RATIO = 0.0


@dataclass(frozen=True)
class Facts:
    """What the card and the manifest tell about a model."""

    version: str
    release: int
    seed: int
    rows: int
    streams: int
    limits: list[tuple[float, float]]
    data_sha256: str
    evaluation: dict[str, float]
    calibrated_ticks: int


def digest(data: bytes) -> str:
    """SHA-256, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def golden(scorer: Scorer, features: Array, seed: int) -> bytes:
    """Golden vectors: inputs from real streams and what the scorer makes of them."""
    rng = np.random.default_rng([seed, 6])
    cases = []
    for channels in CASES:
        rows = features[rng.choice(len(features), channels, replace=False)]
        output = scorer.logits(rows)
        cases.append({"input": [[float(v) for v in row] for row in rows], "output": [[float(v)] for v in output]})
    return json.dumps({"tolerance": TOLERANCE, "cases": cases}).encode()


def manifest(facts: Facts, model: bytes, vectors: bytes) -> str:
    """The manifest's text."""
    limits = ", ".join(f"[{rate:.2e}, {limit}]" for rate, limit in facts.limits)
    figures = "\n".join(f"{key} = {value:.3f}" for key, value in facts.evaluation.items())
    return f"""schema = 1
name = "detector"
version = "{facts.version}"
release = {facts.release}
task = "detect"
licence = "Apache-2.0"
description = "Scores each channel of a machine against its own history; trained on synthetic machines"

[model]
file = "model.onnx"
format = "onnx"
sha256 = "{digest(model)}"
bytes = {len(model)}
input = {{ name = "features", type = "f32", shape = ["channels", 36] }}
output = {{ name = "logit", type = "f32", shape = ["channels", 1] }}

[golden]
file = "golden.json"
sha256 = "{digest(vectors)}"

[card]
file = "card.md"

[budget]
memory_kib = {MEMORY_KIB}
p95_us = {P95_US}

[detector]
# [false alarms per tick, limit], measured on {facts.calibrated_ticks} ticks of held-out synthetic rigs.
limits = [{limits}]
hold = {alarms.HOLD}
clear_margin = {alarms.CLEAR_MARGIN}
past_peaks = {alarms.PAST_PEAKS}
novelty_ratio = {NOVELTY_RATIO}
pooling = {alarms.POOLING}

[evaluation]
{figures}

[provenance]
code = "lineside_training {__version__}"
seed = {facts.seed}
data = [{{ name = "synthetic", sha256 = "{facts.data_sha256}" }}]
"""

def card(facts: Facts) -> str:
    """The card for people."""
    figures = "\n".join(f"| {key} | {value:.3f} |" for key, value in facts.evaluation.items())
    limits = "\n".join(f"| {rate:.1e} | {limit} |" for rate, limit in facts.limits)
    return f"""# Detector {facts.version}

Scores every channel of a machine, once per window, against that channel's own history. Input: the
36 features of the agent's bank (`agent/src/detect/bank.rs` lists them); output: one logit per
channel. Any number of channels, any period: units are windows.

## What it is
Four averaged networks (36-48-24-1, 11 908 parameters) plus a fixed part without parameters: the
largest contrast of the channel, discounted where the channel wanders by itself, capped, times
{GAIN}. The networks' inputs are limited to the range seen in training.

## What it was trained on
{facts.streams} synthetic streams (`synthetic.py`: coloured and heavy-tailed noise, random walks,
thermal wandering, seasons, PLC cycles, bursts, shared set-points, quantised and sticky sensors,
missing samples), 60 % with an injected fault (`inject.py`: ramp-steps, drifts, variance changes,
oscillations, stuck sensors, drop-outs, spike trains), {facts.rows} rows. Nothing else: no recording
of a real machine is in the weights. Seed {facts.seed}; SHA-256 of the streams `{facts.data_sha256}`.
A negative weighs three times a positive.

The weight and form of the fixed part, and which alarm rules are used, were chosen while looking at
SKAB `valve1`, NAB and held-out synthetic rigs, one setting for all. So the SKAB figures below are
of a zero-shot model, but not of a blind one.

## Figures
Printed by `python -m lineside_training detector --data FOLDER …`. SKAB by event: causal, six start offsets, cut at
the labelled end, every file started cold with 300 windows to learn; `lineside eval` is the product's
own measurement.

| figure | value |
|---|---|
{figures}

False alarms per window on {facts.calibrated_ticks} windows of held-out synthetic rigs of 1 to 12
channels, which are livelier than most machines, and the limit that gives them:

| per window | limit |
|---|---|
{limits}

## What it is not for
It sees changes, not states: a machine that is broken from its first window looks normal. A change
slower than some ten minutes of windows at the given period is followed, not reported. It does not
say what is wrong.

## Licence
Apache-2.0.
"""


def write(folder: Path, scorer: Scorer, model: onnx.ModelProto, features: Array, facts: Facts) -> None:
    """Writes the four files, replacing what is there."""
    folder.mkdir(parents=True, exist_ok=True)
    weights, vectors = model.SerializeToString(), golden(scorer, features, facts.seed)
    (folder / "model.onnx").write_bytes(weights)
    (folder / "golden.json").write_bytes(vectors)
    (folder / "manifest.toml").write_text(manifest(facts, weights, vectors), encoding="utf-8")
    (folder / "card.md").write_text(card(facts), encoding="utf-8")
