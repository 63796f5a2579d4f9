"""The doctor: what is there, what is not, and what to do."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from conftest import WordEmbedder, page_of, reading_of
from sqlalchemy import create_engine, text
from ui_fakes import settings

from knowledge.embedding import ADAPTER, adapter_checksum, encoder_name
from knowledge.ingestion import mirror
from knowledge.settings import Settings
from ui.database import Database, upgrade
from ui.doctor import Finding, doctor, examine


def found(chosen: Settings, what: str) -> list[Finding]:
    return [finding for finding in examine(chosen) if finding.what == what]


def at(folder: Path, **given: object) -> Settings:
    return settings(store=folder, port=0, **given)


def filled(folder: Path, encoder: str = "") -> Path:
    name = encoder or encoder_name("", adapter_checksum(ADAPTER))
    mirror([reading_of(page_of("a", "Learning takes time."))], ["a"], folder, WordEmbedder(name))
    return folder


def test_where_all_is_there_nothing_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    filled(tmp_path / "store")
    Database.of(at(tmp_path / "store")).close()
    monkeypatch.chdir(tmp_path)
    for name, value in {"COMPANY": "Mill", "CONTACT": "jobs@mill.example", "PORT": "0"}.items():
        monkeypatch.setenv(f"CANDOR_{name}", value)
    assert doctor(["--store", "store", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] and {finding["state"] for finding in told["findings"]} == {"ok"}
    assert {finding["what"] for finding in told["findings"]} == {
        "settings", "encoder", "knowledge", "database", "limits", "language model", "disk", "port",
    }  # fmt: skip
    assert doctor(["--store", "store"]) == 0 and "version 000001, 1 passages" in capsys.readouterr().out


def test_what_is_missing_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert doctor(["--store", "nowhere"]) == 2
    told = capsys.readouterr().out
    assert "python ingest.py SOURCE" in told and "Set CANDOR_CONTACT" in told
    monkeypatch.setenv("CANDOR_PORT", "none")
    assert doctor([]) == 2 and "CANDOR_PORT" in capsys.readouterr().out


def test_a_store_of_another_encoder_or_with_damage_fails(tmp_path: Path) -> None:
    assert (
        "was filled with the encoder other-1"
        in found(at(filled(tmp_path / "a", "other-1")), "knowledge")[0].told
    )
    folder = filled(tmp_path / "b") / "versions" / "000001"
    (folder / "passages.jsonl").write_text("")
    damaged = found(at(tmp_path / "b"), "knowledge")[0]
    assert damaged.state == "fail" and "damaged" in damaged.told
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "schema": 0}))
    assert "Run ingest.py again" in found(at(tmp_path / "b"), "knowledge")[0].told


def test_old_pages_are_a_warning(tmp_path: Path) -> None:
    folder = filled(tmp_path) / "versions" / "000001"
    manifest = json.loads((folder / "manifest.json").read_text())
    long_ago = {"created": "2020-01-01T00:00:00+00:00", "read": "2020-01-01T00:00:00+00:00"}
    (folder / "manifest.json").write_text(json.dumps({**manifest, **long_ago}))
    assert [finding.state for finding in found(at(tmp_path), "knowledge")] == ["warn"]


def test_the_database_is_told_as_older_newer_or_away(tmp_path: Path) -> None:
    where = f"sqlite:///{tmp_path / 'kept.sqlite'}"
    engine = create_engine(where)
    with engine.begin() as connection:
        upgrade(connection, "0001")
    older = found(at(tmp_path, database=where), "database")[0]
    assert older.state == "warn" and "backup" in older.to_do
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    newer = found(at(tmp_path, database=where), "database")[0]
    assert newer.state == "fail" and "Install the newer" in newer.to_do
    away = found(at(tmp_path, database="postgresql+psycopg://me:secret-1@127.0.0.1:9/none"), "database")[0]
    assert away.state == "fail" and "secret-1" not in str(away)
    assert found(at(tmp_path, database="nonsense"), "database")[0].state == "fail"


def test_a_language_model_is_asked_once(tmp_path: Path) -> None:
    pytest.importorskip("langchain_openai", reason="The extra 'llm' is not installed")
    away = found(at(tmp_path, llm="openai:x", llm_base_url="http://127.0.0.1:9/v1"), "language model")[0]
    assert away.state == "fail" and "could not be reached" in away.told
    assert found(at(tmp_path, llm="nonsense"), "language model")[0].state == "fail"


def test_limits_that_cannot_be_counted_fail(tmp_path: Path) -> None:
    assert found(at(tmp_path, limits_storage="redis://127.0.0.1:9"), "limits")[0].state == "fail"


def test_a_port_that_something_else_has_fails(tmp_path: Path) -> None:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        chosen = settings(store=tmp_path, port=door.getsockname()[1])
        assert found(chosen, "port")[0].state == "fail"


def test_what_is_open_to_the_world_without_a_proxy_or_https_is_a_warning(tmp_path: Path) -> None:
    chosen = at(tmp_path, host="0.0.0.0", embed_on=("http://careers.example.com",))
    assert [f.state for f in (*found(chosen, "proxies"), *found(chosen, "https"))] == ["warn", "warn"]
    behind = at(tmp_path, host="0.0.0.0", trusted_proxies="10.0.0.1")
    assert found(behind, "proxies") == found(behind, "https") == []
    assert [finding.state for finding in found(behind, "address")] == ["warn"]
    named = behind.model_copy(update={"public_url": "https://chat.example"})
    assert found(named, "address") == found(named, "https") == []


def test_a_chroma_server_that_is_away_fails(tmp_path: Path) -> None:
    away = found(at(tmp_path, chroma_url="http://127.0.0.1:9"), "knowledge")
    assert [finding.state for finding in away] == ["fail"]
