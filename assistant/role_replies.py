"""Replies about roles: lists, counts, facts, closed postings and labels that cannot be trusted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from assistant.conversation import Citation, Outcome, Reply
from assistant.phrases import long_date, phrase
from assistant.postings import Selection
from assistant.questions import AnswerType, Question
from assistant.role_questions import (
    asked_kinds,
    asks_for_count,
    asks_for_list,
    asks_plainly,
    codes_in,
    fields_asked,
)
from assistant.roles import Match, RoleBook, RoleList, code_sentence
from assistant.topics import folded
from knowledge.documents import JobPosting, Listing, Status
from knowledge.labels import canonical
from knowledge.places import find_places
from knowledge.settings import Settings
from knowledge.store import Store

LISTED = 12
"""Most roles named in one reply; beyond that it says how many more there are."""

CLEARLY = 0.5
"""Share of a title's words, weighted by rarity, from which on a role counts as named."""

PARTLY = 0.28
"""The same where only one role is named at all: its passages are searched beside all others."""

_ORDINALS = {
    1: r"\b(first|1st|premiere?|erste[rsn]?|primer[oa]?)\b",
    2: r"\b(second|2nd|deuxieme|zweite[rsn]?|segund[oa])\b",
    3: r"\b(third|3rd|troisieme|dritte[rsn]?|tercer[oa]?)\b",
    4: r"\b(fourth|4th|quatrieme|vierte[rsn]?|cuart[oa])\b",
    -1: r"\b(last|derniere?|letzte[rsn]?|ultim[oa])\b( one)?$",
}


_HOURS_WORD = re.compile(r"full ?time|part ?time|temps (plein|partiel)|vollzeit|teilzeit|jornada")
_CONTRACT_WORD = re.compile(
    r"\b(contract|employment|permanent|temporary|temp|fixed|full ?time|part ?time|type|kind|contrat|vertrag|befristet|"
    r"unbefristet|contrato|cdi|cdd|vollzeit|teilzeit|temps|jornada)\b"
)
_SEVERAL = re.compile(
    r"\b(jobs|roles|positions|openings|vacancies|postings|opportunities|any|anything|all|every|which|emplois|"
    r"postes|offres|stellen|puestos|vacantes|ofertas|empleos|משרות|вакансії|how many)\b"
)


@dataclass(frozen=True)
class RoleMemory:
    """The roles that the turns before were about: those listed last, and the one in focus.

    `pinned`: the candidate has chosen the role in focus, and need not name it or lean on it.
    """

    shown: tuple[str, ...] = ()
    focus: tuple[str, ...] = ()
    pinned: bool = False


@dataclass(frozen=True)
class Said:
    """What the desk makes of a question: a reply, or passages to search and what to remember."""

    reply: Reply | None = None
    memory: RoleMemory = field(default_factory=RoleMemory)
    rows: frozenset[int] | None = None
    jobs: tuple[JobPosting, ...] = ()
    certain: bool = True


