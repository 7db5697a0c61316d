"""Another rig than those the detector was made with: ZeMA's hydraulic test rig, its changes of state as events.

Nothing was chosen on it. The rig runs a load cycle a minute. Every ten cycles or so a component is set to another
state, which stays: a recording is the ten cycles before a change and the ten after it, or one of the three long runs
in which nothing was changed.
"""

import csv
import gzip
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np

from .recordings import Recording
from .synthetic import Array

CHANNELS = ("TS1", "TS2", "TS3", "TS4", "VS1", "CE", "CP", "SE", "FS1", "FS2")
STATES = ("cooler", "valve", "pump", "accumulator")
CYCLE_S = 60
CYCLES = 10
# A run of so many cycles without a change is a normal recording.
LONG = 100
LABEL = "anomaly"
BEGIN = datetime(2015, 1, 1)


def recordings(data: Path) -> list[Recording]:
    """Changes of state in the order of time, by the component that changed first, then the long runs."""
    folder = data / "hydraulic"
    with (folder / "profile.csv").open(newline="") as file:
        states = [tuple(row[state] for state in STATES) for row in csv.DictReader(file)]
    values = np.stack([_channel(folder / f"{name}.txt.gz") for name in CHANNELS])
    out, long = [], []
    for before, at, after in changes(states):
        which = next(name for name, old, new in zip(STATES, states[at - 1], states[at]) if old != new)
        cycles = slice(max(before, at - CYCLES), min(after, at + CYCLES))
        anomalous = np.arange((cycles.stop - cycles.start) * CYCLE_S) >= (at - cycles.start) * CYCLE_S
        out.append(_recording(f"{which}-{at}", values, cycles, anomalous))
    for start, end in _runs(states):
        if end - start >= LONG:
            cycles = slice(start, end)
            long.append(_recording(f"normal-{start}", values, cycles, np.zeros((end - start) * CYCLE_S, bool)))
    return out + long


def changes(states: list[tuple[str, ...]]) -> list[tuple[int, int, int]]:
    """First cycle of the state before, of the change and of the next change; a state of a cycle or two is the
    beginning of a change that is made in steps."""
    runs = _runs(states)
    long = [at for at, (start, end) in enumerate(runs) if end - start >= CYCLES]
    out = []
    for before, after in pairwise(long):
        out.append((runs[before][0], runs[before][1], runs[after][1]))
    return out


def write(found: list[Recording], target: Path) -> list[Path]:
    """The recordings as CSV files in a folder, for `lineside eval`."""
    paths = []
    for recording in found:
        path = target / f"{recording.name}.csv"
        with path.open("w", newline="") as file:
            out = csv.writer(file, delimiter=";")
            out.writerow(["time", *CHANNELS, LABEL])
            for second, (row, label) in enumerate(zip(recording.values.T.tolist(), recording.anomalous.tolist())):
                time = (BEGIN + timedelta(seconds=second)).isoformat(sep=" ")
                out.writerow([time, *map(repr, row), int(label)])
        paths.append(path)
    return paths


def _runs(states: list[tuple[str, ...]]) -> list[tuple[int, int]]:
    edges = [0, *(at for at in range(1, len(states)) if states[at] != states[at - 1]), len(states)]
    return list(pairwise(edges))


def _channel(path: Path) -> Array:
    """Cycles `[cycles, seconds]`; what is sampled faster is averaged over the second."""
    with gzip.open(path, "rt") as file:
        cycles = np.loadtxt(file)
    return cycles.reshape(len(cycles), CYCLE_S, -1).mean(axis=2)


def _recording(name: str, values: Array, cycles: slice, anomalous: Array) -> Recording:
    part = values[:, cycles].reshape(len(values), -1)
    return Recording(name, part, np.arange(part.shape[1]), anomalous, 1.0)
