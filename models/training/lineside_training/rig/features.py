"""What a head sees of a cycle: levels, or shapes. Both are cheap, and the same arithmetic in numpy and ONNX.

*Levels* are means over equal parts of the cycle. *Shapes* are random convolutions of several dilations, each
pooled to its mean above a threshold, over the cycle and its first half, and its peak: a convolutional
network whose filters are drawn and not learned, so that a closed-form fit is all the training there is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .cycles import TICKS, Array

FILTERS, WIDTH, DILATIONS = 60, 9, (1, 2, 4, 8, 16)
# Share of a filter's channels that it looks at.
DENSITY = 0.6
# A threshold lies at a random quantile of what its filter gives, told on this many cycles.
SAMPLE, LOWEST, HIGHEST = 16, 0.1, 0.9


@dataclass(frozen=True)
class Shapes:
    """Filters per dilation `[FILTERS, channels, WIDTH]`, thresholds `[FILTERS]`, and the channels' scale."""

    filters: tuple[Array, ...]
    thresholds: tuple[Array, ...]
    mean: Array
    scale: Array


def levels(values: Array, parts: Sequence[int]) -> Array:
    """Means of values `[cycles, channels, TICKS]` over so many equal parts of each channel, one behind the other."""
    cut = [values[:, at].reshape(len(values), count, TICKS // count) for at, count in enumerate(parts)]
    return np.concatenate([channel.mean(axis=2) for channel in cut], axis=1)


def draw(values: Array, seed: int) -> Shapes:
    """Filters for these channels; scales and thresholds come from the cycles given."""
    rng = np.random.default_rng([seed, 21])
    mean, scale = values.mean(axis=(0, 2)), values.std(axis=(0, 2)) + 1e-6
    few = (values[:: max(1, len(values) // SAMPLE)] - mean[:, None]) / scale[:, None]
    filters, thresholds = [], []
    for dilation in DILATIONS:
        weights = rng.standard_normal((FILTERS, values.shape[1], WIDTH)).astype(np.float32)
        weights -= weights.mean(axis=2, keepdims=True)
        weights *= rng.uniform(size=(FILTERS, values.shape[1], 1)) < DENSITY
        found = convolved(few, weights, dilation)
        quantiles = rng.uniform(LOWEST, HIGHEST, FILTERS)
        thresholds.append(np.array([np.quantile(found[:, at], q) for at, q in enumerate(quantiles)], np.float32))
        filters.append(weights)
    return Shapes(tuple(filters), tuple(thresholds), mean.astype(np.float32), scale.astype(np.float32))


def convolved(values: Array, weights: Array, dilation: int) -> Array:
    """`[cycles, FILTERS, TICKS]`, zeros beyond the ends."""
    import torch

    pad = (WIDTH - 1) // 2 * dilation
    inputs = torch.from_numpy(np.ascontiguousarray(values, np.float32))
    return torch.nn.functional.conv1d(inputs, torch.from_numpy(weights), dilation=dilation, padding=pad).numpy()


def shapes(drawn: Shapes, values: Array) -> Array:
    """Features `[cycles, 3 * FILTERS * dilations]` of values `[cycles, channels, TICKS]`."""
    scaled = (values - drawn.mean[:, None]) / drawn.scale[:, None]
    out = []
    for weights, threshold, dilation in zip(drawn.filters, drawn.thresholds, DILATIONS):
        found = convolved(scaled, weights, dilation) - threshold[:, None]
        above = np.maximum(found, 0)
        out += [above.mean(axis=2), above[:, :, : TICKS // 2].mean(axis=2), found.max(axis=2)]
    return np.concatenate(out, axis=1)
