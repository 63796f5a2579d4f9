"""Read careers pages and job listings into the knowledge store."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from tqdm import tqdm

SAMPLE = Path(__file__).parent / "knowledge" / "sources"

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command()
def ingest(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            help="Files, folders, web addresses, or a list of sources such as candor.toml; "
            "without any, ./candor.toml, else the sample pages that come with Candor."
        ),
    ] = None,
    depth: Annotated[
        int, typer.Option(min=0, max=10, help="How many links away from a web address pages are read.")
    ] = 0,
    store: Annotated[Path | None, typer.Option(help="Folder of the knowledge store.")] = None,
    accept_empty: Annotated[
        bool,
        typer.Option("--accept-empty", help="Believe a source that holds nothing any more, or no openings."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of words.")] = False,
    progress_json: Annotated[
        bool, typer.Option("--progress-json", help="Tell how far it is as JSON lines on standard error.")
    ] = False,
) -> None:
    """Make the knowledge store mirror exactly the sources given.

    Reads plain text as copied from a careers page, Markdown, HTML, PDF, DOCX, CSV, what job boards
    answer, and websites: a page, a sitemap, a board. What is unchanged is not embedded again, what has
    vanished is removed, and the assistant sees the old knowledge or the new, never a mix. A source that
    fails, or is empty for once, keeps what it held before.

    Examples:

        python ingest.py team-page.txt

        python ingest.py handbook/ jobs.json --store my-store

        python ingest.py https://example.com/careers --depth 1
    """
    # Imported here so that --help does not wait for them.
    from knowledge.chroma_server import build_store, publishing
    from knowledge.documents import Reading
    from knowledge.embedding import EncoderError, LazyEmbedder
    from knowledge.errors import EmptyError, SourceError
    from knowledge.ingestion import locked, mirror, sources_in_force
    from knowledge.recall import recalling
    from knowledge.settings import explained, load_settings
    from knowledge.source_list import FILE, named_sources, read_entry
    from knowledge.store import StoreError
    from knowledge.web import Web

    try:
        settings = load_settings(store=store)
    except ValueError as error:
        fail(explained(error))
    names = sources or [FILE if Path(FILE).is_file() else str(SAMPLE)]
    try:
        listed = named_sources(names, depth)
        path = build_store(settings)
        with (
            JsonProgress() if progress_json else Progress(bars=sys.stderr.isatty()) as progress,
            locked(path) as lock,  # told at once, not after the minutes that a website may take
            publishing(settings, path) as publication,
            Web(path / "web", allow_private=settings.allow_private_addresses) as web,
            recalling(path / "read"),
        ):
            held = sources_in_force(path)
            readings: list[Reading | SourceError] = []
            for number, given in enumerate(listed.sources, start=1):
                try:
                    readings.append(read_entry(given, web, progress))
                except SourceError as error:
                    # What was never read is a mistake of the caller; what was may fail for once.
                    if given.name not in held and not (accept_empty and isinstance(error, EmptyError)):
                        raise
                    readings.append(error)
                progress("Reading", number, len(listed.sources))
            embedder = LazyEmbedder(settings.encoder, lambda: progress("Loading the encoder", 0, 1))
            if publication:
                publication.take_vectors(embedder)
            company, contact = listed.whose()
            report = mirror(
                readings,
                [given.name for given in listed.sources],
                path,
                embedder,
                progress,
                company=company,
                contact=contact,
                accept_empty=accept_empty,
                lock=lock,
                publisher=publication,
            )
    except (SourceError, StoreError, EncoderError) as error:
        fail(str(error))
    if as_json:
        print(json.dumps(report.as_json(), ensure_ascii=False))
        return
    print(
        f"{report.pages} pages, {report.jobs} jobs ({report.open_jobs} open), {report.passages} passages "
        f"in {settings.chroma_url or settings.store}: {report.added} added, {report.changed} changed, {report.removed} removed, "
        f"{report.unchanged} unchanged, {report.embedded} texts embedded in {report.seconds:.1f} s"
    )
    for kept in report.kept:
        print(f"  kept {kept.source} as it was {kept.age} ago: {kept.why}")
    for entry in report.skipped:
        print(f"  skipped {entry.source}: {entry.why}")


def fail(message: str) -> NoReturn:
    """One clear line on standard error, exit status 2."""
    print(f"ingest.py: {' '.join(message.split())}", file=sys.stderr)
    raise typer.Exit(2)


class Progress:
    """How far an ingest is, on standard error: a bar for each step, or plain lines where no one watches.

    A plain line tells when a step begins to embed, and every `pause` seconds how far the step is. Before
    that there is none, so that a mistake of the caller stays the only line there is.
    """

    def __init__(self, bars: bool, pause: float = 10.0) -> None:
        self.bars = bars
        self.pause = pause
        self.bar: tqdm[NoReturn] | None = None
        self.what = ""
        self.said = self.began = time.monotonic()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show that `done` of `total` are done of `what`."""
        if total:
            (self._draw if self.bars else self._say)(what, done, total)

    def _draw(self, what: str, done: int, total: int) -> None:
        from tqdm import tqdm

        if what != self.what or self.bar is None:
            self.__exit__()
            self.bar = tqdm(desc=what, total=total, file=sys.stderr, unit="", leave=False)
            self.what = what
        self.bar.update(done - self.bar.n)

    def _say(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if what != self.what:
            self.began = now
        begins = what != self.what and what.startswith("Embedding")
        if begins or now - self.said >= self.pause:
            left = time_left(done, total, now - self.began)
            print(f"{what}: {done:,} of {total:,}{left}", file=sys.stderr, flush=True)
            self.said = now
        self.what = what


class JsonProgress(Progress):
    """How far an ingest is, for a program: {"what", "done", "total"} a line, at most ten a second."""

    def __init__(self) -> None:
        super().__init__(bars=False, pause=0.1)

    def _say(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if what != self.what or done >= total or now - self.said >= self.pause:
            line = json.dumps({"what": what, "done": done, "total": total})
            print(line, file=sys.stderr, flush=True)
            self.said = now
        self.what = what


def time_left(done: int, total: int, seconds: float) -> str:
    """How long the rest will take, where what is done took `seconds`: ", about 3 minutes left"."""
    rest = seconds / done * (total - done) if done else 0
    if rest < 1:
        return ""
    if rest < 90:
        return f", about {rest:.0f} seconds left"
    return f", about {rest / 60:.0f} minutes left"


if __name__ == "__main__":
    app()
