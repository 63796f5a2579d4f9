"""Open positions as pages print them: one line a role, or a title with short lines below it.

What a line means is decided by what it is (a place, a contract word, a salary, a date), not by its order.
Labels that cannot be facts, because all postings carry them alike or because they contradict each
other, are kept apart (see `_judge`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from knowledge.dates import is_past, parse_date
from knowledge.documents import Block, BlockKind, JobPosting, Listing, Reading, Status
from knowledge.labels import LabelKind, canonical, classify, contradict, denies_title
from knowledge.places import is_place, split_places
from knowledge.wording import fold, slug, squash, unique, word_set

_JOBS_HEADING = re.compile(
    r"^\W*(?:(?:our|all|see|view|browse|explore|latest|new|featured|available|alle|unsere|nos|nuestras)\s+)*(?:"
    r"(?:current(?:ly)?\s+|open\s+|job\s+|latest\s+)*(?:open|job|current|career)\s+(?:positions?|roles?|jobs?|vacanc(?:y|ies)|openings?|"
    r"opportunities|listings?)|openings|vacancies|positions|jobs|open roles|(?:we(?:['’]re| are)|now|who we(?:['’]re| are)) (?:currently )?(?:hiring|looking for|recruiting)(?: for)?|"
    r"(?:aktuelle|offene|freie) (?:stellen\w*|positionen|jobs)|stellenangebote|stellenausschreibungen|"
    r"wir suchen|(?:postes?|offres?) (?:ouverts?|à pourvoir|disponibles?|d['’]emploi)|nous recrutons|(?:nos )?offres|"
    r"(?:vacantes|puestos|empleos|ofertas)(?: (?:abiert[oa]s|disponibles|vacantes|de (?:empleo|trabajo)))?|vacatures"
    r")\b(?P<rest>.*)$",
    re.IGNORECASE,
)
_NOT_A_LISTING = re.compile(
    r"[.!]$|\b(closed|filled|past|archived|previous|faq|questions?|process|how|why|tips)\b", re.I
)
_ROLE = re.compile(
    r"\b(\w*engineer|\w*developer|manager\w*|designer|director|scientist|analyst|architect|specialist|coordinator|"
    r"consultant|recruiter|administrator|assistant|associate|advisor|adviser|representative|executive|officer|"
    r"technician|writer|editor|researcher|accountant|controller|agent|intern|trainee|apprentice|lead|head of \w+|chief|"
    r"operator|driver|nurse|teacher|tutor|cook|chef|baker|barista|waiter|waitress|cashier|clerk|mechanic|electrician|"
    r"supervisor|strategist|producer|programmer|tester|buyer|planner|partner|owner|secretary|paralegal|lawyer|counsel|"
    r"curator|conservator|librarian|gardener|farmer|carpenter|welder|guide|host|captain|pilot|therapist|physician|"
    r"pharmacist|chemist|biologist|geologist|physicist|economist|statistician|translator|interpreter|copywriter|"
    r"salesperson|seller|steward|attendant|cleaner|janitor|receptionist|worker|helper|crew member|instructor|trainer|"
    r"coach|evangelist|advocate|generalist|graduate|student|fellow|postdoc|professor|lecturer|surveyor|"
    r"illustrator|animator|photographer|journalist|auditor|treasurer|bookkeeper|handler|picker|packer|fitter|plumber|"
    r"\w+(?:ingenieur|entwickler|leiter|berater|techniker|fahrer|kraft|arbeiter|mechaniker|pfleger|meister)(?:/?\W?in)?|mitarbeiter\w*|"
    r"ingénieure?|développeu(?:r|se)|responsable|chargée? d\w*|conseill(?:er|ère)|gestionnaire|technicien(?:ne)?|"
    r"directeur|directrice|ingenier[oa]|desarrollador[a]?|gerente|analista|diseñador[a]?|técnic[oa]|"
    r"sre|devops|qa|cto|ceo|cfo|coo|vp)s?\b|\((?:[mwfdhx]|alle|all genders)(?:\s*[/|,]\s*[mwfdhx*])+\)|\(all genders\)",
    re.IGNORECASE,
)
_DEPARTMENT = re.compile(
    r"^(?:the )?(?:.*\b)?(development|engineering|marketing|operations|team|people|finance|sales|support|design|"
    r"product|products|legal|security|infrastructure|platform|platforms|data|analytics|research|success|experience|"
    r"it|hr|r&d|qa|human resources|talent|recruiting|recruitment|communications|growth|partnerships|logistics|"
    r"customer service|customer care|service|services|science|sciences|procurement|purchasing|administration|accounting|"
    r"management|quality|manufacturing|production|warehouse|maintenance|kitchen|retail|software|hardware|firmware|mobile|web|"
    r"backend|frontend|cloud|systems|solutions|technology|tech|education|care|department|division|group|unit|squad|"
    r"facilities|field|workshop|studio|lab|labs|forecasting|planning|strategy|compliance|risk|treasury|content|editorial|"
    r"entwicklung|vertrieb|personal|buchhaltung|technik|einkauf|produktion|logistik|verwaltung|forschung|"
    r"développement|ventes|ressources humaines|ingénierie|juridique|desarrollo|ventas|recursos humanos|ingeniería|finanzas)$",
    re.IGNORECASE,
)
_SALARY = re.compile(
    r"(?:[€$£¥₹₪]|\b(?:eur|usd|gbp|chf|cad|aud|ils|sek|nok|dkk|pln|inr|czk|huf|kes|zar|sgd|nzd|jpy|euro|dollars?|pounds?|rand)\b)\s?\d"
    r"|\d[\d.,' ]*\s?k?\s?(?:[€$£¥₹₪]|\b(?:eur|usd|gbp|chf|cad|aud|ils|sek|nok|dkk|pln|inr|czk|huf|kč|kr|zł|euros?|dollars?)(?!\w))",
    re.IGNORECASE,
)
_DATE_LINE = re.compile(
    r"^(?P<key>(?:date )?posted(?: on)?|published(?: on)?|veröffentlicht(?: am)?|publié(?:e)? le|apply (?:by|before|until)|"
    r"applications? (?:close|deadline|due)(?:s|d)?(?: on)?|clos(?:es|ing)(?: date)?(?: on)?|deadline|bewerbungsfrist|bewerben bis|"
    r"date limite|open until|valid (?:through|until))\s*:?\s+(?P<day>.+)$",
    re.IGNORECASE,
)
_KEYED = re.compile(r"^(?P<key>[^\W\d][\w /&’']{1,28}?)\s*:\s+(?P<value>\S.*)$")
_KEYS = {
    "locations": "location|locations|office|city|where|place|standort|ort|einsatzort|arbeitsort|lieu|localisation|ubicación",
    "department": "department|team|area|division|function|category|group|unit|abteilung|bereich|équipe|service|departamento|equipo|squad",
    "employment_type": "type|contract|contract type|employment|employment type|job type|commitment|hours|schedule|vertrag|vertragsart|arbeitszeit|contrat|type de contrat|tipo de contrato|contrato",
    "workplace_type": "workplace|work mode|work model|workplace type|working model|arbeitsmodell|remote",
    "level": "level|seniority|experience|experience level|niveau|nivel|erfahrung",
    "salary": "salary|pay|compensation|wage|salary range|gehalt|vergütung|salaire|rémunération|salario",
    "posted": "posted|published|date posted|veröffentlicht|publié",
    "closes": "closes|closing date|deadline|apply by|application deadline|bewerbungsfrist|date limite|fecha límite",
    "id": "id|job id|ref|reference|requisition|req id|job number|referenz|référence|kennziffer|reference number",
}
_FIELD_OF_KEY = {fold(name): key for key, names in _KEYS.items() for name in names.split("|")}
_TITLE_COLUMNS = word_set("role position title job vacancy opening stelle poste puesto what") | {
    "job title",
    "position title",
}
_WORKPLACE_PREFIX = re.compile(
    r"^(?P<mode>(?:fully |100\s?% )?remote(?:ly)?|hybrid|on-?\s?site|in[- ]office|home ?office|télétravail|vor ort)\b"
    r"(?P<joint>\s*[-–—:,/(·]+\s*|\s+(?:within|in|from|across)\s+|\s+)(?P<place>[^)]+)\)?$",
    re.IGNORECASE,
)
_WORKPLACE_SUFFIX = re.compile(
    r"^(?P<place>[^(]+?)\s*[-–—:,/(·]+\s*(?P<mode>[^()]+?)\)?$|^(?P<first>.+?) or (?P<other>remote)$",
    re.IGNORECASE,
)
_SEPARATORS = (
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
_BULLET = re.compile(r"^(?:[-*•·▪‣●○◦►▸→✓✔–]|\d{1,2}[.)])\s+")
_LONGEST_TITLE, _LONGEST_FACT, _MOST_RUN_TOGETHER = 110, 90, 7
_LABEL_FIELDS = tuple(kind.value for kind in LabelKind)
_SHOWN = (
    re.compile(r"(?:showing|displaying|viewing|shown?|zeige|affichage(?: de)?|mostrando)\s+(?:jobs?\s+|results?\s+)?(\d+)(?:\s*(?:[-–—]|to|bis|à)\s*(\d+))?\s+(?:jobs?\s+|positions?\s+|roles?\s+|results?\s+)?(?:out\s+of|of|von|sur|de)\s+(\d+)(?:\s+(?:open\s+)?(?:jobs?|positions?|roles?|results?|openings?|vacancies|stellen|postes|offres))?\b\.?", re.I),
    re.compile(r"(\d+)(?:\s*[-–—]\s*(\d+))?\s+(?:out\s+of|of|von|sur|de)\s+(\d+)\s+(?:open\s+)?(?:jobs?|positions?|roles?|results?|openings?|vacancies|stellen|postes|offres|vacantes|empleos)\b\.?", re.I),
)  # fmt: skip
_TOTAL = re.compile(r"(?:we have |there are |currently )*(\d+)\s+(?:(?:open|current|active|offene|freie)\s+)*(?:jobs?|positions?|roles?|results?|openings?|vacancies|opportunities|stellen|postes(?: ouverts)?|offres(?: d['’]emploi)?|vacantes|empleos)(?: available| found| open)?\.?", re.I)  # fmt: skip
_MOST_COUNT_LINES = 7


@dataclass
class Draft:
    """A posting while its lines are still being gathered; `facts` are (field, words as printed)."""

    title: str
    lines: list[str]
    facts: list[tuple[str, str]] = field(default_factory=list)
    department: str = ""
    description: list[str] = field(default_factory=list)


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
    for count in range(1, min(_MOST_COUNT_LINES, len(lines)) + 1):
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
    line = squash(text).strip("•·*|-–— ")
    if not line or len(line) > _LONGEST_FACT:
        return []
    for read in (_keyed_fact, _date_fact, _label_facts, _salary_fact, _place_facts):
        if found := read(line):
            return found
    parts = _split(line, _SEPARATORS)
    if len(parts) > 1:
        inner = [facts_of(part) for part in parts]
        if all(inner):
            return [fact for facts in inner for fact in facts]
    return _run_together(line)


def _run_together(line: str) -> list[tuple[str, str]]:
    """A place and a label that a page sets side by side without a mark: "Berlin Full time"."""
    words = line.split()
    for cut in range(1, len(words) if len(words) <= _MOST_RUN_TOGETHER else 1):
        first, second = " ".join(words[:cut]), " ".join(words[cut:])
        start = _place_facts(first) or (_label_facts(first) if classify(first) is LabelKind.WORKPLACE else [])
        rest = start and (_label_facts(second) or _place_facts(second) or _run_together(second))
        if rest:
            return [*start, *rest]
    return []


def looks_like_title(text: str) -> bool:
    """Whether a short line names a role, by its nouns or by markers such as (m/w/d)."""
    return (
        len(text) <= _LONGEST_TITLE
        and bool(_ROLE.search(text))
        and not text.rstrip().endswith((".", ":", "?", "!"))
    )


def looks_like_department(text: str) -> bool:
    """Whether a short line names a part of the company."""
    return len(text.split()) <= 5 and bool(_DEPARTMENT.match(text.strip())) and not _ROLE.search(text)


# Runs of positions


def take_positions(lines: Sequence[Line], announced: bool, below: bool = True) -> tuple[list[Draft], int]:
    """Return the positions that start at the first line, and how many lines they take; none gives ([], 0).

    `announced` says that a heading such as "Open positions" stands right above, `below` that one stands
    somewhere above: the less a heading says, the more proof the lines themselves must give.
    """
    joined = _join_split_labels(lines)
    for read in (_take_rows, _take_stacks):
        drafts, taken = read(joined, announced)
        count = sum(line.span for line in joined[:taken])
        proven = [draft for draft in drafts if len(draft.facts) >= (1 if announced else 2)]
        titled = all(looks_like_title(draft.title) for draft in proven[:2])
        if drafts and (
            announced or titled and len(proven) >= (1 if below else 2) or column_names(lines[0].text)
        ):
            return drafts, count
    return [], 0


def _join_split_labels(lines: Sequence[Line]) -> list[Line]:
    """ "Intern" and "Program" on two lines are one label where the vocabulary knows them together."""
    joined: list[Line] = []
    for line in lines:
        last = joined[-1] if joined else None
        known = last and not line.gap and classify(last.text) and not classify(line.text)
        if last and known and len(line.text.split()) == 1 and classify(f"{last.text} {line.text}"):
            joined[-1] = Line(f"{last.text} {line.text}", last.gap, last.span + line.span)
        else:
            joined.append(line)
    return joined


def _take_rows(lines: Sequence[Line], announced: bool) -> tuple[list[Draft], int]:
    """Positions with one line each: "Field Engineer — Nairobi — On-site — Full time"."""
    drafts: list[Draft] = []
    columns: list[str] = []
    department, taken = "", 0
    for index, line in enumerate(lines):
        if names := column_names(line.text):
            columns = names
            continue
        draft = _row(line.text, columns)
        following = lines[index + 1].text if index + 1 < len(lines) else ""
        if draft:
            draft.department = draft.department or department
            drafts.append(draft)
            taken = index + 1
        elif (
            _is_short(line.text)
            and _row(following, columns)
            and not facts_of(line.text)
            and len(line.text.split()) <= 5
        ):
            department = line.text.rstrip(":").strip()
        elif (
            announced
            and drafts
            and not line.gap
            and looks_like_title(_BULLET.sub("", line.text))
            and _is_short(line.text)
        ):
            drafts.append(Draft(_BULLET.sub("", line.text), [line.text], department=department))
            taken = index + 1
        else:
            break
    return drafts, taken


def _row(text: str, columns: Sequence[str] = ()) -> Draft | None:
    """A whole line as a position: a title and at least one fact, set apart by a separator or brackets."""
    line = _BULLET.sub("", squash_keeping_tabs(text))
    if not line or len(line) > 200 or (line.endswith((".", "?", "!", ":")) and not line.endswith("etc.")):
        return None
    for separator in _SEPARATORS:
        parts = [squash(part) for part in re.split(separator, line) if part.strip()]
        if len(parts) > 1 and (draft := _row_of(parts, columns, separator, line)):
            return draft
    bracket = re.fullmatch(r"(.+?)\s*\(([^()]+)\)", line)
    if bracket and (facts := facts_of(bracket.group(2))) and not facts_of(bracket.group(1)):
        return Draft(bracket.group(1), [line], facts)
    return None


def squash_keeping_tabs(text: str) -> str:
    """The line without odd white space, but with the tabs and wide gaps that set columns apart."""
    return re.sub(r"\s*\t\s*", "\t", re.sub(r"[\u00a0\u2009\u202f]", " ", text)).strip(" ")


def _row_of(parts: list[str], columns: Sequence[str], separator: str, line: str) -> Draft | None:
    if len(columns) == len(parts) and "title" in columns:
        return _row_by_columns(parts, columns, line)
    facts = [facts_of(part) for part in parts]
    known = [index for index, found in enumerate(facts) if found]
    if not known or known[0] == 0:
        return None
    comma = "," in separator
    if comma and (
        len(known) < len(parts) - known[0]
        or len(line) > _LONGEST_TITLE + 40
        or not looks_like_title(parts[0])
    ):
        return None
    title, department = parts[: known[0]], ""
    if len(title) > 1 and looks_like_department(title[-1]) and not comma:
        department = title.pop()
    glue = re.search(separator, line)
    draft = Draft(
        (glue.group() if glue and glue.group().strip() else " – ").join(title), [line], department=department
    )
    if len(draft.title) > _LONGEST_TITLE or _is_sentence(draft.title):
        return None
    _move_place_out_of_title(draft, any(name == "locations" for found in facts for name, _ in found))
    for index in range(known[0], len(parts)):
        if facts[index]:
            draft.facts += facts[index]
        elif not draft.department:
            draft.department = parts[index]
    return draft


def _move_place_out_of_title(draft: Draft, placed: bool) -> None:
    """ "Barista, Porto — part-time": the place may be set off by a comma only."""
    title, comma, place = draft.title.rpartition(", ")
    if comma and not placed and is_place(place):
        draft.title = title
        draft.facts += _locations(place)


def _row_by_columns(parts: list[str], columns: Sequence[str], line: str) -> Draft:
    draft = Draft("", [line])
    for name, part in zip(columns, parts, strict=True):
        if name == "title":
            draft.title = part
        elif name == "department":
            draft.department = part
        elif found := facts_of(part):
            draft.facts += found
        elif name:
            draft.facts.append((name, part))
    return draft


def column_names(text: str) -> list[str]:
    """Return the fields a table's header row names, or [] where the line is no such header."""
    for separator in _SEPARATORS[:2]:
        cells = [fold(cell) for cell in re.split(separator, text.strip()) if cell.strip()]
        names = ["title" if cell in _TITLE_COLUMNS else _FIELD_OF_KEY.get(cell, "") for cell in cells]
        if len(names) > 1 and "title" in names and sum(map(bool, names)) >= 2:
            return names
    return []


