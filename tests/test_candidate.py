from __future__ import annotations

import copy
import threading
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from ui_fakes import ATTACK, EMPTY, EQUIPMENT, POSTINGS, REMOTE, REPLIES, FakeAssistant, FakeSummary

from assistant.conversation import Citation, Outcome, Reply
from knowledge.documents import JobPosting
from knowledge.store import AwayError
from ui import markup
from ui.candidate import QUESTION_LIMIT, View, Visit, candidate_chat, converse, opening
from ui.markup import Exchange


class Tags(HTMLParser):
    """The elements and attributes a browser would see."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.names: set[str] = set()
        self.links: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.names.update(name for name, _ in attrs)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.text += data


def last(assistant: FakeAssistant, question: str, view: View | None = None) -> View:
    return list(converse(assistant, question, view or opening(assistant)))[-1]


# The conversation


def test_an_answer_streams_and_ends_with_the_reply_and_its_suggestions() -> None:
    views = list(converse(FakeAssistant(), "Can I work from home?", View()))
    assert next(view.latest.state for view in views if view.latest) == "busy"
    assert "writing" in [view.latest.state for view in views if view.latest]
    assert views[-1].done == (Exchange(1, "Can I work from home?", REPLIES["Can I work from home?"]),)
    assert views[-1].choices == ("Which positions are open?", "How does hiring work?")


def test_a_follow_up_comes_to_the_assistant_with_the_turns_before_it() -> None:
    assistant = FakeAssistant()
    view = last(assistant, "And in Lisbon?", last(assistant, "Can I work from home?"))
    assert assistant.heard == [("Can I work from home?",), ("Can I work from home?", "And in Lisbon?")]
    assert [turn.number for turn in view.done] == [1, 2]


def test_suggestions_disappear_while_an_answer_is_on_its_way() -> None:
    assistant = FakeAssistant()
    first = next(iter(converse(assistant, "Can I work from home?", opening(assistant))))
    assert first.choices == ()


def test_the_question_box_is_emptied_once_and_then_left_to_the_candidate() -> None:
    drafts = [view.draft for view in converse(FakeAssistant(), "Can I work from home?", View())]
    assert drafts[0] == "" and set(drafts[1:]) == {None}


def test_an_empty_question_asks_nothing() -> None:
    assistant = FakeAssistant()
    before = last(assistant, "Can I work from home?")
    assert list(converse(assistant, " \n ", before)) == [before]
    assert len(assistant.heard) == 1


def test_a_question_over_the_limit_is_not_asked_and_says_so_in_a_sentence() -> None:
    assistant = FakeAssistant()
    (view,) = converse(assistant, "a" * (QUESTION_LIMIT + 1), opening(assistant))
    assert "2,001" in view.warning and "2,000" in view.warning
    assert view.draft is None, "the candidate's text stays in the box"
    assert assistant.heard == []


def test_a_question_at_the_limit_is_asked() -> None:
    assert last(FakeAssistant(), "a" * QUESTION_LIMIT).done


def test_a_failure_is_told_plainly_offers_to_ask_again_and_leaks_nothing() -> None:
    assistant = FakeAssistant()
    view = last(assistant, "break")
    html = markup.exchange(view.done[-1])
    assert markup.FAILED in html and "secret" not in html
    assert view.choices == ("break",)


def test_pages_that_cannot_be_searched_for_now_are_told_as_such() -> None:
    class Away(FakeAssistant):
        def stream(self, turns):  # type: ignore[no-untyped-def]
            raise AwayError("The Chroma server cannot be reached (secret).")
            yield

    view = last(Away(), "Can I work from home?")
    html = markup.exchange(view.done[-1])
    assert markup.AWAY in html and markup.FAILED not in html and "secret" not in html
    assert view.choices == ("Can I work from home?",)


def test_a_failed_question_is_not_a_turn_of_the_conversation() -> None:
    assistant = FakeAssistant()
    last(assistant, "Can I work from home?", last(assistant, "break"))
    assert assistant.heard[-1] == ("Can I work from home?",)


def test_a_stream_without_a_reply_counts_as_a_failure() -> None:
    class Cut(FakeAssistant):
        def stream(self, turns):  # type: ignore[no-untyped-def]
            yield "Half a sen"

    assert last(Cut(), "Can I work from home?").done[-1].failed


def test_no_event_can_be_called_from_outside_and_several_answers_are_written_at_once() -> None:
    events = list(candidate_chat(FakeAssistant()).fns.values())
    assert {event.api_visibility for event in events} == {"private"}
    # The places of `Turns` are the only limit; a test of those sees to it.
    assert {event.concurrency_limit for event in events if event.name == "ask"} == {None}


# A visit


def test_one_answer_is_written_at_a_time() -> None:
    visit = Visit(View())
    number = visit.begin()
    assert number is not None and visit.begin() is None
    visit.end(number)
    assert visit.begin() == number


def test_what_an_answer_of_an_earlier_conversation_says_is_not_taken_over() -> None:
    visit, begun = Visit(View()), View(choices=("A question",))
    number = visit.begin()
    assert number is not None and visit.show(number, View(warning="one"))
    visit.sent(number)
    visit.restart(begun)
    assert not visit.show(number, View(warning="too late")) and visit.view is begun


def test_a_new_conversation_may_ask_while_the_old_answer_winds_down() -> None:
    visit = Visit(View())
    old = visit.begin()
    visit.restart(View())
    new = visit.begin()
    assert old is not None and new is not None and new != old
    visit.end(old)
    assert visit.begin() is None, "the old answer's end does not free the new conversation"


def test_starting_over_waits_for_what_is_on_its_way_to_the_page() -> None:
    visit = Visit(View())
    number = visit.begin()
    assert number is not None and visit.show(number, View())
    over = threading.Thread(target=visit.restart, args=(View(warning="new"),))
    over.start()
    while visit.show(number, View()):  # until the thread has raised the number
        visit.sent(number)
    visit.sent(number)
    over.join(timeout=30)
    assert visit.view.warning == "new"


def test_each_session_has_a_visit_of_its_own() -> None:
    visit = Visit(View())
    copied = copy.deepcopy(visit)
    assert visit.begin() is not None and copied.begin() is not None


# Hostile text


def test_markup_in_questions_answers_pages_and_postings_stays_text() -> None:
    html = markup.exchange(Exchange(1, ATTACK, REPLIES["attack"]), contact=ATTACK)
    seen = Tags(html)
    assert not {"img", "script", "iframe", "svg", "style"} & set(seen.tags)
    assert not {name for name in seen.names if name.startswith("on")}
    assert seen.text.count("<script>") >= 6, "the words are shown as they are"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        " JavaScript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "//evil.example",
        "http:///no-host",
        'https://x.example/" onclick="alert(1)',
        "https://x.example/<script>",
        "vbscript:x",
        "http://[broken",
        "careers/page.html",
        "",
    ],
)
def test_only_whole_web_addresses_become_links(url: str) -> None:
    html = markup.sources([replace(REMOTE, url=url)], "s") + markup.job_card(replace(POSTINGS[0], url=url))
    assert Tags(html).links == []


def test_a_web_address_becomes_a_link_that_tells_the_site_nothing() -> None:
    html = markup.sources([REMOTE], "s")
    words = "Everyone%20may%20work%20from%20home%20up%20to%20three%20days%20a%20week."
    assert Tags(html).links == [f"{REMOTE.url}#:~:text={words}"]
    assert 'rel="noopener noreferrer nofollow"' in html


@pytest.mark.parametrize(
    "text",
    ["![x](https://evil.example/x.png)", "[x](javascript:alert(1))", "<b>x</b>", "# x", "`x`", "| a | b |"],
)
def test_other_markup_in_an_answer_shows_as_the_characters_it_is(text: str) -> None:
    seen = Tags(markup.prose(text))
    assert seen.tags == ["p"] and seen.text == text


# What an answer may look like


def test_bold_lists_and_line_breaks_are_shown() -> None:
    html = markup.prose("We offer **two** things:\n- tea\n- time\n\n3. third\n4) fourth\n\none\ntwo")
    assert html == (
        "<p>We offer <strong>two</strong> things:</p><ul><li>tea</li><li>time</li></ul>"
        '<ol start="3"><li>third</li><li>fourth</li></ol><p>one<br>two</p>'
    )


def test_stars_that_are_not_bold_stay_stars() -> None:
    assert markup.prose("2 ** 3 and 5*") == "<p>2 ** 3 and 5*</p>"


def test_reference_numbers_lead_to_their_sources() -> None:
    html = markup.exchange(
        Exchange(7, "q", Reply(Outcome.ANSWERED, "Yes [1][2], and [1, 2].", (REMOTE, EQUIPMENT)))
    )
    assert Tags(html).links[:4] == ["#source-7-1", "#source-7-2"] * 2
    assert 'id="source-7-1"' in html and 'id="source-7-2"' in html


def test_while_an_answer_is_written_its_numbers_lead_nowhere_yet() -> None:
    html = markup.exchange(Exchange(1, "q", partial="Yes [1] and"))
    assert '<span class="ref">1</span>' in html and Tags(html).links == []


def test_a_number_without_a_source_is_left_as_it_stands() -> None:
    assert markup.prose("In 2026 [3] and [0]", cited=2) == "<p>In 2026 [3] and [0]</p>"


def test_a_quote_is_marked_where_it_stands() -> None:
    assert markup.quote_in_passage("b  c", "a b\nc d") == "a <mark>b<br>c</mark> d"


def test_a_quote_that_its_passage_lacks_is_shown_alone() -> None:
    assert markup.quote_in_passage("b & c", "something else") == "<mark>b &amp; c</mark>"


def test_a_long_passage_is_cut_around_the_quote_at_whole_words() -> None:
    html = markup.quote_in_passage("HERE", "word " * 200 + "HERE" + " next" * 200, context=12)
    assert html == "… word word <mark>HERE</mark> next next …"


@pytest.mark.parametrize(
    ("language", "direction"), [("he", "rtl"), ("ar", "rtl"), ("en", "ltr"), ("fr", "ltr")]
)
def test_a_reply_runs_in_the_direction_of_its_language(language: str, direction: str) -> None:
    html = markup.exchange(Exchange(1, "q", Reply(Outcome.CHAT, "x", language=language)))
    assert f'lang="{language}" dir="{direction}"' in html


def test_a_job_card_shows_title_places_department_and_status() -> None:
    text = Tags(markup.job_card(POSTINGS[1])).text
    assert all(fact in text for fact in ("Data Analyst", "Haifa / Lisbon", "Operations", "Open"))
    assert "Closed" in markup.job_card(POSTINGS[2])


def test_a_job_card_does_not_show_labels_that_cannot_be_trusted() -> None:
    assert "Temp" not in markup.job_card(JobPosting("x", "Cook", "x", labels=("Temp",)))


def test_many_postings_fold_after_the_first_few() -> None:
    html = markup.jobs([replace(POSTINGS[0], id=str(number)) for number in range(9)])
    assert "Show 3 more" in html and html.count('class="job"') == 9


# The way to a person


@pytest.mark.parametrize(
    ("contact", "link"),
    [
        ("jobs@x.example", ["mailto:jobs@x.example"]),
        ("https://x.example/contact", ["https://x.example/contact"]),
        ("Ask for Noa at the desk", []),
        ("javascript:alert(1)", []),
    ],
)
def test_the_contact_is_a_link_where_it_can_be_one(contact: str, link: list[str]) -> None:
    not_found = Exchange(1, "q", REPLIES["Do you have a nursery?"])
    seen = Tags(markup.exchange(not_found, contact))
    assert seen.links == link and contact in seen.text


def test_only_an_answer_that_was_not_found_hands_over() -> None:
    assert "handover" not in markup.exchange(
        Exchange(1, "q", REPLIES["Can I work from home?"]), "jobs@x.example"
    )
    assert "handover" not in markup.exchange(Exchange(1, "q", REPLIES["Do you have a nursery?"]), "")


def test_a_contact_that_the_answer_names_is_linked_there_and_not_named_again() -> None:
    reply = Reply(Outcome.NOT_FOUND, "Nichts gefunden. Ein Mensch hilft weiter: jobs@x.example")
    html = markup.exchange(Exchange(1, "q", reply), "jobs@x.example")
    assert Tags(html).links == ["mailto:jobs@x.example"] and "handover" not in html


# Before the first question


def test_the_opening_offers_questions_and_says_what_the_answers_rest_on() -> None:
    assert opening(FakeAssistant()).choices[0] == "Can I work from home?"
    assert "12 pages and 2 open positions, read on 3 May 2026" in markup.welcome(FakeSummary())


def test_one_page_is_not_pages() -> None:
    assert "from 1 page." in markup.welcome(FakeSummary(pages=1, jobs=0, open_jobs=0, as_of=None))


def test_an_empty_store_is_told_in_plain_words_and_offers_no_questions() -> None:
    assert opening(FakeAssistant(EMPTY)).choices == ()
    said = markup.welcome(EMPTY, "jobs@harborandpine.example")
    assert "There are no pages to answer from yet." in said and "mailto:jobs@harborandpine.example" in said
    assert "ingest" not in said  # which is for whoever runs it: the log, the doctor and the console tell them


def test_the_header_names_the_company_and_says_that_this_is_a_machine() -> None:
    assert "Ask about working at Harbor &amp; Pine" in markup.header("Harbor & Pine")
    assert "Ask about working here" in markup.header("")
    assert "Automated assistant" in markup.header("")


def test_a_source_without_a_title_is_named_by_its_site() -> None:
    assert 'dir="auto">x.example</span>' in markup.sources(
        [Citation("s", "", "https://www.x.example/a", "q")], "s"
    )
