"""Postings worked out before: of a long list, only the entries that are new since yesterday are read anew.

What an entry says takes a hundred rules and a tenth of a millisecond; that it is the same takes a checksum.
"""

from __future__ import annotations

import contextlib
import hashlib
import sys
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import MISSING, fields, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from knowledge.dates import is_past
from knowledge.documents import JobPosting, Status
from knowledge.records import parse_record, record_values

MANY = 2000
"""Entries from which on a list is worth being remembered."""

_FOLDER: ContextVar[Path | None] = ContextVar("recall", default=None)
_DEFAULTS = {
    field.name: field.default if field.default is not MISSING else {}
    for field in fields(JobPosting)
    if field.default is not MISSING or field.default_factory is not MISSING
}


@contextlib.contextmanager
def recalling(folder: Path) -> Iterator[None]:
    """Within this, long lists are remembered in `folder`, and recalled from there."""
    token = _FOLDER.set(folder)
    try:
        yield
    finally:
        _FOLDER.reset(token)


class Recall:
    """The postings of one list by the checksum of their entries; nothing where nobody is recalling."""

    def __init__(self, source: str, home: str, entries: int) -> None:
        """`source` and `home`: what the postings are read from; `entries`: how many there are."""
        folder = _FOLDER.get()
        name = hashlib.sha256(f"{source}\x1f{home}".encode(errors="surrogatepass")).hexdigest()[:32]
        self.path = folder / f"{name}.jsonl" if folder and entries >= MANY else None
        self._before = self._read()
        self._now: dict[str, str] = {}
        self._new = 0

    def get(self, entry: Mapping[str, Any], today: date | None) -> JobPosting | None:
        """The posting of an entry, as it is on the day; None where it has to be worked out."""
        if not self._before:
            return None
        key = _checksum(entry)
        line = self._before.get(key)
        if line is None:
            return None
        self._now[key] = line
        job = parse_record(JobPosting, line)
        if job.status is Status.OPEN and is_past(job.closes, today):
            job = replace(job, status=Status.CLOSED)
        return job

    def put(self, entry: Mapping[str, Any], job: JobPosting) -> None:
        """Remember the posting of an entry."""
        if self.path:
            told = {name: value for name, value in vars(job).items() if value != _DEFAULTS.get(name, MISSING)}
            self._now[_checksum(entry)] = record_values(told)
            self._new += 1

    def save(self) -> None:
        """Keep what this list holds for the next time; a disk that is full is no reason to stop."""
        if not self.path or not (self._new or len(self._now) != len(self._before)):
            return
        draft = self.path.with_suffix(".new")
        with contextlib.suppress(OSError, UnicodeEncodeError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with draft.open("w", encoding="utf-8") as stream:
                stream.write(f"{_rules()}\n")
                stream.writelines(f"{key} {line}\n" for key, line in self._now.items())
            draft.replace(self.path)

    def _read(self) -> dict[str, str]:
        try:
            with (
                self.path.open(encoding="utf-8") if self.path else contextlib.nullcontext(iter(())) as stream
            ):
                if next(stream, "").strip() != _rules():
                    return {}
                return {line[:32]: line[33:] for line in stream if line.endswith("}\n")}
        except (OSError, UnicodeDecodeError):
            return {}


def _checksum(entry: Mapping[str, Any]) -> str:
    return hashlib.blake2b(repr(entry).encode(errors="surrogatepass"), digest_size=16).hexdigest()


@cache
def _rules() -> str:
    """A checksum of the readers: what other rules have worked out is not taken over."""
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
