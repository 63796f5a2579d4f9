"""Every compiled pattern of the code, tried with texts on which a careless one takes for ever.

    python tests/patterns.py [CHARACTERS]

Prints the patterns that take more than a second of processor time for one text of 100,000 characters.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(__file__).parents[1]))

UNITS = (
    "a",
    " ",
    "1",
    "\n",
    "a ",
    "1.",
    "1-",
    "a@",
    "<",
    "&",
    "[",
    "(",
    '"',
    "#",
    "|",
    "**",
    "- ",
    "a1",
    "€1 ",
    ". A",
    "http://",
    "א",
)


class TooSlowError(Exception):
    """A pattern took more than its time."""


def patterns() -> Iterator[tuple[str, re.Pattern[str], bool]]:
    """The patterns of text in all modules, with where they stand, each once, and whether they are searched for.

    One that is only ever held against a text from its start, by `match` or `fullmatch`, is not.
    """
    seen: set[int] = set()
    code = "".join(
        path.read_text(encoding="utf-8")
        for room in ("assistant", "knowledge", "ui")
        for path in sorted((Path(__file__).parents[1] / room).rglob("*.py"))
    )
    for room in ("assistant", "knowledge", "ui"):
        package = importlib.import_module(room)
        for found in pkgutil.walk_packages(package.__path__, f"{room}."):
            if "__main__" in found.name or "migrations" in found.name:
                continue
            module = importlib.import_module(found.name)
            for name, value in vars(module).items():
                for number, pattern in enumerate(_inside(value)):
                    if id(pattern) not in seen and isinstance(pattern.pattern, str):
                        seen.add(id(pattern))
                        used = set(re.findall(rf"\b{name}\.(\w+)", code))
                        held = bool(used) and used <= {"match", "fullmatch"}
                        yield f"{found.name}.{name}[{number}]", pattern, not held


def _inside(value: object, depth: int = 3) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth and isinstance(value, dict):
        for each in (*value, *value.values()):
            yield from _inside(each, depth - 1)
    elif depth and isinstance(value, list | tuple | set | frozenset):
        for each in value:
            yield from _inside(each, depth - 1)


def slow(pattern: re.Pattern[str], searched: bool, length: int, seconds: float) -> list[str]:
    """The units of whose repetitions a text of `length` characters takes more than `seconds` of processor time."""

    def stop(_: int, __: FrameType | None) -> None:
        raise TooSlowError

    found = []
    before = signal.signal(signal.SIGVTALRM, stop)
    try:
        for unit in UNITS:
            text = (unit * length)[:length] + "\0!"
            signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
            try:
                if searched:
                    for _ in pattern.finditer(text):
                        pass
                else:
                    pattern.match(text)
                    pattern.fullmatch(text)
            except TooSlowError:
                found.append(unit)
            finally:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    finally:
        signal.signal(signal.SIGVTALRM, before)
    return found


def main() -> None:
    """Try all of them, and print the slow ones."""
    length = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    started, count = time.process_time(), 0
    for where, pattern, searched in patterns():
        count += 1
        if units := slow(pattern, searched, length, 1.0):
            print(f"{where}: {units} {pattern.pattern[:120]!r}", flush=True)  # noqa: T201
    print(f"{count} patterns, {length:,} characters, {time.process_time() - started:.0f} s")  # noqa: T201


if __name__ == "__main__":
    main()
