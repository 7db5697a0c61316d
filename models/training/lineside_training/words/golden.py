"""Golden texts: tokens of pairs that were never learnt from, with the logits that torch gives behind them."""

import torch

from .batches import Texts
from .model import Decoder
from .sets import some

TEXTS = 6
# Logits of each that are compared: the largest ones, and some of every part of the vocabulary.
LARGEST, SPREAD = 4, 8
# The promise: x86-64, aarch64 and armv7 answer within this of torch.
TOLERANCE = 1e-3
# Inputs of four-bit products are rounded to eight bits in the agent, which torch does not.
TOLERANCE_FOUR_BITS = 0.5


@torch.no_grad()
def document(decoder: Decoder, texts: Texts, tolerance: float = TOLERANCE) -> dict[str, object]:
    """The file: texts from the shortest to the longest, each cut in the middle of its answer."""
    cases = []
    for at in some(texts, TEXTS):
        prompt = int(texts.prompts[at])
        text = texts.text(at)
        tokens = [int(token) for token in text[: (prompt + len(text)) // 2]]
        logits = decoder(torch.tensor([tokens]))[0, -1]
        spread = range(0, len(logits), max(1, len(logits) // SPREAD))
        told = dict.fromkeys([*logits.topk(LARGEST).indices.tolist(), *spread])
        cases.append({"tokens": tokens, "output": [[index, float(logits[index])] for index in told]})
    return {"tolerance": tolerance, "texts": cases}
