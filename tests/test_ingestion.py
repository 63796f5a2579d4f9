"""Making the store mirror its sources, step by step and cut off at every step."""

from __future__ import annotations

import gc
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import WordEmbedder, page_of, reading_of
from numpy.typing import NDArray

from knowledge.documents import Block, BlockKind, JobPosting, Page, Reading, Skipped, Status
from knowledge.errors import SourceError
from knowledge.history import ingests
from knowledge.ingestion import Report, locked, mirror
from knowledge.retrieval import Query, search
from knowledge.sentences import terms
from knowledge.store import CURRENT, Store, StoreError, current_version
from knowledge.vector_cache import digest
from knowledge.vector_writer import BATCH

OLD = page_of("life.txt", "Learning takes a day.", "Salary is paid. Parents leave early.")
NEW = page_of("life.txt", "Learning takes a day.", "Remote is fine.")
POSTING = JobPosting("7", "Cook", "jobs.json", blocks=(Block(BlockKind.PARAGRAPH, "Cook in Riga."),))

# Processes that can be killed. They start from a server that has loaded the libraries once.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["knowledge.ingestion", "chromadb"])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store"


def ingest(path: Path, *records: Page | JobPosting, embedder: WordEmbedder | None = None) -> Report:
    return mirror([reading_of(*records)], ["source"], path, embedder or WordEmbedder())


def found(path: Path, question: str, **options: Any) -> list[str]:
    """What a reader who comes now is told."""
    store = Store.open(path, WordEmbedder())
    vector = store.embedder.embed([question])[0]
    hits = search(store, Query(vector=vector, words=tuple(terms(question)), **options))
    return [hit.passage.text for hit in hits if hit.best > 0 or hit.keyword > 0]


def counts(report: Report) -> tuple[int, int, int, int]:
    return report.added, report.changed, report.removed, report.unchanged


def vectors(path: Path) -> tuple[int, int]:
    """How many passages and sentences the version in force has vectors of."""
    store = Store.open(path, WordEmbedder())
    return store.passage_collection.count(), store.sentence_collection.count()


def versions(path: Path) -> list[str]:
    return sorted(folder.name for folder in (path / "versions").iterdir())


# What goes in, stays, changes and goes


def test_the_first_ingest_embeds_every_passage_and_sentence(path: Path, embedder: WordEmbedder) -> None:
    report = ingest(path, OLD, POSTING, embedder=embedder)
    assert counts(report) == (2, 0, 0, 0)
    assert (report.pages, report.jobs, report.open_jobs, report.passages) == (1, 1, 1, 3)
    # Three passages, two of them of a single sentence without heading, two sentences of the other, and the
    # posting with its sentence and its title.
    assert report.embedded == 2 + 2 + 3 and vectors(path) == (3, 4)
    assert sorted(embedder.texts)[:3] == ["Cook", "Cook\nCook in Riga.", "Cook: Cook in Riga."]


def test_a_title_states_what_the_record_does_not(path: Path) -> None:
    labels = ("Full time", "Temp")
    printed = "Cook (Contract, Remote)"
    job = replace(POSTING, title=printed, workplace_type="On site", labels=labels, quotes={"title": printed})
    ingest(path, job)
    (stored,) = Store.open(path, WordEmbedder()).jobs
    assert (stored.employment_type, stored.workplace_type) == ("Contract", "On site")
    assert stored.quotes == {"title": printed, "employment_type": printed}
    assert stored.labels == labels


def test_the_second_ingest_embeds_nothing(path: Path) -> None:
    ingest(path, OLD, POSTING)
    again = WordEmbedder()
    report = ingest(path, OLD, POSTING, embedder=again)
    assert counts(report) == (0, 0, 0, 2) and report.embedded == 0 and again.texts == []
    assert found(path, "salary") == ["Salary is paid. Parents leave early."]


def test_a_changed_paragraph_embeds_only_what_changed(path: Path, embedder: WordEmbedder) -> None:
    ingest(path, OLD, POSTING)
    report = ingest(path, NEW, POSTING, embedder=embedder)
    assert counts(report) == (0, 1, 0, 1) and report.embedded == 1
    assert embedder.texts == ["Remote is fine."]
    assert found(path, "remote") == ["Remote is fine."] and found(path, "salary") == []
    assert vectors(path) == (3, 3)


