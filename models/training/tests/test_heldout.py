"""The held-out sets: frozen, fair, and measured from series as the agent measures."""

import hashlib
import json
import random
import tomllib
from pathlib import Path

import numpy as np
import pytest

from lineside_training.heldout import measure, names, series, sets
from lineside_training.heldout.frozen import frozen
from lineside_training.heldout.plants import LINEUPS, Sensor, channels, sensors

HEAD = 25


def lines(name: str, count: int = HEAD) -> list[str]:
    cases = sets.make(name, frozen()[name]["seed"], count)
    return [json.dumps(case, ensure_ascii=False, separators=(",", ":")) for case in cases]


@pytest.mark.parametrize("name", sorted(sets.SETS))
def test_held_out_sets_are_the_frozen_ones(name):
    # The first cases stand for all: `python -m lineside_training.heldout make DIR` compares the whole.
    digest = hashlib.sha256("".join(f"{line}\n" for line in lines(name)).encode()).hexdigest()
    assert digest == frozen()[name]["head"], f"{name} is no longer the set that was frozen"


@pytest.mark.parametrize("name", sorted(sets.SETS))
def test_truths_name_channels_that_deviate(name):
    for line in lines(name):
        row = json.loads(line)
        case, truth = row["case"], row["truth"]
        found = case["incident"]["evidence"]["channels"]
        deviates = {channel["name"] for channel in found if channel["deviates"]}
        assert len({channel["name"] for channel in found}) == len(found) == len(case["labels"])
        if truth["mode"]:
            assert set(truth["causal"]) | set(truth["unexplained"]) == deviates
            assert truth["causal"] and not set(truth["causal"]) & set(truth["unexplained"])
        assert (truth["mode"] is None) == (name == "never_seen")
        assert (truth["second"] is not None) == (name == "compound")
        assert bool(truth["unexplained"]) <= (name in ("distractors", "in_distribution", "benign"))
        order = sorted({c["onset"] for c in found if c["onset"]})
        assert all(c["onset"] is None or order[c["order"] - 1] == c["onset"] for c in found)
        assert case["incident"]["evidence"]["onset"] == order[0]


def test_every_mode_has_a_line_of_every_author_and_no_two_are_the_same():
    notes = sets._toml("authors.toml")
    modes = sets.Author(0).modes
    assert set(notes) == set(modes)
    lines = [line for mode in notes.values() for line in mode.values()]
    assert len(set(lines)) == len(lines)
    assert all(set(mode) == {"plain", *sets.AUTHORS} for mode in notes.values())


@pytest.mark.parametrize("machine", sorted(LINEUPS))
def test_channels_of_a_line_up_have_names_of_their_own(machine):
    for lineup in LINEUPS[machine]:
        found = sensors(random.Random(1), machine, channels(lineup))
        for style in ("plain", *names.STYLES):
            called = [names.channel(style, machine, s, 100 + at)[0] for at, s in enumerate(found)]
            assert len(set(called)) == len(called), (style, called)


def series_of(push: series.Push | None, windows: int = 60, seed: int = 3) -> measure.Channel:
    sensor = Sensor("flow", 0, 1, "m3/h", 100.0, 1.5)
    pushes = [push] if push else []
    return measure.Channel(series.simulate(np.random.default_rng(seed), sensor, pushes, windows), series.LEAD)


@pytest.mark.parametrize(
    ("push", "shape"),
    [
        (series.Push("down", 9.0, 0, "step"), "step"),
        (series.Push("up", 14.0, 0, "ramp"), "ramp"),
        (series.Push("swing", 8.0, 0, ""), "oscillation"),
        (series.Push("spikes", 12.0, 0, ""), "spike"),
        (series.Push("stuck", 0.0, 0, ""), "stuck"),
        (series.Push("silent", 0.0, 0, ""), "dropout"),
    ],
)
def test_what_is_done_to_a_series_is_read_from_it(push, shape):
    read = []
    for seed in range(12):
        channel = series_of(push, seed=seed)
        first = channel.first()
        assert first is not None
        reading = channel.read(first)
        read.append(reading.shape)
        assert abs(reading.onset - series.LEAD) < 25
        if push.does in ("up", "down"):
            assert np.sign(reading.deviation_sd) == (1 if push.does == "up" else -1)
        if push.does == "silent":
            assert reading.now is None
    # Noise behind an excursion may make a step of a spike, as it does in the agent.
    assert read.count(shape) >= (10 if shape == "spike" else 12), read


def test_a_quiet_channel_takes_no_part():
    quiet = [series_of(None, seed=seed) for seed in range(40)]
    assert sum(channel.read(series.LEAD).shape is not None for channel in quiet) <= 2


def test_the_frozen_table_is_of_the_modes_that_ship():
    # Effects may be corrected after the freeze; a mode that is renamed would make its truths meaningless.
    shipped = Path(__file__).parents[3] / "models" / "catalog" / "incident" / "signatures.toml"
    known = {mode["id"] for mode in tomllib.loads(shipped.read_text())["mode"]}
    assert set(sets.Author(0).modes) <= known
