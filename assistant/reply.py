"""The assistant: one turn, top to bottom."""

from __future__ import annotations

import copy
import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from itertools import islice
from pathlib import Path

from assistant import extractive
from assistant.composing import Memory, Pieces, joined, told, traced
from assistant.conversation import Citation, Outcome, Reply
from assistant.corrections import Corrections, as_reply
from assistant.decision import Found, Parameters, decide, load_parameters
from assistant.generative import Deadline, GenerativeWriter, drained
from assistant.phrases import phrase
from assistant.questions import Question, answer_type, language_of, leans, split_questions
from assistant.role_replies import RoleMemory, Said
from assistant.steps import Stopwatch
from assistant.topics import Bank, folded
from assistant.versions import Knowledge, Opening, Summary
from knowledge.chroma_server import ChromaServer
from knowledge.embedding import Embedder, load_embedder
from knowledge.reranking import load_reranker
from knowledge.retrieval import Query, search
from knowledge.sentences import terms
from knowledge.settings import Settings
from knowledge.store import AwayError, Store, StoreError, current_version, stamp

MAX_CHARACTERS = 2000
"""Longest message that is read."""

TOPIC_CLEAR = 0.55
"""Likeness from which on a follow-up has a topic of its own."""

NEARLY = 0.75
"""Share of the threshold from which on the nearest thing the pages say is worth showing."""

INTENT_CERTAIN = 0.72
"""Likeness from which on a message is taken for an intent of the bank, if no topic is nearer."""

INTENT_LIKELY = 0.55
"""The same, if every topic is much farther away."""


PATIENCE = 1.0
"""Seconds that a turn waits for a new version; a larger one takes longer to open, and turns go on with the old."""

RECALLED = 5
"""Questions before the last one that a language model is shown, to make a follow-up whole."""

log = logging.getLogger(__name__)


