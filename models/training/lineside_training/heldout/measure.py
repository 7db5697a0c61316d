"""Reads level, deviation, onset and shape from a series as the agent does (`agent/src/incident`).

Written from its documentation and source; only what decides that a small shift takes part (the detector's own logit) is
replaced by two plain contrasts, of the mean and of the movement over sixteen windows.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

BAND = 3.0
RETURN = 3
NOW = 5
SPAN = 16
SPIKE = 10
HISTORY = 600


@dataclass
class Reading:
    """A channel's evidence in windows instead of times; `onset` is None while it takes no part."""

    baseline: float
    now: float | None
    deviation_sd: float | None
    onset: int | None
    shape: str | None


def runs(series: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Windows since the last value, and windows without change, up to each window."""
    index = np.arange(len(series))
    here = ~np.isnan(series)
    missing = index - np.maximum.accumulate(np.where(here, index, -1))
    known = series[here]
    changed = np.concatenate([[True], known[1:] != known[:-1]])
    number = np.arange(len(known))
    flat = np.zeros(len(series), int)
    flat[here] = number - np.maximum.accumulate(np.where(changed, number, 0))
    return missing, flat


def trailing(values: np.ndarray, windows: int) -> np.ndarray:
    """The mean of the usable ones among the last `windows` values, at each place."""
    padded = np.concatenate([np.full(windows - 1, np.nan), values])
    view = sliding_window_view(padded, windows)
    count = np.sum(~np.isnan(view), axis=1)
    return np.where(count > 0, np.nansum(view, axis=1) / np.maximum(count, 1), np.nan)


def left_band(movement: np.ndarray) -> int | None:
    onset, inside = None, 0
    for index in range(len(movement) - 1, -1, -1):
        sd = movement[index]
        if np.isnan(sd):
            continue
        if abs(sd) > BAND:
            onset, inside = index, 0
        else:
            inside += 1
            if inside > RETURN:
                break
    return onset


def left_zero(movement: np.ndarray) -> int | None:
    best: tuple[float, int | None] = (-1.0, None)
    for sign in (1.0, -1.0):
        total, start = 0.0, None
        for index, sd in enumerate(movement):
            if np.isnan(sd):
                continue
            total += float(np.clip(sign * sd, -3.0, 3.0)) - 0.5
            if total > 0:
                start = index if start is None else start
            else:
                total, start = 0.0, None
        if total > best[0]:
            best = (total, start)
    return best[1]


def shape(movement: np.ndarray) -> str:
    x = movement[~np.isnan(movement)]
    outside = np.flatnonzero(np.abs(x) > BAND)
    if len(outside) and outside[-1] - outside[0] < SPIKE and len(x) - 1 - outside[-1] > RETURN:
        return "spike"
    if len(x) < 5:
        return "step"
    t = np.arange(len(x)) - (len(x) - 1) / 2
    mean = x.mean()
    centred = x - mean
    slope = (t @ centred) / (t @ t)
    level_error = centred @ centred
    line_error = max(level_error - slope * (t @ centred), 0.0)
    rise = slope * (len(x) - 1)
    if line_error < 0.5 * level_error and abs(mean + rise / 2) > abs(mean - rise / 2):
        return "ramp"
    crossings = int(np.sum((x[:-1] > mean) != (x[1:] > mean)))
    if np.sqrt(level_error / len(x)) >= 2.0 and crossings >= max(4, len(x) // 20):
        return "oscillation"
    return "step"


class Channel:
    """One channel's series with what is normal for it; `lead` windows at its beginning are normal."""

    def __init__(self, series: np.ndarray, lead: int):
        self.series, self.lead = series, lead
        normal = series[:lead]
        self.baseline = float(np.nanmean(normal))
        spread = float(np.nanstd(normal))
        self.scale = spread if spread > 1e-9 * max(abs(self.baseline), 1.0) else 0.0
        if self.scale:
            self.z = np.clip((series - self.baseline) / self.scale, -1e6, 1e6)
        else:
            away = series - self.baseline
            self.z = np.where(np.abs(away) <= 1e-6 * abs(self.baseline), 0.0, np.sign(away) * 1e6)
        self.missing, self.flat = runs(series)
        known = np.sum(~np.isnan(normal)) >= 30
        ever = max(int(self.missing[:lead].max()), 1), max(int(self.flat[:lead].max()), 1)
        self.dropout = known & (self.missing >= 5) & (self.missing > 4 * ever[0])
        self.stuck = bool(self.scale) & known & (self.flat >= 15) & (self.flat > 4 * ever[1])
        mean, wide = trailing(self.z, NOW), trailing(self.z, SPAN)
        rms = np.sqrt(trailing(self.z**2, SPAN))
        usual = max(float(np.nanstd(wide[SPAN:lead])), 0.1) if self.scale else 1.0
        self.moved = (np.abs(mean) > BAND) | (np.abs(wide) > 6.5 * usual) | (rms > 2.2)
        self.moved &= ~np.isnan(mean)
        self.deviates = self.dropout | self.stuck | self.moved

    def first(self) -> int | None:
        """The first window behind the lead in which it deviates twice in a row."""
        twice = self.deviates[1:] & self.deviates[:-1]
        at = np.flatnonzero(twice[self.lead :])
        return int(at[0]) + self.lead + 1 if len(at) else None

    def read(self, alarm: int) -> Reading:
        """Its part in the episode at the end of the series; the alarm stands since window `alarm`."""
        onset, form = self._follow(alarm)
        active = onset is not None and bool(self.deviates[-1])
        start = max(len(self.series) - (NOW if self.scale else 1), onset if active else 0)
        recent = self.series[start:]
        recent = recent[~np.isnan(recent)]
        now = None if (active and form == "dropout") or not len(recent) else float(recent.mean())
        sd = (now - self.baseline) / self.scale if now is not None and self.scale else None
        return Reading(self.baseline, now, sd, onset, form)

    def _follow(self, alarm: int) -> tuple[int | None, str | None]:
        at = np.flatnonzero(self.deviates[alarm:])
        if not len(at):
            return None, None
        join = int(at[0]) + alarm
        oldest = max(len(self.series) - HISTORY, self.lead - 60)
        silent = "dropout" if self.dropout[join] else "stuck" if self.stuck[join] else None
        if silent:
            onset = join - (self.missing if silent == "dropout" else self.flat)[join] + 1
        else:
            part = self.z[oldest : join + 1]
            found = left_band(part)
            found = left_zero(part) if found is None else found
            onset = join if found is None else oldest + found
        form, look, back = silent, None if silent else join, 0
        for index in range(join + 1, len(self.series)):
            windows = index - join
            if self.dropout[index] or self.stuck[index]:
                form, look, back = "dropout" if self.dropout[index] else "stuck", None, 0
            elif self.moved[index]:
                back = 0
                if windows < SPAN or windows % SPAN == 0 or form in ("stuck", "dropout"):
                    form, look = None, index
            else:
                back += 1
                if index - onset - back <= SPIKE and form not in ("stuck", "dropout") and back > RETURN:
                    form, look = "spike", None
        if look is not None:
            form = shape(self.z[onset : look + 1])
        return int(onset), form
