"""What docs/sources.md tells people to paste has to work."""

import re
from pathlib import Path

import pytest

from knowledge.documents import Status
from knowledge.markdown import read_markdown
from knowledge.pages import PAGE_READERS, read_content
from knowledge.source_list import SourceEntry, load_source_list
from knowledge.websites import board_address

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")


def examples(heading: str) -> list[str]:
    """The indented examples below a heading, margins taken off."""
    section = re.split(r"^## ", TEXT, flags=re.M)
    (body,) = (part for part in section if part.startswith(heading + "\n"))
    found = re.findall(r"(?:^    .*\n|^\n(?=    ))+", body, re.M)
    return [re.sub(r"^    ", "", example, flags=re.M).strip() + "\n" for example in found]


@pytest.mark.parametrize(
    ("heading", "name"),
    [("A job board", "a.json"), ("A table of openings", "a.csv"), ("schema.org JobPosting", "a.html")],
)
def test_an_example_of_openings_is_read(heading: str, name: str) -> None:
    (job,) = read_content(examples(heading)[-1].encode(), name).jobs
    assert (job.title, job.locations[0][:4], job.status) == ("Baker", "Riga", Status.OPEN)


def test_the_example_of_a_markdown_posting_is_read() -> None:
    (job,) = read_markdown(examples("Pages as files")[-1], "content/en/jobs/baker.md").jobs
    assert (job.title, job.locations, job.salary) == ("Baker", ("Riga",), "€30,000 to €35,000")
    assert job.translation_key == "baker" and job.closes


def test_the_example_of_a_list_is_read_and_every_key_is_told(tmp_path: Path) -> None:
    (tmp_path / "candor.toml").write_text(examples("A list of sources: candor.toml")[-1], encoding="utf-8")
    listed = load_source_list(tmp_path / "candor.toml")
    assert len(listed.sources) == 4 and listed.whose() == ("Example & Sons", "jobs@example.com")
    table = TEXT[TEXT.index("| key |") :]
    assert [key for key in SourceEntry.model_fields if f"`{key}`" not in table] == []


def test_the_table_of_boards_tells_what_is_read() -> None:
    rows = re.findall(r"^\| \w+ \| `(https://\S+)` \| `(https://[^`]+)`", TEXT, re.M)
    assert len(rows) == 8
    assert [(page, answer) for page, answer in rows if board_address(page) != answer] == []


def test_every_kind_of_file_is_told_of() -> None:
    assert {".html", ".md", ".txt", ".json", ".xml", ".csv"} <= set(PAGE_READERS)
    for word in ("HTML", "Markdown", "plain text", "JSON", "XML", "CSV", "TSV", "PDF", "DOCX", "gzip"):
        assert word in TEXT
