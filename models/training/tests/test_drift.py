"""What a bundle records of its own answers is what the agent counts: its bins, its rule for an edge, its "unknown"."""

import re

import numpy as np
from lineside_training import drift
from lineside_training.run import REPOSITORY


def test_scores_are_counted_in_bins_of_equal_shares():
    histogram = drift.score(np.random.default_rng(4).standard_normal(3000))
    counts = np.array(histogram["counts"])
    assert len(counts) == len(histogram["edges"]) + 1 == drift.BINS and counts.sum() == 3000
    assert counts.min() > 0.9 * counts.mean()


def test_a_value_on_an_edge_belongs_to_the_bin_that_ends_there():
    sure = np.array([0.5, 0.51, 0.99, 0.991, 0.2])
    histogram = drift.confidence(sure, np.array([True, True, True, True, False]))
    assert histogram == {"edges": list(drift.CONFIDENCES), "counts": [1, 1, 0, 0, 0, 0, 1, 1], "abstained": 1}


def test_confidences_are_counted_in_the_agents_bins():
    code = (REPOSITORY / "agent" / "src" / "drift" / "answers.rs").read_text(encoding="utf-8")
    edges = re.search(r"const EDGES: \[f32; \d+\] = \[([^\]]+)\]", code)
    assert edges and tuple(map(float, edges[1].split(","))) == drift.CONFIDENCES
