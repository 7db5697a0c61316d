"""Cases at the ends of what is asked: names that say nothing, and more channels than there are slots. Names are copied,
never understood, so a text must not depend on them."""

from __future__ import annotations

from random import Random
from typing import Any

_NONSENSE, _CROWDED = 0.08, 0.03
_MOST_CHANNELS = 22
_SYLLABLES = ("ka", "ro", "tel", "mi", "zu", "bran", "ost", "li", "ver", "quo", "dan", "pex", "ul", "shi", "no", "fa")
_LATE_WORDS = ("the", "is", "rose", "alarm", "check", "cause", "pump", "line", "note")


def stretched(rng: Random, one: dict[str, Any]) -> dict[str, Any]:
    """A case as it is, mostly."""
    if rng.random() < _CROWDED:
        _crowd(rng, one)
    if rng.random() < _NONSENSE:
        _rename(rng, one)
    return one


def _nonsense(rng: Random) -> str:
    number = rng.randrange(1, 400)
    return rng.choice(
        (
            f"x{number}", f"AI_{number:02d}", f"pt {number}a", f"DB{number}.DBD{number % 40}", f"IW{number}",
            f"ch{number}", f"sensor {number}", f"0x{number:X}", f"{number}", f"{rng.choice(_SYLLABLES)} {number}",
            "".join(rng.choice(_SYLLABLES) for _ in range(rng.randrange(1, 4))),
            f"{rng.choice(_SYLLABLES)} {rng.choice(_LATE_WORDS)}",
        )
    )  # fmt: skip


def _rename(rng: Random, one: dict[str, Any]) -> None:
    case, truth = one["case"], one["truth"]
    known: dict[str, str] = {}
    for place, row in enumerate(case["incident"]["evidence"]["channels"]):
        name = _nonsense(rng)
        while name in known.values():
            name = _nonsense(rng)
        known[row["name"]] = name
        row["name"] = name
        case["labels"][place] = name.replace("_", " ")
    for key in ("causal", "second_causal", "unexplained"):
        truth[key] = [known[name] for name in truth[key]]


def _crowd(rng: Random, one: dict[str, Any]) -> None:
    """More channels of the same, as machines with many alike sensors have."""
    case, truth = one["case"], one["truth"]
    rows = case["incident"]["evidence"]["channels"]
    for number in range(rng.randrange(4, _MOST_CHANNELS - 10)):
        at = rng.randrange(len(rows))
        row = {**rows[at], "name": f"{rows[at]['name']}_{chr(97 + number)}"}
        for key in ("causal", "second_causal", "unexplained"):
            if rows[at]["name"] in truth[key]:
                truth[key].append(row["name"])
        rows.append(row)
        case["labels"].append(f"{case['labels'][at]} {chr(97 + number)}")
        truth["channels"].append(truth["channels"][at])
