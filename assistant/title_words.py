"""Words of job titles and of questions for them: as stems, by discipline, and those that name no role."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from assistant.postings import TermIndex
from knowledge.sentences import STOP_WORDS, plain, stem, words

DISCIPLINES = Path(__file__).with_name("disciplines.toml")

COMMON_TITLE_WORDS = frozenset(
    stem(word)
    for word in "senior junior lead principal staff head manager specialist associate officer expert professional "
    "team experience skills level member job role new i".split()
)
FILLER = frozenset(
    """open even currently moment now right today page site list please interested interest suit suits fit fits kind type
    level someone come comes came could would might thing things handy worked working love making good know learn
    candidate candidates company team unit group department offer offers different exactly total else still apply
    there hear see show find got sit sits belong part based located me my mine you your guys background experience
    experienced skilled person professional number count many total altogether overall fully vacancies gerade frei freie
    remotely send something ici actuellement moment equipe unite quelque chose suis aktuell momentan
    hello hi hey thanks thank saw seen ad advert advertised heard happen been encore toujours noch todavia aun zurzeit derzeit bei euch ihnen ahora mismo actualmente want take new many years""".split()
)


@lru_cache(maxsize=1)
def stop_words() -> frozenset[str]:
    """The stop words of all languages: titles mix them."""
    return frozenset(word for listed in STOP_WORDS.values() for word in plain(listed).split())


def split_terms(text: str) -> list[str]:
    """The telling words of a title or wish as stems, hyphens opened, stop words of all languages gone.

    A short word in capitals ("IT", "HR") is a name, whatever it means in small letters.
    """
    return [term for token in re.split(r"[\s/-]+", text) for term in _token_terms(token, text.isupper())]


@lru_cache(maxsize=65536)
def _token_terms(token: str, shouted: bool) -> tuple[str, ...]:
    acronym = bool(re.fullmatch(r"\W*[A-Z]{2,4}\W*", token)) and not shouted
    return tuple(stem(word) for word in words(token) if acronym or word not in stop_words())


@lru_cache(maxsize=1)
def discipline_table() -> tuple[list[tuple[str, ...]], frozenset[str], frozenset[str]]:
    """Phrases of each discipline as keys; words for jobs; words that ask whether there are any."""
    data = tomllib.loads(DISCIPLINES.read_text(encoding="utf-8"))
    groups = [tuple(dict.fromkeys(phrase_key(phrase) for phrase in group)) for group in data["disciplines"]]
    return groups, frozenset(map(plain, data["job_words"])), frozenset(map(plain, data["open_words"]))


def phrase_key(phrase: str) -> str:
    """A phrase as English stems between spaces, for finding it in a text: titles mix languages."""
    return f" {' '.join(stem(word) for word in words(phrase.replace('-', ' ')))} "


def disciplines(text: str) -> dict[int, int]:
    """The disciplines a text names, each with the number of words by which it is named."""
    groups, _, _ = discipline_table()
    key = phrase_key(text)
    return {
        number: max(phrase.count(" ") - 1 for phrase in group if phrase in key)
        for number, group in enumerate(groups)
        if any(phrase in key for phrase in group)
    }


def is_acronym(word: str, text: str) -> bool:
    """Whether a word in capitals is a name of its own, in a text that is not all capitals."""
    return bool(re.fullmatch(r"[A-Z]{2,4}", word)) and not text.isupper()


def initials(text: str) -> Iterator[str]:
    """Initials of neighbouring words, which may be a title: "sre" for site reliability engineer."""
    letters = "".join(word[0] for word in words(text.replace("-", " ")))
    for size in (3, 4, 5):
        for start in range(len(letters) - size + 1):
            yield letters[start : start + size]


def terms_of(values: Iterable[str | tuple[str, ...]]) -> TermIndex:
    """An index of the telling words of each value."""
    joined = (value if isinstance(value, str) else " ".join(value) for value in values)
    return TermIndex([frozenset(split_terms(text)) for text in joined])


def spelled(text: str) -> str:
    """A text's plain words between spaces, as `phrase_key` has its stems."""
    return f" {' '.join(words(text.replace('-', ' ')))} "


def exchanged(text: str, keys: Sequence[Sequence[str]], by: str) -> str:
    """The text with another word for each run of words that has one of the keys, the first keys first."""
    pieces = text.split()
    for key in keys:
        stems = [[stem(word) for word in words(piece.replace("-", " "))] for piece in pieces]
        said = [(found, at) for at, held in enumerate(stems) for found in held]
        for start in range(len(said) - len(key), -1, -1):
            if [found for found, _ in said[start : start + len(key)]] == list(key):
                pieces[said[start][1] : said[start + len(key) - 1][1] + 1] = [by]
                said = said[:start]
    return " ".join(pieces)
