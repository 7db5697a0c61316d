"""Makes a channel's series: normal movement, then what a fault does to it, then the resolution of its sensor."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from .plants import Sensor

LEAD = 300


@dataclass
class Push:
    """What a fault does to one channel, `start` windows behind its beginning; `sd` in the channel's normal movement."""

    does: str
    sd: float
    start: int
    form: str


def simulate(rng: np.random.Generator, sensor: Sensor, pushes: list[Push], windows: int) -> np.ndarray:
    """`LEAD` normal windows and `windows` more, in the channel's unit; NaN while it delivers nothing."""
    length = LEAD + windows
    phi = float(rng.choice([0.0, 0.3, 0.6]))
    noise = lfilter([math.sqrt(1 - phi * phi)], [1, -phi], rng.standard_normal(length + 50))[50:]
    t = np.arange(length)
    if rng.random() < 0.3:
        noise = noise + rng.uniform(0.2, 0.6) * np.sin(2 * np.pi * (t / rng.uniform(120, 300) + rng.random()))
    moved = np.zeros(length)
    for push in pushes:
        behind = np.maximum(t - LEAD - push.start, -1) + 1.0
        moved += _movement(rng, push, behind, windows)
        if push.does == "halt":
            noise = np.where(behind > 0, 0.05 * noise, noise)
    values = sensor.level + sensor.sd * (noise + moved)
    step = 10.0 ** math.floor(math.log10(sensor.sd * 0.3))
    values = np.round(values / step) * step
    for push in pushes:
        at = LEAD + push.start
        if push.does == "stuck":
            values[at:] = values[at - 1]
        elif push.does == "silent":
            values[at:] = np.nan
    return values


def _movement(rng: np.random.Generator, push: Push, behind: np.ndarray, windows: int) -> np.ndarray:
    """In standard deviations; `behind` is 0 before the push begins."""
    if push.does in ("up", "down", "halt"):
        sign = 1.0 if push.does == "up" else -1.0
        if push.form == "ramp":
            rise = max((windows - push.start) * rng.uniform(0.75, 1.05), 6.0)
            return sign * push.sd * np.minimum(behind / rise, 1.0)
        return sign * push.sd * (1 - np.exp(-behind / rng.uniform(0.2, 3.0)))
    if push.does == "swing":
        period = rng.uniform(4.5, 13.0)
        return np.where(behind > 0, push.sd * 1.2 * np.sin(2 * np.pi * behind / period), 0.0)
    if push.does == "spikes":
        out = np.zeros(len(behind))
        at = int(np.flatnonzero(behind > 0)[0])
        wide = int(rng.integers(1, 4))
        out[at : at + wide] = push.sd * 1.5 * (1.0 if rng.random() < 0.7 else -1.0)
        return out
    return np.zeros(len(behind))
