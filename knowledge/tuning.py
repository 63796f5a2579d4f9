"""Contrastive training of the encoder: rows of text, the losses, the run, the adapter it leaves.

Imported only by the command of `encoder.py`: peft, datasets and accelerate come with `.[train]`.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from knowledge.documents import BlockKind, Passage
from knowledge.embedding import ADAPTER_CONFIG, ADAPTER_PREFIX, ADAPTER_WEIGHTS

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from knowledge.encoder import Ask, Record

LAYERS = r".*layer\.\d+\..*\.(query|key|value|dense)"
"""The attention and dense layers that get an adapter; embeddings and layer norms stay as they are."""


@dataclass(frozen=True)
class Recipe:
    """All that decides what a training leaves, beside the data.

    `kept` is the share of what was learned that is added to the weights: between the packaged model and
    the trained one lies a model that keeps the sureness of the first on pages unlike the training's
    (Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022).
    `scale` is one over the temperature of the softmax. `near_weight` counts a record's own near
    sentences so many times among its negatives. `order_weight` is that of `order_loss`,
    `ask_weight` that of two questions on one topic. `joined` is the share of passages that are
    read together with one of their near sentences, as in a longer paragraph. `dropout` is 0 as drawing
    its random numbers takes half of the time on a CPU; the low rank keeps the adapter from learning by heart.
    """

    seed: int = 1
    epochs: float = 2.0
    batch: int = 48
    rate: float = 6e-4
    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0
    scale: float = 20.0
    near_weight: float = 1.0
    order_weight: float = 0.5
    ask_weight: float = 0.5
    both_ways: bool = True
    hide_same_topic: bool = True
    joined: float = 0.25
    sentence_form: float = 0.5
    tokens: int = 160
    kept: float = 0.6
    full: bool = False


def passage_of(record: Record, text: str) -> Passage:
    """A stretch of the record's page as the readers would cut it."""
    return Passage(
        source="",
        title=record.title,
        url="",
        headings=(record.heading,) if record.heading else (),
        text=text,
        position=0,
        kind=BlockKind.PARAGRAPH,
        language=record.lang,
    )


def in_form(record: Record, text: str, as_sentence: bool) -> str:
    """The text as the store embeds passages, or as it embeds sentences."""
    if not as_sentence:
        return passage_of(record, text).embedding_text
    around = record.heading or record.title
    return f"{around}: {text}" if around else text


def page_rows(records: Sequence[Record], recipe: Recipe) -> list[dict[str, Any]]:
    """One row a record and epoch: four questions, what answers them, two that do not, the topic's number."""
    chance = random.Random(recipe.seed)
    topics = {topic: n for n, topic in enumerate(sorted({record.topic for record in records}))}
    rows = []
    for _ in range(max(1, round(recipe.epochs))):
        for record in records:
            as_sentence = chance.random() < recipe.sentence_form
            near = chance.sample(record.near, 2)
            answer = record.passage
            if not as_sentence and chance.random() < recipe.joined:
                answer = " ".join(chance.sample((record.passage, near[0]), 2))
            row: dict[str, Any] = {f"question_{n}": text for n, text in enumerate(record.questions[:4])}
            row["answer"] = in_form(record, answer, as_sentence)
            row |= {f"near_{n}": in_form(record, text, as_sentence) for n, text in enumerate(near)}
            row["label"] = topics[record.topic]
            rows.append(row)
    part = recipe.epochs / max(1, round(recipe.epochs))
    chance.shuffle(rows)
    return rows[: round(len(rows) * part)] if part < 1 else rows


def ask_rows(asks: Sequence[Ask], recipe: Recipe) -> list[dict[str, Any]]:
    """Two questions on one topic a row, each question once an epoch."""
    chance = random.Random(recipe.seed)
    by_topic: dict[str, list[str]] = {}
    for ask in asks:
        by_topic.setdefault(ask.topic, []).append(ask.text)
    rows = []
    for _ in range(max(1, round(recipe.epochs))):
        for number, topic in enumerate(sorted(by_topic)):
            texts = chance.sample(by_topic[topic], len(by_topic[topic]))
            rows += [
                {"one": one, "other": other, "label": number}
                for one, other in zip(texts[::2], texts[1::2], strict=False)
            ]
    chance.shuffle(rows)
    return rows


