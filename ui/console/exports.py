"""Files to download from the console. Whoever is signed in may read what the console shows them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Literal

from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from assistant.coverage import State
from ui.accounts import Role
from ui.console.coverage_tab import rows
from ui.console.desk import Desk
from ui.console.door import BASE, member_of
from ui.review import Filter, csv_line


def export_pages(desk: Desk) -> APIRouter:
    """The files below `/recruiter/export`."""
    router = APIRouter(prefix=f"{BASE}/export", include_in_schema=False)

    def refused(request: Request, needs: Role) -> Response | None:
        member = member_of(desk.accounts, request)
        if member is None:
            return PlainTextResponse("Sign in first.", 401)
        return None if member.role.allows(needs) else PlainTextResponse("Your role does not allow this.", 403)

    @router.get("/review.csv")
    def review(
        request: Request,
        start: date | None = None,
        end: date | None = None,
        topic: str = "",
        language: str = "",
        outcome: str = "",
        done: Literal["true", "false", "all"] = "false",
        assignee: str = "",
        words: str = "",
    ) -> Response:
        ticked = None if done == "all" else done == "true"
        wanted = Filter(start, end, topic, language, outcome, ticked, assignee, words)
        return refused(request, Role.VIEWER) or _file(desk.review.export(wanted), "review.csv")

    @router.get("/golden.csv")
    def golden_csv(request: Request) -> Response:
        return refused(request, Role.VIEWER) or _file([desk.golden.as_csv()], "golden.csv")

    @router.get("/golden.jsonl")
    def golden_lines(request: Request) -> Response:
        return refused(request, Role.VIEWER) or _file([desk.golden.as_jsonl()], "golden.jsonl")

    @router.get("/figures.csv")
    def figures(request: Request, start: date, end: date, language: str = "") -> Response:
        if no := refused(request, Role.VIEWER):
            return no
        if not 0 <= (end - start).days <= 3 * 366:
            return PlainTextResponse("The days must be in order, and at most three years apart.", 422)
        return _file(desk.figures.export(start, end, language), "figures.csv")

    @router.get("/coverage.csv")
    def coverage(request: Request) -> Response:
        return refused(request, Role.VIEWER) or _file(_to_write(desk), "what-to-write-next.csv")

    @router.get("/log.csv")
    def log(request: Request) -> Response:
        return refused(request, Role.ADMIN) or _file(_log(desk), "log.csv")

    return router


def _to_write(desk: Desk) -> Iterator[str]:
    yield csv_line(("topic", "state", "asked", "question", "candidates' words", "what the pages say"))
    for row in rows(desk):
        if row.covered.state is not State.ANSWERED:
            covered = row.covered
            said = " · ".join(row.words)
            yield csv_line(
                (
                    covered.topic.title,
                    covered.state.value,
                    str(row.times),
                    covered.question,
                    said,
                    covered.proof.quote,
                )
            )


def _log(desk: Desk) -> Iterator[str]:
    yield csv_line(("at", "account", "what", "on"))
    for line in desk.accounts.whole_log():
        yield csv_line((line.at.isoformat(timespec="seconds"), line.account, line.what, line.on))


def _file(lines: Iterable[str], name: str) -> Response:
    kind = "application/jsonl" if name.endswith("l") else "text/csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    # Excel takes a file for UTF-8 only where it begins with its mark.
    marked = (
        ("\ufeff" if kind == "text/csv" else "") + line if n == 0 else line for n, line in enumerate(lines)
    )
    return StreamingResponse(marked, headers=headers, media_type=f"{kind}; charset=utf-8")
