"""Websites by address: a page, all that a sitemap lists, a site to a given depth, a job board's answer."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx

from knowledge.documents import JobPosting, Page, Reading, Skipped
from knowledge.errors import EmptyError, SourceError, UnreachableError
from knowledge.html_text import parse_html
from knowledge.pages import (
    Progress,
    decoded,
    merged,
    read_content,
    read_data,
    silent,
    unpacked,
    whole_escapes,
    with_unique_ids,
)
from knowledge.web import Answer, Web, web_address
from knowledge.wording import fold

LIMIT = 500
"""Pages read of one site, where no other number is given."""

_MOST_SITEMAPS, _MOST_ANSWERS, _MOST_DETAILS = 50, 200, 1000
_ENDINGS = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "text/markdown": ".md",
    "text/plain": ".txt",
    "application/json": ".json",
    "application/feed+json": ".json",
    "application/ld+json": ".json",
    "application/xml": ".xml",
    "text/xml": ".xml",
    "application/rss+xml": ".xml",
    "text/csv": ".csv",
    "application/pdf": ".pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
}
_NO_PAGES = re.compile(
    r"\.(jpe?g|png|gif|svg|webp|avif|ico|css|m?js|map|woff2?|ttf|eot|mp[34]|mov|webm|zip|gz|tar|exe|dmg|"
    r"xlsx?|pptx?|ics|vcf|xml|json|rss|atom)$",
    re.I,
)
_TRACKING = re.compile(r"utm_\w+|fbclid|gclid|mc_[ce]id|gh_src|lever-source.*|ref|source", re.I)

# A board's page for people → the answer that it shows there, documented by each of them.
_BOARDS: tuple[tuple[str, str], ...] = (
    (
        r"https?://(?:job-)?boards\.(?:eu\.)?greenhouse\.io/([\w-]+)/?",
        r"https://boards-api.greenhouse.io/v1/boards/\1/jobs?content=true",
    ),
    (r"https?://jobs\.(eu\.)?lever\.co/([\w.-]+)/?", r"https://api.\1lever.co/v0/postings/\2?mode=json"),
    (
        r"https?://jobs\.ashbyhq\.com/([\w.%-]+)/?",
        r"https://api.ashbyhq.com/posting-api/job-board/\1?includeCompensation=true",
    ),
    (
        r"https?://(?:careers|jobs)\.smartrecruiters\.com/([\w-]+)/?",
        r"https://api.smartrecruiters.com/v1/companies/\1/postings",
    ),
    (r"https?://([\w-]+)\.recruitee\.com/?", r"https://\1.recruitee.com/api/offers/"),
    (r"https?://([\w-]+)\.teamtailor\.com(?:/jobs)?/?", r"https://\1.teamtailor.com/jobs.json"),
    (
        r"https?://apply\.workable\.com/([\w-]+)/?",
        r"https://apply.workable.com/api/v1/widget/accounts/\1?details=true",
    ),
    (r"https?://([\w-]+)\.jobs\.personio\.(de|com)/?", r"https://\1.jobs.personio.\2/xml"),
)


@dataclass(frozen=True)
class Reach:
    """How much of a site is read.

    `depth`: how many links away from the first page; `only`: paths, such as "/careers/*", of which a
    further page must match one; `limit`: the most pages.
    """

    depth: int = 0
    only: tuple[str, ...] = ()
    limit: int = LIMIT

    def covers(self, address: httpx.URL) -> bool:
        """Whether a further page may be read."""
        path = address.path
        return not self.only or any(fnmatch(path, pattern) for pattern in self.only)


THIS_PAGE = Reach()


def read_website(url: str, web: Web, reach: Reach = THIS_PAGE, progress: Progress = silent) -> Reading:
    """Everything that an address leads to; the first answer's shape says what it is.

    Raises `UnreachableError` where the first address does not answer now, and `SourceError` where there
    is nothing to be read; what fails behind the first is among the skipped.
    """
    first = web.get(board_address(url))
    content = unpacked(first.content, url)
    progress(f"Reading {web_address(url).host}", 1, 1)
    if (data := _as_json(content)) is not None:
        reading = _read_board(first, data, web, progress)
    elif is_sitemap(content):
        reading = _read_sitemap(first, web, reach, progress)
    else:
        reading = _read_site(first, web, reach, progress)
    if not reading.pages and not reading.jobs:
        why = reading.skipped[0].why if reading.skipped else "there is no text in it"
        failure = SourceError if reading.skipped else EmptyError
        raise failure(f"{url} cannot be used: {why}. Give another address, or save the page to a file.")
    return with_unique_ids(replace(reading, jobs=_without_doubles(reading.jobs)))


def board_address(url: str) -> str:
    """Where a job board answers with data, for the address of its page; any other address as it is."""
    for page, answer in _BOARDS:
        if found := re.fullmatch(page, url.strip().split("?")[0].split("#")[0]):
            return found.expand(answer)
    return url


# Job boards


def _as_json(content: bytes) -> Any:
    if content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"{", b"["):
        return None
    try:
        return json.loads(whole_escapes(content.decode("utf-8-sig")), strict=False)
    except (ValueError, RecursionError):
        return None


def _read_board(first: Answer, data: Any, web: Web, progress: Progress) -> Reading:
    """All pages of a board's answer, and what it tells about each posting only when asked for it."""
    host = web_address(first.url).host
    answers: list[Any] = [data]
    asked = {first.url}
    address = first.url
    while (following := _next_page(address, answers[-1])) and len(answers) < _MOST_ANSWERS:
        if following in asked or web_address(following).host != host:
            break
        asked.add(following)
        address = following
        # Half a board would look as if the rest had closed: a page that fails fails the source.
        answers.append(_as_json(web.get(address).content))
        progress(f"Reading {host}", len(answers), len(answers))
    skipped: list[Skipped] = []
    answers = [_with_details(answer, host, web, progress, skipped) for answer in answers]
    reading = read_data(answers if len(answers) > 1 else answers[0], first.url, first.url)
    return replace(reading, skipped=(*reading.skipped, *skipped))


