"""An independent judge of shift reports: reads a finished one and compares every claim with the shift's incidents.

Like the judge of incidents it knows nothing of the mask. What is said is laid to the incident of the machine spoken of
that it fits best: two incidents of a machine may be told by the same channel, and a reader could not tell them apart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from .gateway import moment
from .judge import APART, DOWN, NUMBER, ROLES, SECONDS, SHAPES, UP, Clause, Figure, clauses, orders, who

OPEN = r"still open|remains? open|is open|ongoing"
OVER = r"over|ended|cleared"
BACK = r"back|returned|recovered|to normal"
MORE = re.compile(r"\b(\d+) more incidents?\b")
COUNT = re.compile(r"\b(\d+) incidents?\b")
TIME = re.compile(r"(?:(\d{4}-\d\d-\d\d) )?\b(\d\d:\d\d) UTC\b")
# A channel that is back is as far from normal as chance takes it.
_NORMAL_SD = 3.0


@dataclass
class ShiftFindings:
    """What is wrong in one report, and what it tells of."""

    wrong_direction: list[str] = field(default_factory=list)
    wrong_shape: list[str] = field(default_factory=list)
    wrong_role: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    """A value, time, or length of time that is not the incident's."""
    wrong_count: list[str] = field(default_factory=list)
    wrong_order: list[str] = field(default_factory=list)
    wrong_open: list[str] = field(default_factory=list)
    """Called open, and is over."""
    wrong_over: list[str] = field(default_factory=list)
    """Called over or back to normal, and is not."""
    wrong_apart: list[str] = field(default_factory=list)
    quiet_named: list[str] = field(default_factory=list)
    """A channel that does not deviate on the machine spoken of."""
    strange: list[str] = field(default_factory=list)
    """A machine, channel or cause that is not the shift's: no word of the lexicon."""
    named: set[int] = field(default_factory=set)
    counted: set[int] = field(default_factory=set)
    machines: set[str] = field(default_factory=set)

    ERRORS = (
        "wrong_direction", "wrong_shape", "wrong_role", "invented", "wrong_count", "wrong_order", "wrong_open",
        "wrong_over", "wrong_apart", "quiet_named", "strange",
    )  # fmt: skip

    @property
    def errors(self) -> dict[str, list[str]]:
        return {name: found for name in self.ERRORS if (found := getattr(self, name))}


@dataclass(frozen=True)
class _Meant:
    """A channel that a name may mean: that of the incident at a place of the shift."""

    at: int
    case: dict[str, Any]
    channel: dict[str, Any]

    @property
    def unit(self) -> str:
        return self.channel["unit"]


def judge(shift: dict[str, Any], text: str, words: frozenset[str]) -> ShiftFindings:
    """`shift` in the form of `vectors.json`; `words` are those that say no name."""
    found = ShiftFindings()
    cases = shift["cases"]
    marked, machines, labels = _marked(cases, text)
    spoken = [machines[int(n)] for n in re.findall(r"‹(\d+)›", marked)]
    found.machines = set(spoken)
    marked = _counts(cases, machines, marked, found)
    # Each name is a thing of its own: what it means depends on the machine spoken of.
    mentions: list[tuple[str | None, str]] = []
    scope: str | None = None

    def mention(match: re.Match[str]) -> str:
        nonlocal scope
        if match[1]:
            scope = machines[int(match[1])]
            return "¤"
        mentions.append((scope, labels[int(match[2])]))
        return f"«{len(mentions) - 1}»"

    marked = re.sub(r"‹(\d+)›|«(\d+)»", mention, marked)
    told: dict[int, list[Clause]] = {at: [] for at in range(len(mentions))}
    for clause in clauses(marked):
        for at in clause.channels:
            told[at].append(clause)
    means: list[_Meant | None] = []
    for at, (machine, label) in enumerate(mentions):
        means.append(_best(shift, _meant(cases, machine, label), told[at], found))
        if means[-1] is None:
            found.quiet_named.append(label)
    _more(len(cases), mentions, marked, found)
    found.wrong_order += orders([one and one.case["incident"]["evidence"]["onset"] for one in means], marked)
    _rest(cases, marked, words, found)
    return found


def _marked(cases: list[dict[str, Any]], text: str) -> tuple[str, list[str], list[str]]:
    """The text with machines as ‹number› and channels as «number», the longest names first."""
    machines = list(dict.fromkeys(who(case) for case in cases))
    labels = list(dict.fromkeys(label.lower() for case in cases for label in case["labels"]))
    names = [(name, f"‹{at}›") for at, name in enumerate(machines)]
    names += [(name, f"«{at}»") for at, name in enumerate(labels)]
    marks = dict((name.lower(), mark) for name, mark in reversed(names))
    longest = "|".join(re.escape(name) for name in sorted(marks, key=len, reverse=True))
    return re.sub(rf"(?<!\w)(?:{longest})(?!\w)", lambda m: marks[m[0].lower()], text, flags=re.I), machines, labels


def _counts(cases: list[dict[str, Any]], machines: list[str], marked: str, found: ShiftFindings) -> str:
    """Counts of incidents are those of the machine named last before; takes them out."""
    sizes = [sum(who(case) == machine for case in cases) for machine in machines]
    for match in COUNT.finditer(marked):
        before = re.findall(r"‹(\d+)›", marked[: match.start()])
        if not before or int(match[1]) != sizes[int(before[-1])]:
            found.wrong_count.append(match[0])
        else:
            machine = machines[int(before[-1])]
            found.counted |= {at for at, case in enumerate(cases) if who(case) == machine}
    return COUNT.sub(" ", marked)


