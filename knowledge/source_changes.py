"""Changes to the list of sources: one added or removed, everything else in the file left as it was written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import tomlkit
from filelock import FileLock
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT

from knowledge.errors import SourceError
from knowledge.source_list import SourceEntry, is_address, load_source_list

HEADER = "The sources that Candor reads: `python ingest.py` takes this list. Its form is in docs/sources.md."


def add_source(path: Path, entry: SourceEntry, held: Iterable[str] = ()) -> None:
    """Add a source to the list in `path`, which is made where there is none.

    `held`: names of the sources that the store was filled from, so that a new list loses none of them.
    Raises `SourceError` where the entry is listed already or leads nowhere; the file is as before then.
    """
    if entry.path and not (path.parent / entry.path.expanduser()).exists():
        raise SourceError(
            f"There is no file or folder {entry.path}. Paths are taken from {path.parent.resolve()}."
        )
    if entry.url and not entry.url.lower().startswith(("https://", "http://")):
        raise SourceError(f"{entry.url!r} is no web address; it must begin with https:// or http://.")

    def change(document: tomlkit.TOMLDocument) -> None:
        listed = _sources(document)
        if entry.name in (_name(table) for table in listed):
            raise SourceError(f"{entry.name} is listed already.")
        listed.append(_table(entry))

    _changed(path, change, held)


def remove_source(path: Path, name: str, held: Iterable[str] = ()) -> None:
    """Take the source with this path or address out of the list; the last one stays. Raises `SourceError`."""

    def change(document: tomlkit.TOMLDocument) -> None:
        listed = _sources(document)
        places = [place for place, table in enumerate(listed) if _name(table) == name]
        if not places:
            raise SourceError(f"{name} is not listed in {path.name}.")
        if len(listed) == 1:
            raise SourceError(f"{name} is the only source. Add another one first.")
        for place in reversed(places):
            del listed[place]

    _changed(path, change, held)


def _changed(path: Path, change: Callable[[tomlkit.TOMLDocument], None], held: Iterable[str]) -> None:
    """Change the file in one step; it stays as it is where the change or its outcome makes no sense."""
    with FileLock(path.with_name(f".{path.name}.lock")):
        try:
            text = path.read_text(encoding="utf-8-sig") if path.exists() else ""
            document = tomlkit.parse(text)
        except (OSError, UnicodeDecodeError, TOMLKitError) as error:
            raise SourceError(
                f"{path} cannot be changed ({' '.join(str(error).split())}). Mend it first."
            ) from error
        if not text.strip():
            document.add(tomlkit.comment(HEADER))
            for name in held:
                _sources(document).append(_table(_entry(path, name)))
        change(document)
        _replace(path, tomlkit.dumps(document))


def _entry(path: Path, name: str) -> SourceEntry:
    """A source as the store knows it; its path is from the folder in which ingest.py was run."""
    return (
        SourceEntry(url=name)
        if is_address(name)
        else SourceEntry(path=Path(os.path.relpath(name, path.parent)))
    )


def _sources(document: tomlkit.TOMLDocument) -> AoT:
    listed = document.get("sources")
    if listed is None:
        listed = tomlkit.aot()
        document.append("sources", listed)
    if not isinstance(listed, AoT):
        raise SourceError(
            "The sources must be written as [[sources]] to be changed here. See docs/sources.md."
        )
    return listed


def _table(entry: SourceEntry) -> Any:
    table = tomlkit.table()
    given = entry.model_dump(exclude_defaults=True)
    for key, value in given.items():
        table.add(
            key, list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Path) else value
        )
    return table


def _name(table: Any) -> str:
    return str(table.get("url") or table.get("path") or "")


def _replace(path: Path, text: str) -> None:
    """Write beside the file, check what was written, and put it in its place."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".toml", dir=path.parent)
    made = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        load_source_list(made)  # raises what is wrong with it
        if path.exists():
            made.chmod(path.stat().st_mode)
        made.replace(path)
    finally:
        made.unlink(missing_ok=True)
