"""The judge of texts finds every kind of error, and none where there is none."""

import json
import re
import tomllib
from pathlib import Path
from random import Random

import pytest

from lineside_training.words import planted
from lineside_training.words.judge import Findings, Report, judge, unread

VECTORS = Path(__file__).parents[4] / "agent" / "src" / "slm" / "mask" / "slots" / "testdata" / "vectors.json"


def incident() -> dict:
    """Pressure rose, then flow fell, temperature is quiet, and the level moves for a reason of its own."""
    onset = 1_795_248_000_000_000
    channels = [
        ("pressure_out", "bar", 4.2, 5.4, 12.0, "step", 0),
        ("flow", "m3/h", 42.0, 30.0, -120.0, "ramp", 10),
        ("temperature", "°C", 61.5, 61.5, 0.0, None, None),
        ("level", "%", 50.0, 58.0, 6.0, "step", 20),
    ]
    rows = [
        {
            "name": name,
            "unit": unit,
            "baseline": base,
            "now": now,
            "deviation": now - base,
            "deviation_sd": sd,
            "deviates": shape is not None,
            "shape": shape,
            "onset": None if behind is None else onset + behind * 1_000_000,
            "order": None if behind is None else behind // 10 + 1,
        }
        for name, unit, base, now, sd, shape, behind in channels
    ]
    evidence = {"onset": onset, "duration_s": 40.0, "score": 6.0, "peak_score": 7.0, "limit": 4.0, "channels": rows}
    assessment = {
        "label": "outlet_blocked",
        "cause": "a blocked or throttled outlet",
        "second": None,
        "check": "the outlet valve and what lies behind it",
        "unexplained": ["level"],
        "benign": False,
    }
    return {
        "device": "pump-1",
        "kind": "feed pump",
        "labels": ["outlet pressure", "flow", "temperature", "level"],
        "incident": {"change": "opened", "evidence": evidence},
        "assessment": assessment,
        "notes": [],
    }


GOOD = (
    "Outlet pressure suddenly rose by 1.2 bar to 5.4 bar 40 s ago, then flow fell gradually to 30 m3/h; this suggests "
    "a blocked or throttled outlet. Level rose separately by 8 % to 58 %. Check the outlet valve and what lies behind it."
)


def test_a_true_text_has_no_error_and_its_channels_are_found():
    found = judge(incident(), GOOD)
    assert not found.errors, found.errors
    assert found.named == {"pressure_out", "flow", "level"}
    assert found.apart == {"level"}


@pytest.mark.parametrize(
    ("was", "is_", "error"),
    [
        ("rose by 1.2", "fell by 1.2", "wrong_direction"),
        ("flow fell", "flow rose", "wrong_direction"),
        ("to 30 m3/h", "to 42.8 m3/h", "invented"),
        ("to 30 m3/h", "to 5.4 bar", "other_channel"),
        ("rose by 1.2 bar to 5.4 bar", "rose by 5.4 bar to 1.2 bar", "wrong_role"),
        ("40 s ago", "17 min ago", "invented"),
        ("40 s ago", "20 s ago", "other_channel"),
        ("suddenly rose", "gradually rose", "wrong_shape"),
        ("Level rose", "Temperature rose", "quiet_named"),
        ("Check", "No action is needed; check", "wrong_fault"),
    ],
)
def test_each_kind_of_error_is_found(was, is_, error):
    assert was in GOOD
    assert error in judge(incident(), GOOD.replace(was, is_)).errors


@pytest.mark.parametrize("kind", sorted(planted.KINDS))
def test_planted_errors_are_found(kind):
    wrong = planted.KINDS[kind](Random(1), incident(), GOOD)
    assert wrong and wrong != GOOD
    assert judge(incident(), wrong).errors


def test_an_order_that_was_not_is_found():
    assert "wrong_order" in judge(incident(), "Flow fell to 30 m3/h, then outlet pressure rose to 5.4 bar.").errors
    assert "wrong_order" in judge(incident(), "Outlet pressure rose to 5.4 bar after flow fell to 30 m3/h.").errors


def test_a_list_of_names_shares_what_is_said_of_it():
    assert judge(incident(), "Outlet pressure and level rose.").errors == {}
    assert "wrong_direction" in judge(incident(), "Outlet pressure and flow rose.").errors


def test_a_healthy_state_that_is_called_a_fault_is_found():
    case = incident()
    case["assessment"]["benign"] = True
    assert "wrong_fault" in judge(case, "Outlet pressure rose to 5.4 bar; a fault is likely.").errors


def test_texts_that_the_mask_allows_have_no_error():
    cases = [vector for vector in json.loads(VECTORS.read_text())["cases"] if "case" in vector]
    texts = [(vector["case"], text["text"]) for vector in cases for text in vector["texts"] if text.get("text")]
    assert len(texts) > 20
    for case, text in texts:
        # A label such as `and` is a word of every text: what is meant cannot be read from it.
        if not any(re.fullmatch(r"and|the|step|drop", label) for label in case["labels"]):
            assert not judge(case, text).errors, text


def test_words_that_the_judge_does_not_know_are_told():
    assert unread({"rise": ["rose", "levitated"], "neutral": ["the"], "apart": ["separately"]}) == ["levitated"]
    assert unread(tomllib.loads((VECTORS.parent / "lexicon.toml").read_text())["words"]) == []


def test_a_report_counts_channels_and_texts():
    report = Report()
    report.add(incident(), GOOD)
    report.add(incident(), "Outlet pressure fell; flow fell, apart from that nothing is known.")
    figures = report.figures()
    assert figures["texts without any error"] == 1
    assert figures["causal channels named"] == 1.0
    assert figures["unexplained channels flagged"] == 0.5
    assert set(report.errors) == set(Findings.ERRORS)
