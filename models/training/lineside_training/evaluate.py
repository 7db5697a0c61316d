"""The honest protocol on recordings of real machines, beside the agent's own `lineside eval`.

Causal; each recording is started cold at several offsets and cut at the labelled end of its
anomaly; an event counts only if a new alarm is raised inside it. Labels are never an input.
SKAB is GPL-3.0: it is scored here, and never trained on.
"""

import csv
import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np

from .alarms import WARM_UP, pooled, raised
from .dataset import Bank
from .scorer import Scorer
from .synthetic import Array

OFFSETS = (0, 20, 40, 60, 80, 100)
SOON_S = 60
SKAB_CHANNELS = slice(1, 9)


@dataclass(frozen=True)
class Recording:
    """Values `[channels, ticks]` without ticks at which nothing came, and the time of each, in ticks."""

    name: str
    values: Array
    clock: Array
    anomalous: Array
    period_s: float


def skab_file(path: Path) -> Recording:
    """One SKAB recording at 1 Hz; `anomaly` is the label."""
    with path.open(newline="") as file:
        header, *rows = list(csv.reader(file, delimiter=";"))
    times = [datetime.fromisoformat(row[0]).timestamp() for row in rows]
    values = np.array([[float(cell) for cell in row[SKAB_CHANNELS]] for row in rows]).T
    labels = [float(row[header.index("anomaly")]) > 0 if "anomaly" in header else False for row in rows]
    clock = np.round(np.array(times) - times[0]).astype(int)
    return Recording(path.name, values, clock, np.array(labels), 1.0)


def nab_file(path: Path, windows: list[list[str]]) -> Recording:
    """One NAB stream; `windows` are its labelled anomalies."""
    with path.open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    times = np.array([datetime.fromisoformat(row[0]).timestamp() for row in rows])
    edges = [[datetime.fromisoformat(edge).timestamp() for edge in window] for window in windows]
    labels = np.zeros(len(rows), bool)
    for start, end in edges:
        labels |= (times >= start) & (times <= end)
    values = np.array([[float(row[1]) for row in rows]])
    return Recording(path.name, values, np.arange(len(rows)), labels, float(np.median(np.diff(times))))


def alarms_of(scorer: Scorer, bank: Bank, recording: Recording, start: int, base: float) -> Array:
    """Times of new alarms, in ticks of the recording's clock, when it is started cold at `start`."""
    scores = pooled(scorer.logits(bank(recording.values[:, start:])))
    return recording.clock[start:][raised(scores, base)]


def skab(scorer: Scorer, bank: Bank, data: Path, base: float) -> dict[str, float]:
    """The figures of the protocol, means over the offsets."""
    faulty = [skab_file(p) for p in sorted((data / "skab" / "valve1").glob("*.csv"))]
    normal = skab_file(data / "skab" / "normal.csv")
    sums = []
    for offset in OFFSETS:
        found = soon = false = 0
        hours, delays = 0.0, []
        for recording in faulty:
            onset_row = int(np.argmax(recording.anomalous))
            end_row = onset_row + int(np.argmin(np.append(recording.anomalous[onset_row:], False)))
            onset = recording.clock[onset_row]
            whole = Recording(
                recording.name,
                recording.values[:, :end_row],
                recording.clock[:end_row],
                recording.anomalous[:end_row],
                recording.period_s,
            )
            start = int(np.searchsorted(recording.clock, offset))
            alarms = alarms_of(scorer, bank, whole, start, base)
            false += int((alarms < onset).sum())
            hours += (onset - offset - WARM_UP) / 3600
            hits = alarms[alarms >= onset] - onset
            delays.append(hits[0] if len(hits) else np.inf)
            found += len(hits) > 0
            soon += len(hits) > 0 and hits[0] <= SOON_S
        quiet = alarms_of(scorer, bank, normal, int(np.searchsorted(normal.clock, offset)), base)
        quiet_hours = (normal.clock[-1] - offset - WARM_UP) / 3600
        median = float(np.median(delays))
        sums.append([found / len(faulty), soon / len(faulty), median, false / hours, len(quiet) / quiet_hours])
    names = ("events", "within_60_s", "median_s", "false_per_hour_before", "false_per_hour_normal")
    return {f"skab_{name}": float(value) for name, value in zip(names, np.mean(sums, axis=0))}


def nab(scorer: Scorer, bank: Bank, data: Path, base: float) -> dict[str, float]:
    """Hits of labelled windows, false alarms per 1 000 windows and per day, over all streams."""
    windows = json.loads((data / "nab" / "windows.json").read_text())
    hits = events = false = ticks = 0
    days = 0.0
    for name, edges in sorted(windows.items()):
        path = data / "nab" / name
        if not path.is_file():
            continue
        recording = nab_file(path, edges)
        alarms = alarms_of(scorer, bank, recording, 0, base)
        false += int((~recording.anomalous[alarms]).sum())
        normal = int((~recording.anomalous[WARM_UP:]).sum())
        ticks += normal
        days += normal * recording.period_s / 86_400
        changes = np.flatnonzero(np.diff(np.concatenate([[False], recording.anomalous, [False]]).astype(int)))
        for start, end in zip(changes[::2], changes[1::2]):
            events += 1
            hits += bool(((alarms >= start) & (alarms < end)).any())
    return {"nab_events": hits / events, "nab_false_per_1000": 1000 * false / ticks, "nab_false_per_day": false / days}
