"""How the text model is judged: the normaliser on a company it never saw, the classifier on lines it never saw."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline, make_union

from .. import scores
from .heads import Classifier, Ids, Rows, Settings, learn

Array = np.ndarray
FOLDS = 5


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

    texts: list[Ids]
    read: Array
    phrases: list[Ids]
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


def simple(lines: Lines, classes: int, weight: str | None) -> Way:
    """TF-IDF of words and of letters with logistic regression, on the lines as they were written."""
    texts = np.array(lines.texts, dtype=object)

    def way(train: Array, test: Array) -> tuple[Array, dict[str, float]]:
        words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"\S+")
        letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
        made = make_pipeline(make_union(words, letters), LogisticRegression(C=10, max_iter=500, class_weight=weight))
        return _spread(made.fit(texts[train], lines.truth[train]), texts[test], classes), {}

    return way


def trivial(lines: Lines, classes: int) -> Way:
    """The most frequent class."""

    def way(train: Array, test: Array) -> tuple[Array, dict[str, float]]:
        made = DummyClassifier(strategy="prior").fit(train[:, None], lines.truth[train])
        return _spread(made, test[:, None], classes), {}

    return way


def _spread(made, rows: Array, classes: int) -> Array:
    chances = np.zeros((len(rows), classes))
    chances[:, made.classes_] = made.predict_proba(rows)
    return chances


def ours(lines: Lines, read: Read, settings: Settings, phrase_weight: float, seed: int) -> Way:
    """The recipe that ships, with everything that is chosen chosen within the training lines.

    A phrase that stands among the lines is left out: what is asked was never answered.
    """

    def way(train: Array, test: Array) -> tuple[Array, dict[str, float]]:
        made, how = learn(rows(lines, read, train, phrase_weight, lines.texts), settings, seed)
        return made.chances([read.texts[n] for n in test], read.read[test]), how

    return way


def rows(lines: Lines, read: Read, places: Array, phrase_weight: float, without: Sequence[str] = ()) -> Rows:
    """Lines with the definitions' phrases beside them."""
    known = set(without)
    kept = [n for n, phrase in enumerate(lines.phrases) if phrase_weight and phrase not in known]
    return Rows(
        [read.texts[n] for n in places] + [read.phrases[n] for n in kept],
        np.vstack([read.read[places], read.phrases_read[kept]]),
        np.concatenate([lines.truth[places], lines.meant[kept]]).astype(int),
        np.concatenate([np.ones(len(places)), np.full(len(kept), phrase_weight)]),
    )


def figures(truth: Array, splits: Sequence[Split]) -> dict[str, float]:
    """Mean over the splits, and the spread of accuracy and macro-F1 between them."""
    each = [scores.classification(truth, split.chances) for split in splits]
    found = {name: float(np.mean([figure[name] for figure in each])) for name in each[0]}
    spread = {f"{name}_spread": float(np.ptp([figure[name] for figure in each])) for name in ("accuracy", "macro_f1")}
    return found | spread


def occlusion(
    classifier: Classifier, text: str, ids: Callable[[str], Ids], read: Callable[[Ids], Array]
) -> tuple[int, list[tuple[str, float]]]:
    """The class that is said, and for each word how much of its probability goes when the word is taken out."""
    words = text.split()
    texts = [text] + [" ".join(words[:n] + words[n + 1 :]) for n in range(len(words))]
    tokens = [ids(one) for one in texts]
    chances = classifier.chances(tokens, np.array([read(one) for one in tokens]))
    said = int(chances[0].argmax())
    return said, [(word, float(chances[0, said] - chances[n + 1, said])) for n, word in enumerate(words)]
