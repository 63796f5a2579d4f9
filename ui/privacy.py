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


def masked(text: str) -> str:
    """The text with mail addresses, phone numbers and identity numbers replaced by what they are."""
    text = MAIL.sub("[mail address]", text)
    text = _INTERNATIONAL.sub("[phone number]", text)
    text = _LONG_CODE.sub(lambda found: "[identity number]" if _identifies(found[0]) else found[0], text)
    return _without_phones(text)


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
