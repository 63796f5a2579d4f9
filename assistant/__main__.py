"""Ask the assistant, and measure its answers, from the command line."""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from assistant.conversation import Reply
    from assistant.reply import Assistant

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

Item = TypeVar("Item")

ROOT = Path(__file__).resolve().parents[1]

StoreOption = Annotated[Path | None, typer.Option("--store", help="Folder of the knowledge store.")]


@app.callback()
def main() -> None:
    """Ask Candor as a candidate would, and measure how well it answers.

    Examples:

        python -m assistant ask "How much time is there for learning?"

        python -m assistant evaluate questions.jsonl --out report

        python -m assistant coverage
    """


@app.command()
def ask(
    question: Annotated[
        str | None, typer.Argument(help="The question; without it, one is read a line.")
    ] = None,
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


@app.command()
def prepare() -> None:
    """Make what a first start would have to wait for.

    The encoder's model for this machine, the topics' vectors, the table of the world's places.

    `make setup` does it. What is there already is left as it is.

    Example:

        python -m assistant prepare
    """
    from assistant.topics import Bank
    from knowledge import places
    from knowledge.embedding import EncoderError, load_embedder
    from knowledge.settings import explained, load_settings

    places.prepare()
    try:
        Bank(load_embedder(load_settings().encoder))
    except ValueError as error:
        fail(explained(error))
    except EncoderError as error:
        fail(str(error))


@app.command()
def evaluate(
    questions: Annotated[Path, typer.Argument(help="Golden questions, .jsonl or .csv.", metavar="QUESTIONS")],
    store: StoreOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for report.html, report.csv and report.json.")
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option(help="A report.json of an earlier run: lists what got better and worse.")
    ] = None,
    min_right: Annotated[
        float | None, typer.Option(help="Least share of right replies, from 0 to 1; exit status 1 below it.")
    ] = None,
) -> None:
    """Ask golden questions and measure the replies.

    Examples:

        python -m assistant evaluate questions.jsonl --out report

        python -m assistant evaluate questions.csv --baseline report/report.json --min-right 0.9

    A line of questions.jsonl is at least:

        {"id": "1", "turns": ["How long is leave?"], "expect": "answer"}

    and may have "kind", "topic", "all_of": [["16 weeks", "four months"], ["paid"]], "none_of": ["unpaid"]
    and "evidence": ["Parents take 16 weeks off."]. The same as questions.csv, from any spreadsheet:

        question,all_of,none_of,evidence

        How long is leave?,16 weeks | four months; paid,unpaid,16 weeks off

    with the further columns id, expect, kind and topic, all but question as you like.

    expect is answer, not_found, decline or chat; an empty one is answer. The answer must hold one text of
    every group of all_of and none of none_of, and must quote one text of evidence. In a spreadsheet, | stands
    between texts, ; between groups, and " / " between the turns of a conversation (or use columns turn1,
    turn2 …). Texts in double quotes keep their outer spaces. A report.csv can be read as questions again.

    Kinds with rules of their own: jobs may be longer; negation and closed may be not_found as well;
    unverified-label wants a hedge.
    """
    from assistant.evaluation import QuestionsError, read_questions
    from assistant.measures import BaselineError, compare
    from assistant.measures import evaluate as ask_all
    from assistant.report import Report, read_baseline, write_report
    from assistant.tables import console, print_report

    if min_right is not None and not 0 <= min_right <= 1:
        fail(f"--min-right is {min_right:g}. Give a share from 0 to 1, such as 0.95.")
    try:
        golden = read_questions(questions)
        old = read_baseline(baseline) if baseline else None
        if out:
            out.mkdir(parents=True, exist_ok=True)
    except (QuestionsError, BaselineError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"The folder {out} cannot be made: {error.strerror}.")
    assistant = open_assistant(store)
    cases = tuple(counted(ask_all(assistant, golden), len(golden), "questions"))
    comparison = compare(old, cases) if old is not None else None
    report = Report(cases, threshold_of(assistant), questions.name, str(assistant.settings.store), comparison)
    print_report(report, console())
    if out:
        write_report(out, report)
        print(f"Written: {out / 'report.html'}, report.csv, report.json")
    elif report.figures.right.count < len(cases):
        print("Add --out DIR for a page that shows each failure.")
    right = report.figures.right.value or 0.0
    if min_right is not None and right < min_right:
        print(f"assistant: right is {right:.3f}, below --min-right {min_right:g}.", file=sys.stderr)
        raise typer.Exit(1)


