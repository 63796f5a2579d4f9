"""Job postings in JSON: schema.org JobPosting in all its shapes, and the lists job boards answer with.

One table of names, no code per board: what a field means is decided by what it is called.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import lru_cache
from html import unescape
from typing import Any

from knowledge.dates import is_past, parse_date
from knowledge.documents import Block, BlockKind, JobPosting, Reading, Skipped, Status
from knowledge.html_text import html_blocks, html_text
from knowledge.labels import LabelKind, canonical, classify
from knowledge.languages import language_of
from knowledge.places import country_name
from knowledge.printed_facts import facts_of
from knowledge.recall import Recall
from knowledge.wording import fold, slug, squash, unique


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# field → the names it goes by, the most telling first; a dot looks inside an object
_NAMES: dict[str, tuple[str, ...]] = {
    field: _names(names)
    for field, names in {
        "title": "title jobTitle job_title name text position_title jobOpeningName role position job_name",
        "id": "identifier id jobId job_id uid shortcode slug uuid requisition_id refNumber reference @id",
        "url": """absolute_url jobUrl hostedUrl careers_url url job_url url_active_page
            url_comeet_hosted_page postingUrl link links.careersite-job-url applyUrl apply_url shortlink
            apply_link mainEntityOfPage web_address""",
        "department": """department departments categories.department categories.team team function division
            occupationalCategory recruitingCategory category industry""",
        "employment": """employmentType employment_type categories.commitment typeOfEmployment commitment
            contract_type contractType employment_type_code job_type jobType contract schedule""",
        "workplace": "workplaceType workplace_type workplace jobLocationType work_mode remote_type remote_status",
        "level": "experienceLevel experience_level seniority seniorityLevel level experience",
        "salary": """baseSalary estimatedSalary salaryRange salary_range salary
            compensation.compensationTierSummary compensationTierSummary compensation salaryDescription
            pay pay_range""",
        "posted": """datePosted first_published publishedAt published_at published_on date_published releasedDate
            createdAt created_at posted date_posted posted_at date""",
        "closes": """validThrough application_deadline applicationDeadline deadline closing_date closes close_at
            expires expires_at closingDate""",
        "language": "inLanguage language locale lang",
    }.items()
}
# The first of these that says anything, then the further places of the second.
_LOCATIONS = _names(
    """jobLocation allLocations categories.allLocations locations location categories.location offices
    office city"""
)
_MORE_LOCATIONS = _names("""secondaryLocations additionalLocations secondary_locations additionalOffices""")
_DESCRIPTIONS = _names(
    """description descriptionHtml content content_html job_description jobDescription body
    jobAd.sections jobDescriptions details summary responsibilities
    requirements qualifications skills educationRequirements experienceRequirements jobBenefits
    benefits lists additional descriptionPlain content_text"""
)
_CONTAINERS = _names(
    """@graph itemListElement item jobs offers content items results data postings positions openings
    vacancies mainEntity jobPostings edges node"""
)
_EMPLOYMENT = {
    "full time": "Full time",
    "fulltime": "Full time",
    "part time": "Part time",
    "parttime": "Part time",
    "contractor": "Contract",
    "temporary": "Temporary",
    "intern": "Internship",
    "volunteer": "Volunteer",
    "per diem": "Per diem",
    "fulltime permanent": "Full time, permanent",
    "parttime permanent": "Part time, permanent",
    "fulltime fixed term": "Full time, fixed term",
    "parttime fixed term": "Part time, fixed term",
}
_CURRENCIES = {
    "EUR": "€",
    "USD": "$",
    "GBP": "£",
    "ILS": "₪",
    "JPY": "¥",
    "INR": "₹",
    "CAD": "CA$",
    "AUD": "A$",
}
_PERIODS = {
    "year": "per year",
    "yearly": "per year",
    "annual": "per year",
    "annually": "per year",
    "month": "per month",
    "monthly": "per month",
    "week": "per week",
    "weekly": "per week",
    "day": "per day",
    "daily": "per day",
    "hour": "per hour",
    "hourly": "per hour",
    "per year salary": "per year",
    "per hour wage": "per hour",
    "per month salary": "per month",
    "1 year": "per year",
}
_MEANINGLESS = frozenset(("", "none", "null", "n a", "not applicable", "default", "other", "unspecified"))
_DEEPEST = 8


def read_job_postings(
    data: object,
    source: str,
    today: date | None = None,
    home: str = "",
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> Reading:
    """The postings found in decoded JSON, each with its description as blocks.

    `home` is the address that the data came from, for postings that do not say their own. `progress` is
    told of a long list now and then: what is being done, how many are done and how many there are.
    """
    total = len(data) if isinstance(data, list) else 0
    jobs: dict[tuple[str, str], JobPosting] = {}
    taken: set[str] = set()
    skipped = 0
    recall = Recall(source, home, total)
    for number, job in enumerate(_postings(data, source, today, home, recall), start=1):
        if number % 2000 == 0:
            progress(f"Reading {source}", number, max(total, number))
        if job is None:
            skipped += 1
            continue
        # A board lists one posting once for each of its places: same id, same title.
        key = (job.id or str(len(jobs)), job.title)
        jobs[key] = _with_places(jobs[key], job.locations) if key in jobs else _with_id(job, taken)
    recall.save()
    why = f"{skipped} of its entries are unlisted or have no title"
    return Reading(jobs=tuple(jobs.values()), skipped=(Skipped(source, why),) if skipped else ())


def _postings(
    data: object, source: str, today: date | None, home: str, recall: Recall
) -> Iterator[JobPosting | None]:
    """The posting of each object that is one; None where it has no title or is not listed."""
    for entry in data if isinstance(data, list) else [data]:
        if isinstance(entry, dict) and (known := recall.get(entry, today)):
            yield known
            continue
        for item in _find(entry, int(isinstance(data, list))):
            job = _posting(item, source, today, home)
            if job and item is entry:
                recall.put(entry, job)
            yield job


def is_table_of_jobs(columns: Collection[str]) -> bool:
    """Whether the columns of a table, in plain spelling, are those of postings: a title and more."""
    return bool(set(columns) & set(_NAMES["title"])) and bool(set(columns) & _TELLING)


def plain_name(name: str) -> str:
    """A field's name as most write it: "Job Title", "job-title" and "JobTitle" are job_title."""
    return _plain_key(name)


