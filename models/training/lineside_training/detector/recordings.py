"""Recordings of real machines with labelled events: SKAB's pump test bed, NAB's streams.

Labels are never an input. SKAB is GPL-3.0: it is scored, and nothing that ships is trained on it.
"""

import csv
import json
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np

from .synthetic import Array

SKAB_CHANNELS = slice(1, 9)


@dataclass(frozen=True)
class Recording:
    """Values `[channels, ticks]` without ticks at which nothing came, and the time of each, in ticks."""

    name: str
    values: Array
    clock: Array
    anomalous: Array
    period_s: float

    def events(self) -> list[tuple[int, int]]:
        """First row of each labelled event, and the row after its last."""
        edges = np.diff(np.concatenate([[False], self.anomalous, [False]]).astype(int))
        return list(zip(np.flatnonzero(edges == 1).tolist(), np.flatnonzero(edges == -1).tolist()))

    def from_row(self, start: int) -> "Recording":
        """What is left when it is started cold at a row."""
        clock, anomalous = self.clock[start:] - self.clock[start], self.anomalous[start:]
        return replace(self, values=self.values[:, start:], clock=clock, anomalous=anomalous)

    def to_last_event(self) -> "Recording":
        """Cut where its last event ends: what is said about the return to normal is not scored."""
        if not self.anomalous.any():
            return self
        end = self.events()[-1][1]
        values, clock = self.values[:, :end], self.clock[:end]
        return replace(self, values=values, clock=clock, anomalous=self.anomalous[:end])


def skab(data: Path) -> list[Recording]:
    """The sixteen valve closings and the normal recording, which comes last."""
    folder = data / "skab"
    return [skab_file(path) for path in [*sorted((folder / "valve1").glob("*.csv")), folder / "normal.csv"]]


def skab_file(path: Path) -> Recording:
    """One SKAB recording at 1 Hz; `anomaly` is the label."""
    with path.open(newline="") as file:
        header, *rows = list(csv.reader(file, delimiter=";"))
    times = np.array([datetime.fromisoformat(row[0]).timestamp() for row in rows])
    values = np.array([[float(cell) for cell in row[SKAB_CHANNELS]] for row in rows]).T
    labels = [float(row[header.index("anomaly")]) > 0 if "anomaly" in header else False for row in rows]
    return Recording(path.name, values, np.round(times - times[0]).astype(int), np.array(labels), 1.0)


def nab(data: Path) -> list[Recording]:
    """NAB's streams, one channel each, at whatever rate they have."""
    windows = json.loads((data / "nab" / "windows.json").read_text())
    return [nab_file(path, edges) for name, edges in sorted(windows.items()) if (path := data / "nab" / name).is_file()]


def nab_file(path: Path, windows: list[list[str]]) -> Recording:
    """One NAB stream; `windows` are its labelled anomalies."""
    with path.open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    times = np.array([datetime.fromisoformat(row[0]).timestamp() for row in rows])
    labels = np.zeros(len(rows), bool)
    for window in windows:
        start, end = (datetime.fromisoformat(edge).timestamp() for edge in window)
        labels |= (times >= start) & (times <= end)
    values = np.array([[float(row[1]) for row in rows]])
    return Recording(path.name, values, np.arange(len(rows)), labels, float(np.median(np.diff(times))))
