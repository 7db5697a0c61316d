"""Training: full weights are kept aside, and what computes is their rounding: to half precision, or to four bits.

So the same loop trains a model, trains one for its four bits, and teaches a small one what a large one would say.
The loss counts answers only. A checkpoint is written whole or not at all; after an interruption the run goes on
with the next batch.
"""

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from . import int4
from .batches import Batch, Texts, stream
from .guide import Guide
from .model import Decoder

BETAS = (0.9, 0.98)
DECAY = 0.05
CLIP = 1.0
SAVED_EVERY = 100
LOGGED_EVERY = 20

# Says (step, figures).
Log = Callable[..., None]


@dataclass(frozen=True)
class Plan:
    """How long and how fast to learn."""

    steps: int
    rate: float
    warm_up: int
    batch_tokens: int
    seed: int
    four_bits: bool = False
    # The rate at the end as a share of the highest.
    last_rate: float = 0.03
    # How much of the loss is the teacher's, where there is one.
    taught: float = 0.0
    # How much the questions of `guide.py` count beside it.
    guided: float = 0.0

    def rate_at(self, step: int) -> float:
        """Up in a line, then down along a cosine."""
        if step < self.warm_up:
            return self.rate * (step + 1) / self.warm_up
        way = (step - self.warm_up) / max(1, self.steps - self.warm_up)
        return self.rate * (self.last_rate + (1 - self.last_rate) * 0.5 * (1 + math.cos(math.pi * way)))


@torch.no_grad()
def settle(worker: Decoder, kept: dict[str, Tensor], four_bits: bool) -> None:
    """Gives the model that computes the kept weights, rounded."""
    for name, weight in worker.named_parameters():
        full = kept[name]
        weight.copy_(int4.rounded(full) if four_bits and full.ndim == 2 else full)


def answers(model: Decoder, batch: Batch, between: list[Tensor] | None = None) -> tuple[Tensor, Tensor]:
    """Logits where an answer's token is to come, and those tokens."""
    hidden = model.hidden(batch.tokens[:, :-1], batch.answer, between)
    return model.logits(hidden).float(), batch.tokens[:, 1:][batch.answer]


def loss_of(worker: Decoder, batch: Batch, plan: Plan, guide: Guide, teacher: Decoder | None) -> tuple[Tensor, Tensor]:
    """What is made smaller, and the plain loss a token."""
    between: list[Tensor] = []
    logits, wanted = answers(worker, batch, between)
    plain = loss = F.cross_entropy(logits, wanted)
    if teacher is not None:
        with torch.no_grad():
            says = answers(teacher, batch)[0].log_softmax(1)
        soft = F.kl_div(logits.log_softmax(1), says, reduction="batchmean", log_target=True)
        loss = (1 - plan.taught) * plain + plan.taught * soft
    if plan.guided:
        loss = loss + plan.guided * guide.loss(batch, between)
    return loss, plain


def learn(
    decoder: Decoder, texts: Texts, plan: Plan, checkpoint: Path, log: Log, say: Callable[[str], None],
    teacher: Decoder | None = None,
) -> Decoder:
    """Trains `decoder` in place and gives it back, in full precision."""
    kept = {name: weight.detach().clone().requires_grad_() for name, weight in decoder.named_parameters()}
    matrices = [weight for weight in kept.values() if weight.ndim == 2]
    gains = [weight for weight in kept.values() if weight.ndim != 2]
    groups = [{"params": matrices, "weight_decay": DECAY}, {"params": gains, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, plan.rate, BETAS, fused=True)
    worker = Decoder(decoder.shape).bfloat16()
    guide = Guide(decoder.shape.width, decoder.shape.vocabulary)
    if plan.guided:
        optimiser.add_param_group({"params": list(guide.parameters()), "weight_decay": 0.0})
    teacher = teacher and _half(teacher)
    step, tokens, spent = 0, 0, 0.0
    if checkpoint.is_file():
        held = torch.load(checkpoint, weights_only=True)
        step, tokens, spent = held["step"], held["tokens"], held["spent"]
        with torch.no_grad():
            for name, weight in kept.items():
                weight.copy_(held["kept"][name])
        guide.load_state_dict(held["guide"])
        optimiser.load_state_dict(held["optimiser"])
        say(f"goes on at step {step}")
    began, running = time.process_time() - spent, 0.0
    for batch in stream(texts, plan.batch_tokens, plan.seed, skip=step):
        if step >= plan.steps:
            break
        settle(worker, kept, plan.four_bits)
        worker.zero_grad(set_to_none=True)
        guide.zero_grad(set_to_none=True)
        loss, plain = loss_of(worker, batch, plan, guide, teacher)
        loss.backward()
        for name, weight in worker.named_parameters():
            kept[name].grad = weight.grad.float()
        torch.nn.utils.clip_grad_norm_(kept.values(), CLIP)
        for group in optimiser.param_groups:
            group["lr"] = plan.rate_at(step)
        optimiser.step()
        step, tokens = step + 1, tokens + batch.tokens.numel()
        running = plain.item() if step == 1 else 0.95 * running + 0.05 * plain.item()
        if step % LOGGED_EVERY == 0 or step == plan.steps:
            spent = time.process_time() - began
            log(step, loss=running, rate=plan.rate_at(step - 1), tokens=tokens, cpu_s=round(spent, 1))
        if step % SAVED_EVERY == 0:
            seen = f"{tokens / 1e6:.1f} M tokens, {spent:.0f} s of a core"
            say(f"step {step} of {plan.steps}: loss {running:.4f}, {seen}")
            _save(checkpoint, {"step": step, "tokens": tokens, "spent": spent, "kept": _bare(kept),
                               "guide": guide.state_dict(), "optimiser": optimiser.state_dict()})
    settle(decoder, kept, four_bits=False)
    return decoder


def _half(model: Decoder) -> Decoder:
    half = Decoder(model.shape).bfloat16()
    half.load_state_dict(model.state_dict())
    return half.eval()


def _bare(kept: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: weight.detach() for name, weight in kept.items()}


def _save(file: Path, what: dict[str, object]) -> None:
    fresh = file.with_suffix(".new")
    torch.save(what, fresh)
    os.replace(fresh, file)
