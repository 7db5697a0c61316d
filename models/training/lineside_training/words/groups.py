"""Which channels are told together, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from .told import Topic

_ALIKE = {"rise_step": "rise", "rise_ramp": "rise", "fall_step": "fall", "fall_ramp": "fall"}
MOST_TOGETHER, MOST_SILENT = 6, 9


@dataclass
class Group:
    """Channels of which the same is said."""

    kind: str
    topics: list[Topic]


def kind(topic: Topic, closed: bool) -> str:
    """What is to be said of a topic."""
    if topic.silent or topic.shape == "dropout":
        return "dropout"
    if topic.shape == "spike" and not closed:
        return "spike"
    if topic.back:
        return "back"
    if topic.shape in ("stuck", "spike"):
        return topic.shape
    if topic.shape == "oscillation":
        return "swing"
    if topic.up or topic.down:
        way = "rise" if topic.up else "fall"
        return f"{way}_{topic.shape}" if topic.shape in ("step", "ramp") else way
    return "level"


def grouped(rng: Random, topics: list[Topic], closed: bool, by_way: bool) -> list[Group]:
    """Groups in the order of onset, or (`by_way`) all that moved alike together."""
    groups: list[Group] = []
    for topic in topics:
        what = kind(topic, closed)
        near = groups if by_way else groups[-1:]
        most = MOST_SILENT if what == "dropout" else MOST_TOGETHER
        same = [g for g in near if _ALIKE.get(g.kind, g.kind) == _ALIKE.get(what, what) and len(g.topics) < most]
        if not by_way and same and rng.random() < 0.2 and len(topics) <= 4:
            same = []
        if same:
            group = same[-1]
            if group.kind != what:
                group.kind = _ALIKE.get(what, what)
            group.topics.append(topic)
        else:
            groups.append(Group(what, [topic]))
    return groups


def later(before: Group, after: Group) -> bool:
    """Whether all of a group began later than all of the one before."""
    ranks = [topic.rank for topic in before.topics], [topic.rank for topic in after.topics]
    if None in ranks[0] or None in ranks[1]:
        return False
    return max(r for r in ranks[0] if r is not None) < min(r for r in ranks[1] if r is not None)
