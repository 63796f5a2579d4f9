"""Show what the store holds, how old it is, and what each ingest changed."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from rich.table import Column, Table

    from knowledge.history import Change, Ingest, SourceState

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

StoreOption = Annotated[Path | None, typer.Option("--store", help="Folder of the knowledge store.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of a table.")]


@app.callback()
def main() -> None:
    """Show what the knowledge store holds and how it came about.

    Examples:

        python -m knowledge status

        python -m knowledge history

        python -m knowledge history 7
    """


@app.command()
def status(store: StoreOption = None, as_json: JsonOption = False) -> None:
    """List the sources with what the store holds of each, how old that is, and what fails.

    Example:

        python -m knowledge status --store my-store
    """
    from rich.table import Table

    from knowledge.history import age, read_sources
    from knowledge.ingestion import at_work, kept_of
    from knowledge.store import StoreError, current_version, read_manifest

    path = store_path(store)
    try:
        folder = current_version(path)
        manifest = read_manifest(folder)
    except StoreError as error:
        fail(str(error))
    states = read_sources(folder)
    kept = kept_of(states)
    writing = at_work(path)
    if as_json:
        told = {
            "store": str(path),
            "version": folder.name,
            "as_of": manifest.as_of.isoformat(),
            "read": manifest.created,
            "encoder": manifest.encoder,
            "pages": manifest.pages,
            "jobs": manifest.jobs,
            "open_jobs": manifest.open_jobs,
            "passages": manifest.passages,
            "sources": [{**asdict(state), "age": age(state.read)} for state in states],
            "kept": [asdict(entry) for entry in kept],
            "ingest_at_work": writing,
        }
        print(json.dumps(told, ensure_ascii=False))
        return
    table = Table("source", *map(_number, ("pages", "jobs", "open")), "read", "age", "state")
    for state in states:
        table.add_row(
            state.name,
            f"{state.pages:,}",
            f"{state.jobs:,}",
            f"{state.open_jobs:,}",
            _local(state.read),
            age(state.read),
            _state(state),
        )
    show(table)
    print(
        f"{manifest.pages:,} pages, {manifest.jobs:,} jobs ({manifest.open_jobs:,} open), "
        f"{manifest.passages:,} passages in {path}, version {folder.name}, read {age(manifest.created)} ago"
    )
    for entry in kept:
        print(f"{entry.source} is kept as it was {entry.age} ago: {entry.why}")
    if writing:
        print(f"An ingest is at work: {writing}")


@app.command()
def history(
    version: Annotated[str, typer.Argument(help="The ingest to show in full, such as 7.")] = "",
    store: StoreOption = None,
    limit: Annotated[int, typer.Option(min=1, help="Most lines shown.")] = 50,
    as_json: JsonOption = False,
) -> None:
    """List the ingests, or all that one of them changed.

    Examples:

        python -m knowledge history

        python -m knowledge history 7 --limit 500
    """
    from knowledge.history import changes, ingests
    from knowledge.store import StoreError

    path = store_path(store)
    try:
        found = ingests(path)
        if not version:
            show_ingests(found, limit, as_json)
            return
        chosen = next((ingest for ingest in found if ingest.version == version.zfill(6)), None)
        if chosen is None:
            fail(f"The store {path} has no ingest {version}. List them: python -m knowledge history")
        listed = changes(path, chosen.version, None if as_json else limit)
    except StoreError as error:
        fail(str(error))
    if as_json:
        told = {**asdict(chosen), "changes": [asdict(change) for change in listed]}
        print(json.dumps(told, ensure_ascii=False))
        return
    show_changes(chosen, listed)


def show_ingests(found: list[Ingest], limit: int, as_json: bool) -> None:
    """All ingests as JSON, or the newest as a table."""
    from rich.table import Table

    if as_json:
        print(json.dumps({"ingests": [asdict(ingest) for ingest in found]}, ensure_ascii=False))
        return
    columns = ("jobs added", "changed", "closed", "removed", "pages added", "changed", "removed", "unchanged")
    table = Table(_number("ingest"), "when", *map(_number, columns), "kept as before")
    for ingest in found[:limit]:
        failed = [state.name for state in ingest.sources if state.failing]
        failed += [part.source for state in ingest.sources for part in state.kept if not state.failing]
        table.add_row(
            str(int(ingest.version)),
            _local(ingest.at),
            *(f"{ingest.count(what, 'job'):,}" for what in ("added", "changed", "closed", "removed")),
            *(f"{ingest.count(what, 'page'):,}" for what in ("added", "changed", "removed")),
            f"{ingest.unchanged:,}",
            ", ".join(failed),
        )
    show(table)
    if len(found) > limit:
        print(f"{len(found) - limit} older ones: --limit {len(found)}")


def show_changes(ingest: Ingest, listed: list[Change]) -> None:
    """One ingest as a table of what it changed."""
    from rich.table import Table

    table = Table("what", "kind", "title", "source", "fields", "id")
    for change in listed:
        table.add_row(
            change.what, change.kind, change.title, change.source, ", ".join(change.fields), change.id
        )
    show(table)
    total = sum(ingest.counts.values())
    more = f", {total - len(listed):,} of them not shown (--limit {total})" if total > len(listed) else ""
    print(f"Ingest {int(ingest.version)}, {_local(ingest.at)}: {total:,} changes{more}")


def _state(state: SourceState) -> str:
    if state.failing:
        return "fails, kept"
    return f"{len(state.kept)} files kept" if state.kept else "good"


def _number(name: str) -> Column:
    from rich.table import Column

    return Column(name, justify="right")


def _local(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone().strftime("%Y-%m-%d %H:%M")


def show(table: Table) -> None:
    """Print a table; where no one watches, as wide as it needs."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console

    table.box = SIMPLE_HEAD
    # A title such as "[m/f/d]" is no markup.
    Console(width=None if sys.stdout.isatty() else 200, markup=False, highlight=False).print(table)


def store_path(store: Path | None) -> Path:
    """The store that was asked for, else that of the settings; what is in force on their server is in it."""
    from knowledge.follower import brought_up_to_date
    from knowledge.settings import explained, load_settings

    try:
        settings = load_settings(store=store)
        brought_up_to_date(settings)
        return settings.store
    except ValueError as error:
        fail(explained(error))


def fail(message: str) -> NoReturn:
    """One clear line on standard error, exit status 2."""
    print(f"python -m knowledge: {' '.join(message.split())}", file=sys.stderr)
    raise typer.Exit(2)


if __name__ == "__main__":
    app()
