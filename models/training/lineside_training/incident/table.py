"""The signature table as the generator needs it: one reviewed file says what faults look like, here it is only read."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).parents[3] / "catalog" / "incident" / "signatures.toml"


@dataclass(frozen=True)
class Effect:
    """What a mode does to one channel."""

    channel: str
    movement: str  # up, down, swing, spikes, stuck, silent
    size: str  # slight, clear, strong, extreme
    order: int
    forms: tuple[str, ...]
    often: float


@dataclass(frozen=True)
class Mode:
    """A fault mode, or a benign one."""

    id: str
    machines: tuple[str, ...]
    scope: str  # "" for faults of a machine, "sensor", "machine" for all channels at once
    benign: bool
    cause: str
    check: str
    effects: tuple[Effect, ...]


@dataclass(frozen=True)
class Table:
    """Machines with their usual channels, and modes."""

    machines: dict[str, tuple[str, ...]]
    machine_words: dict[str, tuple[str, ...]]
    modes: dict[str, Mode]

    def modes_of(self, machine: str) -> list[Mode]:
        """Modes that a machine of this kind can have; those of sensors can happen to any."""
        return [mode for mode in self.modes.values() if not mode.machines or machine in mode.machines]

    def pairs(self) -> list[tuple[str, str]]:
        """Every machine with every mode that it can have."""
        return [(machine, mode.id) for machine in self.machines for mode in self.modes_of(machine)]


@functools.cache
def load(path: Path = TABLE) -> Table:
    """Reads the table."""
    with path.open("rb") as file:
        raw = tomllib.load(file)
    modes = {
        row["id"]: Mode(
            id=row["id"],
            machines=tuple(row["machines"]),
            scope=row.get("scope", ""),
            benign=row.get("benign", False),
            cause=row["cause"],
            check=row["check"],
            effects=tuple(Effect(c, m, s, o, tuple(f.split()), often) for c, m, s, o, f, often in row["effects"]),
        )
        for row in raw["mode"]
    }
    return Table(
        machines={row["id"]: tuple(row["channels"]) for row in raw["machine"]},
        machine_words={row["id"]: tuple(row["words"]) for row in raw["machine"]},
        modes=modes,
    )
