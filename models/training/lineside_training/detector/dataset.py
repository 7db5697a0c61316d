"""Rows to learn from: features of normal and faulty streams, their labels and weights."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .inject import IGNORE, inject
from .synthetic import Array, missing, normals

# Streams shorter than this hold no history to compare with; the bank's longest memory is 1 200 ticks.
TICKS = 2400
# Rows before this tick are not learned from: the agent raises no alarm while it commissions.
WARM_UP = 250
# A false alarm costs an operator more than a late one: negatives weigh this much more.
NEGATIVE_WEIGHT = 3.0
# Neighbouring ticks say nearly the same; one in this many is kept.
NEGATIVE_STRIDE, POSITIVE_STRIDE = 23, 5

Bank = Callable[[Array], Array]
"""The agent's feature bank: f64 `[streams, ticks]`, NaN missing, to f32 `[streams, ticks, 36]`."""


@dataclass(frozen=True)
class Rows:
    """Features `[rows, 36]` f32, labels `[rows]` 0 or 1, weights `[rows]`."""

    features: Array
    labels: Array
    weights: Array


def streams(seed: int, rigs: int) -> tuple[Array, Array, list[str]]:
    """Normal streams, half of them with a fault: values, labels `[streams, ticks]`, kinds."""
    rng = np.random.default_rng([seed, 2])
    values = normals(seed, rigs, TICKS)
    labels = np.zeros(values.shape, np.int8)
    kinds = ["normal"] * len(values)
    for index in range(len(values)):
        if rng.uniform() < 0.6:
            faulty = inject(rng, values[index])
            values[index], labels[index], kinds[index] = faulty.values, faulty.labels, faulty.kind
        values[index] = missing(rng, values[index])
    return values, labels, kinds


def rows(bank: Bank, values: Array, labels: Array, seed: int) -> Rows:
    """A thinned sample of the rows of labelled streams, bank run in parts to bound memory."""
    rng = np.random.default_rng([seed, 3])
    features, kept = [], []
    for start in range(0, len(values), 128):
        part, marks = bank(values[start : start + 128]), labels[start : start + 128]
        stride = np.where(marks == 1, POSITIVE_STRIDE, NEGATIVE_STRIDE)
        chosen = (rng.uniform(size=marks.shape) < 1 / stride) & (marks != IGNORE)
        chosen[:, :WARM_UP] = False
        features.append(part[chosen])
        kept.append(marks[chosen])
    labels = np.concatenate(kept).astype(np.float32)
    # Undo the unequal thinning, then weigh.
    weights = np.where(labels == 1, POSITIVE_STRIDE, NEGATIVE_STRIDE * NEGATIVE_WEIGHT).astype(np.float32)
    return Rows(np.concatenate(features), labels, weights / weights.mean())


def save(found: Rows, streams: int, path: Path) -> None:
    """Writes rows, with the number of streams that they came from."""
    np.savez(path, **vars(found), streams=streams)


def load(path: Path) -> Rows:
    """What `save` wrote."""
    with np.load(path) as file:
        return Rows(*(file[name] for name in ("features", "labels", "weights")))
