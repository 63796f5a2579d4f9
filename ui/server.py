"""The chat as a web server: everything Gradio opens by default is shut, and a test holds that."""

from __future__ import annotations

import contextlib
import re
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
import uvicorn
from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.candidate import Answering, candidate_chat

HERE = Path(__file__).parent
BODY_LIMIT = 64 * 1024  # bytes of a request; a question of 2,000 characters needs a tenth of it

# Gradio serves some sixty routes, among them uploads, a proxy and code editing. The chat uses these.
OPEN_PATHS = re.compile(
    r"/|/(config|theme\.css|favicon\.ico|robots\.txt|manifest\.json)|/(assets|static)/.*"
    r"|/gradio_api/(queue/join|queue/data|heartbeat/[^/]+|cancel|reset|startup-events|app_id|info|config)/?"
)

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
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}

SITE = re.compile(r"https?://[A-Za-z0-9.*-]+(:\d{1,5})?")
ADVERTISEMENT = re.compile(rb"<meta\s[^>]*(?:property|name)=\"(?:og|twitter):[^>]*>")

_SYSTEM_FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")


def create_app(
    assistant: Answering, *, company: str = "", contact: str = "", embed_on: Sequence[str] = ()
) -> FastAPI:
    """Build the web server of the candidate's chat, at `/`.

    `embed_on` names the sites that may show it in a frame, e.g. "https://careers.example.com".
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    # Without a CORS policy in the parent, Gradio lets every origin in, with credentials.
    app.add_middleware(CORSMiddleware, allow_origins=[])
    app.add_middleware(OwnPage)
    app.add_middleware(Shut, embed_on=embed_on)
    gr.mount_gradio_app(
        app,
        candidate_chat(assistant, company=company, contact=contact),
        "/",
        footer_links=[],
        run_history=False,
        show_error=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        ssr_mode=False,
        max_file_size=1,
        theme=_theme(),
        css_paths=HERE / "candidate.css",
        js=(HERE / "candidate.js").read_text(encoding="utf-8"),
    )
    return app


def _theme() -> gr.themes.Base:
    # Fonts given as plain names are taken from the candidate's system; Gradio's own come from Google.
    return gr.themes.Base(
        primary_hue="teal", neutral_hue="slate", font=_SYSTEM_FONTS, font_mono=("monospace",)
    )


def serve(app: FastAPI, door: socket.socket) -> None:
    """Serve `app` on a listening socket until interrupted, and say where once it is ready."""
    # No access log: who asked when is nobody's business. The heartbeat of an open page never ends by
    # itself, so a shutdown that waits for it would never end either.
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=2
    )
    with contextlib.suppress(KeyboardInterrupt):
        _Telling(config, address(door)).run(sockets=[door])


def address(door: socket.socket) -> str:
    """Name the address to open in a browser for a listening socket."""
    host, port = door.getsockname()[:2]
    if host in ("0.0.0.0", "::"):
        return f"http://localhost:{port} (and every other address of this computer)"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Telling(uvicorn.Server):
    """A server that prints its address when it can answer, and not before."""

    def __init__(self, config: uvicorn.Config, where: str) -> None:
        super().__init__(config)
        self.where = where

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        sys.stdout.write(f"The chat is open at {self.where}. Ctrl+C closes it.\n")
        sys.stdout.flush()


class Shut:
    """Lets only what the chat needs through, and says on every response what a browser may do with it."""

    def __init__(self, app: ASGIApp, embed_on: Sequence[str] = ()) -> None:
        self.app = app
        for site in embed_on:
            if not SITE.fullmatch(site):
                raise ValueError(f"{site!r} is not a site; write it like https://careers.example.com")
        frames = " ".join(("frame-ancestors 'self'", *embed_on))
        self.headers = {"Content-Security-Policy": "; ".join((*POLICY, frames)), **SECURITY_HEADERS}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self.headers)
            await send(message)

        answer: Any = self.app
        if not OPEN_PATHS.fullmatch(scope["path"]):
            answer = PlainTextResponse("Not found", status_code=404)
        elif _too_large(scope):
            answer = PlainTextResponse("The request is too large", status_code=413)
        await answer(scope, receive, send_guarded)


def _too_large(scope: Scope) -> bool:
    """Whether a body is over the limit, or hides its length; browsers always state it."""
    headers = Headers(scope=scope)
    length = headers.get("content-length", "0")
    return "transfer-encoding" in headers or not length.isdigit() or int(length) > BODY_LIMIT


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
