"""Cutting text into sentences and words, for every language that candidates write in."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

import snowballstemmer

STEMMERS = {
    "en": "english",
    "fr": "french",
    "de": "german",
    "es": "spanish",
}

# Words that say how a question is put, not what it is about.
STOP_WORDS = {
    "en": """a about above after again all also am an and any anybody anyone anything are as at be because been
        before being below between both but by can cannot could did do does doing done down during each etc ever
        every few for from further get gets getting give given go going got had has have having he her here hers
        him his how i if in into is it its itself just kind kinda know let lets like lot make many may maybe me
        might more most much must my myself no nor not now of off ok on once only or other our ours out over own
        people person please pls put quite rather really same say see she should so some somebody someone
        something sort still such take tell than that the their them then there these they thing things this
        those through to too under until up us use very via want was we well were what whats when where whether
        which while who whom whose why will with without would y yes yet you your yours u ur im ive id ill dont
        doesnt isnt cant thats theres""",
    "fr": """a ai as au aux avec avez avoir c ce ces cet cette chez combien comme comment d dans de des dois
        donc du elle elles en entre es est et etes etre eu eux fait faire faut il ils j je l la le les leur leurs
        lui m ma mais me mes moi mon n ne nos notre nous on ont ou par pas peut peux plus pour pouvez puis qu
        quand que quel quelle quelles quels qui quoi s sa sans se sera ses si soit son sont sous suis sur t ta te
        tes toi ton tous tout toute toutes tres tu un une vers vos votre vous y""",
    "de": """aber alle als also am an auch auf aus bei bin bis bist da damit dann das dass dem den der des die
        dies diese dieser dieses doch dort du durch ein eine einem einen einer eines er es etwas euch euer eure
        fur gibt habe haben hat hatte ich ihm ihn ihr ihre im in ist ja kann kein keine konnen man mein meine mich
        mir mit muss nach nicht noch nur ob oder ohne sein seine sich sie sind so soll uber um und uns unser
        unsere vom von vor war was welche welchen welcher wenn wer werde werden wie wieviel wir wird wo wurde zu
        zum zur""",
    "es": """a al algo ante aqui como con cual cuales cuando cuanta cuantas cuanto cuantos de del desde donde el
        ella ellas ellos en entre era es esa ese eso esta estan este esto estoy fue ha hay la las le les lo los
        mas me mi mis muy no nos o os para pero por puede puedo que quien se ser si sin sobre son soy su sus
        tambien te teneis tiene tienen tengo todo tu tus un una unos y ya yo""",
}

WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)?(?:\d+[^\W\d_]*)*", re.UNICODE)
# "l'équipe" and "qu'on" are two words; "aujourd'hui" and "don't" are one.
_ELIDED = re.compile(r"\b(c|d|j|l|m|n|qu|s|t|jusqu|lorsqu|puisqu)'(?=\w)")
_BOUNDARY = re.compile(r"[.!?…]([\"'”’»)\]*]*\s+)(?=[\"'“‘«(\[]*[^\W_a-zà-ÿ]|[\"“«(])|(\n+)", re.UNICODE)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:e\.g|i\.e|etc|vs|cf|approx|mr|mrs|ms|dr|prof|st|inc|ltd|co|dept|fig|jr|sr|p\.ex|"
    r"z\.b|d\.h|bzw|ca|ggf|inkl|usw|evtl|u\.s|u\.k|a\.m|p\.m|[a-z])\.$",
    re.IGNORECASE,
)
# "Position No. 7", but "Must I move? No. We work from home."
_NUMBER = re.compile(r"(?:^|[\s(])(?:no|nr)\.$", re.IGNORECASE)

TAIL = 12
"""Characters before a boundary that are looked at: more than any abbreviation has, so that none begins with the first."""


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each sentence of `text`; a line break always ends one."""
    start = 0
    for match in _BOUNDARY.finditer(text):
        gap = match[match.lastindex or 0]
        end = match.end() - len(gap)
        tail = text[max(start, end - TAIL) : end]
        if (
            tail.endswith(".")
            and "\n" not in gap
            and (_ABBREVIATION.search(tail) or (_NUMBER.search(tail) and text[match.end()].isdigit()))
        ):
            continue
        # Closing marks belong to the sentence they close.
        end += len(gap) - len(gap.lstrip("\"'”’»)]*"))
        if text[start:end].strip():
            yield start, end
        start = match.end()
    if text[start:].strip():
        yield start, len(text)


@lru_cache(maxsize=8192)  # each turn cuts some forty passages, mostly the same ones
def _sentences(text: str) -> tuple[str, ...]:
    return tuple(text[start:end].strip() for start, end in spans(text))


def sentences(text: str) -> list[str]:
    """The sentences of `text` in order, each exactly as it stands there."""
    return list(_sentences(text))


def plain(text: str) -> str:
    """Lower case without accents, so that "Montréal" and "montreal" are one word."""
    return text.lower() if text.isascii() else _without_accents(text)


_PERHAPS_COMBINING = re.compile("[^\x00-\u02ff]")  # below, no character is combined with the one before


@lru_cache(maxsize=8192)  # each turn reads mostly the same passages
def _without_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.replace("’", "'").lower())
    return _PERHAPS_COMBINING.sub(
        lambda found: "" if unicodedata.combining(found[0]) else found[0], decomposed
    )


def opened(text: str) -> str:
    """A plain text with a space for the apostrophe of an elision, "l equipe"; "don't" stays as it is."""
    return _ELIDED.sub(r"\1 ", text) if "'" in text else text


def words(text: str) -> list[str]:
    """The words and numbers of `text`, plain, in order."""
    found = WORD.findall(opened(plain(text)))
    return [word.removesuffix("'s").replace("'", "") for word in found]


@lru_cache(maxsize=1)
def _stop_words() -> dict[str, frozenset[str]]:
    return {language: frozenset(plain(listed).split()) for language, listed in STOP_WORDS.items()}


@lru_cache(maxsize=65536)
def stem(word: str, language: str = "en") -> str:
    """The Snowball stem of a plain word; languages without a stemmer keep the word."""
    algorithm = STEMMERS.get(language)
    return snowballstemmer.stemmer(algorithm).stemWord(word) if algorithm else word


def terms(text: str, language: str = "en") -> list[str]:
    """The stems of `text` that say what it is about: stop words and single letters left out."""
    stop = _stop_words().get(language, frozenset())
    return [
        stem(word, language) for word in words(text) if word not in stop and (len(word) > 1 or word.isdigit())
    ]
