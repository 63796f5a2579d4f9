"""Which topics the pages answer: classified by status, probability and the topic's words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from measure_fakes import THRESHOLD, FakeAssistant, cite, traced

from assistant.conversation import Outcome, Reply
from assistant.coverage import (
    GROUPS,
    Covered,
    Proof,
    State,
    answered_state,
    as_json,
    cover,
    in_groups,
    main_language,
    refused_state,
    to_write,
)
from assistant.topics import Topic, load_topics
from knowledge.documents import Passage


def topic(
    name: str, group: str = "time", terms: tuple[str, ...] = ("paid leave", "weeks off", "vacation")
) -> Topic:
    question = {"en": f"What of {name}?", "fr": f"Et {name} ?"}
    return Topic(name, name.title(), group, "text", question, tuple(question.values()), terms)


LEAVE = topic("leave")


def covered(reply: Reply, of: Topic = LEAVE) -> Covered:
    return next(iter(cover(FakeAssistant({(of.question["en"],): reply}), [of], THRESHOLD)))


def refused(probability: float, *texts: str) -> Reply:
    return Reply(Outcome.NOT_FOUND, "", trace=traced(probability, *texts))


def test_an_answer_that_names_the_topic_is_an_answer() -> None:
    quote = "You have five weeks off each year."
    entry = covered(Reply(Outcome.ANSWERED, quote, cite(quote), trace=traced(0.55, quote)))
    assert (entry.state, entry.strength, entry.probability) == (State.ANSWERED, 1, 0.55)
    assert entry.proof == Proof("page.txt", "Life here", quote)


@pytest.mark.parametrize(
    ("probability", "state"), [(0.55, State.THIN), (0.74, State.THIN), (0.76, State.ANSWERED)]
)
def test_an_answer_in_other_words_counts_where_the_decision_was_sure(
    probability: float, state: State
) -> None:
    quote = "Everyone rests in August."
    entry = covered(Reply(Outcome.ANSWERED, quote, cite(quote), trace=traced(probability, quote)))
    assert (entry.state, entry.proof.quote) == (state, quote)


@pytest.mark.parametrize(
    ("probability", "text", "state"),
    [
        (0.05, "Vacation is paid leave.", State.THIN),  # two words of the topic
        (0.31, "Ask about vacation.", State.THIN),  # one, and nearly answered
        (0.29, "Ask about vacation.", State.OPEN),
        (0.45, "Ask about lunch.", State.OPEN),
        (0.05, "Vacation is paid leave, five weeks off.", State.ANSWERED),  # three
    ],
)
def test_a_refused_topic_is_judged_by_the_words_that_pages_use_for_it(
    probability: float, text: str, state: State
) -> None:
    assert covered(refused(probability, "Lunch is free.", text)).state is state


def test_the_proof_of_a_thin_topic_is_the_sentence_that_names_it_most() -> None:
    text = "We eat at noon. Vacation is paid leave. See you there."
    entry = covered(refused(0.1, "Lunch is free.", text))
    assert entry.proof == Proof("page.txt", "", "Vacation is paid leave.")


def test_an_open_topic_has_no_proof() -> None:
    assert covered(refused(0.1, "Lunch is free.")).proof == Proof()


def test_a_passage_far_down_proves_nothing() -> None:
    assert covered(refused(0.4, "1", "2", "3", "4", "5", "Vacation is paid leave.")).state is State.OPEN


def test_posting_records_answer_only_what_they_can() -> None:
    reply = Reply(Outcome.ANSWERED, "Two roles are open.", cite("Engineer"))
    assert covered(reply, topic("openings", "roles")).state is State.ANSWERED
    assert covered(reply, topic("side jobs", "other")).state is State.OPEN


def test_a_topic_taken_for_something_to_decline_is_open() -> None:
    assert covered(Reply(Outcome.DECLINED, "No.")).state is State.OPEN


def test_states_at_their_edges() -> None:
    assert answered_state(LEAVE, 0, 0.75, THRESHOLD) is State.ANSWERED
    assert refused_state(1, 0.3, THRESHOLD) is State.THIN
    assert refused_state(0, None, THRESHOLD) is State.OPEN


def test_topics_are_asked_in_the_language_of_the_pages() -> None:
    assistant = FakeAssistant({})
    list(cover(assistant, [LEAVE], THRESHOLD, "fr"))
    list(cover(assistant, [LEAVE], THRESHOLD, "xx"))
    assert assistant.asked == [("Et leave ?",), ("What of leave?",)]


def passage(language: str) -> Passage:
    return Passage("s", "t", "", (), "x", 0, language=language)


def test_main_language_is_english_where_there_is_any() -> None:
    assert main_language([passage("fr"), passage("fr"), passage("en")]) == "en"
    assert main_language([passage("fr"), passage("de"), passage("fr")]) == "fr"
    assert main_language([]) == "en"


def test_what_to_write_next_is_what_candidates_ask_about_most() -> None:
    topics = [topic(group, group) for group in ("leaving", "benefits", "time", "pay", "hiring")]
    entries = [covered(refused(0.1, "Lunch."), of) for of in topics]
    entries.append(covered(refused(0.1, "Vacation is paid leave, five weeks off."), topic("said", "hiring")))
    assert [entry.topic.id for entry in to_write(entries)] == ["hiring", "pay", "time", "benefits", "leaving"]
    assert list(in_groups(entries)) == ["Hiring", "Pay", "Time", "Benefits", "Leaving"]


def test_json_is_one_object_with_counts_and_topics() -> None:
    entries = [
        covered(refused(0.1, "Lunch.")),
        covered(refused(0.1, "Vacation is paid leave."), topic("two")),
    ]
    data = json.loads(json.dumps(as_json(entries, "my-store", "en")))
    assert data["counts"] == {"answered": 0, "thin": 1, "open": 1}
    assert data["write_next"] == ["leave"]
    assert data["topics"][1]["quote"] == "Vacation is paid leave."
    assert (data["topics"][0]["state"], data["topics"][0]["question"]) == ("open", "What of leave?")


def test_every_group_of_the_bank_has_a_title() -> None:
    assert {topic.group for topic in load_topics()} <= set(GROUPS)


def test_the_project_ships_the_page_template() -> None:
    assert (Path(__file__).parents[1] / "assistant" / "report.html").is_file()
