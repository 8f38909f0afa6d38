"""Reads a FEC as the law describes it (livre des procédures fiscales, A47 A-1), without a line of the program's."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import date, datetime
from decimal import Decimal

#: The names of the law, in its order.
COLUMNS = [
    "JournalCode", "JournalLib", "EcritureNum", "EcritureDate", "CompteNum", "CompteLib", "CompAuxNum", "CompAuxLib",
    "PieceRef", "PieceDate", "EcritureLib", "Debit", "Credit", "EcritureLet", "DateLet", "ValidDate", "Montantdevise",
    "Idevise",
]  # fmt: skip
AMOUNT, ACCOUNT = re.compile(r"[0-9]+,[0-9]{2}"), re.compile(r"[0-9]{3}[0-9A-Za-z]*")
ALWAYS = {"JournalCode", "JournalLib", "EcritureNum", "EcritureDate", "CompteNum", "CompteLib", "PieceRef", "PieceDate",
          "EcritureLib", "Debit", "Credit"}  # fmt: skip


def day(text: str) -> date:
    """Return a day written AAAAMMJJ; raise ValueError."""
    if not re.fullmatch(r"[0-9]{8}", text):
        raise ValueError(text)
    return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007


def amount(text: str) -> Decimal:
    """Return an amount written with a comma; raise ValueError."""
    if not AMOUNT.fullmatch(text):
        raise ValueError(text)
    return Decimal(text.replace(",", "."))


def read(content: bytes, *, is_closed: bool) -> list[dict[str, str]]:
    """Return the lines of a file, judged: raise ValueError on anything that the law does not allow."""
    text = content.decode("ascii")  # holds in ASCII, ISO 8859-15 and UTF-8 alike
    heads, *lines = [line.split("\t") for line in text.removesuffix("\r\n").split("\r\n")]
    if heads != COLUMNS or not text.endswith("\r\n"):
        raise ValueError(heads)
    rows = []
    for line in lines:
        if len(line) != len(COLUMNS):
            raise ValueError(line)
        row = dict(zip(COLUMNS, line, strict=True))
        if any(not row[name].strip() for name in ALWAYS) or any(one != one.strip() for one in line):
            raise ValueError(row)
        if not ACCOUNT.fullmatch(row["CompteNum"]) or bool(row["CompAuxNum"]) != bool(row["CompAuxLib"]):
            raise ValueError(row)
        debit, credit = amount(row["Debit"]), amount(row["Credit"])
        if (debit == 0) == (credit == 0):
            raise ValueError(row)
        if day(row["PieceDate"]) > day(row["EcritureDate"]) or bool(row["ValidDate"]) != is_closed:
            raise ValueError(row)
        if is_closed and day(row["ValidDate"]) < day(row["EcritureDate"]):
            raise ValueError(row)
        rows.append(row)
    _judge(rows)
    return rows


def _judge(rows: list[dict[str, str]]) -> None:
    """Raise ValueError unless entries follow each other without gap, in the order of days, and each balances."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[row["EcritureNum"]] += amount(row["Debit"]) - amount(row["Credit"])
    numbers = [int(one) for one in dict.fromkeys(row["EcritureNum"] for row in rows)]
    if any(sums.values()) or numbers != list(range(numbers[0], numbers[0] + len(numbers)) if numbers else []):
        raise ValueError(sums)
    days = [day(row["EcritureDate"]) for row in rows]
    if days != sorted(days):
        raise ValueError(days)


def balances(rows: list[dict[str, str]]) -> dict[str, Decimal]:
    """Return account → what it is debited less what it is credited; those at zero left out."""
    found: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        found[row["CompteNum"]] += amount(row["Debit"]) - amount(row["Credit"])
    return {account: left for account, left in sorted(found.items()) if left}