class RoleDesk:
    """Answers what the posting records can answer."""

    def __init__(self, store: Store, company_words: Iterable[str], settings: Settings) -> None:
        self.store = store
        self.book = RoleBook(store, company_words)
        self.settings = settings

    def answer(self, question: Question, memory: RoleMemory) -> Said:
        """Reply to a question about roles, or say where to look; nothing of both where it is about none."""
        open_jobs = self.book.in_language(self.book.open, question.language)
        open_jobs = self.book.with_named(question.standalone, open_jobs, self.book.open)
        apart = self.book.apart(question)
        focus = self._focus(question, memory, open_jobs)
        listing = self._wants_list(question, memory)
        if memory.pinned and focus and focus[0].status is Status.CLOSED:
            return Said(self._closed_reply(question, focus[0]), memory)
        if not self.store.jobs:
            if listing and not focus:
                return Said(self._nothing_listed(question), memory)
            return Said(None, memory)
        wanted = self.book.wanted(question, open_jobs) if listing else None
        found = wanted is not None and wanted.match is Match.EXACT and _asks_for_several(apart)
        if not found and (closed := self._closed(question, open_jobs)):
            return Said(self._closed_reply(question, closed), RoleMemory())
        if self._narrows(question, memory):
            shown = self.book.among(open_jobs, memory.shown)
            roles = self.book.wanted(question, shown)
            if roles.match is Match.EXACT and len(roles.jobs) < len(shown):
                return self._listed(question, roles, open_jobs)
        if not focus and wanted and self._means_one(question, wanted):
            return self._about(question, wanted.jobs, memory, open_jobs)
        specific = focus and (not listing or self._about_one(question, focus))
        if specific:
            return self._about(question, focus, memory, open_jobs)
        if wanted is not None:
            return self._listed(question, wanted, open_jobs)
        general = self._general_label(question, open_jobs)
        return general or Said(None, RoleMemory(memory.shown, ()))

    def _wants_list(self, question: Question, memory: RoleMemory) -> bool:
        """Whether a list is asked for; in passing ("and in Gdynia?") only where roles are spoken of."""
        if question.follows_up and not (memory.shown or memory.focus):
            return asks_plainly(question)
        if asks_for_list(question):
            return True
        return not question.follows_up and self.book.asks_for_title(question)

    # --- which role ----------------------------------------------------------------------------------

    def _focus(self, question: Question, memory: RoleMemory, open_jobs: Selection) -> list[JobPosting]:
        """The roles a question is about: named in it, or those of the turns before where it leans on them."""
        remembered = [self.store.job[key] for key in (memory.focus or memory.shown) if key in self.store.job]
        if memory.pinned and remembered:
            return self.book.mentioned(question.standalone, open_jobs, least=CLEARLY) or remembered
        if question.follows_up and remembered:
            if (picked := self._picked(question, memory)) is not None:
                return [picked]
            named = self.book.mentioned(question.standalone, remembered, least=0.2)
            if named and len(named) < len(remembered):
                return named
            beside = self.book.mentioned(question.standalone, open_jobs, least=CLEARLY)
            if beside:
                return beside
            # "and for the other team?": the role before, with one word of its title exchanged.
            named_now = self.book.naming_all(question.standalone, open_jobs)
            if (named_now > 0.15).any():
                both = self.book.naming_all(f"{question.before} {question.standalone}", open_jobs)
                return [open_jobs[int(np.argmax(both + named_now))]]
            return remembered
        clear = self.book.mentioned(question.standalone, open_jobs, least=CLEARLY)
        return clear or self._only(question.standalone, open_jobs)

    def _only(self, text: str, jobs: Sequence[JobPosting]) -> list[JobPosting]:
        """The one role that a text names in part, where no other is named nearly as well."""
        scores = self.book.naming_all(text, jobs)
        best = scores.max(initial=0.0)
        if best < PARTLY or np.count_nonzero(scores > best - 0.15) > 1:
            return []
        return [jobs[int(np.argmax(scores))]]

    def _picked(self, question: Question, memory: RoleMemory) -> JobPosting | None:
        said = folded(question.text)
        for number, pattern in _ORDINALS.items():
            if re.search(pattern, said) and memory.shown and "of all" not in said:
                index = number - 1 if number > 0 else -1
                if index < len(memory.shown):
                    return self.store.job.get(memory.shown[index])
        return None

    def _narrows(self, question: Question, memory: RoleMemory) -> bool:
        return (
            len(memory.shown) > 1
            and question.follows_up
            and bool(
                re.search(r"^(ok(ay)?|and|so)?[\s,]*(only|just|seulement|nur|solo)\b", folded(question.text))
            )
        )

    def _means_one(self, question: Question, wanted: RoleList) -> bool:
        """Whether a fact of one role is asked for that is named in part: "last day for the planner role"."""
        one = wanted.match is Match.EXACT and len(wanted.jobs) == 1
        apart = self.book.apart(question)
        return one and bool(fields_asked(apart.standalone)) and not _asks_for_several(apart)

    def _about_one(self, question: Question, focus: Sequence[JobPosting]) -> bool:
        """Whether a question that sounds like asking for a list is about one named role all the same."""
        if len(focus) > 2:
            return False
        named = max(self.book.naming(question.standalone, job) for job in focus)
        apart = self.book.apart(question)
        if asks_for_count(apart):
            return named > 0.8 and not self.book.asks_for_nothing_else(question)
        return bool(fields_asked(apart.standalone)) and named > PARTLY

    def _closed(self, question: Question, open_jobs: Selection) -> JobPosting | None:
        """The closed posting that a question names, where no open one is named as well."""
        closed = self.book.closed
        in_full = self.book.named_in_full(question.standalone, closed)
        if in_full and not self.book.with_title_of(in_full[0], open_jobs) and _about_a_role(question):
            same = [job for job in in_full if job.title == in_full[0].title]
            return next((job for job in same if job.language == question.language), same[0])
        named = self.book.mentioned(question.standalone, closed, least=0.8)
        if not named:
            return None
        same = [job for job in named if job.language == question.language] or named
        score = self.book.naming(question.standalone, same[0])
        best_open = self.book.naming_all(question.standalone, open_jobs).max(initial=0.0)
        if best_open >= min(score - 0.05, 0.4):
            return None
        return same[0] if _about_a_role(question) else None

    # --- lists ---------------------------------------------------------------------------------------

    def _nothing_listed(self, question: Question) -> Reply:
        text = f"{phrase('roles_unknown', question.language)} {self._handover(question)}"
        return Reply(Outcome.NOT_FOUND, text, language=question.language)

    def _listed(self, question: Question, roles: RoleList, open_jobs: Selection) -> Said:
        language = question.language
        if not open_jobs:
            told = (phrase("roles_all_closed", language), self._as_of(language), self._handover(question))
            text = " ".join(told)
            return Said(Reply(Outcome.NOT_FOUND, text, language=language), RoleMemory())
        jobs = roles.jobs or open_jobs
        named = jobs[:LISTED]
        lines = [f"- {self._line(job)} [{number}]" for number, job in enumerate(named, start=1)]
        if len(jobs) > len(named):
            lines.append(phrase("more_roles", language, count=len(jobs) - len(named)))
        parts = [self._heading(roles, jobs, language), "\n".join(lines)]
        citations = [list_citation(job, question.text) for job in named]
        counted = asks_for_count(question) or roles.match is Match.ALL
        if counted and (listing := self._incomplete(len(open_jobs))):
            parts.append(f"{phrase('page_total', language, quote=listing[1].quote)} [{len(citations) + 1}]")
            citations.append(listing[0])
        parts.append(self._as_of(language))
        reply = Reply(Outcome.ANSWERED, "\n".join(parts), tuple(citations), tuple(named), language=language)
        focus = tuple(job.id for job in jobs) if len(jobs) <= 3 else ()
        return Said(reply, RoleMemory(tuple(job.id for job in named), focus))

    def _heading(self, roles: RoleList, jobs: Sequence[JobPosting], language: str) -> str:
        if roles.match is Match.NONE:
            return phrase("roles_none", language, wish=roles.wish)
        if roles.match is Match.UNSTATED:
            return phrase("roles_unstated", language, wish=roles.wish)
        if roles.match is Match.NEAREST:
            return phrase("roles_nearest", language, wish=roles.wish)
        if len(jobs) == 1:
            return phrase("role_listed", language)
        if roles.match is Match.EXACT and roles.wish:
            return phrase("roles_matching", language, count=len(jobs), wish=roles.wish)
        return phrase("roles_listed", language, count=len(jobs))

    @staticmethod
    def _line(job: JobPosting) -> str:
        facts = ", ".join(fact for fact in (" / ".join(job.locations), job.department) if fact)
        return f"**{job.title}**" + (f" ({facts})" if facts else "")

    def _incomplete(self, listed: int) -> tuple[Citation, Listing] | None:
        """What a page says of its own completeness, where that is not what is listed."""
        for page in self.store.pages:
            if page.listing and (page.listing.total or 0) != listed:
                return Citation(
                    page.source, page.title, page.url, page.listing.quote, page.listing.quote
                ), page.listing
        return None

    # --- one role ------------------------------------------------------------------------------------

    def _about(
        self, question: Question, focus: Sequence[JobPosting], memory: RoleMemory, open_jobs: Selection
    ) -> Said:
        """A fact of the posting's record, its unverified labels, or its passages to search."""
        keys = tuple(job.id for job in focus)
        remembered = RoleMemory(memory.shown or keys, keys)
        apart = self.book.apart(question)
        for name in fields_asked(apart.standalone):
            known = [job for job in focus if self._value(job, name)]
            if known and self._fits(apart, name, known):
                return Said(self._fact(question, name, known[:3]), remembered)
        labelled = [job for job in focus if self.book.unverified(job, question)]
        if labelled:
            return Said(self._unverified(question, labelled[0]), remembered)
        rows = frozenset(row for job in focus for row in self.book.rows.get(job.id, ()))
        if not rows and not fields_asked(apart.standalone) and self.book.asks_for_nothing_else(question):
            # A posting without a text: that it is open is all that can be said about it.
            return self._listed(question, self.book.wanted(question, open_jobs), open_jobs)
        certain = (
            memory.pinned or question.follows_up or self.book.naming(question.standalone, focus[0]) >= CLEARLY
        )
        return Said(None, remembered, rows or None, tuple(focus[:3]), certain)

    @staticmethod
    def _value(job: JobPosting, name: str) -> str:
        if name == "apply":
            return job.url
        if name == "locations":
            return " / ".join(job.locations)
        if name == "closes":
            return job.closes.isoformat() if job.closes else ""
        return str(getattr(job, name, "") or "")

    @staticmethod
    def _fits(question: Question, name: str, jobs: Sequence[JobPosting]) -> bool:
        """Whether the record's fact is what is asked: hours and permanence are both "employment type"."""
        if name != "employment_type":
            return True
        said = folded(question.standalone)
        if question.answer_type in (AnswerType.MONEY, AnswerType.NUMBER, AnswerType.DATE, AnswerType.PERSON):
            return False
        if question.answer_type is AnswerType.DURATION:
            return any(char.isdigit() for job in jobs for char in job.employment_type)
        if question.answer_type is not AnswerType.YES_NO and not _CONTRACT_WORD.search(said):
            return False
        asks_hours = bool(_HOURS_WORD.search(said))
        has_hours = any(canonical(job.employment_type) in ("Full time", "Part time") for job in jobs)
        return asks_hours == has_hours

    def _fact(self, question: Question, name: str, jobs: Sequence[JobPosting]) -> Reply:
        """The fact of each role, with the title and the words it was read from."""
        wording = {"apply": "how_to_apply", "locations": "fact_location"}.get(name, "fact")
        lines: list[str] = []
        citations: list[Citation] = []
        for job in jobs:
            value = self._value(job, name)
            quoted = list(dict.fromkeys((fact_citation(job, name), title_citation(job))))
            numbers = "".join(f" [{len(citations) + n}]" for n in range(1, len(quoted) + 1))
            said = phrase(wording, question.language, title=job.title, value=value, url=value)
            lines.append(f"{said}{numbers}")
            citations.extend(quoted)
        text = "\n".join([*lines, self._as_of(question.language)])
        return Reply(Outcome.ANSWERED, text, tuple(citations), tuple(jobs), language=question.language)

    def _unverified(self, question: Question, job: JobPosting) -> Reply:
        labels = ", ".join(job.labels)
        text = phrase("unverified", question.language, labels=labels, title=job.title)
        text = f"{text} {self._handover(question)}"
        return Reply(Outcome.NOT_FOUND, text, jobs=(job,), language=question.language)

    def _general_label(self, question: Question, open_jobs: Selection) -> Said | None:
        """The labels asked for of no role in particular, where every posting only prints unverified ones."""
        if not asked_kinds(self.book.apart(question).standalone) or not all(job.labels for job in open_jobs):
            return None
        labelled = [job for job in open_jobs if self.book.unverified(job, question)]
        if len(labelled) < len(open_jobs) or not labelled:
            return None
        asked = folded(question.standalone)
        if not any(folded(label) in asked for label in labelled[0].labels):
            return None
        return Said(self._unverified(question, labelled[0]), RoleMemory())

    def _closed_reply(self, question: Question, job: JobPosting) -> Reply:
        text = f"{phrase('closed', question.language, title=job.title)} [1] {self._as_of(question.language)}"
        return Reply(Outcome.ANSWERED, text, (title_citation(job),), (job,), language=question.language)

    def _as_of(self, language: str) -> str:
        """When the postings were read: a role may be taken since."""
        read = self.store.manifest.as_of.date()
        return phrase("as_of", language, date=long_date(read, language))

    def _handover(self, question: Question) -> str:
        if self.settings.contact:
            return phrase("contact", question.language, contact=self.settings.contact)
        return phrase("ask_team", question.language)


