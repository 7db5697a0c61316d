"""From the configuration to heads, and from heads to a bundle."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from .. import agent, bundle
from ..bundle import Bundle, Tensor
from ..run import Run
from . import cycles, graph, regimes
from .cycles import TICKS, Array, Cycles
from .heads import Head, Look, Wish

# The nearest task that a manifest has: one call, one row of logits by label. The agent has no place yet where it would
# run such a model, and so no `bundle test` for it: tract, its runtime, is asked through its Python package.
TASK = "classify-incident"
# Logits far from the truth go into the tens, made with weights that nearly cancel out in single precision.
GOLDEN_CASES, TOLERANCE = 3, 5e-3
OUTSIDE = "regime not seen"


def wishes(run: Run, found: Cycles) -> dict[str, Wish]:
    """What each head is made of: as its table in the configuration says, or `default`."""
    out = {}
    for name, labels in found.classes.items():
        settings = run.config["default"] | run.config.get("heads", {}).get(name, {})
        looks = tuple(_look(name, settings | look, found) for look in settings.get("looks", [{}]))
        out[name] = Wish(looks, settings["penalty"], cycles.numeric(labels))
    return out


def _look(name: str, settings: dict[str, Any], found: Cycles) -> Look:
    """Channels are a list, or a table that gives each its own parts."""
    asked = settings["channels"] or found.channels
    parts = asked if isinstance(asked, dict) else dict.fromkeys(asked, settings["parts"])
    unknown = [channel for channel in parts if channel not in found.channels]
    if unknown:
        there = ", ".join(found.channels)
        raise SystemExit(f"heads.{name}.channels: no channel {', '.join(unknown)}; there are {there}")
    if settings["kind"] not in ("level", "shape") or any(count < 1 or TICKS % count for count in parts.values()):
        raise SystemExit(f"heads.{name}: kind is `level` or `shape`, and parts divide {TICKS}")
    channels = tuple(found.channels.index(channel) for channel in parts)
    return Look(channels, settings["kind"], tuple(parts.values()), settings["squares"])


def trained(run: Run) -> tuple[dict[str, Head], regimes.Regimes]:
    """What `train` left."""
    return pickle.loads(run.need("heads.pickle", "train").read_bytes())


def outputs(heads: dict[str, Head], covered: regimes.Regimes, values: Array) -> Array:
    """What the exported file gives, one cycle after the other: logits of all heads, then the excess."""
    logits = [head.logits(head.features(values)) for head in heads.values()]
    return np.concatenate([*logits, covered.excess(values)[:, None]], axis=1)


def difference(model: Path, cases: list[dict[str, Any]]) -> float | None:
    """The largest difference of any output under tract; none where its package is missing."""
    try:
        import tract
    except ImportError:
        return None
    runnable = tract.onnx().load(str(model)).into_model().into_runnable()
    largest = 0.0
    for case in cases:
        (found,) = runnable.run([np.array(case["input"], np.float32)])
        largest = max(largest, float(np.abs(found.to_numpy() - np.array(case["output"])).max()))
    return largest


def pack(run: Run) -> None:
    """Writes the bundle; the agent must find it whole, and tract give its golden outputs."""
    found = cycles.load(run.need("cycles.npz", "data"))
    heads, covered = trained(run)
    picked = found.values[np.linspace(0, len(found.values) - 1, GOLDEN_CASES).astype(int)]
    expected = outputs(heads, covered, picked)
    cases = [
        {"input": [cycle.ravel().tolist()], "output": [row.tolist()]}
        for cycle, row in zip(picked, expected, strict=True)
    ]
    labels = tuple(f"{name}: {label}" for name in heads for label in found.classes[name]) + (OUTSIDE,)
    figures = json.loads(run.need("evaluation.json", "evaluate").read_text())
    flat: dict[str, Any] = {
        f"{head}_{split.replace(' ', '_')}": round(entry["accuracy"], 3)
        for split, entries in figures.items()
        for head, entry in entries.items()
    }
    made = Bundle(
        name=run.config["name"],
        version=run.config["version"],
        release=run.config["release"],
        task=TASK,
        licence=run.config["licence"],
        description="Says from one cycle of a machine in which state each of its parts is",
        model=run.need("model.onnx", "export").read_bytes(),
        input=Tensor("cycle", (1, len(found.channels) * TICKS)),
        output=Tensor("logits", (1, len(labels))),
        labels=labels,
        golden={"tolerance": TOLERANCE, "cases": cases},
        card=run.need("card.md", "evaluate").read_text(encoding="utf-8"),
        preprocessing={"channels": found.channels, "ticks": TICKS},
        evaluation=flat,
    )
    folder = bundle.write(run, run.path("bundle"), made)
    agent.bundle_verify(folder)
    away = difference(folder / "model.onnx", cases)
    if away is None:
        run.say(f"{folder}: whole. skipped: its outputs under tract, needs `pip install 'lineside-training[tract]'`")
    elif away > TOLERANCE:
        raise SystemExit(f"{folder}: outputs differ by {away} under tract, and {TOLERANCE} is allowed")
    else:
        run.say(f"{folder}: whole, largest difference under tract {away:.1e}")
