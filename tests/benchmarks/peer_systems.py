"""The libraries that a user would pick instead, each set up as its own documentation does, and Candor beside them.

    python tests/benchmarks/peer_systems.py measure SYSTEM FOLDER    all figures of one system, as one JSON object
    python tests/benchmarks/peer_systems.py first SYSTEM FOLDER      open what `measure` left and answer one question

`peers.py` runs these in processes of their own and puts them side by side. FOLDER holds `task.json`: the
sources, the questions and the encoder's folder. Before anything is timed, every system ingests a sentence and
is asked about it, so that what is imported or loaded only when it is needed is there.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("ANONYMIZED_TELEMETRY", "False")
os.environ.setdefault("HAYSTACK_TELEMETRY_ENABLED", "False")
sys.path.insert(0, str(Path(__file__).parents[2]))

BATCH = 32
WARM_UP = ("How long are holidays?", "May I bring my dog?", "Do you look for gardeners?")
CHANGE = " This sentence was added today."


@dataclass(frozen=True)
class Text:
    """A file, or one posting of an index, as plain text under an id."""

    id: str
    text: str


@dataclass(frozen=True)
class Task:
    """What every system gets: `sources` are files in `folder`, read anew at each ingest."""

    folder: Path
    sources: tuple[str, ...]
    questions: tuple[str, ...]
    model: str
    limit: int
    large: bool = False

    @classmethod
    def read(cls, folder: Path) -> Task:
        """The task that `peers.py` wrote."""
        found = json.loads((folder / "task.json").read_text(encoding="utf-8"))
        return cls(
            folder,
            tuple(found["sources"]),
            tuple(found["questions"]),
            found["model"],
            int(found["limit"]),
            found["large"],
        )

    @property
    def content(self) -> Path:
        """The sources, below one folder."""
        return self.folder / "content"

    def texts(self) -> list[Text]:
        """The sources as plain texts: a file is one, and so is each entry of a JSON list."""
        return [text for source in self.sources for text in _texts(self.content / source, source)]

    def change(self) -> None:
        """Add a sentence to one text in a hundred, at least to one."""
        for source in self.sources:
            path = self.content / source
            if path.suffix == ".json":
                entries = json.loads(path.read_text(encoding="utf-8"))
                for entry in entries[:: max(1, min(100, len(entries)))]:
                    entry["title"] += CHANGE
                path.write_text(json.dumps(entries), encoding="utf-8")
        files = [source for source in self.sources if not source.endswith(".json")]
        for source in files[:: max(1, min(100, len(files)))]:
            path = self.content / source
            path.write_text(path.read_text(encoding="utf-8") + f"\n\n{CHANGE.strip()}\n", encoding="utf-8")


def _texts(path: Path, source: str) -> Iterable[Text]:
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix != ".json":
        yield Text(source, text)
        return
    for number, entry in enumerate(json.loads(text)):
        said = "\n".join(f"{name}: {value}" for name, value in entry.items() if name != "url")
        yield Text(f"{source}#{number}", said)


class System:
    """One way to make texts searchable. `ingest` brings the index to exactly these texts, on disk.

    `repeats_everything`: nothing in it tells what has not changed, so that every ingest is a first one.
    """

    repeats_everything = False

    def __init__(self, task: Task) -> None:
        self.task = task
        self.home = task.folder / type(self).__name__.lower()
        self.home.mkdir(exist_ok=True)

    def ingest(self, texts: list[Text]) -> int:
        """Mirror the texts; the number of passages that the index holds."""
        raise NotImplementedError

    def open(self) -> None:
        """Open what an earlier process ingested."""
        raise NotImplementedError

    def plain(self, question: str, limit: int) -> list[str]:
        """The texts of the nearest passages by vector alone."""
        raise NotImplementedError

    def hybrid(self, question: str, limit: int) -> list[str]:
        """The texts of the best passages by vector and keywords."""
        raise NotImplementedError

    def forget(self) -> None:
        """Forget what is kept of questions that were asked."""


class LangChain(System):
    """The tutorial's stack: recursive splitter, Chroma, indexing API; EnsembleRetriever with BM25.

    https://python.langchain.com/docs/tutorials/rag, .../how_to/indexing, .../how_to/ensemble_retriever
    """

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        from langchain_chroma import Chroma
        from langchain_classic.indexes import SQLRecordManager
        from langchain_huggingface import HuggingFaceEmbeddings

        embeddings = HuggingFaceEmbeddings(
            model_name=task.model,
            model_kwargs={"device": "cpu"},
            encode_kwargs={"normalize_embeddings": True},
        )
        self.store = Chroma("pages", embeddings, persist_directory=str(self.home / "chroma"))
        self.records = SQLRecordManager("pages", db_url=f"sqlite:///{self.home / 'records.sqlite'}")
        self.records.create_schema()

    def ingest(self, texts: list[Text]) -> int:
        """Split, then `index(cleanup="full")`, which leaves alone what has not changed."""
        from langchain_core.documents import Document
        from langchain_core.indexing import index
        from langchain_text_splitters import RecursiveCharacterTextSplitter

        splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200, add_start_index=True)
        pieces = splitter.split_documents(
            [Document(text.text, metadata={"source": text.id}) for text in texts]
        )
        index(
            pieces,
            self.records,
            self.store,
            cleanup="full",
            source_id_key="source",
            batch_size=1000,
            key_encoder="sha256",
        )
        self._both(pieces)
        return len(pieces)

    def _both(self, pieces: list[Any]) -> None:
        from langchain_classic.retrievers import EnsembleRetriever
        from langchain_community.retrievers import BM25Retriever

        keywords = BM25Retriever.from_documents(pieces)
        keywords.k = self.task.limit
        vectors = self.store.as_retriever(search_kwargs={"k": self.task.limit})
        self.both = EnsembleRetriever(retrievers=[keywords, vectors], weights=[0.5, 0.5])

    def open(self) -> None:
        """BM25Retriever keeps nothing on disk: its passages come from Chroma."""
        from langchain_core.documents import Document

        self._both([Document(text) for text in self.store.get(include=["documents"])["documents"]])

    def plain(self, question: str, limit: int) -> list[str]:
        """`similarity_search`."""
        return [found.page_content for found in self.store.similarity_search(question, k=limit)]

    def hybrid(self, question: str, limit: int) -> list[str]:
        """The ensemble's first passages."""
        return [found.page_content for found in self.both.invoke(question)[:limit]]


