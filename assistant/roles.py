"""Questions about roles, answered from the posting records by code and never from the nearest passages."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from assistant.questions import Question
from assistant.topics import folded
from knowledge.documents import JobPosting, Status
from knowledge.labels import LabelKind, canonical, classify
from knowledge.places import find_places, within
from knowledge.sentences import plain, sentences, stem, terms, words
from knowledge.store import Store

if TYPE_CHECKING:
    from numpy.typing import NDArray

DISCIPLINES = Path(__file__).with_name("disciplines.toml")


SYNONYM = 0.52
"""What another word for a title's word counts, against the word itself."""


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

    jobs: tuple[JobPosting, ...]
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
    r"\b(are|r|is) (you|u|you guys|they|(the |your )?(company|team)) (\w+ ){0,2}(hiring|recruiting|looking for|searching for)\b|"
    r"\b(do|does) (you|u|they|(the |your )?(company|team)) (currently |still |also |even |ever )?"
    r"(hire|recruit|need|look for|employ) (any|an?|more|new|another)\b|"
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
    r"tell me about|what (does|do|would|is the|are the|will)|who (is|s|would|will)|requirements?|qualif\w+)\b"
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
        located = {word for job in store.jobs for at in job.locations for word in words(at)}
        self.company_words = frozenset(company_words) - located
        self.open = [job for job in store.jobs if job.status is Status.OPEN]
        self.closed = [job for job in store.jobs if job.status is Status.CLOSED]
        self.title_terms = {job.id: _title_terms(job) for job in store.jobs}
        frequency: dict[str, int] = {}
        for listed in self.title_terms.values():
            for term in listed:
                frequency[term] = frequency.get(term, 0) + 1
        total = max(len(store.jobs), 1)
        self.weight = {term: 1 + float(np.log(total / count)) for term, count in frequency.items()}
        self.rows: dict[str, list[int]] = {job.id: [] for job in store.jobs}
        for row, passage in enumerate(store.passages):
            if passage.job_id in self.rows:
                self.rows[passage.job_id].append(row)
        self._facts: dict[str, frozenset[str]] = {}
        self._titles: NDArray[np.float32] | None = None

    # --- which role is meant ----------------------------------------------------------------------

    def in_language(self, jobs: Sequence[JobPosting], language: str) -> list[JobPosting]:
        """The postings in the candidate's language, or one of each pair where there are none."""
        same = [job for job in jobs if job.language == language]
        if same:
            return same
        kept: dict[str, JobPosting] = {}
        for job in sorted(jobs, key=lambda job: job.language != "en"):
            kept.setdefault(job.translation_key or job.id, job)
        return list(kept.values())

    def mentioned(self, text: str, jobs: Sequence[JobPosting], least: float = 0.5) -> list[JobPosting]:
        """The postings whose title the text names, the best named first; those as well named stay."""
        asked = self._asked(text)
        scored = [(self._named(job, asked, text), job) for job in jobs]
        best = max((score for score, _ in scored), default=0.0)
        if best < least:
            return []
        return [job for score, job in sorted(scored, key=lambda pair: -pair[0]) if score > best - 0.12]

    def naming(self, text: str, job: JobPosting) -> float:
        """How well the text names the posting, from 0 to 1."""
        return self._named(job, self._asked(text), text)

    def _asked(self, text: str) -> frozenset[str]:
        found = set(_split_terms(text))
        found |= {_base(word) for word in words(text.replace("-", " "))}
        return frozenset(found)

    def _named(self, job: JobPosting, asked: frozenset[str], text: str) -> float:
        """Share of the title's words, weighted by rarity among titles, that the text holds."""
        title = self.title_terms[job.id]
        total = sum(self.weight[term] for term in title)
        if not total:
            return 0.0
        synonyms = _synonyms_in(job.title, text)
        held = sum(self.weight[t] for t in title if t in asked or _initials(t, text))
        # Another word for it is weaker than the title's own words, where another title has those.
        meant = sum(self.weight[t] for t in title if t in synonyms and t not in asked)
        return (held + SYNONYM * meant) / total

    # --- which roles a candidate is after ------------------------------------------------------------

    def wanted(self, question: Question, jobs: Sequence[JobPosting]) -> RoleList:
        """The roles of `jobs` that fit what the question is after, or what comes nearest."""
        places = self.places(question.text)
        remaining = list(jobs)
        if places:
            remaining = [job for job in jobs if any(within(at, p) for at in job.locations for p in places)]
            if not remaining and any(job.locations for job in jobs):
                return RoleList(tuple(jobs), Match.NONE, ", ".join(places))
            remaining = remaining or list(jobs)
        labelled = self._by_label(question.standalone, remaining)
        if labelled is not None:
            return self._labelled(question, labelled, remaining)
        wish = self.wish(question.standalone, places)
        if not wish:
            return RoleList(tuple(remaining), Match.EXACT if places else Match.ALL, ", ".join(places))
        shown = " ".join([*wish, *places])
        exact = self._by_facts(wish, remaining) or self._by_code(question.text, remaining)
        exact = (
            exact or self._by_discipline(" ".join(wish), remaining) or self._by_title_word(wish, remaining)
        )
        if exact:
            return RoleList(tuple(exact), Match.EXACT, shown)
        nearest = self._by_meaning(question, remaining)
        return RoleList(tuple(nearest), Match.NEAREST, shown)

    def _labelled(
        self, question: Question, labelled: Sequence[JobPosting], jobs: Sequence[JobPosting]
    ) -> RoleList:
        """The postings with the label asked for; without any, those that do not print the one not wanted."""
        named = ", ".join(sorted(asked_labels(question.standalone)))
        excluded = excluded_labels(question.standalone)
        if labelled:
            return RoleList(tuple(labelled), Match.EXACT, "" if excluded else named)
        others = [job for job in jobs if not excluded & _labels_of(job)]
        if excluded and others:
            return RoleList(tuple(others), Match.UNSTATED, named)
        return RoleList(tuple(jobs), Match.NONE, named)

    def places(self, text: str) -> list[str]:
        """The places a text names, those of the postings among them however small or unaccented."""
        said = f" {' '.join(words(text))} "
        towns = {part.strip() for job in self.store.jobs for at in job.locations for part in at.split(",")}
        own = sorted(town for town in towns if len(town) > 3 and f" {' '.join(words(town))} " in said)
        found = [place for place in find_places(text) if plain(place) not in self.company_words]
        known = {plain(town) for town in own}
        return [*own, *(place for place in found if plain(place) not in known)]

    def wish(self, text: str, places: Sequence[str] = ()) -> list[str]:
        """The words of a question that say which role, in the candidate's spelling."""
        _, job_words, open_words = _discipline_table()
        drop = job_words | open_words | _FILLER | self.company_words
        drop |= {word for place in places for word in words(place)}
        known = _stop()
        said = re.findall(r"[^\W_]+(?:[-'’.+#&][^\W_]+)*[+#]*", text)
        return [
            word
            for word in said
            if words(word)
            and (_is_acronym(word, text) or not all(w in drop or w in known for w in words(word)))
            and not all(w in drop for w in words(word))
        ]

    def _by_label(self, text: str, jobs: Sequence[JobPosting]) -> list[JobPosting] | None:
        """Postings with the contract or workplace asked for; None where none is asked for or none is known."""
        wanted = asked_labels(text)
        printed = {job.id: _labels_of(job) for job in jobs}
        if not wanted or not any(printed.values()):
            return None
        excluded = excluded_labels(text)
        return [
            job
            for job in jobs
            if printed[job.id]
            and not excluded & printed[job.id]
            and (not (wanted - excluded) or wanted & printed[job.id])
        ]

    def _by_facts(self, wish: Sequence[str], jobs: Sequence[JobPosting]) -> list[JobPosting]:
        """Postings whose title and facts hold every word of the wish."""
        wanted = {t for word in wish for t in _split_terms(word)}
        return [job for job in jobs if wanted and wanted <= self._fact_terms(job)]

    def _fact_terms(self, job: JobPosting) -> frozenset[str]:
        if job.id not in self._facts:
            facts = (
                job.title,
                job.department,
                job.employment_type,
                job.level,
                job.workplace_type,
                *job.locations,
            )
            self._facts[job.id] = frozenset(_split_terms(" ".join(facts))) | self.title_terms[job.id]
        return self._facts[job.id]

    def _by_code(self, text: str, jobs: Sequence[JobPosting]) -> list[JobPosting]:
        """Postings that print a code the question names, such as a pay class "EC-07"."""
        codes = codes_in(text)
        return [job for job in jobs if any(code_sentence(job, code) for code in codes)]

    def _by_discipline(self, wish: str, jobs: Sequence[JobPosting]) -> list[JobPosting]:
        """Postings of the discipline the wish names; the one named by the most words decides."""
        named = disciplines(wish)
        if not named:
            return []
        titles = {job.id: disciplines(job.title) for job in jobs}
        for length in sorted(set(named.values()), reverse=True):
            asked = [number for number, size in named.items() if size == length]
            found = [job for job in jobs if any(number in titles[job.id] for number in asked)]
            if found:
                return found
        return []

    def _by_title_word(self, wish: Sequence[str], jobs: Sequence[JobPosting]) -> list[JobPosting]:
        """Postings whose title or department holds a telling word of the wish."""
        wanted = {t for word in wish for t in _split_terms(word)} - _COMMON_TITLE_WORDS
        return [
            job
            for job in jobs
            if wanted & (self.title_terms[job.id] | frozenset(_split_terms(job.department)))
        ]

    def _by_meaning(self, question: Question, jobs: Sequence[JobPosting]) -> list[JobPosting]:
        """At most three postings whose title or text comes nearest to the question."""
        if not jobs:
            return []
        titles = self._title_vectors()
        position = {job.id: number for number, job in enumerate(self.store.jobs)}
        scores = []
        for job in jobs:
            rows = self.rows[job.id][:12]
            text = float((self.store.passage_matrix(rows) @ question.vector).max()) if rows else 0.0
            scores.append(0.5 * float(titles[position[job.id]] @ question.vector) + 0.5 * text)
        order = np.argsort(-np.array(scores))
        return [jobs[int(number)] for number in order[:3]]

    def _title_vectors(self) -> NDArray[np.float32]:
        if self._titles is None:
            self._titles = self.store.embedder.embed([job.title for job in self.store.jobs])
        return self._titles

    # --- facts ---------------------------------------------------------------------------------------

    def unverified(self, job: JobPosting, question: Question) -> tuple[str, ...]:
        """The posting's unverified labels, where the question asks for what such a label would say."""
        if not job.labels:
            return ()
        kinds = asked_kinds(question.standalone)
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
    said = words(text.replace("-", " "))
    plainly = folded(text)
    found = {label for label, pattern in _SAID_OTHERWISE.items() if pattern.search(plainly)}
    for size in (3, 2, 1):
        for start in range(len(said) - size + 1):
            phrase_ = " ".join(said[start : start + size])
            if classify(phrase_) in (LabelKind.CONTRACT, LabelKind.WORKPLACE):
                found.add(canonical(phrase_))
    return found


