"""What the shipped detector rests on: seeds decide, labels are honest, the file is the scorer."""

import numpy as np
import pytest

from lineside_training.detector import alarms, calibrate, dataset, graph, inject, network, synthetic
from lineside_training.detector.features import WIDTH
from lineside_training.detector.scorer import CAP, Scorer, contrast


def some_scorer() -> Scorer:
    rng = np.random.default_rng(0)
    features = rng.normal(0, 1, (3000, WIDTH)).astype(np.float32)
    labels = (features[:, 1] > 0.5).astype(np.float32)
    rows = dataset.Rows(features, labels, np.ones(3000, np.float32))
    return Scorer(network.train(rows, seed=3, epochs=2))


def test_the_same_seed_makes_the_same_streams_and_another_seed_others():
    first, again, other = (dataset.streams(seed, rigs=3) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0], equal_nan=True)


def test_the_same_seed_trains_the_same_weights():
    for a, b in zip(some_scorer().weights.matrices, some_scorer().weights.matrices):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("fault", [fault for fault, _ in inject.FAULTS])
def test_a_fault_is_labelled_only_after_its_onset_and_changes_nothing_before(fault):
    rng = np.random.default_rng(5)
    for _ in range(20):
        values = synthetic.rig(rng, 1500, 1)[0]
        changed, labels = fault(rng, values, 700, inject.movement(values, 700))
        np.testing.assert_array_equal(changed[:700], values[:700])
        assert (labels[:700] == 0).all()
        assert (labels[700:] != 0).all(), "after the onset nothing is called normal"


def test_a_ramp_is_labelled_from_where_it_is_visible():
    effect = np.concatenate([np.zeros(100), np.linspace(0, 2, 101)])
    labels = inject.labels_of(effect, 100)
    first = int(np.argmax(labels == 1))
    assert effect[first] >= inject.VISIBLE > effect[first - 1]


def test_the_onnx_file_is_the_scorer_to_1e_5():
    runtime = pytest.importorskip("onnxruntime")
    scorer = some_scorer()
    session = runtime.InferenceSession(graph.build(scorer).SerializeToString())
    features = np.random.default_rng(1).normal(0, 1.2, (500, WIDTH)).astype(np.float32)
    (logit,) = session.run(None, {"features": features})
    np.testing.assert_allclose(logit[:, 0], scorer.logits(features), rtol=1e-5, atol=1e-5)


def test_a_contrast_counts_less_on_a_channel_that_wanders_by_itself():
    features = np.zeros((3, WIDTH), np.float32)
    features[:, 1] = np.log1p(8)
    features[1, 13] = np.log1p(np.log(4.5))
    features[2, 1] = 50
    plain, wandering, absurd = contrast(features)
    assert wandering < plain / 2
    assert absurd == CAP


def test_one_long_excess_is_one_alarm_and_none_is_raised_while_learning():
    scores = np.zeros(1200)
    scores[150:200] = 9
    scores[600:700] = 9
    assert alarms.raised(scores, 3.0) == [600 + alarms.HOLD - 1]


def test_the_table_falls_with_the_rate():
    rng = np.random.default_rng(2)
    scores = [synthetic.autoregressive(rng, 3000, 5) * 2 for _ in range(40)]
    points = calibrate.table(scores)
    rates, limits = zip(*points)
    assert len(points) > 3 and list(rates) == sorted(rates) and list(limits) == sorted(limits, reverse=True)
    assert limits[0] >= calibrate.limit_at(points, (rates[0] * rates[1]) ** 0.5) >= limits[1]
