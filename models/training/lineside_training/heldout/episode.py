"""One incident: a machine's channels, what a fault does to them, and what the agent would know of it."""

import math
import random
from dataclasses import dataclass, field

import numpy as np

from . import plants
from .measure import Channel, Reading
from .plants import Sensor
from .series import LEAD, Push, simulate
from .signatures import BUCKETS, Mode, Sign, sign

# One of several like channels is hit, the others hardly: the fault sits at one place.
LOCAL = ("temperature@bearing", "temperature@zone")
SHARE_OF_OTHERS = 0.3


@dataclass
class Episode:
    """What was simulated and what was read of it, channel by channel."""

    machine: str
    sensors: list[Sensor]
    readings: list[Reading]
    by: list[set[str]]
    alarm: int
    length: int
    modes: list[Mode]
    signs: list[Sign] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.signs = [sign(s.key, r.shape, r.deviation_sd) for s, r in zip(self.sensors, self.readings)]

    def moved_by(self, ids: set[str]) -> list[int]:
        return [i for i, (r, by) in enumerate(zip(self.readings, self.by)) if r.shape is not None and by & ids]

    def left_over(self) -> list[int]:
        """Channels that deviate though no mode of the truth moves them."""
        ids = {mode.id for mode in self.modes}
        return [i for i, (r, by) in enumerate(zip(self.readings, self.by)) if r.shape is not None and not by & ids]


def log_uniform(rng: random.Random, low: float, high: float) -> float:
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def pushes(rng: random.Random, mode: Mode, sensors: list[Sensor], windows: int, begin: int) -> list[tuple[int, Push]]:
    """What the mode does to which sensor; a scope of `sensor` hits one channel, `machine` hits all."""
    if mode.scope == "sensor":
        effect = mode.effects[0]
        hit = rng.randrange(len(sensors))
        size = log_uniform(rng, 8.0, 14.0)
        return [(hit, Push(effect.movement, size, begin, ""))]
    if mode.scope == "machine":
        return [(i, Push("silent", 0.0, begin + rng.randint(0, 1), "")) for i in range(len(sensors))]
    gap = rng.uniform(0.08, 0.25) * (windows - begin)
    form = rng.choice(("step", "ramp"))
    out = []
    for effect in mode.effects:
        hits = [i for i, s in enumerate(sensors) if s.key == effect.channel]
        if not hits or rng.random() >= effect.seen:
            continue
        low, high = BUCKETS[effect.size]
        size = log_uniform(rng, low, min(high, 22.0))
        start = begin + round((effect.order - 1) * gap) + rng.randint(0, 2)
        forms = effect.forms or ("",)
        main = rng.choice(hits)
        for i in hits:
            share = 1.0 if i == main else rng.uniform(0.6, 1.0)
            if effect.channel in LOCAL and i != main:
                if effect.channel == "temperature@zone" or rng.random() < 0.5:
                    continue
                share = SHARE_OF_OTHERS
            does, sensor = effect.movement, sensors[i]
            room = 0.97 * abs(sensor.level) / sensor.sd
            sd = size * share
            if mode.id == "stopped":
                # Nothing moves any more; but a hall is never silent.
                does, sd = "halt", room * (0.2 if sensor.key == "sound" else 1.0)
            elif does == "down" and not sensor.key.startswith(("temperature@evap", "pressure@vac")):
                sd = min(sd, room)
            out.append((i, Push(does, sd, start, form if form in forms else forms[0])))
    return out


def distraction(rng: random.Random, sensor: Sensor, windows: int) -> Push:
    """A channel that moves for a reason of its own."""
    does = rng.choice(("up", "up", "down", "down", "swing"))
    sd = min(log_uniform(rng, 4.5, 13.0), 0.95 * abs(sensor.level) / sensor.sd)
    return Push(does, sd, rng.randint(0, max(windows // 2, 1)), rng.choice(("step", "ramp")))


def play(
    rng: random.Random,
    noise: np.random.Generator,
    machine: str,
    wanted: list[tuple[str, int, int]],
    modes: list[Mode],
    distractions: int = 0,
) -> Episode | None:
    """Simulates and measures; None where the agent would have seen nothing, or nothing was left to distract by."""
    sensors = plants.sensors(rng, machine, wanted)
    windows = round(log_uniform(rng, 30, 240) if rng.random() < 0.75 else log_uniform(rng, 14, 40))
    done: list[list[Push]] = [[] for _ in sensors]
    by: list[set[str]] = [set() for _ in sensors]
    for number, mode in enumerate(modes):
        begin = 0 if number == 0 or rng.random() < 0.4 else rng.randint(0, windows // 3)
        for i, push in pushes(rng, mode, sensors, windows, begin):
            done[i].append(push)
            by[i].add(mode.id)
    taken = {effect.channel for mode in modes for effect in mode.effects}
    free = [i for i, s in enumerate(sensors) if s.key not in taken and s.of == 1]
    if len(free) < distractions:
        return None
    for i in rng.sample(free, distractions):
        done[i].append(distraction(rng, sensors[i], windows))
    channels = [Channel(simulate(noise, s, p, windows), LEAD) for s, p in zip(sensors, done)]
    firsts = [first for first in (c.first() for c in channels) if first is not None]
    if not firsts:
        return None
    alarm = min(firsts)
    readings = [channel.read(alarm) for channel in channels]
    return Episode(machine, sensors, readings, by, alarm, LEAD + windows, modes)
