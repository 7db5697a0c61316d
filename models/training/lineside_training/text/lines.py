"""The real maintenance texts: MaintNorm's pairs, MWO2KG's work orders and failure modes."""

from pathlib import Path

import numpy as np

from ..run import Run, data_folder

Line = list[tuple[str, str]]
"""Words as they were written, with what each means; a word that belongs to the one before it means nothing."""

PARTS = ("train", "val", "test")


def company(run: Run, name: str) -> list[Line]:
    """All lines of a company, `a` or `b`."""
    folder = data_folder() / "maintnorm" / f"company_{name}"
    run.used(f"maintnorm/company_{name}", folder)
    return [line for part in PARTS for line in _blocks(folder / f"{part}.norm")]


def _blocks(path: Path) -> list[Line]:
    lines: list[Line] = [[]]
    for row in path.read_text(encoding="utf-8").split("\n"):
        raw, _, meant = row.partition("\t")
        if raw.strip():
            lines[-1].append((raw, meant))
        elif lines[-1]:
            lines.append([])
    return [line for line in lines if line]


def orders(run: Run) -> list[list[str]]:
    """Words of MWO2KG's work orders, in lower case, as they were written."""
    folder = data_folder() / "mwo2kg" / "sample_data"
    run.used("mwo2kg/sample_data", folder)
    found: list[list[str]] = [[]]
    for part in ("train", "dev"):
        for row in (folder / f"{part}.txt").read_text(encoding="utf-8").split("\n"):
            if row.strip():
                found[-1].append(row.split()[0].lower())
            elif found[-1]:
                found.append([])
    return [line for line in found if line]


def failures(run: Run) -> tuple[list[str], np.ndarray, list[str]]:
    """Observations, the number of each one's failure mode, and the modes' names in order."""
    folder = data_folder() / "mwo2kg" / "failure_mode_classification"
    run.used("mwo2kg/failure_mode_classification", folder)
    rows = [
        row.rsplit(",", 1)
        for part in ("train", "dev")
        for row in (folder / f"{part}.txt").read_text(encoding="utf-8").split("\n")
        if row.strip()
    ]
    labels = sorted({label for _, label in rows})
    return [text for text, _ in rows], np.array([labels.index(label) for _, label in rows]), labels
