"""What a run of golden questions amounts to: cases, figures, the decision's curve, and the change since."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from assistant.conversation import Reply
from assistant.evaluation import GoldenQuestion, Judgement, cited, judge, overlaps

WARM_UP = "What is it like to work here?"
"""Asked first and not measured: the first turn opens indexes that later turns find open."""

EITHER_WAY = ("negation", "closed", "unverified-label")
"""Kinds of which both an answer and a refusal can be right: they say nothing about the decision."""


class BaselineError(ValueError):
    """An earlier report cannot be compared with; the message says why."""


class Answering(Protocol):
    """What is measured: the assistant, or a stand-in for it."""

    def reply(self, turns: Sequence[str]) -> Reply:
        """The reply to the last turn, in the light of the ones before."""


class Verdict(StrEnum):
    """What a reply turned out to be."""

    RIGHT = "right"
    FALSE_ANSWER = "false answer"
    FALSE_REFUSAL = "false refusal"
    WRONG_ANSWER = "wrong answer"
    WRONG_MANNER = "wrong manner"


class Stage(StrEnum):
    """The step of a turn in which a failure arose."""

    REFUSING = "refusing"
    POSTINGS = "postings"
    SEARCH = "search"
    RANKING = "ranking"
    DECISION = "decision"
    WRITING = "writing"


@dataclass(frozen=True)
class Case:
    """A golden question with the reply it got, in the shape of `ask --json`, and its trace."""

    question: GoldenQuestion
    reply: Mapping[str, Any]
    trace: Mapping[str, Any]
    judgement: Judgement
    latency_ms: float = 0.0

    @property
    def right(self) -> bool:
        """Whether the reply is what was expected."""
        return self.judgement.right

    @property
    def status(self) -> str:
        """The reply's status."""
        return str(self.reply.get("status"))

    @property
    def answered(self) -> bool:
        """Whether the reply answers."""
        return self.status == "answered"

    @property
    def passages(self) -> Sequence[Mapping[str, Any]]:
        """The passages considered, best first; none where nothing was searched."""
        return self.trace.get("passages") or ()

    @property
    def probability(self) -> float | None:
        """How probably the passages answer; None where nothing was searched."""
        value = self.trace.get("probability")
        return None if value is None else float(value)

    @cached_property
    def rank(self) -> int | None:
        """The place, from 1, of the first passage that shows the evidence; None where none does."""
        for place, passage in enumerate(self.passages, start=1):
            if shows_evidence(passage, self.question):
                return place
        return None

    @property
    def cited(self) -> bool:
        """Whether a citation shows the evidence."""
        return cited(self.question, self.reply)

    @property
    def verdict(self) -> Verdict:
        """What the reply turned out to be."""
        if self.right:
            return Verdict.RIGHT
        if self.question.answerable:
            return Verdict.WRONG_ANSWER if self.answered else Verdict.FALSE_REFUSAL
        return Verdict.FALSE_ANSWER if self.answered else Verdict.WRONG_MANNER

    @property
    def stage(self) -> Stage | None:
        """The step in which the failure arose; None for a right reply."""
        if self.right:
            return None
        if self.probability is None:
            return Stage.REFUSING if self.status in ("declined", "chat") else Stage.POSTINGS
        if not self.question.answerable:
            return Stage.DECISION
        if self.question.evidence and self.rank is None:
            return Stage.SEARCH
        if not self.answered:
            return Stage.DECISION
        return Stage.RANKING if (self.rank or 1) > 1 else Stage.WRITING

    def as_json(self) -> dict[str, Any]:
        """The case as the report holds it."""
        return {
            "id": self.question.id,
            "turns": list(self.question.turns),
            "kind": self.question.kind,
            "topic": self.question.topic,
            "expect": self.question.expect,
            "all_of": [list(group) for group in self.question.all_of],
            "none_of": list(self.question.none_of),
            "evidence": list(self.question.evidence),
            "right": self.right,
            "verdict": self.verdict.value,
            "why": self.judgement.why,
            "stage": self.stage.value if self.stage else "",
            "evidence_rank": self.rank,
            "latency_ms": round(self.latency_ms, 1),
            "reply": dict(self.reply),
            "trace": dict(self.trace),
        }


def shows_evidence(passage: Mapping[str, Any], question: GoldenQuestion) -> bool:
    """Whether a passage considered shows a snippet of the evidence, with its heading or without."""
    text = str(passage.get("text", ""))
    with_heading = f"{passage.get('heading', '')} {text}"
    return any(overlaps(said, snippet) for said in (text, with_heading) for snippet in question.evidence)


