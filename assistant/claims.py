"""Whether a sentence that a language model wrote is said by the passages it cites.

No model judges another here. The words it quotes must stand in the passage; its numbers, dates
and names must stand there too; and what no careers page may promise is not said at all. A sentence
that cannot be checked is not shown, so the checks err on the side of silence: the default writer
quotes the same passages whenever nothing is left.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from assistant.questions import AnswerType, Question
from knowledge.documents import Passage
from knowledge.sentences import STOP_WORDS, plain, spans, stem, terms, words

LEAST_QUOTED = 3
"""Words a quotation must have, unless it is a whole short fact: a line, a table cell, a sentence."""

IN_PASSAGE = 0.5
"""Least share of a sentence's content words that stand in the sentences it quotes from."""

IN_SIGHT = 0.66
"""The same, where words of the question count as well: an answer takes up what was asked."""

LONGEST = 45
"""Words beyond which a sentence says more than one quotation can bear."""


@dataclass(frozen=True)
class Quote:
    """What a sentence cites: words, and the number of the passage they are said to stand in."""

    number: int
    words: str


@dataclass(frozen=True)
class Stretch:
    """Quoted words where they were found in a passage."""

    passage: Passage
    start: int
    end: int

    @property
    def text(self) -> str:
        """The words exactly as the passage has them."""
        return self.passage.text[self.start : self.end]

    @cached_property
    def sentences(self) -> str:
        """The sentences of the passage that the words stand in."""
        text = self.passage.text
        touched = [(a, b) for a, b in spans(text) if a < self.end and self.start < b]
        return text[touched[0][0] : touched[-1][1]] if touched else self.text

    @cached_property
    def clause(self) -> str:
        """The words with the rest of the clause they begin and end in: a "not" may stand there."""
        before = _CLAUSE_END.split(self.passage.text[: self.start])[-1]
        after = _CLAUSE_END.split(self.passage.text[self.end :])[0]
        return f"{before}{self.text}{after}"

    @property
    def context(self) -> str:
        """What stands around the passage, its date included."""
        return f"{self.passage.context}\n{self.passage.modified or ''}"


@dataclass(frozen=True)
class Claim:
    """A sentence without its citations, the stretches it rests on, and the question it answers."""

    text: str
    stretches: tuple[Stretch, ...]
    question: Question

    @property
    def language(self) -> str:
        """The language of the pages it rests on."""
        return self.stretches[0].passage.language

    @cached_property
    def nearby(self) -> str:
        """The sentences quoted from, with what stands above them."""
        return "\n".join(part for s in self.stretches for part in (s.sentences, s.context))

    @cached_property
    def shown(self) -> str:
        """The words quoted, with what stands above them: what a candidate sees of the page."""
        return "\n".join(part for s in self.stretches for part in (s.text, s.context))

    @cached_property
    def passages(self) -> str:
        """All words of the passages cited."""
        return "\n".join(part for s in self.stretches for part in (s.passage.text, s.context))

    @cached_property
    def asked(self) -> str:
        """The words of the question and of the one it follows up."""
        return f"{self.question.before}\n{self.question.text}\n{self.question.standalone}"

    @cached_property
    def unquoted(self) -> str:
        """The sentence without what it gives in quotation marks and the passages really say."""

        def gone(match: re.Match[str]) -> str:
            return " " if any(found(match[1], s.passage.text) for s in self.stretches) else match[0]

        return re.sub(r"[“”„«\"]([^“”„«»\"]+)[“”»\"]", gone, self.text)

    @cached_property
    def verbatim(self) -> bool:
        """Whether the whole sentence stands in a passage."""
        return any(found(self.text, s.passage.text) for s in self.stretches)


# --- quotations ---------------------------------------------------------------------------------

_ALIKE = {
    letter: f"[{re.escape(family)}]"
    for family in ("\"'“”„‟«»‘’‚`´", "-‐‑‒–—−", "()[]{}<>‹›")
    for letter in family
}
_ALIKE["…"] = r"(?:…|\.\.\.)"
_EDGES = " \t\n\"'“”„«»‘’‹›`.,;:!?…*_-–—•"
_CLAUSE_END = re.compile(
    r"[;.!?\n|–—]|\b(?:but|however|although|though|unless|except|mais|sauf|aber|außer|pero|salvo|excepto|אבל|але)\b",
    re.IGNORECASE,
)


def found(quote: str, text: str) -> tuple[int, int] | None:
    """Where the words of `quote` stand in `text`; white space, case and style of quotes and dashes may differ."""
    quoted = quote.strip(_EDGES).replace("...", "…").split()
    if not quoted:
        return None
    pattern = r"\s+".join("".join(_ALIKE.get(c, re.escape(c)) for c in word) for word in quoted)
    match = re.search(rf"(?<!\w){pattern}(?!\w)", text, re.IGNORECASE)
    return match.span() if match else None


