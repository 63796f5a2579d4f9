"""The values of a turn, as other tools read them."""

from __future__ import annotations

from assistant_fakes import MILL

from assistant.conversation import Citation, Outcome, Reply


def test_a_reply_prints_status_words_citations_and_cards() -> None:
    citation = Citation(
        "about.md", "About", "", "by night and day", passage="The mill grinds by night and day."
    )
    printed = Reply(Outcome.ANSWERED, "Day and night.", (citation,), MILL[:1]).as_json()
    assert printed["status"] == "answered" and printed["answer"] == "Day and night."
    assert printed["citations"] == [
        {"source": "about.md", "title": "About", "url": "", "quote": "by night and day"}
    ]
    assert set(printed["jobs"][0]) == {"id", "title", "locations", "department", "status", "url"}
