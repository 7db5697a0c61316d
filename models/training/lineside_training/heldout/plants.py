"""Machines of this author: which channels they have, in which units, and where their levels lie."""

import random
import tomllib
from dataclasses import dataclass
from pathlib import Path

DATA = tomllib.loads((Path(__file__).parent / "plants.toml").read_text())
LINEUPS: dict[str, list[str]] = DATA["lineups"]
RANGES: dict[str, list[list]] = DATA["ranges"]


@dataclass
class Sensor:
    """A channel of a machine before it has a name."""

    key: str
    instance: int
    of: int
    unit: str
    level: float
    sd: float


def channels(lineup: str) -> list[tuple[str, int, int]]:
    out = []
    for word in lineup.split():
        key, _, count = word.partition("*")
        total = int(count or 1)
        out += [(key, at, total) for at in range(total)]
    return out


def sensors(rng: random.Random, machine: str, wanted: list[tuple[str, int, int]]) -> list[Sensor]:
    """Units and levels are a machine's; those of the same quantity share a unit."""
    units: dict[str, list] = {}
    twins: dict[str, float] = {}
    out = []
    for key, instance, of in wanted:
        row = units.setdefault(key, rng.choice(_ranges(machine, key)))
        level = twins.setdefault(key, rng.uniform(row[1], row[2])) * rng.uniform(0.97, 1.03)
        share = rng.uniform(0.0016, 0.0035) if key in ("voltage", "sound") else rng.uniform(0.009, 0.032)
        if key == "temperature@winding" and row[0] == "K":
            share /= 5
        out.append(Sensor(key, instance, of, row[0], level, abs(level) * share))
    return out


def _ranges(machine: str, key: str) -> list[list]:
    for name in (f"{machine}:{key}", key, key.split("@")[0]):
        if name in RANGES:
            return RANGES[name]
    raise KeyError(f"no range for {key} of {machine}: add one to plants.toml")
