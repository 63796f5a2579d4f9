"""Markdown pages and postings, with or without front matter, of the usual site generators."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from html import unescape
from pathlib import PurePosixPath
from typing import Any

from markdown_it import MarkdownIt

from knowledge.dates import is_past, parse_date
from knowledge.documents import Block, BlockKind, JobPosting, Page, Reading, Skipped, Status
from knowledge.front_matter import split_front_matter
from knowledge.html_text import first_heading, html_blocks
from knowledge.languages import language_of
from knowledge.places import split_places
from knowledge.positions import with_positions
from knowledge.wording import fold, is_slug, slug, squash, title_from_slug, word_set

# Hugo's {{< figure >}} and {{% div %}}, Jekyll's {% include %} and {{ page.url }}, comments.
SHORTCODES = re.compile(r"\{\{[<%].*?[%>]\}\}|\{%.*?%\}|\{\{.*?\}\}|\{:[^}\n]*\}|<!--.*?-->", re.DOTALL)
_JOB_TYPES = word_set(
    """job jobs posting jobposting position vacancy opening career listing stelle poste offre vacature"""
) | {"job posting", "job listing", "open position"}
_JOB_FOLDERS = word_set(
    """positions position jobs job careers career openings opening vacancies vacancy postes poste
    offres emplois stellen stelle stellenangebote karriere postings job-postings job-openings open-
    positions open-roles roles empleos vacantes ofertas vacatures"""
)
_JOB_FIELDS = word_set(
    """archived employment_type employment-type employmenttype type_of_employment department
    closing_date closes closing valid_through validthrough salary salary_range salaryrange leverid
    greenhouse_id location locations apply apply_url apply_link job_id jobid deadline"""
)
_CLOSED_WORDS = word_set("""closed archived filled expired inactive unpublished fermé geschlossen cerrado""")
_CLOSED_TEXT = re.compile(
    r"(process|position|posting|competition|job|role|vacancy|application)s?\b.{0,40}\b(is|are|"
    r"has been|have been)\b"
    r".{0,20}\b(now |currently )?(closed|filled|archived|no longer (open|available|accepting))",
    re.I,
)
# field of a posting → its names in front matter and in bold lines, folded
FIELD_NAMES: dict[str, str] = {
    "locations": (
        "location|locations|office|offices|city|place|lieu|lieux|standort|ort|ubicación|"
        "work location|einsatzort|arbeitsort|dienstort|lieu de travail"
    ),
    "department": "department|team|division|group|unit|function|abteilung|équipe|departamento|service",
    "employment_type": """employment type|employmenttype|type of employment|contract|contract type|commitment|
        job type|tenure|schedule|hours|arbeitszeit|vertragsart|type de contrat|type d'emploi|
        tipo de contrato|vertrag|beschäftigung|anstellung|arbeitsverhältnis|term""",
    "workplace_type": (
        "workplace|workplace type|work mode|work model|remote|work arrangement|arbeitsmodell|mode de travail"
    ),
    "level": (
        "level|seniority|experience level|job level|classification|group and level|niveau|grade|"
        "band|karrierestufe"
    ),
    "salary": """salary|salary range|salaryrange|pay|pay range|compensation|remuneration|wage|gehalt|
        vergütung|salaire|échelle salariale|salario|rate|pay band|salary band|pay grade|
        entgeltgruppe|entgelt|eingruppierung|vergütungsgruppe|rémunération""",
    "posted": (
        "posted|date posted|posted on|published|publish date|publishdate|date|opened|opening date|datum"
    ),
    "closes": """closes|close|closing|closing date|closing_date|deadline|application deadline|apply by|
        valid through|validthrough|expires|expirydate|expiry date|end date|date de clôture|
        date limite|bewerbungsfrist|fecha límite""",
}
# "**Place:** Ottawa", several on a line, or a short line "Place: Ottawa" without any markup.
_BOLD_FIELD = re.compile(
    r"(?:\*\*|__)(?P<name>[^*_:\n]{2,40}?)\s*(?::\s*(?:\*\*|__)|(?:\*\*|__)\s*:)[ \t]*"
    r"(?P<value>[^\n]+?)[ \t]*(?=&nbsp;|\s[|·•]\s|<br|\*\*[^*\n:]+:|\\?$)",
    re.MULTILINE,
)
_PLAIN_FIELD = re.compile(
    r"^[ \t]*(?:[-*] +)?(?P<name>[^\W\d_][\w ’']{2,30}?): (?P<value>\S[^\n]{0,79})$", re.MULTILINE
)
_INLINE_MARKUP = re.compile(r"(?<!\w)[*_]{1,3}|[*_]{1,3}(?!\w)|`")
_LINK = re.compile(r"!?\[([^\]]{0,500})\]\([^)]{0,2000}\)")


def read_markdown(text: str, source: str, url: str = "") -> Reading:
    """A page, or a posting where the front matter or the folder says that it is one."""
    meta, body = split_front_matter(text)
    # What a site adds of its own stands in a table of its own in Hugo (params) and Zola (extra).
    own = [value for name in ("params", "extra") if isinstance(value := meta.get(name), dict)]
    fields = {fold(str(name)): value for table in (*own, meta) for name, value in table.items()}
    if fields.get("draft") is True or (fields.get("published") is False and not _is_posting(fields, source)):
        return Reading(skipped=(Skipped(source, "it is marked as a draft"),))
    if _is_template(fields, source):
        return Reading(skipped=(Skipped(source, "it is a template for pages to come"),))
    html = render(body)
    title = _title(meta, html, source)
    blocks = _with_description(html_blocks(html, title), fields)
    if _is_posting(fields, source):
        front = text[: len(text) - len(body)]
        return Reading(jobs=(_posting(fields, front, body, blocks, title, source, url),))
    if not blocks:
        return Reading(skipped=(Skipped(source, "there is no text in it"),))
    words = " ".join(block.text for block in blocks)
    page = Page(
        id=slug(source),
        source=source,
        title=title,
        url=url or _web_address(fields),
        language=language_of(words, str(fields.get("lang") or fields.get("language") or ""), source),
        translation_key=str(fields.get("translationkey") or ""),
        modified=_first_date(fields, "lastmod", "modified", "dateupdated", "updated", "last updated", "date"),
        blocks=blocks,
    )
    return with_positions(Reading(pages=(page,)))


def _is_template(fields: Mapping[str, Any], source: str) -> bool:
    """Whether a file is one to copy: it is called so, or a placeholder stands where the title should."""
    stem = PurePosixPath(source).stem.lower()
    named = re.fullmatch(r"_?((job|position|posting|page)[-_])?template|_example", stem)
    return bool(named) or "{{" in str(fields.get("title") or "")


def render(body: str) -> str:
    """Markdown as HTML, so that one reader decides what is a heading, a list or a table."""
    body = SHORTCODES.sub("", body)
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return str(parser.render(body))


def _title(meta: Mapping[str, Any], html: str, source: str) -> str:
    given = squash(str(meta.get("title") or meta.get("Title") or ""))
    if given and not is_slug(given):
        return given
    stem = PurePosixPath(source).stem
    if stem.lower() in ("_index", "index", "readme"):
        stem = PurePosixPath(source).parent.name or stem
    return first_heading(html) or title_from_slug(given or stem)


def _with_description(blocks: tuple[Block, ...], fields: Mapping[str, Any]) -> tuple[Block, ...]:
    """The front matter's description is what a visitor reads first, unless the page repeats it."""
    description = fields.get("description") or fields.get("summary")
    if not isinstance(description, str) or not description.strip():
        return blocks
    said = fold(" ".join(block.text for block in blocks))
    if fold(description) in said:
        return blocks
    return (Block(BlockKind.PARAGRAPH, squash(description)), *blocks)