class LlamaIndex(System):
    """VectorStoreIndex, and QueryFusionRetriever with BM25.

    https://developers.llamaindex.ai/python/examples/retrievers/bm25_retriever
    """

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        from llama_index.core import Settings
        from llama_index.core.llms import MockLLM
        from llama_index.embeddings.huggingface import HuggingFaceEmbedding

        Settings.embed_model = HuggingFaceEmbedding(
            model_name=task.model, device="cpu", embed_batch_size=BATCH
        )
        Settings.llm = MockLLM()  # the fusion is told to write no further queries, but wants to see one
        self.index: Any = None

    def ingest(self, texts: list[Text]) -> int:
        """`from_documents` once, then `refresh_ref_docs`, which leaves alone what has not changed."""
        from llama_index.core import Document, VectorStoreIndex

        documents = [Document(text=text.text, doc_id=text.id) for text in texts]
        if self.index is None:
            self.index = VectorStoreIndex.from_documents(documents)
        else:
            self.index.refresh_ref_docs(documents)
        self.index.storage_context.persist(str(self.home / "storage"))
        self._both()
        return len(self.index.docstore.docs)

    def _both(self) -> None:
        from llama_index.core.retrievers import QueryFusionRetriever
        from llama_index.retrievers.bm25 import BM25Retriever

        limit = min(self.task.limit, len(self.index.docstore.docs))
        vectors = self.index.as_retriever(similarity_top_k=limit)
        keywords = BM25Retriever.from_defaults(docstore=self.index.docstore, similarity_top_k=limit)
        self.vectors = vectors
        self.both = QueryFusionRetriever(
            [vectors, keywords],
            similarity_top_k=limit,
            num_queries=1,
            mode="reciprocal_rerank",
            use_async=False,
        )

    def open(self) -> None:
        """Load the index from its folder."""
        from llama_index.core import StorageContext, load_index_from_storage

        self.index = load_index_from_storage(
            StorageContext.from_defaults(persist_dir=str(self.home / "storage"))
        )
        self._both()

    def plain(self, question: str, limit: int) -> list[str]:
        """The vector retriever."""
        return [found.node.get_content() for found in self.vectors.retrieve(question)[:limit]]

    def hybrid(self, question: str, limit: int) -> list[str]:
        """The fusion retriever."""
        return [found.node.get_content() for found in self.both.retrieve(question)[:limit]]


