"""The agent's rows and judgements, through its own program."""

import copy
from itertools import islice

import numpy as np
import pytest
from lineside_training import agent
from lineside_training.incident import diagnosis, generator

MODEL = diagnosis.CATALOG / "model.onnx"
SETTINGS = {"temperature": 1.0, "abstain_below": 0.5, "second_above": 0.7}


@pytest.fixture(scope="module")
def cases() -> list[dict]:
    try:
        agent.program("diagnosis")
    except SystemExit as missing:
        pytest.skip(f"needs the agent: {missing}")
    return [{"case": case["case"]} for case in islice(generator.cases(11, 12), 12)]


def test_a_mode_that_the_table_lacks_has_no_row(cases):
    modes = diagnosis.modes()
    rows = diagnosis.rows([case | {"without": [modes[3]]} for case in cases])
    assert rows.shape[:2] == (len(cases), len(modes) + 1)
    assert np.isnan(rows[:, 3]).all()
    assert np.isfinite(np.delete(rows, 3, axis=1)).all()


def test_what_a_channel_is_called_in_figures_does_not_matter(cases):
    renamed = copy.deepcopy(cases)
    for case in renamed:
        case["case"]["device"] = "something else"
        for channel in case["case"]["incident"]["evidence"]["channels"]:
            channel["baseline"] = 1.0
    assert np.array_equal(diagnosis.rows(cases), diagnosis.rows(renamed))


def test_judgements_are_probabilities_over_all_modes_and_unknown(cases):
    for judgement in diagnosis.judgements(cases, MODEL, SETTINGS):
        names = [name for name, _ in judgement["scores"]]
        assert sorted(names) == sorted((*diagnosis.modes(), diagnosis.UNKNOWN))
        assert sum(chance for _, chance in judgement["scores"]) == pytest.approx(1.0, abs=1e-3)
        both = {judgement["label"], judgement["second"]} if judgement["second"] else {judgement["scores"][0][0]}
        assert judgement["confidence"] == pytest.approx(sum(dict(judgement["scores"])[mode] for mode in both))
