"""Names, labels and units of a machine's channels in the habits of many plants; a device keeps to one habit."""

from __future__ import annotations

import functools
import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from .measures import Unit, unit

VOCABULARY = Path(__file__).with_name("vocabulary.toml")
LABEL_CHARS = 40  # a longer description is no label (agent/src/incident/sentence/subject.rs)
HABITS = {
    "snake": 22, "camel": 10, "spaced": 12, "isa": 18, "short": 16, "path": 6, "upper": 8, "vendor": 8, "consonants": 5,
}  # fmt: skip
LANGUAGES = {"en": 74, "de": 15, "fr": 6, "es": 3, "it": 2}
_DESCRIBED, _TAG_DESCRIBED = 0.3, 0.9
_NO_UNITS, _NO_UNIT = 0.07, 0.05  # of a device, of a channel
_VOWELS = re.compile("[aeiou]")
_AXES = {"vibration": ("x", "y", "z"), "current": ("L1", "L2", "L3"), "voltage": ("L1", "L2", "L3")}


@functools.cache
def vocabulary() -> dict[str, Any]:
    """What plants call quantities and places."""
    with VOCABULARY.open("rb") as file:
        return tomllib.load(file)


@dataclass(frozen=True)
class Named:
    """A channel as a site calls it."""

    name: str
    label: str
    unit: Unit


def names(rng: Random, channels: list[str], machine: str) -> list[Named]:
    """Names all channels of one device; names are unique."""
    site = _Site(rng, machine)
    totals, counts = Counter(channels), Counter[str]()
    units_missing = rng.random() < _NO_UNITS
    taken: set[str] = set()
    result = []
    for index, channel in enumerate(channels):
        quantity = channel.partition("@")[0]
        counts[channel] += 1
        nth = counts[channel] if totals[channel] > 1 else 0
        name = site.name(channel, index, nth)
        while name.lower() in taken:
            name += rng.choice("xyz") if rng.random() < 0.5 else str(len(taken))
        taken.add(name.lower())
        label = site.description(channel, nth) if site.described and rng.random() < 0.95 else name.replace("_", " ")
        known = unit(rng, quantity)
        if units_missing or rng.random() < _NO_UNIT:
            known = Unit("", known.factor, known.offset)
        result.append(Named(name, " ".join(label.split()), known))
    return result


class _Site:
    """How one device's channels are called. What it calls outlet, it calls outlet throughout."""

    def __init__(self, rng: Random, machine: str) -> None:
        affixes = vocabulary()["affixes"]
        self.rng = rng
        self.machine = machine
        self.habit = rng.choices(list(HABITS), list(HABITS.values()))[0]
        self.language = rng.choices(list(LANGUAGES), list(LANGUAGES.values()))[0]
        if self.habit == "consonants":
            self.language = "en"
        self.described = rng.random() < (_TAG_DESCRIBED if self.habit == "isa" else _DESCRIBED)
        self.numbered = rng.random() < 0.25
        self.place_front = rng.random() < 0.7
        self.compounds = rng.random() < 0.5
        self.prefix = rng.choice(affixes["prefixes"]) if self.habit in ("vendor", "path") or rng.random() < 0.08 else ""
        self.ending = rng.choice(affixes["suffixes"]) if self.habit == "vendor" or rng.random() < 0.06 else ""
        self.loop = rng.choice((100, 200, 300, 1000, 2100, 10)) + rng.randrange(40)
        self.train = rng.choice(("A", "B")) if rng.random() < 0.15 else ""
        self.dash = rng.choice(("-", "_", "", " "))
        self.function = rng.choice(("T", "I", "IT", "T", "E", "IC"))
        self.chosen: dict[tuple[str, str], str] = {}

    def name(self, channel: str, index: int, nth: int) -> str:
        """The name of a channel, of several alike the nth."""
        rng = self.rng
        if self.habit == "isa":
            number = self.loop + index * rng.choice((1, 1, 1, 5, 10))
            return f"{vocabulary()['isa'][channel.partition('@')[0]]}{self.function}{self.dash}{number}{self.train}"
        words = self._words(channel, short=self.habit in ("short", "vendor"))
        if nth:
            words.append(self._nth(channel, nth))
        elif self.numbered and rng.random() < 0.5:
            words.append(str(rng.randrange(1, 4)))
        return self.prefix + self._joined(words) + self.ending

    def description(self, channel: str, nth: int) -> str:
        """What a person would call it."""
        words = self._words(channel, short=False)
        text = " ".join(words).replace("_", " ")
        if not self.place_front and "@" in channel and self.language == "en" and self.rng.random() < 0.5:
            text = f"{words[0]} {self.rng.choice(('at the', 'of the', 'at'))} {' '.join(words[1:])}"
        if nth:
            text += f" {nth}"
        return text if len(text) <= LABEL_CHARS else " ".join(words)[:LABEL_CHARS].strip()

    def _pick(self, form: str, key: str, options: list[str]) -> str:
        if (form, key) not in self.chosen:
            self.chosen[form, key] = self.rng.choice(options)
        return self.chosen[form, key]

    def _words(self, channel: str, short: bool) -> list[str]:
        rng, known = self.rng, vocabulary()
        quantity, _, place = channel.partition("@")
        form = "short" if short and rng.random() < 0.8 else self.language
        what = self._pick(form, quantity, known["quantities"][quantity][form])
        where = ""
        if place:
            # Extruders are fed with material, boilers with water: the place is `feed` either way.
            key = "hopper" if place == "feed" and self.machine == "extruder" else place
            where = self._pick(form, key, known["places"][key][form])
        elif self.language == "en" and quantity in known["decor"] and rng.random() < 0.35:
            where = rng.choice(known["decor"][quantity])
        if not where or where in what:
            return [what]
        if form == "de" and self.compounds and " " not in where + what:
            # As German does it: Lagertemperatur, Wicklungstemperatur.
            return [where + ("s" if where.endswith("ung") else "") + what]
        return [where, what] if self.place_front else [what, where]

    def _nth(self, channel: str, nth: int) -> str:
        axes = _AXES.get(channel)
        return str(nth) if self.numbered or axes is None else axes[nth - 1]

    def _joined(self, words: list[str]) -> str:
        rng = self.rng
        parts = [part for word in words for part in word.replace("_", " ").replace("-", " ").split()]
        match self.habit:
            case "camel":
                head = parts[0].lower() if rng.random() < 0.5 else parts[0].capitalize()
                return head + "".join(part[:1].upper() + part[1:] for part in parts[1:])
            case "spaced":
                return " ".join(parts)
            case "consonants":
                return "_".join(part[0] + _VOWELS.sub("", part[1:]) if len(part) > 5 else part for part in parts)
            case "path":
                return "/".join(part.capitalize() for part in parts)
            case "upper":
                return rng.choice(("_", "-", "_")).join(parts).upper()
            case "vendor" if rng.random() < 0.4:
                return "".join(part[:4].capitalize() for part in parts)
            case _:
                return "_".join(parts)
