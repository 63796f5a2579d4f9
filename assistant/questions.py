"""Understanding a question: its language, its spelling, what it leans on, what kind of answer it wants."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from rapidfuzz import process
from rapidfuzz.distance import OSA

from assistant.topics import Intent, Topic, folded
from knowledge.sentences import STOP_WORDS, plain, terms, words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class AnswerType(StrEnum):
    """What a good answer holds."""

    NUMBER = "number"
    MONEY = "money"
    DURATION = "duration"
    DATE = "date"
    PERSON = "person"
    PLACE = "place"
    YES_NO = "yes_no"
    LIST = "list"
    TEXT = "text"


@dataclass(frozen=True)
class Question:
    """A candidate's question, understood.

    `text` is what was typed, `standalone` the same made whole from the turns before and with its
    spelling mended; `vector` is of `standalone`, `words` its stems. `topics` and `intent` are the
    nearest of the bank with their likeness. `before` is the question it follows up, if it does;
    `alone` and `own_words` are vector and stems without it.
    """

    text: str
    standalone: str
    language: str
    vector: NDArray[np.float32]
    words: tuple[str, ...]
    answer_type: AnswerType
    topics: tuple[tuple[Topic, float], ...] = ()
    intent: tuple[Intent, float] | None = None
    before: str = ""
    alone: NDArray[np.float32] | None = None
    own_words: tuple[str, ...] = ()
    in_role: bool = False

    @property
    def follows_up(self) -> bool:
        """Whether it leans on the turns before."""
        return bool(self.before)


# --- language -----------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _function_words() -> dict[str, frozenset[str]]:
    return {language: frozenset(plain(listed).split()) for language, listed in STOP_WORDS.items()}


_TELLING = {
    "fr": "bonjour merci poste postes emploi combien pourquoi quel quelle vacances salaire travail travailler "
    "conge conges entrevue entretien teletravail semaine jours postuler cherchez recrutez avez offrez",
    "de": "hallo danke stelle stellen gehalt urlaub arbeit bewerbung bewerben arbeiten arbeitszeit gespräch "
    "wieviel gibt bietet sucht tage woche vorstellungsgesprach homeoffice",
    "es": "hola gracias puesto puestos salario sueldo vacaciones trabajo trabajar entrevista dias semana "
    "empleo ofrecen buscan cuantos cuanto",
}


def language_of(text: str, fallback: str = "en") -> str:
    """Two-letter language of what a candidate typed, told by script and function words.

    Statistical language guessers are a coin toss on four words; function words are not.
    `fallback` (the language of the turn before) decides where nothing does.
    """
    letters = [letter for letter in text if letter.isalpha()]
    for script, language in (("HEBREW", "he"), ("CYRILLIC", "uk")):
        if sum(script in unicodedata.name(letter, "") for letter in letters) > len(letters) / 2:
            return language
    # Elided articles ("l'équipe", "d'un") count as the words they are.
    said = re.findall(r"[^\W\d_]+", plain(text).replace("'", " "))
    votes = {language: sum(word in listed for word in said) for language, listed in _function_words().items()}
    for language, listed in _TELLING.items():
        votes[language] += 2 * sum(word in plain(listed).split() for word in said)
    if re.search(r"[àâçèêëîïôùûœ]|\b[ldjnsmtc]['’](?=[aeiouyhàâéè])", text.lower()):
        votes["fr"] += 1
    if re.search(r"[äöüß]", text.lower()):
        votes["de"] += 1
    if re.search(r"[ñ¿¡áíóú]", text.lower()):
        votes["es"] += 1
    best = max(votes.values())
    leaders = [language for language, count in votes.items() if count == best]
    if not best:
        return fallback
    return "en" if "en" in leaders else leaders[0]


# --- spelling -----------------------------------------------------------------------------------


class Speller:
    """Mends typing errors with the words of the store and of the topic bank.

    A word is changed only if neither knows it nor a dictionary of the language does, so that a new
    but right word ("vesting") is never bent into another. Distances are optimal string alignment
    (rapidfuzz): one slip for words of 4 to 7 letters, two for longer ones.
    """

    def __init__(self, vocabulary: Collection[str]) -> None:
        """`vocabulary`: plain words that the store and the bank use."""
        self.known = {word for word in vocabulary if len(word) > 2}
        self.by_initial: dict[str, list[str]] = {}
        for word in sorted(self.known):
            if word.isalpha() and len(word) > 3:
                self.by_initial.setdefault(word[0], []).append(word)

    def mend(self, text: str, language: str = "en") -> str:
        """The text with its typing errors mended."""

        def mended(match: re.Match[str]) -> str:
            word = plain(match.group())
            if len(word) < 4 or word in self.known or word in _dictionary(language):
                return match.group()
            return self._nearest(word) or match.group()

        return re.sub(r"[^\W\d_]+", mended, text)

    def _nearest(self, word: str) -> str:
        slips = 1 if len(word) < 8 else 2
        found = process.extractOne(
            word, self.by_initial.get(word[0], []), scorer=OSA.distance, score_cutoff=slips
        )
        return str(found[0]) if found else ""


@lru_cache(maxsize=4)
def _dictionary(language: str) -> frozenset[str]:
    from spellchecker import SpellChecker  # noqa: PLC0415  (reads a word list; only for an unknown word)

    if language not in ("en", "fr", "de", "es"):
        return frozenset()
    return frozenset(plain(word) for word in SpellChecker(language=language).word_frequency.words())


# --- several questions, and questions that lean on others ---------------------------------------------


def split_questions(text: str) -> list[str]:
    """The questions of one message, each with the statements before it.

    One that is too short to stand alone ("Why?") stays with the one before.
    """
    parts: list[str] = []
    held = ""
    for sentence in re.findall(r"[^?\n]*(?:\?+|\n+|$)", text):
        held = f"{held} {sentence.strip()}".strip()
        if held.endswith("?"):
            if parts and len(words(held)) < 3:
                parts[-1] = f"{parts[-1]} {held}"
            else:
                parts.append(held)
            held = ""
    if held:
        if parts:
            parts[-1] = f"{parts[-1]} {held}"
        else:
            parts.append(held)
    return parts[:4] or [text.strip()]


_LEANS_AT_START = re.compile(
    r"^(ok(ay)?|yes|no|well|cool|great|right|hm+)?[\s,.!]*("
    r"and\b|but\b|or\b|so\b|then\b|also\b|plus\b|even (for|in|if|at|with)\b|what about|how about|what if|and if|same for|only\b|just\b|"
    r"the (first|second|third|fourth|fifth|last|other|next|former|latter)\b|which (one|of)|why\b|since when|"
    r"i m in\b|i am in\b|for me\b|in that case|does (it|that|this|the)\b|is (it|that|this|the)\b|"
    r"et\b|mais\b|meme (pour|si|en)\b|auch\b|sogar\b|incluso\b|tambien\b|ou bien|alors\b|sinon\b|und\b|aber\b|oder\b|y\b|pero\b|ו|а\b|і\b|та\b)"
)
_LEANS_ON_PRONOUN = re.compile(
    r"\b(it|its|that|this|these|those|they|them|their|there|he|she|him|his|her|one|ones|such|same|both|either|"
    r"former|latter|ce poste|celui|celle|cela|ca|y|cette personne|lequel|laquelle|c est|dort|davon|dafur|dazu|"
    r"darauf|es|das|diese[rsmn]?|jene[rsmn]?|ese|esa|eso|ello|alli)\b"
)


def leans(text: str) -> float:
    """How much a question leans on the turns before, from 0 (stands alone) to 1 (means nothing alone)."""
    said = folded(text)
    length = len(terms(text))
    score = 0.0
    if _LEANS_AT_START.search(said):
        score += 0.5
    if _LEANS_ON_PRONOUN.search(said):
        score += 0.4
    if length <= 2:
        score += 0.4
    elif length <= 4:
        score += 0.2
    return min(score, 1.0)


# --- the kind of answer -----------------------------------------------------------------------------

_ANSWER_PATTERNS: tuple[tuple[AnswerType, str], ...] = (
    (
        AnswerType.MONEY,
        r"\b(salary|salaries|pay range|(is|s|about) the pay\b|what (do|does|would|will) .{0,60}\bpay(?! attention)\b|"
        r"how much (money|do(es)? .{0,40}(pay|earn|make|cost))|cost|costs|price|wage|"
        r"earn|stipend|budget|premium|deductible|salaire|gehalt|salario|sueldo|verdien|зарплат|שכר)",
    ),
    (
        AnswerType.DURATION,
        r"\b(how long|how many (days|weeks|months|years|hours|minutes)|how much (time|vacation|leave|holiday|pto|"
        r"notice|time off)|how soon|how quickly|how fast|combien de (temps|jours|semaines|mois)|wie lange|"
        r"wie viele (tage|wochen|monate|stunden)|cuanto tiempo|cuantos dias|cuantas semanas)\b",
    ),
    (
        AnswerType.NUMBER,
        r"\b(how many|how much|how often|how frequently|how big|how large|how old|what percentage|what share|"
        r"number of|combien|wie viele?|wie oft|wie gross|cuant[oa]s?|כמה|скільки)\b",
    ),
    (
        AnswerType.DATE,
        r"\b(when|what date|which date|deadline|since when|by when|from when|what day|which (day|month)s?|quand|"
        r"wann|cuando|מתי|коли)\b",
    ),
    (
        AnswerType.PERSON,
        r"\b(who|whom|who s|whose|my (boss|manager)|report to|qui|wer|wem|quien|quienes|de qui|מי|хто)\b",
    ),
    (
        AnswerType.PLACE,
        r"\b(where|which (city|cities|country|countries|location)|what (city|cities|country|location)|ou|wo|"
        r"donde|in welche[rn]? (stadt|stadten)|dans quelles? villes?|איפה|היכן|де)\b",
    ),
    (
        AnswerType.YES_NO,
        r"^(so |and |but |ok |et |und |y )*(is|are|do|does|did|can|could|will|would|should|am|have|has|may|must|"
        r"shall|was|were|est ce|offrez|avez|peut on|puis je|faut il|gibt es|habt ihr|kann|konnen|darf|muss|ist|"
        r"sind|hay|tienen|puedo|se puede|es|האם|чи)\b",
    ),
)
_COMPILED_ANSWER_PATTERNS = tuple((kind, re.compile(pattern)) for kind, pattern in _ANSWER_PATTERNS)


def answer_type(text: str) -> AnswerType:
    """The kind of answer a question asks for by its words."""
    said = folded(text)
    for kind, pattern in _COMPILED_ANSWER_PATTERNS:
        if pattern.search(said):
            return kind
    return AnswerType.TEXT


_NUMBER = re.compile(
    r"\d|\b(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|"
    r"sixty|hundred|thousand|million|half|quarter|double|triple|once|twice|daily|weekly|monthly|yearly|annual"
    r"|annually|un|une|deux|trois|quatre|cinq|six|sept|huit|dix|zwei|drei|vier|funf|sechs|acht|zehn|dos|tres|"
    r"cuatro|cinco|seis|siete|ocho|diez|every (day|week|month|year)|unlimited|no (limit|set|fixed))\b"
)
_MONEY = re.compile(
    r"[$€£¥₪₴]\s?\d|\d[\d.,]{0,20}\s?(%|k\b|usd|eur|gbp|chf|cad|euros?|dollars?|pounds?|nis|uah|percent)|\b\d+ ?%"
    r"|\b(one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|forty|fifty|hundred|thousand|half)\b"
    r"[\w\s-]{0,12}\b(euros?|dollars?|pounds?|francs?|shekels?|percent|per cent)\b|\b(free of charge|for free)\b"
)
_OF_MONEY = re.compile(
    r"\b(salar|pay|paid|payment|compensat|remunerat|wage|earn|bonus|stipend|allowance|budget|cost|price|fee|free|"
    r"reimburs|refund|expens|premium|deductible|money|fund|contribut|equity|share|subsid|discount|"
    r"gehalt|gehalter|lohn|verdien|vergut|bezahl|kosten|zuschuss|geld|"
    r"salaire|remuner|paye|prime|cout|coute|prix|gratuit|rembours|argent|"
    r"sueldo|pago|pagar|paga|coste|costo|precio|gratis|reembols|dinero)"
    r"|שכר|משכור|תשלום|עלות|מחיר|כסף|зарплат|оплат|платн|кошту|варт|цін|грош"
)
_DURATION = re.compile(
    r"(\d|\b(a|an|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|several|few|un|une|deux|trois|"
    r"zwei|drei|vier|dos|tres)\b)[\w\s,.()+-]{0,16}\b(hours?|days?|weeks?|months?|years?|minutes?|heures?|jours?|semaines?"
    r"|mois|ans?|annees?|stunden?|tage?n?|wochen?|monate?n?|jahre?n?|horas?|dias?|semanas?|mes(es)?|anos?)\b"
    r"|\b(permanent|indefinite|year round|first day|immediately|per cent of our time)\b|%"
)
_DATE = re.compile(
    r"\b(january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|"
    r"jun|jul|aug|sept?|oct|nov|dec|monday|tuesday|wednesday|thursday|friday|saturday|sunday|janvier|fevrier|"
    r"mars|avril|mai|juin|juillet|aout|septembre|octobre|novembre|decembre|januar|februar|marz|juni|juli|"
    r"oktober|dezember|enero|febrero|marzo|abril|mayo|junio|julio|septiembre|octubre|noviembre|diciembre|spring|"
    r"summer|autumn|fall|winter|anniversary|day|week|month|year|quarter|before|after|within|until|once|as soon as|"
    r"always|immediately|deadline|hire|start)\b|\b(19|20)\d\d\b|\b\d{1,2}[./-]\d{1,2}\b|\b\d{1,2}(st|nd|rd|th)\b"
)
_PERSON = re.compile(
    r"\b(manager|lead|leader|director|head|chief|officer|ceo|cto|coo|cfo|founder|team|recruiter|buddy|mentor|"
    r"colleague|coworker|employee|staff|people ops|hr|human resources|owner|engineer|developer|supervisor|"
    r"president|boss|responsable|chef|cheffe|directrice|directeur|leiter|leiterin|jefe|jefa|everyone|anyone|"
    r"someone|person|panel|i|we|you)\b"
)


def holds_type(kind: AnswerType, text: str) -> bool:
    """Whether `text` holds what an answer of this kind must hold."""
    said = folded(text)
    if kind is AnswerType.NUMBER:
        return bool(_NUMBER.search(said))
    if kind is AnswerType.MONEY:
        return bool(_MONEY.search(said) or re.search(r"\d", said))
    if kind is AnswerType.DURATION:
        return bool(_DURATION.search(said) or _NUMBER.search(said))
    if kind is AnswerType.DATE:
        return bool(_DATE.search(said))
    if kind is AnswerType.PERSON:
        return bool(_PERSON.search(said)) or bool(re.search(r"\b[A-ZÀ-Ý][a-zà-ÿ]+ [A-ZÀ-Ý][a-zà-ÿ]+", text))
    if kind is AnswerType.PLACE:
        return bool(re.search(r"(?<!^)(?<![.!?] )\b[A-ZÀ-Ý][a-zà-ÿ]{2,}", text)) or "remote" in said
    return True


def speaks_of_money(text: str) -> bool:
    """Whether `text` names an amount of money, or says anything about pay, cost or benefits in money at all."""
    said = folded(text)
    return bool(_MONEY.search(said) or _OF_MONEY.search(said))


def vocabulary(texts: Sequence[str]) -> set[str]:
    """The plain words of `texts`."""
    return {word for text in texts for word in words(text)}
