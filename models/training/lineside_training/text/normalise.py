"""Normalised lines: the reference of what the agent's `slm::normalise` does with the same file.

A line's words are taken one after the other. Each gets candidates (itself, what other lines made of it,
words it abbreviates or misspells, its parts), each candidate a few features, and the best one is written if
the model is sure enough that it is right. Everything is data: words, pairs, what was seen, weights.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

Features = dict[str, float]
Candidates = dict[str, Features]

LONGEST = 24  # letters of a word that is looked at more closely than by memory
VOWELS = set("aeiou")
MARKS = "-/&+,:;=()#"
BORDER = re.compile(r"(?<=[a-z])(?=[0-9])|(?<=[0-9])(?=[a-z])")
JOINT_WORDS = {"&": "and", "+": "and", "#": "number", ",": "", ":": ""}


def shape(word: str) -> str:
    """Runs of digits as `9`, runs of letters as `a`."""
    return re.sub(r"[0-9]+", "9", re.sub(r"[a-z]+", "a", word))


def digits(word: str) -> str:
    """Runs of digits as `9`."""
    return re.sub(r"[0-9]+", "9", word)


def number_of_digits(word: str) -> int:
    return sum("0" <= letter <= "9" for letter in word)


def distance(a: str, b: str, most: int) -> int:
    """Insertions, deletions, replacements and swaps of neighbours that make `b` of `a`; `most + 1` if more."""
    if abs(len(a) - len(b)) > most:
        return most + 1
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
        before, last = last, row
    return min(last[-1], most + 1)


def abbreviates(short: str, word: str) -> bool:
    """Whether the letters come in this order in the word, its first one first."""
    if len(word) <= len(short) or word[0] != short[0]:
        return False
    letters = iter(word)
    return all(letter in letters for letter in short)


@dataclass
class Normaliser:
    """What a normaliser's file holds."""

    words: dict[str, int]
    """How often a word stands in normalised lines."""
    pairs: dict[str, int]
    """How often two words stand side by side: `a b`."""
    general: set[str]
    """Words of everyday English: not misspelt."""
    seen: dict[str, dict[str, int]]
    """What other lines made of a word, of `word +next` and of `-before word`."""
    shapes: dict[str, dict[str, int]]
    """What other lines made of words with digits, by `shape`."""
    weights: Features
    least: float = 0.5
    """Below this probability a word is left as it is."""
    by_letter: dict[str, list[str]] = field(default_factory=dict)
    initials: dict[str, list[str]] = field(default_factory=dict)
    _forms: dict[str, Candidates] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for word in sorted({*self.words, *self.general}):
            if word.isalpha() and word.isascii() and len(word) >= 3:
                self.by_letter.setdefault(word[0], []).append(word)
        for pair in sorted(self.pairs, key=lambda pair: (-self.pairs[pair], pair)):
            first, _, second = pair.partition(" ")
            if self.pairs[pair] >= 2 and min(len(first), len(second)) >= 3 and pair.replace(" ", "").isalpha():
                found = self.initials.setdefault(first[0] + second[0], [])
                if len(found) < 4:
                    found.append(pair)

    def knows(self, word: str) -> bool:
        return word in self.words or word in self.general

    # -- candidates of a word by itself --------------------------------------------------------------

    def forms(self, low: str) -> Candidates:
        """Candidates of a word in lower case, whatever stands beside it."""
        if low not in self._forms:
            self._forms[low] = self._find(low)
        return self._forms[low]

    def _find(self, low: str) -> Candidates:
        found: Candidates = {}
        self._remember(found, "seen", self.seen.get(low))
        numbered = digits(low)
        if numbered != low:
            self._remember(found, "digits", self.seen.get(numbered))
            self._remember(found, "shape", self.shapes.get(shape(low)))
            count = number_of_digits(low)
            for features in found.values():
                if "shape" in features:
                    features["shape_digits"] = features["shape_share"] * min(count, 4) / 4
                    features["shape_letters"] = features["shape_share"] * min(len(low) - count, 4) / 4
        if 2 <= len(low) <= LONGEST:
            plain = low.replace("/", "").replace(".", "").replace("'", "")
            if plain.isalpha() and plain.isascii():
                if not self.knows(low):
                    self._misspelt(found, plain)
                    self._glued(found, plain)
                self._abbreviated(found, plain)
                if len(plain) == 2:
                    for rank, pair in enumerate(self.initials.get(plain, [])):
                        found.setdefault(pair, {}).update(
                            {"initials": 1.0, "initials_count": math.log1p(self.pairs[pair]), "initials_rank": rank}
                        )
        return found

    @staticmethod
    def _remember(found: Candidates, source: str, memory: dict[str, int] | None) -> None:
        if not memory:
            return
        total = sum(memory.values())
        for text, count in memory.items():
            if not text and source != "before":
                continue  # a word goes only where the one before it already says it
            features = found.setdefault(text, {})
            features[source] = 1.0
            features[source + "_count"] = math.log1p(count)
            features[source + "_share"] = count / total

    def _misspelt(self, found: Candidates, plain: str) -> None:
        if len(plain) < 4:
            return
        most = 1 if len(plain) < 7 else 2
        near: list[tuple[int, int, str]] = []
        for first in sorted({plain[0], plain[1]}):
            for word in self.by_letter.get(first, []):
                if word != plain and len(word) >= 4:
                    steps = distance(plain, word, most)
                    if steps <= most:
                        near.append((steps, -self.words.get(word, 0), word))
        for rank, (steps, _, word) in enumerate(sorted(near)[:4]):
            found.setdefault(word, {}).update(
                {
                    f"typo{steps}": 1.0,
                    "typo_length": len(plain) / 10,
                    "typo_rank": rank,
                    "typo_letters": float(sorted(set(plain)) == sorted(set(word))),
                    "typo_end": float(plain[-1] == word[-1]),
                    "typo_plural": float(plain + "s" == word or plain == word + "s"),
                }
            )

    def _abbreviated(self, found: Candidates, plain: str) -> None:
        longer: list[tuple[float, str]] = []
        for word in self.by_letter.get(plain[0], []):
            if word in self.words and len(word) >= len(plain) + 2 and abbreviates(plain, word):
                prefix = word.startswith(plain)
                bones = word[0] + "".join(letter for letter in word[1:] if letter not in VOWELS)
                skeleton = abbreviates(plain, bones) or plain == bones
                longer.append((-math.log1p(self.words[word]) - 2 * prefix - 1 * skeleton, word))
        for rank, (_, word) in enumerate(sorted(longer)[:6]):
            bones = word[0] + "".join(letter for letter in word[1:] if letter not in VOWELS)
            found.setdefault(word, {}).update(
                {
                    "short": 1.0,
                    "short_prefix": float(word.startswith(plain)),
                    "short_bones": float(all(letter not in VOWELS for letter in plain[1:])),
                    "short_all_bones": float(plain == bones),
                    "short_end": float(plain[-1] == word[-1]),
                    "short_part": len(plain) / len(word),
                    "short_length": min(len(plain), 6) / 6,
                    "short_rank": rank,
                }
            )

    def _glued(self, found: Candidates, plain: str) -> None:
        for cut in range(3, len(plain) - 2):
            first, second = plain[:cut], plain[cut:]
            if first in self.words and second in self.words:
                found.setdefault(f"{first} {second}", {}).update(
                    {"glued": 1.0, "glued_pair": math.log1p(self.pairs.get(f"{first} {second}", 0))}
                )

    # -- candidates in a line ------------------------------------------------------------------------

    def candidates(self, line: list[str], place: int, before: str, merged: bool = False) -> Candidates:
        """All candidates of a word with all their features; `before` is the normalised word before it.

        `merged` says that the word before it was written otherwise, so that it may hold this one as well.
        """
        raw = line[place]
        low = raw.lower()
        following = line[place + 1].lower() if place + 1 < len(line) else ""
        previous = line[place - 1].lower() if place else ""
        found = {text: dict(features) for text, features in self.forms(low).items()}
        self._remember(found, "next", self.seen.get(f"{low} +{digits(following)}") if following else None)
        self._remember(found, "before", self.seen.get(f"-{digits(previous)} {low}") if previous else None)
        if not merged:
            found.pop("", None)
        self._in_parts(found, low)
        known, general = low in self.words, low in self.general
        shouted = all(word == word.upper() for word in line)
        for text in dict.fromkeys([raw, low]):
            features = found.setdefault(text, {})
            features["same"] = 1.0
            features["same_known"] = float(known)
            features["same_count"] = math.log1p(self.words.get(low, 0))
            features["same_general"] = float(general)
            features["same_neither"] = float(not known and not general)
            features["same_short"] = float(len(low) <= 3)
            features["same_digits"] = float(number_of_digits(low) > 0)
            if text != low:
                capitals = raw == raw.upper() and any("a" <= letter <= "z" for letter in low)
                features["capitals"] = float(capitals and not shouted)
                features["capitals_unknown"] = float(capitals and not shouted and not known and not general)
                features["capitals_short"] = float(capitals and not shouted and len(raw) <= 4)
                features["shouted"] = float(shouted)
                features["shouted_unknown"] = float(shouted and not known and not general)
                features["cased"] = float(not capitals)
        for text, features in found.items():
            words = text.split()
            if not words:
                features["empty"] = 1.0
                continue
            if "marked" not in features:
                features["words"] = float(len(words) - 1)
            counts = [self.words.get(word, 0) for word in words if not word.startswith("<")]
            features["count"] = math.log1p(min(counts)) if counts else 0.0
            features["tag"] = float(not counts)
            features["pair_before"] = math.log1p(self.pairs.get(f"{before} {words[0]}", 0))
            features["pair_next"] = math.log1p(self.pairs.get(f"{words[-1]} {following}", 0))
            inner = [self.pairs.get(f"{a} {b}", 0) for a, b in zip(words, words[1:], strict=False)]
            features["pair_inner"] = math.log1p(min(inner)) if inner else 0.0
        if not place:
            for features in found.values():
                if "shape" in features:
                    features["shape_first"] = features["shape_share"]
        return found

    def _in_parts(self, found: Candidates, low: str) -> None:
        """A word's parts, each by itself, with what joins them between: at marks, or at the borders of numbers."""
        if len(low) > LONGEST:
            return
        mark = next((letter for letter in low if letter in MARKS), None)
        if mark and low != mark:
            first, _, rest = low.partition(mark)
            parts = [self._part(first), (JOINT_WORDS.get(mark, mark), 1.0), self._part(rest)]
        else:
            pieces = BORDER.split(low)
            if len(pieces) != 2:
                return
            parts = [self._part(piece) for piece in pieces]
        text = " ".join(word for word, _ in parts if word)
        if text == low:
            return
        kind = "marked" if mark else "border"
        features = found.setdefault(text, {})
        features[kind] = 1.0
        features[kind + "_sure"] = math.log(min(probability for _, probability in parts))
        features[kind + "_digits"] = min(number_of_digits(low), 4) / 4

    def _part(self, part: str) -> tuple[str, float]:
        return self.best([part], 0, "") if part else ("", 1.0)

    # -- choice --------------------------------------------------------------------------------------

    def score(self, features: Features) -> float:
        return sum(self.weights.get(name, 0.0) * value for name, value in features.items())

    def best(self, line: list[str], place: int, before: str, merged: bool = False) -> tuple[str, float]:
        """The best candidate with its probability."""
        found = self.candidates(line, place, before, merged)
        ranked = sorted(((self.score(features), text) for text, features in found.items()), key=lambda r: (-r[0], r[1]))
        top = ranked[0][0]
        return ranked[0][1], 1 / sum(math.exp(score - top) for score, _ in ranked)

    def words_of(self, line: list[str]) -> Iterator[str]:
        """What becomes of each word."""
        before, merged = "", False
        for place, raw in enumerate(line):
            text, probability = self.best(line, place, before, merged)
            if probability < self.least:
                text = raw
            merged = text.lower() != raw.lower()
            before = (text.split() or [before])[-1].lower()
            yield text

    def normalise(self, line: str) -> str:
        """A whole line; words are divided by white space."""
        return " ".join(word for word in self.words_of(line.split()) if word)