@app.command()
def coverage(
    store: StoreOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List which topics your pages answer, answer thinly, and leave open.

    Asks about every topic of the bank as a candidate would. "thin": the pages touch the topic, but not
    clearly enough to answer by. Ends with what to write next, what candidates ask about most first.

    Examples:

        python -m assistant coverage

        python -m assistant coverage --store my-store --json > coverage.json
    """
    from assistant import coverage as topics
    from assistant.tables import console, print_coverage

    assistant = open_assistant(store)
    knowledge = assistant.knowledge()
    if knowledge is None or assistant.is_empty:
        fail(f"The store {assistant.settings.store} holds nothing. Run: python ingest.py SOURCE")
    language = topics.main_language(knowledge.store.passages)
    bank = knowledge.bank.topics
    asked = topics.cover(assistant, bank, threshold_of(assistant), language)
    covered = list(counted(asked, len(bank), "topics"))
    if as_json:
        print(
            json.dumps(topics.as_json(covered, str(assistant.settings.store), language), ensure_ascii=False)
        )
        return
    print_coverage(covered, console())


def threshold_of(assistant: Assistant) -> float:
    """The probability from which on an answer is given: the one set, else the fitted one."""
    chosen = assistant.settings.threshold
    return assistant.parameters.threshold if chosen is None else chosen


def counted(items: Iterator[Item], total: int, unit: str) -> Iterator[Item]:
    """The items, with a progress bar on standard error; where that is no terminal, a line now and then."""
    if sys.stderr.isatty():
        from tqdm import tqdm

        yield from tqdm(items, total=total, unit=f" {unit}", file=sys.stderr, leave=False)
        return
    step = max(total // 5, 1)
    for number, item in enumerate(items, start=1):
        yield item
        if number % step == 0 or number == total:
            print(f"{number} of {total} {unit}", file=sys.stderr, flush=True)


@app.command()
def fit(
    golden: Annotated[
        Path, typer.Option(help="Folder with a folder a company: questions.jsonl and pages.")
    ] = ROOT / "tests" / "golden",
    training: Annotated[Path, typer.Option(help="Folder with the encoder's training passages.")] = ROOT
    / "knowledge"
    / "training",
    out: Annotated[Path | None, typer.Option(help="File to write; by default the one in use.")] = None,
) -> None:
    """Fit the decision "answer or not" anew, cross-validated by company. Takes some minutes.

    Example:

        python -m assistant fit --out new-decision.json
    """
    from tqdm import tqdm

    from assistant.decision import PARAMETERS
    from assistant.fitting import run
    from knowledge.embedding import load_embedder
    from knowledge.settings import load_settings

    for folder in (golden, training):
        if not folder.is_dir():
            fail(f"There is no folder {folder}. Name one with --golden or --training.")
    embedder = load_embedder(load_settings().encoder)
    with tqdm(unit=" companies", desc="Fitting") as bar:

        def progress(what: str, done: int, total: int) -> None:
            bar.total = total
            bar.set_postfix_str(what)
            bar.update(done - bar.n)

        figures = run(golden, training, out or PARAMETERS, embedder, progress)
    for company in figures:
        print(
            f"{company.company:16} {company.questions:4} questions   right passage first {company.first:.2f}   "
            f"AUC answerable or not {company.auc:.2f}"
        )


def open_assistant(store: Path | None) -> Assistant:
    """The assistant over `store`; ends the program with one line where it cannot be opened."""
    # What is loaded stays. To look through it for garbage, again and again and once more at the end, takes longer
    # than an answer.
    gc.disable()
    # Imported here so that --help does not wait for the encoder.
    from knowledge.embedding import EncoderError, LazyEmbedder
    from knowledge.settings import load_settings
    from knowledge.store import StoreError, current_version

    try:
        settings = load_settings(store=store)
        if settings.chroma_url:
            from knowledge.follower import brought_up_to_date

            if brought_up_to_date(settings):
                settings = load_settings(store=store)  # it may name the company
        current_version(settings.store)
        embedder = LazyEmbedder(settings.encoder)
        # Weights are read and checked beside all else: the one waits for the disk and hashes, the other has Python.
        with ThreadPoolExecutor(1) as beside:
            loading = beside.submit(embedder.load)
            from assistant.reply import Assistant

            assistant = Assistant.open(settings, embedder=embedder, suggests=False)
            loading.result()
        return assistant
    except (StoreError, EncoderError, ValueError) as error:
        fail(str(error))
    finally:
        gc.freeze()
        gc.enable()


def fail(message: str) -> NoReturn:
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
