"""Two linear heads and their mixture: one on how a line is spelt, one on what the encoder makes of it.

The first is a bag of character n-grams. An n-gram lies within a token, so all that it says about a token is
one row of a table, and the network needs the tokens only. Each head is a logistic regression: there are 564
lines to learn from.
"""

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

Array = np.ndarray
Ids = Sequence[int]
GRAMS = range(2, 5)
INNER = 3
LEAST, SMALLEST = 1e-12, 1e-30


def grams(token: str) -> list[str]:
    """What a token is made of; `_` is the border of a word, `~` of a piece within one."""
    marked = f"~{token[2:]}_" if token.startswith("##") else f"_{token}_"
    return [f"={marked}"] + [marked[at : at + n] for n in GRAMS for at in range(len(marked) - n + 1)]


@dataclass
class Spelling:
    """N-grams with their weights: inverse document frequencies."""

    tokens: list[str]
    """All tokens by number; special ones are spelt as nothing."""
    place: dict[str, int]
    rarity: Array

    @classmethod
    def of(cls, tokens: list[str], texts: Sequence[Ids]) -> "Spelling":
        """The n-grams of these texts."""
        parts = [cls._grams(tokens, number) for number in range(len(tokens))]
        held = Counter(gram for ids in texts for gram in {gram for number in ids for gram in parts[number]})
        names = sorted(held)
        rarity = np.array([np.log((1 + len(texts)) / (1 + held[name])) + 1 for name in names])
        return cls(tokens, {name: n for n, name in enumerate(names)}, rarity)

    @staticmethod
    def _grams(tokens: list[str], number: int) -> list[str]:
        token = tokens[number]
        return [] if token.startswith("[") and token.endswith("]") and len(token) > 1 else grams(token)

    def rows(self) -> csr_matrix:
        """Each token's n-grams, weighted: `[tokens, n-grams]`."""
        counts = [Counter(g for g in self._grams(self.tokens, n) if g in self.place) for n in range(len(self.tokens))]
        rows = [n for n, found in enumerate(counts) for _ in found]
        columns = [self.place[gram] for found in counts for gram in found]
        values = [count * self.rarity[self.place[gram]] for found in counts for gram, count in found.items()]
        return csr_matrix((values, (rows, columns)), shape=(len(self.tokens), len(self.place)))


def sums(texts: Sequence[Ids], tokens: int) -> csr_matrix:
    """How often each token stands in each text."""
    rows = [row for row, ids in enumerate(texts) for _ in ids]
    columns = [number for ids in texts for number in ids]
    return csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(texts), tokens))


def row_weights(truth: Array, own: Array, power: float) -> Array:
    """A row's weight: its own, times that of its class, whose total shrinks as the classes grow alike."""
    totals = np.bincount(truth, weights=own)
    share = own.sum() / (np.count_nonzero(totals) * totals[truth])
    return own * share**power


def fit(features, truth: Array, weights: Array, penalty: float, classes: int) -> tuple[Array, Array]:
    """Weights `[features, classes]` and biases; a class without rows is never said."""
    made = LogisticRegression(C=penalty, max_iter=500, tol=1e-3).fit(features, truth, sample_weight=weights)
    slope, bias = np.zeros((features.shape[1], classes)), np.full(classes, -30.0)
    slope[:, made.classes_], bias[made.classes_] = made.coef_.T, made.intercept_
    return slope, bias


def softmax(logits: Array) -> Array:
    """Probabilities of rows of logits."""
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


