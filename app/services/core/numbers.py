"""Public numbers: random, so that nobody can count or guess them, and easy to read out (no I, L, O, U)."""

from __future__ import annotations

import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
#: Ten bits as two characters.
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
RECEIPT, CERTIFICATE, RECAP, TRAINER = "RE", "CQ", "RF", "FM"
#: Reference of a card request.
CARD = "DC"


def public_number(prefix: str, year: int) -> str:
    """Return a number such as « CQ-26-7F3K9-2MDXA »: 50 random bits after the prefix and the year."""
    bits = secrets.randbits(50)
    text = "".join([_PAIRS[(bits >> shift) & 1023] for shift in (0, 10, 20, 30, 40)])
    return f"{prefix}-{year % 100:02d}-{text[:5]}-{text[5:]}"


def typed_number(text: str) -> str:
    """Return a number as a person types it in its one form: upper case, O read as 0, I and L as 1; other text unchanged."""
    kept = "".join(c for c in text.upper() if c.isascii() and c.isalnum())
    prefix, year, rest = kept[:2], kept[2:4], kept[4:].translate(str.maketrans("OIL", "011"))
    if len(kept) != 14 or not year.isdigit():
        return text.strip()
    return f"{prefix}-{year}-{rest[:5]}-{rest[5:]}"
