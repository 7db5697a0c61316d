"""An episode as the agent records it: the evidence of an incident, value by value consistent with itself."""

from __future__ import annotations

from random import Random
from typing import Any

from .episode import BAND_SD, Episode
from .measures import level
from .names import Named

_YEAR_US = 365 * 86_400 * 1_000_000
_EPOCH_US = 1_735_689_600_000_000  # 2025-01-01
_SILENT_FROM_THE_START = 0.012
_NEVER_MOVED = 0.01


def incident(rng: Random, episode: Episode, named: list[Named], device: str) -> dict[str, Any]:
    """The incident of an episode in the agent's JSON form."""
    tick = round(episode.tick_s * 1_000_000)
    began = _EPOCH_US + rng.randrange(2 * _YEAR_US) // tick * tick
    deviating = {index: moved for index, moved in episode.moved.items() if moved.deviates}
    earliest = min((moved.lag for moved in deviating.values()), default=0)
    onsets = {index: began + (moved.lag - earliest) * tick for index, moved in deviating.items()}
    places = {onset: place + 1 for place, onset in enumerate(sorted(set(onsets.values())))}
    age = max([episode.age, *(moved.lag - earliest + 1 for moved in deviating.values())])
    now = began + age * tick
    opened = now if episode.change == "opened" else began + rng.randrange(4, max(5, age)) * tick
    channels = []
    for index, site in enumerate(named):
        moved = episode.moved.get(index)
        row = _channel(rng, episode, index, site)
        row["deviates"] = index in deviating
        row["shape"] = moved.shape if moved and index in deviating else None
        row["onset"] = onsets.get(index)
        row["order"] = places[onsets[index]] if index in onsets else None
        channels.append(row)
    limit = round(rng.uniform(3.0, 6.0), 2)
    peak = round(limit + rng.lognormvariate(0.7, 0.7), 2)
    score = peak if episode.change == "opened" else round(rng.uniform(-2.0, peak), 2)
    closed = now if episode.change == "closed" else None
    if closed is not None:
        score = round(rng.uniform(-6.0, limit - 0.5), 2)
    return {
        "id": f"{device}-{opened}",
        "device": device,
        "change": episode.change,
        "opened": opened,
        "updated": now,
        "closed": closed,
        "evidence": {
            "onset": began,
            "duration_s": (now - began) / 1e6,
            "score": score,
            "peak_score": peak,
            "limit": limit,
            "channels": channels,
        },
        "summary": f"{device}: {len(deviating)} channels deviate.",
    }


def _channel(rng: Random, episode: Episode, index: int, site: Named) -> dict[str, Any]:
    moved = episode.moved.get(index)
    baseline, sd = level(rng, episode.machine, episode.channels[index])
    baseline = baseline * site.unit.factor + site.unit.offset
    sd *= site.unit.factor
    if moved is not None:
        in_sd = moved.sd
        if not moved.deviates:
            in_sd = max(-BAND_SD + 0.05, min(BAND_SD - 0.05, in_sd))
    else:
        in_sd = max(-BAND_SD + 0.1, min(BAND_SD - 0.1, rng.gauss(0.0, 1.6 if rng.random() < 0.15 else 0.7)))
    silent = (moved is not None and moved.shape == "dropout" and moved.sd == 0.0) or (
        moved is None and rng.random() < _SILENT_FROM_THE_START
    )
    row: dict[str, Any] = {"name": site.name, "unit": site.unit.text, "baseline": baseline}
    if silent:
        row |= {"now": None, "deviation": None, "deviation_sd": None}
    else:
        if moved is not None and in_sd < 0 and baseline > 0 and site.unit.offset == 0.0:
            # What cannot be negative falls at most to nothing.
            sd = min(sd, 0.97 * baseline / -in_sd)
        value = baseline + in_sd * sd
        never = moved is None and rng.random() < _NEVER_MOVED
        row["now"] = baseline if never else value
        row["deviation"] = row["now"] - baseline
        row["deviation_sd"] = None if never else in_sd
    return row
