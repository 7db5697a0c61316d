"""From pairs to weights: training, the exported model, and the four-bit variants with what they lose."""

import json
from pathlib import Path

import torch

from .. import agent
from ..run import Run
from . import losses, packing, sets
from .learning import Plan, learn
from .model import Decoder, fresh, keep, take

DECODER, FOUR_BITS = "decoder.pt", "four_bits.pt"
# Bundles on the way: the agent reads them before there is a card.
DRAFT = "# Not yet measured\n"


def train(run: Run) -> None:
    """Learns from the pairs; goes on where it stopped."""
    torch.set_num_threads(run.config["threads"])
    learnt, measured = sets.load(run)
    decoder = fresh(run.config["shape"], run.seed)
    run.say(f"{decoder.shape.weights()} weights, {len(learnt)} texts of {len(learnt.tokens)} tokens")
    plan = Plan(seed=run.seed, **run.config["learning"])
    learn(decoder, learnt, plan, run.partial("train", "checkpoint.pt"), run.log, run.say, _teacher(run))
    found = losses.measure(decoder, measured)
    run.say(f"never seen: loss {found.loss:.4f}, likeliest token right {found.right:.4f}")
    keep(decoder, run.path(DECODER))


def _teacher(run: Run) -> Decoder | None:
    """A larger decoder that reads the same tokens, where one is to teach."""
    if not (named := run.config.get("teacher")):
        if run.config["learning"].get("taught"):
            raise SystemExit("learning.taught needs a teacher: --set teacher='\"FOLDER/decoder.pt\"'")
        return None
    file = Path(named)
    if file.with_name(sets.TOKENIZER).read_bytes() != run.need(sets.TOKENIZER, "data").read_bytes():
        raise SystemExit(f"{file}: reads other tokens; make both with the same seed, pairs and vocabulary")
    run.used("teacher", file)
    return take(file)


def export(run: Run) -> None:
    """The bundle in full precision, run by the agent on its golden texts."""
    _prove(run, take(run.need(DECODER, "train")), "full")


def quantize(run: Run) -> None:
    """Rounds the weights to four bits as they are, and after learning on with rounded weights."""
    torch.set_num_threads(run.config["threads"])
    learnt, measured = sets.load(run)
    full = take(run.need(DECODER, "train"))
    found = {"full precision": losses.measure(full, measured)}
    found["four bits, rounded"] = losses.measure(losses.four_bits(full), measured, full)
    trained = take(run.need(DECODER, "train"))
    # The pairs come in another order than before.
    plan = Plan(seed=run.seed + 1, four_bits=True, **run.config["four_bits"])
    quiet = run.partial("quantize", "checkpoint.pt")
    learn(trained, learnt, plan, quiet, lambda step, **figures: None, run.say)
    rounded = losses.four_bits(trained)
    found["four bits, learnt"] = losses.measure(rounded, measured, full)
    keep(rounded, run.path(FOUR_BITS))
    _prove(run, rounded, "four-bits", four_bits=True)
    told = {name: each.table() for name, each in found.items()}
    run.path("losses.json").write_text(json.dumps(told, indent=1))
    for name, each in found.items():
        run.say(f"{name}: loss {each.loss:.4f}, right {each.right:.4f}, agrees {each.agrees:.4f}")


def _prove(run: Run, decoder: Decoder, name: str, four_bits: bool = False) -> None:
    folder = packing.write(run, run.path(f"bundles/{name}"), decoder, DRAFT, {}, four_bits=four_bits)
    report = agent.bundle_test(folder)
    size = (folder / "model.onnx").stat().st_size
    largest = report["golden"]["largest_difference"]
    took = f"{report['p50_us']} µs a token"
    run.say(f"{name}: {size / 1e6:.2f} MB; the agent differs from torch by {largest:.2e}, {took}")
