"""The head: kernel ridge regression on what the encoder makes of a line.

Each line that was learned from votes for its class, the more the nearer it is to the line that is asked about;
a line far from all of them is told with little confidence. Solved in closed form: there are 564 lines to learn from.
"""

import warnings
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.model_selection import StratifiedKFold

Array = np.ndarray
INNER = 5
# Calibration: the least share of the votes to choose from, and the largest power of a share.
LEAST, SHARPEST = (0.02, 0.04, 0.08), 6.0


def row_weights(truth: Array, own: Array, power: float) -> Array:
    """A row's weight: its own, times that of its class, whose total shrinks as the classes grow alike."""
    totals = np.bincount(truth, weights=own)
    share = own.sum() / (np.count_nonzero(totals) * totals[truth])
    return own * share**power


def softmax(logits: Array) -> Array:
    """Probabilities of rows of logits."""
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def logits_of(votes: Array, least: float, sharpness: float) -> Array:
    """Logits whose softmax is a power of the votes."""
    return np.log(np.maximum(votes, least)) * sharpness


def stretched(read: Array, narrow: tuple[float, float]) -> Array:
    """Features whose products with features are, less `2 * sum(narrow)`, the kernel's exponents.

    Both halves of a line's features have length 1, so that a product says how far apart two are.
    """
    return (read.reshape(len(read), 2, -1) * (2 * np.array(narrow))[:, None]).reshape(len(read), -1)


@dataclass
class Classifier:
    """What is learned: lines, `stretched`, and how much each votes for each class."""

    lines: Array
    votes: Array
    far: float
    """What an exponent is less by: `2 * sum(narrow)`."""
    least: float = 1.0
    """A class never has fewer votes: where no line is near, all are as likely."""
    sharpness: float = 1.0

    def counted(self, read: Array) -> Array:
        """The votes: shares of 1, about."""
        return np.exp(read @ self.lines.T - self.far) @ self.votes

    def logits(self, read: Array) -> Array:
        """What the model gives for the encoder's features of texts."""
        return logits_of(self.counted(read), self.least, self.sharpness)

    def chances(self, read: Array) -> Array:
        """Probabilities."""
        return softmax(self.logits(read))


@dataclass(frozen=True)
class Rows:
    """Lines to learn from: the encoder's features, classes, and how much each counts."""

    read: Array
    truth: Array
    weight: Array

    def of(self, places: Array) -> "Rows":
        """Some of them."""
        return Rows(self.read[places], self.truth[places], self.weight[places])


@dataclass(frozen=True)
class Settings:
    """How the head is fitted: kernels and penalties to choose from."""

    classes: int
    power: float
    narrow: tuple[float, ...]
    penalties: tuple[float, ...]

    @property
    def kernels(self) -> list[tuple[float, float]]:
        """A width for each half of the features, every way."""
        return list(product(self.narrow, repeat=2))


def fit(rows: Rows, settings: Settings, narrow: tuple[float, float], penalty: float) -> Classifier:
    """The head; a class without rows gets no votes."""
    # Half precision, as it ships.
    lines, far = stretched(rows.read, narrow).astype(np.float16).astype(np.float64), 2 * sum(narrow)
    near = np.exp(rows.read @ lines.T - far)
    uncertain = penalty / row_weights(rows.truth, rows.weight, settings.power)
    votes = np.linalg.solve(near + np.diag(uncertain), np.eye(settings.classes)[rows.truth])
    return Classifier(lines, votes, far)


def learn(rows: Rows, settings: Settings, seed: int) -> tuple[Classifier, dict[str, float]]:
    """A head whose kernel, penalty and calibration were chosen by cross-validation among its own rows; and these."""
    # Chosen and calibrated on lines, not on the definitions' phrases.
    real = rows.weight == rows.weight.max()
    # A class with fewer lines than parts stands in some of them only, which is what it is.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        folds = list(StratifiedKFold(INNER, shuffle=True, random_state=seed).split(rows.read, rows.truth))
    folds = [(rows.of(train), rows.of(test[real[test]])) for train, test in folds]
    truth = np.concatenate([test.truth for _, test in folds])
    found = []
    for narrow, penalty in product(settings.kernels, settings.penalties):
        votes = np.concatenate([fit(train, settings, narrow, penalty).counted(test.read) for train, test in folds])
        found += [(*_sharpest(votes, least, truth), least, narrow, penalty) for least in LEAST]
    _, sharpness, least, narrow, penalty = min(found)
    made = fit(rows, settings, narrow, penalty)
    made.least, made.sharpness = least, round(sharpness, 3)
    chosen = {"first": narrow[0], "last": narrow[1], "penalty": penalty, "least": least, "sharpness": made.sharpness}
    return made, chosen


def _sharpest(votes: Array, least: float, truth: Array) -> tuple[float, float]:
    """The least surprise that a sharpness gives, and that sharpness."""

    def surprise(sharpness: float) -> float:
        chances = softmax(logits_of(votes, least, sharpness))
        return -float(np.mean(np.log(chances[np.arange(len(truth)), truth])))

    best = minimize_scalar(surprise, bounds=(0.5, SHARPEST), method="bounded", options={"xatol": 1e-3})
    return float(best.fun), float(best.x)
