"""The scorer: one small network that every row goes through, so that no mode has weights of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from .sets import Rows

Array = np.ndarray
HIDDEN = (48, 24)
BATCH = 256
RATE, DECAY = 3e-3, 1e-4
# Inputs are limited to so many standard deviations: a case unlike all others must not leave the known range.
LIMIT = 5.0


@dataclass(frozen=True)
class Weights:
    """Averaged networks: by layer `[members, in, out]` and `[members, out]`, with the inputs' mean and scale."""

    mean: Array
    scale: Array
    matrices: tuple[Array, ...]
    biases: tuple[Array, ...]

    def logits(self, features: Array) -> Array:
        """Logits `[…, rows]` of rows `[…, rows, features]`; minus infinity where a row is NaN."""
        there = ~np.isnan(features[..., 0])
        x = np.clip((np.nan_to_num(features.astype(np.float32)) - self.mean) / self.scale, -LIMIT, LIMIT)
        total = np.zeros(features.shape[:-1], np.float32)
        members = len(self.matrices[0])
        for member in range(members):
            hidden = x
            for layer, (matrix, bias) in enumerate(zip(self.matrices, self.biases)):
                hidden = hidden @ matrix[member] + bias[member]
                if layer < len(self.matrices) - 1:
                    hidden = np.maximum(hidden, 0)
            total += hidden[..., 0] / members
        return np.where(there, total, -np.inf)

    def save(self, path: Path) -> None:
        """As a NumPy archive."""
        matrices = {f"matrix_{i}": matrix for i, matrix in enumerate(self.matrices)}
        biases = {f"bias_{i}": bias for i, bias in enumerate(self.biases)}
        np.savez(path, mean=self.mean, scale=self.scale, **matrices, **biases)

    @classmethod
    def load(cls, path: Path) -> "Weights":
        """From a NumPy archive."""
        with np.load(path) as file:
            layers = range(len(HIDDEN) + 1)
            matrices, biases = (tuple(file[f"{name}_{i}"] for i in layers) for name in ("matrix", "bias"))
            return cls(file["mean"], file["scale"], matrices, biases)


def train(rows: Rows, seed: int, members: int, epochs: int, smoothing: float, report: Callable[..., None]) -> Weights:
    """Fits the networks one after the other, each with a seed of its own."""
    torch.set_num_threads(1)
    flat = rows.features[:: max(1, len(rows.target) // 4000)].astype(np.float32)
    flat = flat[~np.isnan(flat[..., 0])]
    mean, scale = flat.mean(axis=0), np.maximum(flat.std(axis=0), 0.05)
    fitted = [_member(rows, mean, scale, seed * 100 + member, epochs, smoothing, report) for member in range(members)]
    layers = range(len(HIDDEN) + 1)
    matrices = tuple(np.stack([network[2 * i].weight.detach().numpy().T for network in fitted]) for i in layers)
    biases = tuple(np.stack([network[2 * i].bias.detach().numpy() for network in fitted]) for i in layers)
    return Weights(mean, scale, matrices, biases)


def likelihood(chances: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Log-probability `[cases]` that one of the right rows `[cases, 2]` is said, from log-probabilities by row. Two faults
    share what there is to give: neither is wrong."""
    own = chances.gather(1, truth)
    one = truth[:, 0] == truth[:, 1]
    return torch.where(one, own[:, 0], torch.logsumexp(own, dim=1))


def _member(
    rows: Rows, mean: Array, scale: Array, seed: int, epochs: int, smoothing: float, report: Callable[..., None]
) -> torch.nn.Sequential:
    torch.manual_seed(seed)
    widths = (len(mean), *HIDDEN, 1)
    layers: list[torch.nn.Module] = []
    for wide, narrow in zip(widths, widths[1:]):
        layers += [torch.nn.Linear(wide, narrow), torch.nn.ReLU()]
    network = torch.nn.Sequential(*layers[:-1])
    centre, spread = torch.from_numpy(mean), torch.from_numpy(scale)
    features, target = torch.from_numpy(rows.features), torch.from_numpy(rows.target)
    steps = epochs * (len(target) // BATCH)
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps, pct_start=0.1)
    shuffle = torch.Generator().manual_seed(seed)
    for epoch in range(epochs):
        order, losses, right = torch.randperm(len(target), generator=shuffle), [], 0
        for start in range(0, len(order) - BATCH + 1, BATCH):
            chosen = order[start : start + BATCH]
            batch, truth = features[chosen].float(), target[chosen]
            there = ~torch.isnan(batch[..., 0])
            inputs = ((torch.nan_to_num(batch) - centre) / spread).clamp(-LIMIT, LIMIT)
            logits = torch.full(there.shape, -torch.inf)
            logits[there] = network(inputs[there]).squeeze(-1)
            chances = torch.log_softmax(logits, dim=-1)
            own = likelihood(chances, truth)
            # Smoothing over the rows that are there: a logit of minus infinity would be an infinite loss.
            spread_out = torch.where(there, chances, 0.0).sum(dim=1) / there.sum(dim=1)
            loss = -((1 - smoothing) * own + smoothing * spread_out).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            losses.append(float(loss.detach()))
            right += int((logits.argmax(dim=1)[:, None] == truth).any(dim=1).sum())
        report(step=epoch, loss=float(np.mean(losses)), accuracy=right / (len(losses) * BATCH), member=seed)
    return network