def encoded(model: SentenceTransformer, columns: Sequence[dict[str, Tensor]]) -> Tensor:
    """The vectors of several columns in one pass, one column after the other."""
    width = max(column["input_ids"].shape[1] for column in columns)
    joined = {
        name: torch.cat(
            [functional.pad(column[name], (0, width - column[name].shape[1])) for column in columns]
        )
        for name, value in columns[0].items()
        if isinstance(value, Tensor) and value.ndim == 2
    }
    vectors: Tensor = model(joined)["sentence_embedding"]
    return vectors.float()


class AnswerLoss(nn.Module):
    """Multiple negatives ranking over four questions a passage, its near sentences as hard negatives.

    As `MultipleNegativesRankingLoss`, with two differences. A passage is encoded once for its four
    questions. And a passage of the same topic in the batch is no negative: another employer's words
    on holidays do answer "how many holidays are there".
    """

    def __init__(self, model: SentenceTransformer, recipe: Recipe) -> None:
        super().__init__()
        self.model = model
        self.recipe = recipe

    def forward(self, features: Iterable[dict[str, Tensor]], labels: Tensor) -> Tensor:
        """The mean loss of a batch; `features` are the columns of `page_rows` in their order."""
        *asked, answer, one, other = features
        questions = encoded(self.model, asked).chunk(len(asked))
        texts = (encoded(self.model, [answer]), *encoded(self.model, [one, other]).chunk(2))
        with torch.autocast("cpu", enabled=False):
            return self.of_vectors(questions, texts, labels)

    def of_vectors(self, asked: Sequence[Tensor], texts: Sequence[Tensor], labels: Tensor) -> Tensor:
        """The loss where all is encoded: `asked` four questions each, `texts` answer and two near."""
        recipe, size, times = self.recipe, len(labels), len(asked)
        cosines = torch.cat(list(asked)) @ torch.cat(list(texts)).T
        own = torch.eye(size, dtype=torch.bool)
        same = (labels[:, None] == labels[None, :]) & ~own
        if not recipe.hide_same_topic:
            same = torch.zeros_like(same)
        target = torch.arange(size).repeat(times)
        logits = recipe.scale * cosines
        near = torch.cat([torch.zeros_like(own), own, own], dim=1).repeat(times, 1)
        logits = logits + near * torch.tensor(recipe.near_weight).log()
        loss = functional.cross_entropy(
            logits.masked_fill(same.repeat(times, len(texts)), float("-inf")), target
        )
        if recipe.both_ways:
            back = recipe.scale * cosines[:, :size].T
            others = back.masked_fill((same | own).repeat(1, times), float("-inf")).logsumexp(dim=1)
            hits = back[own.repeat(1, times)].reshape(size, times)
            loss = 0.5 * (loss + functional.softplus(others[:, None] - hits).mean())
        if recipe.order_weight:
            hits = cosines[torch.arange(size * times), target]
            misses = cosines.masked_fill(~near, -1.0).amax(dim=1)
            loss = loss + recipe.order_weight * order_loss(hits, misses, recipe.scale)
        return loss


def order_loss(hits: Tensor, misses: Tensor, scale: float) -> Tensor:
    """How often, softly, a question without an answer finds something nearer than one with an answer.

    The area under the curve of "is there an answer" is the share of such pairs in the right order,
    over all pairs of questions and not only within one.
    """
    return functional.softplus(scale * (misses[None, :] - hits[:, None])).mean()


class AskLoss(nn.Module):
    """Two questions on one topic belong together; those on other topics in the batch do not."""

    def __init__(self, model: SentenceTransformer, recipe: Recipe) -> None:
        super().__init__()
        self.model = model
        self.recipe = recipe

    def forward(self, features: Iterable[dict[str, Tensor]], labels: Tensor) -> Tensor:
        """The mean loss of a batch; `features` are the columns of `ask_rows`."""
        one, other = encoded(self.model, list(features)).chunk(2)
        with torch.autocast("cpu", enabled=False):
            logits = self.recipe.scale * one @ other.T
            same = (labels[:, None] == labels[None, :]) & ~torch.eye(len(labels), dtype=torch.bool)
            logits = logits.masked_fill(same, float("-inf"))
            target = torch.arange(len(labels))
            both = functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)
            return self.recipe.ask_weight * 0.5 * both


