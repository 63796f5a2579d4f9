"""The encoder on ONNX Runtime, beside PyTorch, which is what it has to agree with."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from knowledge.embedding import INT8, load_embedder, load_reference
from knowledge.onnx_encoder import FEW, MODEL, RETRIED, TOKENIZER, OnnxEmbedder, Quickest, cores
from knowledge.onnx_export import SAMPLE, export

ROOT = Path(__file__).parents[1]


def test_float_vectors_are_those_of_pytorch_and_have_their_name() -> None:
    ours, reference = load_embedder(), load_reference("")
    assert isinstance(ours, OnnxEmbedder) and ours.name == reference.name
    assert np.abs(ours.embed(SAMPLE) - reference.embed(SAMPLE)).max() < 1e-4


def test_vectors_of_integers_are_near_those_of_pytorch_and_have_a_name_of_their_own() -> None:
    ours, reference = load_embedder(INT8), load_reference("")
    assert ours.name == f"{reference.name}-int8"
    cosines = np.sum(ours.embed(SAMPLE) * reference.embed(SAMPLE), axis=1)
    assert cosines.min() > 0.97


def test_a_vector_does_not_depend_on_the_texts_beside_it() -> None:
    ours = load_embedder(INT8)
    together = ours.embed(SAMPLE)
    assert len(SAMPLE) > FEW
    for text, vector in zip(SAMPLE, together, strict=True):
        assert np.array_equal(ours.embed([text])[0], vector), text
    assert np.allclose(np.linalg.norm(together, axis=1), 1.0, atol=1e-5)


def test_texts_of_as_many_tokens_are_run_together_and_keep_their_vectors() -> None:
    ours = load_embedder()
    assert isinstance(ours, OnnxEmbedder)
    days = [f"Is {day} in {month} free?" for day in ("Monday", "Friday") for month in ("May", "June", "July")]
    texts = [*days, *SAMPLE, *(f"{day} We share what we learn." for day in days)]
    sizes = [len(batch) for batch in ours._batches(texts)]
    assert sum(sizes) == len(texts) and max(sizes) >= len(days) and 1 in sizes
    for text, vector in zip(texts, ours.embed(texts), strict=True):
        assert np.abs(ours.embed([text])[0] - vector).max() < 1e-6, text


def test_integers_are_not_run_together() -> None:
    ours = load_embedder(INT8)
    assert isinstance(ours, OnnxEmbedder)
    assert [len(batch) for batch in ours._batches(["One day?", "Two day?", "Six day?"])] == [1, 1, 1]


def test_threads_that_share_the_encoder_get_their_own_vectors() -> None:
    ours = load_embedder()
    alone = {text: ours.embed([text])[0] for text in SAMPLE}
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda text: ours.embed([text, "Remote?"])[0], SAMPLE * 3))
    assert all(np.array_equal(vector, alone[text]) for text, vector in zip(SAMPLE * 3, found, strict=True))


def test_no_texts_have_no_vectors_and_equal_ones_the_same() -> None:
    ours = load_embedder()
    assert ours.embed([]).shape == (0, 384)
    first, second = ours.embed(["Remote?", "Remote?"])
    assert np.array_equal(first, second)


def test_a_model_that_is_not_the_reference_is_refused(tmp_path: Path) -> None:
    class Other:
        """Has the weights of one model and the vectors of another, as after a faulty export."""

        def __init__(self) -> None:
            self.whole = load_reference("base").model

        def __getitem__(self, number: int) -> object:
            return self.whole[number]

        def encode(self, texts: list[str], **_: object) -> np.ndarray:
            return np.roll(self.whole.encode(texts, normalize_embeddings=True), 1, axis=0)

    tokenizer = Path(str(load_reference("base").model.tokenizer.name_or_path)) / TOKENIZER
    with pytest.raises(ValueError, match="cosine"):
        export(Other(), tokenizer, tmp_path, int8=False)  # type: ignore[arg-type]
    assert (tmp_path / MODEL).is_file(), "it was made, and then found wrong"


def test_an_answer_imports_neither_torch_nor_langchain() -> None:
    script = (
        "import sys; import assistant.reply, knowledge.ingestion, knowledge.embedding as e; "
        "e.load_embedder().embed(['Remote?']); "
        "print([m for m in ('torch', 'transformers', 'sentence_transformers', 'sklearn', 'langchain_core', 'pandas') "
        "if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


class Way:
    """One way to run texts: it takes so many seconds a call by the clock that it moves on."""

    def __init__(self, clock: list[float], seconds: float) -> None:
        self.clock, self.seconds, self.calls = clock, seconds, 0

    def __call__(self, ids: object) -> NDArray[np.float32]:
        self.calls += 1
        self.clock[0] += self.seconds
        return np.full(1, self.seconds, dtype=np.float32)


def test_of_two_ways_the_quicker_is_taken_and_the_other_tried_again_now_and_then() -> None:
    clock = [0.0]
    quick, slow = Way(clock, 0.002), Way(clock, 0.005)
    both = Quickest([quick, slow], clock=lambda: clock[0])
    for _ in range(10 * RETRIED):
        both([[1, 2]])
    assert slow.calls == 13 and quick.calls == 10 * RETRIED - slow.calls


def test_a_single_slow_time_changes_nothing() -> None:
    clock = [0.0]
    quick, slow = Way(clock, 0.002), Way(clock, 0.005)
    both = Quickest([quick, slow], clock=lambda: clock[0])
    for number in range(10 * RETRIED):
        quick.seconds = 0.1 if number == 5 * RETRIED + 1 else 0.002
        both([[1, 2]])
    assert slow.calls <= 13


def test_what_becomes_slow_is_left_for_the_other_and_taken_up_again() -> None:
    clock = [0.0]
    one, other = Way(clock, 0.002), Way(clock, 0.005)
    both = Quickest([one, other], clock=lambda: clock[0])
    for seconds, expected in ((0.02, other), (0.002, one)):
        one.seconds = seconds
        for _ in range(20 * RETRIED):
            both([[1]])
        before = expected.calls
        for _ in range(RETRIED - 1):
            both([[1]])
        assert expected.calls - before >= RETRIED - 2


def test_the_first_time_of_a_way_does_not_count_as_it_has_to_make_room() -> None:
    clock = [0.0]
    beginning, other = Way(clock, 10.0), Way(clock, 0.005)
    both = Quickest([beginning, other], clock=lambda: clock[0])
    both([[1]])
    beginning.seconds = 0.001
    for _ in range(RETRIED):
        both([[1]])
    assert (beginning.calls, other.calls) == (5, 4)  # four of each, and the quicker one


def test_one_slow_time_at_the_beginning_decides_nothing() -> None:
    clock = [0.0]
    quick, slow = Way(clock, 0.002), Way(clock, 0.005)
    both = Quickest([slow, quick], clock=lambda: clock[0])
    for _ in range(3 * RETRIED):
        quick.seconds = 0.1 if quick.calls == 1 else 0.002
        both([[1, 2]])
    assert quick.calls >= 3 * RETRIED - 7


def test_a_way_is_not_thought_slow_because_its_text_was_short() -> None:
    clock = [0.0]
    quick, slow = Way(clock, 0.0), Way(clock, 0.0)
    both = Quickest([slow, quick], clock=lambda: clock[0])
    for number in range(6 * RETRIED):
        # Whenever the quick one is tried its text is short, and most of its time is for what any text takes.
        tokens = 6 if number in (2, 3) or number % RETRIED == RETRIED - 1 else 40
        slow.seconds, quick.seconds = 0.002 + 0.00035 * tokens, 0.001 + 0.00025 * tokens
        both([[1] * tokens])
    assert quick.calls > 3 * slow.calls


def test_all_cores_work_on_a_single_text_only_where_it_is_asked_for_and_change_nothing() -> None:
    shared = load_embedder()
    assert isinstance(shared, OnnxEmbedder)
    ours = OnnxEmbedder(shared.folder, shared.name)
    before = [ours.embed([text])[0] for text in SAMPLE]
    assert len(ours._single.ways) == 1
    for _ in range(2):
        ours.use_all_cores()
        assert len(ours._single.ways) == min(cores(), 2)
    for text, vector in zip(SAMPLE, before, strict=True):
        ours._kept.clear()
        assert np.abs(ours.embed([text])[0] - vector).max() < 1e-6, text
