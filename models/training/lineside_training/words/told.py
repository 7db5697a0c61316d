"""What a prompt tells: read back from the agent's own prompt and slots, so that a text follows from nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(r"<[a-z0-9.]+>")
_SHAPES = ("step", "ramp", "spike", "oscillation", "stuck", "dropout", "shapeless")


@dataclass
class Topic:
    """A channel of an incident, or an incident of a shift."""

    number: int
    slot: str  # c or i
    words: str
    moved: bool = False
    shape: str = ""
    silent: bool = False
    up: bool = False
    down: bool = False
    back: bool = False
    closed: bool = False
    unexplained: bool = False
    size: str = ""
    rank: int | None = None
    lasts: bool = False
    starts: bool = False
    machine: int = 0
    cause: str | None = None
    unknown: bool = False

    def __call__(self, value: str) -> str:
        """The slot of one of its values."""
        return f"<{self.slot}{self.number}.{value}>"


@dataclass
class Told:
    """An incident, or a shift, as the prompt has it."""

    shift: bool
    closed: bool = False
    opened: bool = False
    topics: list[Topic] = field(default_factory=list)
    machines: list[str] = field(default_factory=list)  # of a shift: lone, few or many
    cause: str | None = None
    second: str | None = None
    check: str | None = None
    benign: bool = False
    unknown: bool = False
    notes: int = 0
    slots: dict[str, str] = field(default_factory=dict)

    @property
    def moved(self) -> list[Topic]:
        """Topics that can be named."""
        return [topic for topic in self.topics if topic.moved]


def read(prompt: str, slots: dict[str, str]) -> Told:
    """Reads a prompt."""
    marks = list(_TOKEN.finditer(prompt))
    told = Told(shift=prompt.startswith("<p.shift"), slots=slots)
    topic: Topic | None = None
    decided: Topic | Told = told
    for mark, after in zip(marks, [*marks[1:], None], strict=True):
        token = mark.group()
        words = prompt[mark.end() : after.start() if after else len(prompt)].strip()
        if token == "<p.num>":
            continue
        if match := re.fullmatch(r"<([ci])(\d+)\.name>", token):
            topic = Topic(int(match[2]), match[1], words, machine=len(told.machines) - 1)
            told.topics.append(topic)
            decided = topic if told.shift else told
        elif re.fullmatch(r"<m\d+\.name>", token):
            told.machines.append("")
        else:
            _mark(told, topic, decided, token[3:-1], words)
    for topic in told.topics:
        if not told.shift:
            topic.lasts = topic("since") in slots and slots[topic("since")] == slots.get("<dur>")
    return told


def _mark(told: Told, topic: Topic | None, decided: Topic | Told, name: str, words: str) -> None:
    if name in ("opened", "updated", "closed") and topic is None:
        told.closed, told.opened = name == "closed", name == "opened"
    elif name in ("lone", "few", "many"):
        told.machines[-1] = name
    elif name == "cause":
        decided.cause = words
    elif name == "unknown":
        decided.unknown = True
    elif name == "second" and isinstance(decided, Told):
        decided.second = words
    elif name == "check":
        told.check = words
    elif name == "benign" and isinstance(decided, Told):
        decided.benign = True
    elif name == "note":
        told.notes += 1
    elif topic is not None:
        if name in _SHAPES:
            topic.shape, topic.moved = name, True
        elif name.startswith("rank."):
            topic.rank = None if name == "rank.none" else int(name[5:])
        elif name in ("silent", "up", "down", "back", "closed", "unexplained"):
            setattr(topic, name, True)
        elif name in ("slight", "clear", "strong", "extreme", "unmeasured"):
            topic.size = name