class Assistant:
    """Answers a candidate from the company's own pages, or says that it cannot.

    Safe to share between threads: a turn works on one store version from start to end.
    """

    def __init__(
        self,
        settings: Settings,
        embedder: Embedder,
        parameters: Parameters | None = None,
        bank: Bank | None = None,
        writer: GenerativeWriter | None = None,
        corrections: Callable[[], Corrections] = Corrections,
        suggests: bool = True,
        today: Callable[[], date] = date.today,
    ) -> None:
        """`parameters`: the decision's weights, by default the fitted ones; `bank`: one already embedded.

        `writer`: a writer with a language model, by default the one that the settings name, if any.
        `corrections` is asked before each turn for those in force, and must be quick. `suggests`: whether replies
        come with questions to go on with, which takes some searches until it is known which would be answered.
        `today` says which day it is: approved answers count from one day to another.
        """
        self.settings = settings
        self.embedder = embedder
        self.parameters = parameters or load_parameters()
        self.reranker = load_reranker(settings.reranker)
        self.writer = writer or GenerativeWriter.from_settings(settings)
        self.bank = bank or Bank(
            embedder, cache=settings.store / "cache" if settings.store.is_dir() else None
        )
        self.corrections = corrections
        self.suggests = suggests
        self.today = today
        self.server = ChromaServer.of(settings)
        self._lock = threading.Lock()
        self._knowledge: Knowledge | None = None
        self._complaint = ""
        self._opening = threading.Lock()
        self._opened: Opening | None = None
        self._turns: OrderedDict[tuple[str, ...], tuple[Reply, Memory]] = OrderedDict()

    @classmethod
    def open(
        cls,
        settings: Settings,
        corrections: Callable[[], Corrections] = Corrections,
        embedder: Embedder | None = None,
        suggests: bool = True,
    ) -> Assistant:
        """An assistant over the store in `settings`; the store may still be empty.

        `embedder`: the encoder of the settings, where it is loaded already.

        Raises `EncoderError` or `StoreError` where model or store cannot be used.
        """
        embedder = embedder or load_embedder(settings.encoder)
        assistant = cls(settings, embedder, corrections=corrections, suggests=suggests)
        assistant.knowledge()
        return assistant

    def configured(self, threshold: float | None = None, model: bool = True) -> Assistant:
        """An assistant over the same knowledge that decides by another threshold, or without the language model."""
        other = copy.copy(self)
        if threshold is not None:
            other.settings = self.settings.model_copy(update={"threshold": threshold})
        other.writer = self.writer if model else None
        other._turns = OrderedDict()
        return other

    # --- the store ----------------------------------------------------------------------------------

    def knowledge(self) -> Knowledge | None:
        """The version in force with the corrections in force, or None while the store is empty."""
        known, wanted = self._version_in_force(), self.corrections()
        if known is None or known.corrections.revision == wanted.revision:
            return known
        laid = known.corrected(wanted, self.settings)
        with self._lock:
            if self._knowledge is known:
                self._knowledge = laid
                self._turns.clear()
        return laid

    def _version_in_force(self) -> Knowledge | None:
        """The version in force; opened anew when it was switched, or when an opening closed overnight."""
        try:
            folder = current_version(self.settings.store)
        except StoreError as error:
            if not (self.settings.store / "CURRENT").exists():
                return None
            if self._knowledge is None:
                raise
            self._complain(f"Answers go on from what was read before: {error}")  # which is whole
            return self._knowledge
        known, found, today = self._knowledge, stamp(folder), self.today()
        held = known and (known.store.folder, known.store.stamp) == (folder, found)
        if known and held and today <= known.store.until:
            return known
        with self._opening:
            opening = self._opened
            if opening is None or (opening.folder, opening.stamp, opening.day) != (folder, found, today):
                opening = self._opened = Opening(folder, today, lambda: self._open(folder, today))
        # The knowledge of before goes on answering while a large version is being opened.
        try:
            opened = opening.wait(None if known is None else PATIENCE)
        except Exception:
            if known is None:
                self._opened = None  # the next turn tries again
                raise
            return known
        return self._knowledge if opened else known

    def _complain(self, why: str) -> None:
        """Say once, and not at each turn, what is wrong with the store."""
        if why != self._complaint:
            self._complaint = why
            log.error("%s", why)

    def _open(self, folder: Path, today: date) -> None:
        """Take a version over as it is on a day; what was worked out over the one before is forgotten."""
        store = Store(folder, self.embedder, self.server, today)
        knowledge = Knowledge(store, self.bank, self.settings)
        with self._opening, self._lock:
            opening = self._opened
            if opening is not None and (opening.folder, opening.day) == (
                folder,
                today,
            ):  # else a newer one overtook it
                self._knowledge = knowledge
                self._complaint = ""
                self._turns.clear()

    @property
    def version(self) -> str:
        """Name of the store's version in force, "" while the store is empty."""
        knowledge = self.knowledge()
        return knowledge.store.version if knowledge else ""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to answer from."""
        knowledge = self.knowledge()
        return knowledge is None or not (knowledge.store.passages or knowledge.store.jobs)

    @property
    def summary(self) -> Summary:
        """What the store holds."""
        knowledge = self.knowledge()
        if knowledge is None:
            return Summary()
        manifest = knowledge.store.manifest
        return Summary(manifest.pages, manifest.jobs, manifest.open_jobs, manifest.as_of, manifest.passages)

    def starters(self, limit: int = 4, language: str = "") -> list[str]:
        """Questions that the store really can answer, of different kinds.

        In `language`, where it is one that the store is in; otherwise in the store's main one. While the Chroma
        server is away, only those of which that is known already.
        """
        knowledge = self.knowledge()
        if knowledge is None:
            return []
        chosen: list[str] = []
        language = language if language in knowledge.languages else self._main_language(knowledge)
        for topic_id in _STARTERS:
            topic = self.bank.topic.get(topic_id)
            if topic is None or len(chosen) == limit:
                continue
            ask = topic.question.get(language, topic.question["en"])
            try:
                if self._is_answerable(ask, language, knowledge):
                    chosen.append(ask)
            except AwayError as error:  # a page must open, and a server start, all the same
                log.warning("Questions to start from cannot be chosen: %s", error)
                continue
        return chosen

    def _would_answer(self, text: str, language: str, knowledge: Knowledge) -> bool:
        """Whether a first question would be answered; no language model is asked for that."""
        question = self.understand(text, language, Memory(), knowledge)
        if knowledge.approved.answer(question, self.today()) is not None:
            return True
        if self.refuse(question) is not None:
            return False
        said = knowledge.desk.answer(question, RoleMemory())
        if said.reply is not None:
            return said.reply.outcome is Outcome.ANSWERED
        return self.enough(self.evidence(question, knowledge, said.rows))

    @staticmethod
    def _main_language(knowledge: Knowledge) -> str:
        counted: dict[str, int] = {}
        for page in knowledge.store.pages:
            counted[page.language] = counted.get(page.language, 0) + 1
        return "en" if "en" in counted or not counted else max(counted, key=counted.__getitem__)

    # --- a turn --------------------------------------------------------------------------------------

    def reply(self, turns: Sequence[str], about: str = "") -> Reply:
        """The reply to the last of the candidate's `turns`, in the light of the ones before.

        `about`: id of the posting that the candidate has chosen to ask about, if any.
        """
        return drained(self._replied(tuple(turns), self.knowledge(), about=about))[0]

    def stream(self, turns: Sequence[str], about: str = "") -> Iterator[str | Reply]:
        """The reply's text bit by bit, then the reply itself, whose text is the one that counts.

        With a language model, sentence by sentence, each as soon as it has passed the check; what is
        ready at once comes word by word. Whoever reads no further ends the work.
        """
        reply, _ = yield from told(self._replied(tuple(turns), self.knowledge(), about=about))
        yield reply

    def remember(self, turns: Sequence[str]) -> Memory:
        """What the turns so far leave for the next; no language model is asked for that."""
        return self._remembered(tuple(turns), self.knowledge())

    def _remembered(self, turns: tuple[str, ...], knowledge: Knowledge | None) -> Memory:
        return drained(self._replied(turns, knowledge, anew=False))[1] if turns else Memory()

    def _replied(
        self, turns: tuple[str, ...], knowledge: Knowledge | None, anew: bool = True, about: str = ""
    ) -> Pieces[tuple[Reply, Memory]]:
        """Reply and memory, taken from the turns already worked out where there are any.

        A reply for which the language model failed is worked out `anew`: its time-out must not stick.
        """
        key = (knowledge.state(self.today()) if knowledge else "", about, *turns)
        with self._lock:
            kept = self._turns.get(key)
            if kept and not (anew and kept[0].trace.get("fallback")):
                self._turns.move_to_end(key)
                return kept
        deadline = self.writer.deadline() if self.writer and anew else None
        memory = self._remembered(turns[:-1], knowledge)
        if knowledge and (chosen := knowledge.store.job.get(about)):
            # "What does it ask for?" leans on the role, and no longer on the turn before.
            roles = RoleMemory(memory.roles.shown, (about,), pinned=True)
            memory = replace(memory, question=chosen.title, roles=roles)
        result = yield from self._turn(turns[-1] if turns else "", memory, knowledge, deadline)
        if self.writer and not anew:
            # The default writer's words, which must not be taken for the reply.
            return result
        with self._lock:
            self._turns[key] = result
            while len(self._turns) > 2048:
                self._turns.popitem(last=False)
        return result

    def _turn(
        self, text: str, memory: Memory, knowledge: Knowledge | None, deadline: Deadline | None
    ) -> Pieces[tuple[Reply, Memory]]:
        """One message: each of its questions answered or refused on its own.

        `deadline`: by when all that the language model does must be done; None leaves it out.
        """
        text = " ".join(text.split())
        language = language_of(text, memory.language or "en")
        if len(text) > MAX_CHARACTERS:
            return Reply(
                Outcome.DECLINED, phrase("too_long", language, limit=MAX_CHARACTERS), language=language
            ), memory
        if not re.search(r"\w", text):
            return Reply(Outcome.CHAT, phrase("what_is_your_question", language), language=language), memory
        if knowledge is None or not (knowledge.store.passages or knowledge.store.jobs):
            self._complain(
                f"A candidate was told that there are no pages yet. Run: python ingest.py SOURCE --store {self.settings.store}"
            )
            said = f"{phrase('no_knowledge', language)} {handover(self.settings, language)}"
            return Reply(Outcome.NOT_FOUND, said, language=language), memory
        replies: list[Reply] = []
        for part in split_questions(text):
            pieces = self._question(part, language, memory, knowledge, deadline)
            reply, memory = yield from told(pieces, replies)
            replies.append(reply)
        return (replies[0] if len(replies) == 1 else joined(replies)), memory

    def _question(
        self, text: str, language: str, memory: Memory, knowledge: Knowledge, deadline: Deadline | None
    ) -> Pieces[tuple[Reply, Memory]]:
        """One question: approved answer, refuse, roles, search, enough evidence?, write, check the quotes."""
        watch = Stopwatch()
        question = self.understand(text, language, memory, knowledge)
        watch.lap("understand")
        if approved := knowledge.approved.answer(question, self.today()):
            reply = replace(as_reply(approved, language), suggestions=self._suggestions(question, knowledge))
            return traced(reply, question, watch, "approved"), self._after(question, memory)
        refusal = self.refuse(question)
        watch.lap("refuse")
        if refusal:
            return traced(refusal, question, watch, "refused"), replace(memory, language=language)
        said = knowledge.desk.answer(question, memory.roles)
        watch.lap("roles")
        if said.reply is not None:
            reply = replace(said.reply, suggestions=self._suggestions(question, knowledge))
            return traced(reply, question, watch, "roles"), self._after(question, memory, said.memory)
        whole = self._rewritten(question, memory, knowledge, deadline)
        # What is harmless in the candidate's own words may be none in the model's.
        if whole is not question and (refusal := self.refuse(replace(whole, text=whole.standalone))):
            return traced(refusal, whole, watch, "refused"), replace(memory, language=language)
        question = whole
        watch.lap("rewrite")
        found, rows = self._searched(text, question, memory, knowledge, said, watch)
        if not self.enough(found):
            reply = self._not_found(question, found)
        else:
            reply = yield from self._written(question, found, deadline)
            reply = replace(reply, jobs=said.jobs if said.rows else ())
        watch.lap("write")
        reply = replace(reply, suggestions=self._suggestions(question, knowledge))
        watch.lap("suggest")
        filters = {
            "language": question.language if question.language in knowledge.languages else "",
            "roles": [job.title for job in said.jobs] if rows else [],
            "hidden": len(knowledge.hidden),
        }
        reply = traced(
            reply, question, watch, "searched", found, {"filters": filters, "threshold": self.threshold}
        )
        used = (
            tuple(entry.hit.row for entry in found.evidence[:2]) if reply.outcome is Outcome.ANSWERED else ()
        )
        return reply, self._after(question, memory, said.memory, used)

    @staticmethod
    def _after(
        question: Question, before: Memory, roles: RoleMemory | None = None, rows: tuple[int, ...] = ()
    ) -> Memory:
        asked = (*before.asked, question.text)[-RECALLED:]
        return Memory(question.standalone, question.language, roles or RoleMemory(), rows, asked)

    def _searched(
        self,
        text: str,
        question: Question,
        memory: Memory,
        knowledge: Knowledge,
        said: Said,
        watch: Stopwatch,
    ) -> tuple[Found, frozenset[int] | None]:
        """What is found among a role's passages or, where that is not enough, among all; and which it was."""
        found = self.evidence(question, knowledge, said.rows, watch)
        if not said.rows or (self.enough(found) and said.certain):
            return found, said.rows
        # What is no question about the chosen role is one that stands alone, however short it is.
        alone = (
            self.understand(text, question.language, Memory(), knowledge) if memory.roles.pinned else question
        )
        everywhere = self.evidence(alone, knowledge, None, watch)
        return (everywhere, None) if everywhere.probability > found.probability else (found, said.rows)

    def understand(self, text: str, language: str, memory: Memory, knowledge: Knowledge) -> Question:
        """The question made whole from the turns before, its spelling mended, its topic found."""
        mended = knowledge.speller.mend(knowledge.corrections.in_pages_words(text), language)
        before = memory.question if memory.question and leans(mended) >= 0.4 else ""
        own, *rest = self.embedder.embed([mended, f"{before} {mended}"] if before else [mended])
        vector = own
        if before:
            vector = 0.5 * own + 0.5 * rest[0]
            vector = vector / float((vector @ vector) ** 0.5)
        own_words = tuple(terms(mended, language))
        stems = own_words
        topics = self.bank.nearest_topics(own)
        if before:
            stems = (*stems, *(t for t in terms(before, language) if t not in stems))
            if topics[0][1] < TOPIC_CLEAR:
                topics = self.bank.nearest_topics(vector)
        return Question(
            text=text,
            standalone=mended,
            language=language,
            vector=vector,
            words=stems,
            answer_type=answer_type(mended),
            topics=tuple(topics),
            intent=self.bank.nearest_intent(own),
            before=before,
            alone=own,
            own_words=own_words,
        )

    def _rewritten(
        self, question: Question, memory: Memory, knowledge: Knowledge, deadline: Deadline | None
    ) -> Question:
        """A follow-up made whole by the language model; as the rules have it where that cannot be had.

        Where search is restricted to a role, the candidate's own words still count (see `narrowed`).
        """
        if self.writer is None or deadline is None or not question.follows_up:
            return question
        standalone = self.writer.rewrite([*memory.asked, question.text], deadline)
        if standalone is None:
            return question
        whole = self.understand(standalone, question.language, Memory(), knowledge)
        return replace(whole, text=question.text, alone=question.alone, own_words=question.own_words)

    def refuse(self, question: Question) -> Reply | None:
        """The fixed reply to what is no question about working here, or to what must not be answered."""
        said = folded(question.text)
        for intent in self.bank.intents:
            if intent.certain(said):
                return self._fixed(intent.reply, Outcome(intent.outcome), question.language)
        if question.intent is None:
            return None
        intent, likeness = question.intent
        topic_likeness = question.topics[0][1] if question.topics else 0.0
        certain = likeness >= INTENT_CERTAIN and likeness > topic_likeness + 0.05
        if certain or (likeness >= INTENT_LIKELY and likeness > topic_likeness + 0.15):
            return self._fixed(intent.reply, Outcome(intent.outcome), question.language)
        return None

    def _fixed(self, name: str, outcome: Outcome, language: str) -> Reply:
        return Reply(outcome, phrase(name, language), language=language, writer="catalogue")

    def evidence(
        self,
        question: Question,
        knowledge: Knowledge,
        rows: frozenset[int] | None,
        watch: Stopwatch | None = None,
    ) -> Found:
        """What search finds, ranked and judged; `rows` restricts it to some passages, `watch` takes the times."""
        question = self.narrowed(question, rows)
        spoken = question.language if question.language in knowledge.languages else ""
        topics = [topic for topic, likeness in question.topics[:1] if likeness > 0.5]
        query = Query(
            vector=question.vector,
            words=question.words,
            widened=tuple(
                {t for topic in topics for term in topic.terms for t in terms(term, question.language)}
            ),
            typical=self.bank.typical(topics[0]) if topics else None,
            rows=rows,
            hidden=knowledge.hidden,
            language=spoken,
            closed=rows is not None,
        )
        hits = search(knowledge.store, query)
        if watch:
            watch.lap("search")
        found = decide(question, hits, knowledge.context, self.parameters, self.reranker)
        if watch:
            watch.lap("decide")
        return found

    @staticmethod
    def narrowed(question: Question, rows: frozenset[int] | None) -> Question:
        """The question as it is asked of the passages in `rows`, or of all.

        Where the role is settled, the turns before would only blur what is asked of it.
        """
        if rows is None or question.alone is None:
            return question
        return replace(question, vector=question.alone, words=question.own_words, in_role=True)

    def enough(self, found: Found) -> bool:
        """Whether an answer is probable enough."""
        return bool(found.evidence) and found.probability >= self.threshold

    @property
    def threshold(self) -> float:
        """The least probability from which on an answer is given."""
        return self.parameters.threshold if self.settings.threshold is None else self.settings.threshold

    def _written(self, question: Question, found: Found, deadline: Deadline | None) -> Pieces[Reply]:
        """The answer; the language model's sentences are told as they come."""
        if self.writer is None or deadline is None:
            text, citations = extractive.write(question, found.evidence)
            return Reply(Outcome.ANSWERED, text, citations, language=question.language)
        written = yield from self.writer.stream(question, found.evidence, deadline)
        text = written.text
        if written.why and written.writer == self.writer.name:
            # What was shown has been checked and stays; that more was to come must be said.
            cut_short = f"\n\n{phrase('cut_short', question.language)}"
            yield cut_short
            text += cut_short
        return Reply(
            Outcome.ANSWERED,
            text,
            written.citations,
            language=question.language,
            writer=written.writer,
            trace={"fallback": written.why} if written.why else {},
        )

    def _not_found(self, question: Question, found: Found) -> Reply:
        """An honest no, the nearest thing the pages do say where it is on the topic, and whom to ask."""
        said = [phrase("not_found", question.language), handover(self.settings, question.language)]
        citations: tuple[Citation, ...] = ()
        if found.probability > self.threshold * NEARLY and found.features.get("best_terms", 0.0) > 0.3:
            nearest, citations = extractive.write(question, found.evidence[:1])
            said.append(f"\n\n{phrase('nearest', question.language)} {nearest}")
        return Reply(Outcome.NOT_FOUND, " ".join(said), citations, language=question.language)

    def _suggestions(self, question: Question, knowledge: Knowledge, limit: int = 3) -> tuple[str, ...]:
        """Questions of related topics that the store can answer."""
        if not self.suggests:
            return ()
        related = [r for topic, likeness in question.topics[:2] if likeness > 0.45 for r in topic.related]
        topics = [self.bank.topic[name] for name in dict.fromkeys(related) if name in self.bank.topic]
        asks = [topic.question.get(question.language, topic.question["en"]) for topic in topics]
        sure = (ask for ask in asks if self._is_answerable(ask, question.language, knowledge))
        return tuple(islice(sure, limit))

    def _is_answerable(self, ask: str, language: str, knowledge: Knowledge) -> bool:
        """Whether a suggested question would be answered; worked out once for each state of the knowledge."""
        key = (knowledge.state(self.today()), language, ask)
        if key not in knowledge.answerable:
            knowledge.answerable[key] = self._would_answer(ask, language, knowledge)
        return knowledge.answerable[key]


_STARTERS = (
    "open-positions", "learning-time", "remote-work", "vacation", "interview-steps", "mission",
    "parental-leave", "scale", "ai-at-work", "salary", "office-location", "health-insurance",
    "what-makes-different", "values", "engineering-practice", "flexible-hours",
)  # fmt: skip


def handover(settings: Settings, language: str) -> str:
    """Whom to ask, where the pages are silent."""
    if settings.contact:
        return phrase("contact", language, contact=settings.contact)
    return phrase("ask_team", language)
