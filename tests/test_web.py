import gzip
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from site_server import Sent, Site, serving

from knowledge.errors import SourceError, UnreachableError
from knowledge.web import Web


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(Site()) as site:
        yield site


def web_of(kept: Path | None = None, **given: object) -> Web:
    return Web(kept, allow_private=True, pause=0, sleep=lambda seconds: None, **given)  # type: ignore[arg-type]


def test_a_page_comes_with_its_type_and_its_address(site: Site) -> None:
    site.pages["/a"] = "<p>Grüße</p>"
    with web_of() as web:
        answer = web.get(f"{site.url}/a#part")
    assert (answer.url, answer.media_type, answer.charset) == (f"{site.url}/a", "text/html", "utf-8")
    assert answer.content.decode() == "<p>Grüße</p>" and answer.changed
    assert all(agent.startswith("Candor/") for agent in site.agents)


def test_an_unchanged_page_is_not_sent_again(site: Site, tmp_path: Path) -> None:
    site.pages["/a"] = "<p>One</p>"
    for changed in (True, False):
        with web_of(tmp_path) as web:
            answer = web.get(f"{site.url}/a")
        assert (answer.content, answer.changed) == (b"<p>One</p>", changed)
    site.pages["/a"] = "<p>Two</p>"
    with web_of(tmp_path) as web:
        assert web.get(f"{site.url}/a").content == b"<p>Two</p>"
    assert site.read() == ["/a 200", "/a 304", "/a 200"]


@pytest.mark.parametrize("ending", [".json", ".body"])
def test_a_damaged_copy_is_fetched_again(site: Site, tmp_path: Path, ending: str) -> None:
    site.pages["/a"] = "<p>One</p>"
    for _ in range(2):
        with web_of(tmp_path) as web:
            assert web.get(f"{site.url}/a").content == b"<p>One</p>"
        next(path for path in tmp_path.iterdir() if path.suffix == ending).write_bytes(b"{")
    assert site.read() == ["/a 200", "/a 200"]


def test_what_was_not_asked_for_in_two_months_is_forgotten(site: Site, tmp_path: Path) -> None:
    site.pages |= {"/a": "<p>One</p>", "/b": Sent(b"Two")}
    with web_of(tmp_path) as web:
        web.get(f"{site.url}/a")
        web.get(f"{site.url}/b")
        # Without an ETag there is nothing to ask by, but a copy for when the site fails.
        assert (copy := web.copy_of(f"{site.url}/b")) and copy.content == b"Two"
    for path in tmp_path.iterdir():
        os.utime(path, (0, 0))
    with web_of(tmp_path) as web:
        web.get(f"{site.url}/a")
    with web_of(tmp_path) as web:
        assert web.copy_of(f"{site.url}/a") and not web.copy_of(f"{site.url}/b")


def test_last_modified_is_asked_for_as_well(site: Site, tmp_path: Path) -> None:
    site.pages["/a"] = Sent(b"x", headers={"last-modified": "Mon, 05 May 2025 10:00:00 GMT"})
    with web_of(tmp_path) as web:
        web.get(f"{site.url}/a")
    site.pages["/a"] = Sent(status=304)
    with web_of(tmp_path) as web:
        assert web.get(f"{site.url}/a").content == b"x"


def test_robots_txt_is_obeyed(site: Site) -> None:
    site.pages |= {
        "/robots.txt": "User-agent: *\nDisallow: /intern\n\nUser-agent: Candor\nDisallow: /secret\n",
        "/secret/a": "no",
        "/intern": "yes",
    }
    with web_of() as web:
        assert web.get(f"{site.url}/intern").content == b"yes"
        with pytest.raises(SourceError, match=r"robots\.txt of 127\.0\.0\.1 asks not to read it"):
            web.get(f"{site.url}/secret/a")
    assert site.asked == ["/robots.txt 200", "/intern 200"]


def test_rules_that_cannot_be_had_forbid_all_and_missing_ones_nothing(site: Site) -> None:
    site.pages["/a"] = "yes"
    with web_of() as web:
        assert web.get(f"{site.url}/a").content == b"yes"
    site.pages["/robots.txt"] = Sent(status=503)
    with web_of() as web, pytest.raises(UnreachableError, match="not known what may be read"):
        web.get(f"{site.url}/a")


def test_requests_to_a_site_keep_the_pause_it_asks_for(site: Site) -> None:
    site.pages |= {"/robots.txt": "User-agent: *\nCrawl-delay: 7\n", "/a": "a"}
    waited: list[float] = []
    with Web(allow_private=True, pause=0.5, sleep=waited.append) as web:
        web.get(f"{site.url}/a")
        web.get(f"{site.url}/a")
    assert [5 < seconds <= 7 for seconds in waited] == [True, True]


