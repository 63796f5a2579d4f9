"""Encoder and search as LangChain wants them; importing LangChain takes longer than a first answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from chromadb import Collection
from chromadb.api import ClientAPI
from langchain_chroma import Chroma
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever

from knowledge.embedding import Embedder
from knowledge.retrieval import Query, search
from knowledge.sentences import terms


class LangChainEmbeddings(Embeddings):
    """An `Embedder` as LangChain wants it."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """One vector a text."""
        vectors: list[list[float]] = self.embedder.embed(texts).tolist()
        return vectors

    def embed_query(self, text: str) -> list[float]:
        """The vector of one question."""
        vector: list[float] = self.embedder.embed([text])[0].tolist()
        return vector


def vector_store(
    client: ClientAPI, name: str, embedder: Embedder, text_of: Callable[[str], str | None]
) -> Chroma:
    """A collection of the store as a LangChain vector store, to build a chain of one's own over it.

    `text_of`: the text of an id. Chroma has none of them, so `where_document` finds nothing and is refused.
    """
    return _StoreVectors(client, name, embedder, text_of)


class _StoreVectors(Chroma):
    """LangChain's Chroma, with texts from elsewhere."""

    def __init__(
        self, client: ClientAPI, name: str, embedder: Embedder, text_of: Callable[[str], str | None]
    ) -> None:
        super().__init__(
            collection_name=name, client=client, embedding_function=LangChainEmbeddings(embedder)
        )
        self._text_of = text_of

    @property
    def _collection(self) -> Collection:
        return cast("Collection", _WithTexts(super()._collection, self._text_of))


class _WithTexts:
    """A collection whose answers have the texts that it does not hold."""

    def __init__(self, collection: Collection, text_of: Callable[[str], str | None]) -> None:
        self._held = collection
        self._text_of = text_of

    def __getattr__(self, name: str) -> Any:
        return getattr(self._held, name)

    def query(self, **asked: Any) -> Any:
        found = self._checked(self._held.query, asked)
        texts = found["documents"] or [[None] * len(ids) for ids in found["ids"]]
        found["documents"] = [self._filled(*pair) for pair in zip(found["ids"], texts, strict=True)]
        return found

    def get(self, **asked: Any) -> Any:
        found = self._checked(self._held.get, asked)
        if found["documents"] is not None:  # they were asked for
            found["documents"] = self._filled(found["ids"], found["documents"])
        return found

    def _checked(self, ask: Callable[..., Any], asked: dict[str, Any]) -> Any:
        if asked.get("where_document"):
            raise ValueError(
                "Chroma has the vectors without the texts: search for words with Store.keywords."
            )
        return ask(**asked)

    def _filled(self, ids: list[str], texts: list[str | None]) -> list[str | None]:
        return [self._text_of(key) if text is None else text for key, text in zip(ids, texts, strict=True)]


class StoreRetriever(BaseRetriever):
    """The search as a LangChain retriever, to be dropped into any chain."""

    store: Any
    limit: int = 5

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun | None = None
    ) -> list[Document]:
        vector = self.store.embedder.embed([query])[0]
        hits = search(self.store, Query(vector=vector, words=tuple(terms(query))), self.limit)
        return [
            Document(
                page_content=hit.passage.text,
                metadata={
                    "source": hit.passage.source,
                    "title": hit.passage.title,
                    "url": hit.passage.url,
                    "heading": hit.passage.heading,
                    "score": hit.fused,
                },
                id=hit.passage.id,
            )
            for hit in hits
        ]