def evaluate(
    assistant: Answering,
    questions: Iterable[GoldenQuestion],
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[Case]:
    """Ask each question and judge the reply to its last turn; only that turn is timed."""
    assistant.reply([WARM_UP])
    for question in questions:
        for number in range(1, len(question.turns)):
            assistant.reply(question.turns[:number])
        started = clock()
        reply = assistant.reply(question.turns)
        taken = 1000 * (clock() - started)
        said = reply.as_json()
        yield Case(question, said, reply.trace, judge(question, said), taken)


# --- figures --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Share:
    """So many of so many."""

    count: int
    of: int

    @property
    def value(self) -> float | None:
        """The share, from 0 to 1; None of nothing."""
        return self.count / self.of if self.of else None

    def __str__(self) -> str:
        return f"{self.count}/{self.of}"


@dataclass(frozen=True)
class Figures:
    """How well a set of questions was answered.

    `right`, `right_answers` and `right_abstentions` are those of the golden questions' scorer: all
    questions, those that expect an answer, and the others. `cited`: answers whose citation shows the
    evidence, of the answers to questions that name some. `recall`: for k = 1, 5 and 20, questions of
    which a passage among the best k shows the evidence, of those that were searched for.
    """

    right: Share
    right_answers: Share
    right_abstentions: Share
    false_answers: Share
    false_refusals: Share
    wrong_answers: Share
    cited: Share
    recall: Mapping[int, Share]
    mrr: float | None
    p50_ms: float | None
    p95_ms: float | None

    def as_json(self) -> dict[str, Any]:
        """Shares as numbers, with what they are shares of."""
        shares = {
            "right": self.right,
            "right_answers": self.right_answers,
            "right_abstentions": self.right_abstentions,
            "false_answers": self.false_answers,
            "false_refusals": self.false_refusals,
            "wrong_answers": self.wrong_answers,
            "cited": self.cited,
            **{f"recall_{k}": share for k, share in self.recall.items()},
        }
        plain = {"mrr": self.mrr, "p50_ms": self.p50_ms, "p95_ms": self.p95_ms}
        return {
            **{
                name: {"share": rounded(share.value), "count": share.count, "of": share.of}
                for name, share in shares.items()
            },
            **{name: rounded(value) for name, value in plain.items()},
        }


def rounded(value: float | None, digits: int = 4) -> float | None:
    """The value for a report; None stays."""
    return None if value is None else round(value, digits)


def figures(cases: Sequence[Case]) -> Figures:
    """The figures of all `cases`."""
    answerable = [case for case in cases if case.question.answerable]
    others = [case for case in cases if not case.question.answerable]
    citable = [case for case in answerable if case.answered and case.question.evidence]
    ranks = [case.rank for case in cases if case.passages and case.question.evidence]
    times = [case.latency_ms for case in cases]
    return Figures(
        right=_share(cases, Verdict.RIGHT),
        right_answers=_share(answerable, Verdict.RIGHT),
        right_abstentions=_share(others, Verdict.RIGHT),
        false_answers=_share(others, Verdict.FALSE_ANSWER),
        false_refusals=_share(answerable, Verdict.FALSE_REFUSAL),
        wrong_answers=_share(answerable, Verdict.WRONG_ANSWER),
        cited=Share(sum(case.cited for case in citable), len(citable)),
        recall={
            k: Share(sum(rank is not None and rank <= k for rank in ranks), len(ranks)) for k in (1, 5, 20)
        },
        mrr=sum(1 / rank for rank in ranks if rank) / len(ranks) if ranks else None,
        p50_ms=float(np.percentile(times, 50)) if times else None,
        p95_ms=float(np.percentile(times, 95)) if times else None,
    )


def _share(cases: Sequence[Case], verdict: Verdict) -> Share:
    return Share(sum(case.verdict is verdict for case in cases), len(cases))


def grouped(cases: Iterable[Case], name: Callable[[Case], str]) -> dict[str, Figures]:
    """The figures of each group of cases, groups in the order of their names."""
    groups: dict[str, list[Case]] = {}
    for case in cases:
        groups.setdefault(name(case) or "—", []).append(case)
    return {key: figures(groups[key]) for key in sorted(groups)}


def by_kind(cases: Iterable[Case]) -> dict[str, Figures]:
    """The figures of each kind of question."""
    return grouped(cases, lambda case: case.question.kind)


def by_topic(cases: Iterable[Case]) -> dict[str, Figures]:
    """The figures of each topic: the one written with the question, else the nearest of the bank."""
    return grouped(cases, lambda case: case.question.topic or nearest_topic(case))


def nearest_topic(case: Case) -> str:
    """The topic of the bank that the turn was taken to be about; empty where none was looked for."""
    topics = case.trace.get("topics") or ()
    return str(topics[0][0]) if topics else ""


def by_stage(cases: Iterable[Case]) -> dict[Stage, list[Case]]:
    """The failures, by the step in which they arose, in the order of the steps."""
    failures = [case for case in cases if not case.right]
    return {stage: found for stage in Stage if (found := [case for case in failures if case.stage is stage])}


# --- the decision's curve ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Point:
    """What a threshold would do: shares of false answers and of false refusals."""

    threshold: float
    false_answers: float
    false_refusals: float

    def as_json(self) -> dict[str, float]:
        """The point as the report holds it."""
        return {
            "threshold": round(self.threshold, 4),
            "false_answers": round(self.false_answers, 4),
            "false_refusals": round(self.false_refusals, 4),
        }


@dataclass(frozen=True)
class Curve:
    """False answers against false refusals over all thresholds, and the point in force.

    Of the questions that were searched for and of which only an answer, or only a refusal, is right.
    `ordered` is the share of pairs, one of each, of which the answerable one is held more probable.
    """

    points: tuple[Point, ...]
    operating: Point
    answerable: int
    unanswerable: int
    ordered: float

    def as_json(self) -> dict[str, Any]:
        """The curve as the report holds it."""
        return {
            "answerable": self.answerable,
            "unanswerable": self.unanswerable,
            "auc": round(self.ordered, 4),
            "operating_point": self.operating.as_json(),
            "points": [point.as_json() for point in self.points],
        }


def curve(cases: Iterable[Case], threshold: float) -> Curve | None:
    """The curve of the decision; None where the questions are all of one sort."""
    answerable: list[float] = []
    unanswerable: list[float] = []
    for case in cases:
        if case.probability is None or case.question.kind in EITHER_WAY or case.question.expect == "chat":
            continue
        (answerable if case.question.answerable else unanswerable).append(case.probability)
    if not answerable or not unanswerable:
        return None

    yes, no = np.array(answerable), np.array(unanswerable)

    def point(at: float) -> Point:
        return Point(at, float((no >= at).mean()), float((yes < at).mean()))

    above, level = yes[:, None] > no[None, :], yes[:, None] == no[None, :]
    return Curve(
        points=tuple(point(at) for at in sorted({0.0, *answerable, *unanswerable, 1.0})),
        operating=point(threshold),
        answerable=len(answerable),
        unanswerable=len(unanswerable),
        ordered=float((above + 0.5 * level).mean()),
    )


# --- the change since an earlier report -------------------------------------------------------------


@dataclass(frozen=True)
class Comparison:
    """Which questions got better or worse since an earlier report, by id."""

    better: tuple[str, ...]
    worse: tuple[str, ...]
    new: tuple[str, ...]
    gone: tuple[str, ...]
    before: Share
    now: Share

    def as_json(self) -> dict[str, Any]:
        """The comparison as the report holds it; `before` and `now` are of the questions in both."""
        return {
            "better": list(self.better),
            "worse": list(self.worse),
            "new": list(self.new),
            "gone": list(self.gone),
            "before": rounded(self.before.value),
            "now": rounded(self.now.value),
        }


def compare(old: Mapping[str, Any], cases: Sequence[Case]) -> Comparison:
    """What changed since the report `old`; a question whose turns were rewritten counts as new.

    Raises `BaselineError` where `old` is no report.
    """
    try:
        before = {(str(case["id"]), tuple(case["turns"])): bool(case["right"]) for case in old["cases"]}
    except (KeyError, TypeError) as error:
        raise BaselineError("It is no report of `python -m assistant evaluate --out`.") from error
    now = {(case.question.id, case.question.turns): case.right for case in cases}
    both = [key for key in now if key in before]
    return Comparison(
        better=tuple(key[0] for key in both if now[key] and not before[key]),
        worse=tuple(key[0] for key in both if before[key] and not now[key]),
        new=tuple(key[0] for key in now if key not in before),
        gone=tuple(key[0] for key in before if key not in now),
        before=Share(sum(before[key] for key in both), len(both)),
        now=Share(sum(now[key] for key in both), len(both)),
    )
