"""Sending a transcript on, to a real web server and a real mail server on this computer."""

from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Iterator
from email.message import Message
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message as MessageHandler
from ui_fakes import settings

from ui.handover import Courier, HandoverError, Letter, letter

TRANSCRIPT: dict[str, Any] = {
    "id": "a" * 32,
    "exchanges": [
        {
            "question": "Is there a nursery?",
            "reply": {
                "answer": "The pages say nothing.",
                "citations": [{"title": "Benefits", "url": "https://x.example"}],
            },
        }
    ],
}


class Hook(http.server.ThreadingHTTPServer):
    """Takes what is posted, and answers as it is told."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), HookHandler)
        self.taken: list[dict[str, Any]] = []
        self.status = 200

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"


class HookHandler(http.server.BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        self.server.taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.server.status)
        self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[Hook]:
    server = Hook()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


class Mails(MessageHandler):
    def __init__(self) -> None:
        super().__init__()
        self.taken: list[Message] = []

    def handle_message(self, message: Message) -> None:
        self.taken.append(message)


def test_a_letter_holds_the_note_the_way_back_and_all_exchanges() -> None:
    sent = letter(TRANSCRIPT, "Please  call", "ana@mail.example\nBcc: x")
    assert "Please  call" in sent.text and "Q: Is there a nursery?" in sent.text
    assert "A: The pages say nothing." in sent.text and "[1] Benefits https://x.example" in sent.text
    assert sent.reply_to == "ana@mail.example Bcc: x"


def test_another_text_has_another_digest() -> None:
    assert letter(TRANSCRIPT, "", "").digest != letter(TRANSCRIPT, "x", "").digest


def test_a_webhook_gets_exactly_the_letter(hook: Hook) -> None:
    sent = letter(TRANSCRIPT, "Please call", "ana@mail.example")
    Courier(settings(handover_webhook=hook.address)).deliver(sent)
    # Without the id, with which the chat could be read and deleted.
    assert hook.taken == [{"text": sent.text, "reply_to": "ana@mail.example"}]


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_webhook_that_does_not_take_it_is_an_error_and_leads_nowhere_else(hook: Hook, status: int) -> None:
    hook.status = status
    with pytest.raises(HandoverError):
        Courier(settings(handover_webhook=hook.address)).deliver(Letter("a" * 32, "text"))
    assert len(hook.taken) == 1


@pytest.fixture(scope="module")
def post_office() -> Iterator[tuple[Mails, str]]:
    """A mail server: what it took, and its address."""
    mails = Mails()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(mails, hostname="127.0.0.1", port=port)
    server.start()
    yield mails, f"smtp://127.0.0.1:{port}"
    server.stop()


def mailed(post_office: tuple[Mails, str], sent: Letter, company: str = "Harbor & Pine") -> Message:
    """The one mail that a letter becomes."""
    mails, address = post_office
    mails.taken.clear()
    Courier(settings(handover_mail="jobs@x.example", smtp_url=address, company=company)).deliver(sent)
    (mail,) = mails.taken
    return mail


def said_by(mail: Message) -> str:
    body = mail.get_payload(decode=True)
    assert isinstance(body, bytes)
    return body.decode()


def test_a_mail_holds_the_letter_and_the_way_back(post_office: tuple[Mails, str]) -> None:
    mail = mailed(post_office, letter(TRANSCRIPT, "שלום", "ana@mail.example"))
    assert (mail["To"], mail["Reply-To"]) == ("jobs@x.example", "ana@mail.example")
    assert "שלום" in said_by(mail) and "Is there a nursery?" in said_by(mail)


@pytest.mark.parametrize(
    "way_back",
    [
        "ana@mail.example\r\nBcc: all@evil.example",
        "ana@mail.example\nBcc:all@evil.example",
        "ana@mail.example\x0bBcc:all@evil.example\x00",
        "ana@mail.example,all@evil.example",
        "a:ana@mail.example,all@evil.example;",
        "=?utf-8?q?ana=0d=0aBcc:all=40evil.example?=@mail.example",
        "<ana@mail.example>\u2028Bcc:all@evil.example",
        "ana@",
        "ana@[",
        "\\@",
        "@@",
        '"ana@mail.example',
        "ána@mail.example",
        "a" * 199 + "@",
        "+49 30 1234567",
    ],
)
def test_a_way_back_that_is_no_plain_address_stays_in_the_text(
    post_office: tuple[Mails, str], way_back: str
) -> None:
    mail = mailed(post_office, letter(TRANSCRIPT, "", way_back))
    assert not {"Reply-To", "Bcc", "Cc"} & set(mail.keys())
    assert mail["X-RcptTo"] == "jobs@x.example"
    assert f"Reply to: {' '.join(way_back.split())}" in said_by(mail)


@pytest.mark.parametrize(
    "company", ["Mill\r\nBcc: all@evil.example", "=?utf-8?q?Mill=0aBcc:all=40evil.example?=", "Müll " * 2000]
)
def test_the_company_s_name_stays_in_the_subject(post_office: tuple[Mails, str], company: str) -> None:
    mail = mailed(post_office, letter(TRANSCRIPT, "", ""), company)
    assert "Bcc" not in mail and mail["X-RcptTo"] == "jobs@x.example" and len(mail["Subject"]) < 1000


@pytest.mark.parametrize("end", ["\r\n.\r\n", "\n.\n", "\r.\r", "\n.\r\n", "\r\n.\n"])
def test_a_note_does_not_end_the_mail_and_begin_another(post_office: tuple[Mails, str], end: str) -> None:
    """Also where a server takes another end for the end of a mail (SMTP smuggling)."""
    command = (
        "MAIL FROM:<jobs@x.example>\r\nRCPT TO:<all@evil.example>\r\nDATA\r\nFrom: jobs@x.example\r\n\r\nPay!"
    )
    mail = mailed(post_office, letter(TRANSCRIPT, f"Hello{end}{command}{end}", ""))
    assert "RCPT TO:<all@evil.example>" in said_by(mail) and "Is there a nursery?" in said_by(mail)


def test_lines_of_a_letter_may_be_long(post_office: tuple[Mails, str]) -> None:
    assert "x" * 50_000 in said_by(mailed(post_office, letter(TRANSCRIPT, "x" * 50_000, "")))


def test_a_mail_server_that_is_away_is_an_error() -> None:
    chosen = settings(handover_mail="jobs@x.example", smtp_url="smtp://127.0.0.1:9")
    with pytest.raises(HandoverError):
        Courier(chosen).deliver(Letter("a" * 32, "text"))


def test_without_an_address_nothing_can_be_sent() -> None:
    assert not Courier(settings())
