"""An independent judge of finished texts: reads them as a person would and compares every claim with the evidence.

It knows the case, the decision and the text, and nothing of the mask: names are found by their labels, values by their
figures and units, directions by words of its own. So a fault of the mask does not hide itself.
"""

import datetime
import re
from dataclasses import dataclass, field

UP = (
    r"ros|rise[sn]?|rising|increas|climb|grew|grow|gain|upwards?|up|above|higher|jump|soar|surg|elevated|exceed|"
    r"mounted|raised|warmer|hotter|high"
)
DOWN = (
    r"fell|fall|fallen|drop|declin|decreas|downwards?|down|below|lower|sank|sink|sunk|slid|plung|plummet|sagg|shrank|"
    r"lost ground|reduc|dipped|collaps|less|low\b"
)
SHAPES = {
    "step": r"sudden|abrupt|step|jump|sharp|plung|at once",
    "ramp": r"gradual|stead|slow|creep|crept|drift|sagg|bit by bit",
    "spike": r"spike|briefly|brief\b|momentar|for a moment",
    "oscillation": r"swing|swung|oscillat|fluctuat|unstable|unsteady|erratic|hunting|to and fro",
    "stuck": r"stuck|frozen|froze\b|constant|unchang|\bflat\b",
    "dropout": r"silent|silence|absent|missing|nothing|disappear|dead\b|lost\b|no (?:signal|values?|data)",
}
APART = r"apart|separate|unrelated|unexplain|unaccounted|independent|coinciden|on its own|not fit|not explain"
HEALTHY = r"harmless|healthy|no fault|on purpose|no action|nothing to do|as intended|planned"
BROKEN = r"fault|failure|defect|broken|damage|failed|repair"
MOVED = r"moved|changed|shifted|deviat|left|reacted|behav|returned|back|recovered"
# What a figure is by the word in front of it.
ROLES = {"by": "deviation", "to": "now", "reached": "now", "reads": "now", "from": "baseline", "usual": "baseline"}
# Claims only together with the word behind it.
NEEDS_MORE = {"no"}
LATER = r"then|afterwards|subsequently|later|followed by"
EARLIER = r"after|following"
SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "days": 86_400.0, "day": 86_400.0, "d": 86_400.0, "ms": 0.001}
JOINING = "and|but|while|whereas|as|then|after|before|which|afterwards"
SAYS = rf"\d|\b(?:{UP}|{DOWN}|{'|'.join(SHAPES.values())}|{APART}|{MOVED})"
# Values are rounded to three digits, others to those that are written.
ROUNDING = 0.005
NUMBER = r"[-+−]?\d+(?:[.,]\d+)*(?:e[-+]?\d+)?"


@dataclass
class Findings:
    """What is wrong and what is right in one text."""

    wrong_direction: list[str] = field(default_factory=list)
    wrong_shape: list[str] = field(default_factory=list)
    other_channel: list[str] = field(default_factory=list)
    """A value that is another channel's."""
    wrong_role: list[str] = field(default_factory=list)
    """A level that is told as a change, or the like."""
    invented: list[str] = field(default_factory=list)
    """A figure that is nowhere in the evidence."""
    quiet_named: list[str] = field(default_factory=list)
    """A channel that does not deviate."""
    wrong_order: list[str] = field(default_factory=list)
    wrong_fault: list[str] = field(default_factory=list)
    """A healthy state called a fault, or a fault called healthy."""
    named: set[str] = field(default_factory=set)
    apart: set[str] = field(default_factory=set)
    counted: bool = False
    """It says that there are more channels than it names."""

    ERRORS = (
        "wrong_direction",
        "wrong_shape",
        "other_channel",
        "wrong_role",
        "invented",
        "quiet_named",
        "wrong_order",
        "wrong_fault",
    )

    @property
    def errors(self) -> dict[str, list[str]]:
        return {name: found for name in self.ERRORS if (found := getattr(self, name))}


@dataclass
class Clause:
    text: str
    channels: list[int]


class _Evidence:
    def __init__(self, case: dict):
        incident = case["incident"]
        self.evidence = incident["evidence"]
        self.channels = self.evidence["channels"]
        self.labels = case["labels"]
        self.closed = incident["change"] == "closed"
        self.end = self.evidence["onset"] / 1e6 + self.evidence["duration_s"]
        self.assessment = case.get("assessment") or {}

    def values(self, at: int, role: str | None = None) -> list[float]:
        """What is known of a channel in its unit; with a `role` only that."""
        channel = self.channels[at]
        found = (channel[name] for name in ("now", "baseline", "deviation") if role in (None, name))
        return [abs(value) for value in found if value is not None]

    def since(self, at: int) -> list[float]:
        onset = self.channels[at]["onset"]
        return [self.end - onset / 1e6] if onset is not None else []

    def clock(self) -> set[str]:
        moments = [self.evidence["onset"], *(c["onset"] for c in self.channels if c["onset"] is not None)]
        at = [datetime.datetime.fromtimestamp(m / 1e6, datetime.UTC) for m in moments]
        return {t.strftime("%H:%M") for t in at} | {t.strftime("%Y-%m-%d") for t in at}


