"""What somebody says of cases: the agent, or a baseline. One form, so that all are scored by the same code."""

import json
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from .. import agent
from ..heldout.frozen import UNKNOWN

Array = np.ndarray


@dataclass
class Answers:
    """One entry a case. `best` is the most likely row, `unknown` included; `said` is what an operator would read."""

    best: list[str]
    confidence: Array
    known: Array
    """Probability of the most likely mode: low where it is none of the known ones."""
    said: list[str | None]
    second: list[str | None] = field(default_factory=list)
    unexplained: list[set[str]] = field(default_factory=list)
    ms: float = float("nan")
    """Wall time a case."""

    @classmethod
    def of_chances(cls, labels: list[str], chances: Array, limit: float = 0.0) -> "Answers":
        """From probabilities `[cases, labels]`; `unknown` may be a label and is then never said."""
        best = [labels[at] for at in chances.argmax(axis=1)]
        confidence = chances.max(axis=1)
        modes = [at for at, label in enumerate(labels) if label != UNKNOWN]
        said = [b if b != UNKNOWN and c >= limit else None for b, c in zip(best, confidence)]
        return cls(best, confidence, chances[:, modes].max(axis=1), said)


def by_agent(cases: list[dict], table: list[Path], onnx: Path, settings: Path, folder: Path) -> Answers:
    """Asks the agent's own program."""
    source, target = folder / "cases.jsonl", folder / "judgements.jsonl"
    source.write_text("".join(json.dumps({"case": case}, ensure_ascii=False) + "\n" for case in cases))
    command = [agent.program("diagnosis"), "--cases", source, "--model", onnx, "--settings", settings]
    for file in table:
        command += ["--table", file]
    began = time.perf_counter()
    subprocess.run([*command, "--judgements", target], check=True)
    took = time.perf_counter() - began
    answers = read(target)
    if len(answers.best) != len(cases):
        raise SystemExit(f"{target}: {len(answers.best)} judgements of {len(cases)} cases")
    answers.ms = 1000 * took / len(cases)
    return answers


def read(path: Path) -> Answers:
    """Judgements as the agent prints them, one a line."""
    out = Answers([], np.empty(0), np.empty(0), [])
    confidence, known = [], []
    for line in path.read_text().splitlines():
        row = json.loads(line)
        # What is said, or what is likeliest where nothing is.
        out.best.append(row["label"] or row["scores"][0][0])
        confidence.append(row["confidence"])
        known.append(max((c for name, c in row["scores"] if name != UNKNOWN), default=0.0))
        out.said.append(row["label"])
        out.second.append(row["second"])
        out.unexplained.append(set(row["unexplained"]))
    out.confidence, out.known = np.array(confidence), np.array(known)
    return out
