"""nginx with the configuration that is shipped, in front of replicas on this computer."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

SHIPPED = Path(__file__).parents[1] / "deploy" / "nginx.conf"
KNOWN_AGAIN = 3.0
"""Seconds after which nginx asks a replica again that is ready, as docs/operations.md tells those who restart them."""
NGINX = shutil.which("nginx") or ("/usr/sbin/nginx" if Path("/usr/sbin/nginx").exists() else "")


def configuration(folder: Path, port: int, replicas: Sequence[int], from_one_address: int = 100) -> Path:
    """Write the configuration into `folder`, with another place for its files and with ports of this computer.

    `replicas`: two ports. `from_one_address`: connections that one address may have, where all candidates are one.
    """
    text = SHIPPED.read_text(encoding="utf-8")
    for old, new in (
        ("listen 8080;", f"listen 127.0.0.1:{port};"),
        ("server app-1:7860 ", f"server 127.0.0.1:{replicas[0]} "),
        ("server app-2:7860 ", f"server 127.0.0.1:{replicas[1]} "),
        ("limit_conn address 100;", f"limit_conn address {from_one_address};"),
        ("/run/nginx/", f"{folder}/"),
    ):
        if old not in text:
            raise ValueError(f"{SHIPPED} has no {old!r} any more.")
        text = text.replace(old, new)
    # Started by root, the workers would be of a user who may not write there.
    text = f"user root;\n{text}" if os.geteuid() == 0 else text
    path = folder / "nginx.conf"
    path.write_text(text, encoding="utf-8")
    return path


def command(path: Path) -> list[str]:
    """What runs nginx with a configuration, in the foreground."""
    return [NGINX, "-c", str(path), "-g", "daemon off;"]


@contextlib.contextmanager
def in_front_of(
    replicas: Sequence[int], folder: Path, from_one_address: int = 100
) -> Iterator[tuple[str, int]]:
    """nginx in front of two ports: its address and its process's id."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    path = configuration(folder, port, replicas, from_one_address)
    with (folder / "nginx.log").open("ab") as log:
        process = subprocess.Popen(command(path), cwd=folder, stdout=log, stderr=log)
    try:
        until = time.monotonic() + 30
        while time.monotonic() < until and process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait(10)
