"""The judge of shift reports finds every kind of error, and none where there is none."""

import copy
import re
import tomllib
from pathlib import Path
from random import Random

import pytest

from lineside_training.words import pairs, shift_planted
from lineside_training.words.shift_judge import BACK, OPEN, OVER, ShiftFindings, judge
from lineside_training.words.shift_texts import figures

CLASSES = tomllib.loads(Path(pairs.LEXICON).read_text(encoding="utf-8"))["words"]
WORDS = frozenset(word for words in CLASSES.values() for word in words)
EIGHT = 1_795_248_000_000_000  # 08:00 UTC
MINUTE = 60_000_000


def case(device: str, after_min: int, lasts_s: float, channel: tuple, closed: bool) -> dict:
    """An incident of one channel that deviates and one that does not."""
    name, unit, base, now, sd, shape = channel
    onset = EIGHT + after_min * MINUTE
    rows = [
        {"name": name, "unit": unit, "baseline": base, "now": now, "deviation": now - base, "deviation_sd": sd},
        {"name": "speed", "unit": "rpm", "baseline": 1480.0, "now": 1481.0, "deviation": 1.0, "deviation_sd": 0.2},
    ]
    rows[0] |= {"deviates": True, "shape": shape, "onset": onset, "order": 1}
    rows[1] |= {"deviates": False, "shape": None, "onset": None, "order": None}
    evidence = {"onset": onset, "duration_s": lasts_s, "peak_score": 9.0 - after_min / 60, "channels": rows}
    return {
        "device": device,
        "kind": "feed pump",
        "labels": [name.replace("_", " "), "speed"],
        "incident": {"change": "closed" if closed else "updated", "evidence": evidence},
        "assessment": {"cause": f"a worn {name.replace('_', ' ')} seal", "unexplained": []},
    }


def shift() -> dict:
    """Flow of one pump fell and stays down; its pressure came back; another one's level rose twice, one untold."""
    cases = [
        case("pump-1", 30, 240.0, ("flow", "m3/h", 42.0, 30.0, -12.0, "step"), closed=False),
        case("pump-1", 0, 40.0, ("pressure_out", "bar", 4.2, 4.3, 1.0, "step"), closed=True),
        case("pump-2", 45, 90.0, ("level", "%", 50.0, 58.0, 6.0, "ramp"), closed=True),
        case("pump-3", 50, 60.0, ("level", "%", 40.0, 44.0, 5.0, "ramp"), closed=True),
    ]
    return {"to": EIGHT + 60 * MINUTE, "cases": cases}


GOOD = (
    "pump-1 (feed pump) had 2 incidents; flow suddenly fell by 12 m3/h to 30 m3/h at 08:30 UTC and "
    "is still open; pressure out left its range at 08:00 UTC for 40 s, but has recovered. On pump-2 (feed pump), "
    "level rose slowly from 50 % to 58 % for 90 s. Besides these came 1 more incident."
)


def found(text: str, told: dict | None = None) -> ShiftFindings:
    return judge(told or shift(), text, WORDS)


def test_a_true_report_has_no_error_and_what_it_tells_of_is_found():
    right = found(GOOD)
    assert not right.errors, right.errors
    assert right.named == {0, 1, 2}
    assert right.counted == {0, 1, 2, 3}
    assert right.machines == {"pump-1 (feed pump)", "pump-2 (feed pump)"}


@pytest.mark.parametrize(
    ("was", "is_", "error"),
    [
        ("flow suddenly fell", "flow suddenly rose", "wrong_direction"),
        ("rose slowly", "rose suddenly", "wrong_shape"),
        ("by 12 m3/h to 30 m3/h", "by 30 m3/h to 12 m3/h", "wrong_role"),
        ("to 30 m3/h", "to 31 m3/h", "invented"),
        ("to 30 m3/h", "to 58 %", "invented"),
        ("at 08:30 UTC", "at 08:00 UTC", "invented"),
        ("at 08:30 UTC", "at 2026-11-20 08:30 UTC", "invented"),
        ("for 40 s", "for 90 s", "invented"),
        ("2 incidents", "3 incidents", "wrong_count"),
        ("1 more incident", "2 more incidents", "wrong_count"),
        ("for 90 s", "for 90 s and is still open", "wrong_open"),
        ("level rose slowly from 50 % to 58 % for 90 s", "level has returned", "wrong_over"),
        ("for 90 s", "for 90 s, unexplained so far", "wrong_apart"),
        ("level rose", "speed rose", "quiet_named"),
        ("On pump-2 (feed pump), level", "On pump-2 (feed pump), flow", "quiet_named"),
        ("Besides these came 1 more incident", "The rest of the shift was quiet", "strange"),
        ("pump-2 (feed pump)", "mixer-7 (mixer)", "strange"),
        ("for 90 s", "for 90 s, a sign of a clogged strainer", "strange"),
    ],
)
def test_each_kind_of_error_is_found(was, is_, error):
    assert was in GOOD
    assert error in found(GOOD.replace(was, is_)).errors


def test_an_order_that_was_not_is_found():
    pump = "pump-1 (feed pump): "
    assert "wrong_order" in found(pump + "flow fell, then pressure out moved.").errors
    assert "wrong_order" not in found(pump + "pressure out moved, then flow fell.").errors


def test_of_two_incidents_by_the_same_channel_a_claim_may_mean_either():
    told = shift()
    told["cases"][1] = case("pump-1", 0, 40.0, ("flow", "m3/h", 42.0, 50.0, 8.0, "step"), closed=True)
    both = found("pump-1 (feed pump): flow fell to 30 m3/h; flow rose to 50 m3/h for 40 s.", told)
    assert not both.errors, both.errors
    assert both.named == {0, 1}
    assert found("pump-1 (feed pump): flow fell to 50 m3/h.", told).errors


def other() -> dict:
    """A shift of another machine."""
    return {"to": EIGHT, "cases": [case("mixer-7", 0, 30.0, ("torque", "Nm", 10.0, 12.0, 4.0, "step"), closed=True)]}


@pytest.mark.parametrize("kind", sorted(shift_planted.KINDS))
def test_planted_errors_are_found(kind):
    told, text = shift(), GOOD
    if kind == "an incident that is over called open":
        told = copy.deepcopy(told)
        told["cases"][0]["incident"]["change"] = "closed"
        text = "pump-1 (feed pump): flow fell to 30 m3/h for 4 min."
    assert not found(text, told).errors
    wrong = shift_planted.KINDS[kind](Random(1), told, text, other())
    assert wrong and wrong != text
    assert found(wrong, told).errors


def test_the_lexicons_words_for_what_is_open_over_and_back_are_read():
    assert set(CLASSES["over"]) == set(OVER.split("|"))
    assert all(re.search(OPEN, f"is {word}") for word in CLASSES["open"])
    assert set(CLASSES["back"]) <= set(BACK.split("|"))


def test_figures_count_reports_and_incidents():
    wrong = GOOD.replace("fell", "rose")
    counted = figures([(shift(), text, found(text)) for text in (GOOD, wrong)])
    assert counted["reports without any error"] == 1
    assert counted["wrong direction"] == 1
    assert counted["incidents named"] == 0.75
    assert counted["incidents named or counted"] == 1.0
    assert counted["weightiest incident named"] == 1.0
