"""Pages and postings to passages that keep their headings, link and position."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

from knowledge.documents import Block, BlockKind, JobPosting, Page, Passage, Status
from knowledge.sentences import spans

LINE = re.compile(r".*\S.*")

MAX_WORDS = 110
"""Longest passage, in words: what the encoder reads well and a candidate will still read."""


def cut(pages: Iterable[Page], jobs: Iterable[JobPosting]) -> list[Passage]:
    """All passages of pages and postings, in reading order, with unique ids."""
    passages = [*(p for page in pages for p in _of_page(page)), *(p for job in jobs for p in _of_job(job))]
    seen: Counter[str] = Counter()
    numbered = []
    for passage in passages:
        numbered.append(replace(passage, occurrence=seen[passage.id]))
        seen[passage.id] += 1
    return numbered


def _of_page(page: Page) -> Iterator[Passage]:
    position = 0
    for block in page.blocks:
        for text in pieces(block):
            yield Passage(
                source=page.source,
                title=page.title,
                # A browser opens a PDF at "#page=3"; of a file of ours it still says where to look.
                url=f"{page.url or page.source}#page={block.page}" if block.page else page.url,
                headings=block.headings,
                text=text,
                position=position,
                kind=block.kind,
                lead=block.lead,
                speaker=block.speaker,
                language=page.language,
                modified=page.modified,
            )
            position += 1


def _of_job(job: JobPosting) -> Iterator[Passage]:
    position = 0
    for block in (without_labels(block, job) for block in job.blocks):
        for text in pieces(block):
            yield Passage(
                source=job.source,
                title=job.title,
                url=job.url,
                headings=block.headings,
                text=text,
                position=position,
                kind=block.kind,
                lead=block.lead,
                speaker=block.speaker,
                job_id=job.id,
                language=job.language,
                open=job.status is Status.OPEN,
            )
            position += 1


def without_labels(block: Block, job: JobPosting) -> Block:
    """The block without the posting's unverified labels: what is no fact about it is not quoted as one."""
    if not job.labels or block.kind is not BlockKind.LIST:
        return block
    labels = {word for label in job.labels for word in label.lower().split()}
    facts = {" ".join(quote.split()) for quote in job.quotes.values()}
    lines = [line for line in block.text.splitlines() if not set(line.lower().split()) <= labels]
    # Title, place and department alone are the posting's record, not a passage.
    told = all(" ".join(line.split()) in facts for line in lines)
    return replace(block, text="" if told else "\n".join(lines))


def pieces(block: Block) -> list[str]:
    """The block's text cut into stretches of at most `MAX_WORDS` words at sentence or line ends.

    A single sentence or line longer than that stays whole: half a sentence cannot be quoted.
    """
    if not block.text.strip():
        return []
    if block.kind is BlockKind.QUOTATION or len(block.text.split()) <= MAX_WORDS:
        return [block.text]
    cuts = LINE.finditer(block.text) if block.kind in (BlockKind.LIST, BlockKind.TABLE) else ()
    units = [match.span() for match in cuts] or list(spans(block.text))
    # Stretches of the text as it stands, line breaks and all: pieces put together anew would not be quotes.
    stretches = [units[0]]
    for start, end in units[1:]:
        if len(block.text[stretches[-1][0] : end].split()) > MAX_WORDS:
            stretches.append((start, end))
        else:
            stretches[-1] = (stretches[-1][0], end)
    return [block.text[start:end].strip() for start, end in stretches]
