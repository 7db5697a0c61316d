"""How the incident model is judged: figures that mean what they say, and baselines that are no straw men."""

import json

import numpy as np
import pytest

from lineside_training.heldout import sets
from lineside_training.heldout.frozen import UNKNOWN, Set, frozen
from lineside_training.incident import answers, scoring
from lineside_training.incident.answers import Answers
from lineside_training.incident.baselines import Baselines, Reader, RuleTable, left_over


def some(name: str, count: int) -> Set:
    rows = list(sets.make(name, frozen()[name]["seed"] + 500, count))
    return Set(name, [row["case"] for row in rows], [row["truth"] for row in rows])


def said(labels: list[str], confidence: float = 0.95) -> Answers:
    sure = np.full(len(labels), confidence)
    known = np.array([confidence if label != UNKNOWN else 0.1 for label in labels])
    told = [None if label == UNKNOWN else label for label in labels]
    return Answers(labels, sure, known, told, [None] * len(labels), [set() for _ in labels])


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(scoring.TABLE)


def test_the_truth_scores_full_marks_and_a_wrong_answer_none():
    of = some("distractors", 12)
    right = said(of.truth)
    right.unexplained = [set(truth["unexplained"]) for truth in of.truths]
    figures = scoring.figures(of, right, set())
    assert figures["accuracy"] == figures["unexplained channels flagged"] == 1
    assert figures["explained channels flagged"] == 0
    assert figures["ece"] == pytest.approx(0.05)
    wrong = said([UNKNOWN] * 12)
    figures = scoring.figures(of, wrong, set())
    assert (figures["accuracy"], figures["answered"], figures["unexplained channels flagged"]) == (0, 0, 0)


def test_of_two_faults_either_counts_as_found_and_both_only_together():
    of = some("compound", 6)
    found = said([truth["second"] for truth in of.truths])
    assert scoring.right(of, found).all()
    assert scoring.figures(of, found, set())["both faults"] == 0
    found.second = [truth["mode"] for truth in of.truths]
    assert scoring.figures(of, found, set())["both faults"] == 1


def test_a_fault_that_is_called_healthy_is_counted():
    of = some("in_distribution", 10)
    figures = scoring.figures(of, said(["stopped"] * 10), {"stopped"})
    faults = [truth for truth in of.truths if not truth["benign"]]
    assert faults and figures["fault called benign"] == 1


def test_faults_of_no_known_class_are_scored_by_what_is_said_and_how_surely():
    known, unseen = said(["jammed"] * 8), said(["jammed"] * 2 + [UNKNOWN] * 6)
    unseen.known[:2] = 0.95
    figures = scoring.never_seen([known], unseen, {"stopped"})
    assert figures["called unknown"] == 0.75
    assert figures["confident and wrong"] == 0.25
    assert figures["AUROC"] == pytest.approx(0.75 + 0.25 / 2)


def test_harm_of_notes_is_counted_case_by_case():
    figures = scoring.harm(np.array([True, False, False, True]), np.array([True, True, False, False]))
    assert (figures["mended"], figures["harmed"], figures["difference"]) == (1, 1, 0)


@pytest.mark.parametrize(
    ("name", "label", "unit", "key"),
    [
        ("saugdruck", "Saugdruck", "bar", "pressure@inlet"),
        ("LT-703_OIL", "LT-703 OIL", "%", "level@oil"),
        ("xBrgTmp", "xBrgTmp", "°C", "temperature@bearing"),
        ("filter_differential_pressure", "filter differential pressure", "mbar", "pressure_difference@filter"),
        ("courant_moteur", "courant moteur", "A", "current"),
        ("abc", "abc", "", "other"),
    ],
)
def test_the_baselines_read_names_by_the_words_of_the_table(reader, name, label, unit, key):
    assert reader.key(name, label, unit) == key


def test_the_rule_table_is_no_straw_man(reader):
    of = some("in_distribution", 150)
    found = RuleTable(reader).answers(of.cases, 10.0)
    assert scoring.right(of, found).mean() > 0.85


def test_a_signature_leaves_over_what_it_does_not_move(reader):
    of = some("distractors", 40)
    plain = [at for at, truth in enumerate(of.truths) if truth["about"] == "plain"]
    cases, truths = [of.cases[at] for at in plain], [of.truths[at] for at in plain]
    found = left_over(reader, cases, [truth["mode"] for truth in truths])
    flagged = sum(len(names & set(truth["unexplained"])) for names, truth in zip(found, truths))
    assert flagged > 0.9 * sum(len(truth["unexplained"]) for truth in truths)


def test_judgements_of_the_agent_are_read_as_it_prints_them(tmp_path):
    rows = [
        {"label": "jammed", "confidence": 0.9, "scores": [["jammed", 0.9], [UNKNOWN, 0.1]], "benign": False},
        {"label": None, "confidence": 0.6, "scores": [[UNKNOWN, 0.6], ["jammed", 0.4]], "benign": False},
        # Two faults together are likelier than none of the known ones.
        {"label": "jammed", "confidence": 0.6, "scores": [[UNKNOWN, 0.4], ["jammed", 0.35]], "benign": False},
    ]
    rows = [row | {"second": None, "unexplained": ["flow"], "because": []} for row in rows]
    path = tmp_path / "judgements.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = answers.read(path)
    assert (found.best, found.said) == (["jammed", UNKNOWN, "jammed"], ["jammed", None, "jammed"])
    assert found.known.tolist() == [0.9, 0.4, 0.35]
    assert found.unexplained == [{"flow"}] * 3


def test_the_card_has_every_set_and_every_judge(tmp_path):
    training = tmp_path / "training.jsonl"
    rows = [row for name in ("in_distribution", "never_seen") for row in sets.make(name, 5, 120)]
    training.write_text("".join(json.dumps(row) + "\n" for row in rows))
    baselines = Baselines(scoring.TABLE, training, 7, ("logistic regression",))
    held = {name: some(name, 8) for name in sets.SETS}
    for name in ("unseen_wording", "misleading"):
        held[f"{name} without notes"] = held[name].without_notes()
    result = scoring.summary(held, scoring.judge(held, [], baselines), {"stopped"})
    text = scoring.markdown(json.loads(json.dumps(result)))
    for name in (*held, "rule table", "logistic regression"):
        assert name.replace("never_seen", "no known class") in text
