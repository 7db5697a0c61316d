"""What the incident model has to beat, on the same inputs: majority, a rule table, logistic regression, boosted trees.

Nothing here shares code with the model: channels are read by a reader of their own that follows what the table says.
"""

import json
import re
import tomllib
from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.special import softmax

from ..heldout.frozen import UNKNOWN
from .answers import Answers, Array

# Boosted trees take a dense matrix and one tree a class and round: with more rows they take hours.
ROWS = {"logistic regression": 30_000, "boosted trees": 8_000}
BUCKETS = ((3.0, "slight"), (6.0, "clear"), (12.0, "strong"), (np.inf, "extreme"))
SHAPES = {"swing": "oscillation", "spikes": "spike", "stuck": "stuck", "silent": "dropout"}
# A rule table that explains less than this share of what deviates says `unknown`. Chosen beforehand.
EXPLAINED = 0.5


class Reader:
    """Reads what a channel measures and where, by the words of the table: units first, longer words win."""

    def __init__(self, table: Path):
        data = tomllib.loads(table.read_text(encoding="utf-8"))
        self.modes = {mode["id"]: mode for mode in data["mode"]}
        self.units = {unit: q["id"] for q in data["quantity"] for unit in q["units"]}
        self.words = _longest((w, q["id"]) for q in data["quantity"] for w in [*q["words"], q["id"].replace("_", " ")])
        self.places = _longest((w, p["id"]) for p in data["place"] for w in [*p["words"], p["id"]])
        self.isa = {q["isa"]: q["id"] for q in data["quantity"] if q["isa"]}
        self.kinds = _longest((w, m["id"]) for m in data["machine"] for w in [*m["words"], m["id"].replace("_", " ")])

    def key(self, name: str, label: str, unit: str) -> str:
        text = _words(f"{label} {name}")
        quantity = self.units.get(unit.lower()) or _find(self.words, text) or self._tag(name)
        if quantity == "pressure" and _find(self.words, text) == "pressure_difference":
            quantity = "pressure_difference"
        place = _find(self.places, text)
        return f"{quantity or 'other'}@{place}" if place else quantity or "other"

    def _tag(self, name: str) -> str | None:
        """The quantity of a tag of ISA-5.1, such as `LT-101`."""
        letters = re.match(r"([A-Z]{2,4})[-_ ]?\d", name)
        return next((self.isa[letters[1][:n]] for n in (2, 1) if letters[1][:n] in self.isa), None) if letters else None

    def keys(self, case: dict) -> list[str]:
        found = zip(case["labels"], case["incident"]["evidence"]["channels"])
        return [self.key(channel["name"], label, channel["unit"]) for label, channel in found]

    def machine(self, case: dict) -> str | None:
        return _find(self.kinds, _words(case["kind"])) if case["kind"] else None


