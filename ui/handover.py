"""Sending a transcript to a recruiter, by webhook or mail, exactly as the candidate has seen and agreed to it."""

from __future__ import annotations

import hashlib
import logging
import re
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx

from knowledge.settings import Settings
from ui.conversations import as_text

TIMEOUT = 10.0  # seconds for the webhook or mail server to take it

ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")
"""A mail address that a header may hold: as HTML's input fields know it, without the "?" of encoded words (RFC 2047)."""

log = logging.getLogger(__name__)


class HandoverError(RuntimeError):
    """A transcript could not be delivered."""


@dataclass(frozen=True)
class Letter:
    """What is sent: `text` is all of it, and `digest` its SHA-256 in hex."""

    conversation: str
    text: str
    reply_to: str = ""

    @property
    def digest(self) -> str:
        """What the candidate agrees to."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def letter(transcript: dict[str, Any], note: str, reply_to: str) -> Letter:
    """What would be sent of a conversation, with the candidate's own words and how to reach them."""
    parts = ["A candidate asked for this conversation with the automated assistant to be sent to you."]
    if note.strip():
        parts.append(f"Their note:\n{note.strip()}")
    if reply_to.strip():
        parts.append(f"Reply to: {' '.join(reply_to.split())}")
    parts.append(as_text(transcript))
    return Letter(str(transcript["id"]), "\n\n".join(parts), " ".join(reply_to.split()))


class Courier:
    """Delivers letters by webhook, by mail, or both, as the settings say."""

    def __init__(self, settings: Settings) -> None:
        self.webhook = settings.handover_webhook
        self.mail = settings.handover_mail
        self.smtp = urlsplit(settings.smtp_url.get_secret_value())
        self.company = settings.company

    def __bool__(self) -> bool:
        return bool(self.webhook or self.mail)

    def deliver(self, sent: Letter) -> None:
        """Have a letter accepted; `HandoverError` where it was not."""
        try:
            if self.webhook:
                self._post(sent)
            if self.mail:
                self._mail(sent)
        except (httpx.HTTPError, OSError, smtplib.SMTPException, ValueError) as error:
            # The log tells who runs this; the letter itself is the candidate's and stays out of it.
            log.error("A transcript could not be handed over: %s", type(error).__name__)
            raise HandoverError(str(error)) from error

    def _post(self, sent: Letter) -> None:
        # Not the chat's id: whoever has that can read the chat, and delete it.
        told = {"text": sent.text, "reply_to": sent.reply_to}
        # Whoever runs this chose the address: it may be inside their network, but nobody may send us elsewhere.
        with httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as client:
            answer = client.post(self.webhook, json=told, headers={"Idempotency-Key": sent.digest})
        if not answer.is_success:
            raise httpx.HTTPStatusError(
                f"the webhook answered {answer.status_code}", request=answer.request, response=answer
            )

    def _mail(self, sent: Letter) -> None:
        message = EmailMessage()
        company = _in_a_header(self.company)
        message["Subject"] = f"A candidate's question{f' for {company}' if company else ''}"
        message["To"] = message["From"] = self.mail
        if ADDRESS.fullmatch(sent.reply_to):  # whatever else it is stands in the text
            message["Reply-To"] = sent.reply_to
        message.set_content(sent.text)
        with self._server() as server:
            if self.smtp.username:
                server.login(unquote(self.smtp.username), unquote(self.smtp.password or ""))
            server.send_message(message)

    def _server(self) -> smtplib.SMTP:
        host, context = self.smtp.hostname or "", ssl.create_default_context()
        if self.smtp.scheme == "smtps":
            return smtplib.SMTP_SSL(host, self.smtp.port or 465, timeout=TIMEOUT, context=context)
        server = smtplib.SMTP(host, self.smtp.port or 587, timeout=TIMEOUT)
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=context)
        return server


def _in_a_header(text: str) -> str:
    """A text as part of a header: one line, not too long, and no encoded word, in which a line break may hide."""
    return " ".join(text.split()).replace("=?", "= ?")[:100]
