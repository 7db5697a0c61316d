"""Writes texts of incidents and of shifts, as pieces: words, marks and slots. A text follows from its prompt; which of
the many ways to say it is chosen follows from the seed."""

from __future__ import annotations

import functools
import re
import tomllib
from pathlib import Path
from random import Random

from .incidents import PARTING, of_incident
from .shifts import of_shift
from .text import Text, Unsaid
from .told import Told

LEXICON = Path(__file__).with_name("lexicon.toml")
END = "<end>"
SENTENCES = 4
SENTENCES_OF_SHIFT = 5
_TEXTS = 40
# Limits of the mask (docs/reference/slots.md): a word in a sentence and near itself, clauses and their length, names.
_MOST_OF_A_WORD, _NEAR = 4, 2
_MOST_CLAUSES, _MOST_OF_CLAUSE = 8, 20
_MOST_MACHINE, _MOST_NAMED = 2, 3
_ENDING = frozenset((";", ".", "while", "whereas", "then", "before", "after"))
_NAME = re.compile(r"<([ci]\d+\.name|machine|m\d+\.name)>")


@functools.cache
def neutral() -> frozenset[str]:
    """Words that claim nothing."""
    with LEXICON.open("rb") as file:
        return frozenset(tomllib.load(file)["words"]["neutral"])


def write(rng: Random, told: Told, avoid: frozenset[str] = frozenset()) -> list[str] | None:
    """The pieces of a text, `<end>` included; `None` if nothing can be told."""
    if not told.moved:
        return None
    most = SENTENCES_OF_SHIFT if told.shift else SENTENCES
    for attempt in range(_TEXTS):
        text = Text(rng, told, avoid, brief=attempt > _TEXTS // 3)
        try:
            sentences = of_shift(text) if told.shift else of_incident(text)
        except Unsaid:
            continue
        pieces = [piece for sentence in sentences for piece in sentence]
        if len(sentences) <= most and not _repeats(pieces) and not any(map(stumbles, sentences)):
            return [*pieces, END]
    return None


def _repeats(pieces: list[str]) -> bool:
    """Whether a slot stands more often than it may."""
    for piece in set(pieces):
        if piece.startswith("<"):
            most = 1 if not _NAME.fullmatch(piece) else _MOST_MACHINE if piece[1] == "m" else _MOST_NAMED
            if pieces.count(piece) > most:
                return True
    return False


def stumbles(sentence: list[str]) -> bool:
    """Whether a word comes again too soon or too often."""
    for at, piece in enumerate(sentence):
        if not piece.startswith("<") and piece.isalpha():
            if piece in sentence[max(0, at - _NEAR) : at]:
                return True
            if piece in neutral() and sentence.count(piece) > _MOST_OF_A_WORD:
                return True
    clause = 0
    for piece in sentence:
        clause = 0 if piece in _ENDING else clause + 1
        if clause > _MOST_OF_CLAUSE:
            return True
    joined = sum(piece in PARTING for piece in sentence) - sum(piece.endswith(".name>") for piece in sentence)
    return joined >= _MOST_CLAUSES
