"""Chat models that do as they are told, or fail in a given way."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from typing import Any

from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk

KEY = "sk-very-secret-123"


class ScriptedModel(GenericFakeChatModel):
    """Streams its script: text or a message is a chunk, an exception is raised.

    A number is seconds of silence, an event silence until it is set; with an event, a test needs no clock.
    """

    messages: Iterator[AIMessage | str] = iter(())
    script: list[Any]
    calls: list[list[BaseMessage]] = []  # noqa: RUF012  (pydantic copies it for each model)
    left: Any = None

    def _stream(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        self.calls.append(messages)
        # Each call has its own part of the script, up to and with the next exception or None.
        try:
            while self.script:
                step = self.script.pop(0)
                if isinstance(step, BaseException):
                    raise step
                if step is None:
                    return
                if isinstance(step, float):
                    time.sleep(step)
                elif isinstance(step, threading.Event):
                    assert step.wait(30)
                elif isinstance(step, AIMessageChunk):
                    yield ChatGenerationChunk(message=step)
                else:
                    yield ChatGenerationChunk(message=AIMessageChunk(content=step))
        finally:
            if self.left is not None:
                self.left.set()


class ServerError(Exception):
    """An HTTP error as the clients of all providers raise it, its message full of what must stay inside."""

    def __init__(self, status: int, **headers: str) -> None:
        super().__init__(f"Incorrect API key provided: {KEY}")
        self.status_code = status
        self.response = type(
            "Response", (), {"headers": {k.replace("_", "-"): v for k, v in headers.items()}}
        )()


class EchoingModel(GenericFakeChatModel):
    """Says every sentence of every passage it is given, each with a true quotation: it obeys any page."""

    messages: Iterator[AIMessage | str] = iter(())

    def _stream(
        self, messages: list[BaseMessage], *args: Any, **kwargs: Any
    ) -> Iterator[ChatGenerationChunk]:
        given = re.findall(r'<passage number="(\d+)">\n.*\n([^<]*)', str(messages[-1].content))
        for number, text in given:
            for sentence in re.findall(r"[^.!?\n]+", text):
                said = f'{sentence.strip()} [{number} "{sentence.strip()}"]. '
                yield ChatGenerationChunk(message=AIMessageChunk(content=said))
