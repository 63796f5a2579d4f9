"""Fitting the decision: what to rank first, and when to answer at all.

Learned from golden questions about companies of `tests/golden` and from the encoder's training
passages, grouped into made-up companies from which a third of the answers is left out. Both are
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
from assistant.reply import Assistant, Knowledge
from assistant.topics import Bank
from knowledge.documents import Block, BlockKind, Page, Reading
from knowledge.embedding import Embedder
from knowledge.ingestion import mirror
from knowledge.pages import read_source
from knowledge.settings import Settings

if TYPE_CHECKING:
    from numpy.typing import NDArray

REFUSES = 0.2
"""Share of the answerable questions of companies never seen that may be turned away."""

Progress = Callable[[str, int, int], None]
"""Called with what is being read, how many are done and how many there are."""

LEFT_OUT = 0.35
"""Share of the made-up companies' passages that are left out, so that their questions have no answer."""

MADE_UP = 14
"""Made-up companies that are looked at: each takes twenty seconds."""

MADE_UP_WEIGHT = 0.3
"""Weight of a question about a made-up company: it stands alone, without follow-ups or postings."""


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


def golden_examples(questions: Path, source: Path, tools: Tools) -> list[Example]:
    """The examples of one company: golden questions about a source."""
    with tempfile.TemporaryDirectory() as folder:
        mirror([read_source(source)], [source.name], Path(folder), tools.embedder)
        return list(_examples(read_questions(questions), _assistant(Path(folder), tools), 1.0))


