"""What ships: the learned networks plus a fixed part that needs no learning.

The fixed part is the largest self-normalised contrast of a channel, discounted where the channel
wanders by itself (its *walkness*). On real machines it is hard to beat where a channel is plain
noise around a level; the networks are better everywhere else. They are added in logits, and the
file that ships holds both, so the agent just runs a model.
"""

from dataclasses import dataclass

import numpy as np

from .features import CONTRASTS, WALKNESS
from .synthetic import Array
from .network import Weights, forward

# Logits per unit of contrast. 0.5 to 1 work alike; without it small changes of a plain channel are seen late,
# much above it whatever the networks know about a channel no longer counts.
GAIN = 0.8
# A contrast says no more than this: an early history can be too quiet by chance.
CAP = 12.0
# A channel whose level moves this many times its one-step noise is no longer plain noise …
PLAIN = 0.5
# … and beyond it a contrast is divided by 1 + this times the excess.
DISCOUNT = 2.0


@dataclass(frozen=True)
class Scorer:
    """Networks and the weight of the fixed part."""

    weights: Weights
    gain: float = GAIN

    def logits(self, features: Array) -> Array:
        """Logits of features `[..., 36]`."""
        flat = np.ascontiguousarray(features.reshape(-1, features.shape[-1]))
        return (forward(self.weights, flat) + self.gain * contrast(flat)).reshape(features.shape[:-1])


def contrast(features: Array) -> Array:
    """The discounted contrast, at most `CAP`, of features `[rows, 36]`."""
    largest = np.expm1(np.abs(features[:, CONTRASTS]).max(axis=1))
    squashed = features[:, WALKNESS]
    walkness = np.exp(np.sign(squashed) * np.expm1(np.abs(squashed)))
    return np.minimum(largest / (1 + DISCOUNT * np.maximum(walkness - PLAIN, 0)), CAP)