def _next_page(address: str, data: Any) -> str | None:
    """The address of the page after this one, where the answer tells that there is one."""
    if not isinstance(data, dict):
        return None
    for name in ("next_url", "next", "next_page_url", "nextPage"):
        for holder in (data, data.get("paging"), data.get("links"), data.get("meta"), data.get("pagination")):
            link = holder.get(name) if isinstance(holder, dict) else None
            link = link.get("href") if isinstance(link, dict) else link
            if isinstance(link, str) and re.match(r"https?://|/|\?", link):
                return str(httpx.URL(address).join(link))
    total, offset = data.get("totalFound", data.get("total")), data.get("offset")
    entries = next(
        (v for n in ("content", "jobs", "results", "items") if isinstance(v := data.get(n), list)), []
    )
    if not entries or isinstance(total, bool) or not isinstance(total, int) or not isinstance(offset, int):
        return None
    if offset + len(entries) >= total:
        return None
    url = httpx.URL(address)
    query = {**dict(parse_qsl(url.query.decode())), "offset": str(offset + len(entries))}
    return str(url.copy_with(query=urlencode(query).encode()))


def _with_details(data: Any, host: str, web: Web, progress: Progress, skipped: list[Skipped]) -> Any:
    """An answer whose entries only point to their descriptions (`ref`), with these put in."""
    if not isinstance(data, dict) or not isinstance(data.get("content"), list):
        return data
    entries = data["content"]
    filled = []
    for number, entry in enumerate(entries, start=1):
        address = entry.get("ref") if isinstance(entry, dict) else None
        if not isinstance(address, str) or "jobAd" in entry or number > _MOST_DETAILS:
            filled.append(entry)
            continue
        try:
            detail = _as_json(web.get(address).content) if web_address(address).host == host else None
        except SourceError as error:
            skipped.append(Skipped(address, str(error)))
            detail = None
        filled.append({**entry, **detail} if isinstance(detail, dict) else entry)
        progress(f"Reading {host}", number, len(entries))
    return {**data, "content": filled}


