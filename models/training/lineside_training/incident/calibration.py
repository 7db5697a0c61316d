"""The figures that belong to a scorer's weights, each found on cases that no weight was fitted to."""

from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from . import diagnosis

Array = np.ndarray
TEMPERATURES = (0.3, 3.0)
SECONDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def temperature(logits: Array, target: Array) -> float:
    """What the logits `[cases, rows]` are divided by so that probabilities are as often right as they say; `target` are
    the right rows `[cases, 2]`, the same one twice or two faults."""
    every = np.arange(len(target))
    second = np.where(target[:, 0] == target[:, 1], -np.inf, 0.0)

    def loss(value: float) -> float:
        scaled = logits / value
        most = scaled.max(axis=1, keepdims=True)
        total = np.log(np.exp(scaled - most).sum(axis=1)) + most[:, 0]
        own = np.logaddexp(scaled[every, target[:, 0]], scaled[every, target[:, 1]] + second)
        return float(np.mean(total - own))

    return float(minimize_scalar(loss, bounds=TEMPERATURES, method="bounded").x)


def second_above(cases: list[dict[str, Any]], judged: dict[float, list[dict[str, Any]]]) -> float:
    """The limit at which second faults are told best: the highest F1 over cases of known faults."""

    def f1(limit: float) -> float:
        hits = said = there = 0
        for case, judgement in zip(cases, judged[limit]):
            truth = case["truth"]
            both = {truth["mode"], truth["second"]}
            there += truth["second"] is not None
            said += judgement["second"] is not None
            hits += truth["second"] is not None and both == {judgement["label"], judgement["second"]}
        return 2 * hits / max(1, said + there)

    return max(SECONDS, key=f1)


def settings(temperature: float, second: float, abstain_below: float) -> dict[str, float]:
    """The keys of the manifest's `[diagnosis]` beside its files."""
    return {"temperature": round(temperature, 4), "abstain_below": abstain_below, "second_above": second}


def judge_at(cases: list[dict[str, Any]], model: Any, values: dict[str, float]) -> dict[float, list[dict[str, Any]]]:
    """What the agent says with each limit for a second fault."""
    asked = [{"case": case["case"]} for case in cases]
    return {limit: diagnosis.judgements(asked, model, values | {"second_above": limit}) for limit in SECONDS}