class Haystack(System):
    """In-memory store with a hybrid pipeline: BM25 and embeddings, joined by rank.

    https://haystack.deepset.ai/tutorials/33_hybrid_retrieval (without its ranker, which is a second model)
    """

    repeats_everything = True

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        from haystack.utils import ComponentDevice
        from haystack_integrations.components.embedders.sentence_transformers import (
            SentenceTransformersDocumentEmbedder,
            SentenceTransformersTextEmbedder,
        )

        cpu = ComponentDevice.from_str("cpu")
        self.documents = SentenceTransformersDocumentEmbedder(
            model=task.model, device=cpu, batch_size=BATCH, progress_bar=False
        )
        # A component belongs to one pipeline; its model is loaded once all the same.
        self.words_embedder = lambda: SentenceTransformersTextEmbedder(
            model=task.model, device=cpu, progress_bar=False
        )
        self.words = self.words_embedder()
        for embedder in (self.documents, self.words):
            embedder.warm_up()

    def ingest(self, texts: list[Text]) -> int:
        """The indexing pipeline's parts; nothing in it tells what has not changed."""
        from haystack import Document
        from haystack.components.preprocessors import DocumentCleaner, DocumentSplitter
        from haystack.document_stores.in_memory import InMemoryDocumentStore
        from haystack.document_stores.types import DuplicatePolicy

        splitter = DocumentSplitter(split_by="word", split_length=200, split_overlap=20)
        splitter.warm_up()
        cleaned = DocumentCleaner().run(
            documents=[Document(content=text.text, meta={"source": text.id}) for text in texts]
        )["documents"]
        pieces = splitter.run(documents=cleaned)["documents"]
        pieces = self.documents.run(documents=pieces)["documents"]
        self.store = InMemoryDocumentStore(embedding_similarity_function="cosine")
        self.store.write_documents(pieces, policy=DuplicatePolicy.OVERWRITE)
        self.store.save_to_disk(str(self.home / "store.json"))
        self._pipelines()
        return self.store.count_documents()

    def _pipelines(self) -> None:
        from haystack import Pipeline
        from haystack.components.joiners import DocumentJoiner
        from haystack.components.retrievers.in_memory import (
            InMemoryBM25Retriever,
            InMemoryEmbeddingRetriever,
        )

        self.both = Pipeline()
        self.both.add_component("embedder", self.words_embedder())
        self.both.add_component("vectors", InMemoryEmbeddingRetriever(self.store, top_k=self.task.limit))
        self.both.add_component("keywords", InMemoryBM25Retriever(self.store, top_k=self.task.limit))
        self.both.add_component("joiner", DocumentJoiner(join_mode="reciprocal_rank_fusion"))
        self.both.connect("embedder.embedding", "vectors.query_embedding")
        self.both.connect("vectors", "joiner")
        self.both.connect("keywords", "joiner")
        self.vectors = InMemoryEmbeddingRetriever(self.store, top_k=self.task.limit)

    def open(self) -> None:
        """Load the store that was saved."""
        from haystack.document_stores.in_memory import InMemoryDocumentStore

        self.store = InMemoryDocumentStore.load_from_disk(str(self.home / "store.json"))
        self._pipelines()

    def plain(self, question: str, limit: int) -> list[str]:
        """Embed, then the embedding retriever."""
        vector = self.words.run(text=question)["embedding"]
        return [found.content for found in self.vectors.run(query_embedding=vector)["documents"][:limit]]

    def hybrid(self, question: str, limit: int) -> list[str]:
        """The hybrid pipeline."""
        found = self.both.run({"embedder": {"text": question}, "keywords": {"query": question}})
        return [document.content for document in found["joiner"]["documents"][:limit]]


