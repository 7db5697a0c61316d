"""The detector's card and golden vectors."""

from typing import Any

import numpy as np

from .. import card
from .scorer import GAIN, Scorer
from .synthetic import Array

TOLERANCE = 1e-4
# Golden cases: numbers of channels, rows taken from the streams.
CASES = (1, 3, 8, 8)


def golden(scorer: Scorer, features: Array, seed: int) -> dict[str, Any]:
    """Golden vectors: inputs from streams and what the scorer makes of them."""
    rng = np.random.default_rng([seed, 6])
    cases = []
    for channels in CASES:
        rows = features[rng.choice(len(features), channels, replace=False)]
        cases.append({"input": rows.tolist(), "output": scorer.logits(rows)[:, None].tolist()})
    return {"tolerance": TOLERANCE, "cases": cases}


def hourly_table(rows: dict[str, dict[str, float]]) -> str:
    """Detectors side by side."""
    header = ("detector", "events", "≤ 60 s", "median", "false/h before", "false/h normal")
    shares, rates = ("events", "within_60_s"), ("false_per_hour_before", "false_per_hour_normal")
    return card.table(
        header,
        [
            (name, *(figures[key] for key in shares), seconds(figures["median_s"]), *(figures[key] for key in rates))
            for name, figures in rows.items()
        ],
    )


def seconds(value: float) -> str:
    """A delay, where there is one."""
    return f"{value:.0f} s" if value < float("inf") else "–"


def limits_table(limits: list[tuple[float, float]]) -> str:
    """The limit for each rate of false alarms."""
    return card.table(("per window", "limit"), [(f"{rate:.1e}", str(limit)) for rate, limit in limits])


def measured(figures: dict[str, Any]) -> str:
    """The part of the card that `evaluate` prints."""
    losses = [
        (
            row["name"],
            row["placements"],
            row["events"],
            f"{row['points_lost']:+.1f} ({row['least']:+.1f} to {row['most']:+.1f})",
            row["within_60_s"],
            row["false_per_hour_normal"],
        )
        for row in figures["robustness"]
    ]
    nab = [(row["name"], row["events"], row["false_per_day"]) for row in figures["nab"]]
    agent = figures["agent"]
    verdict = "\n".join(
        f"- {row['name']}: not behind on either figure and so ahead of {'; '.join(row['beats']) or 'none'}. "
        f"Beaten so by {'; '.join(row['beaten_by']) or 'none'}."
        for row in figures["nab_verdict"]
    )
    return f"""## Figures
Printed by `python -m lineside_training evaluate detector`. SKAB by event, through `lineside eval` (six
starts, each cold, 300 windows to learn); the rolling z-scores by the same rules at fixed starts. "Refitted" is
what a site gets: no file is scored by weights that saw any of it; the limits are the shipped ones. How far a refit
goes was chosen among four settings on these recordings.

{hourly_table(figures["skab"])}
SKAB's recordings perturbed, means over random placements; points of events lost (of 96 trials one is 1.0):

{card.table(("perturbation", "placements", "events", "points lost", "≤ 60 s", "false/h normal"), losses)}
A rate ten times lower cannot be measured there: 110 rows are fewer than are learned from. A channel that
sends once in ten windows is learned from ten times as slowly; the period should be the sensor's own.

ZeMA's hydraulic rig, by the rules of SKAB: 91 changes of a component's state, ten load cycles of a minute before and
after each, and ten hours without a change. Nothing was chosen on it:

{hourly_table(figures["hydraulic"])}
NAB's 56 streams unchanged, a row a tick, 110 labelled windows, beside rolling z-scores:

{card.table(("detector", "events", "false a day"), nab)}
{verdict}

Through the agent, on the machine that packed it (not a board): {agent["p50_us"]} µs for eight channels (median;
95th percentile {agent["p95_us"]} µs), {agent["memory_kib"]} KiB, largest difference from the trained weights
{agent["golden"]["largest_difference"]:.1e}.
"""


def shipped(version: str, rows: int, streams: int, seed: int, calibration: dict[str, Any], figures: str) -> str:
    """The card of the model that ships."""
    return f"""# Detector {version}

Scores every channel of a machine, once per window, against that channel's own history. Input: the
36 features of the agent's bank (`agent/src/detect/bank.rs` lists them); output: one logit per
channel. Any number of channels, any period: units are windows.

## What it is
Four averaged networks (36-48-24-1, 11 908 parameters) plus a fixed part without parameters: the
largest contrast of the channel, discounted where the channel wanders by itself, capped, times
{GAIN}. The networks' inputs are limited to the range seen in training.

## What it was trained on
{streams} synthetic streams (`synthetic.py`: coloured and heavy-tailed noise, random walks,
thermal wandering, seasons, PLC cycles, bursts, shared set-points, quantised and sticky sensors,
missing samples), 60 % with an injected fault (`inject.py`: ramp-steps, drifts, variance changes,
oscillations, stuck sensors, drop-outs, spike trains), {rows} rows. Nothing else: no recording
of a real machine is in the weights. Seed {seed}. A negative weighs three times a positive.

The weight and form of the fixed part, and which alarm rules are used, were chosen while looking at
SKAB `valve1`, NAB and held-out synthetic rigs, one setting for all. So the figures below are
of a zero-shot model, but not of a blind one.

{figures}
False alarms per window on {calibration["ticks"]} windows of held-out synthetic rigs of 1 to 12
channels, which are livelier than most machines, and the limit that gives them:

{limits_table(calibration["limits"])}
`[drift]` in the manifest is how its scores are spread on the same rigs. It is there to be looked at: a machine that
scores otherwise is another machine, not one that has changed. Inputs have no such reference, since every machine has
units of its own.

## What it is not for
Machines with a load cycle of many windows: see the hydraulic rig above. It sees changes, not states: a
machine that is broken from its first window looks normal. A change slower than some ten minutes of
windows at the given period is followed, not reported. It does not say what is wrong.

## Licence
Apache-2.0.
"""


def site(version: str, calibration: dict[str, Any], figures: dict[str, Any]) -> str:
    """The card of a site's refit."""
    rows = [
        (name, figures[name]["limit"], figures[name]["false_alarms"], figures[name]["found"])
        for name in ("shipped", "refit")
    ]
    return f"""# Detector {version}, refitted with a machine's own hours

The shipped detector's weights, moved towards this machine's normal operation. Their card says what the model
is; what follows was measured on the last part of the hours, which the weights did not see: {figures["windows"]}
windows, {figures["faults"]} faults injected into them.

{card.table(("weights", "limit", "false alarms", "injected faults found"), rows)}
Rates per window, from synthetic rigs and the held-out hours, and the limit for each:

{limits_table(calibration["limits"])}
For this machine only: such weights do not transfer to another one. They stay on the site's network.
"""