def _take_stacks(lines: Sequence[Line], announced: bool) -> tuple[list[Draft], int]:
    """Positions of several short lines each: a title, then places, labels and a team in any order."""
    block = _stretch(lines)
    repeated = Counter(fold(line.text) for line in block)
    drafts: list[Draft] = []
    context = _Context()
    taken = 0
    for index, line in enumerate(block):
        text = _BULLET.sub("", line.text)
        if facts := facts_of(text):
            context.add_facts(drafts, line.text, facts)
        elif _is_sentence(text):
            if not drafts or line.gap or not drafts[-1].facts:
                break
            drafts[-1].description.append(text)
            drafts[-1].lines.append(line.text)
        elif not _place_text(drafts, context, block, index, repeated, announced):
            break
        taken = index + 1
    kept = [draft for draft in drafts if draft.facts or (announced and looks_like_title(draft.title))]
    if len(kept) < len(drafts) and drafts and drafts[-1] not in kept:
        taken -= len(drafts[-1].lines)
    return kept, max(taken, 0) if kept else 0


@dataclass
class _Context:
    """What stands above several postings: a team's subheading, facts printed before the first title."""

    department: str = ""
    before: list[tuple[str, str]] = field(default_factory=list)

    def add_facts(self, drafts: list[Draft], line: str, facts: list[tuple[str, str]]) -> None:
        if drafts:
            drafts[-1].facts += facts
            drafts[-1].lines.append(line)
        else:
            self.before += facts


