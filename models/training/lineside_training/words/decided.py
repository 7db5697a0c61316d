"""Decisions as the decoder is given them: mostly the right ones, some of those that a scorer gets wrong, and none."""

from __future__ import annotations

from random import Random
from typing import Any

from ..incident.fit import effects_on
from ..incident.generator import UNKNOWN
from ..incident.table import Mode, load

# How often the decision is another than the truth, is withheld, or is not there at all.
_WRONG, _WITHHELD, _NONE = 0.05, 0.05, 0.04
_NO_CHECK = 0.08
_APART_OF_NOTHING = 0.06
_SITE = 0.06  # a mode of the site's own: words that stand in no table
_SITE_CAUSES = (
    "worn scraper", "calender roll sticky", "dosing screw bridged", "a bent guide rail", "too much foam", "sieve torn",
    "glue nozzle dried out", "knife gap too wide", "an open damper", "air pocket in the line", "product change",
    "wrong recipe", "batch too cold", "ventil klemmt", "loose anchor bolts", "blown gasket",
)  # fmt: skip
_SITE_CHECKS = (
    "the scraper and its spring", "roll surface", "the dosing screw", "guide rails", "the antifoam dosing",
    "gap of the knives", "the nozzle", "dampers of the roof", "the vent", "the order sheet", "recipe on the panel",
    "the anchor bolts", "that the recipe is right", "the gasket at the flange",
)  # fmt: skip


def decision(rng: Random, case: dict[str, Any], truth: dict[str, Any]) -> dict[str, Any] | None:
    """The assessment of a case."""
    luck = rng.random()
    if luck < _NONE:
        return None
    table = load()
    deviating = [row["name"] for row in case["incident"]["evidence"]["channels"] if row["deviates"]]
    mode, second, unexplained = truth["mode"], truth["second"], truth["unexplained"]
    luck = rng.random()
    if luck < _WITHHELD:
        mode = UNKNOWN
    elif luck < _WITHHELD + _WRONG:
        first = rng.choice(table.modes_of(truth["machine"]))
        mode, second, unexplained = first.id, None, _left(first, truth, deviating, case)
    if mode == UNKNOWN:
        # Who abstains explains nothing, so nothing stands apart; other classifiers may see that differently.
        apart = rng.sample(deviating, rng.randrange(1, len(deviating) + 1)) if rng.random() < _APART_OF_NOTHING else []
        return {"label": None, "confidence": round(rng.uniform(0.1, 0.5), 2), "scores": [], "unexplained": apart}
    known = table.modes[mode]
    found: dict[str, Any] = {
        "label": mode,
        "confidence": round(rng.uniform(0.5, 1.0), 2),
        "scores": [],
        "cause": known.cause,
        "second": table.modes[second].cause if second else None,
        "check": known.check if rng.random() > _NO_CHECK else None,
        "benign": known.benign,
        "unexplained": unexplained,
    }
    if rng.random() < _SITE:
        found |= {"label": "site_mode", "cause": rng.choice(_SITE_CAUSES)}
        if found["check"]:
            found["check"] = rng.choice(_SITE_CHECKS)
    return found


def _left(mode: Mode, truth: dict[str, Any], deviating: list[str], case: dict[str, Any]) -> list[str]:
    names = [row["name"] for row in case["incident"]["evidence"]["channels"]]
    met = {names[index] for index in effects_on(mode, truth["channels"])}
    left = [name for name in deviating if name not in met]
    # What carries the decision is explained, whatever it is.
    return left if len(left) < len(deviating) else left[1:]
