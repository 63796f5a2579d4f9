"""Fetching from websites as a polite guest: robots.txt, one request at a time, nothing fetched twice.

What a site sends is kept in a folder beside the store: where it came with an ETag or a Last-Modified, the
next ingest only asks whether it changed, and a page that fails is taken from its copy. Sizes, seconds and redirects are limited, and each hop of a redirect
is judged like a first address.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Self

import httpx
from protego import Protego

from knowledge.addresses import GuardedTransport
from knowledge.errors import SourceError, UnreachableError

AGENT = "Candor"
_HEADERS = {
    "User-Agent": f"{AGENT}/0.1 (reads careers pages for their own company's chat)",
    "Accept": "text/html,application/xhtml+xml,application/json,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Encoding": "gzip",
}
_LARGEST, _LARGEST_ROBOTS = 50_000_000, 500_000
_MOST_HOPS = 5
_LONGEST_PAUSE = 30.0
_KEPT_SECONDS = 60 * 24 * 3600
_REDIRECTS = (301, 302, 303, 307, 308)
_BUSY = (429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Answer:
    """What a site sent: the address after redirects, the unpacked bytes and what they are said to be.

    `changed` is false where the site said that it is what it sent the last time.
    """

    url: str
    content: bytes
    media_type: str = ""
    charset: str = ""
    changed: bool = True


@dataclass(frozen=True)
class _Response:
    status: int
    headers: Mapping[str, str]
    content: bytes


class Web:
    """A door to the web that stays open for one ingest; use it in a `with` statement."""

    def __init__(
        self,
        kept: Path | None = None,
        *,
        allow_private: bool = False,
        pause: float = 0.5,
        largest: int = _LARGEST,
        most_seconds: float = 60.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`kept`: folder for what is not fetched again; `pause`: least seconds between requests to a host.

        `largest`: bytes of one answer, unpacked; `most_seconds`: the longest that one may take.
        """
        self.kept = kept
        self.pause = pause
        self.largest = largest
        self.sleep = sleep
        transport = GuardedTransport(allow_private, most_seconds)
        timeout = httpx.Timeout(min(20.0, most_seconds))
        self.client = httpx.Client(transport=transport, timeout=timeout, headers=_HEADERS, trust_env=False)
        self._robots: dict[str, Protego] = {}
        self._last: dict[str, float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self._forget()

    def get(self, url: str) -> Answer:
        """What is at an address, as it is now.

        Raises `UnreachableError` where the site does not answer now, `SourceError` where it never will:
        not found, kept to itself by robots.txt, too large, an address that must not be asked.
        """
        address = web_address(url)
        for _ in range(_MOST_HOPS + 1):
            robots = self._robots_of(address)
            if not robots.can_fetch(str(address), AGENT):
                raise SourceError(
                    f"{address}: the robots.txt of {address.host} asks not to read it. "
                    "Save the page to a file and give that."
                )
            kept = self._kept(str(address))
            delay = float(robots.crawl_delay(AGENT) or 0)
            response = self._ask(address, self.largest, delay, _validators(kept))
            if response.status not in _REDIRECTS or "location" not in response.headers:
                return self._answer(str(address), response, kept)
            address = _next_hop(address, response.headers["location"])
        raise SourceError(f"{url} leads from one address to the next without end. Give the last of them.")

    def copy_of(self, url: str) -> Answer | None:
        """What was last kept of an address, for when it does not answer now."""
        kept = self._kept(str(web_address(url)))
        if not kept:
            return None
        return Answer(url, self._kept_content(url), kept["media_type"], kept["charset"], changed=False)

    def _answer(self, url: str, response: _Response, kept: Mapping[str, str] | None) -> Answer:
        if response.status == 304 and kept:
            self._touch(url)
            return Answer(url, self._kept_content(url), kept["media_type"], kept["charset"], changed=False)
        if response.status != 200:
            raise _refused(url, response.status)
        header = Message()
        header["content-type"] = response.headers.get("content-type", "")
        charset = str(header.get_param("charset") or "")
        media_type = header.get_content_type() if header["content-type"] else ""
        answer = Answer(url, response.content, media_type, charset)
        self._keep(answer, response.headers)
        return answer

    # Asking

    def _ask(
        self, address: httpx.URL, largest: int, delay: float = 0, headers: Mapping[str, str] | None = None
    ) -> _Response:
        """The response to one request; a busy server is asked once more, after the pause it asks for."""
        response = self._request(address, largest, delay, headers or {})
        if response.status in _BUSY:
            self.sleep(_retry_after(response.headers.get("retry-after", "")))
            response = self._request(address, largest, delay, headers or {})
        return response

    def _request(
        self, address: httpx.URL, largest: int, delay: float, headers: Mapping[str, str]
    ) -> _Response:
        self._wait(address.host, delay)
        try:
            with self.client.stream("GET", address, headers=dict(headers)) as response:
                content = b"" if response.status_code != 200 else _content(response, largest)
                return _Response(response.status_code, response.headers, content)
        except httpx.TimeoutException as error:
            raise UnreachableError(f"{address} does not answer in time. Try again later.") from error
        except (httpx.HTTPError, httpx.InvalidURL, zlib.error, ValueError) as error:
            why = " ".join(str(error).split()) or type(error).__name__
            raise UnreachableError(
                f"{address} cannot be reached ({why}). Check the address and the connection."
            ) from error
        finally:
            self._last[address.host] = time.monotonic()

    def _wait(self, host: str, delay: float) -> None:
        if host in self._last:
            pause = min(max(self.pause, delay), _LONGEST_PAUSE)
            left = self._last[host] + pause - time.monotonic()
            if left > 0:
                self.sleep(left)

    def _robots_of(self, address: httpx.URL) -> Protego:
        """The rules of a site. Where there are none, all is allowed; where they cannot be had, nothing."""
        origin = f"{address.scheme}://{address.netloc.decode('ascii')}"
        if origin not in self._robots:
            self._robots[origin] = Protego.parse(self._robots_text(httpx.URL(f"{origin}/robots.txt")))
        return self._robots[origin]

    def _robots_text(self, address: httpx.URL) -> str:
        for _ in range(_MOST_HOPS + 1):
            response = self._ask(address, _LARGEST_ROBOTS)
            if response.status == 200:
                return response.content.decode("utf-8", errors="replace")
            if response.status >= 500 or response.status == 429:
                raise UnreachableError(
                    f"{address} answers {response.status}, so it is not known what may be read. "
                    "Try again later."
                )
            if response.status not in _REDIRECTS or "location" not in response.headers:
                break
            address = _next_hop(address, response.headers["location"])
        return ""

    # Keeping

    def _path(self, url: str, ending: str) -> Path | None:
        return self.kept / f"{hashlib.sha256(url.encode()).hexdigest()[:32]}{ending}" if self.kept else None

    def _kept(self, url: str) -> dict[str, str] | None:
        """What is known of an answer kept; None where there is none, or not whole."""
        about = self._path(url, ".json")
        try:
            known = json.loads(about.read_text(encoding="utf-8")) if about else None
            content = self._kept_content(url) if known else b""
            if not known or known["sha256"] != hashlib.sha256(content).hexdigest():
                return None
            return {name: str(known[name]) for name in ("etag", "last_modified", "media_type", "charset")}
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def _kept_content(self, url: str) -> bytes:
        path = self._path(url, ".body")
        return path.read_bytes() if path else b""

    def _keep(self, answer: Answer, headers: Mapping[str, str]) -> None:
        """Keep an answer; a disk that is full is no reason to stop."""
        body, about = self._path(answer.url, ".body"), self._path(answer.url, ".json")
        if body is None or about is None:
            return
        known = {
            "url": answer.url,
            "etag": headers.get("etag", ""),
            "last_modified": headers.get("last-modified", ""),
            "media_type": answer.media_type,
            "charset": answer.charset,
            "sha256": hashlib.sha256(answer.content).hexdigest(),
        }
        try:
            body.parent.mkdir(parents=True, exist_ok=True)
            # The checksum tells a body and a record that do not belong together.
            body.write_bytes(answer.content)
            about.write_text(json.dumps(known), encoding="utf-8")
        except OSError:
            with contextlib.suppress(OSError):
                about.unlink(missing_ok=True)

    def _touch(self, url: str) -> None:
        for ending in (".json", ".body"):
            if path := self._path(url, ending):
                with contextlib.suppress(OSError):
                    path.touch()

    def _forget(self) -> None:
        """Remove what no ingest has asked for in a long time."""
        with contextlib.suppress(OSError):
            for path in self.kept.glob("*.*") if self.kept else ():
                if path.stat().st_mtime < time.time() - _KEPT_SECONDS:
                    path.unlink(missing_ok=True)


def web_address(url: str) -> httpx.URL:
    """An address as it is asked for: http or https, with a host, without a fragment."""
    try:
        address = httpx.URL(url.strip()).copy_with(fragment=None)
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise SourceError(
            f"{url} is not a web address. Give one like https://example.com/careers."
        ) from error
    if address.scheme not in ("http", "https") or not address.host:
        raise SourceError(f"{url} is not a web address: only http:// and https:// are read.")
    if address.userinfo:
        # It would stand in every citation.
        raise SourceError(f"The address at {address.host} holds a name or password. Give it without.")
    return address


def _next_hop(address: httpx.URL, location: str) -> httpx.URL:
    try:
        return web_address(str(address.join(location)))
    except (httpx.InvalidURL, ValueError) as error:
        raise SourceError(f"{address} leads to {location!r}, which is not a web address.") from error


def _content(response: httpx.Response, largest: int) -> bytes:
    """The unpacked body, read no further than `largest` bytes: a small gzip may unpack to a huge text."""
    packed = response.headers.get("content-encoding", "").strip().lower()
    if packed not in ("", "identity", "gzip", "x-gzip"):
        raise SourceError(
            f"{response.url} is sent as {packed!r}, which was not asked for. Save it to a file."
        )
    unpack = zlib.decompressobj(47) if packed in ("gzip", "x-gzip") else None
    content = bytearray()
    for chunk in response.iter_raw():
        content += unpack.decompress(chunk, largest + 1) if unpack else chunk
        if len(content) > largest:
            raise SourceError(
                f"{response.url} is larger than {largest / 1e6:.0f} MB. Save the part that matters to a file."
            )
    if unpack and not unpack.eof:
        raise ValueError("what it packed is not whole")
    return bytes(content)


def _validators(kept: Mapping[str, str] | None) -> dict[str, str]:
    if not kept:
        return {}
    headers = {"If-None-Match": kept.get("etag"), "If-Modified-Since": kept.get("last_modified")}
    return {name: str(value) for name, value in headers.items() if value}


def _retry_after(value: str) -> float:
    """Seconds to wait before asking again, as the server says, within reason."""
    if value.isascii() and value.isdigit():
        return min(float(value), _LONGEST_PAUSE)
    try:
        seconds = parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        seconds = 2.0
    return min(max(seconds, 1.0), _LONGEST_PAUSE)


def _refused(url: str, status: int) -> SourceError:
    if status in _BUSY or status >= 500:
        return UnreachableError(f"{url} answers {status}. Try again later.")
    if status in (401, 403, 407):
        return SourceError(
            f"{url} answers {status}: it wants a login. Save the page to a file and give that."
        )
    if status in (404, 410):
        return SourceError(f"{url} answers {status}: there is no such page. Check the address.")
    return SourceError(f"{url} answers {status}. Open it in a browser, and give the address it ends at.")
