"""Errors planted in texts, to say how many a judge finds: one that finds none is no judge."""

import re
from collections.abc import Callable
from random import Random

from .judge import judge

OPPOSITE = {
    "rose": "fell", "fell": "rose", "risen": "fallen", "fallen": "risen", "increased": "decreased",
    "decreased": "increased", "climbed": "dropped", "dropped": "climbed", "above": "below", "below": "above",
    "higher": "lower", "lower": "higher", "up": "down", "down": "up", "rise": "fall", "fall": "rise", "rising": "falling",
    "falling": "rising", "jumped": "dropped", "increase": "decrease", "decrease": "increase", "upwards": "downwards",
    "downwards": "upwards", "declined": "climbed", "climbing": "declining", "declining": "climbing", "drop": "rise",
}  # fmt: skip
VALUE = re.compile(r"(?<![\w.:-])-?\d+(?:\.\d+)?(?= ?(?:[^\W\d]|[%°µ]))")


def turned(rng: Random, case: dict, text: str) -> str | None:
    """A direction turned round."""
    there = list(re.finditer(rf"\b(?:{'|'.join(OPPOSITE)})\b", text, re.I))
    if not there:
        return None
    at = rng.choice(there)
    return text[: at.start()] + OPPOSITE[at.group().lower()] + text[at.end() :]


def made_up(rng: Random, case: dict, text: str) -> str | None:
    """A figure that nobody measured."""
    there = _values(case, text)
    if not there:
        return None
    at = rng.choice(there)
    return f"{text[: at.start()]}{float(at.group()) * rng.uniform(1.9, 3.1) + 1:.3g}{text[at.end() :]}"


def of_quiet(rng: Random, case: dict, text: str) -> str | None:
    """The name of a channel that does not deviate in place of one that does."""
    channels = list(zip(case["labels"], case["incident"]["evidence"]["channels"]))
    named = [label for label, channel in channels if channel["deviates"] and label.lower() in text.lower()]
    quiet = [label for label, channel in channels if not channel["deviates"] and label.lower() not in text.lower()]
    if not named or not quiet:
        return None
    return re.sub(re.escape(rng.choice(named)), lambda _: rng.choice(quiet), text, count=1, flags=re.I)


def swapped(rng: Random, case: dict, text: str) -> str | None:
    """The values of two channels of different units in each other's place."""
    units = sorted({c["unit"] for c in case["incident"]["evidence"]["channels"] if c["unit"]}, key=len, reverse=True)
    told = list(re.finditer(rf"(?<![\w.:-])-?\d+(?:\.\d+)? (?:{'|'.join(map(re.escape, units))})(?!\w)", text))
    if len(told) < 2 or told[0].group().split()[1:] == told[-1].group().split()[1:]:
        return None
    first, last = told[0], told[-1]
    return text[: first.start()] + last.group() + text[first.end() : last.start()] + first.group() + text[last.end() :]


def turned_over(rng: Random, case: dict, text: str) -> str | None:
    """`by 1.2 bar to 5.4 bar` as `by 5.4 bar to 1.2 bar`."""
    return re.sub(r"\bby (-?[\d.]+ \S+) to (-?[\d.]+ [^\s.,;]+)", r"by \2 to \1", text, count=1)


def _values(case: dict, text: str) -> list[re.Match[str]]:
    """Figures that are no part of a name."""
    names = [text.lower().find(name.lower()) for name in (*case["labels"], case["device"])]
    taken = [(at, at + len(name)) for at, name in zip(names, (*case["labels"], case["device"])) if at >= 0]
    return [m for m in VALUE.finditer(text) if not any(low <= m.start() < high for low, high in taken)]


KINDS: dict[str, Callable[[Random, dict, str], str | None]] = {
    "a direction turned round": turned,
    "a figure made up": made_up,
    "a quiet channel named": of_quiet,
    "values of two channels swapped": swapped,
    "level and change swapped": turned_over,
}


def found(texts: list[tuple[dict, str]], seed: int) -> dict[str, dict[str, float]]:
    """For each kind of error how many were planted in texts without one, and the share that the judge finds."""
    rng, out = Random(seed), {}
    texts = [(case, text) for case, text in texts if not judge(case, text).errors]
    for name, plant in KINDS.items():
        planted = [(case, wrong) for case, text in texts if (wrong := plant(rng, case, text)) and wrong != text]
        hits = sum(bool(judge(case, wrong).errors) for case, wrong in planted)
        out[name] = {"planted": len(planted), "found": hits / max(len(planted), 1)}
    return out