class Txtai(System):
    """Embeddings with `hybrid=True` and `content=True`, over paragraphs.

    https://neuml.github.io/txtai/examples/ (hybrid search, and Textractor's paragraphs)
    """

    repeats_everything = True

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        from txtai import Embeddings

        self.embeddings = Embeddings(
            path=task.model,
            method="sentence-transformers",
            hybrid=True,
            content=True,
            gpu=False,
            encodebatch=BATCH,
        )

    def ingest(self, texts: list[Text]) -> int:
        """Index all paragraphs; nothing in it tells what has not changed."""
        pieces = [
            {"id": f"{text.id}#{number}", "text": piece}
            for text in texts
            for number, piece in enumerate(filter(None, map(str.strip, text.text.split("\n\n"))))
        ]
        self.embeddings.index(pieces)
        self.embeddings.save(str(self.home / "index"))
        return int(self.embeddings.count())

    def open(self) -> None:
        """Load the index from its folder."""
        self.embeddings.load(str(self.home / "index"))

    def plain(self, question: str, limit: int) -> list[str]:
        """A search in which only the vectors count."""
        return [found["text"] for found in self.embeddings.search(question, limit, weights=[1.0, 0.0])]

    def hybrid(self, question: str, limit: int) -> list[str]:
        """The hybrid search as it is set by default."""
        return [found["text"] for found in self.embeddings.search(question, limit)]


class Candor(System):
    """Candor's own ingest and search, with the packaged encoder as it ships."""

    encoder = ""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        from knowledge.embedding import load_embedder

        self.embedder = load_embedder(self.encoder)
        self.embedder.use_all_cores()  # as the server does
        self.path = self.home / "store"

    def ingest(self, texts: list[Text]) -> int:
        """Read the same files and mirror them, as `ingest.py` does; `texts` are what the others get of them."""
        from knowledge.ingestion import mirror
        from knowledge.pages import read_source
        from knowledge.recall import recalling

        with recalling(self.path / "read"):
            reading = read_source(self.task.content)
        report = mirror([reading], ["content"], self.path, self.embedder)
        self.open()
        return int(report.passages) or int(report.jobs)

    def open(self) -> None:
        """Open the version in force."""
        from knowledge.store import Store

        self.store = Store.open(self.path, self.embedder)
        self.assistant: Any = None

    def plain(self, question: str, limit: int) -> list[str]:
        """The passages whose vectors are nearest; of postings without text, those whose titles are."""
        vector = self.embedder.embed([question])[0]
        if not self.store.passages:
            titles = list(dict.fromkeys(job.title for job in self.store.jobs))
            return [titles[row] for row in np.argsort(-self.store.title_scores(vector))[:limit]]
        return [
            self.store.passages[row].embedding_text
            for row, _ in self.store.nearest_passages(vector, limit, {"open": True})
        ]

    def hybrid(self, question: str, limit: int) -> list[str]:
        """The search that answers rest on: passages, their sentences and keywords, joined by rank.

        Where there are postings without text, the cards of a whole reply.
        """
        from knowledge.retrieval import Query, search
        from knowledge.sentences import terms

        if not self.store.passages:
            return [job.title for job in self._reply(question).jobs[:limit]]
        query = Query(vector=self.embedder.embed([question])[0], words=tuple(terms(question)))
        return [hit.passage.embedding_text for hit in search(self.store, query, limit)]

    def forget(self) -> None:
        """The encoder keeps vectors of questions, as candidates ask the same ones."""
        self.embedder._kept.clear()

    def _reply(self, question: str) -> Any:
        from assistant.reply import Assistant
        from knowledge.settings import Settings

        if self.assistant is None:
            self.assistant = Assistant(Settings(store=self.path), self.embedder)
        return self.assistant.reply([question])


