"""Fitting the decision: what is learned, and how it is measured."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from assistant.decision import PASSAGE_FEATURES, QUESTION_FEATURES, Parameters, Regression, load_parameters
from assistant.fitting import Figures, _fitted, curve, made_up_companies, save, threshold_for


def test_the_threshold_turns_away_no_more_answerable_questions_than_allowed() -> None:
    probability = np.array([0.9, 0.8, 0.6, 0.5, 0.4, 0.95])
    answerable = np.array([True, True, True, True, True, False])
    # Of five answerable questions one may be refused: the one at 0.4.
    assert threshold_for(probability, answerable, refuses=0.25) == pytest.approx(0.5)


def test_the_curve_goes_from_answering_all_to_answering_nothing() -> None:
    points = curve(np.array([0.5, 0.5]), np.array([True, False]), points=3)
    assert points == [(0.0, 1.0, 0.0), (0.5, 1.0, 0.0), (1.0, 0.0, 1.0)]


def test_a_feature_that_tells_right_from_wrong_gets_a_positive_weight() -> None:
    table = np.array([[1.0, 5.0], [1.0, 1.0], [0.0, 5.0], [0.0, 1.0]])
    target = np.array([True, True, False, False])
    fitted = _fitted(table, target, np.ones(4), ("telling", "idle"), strength=1.0)
    weights = dict(zip(fitted.names, fitted.weights, strict=True))
    assert weights["telling"] > 0
    assert weights["idle"] == pytest.approx(0.0, abs=1e-6)
    assert fitted.logits(table)[0] > 0 > fitted.logits(table)[3]


def test_small_companies_are_put_together_and_no_record_is_lost() -> None:
    records = [{"company": "Big", "n": n} for n in range(30)] + [{"company": "Tiny", "n": 99}, {"n": 100}]
    companies = made_up_companies(records)
    assert len(companies["Big"]) == 30
    assert sorted(str(r) for listed in companies.values() for r in listed) == sorted(map(str, records))


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