def _stretch(lines: Sequence[Line]) -> list[Line]:
    """The lines up to the first that cannot belong to a list of positions."""
    for index, line in enumerate(lines):
        texts = [following.text for following in lines[index : index + _MOST_COUNT_LINES]]
        number_alone = re.fullmatch(r"\W*\d{1,2}\W*", line.text) is not None
        if number_alone or read_listing(texts):
            return list(lines[:index])
        if line.text[:1] in '"“„«״‟':
            return _without_speaker(lines[:index], line)
        following = lines[index + 1] if index + 1 < len(lines) else None
        heading = line.gap and following is not None and not following.gap and _is_sentence(following.text)
        if heading and not facts_of(line.text) and not looks_like_title(line.text):
            return list(lines[:index])
    return list(lines)


def _without_speaker(lines: Sequence[Line], quotation: Line) -> list[Line]:
    """Return the lines above a quotation without those right above it, which say whose it is."""
    end = len(lines)
    gap = quotation.gap
    while end and not gap and not facts_of(lines[end - 1].text):
        end -= 1
        gap = lines[end].gap
    return list(lines[:end])


def _place_text(
    drafts: list[Draft],
    context: _Context,
    block: Sequence[Line],
    index: int,
    repeated: Counter[str],
    announced: bool,
) -> bool:
    """Take a line that states no fact as a new title, a team or a subheading; False ends the run."""
    line = block[index]
    text = _BULLET.sub("", line.text)
    if len(text) > _LONGEST_TITLE or (
        text.endswith(("?", "!", ":")) and not looks_like_department(text.rstrip(":"))
    ):
        return False
    current = drafts[-1] if drafts else None
    following = _facts_after(block, index)
    next_text = block[index + 1].text if index + 1 < len(block) else ""
    team = looks_like_department(text) or (repeated[fold(text)] > 1 and not looks_like_title(text))
    if current is None or not current.facts:
        return _second_text(drafts, context, line, team, bool(following), next_text, announced)
    if following:
        seen = {name for name, _ in current.facts}
        new = (
            bool(seen & following)
            or line.gap
            or not (team or not looks_like_title(text))
            or bool(current.department)
        )
        _start(drafts, context, line) if new else _set_team(current, line)
        return True
    if not line.gap and not current.department and (team or not looks_like_title(text)):
        _set_team(current, line)
        return True
    if next_text and (team or not looks_like_title(text)) and _facts_after(block, index + 1):
        context.department = text.rstrip(":")
        return True
    if (announced and looks_like_title(text)) or (next_text and _facts_after(block, index + 1)):
        _start(drafts, context, line)
        return True
    return False


