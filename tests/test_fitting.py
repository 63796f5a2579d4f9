"""Fitting the decision: what is learned, and how it is measured."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import page_of, reading_of

from assistant.decision import PASSAGE_FEATURES, QUESTION_FEATURES, Parameters, Regression, load_parameters
from assistant.fitting import (
    Absent,
    Figures,
    balanced,
    curve,
    fit_answering,
    made_up_companies,
    read_absent,
    save,
    threshold_for,
    unmentioned,
)
from knowledge.encoder import Record


def test_the_threshold_is_where_most_is_decided_rightly() -> None:
    probability = np.array([0.9, 0.8, 0.6, 0.5, 0.3])
    answerable = np.array([True, True, True, False, False])
    # From 0.51 to 0.60 all five are right; the middle of that is taken.
    assert threshold_for(probability, answerable, np.ones(5)) == pytest.approx(0.555)


def test_a_heavy_false_answer_moves_the_threshold_up() -> None:
    probability, answerable = np.array([0.4, 0.6, 0.8]), np.array([True, False, True])
    assert threshold_for(probability, answerable, np.array([1.0, 0.5, 1.0])) < 0.4
    assert threshold_for(probability, answerable, np.array([1.0, 5.0, 1.0])) > 0.6


def test_balanced_weights_give_both_sides_half() -> None:
    weights = balanced(np.array([True, True, True, False]), np.ones(4))
    assert weights == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2.0])


def test_the_curve_goes_from_answering_all_to_answering_nothing() -> None:
    points = curve(np.array([0.5, 0.5]), np.array([True, False]), points=3)
    assert points == [(0.0, 1.0, 0.0), (0.5, 1.0, 0.0), (1.0, 0.0, 1.0)]


def test_a_feature_that_tells_right_from_wrong_gets_a_positive_weight() -> None:
    table = np.array([[1.0, 5.0], [1.0, 1.0], [0.0, 5.0], [0.0, 1.0]])
    target = np.array([True, True, False, False])
    fitted = fit_answering(table, target, np.ones(4), ("telling", "idle"), strength=1.0)
    weights = dict(zip(fitted.names, fitted.weights, strict=True))
    assert weights["telling"] > 0
    assert weights["idle"] == pytest.approx(0.0, abs=1e-6)
    assert fitted.logits(table)[0] > 0 > fitted.logits(table)[3]


def test_a_feature_that_may_only_speak_for_an_answer_is_never_held_against_it() -> None:
    table, target = np.array([[0.0], [1.0]]), np.array([True, False])
    assert fit_answering(table, target, np.ones(2), ("likeness",), {"likeness": 1}, 1.0).weights == (0.0,)
    assert fit_answering(table, target, np.ones(2), ("likeness",), {"likeness": 0}, 1.0).weights[0] < 0


def record(topic: str, number: int) -> Record:
    return Record(topic, "", f"Passage {number}.", ("a", "b", "c", "d"), ("near one", "near two"))


def test_records_are_dealt_into_companies_of_all_sizes_and_none_is_lost() -> None:
    records = [record(f"topic {n % 12}", n) for n in range(96)]
    companies = made_up_companies(records, sizes=(6, 12, 30))
    dealt = [entry for listed in companies.values() for entry in listed]
    assert sorted(entry.passage for entry in dealt) == sorted(entry.passage for entry in records)
    assert {
        abs(len(listed) - size) <= 1 for listed, size in zip(companies.values(), (6, 12, 30) * 2, strict=True)
    } == {True}


def test_a_small_made_up_company_says_nothing_twice() -> None:
    records = [record(f"topic {n % 48}", n) for n in range(96)]
    for name, listed in made_up_companies(records, sizes=(6, 12, 30)).items():
        if len(listed) <= 12:
            assert len({entry.topic for entry in listed}) == len(listed), name


def test_only_what_a_page_never_mentions_is_asked_as_having_no_answer() -> None:
    reading = reading_of(page_of("life.md", "On Tuesdays the CHESS club meets."))
    absent = [Absent("Is there a chess club?", ("chess",)), Absent("Any sauna?", ("sauna", "steam bath"))]
    (only,) = unmentioned(reading, absent, seed=1)
    assert only.turns == ("Any sauna?",) and not only.answerable


def test_questions_about_absent_things_are_read_from_a_file_where_there_is_one(tmp_path: Path) -> None:
    assert read_absent(tmp_path / "absent.json") == []
    (tmp_path / "absent.json").write_text('[{"ask": "Any sauna?", "needs": ["sauna"]}]', encoding="utf-8")
    assert read_absent(tmp_path / "absent.json") == [Absent("Any sauna?", ("sauna",))]


def test_saved_parameters_are_read_back(tmp_path: Path) -> None:
    ranking = Regression(PASSAGE_FEATURES, tuple(0.5 for _ in PASSAGE_FEATURES), -1.0)
    answering = Regression(QUESTION_FEATURES, tuple(0.25 for _ in QUESTION_FEATURES), 2.0)
    file = tmp_path / "decision.json"
    save(file, Parameters(ranking, answering, 0.4), [Figures("Invented", 3, 0.5, 0.75)], [(0.5, 0.1, 0.2)])
    assert load_parameters(file) == Parameters(ranking, answering, 0.4)
    assert json.loads(file.read_text(encoding="utf-8"))["cross_validation"][0]["auc"] == 0.75


def test_parameters_of_other_features_are_refused_with_the_next_step(tmp_path: Path) -> None:
    file = tmp_path / "old.json"
    old = {"weights": {"sentence": 1.0}, "bias": 0.0}
    file.write_text(json.dumps({"ranking": old, "answering": old, "threshold": 0.5}), encoding="utf-8")
    with pytest.raises(ValueError, match="python -m assistant fit"):
        load_parameters(file)
