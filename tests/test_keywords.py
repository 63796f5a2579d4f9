"""BM25 by hand."""

from __future__ import annotations

import json
import logging
import random
from collections import Counter
from math import log
from pathlib import Path

import numpy as np
import pytest

from knowledge import keywords
from knowledge.documents import Passage
from knowledge.keywords import CARD, FOLDER, KeywordIndex, write_keywords
from knowledge.sentences import terms
from knowledge.store import write_records


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


def test_it_knows_the_stems_of_each_passage_and_in_how_many_each_stands() -> None:
    index = KeywordIndex(passages("We learned, we learn: python.", "Python!", "is it?"))
    assert [index.stems(row) for row in range(3)] == [{"learn", "python"}, {"python"}, set()]
    assert index.frequency == {"learn": 1, "python": 2}


# Kept by an ingest


@pytest.fixture
def many() -> list[Passage]:
    draw = random.Random(5)
    words = [f"{first}{second}o" for first in "bdfgklmnprstvz" for second in "aeiou"]
    texts = [" ".join(draw.choices(words, k=draw.randrange(30))) for _ in range(200)]
    return [*passages(*texts), *passages("Nos équipes grandissent vite.", language="fr")]


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelno >= logging.WARNING]


def test_what_is_read_from_the_disk_is_exactly_what_was_worked_out(
    tmp_path: Path, many: list[Passage]
) -> None:
    built = KeywordIndex(many)
    built.save(tmp_path)
    read = KeywordIndex.of(tmp_path, many)
    assert isinstance(read._terms.base, np.memmap) and isinstance(read._index.scores["data"], np.memmap)
    assert read.frequency == built.frequency and read.vocabulary == built.vocabulary
    expected = Counter(term for p in many for term in set(terms(p.embedding_text, p.language)))
    assert read.frequency == expected
    vocabulary = sorted(expected)
    for start in range(0, len(vocabulary), 7):
        query = [*vocabulary[start : start + 7], "unicorn"]
        assert np.array_equal(read.scores(query), built.scores(query))
    for row, passage in enumerate(many):
        assert read.stems(row) == built.stems(row) == set(terms(passage.embedding_text, passage.language))


def test_without_one_on_the_disk_it_is_worked_out(
    tmp_path: Path, many: list[Passage], caplog: pytest.LogCaptureFixture
) -> None:
    assert np.array_equal(
        KeywordIndex.of(tmp_path, many).scores(["bado"]), KeywordIndex(many).scores(["bado"])
    )
    assert warned(caplog) == []


def spoil(name: str, saved: Path) -> None:
    if name == "another release":
        card = json.loads((saved / CARD).read_text(encoding="utf-8"))
        (saved / CARD).write_text(json.dumps({**card, "made_by": "0.0.9"}), encoding="utf-8")
    elif name == "cut off":
        file = saved / keywords.TERMS
        file.write_bytes(file.read_bytes()[:-40])
    elif name == "no card":
        (saved / CARD).unlink()
    else:
        (saved / "vocab.index.json").write_text("{", encoding="utf-8")


@pytest.mark.parametrize("what", ["another release", "cut off", "no card", "no JSON"])
def test_one_that_is_not_right_is_told_and_worked_out_anew(
    tmp_path: Path, many: list[Passage], caplog: pytest.LogCaptureFixture, what: str
) -> None:
    KeywordIndex(many).save(tmp_path)
    spoil(what, tmp_path / FOLDER)
    found = KeywordIndex.of(tmp_path, many)
    assert np.array_equal(found.scores(["bado", "zuzo"]), KeywordIndex(many).scores(["bado", "zuzo"]))
    (told,) = warned(caplog)
    assert "is worked out anew" in told


def test_one_of_other_passages_is_not_taken(
    tmp_path: Path, many: list[Passage], caplog: pytest.LogCaptureFixture
) -> None:
    KeywordIndex(many[1:]).save(tmp_path)
    assert KeywordIndex.of(tmp_path, many).scores(["bado"]).shape == (len(many),)
    assert len(warned(caplog)) == 1


def test_an_ingest_takes_over_what_is_the_same_and_works_out_what_is_not(
    tmp_path: Path, many: list[Passage]
) -> None:
    versions = []
    for number, content in enumerate((many, many, many[1:])):
        folder = tmp_path / str(number)
        folder.mkdir()
        write_records(folder / "passages.jsonl", content)
        write_keywords(folder, versions[-1] if versions else None, content)
        versions.append(folder)
        assert np.array_equal(
            KeywordIndex.of(folder, content).scores(["bado"]), KeywordIndex(content).scores(["bado"])
        )
    files = [{f.name: f.read_bytes() for f in (folder / FOLDER).iterdir()} for folder in versions]
    assert files[0] == files[1] != files[2]


@pytest.mark.parametrize("texts", [(), ("is it?",)])
def test_where_there_is_nothing_to_search_nothing_is_kept(tmp_path: Path, texts: tuple[str, ...]) -> None:
    write_records(tmp_path / "passages.jsonl", passages(*texts))
    write_keywords(tmp_path, None, passages(*texts))
    assert not (tmp_path / FOLDER).exists()
    assert KeywordIndex.of(tmp_path, passages(*texts)).scores(["python"]).tolist() == [0.0] * len(texts)
