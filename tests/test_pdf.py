import zlib
from pathlib import Path

import pytest
from document_files import booklet_pdf, scanned_pdf

from knowledge.chunking import cut
from knowledge.documents import Block, BlockKind
from knowledge.errors import SourceError
from knowledge.pages import read_source
from knowledge.pdf import joined, read_pdf, unpacked_size


@pytest.fixture(scope="module")
def blocks() -> tuple[Block, ...]:
    return read_pdf(booklet_pdf(), "benefits.pdf").pages[0].blocks


def with_words(blocks: tuple[Block, ...], words: str) -> Block:
    return next(block for block in blocks if words in block.text)


def test_title_headings_and_pages_are_told(blocks: tuple[Block, ...]) -> None:
    page = read_pdf(booklet_pdf(), "benefits.pdf").pages[0]
    assert (page.title, page.language, page.source) == ("What we give", "en", "benefits.pdf")
    first, pension, last = (with_words(blocks, words) for words in ("Everyone", "seven percent", "Ask Ada"))
    assert (first.headings, first.page) == ((), 1)
    assert (
        first.text
        == "Everyone who works at the mill gets the same, whatever they do and however long they have been here."
    )
    assert (pension.headings, pension.page) == (("Money", "Pension"), 3)
    assert last.page == 4


def test_tables_are_rows_under_their_header(blocks: tuple[Block, ...]) -> None:
    table = with_words(blocks, "Junior")
    assert table == Block(
        BlockKind.TABLE, "Junior | 28\nSenior | 30", ("Time off",), "Step | Days off", page=2
    )


def test_items_of_a_list_are_whole(blocks: tuple[Block, ...]) -> None:
    items = with_words(blocks, "bicycle")
    assert (items.kind, items.text) == (BlockKind.LIST, "a new bicycle every three years\nflour on Fridays")


def test_running_heads_and_page_numbers_are_left_out(blocks: tuple[Block, ...]) -> None:
    text = "\n".join(block.text for block in blocks)
    assert "benefits of 2025" not in text and "Page 2" not in text


def test_a_broken_word_is_whole_again_and_a_meant_hyphen_stays(blocks: tuple[Block, ...]) -> None:
    assert "never shorten it" in with_words(blocks, "seven percent").text
    assert "part-time millers" in with_words(blocks, "seven percent").text
    assert joined(["A-", "B"], set()) == "A- B"


def test_a_citation_leads_to_the_page(tmp_path: Path) -> None:
    (tmp_path / "benefits.pdf").write_bytes(booklet_pdf())
    passages = cut(read_source(tmp_path / "benefits.pdf").pages, ())
    by_text = {passage.text: passage for passage in passages}
    assert by_text["Ask Ada at the gate."].url == "benefits.pdf#page=4"
    online = read_pdf(booklet_pdf(), "x", "https://mill.example/b.pdf")
    assert cut(online.pages, ())[0].url == "https://mill.example/b.pdf#page=1"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (booklet_pdf(password="flour"), "locked with a password"),
        (scanned_pdf(), "only pictures of pages"),
        (booklet_pdf()[:900], "cannot be read as a PDF|holds no text"),
        (b"%PDF-1.7\n%%EOF", "cannot be read as a PDF|holds no text"),
        (b"no such thing", "is no PDF document"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "benefits.pdf"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=words) as refusal:
        read_source(path)
    assert str(path) in str(refusal.value) and "\n" not in str(refusal.value)


def test_a_document_is_told_by_its_content_and_a_bad_one_spoils_no_folder(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(booklet_pdf())
    (tmp_path / "b.pdf").write_bytes(scanned_pdf())
    (tmp_path / "c.txt").write_bytes(booklet_pdf())
    reading = read_source(tmp_path)
    assert [page.title for page in reading.pages] == ["What we give"] * 2
    assert [skip.source for skip in reading.skipped] == ["b.pdf"]


def test_progress_is_told_page_by_page() -> None:
    told: list[tuple[str, int, int]] = []
    read_pdf(booklet_pdf(), "benefits.pdf", progress=lambda *step: told.append(step))
    assert told == [("Reading benefits.pdf", number, 4) for number in (1, 2, 3, 4)]


def packed(content: bytes, times: int) -> bytes:
    packer = zlib.compressobj(9)
    stream = b"".join(packer.compress(content) for _ in range(times)) + packer.flush()
    return b"%PDF-1.4\n1 0 obj\n<</Filter/FlateDecode>>stream\r\n" + stream + b"\nendstream\nendobj\n"


def test_a_small_document_that_unpacks_to_gigabytes_is_refused_unread() -> None:
    bomb = packed(b" " * 1_000_000, 201)
    assert len(bomb) < 250_000
    with pytest.raises(SourceError, match="unpacks to more than 200 MB"):
        read_pdf(bomb, "benefits.pdf")
    # Many streams that are harmless one by one count together.
    with pytest.raises(SourceError, match="unpacks to more than 200 MB"):
        read_pdf(packed(b" " * 1_000_000, 21) * 10, "benefits.pdf")
    assert unpacked_size(packed(b"x" * 1000, 5), 10_000) == 5000
    assert unpacked_size(b"stream\nnot packed\nendstream", 10_000) == 0