def locate(quote: Quote, passages: Sequence[Passage]) -> Stretch | None:
    """The quoted words in the passage of that number (from 1), if they stand there and say something."""
    if not 1 <= quote.number <= len(passages):
        return None
    passage = passages[quote.number - 1]
    span = found(quote.words, passage.text)
    if span is None:
        return None
    stretch = Stretch(passage, *span)
    if stretch.sentences.rstrip(' "”»').endswith("?"):
        return None  # A question on a page states nothing.
    return stretch if len(words(stretch.text)) >= LEAST_QUOTED or _whole(stretch) else None


def _whole(stretch: Stretch) -> bool:
    """Whether the words are all of a line, a sentence, a table cell or the value behind a label."""
    text = stretch.passage.text
    before = text[: stretch.start].rstrip(' \t"“„«*•-–')
    after = text[stretch.end :].lstrip(' \t"”»*')
    return (not before or before[-1] in "\n|:;.!?") and (not after or after[0] in "\n|;.!?")


# --- numbers and dates --------------------------------------------------------------------------

_FUNCTION_WORDS = frozenset(word for listed in STOP_WORDS.values() for word in plain(listed).split())
_NUMBER_WORDS: dict[str, dict[str, float]] = {
    "en": {
        "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
        "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
        "seventeen": 17, "eighteen": 18, "nineteen": 19, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50,
        "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90, "hundred": 100, "thousand": 1000,
        "million": 1_000_000, "billion": 1_000_000_000, "dozen": 12, "half": 0.5, "twice": 2, "double": 2,
        "triple": 3, "hundreds": 100, "thousands": 1000, "millions": 1_000_000, "billions": 1_000_000_000,
    },
    "fr": {
        "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "six": 6, "sept": 7, "huit": 8, "neuf": 9, "dix": 10,
        "onze": 11, "douze": 12, "quinze": 15, "vingt": 20, "trente": 30, "quarante": 40, "cinquante": 50,
        "soixante": 60, "cent": 100, "mille": 1000, "million": 1_000_000, "millions": 1_000_000, "double": 2,
    },
    "de": {
        "zwei": 2, "drei": 3, "vier": 4, "funf": 5, "sechs": 6, "sieben": 7, "acht": 8, "neun": 9, "zehn": 10,
        "elf": 11, "zwolf": 12, "funfzehn": 15, "zwanzig": 20, "dreißig": 30, "vierzig": 40, "funfzig": 50,
        "hundert": 100, "tausend": 1000, "million": 1_000_000, "millionen": 1_000_000, "doppelt": 2,
    },
    "es": {
        "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6, "siete": 7, "ocho": 8, "nueve": 9, "diez": 10,
        "once": 11, "doce": 12, "quince": 15, "veinte": 20, "treinta": 30, "cuarenta": 40, "cincuenta": 50,
        "cien": 100, "mil": 1000, "millon": 1_000_000, "millones": 1_000_000, "doble": 2,
    },
}  # fmt: skip
_MAGNITUDES = {
    "k": 1000, "thousand": 1000, "tsd": 1000, "mille": 1000, "mil": 1000, "tausend": 1000, "m": 1_000_000,
    "mio": 1_000_000, "million": 1_000_000, "millions": 1_000_000, "millionen": 1_000_000,
    "millones": 1_000_000, "bn": 1_000_000_000, "billion": 1_000_000_000,
}  # fmt: skip
_CURRENCIES = {
    "$": "$ usd dollar dollars", "€": "€ eur euro euros", "£": "£ gbp pound pounds", "₪": "₪ ils nis shekel shekels",
    "¥": "¥ jpy yen", "₴": "₴ uah hryvnia hryvnias", "chf": "chf", "cad": "cad",
}  # fmt: skip
_TIMES = {
    "minute": "minute minutes minuten minuto minutos", "hour": "hour hours hourly heure heures stunde stunden hora horas",
    "day": "day days jour jours tag tage tagen dia dias", "week": "week weeks semaine semaines woche wochen semana semanas",
    "month": "month months mois monat monate monaten mes meses", "year": "year years ans annee annees jahr jahre jahren ano anos",
}  # fmt: skip
_UNITS = {
    word: unit for table in (_CURRENCIES, _TIMES) for unit, listed in table.items() for word in listed.split()
}
_UNITS |= dict.fromkeys(("%", "percent", "prozent"), "%")
_TIME_WORDS = frozenset(word for listed in _TIMES.values() for word in listed.split())
_DATE_WORDS = frozenset(
    """january february april june july august september october november december monday tuesday wednesday
    thursday friday saturday sunday janvier fevrier avril juin juillet aout septembre octobre novembre decembre
    lundi mardi mercredi jeudi vendredi samedi dimanche januar februar juni juli oktober dezember montag dienstag
    mittwoch donnerstag freitag samstag sonntag enero febrero abril junio julio agosto septiembre octubre noviembre
    diciembre lunes martes miercoles jueves viernes sabado domingo today tomorrow yesterday tonight heute morgen
    demain aujourd'hui manana""".split()
)
_DIGITS = re.compile(
    r"(?P<before>[$€£₪¥₴]|\b(?:usd|eur|gbp|ils|nis|chf|cad|jpy|uah))?\s?"
    r"(?<![\w.])(?P<number>\d+(?:[.,' ]\d{3})*(?:[.,]\d+)?)"
    rf"(?:[\s-]?(?P<magnitude>{'|'.join(sorted(_MAGNITUDES, key=len, reverse=True))})\b)?"
    r"(?P<after>\s?(?:%|[$€£₪¥₴]|per cent|pour cent|por ciento))?(?=(?P<rest>(?:[\s-]+[^\W\d_]+){0,3}))"
)


