"""Knowledge in a Chroma server, against a real one: published by one store, read by others that share no disk."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from chroma_process import ChromaProcess, chroma_process
from conftest import WordEmbedder, page_of, reading_of

from knowledge import chroma_server
from knowledge.chroma_server import LEASE, ChromaServer, publishing
from knowledge.documents import Page
from knowledge.follower import Follower
from knowledge.history import changes, ingests
from knowledge.ingestion import Report, locked, mirror
from knowledge.settings import Settings, load_settings
from knowledge.store import AwayError, Store, StoreError, current_version

LIFE = page_of("life.txt", "Learning takes a day. Salary is paid.", "Parents leave early.", "Riga is near.")
LATER = page_of("life.txt", "Learning takes a day. Salary is paid.", "Parents leave late.", "Riga is near.")


@pytest.fixture(scope="module")
def process() -> Iterator[ChromaProcess]:
    with chroma_process() as started:
        yield started


@pytest.fixture
def settings(process: ChromaProcess, tmp_path: Path) -> Settings:
    """Settings for the server, which holds nothing."""
    settings = load_settings(env_file=None, store=tmp_path / "replica", chroma_url=process.url)
    server = ChromaServer(process.url)
    for collection in server.client().list_collections():
        server.client().delete_collection(collection.name)
    return settings


@pytest.fixture
def server(settings: Settings) -> ChromaServer:
    return ChromaServer(settings.chroma_url)


def ingest(settings: Settings, store: Path, embedder: WordEmbedder, *pages: Page) -> Report:
    """What ingest.py does with the pages, from a machine whose disk is `store`."""
    with locked(store) as lock, publishing(settings, store) as publication:
        assert publication is not None
        publication.take_vectors(embedder)
        names = [page.source for page in pages]
        readings = [reading_of(page) for page in pages]
        return mirror(readings, names, store, embedder, lock=lock, publisher=publication)


def test_a_replica_finds_what_was_ingested_elsewhere(
    settings: Settings, server: ChromaServer, tmp_path: Path, embedder: WordEmbedder
) -> None:
    ingest(settings, tmp_path / "elsewhere", embedder, LIFE)
    here, there = tmp_path / "replica", tmp_path / "elsewhere"
    assert server.pull(here) and not server.pull(here)
    shutil.rmtree(there / "versions")
    store = Store.open(here, embedder, server)
    assert not (store.folder / "chroma").exists() and (store.folder / "keywords" / "card.json").is_file()
    assert store.pages == [LIFE] and store.manifest.sources == ("life.txt",)
    vector = embedder.embed(["parents"])[0]
    row, cosine = store.nearest_passages(vector, 1)[0]
    assert "Parents" in store.passages[row].text and cosine == pytest.approx(float(vector @ vector), abs=0.6)
    counts, vectors = store.sentence_matrix([row])
    expected = embedder.embed(["Parents leave early."])
    assert counts.tolist() == [1] and np.allclose(vectors, expected, atol=1e-6)
    (best,) = store.sentence_vectors.similarity_search("parents", k=1)
    assert best.page_content == "Parents leave early."
    assert [entry.version for entry in ingests(here)] == [store.version]
    assert [change.what for change in changes(here, store.version)] == ["added"]


def test_vectors_of_the_server_are_those_of_the_folder(
    settings: Settings, server: ChromaServer, tmp_path: Path, embedder: WordEmbedder
) -> None:
    ingest(settings, tmp_path / "elsewhere", embedder, LIFE)
    server.pull(tmp_path / "replica")
    local, remote = (
        Store.open(tmp_path / "elsewhere", embedder),
        Store.open(tmp_path / "replica", embedder, server),
    )
    for word in WordEmbedder.VOCABULARY:
        vector = embedder.embed([word])[0]
        for where in (None, {"open": True}):
            mine, its = local.nearest_sentences(vector, 5, where), remote.nearest_sentences(vector, 5, where)
            assert {(row, n, round(score, 5)) for row, n, score in mine} == {
                (row, n, round(score, 5)) for row, n, score in its
            }


def test_a_replica_goes_on_with_the_old_version_until_the_new_one_is_whole(
    settings: Settings, server: ChromaServer, tmp_path: Path, embedder: WordEmbedder
) -> None:
    follower = Follower(server, tmp_path / "replica")
    ingest(settings, tmp_path / "elsewhere", embedder, LIFE)
    assert follower.look()
    old = Store.open(tmp_path / "replica", embedder, server)
    ingest(settings, tmp_path / "elsewhere", embedder, LATER)
    published = server.in_force()
    assert published is not None and published.version > old.version
    records = server.client().get_collection(f"candor-{published.version}-records")
    kept = records.get(ids=["00000000"], include=["documents"])
    records.update(ids=["00000000"], embeddings=[[0.0]], documents=["AAAA"])
    assert not follower.look() and "damaged" in follower.trouble
    assert current_version(tmp_path / "replica") == old.folder
    records.update(ids=["00000000"], embeddings=[[0.0]], documents=kept["documents"])
    assert follower.look() and follower.trouble == ""
    new = Store.open(tmp_path / "replica", embedder, server)
    assert new.pages == [LATER]
    # Turns in work end on the version that they began with.
    assert old.nearest_passages(embedder.embed(["parents"])[0], 1)
    assert [entry.version for entry in ingests(tmp_path / "replica")] == [new.version, old.version]


def test_an_ingest_on_a_machine_without_a_disk_embeds_only_what_is_new(
    settings: Settings, tmp_path: Path, embedder: WordEmbedder
) -> None:
    assert ingest(settings, tmp_path / "one", embedder, LIFE).embedded > 1
    report = ingest(settings, tmp_path / "two", embedder, LATER)
    assert (report.changed, report.added, report.embedded) == (1, 0, 1)
    assert ingest(settings, tmp_path / "three", embedder, LATER).embedded == 0


def test_two_ingests_at_once_are_one_too_many(
    settings: Settings, server: ChromaServer, tmp_path: Path, embedder: WordEmbedder
) -> None:
    with server.alone(), pytest.raises(StoreError, match=r"Another ingest \(process \d+ on .*\) is writing"):
        ingest(settings, tmp_path / "two", embedder, LIFE)
    assert ingest(settings, tmp_path / "two", embedder, LIFE).added == 1


def test_a_lease_of_a_killed_ingest_runs_out_and_is_taken_over(
    settings: Settings, server: ChromaServer, tmp_path: Path, embedder: WordEmbedder
) -> None:
    dead = server._lease()
    server.client().get_collection(LEASE).modify(metadata={"who": "a ghost", "until": time.time() - 1})
    with server.alone():
        with pytest.raises(StoreError, match="has taken over"):
            dead.renew()
        dead.release()  # takes nothing from the one that has it now
        with pytest.raises(StoreError, match="is writing"):
            server._lease()


def test_versions_are_removed_an_hour_after_they_were_superseded(
    settings: Settings, server: ChromaServer, tmp_path: Path, embedder: WordEmbedder
) -> None:
    versions = []
    for page in (LIFE, LATER, LIFE):
        ingest(settings, tmp_path / "one", embedder, page)
        versions.append(current_version(tmp_path / "one").name)
    names = {c.name for c in server.client().list_collections()}
    assert {f"candor-{name}-passages" for name in versions} <= names
    for name in versions[:2]:
        old = server.client().get_collection(f"candor-{name}-records")
        old.modify(metadata={"superseded": time.time() - chroma_server.GRACE - 1})
    # What a killed ingest left behind goes as well.
    server.client().create_collection("candor-99999999-sentences", embedding_function=None)
    ingest(settings, tmp_path / "one", embedder, LATER)
    left = {c.name.split("-")[1] for c in server.client().list_collections() if c.name.count("-") == 2}
    assert left == {versions[2], current_version(tmp_path / "one").name}


def test_a_server_that_lost_its_data_does_not_repeat_a_number(
    settings: Settings, server: ChromaServer, tmp_path: Path, embedder: WordEmbedder
) -> None:
    ingest(settings, tmp_path / "one", embedder, LIFE)
    server.pull(tmp_path / "replica")
    before = current_version(tmp_path / "replica").name
    for collection in server.client().list_collections():
        server.client().delete_collection(collection.name)
    assert not server.pull(tmp_path / "replica")  # nothing is better than what is there
    ingest(settings, tmp_path / "one", embedder, LATER)
    assert server.pull(tmp_path / "replica") and current_version(tmp_path / "replica").name > before


def test_an_ingest_that_cannot_publish_changes_nothing(
    settings: Settings, server: ChromaServer, tmp_path: Path, embedder: WordEmbedder
) -> None:
    ingest(settings, tmp_path / "one", embedder, LIFE)
    before, published = current_version(tmp_path / "one"), server.in_force()
    with (
        pytest.raises(StoreError, match="has taken over"),
        locked(tmp_path / "one") as lock,
        publishing(settings, tmp_path / "one") as publication,
    ):
        server._drop(LEASE)  # as where this ingest hung for longer than its lease
        with server.alone():
            mirror(
                [reading_of(LATER)],
                ["life.txt"],
                tmp_path / "one",
                embedder,
                lock=lock,
                publisher=publication,
            )
    assert current_version(tmp_path / "one") == before and server.in_force() == published
    embedder.texts.clear()
    assert ingest(settings, tmp_path / "one", embedder, LATER).changed == 1
    assert embedder.texts == []  # what had been embedded was kept


def test_a_server_that_is_away_is_told_once_and_used_again_without_a_restart(
    tmp_path: Path, embedder: WordEmbedder, caplog: pytest.LogCaptureFixture
) -> None:
    with chroma_process() as process:
        settings = load_settings(env_file=None, store=tmp_path / "replica", chroma_url=process.url)
        ingest(settings, tmp_path / "one", embedder, LIFE)
        follower = Follower(ChromaServer(process.url), tmp_path / "replica")
        assert follower.look()
        store = Store.open(tmp_path / "replica", embedder, follower.server)
        vector = embedder.embed(["parents"])[0]
        before = store.nearest_passages(vector, 3)
        process.kill()
        assert not follower.look() and not follower.look()
        assert sum("cannot be" in record.message for record in caplog.records) == 1
        with pytest.raises(AwayError):
            store.nearest_passages(vector, 3)
        assert store.pages == [LIFE]
        process.start()
        assert store.nearest_passages(vector, 3) == before
        assert not follower.look() and follower.trouble == ""


def test_a_replica_that_starts_without_the_server_waits_for_it(tmp_path: Path) -> None:
    follower = Follower(ChromaServer("http://127.0.0.1:9"), tmp_path)
    assert not follower.look() and "http://127.0.0.1:9" in follower.trouble


@pytest.mark.parametrize("url", ["chroma:8000", "http://user:secret@chroma:8000", "http://chroma/path"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="CANDOR_CHROMA_TOKEN"):
        load_settings(env_file=None, chroma_url=url)
