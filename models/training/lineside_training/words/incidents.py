"""The text of one incident: what happened, the likely cause, what it does not explain, what to check."""

from __future__ import annotations

from .groups import grouped, kind, later
from .text import Text, Unsaid, patterns
from .told import Told, Topic

# Behind which more may be joined: with more of them the mask counts too many clauses.
PARTING = frozenset(
    (",", ";", "and", "but", "while", "whereas", "then", "before", "after", "later", "afterwards", "subsequently")
)
_LONG = 4
_TENSES = {"ago": "past", "at": "past", "since": "perfect", "for": "perfect"}
_MOST_APART, _MOST_AT_ONCE = 6, 8
_OVER_SAID, _NOTES_SAID = 0.75, 0.2


def of_incident(text: Text) -> list[list[str]]:
    """Its sentences."""
    rng, told = text.rng, text.told
    moved = told.moved
    apart = [topic for topic in moved if topic.unexplained]
    main = [topic for topic in moved if not topic.unexplained]
    all_apart = not main
    if all_apart:
        main, apart = moved, []
    most = rng.choices((7, 9, 10), (3, 5, 2))[0]
    told_main = main[: max(2, most - len(apart))]
    told_apart = apart[:_MOST_APART]
    first = _happened(text, told_main)
    left = deviating(told) > len(told_main) + len(told_apart) and "<n.more>" in told.slots
    more = text.pick("joint", "more") if left else []
    decided = told.cause is not None and "<cause>" in told.slots
    body = _cause(text, first) if decided else []
    aside = _aside(text, told_apart, all_apart, main, decided)
    luck = rng.random()
    if aside and (more or luck < 0.4):
        # Names stand before those that are only counted.
        short = sum(piece in PARTING for piece in first) < _LONG and "<cause>" not in first
        first += [";" if luck < 0.25 and short else "."] + aside
        aside = []
    if more:
        first += more
    lead = told_main[0]("name")
    if decided:
        if told.second is not None and "<second>" in told.slots:
            second = text.pick("cause", "second")
            if second[0] == "<second>" and not body:
                raise Unsaid("<second>")  # a sentence begins with a word
            body.append(second)
        body += [aside] if aside else []
        body = _checked(text, body)
    else:
        if aside:
            body.append(aside)
        if told.unknown:
            body.append(_open(text, lead, first, body))
        elif rng.random() < 0.35 and not told.closed:
            body.append(text.pick("check", "lead", LEAD=lead))
        body = [part for part in body if part]
    parts = [first, *body]
    if told.closed and rng.random() < _OVER_SAID:
        parts.append(_over(text, parts))
    parts = [part for part in parts if part]
    if told.notes and rng.random() < _NOTES_SAID:
        parts[-1] = parts[-1] + text.pick("closing", "notes")
    return [sentence for part in parts for sentence in sentences_of(part)]


def deviating(told: Told) -> int:
    """How many topics deviate, with and without slots."""
    more = told.slots.get("<n.more>")
    # `<n.more>` counts what one name leaves.
    return 1 + int(more.split()[0]) if more else len(told.moved)


def sentences_of(part: list[str]) -> list[list[str]]:
    """A part of a text by its full stops; the last is added."""
    found: list[list[str]] = [[]]
    for piece in part:
        found[-1].append(piece)
        if piece == ".":
            found.append([])
    if found[-1]:
        found[-1].append(".")
    else:
        found.pop()
    return found


