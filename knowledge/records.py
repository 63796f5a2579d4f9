"""Records as lines of JSON, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from typing import Any, TypeVar

import orjson

from knowledge.documents import Block, BlockKind, JobPosting, Listing, Page, Passage, Status

Record = TypeVar("Record", Page, JobPosting, Passage)


def record_line(record: Record) -> str:
    """A record as one line: equal records are equal lines."""
    known = _FIELDS[type(record)]  # a passage keeps its id beside its fields once it was asked for
    return record_values({name: value for name, value in vars(record).items() if name in known})


def record_values(values: Mapping[str, Any]) -> str:
    """Values of a record as one line."""
    return orjson.dumps(values, default=_plain).decode()


def parse_record(kind: type[Record], line: str) -> Record:
    """The record of a line; ValueError, TypeError or KeyError where it is damaged."""
    return build_record(kind, orjson.loads(line))


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be stored")


_FIELDS = {kind: frozenset(field.name for field in fields(kind)) for kind in (Page, JobPosting, Passage)}


def build_record(kind: type[Record], data: dict[str, Any]) -> Record:
    """The record of decoded values; ValueError, TypeError or KeyError where they are damaged."""
    if not isinstance(data, dict):
        raise TypeError("a line is no object")
    known = _FIELDS[kind]
    values: dict[str, Any] = {
        name: tuple(v) if isinstance(v, list) else v for name, v in data.items() if name in known
    }
    for name in ("posted", "closes", "modified"):
        if values.get(name):
            values[name] = date.fromisoformat(values[name])
    if values.get("blocks"):
        values["blocks"] = tuple(_block(block) for block in values["blocks"])
    if values.get("listing"):
        values["listing"] = Listing(**values["listing"])
    if "status" in values:
        values["status"] = Status(values["status"])
    if "kind" in values:
        values["kind"] = BlockKind(values["kind"])
    return kind(**values)


def _block(data: dict[str, Any]) -> Block:
    return Block(**{**data, "kind": BlockKind(data["kind"]), "headings": tuple(data["headings"])})
