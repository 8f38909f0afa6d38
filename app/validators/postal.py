"""French postal addresses, as the post asks for them: lines of 38 characters, a five-figure postcode, a town."""

from __future__ import annotations

import re

from .fields import clean

LINE_MAX, CITY_MAX = 38, 32
_LINE = re.compile(r"[^\W_](?:[\w ,.'/°()&-]*[\w.)])?")
_CITY = re.compile(r"[^\W\d_](?:[\w '/.-]*[\w.])?")
#: Mainland with Corsica (20), overseas départements and collectivités; 96, 99 and 00 are not delivered to.
_POSTCODE = re.compile(r"(?:0[1-9]|[1-8][0-9]|9[0-5])[0-9]{3}|97[1-8][0-9]{2}|98[0-8][0-9]{2}")


def parse_street(text: str) -> str | None:
    """Number and street, or a place name: a letter at least, 38 characters at most; None for a bad form."""
    line = parse_extra(text)
    return line if line and any(c.isalpha() for c in line) else None


def parse_extra(text: str) -> str | None:
    """A further line (building, « chez … »), 38 characters at most; empty is fine; None for a bad form."""
    line = clean(text)
    if not line:
        return ""
    return line if len(line) <= LINE_MAX and _LINE.fullmatch(line) else None


def parse_postcode(text: str) -> str | None:
    """A French postcode, spaces dropped; None for what the post does not serve."""
    code = clean(text).replace(" ", "")
    return code if _POSTCODE.fullmatch(code) else None


def parse_city(text: str) -> str | None:
    """A town as written on a letter (« PARIS 15 », « LYON CEDEX 03 »), 32 characters at most; None for a bad form."""
    town = clean(text)
    return town if len(town) <= CITY_MAX and _CITY.fullmatch(town) else None
