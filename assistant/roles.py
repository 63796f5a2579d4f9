"""Questions about roles, answered from the posting records by code and never from the nearest passages."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache, reduce
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from assistant.postings import Column, ManyColumn, Selection, TermIndex
from assistant.questions import Question
from assistant.topics import folded
from knowledge.documents import JobPosting, Status
from knowledge.labels import LabelKind, canonical, classify, is_label
from knowledge.places import PlaceTable, find_places
from knowledge.sentences import plain, sentences, stem, terms, words
from knowledge.store import Store
from knowledge.wording import unique

if TYPE_CHECKING:
    from numpy.typing import NDArray

DISCIPLINES = Path(__file__).with_name("disciplines.toml")


SYNONYM = 0.52
"""What another word for a title's word counts, against the word itself."""


WHOLE = 0.99
"""Share of a title's words from which on all of them are said."""

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


# --- what the question asks of a role --------------------------------------------------------------

_FIELD_PATTERNS = {
    "apply": r"\b(apply|applying|application form|submit|hand in|send (in )?(my|a|an|the)? ?(cv|resume|application|portfolio)"
    r"|postuler|candidature|bewerben|bewerbung|solicitar|postular|להגיש|подати)\b",
    "closes": r"\b(deadline|closing date|close[sd]?|last day to|last day|until when|by when|apply by|date limite|frist|"
    r"bewerbungsfrist|bewerbungsschluss|fecha limite|plazo)\b",
    "workplace_type": r"\b(remote|remotely|hybrid|on ?site|from home|home ?office|teletravail|a distance|teletrabajo|"
    r"in the office|presencial|vor ort)\b",
    "employment_type": r"\b(full ?time|part ?time|permanent|temporary|temp|fixed term|contract type|type of contract|"
    r"internship|intern|student job|freelance|casual|term|indeterminate|temps (plein|partiel)|cdi|cdd|vollzeit|"
    r"teilzeit|befristet|unbefristet|werkstudent|praktikum|jornada|indefinido|temporal)\b",
    "level": r"\b(entry ?level|junior|people manager|manage people|seniority|berufseinsteiger|debutant)\b",
    "salary": r"\b(how much (do|does|would|will|can|could|is|are) .{0,40}\b(offer|make|get|pay|earn)|salary|pay|paid|earn|wage|compensation|salaire|remuneration|gehalt|verdien\w*|lohn|salario|sueldo)\b",
    "locations": r"\b(where|location|located|based|which (city|cities|office|town|country)|what (city|office|town)|"
    r"ou (est|se|sera)|lieu|wo|standort|donde|ubicacion|איפה|היכן|де)\b",
    "department": r"\b(which|what|quelle?s?|welche[sr]?|que) (team|department|unit|group|division|area|equipe|unite|"
    r"service|abteilung|bereich|equipo|departamento)\b",
}
_FIELDS = {name: re.compile(pattern) for name, pattern in _FIELD_PATTERNS.items()}

