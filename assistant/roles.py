"""Questions about roles, answered from the posting records by code and never from the nearest passages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from assistant.posted_places import PostedPlaces
from assistant.postings import Column, ManyColumn, Selection, TermIndex
from assistant.questions import Question
from assistant.role_questions import (
    asked_kinds,
    asked_labels,
    asks_for_list,
    asks_of_role,
    codes_in,
    excluded_labels,
    label_words,
)
from assistant.title_words import (
    COMMON_TITLE_WORDS,
    FILLER,
    discipline_table,
    disciplines,
    exchanged,
    is_acronym,
    phrase_key,
    split_terms,
    stop_words,
    terms_of,
)
from assistant.titles import WHOLE, Titles
from knowledge.documents import JobPosting, Status
from knowledge.labels import canonical, is_label
from knowledge.sentences import sentences, words
from knowledge.store import Store
from knowledge.wording import unique

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOOKED_AT = 100
"""Postings near by title whose text is compared as well."""


class Match(StrEnum):
    """How a list of roles came about."""

    ALL = "all"
    EXACT = "exact"
    NEAREST = "nearest"
    UNSTATED = "unstated"
    NONE = "none"


@dataclass(frozen=True)
class RoleList:
    """Open roles for what a candidate is after; `wish` is in the candidate's words."""

    jobs: Sequence[JobPosting]
    match: Match
    wish: str = ""


