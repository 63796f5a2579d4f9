"""What one printed line says about a position, and which lines are titles, teams or headings of positions.

Nothing here looks at more than the line it is given; `positions.py` puts lines together.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from knowledge.dates import parse_date
from knowledge.documents import Listing
from knowledge.labels import LabelKind, classify
from knowledge.places import is_place, split_places
from knowledge.wording import fold, squash, word_set

_JOBS_HEADING = re.compile(
    r"^\W*(?:(?:our|all|see|view|browse|explore|latest|new|featured|available|alle|unsere|nos|"
    r"nuestras)\s+)*(?:"
    r"(?:current(?:ly)?\s+|open\s+|job\s+|latest\s+)*(?:open|job|current|"
    r"career)\s+(?:positions?|roles?|jobs?|vacanc(?:y|ies)|openings?|"
    r"opportunities|listings?)|openings|vacancies|positions|jobs|open roles|(?:we(?:['’]re|"
    r" are)|now|who we(?:['’]re| are)) (?:currently )?(?:hiring|looking for|"
    r"recruiting)(?: for)?|"
    r"(?:aktuellen?|offenen?|freien?) (?:stellen\w*|positionen|jobs)|stellenangebote|stellenausschreibungen|"
    r"wir suchen|(?:postes?|offres?) (?:ouverts?|à pourvoir|disponibles?|d['’]emploi)|"
    r"nous recrutons|(?:nos )?offres|"
    r"(?:vacantes|puestos|empleos|ofertas)(?: (?:abiert[oa]s|disponibles|vacantes|de (?:empleo|"
    r"trabajo)))?|vacatures"
    r")\b(?P<rest>.*)$",
    re.IGNORECASE,
)
_NOT_A_LISTING = re.compile(
    r"[.]$|\b(closed|filled|past|archived|previous|faq|questions?|process|how|why|tips)\b", re.I
)
_ROLE = re.compile(
    r"\b(\w*engineer|\w*developer|manager\w*|designer|director|scientist|analyst|architect|"
    r"specialist|coordinator|"
    r"consultant|recruiter|administrator|assistant|associate|advisor|adviser|representative|"
    r"executive|officer|"
    r"technician|writer|editor|researcher|accountant|controller|agent|intern|trainee|apprentice|"
    r"lead|head of \w+|chief|"
    r"operator|driver|nurse|teacher|tutor|cook|chef|baker|barista|waiter|waitress|cashier|clerk|"
    r"mechanic|electrician|"
    r"supervisor|strategist|producer|programmer|tester|buyer|planner|partner|owner|secretary|"
    r"paralegal|lawyer|counsel|"
    r"curator|conservator|librarian|gardener|farmer|carpenter|welder|guide|host|captain|pilot|"
    r"therapist|physician|"
    r"pharmacist|chemist|biologist|geologist|physicist|economist|statistician|translator|"
    r"interpreter|copywriter|"
    r"salesperson|seller|steward|attendant|cleaner|janitor|receptionist|worker|helper|"
    r"crew member|instructor|trainer|"
    r"coach|evangelist|advocate|generalist|graduate|student|fellow|postdoc|professor|lecturer|surveyor|"
    r"illustrator|animator|photographer|journalist|auditor|treasurer|bookkeeper|handler|picker|"
    r"packer|fitter|plumber|"
    r"\w+(?:ingenieur|entwickler|leiter|berater|techniker|fahrer|kraft|arbeiter|mechaniker|"
    r"pfleger|meister)(?:/?\W?in)?|mitarbeiter\w*|"
    r"ingénieure?|développeu(?:r|se)|responsable|chargée? d\w*|conseill(?:er|ère)|gestionnaire|"
    r"technicien(?:ne)?|"
    r"directeur|directrice|ingenier[oa]|desarrollador[a]?|gerente|analista|diseñador[a]?|técnic[oa]|"
    r"sre|devops|qa|cto|ceo|cfo|coo|vp)s?\b|\((?:[mwfdhx]|alle|all genders)(?:\s*[/|"
    r",]\s*[mwfdhx*])+\)|\(all genders\)",
    re.IGNORECASE,
)
_DEPARTMENT = re.compile(
    r"^(?:the )?(?:.*\b)?(development|engineering|marketing|operations|team|people|finance|"
    r"sales|support|design|"
    r"product|products|legal|security|infrastructure|platform|platforms|data|analytics|research|"
    r"success|experience|"
    r"it|hr|r&d|qa|human resources|talent|recruiting|recruitment|communications|growth|"
    r"partnerships|logistics|"
    r"customer service|customer care|service|services|science|sciences|procurement|purchasing|"
    r"administration|accounting|"
    r"management|quality|manufacturing|production|warehouse|maintenance|kitchen|retail|software|"
    r"hardware|firmware|mobile|web|"
    r"backend|frontend|cloud|systems|solutions|technology|tech|education|care|department|"
    r"division|group|unit|squad|"
    r"facilities|field|workshop|studio|lab|labs|forecasting|planning|strategy|compliance|risk|"
    r"treasury|content|editorial|"
    r"entwicklung|vertrieb|personal|buchhaltung|technik|einkauf|produktion|logistik|verwaltung|forschung|"
    r"développement|ventes|ressources humaines|ingénierie|juridique|desarrollo|ventas|"
    r"recursos humanos|ingeniería|finanzas)$",
    re.IGNORECASE,
)
_SALARY = re.compile(
    r"(?:[€$£¥₹₪]|\b(?:eur|usd|gbp|chf|cad|aud|ils|sek|nok|dkk|pln|inr|czk|huf|kes|zar|sgd|nzd|"
    r"jpy|euro|dollars?|pounds?|rand)\b)\s?\d"
    r"|\d[\d.,' ]{0,30}\s?k?\s?(?:[€$£¥₹₪]|\b(?:eur|usd|gbp|chf|cad|aud|ils|sek|nok|dkk|pln|inr|czk|"
    r"huf|kč|kr|zł|euros?|dollars?)(?!\w))",
    re.IGNORECASE,
)
_DATE_LINE = re.compile(
    r"^(?P<key>(?:date )?posted(?: on)?|published(?: on)?|veröffentlicht(?: am)?|"
    r"publié(?:e)? le|apply (?:by|before|until)|"
    r"applications? (?:close|deadline|due)(?:s|d)?(?: on)?|clos(?:es|ing)(?: date)?(?: on)?|"
    r"deadline|bewerbungsfrist|bewerben bis|"
    r"date limite|open until|valid (?:through|until))\s*:?\s+(?P<day>.+)$",
    re.IGNORECASE,
)
_KEYED = re.compile(r"^(?P<key>[^\W\d][\w /&’']{1,28}?)\s*:\s+(?P<value>\S.*)$")
_KEYS = {
    "locations": (
        "location|locations|office|city|where|place|standort|ort|einsatzort|arbeitsort|lieu|"
        "localisation|ubicación"
    ),
    "department": (
        "department|team|area|division|function|category|group|unit|abteilung|bereich|équipe|"
        "service|departamento|equipo|squad"
    ),
    "employment_type": (
        "type|contract|contract type|employment|employment type|job type|commitment|hours|schedule|"
        "vertrag|vertragsart|arbeitszeit|contrat|type de contrat|tipo de contrato|contrato"
    ),
    "workplace_type": "workplace|work mode|work model|workplace type|working model|arbeitsmodell|remote",
    "level": "level|seniority|experience|experience level|niveau|nivel|erfahrung",
    "salary": "salary|pay|compensation|wage|salary range|gehalt|vergütung|salaire|rémunération|salario",
    "posted": "posted|published|date posted|veröffentlicht|publié",
    "closes": (
        "closes|closing date|deadline|apply by|application deadline|bewerbungsfrist|date limite|fecha límite"
    ),
    "id": (
        "id|job id|ref|reference|requisition|req id|job number|referenz|référence|kennziffer|reference number"
    ),
}
_FIELD_OF_KEY = {fold(name): key for key, names in _KEYS.items() for name in names.split("|")}
_TITLE_COLUMNS = word_set("role position title job vacancy opening stelle poste puesto what") | {
    "job title",
    "position title",
}
_WORKPLACE_PREFIX = re.compile(
    r"^(?P<mode>(?:fully |100\s?% )?remote(?:ly)?|hybrid|on-?\s?site|in[- ]office|home ?office|"
    r"télétravail|vor ort)\b"
    r"(?P<joint>\s*[-–—:,/(·•|;]+\s*|\s+(?:within|in|from|across)\s+|\s+)(?P<place>[^)]+)\)?$",
    re.IGNORECASE,
)
_WORKPLACE_SUFFIX = re.compile(
    r"^(?P<place>[^(]+)[-–—:,/(·•|;]\s*(?P<mode>[^()]+?)\)?$|^(?P<first>.+?) or (?P<other>remote)$",
    re.IGNORECASE,
)
SEPARATORS = (
    r"\t+|\s{4,}",
    r"\s*\|\s*",
    r"\s+—\s+",
    r"\s*[·•]\s*",
    r"\s+–\s+",
    r"\s+/\s+",
    r"\s+-\s+",
    r"\s*;\s+",
    r"\s*,\s+",
)
BULLET = re.compile(r"^(?:[-*•·▪‣●○◦►▸→✓✔–]|\d{1,2}[.)])\s+")
# "Engineering (3)" counts the positions below it.
COUNT = re.compile(r"\s{0,9}\(\d{1,3}\)$")
LONGEST_TITLE, LONGEST_ROW, _LONGEST_FACT, MOST_RUN_TOGETHER = 110, 250, 90, 7
_SHOWN = (
    re.compile(
        r"(?:showing|displaying|viewing|shown?|zeige|affichage(?: de)?|mostrando)\s+(?:jobs?\s+|"
        r"results?\s+)?(\d+)(?:\s*(?:[-–—]|to|bis|à)\s*(\d+))?\s+(?:jobs?\s+|positions?\s+|"
        r"roles?\s+|results?\s+)?(?:out\s+of|of|von|sur|de)\s+(\d+)(?:\s+(?:open\s+)?(?:jobs?|"
        r"positions?|roles?|results?|openings?|vacancies|stellen|postes|offres))?\b\.?",
        re.I,
    ),
    re.compile(
        r"(?<!\d)(\d{1,9})(?:\s{0,9}[-–—]\s*(\d{1,9}))?\s+(?:out\s+of|of|von|sur|de)\s+(\d+)\s+(?:open\s+)?(?:jobs?|"
        r"positions?|roles?|results?|openings?|vacancies|stellen|postes|offres|vacantes|"
        r"empleos)\b\.?",
        re.I,
    ),
)
_TOTAL = re.compile(
    r"(?:we have |there are |currently )*(?<!\d)(\d{1,9})\s+(?:(?:open|current|active|offene|"
    r"freie)\s+)*(?:jobs?|positions?|roles?|results?|openings?|vacancies|opportunities|stellen|"
    r"postes(?: ouverts)?|offres(?: d['’]emploi)?|vacantes|empleos)(?: available| found| open)?\.?",
    re.I,
)
MOST_COUNT_LINES = 7


@dataclass(frozen=True)
class Line:
    """A line of a page, whether an empty one stands before it, and of how many printed lines it is made."""

    text: str
    gap: bool = False
    span: int = 1


def is_jobs_heading(text: str) -> bool:
    """Whether a heading announces open positions: "Open positions at …", "We're hiring", "Offene Stellen"."""
    if len(text) > 90 or _NOT_A_LISTING.search(text.strip()):
        return False
    found = _JOBS_HEADING.match(text.strip())
    return bool(found) and len(found.group("rest").split()) <= 7 if found else False


def read_listing(lines: Sequence[str]) -> tuple[Listing, int] | None:
    """A count such as "Showing 5 out of 16" at the top of `lines`, and over how many of them it runs."""
    for count in range(1, min(MOST_COUNT_LINES, len(lines)) + 1):
        quote = squash(" ".join(lines[:count]))
        if len(quote) > 80:
            return None
        for pattern in _SHOWN:
            if found := pattern.fullmatch(quote):
                first, last, total = (int(part) if part else None for part in found.groups())
                shown = last - (first or 1) + 1 if last else first
                return Listing(shown, total, quote), count
        if count == 1 and (found := _TOTAL.fullmatch(quote)):
            return Listing(None, int(found.group(1)), quote), 1
    return None


def facts_of(text: str) -> list[tuple[str, str]]:
    """What a short line states about a posting, as (field, words); empty for a title or a team's name."""
    line = squash(text).strip("•·*|-–— ") if len(text) <= LONGEST_ROW else ""
    if not line or len(line) > _LONGEST_FACT:
        return []
    for read in (_keyed_fact, _date_fact, _label_facts, _salary_fact, _workplace_and_place):
        if found := read(line):
            return found
    parts = _split(line, SEPARATORS)
    if len(parts) > 1:
        inner = [facts_of(part) or _department_fact(part) for part in parts]
        found = [fact for facts in inner for fact in facts]
        if all(inner) and any(name != "department" for name, _ in found):
            return found
    return _run_together(line)


