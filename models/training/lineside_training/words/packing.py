"""The bundle: what it is for, what it needs, and the files that it holds."""

from pathlib import Path
from typing import Any

from .. import bundle
from ..run import Run
from . import golden, pairs, sets
from .graph import onnx_file
from .model import Decoder
from .tokenizer import END

NAME = "words"
DESCRIPTION = "Words incidents and shift reports in slots: it never sees or writes a digit; trained on made-up machines"
# Weights, rotations, cache and buffers on the smallest board, and a token of it there.
MEMORY_KIB, P95_US = 49_152, 20_000


def write(
    run: Run, folder: Path, decoder: Decoder, card: str, evaluation: dict[str, Any], *, four_bits: bool = False
) -> Path:
    """Writes the bundle of a decoder."""
    reader = sets.reader(run)
    tolerance = golden.TOLERANCE_FOUR_BITS if four_bits else golden.TOLERANCE
    return bundle.write(
        run,
        folder,
        bundle.Bundle(
            name=NAME,
            version=run.config["version"],
            release=run.config["release"],
            task="summarize-incident",
            also=("shift-report",),
            description=DESCRIPTION,
            model=onnx_file(decoder, four_bits),
            golden=golden.document(decoder, sets.load(run)[1], tolerance),
            card=card,
            tokenizer=run.need(sets.TOKENIZER, "data").read_bytes(),
            language={"kind": "decoder", "context": decoder.shape.context, "end": [reader.token_to_id(END)]},
            lexicon=pairs.LEXICON.read_text(encoding="utf-8"),
            budget={"memory_kib": MEMORY_KIB, "p95_us": P95_US},
            evaluation=evaluation,
        ),
    )
