"""The store as a reader sees it: records, versions, vectors."""

from __future__ import annotations

import contextlib
import gc
import json
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from conftest import WordEmbedder, page_of, reading_of

from knowledge.documents import Block, BlockKind, JobPosting, Listing, Page, Passage, Reading, Status
from knowledge.ingestion import mirror
from knowledge.keywords import KeywordIndex
from knowledge.records import record_line
from knowledge.store import (
    CURRENT,
    SCHEMA,
    Store,
    StoreError,
    current_version,
    nearest,
    read_records,
    sentence_texts,
    switch,
    write_records,
)

PAGE = page_of("life.txt", "Learning takes a day. Salary is paid.", "Parents leave early.", "Riga is near.")


@pytest.fixture
def path(tmp_path: Path, embedder: WordEmbedder) -> Path:
    """A store with one page of three passages."""
    mirror([reading_of(PAGE)], ["life.txt"], tmp_path / "store", embedder)
    embedder.texts.clear()
    return tmp_path / "store"


@pytest.fixture
def earlier(path: Path) -> Path:
    """The same as an earlier release wrote it: with vectors in Chroma alone, as a large store is searched."""
    shutil.rmtree(current_version(path) / "vectors")
    return path


# Records


def test_records_come_back_as_they_went_in(tmp_path: Path) -> None:
    page = Page(
        "p",
        "p.md",
        "Title ™",
        "https://x.example",
        "fr",
        "key",
        date(2026, 5, 1),
        (Block(BlockKind.LIST, "a\nb", ("H", "I"), "lead", "speaker"),),
        Listing(5, None, "Showing 5"),
    )
    job = JobPosting(
        "1",
        "Cook",
        "j.json",
        locations=("Riga", "Lisbon"),
        posted=date(2026, 1, 2),
        closes=date(2026, 3, 4),
        status=Status.CLOSED,
        labels=("Temp",),
        blocks=(Block(BlockKind.PARAGRAPH, "Cook\u2028for us. 🍲"),),
        quotes={"title": "Cook"},
    )
    passage = Passage("p.md", "T", "", ("H",), "a\nb", 3, BlockKind.TABLE, modified=date(2025, 1, 1))
    for record in (page, job, passage):
        write_records(tmp_path / "records.jsonl", [record, record])
        assert read_records(tmp_path / "records.jsonl", type(record)) == [record, record]


def test_a_field_of_a_later_release_is_left_alone(tmp_path: Path) -> None:
    write_records(tmp_path / "r.jsonl", [PAGE])
    line = json.loads((tmp_path / "r.jsonl").read_text(encoding="utf-8"))
    (tmp_path / "r.jsonl").write_text(json.dumps({**line, "mood": "good"}), encoding="utf-8")
    assert read_records(tmp_path / "r.jsonl", Page) == [PAGE]


@pytest.mark.parametrize("damage", ["{", "[]", "{}", '{"id": 1}', "null", "\udce4"])
def test_damaged_records_are_told_in_one_line(path: Path, embedder: WordEmbedder, damage: str) -> None:
    file = current_version(path) / "passages.jsonl"
    file.write_bytes(damage.encode("utf-8", errors="surrogateescape"))
    with pytest.raises(StoreError, match=r"passages\.jsonl is damaged .* Run ingest\.py again\.$") as refusal:
        Store.open(path, embedder)
    assert "\n" not in str(refusal.value)


def test_records_that_are_cut_off_are_told(path: Path, embedder: WordEmbedder) -> None:
    file = current_version(path) / "passages.jsonl"
    file.write_text(file.read_text(encoding="utf-8").splitlines(keepends=True)[0], encoding="utf-8")
    with pytest.raises(StoreError, match=r"is damaged: records are missing\. Run ingest\.py again\.$"):
        Store.open(path, embedder)


# Versions


def test_an_empty_place_says_how_to_fill_it(tmp_path: Path, embedder: WordEmbedder) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "none", tmp_path, tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StoreError, match=r"^No knowledge in .* Run: python ingest\.py SOURCE --store"):
            Store.open(path, embedder)


