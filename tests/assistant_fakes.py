"""An invented company's postings, for the tests of what the assistant says."""

from __future__ import annotations

from pathlib import Path

from conftest import WordEmbedder, reading_of

from assistant.questions import Question, answer_type
from knowledge.documents import Block, BlockKind, JobPosting, Listing, Page, Status
from knowledge.ingestion import mirror
from knowledge.sentences import terms
from knowledge.store import Store

LABELS = ("Remote", "Internship", "Full time", "Temporary")


def posting(title: str, *places: str, text: str = "You join a small team.", **facts: object) -> JobPosting:
    """A posting of the mill company."""
    return JobPosting(
        id=title.lower().replace(" ", "-"),
        title=title,
        source="jobs.json",
        locations=places,
        blocks=(Block(BlockKind.PARAGRAPH, text),),
        quotes={"title": title},
        **facts,  # type: ignore[arg-type]
    )


MILL = (
    posting("SRE, Night Watch", "Gdynia", department="Platform", employment_type="Full time"),
    posting(
        "Payroll Accountant", "Opava", department="Finance", employment_type="Part time", salary="€30 an hour"
    ),
    posting("Battery Workshop Technician", "Opava", department="Workshop", workplace_type="On site"),
    posting("Data Analyst", "Gdynia", department="Platform", workplace_type="Remote"),
    posting("Harbour Pilot", "Gdynia", status=Status.CLOSED),
)


def filled(folder: Path, embedder: WordEmbedder, *jobs: JobPosting, listing: Listing | None = None) -> Store:
    """A store of the postings and one page about the mill."""
    page = Page(
        id="about",
        source="about.md",
        title="About the mill",
        blocks=(Block(BlockKind.PARAGRAPH, "The mill grinds oats by night and day."),),
        listing=listing,
    )
    mirror([reading_of(page, *jobs)], ["about.md"], folder, embedder)
    return Store.open(folder, embedder)


def asked(text: str, embedder: WordEmbedder, before: str = "", language: str = "en") -> Question:
    """A question as the assistant would understand it, without topics."""
    vector = embedder.embed([text])[0]
    stems = tuple(terms(text, language))
    return Question(text, text, language, vector, stems, answer_type(text), before=before)
