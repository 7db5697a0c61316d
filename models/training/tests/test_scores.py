"""Scores agree with scikit-learn's, and say what they mean at the edges."""

import numpy as np
import pytest
from sklearn import metrics

from lineside_training import scores


@pytest.fixture
def told():
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 4, 300)
    logits = rng.normal(size=(300, 4)) + 1.5 * np.eye(4)[truth]
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return truth, chances


def test_accuracy_f1_confusion_and_auroc_are_those_of_scikit_learn(told):
    truth, chances = told
    guess = chances.argmax(axis=1)
    assert scores.accuracy(truth, guess) == pytest.approx(metrics.accuracy_score(truth, guess))
    assert scores.macro_f1(truth, guess, 4) == pytest.approx(metrics.f1_score(truth, guess, average="macro"))
    np.testing.assert_array_equal(scores.confusion(truth, guess, 4), metrics.confusion_matrix(truth, guess))
    score = np.round(chances[:, 0], 1)  # with ties
    assert scores.auroc(truth == 0, score) == pytest.approx(metrics.roc_auc_score(truth == 0, score))
    assert np.isnan(scores.auroc(truth > 9, score))


def test_a_class_that_nobody_met_or_named_does_not_lower_the_f1(told):
    truth, chances = told
    guess = chances.argmax(axis=1)
    assert scores.macro_f1(truth, guess, 9) == scores.macro_f1(truth, guess, 4)


def test_brier_is_the_squared_distance(told):
    truth, chances = told
    ones = np.eye(4)[truth]
    by_class = [metrics.brier_score_loss(ones[:, c], chances[:, c]) for c in range(4)]
    assert scores.brier(truth, chances) == pytest.approx(sum(by_class))


def test_ece_is_nought_for_the_calibrated_and_the_gap_for_the_overconfident():
    truth = np.array([0] * 8 + [1] * 2)
    assert scores.ece(truth, np.tile([0.8, 0.2], (10, 1))) == pytest.approx(0)
    assert scores.ece(truth, np.tile([1.0, 0.0], (10, 1))) == pytest.approx(0.2)


def test_coverage_counts_rows_of_one_confidence_together():
    right, sure = np.array([1, 1, 0, 1]), np.array([0.9, 0.8, 0.8, 0.1])
    answered, share = scores.coverage(right, sure)
    np.testing.assert_allclose(answered, [0.25, 0.75, 1])
    np.testing.assert_allclose(share, [1, 2 / 3, 0.75])
    assert scores.coverage_at(right, sure, 0.9) == 0.25
    assert scores.coverage_at(right, sure, 0.75) == 1
    assert scores.coverage_at(np.zeros(4), sure, 0.1) == 0


def test_the_worst_group_stands_first():
    assert scores.by_group(["a", "b", "b", "a"], np.array([1, 0, 1, 1])) == [("b", 2, 0.5), ("a", 2, 1.0)]


def test_the_interval_covers_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(3)
    covered = 0
    for trial in range(60):
        rows = rng.normal(size=80)
        low, high = scores.interval(lambda at: rows[at].mean(), 80, seed=trial, resamples=300)
        covered += low <= 0 <= high
    assert 51 <= covered <= 60
