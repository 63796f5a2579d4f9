"""Replies to golden questions: our own about the sample, and the three sets beside the project."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from assistant.evaluation import judge, question_of, read_questions
from assistant.reply import Assistant
from knowledge.embedding import load_embedder
from knowledge.ingestion import mirror
from knowledge.pages import read_source
from knowledge.settings import load_settings

HERE = Path(__file__).parent
SAMPLE = HERE.parent / "knowledge" / "sources"


def replies_to(questions: Path, source: Path, store: Path) -> tuple[float, float, list[str]]:
    """Share of right replies, of right abstentions, and what was wrong."""
    mirror([read_source(source)], [source.name], store, load_embedder())
    assistant = Assistant.open(load_settings(env_file=None, store=store))
    right, abstained, wrong = [], [], []
    for item in read_questions(questions):
        reply = assistant.reply(item.turns).as_json()
        verdict = judge(item, reply)
        right.append(verdict.right)
        if not item.answerable:
            abstained.append(verdict.right)
        if not verdict.right:
            wrong.append(f"{item.id} {item.turns[-1]!r}: {verdict.why}")
    return sum(right) / len(right), sum(abstained) / len(abstained), wrong


def test_the_sample_is_answered_rightly(tmp_path: Path) -> None:
    right, abstained, wrong = replies_to(HERE / "golden" / "sample.jsonl", SAMPLE, tmp_path)
    assert right >= 0.80, f"{right:.1%} right\n" + "\n".join(wrong)
    assert abstained >= 0.80, f"{abstained:.1%} of the abstentions right"


@pytest.mark.parametrize(
    ("name", "source", "least"),
    [
        ("wix-backend", "wix-backend/team-page.txt", 0.85),
        ("basecamp-handbook", "basecamp-handbook", 0.74),
        ("cds-careers", "cds-careers", 0.73),
    ],
)
def test_pages_of_others_are_answered_rightly(
    shared: Path, tmp_path: Path, name: str, source: str, least: float
) -> None:
    right, _, wrong = replies_to(shared / "eval" / f"{name}.jsonl", shared / "sources" / source, tmp_path)
    assert right >= least, f"{right:.1%} right\n" + "\n".join(wrong)


def golden_lines(file: Path) -> list[Mapping[str, object]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


@pytest.mark.parametrize(
    "file", sorted((HERE / "golden").rglob("*.jsonl")), ids=lambda file: file.parent.name
)
def test_golden_questions_are_well_formed_and_named_once(file: Path) -> None:
    questions = [question_of(line) for line in golden_lines(file)]
    assert len({question.id for question in questions}) == len(questions)
    assert any(question.answerable for question in questions)
    assert any(not question.answerable for question in questions)