def judge(case: dict, text: str) -> Findings:
    """`case` in the form of `vectors.json`, with its assessment; `text` as an operator reads it."""
    known = _Evidence(case)
    found = Findings()
    marked = _mark(case, known, text)
    for clause in clauses(marked):
        _claims(known, clause, found)
        _figures(known, clause, found)
    found.wrong_order += orders([channel["onset"] for channel in known.channels], marked)
    for at in {int(n) for n in re.findall(r"«(\d+)»", marked)}:
        channel = known.channels[at]
        (found.named if channel["deviates"] else set()).add(channel["name"])
        if not channel["deviates"]:
            found.quiet_named.append(known.labels[at])
    found.counted = bool(re.search(r"\b\d+ (?:more|other|further) channels?\b", marked))
    said = re.search(rf"\b(?:{BROKEN if known.assessment.get('benign') else HEALTHY})", marked, re.I)
    if said and known.assessment.get("label"):
        found.wrong_fault.append(said.group())
    return found


def who(case: dict) -> str:
    """A machine as texts call it."""
    return f"{case['device']} ({case['kind']})" if case["kind"] else case["device"]


def _mark(case: dict, known: _Evidence, text: str) -> str:
    """The text with each channel's label as «number», and names of machine, causes and checks taken out."""
    label = (known.assessment.get("label") or "").replace("_", " ")
    phrases = [known.assessment.get(name) for name in ("cause", "second", "check")] + [label]
    for phrase in sorted(filter(None, [*phrases, who(case), case["device"]]), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(phrase)}(?!\w)", "¤", text, flags=re.I)
    order = sorted(range(len(known.labels)), key=lambda at: -len(known.labels[at]))
    for at in order:
        text = re.sub(rf"(?<![\w«]){re.escape(known.labels[at])}(?![\w»])", f"«{at}»", text, flags=re.I)
    return text


def clauses(text: str) -> list[Clause]:
    """Parts that speak of the same channels; a list of names goes to the part that says something of them."""
    out: list[Clause] = []
    for part in re.split(r"[.;:](?=\s|$)", text):
        waiting: list[int] = []
        first = len(out)
        for piece in re.split(rf",|\b(?=(?:{JOINING})\b)", part):
            channels = [int(n) for n in re.findall(r"«(\d+)»", piece)]
            bare = re.sub(r"«\d+»|¤", " ", piece)
            if channels and not re.search(SAYS, bare, re.I):
                waiting += [at for at in channels if at not in waiting]
            elif piece.strip():
                out.append(Clause(piece, waiting + channels or (out[-1].channels if out else [])))
                waiting = []
        if waiting and len(out) > first:
            # Names behind what was said of them: `a drop of flow and pressure`.
            before = out[-1].channels
            out[-1].channels = before + [at for at in waiting if at not in before]
        elif waiting:
            out.append(Clause("", waiting))
    return out


def _claims(known: _Evidence, clause: Clause, found: Findings) -> None:
    bare = re.sub(r"«\d+»|¤|\([^)]*\)", " ", clause.text)
    up, down = re.search(rf"\b(?:{UP})", bare, re.I), re.search(rf"\b(?:{DOWN})", bare, re.I)
    apart = re.search(rf"\b(?:{APART})", bare, re.I)
    for at in clause.channels:
        channel, label = known.channels[at], known.labels[at]
        change = channel["deviation"] or 0.0
        if up and change <= 0:
            found.wrong_direction.append(f"{label}: {up.group()}")
        if down and change >= 0:
            found.wrong_direction.append(f"{label}: {down.group()}")
        for shape, words in SHAPES.items():
            claimed = re.search(rf"\b(?:{words})", bare, re.I)
            silent = shape == "dropout" and channel["now"] is None
            if claimed and channel["shape"] != shape and not silent:
                found.wrong_shape.append(f"{label}: {claimed.group()}")
        if apart:
            found.apart.add(channel["name"])


def _figures(known: _Evidence, clause: Clause, found: Findings) -> None:
    text = re.sub(r"«\d+»|¤", " ", clause.text)
    text = re.sub(r"\b\d+ (?:more|other|further) channels?\b", " ", text)
    for match in re.finditer(r"\d{4}-\d\d-\d\d|\d\d:\d\d", text):
        if match.group() not in known.clock():
            found.invented.append(match.group())
    text = re.sub(r"\d{4}-\d\d-\d\d|\d\d:\d\d", " ", text)
    units = sorted({c["unit"] for c in known.channels if c["unit"]} | set(SECONDS), key=len, reverse=True)
    told = rf"(?<!\w)({NUMBER})\s*({'|'.join(map(re.escape, units))})?(?!\w)"
    for match in re.finditer(told, text):
        figure, unit = Figure(match.group(1)), match.group(2) or ""
        if any(_near(figure, unit, known, at) for at in clause.channels):
            role = ROLES.get((re.findall(r"\w+", text[: match.start()]) or [""])[-1].lower())
            if role and not any(_near(figure, unit, known, at, role) for at in clause.channels):
                found.wrong_role.append(f"{role}: {match.group().strip()}")
            continue
        if unit in SECONDS and figure.means(known.evidence["duration_s"] / SECONDS[unit]):
            continue
        elsewhere = any(_near(figure, unit, known, at) for at in range(len(known.channels)))
        (found.other_channel if elsewhere else found.invented).append(match.group().strip())