_NOUNS = (
    r"(jobs?|roles?|positions?|openings?|vacanc(y|ies)|postings?|opportunit(y|ies)|listings?|careers?|internships?|"
    r"placements?|apprenticeships?|postes?|emplois?|offres?|stages?|stellen?|stellenangebote?|jobangebote?|vakanz(en)?|"
    r"praktik(a|um)|ausbildungsplatze?|puestos?|vacantes?|empleos?|ofertas?|practicas|משרות|משרה|תפקידים|вакансі[їяій]+|посади?)"
)
_SEVERAL_NOUNS = r"(jobs|roles|positions|openings|vacancies|opportunities|emplois|postes|stellen|jobangebote|empleos|puestos)"
_LABELLED = frozenset(kind.value for kind in LabelKind)
_LISTING = re.compile(
    rf"\b(any|more|other|all|list|show|available|current|currently|every|find|see|open|other|avez|y a t il|cherchez|"
    rf"recherchez|recrutez|embauchez|existe|gibt es|habt ihr|sucht|haben sie|suchen|offene[nrs]?|freie[nrs]?|hay|tienen|"
    rf"ouverts?|ouvertes?|abiert[oa]s|buscan|buscais|got|have|are there|is there|interested in|looking for|searching for|"
    rf"searching|aucun|יש|є|шукаєте)\b.{{0,60}}\b{_NOUNS}\b"
    rf"|\b{_NOUNS}\b.{{0,40}}\b(open|available|going|free|vacant|do you have|have you got|are there|offer|listed|right now|"
    rf"at the moment|currently|ouverts?|ouvertes?|disponibles?|offen|frei|verfugbar|abiert[oa]s|hay|avez vous|habt ihr|"
    rf"פתוחות|відкриті|suit|fit|match)\b"
    rf"|\b(what|which|quel(le)?s?|welche[rsn]?|que|cuales|אילו|які)\b.{{0,30}}\b{_NOUNS}\b(?!.{{0,30}}\b(ask|require|need|"
    rf"involve|pay|demand|entail)s?\b)"
)
_HIRING = re.compile(
    r"\b(are|r|is) (you|u|you guys|they|(the |your )?(company|team)) (\w+ ){0,2}(hiring|recruiting|looking for|searching for|seeking|in need of)\b|"
    r"\b(do|does) (you|u|they|(the |your )?(company|team)) (currently |still |also |even |ever )?"
    r"(hire|recruit|need|want|seek|look for|search for|employ) (any|an?|more|new|another)\b|"
    r"\b(still|currently) (hiring|recruiting|looking for)\b|\bhiring (for|any|right now|at the moment|now)\b|"
    r"\bwhat (else )?can i apply (for|to)\b|"
    r"\b(cherchez|recherchez|recrutez|embauchez) vous\b|\b(sucht ihr|suchen sie|stellt ihr ein)\b|\b(buscan|buscais|contratan)\b"
)
_SUITS = re.compile(
    r"\b(suit|suits|fit|fits|for me|for my|for someone|for people|handy|match|matches|relevant|use someone|need someone"
    r"|pour moi|fur mich|para mi)\b"
)
_OPEN_ASK = re.compile(
    r"\bwhat( s| is| do you have| have you got| would| could| else)? (there|for me|you have|suits?|fits?)\b|"
    r"\b(which|something|anything|any|quoi|gibt( es|s) was|etwas|que|algo)\b"
)
_ANYTHING_FOR = re.compile(
    r"\b(anything|something|any ?one|stuff|quelque chose|etwas|gibt( es|s) was|algo)\b.{0,30}\b(for|in|as|around|open|with|pour|en|"
    r"comme|fur|als|im|para|como|de)\b"
)
_UNITS = r"(years?|months?|weeks?|days?|hours?|rounds?|interviews?|people|applicants?|candidates?|jahre|tage|ans|jours|anos|dias)"
_COUNTING = re.compile(
    rf"\b(how many|number of|total (number )?of|combien de|wie viele|cuant[oa]s?|כמה|скільки)\b"
    rf"( (?!{_UNITS}\b)\S+){{0,3}} {_NOUNS}"
    r"|\b(how many|combien|wie viele|cuant[oa]s) (of them )?(are|do you have|have you got|sind|hay|sont)\b"
)
_WHICH_ONES = re.compile(
    r"\bwhich( (one|ones|of them|of these|of those))?\b.{0,20}\b(can|could|are|is|would|have)\b|"
    r"\b(anything|something|any of them)\b"
)
# Somebody's own job, or one spoken of before, is no wish to see a list.
_OWN_JOB = re.compile(
    r"\b(my|his|her|their|your|our|that|this|the|same|first|last|full|second|side|day|dream)"
    r" (current |present |previous |former |old |last |new |next |own |main )?(job|role|position|post|career|stage|listing)\b"
    r"|\b(job|role|position|career) (titles?|descriptions?|offers?|security|markets?|satisfaction|interviews?|shar\w+|paths?|"
    r"ladders?|levels?|growth|disappears?)\b"
)
_ROLE_TOPICS = frozenset(
    "open-positions internships entry-level what-we-look-for part-time remote-work hybrid contract-type office-location "
    "experience degree talent-pool multiple-applications hiring-countries shifts-weekends on-call team-size tech-stack "
    "language-requirement how-to-apply".split()
)
"""Topics on which somebody may still be asking which roles there are."""

_PROCEDURE = re.compile(r"\b(process|steps?|how (do|does|are|is|you)|what do you)\b")
_PROCESS = re.compile(
    rf"\b(how many {_UNITS}|process|steps?|stages?|rounds?|interviews?|how (do|does|is|are|long|you|to)|processus|etapes|ablauf|proceso|"
    r"tell me about|que (fait|font|hace|hacen)|was (macht|machen)|what (does|do|would|is the|are the|will)|who (is|s|would|will)|requirements?|qualif\w+)\b"
)


@lru_cache(maxsize=1)
def _discipline_table() -> tuple[list[tuple[str, ...]], frozenset[str], frozenset[str]]:
    data = tomllib.loads(DISCIPLINES.read_text(encoding="utf-8"))
    groups = [tuple(dict.fromkeys(_key(phrase) for phrase in group)) for group in data["disciplines"]]
    return groups, frozenset(map(plain, data["job_words"])), frozenset(map(plain, data["open_words"]))