def _about_a_role(question: Question) -> bool:
    """Whether a question that holds a posting's title means the posting."""
    return bool(
        fields_asked(question.standalone)
        or asks_for_list(question)
        or re.search(
            r"\b(role|job|position|posting|opening|poste|emploi|stelle|puesto|apply|interested|still|open|hiring"
            r"|portfolio|cv|become|join|work as|start as|as an?)\b",
            folded(question.standalone),
        )
    )


def _asks_for_several(question: Question) -> bool:
    """Whether a question looks for roles rather than for one of them."""
    return bool(_SEVERAL.search(folded(question.standalone)))


def list_citation(job: JobPosting, text: str) -> Citation:
    """The title, or the sentence with the code that a question asks for."""
    for code in codes_in(text):
        if sentence := code_sentence(job, code):
            return Citation(job.source, job.title, job.url, sentence, passage=job.description[:1500])
    return title_citation(job)


def title_citation(job: JobPosting) -> Citation:
    """The posting's title as it is printed."""
    return fact_citation(job, "title")


def fact_citation(job: JobPosting, name: str) -> Citation:
    """The words a fact of a posting was read from; its title where the fact is no quotation."""
    quote = job.quotes.get(name) or job.quotes.get("title") or job.title
    return Citation(job.source, job.title, job.url, quote, passage=job.description[:1500])


__all__ = ["RoleDesk", "RoleMemory", "Said", "Status", "find_places"]