def excluded_labels(text: str) -> set[str]:
    """The labels a question does not want: "which are not full time?"."""
    denied = _NOT.search(folded(text))
    return asked_labels(folded(text)[denied.end() :]) if denied else set()


def _labels_of(job: JobPosting) -> set[str]:
    """The contract and workplace a posting states, in their canonical spelling."""
    parts = re.split(r"[,/·|]\s*", f"{job.employment_type},{job.workplace_type}")
    return {canonical(part) for part in parts if part.strip()}


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
    # "devops jobs?": a noun, a kind of work, and nothing else.
    return nouns and len(words(said)) <= 5 and not _PROCESS.search(said) and not fields_asked(said)


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
    zurzeit derzeit bei euch ihnen ahora mismo actualmente want take new many years""".split()
)


@lru_cache(maxsize=1)
def _stop() -> frozenset[str]:
    from knowledge.sentences import STOP_WORDS  # noqa: PLC0415

    return frozenset(word for listed in STOP_WORDS.values() for word in plain(listed).split())


def _split_terms(text: str) -> list[str]:
    """The telling words of a title or wish as stems, hyphens opened, stop words of all languages gone.

    A short word in capitals ("IT", "HR") is a name, whatever it means in small letters.
    """
    found: list[str] = []
    for token in re.split(r"[\s/-]+", text):
        acronym = bool(re.fullmatch(r"\W*[A-Z]{2,4}\W*", token)) and not text.isupper()
        found.extend(_base(word) for word in words(token) if acronym or word not in _stop())
    return found


def _is_acronym(word: str, text: str) -> bool:
    return bool(re.fullmatch(r"[A-Z]{2,4}", word)) and not text.isupper()


def _title_terms(job: JobPosting) -> frozenset[str]:
    return frozenset(_split_terms(job.title))


def _synonyms_in(title: str, text: str) -> frozenset[str]:
    """Words of the title that belong to a discipline which the text names by another word."""
    groups, _, _ = _discipline_table()
    title_key, text_key = _key(title), _key(text)
    found: set[str] = set()
    for group in groups:
        if any(phrase in text_key for phrase in group):
            found |= {word for phrase in group if phrase in title_key for word in phrase.split()}
    return frozenset(found)


def _initials(term: str, text: str) -> bool:
    """Whether `term` is the initials of neighbouring words: "sre" for site reliability engineer."""
    if not 2 <= len(term) <= 5:
        return False
    letters = "".join(word[0] for word in words(text.replace("-", " ")))
    return len(term) > 2 and term in letters
