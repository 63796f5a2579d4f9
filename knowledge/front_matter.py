"""Front matter: the YAML, TOML or JSON that site generators read above a page's text."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

import frontmatter
import yaml

_FENCED = re.compile(r"\A\s*(---|\+\+\+)[ \t]*\r?\n(.*?)\r?\n\1[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_MOST_ALIASES = 10  # a list of lists of the same list, ten deep, is printed as gigabytes
_LINE = re.compile(r"^([A-Za-z_][\w .-]*?)\s*[:=]\s*(.*)$")


def split_front_matter(text: str) -> tuple[dict[str, Any], str]:
    """The front matter's fields and the text below it; broken YAML is read line by line."""
    text = text.lstrip("\ufeff")
    if text.lstrip().startswith("{"):
        return _split_json(text)
    fenced = _FENCED.match(text)
    if not fenced:
        return {}, text
    fence, head = fenced.groups()
    fields = _read_toml(head) if fence == "+++" else _read_yaml(head)
    if fields is None:
        fields = _read_lines(head)
    # A rule (---) opens some pages without any front matter; nothing in it reads like a field then.
    return (fields, text[fenced.end() :]) if fields else ({}, text)


def _split_json(text: str) -> tuple[dict[str, Any], str]:
    start = text.index("{")
    try:
        fields, end = json.JSONDecoder().raw_decode(text[start:])
    except (ValueError, RecursionError):
        return {}, text
    return (fields, text[start + end :]) if isinstance(fields, dict) else ({}, text)


def _read_yaml(head: str) -> dict[str, Any] | None:
    try:
        aliases = sum(isinstance(event, yaml.AliasEvent) for event in yaml.parse(head, yaml.CSafeLoader))
        if aliases > _MOST_ALIASES:
            return None
        fields = frontmatter.loads(f"---\n{head}\n---\n").metadata
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, RecursionError, OverflowError):
        return None
    return (
        {str(name): value for name, value in fields.items()} if isinstance(fields, dict) and fields else None
    )


def _read_toml(head: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(head)
    except (tomllib.TOMLDecodeError, ValueError, RecursionError):
        return None


def _read_lines(head: str) -> dict[str, Any]:
    """Every "key: value" line of a front matter that its own parser refuses; further lines continue a value."""
    fields: dict[str, Any] = {}
    last = ""
    for line in head.splitlines():
        found = _LINE.match(line)
        if found:
            last = found.group(1)
            fields[last] = _value(found.group(2).strip())
        elif last and line.strip() and isinstance(fields[last], str):
            fields[last] = f"{fields[last]} {line.strip()}".strip(" >|-")
    return fields


def _value(text: str) -> Any:
    if text.lower() in ("true", "false", "yes", "no"):
        return text.lower() in ("true", "yes")
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return "" if text in (">", ">-", "|", "|-") else text
