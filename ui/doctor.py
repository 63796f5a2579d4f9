"""`python -m ui doctor`: whether everything that the chat needs is there, and what to do where it is not."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knowledge.settings import Settings, explained, load_settings

if TYPE_CHECKING:
    from numpy.typing import NDArray

OLD = 14
"""Days after which pages that were read may tell of openings that are long closed."""

LITTLE = 1_000_000_000
"""Bytes of free disk below which the next ingest may not fit; a tenth of it is too little for anything."""

PATIENCE = 10.0
"""Seconds that one check may wait for a server."""

EPILOG = """examples:
  python -m ui doctor                  each line is ok, warn or fail, and says what to do
  python -m ui doctor --json           the same for a program

It may run beside a server. It ends with 0 where nothing fails, and with 2 where something does."""


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it is ("ok", "warn" or "fail"), and what to do, "" where there is nothing."""

    what: str
    state: str
    told: str
    to_do: str = ""


def doctor(arguments: Sequence[str]) -> int:
    """Check everything; 2 where something fails."""
    parser = argparse.ArgumentParser(
        prog="python -m ui doctor",
        description="Check settings, store, encoder, database, language model and the machine.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--store", type=Path, metavar="DIR", help="knowledge store (.candor)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args(arguments)
    try:
        findings = list(examine(load_settings(store=given.store)))
    except ValueError as error:
        findings = [Finding("settings", "fail", explained(error), "Mend it in the environment or in .env.")]
    good = all(finding.state != "fail" for finding in findings)
    if given.json:
        print(
            json.dumps({"ok": good, "findings": [asdict(f) for f in findings]}, ensure_ascii=False, indent=1)
        )
    else:
        for finding in findings:
            print(f"{finding.state:4}  {finding.what:14}  {finding.told}")
            if finding.to_do:
                print(f"{'':22}{finding.to_do}")
    return 0 if good else 2


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at everything, one after another; what cannot even be looked at is a finding as well."""
    checks: tuple[tuple[str, Callable[[Settings], Iterator[Finding]]], ...] = (
        ("settings", _settings), ("encoder", _encoder), ("knowledge", _knowledge), ("database", _database),
        ("limits", _limits), ("language model", _language_model), ("disk", _disk), ("port", _port),
    )  # fmt: skip
    for what, check in checks:
        try:
            yield from check(settings)
        except Exception as error:  # a fault of the check must not hide the other checks
            yield Finding(
                what, "fail", f"It cannot be checked ({type(error).__name__}).", "Look into the log."
            )


# --- what is set ------------------------------------------------------------------------------------


def _settings(settings: Settings) -> Iterator[Finding]:
    if not settings.company:
        yield Finding(
            "settings", "warn", "No company is named.", "Set CANDOR_COMPANY, or company in candor.toml."
        )
    if not settings.contact:
        yield Finding(
            "settings",
            "warn",
            "Candidates are given nobody to ask.",
            "Set CANDOR_CONTACT, or contact in candor.toml.",
        )
    insecure = [site for site in settings.embed_on if site.startswith("http://") and "localhost" not in site]
    if insecure:
        yield Finding(
            "https", "warn", f"{', '.join(insecure)} is without https.", "Write https:// in CANDOR_EMBED_ON."
        )
    if settings.oidc_issuer.startswith("http://"):
        yield Finding(
            "https", "warn", "Sign-ins go to a provider without https.", "Set CANDOR_OIDC_ISSUER to https://…"
        )
    if settings.oidc_issuer and not settings.secret.get_secret_value():
        yield Finding(
            "settings",
            "warn",
            "Sign-ins under way end with the process.",
            "Set CANDOR_SECRET, the same on all servers.",
        )
    is_open = settings.host not in ("127.0.0.1", "::1", "localhost")
    if is_open and not settings.trusted_proxies:
        yield Finding(
            "proxies",
            "warn",
            f"The chat listens on {settings.host} and believes no proxy.",
            "Behind a proxy, set CANDOR_TRUSTED_PROXIES to its address; else all candidates share one limit. "
            "Without one, put a proxy with https in front.",
        )
    if settings.trusted_proxies and not settings.public_url:
        yield Finding(
            "address",
            "warn",
            "Links of invitations cannot name the address at which recruiters reach the console.",
            "Set CANDOR_PUBLIC_URL to it, as https://chat.example.com.",
        )
    if settings.public_url.startswith("http://"):
        yield Finding(
            "https", "warn", "Recruiters are led to an address without https.", "Serve it over https."
        )
    yield Finding(
        "settings", "ok", f"{len(settings.model_fields_set)} of {len(Settings.model_fields)} are set."
    )


# --- what it answers from ---------------------------------------------------------------------------


def _encoder(settings: Settings) -> Iterator[Finding]:
    from knowledge.embedding import EncoderError

    try:
        name = _encoder_name(settings.encoder)
    except EncoderError as error:
        yield Finding("encoder", "fail", str(error))
        return
    yield Finding("encoder", "ok", name)


def _encoder_name(model: str) -> str:
    """What a store notes of the encoder that is set, its files checked; the model is not loaded."""
    from knowledge.embedding import BASE, INT8, name_of, packaged_model_path

    if model in ("", INT8, *BASE):
        packaged_model_path()
    return name_of(model)


class _Named:
    """The encoder's name without its model: records and vectors can be counted without it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def embed(self, texts: Sequence[str]) -> NDArray[Any]:
        """Not to be asked."""
        raise NotImplementedError


def _knowledge(settings: Settings) -> Iterator[Finding]:
    from knowledge.chroma_server import ChromaServer
    from knowledge.embedding import EncoderError
    from knowledge.history import read_sources
    from knowledge.store import Store, StoreError, current_version, read_manifest

    if server := ChromaServer.of(settings):
        try:
            published = server.in_force()
        except StoreError as error:
            yield Finding("knowledge", "fail", str(error))
            return
        told = (
            f"version {published.version} on the Chroma server"
            if published
            else "The Chroma server holds none."
        )
        yield Finding(
            "knowledge",
            "ok" if published else "fail",
            told,
            "" if published else "Run: python ingest.py SOURCE",
        )
        return
    try:
        name = read_manifest(current_version(settings.store)).encoder
        with contextlib.suppress(EncoderError):  # told already
            name = _encoder_name(settings.encoder)
        store = Store.open(settings.store, _Named(name))
        vectors = store.passage_collection.count() if store.passages else 0
    except StoreError as error:
        yield Finding("knowledge", "fail", str(error))
        return
    if vectors != len(store.passages):
        yield Finding(
            "knowledge",
            "fail",
            f"{vectors} vectors for {len(store.passages)} passages.",
            "Run: python ingest.py",
        )
        return
    failing = [state for state in read_sources(store.folder) if state.failing]
    if failing:
        yield Finding(
            "knowledge",
            "warn",
            f"{len(failing)} sources could not be read at the last ingest; what they held before is kept.",
            "Run: python -m knowledge status",
        )
    days = (datetime.now(UTC) - store.manifest.as_of).days
    told = f"version {store.version}, {len(store.passages)} passages, {store.manifest.open_jobs} open jobs, read {days} days ago"
    if not store.passages and not store.jobs:
        yield Finding(
            "knowledge", "fail", f"The store {settings.store} is empty.", "Run: python ingest.py SOURCE"
        )
    elif days > OLD:
        yield Finding("knowledge", "warn", told, "Run: python ingest.py, every night by cron or a timer.")
    else:
        yield Finding("knowledge", "ok", told)


# --- what it keeps ----------------------------------------------------------------------------------


def _database(settings: Settings) -> Iterator[Finding]:
    from sqlalchemy import create_engine, text
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    from ui.database import revision_of, revisions, url_of

    try:
        url = make_url(url_of(settings))
        if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
            yield Finding("database", "ok", f"{url.database} will be made by the first start.")
            return
        seconds = (
            {"connect_timeout": int(PATIENCE)} if url.get_backend_name() == "postgresql" else {"timeout": 2}
        )
        engine = create_engine(url, connect_args=seconds)
    except (ArgumentError, ImportError, SQLAlchemyError):
        yield Finding(
            "database",
            "fail",
            "CANDOR_DATABASE cannot be opened.",
            "Write it like postgresql+psycopg://user:password@host/name, and install the extra: pip install -e '.[postgres]'",
        )
        return
    where = url.render_as_string(hide_password=True)
    try:
        with engine.connect() as connection:
            revision = revision_of(connection)
            if revision:  # an update of nothing needs the right, and the room, to write
                connection.execute(text("UPDATE alembic_version SET version_num = version_num"))
                connection.rollback()
    except SQLAlchemyError as error:
        why = (str(getattr(error, "orig", None) or error).splitlines() or [""])[0]
        yield Finding(
            "database",
            "fail",
            f"{where}: {why}",
            "See that it runs, has room and may be written; then run this again.",
        )
        return
    finally:
        engine.dispose()
    if revision and revision not in revisions():
        yield Finding(
            "database",
            "fail",
            f"{where} is at revision {revision}, made by a newer release.",
            "Install the newer Candor.",
        )
    elif revision != revisions()[0]:
        yield Finding(
            "database", "warn", f"{where} is at revision {revision or '(none)'}.",
            "The next start brings it up to date. Back it up first: python -m ui backup FILE",
        )  # fmt: skip
    else:
        yield Finding("database", "ok", f"{where}, revision {revision}")


def _limits(settings: Settings) -> Iterator[Finding]:
    from knowledge.rates import rate_storage

    url = settings.limits_storage.get_secret_value()
    if not url:
        yield Finding("limits", "ok", "counted in this process's memory")
        return
    try:
        good = rate_storage(url).check()
    except ValueError as error:
        yield Finding("limits", "fail", str(error))
        return
    if good:
        yield Finding("limits", "ok", "what counts them can be reached")
    else:
        yield Finding(
            "limits",
            "fail",
            "What counts them cannot be reached.",
            "Start it, or mend CANDOR_LIMITS_STORAGE.",
        )


# --- what it asks -----------------------------------------------------------------------------------


def _language_model(settings: Settings) -> Iterator[Finding]:
    if not settings.llm:
        yield Finding("language model", "ok", "none is set; answers quote the pages")
        return
    from langchain_core.messages import HumanMessage

    from assistant.generative import Deadline, ModelError, chat_model, received

    try:
        deadline = Deadline(min(PATIENCE, settings.llm_timeout))
        said = "".join(received(chat_model(settings), [HumanMessage("Reply with the word: yes")], deadline))
    except ValueError as error:
        yield Finding("language model", "fail", str(error))
    except ModelError as error:
        yield Finding(
            "language model",
            "fail",
            f"{settings.llm}: {error}",
            "Until then, the default writer answers in its place.",
        )
    else:
        state = (
            ("ok", f"{settings.llm} answers") if said.strip() else ("warn", f"{settings.llm} answers nothing")
        )
        yield Finding("language model", *state)


# --- where it runs ----------------------------------------------------------------------------------


def _disk(settings: Settings) -> Iterator[Finding]:
    folder = next(
        path for path in (settings.store.absolute(), *settings.store.absolute().parents) if path.exists()
    )
    free = shutil.disk_usage(folder).free
    told = f"{free / 1e9:.1f} GB are free in {folder}"
    if not os.access(folder, os.W_OK):
        yield Finding(
            "disk", "fail", f"{folder} cannot be written.", "Give its user the right to, or choose --store."
        )
    elif free < LITTLE:
        state = "fail" if free < LITTLE / 10 else "warn"
        yield Finding("disk", state, told, "Make room: the next ingest needs as much as the store has again.")
    else:
        yield Finding("disk", "ok", told)


def _port(settings: Settings) -> Iterator[Finding]:
    where = f"{settings.host}:{settings.port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind, protocol) as door:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            door.bind(address)
    except socket.gaierror:
        yield Finding(
            "port", "fail", f"There is no address {settings.host!r} here.", "Set CANDOR_HOST=127.0.0.1"
        )
    except OSError as error:
        if _is_ours(settings):
            yield Finding("port", "ok", f"a chat is running at {where}")
        else:
            yield Finding(
                "port", "fail", f"{where}: {error.strerror}", "Set another CANDOR_PORT, or end what has it."
            )
    else:
        yield Finding("port", "ok", f"{where} is free")


def _is_ours(settings: Settings) -> bool:
    import httpx

    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    try:
        answer = httpx.get(f"http://{host}:{settings.port}/healthz", timeout=2, trust_env=False)
        return bool(answer.json() == {"status": "ok"})
    except (httpx.HTTPError, ValueError):
        return False
