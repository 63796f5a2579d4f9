"""Following a Chroma server: a replica moves to each new version by itself, and stays with the old one until then."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from knowledge.chroma_server import ChromaServer
from knowledge.settings import Settings
from knowledge.store import AwayError, StoreError

EVERY = 2.0
"""Seconds between two looks at which version is in force."""

log = logging.getLogger(__name__)


class Follower:
    """Keeps a store's copy of the knowledge as new as the server's. The log tells each trouble once."""

    def __init__(self, server: ChromaServer, store: Path, every: float = EVERY) -> None:
        self.server = server
        self.store = store
        self.every = every
        self.trouble = ""
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    @classmethod
    def of(cls, settings: Settings) -> Follower | None:
        """One for the server that the settings name; None where there is none."""
        server = ChromaServer.of(settings)
        return cls(server, settings.store) if server else None

    def look(self) -> bool:
        """Move to the version in force; whether it is another than before. What goes wrong is in `trouble`."""
        try:
            moved = self.server.pull(self.store)
        except StoreError as error:
            self._told(str(error), isinstance(error, AwayError))
            return False
        except OSError as error:
            self._told(f"The store {self.store} cannot be written ({error.strerror or error}).", False)
            return False
        if self.trouble:
            log.warning("The Chroma server can be used again.")
            self.trouble = ""
        return moved

    def start(self) -> None:
        """Look every now and then, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more; a copy that is under way is left unfinished, which does no harm."""
        self._stopped.set()

    def _run(self) -> None:
        while not self._stopped.wait(self.every):
            try:
                self.look()
            except Exception:  # whatever it is, the next version must not be missed for it
                log.exception("The version in force could not be looked up.")

    def _told(self, trouble: str, away: bool) -> None:
        # The words of an error differ from one attempt to the next; that it is away is told once.
        if not self.trouble or (not away and trouble != self.trouble):
            log.error("%s What was copied before is still answered from.", trouble)
        self.trouble = trouble


def brought_up_to_date(settings: Settings) -> bool:
    """Have the store hold what is in force on the settings' server; whether it is another than before.

    False without a server, too, and where it is away, which the log tells.
    """
    follower = Follower.of(settings)
    return follower is not None and follower.look()
