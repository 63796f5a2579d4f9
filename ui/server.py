"""The chat as a web server: everything Gradio opens by default is shut, and a test holds that."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Any

import gradio as gr
import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from knowledge.rates import rate_storage
from knowledge.settings import Settings
from ui.api import chat_api
from ui.candidate import Answering, candidate_chat
from ui.connections import give_up_unread, server_config
from ui.console.desk import Desk
from ui.console.door import BASE, Guard, OidcSession, door_pages, member_of
from ui.console.exports import export_pages
from ui.console.page import console
from ui.conversations import Conversations
from ui.database import Database
from ui.golden import AfterIngest
from ui.headers import SECURITY_HEADERS, YEAR, cors, framed_by
from ui.health import health_pages
from ui.keeping import Keeper
from ui.limits import Limits
from ui.metrics import metrics_page
from ui.refusals import RefusedError
from ui.request_ids import RequestIds
from ui.telemetry import Telemetry
from ui.turns import Turns
from ui.uploads import Uploads
from ui.widget import widget_pages

log = logging.getLogger(__name__)

HERE = Path(__file__).parent
BODY_LIMIT = 64 * 1024  # bytes of a request; a question of 2,000 characters needs a tenth of it

# Gradio serves some sixty routes, among them uploads, a proxy and code editing. The chat uses these.
OPEN_PATHS = re.compile(
    r"/|/(config|theme\.css|favicon\.ico|robots\.txt|manifest\.json)|/(assets|static)/.*"
    r"|/gradio_api/(queue/join|queue/data|heartbeat/[^/]+|cancel|reset|startup-events|app_id|info|config)/?"
)

# Our own: the API and the widget's pages.
OWN_PATHS = re.compile(
    r"/(healthz|readyz|metrics)|/api/[a-z0-9./_-]+|/widget\.js|/(chat|demo)(/[a-z0-9._-]+)?"
)

# Of the console: its own pages and files, and of Gradio's what the chat uses, with the upload of a file.
CONSOLE_PATHS = re.compile(
    BASE
    + r"(/(sign-in|setup|invitation|sign-out|sign-out-everywhere|door\.css|oidc/(start|callback)|export/[a-z.-]+)"
    r"|/gradio_api/(upload|upload_progress|login_check)/?)?"
)
CONSOLE_LIMIT = 6 * 1024 * 1024  # bytes of a request: a table or a file of golden questions

# Gradio's page has inline scripts and its HTML component compiles templates, hence the two "unsafe".
# `script-src-attr 'none'` and `connect-src 'self'` are what counts: no handler hidden in a text can
# run, and nothing a candidate types can be sent elsewhere.
POLICY = (
    "default-src 'self'",
    "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
    "script-src-attr 'none'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
)
SETTLE = 2.0  # seconds in which a load balancer can see that the server is not ready any more
DRAIN = 7.0  # seconds that turns in work have to end once the server is told to; all must be over in ten
EVERY = 3600  # seconds between two looks for conversations that have been kept long enough
ADVERTISEMENT = re.compile(rb"<meta\s[^>]*(?:property|name)=\"(?:og|twitter):[^>]*>")

_SYSTEM_FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")


def create_app(
    assistant: Answering,
    settings: Settings,
    database: Database | None = None,
    desk: Desk | None = None,
    telemetry: Telemetry | None = None,
) -> FastAPI:
    """Build the web server: the chat at `/`, its API, the widget with its page, the demonstration, the console.

    `database`: where chats are kept, unless the retention is 0 days; None keeps none. `desk`: the recruiter's
    console at `/recruiter`; None leaves it out. `telemetry` follows the turns; by default without traces. The sites in `settings.embed_on` may show the
    chat in a frame and ask the API.
    """
    stores = database is not None and settings.retention_days > 0
    conversations = Conversations(database, settings.retention_days) if database and stores else None
    keeper = Keeper(conversations, assistant) if conversations else None
    turns = Turns()
    telemetry = telemetry or Telemetry()
    telemetry.metrics.watch(assistant, database, turns, keeper)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(_expire(conversations)) if conversations else None
        watch = AfterIngest(desk.golden, desk.assistant) if desk else None
        if watch:
            watch.start()
        yield
        if task:
            task.cancel()
        if keeper:
            await asyncio.to_thread(keeper.close)
        if watch and desk:
            watch.stop()
            await asyncio.to_thread(desk.job.stop)
        await asyncio.to_thread(telemetry.close)

    app = FastAPI(
        title="Candor",
        description="Answers candidates' questions from a company's own pages, with the words they rest on.",
        version=version("candor"),
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=lifespan,
    )
    # Without a CORS policy in the parent, Gradio lets every origin in, with credentials.
    app.add_middleware(CORSMiddleware, **cors(settings.embed_on))
    app.add_middleware(OwnPage)
    app.add_middleware(Uploads)
    if desk:
        app.add_middleware(Guard, accounts=desk.accounts)
        app.add_middleware(OidcSession, secret=settings.secret.get_secret_value())
    app.add_middleware(Shut, embed_on=settings.embed_on)
    app.add_middleware(RequestIds)
    limits = Limits(settings, rate_storage(settings.limits_storage.get_secret_value()))
    app.state.turns = turns  # whoever ends the server lets those in work come to their end
    app.include_router(chat_api(assistant, keeper, settings, limits, turns, telemetry))
    app.include_router(widget_pages(settings))
    app.include_router(health_pages(assistant, database, turns))
    app.include_router(metrics_page(telemetry.metrics, settings.metrics_token.get_secret_value()))
    _tell_errors(app)
    if desk:
        app.include_router(door_pages(desk.accounts, settings))
        app.include_router(export_pages(desk))
        who = partial(_name_of, desk)
        _mount(
            app,
            console(desk),
            BASE,
            HERE / "console" / "console.css",
            auth_dependency=who,
            max_file_size="4mb",
        )
    chat = candidate_chat(
        assistant,
        company=settings.company,
        contact=settings.contact,
        keeper=keeper,
        limits=limits,
        turns=turns,
        telemetry=telemetry,
    )
    script = (HERE / "candidate.js").read_text(encoding="utf-8")
    _mount(app, chat, "/", HERE / "candidate.css", js=script, max_file_size=1)
    return app


def _mount(app: FastAPI, page: gr.Blocks, path: str, style: Path, **more: Any) -> None:
    """Mount a Gradio page with everything shut that Gradio opens by default."""
    gr.mount_gradio_app(
        app,
        page,
        path,
        footer_links=[],
        run_history=False,
        show_error=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        ssr_mode=False,
        theme=_theme(),
        css_paths=style,
        **more,
    )


def _name_of(desk: Desk, request: Request) -> str | None:
    member = member_of(desk.accounts, request)
    return member.name if member else None


async def _expire(conversations: Conversations) -> None:
    """Delete conversations once they have been kept long enough, now and every hour."""
    while True:
        try:
            await asyncio.to_thread(conversations.expire)
        except SQLAlchemyError as error:
            log.error("Old conversations could not be deleted: %s", error)
        await asyncio.sleep(EVERY)


def _tell_errors(app: FastAPI) -> None:
    """Every error of the API in one shape: code, a plain sentence, and when to try again."""

    def told(status: int, code: str, message: str) -> Response:
        return RefusedError(status, code, message).response()

    async def refused(_: Request, error: Exception) -> Response:
        assert isinstance(error, RefusedError)
        return error.response()

    async def malformed(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"][1:])
        return told(422, "bad_request", f"{where or 'The body'}: {first['msg']}.")

    async def away(_: Request, error: Exception) -> Response:
        log.error("The database of conversations cannot be used: %s", str(error).splitlines()[0])
        return RefusedError(503, "not_ready", "The database cannot be reached. Try again.", 5).response()

    app.add_exception_handler(RefusedError, refused)
    app.add_exception_handler(RequestValidationError, malformed)
    app.add_exception_handler(SQLAlchemyError, away)


def _theme() -> gr.themes.Base:
    # Fonts given as plain names are taken from the candidate's system; Gradio's own come from Google.
    return gr.themes.Base(
        primary_hue="teal", neutral_hue="slate", font=_SYSTEM_FONTS, font_mono=("monospace",)
    )


def serve(app: FastAPI, door: socket.socket, said: str = "", trusted_proxies: str = "") -> None:
    """Serve `app` on a listening socket until interrupted, and say where once it is ready, and what is `said`.

    `trusted_proxies`: addresses whose word on where a request came from is believed, comma between.
    """
    give_up_unread(door)
    config = server_config(app, trusted_proxies)
    with contextlib.suppress(KeyboardInterrupt):
        _Server(config, address(door), said, app.state.turns).run(sockets=[door])


def address(door: socket.socket) -> str:
    """Name the address to open in a browser for a listening socket."""
    host, port = door.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        return f"http://localhost:{port} (and every other address of this computer)"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """A server that prints its address when it can answer, and ends when the turns in work have ended."""

    def __init__(self, config: uvicorn.Config, where: str, said: str, turns: Turns) -> None:
        super().__init__(config)
        self.where = where
        self.said = said
        self.turns = turns
        self._asked: tuple[int, float] | None = None  # signal, and when it came

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        sys.stdout.write(f"The chat is open at {self.where}. Ctrl+C closes it.\n")
        if self.said:
            sys.stdout.write(f"{self.said}\n")
        sys.stdout.flush()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take no more questions, and end when those in work are answered; at a second signal, at once."""
        if self._asked is not None or not self.started:
            super().handle_exit(sig, frame)
            return
        self.turns.close()
        self._asked = sig, time.monotonic()

    async def on_tick(self, counter: int) -> bool:
        if self._asked is not None and not self.should_exit:
            sig, since = self._asked
            waited = time.monotonic() - since
            # Whoever ends it by hand is no load balancer, which has to see first that it is not ready.
            seen = sig == signal.SIGINT or waited >= SETTLE
            if waited >= DRAIN or (seen and not self.turns.taken):
                super().handle_exit(sig, None)
        return await super().on_tick(counter)


