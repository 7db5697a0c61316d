"""Writes a run in the form of MLflow's file store, so that a team sees it in the tool it has.

MLflow itself is not needed to write it. It reads the folder with `MLFLOW_ALLOW_FILE_STORE=true`, or takes
it over into its database with `mlflow migrate-filestore`.
"""

import hashlib
import json
import math
import shutil
import time
from pathlib import Path
from typing import Any

from . import bundle
from .run import Run

EXPERIMENT = "0"
FINISHED, LOCAL = 3, 4
# What of a run is small and worth keeping there.
ARTIFACTS = ("used.json", "done.json", "evaluation.json", "card.md", "curves")


def write(run: Run, folder: Path) -> Path:
    """Logs the run as it is now; the same run folder logged again replaces what was there. Gives its folder back."""
    folder = folder.resolve()
    experiment = folder / EXPERIMENT
    ended = int(time.time() * 1000)
    started = int(ended - 1000 * (time.monotonic() - run.started))
    if not (experiment / "meta.yaml").is_file():
        experiment.mkdir(parents=True, exist_ok=True)
        facts = {"artifact_location": experiment.as_uri(), "creation_time": started, "experiment_id": EXPERIMENT}
        facts |= {"last_update_time": started, "lifecycle_stage": "active", "name": "Default"}
        _meta(experiment / "meta.yaml", facts)
    name = hashlib.sha256(f"{run.model}\0{run.folder.resolve()}".encode()).hexdigest()[:32]
    target = experiment / name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    facts = {"artifact_uri": (target / "artifacts").as_uri(), "end_time": ended, "entry_point_name": ""}
    facts |= {"experiment_id": EXPERIMENT, "lifecycle_stage": "active", "run_id": name}
    facts |= {"run_name": f"{run.model} {run.folder.name}", "source_name": "lineside_training", "source_type": LOCAL}
    facts |= {"source_version": "", "start_time": started, "status": FINISHED, "tags": [], "user_id": ""}
    _meta(target / "meta.yaml", facts)
    for kind in ("params", "metrics", "tags", "artifacts"):
        (target / kind).mkdir()
    for key, value in {"seed": run.seed, **_flat(run.config)}.items():
        (target / "params" / _key(key)).write_text(str(value), encoding="utf-8")
    tags = {"mlflow.runName": facts["run_name"], "model": run.model, "revision": bundle.revision()}
    for key, value in tags.items():
        (target / "tags" / key).write_text(value, encoding="utf-8")
    for row in run.figures():
        step = int(row["step"])
        for key, value in row.items():
            if key != "step":
                _metric(target, key, ended, value, step)
    evaluation = run.folder / "evaluation.json"
    if evaluation.is_file():
        for key, value in _flat(json.loads(evaluation.read_text())).items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                _metric(target, f"evaluation.{key}", ended, value, 0)
    for artifact in ARTIFACTS:
        source = run.folder / artifact
        if source.is_dir():
            shutil.copytree(source, target / "artifacts" / artifact)
        elif source.is_file():
            shutil.copy(source, target / "artifacts")
    return target


def _metric(target: Path, key: str, when: int, value: float, step: int) -> None:
    if math.isfinite(value):
        with (target / "metrics" / _key(key)).open("a") as file:
            file.write(f"{when} {value} {step}\n")


def _meta(path: Path, facts: dict[str, Any]) -> None:
    """YAML in which every value is written as JSON, which it contains."""
    path.write_text("".join(f"{key}: {json.dumps(value)}\n" for key, value in facts.items()), encoding="utf-8")


def _flat(values: dict[str, Any], before: str = "") -> dict[str, Any]:
    """Nested tables as `outer.inner`."""
    out: dict[str, Any] = {}
    for key, value in values.items():
        out |= _flat(value, f"{before}{key}.") if isinstance(value, dict) else {f"{before}{key}": value}
    return out


def _key(key: str) -> str:
    """A name as MLflow takes it: letters, digits and a few signs."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "_-. ") else "_" for c in key)
