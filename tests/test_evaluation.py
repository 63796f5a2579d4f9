"""Golden questions: how they are read, and that they are judged as the scorer beside the project judges."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from assistant.evaluation import (
    HEDGES,
    GoldenQuestion,
    QuestionsError,
    as_row,
    guarded,
    judge,
    overlaps,
    question_of,
    read_questions,
    unguarded,
)

# --- judging, as score.py does ----------------------------------------------------------------------


def scorer(shared: Path) -> Any:
    spec = importlib.util.spec_from_file_location("score", shared / "eval" / "score.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def said(status: str, answer: str, *quotes: str) -> dict[str, Any]:
    citations = [{"source": "s", "title": "t", "url": "", "quote": quote} for quote in quotes]
    return {"status": status, "answer": answer, "citations": citations, "jobs": []}


def made_up_replies(item: Mapping[str, Any], foreign: str) -> Iterator[dict[str, Any]]:
    """Replies of all sorts to one golden question: right, nearly right, and wrong in each way."""
    evidence = item.get("evidence", [])
    wanted = " ".join(group[0] for group in item.get("all_of", []))
    others = " ".join(group[-1].upper() for group in item.get("all_of", []))
    partly = " ".join(group[0] for group in item.get("all_of", [])[:-1])
    answer = " ".join([wanted, *evidence])
    first = evidence[0] if evidence else foreign
    for status in ("answered", "not_found", "declined", "chat"):
        yield said(status, answer, *evidence)
        yield said(status, wanted, first)
        yield said(status, "")
    yield said("answered", wanted)
    yield said("answered", wanted, foreign)
    yield said("answered", others, first)
    yield said("answered", partly, *evidence)
    yield said("answered", wanted.replace("'", "’"), first.replace("'", "’"))
    yield said("answered", f"**{wanted}**", " ".join(first.split()[: max(len(first.split()) * 4 // 5, 1)]))
    yield said("answered", wanted, " ".join(first.split()[:2]))
    yield said("answered", wanted, "")
    for words in (150, 170, 250, 270):
        yield said("answered", f"{wanted} " + "word " * words, *evidence)
    for hedge in (HEDGES[0], HEDGES[4].replace("'", "’").upper(), HEDGES[-1]):
        yield said("answered", f"{wanted} We {hedge}.", *evidence)
    for bad in item.get("none_of", []):
        yield said("answered", f"{answer} {bad}", *evidence)
        yield said("not_found", bad.upper())
    yield {"status": "answered", "answer": None, "citations": [{"quote": None}]}
    yield {}


@pytest.mark.parametrize("name", ["wix-backend", "basecamp-handbook", "cds-careers"])
def test_replies_are_judged_as_the_scorer_judges_them(shared: Path, name: str) -> None:
    score = scorer(shared)
    lines = (shared / "eval" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    items = [json.loads(line) for line in lines if line.strip()]
    pairs = rights = 0
    for number, item in enumerate(items):
        foreign = next(i["evidence"][0] for i in items[number - 1 :: -1] + items if i.get("evidence"))
        question = question_of(item)
        for reply in made_up_replies(item, foreign):
            right, _ = score.judge(item, reply)
            assert judge(question, reply).right == right, (item["id"], reply)
            pairs += 1
            rights += right
    assert pairs > 25 * len(items)
    assert 0.1 < rights / pairs < 0.9, "the replies are not of all sorts"


@pytest.mark.parametrize("name", ["wix-backend", "basecamp-handbook", "cds-careers"])
def test_overlap_of_quotes_is_that_of_the_scorer(shared: Path, name: str) -> None:
    score = scorer(shared)
    questions = read_questions(shared / "eval" / f"{name}.jsonl")
    snippets = [snippet for question in questions for snippet in question.evidence]
    for quote in snippets:
        for snippet in (*snippets[:40], quote, quote.upper(), f"[{quote}](https://x.example)", quote[3:]):
            assert overlaps(quote, snippet) == score.overlaps(quote, snippet)


def test_why_a_reply_is_wrong_is_told_in_words() -> None:
    question = GoldenQuestion("1", ("How long?",), "answer", all_of=(("16 weeks", "four months"),))
    assert judge(question, said("not_found", "")).why == "not_found, but should answer"
    assert judge(question, said("answered", "Long.")).why == "does not say “16 weeks” or “four months”"
    assert judge(question, said("answered", "16 weeks")).why == ""


# --- JSON lines -------------------------------------------------------------------------------------


def written(folder: Path, text: str, name: str = "questions.jsonl") -> Path:
    path = folder / name
    path.write_bytes(text.encode("utf-8"))
    return path


GOOD = '{"id": "1", "turns": ["How long is leave?"], "expect": "answer"}'


def test_json_lines_with_and_without_a_byte_order_mark(tmp_path: Path) -> None:
    questions = read_questions(written(tmp_path, f"\ufeff{GOOD}\r\n\n"))
    assert questions == [GoldenQuestion("1", ("How long is leave?",), "answer")]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "line 2 is no JSON"),
        ("[1]", "line 2 is no JSON object"),
        ('{"id": "2", "expect": "answer"}', "line 2: 'turns' is missing"),
        ('{"id": "2", "turns": [], "expect": "answer"}', "line 2: turns holds no question"),
        ('{"id": "2", "turns": "Hi", "expect": "chat"}', "line 2: 'Hi' is a text, not a list of texts"),
        (
            '{"id": "2", "turns": ["Hi"], "expect": "maybe"}',
            "line 2: expect is 'maybe', not answer, not_found",
        ),
        ('{"id": "2", "turns": ["Hi"], "expect": "chat", "all_of": ["x"]}', "'x' is a text"),
        (GOOD, "line 2: the id '1' is already used in line 1"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, line: str, told: str) -> None:
    with pytest.raises(QuestionsError, match=told.replace("[", r"\[")):
        read_questions(written(tmp_path, f"{GOOD}\n{line}\n"))


def test_files_that_are_missing_empty_or_a_folder(tmp_path: Path) -> None:
    with pytest.raises(QuestionsError, match=r"none\.jsonl cannot be read: No such file"):
        read_questions(tmp_path / "none.jsonl")
    with pytest.raises(QuestionsError, match="holds no questions"):
        read_questions(written(tmp_path, "\n \n"))
    with pytest.raises(QuestionsError, match="cannot be read"):
        read_questions(tmp_path)


# --- spreadsheets -----------------------------------------------------------------------------------


def test_a_spreadsheet_with_all_columns(tmp_path: Path) -> None:
    text = (
        "id,question,expect,kind,topic,all_of,none_of,evidence\n"
        'q1,How long is leave? / And for fathers?,answer,followup,leave,16 weeks | four months; paid,"unpaid|none","Parents take 16 weeks off, paid."\n'
        "q2,Is there a gym?,not found,unanswerable,,,,\n"
    )
    first, second = read_questions(written(tmp_path, text, "questions.csv"))
    assert first == GoldenQuestion(
        "q1",
        ("How long is leave?", "And for fathers?"),
        "answer",
        "followup",
        "leave",
        all_of=(("16 weeks", "four months"), ("paid",)),
        none_of=("unpaid", "none"),
        evidence=("Parents take 16 weeks off, paid.",),
    )
    assert (second.expect, second.all_of, second.evidence) == ("not_found", (), ())


def test_the_question_alone_is_enough(tmp_path: Path) -> None:
    (question,) = read_questions(written(tmp_path, "Question\nIs there a gym and/or a pool?\n", "q.csv"))
    assert question == GoldenQuestion("line 2", ("Is there a gym and/or a pool?",), "answer")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_what_spreadsheets_save(tmp_path: Path, encoding: str, delimiter: str) -> None:
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter, lineterminator="\r\n").writerows(
        [
            ["ID", "Turn1", "Turn2", "Expect", "All_of", ""],
            ["é1", "Où êtes-vous, à Liège?", "Et à Besançon;\nce café?", "answer", "a|b;c", ""],
            ["", "", "", "", "", ""],
        ]
    )
    path = tmp_path / "q.csv"
    path.write_bytes(stream.getvalue().encode(encoding))
    (question,) = read_questions(path)
    assert question.turns == ("Où êtes-vous, à Liège?", "Et à Besançon;\nce café?")
    assert question.all_of == (("a", "b"), ("c",))


def test_another_code_page_is_not_guessed_at(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    path.write_bytes("question\nWhere?\nOù?\n".encode("cp1252"))
    with pytest.raises(QuestionsError, match=r"q\.csv, line 3: it is not UTF-8\. Save it as CSV UTF-8"):
        read_questions(path)


def test_the_separator_hint_of_excel_is_no_header(tmp_path: Path) -> None:
    (question,) = read_questions(written(tmp_path, "sep=;\nid;question\n7;Where?\n", "q.csv"))
    assert (question.id, question.turns) == ("7", ("Where?",))


def test_columns_may_be_named_as_the_consoles_table_names_them(tmp_path: Path) -> None:
    sheet = (
        "id,Question ( / between turns),expect,Must say,must not say\n7,Leave?,answer,20 days; paid,30 days\n"
    )
    (question,) = read_questions(written(tmp_path, sheet, "q.csv"))
    assert question.turns == ("Leave?",)
    assert question.all_of == (("20 days",), ("paid",)) and question.none_of == ("30 days",)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("id,qestion\n1,Where?\n", "line 1: unknown column 'qestion'. Known are id, question"),
        ("id,expect\n1,answer\n", "line 1: there is no column 'question'"),
        ("", "line 1: there is no column 'question'"),
        ("id,question\n", "holds no questions"),
        ("id,question,expect\n1,Where?,maybe\n", "line 2: expect is 'maybe'"),
        ("id,question\n1,Where?\n\n1,Who?\n", "line 4: the id '1' is already used in line 2"),
        ("id,question\n1,\n", "line 2: turns holds no question"),
        ("id,question,answer\n1,Where?,Here\n", "unknown column 'answer'"),
    ],
)
def test_a_wrong_spreadsheet_is_told_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(QuestionsError) as caught:
        read_questions(written(tmp_path, text, "q.csv"))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


ODD = GoldenQuestion(
    "=1+1",
    ("@you: hours / week?", "-5 | +5; 'quoted'", "'=x"),
    "answer",
    "single",
    "a;b",
    all_of=((" 7 ", "a|b"), ("c;d", '"e"')),
    none_of=("no, ", "|"),
    evidence=("Wir | ihr; sie", "+49 30 1"),
)


def test_odd_texts_survive_a_spreadsheet(tmp_path: Path) -> None:
    row = as_row(ODD)
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(row))
    writer.writeheader()
    writer.writerow({name: guarded(cell) for name, cell in row.items()})
    assert read_questions(written(tmp_path, stream.getvalue(), "q.csv")) == [ODD]


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@x", "\tx", "'=1", "''@", "plain", "'plain", "", "1-2"]
)
def test_cells_are_guarded_against_formulas_and_back(cell: str) -> None:
    safe = guarded(cell)
    assert not safe.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert unguarded(safe) == cell


def test_every_golden_question_of_ours_survives_a_spreadsheet(tmp_path: Path) -> None:
    for file in sorted((Path(__file__).parent / "golden").rglob("*.jsonl")):
        questions = read_questions(file)
        rows = [as_row(question) for question in questions]
        stream = io.StringIO()
        writer = csv.DictWriter(stream, list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        writer.writerows({name: guarded(cell) for name, cell in row.items()} for row in rows)
        assert read_questions(written(tmp_path, stream.getvalue(), "q.csv")) == questions
