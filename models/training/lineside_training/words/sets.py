"""The pairs of a run as tokens: those that are learnt from, and those that only measure."""

from pathlib import Path

from tokenizers import Tokenizer

from ..incident.notes import real_lines
from ..run import Run
from . import pairs, tokenizer
from .batches import Texts

# Seeds of the pairs that measure lie far from all that anyone asks for.
APART = 1_000_003
LEARNT, MEASURED, TOKENIZER = "learn.npz", "measure.npz", "tokenizer.json"


def make(run: Run) -> None:
    """Makes the pairs, trains the tokenizer on the prompts that are learnt from, and writes both as tokens."""
    config, lexicon = run.config, pairs.LEXICON.read_text(encoding="utf-8")
    learnt = list(pairs.make(run.seed, config["incidents"], config["shifts"]))
    few = config["measured"] * config["shifts"] // max(1, config["incidents"])
    measured = list(pairs.make(run.seed + APART, config["measured"], few))
    run.say(f"{len(learnt)} pairs to learn from, {len(measured)} to measure")
    made = tokenizer.train(lexicon, (pair.prompt for pair in learnt), config["shape"]["vocabulary"])
    made.save(str(run.path(TOKENIZER)))
    run.used("lexicon", pairs.LEXICON)
    run.used("real maintenance lines", "\n".join(real_lines()).encode())
    for name, some in ((LEARNT, learnt), (MEASURED, measured)):
        texts = as_tokens(made, lexicon, some, config["shape"]["context"])
        texts.save(run.path(name))
        run.used(f"pairs {Path(name).stem}", texts.tokens.tobytes())
        run.say(f"{name}: {len(texts)} of {len(some)} texts fit, {len(texts.tokens)} tokens")


def as_tokens(made: Tokenizer, lexicon: str, some: list[pairs.Pair], context: int) -> Texts:
    """Without those that are longer than the model reads."""
    prompts = made.encode_batch_fast([pair.prompt for pair in some], add_special_tokens=False)
    said = tokenizer.Speller(made, lexicon)
    both = ((prompt.ids, said.tokens(pair.pieces)) for prompt, pair in zip(prompts, some, strict=True))
    return Texts.of([(prompt, answer) for prompt, answer in both if len(prompt) + len(answer) <= context])


def load(run: Run) -> tuple[Texts, Texts]:
    """Those to learn from and those to measure with."""
    return Texts.load(run.need(LEARNT, "data")), Texts.load(run.need(MEASURED, "data"))


def reader(run: Run) -> Tokenizer:
    """The tokenizer."""
    return Tokenizer.from_file(str(run.need(TOKENIZER, "data")))


def some(texts: Texts, count: int) -> list[int]:
    """Texts of every length, from the shortest to the longest."""
    order = sorted(range(len(texts)), key=lambda at: int(texts.lengths()[at]))
    return [order[at * (len(order) - 1) // max(1, count - 1)] for at in range(count)]
