"""What a load balancer is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from ui_fakes import FakeAssistant, FakeSummary, settings

from ui.database import Database
from ui.server import create_app


class Damaged:
    """An assistant that cannot open its store."""

    @property
    def summary(self) -> FakeSummary:
        raise OSError("The vectors are damaged.")


EMPTY = FakeAssistant(FakeSummary(pages=0, jobs=0, open_jobs=0, as_of=None))


def test_a_server_that_can_answer_and_keep_is_ready(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path / 'kept.sqlite'}")
    client = TestClient(create_app(FakeAssistant(), settings(retention_days=30), database))
    assert client.get("/healthz").json() == {"status": "ok"}
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "knowledge": "ok", "database": "ok"})
    database.close()


@pytest.mark.parametrize(("assistant", "said"), [(EMPTY, "empty"), (Damaged(), "cannot be read")])
def test_without_knowledge_it_lives_and_is_not_ready(assistant: Any, said: str) -> None:
    from fastapi import FastAPI

    from ui.health import health_pages

    app = FastAPI()
    app.include_router(health_pages(assistant, None))
    client = TestClient(app)
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert answer.status_code == 503 and answer.json()["knowledge"] == said


def test_without_its_database_it_is_not_ready(tmp_path: Path) -> None:
    from fastapi import FastAPI
    from sqlalchemy import create_engine

    from ui.health import health_pages

    app = FastAPI()
    away = Database(create_engine("postgresql+psycopg://me:secret-1@127.0.0.1:9/none?connect_timeout=2"))
    app.include_router(health_pages(FakeAssistant(), away))
    answer = TestClient(app).get("/readyz")
    assert answer.status_code == 503 and answer.json()["database"] == "cannot be reached"
    assert "secret" not in answer.text
