"""One head a label: balanced ridge regression in closed form, on the rank of the class where classes have an order.

An ordinal head says one number, another one a vote a class. A logistic regression on what is said of cycles whose
groups were left out in training makes it logits, whose softmax is a probability.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

from .cycles import Array
from .features import Shapes, draw, levels, shapes

# A feature counts at most so many of its deviations in training: no extrapolation without end.
LIMIT = 6.0
# Groups of the inner split that tells how far a head is off.
INNER = 4
# Inverse penalty of the logistic regression on what heads say, and the logit of a class that was not there.
CALIBRATION, NEVER = 100.0, -30.0


@dataclass(frozen=True)
class Look:
    """One way of looking at a cycle: channels by number, `level` with so many parts of each or `shape`; whether the
    squares of the features stand beside them."""

    channels: tuple[int, ...]
    kind: str
    parts: tuple[int, ...]
    squares: bool


@dataclass(frozen=True)
class Wish:
    """What a head is made of: it says the mean of what it says by each look."""

    looks: tuple[Look, ...]
    penalty: float
    ordinal: bool


@dataclass(frozen=True)
class Eye:
    """A look with the filters that it has drawn, if it wants any."""

    look: Look
    shapes: Shapes | None

    def features(self, values: Array) -> Array:
        """What is seen of cycles."""
        chosen = values[:, list(self.look.channels)]
        found = shapes(self.shapes, chosen) if self.shapes else levels(chosen, self.look.parts)
        found = found.astype(np.float64)
        return np.hstack([found, found**2]) if self.look.squares else found


def eye(look: Look, values: Array, seed: int) -> Eye:
    """Filters fit the training cycles."""
    return Eye(look, draw(values[:, list(look.channels)], seed) if look.kind == "shape" else None)


@dataclass(frozen=True)
class Head:
    """Weights on standardised features, and how answers become logits: `slopes` `[answers, classes]`, `offsets`."""

    wish: Wish
    eyes: tuple[Eye, ...]
    mean: Array
    scale: Array
    weights: Array
    bias: Array
    slopes: Array
    offsets: Array

    @property
    def classes(self) -> int:
        """How many there are."""
        return len(self.offsets)

    def features(self, values: Array) -> Array:
        """What it sees of cycles."""
        return np.hstack([eye.features(values) for eye in self.eyes])

    def answers(self, features: Array) -> Array:
        """Ranks `[cycles, 1]` or votes `[cycles, classes]`."""
        return np.clip((features - self.mean) / self.scale, -LIMIT, LIMIT) @ self.weights + self.bias

    def logits(self, features: Array) -> Array:
        """A logit a class."""
        return self.answers(features) @ self.slopes + self.offsets


def chances(logits: Array) -> Array:
    """Softmax."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def fit(
    wish: Wish, eyes: tuple[Eye, ...], seen: list[Array], truth: Array, classes: int, groups: Array
) -> Head:
    """Fits a head to what its eyes have seen; `groups` are what an inner split keeps together to tell how far off the
    head is on unseen ones."""
    features = np.hstack(seen)
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-9
    rows = np.clip((features - mean) / scale, -LIMIT, LIMIT)
    ends = np.cumsum([part.shape[1] for part in seen])[:-1]
    target = truth[:, None].astype(float) if wish.ordinal else np.eye(classes)[truth]

    def solved(at: Array) -> tuple[Array, Array]:
        """The mean of the looks' ridges is a line through all features, too."""
        balanced = balance(truth[at])
        found = [ridge(part, target[at], balanced, wish.penalty) for part in np.split(rows[at], ends, axis=1)]
        weights, biases = zip(*found)
        return np.vstack(weights) / len(found), np.mean(biases, axis=0)

    _, places = np.unique(groups, return_inverse=True)
    told, true = [], []
    for part in range(INNER):
        inside = places % INNER != part
        if inside.all() or not inside.any():
            continue
        weights, bias = solved(inside)
        told.append(rows[~inside] @ weights + bias)
        true.append(truth[~inside])
    weights, bias = solved(np.ones(len(rows), bool))
    if not told:
        told, true = [rows @ weights + bias], [truth]
    slopes, offsets = calibrated(np.concatenate(told), np.concatenate(true), classes)
    return Head(wish, eyes, mean, scale, weights, bias, slopes, offsets)


def calibrated(answers: Array, truth: Array, classes: int) -> tuple[Array, Array]:
    """Slopes and offsets under which the truth was likeliest, every class counting the same."""
    slopes, offsets = np.zeros((answers.shape[1], classes)), np.full(classes, NEVER)
    there = np.unique(truth)
    offsets[there] = 0
    if len(there) > 1:
        made = LogisticRegression(C=CALIBRATION, max_iter=1000).fit(answers, truth, sample_weight=balance(truth))
        # Of two classes, the logit of the second over the first is all that there is.
        told = there if len(there) > 2 else there[1:]
        slopes[:, told], offsets[told] = made.coef_.T, made.intercept_
    return slopes, offsets


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
