"""The packaged encoder on ONNX Runtime: the default on a CPU, without torch."""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from itertools import count, groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnxruntime import InferenceSession

MODEL = "model.onnx"
TOKENIZER = "tokenizer.json"

EXPORT = 2
"""Raised when `knowledge.onnx_export` makes another model: it is kept under a name of its own then."""

TOKENS = 256
"""Tokens of a text that are read, as the model's own settings have it."""

FEW = 4
"""Texts up to which no other threads are asked: what a turn embeds takes two milliseconds a text."""

BATCH, BATCH_TOKENS = 16, 512
"""Texts of one length, and tokens of them all, that are run together: docs/performance.md has the measurement."""

RETRIED, LATELY, LEAST = 8, 5, 3
"""After how many single texts the other way to run them is tried again, of how many times the median counts, and how many
there must be before it does."""

START_TOKENS = 8
"""A text takes as long as so many more tokens: the weights come from memory once for each (see docs/performance.md)."""

Ids = Sequence[Sequence[int]]
"""Token ids of texts."""

REMEMBERED = 4096
"""Vectors of short texts, such as questions, that are kept: 6 MB."""


class OnnxEmbedder:
    """The model in a folder that `knowledge.onnx_export` filled. Safe to share between threads.

    Texts of as many tokens are run together, a batch on each core. So nothing is padded, no mask is needed,
    and no text's vector depends on its neighbours but for the rounding of floats. A single text has one core, or
    all of them while they are free, see `use_all_cores`.
    """

    def __init__(self, folder: Path, name: str) -> None:
        """Load model and tokenizer; whatever ONNX Runtime raises over a bad file is passed on."""
        from tokenizers import Tokenizer  # noqa: PLC0415  (with ONNX Runtime a quarter of a second)

        self.folder = folder
        self._session = _session(folder, 1)
        self._single = Quickest([partial(_run, self._session)])
        self.tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(TOKENS)
        self._dimensions = int(self._session.get_outputs()[0].shape[-1])
        self._name = name
        # The model of integers takes one: its arithmetic scales each layer by the largest value in the batch.
        self._most = 1 if self._session.get_inputs()[0].shape[0] == 1 else BATCH
        self._kept: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """Model, weights and arithmetic."""
        return self._name

    def use_all_cores(self) -> None:
        """From now on let all cores work on a single text while they are free; takes 0.2 seconds and 90 MB.

        For a server: whoever asks a question waits for one text at a time.
        """
        if cores() > 1 and len(self._single.ways) == 1:
            together = partial(_run, _session(self.folder, cores()))
            self._single = Quickest([*self._single.ways, together])

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of shape (len(texts), dimensions), each of length 1; equal texts are encoded once."""
        distinct = list(dict.fromkeys(texts))
        if len(distinct) <= FEW:
            found = {text: self._remembered(text) for text in distinct}
        else:
            batches = list(self._batches(distinct))
            vectors = self._workers.map(lambda batch: _run(self._session, [ids for _, ids in batch]), batches)
            found = {
                text: vector
                for batch, rows in zip(batches, vectors, strict=True)
                for (text, _), vector in zip(batch, rows, strict=True)
            }
        matrix = np.empty((len(texts), self._dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            matrix[row] = found[text]
        return matrix

    def _remembered(self, text: str) -> NDArray[np.float32]:
        """The vector of one text, from memory where it was asked for before."""
        with self._lock:
            if text in self._kept:
                self._kept.move_to_end(text)
                return self._kept[text]
        vector: NDArray[np.float32] = self._single([self.tokenizer.encode(text).ids])[0]
        with self._lock:
            self._kept[text] = vector
            while len(self._kept) > REMEMBERED:
                self._kept.popitem(last=False)
        return vector

    def _batches(self, texts: Sequence[str]) -> Iterator[list[tuple[str, list[int]]]]:
        """The texts with their token ids, those of equal length together."""
        encoded = [
            (text, found.ids) for text, found in zip(texts, self.tokenizer.encode_batch(texts), strict=True)
        ]
        # The longest first, so that no core waits long for the other's last one.
        encoded.sort(key=lambda pair: -len(pair[1]))
        for length, group in groupby(encoded, key=lambda pair: len(pair[1])):
            alike = list(group)
            most = max(1, min(self._most, BATCH_TOKENS // length))
            yield from (alike[start : start + most] for start in range(0, len(alike), most))

    @cached_property
    def _workers(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(cores(), thread_name_prefix="encoder")


class Quickest:
    """Of several ways to run the same, the one that took the least time lately, for how long the texts were.

    All cores are the quicker way where they are free. Where other work has them, threads of one text wait for each
    other, and one thread alone is twice as quick: so each way is tried again now and then.
    """

    def __init__(
        self,
        ways: Sequence[Callable[[Ids], NDArray[np.float32]]],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`clock` tells seconds."""
        self.ways = ways
        self._clock = clock
        self._seconds: list[deque[float]] = [deque(maxlen=LATELY) for _ in ways]
        self._warm: set[int] = set()
        self._calls = count(1)

    def __call__(self, ids: Ids) -> NDArray[np.float32]:
        """What the ways give for texts of as many tokens each."""
        lately = [statistics.median(seconds) if len(seconds) >= LEAST else 0.0 for seconds in self._seconds]
        way = lately.index(min(lately))
        if next(self._calls) % RETRIED == 0:
            way = (way + 1) % len(self.ways)
        started = self._clock()
        found = self.ways[way](ids)
        if way in self._warm:
            self._seconds[way].append((self._clock() - started) / (START_TOKENS + len(ids[0])))
        self._warm.add(way)  # the first time a way makes room for what it works out
        return found


def _session(folder: Path, threads: int) -> InferenceSession:
    """The model, run by so many threads."""
    import onnxruntime  # noqa: PLC0415  (as above)

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # Between two questions nobody should be kept busy waiting for the next.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return onnxruntime.InferenceSession(str(folder / MODEL), options, providers=["CPUExecutionProvider"])


def _run(session: InferenceSession, ids: Ids) -> NDArray[np.float32]:
    """Vectors of texts with as many tokens each, of shape (len(ids), dimensions)."""
    (vectors,) = session.run(None, {"input_ids": np.array(ids, dtype=np.int64)})
    return np.asarray(vectors, dtype=np.float32)


def cores() -> int:
    """Cores to use: those this process may run on, or fewer where OMP_NUM_THREADS says so."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return min(here, int(asked)) if asked.isdecimal() and int(asked) else here