def _is_posting(fields: Mapping[str, Any], source: str) -> bool:
    path = PurePosixPath(source.lower())
    if path.stem in ("_index", "index") or not fields.get("title"):
        return False
    if any(fold(str(fields.get(name) or "")) in _JOB_TYPES for name in ("layout", "type")):
        return True
    folders = set(path.parts[:-1])
    return bool(folders & _JOB_FOLDERS) and any(name.replace(" ", "_") in _JOB_FIELDS for name in fields)


def _posting(
    fields: Mapping[str, Any],
    front: str,
    body: str,
    blocks: tuple[Block, ...],
    title: str,
    source: str,
    url: str,
) -> JobPosting:
    facts, quotes = _facts(fields, body)
    closes = parse_date(facts.get("closes", ""))
    words = " ".join(block.text for block in blocks)
    places = facts.get("locations", "")
    over = _closing_words(fields, front, words) or (quotes.get("closes", "") if is_past(closes) else "")
    return JobPosting(
        id=slug(str(fields.get("job id") or fields.get("id") or PurePosixPath(source).with_suffix(""))),
        title=title,
        source=source,
        url=url or _web_address(fields),
        locations=tuple(place for line in places.split("\n") for place in split_places(line)),
        department=facts.get("department", ""),
        workplace_type=facts.get("workplace_type", ""),
        employment_type=facts.get("employment_type", ""),
        level=facts.get("level", ""),
        salary=facts.get("salary", ""),
        posted=parse_date(facts.get("posted", "")),
        closes=closes,
        status=Status.CLOSED if over else Status.OPEN,
        language=language_of(words, str(fields.get("lang") or fields.get("language") or ""), source),
        translation_key=str(fields.get("translationkey") or ""),
        blocks=blocks,
        quotes={"title": title, **quotes, **({"status": over} if over else {})},
    )