# Sitemaps


def is_sitemap(content: bytes) -> bool:
    """Whether an answer is a sitemap or an index of them."""
    return bool(re.search(rb"<(\w+:)?(urlset|sitemapindex)\b", content[:4096]))


def _read_sitemap(first: Answer, web: Web, reach: Reach, progress: Progress) -> Reading:
    """The pages that a sitemap, or the sitemaps that an index, lists for its own site."""
    site = _site(web_address(first.url))
    skipped: list[Skipped] = []
    listed: dict[str, None] = {}
    foreign = 0
    for address in _listed(first, web, skipped):
        if _site(address) == site:
            if reach.covers(address) and not _NO_PAGES.search(address.path):
                listed[_plain(address)] = None
        else:
            foreign += 1
    if foreign:
        skipped.append(Skipped(first.url, f"{foreign} addresses of other sites are left out"))
    if len(listed) > reach.limit:
        skipped.append(Skipped(first.url, _left_out(len(listed) - reach.limit, reach)))
    readings = []
    addresses = list(listed)[: reach.limit]
    for number, url in enumerate(addresses, start=1):
        readings.append(_read_further(url, web)[0])
        progress(f"Reading {site}", number, len(addresses))
    reading = merged([*readings, Reading(skipped=tuple(skipped))])
    return replace(reading, pages=_distinct(reading.pages))


def _listed(first: Answer, web: Web, skipped: list[Skipped]) -> Iterator[httpx.URL]:
    """The addresses of a sitemap and of the sitemaps it leads to."""
    waiting, asked = deque([first]), {first.url}
    while waiting:
        answer = waiting.popleft()
        soup = parse_html(decoded(unpacked(answer.content, answer.url), answer.url, answer.charset), "xml")
        for place in soup.select("url > loc"):
            try:
                yield web_address(place.get_text())
            except SourceError as error:
                skipped.append(Skipped(answer.url, str(error)))
        for place in soup.select("sitemap > loc"):
            address = place.get_text().strip()
            if address in asked or len(asked) >= _MOST_SITEMAPS:
                continue
            asked.add(address)
            try:
                waiting.append(web.get(address))
            except UnreachableError:
                # Without its pages it would look as if they were gone.
                if (copy := web.copy_of(address)) is None:
                    raise
                waiting.append(copy)
            except SourceError as error:
                skipped.append(Skipped(address, str(error)))


def _left_out(count: int, reach: Reach) -> str:
    return f"{count} further pages are left out, more than the limit of {reach.limit}; set limit or only"


# Pages and the links on them


def _read_site(first: Answer, web: Web, reach: Reach, progress: Progress) -> Reading:
    """The first page and those up to `reach.depth` links away from it, on the same site."""
    start = web_address(first.url)
    site = _site(start)
    readings = [_read_answer(first)]
    waiting = deque((link, 1) for link in _links(first, start) if reach.depth)
    seen = {_plain(start), *(link for link, _ in waiting)}
    while waiting and len(readings) < reach.limit:
        address, depth = waiting.popleft()
        if not reach.covers(web_address(address)):
            continue
        reading, answer = _read_further(address, web)
        readings.append(reading)
        if answer and _site(web_address(answer.url)) == site and depth < reach.depth:
            fresh = [link for link in _links(answer, start) if link not in seen]
            seen.update(fresh)
            waiting.extend((link, depth + 1) for link in fresh)
        progress(f"Reading {site}", len(readings), len(readings) + len(waiting))
    reading = merged(readings)
    left = sum(reach.covers(web_address(address)) for address, _ in waiting)
    over = (Skipped(first.url, _left_out(left, reach)),) if left else ()
    return Reading(_distinct(reading.pages), reading.jobs, (*reading.skipped, *over))


