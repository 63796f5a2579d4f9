"""A store version with all that turns need to know of it, and the corrections laid over it."""

from __future__ import annotations

import copy
import logging
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from assistant.corrections import ApprovedAnswers, Corrections
from assistant.decision import StoreContext
from assistant.questions import Speller
from assistant.role_replies import RoleDesk
from assistant.topics import Bank, topic_words
from knowledge.sentences import plain, words
from knowledge.settings import Settings
from knowledge.store import Store, stamp

log = logging.getLogger(__name__)


class Knowledge:
    """A store version with all that is computed from it once."""

    def __init__(self, store: Store, bank: Bank, settings: Settings) -> None:
        self.store = store
        self.bank = bank
        self.context = StoreContext(store, bank)
        names = company_names(store, settings.company)
        self.desk = RoleDesk(store, names, settings)
        self.answerable: dict[tuple[str, str, str], bool] = {}
        self.languages = frozenset(passage.language for passage in store.passages if passage.open)
        self.corrections = Corrections()
        self.hidden: frozenset[int] = frozenset()
        self.approved = ApprovedAnswers((), store.embedder, bank)
        known = {word for passage in store.passages for word in words(passage.embedding_text)}
        self._known = known | topic_words() | {word for job in store.jobs for word in words(job.title)}
        self.speller = Speller(self._known)
        self._uncorrected = self

    def corrected(self, corrections: Corrections, settings: Settings) -> Knowledge:
        """The same version with the recruiting team's corrections laid over it."""
        base = self._uncorrected
        laid = copy.copy(base)
        laid.corrections = corrections
        laid.answerable = {}
        laid.hidden = corrections.hidden_rows(base.store)
        laid.approved = ApprovedAnswers(corrections.answers, base.store.embedder, base.bank)
        if corrections.synonyms:
            laid.speller = Speller(base._known | {w for asked in corrections.synonyms for w in words(asked)})
        sources = {page.source for page in base.store.pages} | {job.source for job in base.store.jobs}
        if sources & corrections.hidden_sources:
            visible = base.store.without(corrections.hidden_sources)
            laid.desk = RoleDesk(visible, company_names(visible, settings.company), settings)
        return laid

    def state(self, today: date) -> str:
        """What replies rest on beside what was said: the same words get the same reply while it lasts."""
        # Another store may be put in the place of this one, with a version of the same name.
        inode, moment = self.store.stamp
        # An approved answer may begin or end to count at midnight.
        day = today.isoformat() if self.corrections.answers else ""
        return f"{self.store.version}@{inode}.{moment}/{self.corrections.revision}/{day}"


@dataclass(frozen=True)
class Summary:
    """What the store holds, for a page that shows it."""

    pages: int = 0
    jobs: int = 0
    open_jobs: int = 0
    as_of: datetime | None = None
    passages: int = 0


class Opening:
    """A version being opened, beside the turns that still go by the one before."""

    def __init__(self, folder: Path, day: date, work: Callable[[], None]) -> None:
        self.folder = folder
        self.day = day
        self.stamp = stamp(folder)
        self._error: Exception | None = None
        self._work = work
        self._thread = threading.Thread(target=self._run, name=f"open-{folder.name}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._work()
        except Exception as error:  # told to whoever waits
            log.error("The knowledge in %s cannot be opened: %s", self.folder, error)
            self._error = error

    def wait(self, seconds: float | None) -> bool:
        """Whether it is open, after at most so many seconds; raises what went wrong."""
        self._thread.join(seconds)
        if self._error is not None:
            raise self._error
        return not self._thread.is_alive()


def company_names(store: Store, company: str) -> frozenset[str]:
    """Plain words that name the company: those of the setting, and names printed all over its pages."""
    counted: dict[str, int] = {}
    for passage in store.passages:
        for word in {
            plain(w) for w in re.findall(r"(?<![.!?:\n] )(?<!^)\b[A-Z0-9][\w]*[A-Za-z]\w*", passage.text)
        }:
            counted[word] = counted.get(word, 0) + 1
    often = {word for word, count in counted.items() if count >= max(4, 0.06 * len(store.passages))}
    ordinary = {word for passage in store.passages for word in re.findall(r"\b[a-z]{2,}\b", passage.text)}
    titles = {word for job in store.jobs for word in words(job.title)}
    return frozenset(set(words(company)) | (often - ordinary - titles))
