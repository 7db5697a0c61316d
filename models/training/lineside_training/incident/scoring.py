"""How the incident model is judged: held-out sets, baselines on the same cases, and everything that its card states."""

import json
import math
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import card, scores
from ..heldout.frozen import UNKNOWN, Set, held_out
from ..run import Run
from . import diagnosis
from .answers import Answers, by_agent
from .baselines import Baselines

TABLE = diagnosis.SIGNATURES
MODEL = "model"
DECIDED = ("in_distribution", "unseen_names", "unseen_pairs", "unseen_wording", "misleading", "benign", "distractors")
# What never-seen faults are told from; they have plain names and others in about equal parts too.
KNOWN = ("in_distribution", "unseen_names")
SURE = 0.9
PAIRS = 15


@dataclass(frozen=True)
class Trained:
    """A trained scorer of one seed: its file and the figures that the manifest's `[diagnosis]` has."""

    seed: int
    onnx: Path
    settings: Path


def right(of: Set, answers: Answers) -> np.ndarray:
    """Whether the most likely row is the truth; of two faults either may be named first."""
    return np.array([b in (t["mode"] or UNKNOWN, t["second"]) for b, t in zip(answers.best, of.truths)])


def figures(of: Set, answers: Answers, benign: set[str]) -> dict[str, float]:
    """What is said of one set. Shares are of all of its cases unless named otherwise."""
    hits, said = right(of, answers), np.array([label is not None for label in answers.said])
    low, high = scores.interval(lambda at: float(hits[at].mean()), len(hits))
    bins = scores.reliability(hits, answers.confidence)
    called_benign = np.array([label in benign for label in answers.said])
    fault = np.array([not truth["benign"] for truth in of.truths])
    out = {
        "cases": len(hits),
        "accuracy": float(hits.mean()),
        "low": low,
        "high": high,
        "ece": sum(n * abs(sure - share) for sure, share, n in bins) / len(hits),
        "answered": float(said.mean()),
        "right where answered": float(hits[said].mean()) if said.any() else math.nan,
        "answerable at .975": scores.coverage_at(hits, answers.confidence, 0.975),
        "fault called benign": float(called_benign[fault].mean()) if fault.any() else math.nan,
    }
    return out | _second(of, answers) | _unexplained(of, answers)


def _second(of: Set, answers: Answers) -> dict[str, float]:
    two = [(t, s, second) for t, s, second in zip(of.truths, answers.said, answers.second) if t["second"]]
    if two:
        both = [{said, second} == {t["mode"], t["second"]} for t, said, second in two]
        return {"both faults": float(np.mean(both))}
    return {"second fault without need": float(np.mean([s is not None for s in answers.second]))}


def _unexplained(of: Set, answers: Answers) -> dict[str, float]:
    """By channel: of those that nothing explains, and of those that the fault moves, which are flagged."""
    flagged = wrong = there = causal = 0
    for truth, found in zip(of.truths, answers.unexplained):
        flagged += len(found & set(truth["unexplained"]))
        there += len(truth["unexplained"])
        wrong += len(found & set(truth["causal"]))
        causal += len(truth["causal"])
    out = {"explained channels flagged": wrong / causal} if of.name != "never_seen" else {}
    return out | ({"unexplained channels flagged": flagged / there} if there else {})


def never_seen(known: list[Answers], unseen: Answers, benign: set[str]) -> dict[str, float]:
    """Faults of no known class beside known ones of the same machines under the same habits of naming."""
    sure = np.concatenate([answers.known for answers in known])
    positive = np.concatenate([np.zeros(len(sure)), np.ones(len(unseen.known))])
    said = np.array([label is not None for label in unseen.said])
    return {
        "AUROC": scores.auroc(positive, 1.0 - np.concatenate([sure, unseen.known])),
        "called unknown": float(1.0 - said.mean()),
        "confident and wrong": float((said & (unseen.confidence > SURE)).mean()),
        "called benign": float(np.mean([label in benign for label in unseen.said])),
    }


