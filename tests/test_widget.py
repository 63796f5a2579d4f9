"""The widget's files as they are served: how large they are, and what the pages allow."""

from __future__ import annotations

import gzip
import json
import re

import pytest
from fastapi.testclient import TestClient
from ui_fakes import FakeAssistant, settings

from ui.server import create_app
from ui.widget import LANGUAGES, WEB, all_tags, made

BUTTON, CHAT = 4_000, 25_000  # bytes, with gzip, in all


@pytest.fixture(scope="module")
def client() -> TestClient:
    chosen = settings(company='<Mill> & "Sons"', embed_on=("https://careers.example.com",))
    return TestClient(create_app(FakeAssistant(), chosen))


def packed(client: TestClient, path: str) -> int:
    """Bytes of a file on their way."""
    with client.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.status_code == 200 and answer.headers["content-encoding"] == "gzip"
        return len(b"".join(answer.iter_raw()))


def test_the_button_weighs_under_four_kilobytes(client: TestClient) -> None:
    assert packed(client, "/widget.js") <= BUTTON


def test_the_chat_page_weighs_under_25_kilobytes_with_all_its_languages(client: TestClient) -> None:
    files = ["/chat", "/chat/chat.css", "/chat/chat.js", *(f"/chat/{name}.json" for name in LANGUAGES)]
    assert sum(packed(client, path) for path in files) <= CHAT


def test_the_chat_page_loads_nothing_but_its_own_files(client: TestClient) -> None:
    page = client.get("/chat").text
    assert sorted(re.findall(r'(?:src|href)="([^"?]+)', page)) == ["chat/chat.css", "chat/chat.js"]
    for name in ("chat.js", "widget.js", "chat.css"):
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)[a-z]", client.get(f"/chat/{name}").text)


@pytest.mark.parametrize("path", ["/chat", "/demo"])
def test_the_pages_allow_no_script_but_their_own(client: TestClient, path: str) -> None:
    policy = client.get(path).headers["content-security-policy"]
    assert "unsafe" not in policy and "default-src 'none'" in policy and "script-src 'self'" in policy
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=", client.get(path).text)


def test_texts_are_never_taken_for_markup() -> None:
    for name in ("chat.js", "waiting.js", "widget.js"):
        code = (WEB / name).read_text(encoding="utf-8")
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function|srcdoc", code
        )


def test_the_company_is_shown_as_it_is_written(client: TestClient) -> None:
    assert "Ask about working at &lt;Mill&gt; &amp; &quot;Sons&quot;" in client.get("/chat").text


def test_browsers_keep_files_of_a_version_for_good_and_ask_again_for_the_rest(client: TestClient) -> None:
    kept = client.get(f"/chat/chat.js?{all_tags()}").headers["cache-control"]
    assert "immutable" in kept and "immutable" not in client.get("/chat/chat.js?old").headers["cache-control"]
    first = client.get("/widget.js")
    again = client.get("/widget.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/chat/chat.html", "/chat/none.js", "/chat/..%2fserver.py", "/demo/../api"])
def test_no_other_file_is_served(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_every_language_says_everything_with_the_same_values() -> None:
    said = {name: json.loads((WEB / f"{name}.json").read_text(encoding="utf-8")) for name in LANGUAGES}
    for name, words in said.items():
        assert words.keys() == said["en"].keys(), name
        for key, sentence in words.items():
            assert sorted(re.findall(r"\{\w+\}", sentence)) == sorted(
                re.findall(r"\{\w+\}", said["en"][key])
            ), key
            assert sentence.strip() == sentence and sentence


def test_every_sentence_is_used() -> None:
    code = "".join((WEB / name).read_text(encoding="utf-8") for name in ("chat.js", "waiting.js"))
    words = json.loads((WEB / "en.json").read_text(encoding="utf-8"))
    used = {*re.findall(r'"(\w+)"', code)}
    assert sorted(words.keys() - used) == []


def test_a_file_is_served_packed_or_not_as_the_browser_takes_it(client: TestClient) -> None:
    built = made("x = 1; // no more\n", ".js")
    assert gzip.decompress(built.packed) == built.content == b"x=1;"
    plain = client.get("/widget.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers and plain.headers["vary"].count("Accept-Encoding") == 1