class RoleBook:
    """The postings of one store version, ready to be asked about."""

    def __init__(self, store: Store, company_words: Iterable[str] = ()) -> None:
        """`company_words`: words that name the company and so say nothing about a role."""
        self.store = store
        self.jobs = [*store.jobs, *_gone(store)]
        self.row = {job.id: row for row, job in enumerate(self.jobs)}
        self.places = PostedPlaces((job.locations for job in self.jobs), company_words)
        self.titles = Titles((job.title for job in self.jobs), self._tells)
        self._labels = Column((job.employment_type, job.workplace_type) for job in self.jobs)
        departments = Column(job.department for job in self.jobs)
        facts = Column((job.employment_type, job.level, job.workplace_type) for job in self.jobs)
        self._fact_terms: list[tuple[Column | ManyColumn, TermIndex]] = [
            (self.titles.column, self.titles.index),
            *((column, terms_of(column.values)) for column in (departments, facts, self.places.column)),
        ]
        status = Column(job.status for job in self.jobs)
        everything = Selection(self.jobs, np.arange(len(self.jobs)))
        self.open = everything.where(status.matching(lambda value: value is Status.OPEN))
        self.closed = everything.where(status.matching(lambda value: value is Status.CLOSED))
        self.language = Column(job.language for job in self.jobs)
        self.rows: dict[str, list[int]] = {}
        for row, passage in enumerate(store.passages):
            if passage.job_id in self.row:
                self.rows.setdefault(passage.job_id, []).append(row)
        self._spoken = lru_cache(maxsize=16)(self._in_language)

    # --- which role is meant ----------------------------------------------------------------------

    def in_language(self, jobs: Selection, language: str) -> Selection:
        """The postings in the candidate's language, or one of each pair where there are none."""
        return self._spoken(jobs, language)

    def with_named(self, text: str, jobs: Selection, beside: Selection) -> Selection:
        """The postings, and those of `beside` whose title the text names although it is in another language."""
        titles = self.titles.named_in(text, least=1)
        if not titles:
            return jobs
        spoken = {self.jobs[row].translation_key for row in jobs.rows.tolist()}
        named = beside.where(self.titles.where(titles))
        held = set(jobs.rows.tolist())
        more = [
            row
            for row in named.rows.tolist()
            if row not in held
            and not (self.jobs[row].translation_key and self.jobs[row].translation_key in spoken)
        ]
        return Selection(self.jobs, np.concatenate([jobs.rows, np.array(more, dtype=np.intp)]))

    def _in_language(self, jobs: Selection, language: str) -> Selection:
        same = jobs.where(self.language.matching(lambda value: value == language))
        if len(same):
            return same
        kept: dict[str, int] = {}
        for row in sorted(jobs.rows.tolist(), key=lambda row: self.jobs[row].language != "en"):
            kept.setdefault(self.jobs[row].translation_key or self.jobs[row].id, row)
        return self._of(kept.values())

    def among(self, jobs: Selection, ids: Iterable[str]) -> Selection:
        """Those of the postings that have one of these ids, in their order."""
        rows = [self.row[key] for key in ids if key in self.row]
        mask = np.zeros(len(self.jobs), dtype=np.bool_)
        mask[rows] = True
        return jobs.where(mask)

    def _of(self, rows: Iterable[int]) -> Selection:
        return Selection(self.jobs, np.fromiter(rows, dtype=np.intp))

    def select(self, jobs: Sequence[JobPosting]) -> Selection:
        """The postings as a selection, in their order."""
        return jobs if isinstance(jobs, Selection) else self._of(self.row[job.id] for job in jobs)

    def mentioned(self, text: str, jobs: Sequence[JobPosting], least: float = 0.5) -> list[JobPosting]:
        """The postings whose title the text names, the best named first; those as well named stay."""
        selected = self.select(jobs)
        if in_full := self.named_in_full(text, selected):
            return in_full
        scores = self.naming_all(text, selected)
        best = scores.max(initial=0.0)
        if best < least or not len(scores):
            return []
        near = np.flatnonzero(scores > best - 0.12)
        return [selected[int(n)] for n in near[np.argsort(-scores[near], kind="stable")]]

    def named_in_full(self, text: str, jobs: Sequence[JobPosting]) -> list[JobPosting]:
        """The postings whose whole title, of two words and more, stands in the text; the longest first."""
        selected = self.select(jobs)
        codes = self.titles.column.code[selected.rows]
        return [
            selected[int(n)] for title in self.titles.named_in(text) for n in np.flatnonzero(codes == title)
        ]

    def _tells(self, title: str) -> bool:
        """Whether a title names a kind of work, which "Open Position", "Remote Work" and "Jobs in Opava" do not."""
        return not is_label(title) and bool(self._wish_beside_labels(title, self.places.named_in(title)))

    def _wish_beside_labels(self, text: str, places: Sequence[str]) -> list[str]:
        labels = label_words(text)
        return [word for word in self.wish(text, places) if not labels.issuperset(words(word))]

    def apart(self, question: Question) -> Question:
        """The question with the word "opening" for each title it names in full: what is asked of the role.

        The words of a title are no label, place or fact that is asked for: "Clerk (Remote, Opava)".
        """
        titles = self.titles.named_in(question.standalone)
        if not titles:
            return question
        keys = [self.titles.key(title) for title in titles]
        standalone, text = (exchanged(said, keys, "opening") for said in (question.standalone, question.text))
        return replace(question, standalone=standalone, text=text)

    def asks_for_nothing_else(self, question: Question) -> bool:
        """Whether a question names a title in full and, beside words of asking, places and labels, no more."""
        apart = self.apart(question)
        if apart is question or _SAYS_MORE.intersection(words(apart.standalone)):
            return False
        return not self._wish_beside_labels(apart.standalone, self.places.named_in(apart.text))

    def asks_for_title(self, question: Question) -> bool:
        """Whether a question wants to know of the openings with a title: "is the oat miller taken?", "oat miller"."""
        if not self.asks_for_nothing_else(question):
            return False
        apart = self.apart(question)
        return asks_for_list(apart) or not asks_of_role(apart.standalone)

    def with_title_of(self, job: JobPosting, jobs: Sequence[JobPosting]) -> bool:
        """Whether the title of one of `jobs` has all words of that of `job`: "Senior Miller" those of "Miller"."""
        title = self.titles.terms[self.titles.column.code[self.row[job.id]]]
        return any(
            title <= self.titles.terms[n]
            for n in set(self.titles.column.code[self.select(jobs).rows].tolist())
        )

    def naming(self, text: str, job: JobPosting) -> float:
        """How well the text names the posting, from 0 to 1."""
        return float(self.titles.naming(text)[self.titles.column.code[self.row[job.id]]])

    def naming_all(self, text: str, jobs: Sequence[JobPosting]) -> NDArray[np.float64]:
        """How well the text names each of the postings, of shape (len(jobs),)."""
        return self.titles.naming(text)[self.titles.column.code[self.select(jobs).rows]]

    # --- which roles a candidate is after ------------------------------------------------------------

    def wanted(self, question: Question, jobs: Sequence[JobPosting]) -> RoleList:
        """The roles of `jobs` that fit what the question is after, or what comes nearest."""
        selected = self.select(jobs)
        apart = self.apart(question)
        places = self.places.named_in(apart.text)
        remaining = selected
        if places:
            remaining = selected.where(np.logical_or.reduce([self.places.inside(place) for place in places]))
            if not remaining and any(job.locations for job in selected):
                listed = self._best_first(question.standalone, selected)
                return RoleList(listed, Match.NONE, ", ".join(places))
            remaining = remaining or selected
            if elsewhere := self._elsewhere(question.standalone, selected, remaining):
                shown = ", ".join(
                    [self.titles.column.values[self.titles.named_in(question.standalone)[0]], *places]
                )
                return RoleList(elsewhere, Match.NONE, shown)
        labelled = self._by_label(apart.standalone, remaining)
        if labelled is not None:
            return self._labelled(question, labelled, remaining)
        wish = self._wish_of(question, places)
        if not wish:
            return RoleList(remaining, Match.EXACT if places else Match.ALL, ", ".join(places))
        shown = " ".join([*wish, *places])
        exact = (
            self._by_facts(wish, remaining)
            or self._by_title(question.standalone, remaining)
            or self._by_code(question.text, remaining)
        )
        if exact:
            return RoleList(
                self._best_first(question.standalone, exact, wish, all_held=True), Match.EXACT, shown
            )
        near = self._by_discipline(" ".join(wish), remaining) or self._by_title_word(wish, remaining)
        if near:
            return RoleList(self._best_first(question.standalone, near, wish), Match.EXACT, shown)
        return RoleList(self._by_meaning(question, remaining), Match.NEAREST, shown)

    def _best_first(
        self, text: str, jobs: Selection, wish: Sequence[str] = (), *, all_held: bool = False
    ) -> Selection:
        """The same postings: those whose titles the text names in full before all others of their kind.

        After these come the titles that hold the words of `wish` in a row, then, unless each posting holds
        them all, the titles with more of them, each counted by how rare it is.
        """
        codes = self.titles.column.code[jobs.rows]
        weights = self.titles.weights(() if all_held else wish)
        whole = self.naming_all(text, jobs) > WHOLE
        in_a_row = np.isin(codes, self.titles.with_phrase(phrase_key(" ".join(wish))))
        in_full = np.isin(codes, self.titles.named_in(text))
        order = np.lexsort((~whole, -weights[codes], ~in_a_row, ~in_full))
        return Selection(self.jobs, jobs.rows[order])

    def _labelled(self, question: Question, labelled: Selection, jobs: Selection) -> RoleList:
        """The postings with the label asked for; without any, those that do not print the one not wanted."""
        asks = self.apart(question).standalone
        named = ", ".join(sorted(asked_labels(asks)))
        excluded = excluded_labels(asks)
        if labelled and (narrower := self._of_wish(question, labelled)):
            return narrower
        if worded := self._by_words(question, jobs):
            return worded
        if labelled:
            return RoleList(labelled, Match.EXACT, "" if excluded else named)
        others = jobs.where(self._labels.matching(lambda pair: not excluded & _labels_of(pair)))
        if excluded and others:
            return RoleList(others, Match.UNSTATED, named)
        return RoleList(self._best_first(question.standalone, jobs), Match.NONE, named)

    def _of_wish(self, question: Question, labelled: Selection) -> RoleList | None:
        """Those of the postings with a label that are also of the work asked for: "remote data analyst"."""
        apart = self.apart(question)
        asked, labels = asked_labels(apart.standalone), label_words(apart.standalone)
        wish = [
            word
            for word in self._wish_of(question, self.places.named_in(apart.text))
            if not labels.issuperset(words(word))
        ]
        found = self._by_facts(wish, labelled) or self._by_discipline(" ".join(wish), labelled)
        if not found:
            return None
        listed = self._best_first(question.standalone, found, wish)
        return RoleList(listed, Match.EXACT, " ".join([*sorted(asked), *wish]))

    def _by_words(self, question: Question, jobs: Selection) -> RoleList | None:
        """Postings whose titles print a label and more just as it was asked for: "shift 3", "remote sensing"."""
        places = self.places.named_in(self.apart(question).text)
        wish = self._wish_of(question, places)
        if label_words(question.standalone).issuperset(word for said in wish for word in words(said)):
            return None
        found = jobs.where(self.titles.where(self.titles.with_phrase(phrase_key(" ".join(wish)))))
        return RoleList(found, Match.EXACT, " ".join(wish)) if found else None

    def _wish_of(self, question: Question, places: Sequence[str]) -> list[str]:
        """The words of a question that say which role, among them all that tell of a title named in full."""
        titles = (self.titles.column.values[n] for n in self.titles.named_in(question.standalone))
        return self.wish(
            question.standalone, places, frozenset(word for title in titles for word in words(title))
        )

    def wish(self, text: str, places: Sequence[str] = (), kept: frozenset[str] = frozenset()) -> list[str]:
        """The words of a question that say which role, in the candidate's spelling.

        `kept`: words that are no words of asking here, though they mostly are ("Open Source Lead").
        """
        _, job_words, open_words = discipline_table()
        drop = job_words | open_words | FILLER | self.places.company_words
        drop |= {word for place in places for word in words(place)}
        known = stop_words()
        drop -= kept - known
        said = re.findall(r"[^\W_]+(?:[-'’.+#&][^\W_]+)*[+#]*", text)
        return [
            word
            for word in said
            if words(word)
            and (is_acronym(word, text) or not all(w in drop or w in known for w in words(word)))
            and not all(w in drop for w in words(word))
        ]

    def _by_label(self, text: str, jobs: Selection) -> Selection | None:
        """Postings with the contract or workplace asked for; None where none is asked for or none is known."""
        wanted = asked_labels(text)
        if not wanted or not len(jobs.where(self._labels.matching(lambda pair: bool(_labels_of(pair))))):
            return None
        excluded = excluded_labels(text)

        def fits(pair: tuple[str, str]) -> bool:
            printed = _labels_of(pair)
            return (
                bool(printed)
                and not excluded & printed
                and (not (wanted - excluded) or bool(wanted & printed))
            )

        return jobs.where(self._labels.matching(fits))

    def _by_facts(self, wish: Sequence[str], jobs: Selection) -> Selection:
        """Postings whose title and facts hold every word of the wish."""
        wanted = {term for word in wish for term in split_terms(word)}
        if not wanted:
            return jobs[:0]
        for term in wanted:
            holding = [column.where(index.mask(term)) for column, index in self._fact_terms]
            jobs = jobs.where(np.logical_or.reduce(holding))
        return jobs

    def _by_title(self, text: str, jobs: Selection) -> Selection:
        """Postings whose titles hold all words of one that the text names in full."""
        titles = self.titles.named_in(text)
        if not jobs.where(self.titles.where(titles)):
            return jobs[:0]
        asked = [self.titles.terms[title] for title in titles]
        # "A Senior Miller or a payroll clerk": what is said beside a title may be another role.
        named = {word for title in titles for word in words(self.titles.column.values[title])}
        beside = [
            word for word in self.wish(text, self.places.named_in(text)) if not named.issuperset(words(word))
        ]
        if len(beside) > 1:
            asked.append(frozenset(term for word in beside for term in split_terms(word)))
        return jobs.where(self.titles.with_terms(asked))

    def _elsewhere(self, text: str, jobs: Selection, inside: Selection) -> Selection:
        """The postings with a title that the text names, where none of those inside a place has its words."""
        titles = self.titles.named_in(text)
        if not titles or inside.where(self.titles.with_terms(self.titles.terms[title] for title in titles)):
            return jobs[:0]
        return jobs.where(self.titles.where(titles))

    def _by_code(self, text: str, jobs: Selection) -> Selection:
        """Postings that print a code the question names, such as a pay class "EC-07"."""
        codes = codes_in(text)
        if not codes:
            return jobs[:0]
        return self._of(
            row for row in jobs.rows.tolist() if any(code_sentence(self.jobs[row], code) for code in codes)
        )

    def _by_discipline(self, wish: str, jobs: Selection) -> Selection:
        """Postings of the discipline the wish names; the one named by the most words decides."""
        groups, _, _ = discipline_table()
        named = disciplines(wish)
        for length in sorted(set(named.values()), reverse=True):
            phrases = (
                phrase for number, size in named.items() if size == length for phrase in groups[number]
            )
            titles = {title for phrase in phrases for title in self.titles.with_phrase(phrase)}
            if found := jobs.where(self.titles.where(titles)):
                return found
        return jobs[:0]

    def _by_title_word(self, wish: Sequence[str], jobs: Selection) -> Selection:
        """Postings whose title or department holds a telling word of the wish."""
        wanted = {t for word in wish for t in split_terms(word)} - COMMON_TITLE_WORDS
        found = np.zeros(len(self.jobs), dtype=np.bool_)
        for column, index in self._fact_terms[:2]:
            for term in wanted:
                found |= column.where(index.mask(term))
        return jobs.where(found)

    def _by_meaning(self, question: Question, jobs: Selection) -> Selection:
        """At most three postings whose title or text comes nearest to the question."""
        if not jobs:
            return jobs
        # The store has a vector for each title of its own postings; those gone come after them.
        titles = np.full(len(self.titles.terms), -1.0, dtype=np.float32)
        known = self.store.title_scores(question.vector)
        titles[: len(known)] = known
        by_title = titles[self.titles.column.code[jobs.rows]]
        near = np.argsort(-by_title, kind="stable")[:LOOKED_AT]
        scores = []
        for number in sorted(near.tolist()):
            rows = self.rows.get(jobs[number].id, [])[:12]
            text = float((self.store.passage_matrix(rows) @ question.vector).max()) if rows else 0.0
            scores.append((-0.5 * float(by_title[number]) - 0.5 * text, number))
        return Selection(self.jobs, jobs.rows[[number for _, number in sorted(scores)[:3]]])

    # --- facts ---------------------------------------------------------------------------------------

    def unverified(self, job: JobPosting, question: Question) -> tuple[str, ...]:
        """The posting's unverified labels, where the question asks for what such a label would say."""
        if not job.labels:
            return ()
        kinds = asked_kinds(self.apart(question).standalone)
        told = {kind for kind in kinds if getattr(job, kind.value)}
        return job.labels if kinds - told else ()


@lru_cache(maxsize=4096)
def _labels_of(stated: tuple[str, str]) -> frozenset[str]:
    """The contract and workplace a posting states, in their canonical spelling."""
    parts = re.split(r"[,/·|]\s*", ",".join(stated))
    return frozenset(value for part in parts for value in canonical(part).split(" / ") if value)


def code_sentence(job: JobPosting, code: str) -> str:
    """The sentence of the posting that prints the code, or ""."""
    pattern = re.compile(rf"\b{re.escape(code)}\b", re.IGNORECASE)
    if not pattern.search(job.description):
        return ""
    return next((s for s in sentences(job.description) if pattern.search(s)), "")


# Words that say little of a role, but of which a question may be: "do I need experience as a miller?"
_SAYS_MORE = frozenset(
    "experience experienced background skilled team unit group department level person candidates applicants years".split()
)


def _gone(store: Store) -> list[JobPosting]:
    """Postings that their board does not list any more, with ids that no other posting has."""
    taken = set(store.job)
    return [replace(job, id=unique(job.id, taken)) for job in store.gone]
