import io
import zipfile
from pathlib import Path

import pytest
from document_files import booklet_docx

from knowledge.documents import Block, BlockKind
from knowledge.docx import read_docx
from knowledge.errors import SourceError
from knowledge.pages import read_source


def test_a_document_has_its_title_headings_lists_and_tables() -> None:
    (page,) = read_docx(booklet_docx(), "benefits.docx").pages
    assert page.title == "What we give"
    assert page.blocks == (
        Block(BlockKind.PARAGRAPH, "Everyone who works at the mill gets the same, whatever they do."),
        Block(BlockKind.PARAGRAPH, "Holidays are counted in days:", ("Time off",)),
        Block(BlockKind.TABLE, "Junior | 28\nSenior | 30", ("Time off",), "Step | Days off"),
        Block(BlockKind.LIST, "a new bicycle every three years\nflour on Fridays", ("Money",)),
    )


def test_a_document_without_a_title_is_named_after_its_file() -> None:
    from docx import Document

    document = Document()
    document.add_paragraph("Everyone who works at the mill gets the same.")
    file = io.BytesIO()
    document.save(file)
    assert read_docx(file.getvalue(), "staff/our-benefits.docx").pages[0].title == "Our benefits"


def zipped(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "locked with a password or of an old Office"),
        (booklet_docx()[:2000], "cannot be read as a Word document"),
        (zipped("word/document.xml", b"<w:document"), "cannot be read as a Word document"),
        (zipped("xl/workbook.xml", b"<x/>"), "cannot be read as a Word document"),
        (zipped("word/document.xml", b"\x00" * 200_000_001), "unpacks to more than 200 MB"),
        (b"no such thing", "is no DOCX document"),
    ],
    ids=["locked", "cut", "broken", "other", "bomb", "text"],
)
def test_what_cannot_be_read_is_refused_in_one_line(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "benefits.docx"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=words) as refusal:
        read_source(path)
    assert str(path) in str(refusal.value) and "\n" not in str(refusal.value)


def test_the_text_of_a_document_may_be_less_than_its_pictures() -> None:
    with pytest.raises(SourceError, match="unpacks to more than 50 MB"):
        read_docx(zipped("word/document.xml", b"<w:p/>" * 8_400_000), "benefits.docx")


@pytest.mark.parametrize(
    "entity",
    ['"lol"', 'SYSTEM "file:///etc/hostname"', 'SYSTEM "http://127.0.0.1:1/x"'],
    ids=["inside", "file", "web"],
)
def test_entities_of_a_document_lead_nowhere(entity: str) -> None:
    nested = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 11))
    namespace = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    name = "e10" if entity.startswith('"') else "e0"
    text = f"Everyone &{name}; gets the same."
    document = (
        f"<!DOCTYPE d [<!ENTITY e0 {entity}>{nested}]><w:document xmlns:w='{namespace}'>"
        f"<w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>"
    )
    try:
        (page,) = read_docx(zipped("word/document.xml", document.encode()), "benefits.docx").pages
    except SourceError as error:
        assert "cannot be read as a Word document" in str(error)
    else:
        assert page.blocks[0].text == "Everyone gets the same."
