"""OpenAI-compatible servers: one with a tiny language model, made on the spot, and one that obeys what it reads."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

WORDS = (
    'everyone starts with 27 days of paid leave a year you get million euros home work we hire [1 " "]. . , '
    "visa remote team salary guaranteed week yes no the"
).split()


@contextmanager
def tiny_llm_server(folder: Path) -> Iterator[tuple[str, str]]:
    """Name of the model and base URL of a server, `transformers serve`, that runs until the end of the block.

    Without the server's packages the test skips, and fails in CI.
    """
    require_server()
    model = folder / "tiny"
    make_model(model)
    port = free_port()
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [
                *SERVE,
                str(model),
                "--host",
                "127.0.0.1",
                "--port",
                str(port),
                "--device",
                "cpu",
                "--default-seed",
                "7",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=os.environ | {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"},
        )
    try:
        wait_until_up(server, f"http://127.0.0.1:{port}/health", folder / "server.log")
        yield str(model), f"http://127.0.0.1:{port}/v1"
    finally:
        end(server)


SERVE = [str(Path(sys.executable).with_name("transformers")), "serve"]


class ObedientServer(ThreadingHTTPServer):
    """Speaks the protocol, and says what `order` finds in the prompt, in each of the `ways`; "Nothing." without any.

    `prompts` are what it was sent, `said` what it answered.
    """

    def __init__(self, order: re.Pattern[str], ways: Sequence[str]) -> None:
        super().__init__(("127.0.0.1", 0), _Obedient)
        self.order = order
        self.ways = ways
        self.prompts: list[str] = []
        self.said: list[str] = []

    @property
    def url(self) -> str:
        """What a client takes as its base URL."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def answer(self, messages: list[dict[str, str]]) -> str:
        """What it says to a conversation."""
        prompt = "\n".join(message["content"] for message in messages)
        orders = self.order.findall(prompt)
        said = " ".join(way.format(order=order) for order in orders for way in self.ways) or "Nothing."
        self.prompts.append(prompt)
        self.said.append(said)
        return said


class _Obedient(BaseHTTPRequestHandler):
    server: ObedientServer

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        words = re.findall(r"\S+\s*", self.server.answer(asked["messages"]))
        pieces = [{"delta": {"role": "assistant", "content": word}} for word in words]
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for piece in (*pieces, {"delta": {}, "finish_reason": "stop"}):
            chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "obedient"}
            told = {**chunk, "choices": [{"index": 0, "finish_reason": None, **piece}]}
            self.wfile.write(f"data: {json.dumps(told)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *_: object) -> None:
        """Not a word."""


@contextmanager
def obedient_llm_server(order: re.Pattern[str], ways: Sequence[str]) -> Iterator[ObedientServer]:
    """A server that runs until the end of the block."""
    server = ObedientServer(order, ways)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def require_server() -> None:
    """Skip, or fail in CI, where a package of the server is missing."""
    needed = ("transformers", "accelerate", "fastapi", "uvicorn", "openai", "langchain_openai")
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if shutil.which(SERVE[0]) is None:
        missing.append("the command transformers")
    if missing:
        message = f"missing for the language-model server: {', '.join(missing)}. Run: make setup"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(message)
        pytest.skip(message)


def make_model(folder: Path) -> None:
    """A Llama of two layers with random weights, and a tokenizer of a few words."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    vocabulary = {word: n for n, word in enumerate(dict.fromkeys(["<unk>", "<s>", "</s>", *WORDS]))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="</s>"
    )
    fast.chat_template = "{% for message in messages %}{{ message['content'] }}\n{% endfor %}"
    fast.save_pretrained(folder)
    torch.manual_seed(7)
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=8192,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
    )
    model = LlamaForCausalLM(config)
    model.generation_config.do_sample = True  # else it says one word for ever
    model.save_pretrained(folder)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_up(server: subprocess.Popen[bytes], url: str, log: Path, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    pytest.fail(f"the server did not start:\n{log.read_text(encoding='utf-8', errors='replace')[-2000:]}")


def end(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
