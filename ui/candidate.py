"""The candidate's chat: a question goes in, an answer with the words it rests on comes out.

`converse` is the conversation itself and knows nothing of Gradio; `candidate_chat` is the page.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

import gradio as gr

from assistant.conversation import Reply
from knowledge.store import StoreError
from ui import markup
from ui.conversations import new_id
from ui.keeping import Keeper, Place
from ui.limits import Limits
from ui.markup import Exchange
from ui.request_ids import HEADER, REQUEST, reference, request_id
from ui.telemetry import Telemetry, TurnInWork
from ui.turns import AT_ONCE, WAITING, Refusal, Turns

QUESTION_LIMIT = 2000  # characters; nobody asks about a job in more, and encoders read less
CHOICES = 4
FRAME = 0.05  # seconds between two updates while an answer streams; faster only costs the network
SESSION = 2 * 60 * 60  # seconds a conversation is kept in memory after its last question
SENDING = 2.0  # seconds a piece of an answer may be on its way to the page; then its tab is gone

log = logging.getLogger(__name__)


class Answering(Protocol):
    """What the chat asks of an assistant."""

    @property
    def summary(self) -> markup.Summary:
        """What the store holds."""

    def reply(self, turns: Sequence[str]) -> Reply:
        """Reply to the last of a candidate's messages, oldest first."""

    def stream(self, turns: Sequence[str], about: str = "") -> Iterator[str | Reply]:
        """Pieces of the reply's text as they are written, then the whole reply.

        `about`: id of the posting that the candidate has chosen to ask about, if any.
        """

    def starters(self, limit: int = 4, language: str = "") -> Sequence[str]:
        """Questions that the store can really answer; none when it is empty."""


@dataclass(frozen=True)
class View:
    """What the page shows at one moment of a conversation.

    `current` is the exchange being answered; once answered it is the last of `done`. A `draft` of
    None leaves the question box as the candidate has it.
    """

    done: tuple[Exchange, ...] = ()
    current: Exchange | None = None
    choices: tuple[str, ...] = ()
    warning: str = ""
    draft: str | None = None

    @property
    def earlier(self) -> tuple[Exchange, ...]:
        """The exchanges above the latest one."""
        return self.done if self.current else self.done[:-1]

    @property
    def latest(self) -> Exchange | None:
        """The exchange at the bottom."""
        return self.current or (self.done[-1] if self.done else None)


class Visit:
    """One visitor's conversation, kept by the server and shared by the requests that come at once.

    Gradio runs "Start over" beside an answer that is being written, and sends the two in no fixed order.
    So each conversation has a number: what an answer of an earlier one still has to say is not shown.
    """

    def __init__(self, view: View) -> None:
        self.view = view
        self.conversation = new_id()
        self._number = 0
        self._answering = False
        self._sending: int | None = None
        self._changed = threading.Condition()

    def __deepcopy__(self, memo: dict[int, Any]) -> Visit:
        """A visit of its own for each session, as Gradio copies what it starts from."""
        return Visit(self.view)

    def begin(self) -> int | None:
        """Begin an answer; its conversation's number, or None while another answer is being written."""
        with self._changed:
            if self._answering:
                return None
            self._answering = True
            return self._number

    def is_at(self, number: int) -> bool:
        """Whether the visitor has not left conversation `number`."""
        return number == self._number

    def show(self, number: int, view: View) -> bool:
        """Take over a view of conversation `number`, about to be sent; False if the visitor has left that."""
        with self._changed:
            if number != self._number:
                return False
            self.view, self._sending = view, number
            return True

    def sent(self, number: int) -> None:
        """Note that the view shown last has been sent: Gradio asks for the next only then."""
        with self._changed:
            if self._sending == number:
                self._sending = None
                self._changed.notify_all()

    def end(self, number: int) -> None:
        """End the answer, unless the visitor has begun another conversation meanwhile."""
        with self._changed:
            if number == self._number:
                self._answering = False

    def restart(self, view: View) -> None:
        """Begin a new conversation, once nothing of the one before is on its way to the page."""
        with self._changed:
            self._number += 1
            self.conversation = new_id()
            self._answering = False
            self._changed.wait_for(lambda: self._sending is None, timeout=SENDING)
            self.view, self._sending = view, None


def opening(assistant: Answering) -> View:
    """Begin a conversation, with questions to start from."""
    return View(choices=tuple(assistant.starters(CHOICES))[:CHOICES], draft="")


def converse(assistant: Answering, question: str, view: View) -> Iterator[View]:
    """Ask `question` in the conversation of `view`; yield what to show until its answer is complete."""
    question = question.strip()
    if not question:
        yield View(view.done, None, view.choices)
        return
    if len(question) > QUESTION_LIMIT:
        yield View(view.done, None, view.choices, too_long(question))
        return
    asked = Exchange(len(view.done) + 1, question)
    yield View(view.done, asked, draft="")
    for turn in _answered(assistant, asked, view.done):
        if turn.state != "done":
            yield View(view.done, turn)
            continue
        choices = (question,) if turn.reply is None else turn.reply.suggestions[:CHOICES]
        yield View((*view.done, turn), choices=choices)


