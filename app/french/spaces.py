"""No-break spaces: a wide one before « : », « » » and « % », and after « « », a narrow one before « ; », « ? » and « ! »
(Lexique des règles typographiques en usage à l’Imprimerie nationale).

Sentences stand in the code, in the base and in the API's answers with plain spaces, as people type and search them; they are
put in order where they are shown: by `templates.FrenchSpaces` in whatever a template draws, by `no_break` elsewhere.
"""

from __future__ import annotations

import re

WIDE, NARROW = "\u00a0", "\u202f"
_MARKS = ":»«;?!%"
_BEFORE_WIDE = re.compile(r"[ \u202f](?=[:»%])|(?<=«)[ \u202f]")
_BEFORE_NARROW = re.compile(r"[ \u00a0](?=[;?!])")


def no_break(text: str, narrow: str = NARROW) -> str:
    """Return a sentence of the program with no-break spaces at its punctuation; never for what people typed."""
    if not any(mark in text for mark in _MARKS):
        return text
    return _BEFORE_NARROW.sub(narrow, _BEFORE_WIDE.sub(WIDE, text))


def for_paper(text: str) -> str:
    """Return a sentence as :func:`no_break` does, for what is laid out as PDF, where a narrow space is white space."""
    return no_break(text, WIDE)


def plain(text: str) -> str:
    """Return a text with plain spaces at its punctuation, as the code holds it."""
    return re.sub(rf"[{WIDE}{NARROW}](?=[:»;?!])|(?<=«)[{WIDE}{NARROW}]", " ", text)
