"""One parser per field, the same for a form, a file and the API. A parser answers None for a bad format."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from app.validators.latin import PLAIN_LETTERS

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
    **dict.fromkeys(
        map(ord, "\u2018\u2019\u201b\u02b9\u02bb\u02bc\u02bd\u02be\u02bf\u2032\ua78b\ua78c\uff07\u00b4`"), "'"
    ),
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"), "-"),
}
# The sign of degree and its lookalikes, typed for the small o of « N° »; what letters decompose into.
_RINGS = dict.fromkeys(map(ord, "\u00b0\u02da\u2218\u25e6\u2070"), "o")
_DECOMPOSED = {**_PLAIN, 0x00B7: None, 0x00B0: "o"}
# What PDFs make of ff, fi, fl, ffi, ffl and st: the letters they stand for.
_LIGATURES = {code: unicodedata.normalize("NFKD", chr(code)) for code in range(0xFB00, 0xFB07)}

# Latin letters: basic, Latin-1 (without × and ÷), extended A and B (without the clicks), IPA, extended additional, C.
_LETTER = "[A-Za-zÀ-ÖØ-öø-\u01bf\u01c4-\u02af\u1e00-\u1eff\u2c60-\u2c7f]"
_WORD = rf"(?:{_LETTER}[\u0300-\u036f]*)+"
_NAME = re.compile(rf"{_WORD}(?:(?: |--?|'){_WORD})*\.?")
# Names as nearly all are typed, which stay as they are: Latin-1 letters (one sign each, whatever the form), single joiners.
_TIDY_NAME = re.compile(r"(?=.{1,60}\Z)[A-Za-zÀ-ÖØ-öø-ÿ]+(?:[ '-][A-Za-zÀ-ÖØ-öø-ÿ]+)*")
_JOINER = re.compile(r" *([-']) *")
_NAME_SIGN = re.compile(rf"{_LETTER}|[\u0300-\u036f .'-]")
_DATE = re.compile(r"[0-9]{2}/[0-9]{2}/[0-9]{4}")
# A whole number with an exponent and no point is no permit number either; « 82E987928 » has too long an end for one.
# Most are figures alone, which is the quicker question.
_PERMIT = re.compile(r"[0-9]{9,16}|(?=[A-Z]*[0-9])(?![0-9]{9,}E[0-9]{1,3}\Z)[A-Z0-9]{9,16}")
# What a spreadsheet or a program writes of a number: decimals that are nought, decimals behind twelve figures, an exponent.
_DECIMAL = re.compile(r"[0-9]{12,}[.,][0-9]+|[0-9]+[.,][0-9]*E[-+]?[0-9]{1,3}|[0-9]{9,}E[-+]?[0-9]{1,3}")
_NOUGHTS = re.compile(r"[.,]0+[.,]*\Z")
_NUMBER_NOISE = str.maketrans("", "", " /'_")
_PERMIT_SEPARATORS = str.maketrans("", "", " .-/")
_ISO_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_LOOSE_DATE = re.compile(r"([0-9]{1,2})([-./ ])([0-9]{1,2})\2([0-9]{4})")
_BARE_DATE = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{4})")
_NAME_JOINERS = str.maketrans("-'.", "   ")
_NO_JOINERS = str.maketrans("", "", " -'.`")

_EXCEL_ERROR = re.compile(
    r"#(?:[^\W\d_][\w/ ]{0,30}[!?]|N/A|GETTING_DATA|CHARGEMENT_DONNEES)|ERR ?:[0-9]{3}", re.IGNORECASE
)
"""What a spreadsheet program shows in a cell whose formula failed, in any language: #REF!, #SPILL!, #VALEUR!, Err:508."""


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
    """The one key by which texts are compared and searched: forgives case, accents, ligatures, repeated spaces, and the ways
    to write a Latin letter that has no accent to take off (« ł », « ø », « ß »: validators.latin)."""
    text = clean(text)
    if text.isascii():
        return text.casefold()
    decomposed = unicodedata.normalize("NFKD", text.translate(_RINGS))
    bare = "".join([c for c in decomposed if not unicodedata.combining(c)]).casefold()
    return " ".join(bare.translate(PLAIN_LETTERS).translate(_DECOMPOSED).split())


class NameKey(NamedTuple):
    """A person's names as they are compared: the folded words of each, hyphens, apostrophes and dots being taken for spaces."""

    last: tuple[str, ...] = ()
    first: tuple[str, ...] = ()

    def agrees(self, other: NameKey) -> bool:
        """Whether the two may be one person: equal however they are joined or whichever comes first, or the same last name
        with first names that begin the other's (« Jean » of « Jean Pierre Louis »)."""
        if self == other or sorted(self.last + self.first) == sorted(other.last + other.first):
            return True
        last, first, other_last, other_first = map("".join, (*self, *other))
        if last != other_last:
            return (last, first) == (other_first, other_last)
        return first in _beginnings(other.first) or other_first in _beginnings(self.first)


