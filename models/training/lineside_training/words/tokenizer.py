"""The tokenizer: one token for every word that may be written, every slot and every mark of the prompt's form.

Byte-level, so that any name or note can be read. Words are looked up whole before they are cut into pieces;
so a word of the lexicon is one token whatever the texts looked like, and what is learnt from the texts is
only how to read what stands in prompts: names, units, causes, checks, notes. Digits never get this far.
"""

import json
import tomllib
from collections import Counter
from collections.abc import Iterable

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

END = "<end>"
TOPICS = 16
MACHINES = 16
RANKS = 16
# Widths of the head are multiples of this: blocks of four-bit weights and vector registers are full.
BLOCK = 32
# docs/reference/slots.md, "The prompt".
FORM = """
incident.v1 shift.v1 opened updated closed kind unit cause second unknown benign check note num steady silent up down
level back shapeless slight clear strong extreme unmeasured lone few many step ramp spike oscillation stuck dropout
unexplained rank.none text
"""


def slots() -> list[str]:
    """Every slot of incidents and shifts."""
    channels = [f"<c{at}.{what}>" for at in range(TOPICS) for what in ("name", "now", "base", "delta", "since")]
    told = [f"<i{at}.{what}>" for at in range(TOPICS) for what in ("name", "now", "base", "delta", "since", "at")]
    machines = [f"<m{at}.{what}>" for at in range(MACHINES) for what in ("name", "count")]
    single = ["<machine>", "<dur>", "<t0>", "<n.more>", "<cause>", "<second>", "<check>"]
    return [*single, *channels, *told, *machines]


def form() -> list[str]:
    """Every token that gives a prompt its form."""
    ranks = [f"rank.{at}" for at in range(1, RANKS + 1)]
    return [f"<p.{name}>" for name in [*FORM.split(), *ranks]]


def special() -> list[str]:
    """Every token that is never cut, in the order of their numbers."""
    return [END, *form(), *slots()]


def lexicon(text: str) -> tuple[list[str], list[str]]:
    """Words and marks of a lexicon file, each once, in its order."""
    document = tomllib.loads(text)
    words = dict.fromkeys(word for words in document["words"].values() for word in words)
    return list(words), list(dict.fromkeys([".", *document["marks"]]))


def _level() -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.ByteLevel(add_prefix_space=False)


def train(lexicon_text: str, prompts: Iterable[str], size: int) -> Tokenizer:
    """A tokenizer of exactly `size` tokens; what the prompts do not fill is never used."""
    if size % BLOCK:
        raise ValueError(f"vocabulary = {size}: it must be a multiple of {BLOCK}")
    words, _ = lexicon(lexicon_text)
    whole = [_level().pre_tokenize_str(f" {word}") for word in words]
    spoken = [pieces[0][0] for pieces in whole if len(pieces) == 1]
    split = [word for word, pieces in zip(words, whole, strict=True) if len(pieces) != 1]
    if split:
        raise ValueError(f"lexicon: {split} are more than a word to the tokenizer; write them without - and '")
    learnt = Tokenizer(models.BPE())
    learnt.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(_bare(special()), "removed"), _level()])
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False, min_frequency=4)
    learnt.train_from_iterator(prompts, trainer)
    model = json.loads(learnt.to_str())["model"]
    known = sorted(model["vocab"], key=model["vocab"].__getitem__)
    # Tokens stand in the order in which they were learnt: a cut leaves each with the parts it is merged of.
    tokens = list(dict.fromkeys([*special(), *spoken, *known]))[:size]
    if missing := set(alphabet) - set(tokens):
        raise ValueError(f"vocabulary = {size}: it leaves no room for {len(missing)} bytes")
    tokens += [f"{END}{at}" for at in range(size - len(tokens))]
    vocabulary = {token: at for at, token in enumerate(tokens)}
    merges = [tuple(merge) for merge in model["merges"] if "".join(merge) in vocabulary]
    merges = [(first, second) for first, second in merges if first in vocabulary and second in vocabulary]
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, ignore_merges=True))
    made.pre_tokenizer, made.decoder = _level(), decoders.ByteLevel()
    made.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special()])
    prove(made, lexicon_text)
    return made


def _bare(whole: list[str]) -> Regex:
    """What takes special tokens out of a text."""
    return Regex("|".join(token.replace(".", r"\.") for token in sorted(whole, key=len, reverse=True)))


def prove(tokenizer: Tokenizer, lexicon_text: str) -> None:
    """Each word, mark, slot and form token is one token of its own."""
    words, marks = lexicon(lexicon_text)
    pieces = [*(f" {word}" for word in words), *marks, *slots(), *form(), END]
    count: Counter[int] = Counter()
    for piece in pieces:
        ids = tokenizer.encode(piece, add_special_tokens=False).ids
        if len(ids) != 1 or tokenizer.decode(ids, skip_special_tokens=False) != piece:
            raise ValueError(f"{piece!r} is spelled {ids}: it must be one token")
        count.update(ids)
    if twice := [tokenizer.id_to_token(token) for token, seen in count.items() if seen > 1]:
        raise ValueError(f"{twice} stand for more than one piece")


class Speller:
    """Answers as tokens."""

    def __init__(self, tokenizer: Tokenizer, lexicon_text: str) -> None:
        whole = {word: _level().pre_tokenize_str(f" {word}")[0][0] for word in lexicon(lexicon_text)[0]}
        self.known = tokenizer.get_vocab() | {word: tokenizer.token_to_id(token) for word, token in whole.items()}

    def tokens(self, pieces: Iterable[str]) -> list[int]:
        """The tokens of words, marks, slots and the end."""
        return [self.known[piece] for piece in pieces]