@dataclass
class Classifier:
    """What is learned: a row `[classes + 1]` a token, whose last column is its squared length, and the heads."""

    table: Array
    spelling_bias: Array
    sense: Array
    sense_bias: Array
    temperature: float = 1.0

    def parts(self, texts: Sequence[Ids], read: Array) -> tuple[Array, Array]:
        """Each head's probabilities; `read` are the encoder's features of the texts."""
        rows = sums(texts, len(self.table)) @ self.table
        spelt = rows[:, :-1] / np.sqrt(np.maximum(rows[:, -1:], LEAST)) + self.spelling_bias
        return softmax(spelt), softmax(read @ self.sense + self.sense_bias)

    def logits(self, texts: Sequence[Ids], read: Array) -> Array:
        """Logarithms of the mean of both, calibrated: what the model gives."""
        spelt, sensed = self.parts(texts, read)
        return np.log(np.maximum((spelt + sensed) / 2, SMALLEST)) / self.temperature

    def chances(self, texts: Sequence[Ids], read: Array) -> Array:
        """Probabilities."""
        return softmax(self.logits(texts, read))


@dataclass(frozen=True)
class Rows:
    """Lines to learn from: tokens, the encoder's features, classes, and how much each counts."""

    texts: list[Ids]
    read: Array
    truth: Array
    weight: Array

    def of(self, places: Array) -> "Rows":
        """Some of them."""
        chosen = [self.texts[place] for place in places]
        return Rows(chosen, self.read[places], self.truth[places], self.weight[places])


@dataclass(frozen=True)
class Settings:
    """How the heads are fitted."""

    tokens: list[str]
    classes: int
    power: float
    penalties: tuple[float, ...]


def heads(rows: Rows, settings: Settings, penalties: tuple[float, float]) -> Classifier:
    """Both heads, each with its penalty."""
    weights = row_weights(rows.truth, rows.weight, settings.power)
    spelling = Spelling.of(settings.tokens, rows.texts)
    parts = spelling.rows()
    squares = np.asarray(parts.multiply(parts).sum(axis=1))
    counts = sums(rows.texts, len(settings.tokens))
    lengths = np.sqrt(np.maximum(np.asarray(counts @ squares), LEAST))
    slope, spelling_bias = fit(
        (counts @ parts).multiply(1 / lengths).tocsr(), rows.truth, weights, penalties[0], settings.classes
    )
    # Half precision, as it ships.
    table = np.hstack([parts @ slope, squares]).astype(np.float16).astype(np.float64)
    sense, sense_bias = fit(rows.read, rows.truth, weights, penalties[1], settings.classes)
    return Classifier(table, spelling_bias, sense, sense_bias)


def learn(rows: Rows, settings: Settings, seed: int) -> tuple[Classifier, dict[str, float]]:
    """A classifier whose penalties and temperature were chosen by cross-validation among its own rows; and these."""
    found: dict[float, list[tuple[Array, Array]]] = {penalty: [] for penalty in settings.penalties}
    # Calibrated on lines, not on the definitions' phrases.
    truths, real = [], rows.weight == rows.weight.max()
    # A class with fewer lines than parts stands in some of them only, which is what it is.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        folds = list(StratifiedKFold(INNER, shuffle=True, random_state=seed).split(rows.read, rows.truth))
    for train, test in folds:
        test = test[real[test]]
        truths.append(rows.truth[test])
        for penalty in settings.penalties:
            made = heads(rows.of(train), settings, (penalty, penalty))
            found[penalty].append(made.parts([rows.texts[n] for n in test], rows.read[test]))
    truth = np.concatenate(truths)

    def surprise(chances: Array) -> float:
        return -float(np.mean(np.log(chances[np.arange(len(truth)), truth] + 1e-12)))

    best, parts = [], []
    for head in (0, 1):
        chances = {penalty: np.concatenate([pair[head] for pair in pairs]) for penalty, pairs in found.items()}
        best.append(min(chances, key=lambda penalty: surprise(chances[penalty])))
        parts.append(chances[best[-1]])
    mixed = np.log(np.maximum((parts[0] + parts[1]) / 2, SMALLEST))
    temperature = float(
        minimize_scalar(lambda t: surprise(softmax(mixed / t)), bounds=(0.3, 3.0), method="bounded").x
    )
    made = heads(rows, settings, (best[0], best[1]))
    made.temperature = round(temperature, 4)
    return made, {"spelling": best[0], "sense": best[1], "temperature": made.temperature}
