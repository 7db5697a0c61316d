"""The honest protocol counts what an operator would have seen, and perturbations change nothing else."""

import csv
import os
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from lineside_training.detector import hydraulic, measure, perturb, protocol
from lineside_training.detector.recordings import Recording, skab
from lineside_training.run import REPOSITORY

DATA = Path(os.environ.get("LINESIDE_DATA", REPOSITORY.parent / "shared" / "data"))


def recording(ticks=1000, event=(600, 700)):
    anomalous = np.zeros(ticks, bool)
    anomalous[slice(*event)] = True
    return Recording("made", np.zeros((2, ticks)), np.arange(ticks), anomalous, 1.0)


def test_an_event_is_found_only_by_a_new_alarm_inside_it():
    tally = protocol.Tally()
    tally.add(recording(), [400, 599])  # standing at the onset: a miss and two false alarms
    tally.add(recording(), [640])
    tally.add(recording(), [690, 695])
    figures = tally.hourly()
    assert (tally.events, tally.found, tally.soon, tally.false) == (3, 2, 1, 2)
    assert figures["median_s"] == 90


def test_what_follows_the_last_event_is_not_scored_and_the_start_is_cold():
    whole = recording().to_last_event()
    assert whole.values.shape[1] == 700
    later = whole.from_row(50)
    assert later.clock[0] == 0 and later.events() == [(550, 650)]


def test_false_alarms_are_divided_by_the_time_that_is_watched():
    quiet = recording(ticks=300 + 3600, event=(0, 0))
    tally = protocol.Tally()
    tally.add(quiet, [1000, 2000])
    assert tally.hourly()["false_per_hour_normal"] == pytest.approx(2.0)


def test_a_rolling_z_score_raises_one_alarm_at_a_step_and_none_in_noise():
    rng = np.random.default_rng(0)
    values = rng.standard_normal((2, 2000))
    assert protocol.rolling_z(8.0)(values) == []
    values[1, 1200:] += 30
    (alarm,) = protocol.rolling_z(8.0)(values)[:1]
    assert 1200 <= alarm < 1210


def table(rows=400):
    start = datetime(2026, 1, 1).timestamp()
    header = ["datetime", *(f"c{at}" for at in range(8)), "anomaly", "changepoint"]
    rng = np.random.default_rng(3)
    out = []
    for at in range(rows):
        when = datetime.fromtimestamp(start + at).isoformat(sep=" ")
        out.append([when, *map(repr, rng.normal(size=8).tolist()), str(float(at > 300)), "0.0"])
    return header, out


@pytest.mark.parametrize("name", ["missing", "gaps", "rescaled", "faster"])
def test_a_perturbation_leaves_labels_and_times_as_they_were(name):
    header, rows = table()
    given, out = getattr(perturb, name)(np.random.default_rng(1), (header, rows))
    assert given == header and rows == table()[1], "the original is not touched"
    labels = {datetime.fromisoformat(row[0]): row[9] for row in rows}
    kept = [(when, row[9]) for row in out if (when := datetime.fromisoformat(row[0])) in labels]
    assert kept and all(label == labels[when] for when, label in kept)


def test_perturbations_do_what_they_are_called():
    header, rows = table()
    rng = np.random.default_rng(2)
    empty = np.mean([[cell == "" for cell in row[1:9]] for row in perturb.missing(rng, (header, rows))[1]])
    assert 0.03 < empty < 0.07
    seconds = [datetime.fromisoformat(row[0]).timestamp() for row in perturb.gaps(rng, (header, rows))[1]]
    assert set(np.diff(seconds)) == {1.0, perturb.GAP_S + 1.0}
    assert set(np.diff(seconds[: perturb.START_ROWS])) == {1.0}, "trials start where they would without gaps"
    assert len(perturb.faster(rng, (header, rows))[1]) == 10 * (len(rows) - 1)
    plain, other = (
        np.abs(np.corrcoef([[float(cell) for cell in row[1:9]] for row in part], rowvar=False))
        for part in (rows, perturb.rescaled(rng, (header, rows))[1])
    )
    np.testing.assert_allclose(np.sort(plain.ravel()), np.sort(other.ravel()), atol=1e-6)


def test_a_setting_is_ahead_where_it_is_behind_on_neither_figure():
    own = {"name": "lineside", "events": 0.5, "false_per_day": 0.1}
    rows = [
        {"name": "rolling a", "events": 0.4, "false_per_day": 0.2},
        {"name": "rolling b", "events": 0.6, "false_per_day": 0.2},
        {"name": "rolling c", "events": 0.6, "false_per_day": 0.05},
    ]
    assert measure.ahead([own, *rows], own) == (["rolling a"], ["rolling c"])


def test_a_change_of_the_hydraulic_rig_begins_where_the_long_state_before_it_ends():
    a, b, c = ("3", "100", "0", "130"), ("3", "100", "2", "130"), ("3", "73", "2", "130")
    # The second state lasts a cycle: it is the first step of a change.
    assert hydraulic.changes([a] * 30 + [b] + [c] * 12 + [a] * 10) == [(0, 30, 43), (31, 43, 53)]


@pytest.mark.skipif(not (DATA / "hydraulic").is_dir(), reason=f"needs the hydraulic rig in {DATA}: set LINESIDE_DATA")
def test_the_hydraulic_rig_has_an_event_in_each_recording_but_the_long_runs(tmp_path):
    found = hydraulic.recordings(DATA)
    assert [len(recording.events()) for recording in found] == [1] * 91 + [0] * 3
    path = hydraulic.write(found[:1], tmp_path)[0]
    rows = path.read_text().splitlines()
    assert len(rows) == 1 + found[0].values.shape[1]
    assert [row.endswith(";1") for row in rows[1:]] == found[0].anomalous.tolist()


@pytest.mark.skipif(not (DATA / "skab").is_dir(), reason=f"needs SKAB in {DATA}: set LINESIDE_DATA")
def test_the_pump_test_bed_has_sixteen_closings_and_a_normal_recording(tmp_path):
    found = skab(DATA)
    assert [len(recording.events()) > 0 for recording in found] == [True] * 16 + [False]
    assert all(recording.values.shape[0] == 8 for recording in found)
    files = perturb.write(perturb.missing, 7, DATA / "skab", tmp_path)
    with files[0].open(newline="") as file:
        assert len(list(csv.reader(file, delimiter=";"))) == len(found[0].clock) + 1
