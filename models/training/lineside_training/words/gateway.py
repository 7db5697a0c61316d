"""Shift reports of the agent itself: one runs on this machine and is asked over its API, as a control room would."""

from __future__ import annotations

import http.client
import json
import math
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from .. import agent

_SHIFT = timedelta(hours=9)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STARTS_WITHIN_S = 60.0
# It watches a machine that says nothing: the agent runs with none less.
_CONFIG = """
[gateway]
site = "site"
name = "gateway"
data_dir = "{folder}/data"
[mqtt]
enabled = false
[status]
enabled = false
[slm]
memory = "1GiB"
[slm.task.classify-incident]
built_in = false
[slm.task.shift-report]
{model}
[slm.api]
enabled = true
listen = "127.0.0.1:{port}"
[[device]]
id = "idle"
period = "1h"
[device.source]
type = "simulate"
[[device.channel]]
name = "flow"
unit = ""
"""


@dataclass(frozen=True)
class Reported:
    """What the agent wrote of one shift."""

    text: str
    by: str
    cpu_ms: float


def reports(shifts: list[dict[str, Any]], bundle: Path | None) -> list[Reported]:
    """The report of each shift: in the words of a bundle, or by rules."""
    with tempfile.TemporaryDirectory() as folder, _running(Path(folder), bundle) as (process, port):
        ask = http.client.HTTPConnection("127.0.0.1", port, timeout=180)
        told = []
        for shift in shifts:
            before = _cpu_ms(process)
            ask.request("POST", "/v1/report", json.dumps(_question(shift)), {"Content-Type": "application/json"})
            answer = ask.getresponse()
            said = json.loads(answer.read())
            if answer.status != 200:
                raise SystemExit(f"the agent refuses a report: {said['error']['message']}")
            told.append(Reported(said["report"], said["report_by"], _cpu_ms(process) - before))
        return told


@contextmanager
def _running(folder: Path, bundle: Path | None) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    model = f"model = {json.dumps(str(bundle.resolve()))}" if bundle else ""
    config, log = folder / "agent.toml", folder / "log"
    config.write_text(_CONFIG.format(folder=folder, model=model, port=port), encoding="utf-8")
    with log.open("wb") as out:
        process = subprocess.Popen([agent.lineside(), "run", "-c", config], stdout=out, stderr=out)
    try:
        _wait(process, port, log)
        yield process, port
    finally:
        process.terminate()
        process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Until the API answers."""
    until = time.monotonic() + _STARTS_WITHIN_S
    while process.poll() is None and time.monotonic() < until:
        with socket.socket() as knock:
            if not knock.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.05)
    raise SystemExit(f"the agent does not start: {log.read_text(encoding='utf-8', errors='replace').strip()}")


def _cpu_ms(process: subprocess.Popen[bytes]) -> float:
    """What all threads of the process have computed so far; its clock ticks every 10 ms."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1e3 / os.sysconf("SC_CLK_TCK")


def _question(shift: dict[str, Any]) -> dict[str, Any]:
    to = moment(shift["to"])
    messages = [_message(case) for case in shift["cases"]]
    return {"from": (to - _SHIFT).isoformat(), "to": to.isoformat(), "incidents": messages}


def _message(case: dict[str, Any]) -> dict[str, Any]:
    """An incident as it is published."""
    incident, assessment = case["incident"], case["assessment"]
    rows = [{**row, "onset": _told(row["onset"])} for row in incident["evidence"]["channels"]]
    evidence = {**incident["evidence"], "onset": _told(incident["evidence"]["onset"]), "channels": rows}
    message = {
        "id": incident["id"],
        "device": case["device"],
        "kind": case["kind"],
        "change": incident["change"],
        "ts": _told(incident["updated"]),
        "opened": _told(incident["opened"]),
        "closed": _told(incident["closed"]),
        "evidence": evidence,
        "assessment": {name: assessment[name] for name in assessment if name != "scores"},
    }
    return _finite(message)


def _finite(value: Any) -> Any:
    """JSON knows no other numbers."""
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def moment(micros: int) -> datetime:
    """A time of the agent's records."""
    return _EPOCH + timedelta(microseconds=micros)


def _told(micros: int | None) -> str | None:
    return None if micros is None else moment(micros).isoformat()