def test_a_paragraph_above_embeds_nothing_below(path: Path, embedder: WordEmbedder) -> None:
    ingest(path, page_of("a.txt", "Salary is paid."))
    ingest(path, page_of("a.txt", "Hello.", "Salary is paid."), embedder=embedder)
    assert set(embedder.texts) == {"Hello."}
    assert [p.position for p in Store.open(path, embedder).passages] == [0, 1]


def test_what_vanished_goes(path: Path, embedder: WordEmbedder) -> None:
    ingest(path, OLD, POSTING, page_of("other.txt", "Riga is near."))
    report = ingest(path, OLD, embedder=embedder)
    assert counts(report) == (0, 0, 2, 1) and embedder.texts == []
    assert found(path, "riga") == [] and vectors(path) == (2, 3)


def test_everything_can_vanish_and_come_back(path: Path) -> None:
    ingest(path, OLD)
    report = mirror([Reading()], ["source"], path, WordEmbedder(), accept_empty=True)
    assert counts(report) == (0, 0, 1, 0) and vectors(path) == (0, 0)
    assert counts(ingest(path, OLD)) == (1, 0, 0, 0) and found(path, "learning") == ["Learning takes a day."]


def test_a_posting_that_closes_keeps_its_vectors_and_changes_its_tags(
    path: Path, embedder: WordEmbedder
) -> None:
    ingest(path, POSTING)
    report = ingest(path, replace(POSTING, status=Status.CLOSED), embedder=embedder)
    assert counts(report) == (0, 1, 0, 0) and (report.jobs, report.open_jobs) == (1, 0)
    assert embedder.texts == []
    assert found(path, "riga") == [] and found(path, "riga", closed=True) == ["Cook in Riga."]
    store = Store.open(path, embedder)
    for collection in (store.passage_collection, store.sentence_collection):
        (tags,) = collection.get()["metadatas"] or []
        assert tags == {"open": False, "language": "en", "job_id": "7"}
    ingest(path, POSTING)
    assert found(path, "riga") == ["Cook in Riga."]


def test_sentences_that_are_cut_elsewhere_are_embedded_anew(path: Path, embedder: WordEmbedder) -> None:
    ingest(path, OLD)
    # As an ingest of another release would have left it: the same number, other words.
    keys = current_version(path) / "sentences.keys"
    keys.write_text(keys.read_text().replace(digest("Salary is paid."), digest("Salary is")))
    assert ingest(path, OLD, embedder=embedder).embedded == 1 and embedder.texts == ["Salary is paid."]


def test_a_source_that_fails_or_is_suddenly_empty_keeps_its_content_unless_that_is_believed(
    path: Path,
) -> None:
    ingest(path, OLD)
    for failure in (SourceError("It answered 500."), Reading()):
        report = mirror([failure], ["source"], path, WordEmbedder())
        assert (report.pages, [kept.source for kept in report.kept]) == (1, ["source"])
        assert found(path, "learning") == ["Learning takes a day."]
    believed = mirror([Reading()], ["source"], path, WordEmbedder(), accept_empty=True)
    assert (believed.pages, believed.removed, believed.kept) == (0, 1, ())


def test_a_source_that_fails_at_its_first_ingest_is_a_mistake(path: Path) -> None:
    with pytest.raises(SourceError, match=r"answered 500"):
        mirror([SourceError("It answered 500.")], ["source"], path, WordEmbedder())
    assert not (path / CURRENT).exists()


def test_two_sources_may_have_the_same_names(path: Path) -> None:
    report = mirror(
        [reading_of(OLD, POSTING), reading_of(NEW, replace(POSTING, title="Baker"))],
        ["a", "b"],
        path,
        WordEmbedder(),
    )
    assert (report.sources, report.pages, report.jobs, report.added) == (2, 2, 2, 4)
    store = Store.open(path, WordEmbedder())
    assert {job.title for job in store.job.values()} == {"Cook", "Baker"}
    titles = {(store.job[p.job_id].title, p.title) for p in store.passages if p.job_id}
    assert titles == {("Cook", "Cook"), ("Baker", "Baker")}
    assert vectors(path) == (6, 7)


