"""What was read before: files with the same bytes, and of a long list all but the entries that are new since yesterday.

What a file or an entry says takes hundreds of rules and up to seconds; that it is the same takes a checksum.
"""

from __future__ import annotations

import contextlib
import hashlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import MISSING, fields, replace
from datetime import date
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from knowledge.dates import is_past
from knowledge.documents import JobPosting, Page, Reading, Skipped, Status
from knowledge.records import build_record, parse_record, record_line, record_values

MANY = 2000
"""Entries from which on a list is worth being remembered."""

FILES = "files.jsonl"

PARSERS = """babel beautifulsoup4 charset-normalizer dateparser lxml mammoth markdown-it-py pdfminer.six pdfplumber py3langid
    python-frontmatter pyyaml""".split()
"""Packages that decide what a file says."""

_FOLDER: ContextVar[Path | None] = ContextVar("recall", default=None)
_READINGS: ContextVar[_Readings | None] = ContextVar("readings", default=None)
_DEFAULTS = {
    field.name: field.default if field.default is not MISSING else {}
    for field in fields(JobPosting)
    if field.default is not MISSING or field.default_factory is not MISSING
}


@contextlib.contextmanager
def recalling(folder: Path) -> Iterator[None]:
    """Within this, files and long lists are remembered in `folder`, and recalled from there."""
    readings = _Readings(folder / FILES)
    tokens = _FOLDER.set(folder), _READINGS.set(readings)
    try:
        yield
        readings.save()
    finally:
        _FOLDER.reset(tokens[0])
        _READINGS.reset(tokens[1])


def recalled(content: bytes, read_as: Sequence[str], read: Callable[[], Reading]) -> Reading:
    """What a file says: as it was remembered, or what `read` makes of it.

    `read_as`: all that decides it beside the file's bytes, such as its name. Whatever `read` raises is passed on.
    """
    readings = _READINGS.get()
    if readings is None:
        return read()
    key = hashlib.blake2b(content, digest_size=16)
    key.update("\x1f".join(("", *read_as)).encode(errors="surrogatepass"))
    return readings.get(key.hexdigest()) or readings.put(key.hexdigest(), read())


class _Readings:
    """What files said, by their checksums; those that nobody asked for are forgotten when it is saved."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._now: dict[str, str] = {}
        self._new = False

    @cached_property
    def _before(self) -> dict[str, str]:
        return _remembered(self.path)

    def get(self, key: str) -> Reading | None:
        """What a file said, as it is today; None where it has to be read."""
        line = self._before.get(key)
        if line is None:
            return None
        try:
            told = orjson.loads(line)
            reading = Reading(
                tuple(build_record(Page, page) for page in told["pages"]),
                tuple(_as_of(build_record(JobPosting, job), None) for job in told["jobs"]),
                tuple(Skipped(*skipped) for skipped in told["skipped"]),
            )
        except (ValueError, TypeError, KeyError):
            return None
        self._now[key] = line
        return reading

    def put(self, key: str, reading: Reading) -> Reading:
        """Remember what a file said; a long list has a memory of its own."""
        if len(reading.jobs) < MANY:
            # Half a character, which no file can hold, is refused.
            with contextlib.suppress(UnicodeEncodeError, TypeError):
                pages = ",".join(map(record_line, reading.pages))
                jobs = ",".join(map(record_line, reading.jobs))
                skipped = orjson.dumps([[said.source, said.why] for said in reading.skipped]).decode()
                self._now[key] = f'{{"pages":[{pages}],"jobs":[{jobs}],"skipped":{skipped}}}'
                self._new = True
        return reading

    def save(self) -> None:
        """Keep what was asked for, for the next time."""
        if self._new or len(self._now) != len(self._before):
            _remember(self.path, self._now)


class Recall:
    """The postings of one list by the checksum of their entries; nothing where nobody is recalling."""

    def __init__(self, source: str, home: str, entries: int) -> None:
        """`source` and `home`: what the postings are read from; `entries`: how many there are."""
        folder = _FOLDER.get()
        name = hashlib.sha256(f"{source}\x1f{home}".encode(errors="surrogatepass")).hexdigest()[:32]
        self.path = folder / f"{name}.jsonl" if folder and entries >= MANY else None
        self._before = _remembered(self.path) if self.path else {}
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
        return _as_of(parse_record(JobPosting, line), today)

    def put(self, entry: Mapping[str, Any], job: JobPosting) -> None:
        """Remember the posting of an entry."""
        if self.path:
            told = {name: value for name, value in vars(job).items() if value != _DEFAULTS.get(name, MISSING)}
            self._now[_checksum(entry)] = record_values(told)
            self._new += 1

    def save(self) -> None:
        """Keep what this list holds for the next time."""
        if not self.path or not (self._new or len(self._now) != len(self._before)):
            return
        _remember(self.path, self._now)


def _as_of(job: JobPosting, today: date | None) -> JobPosting:
    """A posting as it is on a day: what closed since it was read is closed."""
    past = job.status is Status.OPEN and is_past(job.closes, today)
    return replace(job, status=Status.CLOSED) if past else job


def _remember(path: Path, lines: Mapping[str, str]) -> None:
    """Write lines by their keys; a disk that is full is no reason to stop."""
    draft = path.with_suffix(".new")
    with contextlib.suppress(OSError, UnicodeEncodeError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("w", encoding="utf-8") as stream:
            stream.write(f"{_rules()}\n")
            stream.writelines(f"{key} {line}\n" for key, line in lines.items())
        draft.replace(path)


def _remembered(path: Path) -> dict[str, str]:
    """What `_remember` wrote; nothing where other rules worked it out."""
    try:
        with path.open(encoding="utf-8") as stream:
            if next(stream, "").strip() != _rules():
                return {}
            return {line[:32]: line[33:-1] for line in stream if line.endswith("}\n")}
    except (OSError, UnicodeDecodeError):
        return {}


def _checksum(entry: Mapping[str, Any]) -> str:
    return hashlib.blake2b(repr(entry).encode(errors="surrogatepass"), digest_size=16).hexdigest()


@cache
def _rules() -> str:
    """A checksum of the readers and of what they read with: what other rules have worked out is not taken over."""
    digest = hashlib.sha256(" ".join((sys.version, *map(version, PARSERS))).encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
