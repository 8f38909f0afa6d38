"""The texts of the service contract: versioned files, filled once when an offer is made; what is read is what is signed.

A text is plain: a line « # » is the title, « ## » a heading, « - » an item, anything else a paragraph. The screen and the PDF
draw the same text; its SHA-256 is that of its UTF-8 form.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from flask import current_app

from app.french.spaces import WIDE
from app.models import Centre
from app.models.catalogue import PRICE_CLASSES
from app.services.core.numbers import percent
from app.services.core.refusal import Refusal
from app.services.reference import pricing, vat

_FOLDER = Path(__file__).resolve().parents[2] / "templates" / "contracts" / "texts"
TITLE, HEADING, LIST, PARAGRAPH = "title", "heading", "list", "paragraph"


class NoSuchText(Refusal):
    """No text has this version."""

    message = "Cette version du contrat n’existe pas."


class Block(NamedTuple):
    """A piece of a text: its kind, its words, or its items for a list."""

    kind: str
    text: str
    items: tuple[str, ...] = ()


@cache
def versions() -> tuple[str, ...]:
    """Return the versions of the text, the oldest first."""
    return tuple(sorted((path.stem for path in _FOLDER.glob("*.txt")), key=lambda stem: (len(stem), stem)))


def latest() -> str:
    """Return the version to offer."""
    return versions()[-1]


def compose(version: str, centre: Centre, day: date) -> str:
    """Return the text of a version for a centre, with the tariffs in force on that day; raise :class:`NoSuchText`."""
    if version not in versions():
        raise NoSuchText
    values = {
        "version": version,
        "offered_on": f"{day:%d/%m/%Y}",
        "issuer": current_app.config["ISSUER"],
        "centre": centre.name,
        "siret": centre.siret_text,
        "address": centre.address or "adresse non renseignée",
    }
    source = (_FOLDER / f"{version}.txt").read_text(encoding="utf-8").strip() + "\n"
    one_line = {name: " ".join(value.split()) for name, value in values.items()}
    return _fill(source, {**one_line, "tariffs": _tariffs(day, centre)})


def _fill(source: str, values: dict[str, str]) -> str:
    """Put each value in its place, once: a value is never searched for places."""
    parts = source.split("{")
    filled = [parts[0]]
    for part in parts[1:]:
        name, _, rest = part.partition("}")
        filled.append(values[name] + rest)
    return "".join(filled)


def digest(text: str) -> str:
    """Return the SHA-256 of a text, in hexadecimal."""
    return sha256(text.encode()).hexdigest()


def blocks(text: str) -> list[Block]:
    """Return a text as it is drawn: title, headings, lists and paragraphs."""
    found: list[Block] = []
    for line in text.split("\n"):
        if line.startswith("- "):
            before = found.pop() if found and found[-1].kind == LIST else Block(LIST, "")
            found.append(before._replace(items=(*before.items, line[2:])))
        elif line.startswith("## "):
            found.append(Block(HEADING, line[3:]))
        elif line.startswith("# "):
            found.append(Block(TITLE, line[2:]))
        elif line.strip():
            found.append(Block(PARAGRAPH, line))
    return found


def _tariffs(day: date, centre: Centre) -> str:
    """Return the tariffs of that day, at the centre's VAT, as items of a list; raise `pricing.NoTariff` without any."""
    lines = tariff_lines(day)
    if not lines:
        raise pricing.NoTariff
    rate = f"TVA {percent(vat.rate_of(centre.id, day))}".replace(WIDE, " ")  # plain, as the text is kept
    return "\n".join(f"- {line}, {rate}" for line in lines)


def tariff_lines(day: date) -> list[str]:
    """Return the tariffs in force on that day, one a line, excluding VAT; one query."""
    prices = pricing.class_prices(day)
    return [f"{words} : {_number(prices[code].amount)} € HT" for code, words in PRICE_CLASSES.items() if code in prices]


def _number(value: Decimal) -> str:
    return f"{value:.2f}".replace(".", ",")
