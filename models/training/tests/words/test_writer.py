"""What the texts promise that the decoder learns from."""

import itertools
import math
import tomllib
from random import Random

import pytest

from lineside_training.agent import program
from lineside_training.incident.generator import cases
from lineside_training.words import pairs
from lineside_training.words.grammar import expand, parse
from lineside_training.words.slots import ask
from lineside_training.words.text import AGREE, SIZES, patterns
from lineside_training.words.told import read
from lineside_training.words.writer import LEXICON, SENTENCES, SENTENCES_OF_SHIFT, write

EVERY = [one for section in patterns().values() for some in section.values() for one in some]
WORDS = tomllib.loads(LEXICON.read_text(encoding="utf-8"))["words"]
COUNT = 700


def slots_program():
    try:
        program("slots")
    except SystemExit as missing:
        pytest.skip(f"skipped: needs {missing}")


@pytest.fixture(scope="module")
def texts():
    """Texts of incidents, before the mask has refused any."""
    slots_program()
    lines = [pairs.decided(Random(at), one) for at, one in enumerate(cases(4, COUNT, mix=pairs.MIX))]
    rng = Random(8)
    written = []
    for line, answer in zip(lines, ask(lines), strict=True):
        told = read(answer["prompt"], answer["slots"])
        written.append((line, told, write(rng, told, pairs.avoided(line))))
    # A channel called "cause" or "is" takes that word from the language; now and then nothing is left to say it with.
    assert sum(pieces is None for _, _, pieces in written) <= 0.005 * COUNT
    return [(line, told, pieces) for line, told, pieces in written if pieces is not None]


def test_nearly_every_text_passes_the_mask(texts):
    asked = [{**line, "pieces": [pieces], "sentences": SENTENCES} for line, _, pieces in texts]
    refused = [answer["texts"][0] for answer in ask(asked, LEXICON) if answer["texts"][0]["refused_at"] is not None]
    assert len(refused) <= 0.005 * COUNT, refused


def test_every_report_of_a_shift_passes_the_mask():
    slots_program()
    lines = list(pairs.in_shifts(2, 150))
    asked = []
    for line, answer in zip(lines, ask(lines), strict=True):
        pieces = write(Random(len(asked)), read(answer["prompt"], answer["slots"]), pairs.avoided(line))
        assert pieces.count(".") <= SENTENCES_OF_SHIFT
        asked.append({**line, "pieces": [pieces], "sentences": SENTENCES_OF_SHIFT})
    assert sum(answer["texts"][0]["refused_at"] is not None for answer in ask(asked, LEXICON)) <= 1


def test_channels_that_the_cause_explains_are_named(texts):
    explained = [topic("name") in pieces for _, told, pieces in texts for topic in told.moved if not topic.unexplained]
    assert sum(explained) / len(explained) >= 0.97


def test_channels_that_it_does_not_explain_are_set_apart(texts):
    apart = set(WORDS["apart"])
    flagged = []
    for _, told, pieces in texts:
        parts = [list(part) for end, part in itertools.groupby(pieces, lambda piece: piece in (";", ".")) if not end]
        for topic in told.moved:
            if topic.unexplained:
                flagged.append(any(topic("name") in part and apart & set(part) for part in parts))
        if not any(topic.unexplained for topic in told.moved):
            assert not apart & set(pieces)
    assert sum(flagged) / len(flagged) >= 0.97


def test_a_text_says_the_decision_that_it_was_given_and_no_other(texts):
    for line, told, pieces in texts:
        decided = line["case"]["assessment"]
        cause = decided is not None and decided["label"] is not None
        assert ("<cause>" in pieces) == cause
        assert ("<second>" in pieces) == (told.second is not None)
        assert ("<check>" in pieces) == (cause and told.check is not None)
        honest = {"open", "unclear", "unknown", "new", "found", "explained"}
        assert bool(honest & set(pieces)) or not told.unknown


def words_of(nodes):
    for node in nodes:
        if isinstance(node, str):
            yield node
        else:
            yield from (word for option in node[1] for word in words_of(option))


def texts_of(nodes):
    return math.prod(1 if isinstance(node, str) else sum(map(texts_of, node[1])) for node in nodes)


def test_the_lexicon_holds_what_the_patterns_say_and_no_more():
    said = {word for one in EVERY for word in words_of(parse(one))}
    said |= {form for forms in AGREE.values() for form in forms}
    said |= {word for forms in SIZES.values() for form in forms for word in form.split()}
    known = {word for some in WORDS.values() for word in some}
    assert {word for word in said if word.islower() and word.isalpha()} == known


def test_there_are_at_least_two_hundred_patterns():
    assert len(EVERY) >= 200
    assert sum(texts_of(parse(one)) for one in EVERY) >= 1000


def test_patterns_expand_to_each_of_their_texts():
    assert {" ".join(expand(Random(seed), "a {b|c {d|e}} [f]")) for seed in range(60)} == {
        "a b", "a b f", "a c d", "a c d f", "a c e", "a c e f",
    }  # fmt: skip


def test_the_same_seed_gives_the_same_pairs():
    slots_program()
    once, again = list(pairs.make(6, 30, 5)), list(pairs.make(6, 30, 5))
    assert once == again
    assert len(once) >= 34
    assert all(pair.prompt.endswith("<p.text>") and pair.pieces[-1] == "<end>" for pair in once)
