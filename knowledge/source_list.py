"""The list of sources, candor.toml: what is read, whose it is, and whom a candidate is handed over to."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from knowledge.documents import Reading
from knowledge.errors import EmptyError, SourceError
from knowledge.pages import Progress, read_source, silent
from knowledge.web import Web, web_address
from knowledge.websites import LIMIT, Reach, read_website

FILE = "candor.toml"
_SITE_DEPTH = 2


class SourceEntry(BaseModel):
    """One source: either `path`, a file or folder, or `url`.

    `kind` is only needed where an address does not tell: "site" follows links, "sitemap" takes the
    site's own list of pages, "jobs" insists on postings.
    `language` (a code such as "fr") is for pages that do not show it; `company` and `contact` are those of
    the whole list where it names none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    path: Path | None = None
    url: str = ""
    kind: Literal["", "page", "site", "sitemap", "jobs", "document"] = ""
    company: str = ""
    contact: str = ""
    language: str = Field(default="", pattern=r"^([a-z]{2,3})?$")
    depth: int | None = Field(default=None, ge=0, le=10)
    only: tuple[str, ...] = ()
    limit: int = Field(default=LIMIT, ge=1)

    @model_validator(mode="after")
    def _one_place(self) -> SourceEntry:
        if bool(self.url) == bool(self.path):
            raise ValueError("give either path or url")
        if self.path and (self.depth or self.only):
            raise ValueError("depth and only are for a url")
        return self

    @property
    def name(self) -> str:
        """The path or address, as the caller gave it."""
        return self.url or str(self.path)


class SourceList(BaseModel):
    """Sources with the company and the contact that the assistant names."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    company: str = ""
    contact: str = ""
    sources: tuple[SourceEntry, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_company(self) -> SourceList:
        for field in ("company", "contact"):
            named = {value for entry in self.sources if (value := getattr(entry, field))}
            if len(named) > 1 and not getattr(self, field):
                raise ValueError(f"the sources name {len(named)} different values; set {field} above them")
        return self

    def whose(self) -> tuple[str, str]:
        """Company and contact: the list's own, else what its sources name."""
        company = self.company or next((entry.company for entry in self.sources if entry.company), "")
        contact = self.contact or next((entry.contact for entry in self.sources if entry.contact), "")
        return company, contact


def load_source_list(path: Path) -> SourceList:
    """The sources that a file lists, paths taken from its own folder; `SourceError` says what is wrong."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        listed = SourceList.model_validate(data)
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}). Check the file.") from error
    except ValidationError as error:
        raise SourceError(f"{path}: {_explained(error)} The form is in docs/sources.md.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        why = " ".join(str(error).split()) or type(error).__name__
        raise SourceError(f"{path} is not valid TOML ({why}). The form is in docs/sources.md.") from error
    entries = (
        entry.model_copy(update={"path": path.parent / entry.path.expanduser()}) if entry.path else entry
        for entry in listed.sources
    )
    return listed.model_copy(update={"sources": tuple(entries)})


def _explained(error: ValidationError) -> str:
    """The first mistake in one line: where, what was given and what it should be."""
    wrong = error.errors()[0]
    where = ".".join(str(part + 1) if isinstance(part, int) else part for part in wrong["loc"])
    said = wrong["msg"].removeprefix("Value error, ")
    if wrong["type"] == "extra_forbidden":
        said = "no such key"
    given = wrong["input"]
    value = f" is {given!r}:" if isinstance(given, str | int | float) else ":"
    return f"{where}{value} {said[:1].lower()}{said[1:]}." if where else f"{said}."


def named_sources(names: list[str], depth: int = 0) -> SourceList:
    """The list that plain arguments amount to: paths and addresses, or one list's file."""
    if len(names) == 1 and names[0].lower().endswith(".toml"):
        return load_source_list(Path(names[0]))
    if toml := next((name for name in names if name.lower().endswith(".toml")), ""):
        raise SourceError(f"{toml} lists sources of its own. Give it alone.")
    entries = tuple(
        SourceEntry(url=name, depth=depth) if is_address(name) else SourceEntry(path=Path(name))
        for name in dict.fromkeys(names)
    )
    return SourceList(sources=entries)


def is_address(name: str) -> bool:
    """Whether a source is meant to be fetched rather than opened."""
    return "://" in name


def read_entry(entry: SourceEntry, web: Web, progress: Progress = silent) -> Reading:
    """Everything that one source says; raises `SourceError` as the readers do."""
    if entry.path:
        reading = read_source(entry.path, progress)
    else:
        depth = entry.depth if entry.depth is not None else _SITE_DEPTH if entry.kind == "site" else 0
        url = _sitemap_of(entry.url) if entry.kind == "sitemap" else entry.url
        reading = read_website(url, web, Reach(depth, entry.only, entry.limit), progress)
    if entry.kind == "jobs" and not reading.jobs:
        raise EmptyError(f"{entry.name} holds no job postings, though its kind is jobs.")
    return _in_language(reading, entry.language) if entry.language else reading


def _sitemap_of(url: str) -> str:
    """The sitemap of a site at its usual place, where the address is not one's own."""
    address = web_address(url)
    named = address.path.lower().endswith((".xml", ".gz"))
    return url if named else str(address.copy_with(path="/sitemap.xml", query=None))


def _in_language(reading: Reading, language: str) -> Reading:
    def told(records: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(replace(record, language=language) for record in records)

    return replace(reading, pages=told(reading.pages), jobs=told(reading.jobs))
