"""The shipped measurement: `lineside eval` over recordings, with any bundle, period and perturbed inputs."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from .. import agent
from ..run import REPOSITORY

CONFIGS = REPOSITORY / "docs" / "evaluation"


def skab(bundle: Path, files: list[Path], period: str = "1s") -> dict[str, Any]:
    """The report of `lineside eval` over recordings of the pump test bed."""
    labels = ["--label-column", "anomaly"]
    return _evaluate(bundle, "skab.toml", labels, files, {"LINESIDE__DEVICE__0__PERIOD": period})


def hydraulic(bundle: Path, files: list[Path], window: str) -> dict[str, Any]:
    """The same over recordings of the hydraulic rig, with a window each second."""
    changes = {"LINESIDE__DEVICE__0__WINDOW": window, "LINESIDE__DEVICE__0__HOP": "1s"}
    return _evaluate(bundle, "hydraulic.toml", ["--label-column", "anomaly"], files, changes)


def _evaluate(bundle: Path, config: str, options: list, files: list[Path], changes: dict[str, str]) -> dict[str, Any]:
    environment = os.environ | {"LINESIDE__DETECT__MODEL": str(bundle.resolve())} | changes
    command = [agent.lineside(), "eval", "--json", "--config", CONFIGS / config, *options, *files]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True)
    if ran.returncode:
        raise SystemExit(f"lineside eval: {ran.stderr.strip()}")
    return json.loads(ran.stdout)


def hourly(counts: dict[str, Any]) -> dict[str, float]:
    """Shares and hourly rates of one detector in a report."""
    events = max(counts["events"], 1)

    def rate(part: dict[str, float]) -> float:
        return part["alarms"] / part["hours"] if part["hours"] else 0.0

    return {
        "events": counts["found"] / events,
        "within_60_s": counts["found_within"] / events,
        "median_s": float("inf") if counts["median_delay_s"] is None else counts["median_delay_s"],
        "false_per_hour_before": rate(counts["before_onset"]),
        "false_per_hour_normal": rate(counts["normal"]),
    }
