"""What is measured, the same in every runtime."""

import json
import time
from pathlib import Path

# Tokens of the prompt, and tokens after it, one by one.
PROMPT, STEPS = 128, 64
# Runs after one that warms up: the fastest of each counts.
PASSES = 3
# Coprime to the vocabularies, so that the tokens differ.
STRIDE = 7919


def tokens(vocabulary: int) -> list[int]:
    """The tokens that are read."""
    return [at * STRIDE % vocabulary for at in range(1, PROMPT + STEPS + 1)]


def resident_mib() -> float:
    """What this process holds now."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


class Stopwatch:
    """Milliseconds since it was made."""

    def __init__(self) -> None:
        self.began = time.perf_counter()

    def ms(self) -> float:
        return (time.perf_counter() - self.began) * 1000


def say(before: float, load: float, passes: list[tuple[float, float]]) -> None:
    """Prints what a child found; the first pass only warmed up."""
    prefill, token = (min(column) for column in zip(*passes[1:]))
    print(json.dumps({"before_mib": before, "load_ms": load, "prefill_ms": prefill, "token_ms": token}))
