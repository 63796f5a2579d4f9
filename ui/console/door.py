"""The console's door: set-up link, invitation, sign-in with a password or through OpenID Connect, sign-out."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from functools import cache
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from authlib.integrations.starlette_client import OAuth
from fastapi import APIRouter, Form, Request
from jinja2 import Environment, FileSystemLoader
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from knowledge.settings import Settings
from ui.accounts import AccountError, Accounts, Member, SignInError

log = logging.getLogger(__name__)

BASE = "/recruiter"
COOKIE = "candor_session"
HOST = re.compile(r"([A-Za-z0-9.-]{1,253}|\[[0-9a-fA-F:.]{2,45}\])(?::\d{1,5})?")
HERE = Path(__file__).parent
POLICY = (
    "default-src 'none'",
    "style-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
)
PUBLIC = ("sign-in", "setup", "invitation", "oidc/start", "oidc/callback", "door.css")
"""What can be reached without a session; everything else below `BASE` cannot."""


def member_of(accounts: Accounts, connection: HTTPConnection) -> Member | None:
    """Who sends a request, by its cookie."""
    return accounts.who(connection.cookies.get(COOKIE, ""))


def same_origin(connection: HTTPConnection) -> bool:
    """Whether a request comes from a page of this server: no other site may act in a recruiter's name.

    Browsers say so in Sec-Fetch-Site; older ones only in Origin, which our pages' referrer policy would make
    "null". A request with neither is no browser's, and has no recruiter's cookie that it did not bring itself.
    """
    if site := connection.headers.get("sec-fetch-site"):
        return site in ("same-origin", "none")
    origin = connection.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == connection.headers.get("host", "")


class Guard:
    """Lets nobody below `BASE` who is not signed in, and no request that another site's page sends."""

    def __init__(self, app: ASGIApp, accounts: Accounts) -> None:
        self.app = app
        self.accounts = accounts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = str(scope.get("path", ""))
        if scope["type"] != "http" or not (path == BASE or path.startswith(f"{BASE}/")):
            await self.app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        answer: ASGIApp = self.app
        if scope["method"] not in ("GET", "HEAD") and not same_origin(connection):
            answer = PlainTextResponse("This request comes from another site.", 403)
        elif path.removeprefix(f"{BASE}/") not in PUBLIC:
            member = await asyncio.to_thread(member_of, self.accounts, connection)
            if path in (BASE, f"{BASE}/") and (member is None or path == BASE):
                answer = RedirectResponse(f"{BASE}/{'' if member else 'sign-in'}", 303)
            elif member is None:
                answer = PlainTextResponse("Sign in first.", 401)
        await answer(scope, receive, send)


def door_pages(accounts: Accounts, settings: Settings) -> APIRouter:
    """The pages below `/recruiter` that are not the console itself."""
    router = APIRouter(prefix=BASE, include_in_schema=False)
    provider = _provider(settings)

    def page(heading: str, status: int = 200, **values: Any) -> Response:
        return _page(heading, status, company=settings.company, **values)

    def sign_in_page(error: str = "", name: str = "", status: int = 200) -> Response:
        return page(
            "Sign in",
            status,
            action=f"{BASE}/sign-in",
            fields=("name", "password"),
            button="Sign in",
            error=error,
            name=name,
            oidc=provider is not None,
        )

    def token_page(token: str, error: str = "", name: str = "", status: int = 200) -> Response:
        member = accounts.invited(token)
        if member is None:
            gone = (
                "This link has been used or is over. Ask an admin for a new one, or start the server again."
            )
            return page("No longer valid", 410, error=gone)
        first = not member.name
        return page(
            "Set up the console" if first else "Choose a password",
            status,
            action=f"{BASE}/{'setup' if first else 'invitation'}",
            fields=("name", "password") if first else ("password",),
            button="Set up" if first else "Keep this password",
            intro="You will be its first admin." if first else f"For the account {member.name}.",
            token=token,
            error=error,
            name=name,
        )

    @router.get("/door.css")
    def style() -> Response:
        return Response((HERE / "door.css").read_text(encoding="utf-8"), media_type="text/css")

    @router.get("/sign-in")
    def show_sign_in() -> Response:
        return sign_in_page()

    @router.post("/sign-in")
    def sign_in(
        request: Request, name: Annotated[str, Form()] = "", password: Annotated[str, Form()] = ""
    ) -> Response:
        address = request.client.host if request.client else ""
        try:
            cookie = accounts.sign_in(name, password, address)
        except SignInError as error:
            return sign_in_page(str(error), name[:120], 403)
        accounts.sign_out(request.cookies.get(COOKIE, ""))
        return _entered(request, cookie)

    @router.get("/setup")
    @router.get("/invitation")
    def show_token(token: str = "") -> Response:
        return token_page(token)

    @router.post("/setup")
    @router.post("/invitation")
    def accept(
        request: Request,
        token: Annotated[str, Form()] = "",
        name: Annotated[str, Form()] = "",
        password: Annotated[str, Form()] = "",
    ) -> Response:
        try:
            member = accounts.accept(token, password, name)
        except (SignInError, AccountError) as error:
            return token_page(token, str(error), name[:120], 422)
        return _entered(request, accounts.begin(member, "signed in"))

    @router.post("/sign-out")
    def sign_out(request: Request) -> Response:
        accounts.sign_out(request.cookies.get(COOKIE, ""))
        return _left()

    @router.post("/sign-out-everywhere")
    def sign_out_everywhere(request: Request) -> Response:
        if member := member_of(accounts, request):
            accounts.sign_out_everywhere(member.name, member.name)
        return _left()

    @router.get("/oidc/start")
    async def start(request: Request) -> Response:
        if provider is None:
            return sign_in_page("OpenID Connect is not set up here.", status=404)
        try:
            back = f"{settings.public_url}{BASE}/oidc/callback" if settings.public_url else ""
            back = back or str(request.url_for("oidc_callback"))  # the provider knows which it may be
            went: Response = await provider.authorize_redirect(request, back)
        except Exception as error:  # the provider's, the network's, or what is wrong with a token
            log.error("The OpenID provider cannot be used: %s", _in_a_line(error))
            return sign_in_page(
                "Your company's sign-in cannot be reached. Try again, or use a password.", status=502
            )
        return went

    @router.get("/oidc/callback", name="oidc_callback")
    async def callback(request: Request) -> Response:
        if provider is None:
            return sign_in_page("OpenID Connect is not set up here.", status=404)
        try:
            claims = (await provider.authorize_access_token(request)).get("userinfo") or {}
        except Exception as error:  # the provider's, the network's, or what is wrong with a token
            log.warning("A sign-in through OpenID Connect was refused: %s", _in_a_line(error))
            return sign_in_page("That sign-in did not work. Try again.", status=403)
        member = await asyncio.to_thread(_believed, accounts, claims)
        if member is None:
            return sign_in_page(
                "There is no account for you here. Ask an admin to add your mail address.", status=403
            )
        cookie = await asyncio.to_thread(accounts.begin, member, "signed in with OpenID")
        return _entered(request, cookie)

    return router


