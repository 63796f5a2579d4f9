"""Personal data that candidates type is masked before it is stored: it is not needed to learn from a question."""

from __future__ import annotations

import re

from phonenumbers import Leniency, PhoneNumberMatcher
from stdnum import iban, luhn
from stdnum.de import idnr
from stdnum.es import dni, nie
from stdnum.fr import nir
from stdnum.il import idnr as teudat_zehut
from stdnum.us import ssn

MAIL = re.compile(r"[^\s@<>()\[\],;:\"']{1,64}@[^\s@<>()\[\],;:\"']{1,190}\.[^\W\d_]{2,24}")
REGIONS = (None, "US", "GB", "FR", "DE", "ES", "IL", "UA", "CA")
"""Where a number without a country's code may be from: the places where the interface's languages are spoken."""

_INTERNATIONAL = re.compile(r"(?<![\w+])\+\d(?:[ ().-]{0,2}\d){6,14}(?!\w)")
_LONG_CODE = re.compile(r"(?<!\w)[A-Z]{0,2}\d(?:[ .-]?[A-Z0-9]){7,33}(?!\w)")
_IDENTITIES = (iban, idnr, dni, nie, nir, teudat_zehut, ssn)


CV_WORDS = 60
"""Fewest words of a text that is looked at as a pasted CV; a long question is no CV."""

_YEARS = re.compile(
    r"\b(?:19|20)\d\d\s*(?:[-–—]|to\b|bis\b|à\b|до\b|עד\b)\s*(?:(?:19|20)\d\d|present|today|now|heute|actuel|hoy|зараз|היום)",
    re.I,
)
_SECTION = re.compile(
    r"\b(curriculum vitae|r[ée]sum[ée]|cv|work experience|experience|employment|education|skills|languages|references|"
    r"certifications?|projects?|profile|exp[ée]riences?( professionnelles?)?|formation|comp[ée]tences|langues|"
    r"lebenslauf|berufserfahrung|ausbildung|kenntnisse|sprachen|experiencia|educaci[óo]n|formaci[óo]n|habilidades|"
    r"idiomas|резюме|досвід( роботи)?|освіта|навички|мови)\b|קורות חיים|ניסיון|השכלה|כישורים|שפות",
    re.I,
)
_ASKED = re.compile(r"[^.!?\n]{3,200}\?")


def masked(text: str) -> str:
    """The text with mail addresses, phone numbers and identity numbers replaced by what they are.

    Of a pasted CV only the questions asked with it are left.
    """
    if is_cv(text):
        asked = [said.strip() for said in _ASKED.findall(text) if not any(char.isdigit() for char in said)]
        return " ".join([*map(masked, asked[:3]), f"[pasted CV, {len(text.split())} words]"])
    text = MAIL.sub("[mail address]", text)
    text = _INTERNATIONAL.sub("[phone number]", text)
    text = _LONG_CODE.sub(lambda found: "[identity number]" if _identifies(found[0]) else found[0], text)
    return _without_phones(text)


def is_cv(text: str) -> bool:
    """Whether a text is a CV: long, with the parts and the years that CVs have."""
    if len(text.split()) < CV_WORDS:
        return False
    parts = {found[0].lower() for found in _SECTION.finditer(text)}
    years = len(_YEARS.findall(text))
    reached = bool(MAIL.search(text)) + bool(_INTERNATIONAL.search(text))
    return len(parts) + 2 * min(years, 2) + reached >= 4


def _identifies(code: str) -> bool:
    plain = re.sub(r"[ .-]", "", code)
    if len(plain) < 9:  # a date, an amount
        return False
    card = 13 <= len(plain) <= 19 and plain.isdigit() and luhn.is_valid(plain)
    return card or any(bool(kind.is_valid(code)) for kind in _IDENTITIES)


def _without_phones(text: str) -> str:
    if sum(char.isdigit() for char in text) < 7:
        return text
    spans = {
        (match.start, match.end)
        for region in REGIONS
        for match in PhoneNumberMatcher(text, region, leniency=Leniency.VALID)
    }
    for start, end in sorted(spans, reverse=True):
        text = f"{text[:start]}[phone number]{text[end:]}"
    return text