def too_long(question: str) -> str:
    """Say that a question is over the limit."""
    return (
        f"Your question has {len(question):,} characters; this assistant reads up to {QUESTION_LIMIT:,}. "
        "Please shorten it."
    )


def too_often(seconds: int) -> str:
    """Say that more was asked than is allowed, and when to go on."""
    return f"That was a lot at once. Your question is still in the box; please ask it again in {seconds} seconds."


def too_busy(refusal: Refusal) -> str:
    """Say that there is no place for a question now, and when to ask it again."""
    return f"{refusal.message} Your question is still in the box."


def _address(request: gr.Request) -> str:
    return request.client.host if request.client else ""


def _answered(assistant: Answering, asked: Exchange, done: Sequence[Exchange]) -> Iterator[Exchange]:
    """Yield the exchange with ever more of its answer; the last has the reply, or has failed."""
    turns = [turn.question for turn in done if turn.reply] + [asked.question]
    number, question, words, shown, away = asked.number, asked.question, "", 0.0, False
    try:
        for piece in assistant.stream(turns):
            if isinstance(piece, Reply):
                yield Exchange(number, question, piece)
                return
            words += piece
            if words.strip() and time.monotonic() - shown >= FRAME:
                shown = time.monotonic()
                yield Exchange(number, question, partial=words)
        log.error("The assistant's stream ended without a reply.")
    except StoreError as error:
        # Worth trying again: the Chroma server is away, or the next ingest mends what is damaged.
        log.error("A question could not be answered: %s", error)
        away = True
    except Exception:
        # A candidate never sees a traceback; whoever runs the chat finds it in the log.
        log.exception("A question could not be answered.")
    yield Exchange(number, question, failed=True, reference=reference(), away=away)


def candidate_chat(
    assistant: Answering,
    *,
    company: str = "",
    contact: str = "",
    keeper: Keeper | None = None,
    limits: Limits | None = None,
    turns: Turns | None = None,
    telemetry: Telemetry | None = None,
) -> gr.Blocks:
    """Build the page a candidate meets, for mounting in a server.

    `keeper` writes the turns down; `limits` says how often a visitor may ask, and `turns` has the places;
    `telemetry` follows the turns.
    """
    turns = turns or Turns()
    telemetry = telemetry or Telemetry()
    first = opening(assistant)
    page: gr.Blocks
    with gr.Blocks(title=markup.title(company), analytics_enabled=False) as page:
        with gr.Row(elem_id="top"):
            gr.HTML(markup.header(company), elem_id="header", js_on_load=None, apply_default_css=False)
            over = gr.Button("Start over", size="sm", elem_id="over", scale=0)
        earlier = gr.HTML(elem_id="earlier", js_on_load=None, apply_default_css=False)
        welcome = markup.welcome(assistant.summary, contact)
        latest = gr.HTML(welcome, elem_id="latest", js_on_load=None, apply_default_css=False)
        with gr.Row(elem_id="choices"):
            buttons = [_choice(number, first.choices) for number in range(CHOICES)]
        with gr.Column(elem_id="composer"):
            warning = gr.HTML(elem_id="warning", js_on_load=None, apply_default_css=False)
            box = _question_box(can_ask=_has_knowledge(assistant))
            with gr.Row(elem_id="kept", visible=keeper is not None):
                days = keeper.days if keeper else 0
                gr.HTML(markup.kept(days), js_on_load=None, apply_default_css=False)
                delete = gr.Button("Delete this chat", size="sm", elem_id="delete", scale=0)
        state = gr.State(Visit(first), time_to_live=SESSION)
        outputs = [state, earlier, latest, warning, box, *buttons]

        def shown(visit: Visit) -> list[Any]:
            return [visit, *_updates(visit.view, assistant, contact)]

        def warned(visit: Visit, warning: str) -> list[Any]:
            view = replace(visit.view, warning=warning, draft=None)
            return [visit, *_updates(view, assistant, contact)]

        # On the event loop, so that whoever waits for a place holds no thread.
        async def ask(
            question: str, visit: Visit, event: gr.EventData, request: gr.Request
        ) -> AsyncIterator[list[Any]]:
            untouched = [gr.skip()] * len(outputs)
            REQUEST.set(request_id(request.headers.get(HEADER)))
            if limits and (
                wait := await asyncio.to_thread(limits.ask, visit.conversation, _address(request))
            ):
                telemetry.metrics.refused("limit")
                yield warned(visit, too_often(wait))
                return
            number = visit.begin()
            if number is None:
                yield untouched  # the question waits in its box
                return
            if refusal := turns.enter():
                visit.end(number)
                telemetry.metrics.refused("closing" if refusal.closing else "busy")
                yield warned(visit, too_busy(refusal))
                return
            asked = _chosen(visit.view, event) or question
            kept = _Kept(keeper, visit, visit.conversation, number)
            work = telemetry.watched("page", partial(kept.views, assistant, asked, visit.view))
            views = turns.run(work).batches()
            try:
                async with contextlib.aclosing(views):
                    async for batch in views:
                        if not batch:
                            continue
                        if not visit.show(number, batch[-1]):
                            # Gradio sends the last output once more at the end: that must be none.
                            yield untouched
                            return
                        yield shown(visit)
                        visit.sent(number)
            finally:
                visit.end(number)

        def start_over(visit: Visit) -> list[Any]:
            visit.restart(opening(assistant))
            return shown(visit)

        def forget(visit: Visit) -> list[Any]:
            if keeper and not keeper.forget(visit.conversation):
                return shown(visit)
            return start_over(visit)

        def refresh(visit: Visit) -> list[Any]:
            # The store may have changed since the server started. If not, touch nothing: whoever
            # types at once must not lose a word, or a question, to this visit's opening.
            stale = markup.welcome(assistant.summary, contact) != welcome or opening(assistant) != first
            return start_over(visit) if stale and not visit.view.done else [gr.skip()] * len(outputs)

        # One listener for the box and the buttons. `Visit` lets one answer be written at a time.
        gr.on(
            [box.submit, *(button.click for button in buttons)],
            ask,
            [box, state],
            outputs,
            show_progress="hidden",
            trigger_mode="multiple",
            concurrency_limit=None,  # `turns` has it, and what comes by the API counts with it
            api_visibility="private",
        )
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        over.click(start_over, state, outputs, **quiet)
        delete.click(forget, state, outputs, **quiet)
        page.load(refresh, state, outputs, **quiet)
    page.queue(max_size=WAITING, default_concurrency_limit=AT_ONCE, api_open=False)
    return page