class OidcSession:
    """The signed cookie in which a sign-in through OpenID Connect is under way, for its two pages alone."""

    def __init__(self, app: ASGIApp, secret: str) -> None:
        self.app = app
        self.within = SessionMiddleware(
            app,
            secret or secrets.token_hex(32),
            f"{COOKIE}_oidc",
            max_age=600,
            path=f"{BASE}/oidc",
            same_site="lax",
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        own = scope["type"] == "http" and str(scope["path"]).startswith(f"{BASE}/oidc/")
        await (self.within if own else self.app)(scope, receive, send)


def announce(accounts: Accounts, address: str) -> str:
    """What the server says at its start: the one-time link, while nobody can sign in; otherwise ""."""
    token = accounts.setup_token()
    if token is None:
        return ""
    return f"Set up the recruiter's console, once, within 24 hours: {link(address, 'setup', token)}"


def reached_at(settings: Settings, connection: HTTPConnection) -> str:
    """The address under which people reach this server, or "" where nobody who is believed says it.

    What a request says of its host may be anybody's: without a setting, it is believed where it is this computer
    or the address at which the request came in.
    """
    if settings.public_url:
        return settings.public_url
    found = HOST.fullmatch(connection.headers.get("host", ""))
    own = str((connection.scope.get("server") or ("",))[0])
    if found is None or found[1].strip("[]") not in ("localhost", "127.0.0.1", "::1", own):
        return ""
    return f"{connection.url.scheme}://{found[0]}"


def link(address: str, what: str, token: str) -> str:
    """The address of a page that is good once; `what` is "setup" or "invitation"."""
    return f"{address.rstrip('/')}{BASE}/{what}?token={token}"


def _believed(accounts: Accounts, claims: dict[str, Any]) -> Member | None:
    """Whom the provider's claims name: only a mail address that it has verified counts."""
    if not claims.get("sub"):
        return None
    mail = str(claims.get("email") or "") if claims.get("email_verified") is True else ""
    return accounts.by_provider(f"{claims.get('iss', '')}|{claims['sub']}", mail)


def _provider(settings: Settings) -> Any:
    if not settings.oidc_issuer:
        return None
    oauth = OAuth()
    oauth.register(
        "company",
        server_metadata_url=f"{settings.oidc_issuer.rstrip('/')}/.well-known/openid-configuration",
        client_id=settings.oidc_client_id,
        client_secret=settings.oidc_client_secret.get_secret_value(),
        client_kwargs={"scope": "openid email", "code_challenge_method": "S256", "timeout": 10.0},
    )
    return oauth.create_client("company")


def _entered(request: Request, cookie: str) -> Response:
    answer = RedirectResponse(f"{BASE}/", 303)
    answer.set_cookie(
        COOKIE, cookie, path=BASE, httponly=True, samesite="lax", secure=request.url.scheme == "https"
    )
    return answer


def _in_a_line(error: Exception) -> str:
    """An error for the log. Its words may be the visitor's: no line and no terminal's command of theirs gets in."""
    words = " ".join(str(error).split())[:300]
    return "".join(char if char.isprintable() else "?" for char in words) or type(error).__name__


def _left() -> Response:
    answer = RedirectResponse(f"{BASE}/sign-in", 303)
    answer.delete_cookie(COOKIE, path=BASE)
    return answer


@cache
def _template() -> Any:
    return Environment(loader=FileSystemLoader(HERE), autoescape=True).get_template("door.html")


def _page(heading: str, status: int, **values: Any) -> Response:
    text = _template().render(heading=heading, base=BASE, **values)
    headers = {"Content-Security-Policy": "; ".join(POLICY), "Cache-Control": "no-store"}
    return HTMLResponse(text, status, headers)


__all__ = [
    "BASE",
    "COOKIE",
    "Guard",
    "OidcSession",
    "announce",
    "door_pages",
    "link",
    "member_of",
    "reached_at",
    "same_origin",
]
