"""A careers site of its own, on another port than Candor, that holds the widget: well behaved or hostile."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from ui_fakes import REMOTE

PAGE = """<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>Careers</title>
<meta name="viewport" content="width=device-width, initial-scale=1">{head}</head>
<body><h1>Careers</h1><p>{text}</p><a href="#x">A link of the page</a>
<script async src="{widget}/widget.js" {data}></script></body></html>"""

BENEFITS = f"<!doctype html><title>Benefits</title><p>{'words ' * 3000}</p><p id=quoted>Our studio. {REMOTE.quote} Or not.</p><p>{'words ' * 3000}"

HOSTILE_STYLE = "* { all: unset !important; } button, iframe, div { display: none !important; position: static !important }"

OLD_LISTENER = """window.heard = [];
window.addEventListener("message", function (event) { window.heard.push(event.data); eval; });
document.querySelectorAll("iframe").forEach(function (frame) { frame.contentWindow.postMessage("hello", "*"); });"""


class Site:
    """The site; `widget` is where Candor is, and is set once that is known."""

    def __init__(self) -> None:
        self.widget = ""
        routes = [
            Route("/hostile.css", lambda _: PlainTextResponse(HOSTILE_STYLE, media_type="text/css")),
            Route("/old.js", lambda _: PlainTextResponse(OLD_LISTENER, media_type="text/javascript")),
            Route("/hostile", self.hostile),
            Route("/benefits", lambda _: HTMLResponse(BENEFITS)),
            Route("/{language}", self.page),
        ]
        self.app = Starlette(routes=routes)

    def page(self, request: Request) -> Response:
        """A page in a language; whatever is in the query becomes a data attribute."""
        data = " ".join(f'data-{name}="{value}"' for name, value in request.query_params.items())
        text = "words " * 900 if request.path_params["language"] == "en" else "words"
        values = {"language": request.path_params["language"], "head": "", "text": text, "data": data}
        return HTMLResponse(PAGE.format(widget=self.widget, **values))

    def hostile(self, _: Request) -> Response:
        """A page whose style unsets everything, whose policy is strict and whose scripts are old."""
        head = '<link rel="stylesheet" href="/hostile.css"><script src="/old.js"></script>'
        page = PAGE.format(widget=self.widget, language="en", head=head, text="words", data="")
        policy = (
            f"default-src 'none'; script-src 'self' {self.widget}; style-src 'self'; frame-src {self.widget}; "
            "require-trusted-types-for 'script'"
        )
        return HTMLResponse(page, headers={"Content-Security-Policy": policy})