def _key(phrase: str) -> str:
    """A phrase as stems between spaces, plural folded, for finding it in a text."""
    return f" {' '.join(_base(word) for word in words(phrase.replace('-', ' ')))} "


@lru_cache(maxsize=8192)
def _base(word: str) -> str:
    """A word's stem where it is English, its singular otherwise: titles mix languages."""
    return stem(word, "en")


def disciplines(text: str) -> dict[int, int]:
    """The disciplines a text names, each with the number of words by which it is named."""
    groups, _, _ = _discipline_table()
    key = _key(text)
    return {
        number: max(phrase.count(" ") - 1 for phrase in group if phrase in key)
        for number, group in enumerate(groups)
        if any(phrase in key for phrase in group)
    }


class RoleBook:
    """The postings of one store version, ready to be asked about."""

    def __init__(self, store: Store, company_words: Iterable[str] = ()) -> None:
        """`company_words`: words that name the company and so say nothing about a role."""
        self.store = store
        self.jobs = [*store.jobs, *_gone(store)]
        self.row = {job.id: row for row, job in enumerate(self.jobs)}
        self.titles = Column(job.title for job in self.jobs)
        self.title_terms = [frozenset(_split_terms(title)) for title in self.titles.values]
        self._title_keys = [_key(title) for title in self.titles.values]
        self._title_index = TermIndex(self.title_terms)
        self.locations = ManyColumn(job.locations for job in self.jobs)
        located = {word for line in self.locations.values for word in words(line)}
        self.company_words = frozenset(company_words) - located
        self._places = PlaceTable(self.locations.values)
        self._towns, self._town_lines = self._towns_written()
        self._labels = Column((job.employment_type, job.workplace_type) for job in self.jobs)
        departments = Column(job.department for job in self.jobs)
        facts = Column((job.employment_type, job.level, job.workplace_type) for job in self.jobs)
        self._fact_terms: list[tuple[Column | ManyColumn, TermIndex]] = [
            (self.titles, self._title_index),
            *((column, _terms_of(column.values)) for column in (departments, facts, self.locations)),
        ]
        status = Column(job.status for job in self.jobs)
        everything = Selection(self.jobs, np.arange(len(self.jobs)))
        self.open = everything.where(status.matching(lambda value: value is Status.OPEN))
        self.closed = everything.where(status.matching(lambda value: value is Status.CLOSED))
        self.language = Column(job.language for job in self.jobs)
        counts = np.bincount(self.titles.code, minlength=len(self.titles.values))
        total = max(len(self.jobs), 1)
        self.weight = {
            term: 1 + float(np.log(total / counts[self._title_index.holding(term)].sum()))
            for term in self._title_index
        }
        self._total = np.array([sum(map(self.weight.__getitem__, held)) for held in self.title_terms])
        self.rows: dict[str, list[int]] = {}
        for row, passage in enumerate(store.passages):
            if passage.job_id in self.row:
                self.rows.setdefault(passage.job_id, []).append(row)
        self._named = lru_cache(maxsize=16)(self._naming_of_titles)
        self._titles_said = lru_cache(maxsize=16)(self._titles_within)
        self._spoken = lru_cache(maxsize=16)(self._in_language)

    def _towns_written(self) -> tuple[dict[str, str], dict[str, list[int]]]:
        """Towns of the postings by their plain words: each as it is mostly written, and the lines that name it."""
        written: dict[str, Counter[str]] = {}
        lines: dict[str, list[int]] = {}
        for number, line in enumerate(self.locations.values):
            # "IN United States" is a place in Indiana: the letters before it are no part of the name.
            for town in re.split(r"\s*(?:,| [-–|/] |[()])\s*(?:[A-Z]{2} )?", line.strip()):
                if len(town) > 3 and classify(town) is None and (key := _place_key(town)):
                    written.setdefault(key, Counter())[town] += 1
                    lines.setdefault(key, []).append(number)
        return {key: max(sorted(found), key=found.__getitem__) for key, found in written.items()}, lines

    def _inside(self, place: str) -> NDArray[np.bool_]:
        """Of shape (postings,): those in a place, be it one that no gazetteer knows."""
        lines = self._places.within(place)
        lines[self._town_lines.get(" ".join(words(place)), [])] = True
        return self.locations.where(lines)

    # --- which role is meant ----------------------------------------------------------------------

    def in_language(self, jobs: Selection, language: str) -> Selection:
        """The postings in the candidate's language, or one of each pair where there are none."""
        return self._spoken(jobs, language)

    def with_named(self, text: str, jobs: Selection, beside: Selection) -> Selection:
        """The postings, and those of `beside` whose title the text names although it is in another language."""
        titles = self.titles_in(text, least=1)
        if not titles:
            return jobs
        spoken = {self.jobs[row].translation_key for row in jobs.rows.tolist()}
        named = beside.where(np.isin(self.titles.code, titles))
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
        codes = self.titles.code[selected.rows]
        return [selected[int(n)] for title in self.titles_in(text) for n in np.flatnonzero(codes == title)]

    def titles_in(self, text: str, least: int = 2) -> list[int]:
        """Numbers of the titles, of `least` words and more, that stand in the text; the longest first.

        Of "Senior Miller" and "Miller" in the same words only the longer one is meant.
        """
        least = min(least, len(words(text)))  # "Dishwasher?" can only be the title
        return [title for title in self._titles_said(text) if self._title_keys[title].count(" ") > least]

    def _titles_within(self, text: str) -> list[int]:
        said = _key(text)
        near = np.flatnonzero(self._named(text) > WHOLE).tolist()
        found = [n for n in near if self._title_keys[n] in said and self._tells(self.titles.values[n])]
        keys = sorted({self._title_keys[n] for n in found}, key=len, reverse=True)
        for key in keys:
            if key in said:  # the spaces stay: two titles may share one
                said = said.replace(key, "  ")
            else:
                found = [n for n in found if self._title_keys[n] != key]
        # The stems of "Product Manager" are those of "Production Manager" too.
        plainly = _spelled(text)
        exact = {self._title_keys[n] for n in found if _spelled(self.titles.values[n]) in plainly}
        found = [
            n for n in found if self._title_keys[n] not in exact or _spelled(self.titles.values[n]) in plainly
        ]
        return sorted(found, key=lambda n: -len(self._title_keys[n]))

    def _tells(self, title: str) -> bool:
        """Whether a title names a kind of work, which "Open Position", "Remote Work" and "Jobs in Opava" do not."""
        return not is_label(title) and bool(self._wish_beside_labels(title, self.places(title)))

    def _wish_beside_labels(self, text: str, places: Sequence[str]) -> list[str]:
        labels = label_words(text)
        return [word for word in self.wish(text, places) if not labels.issuperset(words(word))]

    def apart(self, question: Question) -> Question:
        """The question with the word "opening" for each title it names in full: what is asked of the role.

        The words of a title are no label, place or fact that is asked for: "Clerk (Remote, Opava)".
        """
        titles = self.titles_in(question.standalone)
        if not titles:
            return question
        keys = [self._title_keys[title].split() for title in titles]
        standalone, text = (
            _exchanged(said, keys, "opening") for said in (question.standalone, question.text)
        )
        return replace(question, standalone=standalone, text=text)

    def asks_for_nothing_else(self, question: Question) -> bool:
        """Whether a question names a title in full and, beside words of asking, places and labels, no more."""
        apart = self.apart(question)
        if apart is question or _SAYS_MORE.intersection(words(apart.standalone)):
            return False
        return not self._wish_beside_labels(apart.standalone, self.places(apart.text))

    def asks_for_title(self, question: Question) -> bool:
        """Whether a question wants to know of the openings with a title: "is the oat miller taken?", "oat miller"."""
        if not self.asks_for_nothing_else(question):
            return False
        apart = self.apart(question)
        said = folded(apart.standalone)
        if asks_for_list(apart):
            return True
        return not (fields_asked(said) or _PROCESS.search(said) or _ASKS_HOW.search(said))

    def with_title_of(self, job: JobPosting, jobs: Sequence[JobPosting]) -> bool:
        """Whether the title of one of `jobs` has all words of that of `job`: "Senior Miller" those of "Miller"."""
        title = self.title_terms[self.titles.code[self.row[job.id]]]
        return any(
            title <= self.title_terms[n] for n in set(self.titles.code[self.select(jobs).rows].tolist())
        )

    def naming(self, text: str, job: JobPosting) -> float:
        """How well the text names the posting, from 0 to 1."""
        return float(self._named(text)[self.titles.code[self.row[job.id]]])

    def naming_all(self, text: str, jobs: Sequence[JobPosting]) -> NDArray[np.float64]:
        """How well the text names each of the postings, of shape (len(jobs),)."""
        return self._named(text)[self.titles.code[self.select(jobs).rows]]

    def _naming_of_titles(self, text: str) -> NDArray[np.float64]:
        """Share of each title's words, weighted by rarity among titles, that the text holds."""
        said = {*_split_terms(text), *(_base(word) for word in words(text.replace("-", " ")))}
        scores: NDArray[np.float64] = np.zeros(len(self.title_terms))
        for term in sorted(said | set(_initials(text))):
            scores[self._title_index.holding(term)] += self.weight.get(term, 0.0)
        # Another word for it is weaker than the title's own words, where another title has those.
        for term, numbers in sorted(self._synonyms(text).items()):
            if term not in said:
                scores[list(numbers)] += SYNONYM * self.weight[term]
        scores /= np.maximum(self._total, SYNONYM)
        return scores

    def _synonyms(self, text: str) -> dict[str, set[int]]:
        """Words of titles that belong to a discipline which the text names by another word."""
        groups, _, _ = _discipline_table()
        said = _key(text)
        found: dict[str, set[int]] = {}
        for group in groups:
            if any(phrase in said for phrase in group):
                for phrase in group:
                    for number in self._titles_with(phrase):
                        for term in self.title_terms[number].intersection(phrase.split()):
                            found.setdefault(term, set()).add(number)
        return found

    def _titles_with(self, phrase: str) -> list[int]:
        """Numbers of the titles that hold a phrase, given as a key."""
        parts = [part for part in phrase.split() if part in self._title_index]
        if not parts:
            return []
        holding = reduce(np.intersect1d, map(self._title_index.holding, parts)).tolist()
        # A single word is one that the title holds; of several, the order counts.
        if phrase.count(" ") == 2:
            return cast("list[int]", holding)
        return [number for number in holding if phrase in self._title_keys[number]]

    # --- which roles a candidate is after ------------------------------------------------------------

    def wanted(self, question: Question, jobs: Sequence[JobPosting]) -> RoleList:
        """The roles of `jobs` that fit what the question is after, or what comes nearest."""
        selected = self.select(jobs)
        apart = self.apart(question)
        places = self.places(apart.text)
        remaining = selected
        if places:
            remaining = selected.where(np.logical_or.reduce([self._inside(place) for place in places]))
            if not remaining and any(job.locations for job in selected):
                listed = self._best_first(question.standalone, selected)
                return RoleList(listed, Match.NONE, ", ".join(places))
            remaining = remaining or selected
            if elsewhere := self._elsewhere(question.standalone, selected, remaining):
                shown = ", ".join([self.titles.values[self.titles_in(question.standalone)[0]], *places])
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
        codes = self.titles.code[jobs.rows]
        held: NDArray[np.float64] = np.zeros(len(self.title_terms))
        for term in () if all_held else sorted({term for word in wish for term in _split_terms(word)}):
            held[self._title_index.holding(term)] += self.weight.get(term, 0.0)
        whole = self.naming_all(text, jobs) > WHOLE
        in_a_row = np.isin(codes, self._titles_with(_key(" ".join(wish))))
        in_full = np.isin(codes, self.titles_in(text))
        order = np.lexsort((~whole, -held[codes], ~in_a_row, ~in_full))
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
            for word in self._wish_of(question, self.places(apart.text))
            if not labels.issuperset(words(word))
        ]
        found = self._by_facts(wish, labelled) or self._by_discipline(" ".join(wish), labelled)
        if not found:
            return None
        listed = self._best_first(question.standalone, found, wish)
        return RoleList(listed, Match.EXACT, " ".join([*sorted(asked), *wish]))

    def _by_words(self, question: Question, jobs: Selection) -> RoleList | None:
        """Postings whose titles print a label and more just as it was asked for: "shift 3", "remote sensing"."""
        places = self.places(self.apart(question).text)
        wish = self._wish_of(question, places)
        if label_words(question.standalone).issuperset(word for said in wish for word in words(said)):
            return None
        found = jobs.where(np.isin(self.titles.code, self._titles_with(_key(" ".join(wish)))))
        return RoleList(found, Match.EXACT, " ".join(wish)) if found else None

    def places(self, text: str) -> list[str]:
        """The places a text names, those of the postings among them however small or unaccented."""
        said = words(text)
        longest = max((key.count(" ") + 1 for key in self._towns), default=0) if said else 0
        own: list[str] = []
        start = 0
        while start < len(said):
            sizes = range(min(longest, len(said) - start), 0, -1)
            size = next((n for n in sizes if " ".join(said[start : start + n]) in self._towns), 0)
            if size:
                own.append(self._towns[" ".join(said[start : start + size])])
            start += size or 1
        found = [place for place in find_places(text) if plain(place) not in self.company_words]
        own = [town for town in dict.fromkeys(own) if not any(_is_part(town, place) for place in found)]
        # "Ottawa Lake" is a town of its own, and not in Ottawa.
        covered = [set(words(town)) for town in own]
        rest = [place for place in found if not any(set(words(place)) <= names for names in covered)]
        return [*sorted(own), *rest]

    def _wish_of(self, question: Question, places: Sequence[str]) -> list[str]:
        """The words of a question that say which role, among them all that tell of a title named in full."""
        titles = (self.titles.values[n] for n in self.titles_in(question.standalone))
        return self.wish(
            question.standalone, places, frozenset(word for title in titles for word in words(title))
        )

    def wish(self, text: str, places: Sequence[str] = (), kept: frozenset[str] = frozenset()) -> list[str]:
        """The words of a question that say which role, in the candidate's spelling.

        `kept`: words that are no words of asking here, though they mostly are ("Open Source Lead").
        """
        _, job_words, open_words = _discipline_table()
        drop = job_words | open_words | _FILLER | self.company_words
        drop |= {word for place in places for word in words(place)}
        known = _stop()
        drop -= kept - known
        said = re.findall(r"[^\W_]+(?:[-'’.+#&][^\W_]+)*[+#]*", text)
        return [
            word
            for word in said
            if words(word)
            and (_is_acronym(word, text) or not all(w in drop or w in known for w in words(word)))
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
        wanted = {term for word in wish for term in _split_terms(word)}
        if not wanted:
            return jobs[:0]
        for term in wanted:
            holding = [column.where(index.mask(term)) for column, index in self._fact_terms]
            jobs = jobs.where(np.logical_or.reduce(holding))
        return jobs

    def _by_title(self, text: str, jobs: Selection) -> Selection:
        """Postings whose titles hold all words of one that the text names in full."""
        titles = self.titles_in(text)
        if not jobs.where(np.isin(self.titles.code, titles)):
            return jobs[:0]
        asked = [self.title_terms[title] for title in titles]
        # "A Senior Miller or a payroll clerk": what is said beside a title may be another role.
        named = {word for title in titles for word in words(self.titles.values[title])}
        beside = [word for word in self.wish(text, self.places(text)) if not named.issuperset(words(word))]
        if len(beside) > 1:
            asked.append(frozenset(term for word in beside for term in _split_terms(word)))
        return jobs.where(self._holding(asked))

    def _elsewhere(self, text: str, jobs: Selection, inside: Selection) -> Selection:
        """The postings with a title that the text names, where none of those inside a place has its words."""
        titles = self.titles_in(text)
        if not titles or inside.where(self._holding(self.title_terms[title] for title in titles)):
            return jobs[:0]
        return jobs.where(np.isin(self.titles.code, titles))

    def _holding(self, asked: Iterable[frozenset[str]]) -> NDArray[np.bool_]:
        """Of shape (postings,): those whose title holds all terms of one of `asked`."""
        every = (
            np.logical_and.reduce([self._title_index.mask(term) for term in held]) for held in asked if held
        )
        return self.titles.where(np.logical_or.reduce(list(every)))

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
        groups, _, _ = _discipline_table()
        named = disciplines(wish)
        for length in sorted(set(named.values()), reverse=True):
            titles = np.zeros(len(self.title_terms), dtype=np.bool_)
            for number in (number for number, size in named.items() if size == length):
                for phrase in groups[number]:
                    titles[self._titles_with(phrase)] = True
            if found := jobs.where(self.titles.where(titles)):
                return found
        return jobs[:0]

    def _by_title_word(self, wish: Sequence[str], jobs: Selection) -> Selection:
        """Postings whose title or department holds a telling word of the wish."""
        wanted = {t for word in wish for t in _split_terms(word)} - _COMMON_TITLE_WORDS
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
        titles = np.full(len(self.title_terms), -1.0, dtype=np.float32)
        known = self.store.title_scores(question.vector)
        titles[: len(known)] = known
        by_title = titles[self.titles.code[jobs.rows]]
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


def asked_kinds(text: str) -> set[LabelKind]:
    """The kinds of label a question asks about: contract, level or workplace."""
    found = {kind for kind in LabelKind if kind.value in _FIELDS and _FIELDS[kind.value].search(folded(text))}
    said = words(text.replace("-", " "))
    for size in (3, 2, 1):
        for start in range(len(said) - size + 1):
            kind = classify(" ".join(said[start : start + size]))
            # "Senior" and "lead" stand in titles: as single words they do not ask for a label.
            if kind and not (kind is LabelKind.LEVEL and size == 1):
                found.add(kind)
    return found


_NOT = re.compile(r"\b(not|aren t|isn t|other than|except|besides|nicht|kein|keine|pas|no son)\b")
_SAID_OTHERWISE = {
    "Remote": re.compile(
        r"\bremotely\b|\bfrom (my |the |your )?(own )?(home|house|kitchen|sofa|couch|living room|bedroom)\b|"
        r"\b(von zu hause|chez moi|desde casa)\b"
    ),
    "Part time": re.compile(r"\b(fewer|reduced|less) hours\b|\bhalf days?\b"),
}


def asked_labels(text: str) -> set[str]:
    """The contract and workplace labels a question names, in their canonical spelling."""
    plainly = folded(text)
    found = {label for label, pattern in _SAID_OTHERWISE.items() if pattern.search(plainly)}
    return found | {canonical(said) for said in _labels_said(text)}


def label_words(text: str) -> frozenset[str]:
    """The words, plain, by which a text names a contract or workplace; not the number of a shift."""
    return frozenset(word for said in _labels_said(text) for word in said.split() if not word.isdigit())


def _labels_said(text: str) -> Iterator[str]:
    said = words(text.replace("-", " "))
    for size in (3, 2, 1):
        for start in range(len(said) - size + 1):
            phrase_ = " ".join(said[start : start + size])
            if classify(phrase_) in (LabelKind.CONTRACT, LabelKind.WORKPLACE):
                yield phrase_


def excluded_labels(text: str) -> set[str]:
    """The labels a question does not want: "which are not full time?"."""
    denied = _NOT.search(folded(text))
    return asked_labels(folded(text)[denied.end() :]) if denied else set()


@lru_cache(maxsize=4096)
def _labels_of(stated: tuple[str, str]) -> frozenset[str]:
    """The contract and workplace a posting states, in their canonical spelling."""
    parts = re.split(r"[,/·|]\s*", ",".join(stated))
    return frozenset(value for part in parts for value in canonical(part).split(" / ") if value)


def fields_asked(text: str) -> list[str]:
    """The fields of a posting a question asks for, in the order in which they are tried."""
    said = folded(text)
    return [name for name, pattern in _FIELDS.items() if pattern.search(said)]


def codes_in(text: str) -> list[str]:
    """Codes such as a pay class "EC-07" that a text names."""
    return re.findall(r"\b[A-Za-z]{1,5}-?\d{1,3}\b", text)


def code_sentence(job: JobPosting, code: str) -> str:
    """The sentence of the posting that prints the code, or ""."""
    pattern = re.compile(rf"\b{re.escape(code)}\b", re.IGNORECASE)
    if not pattern.search(job.description):
        return ""
    return next((s for s in sentences(job.description) if pattern.search(s)), "")


def asks_for_list(question: Question) -> bool:
    """Whether a question wants to know which roles there are."""
    return asks_plainly(question) or _asks_in_passing(question)


def asks_plainly(question: Question) -> bool:
    """Whether it says so with a word for roles or hiring, wherever it is asked."""
    said = _OWN_JOB.sub(" ", folded(question.standalone))
    if _HIRING.search(said) and not _PROCEDURE.search(said):
        return True
    if not re.search(rf"\b{_NOUNS}\b", said):
        return False
    if _COUNTING.search(said):
        return True
    return bool(_LISTING.search(said) and not _PROCESS.search(said) and not _on_another_topic(question, 0.75))


def _on_another_topic(question: Question, least: float) -> bool:
    """Whether it is clearly about something else: "is there anything for my dog?", "what role does AI play?"."""
    if not question.topics:
        return False
    topic, likeness = question.topics[0]
    return likeness >= least and topic.id not in _ROLE_TOPICS


def _asks_in_passing(question: Question) -> bool:
    """Whether it may say so with few words: "anything in Gdynia?", "which ones are part time?"."""
    said = _OWN_JOB.sub(" ", folded(question.standalone))
    nouns = bool(re.search(rf"\b{_NOUNS}\b", said))
    places = find_places(question.text)
    labels = asked_labels(question.standalone)
    if not nouns and _on_another_topic(question, 0.6):
        return False
    short = len(terms(question.standalone, question.language)) <= 6
    about = nouns or places or labels or disciplines(question.standalone) or _SUITS.search(said)
    if short and about and _ANYTHING_FOR.search(said):
        return True
    if short and labels and _WHICH_ONES.search(said):
        return True
    if _SUITS.search(said) and _OPEN_ASK.search(said):
        return not fields_asked(question.standalone) and not re.search(
            r"\b(what|which) (is|are|does)\b(?! there)", said
        )
    if re.search(r"\b(any|is there|got) work\b", said):
        return True
    # "devops jobs?", "remote devops jobs?": a noun, a kind of work, and nothing else.
    if not nouns or len(words(said)) > 5 or _PROCESS.search(said):
        return False
    fields = set(fields_asked(said))
    return not fields or bool(
        labels and fields <= _LABELLED and re.search(rf"^(?!are\b).*\b{_SEVERAL_NOUNS}$", said)
    )


def asks_for_count(question: Question) -> bool:
    """Whether a question wants to know how many roles there are."""
    said = folded(question.text)
    return bool(
        _COUNTING.search(said)
        or (re.search(r"\b(how many|number of|total)\b", said) and asks_plainly(question))
    )


def same_label(word: str, labels: Iterable[str]) -> bool:
    """Whether one of `labels` is the label that `word` names."""
    return canonical(word) in {canonical(label) for label in labels}


# --- words of titles --------------------------------------------------------------------------------

_COMMON_TITLE_WORDS = frozenset(
    stem(word)
    for word in "senior junior lead principal staff head manager specialist associate officer expert professional "
    "team experience skills level member job role new i".split()
)
_FILLER = frozenset(
    """open even currently moment now right today page site list please interested interest suit suits fit fits kind type
    level someone come comes came could would might thing things handy worked working love making good know learn
    candidate candidates company team unit group department offer offers different exactly total else still apply
    there hear see show find got sit sits belong part based located me my mine you your guys background experience
    experienced skilled person professional number count many total altogether overall fully vacancies gerade frei freie
    remotely send something ici actuellement moment equipe unite quelque chose suis aktuell momentan
    hello hi hey thanks thank saw seen ad advert advertised heard happen been encore toujours noch todavia aun zurzeit derzeit bei euch ihnen ahora mismo actualmente want take new many years""".split()
)


@lru_cache(maxsize=1)
def _stop() -> frozenset[str]:
    from knowledge.sentences import STOP_WORDS  # noqa: PLC0415

    return frozenset(word for listed in STOP_WORDS.values() for word in plain(listed).split())


def _split_terms(text: str) -> list[str]:
    """The telling words of a title or wish as stems, hyphens opened, stop words of all languages gone.

    A short word in capitals ("IT", "HR") is a name, whatever it means in small letters.
    """
    return [term for token in re.split(r"[\s/-]+", text) for term in _token_terms(token, text.isupper())]


@lru_cache(maxsize=65536)
def _token_terms(token: str, shouted: bool) -> tuple[str, ...]:
    acronym = bool(re.fullmatch(r"\W*[A-Z]{2,4}\W*", token)) and not shouted
    return tuple(_base(word) for word in words(token) if acronym or word not in _stop())


# Words that say little of a role, but of which a question may be: "do I need experience as a miller?"
_SAYS_MORE = frozenset(
    "experience experienced background skilled team unit group department level person candidates applicants years".split()
)
_ASKS_HOW = re.compile(r"^(why|how|what|warum|wie|was|pourquoi|comment|que|por que|como)\b")


def _is_acronym(word: str, text: str) -> bool:
    return bool(re.fullmatch(r"[A-Z]{2,4}", word)) and not text.isupper()


def _initials(text: str) -> Iterator[str]:
    """Initials of neighbouring words, which may be a title: "sre" for site reliability engineer."""
    letters = "".join(word[0] for word in words(text.replace("-", " ")))
    for size in (3, 4, 5):
        for start in range(len(letters) - size + 1):
            yield letters[start : start + size]


def _terms_of(values: Iterable[str | tuple[str, ...]]) -> TermIndex:
    joined = (value if isinstance(value, str) else " ".join(value) for value in values)
    return TermIndex([frozenset(_split_terms(text)) for text in joined])


def _spelled(text: str) -> str:
    """A text's plain words between spaces, as `_key` has its stems."""
    return f" {' '.join(words(text.replace('-', ' ')))} "


def _place_key(town: str) -> str:
    """A town's plain words; "" where they only ask for jobs: a board may print "Open" for a place."""
    _, job_words, open_words = _discipline_table()
    said = words(town)
    return "" if (job_words | open_words).issuperset(said) else " ".join(said)


def _exchanged(text: str, keys: Sequence[Sequence[str]], by: str) -> str:
    """The text with another word for each run of words that has one of the keys, the first keys first."""
    pieces = text.split()
    for key in keys:
        bases = [[_base(word) for word in words(piece.replace("-", " "))] for piece in pieces]
        said = [(base, at) for at, held in enumerate(bases) for base in held]
        for start in range(len(said) - len(key), -1, -1):
            if [base for base, _ in said[start : start + len(key)]] == list(key):
                pieces[said[start][1] : said[start + len(key) - 1][1] + 1] = [by]
                said = said[:start]
    return " ".join(pieces)


def _is_part(town: str, place: str) -> bool:
    """Whether a place that was found in the text is the town and more: "Paris" in "Paris, France"."""
    return "," in place and set(words(town)) < set(words(place))


def _gone(store: Store) -> list[JobPosting]:
    """Postings that their board does not list any more, with ids that no other posting has."""
    taken = set(store.job)
    return [replace(job, id=unique(job.id, taken)) for job in store.gone]
