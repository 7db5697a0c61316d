"""The bundle that ships, and its card: what the model is, what it learnt from, and what was measured of it."""

import json

from .. import card
from ..incident.notes import real_lines
from ..run import Run
from . import packing, pairs, sets, tokenizer
from .judging import FOUR_BITS, FULL
from .making import DECODER
from .making import FOUR_BITS as WEIGHTS_OF_FOUR_BITS
from .model import Decoder, take

# What the bundle's `[evaluation]` repeats of the judged texts.
TOLD = ("causal channels named or counted", "unexplained channels flagged", "explained channels flagged")


def write(run: Run) -> None:
    """Writes the bundle; a site that asks for the four-bit variant gets it by `ships`."""
    four_bits = run.config["ships"] == FOUR_BITS
    decoder = take(run.need(WEIGHTS_OF_FOUR_BITS if four_bits else DECODER, "quantize" if four_bits else "train"))
    lost = json.loads(run.need("losses.json", "quantize").read_text())
    judged = json.loads(run.need("judged.json", "evaluate").read_text())
    model = judged[run.config["ships"]]["judged"]["model"]
    wrong = model["texts"] - model["texts without any error"]
    figures = {"texts": model["texts"], "texts_with_an_error": wrong}
    figures |= {name.replace(" ", "_"): model[name] for name in TOLD}
    shifts = json.loads(run.need("shifts.json", "evaluate").read_text())["judged"]
    figures |= {"reports": shifts["reports"]}
    figures["reports_with_an_error"] = shifts["reports"] - shifts["reports without any error"]
    text = page(run, decoder, lost, judged)
    packing.write(run, run.path("bundle"), decoder, text, figures, four_bits=four_bits)


def page(run: Run, decoder: Decoder, lost: dict, judged: dict) -> str:
    """The card."""
    shape, config = decoder.shape, run.config
    words, _ = tokenizer.lexicon(pairs.LEXICON.read_text(encoding="utf-8"))
    learnt, measured = sets.load(run)
    last = run.figures()[-1]
    return f"""# Words {config["version"]}

Words incidents and shift reports in slots (`docs/reference/slots.md`). It is given what the agent has found (channels
with their direction, shape and order, the likely cause, a second one, what to check, what is unexplained) and chooses
how to say it. Names, values, units and times are filled in by the agent, so it neither reads nor writes a digit; the
agent's mask lets nothing out that is not true of the evidence, whatever these weights prefer.

## What it is
A decoder of the Llama family: {shape.weights()} weights, {shape.layers} layers of width {shape.width}, {shape.heads}
heads of {shape.head} with {shape.groups} for keys and values, gated units of {shape.inner}, rotary positions,
head and table of tokens shared, {shape.context} tokens of context. {shape.vocabulary} tokens of byte-level BPE; each
of the {len(words)} words of the lexicon, each slot and each form token is one token.

## What it learnt from
{len(learnt)} pairs of a prompt and a text, {len(learnt.tokens) / 1e6:.1f} M tokens, all made by `words/pairs.py`:
incidents drawn from the signature table with names, units, notes and decisions of every kind (also wrong ones,
withheld ones and none), and shifts of them. Each text follows from its prompt alone, was written from patterns by
chance, and passed the agent's mask. No recording of a real machine is in it; {_lines()}.

The loss counts answers only. While it learns, two matrices that are thrown away ask it of each token of a prompt
which topic it belongs to, and of each name that it writes what the prompt marks it with (`words/guide.py`); the
shortest third of the texts comes first. {int(last["step"])} steps, {last["tokens"] / 1e6:.1f} M tokens with their
padding, {last["cpu_s"] / 60:.0f} minutes of one core, seed {run.seed}.

## What four bits lose
On {len(measured)} pairs that were never learnt from, made by the same generator, teacher-forced: loss a token, share
of tokens where the likeliest is the one that stands there (texts are worded by chance, so it cannot be 1), and where
it is the full model's. *Rounded*: as they are; *learnt*: after going on with rounded weights.

{card.table(("weights", "loss", "likeliest right", "agrees"), [(name, *row.values()) for name, row in lost.items()])}
Texts of each variant, judged:

{card.table(("", *judged), _beside(judged))}
Shipped: {config["ships"]}. Within 12 MB the smallest is not sought: full precision agrees with torch to 1e-3 on every
processor, while four-bit products round their inputs to eight bits as well.

## How its texts were judged
Incidents of the held-out sets, whose author saw neither the generator nor the patterns, each with the decision that
is true of it, worded by the agent at temperature 0; a judge that knows nothing of the mask compares every claim with
the evidence. Where the mask kept the model from what it meant, fixed words are said and judged instead ("worded by
rules"). Two texts that were wrong on these sets, under an earlier mask, were each made impossible by a rule of the mask:
that no text is wrong is not a blind figure. One seed was judged; how far another one lies is not known.

{run.need("words.md", "evaluate").read_text(encoding="utf-8")}
## How its shift reports were judged
Shifts of one to eleven of those incidents, put together as those that it learnt from were. Incidents of the held-out
sets go on; here six in ten are over, and of half of these little is left. A running agent words each shift over its
API (`POST /v1/report`). A judge that knows nothing of the mask lays what is said of a channel to that incident of the
machine that it fits best. *Wrong open*: an incident that is over is called open; *wrong over*: called over or back to
normal, and is not; *strange*: a word that is neither the lexicon's nor a name of the shift. Reports written by rules are counted, not judged.

{run.need("shifts.md", "evaluate").read_text(encoding="utf-8")}
## What it is not for
It does not decide: a wrong cause that it is given is worded as well as a right one. It does not read notes for facts.
English only; names may be in any language. Without the mask its texts are not to be trusted.

## Make it again
```sh
python -m lineside_training all words              # into target/training/words
python -m lineside_training pack words --ship      # replaces models/catalog/words and docs/models/words.md
```
A smaller one, taught by this one (`configs/words-small.toml`, 660 352 weights): after its 900 steps it has a loss of .815 a
token on pairs that were never learnt from, without the teacher .888; this one has .735, and in four bits, which are
smaller still, .739. Measured once, and not shipped.

## Licence
Apache-2.0.
"""


def _lines() -> str:
    """What people wrote of what stands in prompts."""
    if not real_lines():
        return "all notes in prompts are made up as well"
    count = f"{len(real_lines())} lines of real work orders (maintnorm, mwo2kg)"
    return f"among the notes in prompts are {count}, among the texts none"


def _beside(judged: dict) -> list[list]:
    names = list(judged[FULL]["judged"]["model"])
    rows = [[name, *(each["judged"]["model"][name] for each in judged.values())] for name in names]
    return [*rows, ["ms of a core a text (median)", *(each["cpu ms"]["median"] for each in judged.values())]]
