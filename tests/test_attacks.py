"""Attacks that reach through several modules; SECURITY.md says which wall each tries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from argon2 import PasswordHasher
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as trying
from patterns import patterns, slow
from ui_fakes import FakeAssistant, settings

from ui.accounts import Accounts
from ui.database import Database
from ui.server import SECURITY_HEADERS, create_app

ROOT = Path(__file__).parents[1]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[TestClient]:
    database = Database.open(f"sqlite:///{tmp_path / 'kept.sqlite'}")
    app = create_app(FakeAssistant(), settings(store=tmp_path, retention_days=30), database)
    yield TestClient(app, raise_server_exceptions=False)
    database.close()


def paths(app: Any) -> set[str]:
    """The paths of an app's routes and of what is mounted in it, with something in place of their parameters."""
    found: set[str] = set()
    waiting = [("", app.routes)]
    while waiting:
        before, routes = waiting.pop()
        for route in routes:
            path = before + str(getattr(route, "path", ""))
            if hasattr(route, "endpoint"):
                found.add(re.sub(r"\{[^}]*\}", "0" * 32, path))
            inner = getattr(route, "routes", None) or getattr(
                getattr(route, "original_router", None), "routes", None
            )
            if inner:
                waiting.append((path, inner))
    return found


def test_every_answer_carries_the_security_headers(kept: TestClient) -> None:
    asked = paths(kept.app) | {
        "/",
        "/chat",
        "/widget.js",
        "/api/start",
        "/assets/nothing.js",
        "/recruiter/",
        "/nothing",
        "/a%00b",
    }
    asked = {path for path in asked if "queue/data" not in path and "heartbeat" not in path}
    assert len(asked) > 20
    expected = {name.lower() for name in (*SECURITY_HEADERS, "Content-Security-Policy")}
    for path in sorted(asked):
        for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
            answer = kept.request(method, path)
            assert expected <= set(answer.headers), f"{method} {path} {answer.status_code}"


def test_what_the_description_allows_and_what_it_does_not_never_is_a_server_error(kept: TestClient) -> None:
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", kept.app)
    tried = [called(result.ok()) for result in schema.get_all_operations()]
    assert len(tried) >= 6 and all(tried)


def called(operation: Any) -> int:
    """How many calls of an operation were made; none may end in a server error other than a wait that is told."""
    count = 0

    @seed(7)
    @trying(
        max_examples=8,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def call(case: Any) -> None:
        nonlocal count
        count += 1
        response = case.call()
        assert response.status_code < 500 or response.json()["code"] in ("busy", "not_ready"), response.text
        assert "Traceback" not in response.text

    call()
    return count


def test_an_unknown_account_costs_the_same_proof_as_a_wrong_password(tmp_path: Path) -> None:
    class Counting(PasswordHasher):
        verified: list[str] = []  # noqa: RUF012

        def verify(self, hash: str | bytes, password: str | bytes) -> bool:
            self.verified.append(str(hash).rsplit("$", 2)[0])
            return bool(super().verify(hash, password))

    database = Database.open(f"sqlite:///{tmp_path / 'kept.sqlite'}")
    accounts = Accounts(database, Counting(time_cost=1, memory_cost=8, parallelism=1))
    accounts.accept(accounts.setup_token() or "", "four green ferries", "ada@firm.example")
    for name in ("ada@firm.example", "nobody@firm.example"):
        with pytest.raises(ValueError, match="not right"):
            accounts.sign_in(name, "wrong word here", "192.0.2.1")
    assert len(Counting.verified) == 2 and len(set(Counting.verified)) == 1
    database.close()


def test_no_pattern_takes_for_ever_over_a_long_text() -> None:
    tried = list(patterns())
    assert len(tried) > 140
    # A pattern in quadratic time takes twenty times as long; `python tests/patterns.py` tries 100,000 characters.
    found = {where: units for where, *pattern in tried if (units := slow(*pattern, 25_000, 0.6))}
    assert found == {}


def test_security_md_names_modules_and_tests_that_are_there() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    modules = re.findall(r"`((?:ui|assistant|knowledge|\.ci)/[\w./]+\.\w+)`", text)
    assert len(modules) > 15 and [path for path in modules if not (ROOT / path).is_file()] == []
    named = re.findall(r"`(tests/test_\w+\.py)::(\w+)`", text)
    assert len(named) > 20
    assert [
        (path, test)
        for path, test in named
        if f"def {test}(" not in (ROOT / path).read_text(encoding="utf-8")
    ] == []
