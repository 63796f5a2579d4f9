"""An assistant that can be computed by hand, for the tests of the chat."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from assistant.conversation import Citation, Outcome, Reply
from knowledge.documents import JobPosting, Status
from knowledge.settings import Settings, load_settings

ATTACK = "<img src=x onerror=\"window.hacked='yes'\"><script>window.hacked='yes'</script>"
SITE = "https://careers.harborandpine.example"

REMOTE = Citation(
    source="benefits.html",
    title="Benefits at Harbor & Pine",
    url=f"{SITE}/benefits",
    heading="Where we work",
    quote="Everyone may work from home up to three days a week.",
    passage="Our studio is in Haifa, two minutes from the port. Everyone may work from home up to three days "
    "a week.\nWednesday is the day we all meet: please plan to be in.",
)
EQUIPMENT = Citation(
    source="benefits.html",
    title="Benefits at Harbor & Pine",
    url=f"{SITE}/benefits",
    heading="Equipment",
    quote="you choose a laptop and get 400 euros for your desk",
    passage="Before your first day you choose a laptop and get 400 euros for your desk at home.",
)

POSTINGS = (
    JobPosting("b1", "Backend Engineer, Routing", "jobs.json", f"{SITE}/jobs/b1", ("Haifa",), "Engineering"),
    JobPosting("d1", "Data Analyst", "jobs.json", f"{SITE}/jobs/d1", ("Haifa", "Lisbon"), "Operations"),
    JobPosting("s1", "Support Specialist", "jobs.json", "", ("Lisbon",), "", status=Status.CLOSED),
)

REPLIES = {
    "Can I work from home?": Reply(
        Outcome.ANSWERED,
        "Yes, up to **three days a week** [1]. For the days at home you choose a laptop and get 400 euros "
        "for your desk [2].",
        (REMOTE, EQUIPMENT),
        suggestions=("Which positions are open?", "How does hiring work?"),
    ),
    "Which positions are open?": Reply(
        Outcome.ANSWERED,
        "Two positions are open, both with a place in Haifa:",
        (),
        POSTINGS,
        suggestions=("Can I work from home?",),
    ),
    "Do you have a nursery?": Reply(
        Outcome.NOT_FOUND,
        "The pages I can read say nothing about a nursery.",
        suggestions=("Can I work from home?",),
    ),
    "אפשר לעבוד מהבית?": Reply(
        Outcome.ANSWERED,
        "כן. לפי דף ההטבות, **עד שלושה ימים בשבוע** [1]:\n\n"
        "- ביתר הימים עובדים במשרד בחיפה\n- ביום רביעי כולם נפגשים",
        (
            Citation(
                "he.html",
                "הטבות",
                f"{SITE}/he",
                "כל אחד רשאי לעבוד מהבית עד שלושה ימים בשבוע.",
                "המשרד שלנו בחיפה. כל אחד רשאי לעבוד מהבית עד שלושה ימים בשבוע. ביום רביעי כולם נפגשים.",
                "איפה עובדים",
            ),
        ),
        language="he",
    ),
    "How does hiring work?": Reply(
        Outcome.ANSWERED,
        "Hiring takes **four steps** and about three weeks [1]:\n\n"
        "1. A call of twenty minutes with the team lead [1]\n"
        "2. A task at home of at most three hours, paid with 150 euros; you may ask for a talk instead [1]\n"
        "3. A visit of half a day: you meet the team, look at real work together and have lunch\n"
        "4. An offer, or an answer that says why not, within five working days [2]\n\n"
        "You can ask for adjustments at each step, such as more time or written questions [2].\n\n"
        "What to bring to the visit:\n- nothing that you prepared\n- questions about us",
        (
            Citation(
                "hiring.md",
                "How we hire",
                f"{SITE}/hiring",
                "Hiring takes four steps and about three weeks",
                "We know that waiting is hard. Hiring takes four steps and about three weeks: a call, a "
                "task, a visit and an offer.",
                "The steps",
            ),
            Citation(
                "hiring.md",
                "How we hire",
                "",
                "an answer within five working days",
                "After the visit you have an answer within five working days.",
                "After the visit",
            ),
        ),
    ),
    "attack": Reply(
        Outcome.ANSWERED,
        f"{ATTACK} [1] [click](javascript:alert(1)) ${{window.hacked='yes'}} {{{{constructor}}}} `x`",
        (
            Citation(
                ATTACK, ATTACK, "javascript:window.hacked='yes'", ATTACK, f"before {ATTACK} after", ATTACK
            ),
        ),
        (JobPosting("x", ATTACK, "x", "javascript:window.hacked='yes'", (ATTACK,), ATTACK),),
        suggestions=(ATTACK,),
        language='en" onclick="window.hacked=1',
    ),
}


@dataclass(frozen=True)
class FakeSummary:
    pages: int = 12
    jobs: int = 3
    open_jobs: int = 2
    as_of: datetime | None = datetime(2026, 5, 3, 8, 30, tzinfo=UTC)
    passages: int = 40


@dataclass
class FakeAssistant:
    """Knows the questions of `REPLIES`; says of any other how many turns it has heard."""

    summary: FakeSummary = FakeSummary()
    pause: float = 0.0
    heard: list[tuple[str, ...]] = field(default_factory=list)

    def reply(self, turns: Sequence[str], about: str = "") -> Reply:
        self.heard.append(tuple(turns))
        if turns[-1] == "break":
            raise RuntimeError("the model is away: secret-key-123")
        return REPLIES.get(turns[-1]) or Reply(
            Outcome.CHAT, f"You have asked {len(turns)} questions; the last was: {turns[-1]}"
        )

    def stream(self, turns: Sequence[str], about: str = "") -> Iterator[str | Reply]:
        reply = self.reply(turns, about)
        for word in reply.text.split(" "):
            time.sleep(self.pause)
            yield f"{word} "
        yield reply

    def starters(self, limit: int = 4, language: str = "") -> list[str]:
        known = ["Can I work from home?", "Which positions are open?", "How does hiring work?"]
        return known[:limit] if self.summary.pages else []


EMPTY = FakeSummary(pages=0, jobs=0, open_jobs=0, as_of=None)


def settings(**given: object) -> Settings:
    """Settings of an invented company; nothing is stored, and nothing limited, unless a test says so."""
    chosen: dict[str, object] = {
        "company": "Harbor & Pine",
        "contact": "jobs@harborandpine.example",
        "retention_days": 0,
        "store": Path("nowhere"),
        "limit_visitor": "",
        "limit_address": "",
    }
    return load_settings(None, **{**chosen, **given})
