"""Whether the server lives, and whether it can answer: for load balancers and whoever watches it."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from sqlalchemy import text

from ui.candidate import Answering
from ui.database import Database
from ui.turns import Turns


def health_pages(assistant: Answering, database: Database | None, turns: Turns | None = None) -> APIRouter:
    """`/healthz`: 200 while the process lives. `/readyz`: 200 when a question would be answered and kept, else 503.

    `turns`: once they are closed, the server is about to end, and not ready any more.

    Both name the parts and nothing of what is in them.
    """
    router = APIRouter(include_in_schema=False)

    @router.get("/healthz")
    def alive() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/readyz")
    def ready() -> JSONResponse:
        parts = {"knowledge": _knowledge(assistant)}
        if database is not None:
            parts["database"] = _database(database)
        if turns is not None and turns.closing:
            parts["server"] = "is being ended"
        good = all(state == "ok" for state in parts.values())
        return JSONResponse({"status": "ok" if good else "not ready", **parts}, 200 if good else 503)

    return router


def _knowledge(assistant: Answering) -> str:
    try:
        summary = assistant.summary
    except Exception:  # whatever is wrong with it, the log of a turn tells
        return "cannot be read"
    return "ok" if summary.pages or summary.jobs else "empty"


def _database(database: Database) -> str:
    try:
        with database.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except Exception:
        return "cannot be reached"
    return "ok"
