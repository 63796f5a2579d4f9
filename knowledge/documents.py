"""What a company has said, as plain values: pages, job postings and the passages cut from them.

These types hold no behaviour beyond text derived from themselves and import nothing of ours.
Identity in the store (vectors, versions) is `store.py`'s concern.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cached_property


class BlockKind(StrEnum):
    """What a stretch of a page is, as far as quoting it is concerned."""

    PARAGRAPH = "paragraph"
    LIST = "list"
    TABLE = "table"
    QUOTATION = "quotation"


class Status(StrEnum):
    """Whether candidates can still apply to a posting."""

    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True)
class Block:
    """A paragraph, list, table or quotation under its headings, markup removed.

    `text` of a list has one item a line, of a table one row a line with cells joined by " | ".
    `lead` is the sentence that introduces a list, or a table's header row joined by " | ".
    `speaker` is who says a quotation, e.g. "Ada Example, Data Engineer, Routing".
    `page` is the sheet of a document that it stands on, from 1; 0 where there are no sheets.
    """

    kind: BlockKind
    text: str
    headings: tuple[str, ...] = ()
    lead: str = ""
    speaker: str = ""
    page: int = 0


@dataclass(frozen=True)
class Listing:
    """What a page says about how many positions it shows, e.g. "Showing 5 out of 16"."""

    shown: int | None
    total: int | None
    quote: str


@dataclass(frozen=True)
class JobPosting:
    """One position, each fact as it is printed.

    `labels` are words printed with the posting that cannot be taken as facts about it, because
    every posting of the page carries them alike or because they contradict each other.
    `quotes` maps a field's name (title, locations, salary, …) to the words it was read from.
    `url` is where to read or apply; `source` is the file or address it was read from.
    """

    id: str
    title: str
    source: str
    url: str = ""
    locations: tuple[str, ...] = ()
    department: str = ""
    workplace_type: str = ""
    employment_type: str = ""
    level: str = ""
    salary: str = ""
    posted: date | None = None
    closes: date | None = None
    status: Status = Status.OPEN
    language: str = "en"
    translation_key: str = ""
    labels: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()
    quotes: Mapping[str, str] = field(default_factory=dict)

    @property
    def description(self) -> str:
        """The posting's text, one block a paragraph."""
        return "\n\n".join(block.text for block in self.blocks)


@dataclass(frozen=True)
class Page:
    """One page of a source with its blocks in reading order."""

    id: str
    source: str
    title: str
    url: str = ""
    language: str = "en"
    translation_key: str = ""
    modified: date | None = None
    blocks: tuple[Block, ...] = ()
    listing: Listing | None = None


@dataclass(frozen=True)
class Skipped:
    """A source that was left out, and why, in words for the person who gave it."""

    source: str
    why: str


@dataclass(frozen=True)
class Reading:
    """What a reader made of one source."""

    pages: tuple[Page, ...] = ()
    jobs: tuple[JobPosting, ...] = ()
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True)
class Passage:
    """A stretch of one page or posting, short enough to quote, with where it stands.

    `position` is its rank within the page, from 0. `text` keeps the page's words exactly.
    """

    source: str
    title: str
    url: str
    headings: tuple[str, ...]
    text: str
    position: int
    kind: BlockKind = BlockKind.PARAGRAPH
    lead: str = ""
    speaker: str = ""
    job_id: str = ""
    language: str = "en"
    open: bool = True
    modified: date | None = None
    occurrence: int = 0

    @cached_property
    def id(self) -> str:
        """Content hash: the same words in the same source have the same id in every ingest.

        The position is left out, so that a paragraph added above changes no id below;
        `occurrence` (0, 1, …) tells words apart that a source repeats.
        """
        parts = (self.source, self.job_id, str(self.occurrence), self.embedding_text)
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:24]

    @property
    def heading(self) -> str:
        """The nearest heading, or "" at the top of a page."""
        return self.headings[-1] if self.headings else ""

    @property
    def context(self) -> str:
        """Title, headings, lead-in and speaker: what a reader of the page sees around the text."""
        around = (self.title, *self.headings, self.lead, self.speaker)
        return " › ".join(dict.fromkeys(part for part in around if part))

    @property
    def embedding_text(self) -> str:
        """Context and text together, as the encoder reads them."""
        return f"{self.context}\n{self.text}" if self.context else self.text
