"""How classifiers are scored: plain numpy, the same for every model.

`truth` are class numbers `[rows]`, `chances` probabilities `[rows, classes]`.
"""

from collections.abc import Callable, Sequence

import numpy as np

Array = np.ndarray
BINS = 15
RESAMPLES = 1000


def accuracy(truth: Array, guess: Array) -> float:
    """Share of the rows that were told right."""
    return float(np.mean(np.asarray(truth) == np.asarray(guess)))


def confusion(truth: Array, guess: Array, classes: int) -> Array:
    """Counts `[truth, guess]`."""
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (np.asarray(truth), np.asarray(guess)), 1)
    return counts


def macro_f1(truth: Array, guess: Array, classes: int) -> float:
    """Mean F1 over the classes that occur in either."""
    counts = confusion(truth, guess, classes)
    both = counts.sum(axis=0) + counts.sum(axis=1)
    there = both > 0
    return float(np.mean(2 * np.diag(counts)[there] / both[there]))


def brier(truth: Array, chances: Array) -> float:
    """Mean squared distance to the truth, summed over the classes."""
    return float(np.mean(((chances - np.eye(chances.shape[1])[truth]) ** 2).sum(axis=1)))


def reliability(right: Array, confidence: Array, bins: int = BINS) -> list[tuple[float, float, int]]:
    """For each bin of equal width that holds rows: mean confidence, share right, rows."""
    places = np.clip(np.ceil(np.asarray(confidence) * bins).astype(int) - 1, 0, bins - 1)
    return [
        (float(np.mean(confidence[at])), float(np.mean(right[at])), int(at.sum()))
        for at in (places == place for place in range(bins))
        if at.any()
    ]


def ece(truth: Array, chances: Array, bins: int = BINS) -> float:
    """Expected calibration error of the largest probability."""
    right, confidence = chances.argmax(axis=1) == truth, chances.max(axis=1)
    return sum(rows * abs(sure - share) for sure, share, rows in reliability(right, confidence, bins)) / len(right)


def auroc(positive: Array, score: Array) -> float:
    """Chance that a positive row scores above a negative one, ties half; NaN where one kind is missing."""
    positive, score = np.asarray(positive, bool), np.asarray(score, float)
    ones, zeros = int(positive.sum()), int((~positive).sum())
    if not ones or not zeros:
        return float("nan")
    _, group, sizes = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(sizes) - (sizes - 1) / 2)[group]
    return float((ranks[positive].sum() - ones * (ones + 1) / 2) / (ones * zeros))


def coverage(right: Array, confidence: Array) -> tuple[Array, Array]:
    """Share answered and accuracy among them, from the surest row on; rows of the same confidence come together."""
    order = np.argsort(-np.asarray(confidence), kind="stable")
    sure, hits = np.asarray(confidence)[order], np.cumsum(np.asarray(right)[order])
    ends = np.append(np.flatnonzero(np.diff(sure)), len(sure) - 1)
    return (ends + 1) / len(sure), hits[ends] / (ends + 1)


def coverage_at(right: Array, confidence: Array, wanted: float) -> float:
    """Largest share that can be answered at no less than the `wanted` accuracy."""
    answered, share = coverage(right, confidence)
    enough = answered[share >= wanted]
    return float(enough.max()) if len(enough) else 0.0


def classification(truth: Array, chances: Array) -> dict[str, float]:
    """The figures that every classifier's card has."""
    guess = chances.argmax(axis=1)
    return {
        "accuracy": accuracy(truth, guess),
        "macro_f1": macro_f1(truth, guess, chances.shape[1]),
        "ece": ece(truth, chances),
        "brier": brier(truth, chances),
    }


def by_group(groups: Sequence[str] | Array, right: Array) -> list[tuple[str, int, float]]:
    """For each group: its name, rows, and share right; the worst one first."""
    groups = np.asarray(groups)
    rows = [(str(g), int((groups == g).sum()), float(np.mean(right[groups == g]))) for g in np.unique(groups)]
    return sorted(rows, key=lambda row: (row[2], row[0]))


def interval(
    figure: Callable[[Array], float], rows: int, seed: int = 0, level: float = 0.95, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """Bootstrap interval of a figure of row numbers."""
    rng = np.random.default_rng([seed, 9])
    drawn = [figure(rng.integers(0, rows, rows)) for _ in range(resamples)]
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