def _second_text(
    drafts: list[Draft],
    context: _Context,
    line: Line,
    team: bool,
    followed: bool,
    next_text: str,
    announced: bool,
) -> bool:
    """A text where no title with facts precedes: the first title, its team, or a subheading above it."""
    text = _BULLET.sub("", line.text)
    current = drafts[-1] if drafts else None
    if current is None:
        if team and next_text and not followed:
            context.department = text.rstrip(":")
            return True
        if followed or looks_like_title(text) or (not line.gap and bool(next_text)):
            _start(drafts, context, line)
            return True
        return False
    if looks_like_department(current.title) and not looks_like_title(current.title) and not team:
        context.department = current.title.rstrip(":")
        drafts.pop()
        _start(drafts, context, line)
    elif team or (followed and not looks_like_title(text)):
        _set_team(current, line)
    elif looks_like_title(text) and announced:
        _start(drafts, context, line)
    else:
        return False
    return True


def _start(drafts: list[Draft], context: _Context, line: Line) -> None:
    title = _BULLET.sub("", line.text)
    drafts.append(Draft(title, [line.text], list(context.before), context.department))


def _set_team(draft: Draft, line: Line) -> None:
    draft.department = line.text
    draft.lines.append(line.text)


def _facts_after(block: Sequence[Line], index: int) -> set[str]:
    """The fields stated by the lines right below, up to the next line that states none."""
    found: set[str] = set()
    for line in block[index + 1 :]:
        facts = facts_of(_BULLET.sub("", line.text))
        if not facts:
            break
        found |= {name for name, _ in facts}
    return found