def numbers(text: str, language: str = "en") -> list[tuple[float, str]]:
    """Each number of `text`, in digits or words, with its unit: a currency, "%", a time, or ""."""
    said = plain(text)
    listed = []
    for match in _DIGITS.finditer(said):
        value = round(_value(match["number"]) * _MAGNITUDES.get(match["magnitude"] or "", 1), 6)
        listed.append((value, _unit(match["before"], match["after"], match["rest"])))
    tokens = re.findall(r"[^\W\d_]+|\d[\d.,]*|[^\w\s]", said.replace("-", " "))
    return listed + _in_words(tokens, _NUMBER_WORDS.get(language, {}))


def _value(digits: str) -> float:
    if re.fullmatch(r"\d{1,3}([.,' ]\d{3})+", digits):
        return float(re.sub(r"\D", "", digits))
    whole = re.sub(r"[.,' ](?=\d{3}\b.*[.,])|[' ]", "", digits)
    return float(whole.replace(",", "."))


def _unit(before: str | None, after: str | None, rest: str) -> str:
    if before:
        return _UNITS[before]
    if after:
        return _UNITS.get(after.strip(), "%")
    for word in re.findall(r"[^\W\d_]+", rest):  # "20 paid days", but not "20 people a day"
        if word in _UNITS or word in _FUNCTION_WORDS:
            return _UNITS.get(word, "")
    return ""


def _in_words(tokens: Sequence[str], known: dict[str, float]) -> list[tuple[float, str]]:
    """The numbers that are written out: "twenty-five days" is (25, "day")."""
    listed = []
    value = 0.0
    for place, token in enumerate([*tokens, ""]):
        if token in known:
            value = max(value, 1) * known[token] if known[token] >= 100 else value + known[token]
        elif value:
            # "80 thousand" is one number, and was found by its digits.
            if not (place > 1 and tokens[place - 2][0].isdigit() and tokens[place - 1] in _MAGNITUDES):
                listed.append((value, _unit(None, None, " ".join(tokens[place : place + 3]))))
            value = 0.0
    return listed


def invents_number(claim: Claim) -> bool:
    """Whether a number, sum or date is not in the words quoted, or has another unit there.

    The question's own numbers do not count: "Do I get 50 days?" must not become "You get 50 days".
    """
    shown = {value for value, _ in numbers(claim.shown, claim.language)}
    said = numbers(claim.nearby, claim.language)  # The quoted words may end before the unit.
    for value, unit in numbers(claim.text, claim.language):
        units = {other for same, other in said if same == value}
        if value not in shown or (unit in _TIMES and not units & {unit, ""}):
            return True
        if unit and unit not in _TIMES and unit not in units:
            return True
    dates = set(words(claim.text)) & _DATE_WORDS
    return not dates <= set(words(claim.shown))


# --- names and other words ------------------------------------------------------------------------

_ORDINARY = frozenset(
    """employee employees staff candidate candidates applicant applicants colleague colleagues company team teams
    page pages according also both additionally yes per people member members new full part time collaborateurs
    employes candidats entreprise equipe selon mitarbeiter mitarbeitende bewerber unternehmen team laut empleados
    candidatos empresa equipo segun provide provides provided include includes including offer offers receive
    receives available typically usually required requires needed needs expected asked""".split()
)


def invents_name(claim: Claim) -> bool:
    """Whether a capitalised word, or one with digits in it, stands neither in the passages nor in the question."""
    seen = f"{claim.passages}\n{claim.asked}"
    known = set(words(seen))
    stems = {stem(word, claim.language) for word in known}
    for token in re.findall(r"[^\W_]+(?:['’][^\W_]+)?", claim.text):
        mixed = any(c.isdigit() for c in token) and not re.fullmatch(
            r"\d+(k|m|bn|st|nd|rd|th|h|x|%)?", token.lower()
        )
        if not (mixed or any(c.isupper() for c in token)):
            continue
        if plain(token) in _UNITS:
            continue
        if token.isupper() and 1 < len(token) <= 3:
            if not re.search(rf"\b{re.escape(token)}\b", seen):  # "US" is not "us", "IT" not "it"
                return True
            continue
        for word in words(token):
            ordinary = word in known or word in _FUNCTION_WORDS or word in _ORDINARY or word[0].isdigit()
            if (
                not ordinary
                and stem(word, claim.language) not in stems
                and not _compounded(word, known, claim)
            ):
                return True
    return any(not found(address, seen) for address in re.findall(_ADDRESS, claim.text))


