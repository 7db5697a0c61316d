"""What a model loses: teacher-forced on pairs that it never saw, in full precision."""

from dataclasses import asdict, dataclass

import numpy as np
import torch
import torch.nn.functional as F

from . import int4
from .batches import Texts, batch
from .learning import answers
from .model import Decoder

TEXTS = 64


@dataclass(frozen=True)
class Measured:
    """Loss a token of the answers, share of tokens where the likeliest is the one that stands there, and where it is
    the one that another model finds likeliest."""

    loss: float
    right: float
    agrees: float

    def table(self) -> dict[str, float]:
        """By name."""
        return asdict(self)


@torch.no_grad()
def measure(decoder: Decoder, texts: Texts, beside: Decoder | None = None) -> Measured:
    """Measures a model, `beside` another or itself."""
    order = np.argsort(texts.lengths(), kind="stable")
    loss = right = agrees = count = 0.0
    for start in range(0, len(order), TEXTS):
        each = batch(texts, order[start : start + TEXTS])
        logits, wanted = answers(decoder, each)
        likeliest = logits.argmax(1)
        others = answers(beside, each)[0].argmax(1) if beside else likeliest
        loss += F.cross_entropy(logits, wanted, reduction="sum").item()
        right += (likeliest == wanted).sum().item()
        agrees += (likeliest == others).sum().item()
        count += len(wanted)
    return Measured(loss / count, right / count, agrees / count)


@torch.no_grad()
def four_bits(decoder: Decoder) -> Decoder:
    """A copy with its matrices rounded to what their four bits stand for."""
    made = Decoder(decoder.shape)
    made.load_state_dict(decoder.state_dict())
    for weight in made.parameters():
        if weight.ndim == 2:
            weight.copy_(int4.rounded(weight))
    return made.eval()
