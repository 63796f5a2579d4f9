"""Train the encoder on how candidates ask, and measure it: the data, the figures, the command."""

from __future__ import annotations

import hashlib
import json
import time
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from knowledge.documents import Passage
    from knowledge.embedding import Embedder

HERE = Path(__file__).parent
TRAINING = HERE / "training"
ASKS = HERE.parent / "assistant" / "topics.toml"
GROUP = 20
"""Records in a held-back company: with their near sentences about 60 passages, a middling careers page."""

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


# --- data ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Record:
    """A passage with four questions that it answers and sentences beside it that do not.

    All of it is invented: company, wording and facts.
    """

    topic: str
    heading: str
    passage: str
    questions: tuple[str, ...]
    near: tuple[str, ...]
    company: str = ""
    title: str = ""
    lang: str = "en"

    @property
    def owner(self) -> str:
        """What is held back as a whole: the company, or the passages alike in topic and heading."""
        return self.company or f"{self.topic}\n{self.heading}"

    @property
    def held_back(self) -> bool:
        """Whether it belongs to the tenth that training never sees."""
        return one_in_ten(self.owner)


@dataclass(frozen=True)
class Ask:
    """An example question of the topic bank."""

    topic: str
    text: str

    @property
    def held_back(self) -> bool:
        """Whether it belongs to the tenth that training never sees."""
        return one_in_ten(self.text)


