"""Which postings a question names, and which lists it wishes for."""

from __future__ import annotations

from pathlib import Path

import pytest
from assistant_fakes import MILL, asked, filled, posting
from conftest import WordEmbedder

from assistant.questions import Question
from assistant.role_questions import asked_labels
from assistant.roles import Match, RoleBook
from knowledge.documents import Status
from knowledge.sentences import words


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


TITLES = (
    posting("Miller", "Opava"),
    posting(
        "Senior Miller (Perm, Tamland, Remote)", "Gdynia", employment_type="Perm", workplace_type="Remote"
    ),
    posting("Oat Miller", "Gdynia"),
    posting("Head of Mills and Silos", "Opava"),
    posting("Area Miller II - (Shift 3)", "Opava", employment_type="Shift 3"),
    posting("Area Miller I - (Shift 1)", "Opava", employment_type="Shift 1"),
    posting("Remote Sensing Miller", "Opava"),
    posting("Open Position", "Opava", status=Status.CLOSED),
)


@pytest.fixture
def mills(tmp_path: Path, embedder: WordEmbedder) -> RoleBook:
    return RoleBook(filled(tmp_path / "store", embedder, *TITLES))


def titles(book: RoleBook, question: Question) -> list[str]:
    return [job.title for job in book.wanted(question, book.open).jobs]


@pytest.mark.parametrize(
    "question",
    [
        "Do you look for a {}?",
        "Do you seek a {}?",
        "any openings for {}",
        "Is the {} role still open?",
        "ARE YOU HIRING A {}",
        "Sucht ihr einen {}?",
        "Recherchez-vous un {} ?",
    ],
)
@pytest.mark.parametrize(
    "title",
    [
        "Senior Miller (Perm, Tamland, Remote)",
        "senior miller  perm tamland REMOTE",
        "Area Miller II - (Shift 3)",
        "Remote Sensing Miller",
    ],
)
def test_a_title_named_in_full_comes_first_though_it_holds_a_label_or_a_place(
    mills: RoleBook, embedder: WordEmbedder, question: str, title: str
) -> None:
    found = titles(mills, asked(question.format(title), embedder))[0]
    assert words(found) == words(title)


def test_of_two_titles_in_the_same_words_the_longer_is_meant(mills: RoleBook) -> None:
    text = "is the oat miller taken, or the area miller II (shift 3)?"
    named = [job.title for job in mills.named_in_full(text, mills.open)]
    assert named == ["Area Miller II - (Shift 3)", "Oat Miller"]


def test_words_outside_the_title_are_asked_for(mills: RoleBook, embedder: WordEmbedder) -> None:
    question = asked("Is the Senior Miller (Perm, Tamland, Remote) role part time and in Opava?", embedder)
    apart = mills.apart(question)
    assert apart.standalone == "Is the opening role part time and in Opava?"
    assert asked_labels(apart.standalone) == {"Part time"}
    assert not mills.asks_for_nothing_else(asked("What does the oat miller wear?", embedder))
    assert mills.asks_for_nothing_else(asked("Do you need an oat miller in Opava?", embedder))


def test_a_list_of_a_kind_starts_with_the_titles_that_hold_most_of_the_wish(
    tmp_path: Path, embedder: WordEmbedder
) -> None:
    jobs = [posting(title) for title in ("Sales Clerk", "Account Executive", "Sales Executive, Oats")]
    book = RoleBook(filled(tmp_path / "store", embedder, *jobs))
    listed = titles(book, asked("Do you need a keen sales executive?", embedder))
    assert listed[0] == "Sales Executive, Oats"
    assert sorted(listed) == sorted(job.title for job in jobs)


def test_a_label_printed_with_a_number_is_looked_for_with_it(mills: RoleBook, embedder: WordEmbedder) -> None:
    assert titles(mills, asked("Do you have jobs on shift 3?", embedder)) == ["Area Miller II - (Shift 3)"]
    assert len(titles(mills, asked("Do you have any shift jobs?", embedder))) == 2
    assert titles(mills, asked("Any remote sensing jobs?", embedder)) == ["Remote Sensing Miller"]


def test_one_line_may_state_two_labels(tmp_path: Path, embedder: WordEmbedder) -> None:
    jobs = (posting("Miller", employment_type="Perm or Contract"), posting("Clerk", employment_type="Perm"))
    book = RoleBook(filled(tmp_path / "store", embedder, *jobs))
    assert titles(book, asked("Any contract positions?", embedder)) == ["Miller"]


def test_two_roles_asked_for_at_once_are_both_listed(mills: RoleBook, embedder: WordEmbedder) -> None:
    listed = titles(mills, asked("Do you look for an oat miller or a head of silos?", embedder))
    assert listed == ["Oat Miller", "Head of Mills and Silos"]


def test_a_place_without_the_title_asked_for_is_told_and_the_title_listed(
    mills: RoleBook, embedder: WordEmbedder
) -> None:
    roles = mills.wanted(asked("Is there an opening for an oat miller in Opava?", embedder), mills.open)
    assert (roles.match, roles.wish) == (Match.NONE, "Oat Miller, Opava")
    assert [job.title for job in roles.jobs] == ["Oat Miller"]


def test_titles_of_the_same_stems_are_told_apart(tmp_path: Path, embedder: WordEmbedder) -> None:
    jobs = (posting("Production Manager", "Opava"), posting("Product Manager", "Opava"))
    book = RoleBook(filled(tmp_path / "store", embedder, *jobs))
    assert [job.title for job in book.mentioned("is the product manager job remote?", book.open)] == [
        "Product Manager"
    ]
    assert titles(book, asked("Do you need a production manager?", embedder))[0] == "Production Manager"
    assert len(book.mentioned("product managers", book.open)) == 2


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("Is the oat miller taken?", True),
        ("Has the oat miller position been filled?", True),
        ("oat miller", True),
        ("How do you choose an oat miller?", False),
        ("Do I need experience as an oat miller?", False),
        ("Is the oat miller role part time?", False),
        ("What does an oat miller do?", False),
    ],
)
def test_a_title_and_words_of_asking_ask_for_the_opening(
    mills: RoleBook, embedder: WordEmbedder, text: str, asks: bool
) -> None:
    assert mills.asks_for_title(asked(text, embedder)) is asks
