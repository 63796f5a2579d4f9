"""What is worked out once for an installation and kept: beside the installed packages, or in the user's cache.

Each entry is a folder with a card of its files' checksums. It appears whole or not at all, and one that was damaged
is made anew. Where no place can be written, an entry lives as long as the process.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

CARD = "checksums.json"

BLOCK = 1 << 24
"""Bytes read at a time for a checksum. After each, the thread waits its turn beside others, such as one that imports."""

PATIENCE = 300
"""Seconds that a process waits for another one that makes the same entry, before it makes its own."""


def places() -> tuple[Path, ...]:
    """Folders that entries are looked for in; a new one goes into the first that can be written."""
    users = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(sys.prefix) / "share" / "candor", Path(users) / "candor"


def kept(name: str, make: Callable[[Path], None], among: tuple[Path, ...] | None = None) -> Path:
    """The folder of the entry `name`; where there is none that is whole, `make` fills an empty one.

    `among`: the places to use, by default `places()`. What `make` raises is passed on, and leaves nothing behind.
    """
    folders = places() if among is None else among
    for place in folders:
        if is_whole(place / name):
            return place / name
    for place in folders:
        if can_write(place):
            with contextlib.suppress(Timeout), FileLock(place / f"{name}.lock", timeout=PATIENCE):
                if not is_whole(place / name):
                    _filled(place, name, make)
                return place / name
    folder = Path(tempfile.mkdtemp(prefix="candor-"))
    make(folder)
    return folder


def _filled(place: Path, name: str, make: Callable[[Path], None]) -> None:
    """Fill a draft and put it in the entry's place in one step."""
    draft = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=place))
    try:
        make(draft)
        sums = {file.name: checksum(file) for file in sorted(draft.iterdir())}
        (draft / CARD).write_text(json.dumps(sums, indent=1), encoding="utf-8")
        draft.chmod(0o755)  # another user of the same installation may read it
        discard(place / name)  # a damaged one
        draft.rename(place / name)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def discard(folder: Path) -> None:
    """Remove an entry, whatever is in its place."""
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    shutil.rmtree(folder, ignore_errors=True)


def is_whole(folder: Path) -> bool:
    """Whether the folder has a card and every file has the checksum that stands there."""
    try:
        sums = json.loads((folder / CARD).read_text(encoding="utf-8"))
        return bool(sums) and all(checksum(folder / name) == expected for name, expected in sums.items())
    except (OSError, ValueError, AttributeError):
        return False


def can_write(place: Path) -> bool:
    """Whether entries can be made in `place`; it is made where it is missing."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            return True
    except OSError:
        return False


def checksum(file: Path) -> str:
    """SHA-256 of a file, 64 hex digits."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
