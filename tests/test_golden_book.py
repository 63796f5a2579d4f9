"""Golden questions as recruiters keep them: the table, files, runs and what changed between two of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import cast

import pytest

from assistant.conversation import Outcome, Reply
from assistant.evaluation import GoldenQuestion, QuestionsError
from assistant.reply import Assistant
from ui.database import Database
from ui.golden import TABLE, AfterIngest, GoldenBook

PETS = GoldenQuestion("pets", ("May I bring my dog?",), "answer", all_of=(("yes",),))
CAR = GoldenQuestion("car", ("Do I get a car?",), "not_found")


class Says:
    """An assistant whose answers the test sets; what it was never told, it does not find."""

    def __init__(self, **answers: str) -> None:
        self.answers = answers
        self.version = "000001"

    def reply(self, turns: Sequence[str], about: str = "") -> Reply:
        for word, text in self.answers.items():
            if word in turns[-1]:
                return Reply(Outcome.ANSWERED, text)
        return Reply(Outcome.NOT_FOUND, "The pages do not say.")


def assistant(**answers: str) -> Assistant:
    return cast("Assistant", Says(**answers))


@pytest.fixture
def book(database: Database) -> GoldenBook:
    kept = GoldenBook(database)
    kept.save([PETS, CAR], "ada")
    return kept


def ran(book: GoldenBook, who: Assistant, trigger: str | None = None) -> int:
    *_, (done, total, run) = book.run(who, "ada", trigger)
    assert (done, total) == (2, 2)
    return run.id


def test_the_table_shows_the_questions_and_saving_it_unchanged_changes_nothing(book: GoldenBook) -> None:
    before = book.questions()
    assert [dict(zip(TABLE, row, strict=True))["question"] for row in book.table()] == [
        "Do I get a car?",
        "May I bring my dog?",
    ]
    book.save_table(book.table(), "ben")
    assert book.questions() == before


def test_a_row_can_be_changed_added_and_left_out(book: GoldenBook) -> None:
    _, pets = book.table()
    pets[1] = "May I bring my cat? / And a dog?"
    book.save_table([pets, ["", "Is there a bus?", "", "line 7", None, float("nan"), ""], [""] * 7], "ben")
    assert {q.id: (q.turns, q.expect, q.all_of) for q in book.questions()} == {
        "pets": (("May I bring my cat?", "And a dog?"), "answer", (("yes",),)),
        "row-2": (("Is there a bus?",), "answer", (("line 7",),)),
    }


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (["x", "A?", "perhaps", "", "", "", ""], "Row 1: expect is 'perhaps'"),
        (["x", "", "answer", "yes", "", "", ""], "Row 1: turns holds no question"),
    ],
)
def test_a_row_that_makes_no_sense_is_named_and_the_old_questions_stay(
    book: GoldenBook, row: list[str], why: str
) -> None:
    with pytest.raises(QuestionsError, match=why):
        book.save_table([row], "ben")
    assert len(book.questions()) == 2


def test_two_people_who_edit_the_table_at_once_lose_nothing(book: GoldenBook) -> None:
    table, shown = book.table(), ["car", "pets"]
    book.add(["Is there a bus?"], "not_found", "ben")  # while Ada has her table open
    table[0][4] = "a red one"
    book.save_table(table[:1], "ada", shown)  # she changed the car, and took the pets out
    assert {q.id: q.none_of for q in book.questions()} == {"car": ("a red one",), "q001": ()}
    with pytest.raises(QuestionsError, match="'q001' was taken"):
        book.save_table([["q001", "Other?", "answer", "", "", "", ""]], "ada", ["car"])


def test_an_id_used_twice_is_named(book: GoldenBook) -> None:
    with pytest.raises(QuestionsError, match="'car' is used twice"):
        book.save_table([book.table()[0], ["car", "Other?", "answer", "", "", "", ""]], "ben")


@pytest.mark.parametrize("name", ["set.csv", "set.jsonl"])
def test_what_is_exported_can_be_imported_again(book: GoldenBook, name: str) -> None:
    text = book.as_csv() if name.endswith("csv") else book.as_jsonl()
    before = book.questions()
    book.save_table([], "ada")
    assert book.questions() == []
    assert book.read(name, text.encode(), "ben") == 2
    assert book.questions() == before


def test_a_file_that_is_none_is_refused_with_its_line(book: GoldenBook) -> None:
    with pytest.raises(QuestionsError, match=r"set\.jsonl, line 1 is no JSON"):
        book.read("set.jsonl", b"%PDF-1.7", "ada")
    with pytest.raises(QuestionsError, match="UTF-8"):
        book.read("../../etc/set.csv", "question\ncaf\xe9?\n".encode("latin-1"), "ada")


def test_a_question_is_added_under_the_next_free_id(book: GoldenBook) -> None:
    assert (
        book.add(["Is there a  bus?"], "answer", "ada", must_say="line 7|bus", evidence="The bus stops.")
        == "q001"
    )
    assert book.add(["And a train?"], "not_found", "ada") == "q002"
    added = {question.id: question for question in book.questions()}["q001"]
    assert (added.turns, added.all_of, added.evidence) == (
        ("Is there a bus?",),
        (("line 7", "bus"),),
        ("The bus stops.",),
    )


def test_a_run_keeps_what_was_right_and_why_something_was_wrong(book: GoldenBook) -> None:
    run = ran(book, assistant(dog="Yes.", car="A red one."))
    (latest,) = book.runs()
    assert (latest.id, latest.state, latest.asked, latest.right) == (run, "finished", 2, 1)
    wrong, right = book.results(run)
    assert (wrong.question, wrong.right, right.right) == ("car", False, True)
    assert wrong.why == "answered, but should not answer" and wrong.answer == "A red one."


def test_a_run_that_is_stopped_keeps_what_was_asked(book: GoldenBook) -> None:
    list(book.run(assistant(), "ada", stopped=lambda: True))
    (run,) = book.runs()
    assert (run.state, run.asked) == ("stopped", 1)


def test_a_run_whose_window_was_closed_is_stopped(book: GoldenBook) -> None:
    run = book.run(assistant(), "ada")
    next(run)
    run.close()  # type: ignore[attr-defined]
    assert book.runs()[0].state == "stopped"


def test_a_run_that_breaks_is_failed(book: GoldenBook) -> None:
    class Broken(Says):
        def reply(self, turns: Sequence[str], about: str = "") -> Reply:
            if "dog" in turns[-1]:
                raise RuntimeError("no")
            return super().reply(turns)

    with pytest.raises(RuntimeError):
        list(book.run(cast("Assistant", Broken()), "ada"))
    assert book.runs()[0].state == "failed"


def test_two_runs_are_compared_worse_first(book: GoldenBook) -> None:
    first = ran(book, assistant(dog="Yes."))
    book.save([GoldenQuestion("new", ("A new one?",), "not_found")], "ada")
    book.save([GoldenQuestion("car", ("Is there a car, any car?",), "not_found")], "ada")
    list(book.run(assistant(dog="No."), "ada"))
    second = book.runs()[0].id
    assert [(row.question, row.change) for row in book.compare(second, first)] == [
        ("pets", "worse"),
        ("car", "new"),
        ("new", "new"),
        ("car", "gone"),
    ]
    assert book.compare(second, first)[0].now == "does not say “yes”"


def test_after_an_ingest_only_one_process_runs_them(book: GoldenBook) -> None:
    assert list(book.run(assistant(), "", "ingest:000002")) != []
    assert list(GoldenBook(book.database).run(assistant(), "", "ingest:000002")) == []
    assert len(book.runs()) == 1


def test_what_got_worse_by_itself_is_told_until_somebody_runs_them_again(book: GoldenBook) -> None:
    ran(book, assistant(dog="Yes."))
    assert book.got_worse() is None
    ran(book, assistant(), "ingest:000002")
    found = book.got_worse()
    assert found and [row.question for row in found[2]] == ["pets"]
    ran(book, assistant())
    assert book.got_worse() is None


def test_no_questions_are_no_run(database: Database) -> None:
    assert list(GoldenBook(database).run(assistant(), "ada")) == [] and GoldenBook(database).runs() == []


def test_a_new_version_is_noticed_and_run_once(book: GoldenBook) -> None:
    says = Says(dog="Yes.")
    watching = AfterIngest(book, cast("Assistant", says), every=0.02)
    watching.start()
    says.version = "000002"
    ended = time.monotonic() + 20
    while time.monotonic() < ended and not [run for run in book.runs() if run.state == "finished"]:
        time.sleep(0.02)
    watching.stop()
    watching.join(10)
    (run,) = book.runs()
    assert (run.trigger, run.version, run.right) == ("ingest:000002", "000002", 2)
