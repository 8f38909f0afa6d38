"""What a transfer says so that it finds its invoice: a creditor reference (ISO 11649) made from the invoice's number."""

from __future__ import annotations

import re

from stdnum import iso11649
from stdnum.iso7064 import mod_97_10

#: In a text that people or banks wrote, blanks within it allowed.
_WITHIN = re.compile(r"RF ?\d ?\d ?[FA](?: ?\d){10}", re.IGNORECASE)


def of(number: str) -> str:
    """Return the reference of an invoice's number (« F2026-000123 » → « RF82F2026000123 »)."""
    bare = number.replace("-", "")
    return f"RF{mod_97_10.calc_check_digits(f'{bare}RF')}{bare}"


def shown(reference: str) -> str:
    """Return the reference as people read it, in groups of four: « RF82 F202 6000 123 »."""
    return iso11649.format(reference) if reference else ""


def number_of(reference: str) -> str | None:
    """Return the number that a reference names, however it is spaced; None for one that is none of ours or miswritten."""
    bare = re.sub(r"\s", "", reference).upper()
    if not iso11649.is_valid(bare) or not re.fullmatch(r"RF\d\d[FA]\d{10}", bare):
        return None
    return f"{bare[4:9]}-{bare[9:]}"


def found_in(text: str) -> tuple[str, ...]:
    """Return the numbers that the references within a text name, in their order, each once."""
    numbers = (number_of(match[0]) for match in _WITHIN.finditer(text))
    return tuple(dict.fromkeys(number for number in numbers if number))
