"""What the chat shows, as HTML: every text is hostile until `escape` has seen it.

Questions come from strangers and pages from the web, so nothing here passes markup through. Text is
escaped first; then a small subset (bold, lists, line breaks, reference numbers) is put back by us.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from itertools import groupby
from typing import Protocol
from urllib.parse import urlsplit

from assistant.conversation import Citation, Outcome, Reply
from knowledge.documents import JobPosting, Status
from ui.links import contact_address, link_to_quote, web_link

RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "iw", "ur", "yi"})
CONTEXT = 320  # characters of the passage shown on each side of a quote
JOBS_SHOWN = 6  # further cards wait behind a fold, or they would push the sources out of reach
AWAY = "The pages cannot be searched at the moment. Please ask again in a few seconds."
FAILED = "Something went wrong on our side, so this question has no answer yet. Please ask it again."

_REFERENCE = re.compile(r"[ \t]?\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\]")
_BOLD = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*")
_BULLET = re.compile(r"^\s*[-*•]\s+")
_NUMBER = re.compile(r"^\s*(\d{1,3})[.)]\s+")


class Summary(Protocol):
    """What the store holds, as far as the chat tells it."""

    @property
    def pages(self) -> int:
        """How many pages."""

    @property
    def jobs(self) -> int:
        """How many postings, open and closed."""

    @property
    def open_jobs(self) -> int:
        """How many of the postings are open."""

    @property
    def as_of(self) -> datetime | None:
        """When the sources were last read."""

    @property
    def passages(self) -> int:
        """How many passages can be quoted."""


@dataclass(frozen=True)
class Exchange:
    """A candidate's question and what came back.

    `reply` is None while the answer is on its way (`partial` holds the words so far) and for good
    when it `failed`; then `reference` is what can be quoted to whoever runs the chat. `away`: what was
    missing is likely to be there soon.
    """

    number: int
    question: str
    reply: Reply | None = None
    partial: str = ""
    failed: bool = False
    reference: str = ""
    away: bool = False

    @property
    def state(self) -> str:
        """Where the exchange stands, for the style sheet and the script."""
        if self.failed or self.reply:
            return "done"
        return "writing" if self.partial else "busy"


def exchange(turn: Exchange, contact: str = "") -> str:
    """Show one question with its answer, job cards and sources."""
    return (
        f'<article class="turn" data-state="{turn.state}" data-number="{turn.number}">'
        f'<h2 class="question" tabindex="-1"><span class="unseen">You asked: </span>'
        f'<span dir="auto">{_lines(turn.question)}</span></h2>'
        f'<div class="reply">{_reply(turn, contact)}</div></article>'
    )


def _reply(turn: Exchange, contact: str) -> str:
    if turn.failed:
        named = f" Reference: {escape(turn.reference)}" if turn.reference else ""
        return f'<div class="answer"><p>{AWAY if turn.away else FAILED}{named}</p></div>'
    if turn.reply is None and not turn.partial:
        return '<p class="waiting">Looking through the pages<span aria-hidden="true"></span></p>'
    if turn.reply is None:
        return f'<div class="answer" dir="auto">{prose(turn.partial, cited=99, anchor="")}</div>'
    reply, anchor = turn.reply, f"source-{turn.number}"
    language = escape(reply.language or "en")
    direction = "rtl" if reply.language[:2] in RIGHT_TO_LEFT else "ltr"
    return "".join(
        (
            f'<div class="answer" lang="{language}" dir="{direction}">',
            _linked(prose(reply.text, len(reply.citations), anchor), contact),
            "</div>",
            # The assistant may have named the person already, in the candidate's language.
            handover(contact) if reply.outcome is Outcome.NOT_FOUND and contact not in reply.text else "",
            jobs(reply.jobs),
            sources(reply.citations, anchor),
            '<div class="tools"><button type="button" class="copy">Copy answer</button></div>',
        )
    )


def prose(text: str, cited: int = 0, anchor: str = "source") -> str:
    """Turn plain text into paragraphs, line breaks, lists, bold, and [n] into links to the sources.

    Only numbers up to `cited` become links, and without an `anchor` they lead nowhere yet; any other
    markup in `text` shows as the characters it is.
    """
    kinds = groupby(text.strip().splitlines(), key=_kind)
    return "".join(_block(kind, list(lines), cited, anchor) for kind, lines in kinds)


def _kind(line: str) -> str:
    if not line.strip():
        return "blank"
    if _BULLET.match(line):
        return "ul"
    return "ol" if _NUMBER.match(line) else "p"


def _block(kind: str, lines: list[str], cited: int, anchor: str) -> str:
    if kind == "blank":
        return ""
    if kind == "p":
        return f"<p>{'<br>'.join(_inline(line.strip(), cited, anchor) for line in lines)}</p>"
    number = _NUMBER.match(lines[0])
    opening = f'<ol start="{int(number[1])}">' if number and kind == "ol" else "<ul>"
    mark = _NUMBER if kind == "ol" else _BULLET
    items = (_inline(mark.sub("", line).strip(), cited, anchor) for line in lines)
    return f"{opening}{''.join(f'<li>{item}</li>' for item in items)}</{kind}>"


def _inline(text: str, cited: int, anchor: str) -> str:
    def link(found: re.Match[str]) -> str:
        numbers = [int(number) for number in found[1].split(",")]
        if not all(1 <= number <= cited for number in numbers):
            return found[0]
        # The word joiner keeps a number on the line of the word it belongs to.
        return "&#8288;" + "".join(_reference(number, anchor) for number in numbers)

    return _REFERENCE.sub(link, _BOLD.sub(r"<strong>\1</strong>", escape(text)))


def _reference(number: int, anchor: str) -> str:
    if not anchor:  # the answer is still being written: its sources are not on the page yet
        return f'<span class="ref">{number}</span>'
    return f'<a class="ref" href="#{anchor}-{number}" aria-label="Source {number}">{number}</a>'


def _lines(text: str) -> str:
    return escape(text.strip()).replace("\n", "<br>")


def _site(url: str) -> str:
    return (urlsplit(url).hostname or "").removeprefix("www.")


def _anchor(url: str, text: str) -> str:
    return (
        f'<a class="out" href="{escape(url)}" target="_blank" rel="noopener noreferrer nofollow">'
        f'{escape(text)}<span class="unseen"> (opens in a new tab)</span></a>'
    )


def sources(citations: Sequence[Citation], anchor: str) -> str:
    """Show the numbered quotes an answer rests on, each opening to where it stands."""
    if not citations:
        return ""
    items = "".join(
        f"<li>{_citation(citation, number, f'{anchor}-{number}')}</li>"
        for number, citation in enumerate(citations, start=1)
    )
    name = "Source" if len(citations) == 1 else "Sources"
    return f'<section class="sources"><h3>{name}</h3><ol>{items}</ol></section>'


def _citation(citation: Citation, number: int, anchor: str) -> str:
    title = citation.title or _site(citation.url) or citation.source
    heading = citation.heading if citation.heading != title else ""
    below = f'<span class="heading" dir="auto">{escape(heading)}</span>' if heading else ""
    link = link_to_quote(citation.url, citation.quote)
    where = _anchor(link, f"Read on {_site(link)}") if link else escape(citation.url or citation.source)
    return (
        f'<details id="{anchor}"><summary><span class="number">{number}</span><span class="where">'
        f'<span class="title" dir="auto">{escape(title)}</span>{below}</span></summary>'
        f'<blockquote dir="auto">{quote_in_passage(citation.quote, citation.passage)}</blockquote>'
        f'<p class="from">{where}</p></details>'
    )


def quote_in_passage(quote: str, passage: str, context: int = CONTEXT) -> str:
    """Mark the quote within the words around it; show it alone where the passage lacks it."""
    words = quote.split()
    found = re.search(r"\s+".join(map(re.escape, words)), passage) if words else None
    if not found:
        return f"<mark>{_lines(quote)}</mark>"
    before, after = passage[: found.start()].lstrip(), passage[found.end() :].rstrip()
    if len(before) > context:
        before = "… " + before[-context:].partition(" ")[2]
    if len(after) > context:
        after = after[:context].rpartition(" ")[0] + " …"
    return f"{_kept(before)}<mark>{_kept(found[0])}</mark>{_kept(after)}"


def _kept(text: str) -> str:
    return escape(text).replace("\n", "<br>")


def jobs(postings: Sequence[JobPosting]) -> str:
    """Show the postings as cards; those beyond the first few wait behind a fold."""
    if not postings:
        return ""
    cards = [f"<li>{job_card(posting)}</li>" for posting in postings]
    shown, folded = cards[:JOBS_SHOWN], cards[JOBS_SHOWN:]
    rest = ""
    if folded:
        rest = (
            f'<details class="more"><summary>Show {len(folded)} more</summary>'
            f'<ul class="jobs">{"".join(folded)}</ul></details>'
        )
    return f'<ul class="jobs" aria-label="Positions">{"".join(shown)}</ul>{rest}'


def job_card(posting: JobPosting) -> str:
    """Show one posting: title, places, department, whether it is open, and the way to it."""
    link = web_link(posting.url)
    facts = " · ".join(
        f'<span dir="auto">{escape(fact)}</span>'
        for fact in (" / ".join(posting.locations), posting.department)
        if fact
    )
    status = "Open" if posting.status is Status.OPEN else "Closed"
    return (
        f'<div class="job"><p class="job-title" dir="auto">{escape(posting.title)}</p>'
        f'<p class="facts"><span class="status {posting.status.value}">{status}</span> {facts}</p>'
        + (f'<p class="from">{_anchor(link, "See the position")}</p>' if link else "")
        + "</div>"
    )


def handover(contact: str) -> str:
    """Point to a person, for a question the pages do not answer."""
    who = contact_link(contact)
    return f'<p class="handover">A person can help with this: {who}</p>' if who else ""


def _linked(html: str, contact: str) -> str:
    """Make the contact a link where an answer's text names it."""
    return html.replace(escape(contact.strip()), contact_link(contact)) if contact.strip() else html


