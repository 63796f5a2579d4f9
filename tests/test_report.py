"""The report of an evaluation as JSON, as a spreadsheet and as a page."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from measure_fakes import CATS, LUNCH, QUESTIONS, THRESHOLD, FakeAssistant, cite, five_cases, traced

from assistant.conversation import Outcome, Reply
from assistant.evaluation import GoldenQuestion, read_questions
from assistant.measures import BaselineError, Case, compare, evaluate
from assistant.report import Report, as_csv, as_html, chart, read_baseline, sampled, write_report

CREATED = "2030-01-02T03:04:05+00:00"
ATTACK = "<script>alert(1)</script><img src=x onerror=alert(2)>"


def five() -> Report:
    return Report(tuple(five_cases()), THRESHOLD, "five.jsonl", "my-store", created=CREATED)


class Page(HTMLParser):
    """What a browser would see: tags, their attributes and the words."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.extend((name, value or "") for name, value in attrs)

    def handle_data(self, data: str) -> None:
        self.words += f" {' '.join(data.split())}"


# JSON


def test_json_holds_figures_groups_curve_and_cases() -> None:
    data = json.loads(json.dumps(five().as_json()))
    assert (data["format"], data["created"], data["threshold"]) == (1, CREATED, THRESHOLD)
    assert data["figures"]["right"] == {"share": 0.4, "count": 2, "of": 5}
    assert data["figures"]["mrr"] == 0.5556
    assert data["by_kind"]["single"]["right"]["share"] == 0.5
    assert data["by_stage"] == {"ranking": ["a3"], "decision": ["a2", "n1"]}
    assert data["curve"]["operating_point"] == {
        "threshold": 0.5,
        "false_answers": 1.0,
        "false_refusals": 0.3333,
    }
    assert [case["id"] for case in data["cases"]] == ["a1", "a2", "a3", "n1", "d1"]


def test_a_written_report_is_a_baseline(tmp_path: Path) -> None:
    write_report(tmp_path / "new" / "folder", five())
    old = read_baseline(tmp_path / "new" / "folder" / "report.json")
    assert compare(old, five_cases()).now.of == 5


@pytest.mark.parametrize(
    ("text", "told"),
    [("{", "is no JSON"), ("[]", "is no report.json"), ('{"cases": 1}', "is no report.json"), (None, "read")],
)
def test_a_baseline_that_cannot_be_used(tmp_path: Path, text: str | None, told: str) -> None:
    path = tmp_path / "old.json"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(BaselineError, match=told):
        read_baseline(path)


# Spreadsheet


