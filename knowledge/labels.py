"""The words job ads print beside a title: contract, level and workplace, in four languages.

The table is the whole knowledge of this module. A spelling is looked up folded (no case, accents or
hyphens), so "Full-Time" and "full time" are one entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from itertools import combinations, pairwise, product

from knowledge.wording import fold


class LabelKind(StrEnum):
    """Which fact of a posting a label would state."""

    CONTRACT = "employment_type"
    LEVEL = "level"
    WORKPLACE = "workplace_type"


# kind → canonical value → spellings besides the canonical one
VOCABULARY: dict[LabelKind, dict[str, str]] = {
    LabelKind.CONTRACT: {
        "Full time": """full-time|fulltime|full time position|full time job|regular full time|vollzeit|in vollzeit|
            ganztags|temps plein|à temps plein|plein temps|tiempo completo|a tiempo completo|
            jornada completa|voltijd|tempo pieno""",
        "Part time": """part-time|parttime|part time position|regular part time|teilzeit|in teilzeit|halbtags|
            temps partiel|à temps partiel|tiempo parcial|media jornada|jornada parcial|medio tiempo|
            deeltijd|minijob""",
        "Permanent": """perm|regular|permanent contract|permanent position|permanent role|open-ended|
            open-ended contract|unbefristet|festanstellung|cdi|contrat à durée indéterminée|durée indéterminée|indefinido|
            contrato indefinido|regular employee|unlimited contract""",
        "Temporary": """temp|temporary position|temporary contract|temporary role|befristet|zeitarbeit|aushilfe|
            intérim|intérimaire|temporaire|temporal|contrato temporal|eventual""",
        "Fixed term": """fixed-term|fixed term contract|ftc|limited contract|term|term position|cdd|
            contrat à durée déterminée|durée déterminée|befristeter vertrag|parental leave cover|
            maternity cover|maternity leave cover|secondment""",
        "Contract": """contractor|contract position|contract role|contract to hire|independent contractor|b2b|
            b2b contract|werkvertrag|prestataire|contratista""",
        "Freelance": "freelancer|freiberuflich|freie mitarbeit|indépendant|autónomo|self employed|free-lance",
        "Internship": """intern|interns|internships|intern program|intern programme|internship program|
            internship programme|praktikum|praktikant|stage|stagiaire|prácticas|pasantía|becario|
            placement|co-op|coop|industrial placement""",
        "Student": """students|student job|student program|student programme|student position|working student|
            werkstudent|werkstudentin|werkstudierende|studentenjob|étudiant|job étudiant|estudiante""",
        "Apprenticeship": """apprentice|apprenticeships|ausbildung|auszubildende|azubi|alternance|apprentissage|apprenti|
            aprendiz|dual study|duales studium|contrat d'apprentissage""",
        "Traineeship": (
            "trainee|trainee program|trainee programme|graduate program|graduate programme|volontariat"
        ),
        "Seasonal": (
            "seasonal position|seasonal work|saisonal|saisonarbeit|saisonnier|temporada|seasonal contract"
        ),
        "Casual": (
            "casual work|on call|zero hours|zero-hours contract|per diem|stundenweise|occasionnel|relief"
        ),
        "Volunteer": "volunteering|voluntary|ehrenamt|ehrenamtlich|bénévole|bénévolat|voluntario",
        "Shift work": "shift|shifts|day shift|night shift|schichtarbeit|schichtdienst|travail posté|turnos",
    },
    LabelKind.LEVEL: {
        "Entry level": """entry-level|entry|beginner|no experience|graduate|graduates|new grad|new graduate|
            recent graduate|early career|early careers|berufseinsteiger|berufseinstieg|einsteiger|
            débutant|débutant accepté|jeune diplômé|recién graduado|sin experiencia|principiante""",
        "Junior": "jr|junior level|junior-level|júnior",
        "Mid level": """mid|mid-level|midlevel|intermediate|mid-senior|mid senior level|associate|experienced|
            professional|berufserfahren|mit berufserfahrung|confirmé|expérimenté|intermedio|medior|
            individual contributor""",
        "Senior": "sr|senior level|senior-level|sénior|chevronné|experienced professional",
        "Staff": "staff level|staff-level",
        "Lead": "team lead|tech lead|leader|team leader|teamleitung|teamleiter|chef d'équipe|líder",
        "Principal": "principal level|expert|experte",
        "Manager": """people manager|people managers|people leader|management|manager level|mid-level manager|
            führungskraft|mit personalverantwortung|encadrement|cadre|gerente|line manager""",
        "Director": "director level|direktor|directeur|directrice|directora",
        "Head": "head of department|abteilungsleitung|responsable",
        "Executive": "executive level|c-level|c-suite|vp|vice president|geschäftsführung|cadre dirigeant",
        "Any level": "all levels|any level|all experience levels|not applicable|alle level|tous niveaux",
    },
    LabelKind.WORKPLACE: {
        "Remote": """fully remote|100% remote|remote only|remote first|remote-first|work from home|
            working from home|wfh|home office|home-office|homeoffice|home based|home-based|
            work from anywhere|remote work|remote possible|remote ok|remote friendly|remote-friendly|
            remote eligible|telework|telecommute|mobile work|mobiles arbeiten|ortsunabhängig|
            télétravail|à distance|100% télétravail|distanciel|teletrabajo|remoto|a distancia|
            trabajo remoto|en remoto|distributed|fernarbeit""",
        "Hybrid": """hybrid work|hybrid working|hybrid remote|remote hybrid|hybrid office|flexible location|
            flexible hybrid|hybride|travail hybride|télétravail partiel|híbrido|modalidad híbrida|
            partially remote|partly remote""",
        "On site": """on-site|onsite|on site only|in office|in-office|office|office based|office-based|in person|
            in-person|at the office|vor ort|präsenz|im büro|sur site|sur place|présentiel|en présentiel|
            presencial|en oficina|en sitio""",
    },
}

