"""Texts of many incidents through the agent's own runtime, judged one by one, with the tables of the card."""

import json
import random
import subprocess
import tempfile
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import agent, card
from ..heldout.frozen import UNKNOWN, held_out
from ..run import REPOSITORY, Run
from . import planted
from .judge import Report, unread

TABLE = REPOSITORY / "models" / "catalog" / "incident" / "signatures.toml"
# Sets that the texts are about, in turns: decided and undecided, one fault, two, none, and channels of their own.
SETS = (
    "in_distribution",
    "unseen_names",
    "unseen_pairs",
    "unseen_wording",
    "distractors",
    "compound",
    "benign",
    "misleading",
    "never_seen",
)
SHOWN = 50
# Texts that get errors planted, to say how many of them the judge finds.
PLANTED = 1000


@dataclass(frozen=True)
class Told:
    """What the agent wrote of one incident."""

    text: str
    by: str
    fallback: str | None
    deterministic: str
    tokens_out: int
    cpu_ms: float


def cases(run: Run, count: int) -> list[dict]:
    """`count` cases of the held-out sets in an order of chance, each with the decision that is true of it."""
    sets = held_out(run.path("heldout"))
    rows = [(case, truth) for name in SETS for case, truth in zip(sets[name].cases, sets[name].truths)]
    if count > len(rows):
        raise SystemExit(f"{count} texts were asked for; the held-out sets have {len(rows)} cases")
    random.Random(run.seed).shuffle(rows)
    modes = {mode["id"]: mode for mode in tomllib.loads(TABLE.read_text(encoding="utf-8"))["mode"]}
    return [{"case": _decided(case, truth, modes)} for case, truth in rows[:count]]


def _decided(case: dict, truth: dict, modes: dict[str, dict]) -> dict:
    """The case with the decision that is true of it: what is judged is the wording, not the decision."""
    mode, second = modes.get(truth["mode"]), modes.get(truth["second"])
    return case | {
        "assessment": {
            "label": truth["mode"],
            "confidence": 0.95 if mode else 0.4,
            "scores": [[truth["mode"] or UNKNOWN, 0.95 if mode else 0.4]],
            "cause": mode and mode["cause"],
            "second": second and second["cause"],
            "check": mode and mode["check"],
            "unexplained": truth["unexplained"],
            "benign": truth["benign"],
            "because": [],
        }
    }


def write(bundle: Path, rows: list[dict]) -> list[Told]:
    """Asks the agent's program for the words of each case."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "cases.jsonl"), Path(folder, "texts.jsonl")
        source.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        with source.open() as reads, target.open("w") as writes:
            subprocess.run([agent.program("words"), bundle], stdin=reads, stdout=writes, check=True)
        told = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    names = Told.__annotations__
    return [Told(**{name: row[name] for name in names}) for row in told]


def evaluate(run: Run, bundle: Path, lexicon: Path, count: int) -> dict:
    """Words `count` incidents, judges each text and its deterministic sentence; writes `words.json` and `words.md`."""
    if words := unread(tomllib.loads(lexicon.read_text(encoding="utf-8"))["words"]):
        raise SystemExit(f"{lexicon}: the judge does not know {', '.join(words)}: add them to words/judge.py")
    rows = cases(run, count)
    told = write(bundle, rows)
    model, rules = Report(), Report()
    for row, text in zip(rows, told):
        model.add(row["case"], text.text)
        rules.add(row["case"], text.deterministic)
    took = np.array([text.cpu_ms for text in told])
    result = {
        "judged": {"model": model.figures(), "rules": rules.figures()},
        "planted": planted.found([(row["case"], text.text) for row, text in zip(rows[:PLANTED], told)], run.seed),
        "by": dict(Counter(text.by for text in told)),
        "fallbacks": dict(Counter(text.fallback for text in told if text.fallback)),
        "distinct": distinct([text.text for text in told], rows),
        "cpu ms": {"median": float(np.median(took)), "p95": float(np.quantile(took, 0.95)), "max": float(took.max())},
        "tokens": float(np.mean([text.tokens_out for text in told])),
        "examples of errors": model.examples,
    }
    run.path("words.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    run.path("words.md").write_text(markdown(result, rows, told), encoding="utf-8")
    return result


def distinct(texts: list[str], rows: list[dict]) -> float:
    """Share of texts whose form, without names and figures, occurs once only."""
    forms = []
    for text, row in zip(texts, rows):
        case = row["case"]
        assessment = case["assessment"]
        names = [*case["labels"], case["device"], case["kind"], *(assessment[n] for n in ("cause", "second", "check"))]
        for name in sorted(filter(None, names), key=len, reverse=True):
            text = text.replace(name, "_").replace(name[:1].upper() + name[1:], "_")
        forms.append("".join("#" if letter.isdigit() else letter for letter in text))
    counts = Counter(forms)
    return sum(n == 1 for n in counts.values()) / len(forms)


def markdown(result: dict, rows: list[dict], told: list[Told]) -> str:
    """The tables of the card, and summaries that nobody picked: the first ones."""
    model, rules = result["judged"]["model"], result["judged"]["rules"]
    parts = [
        "### Texts by an independent judge\n",
        card.table(("figure", "model", "rules"), [(name, model[name], rules[name]) for name in model]),
        "### Errors planted in those texts that the judge finds\n",
        card.table(("error", "planted", "found"), [(name, *row.values()) for name, row in result["planted"].items()]),
        "### What they took\n",
        card.figures(result["cpu ms"] | {"tokens a text": result["tokens"]} | _shares(result)),
        f"### The first {SHOWN} summaries, not picked\n",
    ]
    shown = [(_bar(t.text), _bar(t.deterministic)) for t in told[:SHOWN]]
    return "\n".join([*parts, card.table(("model", "deterministic sentence"), shown)])


def _shares(result: dict) -> dict[str, float]:
    total = sum(result["by"].values())
    by = {f"worded by {name}": count / total for name, count in result["by"].items()}
    return by | {"forms that occur once": result["distinct"]}


def _bar(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
