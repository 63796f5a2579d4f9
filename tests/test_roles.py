"""Which postings a question names, and which lists it wishes for."""

from __future__ import annotations

from pathlib import Path

import pytest
from assistant_fakes import MILL, asked, filled, posting
from conftest import WordEmbedder

from assistant.roles import (
    RoleBook,
    asked_labels,
    asks_for_count,
    asks_for_list,
    codes_in,
    disciplines,
    excluded_labels,
    fields_asked,
)


@pytest.fixture
def book(tmp_path: Path, embedder: WordEmbedder) -> RoleBook:
    return RoleBook(filled(tmp_path / "store", embedder, *MILL), company_words={"mill", "opava"})


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("the night watch role", "SRE, Night Watch"),
        ("do you need a site reliability engineer?", "SRE, Night Watch"),
        ("tell me about the payroll accountant", "Payroll Accountant"),
        ("is the harbour pilot taken?", "Harbour Pilot"),
    ],
)
def test_a_posting_is_known_by_its_title_or_its_initials(book: RoleBook, text: str, title: str) -> None:
    assert book.mentioned(text, [*book.open, *book.closed])[0].title == title


def test_no_posting_is_named_by_a_question_about_something_else(book: RoleBook) -> None:
    assert book.mentioned("how many weeks of leave are there?", book.open) == []


def test_the_places_of_postings_are_known_though_they_are_small_and_name_the_company(book: RoleBook) -> None:
    assert book.places("anything in opava?") == ["Opava"]


def test_disciplines_are_known_across_languages() -> None:
    assert set(disciplines("Buchhalter")) & set(disciplines("accountant"))
    assert not set(disciplines("Köchin")) & set(disciplines("accountant"))


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


def test_a_town_that_no_gazetteer_knows_is_found_within_its_line(
    tmp_path: Path, embedder: WordEmbedder
) -> None:
    jobs = (posting("Miller", "Bergtal Mills, Tamland"), posting("Clerk", "Gdynia, Poland"))
    book = RoleBook(filled(tmp_path / "store", embedder, *jobs))
    roles = book.wanted(asked("any jobs in Bergtal Mills?", embedder), book.open)
    assert [job.title for job in roles.jobs] == ["Miller"]


def test_a_role_with_a_label_is_looked_for_among_those_that_print_it(
    tmp_path: Path, embedder: WordEmbedder
) -> None:
    jobs = (
        posting("Data Analyst", "Gdynia", workplace_type="Remote"),
        posting("Data Analyst, Mills", "Opava", workplace_type="On site"),
        posting("Payroll Accountant", "Opava", workplace_type="Remote"),
    )
    book = RoleBook(filled(tmp_path / "store", embedder, *jobs))
    roles = book.wanted(asked("any remote data analyst jobs?", embedder), book.open)
    assert ([job.title for job in roles.jobs], roles.wish) == (["Data Analyst"], "Remote data analyst")


def test_a_posting_gone_from_its_board_is_known_as_closed(tmp_path: Path, embedder: WordEmbedder) -> None:
    filled(tmp_path / "store", embedder, *MILL)
    book = RoleBook(filled(tmp_path / "store", embedder, *MILL[1:]))
    gone = book.mentioned("the night watch role", book.closed)
    assert [job.title for job in gone] == ["SRE, Night Watch"]
    assert "SRE, Night Watch" not in [job.title for job in book.open]


def test_of_one_kind_of_roles_those_named_in_full_come_first(tmp_path: Path, embedder: WordEmbedder) -> None:
    titles = ("Product Director", "Product Lead", "Senior Product Analyst", "Product Owner")
    jobs = [posting(title) for title in titles]
    book = RoleBook(filled(tmp_path / "store", embedder, *jobs))
    wanted = book.wanted(
        asked("Any openings, say senior product analyst, for a charming person?", embedder), book.open
    )
    assert wanted.jobs[0].title == "Senior Product Analyst"