def one_in_ten(text: str) -> bool:
    """Whether the text is among one in ten, the same on every machine."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) % 10 == 0


def read_records(folder: Path = TRAINING) -> list[Record]:
    """The training records of all files in `folder`; `ValueError` names the line that is none."""
    records = []
    for file in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            try:
                data = json.loads(line)
                record = Record(
                    **{**data, "questions": tuple(data["questions"]), "near": tuple(data["near"])}
                )
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"{file.name}, line {number} is no training record ({error}).") from error
            if len(record.questions) != 4 or len(record.near) != 2:
                raise ValueError(f"{file.name}, line {number} needs four questions and two near sentences.")
            records.append(record)
    return records


def read_asks(file: Path = ASKS) -> list[Ask]:
    """The example questions of the topic bank."""
    topics = tomllib.loads(file.read_text(encoding="utf-8"))["topic"]
    return [
        Ask(topic["id"], text)
        for topic in topics
        for text in dict.fromkeys((*topic["asks"], *topic.get("asks_other", ()), *topic["question"].values()))
    ]


# --- figures ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """A question and the passages that answer it, by number; none where nothing does."""

    text: str
    gold: frozenset[int]


@dataclass(frozen=True)
class Company:
    """Passages and the questions asked about them."""

    passages: tuple[Passage, ...]
    asked: tuple[Asked, ...]


@dataclass(frozen=True)
class Figures:
    """How well an encoder finds the evidence, and tells questions with an answer from those without."""

    answerable: int
    unanswerable: int
    recall_1: float
    recall_5: float
    recall_20: float
    auc: float

    def __str__(self) -> str:
        return (
            f"recall@1 {self.recall_1:.3f}  @5 {self.recall_5:.3f}  @20 {self.recall_20:.3f}  "
            f"AUC {self.auc:.3f}  ({self.answerable} answerable, {self.unanswerable} not)"
        )


def figures(companies: Iterable[Company], embedder: Embedder, without_gold: bool = False) -> Figures:
    """Recall of the evidence and area under the curve of the best cosine.

    With `without_gold`, each question is asked a second time of the passages without its evidence,
    which are then the questions without an answer.
    """
    from knowledge.retrieval import joined_ranks  # noqa: PLC0415  (--help need not wait for it)

    ranks: list[int] = []
    hits: list[float] = []
    misses: list[float] = []
    for company in companies:
        by_passage, best = cosines(company, embedder)
        for number, asked in enumerate(company.asked):
            gold = sorted(asked.gold)
            if not gold:
                misses.append(float(best[number].max()))
                continue
            fused = joined_ranks([by_passage[number], best[number]], weights=(1.0, 1.0))
            order = np.argsort(-fused, kind="stable")
            ranks.append(int(np.flatnonzero(np.isin(order, gold))[0]))
            hits.append(float(best[number].max()))
            if without_gold:
                misses.append(float(np.delete(best[number], gold).max()))
    found = np.array(ranks)
    recall = [float((found < limit).mean()) if ranks else 0.0 for limit in (1, 5, 20)]
    return Figures(len(hits), len(misses), recall[0], recall[1], recall[2], area(hits, misses))


def cosines(company: Company, embedder: Embedder) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """For each question and passage: the passage's cosine, and the best of it and its sentences'."""
    from knowledge.store import sentence_texts  # noqa: PLC0415  (as above)

    questions = embedder.embed([asked.text for asked in company.asked])
    by_passage = questions @ embedder.embed([passage.embedding_text for passage in company.passages]).T
    texts = [(n, text) for n, passage in enumerate(company.passages) for text in sentence_texts(passage)]
    best = by_passage.copy()
    if texts:
        by_sentence = questions @ embedder.embed([text for _, text in texts]).T
        np.maximum.at(best.T, np.array([n for n, _ in texts]), by_sentence.T)
    return by_passage, best


def area(hits: Sequence[float], misses: Sequence[float]) -> float:
    """Area under the curve: how often a hit is above a miss, ties counting half."""
    if not hits or not misses:
        return 0.5
    above = np.array(hits)[:, None] - np.array(misses)[None, :]
    return float(((above > 0) + 0.5 * (above == 0)).mean())


def held_back_companies(records: Sequence[Record]) -> list[Company]:
    """The records held back, dealt into companies of about `GROUP`, topics apart and languages together."""
    from knowledge.tuning import passage_of  # noqa: PLC0415  (torch)

    held = defaultdict(list)
    for record in records:
        if record.held_back:
            held[record.lang].append(record)
    companies = []
    for _, ours in sorted(held.items()):
        count = max(1, round(len(ours) / GROUP))
        ours.sort(key=lambda record: (record.topic, record.owner, record.passage))
        for start in range(count):
            group = ours[start::count]
            passages = tuple(
                passage_of(record, text) for record in group for text in (record.passage, *record.near)
            )
            asked = tuple(
                Asked(question, frozenset({3 * n}))
                for n, record in enumerate(group)
                for question in record.questions
            )
            companies.append(Company(passages, asked))
    return companies


def golden_company(questions: Path, source: Path) -> Company:
    """The open passages of a source and its golden questions with evidence or without an answer.

    A follow-up is asked together with the turn before it.
    """
    from knowledge.chunking import cut  # noqa: PLC0415  (readers; --help need not wait for them)
    from knowledge.pages import read_source  # noqa: PLC0415

    reading = read_source(source)
    passages = tuple(passage for passage in cut(reading.pages, reading.jobs) if passage.open)
    asked = []
    for line in questions.read_text(encoding="utf-8").splitlines():
        item = json.loads(line)
        text = "\n".join(item["turns"][-2:])
        if item.get("kind") in ("single", "followup") and item["evidence"]:
            gold = frozenset(n for n, p in enumerate(passages) if any(shows(p, s) for s in item["evidence"]))
            if gold:
                asked.append(Asked(text, gold))
        elif item.get("kind") == "unanswerable":
            asked.append(Asked(text, frozenset()))
    return Company(passages, tuple(asked))


def shows(passage: Passage, snippet: str) -> bool:
    """Whether the passage shows the snippet, the snippet the passage, or most of its words stand in it."""
    from knowledge.sentences import words  # noqa: PLC0415  (a stemmer)

    wanted = words(snippet)
    for text in (words(passage.text), words(passage.embedding_text)):
        said, looked_for = f" {' '.join(text)} ", f" {' '.join(wanted)} "
        if looked_for in said or (said in looked_for and len(text) >= 3):
            return True
        if wanted and sum(word in set(text) for word in wanted) / len(wanted) >= 0.8:
            return True
    return False


def topic_accuracy(asks: Sequence[Ask], embedder: Embedder) -> float:
    """How often the nearest other example of the bank is of the same topic, for those held back."""
    vectors = embedder.embed([ask.text for ask in asks])
    held = [n for n, ask in enumerate(asks) if ask.held_back]
    scores = vectors[held] @ vectors.T
    scores[np.arange(len(held)), held] = -1.0
    nearest = scores.argmax(axis=1)
    return float(np.mean([asks[n].topic == asks[m].topic for n, m in zip(held, nearest, strict=True)]))


# --- the training card --------------------------------------------------------------------------


def checksum(file: Path) -> str:
    """SHA-256 of a file, 64 hex digits."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def data_card(records: Sequence[Record], asks: Sequence[Ask], folder: Path = TRAINING) -> dict[str, Any]:
    """What the training read: counts, languages and checksums."""
    return {
        "records": len(records),
        "trained_on": sum(not record.held_back for record in records),
        "held_back": sum(record.held_back for record in records),
        "questions": sum(len(record.questions) for record in records),
        "companies": len({record.company for record in records if record.company}),
        "languages": dict(Counter(record.lang for record in records).most_common()),
        "asks": len(asks),
        "asks_held_back": sum(ask.held_back for ask in asks),
        "files": {file.name: checksum(file) for file in sorted(folder.glob("*.jsonl"))},
        "asks_file": {ASKS.name: checksum(ASKS)},
    }


