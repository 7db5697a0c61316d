"""The agent's prompts, slots and mask, asked of its own program (docs/reference/slots.md, "For training")."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..agent import program


def ask(lines: Iterable[dict[str, Any]], lexicon: Path | None = None) -> list[dict[str, Any]]:
    """The answers to lines with a `case` or a `shift` each, and with `pieces` what the mask says of them."""
    command = [str(program("slots")), *(["--lexicon", str(lexicon)] if lexicon else [])]
    asked = "\n".join(json.dumps(line, separators=(",", ":")) for line in lines)
    ran = subprocess.run(command, input=asked, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"slots: {ran.stderr.strip().splitlines()[0]}")
    return [json.loads(answer) for answer in ran.stdout.splitlines()]