# Values that exclude one another within one posting; values of different axes go together.
_AXES: dict[str, str] = {
    "Full time": "hours",
    "Part time": "hours",
    "Permanent": "duration",
    "Temporary": "duration",
    "Fixed term": "duration",
    "Contract": "duration",
    "Freelance": "duration",
    "Internship": "duration",
    "Apprenticeship": "duration",
    "Traineeship": "duration",
    "Seasonal": "duration",
    "Casual": "duration",
    "Volunteer": "duration",
    "Student": "duration",
}
# "Temporary contract" and "student internship" are printed as two words by many boards.
_COMPATIBLE = (
    frozenset({"Temporary", "Fixed term", "Contract", "Seasonal", "Freelance"}),
    frozenset({"Temporary", "Internship", "Student", "Fixed term", "Traineeship"}),
    frozenset({"Casual", "Temporary", "Seasonal"}),
    frozenset({"Permanent", "Traineeship", "Apprenticeship"}),
    frozenset({"Apprenticeship", "Fixed term"}),
    frozenset({"Entry level", "Junior"}),
    frozenset({"Lead", "Senior"}),
    frozenset({"Staff", "Senior"}),
    frozenset({"Principal", "Senior"}),
    frozenset({"Manager", "Senior"}),
    frozenset({"Manager", "Lead"}),
    frozenset({"Manager", "Head"}),
    frozenset({"Manager", "Director"}),
    frozenset({"Director", "Executive"}),
    frozenset({"Director", "Senior"}),
    frozenset({"Director", "Head"}),
    frozenset({"Mid level", "Senior"}),
)
_BEGINNERS = frozenset({"Internship", "Student", "Apprenticeship", "Entry level", "Junior", "Traineeship"})
_LEADERS = frozenset({"Senior", "Staff", "Lead", "Principal", "Manager", "Director", "Head", "Executive"})