@pytest.mark.parametrize(
    "damage", [b"", b"\n", b"000009", b"\xff\xfe", b"../../x", b"..", b"\x00", b"a" * 300]
)
def test_a_damaged_current_is_told_and_leads_nowhere(
    path: Path, embedder: WordEmbedder, damage: bytes
) -> None:
    outside = path.parent / "x"
    shutil.copytree(current_version(path), outside)
    (path / CURRENT).write_bytes(damage)
    with pytest.raises(StoreError, match=r"is damaged: version .* is missing\. Run ingest\.py again\.$"):
        Store.open(path, embedder)


@pytest.mark.parametrize("damage", ["", "{", "[]", "{}", '{"sources": 1}', "\udcff"])
def test_a_damaged_manifest_is_told(path: Path, embedder: WordEmbedder, damage: str) -> None:
    file = current_version(path) / "manifest.json"
    file.write_bytes(damage.encode("utf-8", errors="surrogateescape"))
    with pytest.raises(StoreError, match=r"is damaged \(manifest: .*\)\. Run ingest\.py again\.$"):
        Store.open(path, embedder)


def test_a_missing_manifest_is_told(path: Path, embedder: WordEmbedder) -> None:
    (current_version(path) / "manifest.json").unlink()
    with pytest.raises(StoreError, match="version '000001' is missing"):
        Store.open(path, embedder)


def test_a_store_of_another_release_is_told(path: Path, embedder: WordEmbedder) -> None:
    file = current_version(path) / "manifest.json"
    data = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps({**data, "schema": SCHEMA + 1}), encoding="utf-8")
    with pytest.raises(StoreError, match=f"has schema {SCHEMA + 1}, this version reads {SCHEMA}"):
        Store.open(path, embedder)


def test_a_store_of_another_encoder_is_never_asked(path: Path) -> None:
    with pytest.raises(StoreError, match="filled with the encoder words-1, but words-2 is set") as refusal:
        Store.open(path, WordEmbedder("words-2"))
    assert "\n" not in str(refusal.value)


def test_the_manifest_says_what_is_there(path: Path, embedder: WordEmbedder) -> None:
    store = Store.open(path, embedder)
    manifest = store.manifest
    assert (manifest.sources, manifest.pages, manifest.jobs, manifest.passages) == (("life.txt",), 1, 0, 3)
    assert manifest.as_of.tzinfo is not None and store.version == "000001"


def test_a_switch_that_was_cut_off_does_not_stand_in_the_way(path: Path) -> None:
    (path / "CURRENT.new").write_text("00")
    shutil.copytree(path / "versions" / "000001", path / "versions" / "000002")
    switch(path, "000002")
    assert current_version(path).name == "000002" and not (path / "CURRENT.new").exists()


# Vectors


@pytest.mark.parametrize("kept", ["path", "earlier"])
def test_nearest_passages_come_with_their_cosine(
    request: pytest.FixtureRequest, kept: str, embedder: WordEmbedder
) -> None:
    path = request.getfixturevalue(kept)
    store = Store.open(path, embedder)
    (first, a), (second, b), (third, c) = store.nearest_passages(embedder.embed(["learning parents"])[0], 3)
    # (1, 0, 1, 0) and (0, 1, 0, 1) over √2 each against (1, 0, 0, 1) over √2.
    assert {first, second} == {0, 1} and third == 2
    assert (a, b, c) == pytest.approx((0.5, 0.5, 0.0), abs=1e-5)


@pytest.mark.parametrize("kept", ["path", "earlier"])
def test_several_vectors_are_asked_at_once_and_each_has_its_own_nearest(
    request: pytest.FixtureRequest, kept: str, embedder: WordEmbedder
) -> None:
    path = request.getfixturevalue(kept)
    store = Store.open(path, embedder)
    both = embedder.embed(["salary", "learning"])
    apart = [found for vector in both for found in store.nearest_passages(vector, 2)]
    assert store.nearest_passages(both, 2) == apart
    assert len(store.nearest_sentences(both, 1)) == 2


