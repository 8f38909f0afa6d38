"""What a document says of itself in its QR code, signed, so that a program without network can tell whether it is authentic.

The statement stands in the address, behind « # »: any reader opens the page, and no browser sends that part to a server. Its
format is that of docs/STATEMENTS.md. Pure but for the key: no base, no clock.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import date

from app.models.registration import CERTIFICATE
from app.services.seal.statement_key import SIGNATURE_BYTES, Keys
from app.validators.fields import name_words

VERSION = 1
#: The longest statement, in bytes with its signature.
MAX_BYTES = 300
#: Day 0 of its days.
EPOCH = date(2000, 1, 1)
#: Rounds of PBKDF2 and bytes kept: who knows the code alone needs a while for each name and birth date they try.
ROUNDS, IDENTITY_BYTES = 10_000, 16
_ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Statement:
    """What is said: as on the paper, the person by initials and by a hash of names and birth date."""

    number: str
    kind: str
    established_on: date
    valid_from: date
    valid_until: date
    #: In the lists of revocations.
    place: int
    last_name: str
    first_name: str
    birth_date: date
    category: str
    training: str

    def signed(self, keys: Keys) -> str:
        """Return the statement in base32, as it stands in the address."""
        body = self._body(keys.id)
        return base64.b32encode(body + keys.sign(body)).rstrip(b"=").decode()

    def _body(self, key_id: bytes) -> bytes:
        days = (self.established_on, self.valid_from, self.valid_until)
        body = b"".join(
            (
                bytes([VERSION]),
                key_id,
                bytes([self.kind == CERTIFICATE]),
                self.number.replace("-", "").encode("ascii"),
                *((day - EPOCH).days.to_bytes(2, "big") for day in days),
                self.place.to_bytes(4, "big"),
                identity(self.number, self.last_name, self.first_name, self.birth_date),
                _text(initials(self.first_name, self.last_name), 16),
                _text(self.category, 40),
            )
        )
        return body + _text(self.training, MAX_BYTES - SIGNATURE_BYTES - len(body) - 1)


def identity(number: str, last_name: str, first_name: str, birth_date: date) -> bytes:
    """Return the hash of names and birth date, salted with the document's number: 50 random bits, of no other document."""
    words = ["".join(name_words(last_name)), "".join(name_words(first_name)), birth_date.isoformat()]
    return hashlib.pbkdf2_hmac("sha256", "|".join(words).encode(), number.encode(), ROUNDS, IDENTITY_BYTES)


def initials(first_name: str, last_name: str) -> str:
    """Return « M. D. »."""
    return f"{first_name[:1]}. {last_name[:1]}.".upper()


def _text(text: str, room: int) -> bytes:
    """Return the length and the UTF-8 bytes of a text, cut where it needs more than ``room`` bytes."""
    content = text.encode()
    if len(content) > room:
        content = content[: room - len(_ELLIPSIS.encode())].decode(errors="ignore").encode() + _ELLIPSIS.encode()
    return bytes([len(content)]) + content
