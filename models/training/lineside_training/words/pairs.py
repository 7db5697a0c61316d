"""Prompts with the texts that answer them: what the decoder learns from. Every text has passed the agent's own mask."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from ..incident.generator import Mix, cases
from .decided import decision
from .ends import stretched
from .slots import ask
from .told import read
from .writer import LEXICON, SENTENCES, SENTENCES_OF_SHIFT, write

__all__ = ["LEXICON", "Pair", "make"]

_CHUNK = 4000
IN_SHIFT = (1, 1, 2, 2, 3, 3, 4, 5, 6, 8, 11)
_SPLIT = re.compile(r"[^\w]|_")
# Incidents that are over are told in other words: more of them than in the scorer's diet, and in a shift most.
IN_SHIFT_MIX = Mix(closed=0.55, closed_and_gone=0.5, unknown=0.15, compound=0.12, stray=0.35)
MIX = Mix(closed=0.22, closed_and_gone=0.3, unknown=0.15, compound=0.12, stray=0.35)


@dataclass(frozen=True)
class Pair:
    """A prompt as the agent writes it, and its answer in pieces, `<end>` included."""

    prompt: str
    pieces: tuple[str, ...]


def make(seed: int, incidents: int, shifts: int) -> Iterator[Pair]:
    """Yields pairs of incidents, then of shifts; a few texts less than asked for, where the mask refused one."""
    drawn = cases(seed, incidents, mix=MIX)
    yield from _pairs(seed, (decided(Random(f"{seed}/{at}"), one) for at, one in enumerate(drawn)))
    yield from _pairs(seed + 1, in_shifts(seed, shifts))


def decided(rng: Random, one: dict[str, Any]) -> dict[str, Any]:
    """A case with a decision, as a line for the agent's program."""
    one = stretched(rng, one)
    return {"case": {**one["case"], "assessment": decision(rng, one["case"], one["truth"])}}


def in_shifts(seed: int, count: int) -> Iterator[dict[str, Any]]:
    """Shifts of one to eleven incidents, as lines for the agent's program."""
    rng = Random(f"{seed}/shifts")
    drawn = (decided(rng, one)["case"] for one in cases(seed + 7919, 10**9, mix=IN_SHIFT_MIX, notes=False))
    for _ in range(count):
        yield {"shift": shift(rng, drawn)}


def shift(rng: Random, drawn: Iterator[dict[str, Any]]) -> dict[str, Any]:
    """A shift of the next incidents, some of them of the same machine."""
    told = [next(drawn) for _ in range(rng.choice(IN_SHIFT))]
    for place, case in enumerate(told):
        if place and rng.random() < 0.35:
            other = rng.choice(told[:place])
            case |= {"device": other["device"], "kind": other["kind"]}
    _within(rng, told)
    return {"to": max(case["incident"]["updated"] for case in told) + 60_000_000, "cases": told}


def _within(rng: Random, told: list[dict[str, Any]]) -> None:
    """Moves incidents into the same eight hours."""
    shift_us = 8 * 3_600_000_000
    end = told[0]["incident"]["updated"]
    for case in told:
        incident = case["incident"]
        by = end - rng.randrange(shift_us) - incident["updated"]
        for key in ("opened", "updated", "closed"):
            if incident[key] is not None:
                incident[key] += by
        incident["evidence"]["onset"] += by
        for row in incident["evidence"]["channels"]:
            if row["onset"] is not None:
                row["onset"] += by


def _pairs(seed: int, lines: Iterator[dict[str, Any]]) -> Iterator[Pair]:
    chunk: list[dict[str, Any]] = []
    rng = Random(f"{seed}/texts")
    for line in lines:
        chunk.append(line)
        if len(chunk) == _CHUNK:
            yield from _passed(rng, chunk)
            chunk = []
    if chunk:
        yield from _passed(rng, chunk)


def _passed(rng: Random, chunk: list[dict[str, Any]]) -> Iterator[Pair]:
    written: list[tuple[dict[str, Any], list[str]]] = []
    for line, answer in zip(chunk, ask(chunk), strict=True):
        told = read(answer["prompt"], answer["slots"])
        pieces = write(rng, told, avoided(line))
        if pieces is not None:
            sentences = SENTENCES_OF_SHIFT if told.shift else SENTENCES
            written.append(({**line, "pieces": [pieces], "sentences": sentences}, pieces))
    for (_, pieces), answer in zip(written, ask([line for line, _ in written], LEXICON), strict=True):
        if answer["texts"][0]["refused_at"] is None:
            yield Pair(answer["prompt"], tuple(pieces))


def avoided(line: dict[str, Any]) -> frozenset[str]:
    """The words that end a name: the mask takes them out, so that nothing said can be read as a name."""
    found = set()
    for case in [line["case"]] if "case" in line else line["shift"]["cases"]:
        channels = case["incident"]["evidence"]["channels"]
        for name in [row["name"] for row in channels] + case["labels"] + [case["device"], case["kind"] or ""]:
            words = [word for word in _SPLIT.split(name) if word]
            if words:
                found.add(words[-1].lower())
    return frozenset(found)