_ADDRESS = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|\b\w[\w-]*(?:\.[\w-]+)*\.[a-zA-Z]{2,}\b"


def _compounded(word: str, known: set[str], claim: Claim) -> bool:
    """German joins nouns: "Urlaub" is supported by "Urlaubstage"."""
    return claim.language == "de" and len(word) > 4 and any(word in other for other in known)


def mixes_up(claim: Claim) -> bool:
    """Whether a number or name of it belongs to something else in the words quoted.

    Where they are of several sentences, the one with the number must share as much with the claim
    as any other: of "Staff have 27 days. Interns have 20 days." comes no "Interns have 27 days".
    """
    between = "\n" if ";" in claim.text else ";"
    parts = [part for stretch in claim.stretches for part in _statements(stretch, between)]
    if len(parts) < 2:
        return False
    said = set(terms(claim.text, claim.language))
    figures = {term for term in said if term[0].isdigit()}
    names = {word for name in re.findall(r"(?<=\w)\s+([A-ZÀ-Ý][\w'’-]+)", claim.text) for word in words(name)}
    names -= {*words(claim.asked), *_FUNCTION_WORDS, *_ORDINARY}

    def misplaced(holds: Sequence[bool], rest: set[str]) -> bool:
        """Whether the parts that hold it share less of the `rest` than one that does not."""
        shared = [len(rest & set(terms(part, claim.language))) for part in parts]
        here = [count for count, held in zip(shared, holds, strict=True) if held]
        elsewhere = [count for count, held in zip(shared, holds, strict=True) if not held]
        return bool(here) and bool(elsewhere) and max(here) < max(elsewhere)

    values = {value for value, _ in numbers(claim.text, claim.language)}
    printed = [{value for value, _ in numbers(part, claim.language)} for part in parts]
    if any(misplaced([value in listed for listed in printed], said - figures) for value in values):
        return True
    others = said - {stem(name, claim.language) for name in names}
    return any(misplaced([name in words(part) for part in parts], others) for name in names)


def _statements(stretch: Stretch, between: str) -> list[str]:
    """The sentences quoted from, and what stands `between`; one that leans on the one before joined with it."""
    listed: list[str] = []
    for start, end in spans(stretch.sentences):
        for part in stretch.sentences[start:end].split(between):
            if listed and _LEANS.match(part.strip()):
                listed[-1] += f" {part}"
            else:
                listed.append(part)
    return listed


_LEANS = re.compile(
    r"(it|its|this|that|these|those|they|their|he|she|his|her|such|both|all of (it|them)|of (these|them|which)|which|cela|ceci|il|"
    r"elle|ils|elles|dies\w*|das|sie|er|es|davon|esto|eso)\b",
    re.IGNORECASE,
)


def strays(claim: Claim) -> bool:
    """Whether too few of its words are the page's words near the quoted ones, or none is quoted."""
    said = set(terms(claim.text, claim.language)) - _checked_elsewhere(claim.language)
    near = set(terms(claim.nearby, claim.language))
    asked = set(terms(claim.asked, claim.language))
    quoted = {term for s in claim.stretches for term in terms(s.text, claim.language)}
    telling = {term for term in said if not term[0].isdigit()}
    if claim.question.answer_type is AnswerType.YES_NO and telling & asked - near:
        return True  # "Do I get a car?": what is asked is the very thing that must be shown.
    return (
        not said & quoted
        or len(telling & near) < IN_PASSAGE * len(telling)
        or len(telling & (near | asked)) < IN_SIGHT * len(telling)
    )


@lru_cache(maxsize=8)
def _checked_elsewhere(language: str) -> frozenset[str]:
    """Stems that tell nothing, and those of numbers and units, which `invents_number` looks at."""
    listed = {
        *_ORDINARY,
        *_NUMBER_WORDS.get(language, {}),
        *(unit for unit in _UNITS if unit not in _TIME_WORDS),
    }
    return frozenset(stem(word, language) for word in listed)


# --- what must not be said ------------------------------------------------------------------------


def _any(*patterns: str) -> re.Pattern[str]:
    """One pattern for text that `plain` has folded."""
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


