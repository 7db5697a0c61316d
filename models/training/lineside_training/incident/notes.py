"""Operators' notes and PLC alarm texts: composed from parts, so that no wording can be learned by heart; some mislead,
some are about something else."""

from __future__ import annotations

import functools
import os
import tomllib
from pathlib import Path
from random import Random
from typing import Any

from .episode import Episode
from .names import Named
from .table import Mode, load

PHRASES = Path(__file__).with_name("phrases.toml")
AROUND = Path(__file__).with_name("notes.toml")
DATA = Path(os.environ.get("LINESIDE_DATA", Path(__file__).parents[5] / "shared" / "data"))


@functools.cache
def around() -> dict[str, Any]:
    """What stands around phrases, and lines about something else."""
    with AROUND.open("rb") as file:
        return tomllib.load(file)


@functools.cache
def phrases() -> dict[str, dict[str, tuple[str, ...]]]:
    """The parts of which lines about each mode are composed."""
    with PHRASES.open("rb") as file:
        raw = tomllib.load(file)
    missing = set(load().modes) ^ set(raw)
    if missing:
        raise ValueError(f"{PHRASES.name} and the signature table disagree about {sorted(missing)}")
    return {mode: {kind: tuple(parts) for kind, parts in row.items()} for mode, row in raw.items()}


@functools.cache
def real_lines() -> tuple[str, ...]:
    """Lines of real work orders (maintnorm, mwo2kg: MIT), about other machines. Empty where the data is not."""
    lines: list[str] = []
    for company in ("company_a", "company_b"):
        path = DATA / "maintnorm" / company / "train.norm"
        if not path.is_file():
            print(f"skipped: needs {path} for real maintenance lines among the notes")
            continue
        for block in path.read_text(encoding="utf-8").split("\n\n"):
            words = [row.split("\t")[0] for row in block.splitlines() if "\t" in row]
            if 2 <= len(words) <= 12:
                lines.append(" ".join(words))
    path = DATA / "mwo2kg" / "failure_mode_classification" / "train.txt"
    if path.is_file():
        lines += [row.rpartition(",")[0] for row in path.read_text(encoding="utf-8").splitlines() if "," in row]
    else:
        print(f"skipped: needs {path} for real maintenance lines among the notes")
    return tuple(lines)


def line(rng: Random, mode: str) -> str:
    """A line about a fault mode."""
    parts = phrases()[mode]
    luck = rng.random()
    if luck < 0.1:
        text = rng.choice(parts["de"])
    elif luck < 0.4:
        text = rng.choice(parts["say"])
    else:
        text = rng.choice(around()["links"]).format_map({"of": rng.choice(parts["of"]), "is": rng.choice(parts["is"])})
        if luck > 0.88:
            text = text + rng.choice(around()["pairs"]) + rng.choice(parts["say"])
    return rng.choice(around()["openers"]) + text + rng.choice(around()["closers"])


def roughen(rng: Random, text: str) -> str:
    """Abbreviations, lost words, typos and shouting."""
    words = text.split()
    if rng.random() < 0.25:
        words = [around()["short"].get(word, word) for word in words]
    if rng.random() < 0.12 and len(words) > 3:
        words.pop(int(rng.random() * len(words)))
    if rng.random() < 0.2 and words:
        index = int(rng.random() * len(words))
        words[index] = _typo(rng, words[index])
    text = " ".join(words)
    luck = rng.random()
    if luck < 0.2:
        return text.upper()
    if luck < 0.45:
        return text[:1].upper() + text[1:]
    return text


def _typo(rng: Random, word: str) -> str:
    if len(word) < 4:
        return word
    at = 1 + int(rng.random() * (len(word) - 2))
    luck = rng.random()
    if luck < 0.35:
        return word[:at] + word[at + 1 :]
    if luck < 0.7:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + word[at] + word[at:]


class Notes:
    """Writes the notes of a case."""

    def __init__(self, misleading: float) -> None:
        self._misleading = misleading
        self._modes = list(phrases())
        self._real = real_lines()

    def lines(self, rng: Random, faults: list[Mode], machine: str, named: list[Named], episode: Episode) -> list[str]:
        """One to three lines: about what happened, an alarm of a channel, something else, or a wrong guess."""
        said: list[str] = []
        if rng.random() < self._misleading:
            # A wrong guess is a plausible one: a fault that this machine can have.
            ids = {mode.id for mode in faults}
            others = [mode.id for mode in load().modes_of(machine) if mode.id not in ids]
            said.append(roughen(rng, line(rng, rng.choice(others))))
        elif faults and rng.random() < 0.72:
            said.append(roughen(rng, line(rng, faults[0].id)))
            if len(faults) > 1 and rng.random() < 0.4:
                said.append(roughen(rng, line(rng, faults[1].id)))
        if rng.random() < (0.3 if said else 0.6):
            alarm = self._alarm(rng, named, episode)
            if alarm:
                said.append(alarm)
        if not said or rng.random() < 0.25:
            said.append(self._unrelated(rng))
        rng.shuffle(said)
        return said[:4]

    def _alarm(self, rng: Random, named: list[Named], episode: Episode) -> str | None:
        deviating = [index for index, moved in episode.moved.items() if moved.deviates]
        if not deviating:
            return None
        index = rng.choice(deviating)
        moved = episode.moved[index]
        name = rng.choice((named[index].name, named[index].label))
        code = rng.randrange(100, 9999)
        if moved.shape == "dropout":
            text = rng.choice(around()["silent"])
        else:
            text = rng.choice(around()["alarms"]) if moved.movement in ("up", "down") else "{name} unstable"
        up = moved.sd > 0
        strong = abs(moved.sd) > 9
        level = ("HI HI" if strong else "HI") if up else ("LO LO" if strong else "LO")
        text = text.replace("{name}", name).replace("{code}", str(code)).replace("{level}", level)
        text = text.replace("{side}", "high" if up else "low")
        return text.upper() if rng.random() < 0.6 else text

    def _unrelated(self, rng: Random) -> str:
        if self._real and rng.random() < 0.6:
            return rng.choice(self._real)
        return roughen(rng, rng.choice(around()["unrelated"]))