def positions_in(blocks: Sequence[Block]) -> tuple[list[tuple[tuple[str, ...], list[Draft]]], list[Block]]:
    """The positions that stand in a page's blocks under a heading such as "Open positions", and the other blocks."""
    groups: list[tuple[tuple[str, ...], list[Draft]]] = []
    others: list[Block] = []
    index = 0
    while index < len(blocks):
        section = _section(blocks, index)
        drafts, count = _take_from(section) if section else ([], 0)
        if drafts:
            groups.append((_above(blocks[index]), drafts))
        else:
            others.append(blocks[index])
        index += count or 1
    return groups, others


def with_positions(reading: Reading) -> Reading:
    """The reading of a page, with positions and their count that its text lists made into values."""
    if not reading.pages:
        return reading
    page = reading.pages[0]
    groups, others = positions_in(page.blocks)
    jobs = postings_of(groups, page.source, page.url, page.language)
    counts = [found[0] for block in page.blocks if (found := read_listing(block.text.split("\n")))]
    page = replace(page, blocks=tuple(others), listing=page.listing or (counts[0] if counts else None))
    return replace(reading, pages=(page,) if others or counts else (), jobs=(*reading.jobs, *jobs))


def postings_of(
    groups: Sequence[tuple[tuple[str, ...], list[Draft]]], source: str, url: str, language: str
) -> tuple[JobPosting, ...]:
    """Labels are judged over all lists of the page; each posting stands under its own list's headings."""
    drafts = [draft for _, group in groups for draft in group]
    above = [headings for headings, group in groups for _ in group]
    jobs = make_postings(drafts, source, url, language)
    return tuple(
        replace(job, blocks=tuple(replace(block, headings=headings + block.headings) for block in job.blocks))
        for job, headings in zip(jobs, above, strict=True)
    )


