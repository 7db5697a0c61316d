"""The table in the manifest: which limit gives how many false alarms on streams nobody trained on."""

from typing import Any

import numpy as np

from .. import agent, drift
from ..run import Run
from .alarms import WARM_UP, pooled, raised
from .dataset import Bank
from .scorer import Scorer
from .synthetic import Array, missing, rig

# Rigs of every size up to this, so that the limit holds for small and large devices.
MOST_CHANNELS = 12
# Long, because a device runs for months: the alarm layer learns from its past for 5 000 ticks, and a
# young device's rate, about twice as high, is not what the operator's setting means.
TICKS = 20_000
LIMITS = np.concatenate([np.arange(0.5, 3, 0.25), np.arange(3, 10.1, 0.5)])
# A rate is not stated on fewer alarms than this.
ENOUGH = 5
# Ticks between scores that count as independent.
INTERVAL = 900
# Neighbouring points differ at least by this factor.
RATE_STEP = 1.1


def synthetic(run: Run, scorer: Scorer) -> dict[str, Any]:
    """The table on as many held-out synthetic rigs as the configuration says, and the ticks behind it."""
    scores = held_out(scorer, agent.features, run.seed, run.config["calibration_rigs"])
    ticks = sum(len(s) - WARM_UP for s in scores)
    few = np.concatenate([s[WARM_UP::INTERVAL] for s in scores])
    return {"ticks": ticks, "limits": table(scores), "score": drift.score(few)}


def held_out(scorer: Scorer, bank: Bank, seed: int, rigs: int) -> list[Array]:
    """Pooled scores per tick of normal rigs."""
    rng = np.random.default_rng([seed, 5])
    scores = []
    for _ in range(rigs):
        values = rig(rng, TICKS, int(rng.integers(1, MOST_CHANNELS + 1)))
        values = np.stack([missing(rng, channel) for channel in values])
        scores.append(pooled(scorer.logits(bank(values))))
    return scores


def table(scores: list[Array]) -> list[tuple[float, float]]:
    """`(false alarms per tick, limit)`, by rising rate; only what enough alarms stand behind."""
    ticks = sum(len(s) - WARM_UP for s in scores)
    points = []
    for limit in LIMITS[::-1]:
        count = sum(len(raised(s, float(limit))) for s in scores)
        if count >= ENOUGH and (not points or count / ticks > points[-1][0] * RATE_STEP):
            points.append((count / ticks, float(limit)))
    return points


def limit_at(points: list[tuple[float, float]], rate: float) -> float:
    """The limit that gives `rate` false alarms per tick, as the agent reads the table."""
    rates, limits = zip(*points)
    return float(np.interp(np.log(rate), np.log(rates), limits))
