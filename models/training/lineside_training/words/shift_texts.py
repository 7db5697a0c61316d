"""Reports of held-out shifts through the agent, judged one by one, with the section of the card."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import numpy as np

from .. import card
from ..run import Run
from . import shift_cases, shift_planted
from .gateway import Reported, reports
from .judge import who
from .shift_judge import ShiftFindings, judge

# Reports on the card, beside those by rules, and examples of each kind of error in `shifts.json`.
SHOWN = 10
EXAMPLES = 10


def evaluate(run: Run, bundle: Path, lexicon: Path, count: int) -> dict:
    """Words `count` shifts and judges each report; writes `shifts.json` and `shifts.md`."""
    classes = tomllib.loads(lexicon.read_text(encoding="utf-8"))["words"].values()
    words = frozenset(word for named in classes for word in named)
    shifts = shift_cases.shifts(run, count)
    told = reports(shifts, bundle)
    by_model = [(shift, one.text) for shift, one in zip(shifts, told) if one.by == "model"]
    judged = [(shift, text, judge(shift, text, words)) for shift, text in by_model]
    result = {
        "judged": figures(judged) | {"worded by rules instead": 1 - len(by_model) / len(told)},
        "planted": shift_planted.found(by_model, words, run.seed),
        "cpu ms": float(np.mean([one.cpu_ms for one in told])),
        "examples of errors": {
            name: [(found.errors[name], text) for _, text, found in judged if name in found.errors][:EXAMPLES]
            for name in ShiftFindings.ERRORS
        },
    }
    run.path("shifts.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    rules = reports(shifts[:SHOWN], None)
    run.path("shifts.md").write_text(markdown(result, told, rules), encoding="utf-8")
    return result


def figures(judged: list[tuple[dict, str, ShiftFindings]]) -> dict[str, float | int]:
    """Reports with an error of each kind, and what they tell of."""
    every = [found for _, _, found in judged]
    incidents = sum(len(shift["cases"]) for shift, _, _ in judged)
    machines = sum(len({who(case) for case in shift["cases"]}) for shift, _, _ in judged)

    def share(part: int, whole: int) -> float:
        return part / whole if whole else float("nan")

    return {
        "reports": len(every),
        "reports without any error": sum(not found.errors for found in every),
        **{name.replace("_", " "): sum(name in found.errors for found in every) for name in ShiftFindings.ERRORS},
        "incidents named": share(sum(len(found.named) for found in every), incidents),
        "incidents named or counted": share(sum(len(found.named | found.counted) for found in every), incidents),
        "machines named": share(sum(len(found.machines) for found in every), machines),
        "weightiest incident named": share(
            sum(_weightiest(shift) in found.named for shift, _, found in judged), len(judged)
        ),
        "words a report": share(sum(len(text.split()) for _, text, _ in judged), len(judged)),
    }


def _weightiest(shift: dict) -> int:
    def weight(at: int) -> tuple[bool, float, float]:
        incident = shift["cases"][at]["incident"]
        evidence = incident["evidence"]
        return incident["change"] != "closed", evidence["peak_score"], evidence["duration_s"]

    return max(range(len(shift["cases"])), key=weight)


def markdown(result: dict, told: list[Reported], rules: list[Reported]) -> str:
    """The section of the card, and reports that nobody picked: the first ones."""
    planted = [(name, *row.values()) for name, row in result["planted"].items()]
    shown = [(_line(one.text), _line(other.text)) for one, other in zip(told, rules)]
    return "\n".join(
        [
            "### Shift reports by an independent judge\n",
            card.figures(result["judged"] | {"ms of a core a report (mean, the whole agent)": result["cpu ms"]}),
            "### Errors planted in those reports that the judge finds\n",
            card.table(("error", "planted", "found"), planted),
            f"### The first {len(shown)} reports, not picked\n",
            card.table(("model", "by rules"), shown),
        ]
    )


def _line(text: str) -> str:
    return re.sub(r"\s*\n\s*", "<br>", text.replace("|", "\\|"))
