"""One episode of a machine: which channels it has, what the modes move, when, how far, and what else moves."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from random import Random

from .fit import DOWN, SIZE_SD, UP, Seen, effects_on
from .table import Effect, Mode

BAND_SD = 3.0  # agent/src/incident/onset.rs
# Spread of sizes around what the table calls slight, clear, strong, extreme.
_SIZE_SPREAD = {"slight": 0.22, "clear": 0.28, "strong": 0.32, "extreme": 0.8}
# How the agent names forms (agent/src/incident/shape.rs): a ramp that ends below so many standard deviations leaves a
# line no better than a level, and is called a step; a young step that still rises may be called a ramp.
_RAMP_SEEN_SD, _RAMP_BLUR_SD = 5.0, 0.7
_FORM_CONFUSED = 0.05
_YOUNG_STEP_CONFUSED = 0.3
# What has gone far lies still there so often, as on a machine that stands.
_RESTS = 0.15
_FAR_SD = 8.0
# A channel that two faults push one after the other crosses its mean as one does that swings.
_PUSHED_TWICE_SWINGS = 0.4
_SMALL_DEVIATES = 0.4  # a channel within its band that the detector finds odd all the same


@dataclass
class Moved:
    """What one channel does in an episode."""

    movement: str
    sd: float
    shape: str | None
    lag: int  # windows since the beginning of the episode
    deviates: bool
    by: int | None  # index of the mode that moves it, None for a stray movement

    def seen(self) -> Seen:
        """What of it is visible."""
        form = self.shape if self.shape in ("step", "ramp") and self.movement in (UP, DOWN) else ""
        return Seen(_seen_movement(self), self.sd if self.movement in (UP, DOWN) else 0.0, form or "")


def _seen_movement(moved: Moved) -> str:
    by_shape = {"oscillation": "swing", "spike": "spikes", "stuck": "stuck", "dropout": "silent"}
    if moved.shape in ("stuck", "oscillation") and moved.movement in (UP, DOWN):
        return UP if moved.sd > 0 else DOWN
    return by_shape.get(moved.shape or "") or (UP if moved.sd > 0 else DOWN)


@dataclass
class Episode:
    """What happened on one machine."""

    machine: str
    channels: list[str]
    change: str
    tick_s: float
    age: int  # windows since its beginning
    moved: dict[int, Moved] = field(default_factory=dict)

    def seen(self) -> dict[int, Seen]:
        """Channels that deviate."""
        return {index: moved.seen() for index, moved in self.moved.items() if moved.deviates}


def channel_set(
    rng: Random, usual: tuple[str, ...], effects: tuple[Effect, ...], foreign: tuple[str, ...]
) -> list[str]:
    """The channels that a site has connected: what a mode moves mostly among them, others at will."""
    wanted = {effect.channel: effect.often for effect in effects}
    generosity = rng.uniform(0.35, 0.9)
    channels = []
    for channel in usual:
        often = wanted.get(channel, 0.0)
        if rng.random() < (0.95 if often >= 0.9 else 0.85 if often >= 0.7 else generosity):
            channels.append(channel)
    if rng.random() < 0.12:
        channels.append(rng.choice(foreign))
    while len(channels) < 3:
        rest = [channel for channel in usual if channel not in channels]
        channels.append(rng.choice(rest))
    channels = list(dict.fromkeys(channels))
    for channel in list(channels):
        if channel in ("vibration", "current", "temperature@zone", "temperature@bearing", "temperature@winding"):
            if rng.random() < 0.14:
                channels += [channel] * rng.choice((1, 1, 2))
    if len(channels) > 14:
        drop = [index for index, channel in enumerate(channels) if channel not in wanted]
        for index in sorted(rng.sample(drop, min(len(drop), len(channels) - 14)), reverse=True):
            channels.pop(index)
        channels = channels[:14]
    if rng.random() < 0.6:
        rng.shuffle(channels)
    else:
        channels.sort()
    return channels


def start(rng: Random, machine: str, channels: list[str], change: str) -> Episode:
    """An episode in which nothing moves yet."""
    middle = {"opened": 28.0, "updated": 130.0, "closed": 260.0}[change]
    age = max(8, int(rng.lognormvariate(math.log(middle), 0.6)))
    return Episode(machine, channels, change, rng.choice((0.5, 1.0, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)), age)


def apply(rng: Random, episode: Episode, mode: Mode, by: int, delay: int = 0) -> None:
    """Lets a mode move what it moves; what is moved already is moved further, or wins by its size."""
    if mode.scope == "sensor":
        free = [index for index in range(len(episode.channels)) if index not in episode.moved]
        if free:
            _put(rng, episode, rng.choice(free), _move(rng, episode, mode.effects[0], delay, 1.0, by))
        return
    severity = rng.lognormvariate(0.0, 0.2)
    begins = [delay, 0, 0]
    begins[1] = begins[0] + max(2, int(rng.lognormvariate(math.log(9.0), 0.6)))
    begins[2] = begins[1] + max(2, int(rng.lognormvariate(math.log(9.0), 0.6)))
    lists = effects_on(mode, episode.channels)
    together = rng.random() < 0.5
    for index, effect in lists.items():
        if rng.random() > effect.often:
            continue
        jitter = 0 if together and effect.order == 1 else _jitter(rng)
        lag = begins[effect.order - 1] + jitter
        if mode.scope == "machine":
            lag = delay
        if lag > episode.age - 3:
            if effect.order > 1 and rng.random() < 0.5:
                continue  # it has not begun yet
            lag = max(0, episode.age - 3 - int(rng.random() * 3))
        _put(rng, episode, index, _move(rng, episode, effect, lag, severity, by))


def _jitter(rng: Random) -> int:
    return int(abs(rng.gauss(0.0, 2.0)))


def _put(rng: Random, episode: Episode, index: int, moved: Moved) -> None:
    there = episode.moved.get(index)
    if there is None:
        episode.moved[index] = moved
    elif there.movement == moved.movement and moved.movement in (UP, DOWN):
        there.sd += 0.6 * moved.sd
        there.deviates = there.deviates or moved.deviates
        if there.lag != moved.lag and abs(there.sd) > _FAR_SD and rng.random() < _PUSHED_TWICE_SWINGS:
            there.shape = "oscillation"
        there.lag = min(there.lag, moved.lag)
    elif there.movement in (UP, DOWN) and moved.movement in (UP, DOWN) and abs(moved.sd) > abs(there.sd):
        episode.moved[index] = moved


def _move(rng: Random, episode: Episode, effect: Effect, lag: int, severity: float, by: int | None) -> Moved:
    size = SIZE_SD[effect.size] * severity * rng.lognormvariate(0.0, _SIZE_SPREAD[effect.size])
    if effect.movement in (UP, DOWN):
        form = rng.choice(effect.forms)
        if form == "ramp" and episode.change == "opened":
            size *= rng.uniform(0.55, 1.0)
        shape = _seen_form(rng, form, size, young=episode.change == "opened")
        if effect.size == "extreme" and size > _FAR_SD and rng.random() < _RESTS:
            shape = "stuck"
        deviates = size > BAND_SD or rng.random() < _SMALL_DEVIATES
        return Moved(effect.movement, size if effect.movement == UP else -size, shape, lag, deviates, by)
    luck = rng.random()
    if effect.movement == "swing":
        shape = "oscillation" if luck < 0.93 else "step"
        return Moved("swing", rng.gauss(0.0, 0.45 * size), shape, lag, True, by)
    if effect.movement == "spikes":
        shape = "spike" if luck < 0.86 else "oscillation" if luck < 0.95 else "step"
        return Moved("spikes", rng.gauss(0.0, 0.9), shape, lag, True, by)
    if effect.movement == "stuck":
        return Moved("stuck", rng.gauss(0.0, 1.2), "stuck", lag, True, by)
    return Moved("silent", 0.0, "dropout", lag, True, by)


def _seen_form(rng: Random, form: str, size: float, young: bool) -> str:
    if form == "ramp":
        missed = 1.0 / (1.0 + math.exp((size - _RAMP_SEEN_SD) / _RAMP_BLUR_SD))
        return "step" if rng.random() < max(missed, _FORM_CONFUSED) else "ramp"
    if size < _RAMP_SEEN_SD:
        return "step"
    return "ramp" if rng.random() < (_YOUNG_STEP_CONFUSED if young else _FORM_CONFUSED) else "step"


def stray(rng: Random, episode: Episode, taken: set[int], count: int) -> None:
    """Moves channels that have no part in any fault."""
    free = [index for index in range(len(episode.channels)) if index not in episode.moved and index not in taken]
    for index in rng.sample(free, min(count, len(free))):
        movement = rng.choices((UP, DOWN, "swing", "spikes", "silent"), (42, 42, 8, 5, 3))[0]
        size = rng.choices(("slight", "clear", "strong"), (2, 6, 3))[0]
        effect = Effect("", movement, size, 1, ("step", "ramp"), 1.0)
        lag = rng.randrange(0, max(1, episode.age - 3))
        moved = _move(rng, episode, effect, lag, 1.0, None)
        moved.deviates = True
        if movement in (UP, DOWN):
            moved.sd = math.copysign(max(abs(moved.sd), rng.uniform(2.6, 3.8)), moved.sd)
        episode.moved[index] = moved


def close(rng: Random, episode: Episode, gone: float) -> None:
    """Lets a closed episode settle: back entirely, partly back, or at a new level."""
    luck = rng.random()
    if luck < gone:
        share, noise = 0.0, 0.8
    elif luck < gone + 0.45:
        share, noise = rng.uniform(0.2, 0.5), 0.3
    else:
        share, noise = rng.uniform(0.7, 1.0), 0.2
    for moved in episode.moved.values():
        if moved.shape == "dropout" and rng.random() < 0.5:
            continue
        moved.sd = moved.sd * share * rng.uniform(0.8, 1.2) + rng.gauss(0.0, noise)


def visible(episode: Episode) -> list[int]:
    """Channels that deviate, by onset."""
    return sorted((i for i, m in episode.moved.items() if m.deviates), key=lambda i: episode.moved[i].lag)
