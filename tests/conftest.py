"""Fixtures that more than one test file uses."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from knowledge.documents import Block, BlockKind, JobPosting, Page, Reading

if TYPE_CHECKING:
    from ui.database import Database


@pytest.fixture
def shared() -> Path:
    """The folder of other companies' pages beside the project; without it a test skips, and fails in CI."""
    folder = Path(os.environ.get("CANDOR_SHARED", Path(__file__).parents[2] / "shared"))
    if not folder.is_dir():
        message = f"{folder} is missing: set CANDOR_SHARED to the folder with the shared sources"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(message)
        pytest.skip(message)
    return folder


class WordEmbedder:
    """Counts the words of a small vocabulary, so that cosines can be computed by hand; keeps what it was given.

    A text with none of the words has a direction of its own, since every vector has length 1.
    """

    VOCABULARY = ("learning", "leave", "salary", "parents", "python", "riga", "remote")

    def __init__(self, name: str = "words-1") -> None:
        self.name = name
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.texts.extend(texts)
        counted = [re.findall(r"[a-z]+", text.lower()) for text in texts]
        rows = [[*(float(found.count(word)) for word in self.VOCABULARY), 0.0] for found in counted]
        vectors = np.array([row if any(row) else [*row[:-1], 1.0] for row in rows], dtype=np.float32)
        return vectors.reshape(len(texts), -1) / np.linalg.norm(vectors, axis=-1, keepdims=True)


@pytest.fixture
def embedder() -> WordEmbedder:
    return WordEmbedder()


def page_of(source: str, *paragraphs: str, language: str = "en", title: str = "") -> Page:
    """A page that is nothing but its paragraphs, so that what is embedded is what stands there."""
    blocks = tuple(Block(BlockKind.PARAGRAPH, text) for text in paragraphs)
    return Page(source, source, title, language=language, blocks=blocks)


def reading_of(*records: Page | JobPosting) -> Reading:
    """A reading of pages and postings."""
    return Reading(
        pages=tuple(record for record in records if isinstance(record, Page)),
        jobs=tuple(record for record in records if isinstance(record, JobPosting)),
    )


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server for the whole session, started when the first test asks for it."""
    from postgres_server import postgres

    with postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database, once in SQLite and once in PostgreSQL."""
    from sqlalchemy import create_engine, text

    from ui.database import Database

    if request.param == "sqlite":
        opened = Database.open(f"sqlite:///{tmp_path / 'kept.sqlite'}")
    else:
        url = request.getfixturevalue("postgres_url")
        with create_engine(url).begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        opened = Database.open(url)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium for the tests of one file; each opens windows of its own."""
    from ui_browser import FLAGS, chromium

    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    path = chromium()
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield opened
        opened.close()
