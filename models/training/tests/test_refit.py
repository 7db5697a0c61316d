"""A site's refit: its hours are read as they are, weights start where the shipped ones are, harm is refused."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from lineside_training.detector import dataset, graph, hours, network, packed, refit
from lineside_training.detector.features import WIDTH
from lineside_training.detector.scorer import Scorer
from lineside_training.run import Run


def rows(seed=0, count=2000):
    rng = np.random.default_rng(seed)
    features = rng.normal(0, 1, (count, WIDTH)).astype(np.float32)
    return dataset.Rows(features, (features[:, 1] > 0.5).astype(np.float32), np.ones(count, np.float32))


@pytest.fixture(scope="module")
def weights():
    return network.train(rows(), seed=3, epochs=2)


def recorded(file, ticks, skip=()):
    """A device's export at one row in two seconds."""
    start = datetime(2026, 3, 1, tzinfo=UTC)
    lines = ["time,flow,pressure"]
    for at in range(ticks):
        if at not in skip:
            when = (start + timedelta(seconds=2 * at)).isoformat().replace("+00:00", "Z")
            lines.append(f"{when},{at}.5,{'' if at % 7 == 3 else -at}")
    file.write_text("\n".join(lines) + "\n")


def test_hours_are_read_on_their_own_grid_with_what_is_missing(tmp_path):
    recorded(tmp_path / "pump.csv", 5000, skip={10, 11, *range(2000, 2700)})
    first, second = hours.read(tmp_path)
    assert (first.device, first.values.shape, second.values.shape) == ("pump", (2, 2000), (2, 2300))
    assert np.isnan(first.values[:, 10:12]).all() and np.isnan(first.values[1, 3]) and first.values[0, 12] == 12.5
    assert second.values[0, 0] == 2700.5, "a longer gap starts anew"


def test_too_few_hours_are_refused_with_what_to_do(tmp_path):
    recorded(tmp_path / "pump.csv", 900)
    with pytest.raises(SystemExit, match="900 windows.*needs 3600 or more.*export again"):
        hours.read(tmp_path)
    with pytest.raises(SystemExit, match="holds no .csv"):
        hours.read(tmp_path / "none")


def test_a_file_that_is_no_export_is_named(tmp_path):
    (tmp_path / "a.csv").write_text("when,flow\n1,2\n")
    with pytest.raises(SystemExit, match="a.csv: needs a column `time`"):
        hours.read(tmp_path)
    (tmp_path / "a.csv").write_text("time,flow\n2026-01-01T00:00:00Z,x\n")
    with pytest.raises(SystemExit, match="a.csv: could not convert"):
        hours.read(tmp_path)


def test_the_shipped_file_gives_its_weights_back(weights):
    again = graph.read(graph.build(Scorer(weights)).SerializeToString())
    features = rows(1).features
    np.testing.assert_allclose(Scorer(again).logits(features), Scorer(weights).logits(features), atol=1e-4)


def test_a_refit_of_no_steps_is_the_shipped_model_and_half_way_is_between(weights):
    features = rows(2).features
    still = network.train(rows(4), 1, epochs=0, start=weights)
    np.testing.assert_allclose(network.forward(still, features), network.forward(weights, features), atol=1e-4)
    other = network.train(rows(5), 1, epochs=1, start=weights)
    for share, end in ((0.0, weights), (1.0, other)):
        mixed = network.forward(refit.between(weights, other, share), features)
        np.testing.assert_allclose(mixed, network.forward(end, features), atol=1e-3)


def test_limits_follow_the_site_as_its_windows_outweigh_the_rigs(monkeypatch):
    table = [(1e-5, 6.0), (5e-5, 4.0), (2e-4, 2.0)]
    counts = {6.0: 0, 4.0: 30, 2.0: 50}
    monkeypatch.setattr(refit, "false_alarms", lambda scorer, pieces, limit: counts[limit])
    out = dict((limit, rate) for rate, limit in refit.corrected(table, None, [], 100_000))
    assert out[6.0] < 1e-5, "quieter than the rigs: a lower limit for the same rate"
    assert out[4.0] > 2e-4, "livelier than the rigs: a higher one"
    few = dict((limit, rate) for rate, limit in refit.corrected(table, None, [], 100))
    assert few[6.0] == pytest.approx(1e-5, rel=0.01), "few windows say little"


@pytest.mark.parametrize("ours", [{"false_alarms": 3, "found": 0.9}, {"false_alarms": 1, "found": 0.7}])
def test_a_refit_that_does_harm_is_not_packed(ours, tmp_path):
    run = Run.open("detector", tmp_path)
    run.path("evaluation.json").write_text(json.dumps({"refit": ours, "shipped": {"false_alarms": 1, "found": 0.9}}))
    with pytest.raises(SystemExit, match="worse than the shipped detector"):
        packed.pack_site(run)


def test_a_missing_sample_repeats_the_one_before():
    nan = np.nan
    np.testing.assert_array_equal(refit.filled(np.array([nan, 1, nan, 3, nan])), [1, 1, 1, 3, 3])


def test_a_refit_is_tried_with_faults_that_begin_in_what_is_held_out(monkeypatch):
    monkeypatch.setattr(refit.agent, "features", lambda values: values)
    rng = np.random.default_rng(6)
    piece = rng.standard_normal((2, 4000))
    found = refit.trials(rng, [piece, rng.standard_normal((2, 600))], count=12)
    assert len(found) == 12
    for values, onset in found:
        before = values[:, :onset]
        starts = [at for at in range(4000 - onset) if np.array_equal(piece[:, at : at + onset], before)]
        assert starts and starts[0] + onset >= refit.split(piece), "nothing before the onset is changed"
    assert refit.trials(rng, [rng.standard_normal((2, 600))]) == []
