"""One head a label: balanced ridge regression in closed form, on the rank of the class where classes have an order.

An ordinal head says one number; each class's logit falls with the squared distance to what the head says of such
cycles when their groups are left out in training, in units of how far off it is then, so that the softmax is a
probability. Classes without an order get a regression each.
"""

from dataclasses import dataclass

import numpy as np

from .cycles import Array
from .features import Shapes, draw, levels, shapes

# A feature counts at most so many of its deviations in training: no extrapolation without end.
LIMIT = 6.0
# Groups of the inner split that tells how far a head is off.
INNER = 4
# Spreads to choose from, in ranks or votes.
SPREADS = (0.08, 0.1, 0.13, 0.16, 0.2, 0.25, 0.32, 0.4, 0.5, 0.7, 1.0)


@dataclass(frozen=True)
class Wish:
    """What a head is made of: its channels by number, `level` with so many parts or `shape`, the penalty."""

    channels: tuple[int, ...]
    kind: str
    parts: int
    penalty: float
    ordinal: bool


@dataclass(frozen=True)
class Head:
    """Weights on standardised features; `centres` are what an ordinal head says of each class, `spread` how far an
    answer is usually off, in ranks or in votes."""

    wish: Wish
    shapes: Shapes | None
    mean: Array
    scale: Array
    weights: Array
    bias: Array
    centres: Array
    spread: float

    @property
    def classes(self) -> int:
        """How many there are."""
        return len(self.centres)

    def answers(self, features: Array) -> Array:
        """Ranks `[cycles, 1]` or votes `[cycles, classes]`."""
        return np.clip((features - self.mean) / self.scale, -LIMIT, LIMIT) @ self.weights + self.bias

    def logits(self, features: Array) -> Array:
        """A logit a class."""
        return logits_of(self.answers(features), self.wish.ordinal, self.centres, self.spread)


def logits_of(answers: Array, ordinal: bool, centres: Array, spread: float) -> Array:
    """Ranks or votes as a logit a class."""
    if not ordinal:
        return answers / spread
    return -((answers - centres) ** 2) / (2 * spread**2)


def chances(logits: Array) -> Array:
    """Softmax."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def features_of(wish: Wish, drawn: Shapes | None, values: Array) -> Array:
    """What a head of this kind sees."""
    chosen = values[:, list(wish.channels)]
    return (shapes(drawn, chosen) if drawn else levels(chosen, wish.parts)).astype(np.float64)


def prepared(wish: Wish, values: Array, seed: int) -> tuple[Shapes | None, Array]:
    """Filters that fit the training cycles, where the head wants them, and the features."""
    drawn = draw(values[:, list(wish.channels)], seed) if wish.kind == "shape" else None
    return drawn, features_of(wish, drawn, values)


def fit(wish: Wish, drawn: Shapes | None, features: Array, truth: Array, classes: int, groups: Array) -> Head:
    """Fits a head; `groups` are what an inner split keeps together to see how far off the head is on unseen ones."""
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-9
    rows = np.clip((features - mean) / scale, -LIMIT, LIMIT)
    target = truth[:, None].astype(float) if wish.ordinal else np.eye(classes)[truth]
    _, places = np.unique(groups, return_inverse=True)
    told, true = [], []
    for part in range(INNER):
        inside = places % INNER != part
        if inside.all() or not inside.any():
            continue
        weights, bias = ridge(rows[inside], target[inside], balance(truth[inside]), wish.penalty)
        told.append(rows[~inside] @ weights + bias)
        true.append(truth[~inside])
    centres, spread = np.arange(classes, dtype=float), SPREADS[-1]
    if told:
        centres, spread = calibrated(np.concatenate(told), np.concatenate(true), wish.ordinal, centres)
    weights, bias = ridge(rows, target, balance(truth), wish.penalty)
    return Head(wish, drawn, mean, scale, weights, bias, centres, spread)


def calibrated(answers: Array, truth: Array, ordinal: bool, ranks: Array) -> tuple[Array, float]:
    """Where the answers of each class lie, in its order, and the spread under which the truth was likeliest."""
    means = np.array([np.median(answers[truth == rank]) if (truth == rank).any() else rank for rank in ranks])
    centres = np.maximum.accumulate(means) if ordinal else ranks

    def surprise(spread: float) -> float:
        chance = chances(logits_of(answers, ordinal, centres, spread))
        return float(-np.log(chance[np.arange(len(truth)), truth] + 1e-12).mean())

    return centres, min(SPREADS, key=surprise)


def balance(truth: Array) -> Array:
    """A weight a cycle, so that every class counts the same."""
    _, at, counts = np.unique(truth, return_inverse=True, return_counts=True)
    weights = 1 / counts[at]
    return weights / weights.mean()


def ridge(rows: Array, target: Array, weights: Array, penalty: float) -> tuple[Array, Array]:
    """Weights `[features, answers]` and bias of weighted ridge regression, solved on the smaller side."""
    share = weights[:, None] / weights.sum()
    centre, middle = (share * target).sum(axis=0), (share * rows).sum(axis=0)
    rows = rows - middle
    count, width = rows.shape
    if width <= count:
        gram = (rows * weights[:, None]).T @ rows / count
        right = (rows * weights[:, None]).T @ (target - centre) / count
        found = np.linalg.solve(gram + penalty * np.eye(width), right)
    else:
        inner = rows @ rows.T / count + penalty * np.diag(1 / weights)
        found = rows.T @ np.linalg.solve(inner, target - centre) / count
    return found, centre - middle @ found