class Figure:
    """A figure as it is written: it means what rounds to it."""

    def __init__(self, written: str):
        plain = written.replace(",", "").replace("−", "-").lower()
        self.value = abs(float(plain))
        mantissa, _, power = plain.partition("e")
        self.half = 0.501 * 10.0 ** (int(power or 0) - len(mantissa.partition(".")[2]))

    def means(self, value: float) -> bool:
        return abs(self.value - abs(value)) <= max(self.half, ROUNDING * self.value) + 1e-12


def _near(figure: Figure, unit: str, known: _Evidence, at: int, role: str | None = None) -> bool:
    if unit == known.channels[at]["unit"] and any(figure.means(value) for value in known.values(at, role)):
        return True
    if role is not None:
        return False
    return unit in SECONDS and any(figure.means(value / SECONDS[unit]) for value in known.since(at))


def orders(onset: list[int | None], text: str) -> list[str]:
    """`…, then X`: X began later than what was named before it; `… after X`: earlier. Returns what is not so."""
    wrong: list[str] = []
    for words, later in ((LATER, True), (EARLIER, False)):
        for match in re.finditer(rf"\b(?:{words})\b", text, re.I):
            before = [int(n) for n in re.findall(r"«(\d+)»", re.split(r"\.\s", text[: match.start()])[-1])]
            rest = re.split(r"[.;,]\s|\b(?:and|while|then|after)\b", text[match.end() :])[0]
            behind = [int(n) for n in re.findall(r"«(\d+)»", rest)]
            pairs = [(onset[a], onset[b]) for a in before[-1:] for b in behind[:1]]
            for first, second in pairs:
                if first is not None and second is not None and (second < first if later else second > first):
                    wrong.append(match.group())
    return wrong


def unread(lexicon: dict[str, list[str]]) -> list[str]:
    """Words that claim something by a lexicon and nothing to this judge: errors in them would go unseen."""
    claims = {"rise": UP, "fall": DOWN, "swing": SHAPES["oscillation"], "apart": APART, **SHAPES}
    return [
        word
        for name, words in lexicon.items()
        for word in words
        if name in claims and not re.match(rf"(?:{claims[name]})", word) and word not in NEEDS_MORE
    ]


@dataclass
class Report:
    """Findings over many texts."""

    texts: int = 0
    clean: int = 0
    errors: dict[str, int] = field(default_factory=lambda: dict.fromkeys(Findings.ERRORS, 0))
    examples: list[tuple[str, str, str]] = field(default_factory=list)
    causal: int = 0
    causal_named: int = 0
    causal_covered: int = 0
    unexplained: int = 0
    unexplained_flagged: int = 0
    explained: int = 0
    explained_flagged: int = 0

    def add(self, case: dict, text: str) -> Findings:
        """Judges one text. Channels that the decision leaves over should be flagged, all others named."""
        found = judge(case, text)
        self.texts += 1
        self.clean += not found.errors
        for name, what in found.errors.items():
            self.errors[name] += 1
            if len(self.examples) < 40:
                self.examples.append((name, "; ".join(what), text))
        assessment = case.get("assessment") or {}
        if assessment.get("label") is None:
            return found
        left = set(assessment.get("unexplained") or [])
        causal = {c["name"] for c in case["incident"]["evidence"]["channels"] if c["deviates"]} - left
        self.causal += len(causal)
        self.causal_named += len(causal & found.named)
        self.causal_covered += len(causal) if found.counted else len(causal & found.named)
        self.unexplained += len(left)
        self.unexplained_flagged += len(left & found.apart)
        self.explained += len(causal)
        self.explained_flagged += len(causal & found.apart)
        return found

    def figures(self) -> dict[str, float | int]:
        """Texts with an error of each kind, and shares of channels."""

        def share(part: int, whole: int) -> float:
            return part / whole if whole else float("nan")

        return {
            "texts": self.texts,
            "texts without any error": self.clean,
            **{name.replace("_", " "): count for name, count in self.errors.items()},
            "causal channels named": share(self.causal_named, self.causal),
            "causal channels named or counted": share(self.causal_covered, self.causal),
            "unexplained channels flagged": share(self.unexplained_flagged, self.unexplained),
            "explained channels flagged": share(self.explained_flagged, self.explained),
        }
