"""A second look at the best passages by a cross-encoder, where one is set."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import numpy as np

from knowledge.embedding import EncoderError

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Reranker(Protocol):
    """Anything that reads question and passage together."""

    def scores(self, question: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """How well each text answers, of shape (len(texts),); higher is better, on any scale."""
        ...


class CrossEncoderReranker:
    """A sentence-transformers cross-encoder on the CPU."""

    def __init__(self, model: str) -> None:
        """Load the model by name or folder; `EncoderError` where that fails."""
        from sentence_transformers import CrossEncoder  # noqa: PLC0415  (seconds; only where one is set)

        try:
            self._model = CrossEncoder(model, device="cpu")
        except Exception as error:
            raise EncoderError(
                f"The cross-encoder {model!r} cannot be loaded ({type(error).__name__}: {error}). "
                "Name one that is on this machine in CANDOR_RERANKER, or leave it empty."
            ) from error

    def scores(self, question: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """The model's score of each pair of question and text."""
        if not texts:
            return np.zeros(0)
        pairs = [(question, text) for text in texts]
        raw = np.asarray(self._model.predict(pairs, show_progress_bar=False), dtype=np.float64)
        # Models of several classes (an NLI model, say) put the one that counts last.
        return raw if raw.ndim == 1 else raw[:, -1]


@lru_cache(maxsize=1)
def load_reranker(model: str) -> Reranker | None:
    """The cross-encoder `model`; None where none is set."""
    return CrossEncoderReranker(model) if model else None


def standardised(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores of one question as deviations from their mean, so that any model's scale can be added."""
    spread = float(scores.std()) if len(scores) else 0.0
    return (scores - scores.mean()) / spread if spread else np.zeros_like(scores)
