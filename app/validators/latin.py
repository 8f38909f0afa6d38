"""The letters of Latin script that Unicode does not decompose, and the plain letters they are compared by.

« ł ø đ ð þ ħ ı æ œ … »: no accent can be taken off them, so that a comparison needs a table. It is read off the letters'
Unicode names (« LATIN SMALL LETTER L WITH STROKE » is an l); only letters whose name is a word of its own are written here,
as passports spell them (ICAO 9303) where they do.

The base folds as this table does (search keys, PostgreSQL's `fold_text`: migration « one folding of letters »); a letter that
is compared in another way from some day on needs a migration that folds anew what stands there.
"""

from __future__ import annotations

import re
import unicodedata

#: Last word of a letter's name, without what stands on it → the plain letters it is compared by.
_NAMED = {
    "ETH": "d", "THORN": "th", "ENG": "n", "KRA": "q", "SHARP S": "ss", "MIDDLE-WELSH LL": "ll",
    "MIDDLE-WELSH V": "v", "ESH": "s", "EZH": "z", "YOGH": "y", "WYNN": "w", "VEND": "v", "HWAIR": "hv", "OI": "oi", "OU": "ou",
    "SCHWA": "e", "IOTA": "i", "ALPHA": "a", "BETA": "b", "GAMMA": "g", "DELTA": "d", "EPSILON": "e", "OMEGA": "o",
    "UPSILON": "u", "PHI": "f", "CHI": "x", "LAMBDA": "l",
    "TRESILLO": "h", "CUATRILLO": "k", "RAMS HORN": "o", "LAMB": "l", "HENG": "h", "TONE TWO": "s", "TONE FIVE": "t",
    "TONE SIX": "h", "TWO": "dz",
    "U BAR": "u", "DIAERESIZED U": "u", "EZH REVERSED": "z", "ESH LOOP": "s", "DEZH": "dz", "TESH": "ts", "FENG": "f",
    "LEZH": "lz", "R ROTUNDA": "r", "RUM ROTUNDA": "rum", "GLOTTAL A": "a", "GLOTTAL I": "i", "GLOTTAL U": "u",
    "O OPEN-O": "oo", "A REVERSED-SCHWA": "ae", "IOTIFIED E": "e",
}  # fmt: skip
_KIND = re.compile(r"LATIN (?:CAPITAL |SMALL )*(?:LETTER |LIGATURE )(?:SMALL CAPITAL |SMALL )?(?P<letter>.+)")
#: What is said of a letter's shape before it is named: turned, hooked, of another time; it stays that letter.
_SHAPE = re.compile(
    r"\b(?:TURNED|REVERSED|INVERTED|SIDEWAYS|CLOSED|OPEN|DOTLESS|BLACKLETTER|INSULAR|LONG|SQUAT|STRETCHED|TOP HALF|"
    r"BOTTOM HALF|BARRED|VOLAPUK|EGYPTOLOGICAL|VISIGOTHIC|BROKEN|BASELINE|STIRRUP|SCRIPT|HALF|LENIS|DOUBLE|ANGLICANA|AFRICAN|"
    r"SAKHA|OLD POLISH|TAILLESS|MIDDLE SCOTS|SIGMOID) (?=[A-Z])"
)


def _plain(name: str) -> str:
    """The plain letters of a Latin letter by its Unicode name; an apostrophe for a sound that no plain letter writes."""
    found = _KIND.match(name)
    letter = re.split(r" (?:WITH|WITHOUT|DIGRAPH)\b", found["letter"])[0] if found else ""
    while letter not in _NAMED and (shorter := _SHAPE.sub("", letter, count=1)) != letter:
        letter = shorter
    if letter in _NAMED:
        return _NAMED[letter]
    return letter.lower() if re.fullmatch("[A-Z]{1,3}", letter) else "'"


class _Letters(dict[int, str]):
    """For `str.translate`: code of a letter → its plain letters, each looked up once."""

    def __missing__(self, code: int) -> str:
        name = unicodedata.name(chr(code), "")
        self[code] = _plain(name) if code > 0x7F and name.startswith("LATIN ") else chr(code)
        return self[code]


PLAIN_LETTERS = _Letters()
"""To be used after decomposition and in lower case; anything but a Latin letter stays as it is."""