def test_the_report_names_what_was_skipped(path: Path) -> None:
    reading = replace(reading_of(OLD), skipped=(Skipped("bad.md", "it is empty"),))
    report = mirror([reading], ["folder"], path, WordEmbedder())
    shown = report.as_json()
    assert shown["skipped"] == [{"source": "bad.md", "why": "it is empty"}]
    assert list(shown) == (
        "sources pages jobs open_jobs passages added changed removed unchanged embedded skipped kept "
        "seconds".split()
    )


def test_equal_texts_are_embedded_once(path: Path, embedder: WordEmbedder) -> None:
    pages = [page_of(f"{n}.txt", "Salary is paid.") for n in range(BATCH + 20)]
    report = ingest(path, *pages, embedder=embedder)
    assert report.embedded == 1 and embedder.texts == ["Salary is paid."]
    assert vectors(path) == (BATCH + 20, BATCH + 20)


def test_progress_tells_of_each_step(path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    mirror([reading_of(OLD)], ["x"], path, WordEmbedder(), lambda *step: told.append(step))
    assert told == [
        ("Embedding texts", 0, 4),
        ("Embedding texts", 4, 4),
        ("Writing passages", 0, 2),
        ("Writing passages", 2, 2),
        ("Writing sentences", 0, 3),
        ("Writing sentences", 3, 3),
    ]


# Another encoder, damage


def test_another_encoder_embeds_all_and_leaves_the_old_version_to_its_readers(path: Path) -> None:
    ingest(path, OLD)
    reader = Store.open(path, WordEmbedder())
    other = WordEmbedder("words-2")
    report = ingest(path, OLD, embedder=other)
    assert counts(report) == (0, 0, 0, 1) and report.embedded == 4
    assert Store.open(path, other).manifest.encoder == "words-2"
    assert len(reader.nearest_passages(other.embed(["salary"])[0], 9)) == 2
    with pytest.raises(StoreError, match="filled with the encoder words-2"):
        Store.open(path, WordEmbedder())


def damage_current(path: Path) -> None:
    (path / CURRENT).write_bytes(b"\xff nonsense")


def damage_manifest(path: Path) -> None:
    (current_version(path) / "manifest.json").write_text("{")


def remove_manifest(path: Path) -> None:
    (current_version(path) / "manifest.json").unlink()


def leave_vectors_to_chroma(path: Path) -> None:
    """As where a store is large, or of an earlier release."""
    shutil.rmtree(current_version(path) / "vectors")


def damage_vectors(path: Path) -> None:
    leave_vectors_to_chroma(path)
    (current_version(path) / "chroma" / "chroma.sqlite3").write_bytes(b"garbage" * 1000)


def empty_vectors(path: Path) -> None:
    leave_vectors_to_chroma(path)
    (current_version(path) / "chroma" / "chroma.sqlite3").write_bytes(b"")


def remove_vectors(path: Path) -> None:
    leave_vectors_to_chroma(path)
    shutil.rmtree(current_version(path) / "chroma")


def damage_matrices(path: Path) -> None:
    (current_version(path) / "vectors" / "passages.npy").write_bytes(b"garbage" * 1000)


def cut_matrices(path: Path) -> None:
    np.save(current_version(path) / "vectors" / "sentences.npy", np.zeros((1, 8), dtype=np.float32))


def empty_starts(path: Path) -> None:
    (current_version(path) / "vectors" / "starts.npy").write_bytes(b"")


def damage_records(path: Path) -> None:
    (current_version(path) / "passages.jsonl").write_text("{")
    (current_version(path) / "pages.jsonl").write_text("{")


def remove_version(path: Path) -> None:
    shutil.rmtree(current_version(path))


@pytest.mark.parametrize(
    "damage",
    [
        damage_current,
        damage_manifest,
        remove_manifest,
        damage_vectors,
        empty_vectors,
        remove_vectors,
        damage_matrices,
        cut_matrices,
        empty_starts,
        damage_records,
        remove_version,
    ],
    ids=lambda damage: damage.__name__,
)
def test_a_damaged_store_is_whole_after_the_next_ingest(path: Path, damage: Callable[[Path], None]) -> None:
    ingest(path, OLD)
    damage(path)
    with pytest.raises(StoreError, match=r"Run ingest\.py again\.$"):
        found(path, "salary")
    ingest(path, OLD)
    assert found(path, "salary") == ["Salary is paid. Parents leave early."] and vectors(path) == (2, 3)
    assert current_version(path).name != "000001"


def test_few_vectors_are_found_though_chromas_files_are_damaged_and_the_next_ingest_mends_them(
    path: Path, embedder: WordEmbedder
) -> None:
    ingest(path, OLD)
    (current_version(path) / "chroma" / "chroma.sqlite3").write_bytes(b"garbage" * 1000)
    assert found(path, "salary") == ["Salary is paid. Parents leave early."]
    ingest(path, OLD, embedder=embedder)
    assert vectors(path) == (2, 3) and found(path, "salary") == ["Salary is paid. Parents leave early."]


def test_an_ingest_over_a_version_that_has_vectors_in_chroma_alone_embeds_nothing(
    path: Path, embedder: WordEmbedder
) -> None:
    ingest(path, OLD)
    before = current_version(path) / "vectors" / "sentences.npy"
    expected = np.load(before).copy()
    leave_vectors_to_chroma(path)
    assert ingest(path, OLD, embedder=embedder).embedded == 0
    assert np.allclose(np.load(current_version(path) / "vectors" / "sentences.npy"), expected, atol=1e-6)


def test_a_damaged_index_of_many_vectors_is_made_anew(path: Path, embedder: WordEmbedder) -> None:
    # From a thousand on, Chroma keeps vectors in files of its own, and reads them only when it is asked.
    paragraphs = [f"Learning number {n}." for n in range(1100)]
    ingest(path, page_of("a.txt", *paragraphs))
    leave_vectors_to_chroma(path)
    for file in (current_version(path) / "chroma").glob("*/*.bin"):
        file.write_bytes(b"damaged")
    with pytest.raises(StoreError, match=r"damaged .* Run ingest\.py again\.$"):
        found(path, "learning")
    assert ingest(path, page_of("a.txt", *paragraphs), embedder=embedder).embedded == 1100
    assert len(found(path, "learning")) > 0


def test_a_version_that_a_reader_of_a_damaged_store_has_open_stays_until_the_switch(path: Path) -> None:
    ingest(path, OLD)
    reader = Store.open(path, WordEmbedder())
    damage_current(path)
    with pytest.raises(RuntimeError, match="no power"):
        mirror([reading_of(NEW)], ["x"], path, Failing())
    assert reader.nearest_passages(WordEmbedder().embed(["salary"])[0], 1)[0][1] > 0.5


class Failing(WordEmbedder):
    """Breaks down in the middle of its work."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        raise RuntimeError("no power")


def test_an_ingest_that_fails_leaves_the_old_version_in_force(path: Path) -> None:
    ingest(path, OLD)
    with pytest.raises(RuntimeError, match="no power"):
        mirror([reading_of(NEW)], ["x"], path, Failing())
    assert found(path, "salary") and not found(path, "remote") and not (path / "ingest.pid").exists()
    ingest(path, NEW)
    assert found(path, "remote") and versions(path) == ["000001", "000003"]


# A place that cannot be written


def under_a_file(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("x")
    return tmp_path / "file" / "store"


def a_file(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("x")
    return tmp_path / "file"


def in_proc(tmp_path: Path) -> Path:
    return Path("/proc/candor")


@pytest.mark.parametrize("place", [under_a_file, a_file, in_proc], ids=lambda place: place.__name__)
def test_a_place_that_cannot_be_written_is_told(
    tmp_path: Path, place: Callable[[Path], Path], embedder: WordEmbedder
) -> None:
    path = place(tmp_path)
    with pytest.raises(StoreError, match=r"cannot be written \(.*\)\. Choose another --store\.$") as refusal:
        ingest(path, OLD, embedder=embedder)
    assert str(path) in str(refusal.value) and embedder.texts == []


def ingest_on_a_full_disk(path: Path, answer: Connection) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
    try:
        ingest(path, NEW)
    except StoreError as error:
        answer.send(str(error))


def test_a_full_disk_is_told_and_the_old_version_stays(path: Path) -> None:
    ingest(path, OLD)
    ours, theirs = PROCESSES.Pipe()
    process = PROCESSES.Process(target=ingest_on_a_full_disk, args=(path, theirs))
    process.start()
    assert ours.poll(60)
    message = ours.recv()
    process.join()
    assert "cannot be" in message and "\n" not in message
    assert found(path, "salary") and not found(path, "remote")
    ingest(path, NEW)
    assert found(path, "remote")


# Several at once


def hold(path: Path, answer: Connection) -> None:
    with locked(path):
        answer.send(os.getpid())
        answer.recv()


def test_a_store_that_another_ingest_is_writing_to_is_left_alone(path: Path) -> None:
    ingest(path, OLD)
    ours, theirs = PROCESSES.Pipe()
    process = PROCESSES.Process(target=hold, args=(path, theirs))
    process.start()
    assert ours.poll(60)
    other = ours.recv()
    with pytest.raises(
        StoreError,
        match=rf"^Another ingest \(process {other}, since 20.*, less than a minute ago\) is writing to .* Wait for it",
    ):
        ingest(path, NEW)
    assert found(path, "salary")
    ours.send("go on")
    process.join()
    ingest(path, NEW)
    assert found(path, "remote")


def test_a_reader_goes_on_with_its_version_while_the_next_is_made(path: Path) -> None:
    ingest(path, OLD)
    reader, late = Store.open(path, WordEmbedder()), Store.open(path, WordEmbedder())
    question = WordEmbedder().embed(["salary"])[0]
    reader.nearest_passages(question, 1)
    ingest(path, NEW)
    for store in (reader, late):
        ((row, score),) = store.nearest_passages(question, 1)
        assert store.passages[row].text.startswith("Salary") and score > 0.5
    assert Store.open(path, WordEmbedder()).version == "000002" and versions(path) == ["000001", "000002"]


def test_a_version_stays_for_as_long_as_a_reader_holds_it(path: Path) -> None:
    ingest(path, OLD)
    late = Store.open(path, WordEmbedder())
    ingest(path, NEW)
    ingest(path, OLD)
    ingest(path, NEW)
    # It has not asked for a vector before, so that its files are opened only now.
    ((row, _),) = late.nearest_passages(WordEmbedder().embed(["salary"])[0], 1)
    assert late.passages[row].text.startswith("Salary") and versions(path) == ["000001", "000003", "000004"]
    del late
    gc.collect()
    ingest(path, NEW)
    assert versions(path) == ["000004", "000005"]


def test_readers_see_the_old_or_the_new_and_never_a_mix(path: Path) -> None:
    ingest(path, OLD)
    seen, done, troubles = set(), threading.Event(), []

    def read() -> None:
        while not done.is_set():
            try:
                seen.add(tuple(sorted(found(path, "learning salary remote"))))
            except Exception as error:
                troubles.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    ingest(path, NEW)
    done.set()
    for reader in readers:
        reader.join()
    assert troubles == []
    old = tuple(sorted(("Learning takes a day.", "Salary is paid. Parents leave early.")))
    assert old in seen and seen <= {old, ("Learning takes a day.", "Remote is fine.")}


# Killed


def die_when(event: str, part: str) -> None:
    """Kill this process when the interpreter is about to do `event` with a file named `part`."""

    def audit(happening: str, arguments: tuple[Any, ...]) -> None:
        if happening != event or (event == "open" and "w" not in str(arguments[1])):
            return
        name = os.fspath(arguments[0]) if isinstance(arguments[0], os.PathLike) else str(arguments[0])
        if str(name).endswith(part):
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(audit)


class Mortal(WordEmbedder):
    """Kills its process when it has embedded a certain text."""

    def __init__(self, last: str) -> None:
        super().__init__()
        self.last = last

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        embedded = super().embed(texts)
        if self.last in texts:
            os.kill(os.getpid(), signal.SIGKILL)
        return embedded


NEWER = page_of("life.txt", "Learning takes a day.", "Remote is fine. Riga too.")
MOMENTS = {
    "as the draft is made": ("os.mkdir", "000002"),
    "as the vectors are copied": ("shutil.copyfile", "chroma.sqlite3"),
    "as passages are embedded": ("embed", "Remote is fine. Riga too."),
    "as sentences are embedded": ("embed", "Riga too."),
    "as records are written": ("open", "jobs.jsonl"),
    "as its history is written": ("open", "history/000002.jsonl"),
    "as the manifest is written": ("open", "manifest.json"),
    "as the switch is prepared": ("open", "CURRENT.new"),
    "as the switch is made": ("os.rename", "CURRENT.new"),
    "after the switch": ("os.remove", "ingest.pid"),
}


def ingest_and_die(path: Path, event: str, part: str) -> None:
    if event != "embed":
        die_when(event, part)
    ingest(path, NEWER, embedder=Mortal(part))


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_ingest_leaves_a_whole_version_in_force_and_the_next_cleans_up(
    path: Path, moment: str
) -> None:
    ingest(path, OLD)
    process = PROCESSES.Process(target=ingest_and_die, args=(path, *MOMENTS[moment]))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    switched = moment == "after the switch"
    assert bool(found(path, "salary")) != switched and bool(found(path, "remote")) == switched
    report = ingest(path, NEW)
    assert counts(report) == (0, 1, 0, 0)
    assert found(path, "remote") == ["Remote is fine."] and vectors(path) == (2, 2)
    in_force = current_version(path).name
    assert versions(path) == ["000002" if switched else "000001", in_force]
    assert {entry.name for entry in path.iterdir()} <= {CURRENT, "versions", "history", "ingest.lock"}
    assert [entry.version for entry in ingests(path)] == [
        in_force,
        *(["000002"] if switched else []),
        "000001",
    ]


def test_readings_without_anything_make_an_empty_store(path: Path) -> None:
    report = mirror([Reading()], [], path, WordEmbedder())
    assert (report.pages, report.passages, report.embedded) == (0, 0, 0)
    assert found(path, "learning") == []


def edition(number: int) -> list[Page]:
    """Two pages that both tell their number, so that a mix of two editions shows."""
    return [
        page_of(name, f"{word} takes {number} days.") for name, word in (("a", "Learning"), ("b", "Salary"))
    ]


def told(store: Store) -> list[str]:
    """What a search in an open store finds of an edition, in the order of its pages."""
    vector = store.embedder.embed(["learning salary"])[0]
    hits = search(store, Query(vector=vector, words=tuple(terms("learning salary"))))
    return sorted(hit.passage.text for hit in hits)


def texts_of(number: int) -> list[str]:
    return [f"Learning takes {number} days.", f"Salary takes {number} days."]


def ingest_edition(path: Path, number: int, ready: Connection) -> None:
    ready.send("begun")
    ingest(path, *edition(number))


def test_an_ingest_killed_at_twenty_random_moments_leaves_the_old_or_the_new(path: Path) -> None:
    ingest(path, *edition(0))
    in_force, chance = 0, random.Random(5)
    for number in range(1, 21):
        ours, theirs = PROCESSES.Pipe()
        process = PROCESSES.Process(target=ingest_edition, args=(path, number, theirs))
        process.start()
        assert ours.poll(60)
        time.sleep(chance.uniform(0, 0.4))
        process.kill()
        process.join(60)
        found_now = told(Store.open(path, WordEmbedder()))
        assert found_now in (texts_of(in_force), texts_of(number))
        in_force = number if found_now == texts_of(number) else in_force
    ingest(path, *edition(99))
    assert told(Store.open(path, WordEmbedder())) == texts_of(99) and len(versions(path)) <= 2


def read_on(path: Path, answer: Connection) -> None:
    """Ask again and again, opening each new version; tell the editions seen, or what went wrong."""
    seen: set[int] = set()
    store = Store.open(path, WordEmbedder())
    answer.send("begun")
    try:
        while not answer.poll():
            if current_version(path) != store.folder:
                store = Store.open(path, WordEmbedder())
            texts = told(store)
            numbers = {int(text.split()[2]) for text in texts}
            assert len(texts) == 2 and len(numbers) == 1, texts
            seen |= numbers
        answer.send(seen)
    except Exception as error:
        answer.send(repr(error))


def test_fifty_ingests_disturb_no_reader_in_another_process(path: Path) -> None:
    ingest(path, *edition(0))
    ours, theirs = PROCESSES.Pipe()
    process = PROCESSES.Process(target=read_on, args=(path, theirs))
    process.start()
    assert ours.poll(60) and ours.recv() == "begun"
    for number in range(1, 51):
        ingest(path, *edition(number))
    ours.send("enough")
    assert ours.poll(60)
    seen = ours.recv()
    process.join(60)
    assert isinstance(seen, set) and len(seen) > 5, seen
