"""Fifty pairs of a language so small that a tiny decoder learns it in seconds."""

import itertools
import random

from lineside_training.words import tokenizer
from lineside_training.words.batches import Texts

LEXICON = """
version = 1
language = "en"
marks = [".", ","]
[words]
neutral = ["the", "cause", "is", "likely"]
verb = ["moved"]
rise = ["rose", "climbed"]
fall = ["fell"]
by = ["by"]
later = ["then"]
"""
NAMES = ("flow", "pressure out", "motor current <p.num>", "öldruck", "x<p.num>")
MOVES = (("<p.up>", "rose"), ("<p.down>", "fell"))
SIZES = ("clear", "strong", "slight", "extreme", "unmeasured")
VOCABULARY = 640
CONTEXT = 64


def pairs() -> list[tuple[str, tuple[str, ...]]]:
    """One channel, its direction, and perhaps a cause."""
    made = []
    for name, (mark, word), size, cause in itertools.product(NAMES, MOVES, SIZES, (True, False)):
        prompt = f"<p.incident.v1><p.opened><c0.name> {name}<p.unit> bar<p.step>{mark}<p.{size}><p.rank.1>"
        prompt += ("<p.cause> outlet blocked" if cause else "") + "<p.text>"
        told = ("<c0.name>", word, "by", "<c0.delta>", ".") + (("the", "cause", "is", "<cause>", ".") if cause else ())
        made.append((prompt, (*told, "<end>")))
    return random.Random(1).sample(made, 50)


def texts(reader) -> Texts:
    """The pairs as tokens."""
    speller = tokenizer.Speller(reader, LEXICON)
    return Texts.of([(reader.encode(prompt).ids, speller.tokens(said)) for prompt, said in pairs()])


def reader():
    """A tokenizer of these pairs."""
    return tokenizer.train(LEXICON, (prompt for prompt, _ in pairs()), VOCABULARY)
