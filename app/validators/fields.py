"""One parser per field, the same for a form, a file and the API. A parser answers None for a bad format."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from functools import lru_cache

TEXT_MAX = 50
NAME_MAX = 60

# Zero-width characters, soft hyphen and direction marks: they come along with copied cells and nobody sees them.
_INVISIBLE = dict.fromkeys(
    map(
        ord,
        "\u00ad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
        "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    )
)
_PLAIN = {
    **dict.fromkeys(map(ord, "\u2018\u2019\u201b\u02bc\u02b9\u2032\uff07\u00b4`"), "'"),
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"), "-"),
}
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae"})

# Latin letters: basic, Latin-1 (without × and ÷), extended A and B (without the clicks), IPA, extended additional, C.
_LETTER = "[A-Za-zÀ-ÖØ-öø-\u01bf\u01c4-\u02af\u1e00-\u1eff\u2c60-\u2c7f]"
_WORD = rf"(?:{_LETTER}[\u0300-\u036f]*)+"
_NAME = re.compile(rf"{_WORD}(?:(?: |--?|'){_WORD})*\.?")
_DATE = re.compile(r"[0-9]{2}/[0-9]{2}/[0-9]{4}")
_PERMIT = re.compile(r"(?=[A-Z]*[0-9])[A-Z0-9]{9,16}")
_PERMIT_SEPARATORS = str.maketrans("", "", " .-/")
_ISO_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_LOOSE_DATE = re.compile(r"([0-9]{1,2})([-./ ])([0-9]{1,2})\2([0-9]{4})")
_BARE_DATE = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{4})")
_NAME_JOINERS = str.maketrans("-'.", "   ")

EXCEL_ERRORS = frozenset(
    f"#{word}"
    for word in (
        *("REF!", "N/A", "VALUE!", "DIV/0!", "NAME?", "NULL!", "NUM!", "SPILL!", "CALC!", "GETTING_DATA"),
        *("VALEUR!", "NOM?", "NUL!", "NOMBRE!", "PROPAGATION!", "CALCUL!"),
    )
)
"""What Excel shows in a cell whose formula failed, in English and in French."""


def clean(text: str) -> str:
    """The normalisation before any check; cleaning twice changes nothing more."""
    if text.isascii() and text.isprintable() and "  " not in text and "`" not in text:
        return text.strip(" ")
    # Invisible characters go first: one between a letter and its accent would keep NFC from joining them.
    text = unicodedata.normalize("NFC", text.translate(_INVISIBLE))
    return " ".join(text.translate(_PLAIN).split())


def visible(text: str) -> str:
    """A text that is only shown (the name of a file), without the signs that would make it read otherwise than it is."""
    return text.translate(_INVISIBLE)


def fold(text: str) -> str:
    """A key that forgives case, accents, ligatures and repeated spaces."""
    decomposed = unicodedata.normalize("NFKD", clean(text).casefold().translate(_LIGATURES))
    return " ".join("".join([c for c in decomposed if not unicodedata.combining(c)]).split())


def name_key(last_name: str, first_name: str) -> tuple[str, ...]:
    """The words of both names, folded and sorted: forgives case, accents, hyphens, apostrophes and order."""
    return tuple(sorted(fold(f"{last_name} {first_name}").translate(_NAME_JOINERS).split()))


def parse_text(text: str) -> str | None:
    """A reference or an order number: up to 50 printable characters that are not an Excel error."""
    if len(text) > TEXT_MAX or not text.isprintable() or text.upper() in EXCEL_ERRORS:
        return None
    return text


def parse_name(text: str) -> str | None:
    """A name: Latin letters joined by single spaces, hyphens (double too), apostrophes, a final dot; 60 at most."""
    return text if len(text) <= NAME_MAX and _NAME.fullmatch(text) else None


def parse_date(text: str) -> date | None:
    """A day written JJ/MM/AAAA, and in no other way: a two-digit year or 30/02 is never guessed."""
    return _day(text) if _DATE.fullmatch(text) else None


@lru_cache(maxsize=65536)
def _day(text: str) -> date | None:
    try:
        return date(int(text[6:]), int(text[3:5]), int(text[:2]))
    except ValueError:
        return None


def is_bare_permit(text: str) -> bool:
    """Whether a text is a permit number in its normalised form already."""
    return _PERMIT.fullmatch(text) is not None


def parse_permit(text: str) -> str | None:
    """A permit number (NEPH) as compared and kept: separators dropped, upper case, 9 to 16 letters A–Z or digits."""
    if not text.isascii():  # « ı » and « ß » would turn into ASCII letters by upper()
        return None
    bare = bare_permit(text)
    return bare if is_bare_permit(bare) else None


def bare_permit(text: str) -> str:
    """A permit number, or a part of one, without what may stand between its signs."""
    return text.translate(_PERMIT_SEPARATORS).upper()


def permit_from_number(value: float) -> str | None:
    """The text of a numeric permit cell: only a whole number of exactly 12 digits lost nothing on the way."""
    return str(int(value)) if 10**11 <= value < 10**12 and value == int(value) else None


def iso_to_french(text: str) -> str:
    """The API's door: an ISO 8601 date (AAAA-MM-JJ) as JJ/MM/AAAA, anything else unchanged."""
    found = _ISO_DATE.fullmatch(text.strip())
    return f"{found[3]}/{found[2]}/{found[1]}" if found else text


def loosen_date(text: str) -> str:
    """The form's door: 27031990, 27-03-1990, 27.3.1990 or 1990-03-27 as 27/03/1990, anything else unchanged."""
    bare = clean(text)
    if found := _BARE_DATE.fullmatch(bare):
        return f"{found[1]}/{found[2]}/{found[3]}"
    if found := _LOOSE_DATE.fullmatch(bare):
        return f"{found[1]:0>2}/{found[3]:0>2}/{found[4]}"
    return iso_to_french(bare) if _ISO_DATE.fullmatch(bare) else text
