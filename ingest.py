"""Read careers pages and job listings into the knowledge store."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

SAMPLE = Path(__file__).parent / "knowledge" / "sources"

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def ingest(
    sources: Annotated[
        list[Path] | None,
        typer.Argument(help="Files or folders; without any, the sample pages that come with Candor."),
    ] = None,
    store: Annotated[Path | None, typer.Option(help="Folder of the knowledge store.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of words.")] = False,
) -> None:
    """Make the knowledge store mirror exactly the sources given.

    Reads plain text as copied from a careers page, Markdown, HTML and JSON lists of schema.org
    JobPosting. What is unchanged is not embedded again, what has vanished is removed, and the
    assistant sees the old knowledge or the new, never a mix.

    Examples:

        python ingest.py team-page.txt

        python ingest.py handbook/ jobs.json --store my-store
    """
    # Imported here so that --help does not wait for them.
    from knowledge.embedding import EncoderError, load_embedder  # noqa: PLC0415
    from knowledge.ingestion import mirror  # noqa: PLC0415
    from knowledge.pages import SourceError, read_source  # noqa: PLC0415
    from knowledge.settings import load_settings  # noqa: PLC0415
    from knowledge.store import StoreError  # noqa: PLC0415

    try:
        settings = load_settings(store=store)
        paths = sources or [SAMPLE]
        readings = [read_source(path) for path in paths]
        with ProgressBars(enabled=not as_json) as progress:
            progress("Loading the encoder", 0, 1)
            embedder = load_embedder(settings.encoder)
            report = mirror(readings, [str(path) for path in paths], settings.store, embedder, progress)
    except (SourceError, StoreError, EncoderError, ValueError) as error:
        print(f"ingest.py: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    if as_json:
        print(json.dumps(report.as_json(), ensure_ascii=False))
        return
    print(
        f"{report.pages} pages, {report.jobs} jobs ({report.open_jobs} open), {report.passages} passages "
        f"in {settings.store}: {report.added} added, {report.changed} changed, {report.removed} removed, "
        f"{report.unchanged} unchanged, {report.embedded} texts embedded in {report.seconds:.1f} s"
    )
    for entry in report.skipped:
        print(f"  skipped {entry.source}: {entry.why}")


class ProgressBars:
    """One bar on standard error for each step of an ingest."""

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled and sys.stderr.isatty()
        self.bar = None
        self.what = ""

    def __enter__(self) -> ProgressBars:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show that `done` of `total` are done of `what`."""
        if not self.enabled or not total:
            return
        from tqdm import tqdm  # noqa: PLC0415

        if what != self.what:
            self.__exit__()
            self.bar = tqdm(desc=what, total=total, file=sys.stderr, unit="")
            self.what = what
        self.bar.update(done - self.bar.n)


if __name__ == "__main__":
    app()