def _above(block: Block) -> tuple[str, ...]:
    """The headings down to the one that announces positions."""
    announcing = [index for index, heading in enumerate(block.headings) if is_jobs_heading(heading)]
    return block.headings[: announcing[-1] + 1] if announcing else ()


def _section(blocks: Sequence[Block], start: int) -> list[Block]:
    above = _above(blocks[start])
    section: list[Block] = []
    for block in blocks[start:]:
        if not above or block.headings[: len(above)] != above or block.kind is BlockKind.QUOTATION:
            break
        section.append(block)
    return section


def _take_from(section: Sequence[Block]) -> tuple[list[Draft], int]:
    """Positions from whole blocks on, as lines: subheadings and items each on their own."""
    depth = len(_above(section[0]))
    lines: list[Line] = []
    ends: list[int] = []
    last: tuple[str, ...] = ()
    for block in section:
        inner = block.headings[depth:]
        lines += [Line(text, True) for text in inner if text not in last]
        texts = [
            *([block.lead] if block.kind is BlockKind.TABLE and block.lead else []),
            *block.text.split("\n"),
        ]
        gap = not inner and block.kind is BlockKind.PARAGRAPH and len(block.text.split()) > _MOST_RUN_TOGETHER
        lines += [Line(text, gap and not offset) for offset, text in enumerate(texts)]
        ends.append(len(lines))
        last = inner
    drafts, taken = take_positions(lines, announced=True)
    whole = sum(end <= taken for end in ends)
    return (drafts, whole) if whole and any(draft.facts or draft.lines for draft in drafts) else ([], 0)


