"""What is shipped to run Candor on more than one machine: it parses, agrees with the settings, and gives no rights away."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from chroma_process import free_port
from nginx_front import KNOWN_AGAIN, NGINX, in_front_of
from topology import ROOT, need_servers
from ui_browser import served
from ui_fakes import FakeAssistant, settings

from knowledge.settings import Settings
from knowledge.source_list import named_sources
from ui.connections import Guarded, server_config
from ui.server import create_app
from ui.turns import Turns

KUBERNETES = sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))
FILES = [ROOT / "Dockerfile", ROOT / "compose.yaml", ROOT / "deploy" / "nginx.conf", *KUBERNETES]


def documents() -> list[dict[str, Any]]:
    return [entry for path in KUBERNETES for entry in yaml.safe_load_all(path.read_text(encoding="utf-8"))]


def of_kind(kind: str) -> list[dict[str, Any]]:
    return [entry for entry in documents() if entry["kind"] == kind]


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8")))


def pods() -> dict[str, dict[str, Any]]:
    found = {entry["metadata"]["name"]: entry["spec"]["template"]["spec"] for entry in of_kind("Deployment")}
    jobs = of_kind("CronJob")
    return found | {e["metadata"]["name"]: e["spec"]["jobTemplate"]["spec"]["template"]["spec"] for e in jobs}


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions with their arguments, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines if line.strip()]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_setting_that_is_named_exists(path: Path) -> None:
    named = set(re.findall(r"CANDOR_([A-Z_]+)", path.read_text(encoding="utf-8")))
    assert {name.lower() for name in named} <= Settings.model_fields.keys()


def test_the_example_settings_are_valid() -> None:
    given: dict[str, str] = {}
    for entry in (*of_kind("ConfigMap"), *of_kind("Secret")):
        if entry["metadata"]["name"] == "candor":
            given |= entry.get("data", {}) | entry.get("stringData", {})
    environment = compose()["services"]["app-1"]["environment"]
    for values in (given, environment):
        chosen = {name.removeprefix("CANDOR_").lower(): value for name, value in values.items()}
        assert Settings(_env_file=None, **chosen).chroma_url == "http://chroma:8000"  # type: ignore[call-arg]


def test_the_list_of_sources_in_the_cron_job_can_be_read(tmp_path: Path) -> None:
    data = next(e["data"] for e in of_kind("ConfigMap") if e["metadata"]["name"] == "candor-sources")
    (tmp_path / "candor.toml").write_text(data["candor.toml"], encoding="utf-8")
    listed = named_sources([str(tmp_path / "candor.toml")], 0)
    assert [given.name for given in listed.sources] == ["https://careers.example/"]
    assert listed.whose() == ("Fernlight", "jobs@careers.example")


def test_nginx_takes_the_shipped_configuration(tmp_path: Path) -> None:
    need_servers()
    text = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    for name in ("app-1", "app-2"):  # nginx looks names up when it reads them
        text = text.replace(f"{name}:7860", "127.0.0.1:7860")
    (tmp_path / "nginx.conf").write_text(text.replace("/run/nginx/", f"{tmp_path}/"), encoding="utf-8")
    done = subprocess.run([NGINX, "-t", "-c", str(tmp_path / "nginx.conf")], capture_output=True, text=True)
    assert done.returncode == 0 and "warn" not in done.stderr, done.stderr


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[str, list[Turns]]]:
    """nginx in front of two replicas: its address, and the places of both."""
    need_servers()
    apps = [create_app(FakeAssistant(), settings()) for _ in range(2)]
    with contextlib.ExitStack() as stack:
        ports = [int(stack.enter_context(served(app)).rpartition(":")[2]) for app in apps]
        address, _ = stack.enter_context(in_front_of(ports, tmp_path))
        yield address, [app.state.turns for app in apps]


def asked(address: str, number: int) -> httpx.Response:
    body = {"message": f"{number:032x}", "turns": ["Can I work from home?"]}
    return httpx.post(f"{address}/api/chat", json=body, timeout=30)


def test_nobody_is_turned_away_by_a_replica_that_is_about_to_end(two: tuple[str, list[Turns]]) -> None:
    address, (first, second) = two
    first.close()
    answers = [asked(address, number) for number in range(12)]
    assert [answer.status_code for answer in answers] == [200] * 12
    assert all("event: reply" in answer.text for answer in answers)
    second.close()
    refused = asked(address, 99)
    assert refused.status_code == 503 and refused.headers["retry-after"] == "5"


def test_a_replica_that_is_back_is_asked_again_in_time_for_the_next_one_to_end(tmp_path: Path) -> None:
    need_servers()
    first, second = (create_app(FakeAssistant(), settings()) for _ in range(2))
    away = free_port()
    with contextlib.ExitStack() as stack:
        port = int(stack.enter_context(served(second)).rpartition(":")[2])
        address, _ = stack.enter_context(in_front_of([away, port], tmp_path))
        # Two tries leave it out; the third is nginx looking whether it is back, in vain and a moment too early.
        while (tmp_path / "nginx.log").read_text(encoding="utf-8").count("Connection refused") < 3:
            assert asked(address, 0).status_code == 200
        stack.enter_context(served(first, socket.create_server(("127.0.0.1", away))))
        time.sleep(KNOWN_AGAIN)
        second.state.turns.close()
        assert [asked(address, number).status_code for number in range(1, 13)] == [200] * 12


def test_what_nginx_says_by_itself_has_the_headers_and_a_sentence(tmp_path: Path) -> None:
    need_servers()
    app = create_app(FakeAssistant(), settings())
    with contextlib.ExitStack() as stack:
        port = int(stack.enter_context(served(app)).rpartition(":")[2])
        address, _ = stack.enter_context(in_front_of([port, port], tmp_path, from_one_address=1))
        said = [
            httpx.get(f"{address}/metrics"),
            httpx.get(f"{address}/readyz"),
            httpx.post(f"{address}/api/chat", content=b"x" * 70_000),
            httpx.post(f"{address}/gradio_api/queue/join", content=b"x" * 70_000),
        ]
        stack.enter_context(httpx.stream("GET", f"{address}/gradio_api/heartbeat/a", timeout=30))
        said += [httpx.get(f"{address}/api/start"), httpx.get(f"{address}/")]
    with in_front_of([1, 1], tmp_path) as (address, _):
        said += [httpx.get(f"{address}/api/start"), httpx.get(f"{address}/")]
    assert [answer.status_code for answer in said] == [404, 404, 413, 413, 429, 429, 503, 503]
    for answer in said:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "default-src 'none'"
    codes = [answer.json()["code"] for answer in said[2:7]]
    assert codes == ["bad_request", "bad_request", "busy", "busy", "not_ready"]


def test_replicas_that_have_much_to_do_are_asked_again_as_soon_as_they_have_less(
    two: tuple[str, list[Turns]],
) -> None:
    address, both = two
    for turns in both:
        while turns.enter() is None:
            pass
    answers = [asked(address, number) for number in range(12)]
    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(429, "busy")}
    for turns in both:
        turns.waiting += 1
    assert asked(address, 99).status_code == 200


def test_nginx_and_compose_name_the_same_replicas_and_ports() -> None:
    text = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    services = compose()["services"]
    replicas = {name for name in services if name.startswith("app-")}
    assert set(re.findall(r"server (app-\d+):7860 ", text)) == replicas and len(replicas) == 2
    assert services["nginx"]["ports"] == ["8080:8080"] and "listen 8080;" in text
    assert {name for name, of in services.items() if of.get("ports")} == {"nginx"}
    trusted = services["app-1"]["environment"]["CANDOR_TRUSTED_PROXIES"]
    assert services["nginx"]["networks"]["inside"]["ipv4_address"] == trusted


def test_replicas_share_no_disk_and_the_ingest_runs_only_when_asked() -> None:
    services = compose()["services"]
    stores = [services[name]["volumes"][-1] for name in ("app-1", "app-2", "ingest")]
    assert len(set(stores)) == 3 and services["ingest"]["profiles"] == ["ingest"]
    assert not set(compose()["networks"]["inside"]) - {"internal", "ipam"}


def test_what_runs_our_image_has_no_rights_that_it_does_not_need() -> None:
    for name in ("app-1", "app-2", "ingest", "nginx"):
        service = compose()["services"][name]
        assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    assert pods().keys() == {"candor", "candor-ingest"}
    for pod in pods().values():
        assert pod["securityContext"]["runAsNonRoot"] and pod["automountServiceAccountToken"] is False
        mounted = {mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]}
        assert {"/data", "/tmp"} <= mounted  # all that may be written
        assert pod["containers"][0]["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_what_kubernetes_objects_refer_to_is_there() -> None:
    named = {(entry["kind"], entry["metadata"]["name"]) for entry in documents()}
    for pod in pods().values():
        for given in pod["containers"][0]["envFrom"]:
            (kind, reference), *_ = given.items()
            assert ({"configMapRef": "ConfigMap", "secretRef": "Secret"}[kind], reference["name"]) in named
    labels = of_kind("Deployment")[0]["spec"]["template"]["metadata"]["labels"]
    assert of_kind("Service")[0]["spec"]["selector"] == labels
    for kind in ("PodDisruptionBudget", "Deployment"):
        assert of_kind(kind)[0]["spec"]["selector"]["matchLabels"] == labels
    for ingress in of_kind("Ingress"):
        for path in ingress["spec"]["rules"][0]["http"]["paths"]:
            assert path["backend"]["service"]["name"] == of_kind("Service")[0]["metadata"]["name"]
    probed = pods()["candor"]["containers"][0]
    assert {probed[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe")} == {
        "/readyz",
        "/healthz",
    }


def test_only_pages_of_gradio_are_sticky() -> None:
    sticky = {
        entry["metadata"]["name"]: entry["metadata"]["annotations"].get(
            "nginx.ingress.kubernetes.io/affinity"
        )
        for entry in of_kind("Ingress")
    }
    assert sticky == {"candor-api": None, "candor-pages": "cookie"}


def test_the_image_is_small_has_no_root_and_tells_how_it_is() -> None:
    told = instructions()
    names = [name for name, _ in told]
    assert names.count("FROM") == 2 and {"USER", "HEALTHCHECK", "ENTRYPOINT"} <= set(names)
    last = names[len(names) - 1 - names[::-1].index("FROM") :]
    assert "RUN" in last and not any("pip" in text for name, text in told[-len(last) :] if name == "RUN")
    assert next(text for name, text in told if name == "USER").split(":")[0].isdigit()
    install = next(text for name, text in told if name == "RUN" and "--torch-backend" in text)
    assert "--torch-backend cpu" in install and "--constraint constraints.txt" in install
    assert all(":latest" not in text and ":" in text for name, text in told if name == "FROM")
    assert "/healthz" in next(text for name, text in told if name == "HEALTHCHECK")


def test_all_that_is_copied_into_the_image_is_let_in_and_secrets_are_not() -> None:
    kept = [
        line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")
    ]
    copied = {
        name
        for kind, text in instructions()
        if kind == "COPY" and "--from" not in text
        for name in text.split()[:-1]
    }
    assert copied == set(kept) and all((ROOT / name).exists() for name in copied)
    assert ".env" not in copied and not any(name.startswith("deploy") for name in copied)


def test_nginx_lets_go_of_a_connection_before_the_replica_does() -> None:
    text = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    upstreams = re.findall(r"upstream \w+ \{.*?\n    \}", text, re.DOTALL)
    kept = [int(seconds) for part in upstreams for seconds in re.findall(r"keepalive_timeout (\d+)s", part)]
    served_for = server_config(create_app(FakeAssistant(), settings())).timeout_keep_alive
    assert len(kept) == len(upstreams) == 2 and max(kept) < served_for < Guarded.request_seconds
