"""A real Chromium and a real server, for the browser tests and the screenshots."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from fastapi import FastAPI

# Quiet: a browser that looks for updates or syncs would blur what the chat itself sends.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str:
    """Find Chromium; skip the test where there is none, but fail where CI must have it."""
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found:
        return found
    why = f"no Chromium on this computer (looked for {', '.join(NAMES)})"
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


@contextlib.contextmanager
def served(app: FastAPI, door: socket.socket | None = None) -> Iterator[str]:
    """Serve `app` on a free port of this computer, or at a door that is open already; gives its address."""
    door = door or socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.05)
    try:
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
