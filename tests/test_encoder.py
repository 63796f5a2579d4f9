"""The trained encoder: the adapter that ships, the data it was trained on, and how it is measured."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from knowledge import tuning
from knowledge.documents import Passage
from knowledge.embedding import (
    ADAPTER,
    ADAPTER_CARD,
    ADAPTER_WEIGHTS,
    INT8,
    PACKAGED_MODEL,
    PACKAGED_SHA256,
    EncoderError,
    LazyEmbedder,
    adapter_checksum,
    comes_with_us,
    load_embedder,
    merge_adapter,
    packaged_model_path,
)
from knowledge.encoder import (
    ASKS,
    TRAINING,
    Ask,
    Asked,
    Company,
    Record,
    area,
    checksum,
    figures,
    held_back_companies,
    read_asks,
    read_records,
    shows,
)
from knowledge.sentences import terms, words

ROOT = Path(__file__).parents[1]


def record(**changed: object) -> Record:
    given = {
        "topic": "vacation",
        "heading": "Time off",
        "passage": "You get 30 days.",
        "questions": ("days off", "How many days off?", "can I rest", "I am tired, what now?"),
        "near": ("Ask your lead first.", "Bank holidays come on top."),
        "title": "Handbook",
    }
    return Record(**{**given, **changed})  # type: ignore[arg-type]


# The adapter


def test_merged_weights_are_those_that_peft_merges():
    peft = pytest.importorskip("peft", reason="peft comes with the dev and train extras")
    from sentence_transformers import SentenceTransformer
    from transformers import AutoModel

    path = str(packaged_model_path())
    ours = SentenceTransformer(path, device="cpu")
    plain = {name: part.clone() for name, part in ours[0].model.named_parameters()}
    merge_adapter(ours, ADAPTER)
    theirs = peft.PeftModel.from_pretrained(AutoModel.from_pretrained(path), str(ADAPTER)).merge_and_unload()
    merged = dict(theirs.named_parameters())
    changed = 0
    for name, part in ours[0].model.named_parameters():
        assert torch.allclose(part, merged[name], atol=1e-6), name
        changed += not torch.equal(part, plain[name])
    assert changed == 6 * 6, "six layers of query, key, value and three dense layers each"


def test_adapter_is_the_one_of_its_card_and_small():
    card = json.loads((ADAPTER / ADAPTER_CARD).read_text(encoding="utf-8"))
    assert adapter_checksum(ADAPTER) == card["adapter"]["sha256"]
    assert card["base"]["sha256"] == PACKAGED_SHA256
    assert (ADAPTER / ADAPTER_WEIGHTS).stat().st_size < 3_000_000


def test_card_tells_of_the_data_in_the_project():
    data = json.loads((ADAPTER / ADAPTER_CARD).read_text(encoding="utf-8"))["data"]
    assert data["files"] == {file.name: checksum(file) for file in sorted(TRAINING.glob("*.jsonl"))}
    assert data["records"] == len(read_records())


@pytest.mark.parametrize("damage", [b"", b"damaged"])
def test_damaged_adapter_is_told_in_one_plain_line(tmp_path: Path, damage: bytes):
    folder = tmp_path / "adapter"
    shutil.copytree(ADAPTER, folder)
    (folder / ADAPTER_WEIGHTS).write_bytes(damage)
    found = hashlib.sha256(damage).hexdigest()[:12]
    with pytest.raises(EncoderError, match=f"{ADAPTER_WEIGHTS} have SHA-256 {found}.*CANDOR_ENCODER=base"):
        adapter_checksum(folder)


def test_adapter_without_a_card_is_told_in_one_plain_line(tmp_path: Path):
    with pytest.raises(EncoderError, match=r"card\.json cannot be read.*CANDOR_ENCODER=base"):
        adapter_checksum(tmp_path)


def test_base_and_adapted_have_different_names_and_vectors():
    adapted, base = load_embedder(), load_embedder("base")
    assert adapted.name != base.name
    assert adapted.name.startswith("all-MiniLM-L6-v2-53aa5117-candor-")
    assert load_embedder("all-MiniLM-L6-v2") is base
    both = np.stack([e.embed(["How many days off are there?"])[0] for e in (adapted, base)])
    assert both[0] @ both[1] < 0.999
    assert np.allclose(np.linalg.norm(both, axis=1), 1.0, atol=1e-5)


# The data


@pytest.mark.parametrize("model", ["", "base", PACKAGED_MODEL])
def test_a_lazy_encoder_has_the_name_and_vectors_of_the_loaded_one_and_waits_for_a_text(model: str):
    said: list[str] = []
    lazy, loaded = LazyEmbedder(model, lambda: said.append("loading")), load_embedder(model)
    assert lazy.name == loaded.name and said == []
    assert np.array_equal(lazy.embed(["Remote?"]), loaded.embed(["Remote?"])) and said == ["loading"]


def test_a_lazy_encoder_is_loaded_once_by_threads_that_need_it_at_the_same_time():
    said: list[str] = []
    lazy = LazyEmbedder("", lambda: said.append("loading"))
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: lazy.load(), range(8)))
    assert said == ["loading"] and all(one is load_embedder() for one in found)


def test_an_encoder_that_cannot_be_loaded_is_told_in_one_line():
    with pytest.raises(EncoderError) as refusal:
        LazyEmbedder("no/such-model").load()
    assert "\n" not in str(refusal.value) and "no/such-model" in str(refusal.value)


def test_packaged_encoders_are_told_from_a_users_own_without_loading_them():
    assert all(comes_with_us(LazyEmbedder(model)) for model in ("", "base", INT8))
    assert not comes_with_us(LazyEmbedder("some/other-model"))


def test_records_are_enough_and_in_many_languages():
    records = read_records()
    assert len(records) > 3000
    assert {"en", "fr", "de", "es"} <= {r.lang for r in records}
    assert len({(r.company, r.heading, r.passage) for r in records}) == len(records), "a record stands twice"
    assert sum(file.stat().st_size for file in TRAINING.iterdir()) < 4_000_000


def test_a_company_is_held_back_as_a_whole_and_about_one_in_ten():
    records = read_records()
    held = {r.owner for r in records if r.held_back}
    assert held.isdisjoint(r.owner for r in records if not r.held_back)
    assert 0.06 < sum(r.held_back for r in records) / len(records) < 0.14
    assert len({p.text for c in held_back_companies(records) for p in c.passages}) > 0


def test_damaged_record_is_named_by_file_and_line(tmp_path: Path):
    (tmp_path / "pairs.jsonl").write_text('{"topic": "vacation"}\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"pairs\.jsonl, line 1"):
        read_records(tmp_path)


RUN = 5
"""Words that carry meaning, one after the other, that two texts may not share. Shorter runs, such as
"days of paid vacation a year", are how anybody says it."""

GOLDEN_SOURCES = ("wix-backend", "basecamp-handbook", "cds-careers")


def runs(text: str, size: int = RUN) -> set[tuple[str, ...]]:
    """All runs of `size` stems, stop words left out, that stand in one line of `text`."""
    found: set[tuple[str, ...]] = set()
    for line in text.splitlines():
        said = terms(line)
        found |= {tuple(said[n : n + size]) for n in range(len(said) - size + 1)}
    return found


def test_no_sentence_of_the_golden_sources_stands_in_the_training_data(shared: Path):
    theirs: set[tuple[str, ...]] = set()
    for name in GOLDEN_SOURCES:
        files = [f for f in (shared / "sources" / name).rglob("*") if f.suffix in (".txt", ".md")]
        assert files, name
        for file in files:
            theirs |= runs(file.read_text(encoding="utf-8", errors="replace"))
    found = [
        f"{r.company or r.heading}: {' '.join(run)}"
        for r in read_records()
        for text in (r.passage, *r.near)
        for run in runs(text) & theirs
    ]
    assert found == []


def test_no_golden_question_stands_in_the_training_data(shared: Path):
    """Also nearly: of all words of two questions together, at most nine in ten may stand in both."""
    golden = {}
    for file in sorted((shared / "eval").glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            golden |= {turn: frozenset(words(turn)) for turn in json.loads(line)["turns"]}
    assert len(golden) > 200
    trained = [question for r in read_records() for question in r.questions]
    trained += [ask.text for ask in read_asks()]  # those held back too: they stand in the bank
    found = []
    for question in trained:
        ours = frozenset(words(question))
        found += [
            f"{question} = {turn}"
            for turn, said in golden.items()
            if said and len(said & ours) >= 0.9 * len(said | ours)
        ]
    assert found == []


# Training


def test_rows_hold_both_forms_that_the_store_embeds():
    rows = tuning.page_rows([record()] * 200, tuning.Recipe(epochs=1, joined=0.3))
    answers = {row["answer"] for row in rows}
    assert "Time off: You get 30 days." in answers
    assert "Handbook › Time off\nYou get 30 days." in answers
    assert "Handbook › Time off\nYou get 30 days. Ask your lead first." in answers
    assert len(rows) == 200
    assert list(rows[0]) == [*(f"question_{n}" for n in range(4)), "answer", "near_0", "near_1", "label"]


def test_rows_are_the_same_for_the_same_seed_only():
    records = [record(passage=f"You get {n} days.") for n in range(30)]
    rows = [tuning.page_rows(records, tuning.Recipe(seed=seed)) for seed in (1, 1, 2)]
    assert rows[0] == rows[1] != rows[2]


def test_asks_are_paired_within_their_topic():
    asks = [Ask(topic, f"{topic} {n}") for topic in ("pay", "visa") for n in range(5)]
    for row in tuning.ask_rows(asks, tuning.Recipe(epochs=1)):
        assert row["one"].split()[0] == row["other"].split()[0]
        assert row["one"] != row["other"]


def unit(*rows: list[float]) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.tensor(rows), dim=1)


def test_a_passage_on_the_same_topic_is_no_negative():
    loss = tuning.AnswerLoss(None, tuning.Recipe(both_ways=False, order_weight=0.0))  # type: ignore[arg-type]
    asked = [unit([1.0, 0.0, 0.0], [1.0, 0.0, 0.0])]
    texts = [unit([1.0, 0.0, 0.0], [1.0, 0.0, 0.0]), *[unit([0.0, 1.0, 0.0], [0.0, 0.0, 1.0])] * 2]
    same = loss.of_vectors(asked, texts, torch.tensor([7, 7]))
    other = loss.of_vectors(asked, texts, torch.tensor([7, 8]))
    assert float(same) < 1e-6
    assert float(other) == pytest.approx(np.log(2), abs=1e-6)


def test_near_sentence_as_like_as_the_answer_costs_and_more_when_it_weighs_more():
    asked = [unit([1.0, 0.0], [0.0, 1.0])]
    answer = unit([1.0, 0.0], [0.0, 1.0])
    found = [
        float(
            tuning.AnswerLoss(
                None, tuning.Recipe(both_ways=False, order_weight=0.0, near_weight=weight)
            ).of_vectors(  # type: ignore[arg-type]
                asked, [answer, answer, answer], torch.tensor([1, 2])
            )
        )
        for weight in (1.0, 2.0)
    ]
    assert found == pytest.approx([np.log(3), np.log(5)], abs=1e-3)


def test_order_loss_is_small_only_where_every_hit_is_above_every_miss():
    high, low = torch.tensor([0.9, 0.8]), torch.tensor([0.2, 0.1])
    assert float(tuning.order_loss(high, low, 20.0)) < 1e-4
    assert float(tuning.order_loss(low, high, 20.0)) > 10


# Figures


class FirstLetters:
    """An embedder to compute by hand: a text points where its first word's number points."""

    name = "first-letters"

    def embed(self, texts: list[str]) -> np.ndarray:
        angles = np.array([float(text.split()[-1]) for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_figures_by_hand():
    passages = tuple(
        Passage(source="", title="", url="", headings=(), text=text, position=n)
        for n, text in enumerate(("about 0.0", "about 0.5", "about 1.0"))
    )
    asked = (
        Asked("near 0.1", frozenset({0})),
        Asked("near 0.9", frozenset({1})),
        Asked("far 2.0", frozenset()),
    )
    found = figures([Company(passages, asked)], FirstLetters())
    assert (found.answerable, found.unanswerable) == (2, 1)
    assert (found.recall_1, found.recall_5) == (0.5, 1.0)
    assert found.auc == 1.0


def test_area_counts_ties_half():
    assert area([0.5], [0.5]) == 0.5
    assert area([0.9, 0.4], [0.5]) == 0.5
    assert area([], [0.5]) == 0.5


def test_passage_shows_its_evidence_and_no_other():
    passage = Passage(source="", title="", url="", headings=(), text="We run 3,000 services.", position=0)
    assert shows(passage, "run 3,000 services")
    assert not shows(passage, "We like dogs")


# Commands


@pytest.mark.parametrize("command", [[], ["train"], ["measure"]])
def test_help_shows_an_example_and_loads_no_model(command: list[str]):
    code = (
        "import runpy, sys\n"
        f"sys.argv = ['encoder', *{command!r}, '--help']\n"
        "try:\n    runpy.run_module('knowledge.encoder', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print('LOADED', *sorted({'torch', 'peft', 'datasets', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    assert f"python -m knowledge.encoder {command[0] if command else 'train'}" in done.stdout
    assert done.stdout.splitlines()[-1] == "LOADED"


def test_measure_without_its_pages_says_so():
    done = subprocess.run(
        [sys.executable, "-m", "knowledge.encoder", "measure", "--questions", "questions.jsonl"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.strip() == "encoder: Give --questions and --source together, or neither."


def test_bank_of_questions_stands_where_training_reads_it():
    assert ASKS.is_file()
