"""Mail addresses: the form that mail servers take without extensions, and one way to write and compare them.

The one rule of every door that takes an address (accounts, invitations, trainers, centres). Written here rather than taken
from a library: rules know the standard library only, and what is kept is narrower than what the standards let through.
"""

from __future__ import annotations

import re

from .fields import clean

#: The name that a person signs in with holds no more characters.
ADDRESS_MAX = 128
_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"{_LOCAL}@(?:{_LABEL}\.)+[A-Za-z][A-Za-z0-9-]{{0,61}}[A-Za-z0-9]")


def parse_address(text: str) -> str | None:
    """A mail address in lower case, as compared and kept; None for a bad form."""
    bare = clean(text)
    if len(bare) > ADDRESS_MAX or len(bare.partition("@")[0]) > 64 or not _ADDRESS.fullmatch(bare):
        return None
    return bare.lower()
