"""Numbers as people read them: public ones, random, so that nobody can count or guess them, and easy to read out (no I, L,
O, U); and counts, in French.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from decimal import Decimal

from app.french.spaces import WIDE

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
#: Ten bits as two characters.
_PAIRS = [first + second for first in ALPHABET for second in ALPHABET]
RECEIPT, CERTIFICATE, RECAP, TRAINER = "RE", "CQ", "RF", "FM"
#: Reference of a card request.
CARD = "DC"
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[0-9A-Z]{11,30}")
_PUBLIC = re.compile(r"[A-Z]{2}-\d{2}-\w{5}-\w{5}")


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


def grouped(whole: int) -> str:
    """Return a whole number by groups of three figures, as « 1 152 », with no-break spaces."""
    return f"{whole:,}".replace(",", WIDE)


def public_prefix(text: str) -> str:
    """Return the prefix of a public number, however it was typed; '' for any other text."""
    number = typed_number(text)
    return number[:2] if _PUBLIC.fullmatch(number) else ""


def euros(amount: Decimal) -> str:
    """Return an amount as « 1 152,04 € », with no-break spaces."""
    sign, cents = ("-" if amount < 0 else ""), abs(amount).quantize(Decimal("0.01"))
    whole, _, fraction = str(cents).partition(".")
    return f"{sign}{grouped(int(whole))},{fraction}{WIDE}€"


def count_of(count: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun: « 0 ligne », « 1 ligne », « 3 lignes » (in French, 0 and 1 are singular)."""
    return f"{grouped(count)} {one if abs(count) < 2 else many or one + 's'}"


def percent(rate: Decimal | int) -> str:
    """Return a rate given in per cent (20 or 5.50) as « 20 % » or « 5,5 % »."""
    text = f"{Decimal(rate):f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace(".", ",") + WIDE + "%"


def iban(value: str | None) -> str:
    """Return an IBAN in groups of four, as banks print it, which breaks between them alone; another text as it stands."""
    text = "".join((value or "").split())
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4)) if _IBAN.fullmatch(text) else value or ""


def siret(value: str | None) -> str:
    """Return a SIRET in groups (« 123 456 782 00010 »); another text as it stands."""
    text = value or ""
    if not re.fullmatch(r"\d{14}", text):
        return text
    return WIDE.join((text[:3], text[3:6], text[6:9], text[9:]))


def siren(value: str) -> str:
    """Return a SIREN in groups (« 123 456 782 »); another text as it stands."""
    return WIDE.join((value[:3], value[3:6], value[6:])) if re.fullmatch(r"[0-9]{9}", value) else value


def enumerated(words: Sequence[str]) -> str:
    """Return words as a list is said: « A », « A et B », « A, B et C »."""
    return " et ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