def _facts(fields: Mapping[str, Any], body: str) -> tuple[dict[str, str], dict[str, str]]:
    """Each fact as printed and the words it was read from: bold lines of the text before front matter."""
    facts: dict[str, str] = {}
    quotes: dict[str, str] = {}
    printed = {fold(name): (value, squash(_plain(whole))) for whole, name, value in _bold_fields(body)}
    for field, spellings in FIELD_NAMES.items():
        for name in (fold(spelling) for spelling in spellings.split("|")):
            if name in printed:
                facts[field], quotes[field] = _plain(printed[name][0]), printed[name][1]
                break
            if fields.get(name) not in (None, "", [], True, False):
                facts[field] = quotes[field] = as_lines(fields[name])
                break
    if "remote" in {fold(key) for key in fields} and fields.get("remote") is True:
        facts.setdefault("workplace_type", "Remote")
    return facts, quotes


def _bold_fields(body: str) -> list[tuple[str, str, str]]:
    found = [*_PLAIN_FIELD.finditer(body), *_BOLD_FIELD.finditer(body)]
    return [(field.group(0), field.group("name"), field.group("value")) for field in found]


def _plain(text: str) -> str:
    return squash(_INLINE_MARKUP.sub("", _LINK.sub(r"\1", unescape(text)))).strip("- \\")


def as_lines(value: Any) -> str:
    """A value of a front matter as it is printed, one line for each entry of a list."""
    if isinstance(value, list):
        return "\n".join(as_lines(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(str(part) for part in value.values() if part not in (None, ""))
    return value.isoformat()[:10] if isinstance(value, date) else squash(str(value))


def _closing_words(fields: Mapping[str, Any], front: str, words: str) -> str:
    """The words that say a posting is over, as they stand in its file, or ""."""
    for name, value in fields.items():
        said = fold(str(value))
        over = (
            (name in ("archived", "closed", "filled", "expired") and said in ("true", "yes"))
            or (name in ("active", "open", "published") and said in ("false", "no"))
            or (name == "status" and said in _CLOSED_WORDS)
        )
        if over:
            line = re.search(rf"^\W*{re.escape(name)}\W.*$", front, re.IGNORECASE | re.MULTILINE)
            return squash(line.group()) if line else f"{name}: {said}"
    found = _CLOSED_TEXT.search(" ".join(words.split()[:60]))
    return found.group() if found else ""


def _first_date(fields: Mapping[str, Any], *names: str) -> date | None:
    return next((day for name in names if (day := parse_date(fields.get(name)))), None)


def _web_address(fields: Mapping[str, Any]) -> str:
    for name in ("url", "permalink", "link", "apply url", "apply link", "apply", "canonical"):
        value = str(fields.get(name) or "")
        if value.startswith(("https://", "http://")):
            return value
    return ""
