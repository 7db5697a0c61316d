"""Faults of no known class: what a learner must call unknown. Signatures with signs flipped, moved to other channels or
mixed, and movements of random channels; what the table would explain all the same is drawn again by the caller."""

from __future__ import annotations

from random import Random

from . import episode as episodes
from .episode import Episode
from .fit import DOWN, UP
from .table import Effect, Mode, Table

_OTHER = {UP: DOWN, DOWN: UP, "swing": UP, "spikes": DOWN, "stuck": UP, "silent": "swing"}


def outlier(rng: Random, table: Table, machine: str, change: str) -> Episode:
    """A fault that no mode describes."""
    usual = table.machines[machine]
    faults = [mode for mode in table.modes_of(machine) if not mode.scope]
    own = rng.choice(faults)
    luck = rng.random()
    if luck < 0.4:
        effects = _flipped(rng, own)
    elif luck < 0.6:
        effects = _elsewhere(rng, rng.choice([mode for mode in table.modes.values() if not mode.scope]), usual)
    elif luck < 0.72:
        effects = _half_of_each(rng, own, rng.choice(faults))
    else:
        effects = _random(rng, usual)
    made = Mode(UNKNOWN_ID, (machine,), "", False, "", "", effects)
    channels = episodes.channel_set(rng, usual, effects, usual)
    happened = episodes.start(rng, machine, channels, change)
    episodes.apply(rng, happened, made, 0)
    if rng.random() < 0.15:
        episodes.stray(rng, happened, set(), 1)
    for moved in happened.moved.values():
        moved.by = None
    return happened


UNKNOWN_ID = "unknown"


def _flipped(rng: Random, mode: Mode) -> tuple[Effect, ...]:
    effects = list(mode.effects)
    count = max(1, round(len(effects) * rng.uniform(0.4, 0.7)))
    for index in rng.sample(range(len(effects)), count):
        effects[index] = _with(effects[index], movement=_OTHER[effects[index].movement])
    return tuple(effects)


def _elsewhere(rng: Random, mode: Mode, usual: tuple[str, ...]) -> tuple[Effect, ...]:
    places = rng.sample(usual, min(len(usual), len(mode.effects)))
    return tuple(_with(effect, channel=channel) for effect, channel in zip(mode.effects, places, strict=False))


def _half_of_each(rng: Random, mode: Mode, other: Mode) -> tuple[Effect, ...]:
    half = [effect for effect in mode.effects if rng.random() < 0.5]
    rest = [_with(effect, movement=_OTHER[effect.movement]) for effect in other.effects if rng.random() < 0.5]
    return tuple(half + rest) or _flipped(rng, mode)


def _random(rng: Random, usual: tuple[str, ...]) -> tuple[Effect, ...]:
    count = min(len(usual), rng.choice((1, 2, 2, 3, 3, 4, 5)))
    return tuple(
        Effect(
            channel,
            rng.choices((UP, DOWN, "swing", "spikes", "stuck"), (40, 40, 10, 5, 5))[0],
            rng.choices(("slight", "clear", "strong", "extreme"), (1, 4, 5, 2))[0],
            rng.randrange(1, 4),
            ("step", "ramp"),
            0.97,
        )
        for channel in rng.sample(usual, count)
    )


def _with(effect: Effect, *, channel: str | None = None, movement: str | None = None) -> Effect:
    movement = movement or effect.movement
    forms = effect.forms or ("step", "ramp")
    return Effect(channel or effect.channel, movement, effect.size, effect.order, forms, effect.often)