def _happened(text: Text, topics: list[Topic]) -> list[str]:
    rng, told = text.rng, text.told
    groups = grouped(rng, topics, told.closed, by_way=text.brief or (len(topics) > 2 and rng.random() < 0.45))
    joints: list[str] = []
    for before, after in zip(groups, groups[1:], strict=False):
        if later(before, after) and rng.random() < 0.75:
            joints.append("later")
        else:
            joints.append("same")
    if len(groups) == 2 and joints == ["later"] and rng.random() < 0.12:
        groups.reverse()
        joints = ["earlier"]
    chosen = [text.rng.choice(patterns()["joint"][joint]).split() for joint in joints]
    # A time at the beginning holds until a clause of its own begins.
    reach = list(groups[0].topics)
    for joint, words, group in zip(joints, chosen, groups[1:], strict=False):
        if joint != "same" or words[0] == ";":
            break
        reach += group.topics
    timed = not text.brief and rng.random() < 0.3 and all(topic.lasts and topic.rank == 1 for topic in reach)
    pieces = text.pick("opening", "timed" if timed else "any")
    text.timed = timed
    if len(groups) > 1 and rng.random() < 0.25:
        text.timed = True  # no time at all: long sentences are long enough
    tense = next((_TENSES[piece] for piece in pieces if piece in _TENSES), "") if timed else ""
    if tense == "perfect" and told.closed:
        raise Unsaid(tense)
    pieces += text.moved(groups[0], fronted=False, followed=len(groups) > 1, tense=tense)
    for place, (words, group) in enumerate(zip(chosen, groups[1:], strict=True), 2):
        pieces += text.fill(words, [], {})
        held = tense if any(topic in reach for topic in group.topics) else ""
        pieces += text.moved(group, fronted=True, followed=place < len(groups), tense=held)
    text.timed = False
    return pieces


def _aside(text: Text, topics: list[Topic], all_apart: bool, main: list[Topic], decided: bool) -> list[str]:
    told = text.told
    if all_apart:
        named = text.pick("apart", "named" if decided else "unknown_named", main[:_MOST_AT_ONCE])
        if len(main) > 1 and named[0] != main[0]("name"):
            raise Unsaid("G")
        return named
    if not topics:
        return []
    groups = grouped(text.rng, topics, told.closed, by_way=True)
    pieces: list[str] = []
    for group in groups:
        if pieces:
            pieces.append(";")
        if decided and text.rng.random() < 0.3:
            named = text.pick("apart", "named", group.topics)
            if len(group.topics) > 1 and named[0] != group.topics[0]("name"):
                raise Unsaid("G")
            pieces += named
            continue
        words = text.one_of("apart", "any" if decided else "unknown")
        if len(group.topics) > 1 and words[0] != "F":
            raise Unsaid("F")  # a claim before several names is made of the nearest
        said = text.moved(group, fronted=words[0] != "F")
        at = words.index("F")
        pieces += text.fill(words[:at], group.topics, {}) + said + text.fill(words[at + 1 :], group.topics, {})
    return pieces


def _cause(text: Text, first: list[str]) -> list[list[str]]:
    kind_of = "benign" if text.told.benign else "likely"
    luck = text.rng.random()
    if luck < 0.18:
        first += text.pick("cause", "benign_trailing" if text.told.benign else "trailing")
        return []
    said = text.pick("cause", kind_of)
    if said[0] == "<cause>" or luck < 0.3:
        # A sentence begins with a word.
        first += text.rng.choice(([";"], [";"], [",", "and"])) if said[0] == "<cause>" else [";"]
        first += said
        return []
    return [said]


def _checked(text: Text, body: list[list[str]]) -> list[list[str]]:
    """With what to check: behind the last statement, or on its own."""
    told, rng = text.told, text.rng
    body = [[*part] for part in body]
    # A second fault goes on with the sentence of the first, or follows it.
    if len(body) >= 2 and "<second>" in body[1] and (body[1][0] == "<second>" or rng.random() < 0.5):
        body[0] += rng.choice(([";"], [",", "and"])) + body[1]
        body.pop(1)
    if told.check is None or "<check>" not in told.slots:
        return body
    that = told.check.startswith("that ")
    about = [part for part in body if "<cause>" in part and "<check>" not in part]
    if about and rng.random() < 0.4:
        about[0] += text.pick("check", "that_trailing" if that else "trailing")
        return body
    said = text.pick("check", "that" if that else "thing")
    if said[0] == "<check>":
        if not body:
            raise Unsaid("check")
        body[-1] += [";"] + said
        return body
    return [*body, said]


def _open(text: Text, lead: str, first: list[str], body: list[list[str]]) -> list[str]:
    if text.rng.random() < 0.45:
        first_last = body[-1] if body else first
        first_last += [";"] + text.pick("cause", "unknown")
        return []
    return text.pick("cause", "unknown_alone", LEAD=lead)


def _over(text: Text, parts: list[list[str]]) -> list[str]:
    if text.rng.random() < 0.4:
        parts[-1] += [";"] + text.pick("closing", "over")
        return []
    return text.pick("closing", "over_alone")


