"""Cases to learn from: what the generator draws, with the shortcuts taken away that a site may not offer.

A learner that is always told the kind of machine leans on it, and one that always has the true mode in its table never
learns to say that none fits. So the kind is hidden, or another one is told: a fault also befalls machines that its mode
does not list. And modes are taken out of the table; where the true one is out, "none of these" is right. That is
what makes faults known as new that nobody wrote down.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from . import diagnosis, generator
from .table import load as table

Array = np.ndarray


@dataclass(frozen=True)
class Rows:
    """Rows f16 `[cases, modes + 1, features]`, NaN where the table lacks the mode; the right rows of each case: of two
    faults both, else the same one twice."""

    features: Array
    target: Array


def learning(seed: int, count: int, config: dict[str, Any]) -> Rows:
    """Cases to learn from or to calibrate with."""
    cases = list(varied(generator.cases(seed, count, mix=mix(config)), seed, config))
    names = (*diagnosis.modes(), diagnosis.UNKNOWN)
    places = {name: place for place, name in enumerate(names)}
    target = [[places[mode] for mode in right(case)] for case in cases]
    features = diagnosis.rows({"case": case["case"], "without": case["without"]} for case in cases)
    return Rows(features.astype(np.float16), np.array(target))


def right(case: dict[str, Any]) -> tuple[str, str]:
    """The modes of a case that its table has; of two faults either may be named first."""
    truth = case["truth"]
    there = [mode for mode in (truth["mode"], truth["second"]) if mode and mode not in case["without"]]
    return (there[0], there[-1]) if there else (diagnosis.UNKNOWN, diagnosis.UNKNOWN)


def mix(config: dict[str, Any]) -> generator.Mix:
    """How often what happens: strays and second faults oftener than on a usual day, for they are the hard part."""
    return generator.Mix(stray=config["stray"], compound=config["compound"], unknown=config["unknown"])


def varied(cases: Iterator[dict[str, Any]], seed: int, config: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Cases with `without`, some without their machine's kind, some with that of another machine."""
    rng = Random(f"varied {seed}")
    modes = diagnosis.modes()
    kinds = [words[0] for words in table().machine_words.values()]
    for case in cases:
        without: list[str] = []
        truth = case["truth"]["mode"]
        if rng.random() < config["reduced_tables"]:
            share = rng.random() * config["modes_removed"]
            without = [mode for mode in modes if mode != truth and rng.random() < share]
            if truth in modes and rng.random() < config["truth_removed"] / config["reduced_tables"]:
                without.append(truth)
        told = rng.random()
        if told < config["hidden_kinds"]:
            case["case"]["kind"] = None
        elif told < config["hidden_kinds"] + config["other_kinds"]:
            case["case"]["kind"] = rng.choice(kinds)
        yield case | {"without": without}


def load(path: Path) -> Rows:
    """What `data` wrote."""
    with np.load(path) as file:
        return Rows(file["features"], file["target"])
