"""Ask the assistant, and measure its answers, from the command line."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from assistant.conversation import Reply
    from assistant.reply import Assistant

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

StoreOption = Annotated[Path | None, typer.Option("--store", help="Folder of the knowledge store.")]


@app.callback()
def main() -> None:
    """Ask Candor as a candidate would, and measure how well it answers.

    Examples:

        python -m assistant ask "How much time is there for learning?"

        python -m assistant evaluate questions.jsonl --out report
    """


@app.command()
def ask(
    question: Annotated[str | None, typer.Argument(help="The question; without it, one is read a line.")] = None,
    store: StoreOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    as_jsonl: Annotated[
        bool, typer.Option("--jsonl", help='Read {"id", "turns": [...]} lines, print a reply for each.')
    ] = False,
) -> None:
    """Answer one question, or many.

    Examples:

        python -m assistant ask "Do you sponsor visas?"

        python -m assistant ask --jsonl --store my-store < questions.jsonl > replies.jsonl
    """
    if as_json and as_jsonl:
        fail("Give --json or --jsonl, not both.")
    assistant = open_assistant(store)
    if as_jsonl:
        for number, line in enumerate(sys.stdin, start=1):
            if line.strip():
                print(json.dumps(answer_line(assistant, line, number), ensure_ascii=False), flush=True)
        return
    if question is not None:
        show(assistant, [question], as_json)
        return
    turns: list[str] = []
    for line in sys.stdin:
        if line.strip():
            turns.append(line.strip())
            show(assistant, turns, as_json)


def open_assistant(store: Path | None) -> Assistant:
    """The assistant over `store`; ends the program with one line where it cannot be opened."""
    # Imported here so that --help does not wait for the encoder.
    from assistant.reply import Assistant
    from knowledge.embedding import EncoderError
    from knowledge.settings import load_settings
    from knowledge.store import StoreError, current_version

    try:
        settings = load_settings(store=store)
        current_version(settings.store)
        return Assistant.open(settings)
    except (StoreError, EncoderError, ValueError) as error:
        fail(str(error))


def fail(message: str) -> Any:
    """One clear line on standard error, exit status 2."""
    print(f"assistant: {message}", file=sys.stderr)
    raise typer.Exit(2)


def answer_line(assistant: Assistant, line: str, number: int) -> dict[str, Any]:
    """The reply to one line of JSON."""
    try:
        item = json.loads(line)
        turns = [str(turn) for turn in item["turns"]]
    except (ValueError, TypeError, KeyError):
        fail(f'Line {number} is not {{"id": …, "turns": [...]}}: {line.strip()[:80]}')
    return {"id": item.get("id"), **timed(assistant, turns)}


def timed(assistant: Assistant, turns: list[str]) -> dict[str, Any]:
    """The reply as JSON, with the milliseconds it took."""
    started = time.perf_counter()
    reply = assistant.reply(turns)
    return {**reply.as_json(), "latency_ms": round(1000 * (time.perf_counter() - started), 1)}


def show(assistant: Assistant, turns: list[str], as_json: bool) -> None:
    """Print the reply for a person or for a program."""
    if as_json:
        print(json.dumps(timed(assistant, turns), ensure_ascii=False), flush=True)
        return
    print(in_words(assistant.reply(turns)), flush=True)


def in_words(reply: Reply) -> str:
    """The reply with its sources as plain text."""
    lines = [reply.text, ""]
    for number, citation in enumerate(reply.citations, start=1):
        where = " › ".join(part for part in (citation.title, citation.heading) if part)
        lines.append(f"[{number}] {where} ({citation.url or citation.source})")
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    app()