def test_redirects_are_followed_and_each_hop_is_judged(site: Site) -> None:
    site.pages |= {"/a": Sent(status=301, headers={"location": "/b"}), "/b": "there"}
    site.pages["/robots.txt"] = "User-agent: *\nDisallow: /secret\n"
    for number, target in enumerate(
        ["ftp://example.com/", "file:///etc/passwd", "/secret", "http://[::1", "/r0"]
    ):
        site.pages[f"/r{number}"] = Sent(status=302, headers={"location": target})
    site.pages["/r4"] = Sent(status=302, headers={"location": "/r4"})
    with web_of() as web:
        assert web.get(f"{site.url}/a").url == f"{site.url}/b"
        for number, words in enumerate(
            ["only http", "only http", "robots", "cannot be reached", "without end"]
        ):
            with pytest.raises(SourceError, match=words):
                web.get(f"{site.url}/r{number}")


def test_a_redirect_into_the_network_is_refused(monkeypatch: pytest.MonkeyPatch, site: Site) -> None:
    site.pages["/a"] = Sent(status=302, headers={"location": "http://10.0.0.1/admin"})
    # The site itself counts as public here, as it would be in earnest.
    monkeypatch.setattr("knowledge.addresses.is_public", lambda address: address == "127.0.0.1")
    with Web(pause=0) as web, pytest.raises(SourceError, match=r"10\.0\.0\.1, an address inside"):
        web.get(f"{site.url}/a")


def test_what_is_too_large_is_not_read_on(site: Site) -> None:
    site.pages |= {
        "/plain": Sent(b"x" * 2000),
        "/packed": Sent(gzip.compress(b"x" * 2_000_000), headers={"content-encoding": "gzip"}),
        "/fits": Sent(gzip.compress(b"x" * 900), headers={"content-encoding": "gzip"}),
        "/odd": Sent(b"x", headers={"content-encoding": "br"}),
        "/broken": Sent(b"x", headers={"content-encoding": "gzip"}),
    }
    with web_of(largest=1000) as web:
        assert web.get(f"{site.url}/fits").content == b"x" * 900
        for path, words in {"plain": "larger than", "packed": "larger than", "odd": "not asked for"}.items():
            with pytest.raises(SourceError, match=words):
                web.get(f"{site.url}/{path}")
        with pytest.raises(UnreachableError, match="cannot be reached"):
            web.get(f"{site.url}/broken")


def test_what_never_ends_is_given_up(site: Site) -> None:
    site.pages["/a"] = Sent(b"x", headers={"content-length": "100"})
    with web_of(most_seconds=0.3) as web, pytest.raises(UnreachableError):
        web.get(f"{site.url}/a")


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (404, SourceError, "no such page"),
        (403, SourceError, "wants a login"),
        (418, SourceError, "answers 418"),
        (500, UnreachableError, "Try again later"),
        (429, UnreachableError, "Try again later"),
    ],
)
def test_what_a_site_refuses_is_told_in_one_line(
    site: Site, status: int, kind: type[SourceError], words: str
) -> None:
    site.pages["/a"] = Sent(status=status)
    with web_of() as web, pytest.raises(SourceError, match=words) as refusal:
        web.get(f"{site.url}/a")
    assert type(refusal.value) is kind and "\n" not in str(refusal.value)


def test_a_busy_site_is_asked_once_more_after_the_pause_it_names(site: Site) -> None:
    answers = iter([Sent(status=503, headers={"retry-after": "3"}), Sent(b"there")])
    site.pages["/a"] = lambda: next(answers)
    waited: list[float] = []
    with Web(allow_private=True, pause=0, sleep=waited.append) as web:
        assert web.get(f"{site.url}/a").content == b"there"
    assert waited == [3.0]


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/a",
        "file:///etc/passwd",
        "https://",
        "http://[::1",
        "javascript:alert(1)",
        "https://a:b/",
    ],
)
def test_only_web_addresses_are_asked(url: str) -> None:
    with web_of() as web, pytest.raises(SourceError):
        web.get(url)


def test_an_address_with_a_password_is_refused_without_repeating_it() -> None:
    with web_of() as web, pytest.raises(SourceError, match="name or password") as refusal:
        web.get("https://ada:s3cret@mill.example/")
    assert "s3cret" not in str(refusal.value)


def test_a_site_that_is_not_there_cannot_be_reached() -> None:
    with web_of() as web, pytest.raises(UnreachableError, match="cannot be reached"):
        web.get("http://127.0.0.1:9/")
