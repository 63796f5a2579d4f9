"""A store version with what is worked out of it, and its opening beside the turns."""

from __future__ import annotations

import threading
from datetime import date
from pathlib import Path

import pytest
from assistant_fakes import filled, posting
from conftest import WordEmbedder

from assistant.corrections import ApprovedAnswer, Corrections
from assistant.topics import Bank
from assistant.versions import Knowledge, Opening, company_names
from knowledge.settings import Settings

DAY = date(2026, 3, 2)


def test_a_name_printed_all_over_the_pages_is_the_companys(tmp_path: Path, embedder: WordEmbedder) -> None:
    told = "Oatfield mills oats. Write to Oatfield. We grind by night."
    jobs = [posting(f"Miller {number}", text=told) for number in range(6)]
    names = company_names(filled(tmp_path, embedder, *jobs), "Oat & Field")
    assert {"oat", "field", "oatfield"} <= names
    assert not {"miller", "mills", "we", "night"} & names


def test_the_state_changes_with_the_day_only_where_approved_answers_may(
    tmp_path: Path, embedder: WordEmbedder
) -> None:
    store = filled(tmp_path, embedder, posting("Miller"))
    knowledge = Knowledge(store, Bank(embedder), Settings(store=tmp_path))
    assert knowledge.state(DAY) == knowledge.state(date(2026, 3, 3))
    assert knowledge.state(DAY).startswith(f"{store.version}@")
    answer = ApprovedAnswer("1", ("Is lunch free?",), "Lunch is free.", DAY)
    corrected = knowledge.corrected(Corrections(7, (answer,)), Settings(store=tmp_path))
    assert corrected.state(DAY) != corrected.state(date(2026, 3, 3))
    assert corrected.state(DAY) != knowledge.state(DAY)


def test_an_opening_is_waited_for_and_tells_what_went_wrong(tmp_path: Path) -> None:
    go = threading.Event()
    opening = Opening(tmp_path, DAY, go.wait)
    assert opening.wait(0.01) is False
    go.set()
    assert opening.wait(None) is True

    def failing() -> None:
        raise ValueError("no such version")

    with pytest.raises(ValueError, match="no such version"):
        Opening(tmp_path, DAY, failing).wait(None)
