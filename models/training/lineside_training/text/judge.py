"""How the text model is judged: the normaliser on a company it never saw, the classifier on lines it never saw."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_union

from .. import scores
from .heads import Classifier, Rows, Settings, learn, row_weights

Array = np.ndarray
FOLDS = 5
# Inverse penalties of logistic regression on n-grams and on what ours is given: those that do best here.
ON_GRAMS, ON_READ = 30.0, 15.0


@dataclass(frozen=True)
class Lines:
    """The data's lines and the definitions' phrases, in one form of them."""

    texts: list[str]
    truth: Array
    phrases: list[str]
    meant: Array


@dataclass(frozen=True)
class Read:
    """The same as the encoder reads them."""

    read: Array
    phrases_read: Array


@dataclass
class Split:
    """What a way of classifying said of each line, when it had not seen that line."""

    chances: Array
    chosen: list[dict[str, float]]


Way = Callable[[Array, Array], tuple[Array, dict[str, float]]]


def cross(truth: Array, classes: int, seed: int, way: Way) -> Split:
    """Five parts; `way` learns from the lines of the first numbers and answers those of the second."""
    chances, chosen = np.zeros((len(truth), classes)), []
    with warnings.catch_warnings():
        # Some classes have fewer lines than there are parts; that is how the data is.
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        parts = StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(truth, truth)
        for train, test in parts:
            chances[test], how = way(train, test)
            chosen.append(how)
    return Split(chances, chosen)


def simple(lines: Lines, classes: int, words: bool, weights: tuple[float, float] = (1.0, 0.0)) -> Way:
    """TF-IDF of letters, or of words and letters, with logistic regression, on the lines as they were written.

    `weights` are the power of the classes' weights and the weight of a definition's phrase.
    """
    power, phrase_weight = weights
    texts = np.array(lines.texts, dtype=object)
    phrases, meant = _phrases(lines, phrase_weight, lines.texts)
    said = np.array([lines.phrases[n] for n in phrases], dtype=object)

    def way(train: Array, test: Array) -> tuple[Array, dict[str, float]]:
        grams = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
        if words:
            grams = make_union(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"\S+"), grams)
        truth = np.concatenate([lines.truth[train], meant]).astype(int)
        own = np.concatenate([np.ones(len(train)), np.full(len(meant), phrase_weight)])
        rows = grams.fit_transform(np.concatenate([texts[train], said]))
        made = _regression(ON_GRAMS).fit(rows, truth, row_weights(truth, own, power))
        return _spread(made, grams.transform(texts[test]), classes), {}

    return way


def linear(lines: Lines, read: Read, settings: Settings, phrase_weight: float) -> Way:
    """Logistic regression on what ours is given."""

    def way(train: Array, test: Array) -> tuple[Array, dict[str, float]]:
        given = rows(lines, read, train, phrase_weight, lines.texts)
        weights = row_weights(given.truth, given.weight, settings.power)
        made = _regression(ON_READ).fit(given.read, given.truth, weights)
        return _spread(made, read.read[test], settings.classes), {}

    return way


def _regression(penalty: float) -> LogisticRegression:
    return LogisticRegression(C=penalty, max_iter=500, tol=1e-3)


def trivial(lines: Lines, classes: int) -> Way:
    """The most frequent class."""

    def way(train: Array, test: Array) -> tuple[Array, dict[str, float]]:
        made = DummyClassifier(strategy="prior").fit(train[:, None], lines.truth[train])
        return _spread(made, test[:, None], classes), {}

    return way


def _spread(made, rows: Array, classes: int) -> Array:
    chances = np.zeros((rows.shape[0], classes))
    chances[:, made.classes_] = made.predict_proba(rows)
    return chances


def ours(lines: Lines, read: Read, settings: Settings, phrase_weight: float, seed: int) -> Way:
    """The recipe that ships, with everything that is chosen chosen within the training lines.

    A phrase that stands among the lines is left out: what is asked was never answered.
    """

    def way(train: Array, test: Array) -> tuple[Array, dict[str, float]]:
        made, how = learn(rows(lines, read, train, phrase_weight, lines.texts), settings, seed)
        return made.chances(read.read[test]), how

    return way


def rows(lines: Lines, read: Read, places: Array, phrase_weight: float, without: Sequence[str] = ()) -> Rows:
    """Lines with the definitions' phrases beside them."""
    kept, meant = _phrases(lines, phrase_weight, without)
    return Rows(
        np.vstack([read.read[places], read.phrases_read[kept]]),
        np.concatenate([lines.truth[places], meant]).astype(int),
        np.concatenate([np.ones(len(places)), np.full(len(kept), phrase_weight)]),
    )


def _phrases(lines: Lines, phrase_weight: float, without: Sequence[str]) -> tuple[list[int], Array]:
    """Phrases that count and are none of `without`, and what they mean."""
    known = set(without)
    kept = [n for n, phrase in enumerate(lines.phrases) if phrase_weight and phrase not in known]
    return kept, lines.meant[kept]


def figures(truth: Array, splits: Sequence[Split]) -> dict[str, float]:
    """Mean over the splits, and the spread of accuracy and macro-F1 between them."""
    each = [scores.classification(truth, split.chances) for split in splits]
    found = {name: float(np.mean([figure[name] for figure in each])) for name in each[0]}
    spread = {f"{name}_spread": float(np.ptp([figure[name] for figure in each])) for name in ("accuracy", "macro_f1")}
    return found | spread


def occlusion(
    classifier: Classifier, text: str, read: Callable[[str], Array]
) -> tuple[int, list[tuple[str, float]]]:
    """The class that is said, and for each word how much of its probability goes when the word is taken out."""
    words = text.split()
    texts = [text] + [" ".join(words[:n] + words[n + 1 :]) for n in range(len(words))]
    chances = classifier.chances(np.array([read(one) for one in texts]))
    said = int(chances[0].argmax())
    return said, [(word, float(chances[0, said] - chances[n + 1, said])) for n, word in enumerate(words)]