_DURATION = re.compile(
    r"\b(\d+|one|two|three|six|nine|twelve)[\s-]*(months?|monate?|mois|meses|years?|jahre?|weeks?)\b"
)
_SHARE = re.compile(
    r"\b\d{1,3}\s*([-–]\s*\d{1,3}\s*)?%|\b\d{1,2}([.,]5)?\s*(h|hrs|hours|stunden|std|"
    r"heures)\b(\s*(/|per|pro)\s*\w+)?"
)
_NUMBERED_SHIFT = re.compile(r"shift (\d|[a-d])|(1st|2nd|3rd|4th|first|second|third|fourth) shift")
_FILLERS = re.compile(
    r"\b(contract|position|role|job|basis|employment|only|initially|of|for|in the office|a week|days?)\b"
)
_SEPARATORS = re.compile(
    r"\s{0,9}(?:[,/|·•;+&]|\s[-–—]\s|\bor\b|\band\b|\boder\b|\bund\b|\bou\b|\bet\b|\bo\b|\by\b)\s*"
)
_LONGEST_LABEL = 60

_TITLE_MARKS = re.compile(r"[()\[\],/|]|\s[-–—+]+(?=\s|$)")
_NOT_OF_TITLES = frozenset({"b2b", "office"})
"""Spellings that in a title name a trade: "Client Partner, B2B", "Assistant (Office)"."""

_CONDITIONS = frozenset(
    {"Full time", "Part time", "Permanent", "Fixed term", *VOCABULARY[LabelKind.WORKPLACE]}
)
"""Values that say how somebody works, and never with what, as in "Coordinator, Volunteer"."""


def classify(line: str) -> LabelKind | None:
    """Which kind of label a whole line is, or None: "Full time" is one, "Senior Backend Engineer" is not."""
    kinds = {kind for kind, _ in _read(line)}
    return kinds.pop() if len(kinds) == 1 else None


def canonical(line: str) -> str:
    """The table's value for a label line ("Vollzeit" → "Full time"), or "" where it is no label."""
    return " / ".join(dict.fromkeys(value for _, value in _read(line)))


def title_labels(title: str) -> dict[LabelKind, str]:
    """The contract and workplace that a title prints beside the role, in its own words.

    "Miller (Perm or Contract, Remote)" → {CONTRACT: "Perm or Contract", WORKPLACE: "Remote"}. Only a part that
    is a label as a whole counts, and never the first one, which is the role: nothing is said by "Contract
    Manager", "Shift Lead" or "Manager, Office".
    """
    parts = _TITLE_MARKS.split(title)
    if len(parts) == 1:
        return {}
    role, *beside = [part for each in parts if (part := each.strip(" -–—"))] or [""]
    inverted = " " not in role and title.lstrip().startswith(f"{role},")
    found: dict[LabelKind, list[str]] = {}
    for part in beside:
        kind = classify(part)
        if kind not in (LabelKind.CONTRACT, LabelKind.WORKPLACE) or fold(part) in _NOT_OF_TITLES:
            continue
        if inverted and part == beside[0] and canonical(part) not in _CONDITIONS:
            continue
        found.setdefault(kind, []).append(part)
    return {kind: ", ".join(dict.fromkeys(words)) for kind, words in found.items()}


def is_label(line: str) -> bool:
    """Whether a whole line is made of label words, maybe of several kinds ("Hybrid · Full time")."""
    return bool(_read(line))


def contradict(values: Iterable[str]) -> bool:
    """Whether canonical values cannot all be true of one posting, such as Temporary and Permanent."""
    present = [set(value.split(" / ")) for value in dict.fromkeys(values)]
    return any(
        _exclude(one, other)
        for ones, others in combinations(present, 2)
        if not ones & others  # one line may offer both: "Full time or part time"
        for one, other in product(ones, others)
    )


def denies_title(value: str, title: str) -> bool:
    """Whether a label makes a beginner of a senior title or the other way round: Internship, "Head of Data"."""
    named = set(title_levels(title))
    values = set(value.split(" / "))
    return bool(
        (values <= _BEGINNERS and named & _LEADERS and not named & _BEGINNERS)
        or (values <= _LEADERS and named and named <= _BEGINNERS)
    )


