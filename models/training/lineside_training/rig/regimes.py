"""Which operating regimes the training cycles cover: elsewhere a head may be sure and wrong, so it abstains.

A cycle's regime is the level of every channel over a few parts of it, whitened; it is covered when the nearest of
some training cycles is no farther than cycles of unseen groups usually were in training.
"""

from dataclasses import dataclass

import numpy as np

from .cycles import Array
from .features import levels
from .heads import INNER

PARTS, AXES, PROTOTYPES = 4, 6, 96
# Of the training cycles, when their group was left out, this share counts as covered.
COVERED = 0.95


@dataclass(frozen=True)
class Regimes:
    """Whitening of the levels `[levels, AXES]` around `mean`, prototypes `[n, AXES]`, and the distance allowed."""

    mean: Array
    basis: Array
    prototypes: Array
    allowed: float

    def excess(self, values: Array) -> Array:
        """Squared distance to the nearest prototype over the one allowed, less 1: above 0 is not covered."""
        places = (_levels(values) - self.mean) @ self.basis
        return nearest(places, self.prototypes) / self.allowed - 1


def _levels(values: Array) -> Array:
    return levels(values, [PARTS] * values.shape[1])


def nearest(places: Array, prototypes: Array) -> Array:
    """Squared distance to the nearest prototype."""
    return ((places[:, None] - prototypes[None]) ** 2).sum(axis=2).min(axis=1)


def spread_out(places: Array) -> Array:
    """Cycles that are far from each other: each next one is the farthest from those taken."""
    chosen = [int(np.argmin((places**2).sum(axis=1)))]
    distance = ((places - places[chosen[0]]) ** 2).sum(axis=1)
    while len(chosen) < min(PROTOTYPES, len(places)):
        chosen.append(int(np.argmax(distance)))
        distance = np.minimum(distance, ((places - places[chosen[-1]]) ** 2).sum(axis=1))
    return places[chosen]


def fit(values: Array, groups: Array) -> Regimes:
    """The regimes of training cycles."""
    found = _levels(values).astype(float)
    mean, scale = found.mean(axis=0), found.std(axis=0) + 1e-9
    _, sizes, axes = np.linalg.svd((found - mean) / scale, full_matrices=False)
    count = min(AXES, len(sizes))
    basis = (axes[:count].T / scale[:, None]) / (sizes[:count] / np.sqrt(len(found)) + 1e-9)
    places = (found - mean) @ basis
    _, group = np.unique(groups, return_inverse=True)
    left_out = np.concatenate(
        [
            nearest(places[~inside], spread_out(places[inside]))
            for inside in (group % INNER != part for part in range(INNER))
            if inside.any() and not inside.all()
        ]
        or [np.ones(1)]
    )
    return Regimes(mean, basis, spread_out(places), float(np.quantile(left_out, COVERED)) + 1e-9)
