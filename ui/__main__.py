"""`python -m ui`: open the candidate's chat."""

from __future__ import annotations

import argparse
import gc
import os
import socket
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from knowledge.settings import Settings, load_settings
from ui.backup import backup, restore
from ui.doctor import doctor
from ui.logs import set_up_logging
from ui.users import users

if TYPE_CHECKING:
    from fastapi import FastAPI

    from knowledge.embedding import LazyEmbedder
    from knowledge.follower import Follower

EPILOG = """examples:
  python ingest.py team-page.txt                   read the pages first
  python -m ui                                      then chat at http://127.0.0.1:7860
  python -m ui --host 0.0.0.0 --port 8080           let others on the network in
  python -m ui users list                           who may sign in to the console at /recruiter
  python -m ui doctor                               is everything there, and what to do where not
  python -m ui backup candor.zip                    knowledge, database and settings in one file
  python -m ui restore candor.zip                   and back

Company name, contact for the hand-over and all else: environment variables CANDOR_COMPANY,
CANDOR_CONTACT, … or the same in a file .env; an option given here wins."""

COMMANDS = {"users": users, "doctor": doctor, "backup": backup, "restore": restore}


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the chat until it is interrupted; 2 when the caller has to act first."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given and given[0] in COMMANDS:
        return COMMANDS[given[0]](given[1:])
    options = _parser().parse_args(given)
    try:
        settings = load_settings(**vars(options))
    except ValidationError as error:
        return _refuse("; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()))
    set_up_logging(settings.log)
    try:
        door = _listen(settings.host, settings.port)
    except OSError as error:
        return _refuse(_why_not(settings.host, settings.port, error))

    try:
        with _told_meanwhile(door, settings):
            gc.disable()  # what is loaded stays, and is not looked through for garbage meanwhile
            opened = _opened(settings, vars(options), door)
    except _CannotOpenError as error:
        return _refuse(str(error))
    finally:
        gc.enable()
    opened.serve()
    return 0


class _CannotOpenError(Exception):
    """Why there will be no chat: one sentence."""


def _told_meanwhile(door: socket.socket, settings: Settings) -> AbstractContextManager[None]:
    """Tell whoever comes that the server is getting ready, unless a proxy in front shall find the door shut."""
    if not settings.open_early:
        return nullcontext()
    from ui.waiting import waiting

    return waiting(door, settings)


@dataclass(frozen=True)
class _Opened:
    """All that it takes to answer."""

    app: FastAPI
    door: socket.socket
    said: str
    settings: Settings
    follower: Follower | None

    def serve(self) -> None:
        """Serve until interrupted."""
        from ui.server import serve

        if self.follower:
            self.follower.start()
        serve(self.app, self.door, self.said, self.settings.trusted_proxies)
        if self.follower:
            self.follower.stop()


def _opened(settings: Settings, options: dict[str, Any], door: socket.socket) -> _Opened:
    """Load what answers; `_CannotOpenError` where something it needs is not there."""
    # These import for seconds; `--help`, a wrong option or a taken port must not wait for that.
    from knowledge.embedding import EncoderError, LazyEmbedder

    try:
        embedder = LazyEmbedder(settings.encoder)
    except EncoderError as error:
        raise _CannotOpenError(str(error)) from error
    # Weights are read and checked beside the imports: the one waits for the disk and hashes, the other has Python.
    with ThreadPoolExecutor(1) as beside:
        loading = beside.submit(_get_ready, embedder)
        from assistant.reply import Assistant
        from knowledge.follower import Follower
        from knowledge.rates import rate_storage
        from knowledge.store import StoreError
        from ui.console.desk import Desk
        from ui.console.door import announce
        from ui.corrections import CorrectionBook
        from ui.database import Database, DatabaseError
        from ui.server import address, create_app
        from ui.telemetry import Telemetry
        from ui.tracing import Tracing, TracingError

    follower = Follower.of(settings)
    if follower and follower.look():
        settings = load_settings(**options)  # what came may name the company
    try:
        database = Database.of(settings)
        corrections = CorrectionBook(database)
        loading.result()
        assistant = Assistant.open(settings, corrections.current, embedder)
        storage = rate_storage(settings.limits_storage.get_secret_value())
        telemetry = Telemetry(tracing=Tracing.from_environment(os.environ))
    except (EncoderError, StoreError, DatabaseError, TracingError, ValueError) as error:
        raise _CannotOpenError(str(error)) from error
    desk = Desk.over(database, assistant, settings, corrections, storage)
    said = announce(desk.accounts, settings.public_url or address(door).split(" ")[0])
    if assistant.is_empty:
        said = f"There is no knowledge yet. Run: python ingest.py SOURCE --store {settings.store}\n{said}".strip()
    app = create_app(assistant, settings, database, desk, telemetry)
    return _Opened(app, door, said, settings, follower)


def _get_ready(embedder: LazyEmbedder) -> None:
    """Load the encoder for one question at a time."""
    from knowledge.onnx_encoder import OnnxEmbedder

    loaded = embedder.load()
    if isinstance(loaded, OnnxEmbedder):
        loaded.use_all_cores()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ui",
        description="Open the chat in which candidates ask about working at your company.\n"
        "Every answer quotes the pages that ingest.py has read.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--store", type=Path, metavar="DIR", help="knowledge store to answer from (.candor)")
    parser.add_argument("--host", help="address to listen on (127.0.0.1: this computer only)")
    parser.add_argument("--port", type=int, help="port to listen on (7860); 0 takes any free one")
    return parser


def _listen(host: str, port: int) -> socket.socket:
    """Take the port now: a minute of loading models must not end in "address already in use".

    It is bound, and not listened at: who listens decides whether visitors are let in before the server can answer.
    A proxy that finds the door shut asks another replica.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    door = socket.socket(family, kind, protocol)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(address)
    except OSError:
        door.close()
        raise
    return door


def _why_not(host: str, port: int, error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return f"There is no address {host!r} on this computer. Use --host 127.0.0.1 or 0.0.0.0."
    reason = error.strerror or str(error)
    return f"Port {port} of {host} cannot be used: {reason}. Choose another, e.g. --port {port + 1}."


def _refuse(why: str) -> int:
    print(f"python -m ui: {why}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # while models load; once the chat is open, the server takes care of it
        sys.exit(130)