def name_key(last_name: str, first_name: str) -> NameKey:
    """How two names are compared: see `NameKey.agrees`."""
    return NameKey(name_words(last_name), name_words(first_name))


def name_words(text: str) -> tuple[str, ...]:
    """The folded words of a name, hyphens, apostrophes and dots being taken for spaces."""
    return tuple(fold(text).translate(_NAME_JOINERS).split())


def namesake_key(last_name: str, first_name: str) -> tuple[str, str]:
    """Last and first name as lists are searched by them: who shares it bears the same names, however they are written."""
    return _joined(last_name), _joined(first_name)


def namesake_keys(names: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """`namesake_key` of many last and first names, each distinct text being looked at once."""
    pairs = set(names)
    joined = joined_names({*(last for last, _ in pairs), *(first for _, first in pairs)})
    return {(joined[last], joined[first]) for last, first in pairs}


def joined_names(names: Collection[str]) -> dict[str, str]:
    """Name → how lists are searched by it, its words joined; printable ASCII, which has no accents, goes all at once."""
    plain = [name for name in names if name.isascii() and name.isprintable()]
    joined = dict(zip(plain, "\n".join(plain).lower().translate(_NO_JOINERS).split("\n"), strict=False))
    return joined | {name: _joined(name) for name in names if name not in joined}


def _joined(name: str) -> str:
    return "".join(name_words(name))


def _beginnings(words: tuple[str, ...]) -> set[str]:
    """The first word, the first two joined, and so on: a word is never cut."""
    return {"".join(words[:at]) for at in range(1, len(words) + 1)}


def parse_text(text: str) -> str | None:
    """A reference or an order number: up to 50 printable characters that are not an Excel error."""
    if len(text) > TEXT_MAX or not text.isprintable() or is_excel_error(text):
        return None
    return text


def is_excel_error(text: str) -> bool:
    """Whether a text is what a program shows of a formula that failed; new ones come with new programs."""
    return text[:1] in ("#", "E", "e") and _EXCEL_ERROR.fullmatch(text) is not None


def parse_name(text: str) -> str | None:
    """A name: Latin letters joined by single spaces, hyphens (double too), apostrophes, a final dot; 60 at most.

    Spaces beside a hyphen or an apostrophe, and ligatures, are typing noise: the name answered has none.
    """
    if not _NAME.fullmatch(text):  # most are tidy as they are
        text = _tidy(text)
        if not _NAME.fullmatch(text):
            return None
    return text if len(text) <= NAME_MAX else None


def _tidy(name: str) -> str:
    return _JOINER.sub(r"\1", name.translate(_LIGATURES))


def refused_sign(name: str) -> str:
    """The first sign that keeps a text from being a name: one no name holds, else one that stands where it may not.

    Empty where no sign is to blame: an empty text, or one that is too long.
    """
    name = _tidy(name)
    strange = next((sign for sign in name if not _NAME_SIGN.fullmatch(sign)), "")
    if strange or _NAME.fullmatch(name):
        return strange
    found = _NAME.match(name)
    return name[len(found[0].rstrip(".")) :][:1] if found else name[:1]


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


#: Of a text that answers something true, the parser's value is the text itself: a name, a permit number, as nearly all are
#: typed. The interpreter asks them of a whole column without a call of ours.
is_tidy_name: Callable[[str], object] = _TIDY_NAME.fullmatch
is_tidy_permit: Callable[[str], object] = _PERMIT.fullmatch


def parse_permit(text: str) -> str | None:
    """A permit number (NEPH) as compared and kept: separators dropped, upper case, 9 to 16 letters A–Z or digits.

    A number is never changed: « 850492100123.0 » and « 8.50492100123E11 » are refused, dots that part groups are not.
    """
    if not text.isascii() or is_number(text):  # « ı » and « ß » would turn into ASCII letters by upper()
        return None
    bare = bare_permit(text)
    return bare if is_bare_permit(bare) else None


def is_number(text: str) -> bool:
    """Whether a text is what a spreadsheet or a program writes of a number with a fraction or an exponent.

    With a permit number's separators in it, it is one still; a hyphen may be one of them or the sign of the exponent.
    """
    number = text.translate(_NUMBER_NOISE).upper()
    ways = (number, number.replace("-", ""))
    return any(_NOUGHTS.search(way) or _DECIMAL.fullmatch(way.strip("+-.,")) for way in ways)


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
