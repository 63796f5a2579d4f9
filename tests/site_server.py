"""A website on the loopback address, for tests: pages as a dictionary, and what was asked of it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Sent:
    """What the site sends for a path; `headers` go with it."""

    content: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Site:
    """Paths with what is sent for them: a text is an HTML page; `asked` lists "path status" in order."""

    pages: dict[str, str | bytes | Sent | Callable[[], Sent]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    url: str = ""

    def answer(self, path: str) -> Sent:
        """What is sent for a path."""
        page = self.pages.get(path, Sent(status=404))
        if callable(page):
            page = page()
        if isinstance(page, Sent):
            return page
        kind = "text/html; charset=utf-8" if isinstance(page, str) else "application/octet-stream"
        if path.split("?")[0].endswith((".json", "postings")):
            kind = "application/json"
        elif path.endswith(".xml"):
            kind = "application/xml"
        content = page.encode() if isinstance(page, str) else page
        tag = f'"{sha256(content).hexdigest()[:12]}"'
        return Sent(content, 200, {"content-type": kind, "etag": tag})

    def read(self) -> list[str]:
        """The paths asked for but robots.txt, since the last time this was asked."""
        paths = [line for line in self.asked if not line.startswith("/robots.txt")]
        self.asked.clear()
        return paths


@contextmanager
def serving(site: Site, host: str = "127.0.0.1") -> Iterator[Site]:
    """Serve a site until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sent = site.answer(self.path)
            site.agents.add(self.headers["user-agent"])
            known = self.headers.get("if-none-match")
            status = 304 if known and known == sent.headers.get("etag") else sent.status
            site.asked.append(f"{self.path} {status}")
            self.send_response(status)
            for name, value in sent.headers.items():
                self.send_header(name, value)
            content = b"" if status == 304 else sent.content
            if "content-length" not in sent.headers:
                self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer((host, 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    site.url = f"http://{host}:{server.server_port}"
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
