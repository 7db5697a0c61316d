"""`python -m reference MODEL.onnx PROMPT TOKENS OUT`: the logits that onnxruntime gives, token after token.

TOKENS is a list with commas: the first PROMPT of them are read at once, the others one by one. OUT gets
one row of little-endian f32 for the prompt and one for each other token."""

import sys
from pathlib import Path

import numpy as np

from .runner import Conversation


def main(model: str, prompt: str, tokens: str, out: str) -> None:
    ids, first = [int(token) for token in tokens.split(",")], int(prompt)
    conversation = Conversation(Path(model))
    rows = [conversation.feed(ids[:first])]
    rows += [conversation.feed([token]) for token in ids[first:]]
    Path(out).write_bytes(np.stack(rows).astype("<f4").tobytes())


main(*sys.argv[1:])