def harm(with_notes: np.ndarray, bare: np.ndarray) -> dict[str, float]:
    """The same cases with and without their notes."""
    change = with_notes.astype(float) - bare.astype(float)
    low, high = scores.interval(lambda at: float(change[at].mean()), len(change))
    out = {"with": float(with_notes.mean()), "without": float(bare.mean()), "difference": float(change.mean())}
    return out | {"low": low, "high": high, "mended": int((change > 0).sum()), "harmed": int((change < 0).sum())}


def confused(sets: list[tuple[Set, Answers]]) -> list[tuple[str, str, int, int]]:
    """The pairs that are most often taken for each other: truth, answer, times, cases of the truth."""
    pairs, cases = Counter(), Counter()
    for of, answers in sets:
        for truth, best, hit in zip(of.truth, answers.best, right(of, answers)):
            cases[truth] += 1
            if not hit:
                pairs[truth, best] += 1
    return [(truth, best, n, cases[truth]) for (truth, best), n in pairs.most_common(PAIRS)]


def grouped(sets: list[tuple[Set, Answers]], by: str) -> list[tuple[str, int, float]]:
    """Share right by a field of the truth, the worst one first."""
    groups = [str(truth[by]) for of, _ in sets for truth in of.truths]
    hits = np.concatenate([right(of, answers) for of, answers in sets])
    return scores.by_group(groups, hits)


def judge(sets: dict[str, Set], trained: list[Trained], baselines: Baselines | None) -> dict[str, dict[str, Answers]]:
    """Everybody's answers: by judge, then by set. The first trained scorer is the one that ships."""
    out: dict[str, dict[str, Answers]] = {}
    for each in trained:
        name = MODEL if each is trained[0] else f"{MODEL}, seed {each.seed}"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder)
            out[name] = {n: by_agent(s.cases, [TABLE, diagnosis.PHRASES], each.onnx, each.settings, path) for n, s in sets.items()}
    if baselines:
        for of in sets.values():
            for name, answers in baselines.answers(of.cases).items():
                out.setdefault(name, {})[of.name] = answers
    return out


def evaluate(run: Run, trained: list[Trained], training: Path) -> dict:
    """Judges the scorers of several seeds beside the baselines made from `training`; writes `evaluation.json` and
    `evaluation.md`, and the curves. Returns what was written."""
    sets = held_out(run.path("heldout"))
    run.say(f"{sum(len(s.cases) for s in sets.values())} held-out cases")
    baselines = Baselines(TABLE, training, run.seed)
    run.say("baselines are made")
    benign = {mode for mode, row in baselines.reader.modes.items() if row.get("benign")}
    everybody = judge(sets, trained, baselines)
    result = summary(sets, everybody, benign)
    run.path("evaluation.json").write_text(json.dumps(result, indent=1) + "\n")
    run.path("evaluation.md").write_text(markdown(result))
    draw(run, sets, everybody)
    return result


def summary(sets: dict[str, Set], everybody: dict[str, dict[str, Answers]], benign: set[str]) -> dict:
    """Every figure of the card; the details only of the first judge, which is what ships."""
    first = next(iter(everybody.values()))
    models = [judge for judge in everybody if judge.startswith(MODEL)]
    decided = [(sets[name], first[name]) for name in DECIDED]
    known = [name for name in sets if name != "never_seen"]

    def of_all(figure: Callable[[dict[str, Answers]], Any]) -> dict[str, Any]:
        return {judge: figure(answers) for judge, answers in everybody.items()}

    def harmed(name: str) -> dict[str, Any]:
        bare = f"{name} without notes"
        return of_all(lambda a: harm(right(sets[name], a[name]), right(sets[bare], a[bare])))

    told = {name: of_all(lambda a: figures(sets[name], a[name], benign)) for name in known}
    return {
        "judges": list(everybody),
        "sets": told,
        "never_seen": of_all(lambda a: never_seen([a[name] for name in KNOWN], a["never_seen"], benign)),
        "harm": {name: harmed(name) for name in ("unseen_wording", "misleading")},
        "confused": confused(decided),
        "machines": grouped(decided, "machine"),
        "authors": grouped([(sets["unseen_wording"], first["unseen_wording"])], "author"),
        "naming": grouped([(sets["unseen_names"], first["unseen_names"])], "about"),
        "modes": grouped(decided, "mode")[:PAIRS],
        "new faults": grouped([(sets["never_seen"], first["never_seen"])], "about"),
        "ms a case": {judge: float(np.mean([a.ms for a in everybody[judge].values()])) for judge in models},
        "seeds": {n: _spread([rows[m]["accuracy"] for m in models]) for n, rows in told.items()} if models else {},
    }


