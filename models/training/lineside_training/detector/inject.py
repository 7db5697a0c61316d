"""Faults put into normal streams, with honest labels.

A tick is labelled 1 only after the onset and only once the effect exceeds `VISIBLE` of the
stream's own movement; ticks between onset and that moment, and ticks so long after it that a
changed machine is its new normal, are `IGNORE`d: nobody can know what to say there.
"""

from dataclasses import dataclass

import numpy as np

from .synthetic import Array, autoregressive, log_uniform

IGNORE = -1
# Effect, in standard deviations of the stream's own movement, from which it counts as visible.
VISIBLE = 0.8
# Ticks after becoming visible for which an alarm is still wanted.
WANTED = 240
# No fault before this tick: the detector needs a history to compare with.
EARLIEST = 350


@dataclass(frozen=True)
class Injected:
    """A stream with one fault, and its labels (0 normal, 1 fault, -1 ignored) per tick."""

    values: Array
    labels: Array
    kind: str
    onset: int


def movement(values: Array, onset: int) -> float:
    """How much the stream moved around its recent level before the onset."""
    history = values[max(0, onset - 600) : onset]
    clock = np.arange(history.size)
    line = np.polyval(np.polyfit(clock, history, 1), clock)
    return float(np.std(history - line)) + 1e-12


def labels_of(effect: Array, onset: int, visible_from: float = VISIBLE) -> Array:
    """Labels from the size of the effect per tick, in standard deviations."""
    labels = np.zeros(effect.size, np.int8)
    labels[onset:] = IGNORE
    seen = np.flatnonzero(np.abs(effect[onset:]) >= visible_from)
    if seen.size:
        first = onset + seen[0]
        window = slice(first, first + WANTED)
        labels[window] = np.where(np.abs(effect[window]) >= visible_from, 1, IGNORE)
    return labels


def ramp_step(rng, values, onset, sd):
    """The level moves to a new one within 1 to 300 ticks."""
    size = rng.choice([-1, 1]) * log_uniform(rng, 0.9, 8)
    length = log_uniform(rng, 10, 300) if rng.uniform() < 0.8 else 1.0
    course = np.clip((np.arange(values.size) - onset) / length, 0, 1)
    if rng.uniform() < 0.3:
        course = course**2 * (3 - 2 * course)
    effect = size * course
    return values + sd * effect, labels_of(effect, onset)


def drift(rng, values, onset, sd):
    """The level leaves and keeps going."""
    slope = rng.choice([-1, 1]) * log_uniform(rng, 0.008, 0.08)
    effect = slope * np.maximum(np.arange(values.size) - onset, 0)
    return values + sd * effect, labels_of(effect, onset)


def variance_change(rng, values, onset, sd):
    """The signal becomes clearly noisier."""
    gain = log_uniform(rng, 1.5, 5)
    extra = autoregressive(rng, values.size, log_uniform(rng, 0.2, 3)) * sd * gain
    after = np.arange(values.size) >= onset
    labels = labels_of(np.where(after, gain, 0.0), onset)
    labels[onset : onset + 8] = IGNORE  # a variance is not seen in a few samples
    return np.where(after, values + extra, values), labels


def stuck(rng, values, onset, sd):
    """The sensor repeats one value."""
    out = values.copy()
    out[onset:] = values[onset - 1]
    # It stands out only against how long the sensor normally repeats itself.
    longest, run = 1, 1
    for a, b in zip(values[:onset], values[1:onset]):
        run = run + 1 if a == b else 1
        longest = max(longest, run)
    patience = int(np.clip(4 * longest, 20, 400))
    labels = np.zeros(values.size, np.int8)
    labels[onset:] = IGNORE
    labels[onset + patience : onset + patience + WANTED] = 1
    return out, labels


def dropout(rng, values, onset, sd):
    """The sensor falls silent (NaN)."""
    out = values.copy()
    length = int(log_uniform(rng, 80, 600))
    out[onset : onset + length] = np.nan
    labels = np.zeros(values.size, np.int8)
    labels[onset:] = IGNORE
    labels[onset + 45 : onset + min(length, WANTED)] = 1
    return out, labels


def oscillation(rng, values, onset, sd):
    """A swing of a period that was not there before."""
    size, period = log_uniform(rng, 1.5, 8), log_uniform(rng, 4, 80)
    clock = np.arange(values.size) - onset
    effect = size * np.sin(2 * np.pi * clock / period) * np.clip(clock / period, 0, 1)
    labels = labels_of(np.where(clock > period / 2, size, 0.0) * np.clip(clock / period, 0, 1), onset)
    return values + sd * effect, labels


def spikes(rng, values, onset, sd):
    """A train of spikes."""
    gap, size = log_uniform(rng, 3, 15), rng.choice([-1, 1]) * log_uniform(rng, 5, 15)
    hit = (rng.uniform(size=values.size) < 1 / gap) & (np.arange(values.size) >= onset)
    labels = np.zeros(values.size, np.int8)
    labels[onset:] = IGNORE
    count = np.cumsum(hit)
    if count[-1] >= 2:
        first = int(np.searchsorted(count, 2))
        labels[first : first + WANTED] = 1
    return values + sd * size * hit, labels


# Kind, share of the faults.
FAULTS = [
    (ramp_step, 0.52),
    (drift, 0.17),
    (variance_change, 0.09),
    (oscillation, 0.07),
    (stuck, 0.06),
    (dropout, 0.04),
    (spikes, 0.05),
]


def inject(rng: np.random.Generator, values: Array) -> Injected:
    """Puts one random fault into a normal stream (1-d, no missing samples)."""
    onset = int(log_uniform(rng, EARLIEST, values.size - 100))
    fault = FAULTS[rng.choice(len(FAULTS), p=[share for _, share in FAULTS])][0]
    changed, labels = fault(rng, values, onset, movement(values, onset))
    return Injected(changed, labels, fault.__name__, onset)