def is_known(name: str) -> bool:
    """Whether a field of this name, in plain spelling, is read."""
    return name in _KNOWN or name in ("country", "state", "region", "status", "archived", "active", "remote")


def is_empty_board(data: object) -> bool:
    """Whether decoded JSON is a board's answer without a single job: an empty list where jobs would be."""
    if isinstance(data, dict):
        data = next((data[name] for name in _CONTAINERS if isinstance(data.get(name), list | dict)), None)
        return data == [] or (isinstance(data, dict) and is_empty_board(data))
    return data == []


def _find(data: object, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """The objects that are postings, wherever a list, graph or page of results holds them."""
    if depth > _DEEPEST:
        return
    if isinstance(data, list):
        for item in data:
            yield from _find(item, depth + 1)
    elif isinstance(data, dict):
        if isinstance(data.get("_jobposting"), dict):
            yield {**data, **data["_jobposting"]}
            return
        if isinstance(data.get("attributes"), dict):
            data = {**data, **_plain_keys(data["attributes"])}
        form = next((form for form in (data, _plain_keys(data)) if _is_posting(form)), None)
        if form is not None:
            yield form
            return
        known = [name for name in _CONTAINERS if isinstance(data.get(name), list | dict)]
        # A list under a name that we do not know is looked into where there is no other.
        inner = known or [name for name, value in data.items() if _is_list_of_objects(value)]
        for name in inner:
            yield from _find(data[name], depth + 1)
        if depth and not inner and _is_untitled(data):
            yield data


def _plain_keys(item: Mapping[str, Any]) -> dict[str, Any]:
    """An object with its names as most write them: "Job Title", "job-title" and "JobTitle" are job_title."""
    return {_plain_key(str(name)): value for name, value in item.items()}


@lru_cache(maxsize=4096)
def _plain_key(name: str) -> str:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("@", " ")
    return fold(spaced).replace(" ", "_") or name


def _is_list_of_objects(value: object) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _is_posting(item: Mapping[str, Any]) -> bool:
    kinds = item.get("@type", "")
    if kinds:
        return "JobPosting" in (kinds if isinstance(kinds, list) else [kinds])
    if not _text(_first(item, "title")) or _is_group(item):
        return False
    if any(
        _is_list_of_objects(item.get(name)) for name in ("jobs", "items", "postings", "offers", "results")
    ):
        return False
    told = sum(item[name] not in (None, "", [], {}) for name in item.keys() & _KNOWN)
    telling = [name for name in item.keys() & _TELLING if item[name] not in (None, "", [], {})]
    return told >= 2 and bool(telling)


def _is_untitled(item: Mapping[str, Any]) -> bool:
    """Whether an object of a list would be a posting if it had a title: to be told among the skipped."""
    if any(name.startswith("@") for name in item):  # it says itself what it is
        return False
    fields = _plain_keys(item)
    return not _text(_first(fields, "title")) and any(
        fields[name] not in (None, "", [], {}) for name in fields.keys() & _TELLING
    )


_KNOWN = {
    name.split(".")[0]
    for name in (*_LOCATIONS, *_DESCRIPTIONS, *(n for names in _NAMES.values() for n in names))
}
_ONLY_NAMED = {"text", "language", "lang", "locale", *_NAMES["title"], *_NAMES["id"]}
"""Names that offices, departments and companies have as well: with nothing else, an object is no posting."""

_TELLING = _KNOWN - _ONLY_NAMED


def _is_group(item: Mapping[str, Any]) -> bool:
    """Whether an object is a department or an office with the jobs it has, were they none."""
    if isinstance(item.get("jobs"), list):
        return True
    inner = item.get("departments")
    return isinstance(inner, list) and any(isinstance(part, dict) and "jobs" in part for part in inner)


def _posting(item: Mapping[str, Any], source: str, today: date | None, home: str) -> JobPosting | None:
    item = _with_metadata(item)
    title = html_text(_text(_first(item, "title")))
    if not title or item.get("isListed") is False:
        return None
    blocks = _blocks(item, title)
    closes = parse_date(_first(item, "closes"))
    words = " ".join(block.text for block in blocks) or title
    places, mode = _set_apart_remote(_locations(item))
    pay = None if item.get("shouldDisplayCompensationOnJobPostings") is False else _first(item, "salary")
    facts = {
        "title": title,
        "locations": "; ".join(places),
        "department": _label(_first(item, "department")),
        "workplace_type": _workplace(item) or mode,
        "employment_type": _employment([_first(item, "employment"), item.get("schedule")]),
        "level": _label(_first(item, "level")),
        "salary": _salary(pay, _text(item.get("salaryCurrency") or item.get("salary_currency"))),
    }
    return JobPosting(
        id=_identifier(_first(item, "id")),
        title=title,
        source=source,
        url=_address(item, home),
        locations=places,
        department=facts["department"],
        workplace_type=facts["workplace_type"],
        employment_type=facts["employment_type"],
        level=facts["level"],
        salary=facts["salary"],
        posted=parse_date(_first(item, "posted")),
        closes=closes,
        status=Status.CLOSED if is_past(closes, today) or _is_closed(item) else Status.OPEN,
        language=language_of(words, _text(_first(item, "language"))),
        blocks=blocks,
        quotes={name: value for name, value in facts.items() if value},
    )


def _with_places(job: JobPosting, more: tuple[str, ...]) -> JobPosting:
    places = tuple(dict.fromkeys((*job.locations, *more)))
    return replace(
        job, locations=places, quotes={**job.quotes, "locations": "; ".join(places)} if places else job.quotes
    )


def _with_id(job: JobPosting, taken: set[str]) -> JobPosting:
    name = unique(job.id or slug(" ".join((job.title, *job.locations[:1]))), taken)
    return job if name == job.id else replace(job, id=name)


# Looking values up


def _get(item: Mapping[str, Any], name: str) -> Any:
    if "." not in name:
        return item.get(name)
    value: Any = item
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


@lru_cache(maxsize=4096)
def _present(names: tuple[str, ...], keys: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `names` that an object with these keys may have: the postings of a list have the same keys."""
    return tuple(name for name in names if name.split(".")[0] in keys)


def _first(item: Mapping[str, Any], field: str) -> Any:
    """The first value under a field's names that says anything; schema.org's own spelling counts as one."""
    for name in _present(_NAMES[field], tuple(item)):
        value = _get(item, name)
        if value not in (None, "", [], {}) and fold(_text(value) or "x") not in _MEANINGLESS:
            return value
    return None


def _text(value: Any) -> str:
    """A value as words: of an object its name or label, of a list all of them."""
    if isinstance(value, list):
        return ", ".join(dict.fromkeys(text for item in value if (text := _text(item))))
    if isinstance(value, dict):
        for name in ("label", "name", "title", "value", "text", "@value", "@id"):
            if text := _text(value.get(name)):
                return text
        return ""
    return squash(str(value)) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _label(value: Any) -> str:
    text = html_text(_text(value))
    text = _in_words(text)
    return "" if fold(text) in _MEANINGLESS else text


def _in_words(text: str) -> str:
    """A machine's value in words: "mid_senior_level" → "Mid senior level"; other text stays as it is."""
    if re.fullmatch(r"[A-Z]+(_[A-Z]+)*|[a-z]+(_[a-z]+)+", text) and ("_" in text or len(text) > 4):
        return text.replace("_", " ").capitalize()
    return text


def _identifier(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("value") or value.get("@value") or value.get("name")
    text = _text(value)
    return slug(text.rstrip("/").rsplit("/", 1)[-1]) if text else ""


def _address(item: Mapping[str, Any], home: str) -> str:
    for name in _NAMES["url"]:
        text = _text(_get(item, name))
        if text.startswith(("https://", "http://")):
            return text
    return _derived_address(item, home)


def _derived_address(item: Mapping[str, Any], home: str) -> str:
    """Where a board shows a posting that does not say it itself, else where the data came from."""
    number = _text(item.get("id"))
    company = _text(_get(item, "company.identifier"))
    if company and number and "smartrecruiters.com" in _text(item.get("ref")):
        return f"https://jobs.smartrecruiters.com/{company}/{number}"
    board = re.match(r"https://[\w-]+\.jobs\.personio\.(de|com)(?=/)", home)
    return f"{board.group()}/job/{number}" if board and number else home


def _with_metadata(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """A posting with what its board lets a company add, [{"name": "Salary Range", "value": …}], as fields."""
    extra = item.get("metadata") or item.get("customField")
    if not isinstance(extra, list):
        return item
    more = {}
    for entry in extra:
        if isinstance(entry, dict):
            name = _plain_key(_text(entry.get("name") or entry.get("fieldLabel")))
            value = entry.get("value") or entry.get("valueLabel")
            if name in _METADATA and value not in (None, "", []):
                more[name] = value
    return {**more, **item}


_METADATA = _names(
    """employment_type contract_type job_type salary_range salary pay_range compensation workplace_type
    experience_level seniority application_deadline closing_date"""
)


def _is_closed(item: Mapping[str, Any]) -> bool:
    if any(_said(item.get(name)) == "true" for name in ("archived", "closed", "expired", "filled")):
        return True
    if any(_said(item.get(name)) == "false" for name in ("active", "open", "isOpen", "is_open", "published")):
        return True
    return fold(_text(item.get("status") or item.get("state"))) in (
        "closed",
        "archived",
        "expired",
        "filled",
        "inactive",
        "unpublished",
        "deactivated",
    )


def _said(value: object) -> str:
    """Yes or no, as JSON and as tables print it."""
    word = fold(str(value)) if isinstance(value, bool | str) else ""
    return {"yes": "true", "no": "false"}.get(word, word)


# Places


def _locations(item: Mapping[str, Any]) -> tuple[str, ...]:
    """Every place a posting names, as "City, Region, Country"; applicants' places when it has no other."""
    places = next(
        (found for name in _present(_LOCATIONS, tuple(item)) if (found := _places(_get(item, name)))), []
    )
    places = places + [
        place for name in _present(_MORE_LOCATIONS, tuple(item)) for place in _places(_get(item, name))
    ]
    places = places or _places(item.get("applicantLocationRequirements"))
    if not places:
        places = _places({name: item.get(name) for name in ("city", "state", "country")})
    kept: list[str] = []
    for place in dict.fromkeys(places):
        if not any(_covers(other, place) for other in places if other != place):
            kept.append(place)
    return tuple(kept)


def _set_apart_remote(places: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """Places without those that only say "Remote", and the way of working that "Remote - Poland" states."""
    modes = [mode for place in places if (mode := _mode_of(place))]
    return tuple(place for place in places if classify(place) is not LabelKind.WORKPLACE), (modes or [""])[0]


@lru_cache(maxsize=65536)
def _mode_of(place: str) -> str:
    return next(
        (canonical(words) for name, words in facts_of(place) if name == LabelKind.WORKPLACE.value), ""
    )


def _covers(other: str, place: str) -> bool:
    """Whether another entry says the same place and more: "Berlin, Germany" covers "Berlin"."""
    return fold(other).startswith(fold(place) + " ") and len(other) > len(place)


def _places(value: Any) -> list[str]:
    if isinstance(value, str):
        parts = [squash(part) for part in re.split(r"[;\n]|\s[|•·]\s", value)]
        return [html_text(part) for part in parts if fold(part) not in _MEANINGLESS]
    if isinstance(value, list):
        return [place for item in value for place in _places(item)]
    if not isinstance(value, dict):
        return []
    if isinstance(whole := value.get("fullLocation") or value.get("location"), str) and squash(whole):
        return _places(whole)
    for name in ("address", "postalAddress"):
        if isinstance(value.get(name), dict | list) and (found := _places(value[name])):
            return found
    if name := _text(whole):
        return _places(name)
    if value.get("@type") == "Country" and (name := _text(value.get("name"))):
        return [country_name(name) if len(name) in (2, 3) else name]
    parts = [
        _place_part(value, "addressLocality", "city", "locality"),
        _region(value),
        _country(value),
    ]
    joined = ", ".join(dict.fromkeys(part for part in parts if part))
    # An address in one string is often only the street: the parts above say more.
    return [joined] if joined else _places(_text(value.get("address") or value.get("name")))


def _place_part(value: Mapping[str, Any], *names: str) -> str:
    return next((text for name in names if (text := _text(value.get(name)))), "")


def _region(value: Mapping[str, Any]) -> str:
    """A state or province; some boards put "Europe" there, which says nothing beside a country."""
    text = _place_part(value, "addressRegion", "region", "state", "state_name")
    return "" if fold(text) in ("europe", "emea", "apac", "asia", "americas", "north america") else text


def _country(value: Mapping[str, Any]) -> str:
    text = _place_part(value, "addressCountry", "country", "countryCode", "country_code")
    return country_name(text) if len(text) in (2, 3) else text


def _workplace(item: Mapping[str, Any]) -> str:
    text = _text(_first(item, "workplace"))
    if fold(text) == "telecommute":
        return "Remote"
    if text:
        return canonical(text) if text.islower() or "_" in text else _label(text)
    flags = {**item, **(item["location"] if isinstance(item.get("location"), dict) else {})}
    if _said(flags.get("hybrid")) == "true":
        return "Hybrid"
    flag_names = ("isRemote", "is_remote", "remote", "telecommuting", "telecommute")
    remote = any(_said(flags.get(name)) == "true" for name in flag_names)
    return "Remote" if remote else ""


# Contract and pay


def _employment(value: list[Any]) -> str:
    values = [part for item in value for part in (item if isinstance(item, list) else [item])]
    words = [_employment_words(_text(item)) for item in values]
    return ", ".join(dict.fromkeys(word for word in words if word and fold(word) not in _MEANINGLESS))


def _employment_words(text: str) -> str:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text.rsplit("/", 1)[-1]).replace("_", " ")
    if spaced == text and " " in fold(text) and not text.isupper():
        return html_text(text)
    return _EMPLOYMENT.get(fold(spaced)) or (canonical(spaced) if text.isupper() else "") or html_text(spaced)


def _salary(value: Any, currency: str = "") -> str:
    """Pay in one readable line: "€60,000–75,000 per year"; words stay as they are."""
    if isinstance(value, list):
        return ", ".join(text for item in value if (text := _salary(item, currency)))
    if not isinstance(value, dict):
        bare = isinstance(value, int | float) or re.fullmatch(r"\d+(\.\d+)?", str(value))
        value = {"value": value} if bare and currency else value
    if not isinstance(value, dict):
        return html_text(_text(value))
    amounts = value.get("value")
    inner: dict[str, Any] = amounts if isinstance(amounts, dict) else value
    currency = _text(
        value.get("currency")
        or inner.get("currency")
        or value.get("salaryCurrency")
        or value.get("unit")
        or value.get("currencyCode")
        or currency
    )
    low = _number(inner, "minValue", "min", "minimum", "min_value", "from")
    high = _number(inner, "maxValue", "max", "maximum", "max_value", "to")
    single = _number(inner, "value", "amount")
    amount = _range(low, high) if low or high else single
    if not amount:
        return html_text(_text(value.get("text") or value.get("description")))
    unit = fold(
        _text(inner.get("unitText") or inner.get("period") or inner.get("interval") or value.get("unitText"))
    )
    sign = _CURRENCIES.get(currency.upper(), f"{currency} " if currency else "")
    place = "up to " if high and not low else "from " if low and not high else ""
    return squash(f"{place}{sign}{amount} {_PERIODS.get(unit, '')}")


def _number(item: Mapping[str, Any], *names: str) -> str:
    for name in names:
        value = item.get(name)
        if isinstance(value, bool) or value in (None, "", 0, "0"):
            continue
        try:
            number = float(_plain_number(str(value)))
        except ValueError:
            continue
        return f"{number:,.2f}".removesuffix(".00") if abs(number) < 1e12 else ""
    return ""


def _plain_number(text: str) -> str:
    """A number without the marks between its thousands: "60,000", "60 000" and "60.000" are 60000."""
    text = re.sub(r"[\s'’]", "", text)
    if re.fullmatch(r"\d{1,3}(\.\d{3})+(,\d+)?", text):
        text = text.replace(".", "").replace(",", ".")
    return text.replace(",", "")


def _range(low: str, high: str) -> str:
    return f"{low}–{high}" if low and high and low != high else low or high


# Description


def _blocks(item: Mapping[str, Any], title: str) -> tuple[Block, ...]:
    """The description and its companions as blocks; a plain copy of an HTML text adds nothing."""
    blocks: list[Block] = []
    keys = (*item, "description") if "translations" in item else tuple(item)
    for name in _present(_DESCRIPTIONS, keys):
        value = _get(item, name)
        if (name == "summary" and blocks) or (name.endswith(("Plain", "_text")) and blocks):
            continue
        if name == "description" and not value and isinstance(item.get("translations"), dict):
            value = _translated(item)
        said = {fold(block.text) for block in blocks}
        heading = "" if name in _PROSE else re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()
        blocks += [block for block in _as_blocks(value, title, heading) if fold(block.text) not in said]
    return tuple(blocks)


_PROSE = _names(
    """description descriptionHtml content content_html job_description jobDescription body summary lists
    additional jobAd.sections jobDescriptions details descriptionPlain content_text"""
)


def _translated(item: Mapping[str, Any]) -> Any:
    translations = [value for value in item["translations"].values() if isinstance(value, dict)]
    return translations[0].get("description") if translations else None


def _as_blocks(value: Any, title: str, heading: str) -> list[Block]:
    if isinstance(value, str):
        return _html_or_text(value, title, heading)
    if isinstance(value, list):
        if value and all(isinstance(item, str) for item in value):
            lines = "\n".join(line for item in value if (line := html_text(item)))
            return [Block(BlockKind.LIST, lines, (heading,) if heading else ())] if lines else []
        return [block for item in value for block in _as_blocks(item, title, heading)]
    if not isinstance(value, dict):
        return []
    name = html_text(
        _text(value.get("title"))
        or (_text(value.get("name")) if isinstance(value.get("value"), str) else "")
        or (value["text"] if isinstance(value.get("text"), str) and value.get("content") else "")
    )
    body = value.get("content") or value.get("text") or value.get("body") or value.get("description")
    body = body or value.get("value")
    if isinstance(body, str):
        return _html_or_text(
            f"<ul>{body}</ul>" if body.lstrip().startswith("<li") else body, title, name or heading
        )
    return [
        block
        for part in value.values()
        if isinstance(part, dict)
        for block in _as_blocks(part, title, heading)
    ]


# What a board cuts after so many characters may end in the middle of "&nbsp;", but "AT&T" is whole.
_CUT_ENTITY = re.compile(
    r"&(#x?[0-9a-f]*|am(p)?|nb(s(p)?)?|lt|gt|qu(o(t)?)?|[lr][sd]q(u(o)?)?|[nm]da(s(h)?)?|he(l(l(i(p)?)?)?)?|)"
    r"(?=\s*(</[a-z]+>\s*)*$)"
)


def _html_or_text(text: str, title: str, heading: str) -> list[Block]:
    if re.search(r"&lt;/?[a-z]", text):
        text = unescape(text)
    text = _CUT_ENTITY.sub("", text)
    if re.search(r"</?[a-zA-Z][^>]*>", text):
        blocks = html_blocks(text, title)
    else:
        blocks = tuple(_plain_blocks(unescape(text)))
    above = (heading,) if heading else ()
    return [Block(b.kind, b.text, above + b.headings, b.lead, b.speaker) for b in blocks]


def _plain_blocks(text: str) -> Iterator[Block]:
    for part in re.split(r"\n\s*\n", text):
        lines = [squash(line) for line in part.splitlines() if line.strip()]
        bullets = [re.sub(r"^[-*•·–]\s+", "", line) for line in lines]
        if len(lines) > 1 and all(one != other for one, other in zip(lines, bullets, strict=True)):
            yield Block(BlockKind.LIST, "\n".join(bullets))
        elif lines:
            yield Block(BlockKind.PARAGRAPH, "\n".join(lines))
