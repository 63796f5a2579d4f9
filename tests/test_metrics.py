"""What Prometheus is told, and who may ask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from ui_fakes import FakeAssistant, settings

from ui.database import Database
from ui.metrics import Metrics, metrics_page
from ui.server import create_app
from ui.turns import Turns

NEAR = ("127.0.0.1", 40000)
HOST = "http://127.0.0.1:7860"
BODY: dict[str, Any] = {"message": "1" * 32, "turns": ["Can I work from home?"]}


def near(app: Any, client: tuple[str, int] = NEAR, host: str = HOST) -> TestClient:
    return TestClient(app, base_url=host, client=client)


def app_of(metrics: Metrics, token: str = "") -> FastAPI:
    app = FastAPI()
    app.include_router(metrics_page(metrics, token))
    return app


def samples(told: str) -> dict[str, float]:
    return {
        "/".join((sample.name, *sample.labels.values())): sample.value
        for family in text_string_to_metric_families(told)
        for sample in family.samples
    }


def test_turns_refusals_the_store_and_the_process_are_told(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'kept.sqlite'}")
    app = create_app(FakeAssistant(), settings(retention_days=30, limit_address="1/hour"), database)
    client = near(app)
    assert [client.post("/api/chat", json=BODY).status_code for _ in range(2)] == [200, 429]
    with pytest.raises(OperationalError), database.engine.connect() as connection:
        connection.execute(text("SELECT nothing FROM nowhere"))
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    told = samples(answer.text)
    assert told["candor_turns_total/answered/extractive"] == 1
    assert told["candor_refused_total/limit"] == 1 and told["candor_refused_total/busy"] == 0
    assert told["candor_turn_seconds_count"] == told["candor_first_token_seconds_count"] == 1
    assert told["candor_store_pages"] == 12 and told["candor_store_passages"] == 40
    assert told["candor_store_age_seconds"] > 0 and told["candor_store_readable"] == 1
    assert told["candor_turns_in_work"] == 0 and told["candor_database_errors_total"] == 1
    assert told["process_resident_memory_bytes"] > 1e6
    database.close()


def test_a_store_that_cannot_be_read_is_told_and_breaks_nothing() -> None:
    class Damaged(FakeAssistant):
        broken = False

        def __getattribute__(self, name: str) -> Any:
            if name == "summary" and object.__getattribute__(self, "broken"):
                raise OSError("The vectors are damaged.")
            return super().__getattribute__(name)

    assistant = Damaged()
    assistant.broken = True
    metrics = Metrics()
    metrics.watch(assistant, None, Turns(), None)
    assert samples(near(app_of(metrics)).get("/metrics").text)["candor_store_readable"] == 0


@pytest.mark.parametrize(
    ("client", "host", "headers"),
    [
        (("203.0.113.7", 1), HOST, {}),
        (NEAR, HOST, {"X-Forwarded-For": "127.0.0.1"}),
        (NEAR, HOST, {"Forwarded": "for=127.0.0.1"}),
        (
            NEAR,
            "http://chat.example.com",
            {},
        ),  # a proxy that sets no such header, or a name bound to this address
        (NEAR, HOST, {"Host": "evil.example:7860"}),
    ],
)
def test_without_a_token_only_this_computer_may_ask(
    client: tuple[str, int], host: str, headers: dict[str, str]
) -> None:
    asking = near(app_of(Metrics()), client, host)
    assert asking.get("/metrics", headers=headers).status_code == 404


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", "Basic token-1", "token-1", "Bearer tökén"])
def test_with_a_token_only_who_has_it_may_ask(given: str) -> None:
    far = near(app_of(Metrics(), "token-1"), ("203.0.113.7", 1), "https://x.example")
    refused = far.get("/metrics", headers={"Authorization": given.encode("latin-1")})
    assert refused.status_code == 401 and refused.headers["www-authenticate"].startswith("Bearer")
    assert far.get("/metrics", headers={"Authorization": "Bearer token-1"}).status_code == 200
    assert near(far.app).get("/metrics").status_code == 401
