"""The writer that needs no language model: it picks sentences and quotes them exactly."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.conversation import Citation
from assistant.decision import Evidence
from assistant.questions import AnswerType, Question, holds_type
from knowledge.documents import BlockKind, Passage
from knowledge.sentences import sentences, terms

WHOLE = 100
"""A passage of at most so many words is quoted whole: less would lose its conditions."""

ENOUGH = 45
"""A quotation of fewer words takes in the sentences around it."""

LONGEST = 90
"""Words beyond which it does not."""

BUDGET = 130
"""Words quoted in one answer, so that with all around them it stays under 160."""

BEHIND = 3.2
"""How far, as a logit, a passage may be behind the best one and still be quoted beside it."""

BESIDE = 24
"""Characters before and after a number in which the words stand that say what it counts."""

_LEANS_BACK = re.compile(
    r"^(it|this|that|these|those|they|he|she|however|but|also|if so|then|in (this|that|these) cases?|otherwise|"
    r"such|both|again|instead|so|for example|cela|ceci|il|elle|ils|elles|dies|diese|das|sie|er|es|esto|eso)\b",
    re.IGNORECASE,
)
_MARKED = {
    AnswerType.NUMBER: r"[$€£]?\d[\d,.]*(?:[+%BMKk](?!\w)|\s?(?:million|billion|percent|per cent))?",
    AnswerType.MONEY: r"[$€£]\s?\d[\d,.]*\s?[kKmM]?|\d[\d,.]*\s?(?:%|€|EUR|USD|percent)",
    AnswerType.DURATION: r"\d[\d,.]*(?:\s*[-–]\s*\d+)?\s?(?:-|\s)?(?:%|hours?|days?|weeks?|months?|years?|minutes?|jours?|semaines?"
    r"|mois|ans?|Tage?n?|Wochen?|Monate?n?|Jahre?n?|días?|semanas?|meses|años?)",
}


@dataclass(frozen=True)
class Quotation:
    """Sentences of one passage that are quoted together, in the order of the source.

    `own` is false where several postings say the same words.
    """

    passage: Passage
    text: str
    own: bool = True

    def citations(self) -> tuple[Citation, ...]:
        """The quotation as a citation, after one of the name of who says it."""
        name = self.passage.speaker.split(",")[0].strip()
        quotes = [name, self.text] if name else [self.text]
        return tuple(
            Citation(
                source=self.passage.source,
                title=self.passage.title,
                url=self.passage.url,
                quote=quote,
                passage=self.text if quote == name else self.passage.text,
                heading=self.passage.heading,
            )
            for quote in quotes
        )


def write(question: Question, evidence: Sequence[Evidence]) -> tuple[str, tuple[Citation, ...]]:
    """The answer in quotations and its citations; `evidence` most probable first, never empty."""
    parts: list[str] = []
    citations: list[Citation] = []
    quotations = choose(question, evidence)
    dated = len({quotation.passage.modified for quotation in quotations}) > 1
    for quotation in quotations:
        # Pages of different dates may contradict each other: the reader shall see which is newer.
        when = f"({quotation.passage.modified}) " if dated and quotation.passage.modified else ""
        parts.append(f"{when}{_introduced(quotation, len(citations))}")
        citations.extend(quotation.citations())
    return mark("\n\n".join(parts), question, nearest(question, evidence[0])), tuple(citations)


def choose(question: Question, evidence: Sequence[Evidence]) -> list[Quotation]:
    """The best passage's words, and the next ones' where they are nearly as probable."""
    chosen: list[Quotation] = []
    words = 0
    best = evidence[0].relevance
    for entry in evidence[:6]:
        if chosen and (entry.relevance < best - BEHIND or len(chosen) == 3):
            break
        quotation = Quotation(entry.hit.passage, excerpt(question, entry), entry.hit.copies == 1)
        length = len(quotation.text.split())
        if chosen and (words + length > BUDGET or _repeats(quotation, chosen)):
            continue
        chosen.append(quotation)
        words += length
    return chosen


def excerpt(question: Question, entry: Evidence) -> str:
    """The fewest neighbouring sentences of the passage that answer, exactly as they stand."""
    passage = entry.hit.passage
    if len(passage.text.split()) <= WHOLE or passage.kind is BlockKind.QUOTATION:
        return passage.text
    parts = sentences(passage.text)
    scores = _scores(question, entry, parts)
    first = last = max(range(len(parts)), key=scores.__getitem__)
    if first and _LEANS_BACK.match(parts[first]):
        first -= 1
    # Conditions and exceptions stand next to the rule: neighbours are taken in, the likelier first.
    while (first or last + 1 < len(parts)) and _words(parts[first : last + 1]) < ENOUGH:
        after = scores[last + 1] if last + 1 < len(parts) else -1.0
        before = scores[first - 1] if first else -1.0
        wider = (first, last + 1) if after >= before else (first - 1, last)
        if _words(parts[wider[0] : wider[1] + 1]) > LONGEST:
            break
        first, last = wider
    start = passage.text.index(parts[first])
    end = passage.text.index(parts[last], start) + len(parts[last])
    return passage.text[start:end]


def nearest(question: Question, entry: Evidence) -> str:
    """The sentence of a passage, or the item of a list, that is nearest to the question."""
    parts = sentences(entry.hit.passage.text)
    scores = _scores(question, entry, parts)
    return parts[max(range(len(parts)), key=scores.__getitem__)] if parts else ""


def _scores(question: Question, entry: Evidence, parts: Sequence[str]) -> list[float]:
    return [
        _sentence_score(question, part, cosine)
        for part, cosine in zip(parts, _cosines(entry, parts), strict=True)
    ]


def _cosines(entry: Evidence, parts: Sequence[str]) -> Sequence[float]:
    scores = entry.sentences or entry.hit.by_sentence
    return scores if len(scores) == len(parts) else [0.0] * len(parts)


def _sentence_score(question: Question, sentence: str, cosine: float) -> float:
    shared = set(terms(sentence, question.language)) & set(question.words)
    typed = question.answer_type not in (AnswerType.TEXT, AnswerType.YES_NO, AnswerType.LIST)
    return (
        cosine
        + 0.05 * min(len(shared), 4)
        + (0.08 if typed and holds_type(question.answer_type, sentence) else 0)
    )


def _words(parts: Sequence[str]) -> int:
    return sum(len(part.split()) for part in parts)


def _repeats(quotation: Quotation, chosen: Sequence[Quotation]) -> bool:
    """Whether the quotation says what another one says already."""
    new = set(quotation.text.lower().split())
    return any(len(new & set(old.text.lower().split())) > 0.7 * len(new) for old in chosen)


def _introduced(quotation: Quotation, before: int) -> str:
    """The quotation with who says it, or with the lead-in of its list or the header of its table.

    `before` counts the citations before it.
    """
    passage = quotation.passage
    if passage.speaker:
        return f"{passage.speaker} [{before + 1}]: “{quotation.text}” [{before + 2}]"
    # A posting's words mean something only with its title, unless all postings say them.
    whose = f"{passage.title}: " if passage.job_id and quotation.own else ""
    number = f" [{before + 1}]"
    if passage.kind is BlockKind.LIST:
        lines = "\n".join(f"- {line.strip()}" for line in quotation.text.splitlines() if line.strip())
        return (
            f"{whose}{passage.lead or passage.heading or ('' if whose else passage.title)}\n{lines}{number}"
        )
    if passage.kind is BlockKind.TABLE and passage.lead:
        return f"{whose}{passage.lead}\n“{quotation.text}”{number}"
    return f"{whose}“{quotation.text}”{number}"


def mark(text: str, question: Question, within: str = "") -> str:
    """The one number, sum or duration asked for set in bold, where it is clear which.

    It is the one beside which most words of the question stand; of several alike the first in the sentence
    `within`, or the only one there is. In a list of benefits the first number is another one's.
    """
    pattern = _MARKED.get(question.answer_type)
    if pattern is None:
        return text
    found = list(re.finditer(rf"(?<![\w\[*])({pattern})(?![\w\]*])", text))
    start = text.find(within) if within else -1
    inside = range(start, start + len(within)) if start >= 0 else range(0)
    words = set(question.words)

    def rank(match: re.Match[str]) -> tuple[int, bool]:
        before = terms(text[max(match.start() - BESIDE, 0) : match.start()], question.language)
        after = terms(text[match.start() :][: len(match[0]) + BESIDE], question.language)
        # "500 requests and 3 deployments": what is counted stands behind its number.
        return 2 * len(words & set(after)) + len(words & set(before)), match.start() in inside

    best = max(found, key=rank, default=None)
    if best is None or (len(found) > 1 and not any(rank(best))):
        return text
    return f"{text[: best.start()]}**{best[0]}**{text[best.end() :]}"