_NEGATION = _any(
    r"\b(not|no|never|none|nobody|nothing|neither|nor|without|cannot|lacks?)\b|n't\b",
    r"\b(ne|n'(?=\w)|pas|jamais|aucune?|sans|rien)\b|\bn'\w",
    r"\b(nicht|kein(e[mnrs]?)?|nie|niemals|ohne|weder)\b",
    r"\b(sin|nunca|ningun[ao]?|nadie|nada|tampoco)\b",
    plain(r"\b(לא|אין|בלי|ללא)\b|\b(не|немає|нема|без|ніколи|жодн\w*)\b"),
)
_MARKUP = re.compile(
    r"https?:|www\.|\]\(|!\[|javascript:|data:\w+/|<[a-zA-Z/!?]|&#?\w+;|[\[\]{}\\]|```", re.IGNORECASE
)
_GUARANTEE = _any(
    r"\b(guarantee|promis)(e|es|ed|ing)?\b|\bassur(e|es|ed|ing) (you|that|every|all|candidates|applicants)\b",
    r"\b(garanti(?!r)\w*|promet\w*|promess\w*|garantier\w*|versprech\w*|versprich\w*|zugesichert|garantiz\w*|asegur\w*)\b",
    r"(אנו|אני|אנחנו) (מבטיח|מתחייב)|מובטח",
    plain(r"гарант|обіцян|обіцяю"),
)
_JOB = r"(jobs?|positions?|roles?|offers?|visas?|interviews?|contracts?|salary|raise|sponsorship|employment|place)"
_PROMISE = _any(
    rf"\b(guarantee|promis|assur)(e|es|ed|ing)?\b.{{0,60}}\b({_JOB}|hired)\b|\b{_JOB} (is|are) (guaranteed|promised|assured)\b",
    r"\b(you|they|candidates?|applicants?|everyone|everybody)('ll| will| shall| are going to| are certain to| are sure to)\b.{0,24}"
    r"\b(hired|accepted|selected|chosen|employed|recruited|invited|sponsored|approved|pass (the|your|this)|(be offered|get|receive) (the|this|a|an|your) "
    r"(job|position|role|offer|visa|interview|contract)(?! done))\b",
    # "Once you are hired, …" is what pages say of the time after.
    r"(?<!if )(?<!when )(?<!once )(?<!after )(?<!before )(?<!until )(?<!soon as )"
    r"\b(you|everyone|everybody|anyone|anybody|((every|each|any) |all )(candidate|applicant|visitor|reader)s?)('re|'ve)?( (who|that|with|from)( \w+){1,6}?)?( (is|are|have|has|got|get|gets|was|were|now|"
    r"already|been|automatically))+ (hired|accepted|selected|shortlisted|invited|offered (the|this|a|an)|(the|this|a|an|your) "
    r"(job|position|offer|visa|interview|contract)(?! done)|through to|in the next round)\b",
    r"\byou('re| are) (in\b(?=\W*$)|the chosen )|\b(welcome to the team|congratulations)\b",
    r"\b(we|they|the company)( will|'ll| would| shall| are going to)\b.{0,24}\b(sponsor|hire|employ|recruit|invite|accept|"
    r"offer you|pay you|(give|get) you (the|this|a|an|your) (job|position|role|offer|visa|interview|contract))\b",
    r"\b(we|they|the company)('re|'ve| are| have)?( hereby| gladly| happy to| pleased to)* (sponsor|hire|hiring|hired|invite|accept|accepted|"
    r"offer|offering|selected|employ) (you\b(?! to (apply|ask|read|visit|write|send|contact|talk|meet))|your visa)",
    rf"\b(your|the|this|a|an) {_JOB} (is|are|will be|has been|have been) (yours|certain|assured|secured?|granted|approved|sponsored|confirmed)\b",
    r"\b(your|the|this|every) (application|cv|resume|candidacy)( \w+)?( is| was| has| been| will| be| are)+ (accepted|approved|successful|selected|"
    r"shortlisted|chosen)\b",
    r"\byour (starting |annual |monthly |yearly |base )?(salary|pay|wage|compensation|bonus) (is|are|will be|would be|shall be|starts|amounts)\b",
    r"\byou('ll| will| would)? (earn|make|be paid|get paid|are paid)\b.{0,30}([$€£₪¥₴]|\d{2}|\b(thousand|million)\b)",
    r"\bvous (serez|allez etre|etes)\b.{0,20}\b(embauch|engage|recrut|retenu|accepte|pris)|\bvotre (salaire|visa) (est|sera)\b",
    r"\bnous (vous (embauch|engag|recrut|parrain)e?|(embauch|engag|recrut|parrain)er)ons\b|\bvous (aurez|obtiendrez|obtenez) (le|un|votre) (poste|visa|entretien|contrat)\b",
    r"\b(sie|du) (werden|wirst|sind|bist)\b.{0,24}\b(eingestellt|genommen|angenommen|eingeladen)\b|\b(ihr|dein) (gehalt|visum) (ist|wird|betragt)\b",
    r"\b(sie|du) (bekommen|bekommst|erhalten|erhaltst) (den|die|das|ein|einen|eine) (job|stelle|visum|vertrag|zusage)\b",
    r"\b(sera|seras|esta|estas|ha sido|has sido) (contratad|acept|seleccionad)|\b(le|te) contrata(re)?mos\b|\b(su|tu) (salario|sueldo|visado) (es|sera)\b",
    r"תתקבל|התקבלת|השכר שלך (הוא|יהיה)|תקבלי? (את )?(המשרה|הוויזה|ויזה)",
    plain(
        r"вас (візьмуть|наймуть|прийнято|взято)|ваша зарплата (буде|становить)|ви отримаєте (роботу|посаду|візу)"
    ),
)
_OWN_VOICE = _any(
    # A writer that says "I" claims an opinion or an action of its own; it has neither.
    r"\b(i(?!\.e)|i'm|i've|i'll|i'd|myself|as an ai|language model)\b|\b(je|j'\w+|ich|yo)\b|\bאני\b|\bя\b",
)
_DONE = (
    r"(forwarded|sent|submitted|booked|scheduled|arranged|notified|informed|registered|passed|saved|updated|received|"
    r"withdrawn|confirmed|cancelled|canceled|recorded|reserved)"
)
_ACTION = _any(
    rf"\b(have|has|we've|had|just|already)\b.{{0,20}}\b{_DONE}\b.{{0,40}}\b(you|your|application|cv|resume|interview|recruiters?)\b",
    r"\bwe('ll| will| are going to)\b.{0,16}\b(forward|send|submit|book|schedule|pass|notify|inform|remind|call|email|contact)\b.{0,24}"
    r"\b(you|your (application|cv|resume|interview|details|request|message))\b",
    rf"\byour (application|cv|resume|interview|request|message|details|data|call|seat)\b.{{0,16}}\b(has|have|is|was|were|are)( now| been)* {_DONE}\b",
    rf"\b(an?|the) (interview|call|meeting|recruiter|hiring manager|application|appointment)\b.{{0,12}}\b(has been|have been|is now|was) {_DONE}\b",
    r"\b(interview|call|meeting|appointment) (for you )?is (booked|confirmed|arranged)\b",
    r"\bvotre (candidature|cv|demande) a ete\b|\b(ihre|deine) (bewerbung|anfrage) wurde\b|\b(su|tu) (solicitud|candidatura) ha sido\b",
    r"\bnous avons (transmis|envoye|recu|reserve)\b|\bwir haben (ihre|deine)\b|\bhemos (enviado|recibido|reservado) (su|tu)\b",
    r"(העברנו|שלחנו|קיבלנו|קבענו) .{0,12}(שלך|לך)",
    plain(r"\bми (надіслали|передали|отримали|забронювали) (ваш|вам)"),
)
_PRAISE = (
    r"(good|great|strong|perfect|poor|weak|ideal|excellent|bad|suitable|unsuitable|promising|solid|outstanding|qualified|"
    r"right|wrong|better|best|top|not a|no)"
)
_SCORING = _any(
    # "You are a great fit if …" is what pages say of a role, and judges nobody.
    rf"(?<!why )(?<!how )(?<!whether )\byou('re| are| were| seem| look| sound| appear| would be| will be| might be| could be)\b.{{0,16}}\b{_PRAISE}( \w+)? (fit|match|candidate|"
    r"applicant|hire|choice)\b(?!\W{1,3}(if|when|for this role if)\b)",
    r"(?<!if )(?<!when )(?<!because )\byou('re| are| seem| look)( \w+)? ?(qualified|underqualified|overqualified|unqualified|suitable|"
    r"unsuitable|suited|not suited|the better|the best|the strongest|employable)\b(?!\W{1,3}(if|when)\b)",
    r"\byou (clearly |already |fully )?(meet|fulfil|fulfill|satisfy|exceed|lack|fall short of|do not meet|don't meet) (all|most|none|some|the|every|enough|"
    r"any|our) ?(of )?(the |our )?(\w+ )?(requirements?|criteria|qualifications?|experience|skills)\b",
    r"\byour (cv|resume|profile|background|experience|skills|application|answers?|chances|odds|portfolio|qualifications)( (?!and|or)\w+)? (is|are|look|looks|seem|seems|"
    r"would|scores?|ranks?|match|matches|fits?|meets?|suits?|stands?|deserves?|shows?|lacks?|falls?|makes? you)\b",
    r"\byour (chances|odds|score|rank|rating)\b|\bchances? of (you )?(being|getting|an?) (hired|offer|accepted|selected|invited|job|the job|interview)\b",
    r"\b(rank|rate|score|grade|assess|evaluate|judge|screen|shortlist)(s|d|ed|ing)? (you|your|him|her|them|this candidate|that candidate|both candidates)\b",
    r"\b(he|she|they|\w+) (is|are|was|were|would be) (the |a )?(better|worse|best|stronger|strongest|weaker|weakest|worst)( \w+)? (candidate|applicant|"
    r"fit|match|hire|choice)s?\b|\b(should|must|ought to|need not|should not) (be )?(hired|rejected|shortlisted|ranked)\b",
    r"\b\d+([.,]\d+)? ?(out of|/|von|sur|de) ?(5|10|100)\b.{0,40}\b(candidate|applicant|fit|match|profile|cv|resume|you|your)\b",
    r"\b(candidate|applicant|fit|match|profile|cv|resume|you)\b.{0,40}\b\d+([.,]\d+)? ?(out of|/) ?(5|10|100)\b",
    r"\bvotre (profil|cv|candidature|experience) (est|correspond|semble|convient)\b|\bvos chances\b|\bvous (etes|semblez) .{0,12}"
    r"\b(qualifie|un (bon|mauvais|excellent) candidat)(?!.{0,40}\bsi\b)",
    r"\b(ihr|dein)e? (profil|lebenslauf|bewerbung|erfahrung|chancen) (ist|sind|passt|wirkt)\b|\b(sie sind|du bist) .{0,12}\b(qualifiziert|geeignet|"
    r"passend|gute[rn]? kandidat)",
    r"\b(su|tu) (perfil|curriculum|cv|experiencia) (es|encaja|parece|cumple)\b|\b(sus|tus) posibilidades\b|\b(usted es|eres) .{0,12}\b(buen|mal|apto|"
    r"idoneo|candidat)",
    r"(הסיכויים|קורות החיים|הניסיון) שלך|(אתה|את) (מועמדת?|מתאימה?)",
    plain(r"ваш(і|е)? (шанси|резюме|досвід)|ви (підходите|кваліфікован)"),
)
_LEGAL = _any(
    r"\b(sue|suing|lawsuit|litigation|take legal action|press charges|go to court|in court|labou?r court|employment tribunal)\b",
    r"\b(legally|lawfully) (entitled|obliged|obligated|binding|allowed|permitted|bound|enforceable|valid|required to (pay|give|grant|hire))\b",
    r"\b(is|are|be|being|was|were|isn't|aren't)( not| perfectly| quite| clearly| also)* ?(il)?legal\b(?! (counsel|team|department|advis|expert|work|"
    r"role|operations|entit|matters|name))",
    r"\b(unlawful(ly)?|illegal(ly)?|(un)?enforceable|against the law|breach of (contract|law)|violat\w+ (\w+ ){0,3}(law|act|rights?|contract|regulations?))\b",
    r"\byou (have|got|retain|enjoy|would have|may have|lose|waive)( \w+)? ?(a |the |an )?((legal |statutory )?rights?|(legal )?claims?|case) (to|under|against|in)\b",
    r"\b(your|employees?'?|workers?'?|a worker's) (legal|statutory) (rights?|claims?|protections?)\b|\byour rights?\b",
    r"\b(by|under|according to) (the )?((labou?r|employment|local|federal|state|national|german|french|us|uk|eu|israeli) )*(law|labou?r code|statute|act)s?\b"
    r".{0,40}\b(you|your|employers?|the company|they)\b",
    r"\b(you|employers?|they)\b.{0,40}\b(by|under|according to) (the )?((labou?r|employment|local|federal|state|national|eu) )*(law|labou?r code|statute)s?\b",
    r"\b(consult|ask|hire|see|seek|talk to|speak to) (an? )?(own )?(\w+ )?(lawyer|attorney|solicitor|legal advice|legal counsel)\b",
    r"\b(porter plainte|poursuivre en justice|prud'?hom|droit du travail|illegal\w*|vos droits)\b",
    r"\b(verklag\w*|klage\w* (einreichen|gegen)|arbeitsgericht|arbeitsrecht\w*|gesetzlich verpflichtet|rechtswidrig|ihre rechte|rechtsanspruch)\b",
    r"\b(demandar a|derecho laboral|sus derechos|tus derechos|tribunal laboral)\b",
    r"לתבוע|בית הדין לעבודה|הזכויות שלך|חוקי",
    plain(r"позов|в суді|до суду|трудов\w* (право|кодекс)|незаконн|ваші права"),
)
_PROTECTED = _any(
    r"\b(race|races|racial|ethnic\w*|religio\w*|faith|gender\w*|sexual\w*|sexes|pregnan\w*|disabilit\w*|disabled|handicap\w*|"
    r"nationalit\w*|national origin|marital|married|unmarried|age|aged|ages|elderly|older people|younger people|"
    r"young(er)? (people|candidates|applicants|team|colleagues)|men|women|males?|females?|gay|lesbian|transgender|"
    r"lgbt\w*|muslims?|christians?|jews?|jewish|hindus?|immigrants?|foreigners?|veterans?|skin colou?r|caste)\b",
    r"\b(origine ethnique|religion|sexe|genre|grossesse|enceinte|handicap\w*|nationalite|hommes?|femmes?|orientation sexuelle)\b",
    r"\b(religion|geschlecht\w*|schwanger\w*|behinder\w*|staatsangehorigkeit|herkunft|frauen|alter)\b",
    r"\b(raza|etnia|religion|sexo|genero|embaraz\w*|discapacidad\w*|nacionalidad|hombres?|mujeres?|edad)\b",
    r"(גזע|דת|מגדר|היריון|מוגבלות|לאום)",
    plain(r"\b(раса|раси|релігі\w*|стать|статі|вагітн\w*|інвалідн\w*|національн\w*)"),
)