@pytest.mark.parametrize("exactly", [True, False])
def test_a_filter_finds_the_same_whether_it_is_chromas_or_ours(tmp_path: Path, exactly: bool) -> None:
    store = closed_but_every(tmp_path, 7)
    if not exactly:
        shutil.rmtree(store.folder / "vectors")
    vector = np.eye(8, dtype=np.float32)[0]
    for where in ({"open": True}, {"open": False}, {"$and": [{"open": True}, {"language": "en"}]}):
        for limit in (1, 3, 99):  # few are filtered here, many by Chroma, and of 99 there are not as many
            own = store.nearest_passages(vector, limit, where)
            theirs = nearest(store.passage_collection, vector, limit, where)[0]
            assert [score for _, score in own] == pytest.approx([score for _, score in theirs], abs=1e-6)
            assert all(store.passages[row].open is (where != {"open": False}) for row, _ in own)
            said = [row for row, _, _ in store.nearest_sentences(vector, limit, where)]
            assert said and all(store.passages[row].open is (where != {"open": False}) for row in said)
    assert store.nearest_passages(vector, 3, {"language": "fr"}) == []


def closed_but_every(folder: Path, step: int) -> Store:
    """A store of sixty postings, of which only every so many-th is open, each with a sentence of its own."""
    paragraphs = [f"{'Salary, ' * number}learning." for number in range(60)]
    jobs = tuple(
        JobPosting(
            f"job-{number}", f"Job {number}", "jobs.json",
            status=Status.CLOSED if number % step else Status.OPEN,
            blocks=(Block(BlockKind.PARAGRAPH, said),),
        )
        for number, said in enumerate(paragraphs)
    )  # fmt: skip
    embedder = WordEmbedder()
    mirror([Reading(jobs=jobs)], ["jobs.json"], folder / "many", embedder)
    return Store.open(folder / "many", embedder)


def test_a_passage_whose_id_was_asked_for_is_the_same_record() -> None:
    passage = Passage("a.md", "A", "", (), "Salary is paid monthly.", 0)
    before = record_line(passage)
    assert passage.id and record_line(passage) == before


def test_nearest_sentences_know_their_passage_and_number(path: Path, embedder: WordEmbedder) -> None:
    store = Store.open(path, embedder)
    row, number, score = store.nearest_sentences(embedder.embed(["salary"])[0], 1)[0]
    assert (row, number) == (0, 1) and score == pytest.approx(1.0, abs=1e-5)


def test_asking_for_more_than_there_is_gives_all(path: Path, embedder: WordEmbedder) -> None:
    store = Store.open(path, embedder)
    assert len(store.nearest_passages(embedder.embed(["riga"])[0], 99)) == 3
    assert store.nearest_passages(embedder.embed(["riga"])[0], 99, {"open": False}) == []


def test_matrices_are_in_the_order_asked_for(path: Path, embedder: WordEmbedder) -> None:
    store = Store.open(path, embedder)
    texts = [passage.text for passage in store.passages]
    assert np.allclose(store.passage_matrix([2, 0]), embedder.embed([texts[2], texts[0]]), atol=1e-6)
    counts, matrix = store.sentence_matrix([1, 0])
    assert counts.tolist() == [1, 2]
    said = ["Parents leave early.", "Learning takes a day.", "Salary is paid."]
    assert np.allclose(matrix, embedder.embed(said), atol=1e-6)
    assert store.passage_matrix([]).shape == (0, 0) and store.sentence_matrix([])[0].tolist() == []


def test_vectors_asked_for_before_are_the_same_from_memory(path: Path, embedder: WordEmbedder) -> None:
    store = Store.open(path, embedder)
    first = store.passage_matrix([0, 1])
    assert store._kept == {"passages": {}, "sentences": {}}  # mapped, and not kept a second time
    assert (store.passage_matrix([1, 0, 1]) == first[[1, 0, 1]]).all()
    counts, matrix = store.sentence_matrix([0])
    assert all(
        (one == other).all() for one, other in zip(store.sentence_matrix([0]), (counts, matrix), strict=True)
    )


