"""Pages and postings to passages."""

from __future__ import annotations

from dataclasses import replace

from conftest import page_of
from hypothesis import given
from hypothesis import strategies as st

from knowledge.chunking import MAX_WORDS, cut, pieces, without_labels
from knowledge.documents import Block, BlockKind, JobPosting, Page, Status


def sentence(words: int, first: str = "We") -> str:
    return " ".join([first, *["go"] * (words - 1)]) + "."


def paragraph(text: str) -> Block:
    return Block(BlockKind.PARAGRAPH, text)


def test_a_short_block_is_one_passage_as_it_stands() -> None:
    assert pieces(paragraph("First line.\nSecond  line.")) == ["First line.\nSecond  line."]
    assert pieces(paragraph(" \n ")) == []


def test_a_long_paragraph_is_cut_between_sentences() -> None:
    a, b, c = sentence(60), sentence(50), sentence(10)
    assert pieces(paragraph(f"{a} {b} {c}")) == [f"{a} {b}", c]


def test_a_sentence_longer_than_a_passage_stays_whole() -> None:
    long = sentence(MAX_WORDS + 40)
    assert pieces(paragraph(f"{sentence(5)} {long} {sentence(6)}")) == [sentence(5), long, sentence(6)]


def test_a_long_list_is_cut_between_lines() -> None:
    lines = [f"item {n} " + "x " * 18 for n in range(10)]
    found = pieces(Block(BlockKind.LIST, "\n".join(lines)))
    assert [len(piece.splitlines()) for piece in found] == [5, 5]


def test_a_quotation_is_never_cut() -> None:
    words = " ".join([sentence(60)] * 4)
    assert pieces(Block(BlockKind.QUOTATION, words, speaker="Ada")) == [words]


@given(
    st.lists(st.sampled_from([sentence(7), sentence(60), sentence(120)]), min_size=1, max_size=6),
    st.lists(st.sampled_from([" ", "\n", "  ", "\n\n"]), min_size=6, max_size=6),
    st.sampled_from([BlockKind.PARAGRAPH, BlockKind.LIST]),
)
def test_pieces_stand_word_for_word_in_the_block(said: list[str], gaps: list[str], kind: BlockKind) -> None:
    text = "".join(part + gap for part, gap in zip(said, gaps, strict=False))
    found = pieces(Block(kind, text))
    assert all(piece in text for piece in found)
    assert " ".join(found).split() == text.split()
    at_ends = [line.strip() for line in text.splitlines()] if kind is BlockKind.LIST else said
    assert all(len(p.split()) <= MAX_WORDS or p in at_ends for p in found)


def test_passages_keep_title_heading_link_position_and_language() -> None:
    blocks = (
        Block(BlockKind.PARAGRAPH, "One.", ("Benefits", "Leave")),
        Block(BlockKind.LIST, "a\nb", ("Benefits",), lead="We give:"),
        Block(BlockKind.QUOTATION, "“Good.”", speaker="Ada Example"),
    )
    page = Page("p", "life.md", "Life", "https://x.example/life", "fr", blocks=blocks)
    first, second, third = cut([page], [])
    assert (first.source, first.title, first.url, first.language) == (
        "life.md",
        "Life",
        "https://x.example/life",
        "fr",
    )
    assert first.headings == ("Benefits", "Leave") and first.heading == "Leave"
    assert (second.lead, second.kind, third.speaker) == ("We give:", BlockKind.LIST, "Ada Example")
    assert [p.position for p in (first, second, third)] == [0, 1, 2]
    assert all(p.open and not p.job_id for p in (first, second, third))


def test_passages_of_a_posting_know_it_and_whether_it_is_open() -> None:
    job = JobPosting("7", "Cook", "jobs.json", blocks=(paragraph("Cook for us."),), status=Status.CLOSED)
    (passage,) = cut([], [job])
    assert (passage.job_id, passage.title, passage.open) == ("7", "Cook", False)
    (reopened,) = cut([], [replace(job, status=Status.OPEN)])
    assert reopened.open and reopened.id == passage.id


def test_ids_are_unique_where_a_page_repeats_itself_and_stay_when_something_comes_before() -> None:
    page = page_of("a.txt", "Same.", "Other.", "Same.")
    ids = [passage.id for passage in cut([page], [])]
    assert len(set(ids)) == 3
    longer = page_of("a.txt", "New.", "Same.", "Other.", "Same.")
    assert [passage.id for passage in cut([longer], [])][1:] == ids


def test_the_same_words_on_two_pages_are_two_passages() -> None:
    found = cut([page_of("a.txt", "Same."), page_of("b.txt", "Same.")], [])
    assert len({passage.id for passage in found}) == 2


JOB = JobPosting(
    "1",
    "Backend Engineer",
    "jobs.txt",
    locations=("Riga",),
    labels=("Temp", "Full time"),
    quotes={"title": "Backend Engineer", "locations": "Riga"},
)


def test_labels_that_are_no_facts_are_not_quoted() -> None:
    block = Block(BlockKind.LIST, "Riga\nTemp\nFull time\nYou will write Python.")
    assert without_labels(block, JOB).text == "Riga\nYou will write Python."


def test_a_posting_that_is_only_its_record_makes_no_passage() -> None:
    block = Block(BlockKind.LIST, "Backend Engineer\nRiga\nTemp\nFull time")
    assert cut([], [replace(JOB, blocks=(block,))]) == []


def test_prose_and_postings_without_labels_are_left_alone() -> None:
    prose = paragraph("Temp\nRiga")
    assert without_labels(prose, JOB) is prose
    listed = Block(BlockKind.LIST, "Temp\nRiga")
    assert without_labels(listed, replace(JOB, labels=())) is listed
