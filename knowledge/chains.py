"""Encoder and search as LangChain wants them; importing LangChain takes longer than a first answer."""

from __future__ import annotations

from typing import Any

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


def vector_store(client: ClientAPI, name: str, embedder: Embedder) -> Chroma:
    """A collection of the store as a LangChain vector store, to build a chain of one's own over it."""
    return Chroma(collection_name=name, client=client, embedding_function=LangChainEmbeddings(embedder))


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