def _department_fact(text: str) -> list[tuple[str, str]]:
    """A team's name counts as a fact only between others: "Remote — Berlin / Sales / Full time"."""
    return [("department", squash(text))] if looks_like_department(text) else []


def _run_together(line: str) -> list[tuple[str, str]]:
    """A place and a label that a page sets side by side without a mark: "Berlin Full time"."""
    words = [] if looks_like_title(line) else line.split()
    for cut in range(1, len(words) if len(words) <= MOST_RUN_TOGETHER else 1):
        first, second = " ".join(words[:cut]), " ".join(words[cut:])
        start = _workplace_and_place(first) or (
            _label_facts(first) if classify(first) is LabelKind.WORKPLACE else []
        )
        rest = start and (_label_facts(second) or _workplace_and_place(second) or _run_together(second))
        if rest:
            return [*start, *rest]
    return []


def looks_like_title(text: str) -> bool:
    """Whether a short line names a role, by its nouns or by markers such as (m/w/d)."""
    return (
        len(text) <= LONGEST_TITLE
        and bool(_ROLE.search(text))
        and not text.rstrip().endswith((".", ":", "?", "!"))
    )


def looks_like_department(text: str) -> bool:
    """Whether a short line names a part of the company."""
    bare = COUNT.sub("", text.strip())
    return len(bare.split()) <= 5 and bool(_DEPARTMENT.match(bare)) and not _ROLE.search(bare)


