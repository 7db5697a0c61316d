"""The agent's own programs, run as programs: no second implementation of what they do exists here.

Build them with `cargo build --workspace --examples`. `LINESIDE_BIN` names another `lineside`,
`LINESIDE_EXAMPLES` another folder of examples.
"""

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from .run import REPOSITORY

Array = np.ndarray
# In this order: what is faster comes first; the last is the name that the tests build.
BINARIES = ("release/lineside", "debug/lineside", "debug/agent-under-test")
EXAMPLES = ("release/examples", "debug/examples")


def lineside() -> Path:
    """The agent's command."""
    if asked := os.environ.get("LINESIDE_BIN"):
        return _there(Path(asked), "LINESIDE_BIN names no file")
    found = [path for name in BINARIES if (path := REPOSITORY / "target" / name).is_file()]
    return found[0] if found else _there(REPOSITORY / "target" / BINARIES[1], "build it: cargo build --workspace")


def program(name: str) -> Path:
    """An example of the agent."""
    if asked := os.environ.get("LINESIDE_EXAMPLES"):
        return _there(Path(asked, name), "LINESIDE_EXAMPLES names a folder without it")
    found = [path for folder in EXAMPLES if (path := REPOSITORY / "target" / folder / name).is_file()]
    build = "build it: cargo build --workspace --examples"
    return found[0] if found else _there(REPOSITORY / "target" / EXAMPLES[1] / name, build)


def _there(path: Path, otherwise: str) -> Path:
    if not path.is_file():
        raise SystemExit(f"{path}: not found; {otherwise}")
    return path


def bundle_test(folder: Path) -> dict[str, Any]:
    """Runs the bundle's model as a device would before it takes it; stops with the reason if it may not run."""
    command = [lineside(), "bundle", "test", "--json", folder]
    ran = subprocess.run(command, capture_output=True, text=True)
    try:
        report = json.loads(ran.stdout)
    except json.JSONDecodeError:
        raise SystemExit(f"{folder}: {(ran.stderr or ran.stdout).strip()}") from None
    verdict = report["verdict"]
    if verdict["result"] != "ok":
        raise SystemExit(f"{folder}: {verdict['reason']}: {verdict['detail']}")
    return report


def bundle_verify(folder: Path) -> None:
    """Checks that a bundle is whole, without running its model; stops with the reason if it is not."""
    ran = subprocess.run([lineside(), "bundle", "verify", folder], capture_output=True, text=True)
    if ran.returncode:
        raise SystemExit(f"{folder}: {ran.stderr.strip()}")


def bundle_pack(folder: Path, tar: Path) -> Path:
    """Makes the tar that travels."""
    subprocess.run([lineside(), "bundle", "pack", folder, tar], check=True, stdout=subprocess.DEVNULL)
    return tar


def features(values: Array) -> Array:
    """The detector's inputs f32 `[streams, ticks, 36]` of values f64 `[streams, ticks]`, NaN missing."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.npy"), Path(folder, "out.npy")
        np.save(source, np.ascontiguousarray(values, np.float64))
        subprocess.run([program("features"), source, target], check=True)
        return np.load(target)
