"""HTML pages: what a reader sees under which heading, without navigation, banners and scripts."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from bs4 import BeautifulSoup, Tag

from knowledge.documents import Block, BlockKind, JobPosting, Page, Reading, Skipped
from knowledge.front_matter import split_front_matter
from knowledge.html_text import parse_html, read_blocks, remove_unseen
from knowledge.jobs import read_job_postings
from knowledge.languages import language_of
from knowledge.positions import with_positions
from knowledge.printed_facts import facts_of
from knowledge.wording import fold, is_slug, slug, squash, title_from_slug

_SHELL = re.compile(
    r"^\W*(loading|please wait|laden|chargement)\b|(enable|activate|requires?|"
    r"need to) java ?script|activer javascript",
    re.I,
)
_FEW_WORDS = 8


def read_html(text: str, source: str, url: str = "") -> Reading:
    """A page with its blocks, and the job postings its JSON-LD or microdata describes."""
    meta, body = split_front_matter(text)
    if meta.get("draft") is True:
        return Reading(skipped=(Skipped(source, "it is marked as a draft"),))
    soup = parse_html(body)
    url = url or _attribute(soup, "link[rel=canonical]", "href")
    postings = read_job_postings(_structured_postings(soup), source) if _has_postings(soup) else Reading()
    jobs = tuple(job if job.url else replace(job, url=url) for job in postings.jobs)
    declared = str(meta.get("lang") or "") or _attribute(soup, "html", "lang")
    remove_unseen(soup)
    title = _title(soup, str(meta.get("title") or ""), source)
    blocks = read_blocks(soup, title)
    words = " ".join(block.text for block in blocks)
    language = language_of(words, declared, source)
    if not jobs and _is_shell(blocks, len(words.split())):
        return Reading(skipped=(Skipped(source, _SHELL_REASON),))
    if len(jobs) == 1 and _describes(jobs[0], title, soup):
        return Reading(jobs=(_completed(jobs[0], blocks, language),), skipped=postings.skipped)
    page = Page(
        slug(source), source, title, url, language, str(meta.get("translationKey") or ""), None, blocks
    )
    reading = Reading(pages=(page,) if blocks else (), jobs=jobs, skipped=postings.skipped)
    return reading if jobs else with_positions(reading)


def _describes(job: JobPosting, title: str, soup: BeautifulSoup) -> bool:
    """Whether the page is about its one posting: both bear the same title."""
    heads = [title, *(tag.get_text(" ") for tag in soup.find_all("h1"))]
    return any(fold(job.title) in fold(head) for head in heads)


def _completed(job: JobPosting, blocks: tuple[Block, ...], language: str) -> JobPosting:
    """The posting with the page's own text, and with facts from the short lines at its top."""
    facts: dict[str, str] = {}
    for line in [line for block in blocks[:4] for line in block.text.split("\n")]:
        facts.update({name: words for name, words in reversed(facts_of(line)) if name != "locations"})
    longer = sum(len(b.text) for b in blocks) >= sum(len(b.text) for b in job.blocks)
    return replace(
        job,
        workplace_type=job.workplace_type or facts.get("workplace_type", ""),
        employment_type=job.employment_type or facts.get("employment_type", ""),
        level=job.level or facts.get("level", ""),
        salary=job.salary or facts.get("salary", ""),
        quotes={**facts, **job.quotes},
        language=language,
        blocks=blocks if longer else job.blocks,
    )


# What a page says about itself


def _title(soup: BeautifulSoup, given: str, source: str) -> str:
    """The front matter's title, the h1 where it agrees with <title>, else <title> without the site's name."""
    if given and not is_slug(given):
        return squash(given)
    heads = [squash(tag.get_text(" ")) for tag in soup.find_all("h1")]
    heading = heads[0] if len([head for head in heads if head]) == 1 else ""
    whole = squash(soup.title.get_text()) if soup.title else ""
    whole = whole or _attribute(soup, "meta[property='og:title']", "content")
    shared = set(fold(heading).split()) & set(fold(whole).split())
    if heading and (shared or not whole):
        return heading
    name = re.split(r"\s+[|·•–—-]\s+", whole)[0] if whole else ""
    stem = source.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    return name or (title_from_slug(given) if given else "") or title_from_slug(stem)


def _attribute(soup: BeautifulSoup, selector: str, name: str) -> str:
    tag = soup.select_one(selector)
    return squash(str(tag.get(name, ""))) if tag else ""


def _is_shell(blocks: tuple[Block, ...], words: int) -> bool:
    text = " ".join(block.text for block in blocks)
    return (
        words < _FEW_WORDS and not any(block.kind in (BlockKind.LIST, BlockKind.TABLE) for block in blocks)
    ) or (words < 40 and bool(_SHELL.search(text)))


_SHELL_REASON = (
    "needs a rendered copy: there is almost no text in the file, its script fetches it; "
    "open the page in a browser and save it, or copy its text into a .txt file"
)


def _has_postings(soup: BeautifulSoup) -> bool:
    return bool(soup.select_one("script[type='application/ld+json'], [itemtype*='JobPosting']"))


def _structured_postings(soup: BeautifulSoup) -> list[Any]:
    """The JSON-LD objects and the microdata postings of a page; broken JSON is left out."""
    found: list[Any] = []
    for script in soup.select("script[type='application/ld+json']"):
        text = re.sub(r"^\s*(<!--|//<!\[CDATA\[|/\*.*?\*/)|(-->|//\]\]>)\s*$", "", script.string or "")
        try:
            found.append(json.loads(text, strict=False))
        except (ValueError, RecursionError):
            continue
    found += [_microdata(tag) for tag in soup.select("[itemtype*='JobPosting']")]
    return found


def _microdata(scope: Tag) -> dict[str, Any]:
    item: dict[str, Any] = {"@type": str(scope.get("itemtype", "")).rsplit("/", 1)[-1]}
    for tag in scope.select("[itemprop]"):
        if tag.find_parent(attrs={"itemscope": True}) is not scope:
            continue
        value: Any = _microdata(tag) if tag.has_attr("itemscope") else _microdata_value(tag)
        for name in str(tag["itemprop"]).split():
            item[name] = (
                [*item[name], value]
                if isinstance(item.get(name), list)
                else [item[name], value]
                if name in item
                else value
            )
    return item


def _microdata_value(tag: Tag) -> str:
    for name in ("content", "datetime", "href"):
        if tag.has_attr(name):
            return str(tag[name])
    return tag.decode_contents() if tag.get("itemprop") == "description" else squash(tag.get_text(" "))
