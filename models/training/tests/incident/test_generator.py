"""What the generator of incidents promises to those who learn from it."""

import itertools
from collections import Counter
from random import Random

import numpy as np
import pytest
from lineside_training.heldout.measure import shape
from lineside_training.incident import episode
from lineside_training.incident.fit import Seen, margin
from lineside_training.incident.generator import UNKNOWN, cases
from lineside_training.incident.notes import line, phrases, roughen
from lineside_training.incident.table import load

COUNT = 2500


@pytest.fixture(scope="module")
def drawn():
    return list(cases(5, COUNT))


def rows(drawn_case):
    return drawn_case["case"]["incident"]["evidence"]["channels"]


def test_evidence_agrees_with_itself(drawn):
    for one in drawn:
        case, evidence = one["case"], one["case"]["incident"]["evidence"]
        channels = rows(one)
        assert 3 <= len(channels) <= 14
        assert len(case["labels"]) == len(channels)
        assert len({row["name"] for row in channels}) == len(channels)
        onsets = sorted({row["onset"] for row in channels if row["onset"] is not None})
        assert evidence["onset"] == onsets[0]
        assert any(row["deviates"] for row in channels)
        end = case["incident"]["closed"] or case["incident"]["updated"]
        assert evidence["duration_s"] == pytest.approx((end - evidence["onset"]) / 1e6)
        for row in channels:
            told = {row[key] is not None for key in ("shape", "onset", "order")}
            assert told == {row["deviates"]}
            if row["onset"] is not None:
                assert row["order"] == onsets.index(row["onset"]) + 1
                assert row["onset"] <= end
            if row["now"] is None:
                assert row["deviation"] is None and row["deviation_sd"] is None
                continue
            assert row["deviation"] == pytest.approx(row["now"] - row["baseline"])
            if row["deviation_sd"]:
                assert row["deviation"] / row["deviation_sd"] > 0
            if not row["deviates"] and row["deviation_sd"] is not None:
                assert abs(row["deviation_sd"]) < 3


def test_truth_speaks_of_channels_that_deviate(drawn):
    for one in drawn:
        truth = one["truth"]
        deviating = {row["name"] for row in rows(one) if row["deviates"]}
        told = truth["causal"] + truth["second_causal"] + truth["unexplained"]
        assert sorted(told) == sorted(deviating)
        assert (truth["mode"] == UNKNOWN) == (not truth["causal"])
        assert (truth["second"] is not None) == bool(truth["second_causal"])


def test_every_mode_and_every_machine_occurs(drawn):
    counts = Counter(one["truth"]["mode"] for one in drawn)
    assert set(counts) == set(load().modes) | {UNKNOWN}
    assert {one["truth"]["machine"] for one in drawn} == set(load().machines)
    assert 0.05 < sum(one["truth"]["second"] is not None for one in drawn) / COUNT < 0.12
    assert {one["case"]["incident"]["change"] for one in drawn} == {"opened", "updated", "closed"}


def test_too_little_to_decide_is_rare(drawn):
    table = load()
    close, asked = 0, 0
    for one in drawn:
        truth = one["truth"]
        if truth["mode"] == UNKNOWN or one["case"]["incident"]["change"] == "closed":
            continue
        asked += 1
        faults = [table.modes[mode] for mode in (truth["mode"], truth["second"]) if mode]
        close += margin(faults, table.modes_of(truth["machine"]), truth["channels"], seen(one)) < 0
    assert close / asked < 0.03


def seen(one):
    movements = {"oscillation": "swing", "spike": "spikes", "stuck": "stuck", "dropout": "silent"}
    result = {}
    for index, row in enumerate(rows(one)):
        if row["deviates"]:
            plain = row["shape"] in ("step", "ramp")
            sd = row["deviation_sd"] or 0.0
            movement = movements.get(row["shape"]) or ("up" if sd > 0 else "down")
            result[index] = Seen(movement, sd if plain else 0.0, row["shape"] if plain else "")
    return result


def test_the_same_seed_gives_the_same_cases():
    assert list(cases(11, 40)) == list(cases(11, 40))
    assert list(cases(11, 40)) != list(cases(12, 40))
    assert list(cases(11, 40)) == list(itertools.islice(cases(11, 80), 40))


def test_pairs_and_modes_limit_what_happens():
    allowed = {("pump", "cavitation"), ("fan", "imbalance")}
    for one in cases(3, 60, pairs=allowed, notes=False):
        assert one["truth"]["mode"] == UNKNOWN or (one["truth"]["machine"], one["truth"]["mode"]) in allowed
        assert one["case"]["notes"] == []
    assert {one["truth"]["mode"] for one in cases(3, 40, modes=["jammed"])} == {"jammed"}


def test_every_mode_has_at_least_fifty_phrasings():
    for mode in phrases():
        rng = Random(1)
        parts = phrases()[mode]
        bare = {f"{of} {state}" for of in parts["of"] for state in parts["is"]} | set(parts["say"]) | set(parts["de"])
        assert len(bare) >= 25, mode
        assert len({roughen(rng, line(rng, mode)).lower() for _ in range(300)}) >= 50, mode


@pytest.mark.parametrize(
    ("size", "form"), [(3.6, "ramp"), (4.6, "ramp"), (8.0, "ramp"), (14.0, "ramp"), (4.0, "step"), (12.0, "step")]
)
def test_forms_are_named_as_the_agent_names_them(size, form):
    rng, noise = Random(3), np.random.default_rng(3)
    windows = 60
    # For the agent a movement begins before the channel has left its band.
    moved = np.linspace(episode.BAND_SD / 2, size, windows) if form == "ramp" else np.full(windows, size)
    measured = np.mean([shape(moved + noise.standard_normal(windows)) == "ramp" for _ in range(200)])
    drawn = np.mean([episode._seen_form(rng, form, size, young=False) == "ramp" for _ in range(200)])
    assert drawn == pytest.approx(measured, abs=0.3)
