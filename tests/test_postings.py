"""Postings as columns."""

from __future__ import annotations

import numpy as np
from assistant_fakes import MILL

from assistant.postings import Column, ManyColumn, Selection, TermIndex

EVERYTHING = Selection(MILL, np.arange(len(MILL)))


def test_a_selection_is_a_sequence_of_its_postings() -> None:
    chosen = Selection(MILL, np.array([3, 0]))
    assert [job.title for job in chosen] == ["Data Analyst", "SRE, Night Watch"]
    assert (len(chosen), chosen[1].title, [job.title for job in chosen[:1]]) == (
        2,
        "SRE, Night Watch",
        ["Data Analyst"],
    )


def test_a_part_of_a_selection_keeps_its_order() -> None:
    mask = np.array([True, False, False, True, False])
    assert [job.title for job in EVERYTHING.where(mask)] == ["SRE, Night Watch", "Data Analyst"]
    assert not EVERYTHING.where(~np.ones(5, dtype=bool))


def test_a_column_keeps_each_value_once_and_finds_its_postings() -> None:
    departments = Column(job.department for job in MILL)
    assert departments.values == ["Platform", "Finance", "Workshop", ""]
    assert departments.matching(lambda value: value == "Platform").tolist() == [
        True,
        False,
        False,
        True,
        False,
    ]


def test_a_posting_with_several_values_is_found_by_each() -> None:
    places = ManyColumn([["Gdynia"], [], ["Opava", "Gdynia"]])
    assert places.values == ["Gdynia", "Opava"]
    assert places.where(np.array([False, True])).tolist() == [False, False, True]
    assert places.where(np.array([True, False])).tolist() == [True, False, True]


def test_a_term_leads_to_the_texts_that_hold_it() -> None:
    index = TermIndex([frozenset({"night", "watch"}), frozenset(), frozenset({"night"})])
    assert index.holding("night").tolist() == [0, 2] and index.holding("day").tolist() == []
    assert index.mask("watch").tolist() == [True, False, False]
    assert "night" in index and "day" not in index
