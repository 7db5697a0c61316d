"""Four small networks, averaged: 36-48-24-1 with ReLU, Adam, plain numpy."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from .dataset import Rows
from .synthetic import Array

SIZES = (36, 48, 24, 1)
MEMBERS = 4
EPOCHS = 8
BATCH = 512
RATE = 2e-3
DECAY = 1e-4


@dataclass(frozen=True)
class Weights:
    """Per layer a stack over the members: matrices `[4, in, out]`, biases `[4, 1, out]`, f32."""

    matrices: tuple[Array, ...]
    biases: tuple[Array, ...]
    # Features are limited to what was seen in training, so that nothing is extrapolated, then
    # standardised.
    low: Array
    high: Array
    mean: Array
    scale: Array


# Share of rows beyond each end of a feature's range that is limited.
RARE = 1e-4


def forward(weights: Weights, features: Array) -> Array:
    """Logits `[rows]` of the averaged networks."""
    out = np.empty(len(features), np.float32)
    for start in range(0, len(features), 16384):
        part = np.clip(features[start : start + 16384], weights.low, weights.high)
        hidden = ((part - weights.mean) / weights.scale)[None]
        for layer, (matrix, bias) in enumerate(zip(weights.matrices, weights.biases)):
            hidden = hidden @ matrix + bias
            if layer < len(weights.matrices) - 1:
                hidden = np.maximum(hidden, 0)
        out[start : start + 16384] = hidden.mean(axis=0)[:, 0]
    return out


def train(
    rows: Rows,
    seed: int,
    epochs: int = EPOCHS,
    report: Callable[..., None] | None = None,
    start: Weights | None = None,
    speed: float = RATE,
) -> Weights:
    """Fits the four networks on weighted logistic loss; each sees its own order of the rows.

    `report` is given each epoch's number and loss. Trained weights to `start` from keep the limits of their inputs.
    """
    rng = np.random.default_rng([seed, 4])
    if start:
        low, high = start.low, start.high
    else:
        low, high = np.quantile(rows.features, [RARE, 1 - RARE], axis=0).astype(np.float32)
    features = np.clip(rows.features, low, high)
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-3
    features = (features - mean) / scale
    matrices = [
        (rng.standard_normal((MEMBERS, a, b)) * np.sqrt(2 / a)).astype(np.float32) for a, b in zip(SIZES, SIZES[1:])
    ]
    biases = [np.zeros((MEMBERS, 1, b), np.float32) for b in SIZES[1:]]
    if start:
        # The same function of the inputs as they are standardised here.
        first_layer = start.matrices[0] / start.scale[:, None]
        matrices = [first_layer * scale[:, None], *(m.copy() for m in start.matrices[1:])]
        biases = [start.biases[0] + ((mean - start.mean) @ first_layer)[:, None], *(b.copy() for b in start.biases[1:])]
    parameters = matrices + biases
    first = [np.zeros_like(p) for p in parameters]
    second = [np.zeros_like(p) for p in parameters]
    steps = epochs * (len(features) // BATCH)
    step = 0
    for epoch in range(epochs):
        orders = np.stack([rng.permutation(len(features)) for _ in range(MEMBERS)])
        total = 0.0
        for start in range(0, len(features) - BATCH + 1, BATCH):
            step += 1
            pick = orders[:, start : start + BATCH]
            layers = [features[pick]]
            for layer in range(3):
                out = layers[-1] @ matrices[layer] + biases[layer]
                layers.append(np.maximum(out, 0) if layer < 2 else out)
            logit, label, weight = layers[-1][..., 0], rows.labels[pick], rows.weights[pick]
            chance = 1 / (1 + np.exp(-np.clip(logit, -30, 30)))
            total += float((weight * (np.logaddexp(0, logit) - label * logit)).mean())
            grad = (weight * (chance - label) / BATCH)[..., None].astype(np.float32)
            grads = [None] * 6
            for layer in (2, 1, 0):
                grads[layer] = layers[layer].transpose(0, 2, 1) @ grad
                grads[3 + layer] = grad.sum(axis=1, keepdims=True)
                if layer:
                    grad = (grad @ matrices[layer].transpose(0, 2, 1)) * (layers[layer] > 0)
            rate = speed * 0.5 * (1 + np.cos(np.pi * step / steps))
            for index, (p, g) in enumerate(zip(parameters, grads)):
                first[index] += 0.1 * (g - first[index])
                second[index] += 0.001 * (g * g - second[index])
                update = (first[index] / (1 - 0.9**step)) / (np.sqrt(second[index] / (1 - 0.999**step)) + 1e-8)
                p -= (rate * (update + (DECAY * p if index < 3 else 0))).astype(np.float32)
        if report:
            report(epoch + 1, loss=total / max(1, len(features) // BATCH))
    return Weights(tuple(matrices), tuple(biases), low, high, mean.astype(np.float32), scale.astype(np.float32))


def unstandardised(weights: Weights) -> Weights:
    """The same networks with the standardisation inside their first layer."""
    first = weights.matrices[0] / weights.scale[:, None]
    biases = (weights.biases[0] - (weights.mean @ first)[:, None], *weights.biases[1:])
    zeros, ones = np.zeros_like(weights.mean), np.ones_like(weights.scale)
    return Weights((first, *weights.matrices[1:]), biases, weights.low, weights.high, zeros, ones)


def save(weights: Weights, path: Path) -> None:
    """Writes the weights as NumPy's `.npz`."""
    stacks = {f"{name}_{at}": part for name in ("matrices", "biases") for at, part in enumerate(getattr(weights, name))}
    np.savez(path, **stacks, **{field.name: getattr(weights, field.name) for field in fields(weights)[2:]})


def load(path: Path) -> Weights:
    """What `save` wrote."""
    with np.load(path) as file:
        matrices, biases = (tuple(file[f"{name}_{at}"] for at in range(3)) for name in ("matrices", "biases"))
        return Weights(matrices, biases, *(file[field.name] for field in fields(Weights)[2:]))
