"""What visitors meet while models load: pages that say so, and go on by themselves.

It imports little, so that it is there within a second. The server of everything else takes its place on the same
door; whoever comes in between waits in the door's queue.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator, Sequence

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.datastructures import MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from knowledge.settings import Settings
from ui.connections import give_up_unread, server_config
from ui.headers import SECURITY_HEADERS, YEAR, cors, framed_by
from ui.refusals import RefusedError
from ui.request_ids import RequestIds
from ui.widget import CHAT_POLICY, filled, made, widget_pages

AGAIN = 2
"""Seconds after which it is worth asking again."""

SAID = f"The assistant is getting ready. Try again in {AGAIN} seconds."

ANY = ["GET", "HEAD", "POST", "PUT", "DELETE"]


@contextlib.contextmanager
def waiting(door: socket.socket, settings: Settings) -> Iterator[None]:
    """Answer at `door`, from a thread beside the block, that the server is getting ready. The door stays open."""
    give_up_unread(door)
    server = uvicorn.Server(server_config(waiting_app(settings), settings.trusted_proxies))
    # uvicorn closes the sockets it was given: it gets another handle of the same door.
    thread = threading.Thread(
        target=lambda: asyncio.run(server.serve(sockets=[door.dup()])), name="waiting", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


def waiting_app(settings: Settings) -> ASGIApp:
    """The pages and answers of a server that is getting ready: the widget's own pages, and 503 for all else."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_middleware(CORSMiddleware, **cors(settings.embed_on))
    app.add_middleware(Headers, embed_on=settings.embed_on)
    app.add_middleware(RequestIds)
    app.include_router(widget_pages(settings))
    policy = "; ".join((*CHAT_POLICY, framed_by(settings.embed_on)))
    later = {"Retry-After": str(AGAIN), "Cache-Control": "no-store"}

    @app.get("/healthz")
    def alive() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    def ready() -> JSONResponse:
        return JSONResponse({"status": "not ready", "server": "is getting ready"}, 503, later)

    @app.api_route("/api/{path:path}", methods=ANY)
    def api(path: str) -> Response:
        return RefusedError(503, "not_ready", SAID, AGAIN).response()

    @app.api_route("/{path:path}", methods=ANY)
    def page(path: str, request: Request) -> Response:
        if request.method != "GET" or not (path == "" or path.split("/")[0] == "recruiter"):
            return PlainTextResponse(SAID, 503, later)
        told = made(filled("waiting.html", settings, up="../" * path.count("/")), ".html")
        return Response(told.content, 503, {**later, "Content-Security-Policy": policy}, told.kind)

    return app


class Headers:
    """Says on every response what a browser may do with it, and that the next one comes from another server."""

    def __init__(self, app: ASGIApp, embed_on: Sequence[str] = ()) -> None:
        self.app = app
        policy = f"default-src 'none'; {framed_by(embed_on)}"
        self.headers = {"Content-Security-Policy": policy, "Connection": "close", **SECURITY_HEADERS}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)  # the pages have a policy of their own
                if scope.get("scheme") == "https":
                    headers.setdefault("Strict-Transport-Security", f"max-age={YEAR}")
            await send(message)

        await self.app(scope, receive, send_guarded)