# Facts of one line


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
    return [("salary", line)] if _SALARY.search(line) and len(line) <= 60 and not _is_sentence(line) else []


def _place_facts(line: str) -> list[tuple[str, str]]:
    """A place, alone or with a workplace word: "Remote - EMEA", "Berlin (Hybrid)", "Lisbon or remote"."""
    found = _WORKPLACE_PREFIX.match(line)
    if found and is_place(found.group("place")):
        return [(LabelKind.WORKPLACE.value, found.group("mode")), *_locations(found.group("place"))]
    found = _WORKPLACE_SUFFIX.match(line)
    if found:
        place, mode = (
            found.group("place") or found.group("first"),
            found.group("mode") or found.group("other"),
        )
        if place and mode and is_place(place) and classify(mode) is LabelKind.WORKPLACE:
            return [*_locations(place), (LabelKind.WORKPLACE.value, mode)]
    return _locations(line) if is_place(line) else []


def _locations(text: str) -> list[tuple[str, str]]:
    return [("locations", place) for place in split_places(text)]


def _split(line: str, separators: Sequence[str]) -> list[str]:
    for separator in separators:
        parts = [part for part in re.split(separator, line) if part.strip()]
        if len(parts) > 1:
            return parts
    return [line]


def _is_short(text: str) -> bool:
    return len(text) <= _LONGEST_TITLE and not _is_sentence(text)


