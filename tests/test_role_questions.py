"""What a question asks of roles: labels, fields, counts and codes, told by its words."""

from __future__ import annotations

import pytest
from assistant_fakes import asked
from conftest import WordEmbedder

from assistant.role_questions import (
    asked_labels,
    asks_for_count,
    asks_for_list,
    asks_of_role,
    codes_in,
    excluded_labels,
    fields_asked,
)


@pytest.mark.parametrize(
    ("text", "labels", "excluded"),
    [
        ("which are part time?", {"Part time"}, set()),
        ("which are not full time?", {"Full time"}, {"Full time"}),
        ("something to do from my kitchen table", {"Remote"}, set()),
        ("which can be done remotely but not full-time?", {"Remote", "Full time"}, {"Full time"}),
    ],
)
def test_labels_wanted_and_not_wanted(text: str, labels: set[str], excluded: set[str]) -> None:
    assert asked_labels(text) == labels
    assert excluded_labels(text) == excluded


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("what is the deadline?", "closes"),
        ("hourly wage of the cook", "salary"),
        ("where is it based?", "locations"),
        ("can I work from home?", "workplace_type"),
        ("which department is it in?", "department"),
        ("Wie bewerbe ich mich? Bewerbung", "apply"),
    ],
)
def test_the_field_of_a_posting_that_is_asked_for(text: str, field: str) -> None:
    assert field in fields_asked(text)


@pytest.mark.parametrize(
    "text", ["how many openings are there?", "number of vacancies", "Wie viele Stellen gibt es?"]
)
def test_counting_roles_is_counting(embedder: WordEmbedder, text: str) -> None:
    question = asked(text, embedder)
    assert asks_for_count(question) and asks_for_list(question)


@pytest.mark.parametrize(
    "text", ["how many weeks of leave are there?", "how many interviews for the analyst role?"]
)
def test_counting_other_things_is_not(embedder: WordEmbedder, text: str) -> None:
    assert not asks_for_list(asked(text, embedder))


def test_codes_are_read_from_a_question() -> None:
    assert codes_in("which jobs are EC-07?") == ["EC-07"]


@pytest.mark.parametrize(
    ("text", "of_role"),
    [
        ("how is the miller paid?", True),
        ("who is the miller's boss?", True),
        ("is the miller role taken?", False),
        ("a miller", False),
    ],
)
def test_a_question_of_a_role_is_told_from_one_for_it(text: str, of_role: bool) -> None:
    assert asks_of_role(text) is of_role
