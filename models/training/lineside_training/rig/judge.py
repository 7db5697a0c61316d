"""How good a recipe is on what it has not seen: combinations of states, blocks of time, assets.

Never a random split: neighbouring cycles are nearly the same. Beside each head: the most frequent class, a rule
on the best single feature, and linear discriminant analysis on levels.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.model_selection import GroupKFold

from .. import scores
from . import regimes
from .cycles import Array, Cycles
from .features import levels
from .heads import Eye, Head, Look, Wish, chances, eye, fit

COMBINATION_FOLDS, TIME_BLOCKS = 5, 10
# Parts of a cycle that the baselines see.
BASELINE_PARTS = 6
ACCURATE = 0.975


@dataclass(frozen=True)
class Answers:
    """Per head the probabilities `[cycles, classes]` of cycles that the head did not see, and what is covered."""

    chances: dict[str, Array]
    baselines: dict[str, dict[str, Array]]
    excess: Array


def combinations(cycles: Cycles) -> Array:
    """The number of each cycle's combination of states."""
    return np.unique(np.stack(list(cycles.heads.values()), axis=1), axis=0, return_inverse=True)[1].ravel()


def splits(cycles: Cycles) -> dict[str, list[tuple[Array, Array]]]:
    """Training and test cycles of every fold, by what is unseen in the test."""
    count, combination = len(cycles.values), combinations(cycles)
    out = {}
    if (found := len(np.unique(combination))) > 1:
        folds = GroupKFold(min(COMBINATION_FOLDS, found))
        out["unseen combination"] = list(folds.split(np.zeros(count), groups=combination))
    blocks = min(TIME_BLOCKS, count // 2)
    block = np.arange(count) * blocks // count
    out["unseen time block"] = [(np.flatnonzero(block != at), np.flatnonzero(block == at)) for at in range(blocks)]
    if (assets := len(np.unique(cycles.asset))) > 1:
        folds = GroupKFold(min(COMBINATION_FOLDS, assets))
        out["unseen asset"] = list(folds.split(np.zeros(count), groups=cycles.asset))
    return out


def fitted(cycles: Cycles, wishes: dict[str, Wish], at: Array, seed: int) -> Iterator[tuple[str, Head]]:
    """A head for each label, from the cycles `at`; heads that look the same way share the work."""
    values, groups = cycles.values[at], combinations(cycles)[at]
    ready: dict[Look, tuple[Eye, Array]] = {}
    for name, wish in wishes.items():
        for look in wish.looks:
            if look not in ready:
                made = eye(look, values, seed)
                ready[look] = made, made.features(values)
        eyes, seen = zip(*(ready[look] for look in wish.looks))
        yield name, fit(wish, eyes, list(seen), cycles.heads[name][at], len(cycles.classes[name]), groups)


def answers(cycles: Cycles, wishes: dict[str, Wish], folds: list, seed: int, say: Callable[[str], None]) -> Answers:
    """What heads say of cycles that they did not see."""
    count = len(cycles.values)
    told = {name: np.zeros((count, len(labels))) for name, labels in cycles.classes.items()}
    names = ("most frequent", "best single feature", "LDA on levels")
    beside = {name: {baseline: np.zeros(count, int) for baseline in names} for name in told}
    excess, simple = np.zeros(count), levels(cycles.values, [BASELINE_PARTS] * len(cycles.channels)).astype(float)
    for number, (train, test) in enumerate(folds):
        seen: dict[tuple[Look, ...], Array] = {}
        scaled = (simple - simple[train].mean(axis=0)) / (simple[train].std(axis=0) + 1e-9)
        for name, head in fitted(cycles, wishes, train, seed):
            looks = head.wish.looks
            if looks not in seen:
                seen[looks] = head.features(cycles.values[test])
            told[name][test] = chances(head.logits(seen[looks]))
            truth = cycles.heads[name][train]
            beside[name]["most frequent"][test] = np.bincount(truth).argmax()
            beside[name]["best single feature"][test] = single(simple[train], truth, simple[test])
            if len(np.unique(truth)) > 1:
                lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=1e-3).fit(scaled[train], truth)
                beside[name]["LDA on levels"][test] = lda.predict(scaled[test])
        excess[test] = regimes.fit(cycles.values[train], combinations(cycles)[train]).excess(cycles.values[test])
        say(f"fold {number + 1} of {len(folds)}")
    return Answers(told, beside, excess)


def single(train: Array, truth: Array, test: Array) -> Array:
    """The class whose mean is nearest, on the one feature that tells most in training."""
    classes = np.unique(truth)
    means = np.stack([train[truth == label].mean(axis=0) for label in classes])

    def told(rows: Array, at: int) -> Array:
        return classes[np.abs(rows[:, [at]] - means[:, at]).argmin(axis=1)]

    best = max(range(train.shape[1]), key=lambda at: np.mean(told(train, at) == truth))
    return told(test, best)


def summary(cycles: Cycles, found: Answers) -> dict[str, Any]:
    """Figures for each head: accuracy, calibration, baselines, abstention, groups, confusion."""
    out: dict[str, Any] = {}
    covered = found.excess <= 0
    for name, chance in found.chances.items():
        truth = cycles.heads[name]
        guess, sure = chance.argmax(axis=1), chance.max(axis=1)
        right = guess == truth
        entry: dict[str, Any] = scores.classification(truth, chance)
        entry["baselines"] = {b: scores.accuracy(truth, g) for b, g in found.baselines[name].items()}
        entry["covered"] = float(covered.mean())
        entry["accuracy_where_covered"] = float(right[covered].mean()) if covered.any() else 0.0
        entry["answered_by_confidence"] = scores.coverage_at(right, sure, ACCURATE)
        entry["answered_by_confidence_where_covered"] = scores.coverage_at(right, np.where(covered, sure, 0), ACCURATE)
        entry["groups"] = {
            f"{other} {cycles.classes[other][state]}": [int(at.sum()), float(right[at].mean())]
            for other, states in cycles.heads.items()
            for state in np.unique(states)
            if (at := states == state).any()
        }
        if len(np.unique(cycles.asset)) > 1:
            entry["groups"] |= {f"asset {g}": [n, share] for g, n, share in scores.by_group(cycles.asset, right)}
        entry["confusion"] = scores.confusion(truth, guess, chance.shape[1]).tolist()
        out[name] = entry
    return out
