"""The console's door over HTTP: one-time links, sign-in, foreign sites, and a real OpenID provider on loopback."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.testclient import TestClient
from ui_fakes import settings

from ui.accounts import Accounts, Role
from ui.console.door import BASE, COOKIE, Guard, OidcSession, announce, door_pages
from ui.database import Database

ADA, BEN, WORD = "ada@firm.example", "ben@firm.example", "four green ferries"
HERE = "http://testserver"


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[Accounts]:
    opened = Database.open(f"sqlite:///{tmp_path / 'kept.sqlite'}")
    yield Accounts(opened, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    opened.close()


def client(accounts: Accounts, **chosen: Any) -> TestClient:
    app = FastAPI()
    app.add_middleware(Guard, accounts=accounts)
    app.add_middleware(OidcSession, secret="")
    app.include_router(door_pages(accounts, settings(**chosen)))

    @app.get(f"{BASE}/")
    def inside() -> str:
        return "inside"

    @app.post(f"{BASE}/gradio_api/queue/join")
    def join() -> str:
        return "joined"

    return TestClient(app, follow_redirects=False)


@pytest.fixture
def door(accounts: Accounts) -> TestClient:
    return client(accounts)


def set_up(door: TestClient, accounts: Accounts) -> None:
    token = accounts.setup_token()
    answer = door.post(f"{BASE}/setup", data={"token": token, "name": ADA, "password": WORD})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{BASE}/")


def test_the_first_start_tells_a_link_and_later_ones_none(accounts: Accounts, door: TestClient) -> None:
    said = announce(accounts, HERE)
    address = said.split(" ")[-1]
    assert address.startswith(f"{HERE}{BASE}/setup?token=")
    page = door.get(address.removeprefix(HERE))
    assert page.status_code == 200 and "Set up the console" in page.text
    set_up(door, accounts)
    assert announce(accounts, HERE) == ""


def test_whoever_set_it_up_is_inside_and_the_cookie_is_kept_from_scripts(
    accounts: Accounts, door: TestClient
) -> None:
    set_up(door, accounts)
    assert door.get(f"{BASE}/").json() == "inside"
    cookie = door.post(f"{BASE}/sign-in", data={"name": ADA, "password": WORD}).headers["set-cookie"]
    assert all(words in cookie.lower() for words in ("httponly", "samesite=lax", f"path={BASE}"))


def test_over_https_the_cookie_is_sent_over_https_alone(accounts: Accounts) -> None:
    door = client(accounts)
    set_up(door, accounts)
    secure = TestClient(door.app, base_url="https://testserver", follow_redirects=False)
    assert (
        "secure"
        in secure.post(f"{BASE}/sign-in", data={"name": ADA, "password": WORD}).headers["set-cookie"].lower()
    )


@pytest.mark.parametrize("path", ["/gradio_api/queue/join", "/export/review.csv", "/config", "/nothing"])
def test_nobody_gets_past_the_door_without_a_session(door: TestClient, path: str) -> None:
    assert door.get(f"{BASE}{path}").status_code == 401
    assert door.post(f"{BASE}{path}").status_code == 401


def test_the_console_itself_leads_to_the_sign_in(door: TestClient, accounts: Accounts) -> None:
    for path in (BASE, f"{BASE}/"):
        assert door.get(path).headers["location"] == f"{BASE}/sign-in"
    set_up(door, accounts)
    assert door.get(BASE).headers["location"] == f"{BASE}/"


def test_a_wrong_password_is_told_in_the_page_with_the_name_kept(
    door: TestClient, accounts: Accounts
) -> None:
    set_up(door, accounts)
    door.cookies.clear()
    answer = door.post(f"{BASE}/sign-in", data={"name": f'{ADA}"><script>', "password": "not the password"})
    assert answer.status_code == 403 and "is not right" in answer.text
    assert "<script>" not in answer.text and "&lt;script&gt;" in answer.text
    assert COOKIE not in answer.cookies


def test_signing_in_makes_a_new_session_and_ends_the_one_before(door: TestClient, accounts: Accounts) -> None:
    set_up(door, accounts)
    first = door.cookies[COOKIE]
    door.post(f"{BASE}/sign-in", data={"name": ADA, "password": WORD})
    assert door.cookies[COOKIE] != first and accounts.who(first) is None


def test_a_cookie_brought_along_is_never_taken_over(door: TestClient, accounts: Accounts) -> None:
    set_up(door, accounts)
    door.cookies.clear()
    door.cookies.set(COOKIE, "a" * 64, path=BASE)
    answer = door.post(f"{BASE}/sign-in", data={"name": ADA, "password": WORD})
    assert answer.cookies[COOKIE] != "a" * 64 and accounts.who("a" * 64) is None


def test_signing_in_leads_to_the_console_whatever_the_request_names(
    door: TestClient, accounts: Accounts
) -> None:
    set_up(door, accounts)
    given = {"name": ADA, "password": WORD, "next": "https://evil.example", "redirect": "//evil.example"}
    answer = door.post(
        f"{BASE}/sign-in?next=//evil.example",
        data=given,
        headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"},
    )
    assert (answer.status_code, answer.headers["location"]) == (303, f"{BASE}/")


def test_signing_out_ends_the_session(door: TestClient, accounts: Accounts) -> None:
    set_up(door, accounts)
    cookie = door.cookies[COOKIE]
    assert door.post(f"{BASE}/sign-out").headers["location"] == f"{BASE}/sign-in"
    assert accounts.who(cookie) is None


def test_signing_out_everywhere_ends_all_sessions_of_the_account(
    door: TestClient, accounts: Accounts
) -> None:
    set_up(door, accounts)
    other = accounts.sign_in(ADA, WORD, "192.0.2.9")
    door.post(f"{BASE}/sign-out-everywhere")
    assert accounts.who(other) is None


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "same-origin", "origin": "null"}, 200),
        ({"origin": "http://testserver"}, 200),
        ({}, 200),
    ],
)
def test_another_sites_page_cannot_act_in_a_recruiters_name(
    door: TestClient, accounts: Accounts, headers: dict[str, str], status: int
) -> None:
    set_up(door, accounts)
    assert door.post(f"{BASE}/gradio_api/queue/join", headers=headers).status_code == status


def test_a_link_that_was_used_says_so(door: TestClient, accounts: Accounts) -> None:
    set_up(door, accounts)
    token = accounts.add(BEN, Role.VIEWER, ADA)
    page = door.get(f"{BASE}/invitation?token={token}")
    assert BEN in page.text and 'name="name"' not in page.text
    door.post(f"{BASE}/invitation", data={"token": token, "password": WORD})
    assert door.get(f"{BASE}/invitation?token={token}").status_code == 410
    assert door.post(f"{BASE}/invitation", data={"token": token, "password": WORD}).status_code == 410


def test_a_bad_password_leaves_the_link_good(door: TestClient, accounts: Accounts) -> None:
    token = accounts.setup_token()
    answer = door.post(f"{BASE}/setup", data={"token": token, "name": ADA, "password": "short"})
    assert answer.status_code == 422 and "12 to 200" in answer.text and ADA in answer.text
    set_up(door, accounts)


def test_the_pages_load_nothing_from_elsewhere_and_cannot_be_framed(door: TestClient) -> None:
    answer = door.get(f"{BASE}/sign-in")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert "company's account" not in answer.text


# --- OpenID Connect -----------------------------------------------------------------------------------


@dataclass
class Provider:
    """An OpenID provider that says of whoever comes what the test wants it to say."""

    key: RSAKey = field(
        default_factory=lambda: RSAKey.generate_key(2048, {"kid": "k", "use": "sig"}, private=True)
    )
    claims: dict[str, Any] = field(default_factory=dict)
    nonce: str = ""
    url: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)

    def answer(self, path: str, form: dict[str, str]) -> dict[str, Any]:
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        if path == "/keys":
            return {"keys": [self.key.as_dict(private=False)]}
        self.asked.append(form)
        now = int(time.time())
        told = {
            "iss": self.url,
            "aud": "candor",
            "sub": "s-1",
            "iat": now,
            "exp": now + 60,
            "nonce": self.nonce,
        }
        token = jwt.encode({"alg": "RS256", "kid": "k"}, told | self.claims, self.key)
        return {"access_token": "a", "token_type": "Bearer", "id_token": token}


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            form = {name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
            body = json.dumps(made.answer(self.path, form)).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def through(accounts: Accounts, provider: Provider) -> Callable[..., Any]:
    """Go through the provider as a browser would, with claims and with what the way back is changed to."""
    token = accounts.setup_token()
    assert token
    accounts.accept(token, WORD, ADA)
    door = client(accounts, oidc_issuer=provider.url, oidc_client_id="candor", oidc_client_secret="s3cret")

    def go(claims: dict[str, Any], nonce: str = "", **changed: str) -> Any:
        sent = parse_qs(urlsplit(door.get(f"{BASE}/oidc/start").headers["location"]).query)
        provider.claims, provider.nonce = claims, nonce or sent["nonce"][0]
        assert sent["code_challenge_method"] == ["S256"] and sent["scope"] == ["openid email"]
        back = {"code": "c", "state": sent["state"][0]} | changed
        return door.get(f"{BASE}/oidc/callback?{urlencode(back)}")

    return go


VERIFIED = {"email": ADA, "email_verified": True}


def test_an_account_signs_in_through_the_provider(
    through: Callable[..., Any], accounts: Accounts, provider: Provider
) -> None:
    answer = through(VERIFIED)
    assert answer.status_code == 303, answer.text
    member = accounts.who(answer.cookies[COOKIE])
    assert member and (member.name, member.role) == (ADA, Role.ADMIN)
    assert provider.asked[0]["code_verifier"] and provider.asked[0]["redirect_uri"].endswith("/oidc/callback")


@pytest.mark.parametrize(
    ("claims", "nonce", "changed"),
    [
        ({"email": ADA, "email_verified": False}, "", {}),
        ({"email": ADA}, "", {}),
        ({"email": "nobody@firm.example", "email_verified": True}, "", {}),
        ({**VERIFIED, "aud": "another"}, "", {}),
        ({**VERIFIED, "iss": "https://evil.example"}, "", {}),
        ({**VERIFIED, "exp": 1}, "", {}),
        (VERIFIED, "another", {}),
        (VERIFIED, "", {"state": "another"}),
    ],
)
def test_what_the_provider_does_not_vouch_for_is_refused(
    through: Callable[..., Any], claims: dict[str, Any], nonce: str, changed: dict[str, str]
) -> None:
    answer = through(claims, nonce, **changed)
    assert answer.status_code == 403 and COOKIE not in answer.cookies
    assert 'role="alert"' in answer.text


def test_a_token_signed_by_somebody_else_is_refused(through: Callable[..., Any], provider: Provider) -> None:
    good = provider.key

    class Forged:
        def __call__(self, path: str, form: dict[str, str]) -> dict[str, Any]:
            provider.key = good if path == "/keys" else RSAKey.generate_key(2048, {"kid": "k"}, private=True)
            return Provider.answer(provider, path, form)

    provider.answer = Forged()  # type: ignore[method-assign]
    assert through(VERIFIED).status_code == 403


def test_a_provider_that_is_away_is_told(accounts: Accounts) -> None:
    door = client(
        accounts, oidc_issuer="http://127.0.0.1:9", oidc_client_id="candor", oidc_client_secret="s3cret"
    )
    answer = door.get(f"{BASE}/oidc/start")
    assert answer.status_code == 502 and "cannot be reached" in answer.text
    assert "company" in door.get(f"{BASE}/sign-in").text


def test_the_provider_sends_people_back_to_the_public_address(accounts: Accounts, provider: Provider) -> None:
    given = {"oidc_issuer": provider.url, "oidc_client_id": "candor", "oidc_client_secret": "s3cret"}
    door = client(accounts, public_url="https://chat.firm.example/", **given)
    sent = door.get(f"{BASE}/oidc/start", headers={"Host": "evil.example"}).headers["location"]
    back = parse_qs(urlsplit(sent).query)["redirect_uri"]
    assert back == [f"https://chat.firm.example{BASE}/oidc/callback"]


def test_without_a_provider_its_pages_say_so(door: TestClient) -> None:
    assert door.get(f"{BASE}/oidc/start").status_code == 404
    assert door.get(f"{BASE}/oidc/callback?code=x&state=y").status_code == 404


def test_what_a_visitor_puts_into_an_error_stays_one_line_of_the_log(
    through: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    planted = "denied\nERROR An admin signed in\x1b[2J\u2028x"
    through({}, error=planted, error_description=planted)
    (line,) = [record.getMessage() for record in caplog.records if record.name == "ui.console.door"]
    assert line.isprintable() and "denied ERROR An admin" in line
