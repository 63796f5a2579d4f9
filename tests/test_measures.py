"""The figures of a run: five questions whose figures were computed by hand."""

from __future__ import annotations

import pytest
from measure_fakes import PARENTS, QUESTIONS, THRESHOLD, FakeAssistant, five_cases

from assistant.conversation import Outcome, Reply
from assistant.evaluation import GoldenQuestion
from assistant.measures import (
    BaselineError,
    Stage,
    Verdict,
    by_kind,
    by_stage,
    by_topic,
    compare,
    curve,
    evaluate,
    figures,
)


def test_figures_of_five_questions() -> None:
    found = figures(five_cases())
    assert str(found.right) == "2/5"
    assert str(found.right_answers) == "1/3"
    assert str(found.right_abstentions) == "1/2"
    assert str(found.false_answers) == "1/2"
    assert str(found.false_refusals) == "1/3"
    assert str(found.wrong_answers) == "1/3"
    assert str(found.cited) == "1/2"
    assert [str(share) for share in found.recall.values()] == ["1/3", "2/3", "3/3"]
    assert found.mrr == pytest.approx((1 + 1 / 2 + 1 / 6) / 3)
    assert found.p50_ms == pytest.approx(30)
    assert found.p95_ms == pytest.approx(40 + 0.8 * 60)


def test_verdict_stage_and_rank_of_each_reply() -> None:
    cases = five_cases()
    assert [case.verdict for case in cases] == [
        Verdict.RIGHT,
        Verdict.FALSE_REFUSAL,
        Verdict.WRONG_ANSWER,
        Verdict.FALSE_ANSWER,
        Verdict.RIGHT,
    ]
    assert [case.stage for case in cases] == [None, Stage.DECISION, Stage.RANKING, Stage.DECISION, None]
    assert [case.rank for case in cases] == [1, 2, 6, None, None]
    assert {stage: [case.question.id for case in found] for stage, found in by_stage(cases).items()} == {
        Stage.RANKING: ["a3"],
        Stage.DECISION: ["a2", "n1"],
    }


def test_evidence_that_was_not_considered_is_a_failure_of_the_search() -> None:
    question = GoldenQuestion("x", ("Is there a pool?",), "answer", evidence=("There is a pool below.",))
    assert next(iter(evaluate(FakeAssistant(), [question]))).stage is Stage.POSTINGS
    searched = {question.turns: Reply(Outcome.NOT_FOUND, "", trace={"probability": 0.1, "passages": []})}
    assert next(iter(evaluate(FakeAssistant(searched), [question]))).stage is Stage.SEARCH


def test_a_question_wrongly_declined_failed_before_the_search() -> None:
    replies = {QUESTIONS[0].turns: Reply(Outcome.DECLINED, "No.")}
    case = next(iter(evaluate(FakeAssistant(replies), QUESTIONS[:1])))
    assert (case.verdict, case.stage) == (Verdict.FALSE_REFUSAL, Stage.REFUSING)


def test_small_talk_taken_for_something_else_is_neither_answer_nor_refusal() -> None:
    case = next(iter(evaluate(FakeAssistant(), [GoldenQuestion("h", ("hi",), "chat")])))
    assert case.verdict is Verdict.WRONG_MANNER


def test_earlier_turns_are_asked_but_not_timed() -> None:
    assistant = FakeAssistant()
    ticks = iter([0.0, 0.007])
    case = next(iter(evaluate(assistant, QUESTIONS[2:3], clock=lambda: next(ticks))))
    assert case.latency_ms == pytest.approx(7)
    assert assistant.asked[1:] == [("Are there pets?",), ("Are there pets?", "And dogs?")]


def test_groups_by_kind_and_by_topic_or_else_the_nearest_of_the_bank() -> None:
    cases = five_cases()
    assert {name: str(found.right) for name, found in by_kind(cases).items()} == {
        "adversarial": "1/1",
        "followup": "0/1",
        "single": "1/2",
        "unanswerable": "0/1",
    }
    assert {name: str(found.right) for name, found in by_topic(cases).items()} == {
        "food": "0/1",
        "leave": "1/1",
        "office": "0/2",
        "—": "1/1",
    }
    bare = GoldenQuestion("a1", QUESTIONS[0].turns, "answer")
    assert list(by_topic(evaluate(FakeAssistant(), [bare]))) == ["meals"]


def test_figures_of_nothing_are_dashes_and_not_divisions_by_zero() -> None:
    found = figures([])
    assert (found.right.value, found.mrr, found.p95_ms) == (None, None, None)
    assert found.as_json()["right"] == {"share": None, "count": 0, "of": 0}


def test_curve_of_the_decision() -> None:
    drawn = curve(five_cases(), THRESHOLD)
    assert drawn is not None
    assert (drawn.answerable, drawn.unanswerable) == (3, 1)  # 0.9, 0.3, 0.8 against 0.6
    assert [(p.threshold, p.false_answers, round(p.false_refusals, 3)) for p in drawn.points] == [
        (0.0, 1.0, 0.0),
        (0.3, 1.0, 0.0),
        (0.6, 1.0, 0.333),
        (0.8, 0.0, 0.333),
        (0.9, 0.0, 0.667),
        (1.0, 0.0, 1.0),
    ]
    assert drawn.operating.false_answers == 1.0
    assert drawn.operating.false_refusals == pytest.approx(1 / 3)
    assert drawn.ordered == pytest.approx(2 / 3)


def test_there_is_no_curve_without_both_sorts_of_question() -> None:
    assert curve(five_cases()[:3], THRESHOLD) is None


def test_kinds_of_which_both_outcomes_are_right_are_no_part_of_the_curve() -> None:
    negation = GoldenQuestion("a1", QUESTIONS[0].turns, "answer", "negation")
    cases = [*evaluate(FakeAssistant(), [negation]), *five_cases()[3:]]
    assert curve(cases, THRESHOLD) is None


def test_comparison_with_an_earlier_run() -> None:
    old = {
        "cases": [
            {"id": "a1", "turns": list(QUESTIONS[0].turns), "right": False},
            {"id": "a2", "turns": list(QUESTIONS[1].turns), "right": True},
            {"id": "a3", "turns": ["It was asked in other words."], "right": True},
            {"id": "d1", "turns": list(QUESTIONS[4].turns), "right": True},
        ]
    }
    found = compare(old, five_cases())
    assert (found.better, found.worse) == (("a1",), ("a2",))
    assert (found.new, found.gone) == (("a3", "n1"), ("a3",))
    assert (str(found.before), str(found.now)) == ("2/3", "2/3")


@pytest.mark.parametrize("old", [{}, {"cases": 3}, {"cases": [{"id": "a1"}]}, {"cases": ["a1"]}])
def test_a_baseline_that_is_no_report_is_refused(old: dict[str, object]) -> None:
    with pytest.raises(BaselineError):
        compare(old, five_cases())


def test_a_run_compared_with_itself_has_not_changed() -> None:
    cases = five_cases()
    found = compare({"cases": [case.as_json() for case in cases]}, cases)
    assert (found.better, found.worse, found.new, found.gone) == ((), (), (), ())


def test_case_as_json_holds_what_a_reader_needs() -> None:
    case = five_cases()[0].as_json()
    assert (case["id"], case["right"], case["evidence_rank"], case["verdict"]) == ("a1", True, 1, "right")
    assert case["reply"]["answer"] == PARENTS
    assert case["trace"]["probability"] == 0.9
