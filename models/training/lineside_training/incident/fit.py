"""How well a mode explains what moved. Used to keep cases rare of which too little is visible to decide, and to keep
what a mode explains out of the faults of no known class. It is no model: it knows the table."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .table import Effect, Mode, Table

UP, DOWN = "up", "down"
SIZE_SD = {"slight": 2.6, "clear": 4.3, "strong": 8.5, "extreme": 20.0}
# Chance that a channel without part in a fault deviates, and that a sign is seen wrongly.
_STRAY, _WRONG = 0.05, 0.01
_SIZE_SPREAD = 0.5
# A smaller ramp looks like a step (agent/src/incident/shape.rs).
_FORM_TOLD_SD = 6.0


@dataclass(frozen=True)
class Seen:
    """What is visible of one channel that deviates."""

    movement: str
    sd: float  # 0 where the movement has no size
    form: str  # step, ramp or ""


def effects_on(mode: Mode, channels: list[str]) -> dict[int, Effect]:
    """Which effect of the mode meets which channel. A quantity alone means the channel without a place: that of the
    machine itself, not of its coolant; by what place words a site calls it, is up to its names."""
    if mode.scope == "machine":
        return {index: mode.effects[0] for index in range(len(channels))}
    if mode.scope == "sensor":
        return {}
    by_channel = {effect.channel: effect for effect in mode.effects}
    return {index: by_channel[channel] for index, channel in enumerate(channels) if channel in by_channel}


def logit(modes: list[Mode], channels: list[str], seen: dict[int, Seen]) -> float:
    """Log-likelihood of what is seen under the modes together, but for a constant of the channels."""
    effects: dict[int, Effect] = {}
    any_sensor: set[int] = set()
    total = 0.0
    for mode in modes:
        if mode.scope == "sensor":
            movement = mode.effects[0].movement
            free = [index for index, what in seen.items() if what.movement == movement and index not in effects]
            if not free or (movement == "silent" and len(free) > 1):
                return -math.inf
            any_sensor.add(free[0])
            continue
        for index, effect in effects_on(mode, channels).items():
            effects.setdefault(index, effect)
    for index in any_sensor:
        # Any of the channels could have failed.
        total += math.log(1.0 / len(channels)) - math.log(_STRAY)
    for index, effect in effects.items():
        what = seen.get(index)
        if what is None:
            total += math.log(max(1.0 - effect.often, 0.02)) - math.log(1.0 - _STRAY)
        elif what.movement != effect.movement:
            total += math.log(_WRONG) - math.log(_STRAY)
        else:
            total += math.log(effect.often) - math.log(_STRAY) + _details(effect, what)
    return total


def _details(effect: Effect, what: Seen) -> float:
    total = 1.0  # a movement by chance would have to be the same
    if what.sd:
        off = math.log(abs(what.sd) / SIZE_SD[effect.size]) / _SIZE_SPREAD
        if effect.size == "extreme":
            off = min(off, 0.0)  # nothing is too large
        total -= 0.5 * min(off * off, 6.0)
    told = what.form == "ramp" or abs(what.sd) > _FORM_TOLD_SD
    if what.form and told and len(effect.forms) == 1:
        total += 0.5 if what.form in effect.forms else -1.2
    return total


def margin(truth: list[Mode], candidates: list[Mode], channels: list[str], seen: dict[int, Seen]) -> float:
    """By how much the truth explains more than any other mode (or, with a second fault, any other second) would."""
    own = logit(truth, channels, seen)
    ids = {mode.id for mode in truth}
    rivals = [[mode] for mode in candidates if mode.id not in ids]
    if len(truth) == 2:
        rivals += [[truth[0], mode] for mode in candidates if mode.id not in ids and not mode.benign]
        rivals += [[truth[0]], [truth[1]]]
    return own - max(logit(rival, channels, seen) for rival in rivals)


def explains(table: Table, channels: list[str], seen: dict[int, Seen]) -> bool:
    """Whether any mode, or any two, would explain what is seen up to a stray channel."""
    partial: list[set[int]] = []
    for mode in table.modes.values():
        if mode.scope == "sensor":
            explained = {index for index, what in seen.items() if what.movement == mode.effects[0].movement}
            if len(seen) <= 2 and explained:
                return True
            if len(explained) == 1:
                partial.append(explained)
            continue
        explained, against, missing = set(), 0, 0.0
        effects = effects_on(mode, channels)
        for index, effect in effects.items():
            what = seen.get(index)
            if what is None:
                missing += max(effect.often - 0.3, 0.0)
            elif what.movement == effect.movement:
                explained.add(index)
            else:
                against += 1
        if not explained:
            continue
        left = len(seen) - len(explained) - against
        if against <= len(explained) // 3 and left <= 1 + (len(explained) >= 4) and missing <= 0.8 * len(explained):
            return True
        if against == 0 and missing <= 0.7 * len(explained):
            partial.append(explained)
    return any(len(a | b) >= len(seen) for i, a in enumerate(partial) for b in partial[i + 1 :])
