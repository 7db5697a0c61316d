"""The signature table as this package reads it: what a mode moves, and whether an expert could take it for another."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).parent / "table.toml"
BUCKETS = {"slight": (2.0, 3.0), "clear": (3.0, 6.0), "strong": (6.0, 12.0), "extreme": (12.0, 40.0)}
SHAPES = {"swing": "oscillation", "spikes": "spike", "stuck": "stuck", "silent": "dropout"}
OFTEN = 0.9


@dataclass(frozen=True)
class Effect:
    channel: str
    movement: str
    size: str
    order: int
    forms: tuple[str, ...]
    seen: float


@dataclass(frozen=True)
class Mode:
    id: str
    machines: tuple[str, ...]
    effects: tuple[Effect, ...]
    scope: str
    benign: bool

    def of(self, key: str) -> Effect | None:
        """The effect on a channel `quantity@place`. A quantity alone means the machine's own here, so that the flow
        of a pump is not that of its cooling water."""
        return next((e for e in self.effects if e.channel == key), None)


def modes() -> dict[str, Mode]:
    table = tomllib.loads(TABLE.read_text())
    out = {}
    for row in table["mode"]:
        effects = tuple(Effect(c, m, s, o, tuple(f.split()), p) for c, m, s, o, f, p in row["effects"])
        scope = row.get("scope", "process")
        out[row["id"]] = Mode(row["id"], tuple(row["machines"]), effects, scope, row.get("benign", False))
    return out


@dataclass(frozen=True)
class Sign:
    """What is seen of one channel: its key and `up`, `down`, `oscillation`, … or `steady`."""

    key: str
    does: str
    size: float

    def shows(self, effect: Effect) -> bool:
        return self.does == SHAPES.get(effect.movement, effect.movement)


def sign(key: str, form: str | None, sd: float | None) -> Sign:
    if form is None:
        return Sign(key, "steady", 0.0)
    if form in ("step", "ramp"):
        return Sign(key, "up" if (sd or 0.0) > 0 else "down", abs(sd or 0.0))
    return Sign(key, form, abs(sd or 0.0))


def likelihood(mode: Mode, signs: list[Sign]) -> float:
    """How often the mode looks like this where it explains the same channels, by the table's frequencies."""
    out = 1.0
    for effect in mode.effects:
        group = [s for s in signs if s.key == effect.channel]
        if group:
            out *= effect.seen if any(s.shows(effect) for s in group) else 1.0 - effect.seen
    return out


def explains(mode: Mode, signs: list[Sign], slack: float = 0.0) -> float:
    """The share of deviating channels that the mode explains; 0 where a sign that it nearly always shows is missing or
    contrary, or where the sizes are not those of the mode."""
    moved = [s for s in signs if s.does != "steady"]
    if not moved or mode.scope != "process":
        return 0.0
    right, expected, wrong, near, sized = 0, 0, 0, 0, 0
    keys: dict[str, list[Sign]] = {}
    for s in signs:
        keys.setdefault(s.key, []).append(s)
    for key, group in keys.items():
        effect = mode.of(key)
        if effect is None:
            continue
        shown = [s for s in group if s.shows(effect)]
        right += len(shown)
        expected += effect.seen >= OFTEN
        wrong += not shown and (effect.seen >= OFTEN or any(s.does != "steady" for s in group))
        if shown and effect.movement in ("up", "down"):
            low, high = BUCKETS[effect.size]
            size = max(s.size for s in shown)
            sized += 1
            near += 0.5 * low <= size <= 1.5 * high
    if wrong > slack * expected or right == 0 or near < 0.5 * sized:
        return 0.0
    return right / len(moved)