def speaks_for_itself(claim: Claim) -> bool:
    """Whether it says "I", or that something was done which nobody did."""
    return bool(_OWN_VOICE.search(plain(claim.unquoted)) or _ACTION.search(plain(claim.text)))


def promises(claim: Claim) -> bool:
    """Whether it promises a job, an interview, pay or a visa; of other things, in words not quoted.

    Not even in quotation marks: a page may have been made to say that every reader is hired.
    """
    return bool(_PROMISE.search(plain(claim.text)) or _GUARANTEE.search(plain(claim.unquoted)))


def judges_people(claim: Claim) -> bool:
    """Whether it scores, ranks or judges a person, or weighs somebody's chances."""
    return bool(_SCORING.search(plain(claim.text)))


def advises_on_law(claim: Claim) -> bool:
    """Whether it says what is legal, or what rights somebody has."""
    return bool(_LEGAL.search(plain(claim.text)))


def speaks_of_protected(claim: Claim) -> bool:
    """Whether it speaks of a protected characteristic in other words than the page's own."""
    return not claim.verbatim and bool(_PROTECTED.search(plain(claim.unquoted)))


def turns_around(claim: Claim) -> bool:
    """Whether it says no where the page says yes, or yes where the page says no."""
    return negates(claim.text) != negates(" ".join(f"{s.passage.lead} . {s.clause}" for s in claim.stretches))


