"""`python -m compare.onnx_child MODEL.onnx VOCABULARY`: onnxruntime, one thread."""

import sys
from pathlib import Path

from reference.runner import Conversation

from .measure import PASSES, PROMPT, STEPS, Stopwatch, resident_mib, say, tokens


def main(model: str, vocabulary: str) -> None:
    ids, before = tokens(int(vocabulary)), resident_mib()
    watch = Stopwatch()
    conversation = Conversation(Path(model))
    load, passes = watch.ms(), []
    for _ in range(1 + PASSES):
        conversation.clear()
        watch = Stopwatch()
        conversation.feed(ids[:PROMPT])
        prefill = watch.ms()
        watch = Stopwatch()
        for token in ids[PROMPT:]:
            conversation.feed([token])
        passes.append((prefill, watch.ms() / STEPS))
    say(before, load, passes)


main(*sys.argv[1:])
