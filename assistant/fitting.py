"""Fitting the decision: what to rank first, and when to answer at all.

Learned from golden questions about companies of `tests/golden`, from the passages held back from the
encoder's training, dealt into made-up companies from which a third of the answers is left out, and from
questions about things that the pages of a company never mention. Both are
cross-validated by company: no question is judged by weights that have seen its company.
"""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit, softmax

from assistant.decision import (
    PASSAGE_FEATURES,
    QUESTION_FEATURES,
    Evidence,
    Parameters,
    Regression,
    question_features,
)
from assistant.evaluation import GoldenQuestion, overlaps, read_questions
from assistant.questions import Question, language_of
from assistant.reply import Assistant
from assistant.topics import Bank
from assistant.versions import Knowledge
from knowledge.chunking import cut
from knowledge.documents import Block, BlockKind, Page, Reading
from knowledge.embedding import Embedder
from knowledge.encoder import Record, read_records
from knowledge.ingestion import mirror
from knowledge.pages import read_source
from knowledge.sentences import plain
from knowledge.settings import Settings

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRENGTH = 0.003
"""How far the answering weights may go; more fits the companies seen and judges others worse."""

SIGNS = {
    **{name: 1 for name in QUESTION_FEATURES if name.startswith(("best_", "top_"))},
    **dict.fromkeys(("relevance", "gap", "likeness", "present"), 1),
    **dict.fromkeys(("best_named_missing", "best_untyped", "best_posting"), -1),
    **dict.fromkeys(("absent", "unknown", "named_absent"), -1),
    "best_typed": 0,
}
"""What each feature can only mean: more likeness never makes an answer less likely. Without, the fit
learns the tricks of the questions it is shown (a golden question without an answer is made from the
page's own words), and turns away what plainly matches."""

Progress = Callable[[str, int, int], None]
"""Called with what is being read, how many are done and how many there are."""

FALSE_ANSWER = 2.25
"""What an answer that is none costs, in false refusals: it misleads, a refusal only sends elsewhere."""

LEFT_OUT = 0.35
"""Share of the made-up companies' passages that are left out, so that their questions have no answer."""

WITHOUT_NEAR = 0.6
"""Share of the left-out passages whose near sentences go too: most silence is plain silence."""

SIZES = (6, 12, 30)
"""Records of a made-up company, each with two near passages: a short page must be judged as well as a
handbook."""

ABSENT = 12
"""Questions about what a company's pages do not mention, a company."""

FOLDS = 6
"""Parts in which the made-up companies are left out of a fit and judged by it."""

MADE_UP_WEIGHT = 0.3
"""Weight of a question about a made-up company: it stands alone, without follow-ups or postings."""


RANKING_STRENGTH = 0.1
"""The same for the ranking."""

RANKING_SIGNS = dict.fromkeys(("named_missing", "untyped", "posting"), -1)
"""The features of a passage that can only speak against it; all others only for it."""

_BOUNDS: Mapping[int, tuple[float | None, float | None]] = {0: (None, None), 1: (0.0, None), -1: (None, 0.0)}


@dataclass(frozen=True)
class Example:
    """A question with what search found for it, and which of the passages answer."""

    question: Question
    knowledge: Knowledge
    evidence: tuple[Evidence, ...]
    answers: NDArray[np.bool_]
    answerable: bool
    weight: float

    @property
    def table(self) -> NDArray[np.float64]:
        """The passages' features, of shape (passages, len(PASSAGE_FEATURES))."""
        return np.array([entry.features for entry in self.evidence], dtype=np.float64)


@dataclass(frozen=True)
class Tools:
    """What every company's examples are made with; the bank is embedded once for all."""

    embedder: Embedder
    parameters: Parameters
    bank: Bank


@dataclass(frozen=True)
class Figures:
    """How well a company never seen was judged."""

    company: str
    questions: int
    first: float
    auc: float


# --- examples ---------------------------------------------------------------------------------------


def golden_examples(
    questions: Path, source: Path, tools: Tools, absent: Sequence[Absent] = ()
) -> list[Example]:
    """The examples of one company: golden questions about a source, and what it does not mention."""
    with tempfile.TemporaryDirectory() as folder:
        reading = read_source(source)
        mirror([reading], [source.name], Path(folder), tools.embedder)
        assistant = _assistant(Path(folder), tools)
        golden = list(_examples(read_questions(questions), assistant, 1.0))
        return [*golden, *_examples(unmentioned(reading, absent, seed=1), assistant, MADE_UP_WEIGHT)]


@dataclass(frozen=True)
class Absent:
    """A question about something that few pages mention, and words one of which an answer would hold."""

    ask: str
    needs: tuple[str, ...]