class Shut:
    """Lets only what the chat needs through, and says on every response what a browser may do with it."""

    def __init__(self, app: ASGIApp, embed_on: Sequence[str] = ()) -> None:
        self.app = app
        policy = "; ".join((*POLICY, framed_by(embed_on)))
        self.headers = {"Content-Security-Policy": policy, **SECURITY_HEADERS}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":  # nothing here speaks it, and the console's guard knows only HTTP
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def send_guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)  # our own pages have a stricter policy
                if scope.get("scheme") == "https":
                    headers.setdefault("Strict-Transport-Security", f"max-age={YEAR}")
            await send(message)

        answer: Any = self.app
        path = str(scope["path"])
        within = path.startswith(f"{BASE}/")
        if not _is_open(path, within):
            answer = PlainTextResponse("Not found", status_code=404)
        elif _too_large(scope, CONSOLE_LIMIT if within else BODY_LIMIT):
            answer = PlainTextResponse("The request is too large", status_code=413)
        try:
            await answer(scope, receive, send_guarded)
        except Exception:
            if begun:
                raise
            # Starlette's own answer would come from outside of this class, and without its headers.
            log.exception("A request to %r could not be answered.", path)
            failed = RefusedError(500, "failed", "Something went wrong on our side. Try again.").response()
            await failed(scope, receive, send_guarded)


