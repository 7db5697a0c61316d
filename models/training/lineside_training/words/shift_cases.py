"""Shifts of incidents that the decoder never saw: those of the held-out sets, with decisions that are true of them."""

from __future__ import annotations

from copy import deepcopy
from random import Random
from typing import Any

from ..run import Run
from . import pairs, texts

# The held-out sets have incidents that go on only; most of those of a shift are over when it ends.
_CLOSED, _BACK = 0.6, 0.5


def shifts(run: Run, count: int) -> list[dict[str, Any]]:
    """Shifts of one to eleven incidents of some machines, none of which is told twice."""
    rng = Random(f"{run.seed}/judged shifts")
    rows = texts.cases(run, max(pairs.IN_SHIFT) * count)
    told = (_reported(rng, row["case"]) for row in rows)
    return [pairs.shift(rng, told) for _ in range(count)]


def _reported(rng: Random, case: dict[str, Any]) -> dict[str, Any]:
    case = deepcopy(case)
    # A gateway that does not know a machine calls its channels by their names.
    rows = case["incident"]["evidence"]["channels"]
    case["labels"] = [" ".join(row["name"].replace("_", " ").split()) for row in rows]
    if rng.random() < _CLOSED:
        case["incident"] |= {"change": "closed", "closed": case["incident"]["updated"]}
        if rng.random() < _BACK:
            for row in rows:
                _returned(rng, row)
    return case


def _returned(rng: Random, row: dict[str, Any]) -> None:
    """What is left of a deviation at the end."""
    if row["shape"] in (None, "stuck", "dropout") or None in (row["now"], row["deviation"], row["deviation_sd"]):
        return
    left = rng.uniform(0.0, 2.5) / max(abs(row["deviation_sd"]), 3.0)
    row["deviation"] *= left
    row["deviation_sd"] *= left
    row["now"] = row["baseline"] + row["deviation"]
