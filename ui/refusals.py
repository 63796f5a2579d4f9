"""Errors of the API, in one shape: code, a plain sentence, and when to try again."""

from __future__ import annotations

from fastapi.responses import JSONResponse

from ui.request_ids import reference


class RefusedError(Exception):
    """A request that gets an error instead of an answer."""

    def __init__(self, status: int, code: str, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {
            "code": code, "message": message, "retry_after": retry_after, "reference": reference(),
        }  # fmt: skip

    def response(self) -> JSONResponse:
        """The error as every endpoint tells it."""
        retry = self.body["retry_after"]
        headers = {"Retry-After": str(retry)} if retry else None
        return JSONResponse(self.body, self.status, headers)
