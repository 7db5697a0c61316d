"""Pairs as tokens, and batches of texts of about the same length: little of a batch is padding."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

# Batches whose texts are sorted by length among themselves.
POOL = 64
# In the first epochs only the shortest texts are read: which mark belongs to which name is learnt sooner among few.
SHORT, SHORT_EPOCHS = 1 / 3, 2


@dataclass(frozen=True)
class Texts:
    """Prompts and answers one behind the other: `tokens` of all, where each text ends, and how long its prompt is."""

    tokens: np.ndarray
    ends: np.ndarray
    prompts: np.ndarray

    @classmethod
    def of(cls, pairs: list[tuple[list[int], list[int]]]) -> "Texts":
        """Of prompts and answers as tokens."""
        tokens = np.concatenate([np.array(prompt + answer, np.uint16) for prompt, answer in pairs])
        ends = np.cumsum([len(prompt) + len(answer) for prompt, answer in pairs])
        return cls(tokens, ends, np.array([len(prompt) for prompt, _ in pairs]))

    def save(self, file: Path) -> None:
        """Writes it."""
        np.savez(file, tokens=self.tokens, ends=self.ends, prompts=self.prompts)

    @classmethod
    def load(cls, file: Path) -> "Texts":
        """Reads it."""
        held = np.load(file)
        return cls(held["tokens"], held["ends"], held["prompts"])

    def __len__(self) -> int:
        return len(self.ends)

    def text(self, at: int) -> np.ndarray:
        """Prompt and answer."""
        return self.tokens[self.ends[at - 1] if at else 0 : self.ends[at]]

    def lengths(self) -> np.ndarray:
        """Of each text."""
        return np.diff(self.ends, prepend=0)


@dataclass(frozen=True)
class Batch:
    """`tokens` `[texts, length]`, and where an answer's token is to be foretold from the one before."""

    tokens: torch.Tensor
    answer: torch.Tensor


def batch(texts: Texts, rows: np.ndarray) -> Batch:
    """Of these texts; filled up at the end, where nothing looks."""
    length = int(texts.lengths()[rows].max())
    tokens = np.zeros((len(rows), length), np.int64)
    answer = np.zeros((len(rows), length - 1), bool)
    for at, row in enumerate(rows):
        text = texts.text(row)
        tokens[at, : len(text)] = text
        answer[at, texts.prompts[row] - 1 : len(text) - 1] = True
    return Batch(torch.from_numpy(tokens), torch.from_numpy(answer))


def plan(texts: Texts, tokens: int, seed: int, epoch: int) -> list[np.ndarray]:
    """The texts of each batch of an epoch; a batch has at most so many tokens with its padding."""
    random = np.random.default_rng([seed, epoch])
    lengths = texts.lengths()
    order = np.argsort(lengths, kind="stable")
    order = random.permutation(order[: math.ceil(len(order) * SHORT)] if epoch < SHORT_EPOCHS else order)
    pool = max(1, POOL * tokens // max(1, int(lengths.mean())))
    found: list[np.ndarray] = []
    for start in range(0, len(order), pool):
        rows = order[start : start + pool]
        rows = rows[np.argsort(lengths[rows], kind="stable")]
        first = 0
        for at in range(len(rows)):
            if (at + 1 - first) * lengths[rows[at]] > tokens and at > first:
                found.append(rows[first:at])
                first = at
        found.append(rows[first:])
    return [found[at] for at in random.permutation(len(found))]


def stream(texts: Texts, tokens: int, seed: int, skip: int = 0) -> Iterator[Batch]:
    """Batches without end, epoch by epoch; `skip` leaves out those that were seen."""
    epoch = 0
    while True:
        for rows in plan(texts, tokens, seed, epoch):
            if skip:
                skip -= 1
                continue
            yield batch(texts, rows)
        epoch += 1