def test_the_spreadsheet_opens_as_utf_8_and_tells_what_became_of_each(tmp_path: Path) -> None:
    write_report(tmp_path, five())
    assert (tmp_path / "report.csv").read_bytes().startswith(b"\xef\xbb\xbfid,turn1,turn2,expect,")
    with (tmp_path / "report.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = {row["id"]: row for row in csv.DictReader(stream)}
    assert (rows["a3"]["turn2"], rows["a3"]["right"], rows["a3"]["verdict"]) == (
        "And dogs?",
        "no",
        "wrong answer",
    )
    assert (rows["a3"]["evidence_rank"], rows["a3"]["probability"], rows["a3"]["quotes"]) == (
        "6",
        "0.800",
        CATS,
    )
    assert rows["d1"]["probability"] == ""


def test_the_spreadsheet_can_be_read_as_questions_again(tmp_path: Path) -> None:
    write_report(tmp_path, five())
    assert tuple(read_questions(tmp_path / "report.csv")) == QUESTIONS


def test_no_cell_of_the_spreadsheet_is_a_formula() -> None:
    question = GoldenQuestion("=id", ("+turn",), "answer", "@kind", "-topic", evidence=("=evidence",))
    reply = Reply(Outcome.ANSWERED, '=HYPERLINK("x")', cite("@quote"))
    text = as_csv(list(evaluate(FakeAssistant({question.turns: reply}), [question])))
    for row in csv.reader(text.splitlines()):
        assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@"))]


# Page


def test_the_page_needs_nothing_beside_itself() -> None:
    html = as_html(five())
    page = Page(html)
    assert not {"script", "link", "iframe", "object", "img"} & (set(page.tags) - {"link"})
    loaded = [value for name, value in page.attributes if name in ("src", "href", "srcset", "data")]
    assert [value for value in loaded if not value.startswith(("#", "data:"))] == []
    assert "default-src 'none'" in html
    assert "@import" not in html and not re.search(r"url\(", html)
    hosts = set(re.findall(r"https?://([\w.-]+)", html))
    assert hosts <= {"www.w3.org"}, "names of XML, which nothing is fetched from"


def test_the_page_escapes_whatever_was_said() -> None:
    question = GoldenQuestion(
        ATTACK, (ATTACK, f"last {ATTACK}"), "answer", ATTACK, ATTACK,
        all_of=((ATTACK + "x",),), none_of=(f"{ATTACK}y",), evidence=(ATTACK,),
    )  # fmt: skip
    trace = traced(0.9, ATTACK, topic=ATTACK)
    trace |= {"before": ATTACK, "standalone": ATTACK, "features": {ATTACK: 1.0}}
    trace["passages"][0] |= {"source": ATTACK, "heading": ATTACK}
    reply = Reply(Outcome.ANSWERED, f"**{ATTACK}** {ATTACK}", cite(ATTACK), trace=trace)
    cases = tuple(evaluate(FakeAssistant({question.turns: reply}), [question]))
    html = as_html(Report(cases, THRESHOLD, ATTACK, ATTACK, compare({"cases": []}, cases)))
    page = Page(html)
    assert "script" not in page.tags and "img" not in page.tags
    assert [name for name, _ in page.attributes if name.startswith("on")] == []
    assert page.words.count("<script>alert(1)</script>") > 12


def shown(case: Case) -> str:
    return Page(as_html(replace(five(), cases=(case,)))).words


def test_a_failure_shows_question_reply_expectation_passages_and_why() -> None:
    words = shown(five_cases()[2])
    for part in (
        "Are there pets?",
        "And dogs?",
        CATS,
        "Expected: an answer. Candor answered.",
        "says “welcome”",
        "quotes: Dogs are welcome upstairs.",
        "says it, but no citation shows the evidence.",
        "The right passage was considered, but another came first.",
        "Topics by likeness: meals (0.70).",
        "The passages answer with a probability of 0.80, at or above the threshold of 0.50: enough to answer.",
        "Of the 6 passages considered, number 6 shows the evidence.",
        "Something else, number 0.",
        "2.00",
        "-3.00",
        "gap 0.25",
    ):
        assert part in words, part
    assert words.count("shows the evidence") == 3  # in two sentences, and beside the passage


def test_a_refusal_says_that_the_probability_was_too_small() -> None:
    words = shown(five_cases()[1])
    assert "probability of 0.30, below the threshold of 0.50: too little to answer" in words
    assert "Candor said that the pages do not tell" in words


def test_a_right_reply_is_no_failure() -> None:
    words = shown(five_cases()[0])
    assert "Nothing: every reply is as expected." in words
    assert "1 of 1 replies are right (100%)" in words


def test_the_page_tells_what_changed_since_the_baseline() -> None:
    cases = five_cases()
    old = {"cases": [{**case.as_json(), "right": not case.right} for case in cases[:2]]}
    words = Page(as_html(replace(five(), comparison=compare(old, cases)))).words
    for part in ("Better: 1", "Worse: 1", "New: 3", "Of the 2 questions in both, 1 were right, now 1 are."):
        assert part in words, part


def test_bold_words_of_a_reply_are_bold() -> None:
    case = replace(five_cases()[3], reply={"status": "answered", "answer": "**Lunch** is <free>"})
    assert "<strong>Lunch</strong> is &lt;free&gt;" in as_html(replace(five(), cases=(case,)))


# Curve


def test_the_curve_is_drawn_with_the_operating_point() -> None:
    drawn = five().curve
    assert drawn is not None
    svg = chart(drawn)
    assert svg.startswith("<svg") and "script" not in svg
    assert "now: threshold 0.50" in svg and "false refusals" in svg and "false answers" in svg
    assert "var(--accent)" in svg
    assert svg in as_html(five())


def test_the_table_beside_the_curve_tells_of_even_thresholds() -> None:
    drawn = five().curve
    assert drawn is not None
    found = {
        point.threshold: (point.false_answers, round(point.false_refusals, 2)) for point in sampled(drawn)
    }
    assert list(found) == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    assert found[0.3] == (1.0, 0.0)
    assert found[0.5] == (1.0, 0.33)
    assert found[0.7] == (0.0, 0.33)


def test_a_report_without_a_curve_says_nothing_of_it() -> None:
    html = as_html(replace(five(), cases=tuple(five_cases()[:3])))
    assert "<svg" not in html and LUNCH in html
