"""Replies put together from pieces and from several questions."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from assistant.composing import Memory, Pieces, joined, renumbered, told
from assistant.conversation import Citation, Outcome, Reply

LEAVE = Reply(
    Outcome.ANSWERED,
    "You have 27 days [1].",
    (Citation("pages.md", "Leave", "", "27 days"),),
    trace={"fallback": "away"},
)
SILENT = Reply(Outcome.NOT_FOUND, "Nothing is said of dogs.", writer="catalogue")


def pieces(reply: Reply, *said: str) -> Pieces[tuple[Reply, Memory]]:
    yield from said
    return reply, Memory()


def drained(stream: Generator[str, None, tuple[Reply, Memory]]) -> tuple[list[str], Reply]:
    said = []
    while True:
        try:
            said.append(next(stream))
        except StopIteration as end:
            return said, end.value[0]


def test_citations_of_joined_replies_are_numbered_through() -> None:
    both = joined([LEAVE, LEAVE, SILENT])
    assert both.text == "You have 27 days [1].\n\nYou have 27 days [2].\n\nNothing is said of dogs."
    assert both.outcome is Outcome.ANSWERED and len(both.citations) == 2
    assert (both.writer, both.trace["fallback"]) == (f"{LEAVE.writer} + catalogue", "away; away")
    assert renumbered("so [1] and [2]", 3) == "so [4] and [5]"


def test_what_two_questions_have_in_common_is_said_once() -> None:
    assert joined([SILENT, SILENT]).text == SILENT.text


def test_pieces_are_told_behind_the_replies_before_them() -> None:
    said, reply = drained(told(pieces(LEAVE, "You have ", "27 days [1]."), [LEAVE]))
    assert said == ["\n\nYou have ", "27 days [2]."] and reply is LEAVE


@pytest.mark.parametrize(
    ("before", "said"),
    [([], ["Nothing ", "is ", "said ", "of ", "dogs."]), ([SILENT], [])],
)
def test_a_reply_that_came_in_no_pieces_is_told_word_by_word_and_only_once(
    before: list[Reply], said: list[str]
) -> None:
    assert drained(told(pieces(SILENT), before))[0] == said


def test_whoever_reads_no_further_ends_the_work() -> None:
    ended = []

    def working() -> Pieces[tuple[Reply, Memory]]:
        try:
            yield "You "
            yield "have"
        finally:
            ended.append(True)
        return LEAVE, Memory()

    stream = told(working())
    next(stream)
    stream.close()
    assert ended == [True]