def _spread(values: list[float]) -> dict[str, float]:
    return {"mean": float(np.mean(values)), "lowest": min(values), "highest": max(values), "seeds": len(values)}


def markdown(result: Mapping) -> str:
    """The tables of the card."""
    judges = [j for j in result["judges"] if not j.startswith(f"{MODEL},")]
    parts = []

    def part(title: str, header: tuple, rows: list) -> None:
        parts.append(f"### {title}\n\n{card.table(header, rows)}")

    def told(row: Mapping) -> str:
        return f"{row['accuracy']:.3f} ({row['low']:.3f}–{row['high']:.3f})"

    part(
        "Accuracy on held-out sets, with the 95 % interval of the bootstrap",
        ("set", "cases", *judges),
        [(n, rows[judges[0]]["cases"], *(told(rows[j]) for j in judges)) for n, rows in result["sets"].items()],
    )
    if result["seeds"]:
        part(
            "The model over seeds",
            ("set", "seeds", "mean", "lowest", "highest"),
            [(n, s["seeds"], s["mean"], s["lowest"], s["highest"]) for n, s in result["seeds"].items()],
        )
    first = {n: rows[judges[0]] for n, rows in result["sets"].items()}
    names = ("ece", "answered", "right where answered", "answerable at .975", "fault called benign")
    part(
        "Calibration and abstention",
        ("set", *names),
        [(n, *(row[name] for name in names)) for n, row in first.items()],
    )
    names = ("both faults", "second fault without need", "unexplained channels flagged", "explained channels flagged")
    part(
        "Second faults and unexplained channels",
        ("set", *names),
        [(n, *(row.get(name, "") for name in names)) for n, row in first.items()],
    )
    found = result["never_seen"]
    part("Faults of no known class", ("judge", *found[judges[0]]), [(j, *found[j].values()) for j in judges])
    for name, rows in result["harm"].items():
        part(f"Do no harm: {name}", ("judge", *rows[judges[0]]), [(j, *rows[j].values()) for j in judges])
    part("Most confused", ("truth", "answer", "times", "cases of the truth"), result["confused"])
    part("By kind of machine", ("machine", "cases", "right"), result["machines"])
    part("Modes told worst", ("mode", "cases", "right"), result["modes"])
    part("By author of the notes", ("author", "cases", "right"), result["authors"])
    part("By habit of naming", ("habit", "cases", "right"), result["naming"])
    part("New faults called unknown", ("fault", "cases", "right"), result["new faults"])
    if result["ms a case"]:
        part("Through the agent", ("judge", "ms a case, occlusion included"), list(result["ms a case"].items()))
    return "\n".join(parts)


def draw(run: Run, sets: dict[str, Set], everybody: dict[str, dict[str, Answers]]) -> None:
    """Reliability of what ships, and accuracy over the share answered beside the baselines."""
    first = next(iter(everybody.values()))
    for name in ("in_distribution", "unseen_names", "unseen_pairs", "unseen_wording", "never_seen"):
        card.reliability_plot(run, f"reliability-{name}", right(sets[name], first[name]), first[name].confidence)
    for name in ("in_distribution", "unseen_pairs"):
        shown = {judge: a[name] for judge, a in everybody.items() if judge != "majority"}
        lines = {judge: (right(sets[name], a), a.confidence) for judge, a in shown.items()}
        card.coverage_plot(run, f"coverage-{name}", lines)