def read_absent(file: Path) -> list[Absent]:
    """The questions of `file`, a JSON list with `ask` and `needs`; none where there is no such file."""
    if not file.is_file():
        return []
    listed = json.loads(file.read_text(encoding="utf-8"))
    return [Absent(entry["ask"], tuple(entry["needs"])) for entry in listed]


def unmentioned(reading: Reading, absent: Sequence[Absent], seed: int) -> list[GoldenQuestion]:
    """`ABSENT` of the questions of which the reading holds none of the words: it cannot answer them."""
    said = plain(" ".join(passage.embedding_text for passage in cut(reading.pages, reading.jobs)))
    silent = [entry for entry in absent if not any(plain(word) in said for word in entry.needs)]
    chosen = random.Random(seed).sample(silent, k=min(ABSENT, len(silent)))
    return [GoldenQuestion(f"absent {n}", (entry.ask,), "not_found") for n, entry in enumerate(chosen)]


def made_up_companies(
    records: Sequence[Record], sizes: Sequence[int] = SIZES
) -> dict[str, tuple[Record, ...]]:
    """The records dealt into companies of about these sizes, languages together and topics apart.

    Apart, as another employer's words on holidays would answer a question whose own passage is left out.
    """
    by_language: dict[str, list[Record]] = {}
    for record in sorted(records, key=lambda record: (record.topic, record.owner, record.passage)):
        by_language.setdefault(record.lang, []).append(record)
    named: dict[str, tuple[Record, ...]] = {}
    for language, ours in sorted(by_language.items()):
        hands = max(1, round(len(ours) / sum(sizes)))
        for hand in range(hands):
            rest = ours[hand::hands]
            for number, size in enumerate(sizes):
                left = sum(sizes[number:])
                step = max(1, round(left / size))
                chosen = rest[::step]
                rest = [record for place, record in enumerate(rest) if place % step]
                if chosen:
                    named[f"{language} {hand + 1}.{number + 1}"] = tuple(chosen)
            if rest:
                named[f"{language} {hand + 1}.{len(sizes) + 1}"] = tuple(rest)
    return named


def made_up_examples(
    records: Sequence[Record], tools: Tools, seed: int, absent: Sequence[Absent] = ()
) -> list[Example]:
    """The examples of one made-up company, some of whose passages are left out."""
    chance = random.Random(seed)
    pages: dict[str, list[Block]] = {}
    questions = []
    for number, record in enumerate(records):
        left_out = chance.random() < LEFT_OUT
        texts = [record.passage, *record.near]
        if left_out:
            texts = [] if chance.random() < WITHOUT_NEAR else list(record.near)
        headings = (record.heading,) if record.heading else ()
        blocks = [Block(BlockKind.PARAGRAPH, text, headings) for text in texts]
        pages.setdefault(record.title, []).extend(blocks)
        questions += [_made_up_question(f"{number}", ask, record, left_out) for ask in record.questions]
    reading = Reading(
        tuple(Page(f"page{n}", f"page{n}", title, language=records[0].lang, blocks=tuple(blocks))
              for n, (title, blocks) in enumerate(pages.items()) if blocks)
    )  # fmt: skip
    if not reading.pages:
        return []
    with tempfile.TemporaryDirectory() as folder:
        mirror([reading], ["made up"], Path(folder), tools.embedder)
        assistant = _assistant(Path(folder), tools)
        questions += unmentioned(reading, absent, seed)
        return list(_examples(questions, assistant, MADE_UP_WEIGHT))


def _made_up_question(name: str, ask: str, record: Record, left_out: bool) -> GoldenQuestion:
    evidence = () if left_out else (record.passage,)
    return GoldenQuestion(name, (ask,), "not_found" if left_out else "answer", evidence=evidence)


def _assistant(store: Path, tools: Tools) -> Assistant:
    settings = Settings(_env_file=None, store=store)  # type: ignore[call-arg]
    return Assistant(settings, tools.embedder, tools.parameters, tools.bank)


def _examples(questions: Iterable[GoldenQuestion], assistant: Assistant, weight: float) -> Iterator[Example]:
    """What search finds for each question that neither a catalogue nor the posting records answer."""
    knowledge = assistant.knowledge()
    assert knowledge is not None, "the store has just been filled"
    _ = knowledge.store.passage_collection, knowledge.store.sentence_collection
    for item in questions:
        if item.expect not in ("answer", "not_found") or item.kind in ("closed", "unverified-label"):
            continue
        memory = assistant.remember(item.turns[:-1])
        language = language_of(item.turns[-1], memory.language or "en")
        question = assistant.understand(item.turns[-1], language, memory, knowledge)
        if assistant.refuse(question) is not None:
            continue
        said = knowledge.desk.answer(question, memory.roles)
        if said.reply is not None:
            continue
        found = assistant.evidence(question, knowledge, said.rows)
        if found.evidence:
            answers = np.array([_answers(entry, item) for entry in found.evidence])
            in_role = assistant.narrowed(question, said.rows)
            yield Example(in_role, knowledge, found.evidence, answers, item.answerable, weight)


