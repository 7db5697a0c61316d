"""SKAB's recordings as a worse installation would have given them: what the detector must not mind."""

import csv
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from .recordings import SKAB_CHANNELS

MISSING = 0.05
GAP_S, GAP_EVERY_S = 30, 300
# Trials start at one of so many first rows (`--start-rows`). A gap there would start a trial later, and what the
# shorter history costs would pass for the gap's price.
START_ROWS = 120
RATE = 10

Table = tuple[list[str], list[list[str]]]
"""Header and rows as text."""
Perturbation = Callable[[np.random.Generator, Table], Table]


def missing(rng: np.random.Generator, table: Table) -> Table:
    """One sample in twenty is not there."""
    header, rows = table
    lost = rng.uniform(size=(len(rows), len(header))) < MISSING
    columns = range(len(header))[SKAB_CHANNELS]
    return header, [
        ["" if at in columns and gone[at] else cell for at, cell in enumerate(row)] for row, gone in zip(rows, lost)
    ]


def gaps(rng: np.random.Generator, table: Table) -> Table:
    """Nothing comes for half a minute, about every five minutes, from the last start of a trial on."""
    header, rows = table
    lost: set[int] = set()
    start = START_ROWS + int(rng.integers(GAP_EVERY_S))
    while start < len(rows):
        lost.update(range(start, start + GAP_S))
        start += GAP_S + int(rng.integers(GAP_EVERY_S // 2, GAP_EVERY_S * 3 // 2))
    return header, [row for at, row in enumerate(rows) if at not in lost]


def rescaled(rng: np.random.Generator, table: Table) -> Table:
    """Channels change places, and each has another unit: a factor and an offset of its own."""
    header, rows = table
    columns = list(range(len(header))[SKAB_CHANNELS])
    values = np.array([[float(row[at]) for at in columns] for row in rows])
    factor = 10 ** rng.uniform(-3, 3, len(columns)) * rng.choice([-1, 1], len(columns))
    values = (values * factor + factor * rng.uniform(-100, 100, len(columns)))[:, rng.permutation(len(columns))]
    out = [list(row) for row in rows]
    for row, changed in zip(out, values.tolist()):
        for at, value in zip(columns, changed):
            row[at] = repr(value)
    return header, out


def faster(rng: np.random.Generator, table: Table) -> Table:
    """Ten rows where there was one, on the line to the next one."""
    header, rows = table
    columns = range(len(header))[SKAB_CHANNELS]
    out = []
    for row, following in zip(rows, rows[1:]):
        begin, end = datetime.fromisoformat(row[0]), datetime.fromisoformat(following[0])
        step = min((end - begin) / RATE, timedelta(seconds=1 / RATE))
        for part in range(RATE):
            between = list(row)
            between[0] = (begin + part * step).isoformat(sep=" ", timespec="milliseconds")
            for at in columns:
                between[at] = repr(float(row[at]) + (float(following[at]) - float(row[at])) * part / RATE)
            out.append(between)
    return header, out


def write(perturbation: Perturbation, seed: int, source: Path, target: Path) -> list[Path]:
    """Perturbed copies of SKAB's recordings, by their names, in an empty folder."""
    paths = [*sorted((source / "valve1").glob("*.csv")), source / "normal.csv"]
    for at, path in enumerate(paths):
        with path.open(newline="") as file:
            header, *rows = list(csv.reader(file, delimiter=";"))
        header, rows = perturbation(np.random.default_rng([seed, 8, at]), (header, rows))
        with (target / path.name).open("w", newline="") as file:
            csv.writer(file, delimiter=";").writerows([header, *rows])
    return [target / path.name for path in paths]