def _more(count: int, mentions: list[tuple[str | None, str]], marked: str, found: ShiftFindings) -> None:
    """`N more incidents` are those not named; a name that comes again may mean another incident or the same."""
    most, least = len(found.named), len({(machine, label) for machine, label in mentions})
    for match in MORE.finditer(marked):
        if not count - max(most, least) <= int(match[1]) <= count - min(most, least):
            found.wrong_count.append(match[0])
        else:
            found.counted |= set(range(count))


def _meant(cases: list[dict[str, Any]], machine: str | None, label: str) -> list[_Meant]:
    out = []
    for at, case in enumerate(cases):
        if machine is None or who(case) == machine:
            rows = zip(case["labels"], case["incident"]["evidence"]["channels"])
            out += [_Meant(at, case, row) for name, row in rows if name.lower() == label and row["deviates"]]
    return out


def _best(shift: dict[str, Any], meant: list[_Meant], told: list[Clause], found: ShiftFindings) -> _Meant | None:
    """What fits best of all that is meant, and not yet named before that; its errors count."""
    judged = [(one, _errors(shift, one, told)) for one in meant]
    if not judged:
        return None
    best, errors = min(judged, key=lambda pair: (len(pair[1]), pair[0].at in found.named))
    for kind, what in errors:
        getattr(found, kind).append(what)
    found.named.add(best.at)
    return best


def _errors(shift: dict[str, Any], meant: _Meant, told: list[Clause]) -> list[tuple[str, str]]:
    """What is not true of it, by the kind of error."""
    out: list[tuple[str, str]] = []
    change = meant.channel["deviation"] or 0.0
    closed = meant.case["incident"]["change"] == "closed"
    sd = meant.channel["deviation_sd"]
    apart = meant.channel["name"] in (meant.case["assessment"].get("unexplained") or [])
    for clause in told:
        bare = re.sub(r"«\d+»|¤", " ", clause.text)
        claims = [
            ("wrong_direction", UP, change > 0),
            ("wrong_direction", DOWN, change < 0),
            ("wrong_open", rf"(?:{OPEN})\b", not closed),
            ("wrong_over", rf"(?:{OVER})\b", closed),
            ("wrong_over", rf"(?:{BACK})\b", sd is not None and abs(sd) <= _NORMAL_SD),
            ("wrong_apart", APART, apart),
        ]
        for shape, said in SHAPES.items():
            silent = shape == "dropout" and meant.channel["now"] is None
            claims.append(("wrong_shape", said, meant.channel["shape"] == shape or silent))
        for kind, said, true in claims:
            if not true and (match := re.search(rf"\b(?:{said})", bare, re.I)):
                out.append((kind, match[0]))
        out += _figures(shift, meant, MORE.sub(" ", bare))
    return out


def _figures(shift: dict[str, Any], meant: _Meant, text: str) -> list[tuple[str, str]]:
    out: list[tuple[str, str]] = []
    evidence = meant.case["incident"]["evidence"]
    began, to = moment(evidence["onset"]), moment(shift["to"])
    for match in TIME.finditer(text):
        date = None if began.date() == to.date() else began.date().isoformat()
        if (match[1], match[2]) != (date, began.strftime("%H:%M")):
            out.append(("invented", match[0]))
    text = TIME.sub(" ", text)
    units = sorted({meant.unit, *SECONDS} - {""}, key=len, reverse=True)
    for match in re.finditer(rf"(?<!\w)({NUMBER})\s*({'|'.join(map(re.escape, units))})?(?!\w)", text):
        figure, unit = Figure(match[1]), match[2] or ""
        values = {name: meant.channel[name] for name in ("now", "baseline", "deviation")}
        fits = [name for name, value in values.items() if value is not None and figure.means(value)]
        fits = fits if unit == meant.unit else []
        lasts = unit in SECONDS and figure.means(evidence["duration_s"] / SECONDS[unit])
        role = ROLES.get((re.findall(r"\w+", text[: match.start()]) or [""])[-1].lower())
        if not fits and not lasts:
            out.append(("invented", match[0].strip()))
        elif role and not lasts and role not in fits:
            out.append(("wrong_role", f"{role}: {match[0].strip()}"))
    return out


def _rest(cases: list[dict[str, Any]], marked: str, words: frozenset[str], found: ShiftFindings) -> None:
    """What is neither a name of the shift nor a plain word, and figures said of nothing."""
    for clause in clauses(marked):
        if not clause.channels and (figure := re.search(r"\d\S*", MORE.sub(" ", clause.text))):
            found.invented.append(figure[0])
    rows = [row for case in cases for row in case["incident"]["evidence"]["channels"]]
    units = sorted({row["unit"] for row in rows} - {""} | set(SECONDS), key=len, reverse=True)
    plain = MORE.sub(" ", TIME.sub(" ", re.sub(r"«\d+»", " ", marked)))
    plain = re.sub(rf"(?<!\w){NUMBER}(?:\s+(?:{'|'.join(map(re.escape, units))})(?!\w))?", " ", plain)
    found.strange += [word for word in re.findall(r"[^\W_][\w'-]*", plain) if word.lower() not in words]
