"""Labelled cycles of a machine: a site's own folder, or the hydraulic test rig of the open data.

Every channel of a cycle is brought to `TICKS` values, so that sensors of different rates stand side by side.
"""

import csv
import gzip
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

Array = np.ndarray
TICKS = 300
HYDRAULIC = ("TS1", "TS2", "TS3", "TS4", "VS1", "CE", "CP", "SE", "FS1", "FS2")
# Columns of labels.csv that are no heads.
ORDER, ASSET, FILE, CHANNELS = "order", "asset", "file", "channels.txt"


@dataclass(frozen=True)
class Cycles:
    """Values `[cycles, channels, TICKS]` f32, sorted by time; per head a class number for each cycle."""

    values: Array
    channels: tuple[str, ...]
    heads: dict[str, Array]
    classes: dict[str, tuple[str, ...]]
    asset: Array

    def save(self, path: Path) -> None:
        """Writes all of it to one `.npz`."""
        names = json.dumps({"channels": self.channels, "classes": self.classes})
        heads = {f"head {name}": value for name, value in self.heads.items()}
        np.savez(path, values=self.values, asset=self.asset, names=np.array(names), **heads)


def load(path: Path) -> Cycles:
    """What `save` wrote."""
    with np.load(path) as file:
        names = json.loads(str(file["names"]))
        classes = {name: tuple(labels) for name, labels in names["classes"].items()}
        heads = {name: file[f"head {name}"] for name in classes}
        return Cycles(file["values"], tuple(names["channels"]), heads, classes, file["asset"])


def resampled(values: Array) -> Array:
    """Cycles `[cycles, ticks]` of any length as `[cycles, TICKS]`: means within a tick, or lines between."""
    ticks = values.shape[1]
    if ticks % TICKS == 0:
        return values.reshape(len(values), TICKS, -1).mean(axis=2)
    if TICKS % ticks == 0:
        return np.repeat(values, TICKS // ticks, axis=1)
    at = np.linspace(0, ticks - 1, TICKS)
    low = np.minimum(at.astype(int), ticks - 2)
    return values[:, low] + (values[:, low + 1] - values[:, low]) * (at - low)


def labelled(values: Array, channels: tuple[str, ...], rows: dict[str, list[str]]) -> Cycles:
    """Cycles with the columns of a label table; text sorts as numbers where all of it are numbers."""
    count = len(values)
    order = np.argsort([float(v) for v in rows.get(ORDER, map(str, range(count)))], kind="stable")
    heads, classes = {}, {}
    for name, column in rows.items():
        if name not in (ORDER, ASSET, FILE):
            labels = sorted(set(column), key=_number)
            if len(labels) < 2:
                raise SystemExit(f"labels: `{name}` is `{labels[0]}` in every cycle: there is nothing to learn")
            classes[name] = tuple(labels)
            heads[name] = np.array([labels.index(label) for label in column])[order]
    if not heads:
        raise SystemExit(f"labels: no column to learn beside {ORDER}, {ASSET} and {FILE}")
    asset = np.array(rows.get(ASSET, ["one"] * count))[order]
    return Cycles(values[order].astype(np.float32), channels, heads, classes, asset)


def _number(label: str) -> tuple[int, float, str]:
    try:
        return (0, float(label), label)
    except ValueError:
        return (1, 0.0, label)


def numeric(labels: tuple[str, ...]) -> bool:
    """Whether classes are numbers, and so have an order."""
    return all(_number(label)[0] == 0 for label in labels)


def hydraulic(folder: Path) -> Cycles:
    """The ZeMA test rig of 2015: its terms are not verified, so nothing trained on it ships."""
    parts = []
    for name in HYDRAULIC:
        with gzip.open(folder / f"{name}.txt.gz", "rt") as file:
            parts.append(resampled(np.loadtxt(file, dtype=np.float32)))
    with (folder / "profile.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    columns = dict(zip(header, map(list, zip(*rows))))
    table = {name: columns[name] for name in ("cooler", "valve", "pump", "accumulator")} | {ORDER: columns["cycle"]}
    return labelled(np.stack(parts, axis=1), HYDRAULIC, table)


def site(folder: Path) -> Cycles:
    """`labels.csv` with `cycles.npy`, or with a column `file` that names a CSV a cycle."""
    table = folder / "labels.csv"
    if not table.is_file():
        raise SystemExit(f"{table}: not found: one row a cycle, a column for each thing to learn")
    with table.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    if any(len(row) != len(header) for row in rows):
        raise SystemExit(f"{table}: every row needs {len(header)} cells, as its header has")
    columns = dict(zip(header, map(list, zip(*rows))))
    if FILE in columns:
        values, channels = _files(folder, columns[FILE])
    else:
        values, channels = _stacked(folder)
    if len(values) != len(rows):
        raise SystemExit(f"{folder}: {len(values)} cycles, and {len(rows)} rows in labels.csv")
    if not np.isfinite(values).all():
        first = int(np.argwhere(~np.isfinite(values))[0][0])
        raise SystemExit(f"{folder}: cycle {first} has values that are no number")
    return labelled(values, channels, columns)


def _stacked(folder: Path) -> tuple[Array, tuple[str, ...]]:
    file = folder / "cycles.npy"
    if not file.is_file():
        raise SystemExit(f"{file}: not found, and labels.csv has no column `{FILE}`: give the cycles in either form")
    values = np.load(file)
    if values.ndim != 3:
        raise SystemExit(f"{file}: must be [cycles, channels, ticks], found {list(values.shape)}")
    names = folder / CHANNELS
    channels = names.read_text(encoding="utf-8").split() if names.is_file() else []
    channels = channels or [f"c{at}" for at in range(values.shape[1])]
    if len(channels) != values.shape[1]:
        raise SystemExit(f"{names}: {len(channels)} names for {values.shape[1]} channels")
    return np.stack([resampled(values[:, at]) for at in range(values.shape[1])], axis=1), tuple(channels)


def _files(folder: Path, names: list[str]) -> tuple[Array, tuple[str, ...]]:
    out, channels = [], None
    for name in names:
        with (folder / name).open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        if channels not in (None, header):
            raise SystemExit(f"{folder / name}: has other columns than the first cycle: {', '.join(header)}")
        channels = header
        values = np.array([[float(cell) for cell in row] for row in rows]).T
        out.append(resampled(values))
    return np.stack(out), tuple(channels or ())
