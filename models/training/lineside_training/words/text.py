"""A text in the making: patterns are filled with names, values and forms."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from random import Random

from .grammar import expand
from .groups import Group
from .told import Told, Topic

PATTERNS = Path(__file__).with_name("patterns.toml")
_TRIES = 12
# Words that join clauses: behind them nothing can be joined by its order.
_JOINING = frozenset((",", "and", "but"))

# Of a single channel, of several, and both once it lies behind.
AGREE = {
    "IS": ("is", "are", "was", "were"),
    "HAS": ("has", "have", "had", "had"),
    "HAD": ("had", "had", "had", "had"),
    "WAS": ("was", "were", "was", "were"),
    "ITS": ("its", "their", "its", "their"),
    "SEEMS": ("seems", "seem", "seemed", "seemed"),
    "REMAINS": ("remains", "remain", "remained", "remained"),
    "STANDS": ("stands", "stand", "stood", "stood"),
    "NEEDS": ("needs", "need", "needs", "need"),
    "KEEPS": ("keeps", "keep", "kept", "kept"),
    "OSCILLATES": ("oscillates", "oscillate", "oscillated", "oscillated"),
    "FLUCTUATES": ("fluctuates", "fluctuate", "fluctuated", "fluctuated"),
    "SWINGS": ("swings", "swing", "swung", "swung"),
    "DELIVERS": ("delivers", "deliver", "delivered", "delivered"),
    "REPORTS": ("reports", "report", "reported", "reported"),
    "BEHAVES": ("behaves", "behave", "behaved", "behaved"),
    "DEVIATES": ("deviates", "deviate", "deviated", "deviated"),
}
# What a size is called; `deviation_sd` itself is never said.
SIZES = {
    "slight": ("slightly",),
    "clear": ("clearly", "noticeably"),
    "strong": ("strongly", "markedly"),
    "extreme": ("very strongly", "drastically"),
    "unmeasured": ("",),
}

# "40 s ago it rose", but "for 40 s it has been rising".
_PERFECT = {"IS", "HAS"}
_PRESENT = _PERFECT | {"SWINGS", "OSCILLATES", "FLUCTUATES", "DELIVERS", "REPORTS", "BEHAVES", "DEVIATES", "KEEPS"}
_PRESENT |= {"is"}
# How a channel that is back began: its onset is when it left, not when it returned.
_LEAVING = {"deviated", "moved", "left", "shifted", "changed"}


class Unsaid(Exception):
    """A pattern asks for what is not there."""


@functools.cache
def patterns() -> dict[str, dict[str, list[str]]]:
    """The patterns of the texts."""
    with PATTERNS.open("rb") as file:
        return tomllib.load(file)


class Text:
    """A text in the making."""

    def __init__(self, rng: Random, told: Told, avoid: frozenset[str], brief: bool = False) -> None:
        self.rng = rng
        self.told = told
        self.avoid = avoid
        self.brief = brief  # where much is to be told, it is told in few words
        self.timed = False

    def pick(self, section: str, key: str, topics: list[Topic] | None = None, **given: str) -> list[str]:
        """A pattern of a list as pieces."""
        return self.fill(self.one_of(section, key), topics or [], given)

    def fill(self, words: list[str], topics: list[Topic], given: dict[str, str]) -> list[str]:
        """Names, values and forms in the place of what stands for them."""
        pieces: list[str] = []
        for word in words:
            if word == "G":
                pieces += names(topics)
            elif word == "ADV":
                sizes = {topic.size for topic in topics}
                if len(sizes) != 1:
                    raise Unsaid(word)
                pieces += self.rng.choice(SIZES[sizes.pop()]).split()
            elif word in ("NOW", "BASE", "DELTA", "SINCE"):
                if self.timed and word == "SINCE":
                    raise Unsaid(word)
                pieces.append(self.slot(topics[0](word.lower())))
            elif word in AGREE:
                pieces.append(AGREE[word][(len(topics) > 1) + 2 * self._past(topics, given)])
            elif word in given:
                pieces += given[word].split()
            elif word == "AT":
                pieces.append(self.slot(topics[0]("at")))
            elif word == "MACHINE":
                pieces.append("<machine>")
            elif word in ("DUR", "START"):
                pieces.append(self.slot("<dur>" if word == "DUR" else "<t0>"))
            elif word in ("CAUSE", "SECOND", "CHECK"):
                pieces.append(self.slot(f"<{word.lower()}>"))
            else:
                pieces.append(word)
        if self.avoid.intersection(pieces):
            raise Unsaid("a word that ends a name")
        return pieces

    def one_of(self, section: str, key: str) -> list[str]:
        """A pattern of a list, not filled in yet."""
        options = patterns()[section][key]
        return expand(self.rng, options[int(self.rng.random() * len(options))])

    def _past(self, topics: list[Topic], given: dict[str, str]) -> bool:
        """Whether what the topics did lies behind."""
        return bool(topics) and (self.told.closed or all(topic.closed for topic in topics)) and "now" not in given

    def slot(self, slot: str) -> str:
        """A slot, if it is there."""
        if slot not in self.told.slots:
            raise Unsaid(slot)
        return slot

    def moved(self, group: Group, fronted: bool, followed: bool = False, tense: str = "") -> list[str]:
        """What a group did; `fronted` where its names must come before any claim, `followed` where more is joined."""
        keys = ["moved"]
        if len(group.topics) == 1 and not self.brief and group.kind in patterns()["moved_one"]:
            keys = ["moved_one", "moved_one", "moved"]
        # What has returned has done so by now, whatever is over.
        given = {"now": ""} if group.kind == "back" else {}
        for _ in range(_TRIES):
            words = self.one_of(keys[int(self.rng.random() * len(keys))], group.kind)
            if fronted and words[0] != "G":
                continue
            if group.kind == "back" and (tense or fronted) and words[1] not in _LEAVING:
                continue
            if followed and group.kind != "back" and _JOINING & set(words):
                continue
            if (tense == "past" and _PRESENT & set(words)) or (tense == "perfect" and not _PERFECT & set(words)):
                continue
            try:
                return self.fill(words, group.topics, given)
            except Unsaid:
                continue
        raise Unsaid(group.kind)


def names(topics: list[Topic]) -> list[str]:
    """Names counted up."""
    pieces: list[str] = []
    for place, topic in enumerate(topics):
        if place and place == len(topics) - 1:
            pieces.append("and")
        elif place:
            pieces.append(",")
        pieces.append(topic("name"))
    return pieces