@dataclass(frozen=True)
class _Kept:
    """A turn that is written down before its last view is shown, unless the visitor has left its conversation."""

    keeper: Keeper | None
    visit: Visit
    conversation: str
    number: int

    def views(self, assistant: Answering, question: str, before: View, turn: TurnInWork) -> Iterator[View]:
        """The views of `converse`, the reply noted in `turn`."""
        started = time.perf_counter()
        for view in converse(assistant, question, before):
            last = view.done[-1] if len(view.done) > len(before.done) else None
            if last and last.reply:
                turn.replied(last.reply, self._keep(last, last.reply, time.perf_counter() - started))
            elif view.current and view.current.partial:
                turn.speaks()
            yield view

    def _keep(self, last: Exchange, reply: Reply, seconds: float) -> bool | None:
        """Whether the exchange was written down; None where none is."""
        if not self.keeper or not self.visit.is_at(self.number):
            return None
        place = Place(self.conversation, f"{last.number:032x}")
        return self.keeper.keep(place, last.question, reply, seconds)[1]


def _has_knowledge(assistant: Answering) -> bool:
    return bool(assistant.summary.pages or assistant.summary.jobs)


def _choice(number: int, choices: Sequence[str]) -> gr.Button:
    text = choices[number] if number < len(choices) else ""
    return gr.Button(text, visible=bool(text), elem_id=f"choice-{number}", elem_classes="choice", scale=0)


def _question_box(can_ask: bool) -> gr.Textbox:
    return gr.Textbox(
        interactive=can_ask,
        label="Your question",
        placeholder="Ask a question",
        lines=1,
        max_lines=6,
        submit_btn="Ask",
        container=True,
        elem_id="question",
        html_attributes=gr.InputHTMLAttributes(enterkeyhint="send"),
    )


def _chosen(view: View, event: gr.EventData) -> str:
    """Find the question of the button that was pressed; "" when none was."""
    # By name: a button whose text has changed is another object for Gradio.
    pressed = str(getattr(event.target, "elem_id", ""))
    return {f"choice-{number}": text for number, text in enumerate(view.choices)}.get(pressed, "")


def _updates(view: View, assistant: Answering, contact: str) -> list[Any]:
    """Turn a view into values for the page's components, in the order of the outputs after the state."""
    above = "".join(markup.exchange(turn, contact) for turn in view.earlier)
    latest = (
        markup.exchange(view.latest, contact) if view.latest else markup.welcome(assistant.summary, contact)
    )
    hidden = [gr.Button(visible=False)] * (CHOICES - len(view.choices))
    return [
        above,
        latest,
        f'<p role="alert">{view.warning}</p>' if view.warning else "",
        gr.skip()
        if view.draft is None
        else gr.Textbox(value=view.draft, interactive=_has_knowledge(assistant)),
        *(gr.Button(question, visible=True) for question in view.choices),
        *hidden,
    ]
