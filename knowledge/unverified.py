"""From the lines of positions to postings: which labels are facts about one of them, and which are not.

A page's filter prints its whole vocabulary (Temp, Student, Full time …) with every posting. Such words are
kept as `labels`, never as facts; so are labels that contradict each other or the title.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from knowledge.dates import is_past, parse_date
from knowledge.documents import Block, BlockKind, JobPosting, Status
from knowledge.labels import LabelKind, canonical, contradict, denies_title, title_labels
from knowledge.wording import fold, slug, squash, unique

_LABEL_FIELDS = tuple(kind.value for kind in LabelKind)


@dataclass
class Draft:
    """A posting while its lines are still being gathered.

    `facts` are (field, words as printed); `above` is the team whose subheading it stands below.
    """

    title: str
    lines: list[str]
    facts: list[tuple[str, str]] = field(default_factory=list)
    department: str = ""
    above: str = ""
    description: list[str] = field(default_factory=list)


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


def with_title_labels(job: JobPosting) -> JobPosting:
    """The posting with the contract and workplace that its title prints, where nothing else states them.

    A title is the posting's own, so what it prints is a fact although a filter's vocabulary stands below.
    """
    printed = title_labels(job.title)
    told = {kind.value: words for kind, words in printed.items() if not getattr(job, kind.value)}
    if not told:
        return job
    quotes = {**job.quotes, **dict.fromkeys(told, job.quotes.get("title", job.title))}
    return replace(
        job,
        employment_type=told.get(LabelKind.CONTRACT.value, job.employment_type),
        workplace_type=told.get(LabelKind.WORKPLACE.value, job.workplace_type),
        quotes=quotes,
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
    department = draft.department or line.get("department", "") or draft.above
    quotes = {name: _quote(draft, words) for name, words in facts.items()}
    block = Block(BlockKind.LIST, "\n".join(squash(text) for text in draft.lines), (draft.title,))
    described = [Block(BlockKind.PARAGRAPH, squash(text), (draft.title,)) for text in draft.description]
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
        blocks=(block, *described),
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