def column_names(text: str) -> list[str]:
    """Return the fields a table's header row names, or [] where the line is no such header."""
    for separator in SEPARATORS[:2] if len(text) <= LONGEST_ROW else ():
        cells = [fold(cell) for cell in re.split(separator, text.strip()) if cell.strip()]
        names = ["title" if cell in _TITLE_COLUMNS else _FIELD_OF_KEY.get(cell, "") for cell in cells]
        if len(names) > 1 and "title" in names and sum(map(bool, names)) >= 2:
            return names
    return []


def _keyed_fact(line: str) -> list[tuple[str, str]]:
    found = _KEYED.match(line)
    name = _FIELD_OF_KEY.get(fold(found.group("key")), "") if found else ""
    if not found or not name:
        return []
    inner = facts_of(found.group("value")) if name not in ("id", "department", "salary") else []
    return inner or [(name, found.group("value"))]


def _date_fact(line: str) -> list[tuple[str, str]]:
    found = _DATE_LINE.match(line)
    if found:
        closing = re.match(r"(date )?posted|published|veröffentlicht|publi", found.group("key"), re.I) is None
        return [("closes" if closing else "posted", found.group("day"))]
    whole_date = len(line) <= 20 and re.search(r"\d{4}", line) and re.search(r"\d", line) and parse_date(line)
    return [("posted", line)] if whole_date else []


