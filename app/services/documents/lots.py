"""Many numbers verified at once, for an employer: the state of each paper, and nothing of whose it is."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from openpyxl import Workbook
from sqlalchemy import select

from app.extensions import db
from app.french.spaces import no_break
from app.models import Document, Registration
from app.models.registration import DOCUMENT_KINDS
from app.services.core import actor, bulk, clock, numbers, throttle
from app.services.core.refusal import Refusal
from app.services.core.throttle import Limit

from . import verification
from .verification import State

#: Numbers looked at in one go, and the longest text that may hold them.
MOST, MAX_BYTES = 10_000, 1024 * 1024
#: Faults that are told one by one.
TOLD = 10
FROM_NETWORK = Limit("lot network", 20, longest=timedelta(minutes=10), forgets=timedelta(minutes=3), by_network=True)
WORDS = {
    State.VALID: "Valide",
    State.NOT_YET: "Pas encore valide",
    State.EXPIRED: "Expiré",
    State.REVOKED: "Révoqué",
    State.UNKNOWN: "Inconnu",
}
HEADINGS = ("Numéro", "Document", "État", "Valide à partir du", "Valide jusqu’au")
_NUMBER = re.compile(rf"(?:CQ|RF)-[0-9]{{2}}-[{numbers.ALPHABET}]{{5}}-[{numbers.ALPHABET}]{{5}}")


@dataclass(frozen=True, slots=True)
class Line:
    """What the register answers for one number; days and kind are empty where it does not know it."""

    number: str
    state: State
    kind: str = ""
    valid_from: date | None = None
    valid_until: date | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """The numbers of a text, each once, in its order; what stood there twice; the lines that hold none, as sentences."""

    numbers: list[str] = field(default_factory=list)
    repeated: int = 0
    faults: list[str] = field(default_factory=list)


def decoded(content: bytes) -> str:
    """Return a text file's text, as spreadsheets write them; raise `Refusal` for one that is none, or too large."""
    if len(content) > MAX_BYTES:
        raise Refusal("Ce fichier dépasse 1 Mo : gardez la colonne des numéros, ou partagez-le.")
    if b"\x00" in content or content.startswith(b"PK"):
        raise Refusal(
            "Ce fichier n’est pas un texte : enregistrez la feuille en CSV, ou collez la colonne des numéros."
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def read(text: str) -> Read:
    """Return what a pasted text holds; a first line without any figure is a heading. Raises `Refusal` for none, or too many."""
    found: dict[str, None] = {}
    repeated, faults = 0, []
    for at, line in enumerate(text.splitlines(), 1):
        cells = [cell.strip(" \"'") for cell in re.split(r"[;,\t]", line)]
        good = [number for cell in cells if _NUMBER.fullmatch(number := numbers.typed_number(cell))]
        repeated += sum(number in found for number in good)
        found |= dict.fromkeys(good)
        if not good and line.strip(" \"';,\t") and (at > 1 or any(c.isdigit() for c in line)):
            shown = "".join(c for c in line.strip()[:40] if c.isprintable())
            faults.append(f"Ligne {at} : « {shown} » n’est pas un numéro de certificat ni de récapitulatif.")
    if len(found) > MOST:
        raise Refusal(
            f"Vérifiez {numbers.grouped(MOST)} numéros au plus à la fois : il y en a {numbers.grouped(len(found))}."
        )
    if not found and not faults:
        raise Refusal("Collez au moins un numéro, ou choisissez un fichier.")
    return Read(list(found), repeated, faults)


def answer(asked: Sequence[str], network: str) -> list[Line]:
    """Return what the register says of each number, one query for all; raise `throttle.TooOften`."""
    throttle.count(FROM_NETWORK, network)
    each = bulk.text_table(asked)
    query = (
        select(
            Document.number,
            Document.kind,
            Document.state,
            Document.established_on,
            Document.valid_from,
            Document.valid_until,
            Registration.cancelled_on,
        )
        .join(Document.registration)
        .where(Document.number.in_(select(each.c.value)))
    )
    with actor.acting(actor.PROGRAM):  # states alone are read, of papers whose numbers the asker has
        rows = db.session.execute(query).all()
    today = clock.today()
    known = {
        number: Line(number, verification.state_of(state, cancelled_on, first, last, today), kind, first, last)
        for number, kind, state, established_on, first, last, cancelled_on in rows
        if verification.is_known(established_on, today)
    }
    return [known.get(number) or Line(number, State.UNKNOWN) for number in asked]


def workbook(lines: Sequence[Line], faults: Sequence[str]) -> bytes:
    """Return the answers as an .xlsx; what was left aside stands on a sheet of its own."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Vérification")
    for letter, width in zip("ABCDE", (22, 28, 20, 20, 20), strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.append([no_break(heading) for heading in HEADINGS])
    for line in lines:
        days = [f"{day:%d/%m/%Y}" if day else "" for day in (line.valid_from, line.valid_until)]
        sheet.append([line.number, DOCUMENT_KINDS.get(line.kind, ""), WORDS[line.state], *days])
    if faults:
        aside = book.create_sheet(no_break("Lignes laissées de côté"))
        aside.column_dimensions["A"].width = 100
        for fault in faults[:MOST]:
            aside.append([no_break(fault)])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
