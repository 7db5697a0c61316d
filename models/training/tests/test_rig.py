"""The recipe for labelled cycles: what is read, that folds share nothing, and that the file is the recipe."""

import csv
import json

import numpy as np
import pytest

from lineside_training import rig
from lineside_training.rig import cycles, features, graph, heads, judge, recipe, regimes
from lineside_training.run import Run

CONFIG = {"default": {"channels": [], "kind": "level", "parts": 20, "squares": False, "penalty": 1e-3}}


def machine(count=160, seed=0):
    """Cycles of three channels: `valve` delays a step, `wear` lifts a level, `colour` has no order."""
    rng = np.random.default_rng(seed)
    state = rng.integers(0, [4, 3, 2], (count, 3))
    ticks = np.arange(cycles.TICKS)
    step = (ticks > 60 + 6 * state[:, [0]]) * 5.0
    values = np.stack([step, 2.0 + state[:, [1]] + 0 * ticks, 3.0 * state[:, [2]] + np.sin(ticks / 9)], axis=1)
    values = values + 0.2 * rng.standard_normal(values.shape)
    names = (("100", "90", "80", "73"), ("0", "1", "2"), ("red", "blue"))
    columns = zip(("valve", "wear", "colour"), names, state.T)
    table = {head: [labels[place] for place in column] for head, labels, column in columns}
    table["asset"] = [f"press {at % 3}" for at in range(count)]
    return values, table


@pytest.fixture(scope="module")
def found():
    values, table = machine()
    return cycles.labelled(values, ("step", "level", "wave"), table)


def wishes(found, **settings):
    run = Run("rig", None, {"default": CONFIG["default"] | settings}, 7)
    return recipe.wishes(run, found)


def test_numbers_are_classes_in_their_order_and_text_is_not(found):
    assert found.classes["valve"] == ("73", "80", "90", "100") and cycles.numeric(found.classes["valve"])
    assert found.classes["colour"] == ("blue", "red") and not cycles.numeric(found.classes["colour"])
    assert [wish.ordinal for wish in wishes(found).values()] == [True, True, False]


@pytest.mark.parametrize("kind", ["level", "shape"])
def test_heads_learn_what_is_there_on_unseen_combinations(found, kind):
    folds = judge.splits(found)["unseen combination"]
    told = judge.answers(found, wishes(found, kind=kind, penalty=1e-4), folds, 7, lambda text: None)
    figures = judge.summary(found, told)
    for name in ("valve", "wear", "colour"):
        assert figures[name]["accuracy"] > 0.9, name
        assert figures[name]["accuracy"] > figures[name]["baselines"]["most frequent"] + 0.2
    assert sum(map(sum, figures["valve"]["confusion"])) == len(found.values)
    assert any(group.startswith("asset press") for group in figures["wear"]["groups"])


def test_no_fold_tests_what_it_trained_on(found):
    split, combination = judge.splits(found), judge.combinations(found)
    assert set(split) == {"unseen combination", "unseen time block", "unseen asset"}
    for train, test in split["unseen combination"]:
        assert not set(combination[train]) & set(combination[test])
    for train, test in split["unseen asset"]:
        assert not set(found.asset[train]) & set(found.asset[test])
    for folds in split.values():
        tested = np.sort(np.concatenate([test for _, test in folds]))
        np.testing.assert_array_equal(tested, np.arange(len(found.values)))


def test_a_regime_far_from_all_that_was_seen_is_not_covered(found):
    covered = regimes.fit(found.values, judge.combinations(found))
    inside, outside = covered.excess(found.values), covered.excess(found.values + 40)
    assert (inside <= 0).mean() > 0.9 and (outside > 0).all()


def test_the_onnx_file_is_the_recipe(found):
    runtime = pytest.importorskip("onnxruntime")
    looks = [{"channels": ["step", "wave"], "squares": True}, {"channels": {"wave": 4, "step": 60}}]
    asked = wishes(found, looks=looks) | {"wear": wishes(found, kind="shape")["wear"]}
    made = dict(judge.fitted(found, asked, np.arange(len(found.values)), 7))
    covered = regimes.fit(found.values, judge.combinations(found))
    session = runtime.InferenceSession(graph.build(made, covered, 3).SerializeToString())
    few = found.values[:12]
    expected = recipe.outputs(made, covered, few)
    given = np.concatenate([session.run(None, {"cycle": cycle.reshape(1, -1)})[0] for cycle in few])
    assert given.shape == (12, 4 + 3 + 2 + 1)
    np.testing.assert_allclose(given, expected, rtol=1e-3, atol=1e-3)


def test_the_bundle_is_whole_and_the_agents_runtime_gives_its_outputs(found, tmp_path, monkeypatch):
    pytest.importorskip("tract", reason="needs the extra `tract`")
    run = Run("rig", tmp_path, {"default": CONFIG["default"]} | {"name": "press", "version": "1.0.0", "release": 1}, 7)
    run.config["licence"] = "Apache-2.0"
    run.used("configuration", b"")
    found.save(run.path("cycles.npz"))
    rig.train(run)
    rig.export(run)
    run.path("evaluation.json").write_text("{}")
    run.path("card.md").write_text("# Press")
    monkeypatch.setattr(recipe.agent, "bundle_verify", lambda folder: None)
    rig.pack(run)
    cases = json.loads((tmp_path / "bundle" / "golden.json").read_text())["cases"]
    assert recipe.difference(tmp_path / "bundle" / "model.onnx", cases) < recipe.TOLERANCE
    cases[1]["output"][0][2] += 0.1
    assert recipe.difference(tmp_path / "bundle" / "model.onnx", cases) > recipe.TOLERANCE


