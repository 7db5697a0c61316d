"""The honest protocol, for detectors that the agent cannot run: rolling z-scores, a refit in the making.

Causal; each recording is started cold at several offsets and cut at the labelled end of its last event; an
event counts only if a new alarm is raised inside it. What ships is measured by `lineside eval` by the same rules,
with the agent's clock: there an alarm also waits for samples that come out of order.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .. import agent
from .alarms import WARM_UP, pooled, raised
from .recordings import Recording
from .scorer import Scorer
from .synthetic import Array

OFFSETS = (0, 20, 40, 60, 80, 100)
SOON_S = 60
HOUR_S, DAY_S = 3600, 86_400

Detector = Callable[[Array], list[int]]
"""Rows at which a new alarm is raised, from values `[channels, ticks]`."""


@dataclass
class Tally:
    """Counts over recordings of one rate of sampling."""

    events: int = 0
    found: int = 0
    soon: int = 0
    false: int = 0
    quiet_false: int = 0
    watched_s: float = 0.0
    quiet_s: float = 0.0

    def __post_init__(self):
        self.delays: list[float] = []

    def add(self, recording: Recording, alarms: list[int]) -> None:
        """Counts the alarms of one start."""
        clock, period = recording.clock, recording.period_s
        normal = ~recording.anomalous
        steps = np.diff(clock, prepend=clock[0] - 1) * period
        watched = float(steps[WARM_UP:][normal[WARM_UP:]].sum())
        false = int(normal[alarms].sum()) if alarms else 0
        if not recording.anomalous.any():
            self.quiet_false, self.quiet_s = self.quiet_false + false, self.quiet_s + watched
            return
        self.false, self.watched_s = self.false + false, self.watched_s + watched
        for start, end in recording.events():
            hits = [at for at in alarms if start <= at < end]
            delay = float(clock[hits[0]] - clock[start]) * period if hits else np.inf
            self.events += 1
            self.found += bool(hits)
            self.soon += delay <= SOON_S
            self.delays.append(delay)

    def hourly(self) -> dict[str, float]:
        """The figures of a machine that is sampled every second or so."""
        return {
            "events": self.found / max(self.events, 1),
            "within_60_s": self.soon / max(self.events, 1),
            "median_s": float(np.median(self.delays)) if self.delays else np.inf,
            "false_per_hour_before": self.false / max(self.watched_s / HOUR_S, 1e-9),
            "false_per_hour_normal": self.quiet_false / max(self.quiet_s / HOUR_S, 1e-9),
        }

    def daily(self) -> dict[str, float]:
        """The figures of slow streams: events found, false alarms a day over all streams."""
        days = (self.watched_s + self.quiet_s) / DAY_S
        return {"events": self.found / max(self.events, 1), "false_per_day": (self.false + self.quiet_false) / days}


def score(detector: Detector, recordings: list[Recording], offsets: tuple[int, ...] = OFFSETS) -> Tally:
    """All starts of all recordings."""
    tally = Tally()
    for recording in recordings:
        whole = recording.to_last_event()
        for offset in offsets:
            started = whole.from_row(int(np.searchsorted(whole.clock, offset)))
            tally.add(started, detector(started.values))
    return tally


def scored_by(scorer: Scorer, limit: float) -> Detector:
    """A scorer under the agent's alarm rules."""
    return lambda values: raised(pooled(scorer.logits(agent.features(values))), limit)


def rolling_z(limit: float, window: int = 300, short: int = 10, lag: int = 30) -> Detector:
    """Mean of the last ticks against a longer window before, in its standard deviations; alarms are held and
    cleared as the agent's are."""

    def means(values: Array, length: int) -> Array:
        sums = np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1)
        starts = np.maximum(np.arange(1, values.shape[1] + 1) - length, 0)
        return (sums[:, 1:] - sums[:, starts]) / (np.arange(1, values.shape[1] + 1) - starts)

    def detect(values: Array) -> list[int]:
        filled = values - np.nanmean(values[:, :WARM_UP], axis=1, keepdims=True)
        filled = np.where(np.isnan(filled), 0, filled)
        past = np.pad(filled, ((0, 0), (lag, 0)), mode="edge")[:, : values.shape[1]]
        mean = means(past, window)
        spread = np.sqrt(np.maximum(means(past**2, window) - mean**2, 1e-12))
        z = np.abs(means(filled, short) - mean) / spread
        out, standing, above = [], False, 0
        for index, value in enumerate(z.max(axis=0)):
            above = above + 1 if value > limit else 0
            if index < WARM_UP:
                continue
            if standing:
                standing = above > 0
            elif above:
                standing = True
                out.append(index)
        return out

    return detect
