"""The agent's own feature bank, run as a program: no second implementation of it exists.

Build it once with `cargo build -p lineside --example features`; `LINESIDE_FEATURES` names
another place to find it.
"""

import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from .synthetic import Array

WIDTH = 36
REPOSITORY = Path(__file__).resolve().parents[3]
PROGRAM = REPOSITORY / "target" / "debug" / "examples" / "features"

# Places of the inputs that the fixed part of the scorer reads; the bank's head lists them all.
CONTRASTS = (1, 2, 5, 6)  # level and walk of spans 8 and 16
WALKNESS = 13


def program() -> Path:
    """Where the bank's program is; says how to build it when it is missing."""
    path = Path(os.environ.get("LINESIDE_FEATURES", PROGRAM))
    if not path.is_file():
        raise SystemExit(f"{path}: not found. Build it with: cargo build -p lineside --example features")
    return path


def bank(values: Array) -> Array:
    """Features f32 `[streams, ticks, 36]` of values f64 `[streams, ticks]`, NaN missing."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.npy"), Path(folder, "out.npy")
        np.save(source, np.ascontiguousarray(values, np.float64))
        subprocess.run([program(), source, target], check=True)
        return np.load(target)