def _read_further(address: str, web: Web) -> tuple[Reading, Answer | None]:
    """A page behind the first. Where it does not answer now, its last copy still holds."""
    try:
        answer = web.get(address)
    except UnreachableError as error:
        copy = web.copy_of(address)
        why = f"{error} The copy kept of it is used." if copy else str(error)
        reading = _tried(copy) if copy else Reading()
        return replace(reading, skipped=(*reading.skipped, Skipped(address, why))), copy
    except SourceError as error:
        return Reading(skipped=(Skipped(address, str(error)),)), None
    return _tried(answer), answer


def _tried(answer: Answer) -> Reading:
    try:
        return _read_answer(answer)
    except SourceError as error:
        return Reading(skipped=(Skipped(answer.url, str(error)),))


def _read_answer(answer: Answer) -> Reading:
    return read_content(answer.content, answer.url, answer.url, ending_of_answer(answer), answer.charset)


def ending_of_answer(answer: Answer) -> str:
    """What an answer is, as the ending that a file of it would have."""
    # A document by any other type, as some servers send it, is told by its name.
    named = re.search(r"\.(md|markdown|csv|txt|docx|pdf|html?)$", web_address(answer.url).path, re.I)
    ending = _ENDINGS.get(answer.media_type, "")
    if named and ending in ("", ".txt"):
        ending = named.group().lower()
    return ending or ".html"


def _links(answer: Answer, start: httpx.URL) -> list[str]:
    """The pages of the same site that a page links to, in its order, each once."""
    if _ENDINGS.get(answer.media_type, ".html") != ".html":
        return []
    try:
        soup = parse_html(decoded(answer.content, answer.url, answer.charset))
    except SourceError:
        return []
    base = soup.select_one("base[href]")
    here = web_address(answer.url)
    found: dict[str, None] = {}
    for tag in soup.select("a[href], area[href]"):
        if "nofollow" in (tag.get("rel") or []):
            continue
        try:
            here_or_base = here.join(str(base["href"])) if base else here
            address = web_address(str(here_or_base.join(str(tag["href"]))))
        except (SourceError, httpx.InvalidURL, ValueError):
            continue
        if _site(address) == _site(start) and not _NO_PAGES.search(address.path):
            found[_plain(address)] = None
    return list(found)


def _plain(address: httpx.URL) -> str:
    """An address without the parts that only tell where a visitor came from."""
    query = [
        (name, value)
        for name, value in parse_qsl(address.query.decode("ascii", "replace"))
        if not _TRACKING.fullmatch(name)
    ]
    return str(address.copy_with(query=urlencode(query).encode() if query else None, fragment=None))


def _site(address: httpx.URL) -> str:
    port = f":{address.port}" if address.port else ""
    return address.host.removeprefix("www.") + port


def _distinct(pages: Sequence[Page]) -> tuple[Page, ...]:
    """The pages without those that say the very same at another address."""
    first: dict[object, Page] = {}
    for page in pages:
        first.setdefault((page.title, page.blocks), page)
    return tuple(first.values())


def _without_doubles(jobs: Sequence[JobPosting]) -> tuple[JobPosting, ...]:
    """The postings without those that an overview names and a page of their own describes."""
    by_title: dict[str, list[JobPosting]] = {}
    for job in jobs:
        by_title.setdefault(fold(job.title), []).append(job)
    return tuple(
        job
        for job in jobs
        if not any(_tells_more(other, job) for other in by_title[fold(job.title)] if other is not job)
    )


def _tells_more(other: JobPosting, job: JobPosting) -> bool:
    """Whether another posting of the same title is the same one, told at length on its own page."""
    if other.source == job.source or len(other.description) <= len(job.description):
        return False
    places = {fold(place.split(",")[0]) for place in job.locations}
    others = {fold(place.split(",")[0]) for place in other.locations}
    return job.url in (other.url, other.source) or not places or not others or bool(places & others)


__all__ = ["LIMIT", "Reach", "board_address", "ending_of_answer", "is_sitemap", "read_website"]
