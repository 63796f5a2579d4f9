"""BM25 by hand."""

from __future__ import annotations

from math import log

import numpy as np
import pytest

from knowledge.documents import Passage
from knowledge.keywords import KeywordIndex


def passages(*texts: str, language: str = "en") -> list[Passage]:
    return [Passage("page.txt", "", "", (), text, n, language=language) for n, text in enumerate(texts)]


def bm25(tf: int, length: int, average: float, documents: int, having: int) -> float:
    """Robertson's formula with k1 = 1.5 and b = 0.75, the factor k1 + 1 left out as Lucene does."""
    idf = log(1 + (documents - having + 0.5) / (having + 0.5))
    return idf * tf / (tf + 1.5 * (1 - 0.75 + 0.75 * length / average))


def test_scores_are_those_of_the_formula() -> None:
    index = KeywordIndex(passages("python backend", "python python leave", "salary"))
    expected = [bm25(1, 2, 2.0, 3, 2), bm25(2, 3, 2.0, 3, 2), 0.0]
    assert index.scores(["python"]) == pytest.approx(expected, abs=1e-5)


def test_scores_of_several_words_add_up_and_unknown_words_count_for_nothing() -> None:
    index = KeywordIndex(passages("python backend", "python python leave", "salary"))
    both = index.scores(["python", "salari", "unicorn"])
    assert both == pytest.approx(index.scores(["python"]) + index.scores(["salari"]), abs=1e-6)


def test_words_are_compared_by_their_stems() -> None:
    index = KeywordIndex(passages("We learned a lot.", "Nothing here."))
    assert index.scores(["learn"])[0] > 0 == index.scores(["learned"])[0]


def test_each_passage_is_stemmed_in_its_language() -> None:
    index = KeywordIndex([*passages("Nos équipes grandissent.", language="fr"), *passages("Our teams grow.")])
    assert (index.scores(["equip"]) > 0).tolist() == [True, False]


def test_headings_and_titles_count_too() -> None:
    titled = Passage("page.txt", "Benefits", "", ("Parental leave",), "Sixteen weeks.", 0)
    assert KeywordIndex([titled, *passages("other")]).scores(["parent"])[0] > 0


@pytest.mark.parametrize("texts", [(), ("",), ("is it?",)])
def test_nothing_to_search_scores_nothing(texts: tuple[str, ...]) -> None:
    found = KeywordIndex(passages(*texts)).scores(["python"])
    assert found.shape == (len(texts),) and not found.any()


def test_an_empty_question_scores_nothing() -> None:
    found = KeywordIndex(passages("python", "salary")).scores([])
    assert found.dtype == np.float32 and found.tolist() == [0.0, 0.0]
