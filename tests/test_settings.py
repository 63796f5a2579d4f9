"""Settings from the environment, a file and the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import WordEmbedder, page_of, reading_of
from pydantic import ValidationError

from knowledge.ingestion import mirror
from knowledge.settings import Settings, explained, load_settings


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"CANDOR_{name.upper()}", raising=False)
    monkeypatch.chdir(tmp_path)


def test_without_anything_set_the_defaults_hold() -> None:
    settings = load_settings()
    assert (settings.store, settings.host, settings.port) == (Path(".candor"), "127.0.0.1", 7860)
    assert settings.threshold is None and settings.llm == ""


def test_the_command_line_goes_before_the_environment_and_that_before_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("CANDOR_PORT=1111\nCANDOR_HOST=::1\nCANDOR_COMPANY=Fernlight\n")
    monkeypatch.setenv("CANDOR_PORT", "2222")
    monkeypatch.setenv("CANDOR_HOST", "0.0.0.0")
    settings = load_settings(port=3333, host=None)
    assert (settings.port, settings.host, settings.company) == (3333, "0.0.0.0", "Fernlight")


def test_a_file_can_be_named_or_left_out(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CANDOR_COMPANY=Here\n")
    (tmp_path / "other").write_text("CANDOR_COMPANY=There\n")
    assert load_settings(env_file=None).company == ""
    assert load_settings(env_file=tmp_path / "other").company == "There"
    assert load_settings(env_file=tmp_path / "none").company == ""


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.setenv(f"CANDOR_{name.upper()}", "")
    assert load_settings() == Settings(_env_file=None)


def test_other_variables_and_other_lines_of_the_file_are_left_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("OTHER=1\nCANDOR_UNKNOWN=1\n")
    monkeypatch.setenv("CANDOR_NO_SUCH", "1")
    assert load_settings() == Settings(_env_file=None)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PORT", "seven", "CANDOR_PORT is 'seven': input should be a valid integer"),
        ("PORT", "70000", "less than or equal to 65535"),
        ("PORT", "-1", "greater than or equal to 0"),
        ("THRESHOLD", "1.5", "CANDOR_THRESHOLD is '1.5': input should be less than or equal to 1"),
        ("THRESHOLD", "nan", "CANDOR_THRESHOLD is 'nan': input should be a finite number"),
        ("LLM_TIMEOUT", "0", "CANDOR_LLM_TIMEOUT is '0': input should be greater than 0"),
        ("LLM_TIMEOUT", "inf", "finite number"),
    ],
)
def test_a_wrong_value_is_explained_in_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(f"CANDOR_{name}", value)
    with pytest.raises(ValidationError) as refusal:
        load_settings()
    assert words in explained(refusal.value) and "\n" not in explained(refusal.value)


def test_all_wrong_values_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANDOR_PORT", "x")
    monkeypatch.setenv("CANDOR_THRESHOLD", "y")
    with pytest.raises(ValidationError) as refusal:
        load_settings()
    assert explained(refusal.value).count("CANDOR_") == 2


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("CANDOR_COMPANY=Müller".encode("latin-1"))
    with pytest.raises(
        ValueError, match=r"The settings in \.env cannot be read: it is not UTF-8 text\."
    ) as no:
        load_settings()
    assert explained(no.value) == str(no.value)


def test_a_secret_hides_itself() -> None:
    settings = load_settings(llm_api_key="secret-123")
    assert "secret-123" not in repr(settings) + str(settings.model_dump())
    with pytest.raises(ValidationError) as refusal:
        load_settings(llm_api_key=["secret-123"])
    assert "secret-123" not in explained(refusal.value)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        load_settings().port = 1  # type: ignore[misc]


def test_company_and_contact_of_the_store_hold_where_none_are_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embedder: WordEmbedder
) -> None:
    monkeypatch.setenv("CANDOR_COMPANY", "Bakery")
    readings = [reading_of(page_of("a.md", "Riga."))]
    mirror(readings, ["a.md"], tmp_path / "store", embedder, company="Mill", contact="jobs@mill.example")
    settings = load_settings(None, store=tmp_path / "store")
    assert (settings.company, settings.contact) == ("Bakery", "jobs@mill.example")
    mirror(readings, ["a.md"], tmp_path / "store", embedder)
    assert load_settings(None, store=tmp_path / "store").contact == ""


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("https://Careers.Example.com/", "https://careers.example.com"),
        ("HTTPS://careers.example.com:443", "https://careers.example.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:80/", "http://localhost"),
        ("https://*.Example.com:8443", "https://*.example.com:8443"),
    ],
)
def test_a_site_that_may_embed_is_spelled_as_browsers_do(given: str, meant: str) -> None:
    assert load_settings(None, embed_on=f"{given}, https://other.example {meant}").embed_on == (
        meant,
        "https://other.example",
    )


@pytest.mark.parametrize(
    "given",
    [
        "careers.example.com",
        "https://careers.example.com/jobs",
        "https://*",
        "*",
        "https://me@careers.example.com",
        "https://careers..example.com",
        "https://careers.example.com:99999",
        "https://bücher.example",
        "https://a.example;script-src",
        "https://exa*mple.com",
    ],
)
def test_what_is_no_site_is_refused_with_what_to_write(given: str) -> None:
    with pytest.raises(ValidationError, match=r"is no site; write scheme and host, without a path"):
        load_settings(None, embed_on=given)


def test_the_public_address_is_one_host_without_a_path() -> None:
    assert load_settings(None, public_url="HTTPS://Chat.example:443/").public_url == "https://chat.example"
    for given in ("chat.example", "https://chat.example/recruiter", "https://*.example"):
        with pytest.raises(ValidationError, match=r"it must name one host|is no site"):
            load_settings(None, public_url=given)