def _is_open(path: str, within: bool) -> bool:
    """Whether there is anything at a path; `within`: in the console."""
    if CONSOLE_PATHS.fullmatch(path) or OWN_PATHS.fullmatch(path):
        return True
    return bool(OPEN_PATHS.fullmatch(path.removeprefix(BASE) if within else path))


def _too_large(scope: Scope, limit: int) -> bool:
    """Whether a body is over the limit, or hides its length; browsers always state it."""
    headers = Headers(scope=scope)
    length = headers.get("content-length", "0")
    return "transfer-encoding" in headers or not length.isdigit() or int(length) > limit


class OwnPage:
    """Takes Gradio's advertisement for itself out of the page, so that a shared link shows the company's."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; only the page itself is touched."""
        if scope["type"] != "http" or scope["path"] != "/" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        # The page must come uncompressed to be read here.
        headers = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
        start: Message = {}
        body = b""

        async def collect(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
                return
            if message["type"] != "http.response.body":
                await send(message)
                return
            body += message.get("body", b"")
            if message.get("more_body"):
                return
            body = ADVERTISEMENT.sub(b"", body)
            MutableHeaders(scope=start)["content-length"] = str(len(body))
            await send(start)
            await send({"type": "http.response.body", "body": body})

        await self.app({**scope, "headers": headers}, receive, collect)
