"""Cases for training: incidents as the agent records them, each with what really happened. Everything is drawn from the
signature table; a seed decides all of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from . import episode as episodes
from .episode import Episode
from .fit import effects_on, explains, margin
from .names import names as name_channels
from .notes import Notes
from .outlier import outlier
from .records import incident
from .table import Mode, Table, load

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Mix:
    """How often what happens."""

    unknown: float = 0.18
    compound: float = 0.09
    stray: float = 0.25
    kind_declared: float = 0.75
    noted: float = 0.4
    misleading: float = 0.08
    updated: float = 0.3
    closed: float = 0.12
    closed_and_gone: float = 0.04  # of those closed: nothing of the deviation is left
    undecidable: float = 0.02  # chance that a draw is kept in which too little is visible
    least_margin: float = 0.8


DEFAULT = Mix()
_DRAWS = 60


def cases(
    seed: int,
    count: int,
    *,
    pairs: Collection[tuple[str, str]] | None = None,
    modes: Collection[str] | None = None,
    notes: bool = True,
    mix: Mix = DEFAULT,
) -> Iterator[dict[str, Any]]:
    """Yields `count` cases, each `{"case", "truth"}`: the case in the form of the mask's test vectors, and of the truth

    - `mode`, `second`, `benign`: what happened; `unknown` for faults of no known class. A second fault is the one that
      is seen in fewer channels;
    - `causal`, `second_causal`, `unexplained`: names of the channels that deviate, by who moves them;
    - `machine`, `channels`: its kind, and what each channel is by the table.

    `pairs` (machine, mode) and `modes` limit what happens; with `modes` given, faults of no known class are drawn only
    if it has `unknown`. Notes hold lines of real work orders only where `LINESIDE_DATA` has them."""
    table = load()
    known = [
        (machine, mode)
        for machine, mode in table.pairs()
        if (pairs is None or (machine, mode) in pairs) and (modes is None or mode in modes)
    ]
    by_mode: dict[str, list[str]] = {}
    for machine, mode in known:
        by_mode.setdefault(mode, []).append(machine)
    outliers = mix.unknown if modes is None or UNKNOWN in modes else 0.0
    writer = Notes(mix.misleading)
    allowed = set(known)
    rng = Random(seed)
    for number in range(count):
        own = Random(rng.getrandbits(64))
        yield _case(own, number, table, by_mode, allowed, outliers, writer if notes else None, mix)


def _case(
    rng: Random,
    number: int,
    table: Table,
    by_mode: dict[str, list[str]],
    allowed: set[tuple[str, str]],
    outliers: float,
    writer: Notes | None,
    mix: Mix,
) -> dict[str, Any]:
    declared = rng.random() < mix.kind_declared
    luck = rng.random()
    change = "closed" if luck < mix.closed else "updated" if luck < mix.closed + mix.updated else "opened"
    if not by_mode or rng.random() < outliers:
        happened = _unknown(rng, table, change, mix)
        faults: list[Mode] = []
    else:
        faults, happened = _known(rng, table, by_mode, allowed, change, declared, mix)
    machine = happened.machine
    named = name_channels(rng, happened.channels, machine)
    device = _device(rng, machine)
    record = incident(rng, happened, named, device)
    deviating = [index for index, row in enumerate(record["evidence"]["channels"]) if row["deviates"]]
    caused = [index for index in deviating if happened.moved[index].by == 0]
    second = [index for index in deviating if happened.moved[index].by == 1]
    unexplained = [index for index in deviating if happened.moved[index].by is None]
    lines: list[str] = []
    if writer is not None and rng.random() < mix.noted:
        lines = writer.lines(rng, faults, machine, named, happened)
    return {
        "case": {
            "device": device,
            "kind": rng.choice(table.machine_words[machine]) if declared else None,
            "labels": [site.label for site in named],
            "incident": record,
            "assessment": None,
            "notes": lines,
        },
        "truth": {
            "mode": faults[0].id if faults else UNKNOWN,
            "second": faults[1].id if len(faults) > 1 else None,
            "benign": bool(faults) and faults[0].benign,
            "causal": [named[index].name for index in caused],
            "second_causal": [named[index].name for index in second],
            "unexplained": [named[index].name for index in unexplained],
            "machine": machine,
            "channels": happened.channels,
            "number": number,
        },
    }


def _known(
    rng: Random,
    table: Table,
    by_mode: dict[str, list[str]],
    allowed: set[tuple[str, str]],
    change: str,
    declared: bool,
    mix: Mix,
) -> tuple[list[Mode], Episode]:
    mode = table.modes[rng.choice(list(by_mode))]
    machine = rng.choice(by_mode[mode.id])
    seconds = [
        other
        for other in table.modes_of(machine)
        if (machine, other.id) in allowed and other.id != mode.id and not other.benign and other.scope != "machine"
    ]
    compound = bool(seconds) and not mode.benign and not mode.scope and rng.random() < mix.compound
    keep_anyway = rng.random() < mix.undecidable
    candidates = table.modes_of(machine) if declared else list(table.modes.values())
    best: tuple[float, list[Mode], Episode] | None = None
    for _ in range(_DRAWS):
        faults = [mode, rng.choice(seconds)] if compound else [mode]
        happened = _draw(rng, table, machine, faults, change, mix)
        seen = happened.seen()
        roles = {happened.moved[index].by for index in seen}
        if not roles.issuperset(range(len(faults))):
            continue
        if compound:
            # The first fault is the one that is seen in more channels.
            shares = [sum(happened.moved[index].by == fault for index in seen) for fault in (0, 1)]
            if shares[1] > shares[0] and not faults[1].scope:
                faults.reverse()
                for moved in happened.moved.values():
                    moved.by = 1 - moved.by if moved.by is not None else None
        distance = margin(faults, candidates, happened.channels, seen)
        if best is None or distance > best[0]:
            best = (distance, faults, happened)
        if keep_anyway or distance >= mix.least_margin:
            best = (distance, faults, happened)
            break
    if best is None:
        raise RuntimeError(f"{mode.id} moves nothing on {machine}: check its effects against the machine's channels")
    _, faults, happened = best
    if change == "closed":
        episodes.close(rng, happened, mix.closed_and_gone)
    return faults, happened


def _draw(rng: Random, table: Table, machine: str, faults: list[Mode], change: str, mix: Mix) -> Episode:
    effects = tuple(effect for fault in faults for effect in fault.effects)
    foreign = table.machines[rng.choice(list(table.machines))]
    channels = episodes.channel_set(rng, table.machines[machine], effects, foreign)
    happened = episodes.start(rng, machine, channels, change)
    for by, fault in enumerate(faults):
        delay = 0 if by == 0 or rng.random() < 0.3 else rng.randrange(0, max(1, happened.age // 2))
        episodes.apply(rng, happened, fault, by, delay)
    # A sensor fault is known by nothing else taking part.
    chance = mix.stray if not faults[0].scope else 0.3 * mix.stray if faults[0].scope == "sensor" else 0.0
    if rng.random() < chance:
        taken = {index for fault in faults for index in effects_on(fault, channels)}
        episodes.stray(rng, happened, taken, 1 if rng.random() < 0.75 else 2)
    return happened


def _unknown(rng: Random, table: Table, change: str, mix: Mix) -> Episode:
    while True:
        machine = rng.choice(list(table.machines))
        happened = outlier(rng, table, machine, change)
        seen = happened.seen()
        if seen and not explains(table, happened.channels, seen):
            break
    if change == "closed":
        episodes.close(rng, happened, mix.closed_and_gone)
    return happened


def _device(rng: Random, machine: str) -> str:
    short = {"heat_exchanger": "hx", "hydraulic_unit": "hpu", "machine_tool": "mc", "packaging": "pack"}
    stems = (machine.replace("_", "-"), short.get(machine, machine[:4]), machine[0].upper(), "M", "unit", "asset", "L")
    stem, number, letter = rng.choice(stems), rng.randrange(1, 400), rng.choice("ABCD")
    return rng.choice((f"{stem}-{number}", f"{stem}{number:02d}", f"{stem}_{number}", f"{stem}-{letter}{number}"))