def _longest(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return sorted({(_words(word).strip(), of) for word, of in pairs}, key=lambda pair: (-len(pair[0]), pair))


def _words(text: str) -> str:
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    return " " + " ".join(re.findall(r"[^\W_]+", apart.lower())) + " "


def _find(words: list[tuple[str, str]], text: str) -> str | None:
    """The longest word that stands in the text; long ones within a compound too."""
    return next((of for word, of in words if f" {word} " in text or (len(word) > 3 and word in text)), None)


def movement(channel: dict) -> str | None:
    """`up`, `down` or a shape; None while it does not deviate."""
    if not channel["deviates"]:
        return None
    if channel["shape"] in ("step", "ramp", None):
        return "up" if (channel["deviation"] or 0.0) > 0 else "down"
    return channel["shape"]


class RuleTable:
    """Counts for each mode the signs that are there, those that are missing, and those that speak against it."""

    def __init__(self, reader: Reader):
        self.reader = reader
        self.labels = [*reader.modes, UNKNOWN]

    def _counts(self, mode: dict, seen: list[tuple[str, str | None]]) -> tuple[int, int, int]:
        scope = mode.get("scope", "process")
        moved = [m for _, m in seen if m]
        if scope != "process":
            wanted = SHAPES[mode["effects"][0][1]]
            right = sum(m == wanted for m in moved)
            whole = right == len(seen) if scope == "machine" else right == len(moved) == 1
            return (right, 0, 0) if whole and right else (0, 1, len(moved))
        right = missing = against = 0
        for channel, does, _, _, _, often in mode["effects"]:
            there = [m for key, m in seen if channel in (key, key.split("@")[0])]
            shown = sum(m == SHAPES.get(does, does) for m in there)
            right += shown
            missing += bool(there) and not shown and often >= 0.9
            against += sum(m is not None and m != SHAPES.get(does, does) for m in there)
        return right, missing, against

    def scores(self, case: dict) -> Array:
        channels = case["incident"]["evidence"]["channels"]
        seen = list(zip(self.reader.keys(case), map(movement, channels)))
        moved = max(sum(m is not None for _, m in seen), 1)
        machine = self.reader.machine(case)
        out = []
        for mode in self.reader.modes.values():
            right, missing, against = self._counts(mode, seen)
            at_home = not mode["machines"] or machine is None or machine in mode["machines"]
            out.append(min(right / moved, 1.0) - 0.5 * (missing + against) / moved + 0.1 * at_home)
        return np.array([*out, EXPLAINED])

    def answers(self, cases: list[dict], sharpness: float) -> Answers:
        chances = softmax(sharpness * np.stack([self.scores(case) for case in cases]), axis=1)
        return Answers.of_chances(self.labels, chances)

    def sharpness(self, cases: list[dict], truth: list[str]) -> float:
        """How sure a score makes one, from training cases."""
        at = np.array([self.labels.index(label) for label in truth])
        scores = np.stack([self.scores(case) for case in cases])
        tried = np.geomspace(1.0, 64.0, 25)
        losses = [-np.log(softmax(s * scores, axis=1)[np.arange(len(at)), at] + 1e-12).mean() for s in tried]
        return float(tried[int(np.argmin(losses))])


def left_over(reader: Reader, cases: list[dict], said: list[str | None]) -> list[set[str]]:
    """Deviating channels that the signature of what was said does not explain."""
    out = []
    for case, label in zip(cases, said):
        channels = case["incident"]["evidence"]["channels"]
        names = set()
        if label is not None:
            effects = {e[0]: SHAPES.get(e[1], e[1]) for e in reader.modes[label]["effects"]}
            for key, channel in zip(reader.keys(case), channels):
                wanted = effects.get(key, effects.get(key.split("@")[0], effects.get("any", effects.get("every"))))
                if channel["deviates"] and movement(channel) != wanted:
                    names.add(channel["name"])
        out.append(names)
    return out


class Learned:
    """Logistic regression or boosted trees on signed buckets, shapes and ranks by quantity and place, on the kind of
    machine and the notes."""

    def __init__(self, kind: str, reader: Reader, seed: int):
        from sklearn.decomposition import TruncatedSVD
        from sklearn.ensemble import HistGradientBoostingClassifier
        from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
        from sklearn.linear_model import LogisticRegression

        self.kind, self.reader, self.seed = kind, reader, seed
        self.signs = CountVectorizer(analyzer=self._tokens, binary=True, min_df=10 if kind == "boosted trees" else 3)
        self.notes = TfidfVectorizer(ngram_range=(1, 2), min_df=2, max_features=20_000, sublinear_tf=True)
        self.dense = TruncatedSVD(32, random_state=seed) if kind == "boosted trees" else None
        self.model = (
            LogisticRegression(C=2.0, max_iter=300)
            if self.dense is None
            # With some sixty classes larger steps or less shrinkage diverge. Settled on 250 held-out cases, which
            # favours it.
            else HistGradientBoostingClassifier(
                max_iter=60,
                learning_rate=0.1,
                max_leaf_nodes=8,
                min_samples_leaf=5,
                l2_regularization=5.0,
                early_stopping=False,
                random_state=seed,
            )
        )

    def _tokens(self, case: dict) -> list[str]:
        out = [f"machine {self.reader.machine(case)}"]
        for key, channel in zip(self.reader.keys(case), case["incident"]["evidence"]["channels"]):
            does = movement(channel)
            if does is None:
                out.append(f"{key} steady")
                continue
            size = abs(channel["deviation_sd"]) if channel["deviation_sd"] is not None else np.inf
            bucket = next(name for limit, name in BUCKETS if size <= limit)
            out += [f"{key} {does}", f"{key} {does} {bucket}", f"{key} {channel['shape']}"]
            out.append(f"{key} rank {min(channel['order'] or 5, 5)}")
        return out

    def _matrix(self, cases: list[dict], fit: bool) -> Array | sparse.csr_matrix:
        notes = [" ".join(case["notes"]) for case in cases]
        signs = self.signs.fit_transform(cases) if fit else self.signs.transform(cases)
        words = self.notes.fit_transform(notes) if fit else self.notes.transform(notes)
        if self.dense is None:
            return sparse.hstack([signs, words]).tocsr()
        short = self.dense.fit_transform(words) if fit else self.dense.transform(words)
        return np.hstack([signs.toarray().astype(np.float32), short.astype(np.float32)])

    def fit(self, cases: list[dict], truth: list[str]) -> "Learned":
        count = min(ROWS[self.kind], len(cases))
        at = np.random.default_rng(self.seed).permutation(len(cases))[:count]
        self.model.fit(self._matrix([cases[i] for i in at], True), [truth[i] for i in at])
        return self

    def answers(self, cases: list[dict]) -> Answers:
        return Answers.of_chances(list(self.model.classes_), self.model.predict_proba(self._matrix(cases, False)))


class Baselines:
    """All of them, made from one training file."""

    def __init__(self, table: Path, training: Path, seed: int, kinds: Collection[str] = tuple(ROWS)):
        rows = [json.loads(line) for line in training.read_text(encoding="utf-8").splitlines()]
        cases, truth = [row["case"] for row in rows], [row["truth"]["mode"] or UNKNOWN for row in rows]
        self.reader = Reader(table)
        labels, counts = np.unique([label for label in truth if label != UNKNOWN], return_counts=True)
        self.most, self.share = str(labels[counts.argmax()]), float(counts.max() / counts.sum())
        self.rules = RuleTable(self.reader)
        self.sharpness = self.rules.sharpness(cases[:2000], truth[:2000])
        self.learned = {kind: Learned(kind, self.reader, seed).fit(cases, truth) for kind in kinds}

    def answers(self, cases: list[dict]) -> dict[str, Answers]:
        """By baseline; each says what it leaves unexplained by the signature of its answer."""
        sure = np.full(len(cases), self.share)
        best = [self.most] * len(cases)
        out = {"majority": Answers(best, sure, sure, list(best))}
        out["rule table"] = self.rules.answers(cases, self.sharpness)
        out |= {kind: model.answers(cases) for kind, model in self.learned.items()}
        for answers in out.values():
            answers.second = [None] * len(cases)
            answers.unexplained = left_over(self.reader, cases, answers.said)
        return out