def test_the_wider_and_the_taller_way_to_solve_agree():
    rng = np.random.default_rng(1)
    rows, target = rng.normal(size=(40, 30)), rng.normal(size=(40, 2))
    weights = heads.balance(rng.integers(0, 3, 40))
    flat = heads.ridge(rows, target, weights, 0.1)
    wide = heads.ridge(np.concatenate([rows, np.zeros((40, 20))], axis=1), target, weights, 0.1)
    np.testing.assert_allclose(wide[0][:30], flat[0], atol=1e-9)


@pytest.mark.parametrize("ticks", [60, 300, 600, 100, 173])
def test_sensors_of_any_rate_get_the_same_length(ticks):
    line = np.tile(np.linspace(0, 1, ticks), (2, 1))
    out = cycles.resampled(line)
    assert out.shape == (2, cycles.TICKS) and (np.diff(out) >= 0).all() and abs(out.mean() - 0.5) < 0.01


def site(folder, values, table, files=False):
    if files:
        for at, cycle in enumerate(values):
            lines = ["step,level,wave", *(",".join(f"{v:.5f}" for v in tick) for tick in cycle.T)]
            (folder / f"{at}.csv").write_text("\n".join(lines))
        table = table | {"file": [f"{at}.csv" for at in range(len(values))]}
    else:
        np.save(folder / "cycles.npy", values)
        (folder / "channels.txt").write_text("step\nlevel\nwave\n")
    with (folder / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([list(table), *zip(*table.values())])


@pytest.mark.parametrize("files", [False, True])
def test_a_sites_folder_is_read_in_both_forms(tmp_path, files):
    values, table = machine(12)
    site(tmp_path, values, table, files)
    read = cycles.site(tmp_path)
    assert read.channels == ("step", "level", "wave") and list(read.heads) == ["valve", "wear", "colour"]
    np.testing.assert_allclose(read.values, values, atol=1e-4)
    read.save(tmp_path / "all.npz")
    again = cycles.load(tmp_path / "all.npz")
    assert again.classes == read.classes and again.channels == read.channels
    np.testing.assert_array_equal(again.heads["wear"], read.heads["wear"])


def test_a_folder_that_does_not_fit_is_refused_with_the_reason(tmp_path):
    values, table = machine(12)
    with pytest.raises(SystemExit, match="labels.csv: not found"):
        cycles.site(tmp_path)
    site(tmp_path, values[:11], table)
    with pytest.raises(SystemExit, match="11 cycles, and 12 rows"):
        cycles.site(tmp_path)
    site(tmp_path, values, table | {"wear": ["0"] * 12})
    with pytest.raises(SystemExit, match="`wear` is `0` in every cycle"):
        cycles.site(tmp_path)
    values[3, 1, 7] = np.nan
    site(tmp_path, values, table)
    with pytest.raises(SystemExit, match="cycle 3 has values that are no number"):
        cycles.site(tmp_path)


def test_a_channel_that_is_not_there_is_named(found):
    with pytest.raises(SystemExit, match="heads.valve.channels: no channel flow; there are step, level, wave"):
        wishes(found, channels=["flow"])


def test_parts_that_do_not_divide_a_cycle_are_refused(found):
    for parts in (7, 0):
        with pytest.raises(SystemExit, match="heads.valve: .* parts divide 300"):
            wishes(found, channels={"step": 20, "wave": parts})


def test_a_channel_has_its_own_parts(found):
    (look,) = wishes(found, channels={"wave": 4, "step": 60})["valve"].looks
    seen = heads.eye(look, found.values, 7).features(found.values)
    assert look.channels == (2, 0) and seen.shape == (len(found.values), 64)
    np.testing.assert_allclose(seen[:, 0], found.values[:, 2, :75].mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(seen[:, 4], found.values[:, 0, :5].mean(axis=1), rtol=1e-5)


def test_a_head_of_two_looks_says_their_mean(found):
    each = [{"channels": ["step"], "squares": True}, {"channels": {"step": 60, "level": 2}}]
    every = np.arange(len(found.values))

    def told(looks):
        head = dict(judge.fitted(found, wishes(found, looks=looks), every, 7))["valve"]
        return head.answers(head.features(found.values))

    np.testing.assert_allclose(told(each), (told(each[:1]) + told(each[1:])) / 2, atol=1e-9)


def test_answers_become_likely_classes_also_of_two_and_where_some_are_missing():
    rng = np.random.default_rng(4)
    for there, classes in (([0, 1], 2), ([0, 1, 3], 4), ([2], 3)):
        truth = np.repeat(there, 50)
        answers = truth[:, None] + 0.1 * rng.standard_normal((len(truth), 1))
        slopes, offsets = heads.calibrated(answers, truth, classes)
        said = heads.chances(answers @ slopes + offsets)
        assert said.shape == (len(truth), classes)
        assert (said.argmax(axis=1) == truth).all() and said[range(len(truth)), truth].mean() > 0.95


def test_filters_come_from_the_seed(found):
    one, same, other = (features.draw(found.values, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.filters[0], same.filters[0])
    assert not np.array_equal(one.filters[0], other.filters[0])