def title_levels(title: str) -> tuple[str, ...]:
    """The levels a job's title names: "Senior Backend Engineer" → ("Senior",)."""
    words = fold(title).split()
    pairs = [*words, *(" ".join(pair) for pair in pairwise(words))]
    return tuple(dict.fromkeys(_TITLE_LEVELS[word] for word in pairs if word in _TITLE_LEVELS))


_TITLE_LEVELS = {
    "senior": "Senior",
    "sr": "Senior",
    "staff": "Staff",
    "lead": "Lead",
    "principal": "Principal",
    "director": "Director",
    "head": "Head",
    "chief": "Executive",
    "vp": "Executive",
    "manager": "Manager",
    "junior": "Junior",
    "jr": "Junior",
    "intern": "Internship",
    "internship": "Internship",
    "praktikant": "Internship",
    "praktikum": "Internship",
    "stagiaire": "Internship",
    "trainee": "Traineeship",
    "werkstudent": "Student",
    "working student": "Student",
    "apprentice": "Apprenticeship",
    "graduate": "Entry level",
    "entry level": "Entry level",
}


@cache
def _table() -> dict[str, tuple[LabelKind, str]]:
    table: dict[str, tuple[LabelKind, str]] = {}
    for kind, values in VOCABULARY.items():
        for value, spellings in values.items():
            for spelling in (value, *spellings.split("|")):
                table.setdefault(fold(spelling), (kind, value))
    return table


@cache
def _read(line: str) -> tuple[tuple[LabelKind, str], ...]:
    """The labels a whole line consists of; empty as soon as one part is something else."""
    text = line.strip().strip("•·*-–—|()[]").strip()
    if not text or len(text) > _LONGEST_LABEL or text.endswith((".", "?", "!", ":")):
        return ()
    if whole := _lookup(text):
        return (whole,)
    parts = [part for part in _SEPARATORS.split(re.sub(r"[()\[\]]", ",", text)) if part.strip()]
    entries = [_lookup(part) for part in parts]
    if (
        not parts
        or len(parts) > 4
        or (None in entries and not all(_is_measure(p) for p, e in zip(parts, entries, strict=True) if not e))
    ):
        return ()
    return tuple(entry for entry in entries if entry)


def _lookup(text: str) -> tuple[LabelKind, str] | None:
    folded = fold(text)
    if entry := _table().get(folded):
        return entry
    if _NUMBERED_SHIFT.fullmatch(folded):
        return _table()["shift"]
    bare = fold(_SHARE.sub(" ", _DURATION.sub(" ", text.casefold())))
    if bare != folded:
        stripped = " ".join(_FILLERS.sub(" ", bare).split())
        return (
            _table().get(bare)
            or _table().get(stripped)
            or (_table()["fixed term"] if _is_term(bare, text) else None)
        )
    return None


def _is_term(bare: str, text: str) -> bool:
    return bool(_DURATION.search(text.casefold())) and bare in ("contract", "position", "term", "role")


def _is_measure(text: str) -> bool:
    """Whether a part only measures another one: "12 months", "80–100 %", "2 days a week"."""
    rest = _FILLERS.sub(" ", fold(_SHARE.sub(" ", _DURATION.sub(" ", text.casefold()))))
    return bool(re.search(r"\d", text)) and not re.sub(r"[\d\s]|per|week|month|office|in the", "", rest)


def _exclude(one: str, other: str) -> bool:
    if any({one, other} <= group for group in _COMPATIBLE):
        return False
    if (one in _BEGINNERS and other in _LEADERS) or (other in _BEGINNERS and one in _LEADERS):
        return True
    axis = _axis(one)
    return bool(axis) and axis == _axis(other)


def _axis(value: str) -> str:
    if value in _AXES:
        return _AXES[value]
    for kind in (LabelKind.LEVEL, LabelKind.WORKPLACE):
        if value in VOCABULARY[kind] and value != "Any level":
            return kind.value
    return ""
