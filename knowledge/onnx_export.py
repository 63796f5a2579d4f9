"""Making the ONNX model of the packaged encoder from its PyTorch weights, and checking it against them."""

from __future__ import annotations

import logging
import re
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from knowledge.onnx_encoder import MODEL, TOKENIZER, OnnxEmbedder

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

LEAST_COSINE = {False: 0.9999, True: 0.98}
"""How near the vectors of float and int8 arithmetic must be to those of PyTorch: the cosine of each text below."""

SAMPLE = (
    "",
    "Remote?",
    "How many days of paid vacation do I get each year?",
    "Wie lange dauert die Probezeit, und gibt es danach mehr Urlaub?",
    "Combien de semaines de congé parental l'entreprise offre-t-elle ?",
    "¿Puedo trabajar desde otro país durante unas semanas al año?",
    "We pay for health insurance from the first day, for you and for your family.",
    "Parental leave: both parents take sixteen weeks off at full pay, whenever it suits them in the first year.",
    "The interview has four steps, a call, a small task, a talk with the team and an offer. " * 3,
    "Everybody has a budget for books, courses and conferences, and nobody has to ask before using it. " * 20,
)

DENSE = re.compile(r"(query|key|value|dense)/MatMul")
KEPT_FLOAT = re.compile(r"layer\.0/intermediate/|layer\.[0-2]/output/")
"""Dense layers whose quantisation moves vectors most, a fifth of the arithmetic: they stay float."""


def export(reference: SentenceTransformer, tokenizer: Path, folder: Path, int8: bool) -> None:
    """Write the ONNX model of `reference`, a BERT with mean pooling, and its tokenizer into `folder`.

    `int8`: weights as 8-bit integers for each output channel, activations quantised as they come.
    Raises `ValueError` where the vectors are not those of `reference`.
    """
    target = folder / MODEL
    floats = folder / "float.onnx" if int8 else target
    shutil.copyfile(tokenizer, folder / TOKENIZER)
    _export_floats(reference, floats, together=not int8)
    if int8:
        _quantise(floats, target)
        floats.unlink()
    exported = OnnxEmbedder(folder, MODEL).embed(SAMPLE)
    expected = reference.encode(list(SAMPLE), normalize_embeddings=True, show_progress_bar=False)
    worst = float(np.min(np.sum(exported * np.asarray(expected), axis=1)))
    if not worst >= LEAST_COSINE[int8]:
        raise ValueError(f"its vectors have a cosine of {worst:.4f} with those of PyTorch")


def _export_floats(reference: SentenceTransformer, target: Path, together: bool) -> None:
    """Texts of equal length need neither padding nor a mask. `together`: the model takes several at a time."""
    import torch  # noqa: PLC0415  (seconds; only where a model is made)

    class Encoder(torch.nn.Module):
        """Token ids of shape (texts, tokens) to unit vectors of shape (texts, dimensions)."""

        def __init__(self, bert: Any) -> None:
            super().__init__()
            self.bert = bert

        def forward(self, ids: Any) -> Any:
            tokens = self.bert(input_ids=ids, attention_mask=None).last_hidden_state
            return torch.nn.functional.normalize(tokens.mean(dim=1), p=2, dim=1)

    ids = torch.randint(1000, 2000, (2 if together else 1, 16))
    texts = {0: "texts"} if together else {}
    with torch.no_grad(), _quiet():
        # The TorchScript exporter: five seconds and one small library, where the newer one takes
        # half a minute and makes a graph that runs no faster.
        torch.onnx.export(
            Encoder(reference[0].model).eval(),
            (ids,),
            str(target),
            dynamo=False,
            input_names=["input_ids"],
            output_names=["vectors"],
            dynamic_axes={"input_ids": {**texts, 1: "tokens"}, "vectors": texts},
            opset_version=17,
        )


def _quantise(floats: Path, target: Path) -> None:
    """Quantise most dense layers; the products of attention and the word vectors stay as they are."""
    import onnx  # noqa: PLC0415  (as above)
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415

    graph = onnx.load(str(floats)).graph
    weights = {tensor.name for tensor in graph.initializer}
    dense = [
        node.name
        for node in graph.node
        if node.op_type == "MatMul"
        and node.input[1] in weights
        and DENSE.search(node.name)
        and not KEPT_FLOAT.search(node.name)
    ]
    with _quiet():
        # Seven bits of weights: without VNNI a CPU adds pairs of products in 16 bits, which eight would
        # overflow. So all CPUs make the same vectors.
        quantize_dynamic(
            str(floats),
            str(target),
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
            nodes_to_quantize=dense,
            extra_options={"MatMulConstBOnly": True},
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what exporters say to their own developers."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
