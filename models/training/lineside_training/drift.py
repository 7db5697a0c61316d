"""`[drift]` of a bundle: how a model's own answers are spread on data that it did not learn from.

A device shows its own answers beside these. They are no reference to raise an alarm by: the data is made up or of other
machines, and being unlike them is not having changed. A model's inputs have none at all, since every machine has units
and habits of its own.
"""

from typing import Any

import numpy as np

Array = np.ndarray
# As many bins of equal shares as say most, and the agent's bins of confidences (`agent/src/drift/answers.rs`).
BINS = 10
CONFIDENCES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


def score(values: Array) -> dict[str, Any]:
    """A detector's scores in normal operation, in bins of equal shares."""
    edges = np.unique(np.round(np.quantile(values, np.arange(1, BINS) / BINS), 3))
    return {"edges": edges.tolist(), "counts": _counts(values, edges)}


def confidence(sure: Array, answered: Array) -> dict[str, Any]:
    """A classifier's confidences in what it answered; the others are its "unknown"."""
    counts = _counts(sure[answered], np.array(CONFIDENCES))
    return {"edges": list(CONFIDENCES), "counts": counts, "abstained": int((~answered).sum())}


def _counts(values: Array, edges: Array) -> list[int]:
    """A value belongs to the first bin whose edge is not below it."""
    return np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1).tolist()
