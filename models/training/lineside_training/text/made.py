"""What the verbs leave for one another: texts, tokens, features, and the learned parts as files of the run."""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from ..run import Run
from . import encoder, lines, normalise_fit
from .heads import Classifier, Settings
from .judge import Lines, Read
from .normalise import Normaliser

MODES = Path(__file__).with_name("failure_modes.toml")


@dataclass(frozen=True)
class Material:
    """Lines as they were written and as the normaliser writes them, with the classes' names."""

    labels: list[str]
    written: Lines
    normalised: Lines


def material(run: Run, normaliser: Normaliser) -> Material:
    """Lines and phrases."""
    texts, truth, labels = lines.failures(run)
    run.used("failure_modes.toml", MODES)
    modes = tomllib.loads(MODES.read_text(encoding="utf-8"))
    if sorted(modes) != labels:
        raise SystemExit(f"{MODES}: its classes are not those of the data: {set(modes) ^ set(labels)}")
    phrases = [phrase for label in labels for phrase in modes[label]["phrases"]]
    meant = np.array([n for n, label in enumerate(labels) for _ in modes[label]["phrases"]])
    clean = [normaliser.normalise(text) for text in texts]
    said = [normaliser.normalise(phrase) for phrase in phrases]
    return Material(labels, Lines(texts, truth, phrases, meant), Lines(clean, truth, said, meant))


def tokens(run: Run) -> Tokenizer:
    """The tokenizer of the run."""
    return Tokenizer.from_file(str(run.need("tokenizer.json", "data")))


def build_encoder(run: Run, packed: bool) -> encoder.Encoder:
    """The encoder with the run's tokens."""
    numbers = json.loads(run.need("tokens.json", "data").read_text())
    return encoder.Encoder.of(numbers, run.config["context"], packed)


def reading(made: encoder.Encoder, tokenizer: Tokenizer, them: Lines) -> Read:
    """Lines as an encoder reads them."""
    reader = made.read_by()

    def features(texts: list[str]) -> np.ndarray:
        return np.array([reader.read(tokenizer.encode(text).ids).numpy() for text in texts], np.float64)

    return Read(features(them.texts), features(them.phrases))


def settings(run: Run, classes: int) -> Settings:
    """How the head is fitted."""
    config = run.config
    return Settings(classes, config["class_weight"], tuple(config["narrow"]), tuple(config["penalties"]))


def normaliser(run: Run) -> Normaliser:
    """The one that ships."""
    return normalise_fit.load(run.need("normaliser.json", "train"))


def save(classifier: Classifier, path: Path) -> None:
    """Writes the head."""
    np.savez(path, **vars(classifier))


def load(path: Path) -> Classifier:
    """Reads it."""
    with np.load(path) as file:
        parts = {name: file[name] for name in file.files}
    numbers = {name: float(parts[name]) for name in ("far", "least", "sharpness")}
    return Classifier(parts["lines"], parts["votes"], **numbers)