def made_up_companies(
    records: Sequence[Mapping[str, Any]], size: int = 45
) -> dict[str, list[Mapping[str, Any]]]:
    """Training records by company; those without one, or with few, are put together in a fixed order."""
    named: dict[str, list[Mapping[str, Any]]] = {}
    loose: list[Mapping[str, Any]] = []
    for record in records:
        named.setdefault(record.get("company", ""), []).append(record)
    for company in [name for name, listed in named.items() if not name or len(listed) < size // 2]:
        loose.extend(named.pop(company))
    random.Random(7).shuffle(loose)
    for start in range(0, len(loose), size):
        named[f"made up {start // size + 1}"] = loose[start : start + size]
    return named


def made_up_examples(records: Sequence[Mapping[str, Any]], tools: Tools, seed: int) -> list[Example]:
    """The examples of one made-up company, some of whose passages are left out."""
    chance = random.Random(seed)
    left_out = {number for number in range(len(records)) if chance.random() < LEFT_OUT}
    pages: dict[str, list[Block]] = {}
    questions = []
    for number, record in enumerate(records):
        texts = [*([] if number in left_out else [record["passage"]]), *record["near"]]
        headings = (record["heading"],) if record["heading"] else ()
        blocks = [Block(BlockKind.PARAGRAPH, text, headings) for text in texts]
        pages.setdefault(record.get("title", ""), []).extend(blocks)
        for ask in chance.sample(list(record["questions"]), k=2):
            questions.append(_made_up_question(f"{number}", ask, record, number in left_out))
    languages = [record.get("lang", "en") for record in records]
    language = max(set(languages), key=languages.count)
    reading = Reading(
        tuple(Page(f"page{n}", f"page{n}", title, language=language, blocks=tuple(blocks))
              for n, (title, blocks) in enumerate(pages.items()))
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        mirror([reading], ["made up"], Path(folder), tools.embedder)
        assistant = _assistant(Path(folder), tools)
        return list(_examples(questions, assistant, MADE_UP_WEIGHT))


def _made_up_question(name: str, ask: str, record: Mapping[str, Any], left_out: bool) -> GoldenQuestion:
    evidence = () if left_out else (record["passage"],)
    return GoldenQuestion(name, (ask,), "not_found" if left_out else "answer", evidence=evidence)


def _assistant(store: Path, tools: Tools) -> Assistant:
    settings = Settings(_env_file=None, store=store)  # type: ignore[call-arg]
    return Assistant(settings, tools.embedder, tools.parameters, tools.bank)


def _examples(questions: Iterable[GoldenQuestion], assistant: Assistant, weight: float) -> Iterator[Example]:
    """What search finds for each question that neither a catalogue nor the posting records answer."""
    knowledge = assistant.knowledge()
    assert knowledge is not None, "the store has just been filled"
    _ = knowledge.store.passage_vectors, knowledge.store.sentence_vectors
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
    answering = _fitted(table, target, weights, QUESTION_FEATURES, strength=0.05, balanced=True)
    return Parameters(ranking, answering, threshold)


def fit_ranking(examples: Sequence[Example]) -> Regression:
    """The ranking, from the passages of the questions whose answer was among what was found."""
    tables, targets, weights = [], [], []
    for example in examples:
        if example.answers.any():
            count, right = len(example.answers), int(example.answers.sum())
            tables.append(example.table)
            targets.append(example.answers)
            # Each question counts alike, however many passages were found for it.
            weights.append(example.weight * np.where(example.answers, 1 / right, 3 / count))
    return _fitted(
        np.concatenate(tables),
        np.concatenate(targets),
        np.concatenate(weights),
        PASSAGE_FEATURES,
        strength=1.0,
    )


def answering_row(example: Example, ranking: Regression) -> list[float]:
    """The question's features under a ranking."""
    logits = ranking.logits(example.table)
    order = np.argsort(-logits, kind="stable")
    ranked = [
        Evidence(example.evidence[n].hit, example.evidence[n].features, float(logits[n])) for n in order
    ]
    features = question_features(example.question, ranked, example.knowledge.context)
    return [features[name] for name in QUESTION_FEATURES]


def _fitted(
    table: NDArray[np.float64],
    target: NDArray[np.bool_],
    weights: NDArray[np.float64],
    names: tuple[str, ...],
    strength: float,
    balanced: bool = False,
) -> Regression:
    """A logistic regression on standardised features, its weights given back for the plain ones."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  (a second; only when fitting)

    mean, spread = table.mean(axis=0), table.std(axis=0) + 1e-6
    model = LogisticRegression(C=strength, max_iter=4000, class_weight="balanced" if balanced else None)
    model.fit((table - mean) / spread, target, sample_weight=weights)
    plain = model.coef_[0] / spread
    bias = float(model.intercept_[0] - (plain * mean).sum())
    return Regression(names, tuple(float(weight) for weight in plain), bias)


def probabilities(examples: Sequence[Example], parameters: Parameters) -> NDArray[np.float64]:
    """The probability that each example's question is answered."""
    table = np.array([answering_row(example, parameters.ranking) for example in examples])
    return np.asarray(1.0 / (1.0 + np.exp(-parameters.answering.logits(table))), dtype=np.float64)


# --- measuring --------------------------------------------------------------------------------------


def cross_validate(
    companies: Mapping[str, Sequence[Example]], always: Sequence[Example] = ()
) -> tuple[list[Figures], NDArray[np.float64], NDArray[np.bool_]]:
    """Figures of each company under weights that have not seen it, with all probabilities and targets."""
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415

    figures, predicted, targets = [], [], []
    for name, examples in companies.items():
        others = [example for other, listed in companies.items() if other != name for example in listed]
        parameters = fit([*others, *always])
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
        targets.append(target)
    return figures, np.concatenate(predicted), np.concatenate(targets)


def threshold_for(
    probability: NDArray[np.float64], target: NDArray[np.bool_], refuses: float = REFUSES
) -> float:
    """The highest threshold at which no more than `refuses` of the answerable questions is turned away."""
    return float(np.quantile(probability[target], refuses, method="lower"))


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
    records = [
        json.loads(line)
        for file in sorted(training.glob("*.jsonl"))
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    named = made_up_companies(records)
    made_up = {
        name: named[name] for name in random.Random(7).sample(sorted(named), k=min(MADE_UP, len(named)))
    }
    folders = sorted(folder for folder in golden.iterdir() if (folder / "questions.jsonl").is_file())
    total = len(folders) + len(made_up)
    companies: dict[str, list[Example]] = {}
    for number, folder in enumerate(folders):
        progress(folder.name, number, total)
        companies[folder.name] = golden_examples(folder / "questions.jsonl", folder / "pages", tools)
    always: list[Example] = []
    for number, (name, listed) in enumerate(sorted(made_up.items())):
        progress(name, len(folders) + number, total)
        always.extend(made_up_examples(listed, tools, seed=number))
    progress("fitting", total, total)
    figures, probability, target = cross_validate(companies, always)
    fitted = fit([*(example for listed in companies.values() for example in listed), *always])
    parameters = Parameters(fitted.ranking, fitted.answering, threshold_for(probability, target))
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
