"""The report of a shift: its machines from the most to the least important, and what is left."""

from __future__ import annotations

from .groups import Group, kind
from .incidents import deviating, sentences_of
from .text import Text
from .told import Topic


def of_shift(text: Text) -> list[list[str]]:
    """Its sentences."""
    rng, told = text.rng, text.told
    text.timed = True
    most_named = rng.choices((4, 5, 6), (3, 4, 3))[0]
    machines = list(dict.fromkeys(topic.machine for topic in told.moved))
    sentences: list[list[str]] = []
    named = 0
    for machine in machines[: rng.choice((2, 3, 4))]:
        if named >= most_named:
            break
        topics = [topic for topic in told.moved if topic.machine == machine]
        topics = topics[: min(rng.choice((1, 2, 2, 3)), most_named - named)]
        named += len(topics)
        given = {"M": f"<m{machine}.name>", "COUNT": f"<m{machine}.count>"}
        head = "head_many" if told.machines[machine] != "lone" and rng.random() < 0.5 else "head"
        pieces = text.pick("shift", "next" if sentences else head, **given)
        for place, topic in enumerate(topics):
            joint = text.pick("shift", "joint") if place else []
            # What comes behind "still open, and" would be open as well.
            joint = [";"] if joint and pieces[-1] in ("open", "ongoing") else joint
            pieces += joint + _told(text, topic, fronted=pieces[-1].endswith(".name>") or joint[:1] == [","])
        sentences.append(pieces)
    if named < deviating(told) and "<n.more>" in told.slots:
        more = text.pick("shift", "more")
        if more[0] == "<n.more>" or rng.random() < 0.4:
            sentences[-1] += [";", *more]
        else:
            sentences.append(more)
    if not told.topics[0].closed and rng.random() < 0.3:
        sentences.append(text.pick("shift", "after", M=f"<m{machines[0]}.name>"))
    return [sentence for part in sentences for sentence in sentences_of(part)]


def _told(text: Text, topic: Topic, fronted: bool) -> list[str]:
    group = Group(kind(topic, topic.closed), [topic])
    if group.kind == "back" and text.rng.random() < 0.7:
        said = text.pick("shift", "back", [topic], now="", SINCE=topic("since"))
        return said + _unexplained(text, topic)
    # What is back has its own words for when and how long.
    words = ["F"] if group.kind == "back" else text.one_of("shift", "closed" if topic.closed else "open")
    tense = "" if "AT" not in words or topic.closed else "perfect" if "since" in words else "past"
    pieces = text.moved(group, fronted or len(words) > 1, followed=len(words) > 1, tense=tense)
    for word in words[1:]:
        pieces += [text.slot(topic("since"))] if word == "SINCE" else text.fill([word], [topic], {})
    return pieces + _unexplained(text, topic)


def _unexplained(text: Text, topic: Topic) -> list[str]:
    return text.pick("shift", "unexplained", [topic]) if topic.unexplained else []
