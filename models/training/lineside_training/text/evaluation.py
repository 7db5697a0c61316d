"""All figures of the card, from one run: `evaluation.json` and `chances.npz`."""

import json

import numpy as np

from .. import card, scores
from ..run import Run
from . import encoder, judge, lines, made, normalise_fit
from .judge import Split

# Lines whose words are shown with what they carried, the first of the data so that none is picked.
SHOWN = 24
SURE = (0.5, 0.6, 0.7, 0.8)


def run_all(run: Run) -> None:
    """Judges the normaliser and the classifier."""
    figures = {"normaliser": normaliser(run)} | classifier(run)
    run.path("evaluation.json").write_text(json.dumps(figures, indent=1))


def normaliser(run: Run) -> list[dict[str, object]]:
    """Learned on one company, judged on the other, both ways."""
    companies = {name: lines.company(run, name) for name in "ab"}
    orders, english = lines.orders(run), encoder.english()
    found: list[dict[str, object]] = []
    for train, test in ("ab", "ba"):
        learned = normalise_fit.learn(companies[train], orders, english, run.config["forgotten"], run.seed)
        ways = {
            "nothing": lambda raws: raws,
            "lower case": lambda raws: [raw.lower() for raw in raws],
            "lookup": normalise_fit.lookup(companies[train]),
            "normaliser": lambda raws, learned=learned: list(learned.words_of(raws)),
        }
        for name, way in ways.items():
            for words_only in (False, True):
                score = normalise_fit.score(way, companies[test], words_only)
                found.append({"train": train, "test": test, "way": name, "words_only": words_only} | score)
                run.say(f"{train} → {test} {name}: {score}")
    return found


def classifier(run: Run) -> dict[str, object]:
    """Five parts, for each way of classifying and each split."""
    tokenizer, them = made.tokens(run), made.material(run, made.normaliser(run))
    classes = len(them.labels)
    settings = made.settings(run, classes)
    packed, whole = (made.build_encoder(run, packed) for packed in (True, False))
    read = made.reading(packed, tokenizer, them.normalised)
    weight, seed, clean = run.config["phrase_weight"], run.seed, them.normalised
    ways = {
        "most frequent class": judge.trivial(them.written, classes),
        "TF-IDF of words and letters + logistic regression": judge.simple(them.written, classes, words=True),
        "TF-IDF of letters + logistic regression": judge.simple(them.written, classes, words=False),
        "the same with definitions": judge.simple(
            them.written, classes, words=False, weights=(settings.power, weight)
        ),
        "logistic regression on what ours is given": judge.linear(clean, read, settings, weight),
        "without definitions": judge.ours(clean, read, settings, 0.0, seed),
        "without the normaliser": judge.ours(
            them.written, made.reading(packed, tokenizer, them.written), settings, weight, seed
        ),
        "with whole weights": judge.ours(
            clean, made.reading(whole, tokenizer, clean), settings, weight, seed
        ),
        "as it ships": judge.ours(clean, read, settings, weight, seed),
    }
    truth = clean.truth
    splits: dict[str, list[Split]] = {}
    for name, way in ways.items():
        splits[name] = [judge.cross(truth, classes, split, way) for split in run.config["splits"]]
        run.say(f"{name}: {judge.figures(truth, splits[name])}")
    shipped = splits["as it ships"]
    chances = np.concatenate([split.chances for split in shipped])
    truths = np.concatenate([truth] * len(shipped))
    right, sure = chances.argmax(axis=1) == truths, chances.max(axis=1)
    np.savez(run.path("chances.npz"), chances=chances, truth=truths)
    simple = np.concatenate([split.chances for split in splits["TF-IDF of letters + logistic regression"]])
    card.reliability_plot(run, "reliability", right, sure)
    drawn = {"text model": (right, sure), "TF-IDF": (simple.argmax(axis=1) == truths, simple.max(axis=1))}
    card.coverage_plot(run, "coverage", drawn)
    return {
        "ways": {name: judge.figures(truth, found) for name, found in splits.items()},
        "chosen": [how for split in shipped for how in split.chosen],
        "coverage": [
            [limit, float(np.mean(sure >= limit)), float(np.mean(right[sure >= limit]))] for limit in SURE
        ],
        "by_class": _by_class(chances, truths, them.labels, len(shipped)),
        "by_source": scores.by_group(_sources(them.written.texts) * len(shipped), right),
        "confusion": scores.confusion(truths, chances.argmax(axis=1), classes).tolist(),
        "labels": them.labels,
        "occlusion": _occlusion(run, them, packed),
    }


def _by_class(chances: np.ndarray, truth: np.ndarray, labels: list[str], splits: int) -> list[list[object]]:
    """Lines, recall and precision of each class."""
    counts = scores.confusion(truth, chances.argmax(axis=1), len(labels))
    rows: list[list[object]] = []
    for n, label in enumerate(labels):
        hit, held, said = counts[n, n], counts[n].sum(), counts[:, n].sum()
        rows.append([label, int(held) // splits, hit / held, hit / said if said else 0.0])
    return rows


def _sources(texts: list[str]) -> list[str]:
    """All lines come from one corpus; what differs is how long they are, and whether a word of them is English."""
    english = encoder.english()

    def kind(text: str) -> str:
        words = text.lower().split()
        strange = any(len(word) >= 3 and word.isalpha() and word not in english for word in words)
        size = "one word" if len(words) == 1 else "two words" if len(words) == 2 else "three or more"
        return f"{size}, {'a strange or misspelt one' if strange else 'all common'}"

    return [kind(text) for text in texts]


def _occlusion(run: Run, them: made.Material, packed: encoder.Encoder) -> list[dict[str, object]]:
    """What carried the shipped model's answer, for the first lines of the data."""
    shipped, tokenizer, reader = made.load(run.need("head-packed.npz", "quantize")), made.tokens(run), packed.read_by()
    found: list[dict[str, object]] = []
    for written, text in list(zip(them.written.texts, them.normalised.texts, strict=True))[:SHOWN]:
        said, words = judge.occlusion(shipped, text, lambda one: reader.read(tokenizer.encode(one).ids).numpy())
        found.append({"written": written, "label": them.labels[said], "words": words})
    return found
