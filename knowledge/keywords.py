"""Keyword search: BM25 over stems."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from knowledge.documents import Passage
from knowledge.sentences import terms

if TYPE_CHECKING:
    from numpy.typing import NDArray


class KeywordIndex:
    """BM25 scores of every passage for a question.

    Source: Robertson & Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009,
    as implemented by bm25s (the Lucene variant).
    """

    def __init__(self, passages: Sequence[Passage]) -> None:
        self.corpus = [terms(passage.embedding_text, passage.language) for passage in passages]
        self.vocabulary = frozenset(term for document in self.corpus for term in document)
        self._index = _bm25(self.corpus) if self.vocabulary else None

    def scores(self, query: Sequence[str]) -> NDArray[np.float32]:
        """One score a passage, in the order of the passages; 0 where no term is shared."""
        known = [term for term in query if term in self.vocabulary]
        if self._index is None or not known:
            return np.zeros(len(self.corpus), dtype=np.float32)
        return np.asarray(self._index.get_scores(known), dtype=np.float32)


def _bm25(corpus: list[list[str]]) -> Any:
    import bm25s  # noqa: PLC0415  (imports numba where it is installed; only when there is a corpus)

    index = bm25s.BM25(method="lucene")
    index.index(corpus, show_progress=False)
    return index