class CandorBase(Candor):
    """Candor with the very weights that the others use: without the adapter."""

    encoder = "base"


SYSTEMS: dict[str, type[System]] = {
    "candor": Candor,
    "candor-base": CandorBase,
    "langchain": LangChain,
    "llamaindex": LlamaIndex,
    "haystack": Haystack,
    "txtai": Txtai,
}


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """What `work` gives, the seconds that took, and the seconds of processor time of this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    return found, time.perf_counter() - wall, time.process_time() - cpu


def measure(name: str, folder: Path) -> dict[str, Any]:
    """All figures of one system over one task."""
    task = Task.read(folder)
    warm_up(name, task)
    system = SYSTEMS[name](task)
    passages, first, first_cpu = timed(lambda: system.ingest(task.texts()))
    again, again_cpu, changed, changed_cpu = first, first_cpu, first, first_cpu
    if not (task.large and system.repeats_everything):  # minutes for the same figure
        _, again, again_cpu = timed(lambda: system.ingest(task.texts()))
        task.change()
        _, changed, changed_cpu = timed(lambda: system.ingest(task.texts()))
    plain, hybrid = asked(system.plain, system, task), asked(system.hybrid, system, task)
    return {
        "system": name,
        "passages": passages,
        "first": first,
        "first_cpu": first_cpu,
        "again": again,
        "again_cpu": again_cpu,
        "changed": changed,
        "changed_cpu": changed_cpu,
        "plain_seconds": [seconds for _, seconds, _ in plain],
        "plain_cpus": [cpu for _, _, cpu in plain],
        "plain_found": [found for found, _, _ in plain],
        "hybrid_seconds": [seconds for _, seconds, _ in hybrid],
        "hybrid_cpus": [cpu for _, _, cpu in hybrid],
        "hybrid_found": [found for found, _, _ in hybrid],
    }


def asked(
    ask: Callable[[str, int], list[str]], system: System, task: Task
) -> list[tuple[list[str], float, float]]:
    """What is found for each question, with the time it took; what a system kept of the one before is forgotten."""
    for question in WARM_UP:
        ask(question, task.limit)
    found = []
    for question in task.questions:
        system.forget()
        found.append(timed(lambda q=question: ask(q, task.limit)))
    return found


def warm_up(name: str, task: Task) -> None:
    """Ingest a sentence somewhere else and ask about it."""
    folder = task.folder / "warm-up"
    (folder / "content").mkdir(parents=True)
    (folder / "content" / "page.md").write_text(
        "# Holidays\n\nEverybody takes five weeks off.\n", encoding="utf-8"
    )
    small = Task(folder, ("page.md",), task.questions[:1], task.model, task.limit)
    system = SYSTEMS[name](small)
    system.ingest(small.texts())
    for ask in (system.plain, system.hybrid):
        ask(WARM_UP[0], task.limit)


def first_answer(name: str, folder: Path) -> dict[str, Any]:
    """One question over what an earlier process ingested; the caller times the process, and is told its memory."""
    import psutil

    task = Task.read(folder)
    system = SYSTEMS[name](task)
    system.open()
    found = system.hybrid(task.questions[0], task.limit)
    return {"found": len(found), "memory": psutil.Process().memory_info().rss}


def main(arguments: Sequence[str]) -> None:
    """Run as a process of its own; the last line on standard output is the JSON object."""
    what, name, folder = arguments
    work = {"measure": measure, "first": first_answer}[what]
    print(json.dumps(work(name, Path(folder))))


if __name__ == "__main__":
    main(sys.argv[1:])