def _answers(entry: Evidence, item: GoldenQuestion) -> bool:
    passage = entry.hit.passage
    return any(
        overlaps(text, snippet)
        for text in (passage.text, passage.embedding_text)
        for snippet in item.evidence
    )


# --- fitting ----------------------------------------------------------------------------------------


def fit(examples: Sequence[Example], threshold: float = 0.5) -> Parameters:
    """Both regressions, fitted to `examples`."""
    ranking = fit_ranking(examples)
    table = np.array([answering_row(example, ranking) for example in examples])
    target = np.array([example.answerable for example in examples])
    weights = np.array([example.weight for example in examples])
    answering = fit_answering(table, target, balanced(target, weights))
    return Parameters(ranking, answering, threshold)


def fit_ranking(examples: Sequence[Example]) -> Regression:
    """The ranking, from the questions whose answer was among what was found.

    A conditional logit (McFadden 1974): the softmax over a question's passages shall fall on those that
    answer. Only the order within a question counts, which is what a ranking is for.
    """
    from scipy.optimize import minimize  # noqa: PLC0415  (only when fitting)

    told = [example for example in examples if example.answers.any() and not example.answers.all()]
    mean, spread = _scale(np.concatenate([example.table for example in told]))
    tables = [(example.table - mean) / spread for example in told]

    def loss(guess: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        total, slope = 0.5 * float(guess @ guess), guess.copy()
        for example, table in zip(told, tables, strict=True):
            share = softmax(table @ guess)
            right = np.where(example.answers, share, 0.0)
            pull = RANKING_STRENGTH * example.weight
            total -= pull * float(np.log(right.sum() + 1e-12))
            slope -= pull * (table.T @ (right / (right.sum() + 1e-12) - share))
        return total, slope

    bounds = [_BOUNDS[RANKING_SIGNS.get(name, 1)] for name in PASSAGE_FEATURES]
    weight = minimize(loss, np.zeros(len(PASSAGE_FEATURES)), jac=True, bounds=bounds).x / spread
    return Regression(PASSAGE_FEATURES, tuple(map(float, weight)), -float((weight * mean).sum()))


def answering_row(example: Example, ranking: Regression) -> list[float]:
    """The question's features under a ranking."""
    logits = ranking.logits(example.table)
    order = np.argsort(-logits, kind="stable")
    ranked = [
        Evidence(example.evidence[n].hit, example.evidence[n].features, float(logits[n])) for n in order
    ]
    features = question_features(example.question, ranked, example.knowledge.context)
    return [features[name] for name in QUESTION_FEATURES]


def fit_answering(
    table: NDArray[np.float64],
    target: NDArray[np.bool_],
    weights: NDArray[np.float64],
    names: tuple[str, ...] = QUESTION_FEATURES,
    signs: Mapping[str, int] = SIGNS,
    strength: float = STRENGTH,
) -> Regression:
    """A logistic regression on standardised features, its weights given back for the plain ones.

    `table` is of shape (questions, names); `strength` is the C of scikit-learn: the loss counts so many
    times against the sum of squares; `signs` holds weights at or above zero (1), or at or below (-1).
    """
    from scipy.optimize import minimize  # noqa: PLC0415  (only when fitting)

    mean, spread = _scale(table)
    scaled = np.column_stack([(table - mean) / spread, np.ones(len(table))])
    side = np.where(target, 1.0, -1.0)

    def loss(guess: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = side * (scaled @ guess)
        plain = np.append(guess[:-1], 0.0)  # the bias is free
        slope = -strength * scaled.T @ (weights * side * expit(-margin)) + plain
        return float(strength * weights @ np.logaddexp(0.0, -margin) + 0.5 * plain @ plain), slope

    bounds = [*(_BOUNDS[signs.get(name, 0)] for name in names), _BOUNDS[0]]
    found = minimize(loss, np.zeros(len(names) + 1), jac=True, bounds=bounds).x
    weight = found[:-1] / spread
    return Regression(names, tuple(map(float, weight)), float(found[-1] - (weight * mean).sum()))


def _scale(table: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return table.mean(axis=0), table.std(axis=0) + 1e-6


def balanced(target: NDArray[np.bool_], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weights raised or lowered so that what is answered counts as much as what is not."""
    share = float(weights[target].sum() / weights.sum())
    return np.asarray(weights * np.where(target, 0.5 / share, 0.5 / (1.0 - share)), dtype=np.float64)


def probabilities(examples: Sequence[Example], parameters: Parameters) -> NDArray[np.float64]:
    """The probability that each example's question is answered."""
    table = np.array([answering_row(example, parameters.ranking) for example in examples])
    return np.asarray(1.0 / (1.0 + np.exp(-parameters.answering.logits(table))), dtype=np.float64)


# --- measuring --------------------------------------------------------------------------------------


def cross_validate(
    companies: Mapping[str, Sequence[Example]],
) -> tuple[list[Figures], NDArray[np.float64]]:
    """Figures of each company under weights that have not seen it, and the probabilities of all in turn."""
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415

    figures, predicted = [], []
    for name, examples in companies.items():
        parameters = fit([e for other, listed in companies.items() if other != name for e in listed])
        probability = probabilities(examples, parameters)
        target = np.array([example.answerable for example in examples])
        first = [
            bool(example.answers[np.argmax(parameters.ranking.logits(example.table))])
            for example in examples
            if example.answerable
        ]
        auc = float(roc_auc_score(target, probability)) if 0 < target.sum() < len(target) else float("nan")
        figures.append(Figures(name, len(examples), float(np.mean(first)), auc))
        predicted.append(probability)
    return figures, np.concatenate(predicted)


def threshold_for(
    probability: NDArray[np.float64], target: NDArray[np.bool_], weights: NDArray[np.float64]
) -> float:
    """The threshold at which most is decided rightly, each question counting by its weight.

    The middle of the best thresholds of a grid of hundredths.
    """
    grid = np.arange(1, 100) / 100
    right = np.array([float(weights @ ((probability >= at) == target)) for at in grid])
    return float(np.median(grid[right >= right.max() - 1e-9]))


def curve(
    probability: NDArray[np.float64], target: NDArray[np.bool_], points: int = 21
) -> list[tuple[float, float, float]]:
    """Threshold, share of false answers and share of false refusals, from answering all to none."""
    return [
        (
            round(float(threshold), 3),
            round(float((probability[~target] >= threshold).mean()), 3),
            round(float((probability[target] < threshold).mean()), 3),
        )
        for threshold in np.linspace(0, 1, points)
    ]


def run(golden: Path, training: Path, out: Path, embedder: Embedder, progress: Progress) -> list[Figures]:
    """Fit on the companies of `golden` and the passages of `training`, and write the parameters to `out`.

    `golden` holds a folder a company with `questions.jsonl` and `pages`, `training` JSONL files of
    the encoder's training. Returns the cross-validated figures of the golden companies.
    """
    # Search puts forward the same passages whatever the weights are, so any will do to begin with.
    start = Parameters(_flat(PASSAGE_FEATURES), _flat(QUESTION_FEATURES), 0.5)
    tools = Tools(embedder, start, Bank(embedder))
    # Only what the encoder has not been trained on: what it knows by heart looks nearer than it is.
    made_up = made_up_companies([record for record in read_records(training) if record.held_back])
    absent = read_absent(golden / "absent.json")
    folders = sorted(folder for folder in golden.iterdir() if (folder / "questions.jsonl").is_file())
    total = len(folders) + len(made_up)
    companies: dict[str, list[Example]] = {}
    for number, folder in enumerate(folders):
        progress(folder.name, number, total)
        companies[folder.name] = golden_examples(folder / "questions.jsonl", folder / "pages", tools, absent)
    for number, (name, listed) in enumerate(sorted(made_up.items())):
        progress(name, len(folders) + number, total)
        fold = f"made up {number % FOLDS + 1}"
        companies.setdefault(fold, []).extend(made_up_examples(listed, tools, number, absent))
    progress("fitting", total, total)
    figures, probability = cross_validate(companies)
    examples = [example for listed in companies.values() for example in listed]
    target = np.array([example.answerable for example in examples])
    weights = np.array([example.weight for example in examples])
    fitted = fit(examples)
    costs = weights * np.where(target, 1.0, FALSE_ANSWER)
    parameters = Parameters(fitted.ranking, fitted.answering, threshold_for(probability, target, costs))
    save(out, parameters, figures, curve(probability, target))
    return figures


def _flat(names: tuple[str, ...]) -> Regression:
    return Regression(names, tuple(1.0 for _ in names), 0.0)


def save(
    path: Path, parameters: Parameters, figures: Sequence[Figures], points: Sequence[tuple[float, ...]]
) -> None:
    """Write the parameters with the figures that they were cross-validated to."""
    data = {
        "ranking": _as_json(parameters.ranking),
        "answering": _as_json(parameters.answering),
        "threshold": round(parameters.threshold, 3),
        "cross_validation": [
            {
                "company": f.company,
                "questions": f.questions,
                "first": round(f.first, 3),
                "auc": round(f.auc, 3),
            }
            for f in figures
        ],
        "curve": [list(point) for point in points],
    }
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


def _as_json(regression: Regression) -> dict[str, Any]:
    weights = {
        name: round(weight, 4) for name, weight in zip(regression.names, regression.weights, strict=True)
    }
    return {"weights": weights, "bias": round(regression.bias, 4)}