def read_card(folder: Path) -> dict[str, Any]:
    """The training card in `folder`; empty where there is none."""
    from knowledge.embedding import ADAPTER_CARD  # noqa: PLC0415

    file = folder / ADAPTER_CARD
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}


def write_card(folder: Path, card: dict[str, Any]) -> None:
    """Write the training card into `folder`."""
    from knowledge.embedding import ADAPTER_CARD  # noqa: PLC0415

    text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    (folder / ADAPTER_CARD).write_text(text, encoding="utf-8")


def rounded(found: Figures) -> dict[str, float]:
    """The figures as the card holds them."""
    return {name: round(value, 3) for name, value in asdict(found).items()}


# --- the command --------------------------------------------------------------------------------


@app.callback()
def main() -> None:
    """Train the encoder on how candidates ask, and measure what it gains.

    Examples:

        python -m knowledge.encoder train

        python -m knowledge.encoder measure

        python -m knowledge.encoder measure --questions questions.jsonl --source pages
    """


@app.command()
def train(
    out: Annotated[
        Path | None, typer.Option(help="Folder for the adapter; empty: the one that ships.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides order, forms and first weights.")] = 1,
    epochs: Annotated[
        float | None, typer.Option(min=0.1, help="How often each passage is read; empty: the recipe's.")
    ] = None,
    rate: Annotated[float | None, typer.Option(help="Learning rate; empty: the recipe's.")] = None,
    rank: Annotated[int | None, typer.Option(min=1, help="Rank of the adapter; empty: the recipe's.")] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Train all weights, as a yardstick: writes a model, no adapter.")
    ] = False,
    threads: Annotated[int, typer.Option(min=1, help="Cores to use.")] = 2,
) -> None:
    """Train the adapter on the records in knowledge/training, a tenth of the companies held back.

    Needs `pip install -e '.[train]'` and about a quarter of an hour on two free cores. Leaves the adapter, its card
    and the log of the loss. A store filled before must be filled again.

    Examples:

        python -m knowledge.encoder train

        python -m knowledge.encoder train --seed 2 --out second
    """
    if full and out is None:
        fail("--full writes a whole model. Say where with --out FOLDER.")
    absent = [name for name in ("accelerate", "datasets", "peft") if find_spec(name) is None]
    if absent:
        fail(f"{absent[0]} is missing. Run: pip install -e '.[train]'")
    import torch  # noqa: PLC0415  (--help need not wait for it)
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415

    from knowledge import tuning  # noqa: PLC0415
    from knowledge.embedding import (  # noqa: PLC0415
        ADAPTER,
        ADAPTER_WEIGHTS,
        PACKAGED_MODEL,
        PACKAGED_SHA256,
        EncoderError,
        packaged_model_path,
    )

    torch.set_num_threads(threads)
    usual = tuning.Recipe()
    recipe = replace(
        usual,
        seed=seed,
        epochs=epochs or usual.epochs,
        rate=rate or usual.rate,
        rank=rank or usual.rank,
        alpha=2 * (rank or usual.rank),
        full=full,
    )
    folder = out or ADAPTER
    try:
        records, asks = read_records(), read_asks()
        model = SentenceTransformer(str(packaged_model_path()), device="cpu")
    except (EncoderError, OSError, ValueError) as error:
        fail(str(error))
    started = time.monotonic()
    tuning.train(
        model,
        [record for record in records if not record.held_back],
        [ask for ask in asks if not ask.held_back],
        recipe,
        folder,
    )
    minutes = round((time.monotonic() - started) / 60, 1)
    if full:
        model.save(str(folder))
    else:
        tuning.save_adapter(model, recipe, folder)
        card = {
            "what": "Low-rank adapter of all-MiniLM-L6-v2 for candidates' questions about careers pages",
            "base": {"model": PACKAGED_MODEL, "sha256": PACKAGED_SHA256},
            "adapter": {"file": ADAPTER_WEIGHTS, "sha256": checksum(folder / ADAPTER_WEIGHTS)},
            "settings": asdict(recipe),
            "data": data_card(records, asks),
            "minutes": minutes,
            "figures": {},
        }
        write_card(folder, card)
    typer.echo(f"Trained in {minutes} minutes: {folder}")


