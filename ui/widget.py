"""The widget's pages: the script that draws the button, the light chat page in its frame, and a demonstration.

They are hand-made files in `ui/web`, made small once when the server starts.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

import rcssmin
import rjsmin
from fastapi import APIRouter, Request, Response

from knowledge.settings import Settings
from ui.headers import framed_by
from ui.markup import title

WEB = Path(__file__).with_name("web")
LANGUAGES = ("en", "fr", "he", "de", "es", "uk")

KINDS = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".svg": "image/svg+xml",
}
_SMALLER: dict[str, Callable[[str], str]] = {
    ".js": rjsmin.jsmin,
    ".css": rcssmin.cssmin,
    ".json": lambda text: json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":")),
}

CHAT_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",  # nothing can set a text as HTML, not even by mistake
    "trusted-types 'none'",
)
DEMO_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "frame-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
)

METHODS = ["GET", "HEAD"]

BRIEFLY = "public, max-age=600"
"""For what has no version in its address: a careers site gets a new widget within ten minutes."""


@dataclass(frozen=True)
class Built:
    """A file as it is served: made small, packed, and known by its content."""

    content: bytes
    packed: bytes
    kind: str

    @property
    def tag(self) -> str:
        """Changes with the content."""
        return hashlib.sha256(self.content).hexdigest()[:16]

    def response(self, request: Request, **headers: str) -> Response:
        """The file, packed where the browser takes that, or "not modified"."""
        told = {"ETag": f'"{self.tag}"', "Vary": "Accept-Encoding", **_dashed(headers)}
        if request.headers.get("if-none-match", "").removeprefix("W/") == told["ETag"]:
            return Response(status_code=304, headers=told)
        content = self.content
        if "gzip" in request.headers.get("accept-encoding", ""):
            content, told["Content-Encoding"] = self.packed, "gzip"
        return Response(content, media_type=self.kind, headers=told)


def made(text: str, ending: str) -> Built:
    """A text as it is served."""
    content = _SMALLER.get(ending, str)(text).encode()
    return Built(content, gzip.compress(content, 9, mtime=0), KINDS[ending])


@cache
def built(name: str) -> Built:
    """A file of `ui/web` as it is served."""
    return made((WEB / name).read_text(encoding="utf-8"), Path(name).suffix)


@cache
def all_tags() -> str:
    """Changes with any of the files: part of their addresses, so that browsers may keep them for good."""
    return hashlib.sha256(
        "".join(built(path.name).tag for path in sorted(WEB.iterdir())).encode()
    ).hexdigest()[:12]


def widget_pages(settings: Settings) -> APIRouter:
    """`/widget.js`, `/chat` with its files, and `/demo`."""
    router = APIRouter(include_in_schema=False)
    chat_policy = "; ".join((*CHAT_POLICY, framed_by(settings.embed_on)))
    chat = made(filled("chat.html", settings), ".html")
    demo = made(filled("demo.html", settings), ".html")

    @router.api_route("/widget.js", methods=METHODS)
    def widget(request: Request) -> Response:
        # A careers site that isolates itself (COEP) may load it all the same.
        return built("widget.js").response(
            request, cache_control=BRIEFLY, cross_origin_resource_policy="cross-origin"
        )

    @router.api_route("/chat", methods=METHODS)
    def page(request: Request) -> Response:
        return chat.response(request, cache_control="no-cache", content_security_policy=chat_policy)

    @router.api_route("/demo", methods=METHODS)
    def demonstration(request: Request) -> Response:
        policy = "; ".join(DEMO_POLICY)
        return demo.response(request, cache_control="no-cache", content_security_policy=policy)

    @router.api_route("/chat/{name}", methods=METHODS)
    @router.api_route("/demo/{name}", methods=METHODS)
    def file(name: str, request: Request) -> Response:
        if name not in _names():
            return Response("Not found", 404)
        keep = "public, max-age=31536000, immutable" if request.url.query == all_tags() else BRIEFLY
        return built(name).response(request, cache_control=keep)

    return router


@cache
def _names() -> frozenset[str]:
    """The files that the pages load."""
    return frozenset(path.name for path in WEB.iterdir() if path.suffix != ".html")


def filled(name: str, settings: Settings, **more: str) -> str:
    """A page with the settings in it; every value is hostile until it has been escaped."""
    values = {
        "title": title(settings.company),
        "company": settings.company,
        "sites": " ".join(settings.embed_on),
        "tags": all_tags(),
        **more,
    }
    text = (WEB / name).read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace("{{" + key + "}}", escape(value))
    return text


def _dashed(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-").title(): value for name, value in headers.items()}
