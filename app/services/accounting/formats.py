"""The journal as files: the FEC of French tax law, and a plain CSV. The same lines give the same bytes.

FEC (livre des procédures fiscales, A47 A-1): 18 columns named as the law names them, parted by tabulations; days as AAAAMMJJ;
amounts with a comma and without blanks; ASCII alone, which every reader understands in each of the character sets allowed.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from app.models.types import Labelled


class Format(Labelled):
    """The kinds of file that an export is."""

    FEC = "fec", "FEC"
    CSV = "csv", "CSV"

    @classmethod
    def of(cls, code: str) -> Format:
        """Return the kind of a code; raise ``KeyError`` for none of them."""
        return {one.value: one for one in cls}[code]


#: The columns, in the order of the law.
FEC_COLUMNS = (
    "JournalCode",
    "JournalLib",
    "EcritureNum",
    "EcritureDate",
    "CompteNum",
    "CompteLib",
    "CompAuxNum",
    "CompAuxLib",
    "PieceRef",
    "PieceDate",
    "EcritureLib",
    "Debit",
    "Credit",
    "EcritureLet",
    "DateLet",
    "ValidDate",
    "Montantdevise",
    "Idevise",
)
CSV_COLUMNS = (
    "Journal",
    "Libellé du journal",
    "N° d’écriture",
    "Date",
    "Compte",
    "Libellé du compte",
    "Compte auxiliaire",
    "Libellé auxiliaire",
    "Pièce",
    "Date de la pièce",
    "Libellé",
    "Débit",
    "Crédit",
    "Validée le",
)
#: What begins so is taken for a formula by a program that opens a .csv.
_FORMULA = ("=", "+", "-", "@")
#: What has no accent to lose, as ASCII writes it.
_LETTERS = str.maketrans(
    {
        "œ": "oe",
        "Œ": "OE",
        "æ": "ae",
        "Æ": "AE",
        "ß": "ss",
        "’": "'",
        "«": '"',
        "»": '"',
        "–": "-",
        "—": "-",
        "€": "EUR",
        "°": "o",
    }
)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the journal, as a file says it; ``number``: of its entry, from 1 in its month."""

    month: date
    number: int
    journal: str
    journal_label: str
    day: date
    account: str
    account_label: str
    auxiliary: str
    auxiliary_label: str
    piece: str
    piece_day: date
    label: str
    debit: Decimal
    credit: Decimal

    @property
    def entry(self) -> str:
        """Return the number of its entry as files say it: without gap in a month, and no other's in another month."""
        return f"{self.month:%Y%m}{self.number:06d}"


def write(kind: Format, rows: Iterable[Row], closed_on: date | None) -> bytes:
    """Return the file of a month; ``closed_on``: the day it was closed, None while it is open: its lines are not validated."""
    return (_fec if kind == Format.FEC else _csv)(rows, closed_on)


def file_name(kind: Format, siren: str, last: date) -> str:
    """Return the name of the file of the month that ends on a day: that of the law for a FEC."""
    return f"{siren}FEC{last:%Y%m%d}.txt" if kind == Format.FEC else f"journal-des-ventes-{last:%Y-%m}.csv"


def _fec(rows: Iterable[Row], closed_on: date | None) -> bytes:
    valid = _fec_day(closed_on)
    lines = ["\t".join(FEC_COLUMNS)]
    for row in rows:
        texts = (
            row.journal,
            row.journal_label,
            row.entry,
            _fec_day(row.day),
            row.account,
            row.account_label,
            row.auxiliary,
            row.auxiliary_label,
            row.piece,
            _fec_day(row.piece_day),
            row.label,
            _amount(row.debit),
            _amount(row.credit),
            "",
            "",
            valid,
            "",
            "",
        )
        lines.append("\t".join(map(_ascii, texts)))
    return ("\r\n".join(lines) + "\r\n").encode("ascii")


def _csv(rows: Iterable[Row], closed_on: date | None) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";")
    writer.writerow(CSV_COLUMNS)
    valid = _csv_day(closed_on)
    for row in rows:
        texts = (
            row.journal,
            row.journal_label,
            row.entry,
            _csv_day(row.day),
            row.account,
            row.account_label,
            row.auxiliary,
            row.auxiliary_label,
            row.piece,
            _csv_day(row.piece_day),
            row.label,
        )
        writer.writerow([*map(_plain, texts), _amount(row.debit), _amount(row.credit), valid])
    return text.getvalue().encode("utf-8-sig")


def _fec_day(day: date | None) -> str:
    return "" if day is None else f"{day.year:04d}{day:%m%d}"


def _csv_day(day: date | None) -> str:
    return "" if day is None else f"{day:%d/%m}/{day.year:04d}"


def _amount(amount: Decimal) -> str:
    return f"{amount:.2f}".replace(".", ",")


def _plain(text: str) -> str:
    said = " ".join(text.split())
    return f"'{said}" if said.startswith(_FORMULA) else said


def _ascii(text: str) -> str:
    """Return a text without accents, tabulations and line ends; what has no such form is a question mark."""
    bare = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    plain = "".join(one if one.isascii() else "?" for one in bare if not unicodedata.combining(one))
    return " ".join(plain.split())