def negates(text: str) -> bool:
    """Whether a "not", "none" or "without" stands in it."""
    return bool(_NEGATION.search(plain(text)))


FAULTS: tuple[tuple[str, Callable[[Claim], bool]], ...] = (
    ("it holds a link or markup", lambda claim: bool(_MARKUP.search(claim.text))),
    ("it is too long", lambda claim: len(claim.text.split()) > LONGEST),
    ("it speaks of itself or of an action", speaks_for_itself),
    ("it promises something", promises),
    ("it judges a person", judges_people),
    ("it gives legal advice", advises_on_law),
    ("it speaks of a protected characteristic", speaks_of_protected),
    ("it has a number that is not in the words quoted", invents_number),
    ("it has a name that is not in the passage", invents_name),
    ("it says of one thing what the words quoted say of another", mixes_up),
    ("it turns the words quoted around", turns_around),
    ("it says other things than the words quoted", strays),
)


def fault(claim: Claim) -> str:
    """Why the sentence must not be shown, in plain words; "" where it may."""
    return next((why for why, is_wrong in FAULTS if is_wrong(claim)), "")


# --- passages that talk to the model ----------------------------------------------------------------

_TO_A_MODEL = _any(
    r"\b(ignore|disregard|forget|override|bypass)\b.{0,40}\b(instructions?|rules?|prompts?|guidelines?|(said|told|stands|above|before) )",
    r"\b(ignorez?|oubliez?)\b.{0,40}\b(instructions?|consignes?|regles?)\b|\b(ignorier\w*|vergiss\w*|missachte\w*)\b.{0,40}\b(anweisung|regel)",
    r"\b(ignora|olvida)\w*\b.{0,40}\b(instruccion|regla)",
    r"התעלם.{0,30}(הוראות|כללים)|" + plain(r"(ігноруй|забудь).{0,40}(інструкці|правил)"),
    r"\b(system|hidden|your) prompt\b|\byou are now\b|\bnew instructions?\b|\b(dear|attention) (ai|llm|assistant|chatbot|model)\b",
    r"\b(if you are|note to|message to) (an? |any |all |the )?(ais?|llms?|language models?|chatbots?|assistants?)\b",
    r"\bas an? (llm|(ai|large)? ?language model|chatbot|ai (assistant|model|chatbot))\b",
    r"(^|\n)\W{0,3}(system|assistant)\s*:\s*\S",
    r"(^|[.!?:;,\n]\s{0,9}|\b(and|then|please|must|always|instead|only|now)\s+)(say|tell|answer|reply|respond|claim|state|output|print)\s+"
    r"(only|exactly|that (everyone|the (company|salary|candidate))|everyone|the (user|candidate|applicant)s?\b|every (user|candidate|applicant)|\")",
    r"</?(system|passages?|question|instructions?)\b|\[/?inst\]|<\|",
)


def addresses_model(passage: Passage) -> bool:
    """Whether a passage holds instructions to a language model: then nothing in it can be trusted."""
    return bool(_TO_A_MODEL.search(plain(passage.embedding_text)))
