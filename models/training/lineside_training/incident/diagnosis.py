"""The agent's own diagnosis, run as a program: no second implementation of its rows and judgements exists."""

import json
import subprocess
import tempfile
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from .. import agent, toml_text
from ..run import REPOSITORY

Array = np.ndarray
CATALOG = REPOSITORY / "models" / "catalog" / "incident"
SIGNATURES, PHRASES = CATALOG / "signatures.toml", CATALOG / "phrases.toml"
UNKNOWN = "unknown"


@cache
def modes() -> tuple[str, ...]:
    """The ids of the modes, in the order of their rows."""
    with SIGNATURES.open("rb") as file:
        return tuple(mode["id"] for mode in tomllib.load(file)["mode"])


def rows(cases: Iterable[dict[str, Any]], also: tuple[Path, ...] = ()) -> Array:
    """Rows f32 `[cases, modes + 1, features]` of `{"case": …, "without": [ids]}`, NaN where the table lacks the mode.
    `also` are further files of the table."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "rows.npy")
        _run(cases, Path(folder), ["--features", target], also)
        return np.load(target)


def judgements(
    cases: Iterable[dict[str, Any]], model: Path, settings: dict[str, float], also: tuple[Path, ...] = ()
) -> list[dict[str, Any]]:
    """What the agent says of each case with this scorer."""
    with tempfile.TemporaryDirectory() as folder:
        target, figures = Path(folder, "judgements.jsonl"), Path(folder, "settings.toml")
        figures.write_text(toml_text.document(settings))
        _run(cases, Path(folder), ["--model", model, "--settings", figures, "--judgements", target], also)
        return [json.loads(line) for line in target.read_text().splitlines()]


def _run(cases: Iterable[dict[str, Any]], folder: Path, asked: list[str | Path], also: tuple[Path, ...]) -> None:
    lines = folder / "cases.jsonl"
    with lines.open("w") as file:
        file.writelines(json.dumps(case) + "\n" for case in cases)
    tables = [part for path in (SIGNATURES, PHRASES, *also) for part in ("--table", path)]
    subprocess.run([agent.program("diagnosis"), *tables, "--cases", lines, *asked], check=True)
