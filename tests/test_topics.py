"""The bank of topics: its data, and likeness by hand over word vectors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pytest
from conftest import WordEmbedder

from assistant import topics
from assistant.topics import Bank, Topic, cached_vectors, folded, load_topics, stemmed
from knowledge.sentences import words


@pytest.fixture(scope="module")
def bank() -> Bank:
    return Bank(WordEmbedder())


def unit(text: str) -> np.ndarray:
    return np.asarray(WordEmbedder().embed([text])[0])


def test_every_topic_has_phrasings_words_and_a_question_in_six_languages() -> None:
    topics = load_topics()
    assert len(topics) >= 70 and len({topic.id for topic in topics}) == len(topics)
    for topic in topics:
        assert len(topic.asks) >= 10 and topic.terms and topic.title, topic.id
        assert {"en", "fr", "de", "es", "he", "uk"} <= set(topic.question), topic.id


def test_related_topics_exist() -> None:
    known = {topic.id for topic in load_topics()}
    assert [(t.id, r) for t in load_topics() for r in t.related if r not in known] == []


def test_likeness_is_the_best_two_examples_together(bank: Bank) -> None:
    scores = bank.likeness(unit("salary"))
    cosines = bank.vectors @ unit("salary")
    first, second = np.sort(cosines[bank.owner == 0])[::-1][:2]
    assert scores[0] == pytest.approx(0.7 * first + 0.3 * second, abs=1e-5)


def test_likeness_is_kept_for_each_vector_apart(bank: Bank) -> None:
    first, other = bank.likeness(unit("salary")), bank.likeness(unit("remote"))
    assert bank.likeness(unit("salary")) is first
    assert not np.array_equal(first, other)


def test_the_typical_question_is_the_mean_of_the_examples(bank: Bank) -> None:
    topic = bank.topic["salary"]
    own = bank.vectors[bank.owner == bank.topics.index(topic)].mean(axis=0)
    assert bank.typical(topic) == pytest.approx(own / np.linalg.norm(own), abs=1e-5)


def test_a_distribution_over_topics_adds_to_one(bank: Bank) -> None:
    shares = bank.distribution(np.stack([unit("salary"), unit("python")]))
    assert shares.shape == (2, len(bank.topics))
    assert shares.sum(axis=1) == pytest.approx([1.0, 1.0])


def test_terms_are_named_as_phrases_the_longest_first(bank: Bank) -> None:
    assert bank.named("Is there health insurance?") == (stemmed("health insurance"),)
    assert bank.named("Tell me a story.") == ()


def test_strength_counts_the_different_terms_of_a_topic() -> None:
    topic = Topic("t", "T", "g", "text", {}, (), ("annual leave", "holidays"))
    assert topic.strength(stemmed("Annual leave is annual leave; holidays are extra.")) == 2
    assert topic.strength(stemmed("We leave at five.")) == 0


def test_folded_text_has_no_accents_apostrophes_or_dashes() -> None:
    assert folded("What’s  l'Été-club?") == folded("what s l ete club?")


def test_vectors_are_kept_until_texts_or_encoder_change(tmp_path: Path) -> None:
    first, again, other = WordEmbedder(), WordEmbedder(), WordEmbedder("words-2")
    made = cached_vectors(["salary", "leave"], first, tmp_path)
    assert cached_vectors(["salary", "leave"], again, tmp_path) == pytest.approx(made, abs=1e-3)
    assert again.texts == []
    cached_vectors(["salary", "leave"], other, tmp_path)
    cached_vectors(["salary"], again, tmp_path)
    assert other.texts == ["salary", "leave"] and again.texts == ["salary"]


def test_a_damaged_file_of_vectors_is_made_anew(tmp_path: Path) -> None:
    cached_vectors(["salary"], WordEmbedder(), tmp_path)
    (file,) = tmp_path.glob("bank-*/vectors.npy")
    file.write_bytes(b"not an array")
    again = WordEmbedder()
    assert cached_vectors(["salary"], again, tmp_path).shape == (1, 8) and again.texts == ["salary"]


def test_the_kept_tables_are_what_is_worked_out_of_the_files(tmp_path: Path) -> None:
    topics._write_tables(tmp_path)
    assert orjson.loads((tmp_path / topics.TABLES).read_bytes()) == topics._tables()
    for topic in load_topics():
        assert topic.stems == replace(topic).stems == tuple(dict.fromkeys(map(stemmed, topic.terms)))
    texts = [text for topic in load_topics() for text in (*topic.asks, *topic.terms)]
    assert topics.topic_words() == {word for text in texts for word in words(text)}
