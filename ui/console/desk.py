"""What all tabs of the console share: where things are kept, and who may do what."""

from __future__ import annotations

import contextlib
import inspect
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import gradio as gr
from babel import Locale
from limits.storage import Storage
from sqlalchemy.exc import SQLAlchemyError

from assistant.coverage import Covered
from assistant.reply import Assistant
from knowledge.errors import SourceError
from knowledge.settings import Settings
from knowledge.store import StoreError
from ui.accounts import Accounts, Member, Role
from ui.console.door import member_of
from ui.corrections import CorrectionBook
from ui.database import Database
from ui.figures import Figures
from ui.golden import GoldenBook
from ui.ingest_job import IngestJob
from ui.review import Review

log = logging.getLogger(__name__)

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
"""How all events of the console are wired: no overlay over what is being read, and no public API."""

DAY = "%Y-%m-%d"
MOMENT = "%Y-%m-%d %H:%M"

OUTCOMES = {
    "answered": "answered",
    "not_found": "not found",
    "declined": "declined",
    "chat": "small talk",
    "thumbs_down": "thumbs down",
    "handed_over": "handed over",
}
"""The outcomes of an exchange in words."""


@dataclass
class Desk:
    """The console's tools. `covered` is the coverage last worked out, and `covered_by` of which knowledge."""

    assistant: Assistant
    settings: Settings
    accounts: Accounts
    corrections: CorrectionBook
    golden: GoldenBook
    review: Review
    figures: Figures
    job: IngestJob
    covered: list[Covered] = field(default_factory=list)
    covered_by: str = ""

    @classmethod
    def over(
        cls,
        database: Database,
        assistant: Assistant,
        settings: Settings,
        corrections: CorrectionBook,
        storage: Storage | None = None,
    ) -> Desk:
        """The tools over one database; attempts to sign in are counted in `storage`, by default in memory."""
        return cls(
            assistant,
            settings,
            Accounts(database, storage=storage),
            corrections,
            GoldenBook(database),
            Review(database),
            Figures(database),
            IngestJob(settings),
        )

    def topic(self, name: str) -> str:
        """The title of a topic; its name where the topics have changed since it was stored."""
        known = self.assistant.bank.topic.get(name)
        return known.title if known else name

    def member(self, request: gr.Request, needs: Role) -> Member:
        """Who asks; `gr.Error` where nobody is signed in, or the role does not allow it."""
        member = member_of(self.accounts, request.request) if request.request else None
        if member is None:
            raise refusal("You are signed out. Reload the page to sign in again.")
        if not member.role.allows(needs):
            raise refusal(f"This needs the role {needs.value}; yours is {member.role.value}. Ask an admin.")
        return member

    def does(self, needs: Role, work: Callable[..., Any]) -> Callable[..., Any]:
        """`work` as an event of the page, which the server does only for whoever may.

        `work` gets the member and then the inputs. Its mistakes are told in a sentence.
        """
        if inspect.isgeneratorfunction(work):

            def step_by_step(request: gr.Request, *values: Any) -> Iterator[Any]:
                with _told():
                    yield from work(self.member(request, needs), *values)

            return step_by_step

        def at_once(request: gr.Request, *values: Any) -> Any:
            with _told():
                return work(self.member(request, needs), *values)

        return at_once

    def asked(self, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same for work that needs the request itself, and asks `member` who it is."""

        def at_once(request: gr.Request, *values: Any) -> Any:
            with _told():
                return work(request, *values)

        return at_once

    def chosen(self, needs: Role, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same for a row that was chosen in a table: `work` gets the member, the row's first cell and the inputs.

        By its first cell, and not by its place: a table may have been sorted, and others may have changed what it shows.
        """

        def at_once(request: gr.Request, event: gr.SelectData, *values: Any) -> Any:
            with _told():
                first = (event.row_value or [""])[0]
                return work(self.member(request, needs), str(first), *values)

        return at_once


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Turns what went wrong into a sentence on the page."""
    try:
        yield
    except gr.Error:
        raise
    except (
        ValueError,
        SourceError,
        StoreError,
    ) as error:  # what a recruiter can mend: our own errors say how
        log.info("Refused in the console: %s", error)
        raise refusal(str(error)) from error
    except SQLAlchemyError as error:
        log.error("The database cannot be used: %s", str(error).splitlines()[0])
        raise refusal("The database cannot be reached. Try again in a minute.") from error
    except Exception as error:
        log.exception("An event of the console failed.")
        raise refusal("That did not work; the server's log says why.") from error


def refusal(why: str) -> gr.Error:
    """A sentence on the page in place of what was asked for."""
    return gr.Error(escape(why), title="That cannot be done", print_exception=False, duration=12)


def done(what: str) -> None:
    """Say on the page that something was done."""
    gr.Success(escape(what), title="Done", duration=5)


def language(code: str) -> str:
    """A language's name in English; the code itself where it is no known one."""
    return str(Locale("en").languages.get(code, code))


def number_of(count: int, what: str) -> str:
    """`count` and the noun `what`, in the plural where there is not one: "1 exchange", "2 exchanges"."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def date_field(label: str, **given: Any) -> gr.DateTime:
    """A day to type or to choose from a calendar, as ISO 8601 spells it."""
    return gr.DateTime(None, include_time=False, type="string", label=label, **given)


def bar(part: int, total: int, what: str) -> str:
    """How far something is, in words and as a bar."""
    label = f"{escape(what)}: {part:,} of {total:,}"
    return f'<p class="bar"><label>{label} <progress max="{max(total, 1)}" value="{part}"></progress></label></p>'


def note(text: str, kind: str = "note") -> str:
    """A sentence set apart; `kind` is note, good or bad."""
    return f'<p class="{kind}" role="status">{escape(text)}</p>' if text else ""


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """Names and values, those without a value left out."""
    told = "".join(
        f"<dt>{escape(name)}</dt><dd dir='auto'>{escape(said)}</dd>" for name, said in rows if said
    )
    return f"<dl class='facts'>{told}</dl>"


def table(head: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "") -> str:
    """A table that is only read."""
    top = "".join(f"<th scope='col'>{escape(name)}</th>" for name in head)
    body = "".join(
        "<tr>" + "".join(f"<td dir='auto'>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    named = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<div class='wide'><table>{named}<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"


def link(address: str, words: str) -> str:
    """A link of the console's own."""
    return f'<a class="export" href="{escape(address)}" download>{escape(words)}</a>'


def html(text: str = "", **given: Any) -> gr.HTML:
    """An area of the page that the server writes."""
    return gr.HTML(text, js_on_load=None, apply_default_css=False, **given)