def contact_link(contact: str) -> str:
    """Link a mail address or web address; leave other words as they are."""
    contact = contact.strip()
    link = contact_address(contact)
    if link.startswith("mailto:"):
        return f'<a href="{escape(link)}">{escape(contact)}</a>'
    return _anchor(link, contact) if link else escape(contact)


def header(company: str) -> str:
    """Show the page's title and the notice that stays in sight."""
    owner = f"{escape(company)}’s" if company else "the company’s"
    return (
        f'<h1 dir="auto">{escape(title(company))}</h1>'
        '<p class="notice"><strong>Automated assistant.</strong> '
        f"It quotes {owner} own pages and may miss things.</p>"
        '<div id="spoken" class="unseen" role="status" aria-live="polite"></div>'
    )


def kept(days: int) -> str:
    """Say how long a chat is kept, and what of it is not."""
    long = _count(days, "day")
    return f'<p class="kept">This chat is kept for {long} to make the answers better; contact details are left out.</p>'


def title(company: str) -> str:
    """Name the page."""
    return f"Ask about working at {company}" if company else "Ask about working here"


def welcome(summary: Summary, contact: str = "") -> str:
    """Show what stands in place of a conversation before the first question."""
    who = contact_link(contact)
    if not summary.pages and not summary.jobs:
        return (
            '<div class="welcome empty"><p class="lead">There are no pages to answer from yet.</p>'
            "<p>Please come back later.</p>"
            + (f'<p class="holdings">Would you rather ask a person? {who}</p>' if who else "")
            + "</div>"
        )
    return (
        '<div class="welcome"><p class="lead">Ask about open positions, benefits or how hiring works.</p>'
        "<p>Every answer shows the exact words it rests on. Where the pages say nothing, you are told so.</p>"
        f'<p class="holdings">{_holdings(summary)}</p>'
        + (f'<p class="holdings">Would you rather ask a person? {who}</p>' if who else "")
        + "</div>"
    )


def _holdings(summary: Summary) -> str:
    pages = _count(summary.pages, "page") if summary.pages else ""
    positions = _count(summary.open_jobs, "open position") if summary.jobs else ""
    read = " and ".join(part for part in (pages, positions) if part)
    when = f", read on {summary.as_of.day} {summary.as_of:%B %Y}" if summary.as_of else ""
    return f"Answers come from {read}{when}."


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
