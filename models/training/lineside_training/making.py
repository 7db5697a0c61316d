"""What was asked for, of one model. In a module of its own: a process that works beside others imports it."""

import argparse
from typing import Any

from . import bundle, mlflow_log, verbs
from .run import REPOSITORY, Run

RUNS = REPOSITORY / "target" / "training"


def make(asked: argparse.Namespace, changes: dict[str, Any], name: str) -> None:
    """What was asked for, of one model."""
    folder = asked.run or RUNS
    folder = folder / name if asked.run is None or asked.model == "all" else folder
    if asked.site and asked.run is None:
        folder = folder.with_name(f"{name}-site")
    run = Run.open(name, folder, asked.seed, asked.config, changes)
    verbs.perform(run, asked.verb, asked.again)
    if asked.ship and asked.verb in ("pack", "all"):
        bundle.ship(run)
    if asked.mlflow:
        mlflow_log.write(run, asked.mlflow)