def train(
    model: SentenceTransformer, records: Sequence[Record], asks: Sequence[Ask], recipe: Recipe, out: Path
) -> SentenceTransformer:
    """Train `model` in place; the log of the loss goes to `out`/loss.jsonl.

    An adapter is added first, unless the recipe trains all weights.
    """
    from datasets import Dataset, DatasetDict  # type: ignore[import-untyped, unused-ignore]  # noqa: PLC0415  (seconds; the losses are tested without)
    from sentence_transformers import (  # noqa: PLC0415
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
    from transformers import set_seed  # noqa: PLC0415

    set_seed(recipe.seed)
    model.max_seq_length, usual = recipe.tokens, model.max_seq_length
    for part in model.modules():
        if isinstance(part, nn.Dropout):
            part.p = recipe.dropout
    transformer: Any = model[0]
    transformer.model.set_attn_implementation(
        "eager"
    )  # twice as quick as the fused one, in bfloat16 on a CPU
    if not recipe.full:
        from peft import LoraConfig  # noqa: PLC0415

        model.add_adapter(
            LoraConfig(
                r=recipe.rank,
                lora_alpha=recipe.alpha,
                lora_dropout=recipe.dropout,
                target_modules=LAYERS,
                bias="none",
            )
        )
    rows = {"pages": page_rows(records, recipe)}
    losses: dict[str, nn.Module] = {"pages": AnswerLoss(model, recipe)}
    if recipe.ask_weight and asks:
        rows["asks"] = ask_rows(asks, recipe)
        losses["asks"] = AskLoss(model, recipe)
    trainer = SentenceTransformerTrainer(
        model=model,
        args=SentenceTransformerTrainingArguments(
            output_dir=str(out),
            num_train_epochs=1,  # the rows hold every epoch: each reads a passage in another form
            per_device_train_batch_size=recipe.batch,
            learning_rate=recipe.rate,
            warmup_steps=0.1,
            lr_scheduler_type="cosine",
            weight_decay=0.01,
            seed=recipe.seed,
            data_seed=recipe.seed,
            use_cpu=True,
            bf16=True,
            dataloader_drop_last=True,
            multi_dataset_batch_sampler="proportional",
            save_strategy="no",
            report_to=[],
            logging_steps=10,
        ),
        train_dataset=DatasetDict({name: Dataset.from_list(part) for name, part in rows.items()}),
        loss=losses,
    )
    trainer.train()
    out.mkdir(parents=True, exist_ok=True)
    with (out / "loss.jsonl").open("w", encoding="utf-8") as stream:
        stream.writelines(json.dumps(entry) + "\n" for entry in trainer.state.log_history)
    model.max_seq_length = usual
    model.eval()
    return model


def save_adapter(model: SentenceTransformer, recipe: Recipe, folder: Path) -> None:
    """Write what is kept of the adapter as PEFT does, in half precision, so that PEFT can read it too."""
    from safetensors.torch import save_file  # noqa: PLC0415

    weights: dict[str, Tensor] = {}
    for name, part in model.named_parameters():
        if ".lora_" in name:
            layer = name.split(".model.", 1)[1].replace(".default.", ".")
            share = recipe.kept if ".lora_B." in layer else 1.0
            weights[ADAPTER_PREFIX + layer] = (share * part.detach()).to(torch.float16).contiguous()
    folder.mkdir(parents=True, exist_ok=True)
    save_file(dict(sorted(weights.items())), folder / ADAPTER_WEIGHTS, metadata={"format": "pt"})
    (folder / ADAPTER_WEIGHTS).chmod(0o644)  # safetensors leaves it to its owner alone
    config = {
        "peft_type": "LORA",
        "task_type": "FEATURE_EXTRACTION",
        "base_model_name_or_path": "sentence-transformers/all-MiniLM-L6-v2",
        "r": recipe.rank,
        "lora_alpha": recipe.alpha,
        "lora_dropout": recipe.dropout,
        "target_modules": LAYERS,
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
    }
    (folder / ADAPTER_CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
