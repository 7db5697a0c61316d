"""Writes an episode as the agent's record of an incident, with names, notes and the truth beside it."""

import datetime
import random

from . import names
from .episode import Episode

MICROS = 1_000_000
BEGIN = 1_798_000_000


def row(
    rng: random.Random, episode: Episode, style: str, notes: list[str], author: str | None, about: str | None = None
) -> dict:
    """`{"case": …, "truth": …}`; `style` is of `names.STYLES` or `plain`, `about` what else is known of the case."""
    tick = rng.choice((1, 1, 1, 2, 5, 10, 60))
    start = (BEGIN + rng.randrange(20_000_000)) * MICROS
    device, kind = _machine(rng, episode.machine, style)
    called = _channels(rng, episode, style)
    onsets = sorted({r.onset for r in episode.readings if r.onset is not None})
    channels = []
    for (name, _), sensor, reading in zip(called, episode.sensors, episode.readings):
        baseline, now = _figures(reading.baseline), None if reading.now is None else _figures(reading.now)
        channels.append({
            "name": name,
            "unit": sensor.unit,
            "baseline": baseline,
            "now": now,
            "deviation": None if now is None else _figures(now - baseline),
            "deviation_sd": None if reading.deviation_sd is None else round(reading.deviation_sd, 3),
            "deviates": reading.shape is not None,
            "shape": reading.shape,
            "onset": None if reading.onset is None else start + reading.onset * tick * MICROS,
            "order": None if reading.onset is None else onsets.index(reading.onset) + 1,
        })
    opened, updated = (start + at * tick * MICROS for at in (episode.alarm, episode.length))
    fresh = episode.length - episode.alarm <= 20
    score = round(4.0 + rng.gammavariate(2.0, 1.6), 2)
    incident = {
        "id": f"{device}-{_stamp(opened)}",
        "device": device,
        "change": "opened" if fresh else "updated",
        "opened": updated if fresh else opened,
        "updated": updated,
        "closed": None,
        "evidence": {
            "onset": start + onsets[0] * tick * MICROS,
            "duration_s": float((episode.length - onsets[0]) * tick),
            "score": score,
            "peak_score": score if fresh else round(score + rng.random() * 3, 2),
            "limit": 4.0,
            "channels": channels,
        },
        "summary": "",
    }
    case = {
        "device": device,
        "kind": kind,
        "labels": [label for _, label in called],
        "incident": incident,
        "assessment": None,
        "notes": notes,
    }
    return {"case": case, "truth": _truth(episode, [name for name, _ in called], author, about)}


def _truth(episode: Episode, called: list[str], author: str | None, about: str | None) -> dict:
    known = [mode for mode in episode.modes if not mode.id.startswith("novel:")]
    ids = {mode.id for mode in episode.modes}
    left = [] if not known else [called[i] for i in episode.left_over()]
    return {
        "mode": known[0].id if known else None,
        "second": known[1].id if len(known) > 1 else None,
        "benign": bool(known) and all(mode.benign for mode in known),
        "causal": [called[i] for i in episode.moved_by(ids)],
        "unexplained": left,
        "machine": episode.machine,
        "author": author,
        "about": about,
    }


def _machine(rng: random.Random, machine: str, style: str) -> tuple[str, str | None]:
    if style == "plain":
        return f"{machine.replace('_', '-')}-{rng.randint(1, 40)}", machine.replace("_", " ")
    hall, letter = rng.choice(("L", "W", "HAL", "U")), rng.choice(("M", "A", "EQ"))
    device = f"{hall}{rng.randint(1, 9)}-{letter}{rng.randint(100, 999)}"
    return device, None if rng.random() < 0.2 else rng.choice(names.WORDS["kinds"][machine])


def _channels(rng: random.Random, episode: Episode, style: str) -> list[tuple[str, str]]:
    number = rng.randint(1, 8) * 100
    out: list[tuple[str, str]] = []
    for at, sensor in enumerate(episode.sensors, 1):
        name, label = names.channel(style, episode.machine, sensor, number + at)
        taken = {name for name, _ in out}
        out.append((name, label) if name not in taken else (f"{name}_{at}", f"{label} {at}"))
    return out


def _figures(value: float) -> float:
    return float(f"{value:.6g}")


def _stamp(micros: int) -> str:
    at = datetime.datetime.fromtimestamp(micros // MICROS, datetime.UTC)
    return at.strftime("%Y%m%dT%H%M%S.000Z")