def test_memory_for_vectors_is_bounded(
    earlier: Path, embedder: WordEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("knowledge.store.KEPT_VECTORS", 1)
    store = Store.open(earlier, embedder)
    both = store.passage_matrix([0, 1])
    assert (store.passage_matrix([1]) == both[1:]).all() and (store.passage_matrix([0]) == both[:1]).all()
    assert len(store._kept["passages"]) <= 2


def test_opening_and_asking_embeds_nothing_and_changes_no_file(path: Path, embedder: WordEmbedder) -> None:
    before = {p: p.stat().st_size for p in path.rglob("*")}
    store = Store.open(path, embedder)
    store.nearest_passages(np.eye(8, dtype=np.float32)[0], 3)
    store.nearest_sentences(np.eye(8, dtype=np.float32)[0], 3)
    assert embedder.texts == [] and {p: p.stat().st_size for p in path.rglob("*")} == before


def test_the_keyword_index_is_the_one_that_the_ingest_left(path: Path, embedder: WordEmbedder) -> None:
    store = Store.open(path, embedder)
    assert store.keywords._starts.base.filename == store.folder / "keywords" / "starts.npy"
    expected = KeywordIndex(store.passages)
    assert all(
        np.array_equal(store.keywords.scores([stem]), expected.scores([stem])) for stem in expected.vocabulary
    )


def test_missing_vectors_are_told_and_not_made_anew(earlier: Path, embedder: WordEmbedder) -> None:
    store = Store.open(earlier, embedder)
    shutil.rmtree(store.folder / "chroma")
    with pytest.raises(StoreError, match=r"vectors in .* are missing\. Run ingest\.py again\.$"):
        store.nearest_passages(np.eye(8, dtype=np.float32)[0], 3)
    assert not (store.folder / "chroma").exists()


def test_a_missing_collection_is_told(earlier: Path, embedder: WordEmbedder) -> None:
    store = Store.open(earlier, embedder)
    store.sentence_vectors.delete_collection()
    vars(store).pop("sentence_collection", None)
    with pytest.raises(StoreError, match=r"vectors are damaged .* Run ingest\.py again\.$"):
        store.nearest_sentences(np.eye(8, dtype=np.float32)[0], 3)


def test_a_missing_vector_is_told(earlier: Path, embedder: WordEmbedder) -> None:
    store = Store.open(earlier, embedder)
    store.passage_vectors.delete(ids=[store.passages[1].id])
    assert store.passage_matrix([0, 2]).shape == (2, 8)
    with pytest.raises(StoreError, match=r"^1 vectors are missing from the store\. Run ingest\.py again\.$"):
        store.passage_matrix([0, 1])


@pytest.mark.parametrize("content", [b"garbage" * 1000, b"SQLite format 3\x00"])
def test_damaged_vectors_are_told(earlier: Path, embedder: WordEmbedder, content: bytes) -> None:
    (current_version(earlier) / "chroma" / "chroma.sqlite3").write_bytes(content)
    with pytest.raises(StoreError, match=r"Run ingest\.py again\.$") as refusal:
        Store.open(earlier, embedder).nearest_passages(np.eye(8, dtype=np.float32)[0], 3)
    assert "\n" not in str(refusal.value)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files by way of /proc")
def test_a_store_that_nobody_holds_is_closed(earlier: Path, embedder: WordEmbedder) -> None:
    def open_files() -> int:
        targets = []
        for link in Path("/proc/self/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed by a thread since it was listed
                targets.append(str(link.readlink()))
        return sum(str(earlier) in target for target in targets)

    one, other = Store.open(earlier, embedder), Store.open(earlier, embedder)
    for store in (one, other):
        store.nearest_passages(np.eye(8, dtype=np.float32)[0], 1)
    assert open_files() > 0
    del one, store
    gc.collect()
    assert len(other.nearest_passages(np.eye(8, dtype=np.float32)[0], 3)) == 3
    del other
    gc.collect()
    assert open_files() == 0


def test_sentences_are_embedded_with_what_stands_around_them() -> None:
    passage = Passage("s", "Title", "", ("Top", "Leave"), "One. Two.", 0)
    assert sentence_texts(passage) == ["Leave: One.", "Leave: Two."]
    said = Passage("s", "Title", "", (), "One.", 0, speaker="Ada")
    assert sentence_texts(said) == ["Title Ada: One."]
    assert sentence_texts(Passage("s", "", "", (), "One.", 0)) == ["One."]