def _label_facts(line: str) -> list[tuple[str, str]]:
    kind = classify(line)
    return [(kind.value, line)] if kind else []


def _salary_fact(line: str) -> list[tuple[str, str]]:
    return [("salary", line)] if _SALARY.search(line) and len(line) <= 60 and not is_sentence(line) else []


def _workplace_and_place(line: str) -> list[tuple[str, str]]:
    """A place, alone or with a workplace word: "Remote - EMEA", "Berlin (Hybrid)", "Lisbon or remote"."""
    found = _WORKPLACE_PREFIX.match(line)
    if found and is_place(found.group("place")):
        return [(LabelKind.WORKPLACE.value, found.group("mode")), *place_facts(found.group("place"))]
    found = _WORKPLACE_SUFFIX.match(line)
    if found:
        place, mode = (
            found.group("place") or found.group("first"),
            found.group("mode") or found.group("other"),
        )
        if place and mode and is_place(place) and classify(mode) is LabelKind.WORKPLACE:
            return [*place_facts(place), (LabelKind.WORKPLACE.value, mode)]
    return place_facts(line) if is_place(line) else []


def place_facts(text: str) -> list[tuple[str, str]]:
    """The single places of a location line, as facts."""
    return [("locations", place) for place in split_places(text)]


def _split(line: str, separators: Sequence[str]) -> list[str]:
    for separator in separators:
        parts = [part for part in re.split(separator, line) if part.strip()]
        if len(parts) > 1:
            return parts
    return [line]


def is_short(text: str) -> bool:
    """Whether a line is no longer than a title and no sentence."""
    return len(text) <= LONGEST_TITLE and not is_sentence(text)


def is_sentence(text: str) -> bool:
    """Whether a line is running text."""
    return len(text.split()) > 14 or (bool(re.search(r"[.!?…][\"”’)]?$", text)) and len(text.split()) >= 5)
