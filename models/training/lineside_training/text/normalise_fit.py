"""Learns a normaliser: what lines of a company teach, and weights that hold for words it never wrote.

The weights must not trust the memory of one company: while they are learned, each line is read with a
memory of other lines, of which most words were forgotten.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from .lines import Line
from .normalise import Features, Normaliser, digits, shape

SCHEMA = 1
# Made-up lines of all kinds.
GOLDEN = Path(__file__).with_name("golden_lines.txt")
PARTS = 5
# A word that strangers wrote so often is no slip.
COMMON = 3
# Twice: parts of words are judged by the weights of the first time.
ROUNDS = 2

Example = tuple[list[Features], int]
Forget = Callable[[str], bool]


def remember(lines: Sequence[Line], orders: Sequence[list[str]], english: set[str], forget: Forget) -> Normaliser:
    """All that lines teach but the weights; `forget` says which words the memory lacks."""
    common = Counter(word for order in orders for word in order)
    general = english | {word for word, n in common.items() if n >= COMMON and len(word) >= 3 and _plain(word)}
    words: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    seen: defaultdict[str, Counter[str]] = defaultdict(Counter)
    shapes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for line in lines:
        _count([word for _, meant in line for word in meant.lower().split()], words, pairs)
        for place, (raw, meant) in enumerate(line):
            low, key = raw.lower(), digits(raw.lower())
            if key != low:
                shapes[shape(low)][meant] += 1
            if forget(key):
                continue
            following = line[place + 1] if place + 1 < len(line) else None
            if following:
                seen[f"{low} +{digits(following[0].lower())}"][meant] += 1
            # What holds the next word as well is so only before that word.
            if not (following and not following[1] and meant):
                seen[key][meant] += 1
                if place:
                    seen[f"-{digits(line[place - 1][0].lower())} {low}"][meant] += 1
    words = Counter({word: n for word, n in words.items() if n >= 2 or word in general})
    for order in orders:
        # Strangers' words are as they were written, slips included.
        _count([word for word in order if word in general or word in words], words, pairs)
    return Normaliser(
        words=dict(words),
        pairs={pair: n for pair, n in pairs.items() if n >= 2},
        general=general,
        seen={key: dict(found) for key, found in seen.items() if " " not in key or sum(found.values()) >= 2},
        shapes={key: dict(found) for key, found in shapes.items()},
        weights={},
    )


def _plain(word: str) -> bool:
    return word.isascii() and word.isalpha()


def _count(words: list[str], single: Counter[str], pairs: Counter[str]) -> None:
    single.update(words)
    pairs.update(f"{a} {b}" for a, b in zip(words, words[1:], strict=False))


def learn(
    lines: Sequence[Line], orders: Sequence[list[str]], english: set[str], forgotten: float, seed: int
) -> Normaliser:
    """A normaliser of these lines."""
    weights: Features = {}
    for _ in range(ROUNDS):
        weights = _weights(_examples(lines, orders, english, forgotten, seed, weights))
    made = remember(lines, orders, english, lambda word: False)
    made.weights = weights
    return made


def _examples(
    lines: Sequence[Line],
    orders: Sequence[list[str]],
    english: set[str],
    forgotten: float,
    seed: int,
    weights: Features,
) -> list[Example]:
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(lines))
    found: list[Example] = []
    for part in range(PARTS):
        gone: dict[str, bool] = {}

        def forget(word: str, gone: dict[str, bool] = gone) -> bool:
            if word not in gone:
                gone[word] = bool(rng.random() < forgotten)
            return gone[word]

        others = [lines[i] for other in range(PARTS) if other != part for i in order[other::PARTS]]
        made = remember(others, orders, english, forget)
        made.weights = weights
        for i in order[part::PARTS]:
            raws, before, merged = [raw for raw, _ in lines[i]], "", False
            for place, (raw, meant) in enumerate(lines[i]):
                candidates = made.candidates(raws, place, before, merged)
                if meant in candidates and len(candidates) > 1:
                    found.append((list(candidates.values()), list(candidates).index(meant)))
                before, merged = (meant.split() or [before])[-1].lower(), meant.lower() != raw.lower()
    return found


def _weights(examples: list[Example]) -> Features:
    """The weights under which what was meant is likeliest among its candidates."""
    names = sorted({name for candidates, _ in examples for features in candidates for name in features})
    column = {name: place for place, name in enumerate(names)}
    rows, columns, values, starts, meant = [], [], [], [0], []
    for candidates, right in examples:
        meant.append(starts[-1] + right)
        for place, features in enumerate(candidates, starts[-1]):
            for name, value in features.items():
                rows.append(place)
                columns.append(column[name])
                values.append(value)
        starts.append(starts[-1] + len(candidates))
    matrix = csr_matrix((values, (rows, columns)), shape=(starts[-1], len(names)))
    first, sizes = np.array(starts[:-1]), np.diff(starts)
    wanted = np.asarray(matrix[meant].sum(axis=0)).ravel()

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        scores = matrix @ weights
        top = np.maximum.reduceat(scores, first)
        shares = np.exp(scores - np.repeat(top, sizes))
        sums = np.add.reduceat(shares, first)
        chances = shares / np.repeat(sums, sizes)
        value = (np.log(sums) + top).sum() - scores[meant].sum() + weights @ weights / 2
        return value, matrix.T @ chances - wanted + weights

    found = minimize(loss, np.zeros(len(names)), jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
    # Six decimals are more than the data tell, and the same on every machine.
    return {name: round(float(weight), 6) for name, weight in zip(names, found, strict=True) if abs(weight) > 1e-6}


def save(made: Normaliser, path: Path) -> None:
    """Writes the bundle's file, with lines that whoever reads it must write the same way."""
    lines = GOLDEN.read_text(encoding="utf-8").split("\n")
    document = {
        "schema": SCHEMA,
        "least": made.least,
        "weights": made.weights,
        "words": made.words,
        "pairs": made.pairs,
        "general": sorted(made.general),
        "seen": made.seen,
        "shapes": made.shapes,
        "golden": {line: made.normalise(line) for line in lines if line},
    }
    path.write_text(json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")), encoding="utf-8")


def load(path: Path) -> Normaliser:
    """Reads it back."""
    document = json.loads(path.read_text(encoding="utf-8"))
    document["general"] = set(document["general"])
    del document["schema"], document["golden"]
    return Normaliser(**document)


def lookup(lines: Sequence[Line]) -> Callable[[list[str]], list[str]]:
    """The simple way: each word becomes what it most often became, and stays where it was never seen."""
    seen: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for line in lines:
        for raw, meant in line:
            seen[raw.lower()][meant] += 1
    best = {raw: found.most_common(1)[0][0] for raw, found in seen.items()}
    return lambda raws: [best.get(raw.lower(), raw) for raw in raws]


def score(write: Callable[[list[str]], list[str]], lines: Sequence[Line], words_only: bool = False) -> dict[str, float]:
    """Needed corrections made, less wrong changes, over those needed; `words_only` leaves out capitals and tags."""
    needed = right = changed = 0
    for line in lines:
        for (raw, meant), written in zip(line, write([raw for raw, _ in line]), strict=True):
            if words_only:
                if "<" in meant:
                    continue
                raw, meant, written = raw.lower(), meant.lower(), written.lower()
            needed += raw != meant
            changed += written != raw
            right += written != raw and written == meant
    wrong = changed - right
    return {
        "needed": needed,
        "made": right / needed,
        "wrong": wrong / needed,
        "net": (right - wrong) / needed,
        "precision": right / changed if changed else 0.0,
    }