@app.command()
def measure(
    questions: Annotated[
        Path | None, typer.Option(help="Golden questions; empty: the held-back companies.")
    ] = None,
    source: Annotated[Path | None, typer.Option(help="The pages that the questions are about.")] = None,
    encoder: Annotated[
        str, typer.Option(help='As CANDOR_ENCODER: empty, "base", a model\'s name or folder.')
    ] = "",
    adapter: Annotated[Path | None, typer.Option(help="Another adapter than the one that ships.")] = None,
    card: Annotated[
        bool, typer.Option("--card", help="Note the figures in the adapter's training card.")
    ] = False,
) -> None:
    """Print recall of the evidence and the area under the curve of answerable against not, by cosine.

    Recall is over passages, ranks by passage and by best sentence joined. The curve is over the best
    cosine of a question. Held back, each question is also asked with its passage taken away.

    Examples:

        python -m knowledge.encoder measure --encoder base

        python -m knowledge.encoder measure --questions questions.jsonl --source pages --card
    """
    if (questions is None) != (source is None):
        fail("Give --questions and --source together, or neither.")
    from knowledge.embedding import (  # noqa: PLC0415
        ADAPTER,
        EncoderError,
        SentenceEmbedder,
        load_embedder,
        load_reference,
    )
    from knowledge.embedding import merge_adapter as merge  # noqa: PLC0415
    from knowledge.errors import SourceError  # noqa: PLC0415

    try:
        loaded = load_embedder(encoder)
        if adapter:
            reference = load_reference("base")
            merge(reference.model, adapter)
            loaded = SentenceEmbedder(reference.model, adapter.name)
        result: dict[str, Any] = {}
        if questions and source:
            name = questions.stem
            result[name] = figures([golden_company(questions, source)], loaded)
        else:
            companies = held_back_companies(read_records())
            result["held-back"] = figures(companies, loaded, without_gold=True)
            for what, english in (("held-back, English", True), ("held-back, other languages", False)):
                some = [c for c in companies if (c.passages[0].language == "en") is english]
                result[what] = figures(some, loaded, without_gold=True)
            result["topic of a held-back ask"] = topic_accuracy(read_asks(), loaded)
    except (EncoderError, SourceError, OSError, ValueError, KeyError) as error:
        fail(str(error))
    for name, found in result.items():
        typer.echo(f"{name:28} {found if isinstance(found, Figures) else f'{found:.3f}'}")
    if card:
        folder = adapter or ADAPTER
        notes = read_card(folder)
        for name, found in result.items():
            value = rounded(found) if isinstance(found, Figures) else round(found, 3)
            notes.setdefault("figures", {}).setdefault(name, {})[encoder or "adapted"] = value
        write_card(folder, notes)


def fail(message: str) -> Any:
    """One clear line on standard error, exit status 2."""
    typer.echo(f"encoder: {message}", err=True)
    raise typer.Exit(2)


if __name__ == "__main__":
    app()
