"""Errors planted in shift reports, to say how many the judge of reports finds."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from .judge import who
from .planted import turned
from .shift_judge import COUNT, MORE, TIME, judge

Shift = dict[str, Any]
VALUE = re.compile(r"(?<![\w.:-])-?\d+(?:\.\d+)?(?= (?!more\b|incidents?\b|UTC\b)(?:[^\W\d]|[%°µ]))")


def made_up(rng: Random, shift: Shift, text: str, other: Shift) -> str | None:
    """A value or a length of time that nobody measured."""
    names = [name for case in shift["cases"] for name in (*case["labels"], who(case)) if re.search(r"\d", name)]
    taken = [at.span() for name in names for at in re.finditer(re.escape(name), text, re.I)]
    free = [at for at in VALUE.finditer(text) if not any(low <= at.start() < high for low, high in taken)]
    return _put(text, rng.choice(free), lambda it: f"{float(it[0]) * rng.uniform(1.9, 3.1) + 1:.3g}") if free else None


def miscounted(rng: Random, shift: Shift, text: str, other: Shift) -> str | None:
    """Another number of incidents."""
    there = [*COUNT.finditer(text), *MORE.finditer(text)]
    by = rng.choice((1, 2, 5))
    return _put(text, rng.choice(there), lambda it: it[0].replace(it[1], str(int(it[1]) + by))) if there else None


def at_other_times(rng: Random, shift: Shift, text: str, other: Shift) -> str | None:
    """Another time of day."""
    there = list(TIME.finditer(text))
    hour = rng.randrange(1, 24)
    later = lambda it: it[0].replace(it[2], f"{(int(it[2][:2]) + hour) % 24:02d}{it[2][2:]}")  # noqa: E731
    return _put(text, rng.choice(there), later) if there else None


def of_elsewhere(rng: Random, shift: Shift, text: str, other: Shift) -> str | None:
    """A machine that is not in the shift."""
    there = [who(case) for case in shift["cases"] if who(case) in text]
    return text.replace(rng.choice(there), who(rng.choice(other["cases"])), 1) if there else None


def exchanged(rng: Random, shift: Shift, text: str, other: Shift) -> str | None:
    """Two machines of the shift in each other's place."""
    there = list(dict.fromkeys(who(case) for case in shift["cases"] if who(case) in text))
    if len(there) < 2:
        return None
    first, second = rng.sample(there, 2)
    return text.replace(first, "\0").replace(second, first).replace("\0", second)


def of_quiet(rng: Random, shift: Shift, text: str, other: Shift) -> str | None:
    """A channel that deviates nowhere in the shift in place of one that does."""
    rows = [row for case in shift["cases"] for row in zip(case["labels"], case["incident"]["evidence"]["channels"])]
    moved = {label.lower() for label, row in rows if row["deviates"]}
    named = [label for label in sorted(moved) if re.search(rf"(?<!\w){re.escape(label)}(?!\w)", text, re.I)]
    quiet = [label for label, _ in rows if label.lower() not in moved]
    if not named or not quiet:
        return None
    label, by = rng.choice(named), rng.choice(quiet)
    return re.sub(rf"(?<!\w){re.escape(label)}(?!\w)", lambda _: by, text, count=1, flags=re.I)


def cause_of_elsewhere(rng: Random, shift: Shift, text: str, other: Shift) -> str | None:
    """A cause, which no report of this form has."""
    causes = [case["assessment"]["cause"] for case in other["cases"] if case["assessment"]["cause"]]
    return f"{text[:-1]}; the likely cause is {rng.choice(causes)}." if causes else None


def still_open(rng: Random, shift: Shift, text: str, other: Shift) -> str | None:
    """An incident that is over called open."""
    if any(case["incident"]["change"] != "closed" for case in shift["cases"]):
        return None
    return f"{text[:-1]} and is still open." if not MORE.search(text.split(". ")[-1]) else None


def _put(text: str, at: re.Match[str], by: Callable[[re.Match[str]], str]) -> str:
    return text[: at.start()] + by(at) + text[at.end() :]


KINDS: dict[str, Callable[[Random, Shift, str, Shift], str | None]] = {
    "a direction turned round": lambda rng, shift, text, other: turned(rng, shift, text),
    "a figure made up": made_up,
    "a number of incidents": miscounted,
    "a time of day": at_other_times,
    "a machine of another shift": of_elsewhere,
    "two machines exchanged": exchanged,
    "a quiet channel named": of_quiet,
    "a cause of another shift": cause_of_elsewhere,
    "an incident that is over called open": still_open,
}


def found(told: Sequence[tuple[Shift, str]], words: frozenset[str], seed: int) -> dict[str, dict[str, float]]:
    """For each kind of error how many were planted in reports without one, and the share that the judge finds."""
    rng, out = Random(seed), {}
    told = [(shift, text) for shift, text in told if not judge(shift, text, words).errors]
    for name, plant in KINDS.items():
        rows = [(shift, text, told[at - 1][0]) for at, (shift, text) in enumerate(told)]
        planted = [(shift, plant(rng, shift, text, other), text) for shift, text, other in rows]
        planted = [(shift, wrong) for shift, wrong, text in planted if wrong and wrong != text]
        hits = sum(bool(judge(shift, wrong, words).errors) for shift, wrong in planted)
        out[name] = {"planted": len(planted), "found": hits / max(len(planted), 1)}
    return out
