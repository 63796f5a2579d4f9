"""Keyword search: BM25 over stems, worked out by an ingest and mapped into memory by whoever asks."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import shutil
from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from knowledge.documents import Passage
from knowledge.sentences import terms

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOLDER = "keywords"
"""Folder of a version in which its index is kept."""

CARD = "card.json"
TERMS, STARTS = "terms.npy", "starts.npy"

log = logging.getLogger(__name__)


class KeywordIndex:
    """BM25 scores of every passage for a question, and the stems of each.

    Source: Robertson & Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond, 2009,
    as implemented by bm25s (the Lucene variant).
    """

    def __init__(self, passages: Sequence[Passage]) -> None:
        """Work the index out from the texts."""
        corpus = [terms(passage.embedding_text, passage.language) for passage in passages]
        self.size = len(corpus)
        self._index = _bm25(corpus) if any(corpus) else None
        number = self.vocabulary
        distinct = [sorted({number[term] for term in document}) for document in corpus]
        self._starts = np.cumsum([0, *map(len, distinct)], dtype=np.int64)
        self._terms = np.array([term for document in distinct for term in document], dtype=np.int32)

    @classmethod
    def of(cls, folder: Path, passages: Sequence[Passage]) -> KeywordIndex:
        """The index that `save` left in a version's folder; worked out anew where there is none that is right."""
        saved = folder / FOLDER
        if not saved.is_dir():  # a store of an earlier release
            return cls(passages)
        try:
            return cls._mapped(saved, len(passages))
        except (OSError, ValueError, TypeError, KeyError, EOFError) as error:
            log.warning("The keyword index in %s is worked out anew: %s", saved, error)
            return cls(passages)

    @classmethod
    def _mapped(cls, saved: Path, size: int) -> KeywordIndex:
        """The index in a folder, read as far as it is asked for; ValueError where it is not of these passages."""
        import bm25s  # noqa: PLC0415  (as below)

        card = json.loads((saved / CARD).read_text(encoding="utf-8"))
        if card != {"made_by": made_by(), "size": size}:
            raise ValueError("another release made it, or of other passages")
        index = cls.__new__(cls)
        index.size = size
        index._index = bm25s.BM25.load(saved, mmap=True, show_progress=False)
        index._starts = np.asarray(np.load(saved / STARTS, mmap_mode="r"))
        index._terms = np.asarray(np.load(saved / TERMS, mmap_mode="r"))
        if len(index._starts) != size + 1 or len(index._terms) != index._starts[-1]:
            raise ValueError("parts of it are missing")
        return index

    def save(self, folder: Path) -> None:
        """Keep the index in a version's folder."""
        saved = folder / FOLDER
        if self._index is None:
            return
        self._index.save(saved, show_progress=False)
        np.save(saved / STARTS, self._starts)
        np.save(saved / TERMS, self._terms)
        card = {"made_by": made_by(), "size": self.size}
        (saved / CARD).write_text(json.dumps(card), encoding="utf-8")

    @property
    def vocabulary(self) -> Mapping[str, int]:
        """Every stem of the passages with its number."""
        return self._index.vocab_dict if self._index is not None else {}

    @cached_property
    def _names(self) -> dict[int, str]:
        return {number: term for term, number in self.vocabulary.items()}

    def stems(self, row: int) -> frozenset[str]:
        """The different stems of the passage in `row`."""
        numbers = self._terms[self._starts[row] : self._starts[row + 1]].tolist()
        return frozenset(map(self._names.__getitem__, numbers))

    @cached_property
    def frequency(self) -> dict[str, int]:
        """In how many passages each stem stands."""
        counts = np.bincount(self._terms, minlength=1)
        return {term: int(counts[n]) for term, n in self.vocabulary.items() if n < len(counts) and counts[n]}

    def scores(self, query: Sequence[str]) -> NDArray[np.float32]:
        """One score a passage, in the order of the passages; 0 where no term is shared."""
        known = [term for term in query if term in self.vocabulary]
        if self._index is None or not known:
            return np.zeros(self.size, dtype=np.float32)
        return np.asarray(self._index.get_scores(known), dtype=np.float32)


def write_keywords(folder: Path, before: Path | None, passages: Sequence[Passage]) -> None:
    """Keep the index of `passages` in a version's folder: that of the version `before` where nothing is new."""
    if before and _same(before / "passages.jsonl", folder / "passages.jsonl"):
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, EOFError):
            KeywordIndex._mapped(before / FOLDER, len(passages))
            shutil.copytree(before / FOLDER, folder / FOLDER)
            return
    KeywordIndex(passages).save(folder)


def _same(one: Path, other: Path) -> bool:
    try:
        if one.stat().st_size != other.stat().st_size:
            return False
        with one.open("rb") as a, other.open("rb") as b:
            return hashlib.file_digest(a, "sha256").digest() == hashlib.file_digest(b, "sha256").digest()
    except OSError:
        return False


@cache
def made_by() -> str:
    """Changes with whatever decides what stands in an index: how texts are cut and stemmed, and how terms count."""
    here = Path(__file__)
    code = b"".join(
        here.with_name(name).read_bytes() for name in ("keywords.py", "sentences.py", "documents.py")
    )
    packages = " ".join(f"{name} {version(name)}" for name in ("bm25s", "snowballstemmer"))
    return hashlib.sha256(code + packages.encode()).hexdigest()


def _bm25(corpus: list[list[str]]) -> Any:
    import bm25s  # noqa: PLC0415  (imports numba where it is installed; only when there is a corpus)

    index = bm25s.BM25(method="lucene")
    index.index(corpus, create_empty_token=False, show_progress=False)
    return index
