"""A machine's first normal hours, as `lineside export-retraining` writes them: a CSV a device."""

import csv
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from .synthetic import Array

TIME = "time"
# As in the agent: a longer gap is a jump, and what follows starts anew.
LONGEST_GAP = 600
# Less is no history to compare with: the detector learns for 300 windows before it watches.
SHORTEST_PIECE = 500
# Windows of a device without which a refit learns chance: an hour at one a second.
LEAST = 3600


@dataclass(frozen=True)
class Piece:
    """Values `[channels, windows]` of one device without a jump in time, NaN missing."""

    device: str
    values: Array


def read(folder: Path) -> list[Piece]:
    """All devices of a folder; refuses what is too little, and says what is missing."""
    files = sorted(folder.glob("*.csv"))
    if not files:
        raise SystemExit(f"{folder}: holds no .csv: export them with `lineside export-retraining`")
    pieces = [piece for file in files for piece in device(file)]
    windows = sum(piece.values.shape[1] for piece in pieces)
    if windows < LEAST:
        raise SystemExit(
            f"{folder}: {windows} windows of normal operation without long gaps, and a refit needs {LEAST} or more "
            f"(an hour at one window a second). Wait for more hours and export again; until then the shipped "
            f"detector is the better one."
        )
    return pieces


def device(file: Path) -> list[Piece]:
    """One device: a column `time` (RFC 3339), and one a channel; an empty cell is a missing sample."""
    with file.open(newline="", encoding="utf-8") as source:
        header, *rows = csv.reader(source)
    if TIME not in header or len(header) < 2:
        raise SystemExit(f"{file}: needs a column `{TIME}` and one for each channel, found {', '.join(header)}")
    at = header.index(TIME)
    columns = [column for column in range(len(header)) if column != at]
    try:
        times = np.array([datetime.fromisoformat(row[at]).timestamp() for row in rows])
        values = np.array([[float(row[column] or "nan") for column in columns] for row in rows]).T
    except (ValueError, IndexError) as error:
        raise SystemExit(f"{file}: {error}") from error
    if len(times) < 2 or (np.diff(times) <= 0).any():
        raise SystemExit(f"{file}: needs two rows or more, each later than the one before")
    values[~np.isfinite(values)] = np.nan
    windows = np.round((times - times[0]) / np.median(np.diff(times))).astype(int)
    pieces = []
    for part in np.split(np.arange(len(times)), np.flatnonzero(np.diff(windows) > LONGEST_GAP) + 1):
        place = windows[part] - windows[part[0]]
        if place[-1] + 1 >= SHORTEST_PIECE:
            filled = np.full((len(columns), place[-1] + 1), np.nan)
            filled[:, place] = values[:, part]
            pieces.append(Piece(file.stem, filled))
    return pieces
