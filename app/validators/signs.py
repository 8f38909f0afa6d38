"""How a sign that a name may not hold is told: as it looks, and the script it belongs to where it only looks Latin."""

from __future__ import annotations

import unicodedata

#: First word of a sign's Unicode name → what is said of it.
_SCRIPTS = {
    "CYRILLIC": "cyrillique", "GREEK": "grec", "ARABIC": "arabe", "HEBREW": "hébreu", "ARMENIAN": "arménien",
    "GEORGIAN": "géorgien", "CJK": "chinois", "HIRAGANA": "japonais", "KATAKANA": "japonais", "HANGUL": "coréen",
    "THAI": "thaï", "DEVANAGARI": "devanagari", "BENGALI": "bengali", "TAMIL": "tamoul", "ETHIOPIC": "éthiopien",
    "TIFINAGH": "tifinagh", "COPTIC": "copte", "CHEROKEE": "cherokee", "FULLWIDTH": "pleine chasse",
    "HALFWIDTH": "demi-chasse", "MATHEMATICAL": "mathématique",
}  # fmt: skip
_CODED = "U+"
_MAY_STAND = " .'-"


def encode(sign: str) -> str:
    """A sign as plain text that holds no separator: « U+041C »; empty for none."""
    return f"{_CODED}{ord(sign):04X}" if sign else ""


def is_encoded(text: str) -> bool:
    """Whether a text is what `encode` wrote of a sign."""
    return text.startswith(_CODED)


def words(encoded: str) -> str:
    """What is said of an encoded sign: « signe « М » (cyrillique) »; raises ValueError for a text that is none."""
    sign = chr(int(encoded.removeprefix(_CODED), 16))
    told = f" ({nature})" if (nature := _nature(sign)) else ""
    return f"signe « {_shown(sign, encoded)} »{told}"


def _shown(sign: str, encoded: str) -> str:
    if unicodedata.combining(sign):
        return f"\u25cc{sign}"  # an accent is shown on a dotted circle
    return sign if sign.isprintable() and not sign.isspace() else "espace" if sign == " " else encoded


def _nature(sign: str) -> str:
    if sign in _MAY_STAND or unicodedata.combining(sign):
        return "mal placé"
    if sign.isdigit():
        return "chiffre"
    if not sign.isprintable():
        return "invisible"
    return _SCRIPTS.get(unicodedata.name(sign, "").split(" ")[0], "")