def _is_sentence(text: str) -> bool:
    return len(text.split()) > 14 or (bool(re.search(r"[.!?…][\"”’)]?$", text)) and len(text.split()) >= 5)


# Postings


def make_postings(
    drafts: Sequence[Draft], source: str, url: str = "", language: str = "en"
) -> tuple[JobPosting, ...]:
    """Postings of the drafts of one page, with labels that are no facts set apart."""
    unverified = _judge(drafts)
    taken: set[str] = set()
    return tuple(
        _posting(draft, labels, source, url, language, taken)
        for draft, labels in zip(drafts, unverified, strict=True)
    )


def _judge(drafts: Sequence[Draft]) -> list[set[str]]:
    """For each posting the label words that cannot be facts, folded.

    A page's filter prints its whole vocabulary with every posting: what all of several postings carry
    alike is kept back when it is two words or more on three postings, or contradicts itself or a title.
    """
    carried = [[words for name, words in draft.facts if name in _LABEL_FIELDS] for draft in drafts]
    shared = (
        set.intersection(*({canonical(words) for words in labels} for labels in carried))
        if carried
        else set()
    )
    suspicious = (
        len(drafts) > 1
        and bool(shared)
        and (
            (len(drafts) >= 3 and len(shared) >= 2)
            or contradict(shared)
            or any(denies_title(value, draft.title) for draft in drafts for value in shared)
        )
    )
    vocabulary = shared if suspicious else set()
    return [_unverified(draft, labels, vocabulary) for draft, labels in zip(drafts, carried, strict=True)]


def _unverified(draft: Draft, labels: Sequence[str], vocabulary: set[str]) -> set[str]:
    held = {words for words in labels if canonical(words) in vocabulary}
    rest = [words for words in labels if words not in held]
    for words in rest:
        others = [canonical(other) for other in rest if other != words]
        if denies_title(canonical(words), draft.title) or any(
            contradict((canonical(words), o)) for o in others
        ):
            held.add(words)
    return {fold(words) for words in held}


def _posting(
    draft: Draft, unverified: set[str], source: str, url: str, language: str, taken: set[str]
) -> JobPosting:
    facts: dict[str, list[str]] = {}
    for name, words in draft.facts:
        if name not in _LABEL_FIELDS or fold(words) not in unverified:
            facts.setdefault(name, []).append(words)
    labels = [words for name, words in draft.facts if name in _LABEL_FIELDS and fold(words) in unverified]
    line = {name: ", ".join(dict.fromkeys(words)) for name, words in facts.items()}
    closes = parse_date(line.get("closes", ""))
    places = tuple(dict.fromkeys(facts.get("locations", [])))
    department = draft.department or line.get("department", "")
    quotes = {name: _quote(draft, words) for name, words in facts.items()}
    block = Block(BlockKind.LIST, "\n".join(squash(text) for text in draft.lines), (draft.title,))
    return JobPosting(
        id=unique(slug(line.get("id") or " ".join((draft.title, *places[:1]))), taken),
        title=draft.title,
        source=source,
        url=url,
        locations=places,
        department=department,
        workplace_type=line.get("workplace_type", ""),
        employment_type=line.get("employment_type", ""),
        level=line.get("level", ""),
        salary=line.get("salary", ""),
        posted=parse_date(line.get("posted", "")),
        closes=closes,
        status=Status.CLOSED if is_past(closes) else Status.OPEN,
        language=language,
        labels=tuple(dict.fromkeys(labels)),
        blocks=(block,),
        quotes={"title": draft.title, **quotes, **({"department": department} if department else {})},
    )


def _quote(draft: Draft, words: Sequence[str]) -> str:
    """The printed line that holds a fact's words; of several lines, from the first to the last."""
    holding = [index for index, line in enumerate(draft.lines) if any(word in squash(line) for word in words)]
    if not holding or len(draft.lines) == 1:
        return squash(draft.lines[0]) if len(draft.lines) == 1 else words[0]
    if holding[-1] - holding[0] + 1 == len(holding):
        return squash(" ".join(draft.lines[holding[0] : holding[-1] + 1]))
    return squash(draft.lines[holding[0]])
