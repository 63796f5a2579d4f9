"""What docs/operations.md shows is so."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from ui_fakes import FakeAssistant

from knowledge.settings import Settings
from ui.metrics import Metrics
from ui.telemetry import TurnInWork
from ui.turns import Turns

TEXT = (Path(__file__).parents[1] / "docs" / "operations.md").read_text(encoding="utf-8")


def names() -> set[str]:
    """Names of all metrics, as a server has them."""
    metrics = Metrics()
    metrics.watch(FakeAssistant(), None, Turns(), None)
    metrics.turn("answered", "extractive", 0.1, 0.1)
    told = generate_latest(metrics.registry).decode()
    families = list(text_string_to_metric_families(told))
    return {family.name for family in families} | {sample.name for f in families for sample in f.samples}


def test_the_alerts_are_valid_and_watch_metrics_that_exist() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.S)
    (group,) = yaml.safe_load(block)["groups"]
    assert len(group["rules"]) == 2
    for rule in group["rules"]:
        assert rule.keys() == {"alert", "expr", "for", "labels", "annotations"}
        assert rule["expr"].count("(") == rule["expr"].count(")")
        watched = set(re.findall(r"candor_\w+", rule["expr"]))
        assert watched and watched <= names()


def test_the_scrape_configuration_is_valid() -> None:
    block = re.search(r"(    scrape_configs:\n(?:      .*\n)+)", TEXT)
    assert block is not None
    (job,) = yaml.safe_load(block[1])["scrape_configs"]
    assert job["job_name"] == "candor" and job["static_configs"][0]["targets"]


def test_every_metric_is_described_and_no_other() -> None:
    described = {
        name
        for row in re.findall(r"^\| (`candor_.+?) \|", TEXT, re.M)
        for name in re.findall(r"candor_\w+", row)
    }
    own = {name for name in names() if name.startswith("candor_")}
    plain = {re.sub(r"_(bucket|count|sum|created)$", "", name) for name in own}
    assert described <= own | plain
    assert {name.removesuffix("_total") for name in plain} == {
        name.removesuffix("_total") for name in described
    }


def test_the_line_of_the_log_has_the_fields_of_one() -> None:
    (block,) = re.findall(r"```json\n(.*?)```", TEXT, re.S)
    line: dict[str, Any] = json.loads(block)
    assert set(line) == {"level", "logger", "request", "message", "time", *TurnInWork("api").as_told()}


def test_every_setting_it_names_exists() -> None:
    named = set(re.findall(r"CANDOR_[A-Z_]+", TEXT))
    assert named <= {f"CANDOR_{name.upper()}" for name in Settings.model_fields}
