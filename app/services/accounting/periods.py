"""The journal month by month: worked out while a month is open, kept line by line once it is closed, the same for ever."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import insert, select

from app.extensions import db
from app.models import AccountingLine, AccountingPeriod, Invoice
from app.services.billing import missing, months
from app.services.core import clock
from app.services.core.dialect import be_the_writer, insert_if_new
from app.services.core.narrowing import page_at
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.reference.amounts import ZERO

from . import accounts, acts, entries, formats
from .entries import Entry, Sale
from .formats import Format, Row

PAGE = 50
STEP = 2_000


class NoSeller(Refusal):
    """Nobody sells yet."""

    message = "Aucun vendeur n’est enregistré : il n’y a pas de comptabilité à tenir."


class NotOver(Refusal):
    """The month still runs."""

    message = "Ce mois n’est pas terminé : il se clôture à partir du 1er du mois suivant."


class Closed(Refusal):
    """Somebody has closed it before."""

    message = "Ce mois est déjà clôturé : rien n’a été fait."


class NotNext(Refusal):
    """Months are closed one after the other."""

    def __init__(self, month: date | None) -> None:
        super().__init__(
            "Rien n’a encore été émis : il n’y a rien à clôturer."
            if month is None
            else f"Les mois se clôturent dans l’ordre : le premier à clôturer est {months.name_of(month)}."
        )


@dataclass(frozen=True, slots=True)
class Sum:
    """What an account is debited and credited in a month."""

    account: str
    label: str
    debit: Decimal
    credit: Decimal


@dataclass(frozen=True, slots=True)
class Shown:
    """A month as a screen shows it: accounts, how many entries, a page of lines, whether and when it was closed."""

    month: date
    closed: AccountingPeriod | None
    sums: list[Sum]
    entries: int
    debit: Decimal
    credit: Decimal
    rows: list[Row]
    page: int
    page_count: int
    #: The month that may be closed next, None where there is none.
    next: date | None


def of(month: date) -> AccountingPeriod | None:
    """Return a month that is closed, None for one that is open."""
    return db.session.get(AccountingPeriod, month)


def next_to_close() -> date | None:
    """Return the month to be closed next: the one after the last, or that of the first invoice; None without any."""
    last = acts.last_closed()
    first = acts.first_issued() if last is None else None
    return months.after(last.month) if last is not None else months.first_of(first) if first else None


def rows(month: date) -> list[Row]:
    """Return the lines of a month, in their order: as closed, or as they would be today."""
    closed = of(month)
    return _kept(month) if closed is not None else _as_rows(month, written(month))


def written(month: date) -> list[Entry]:
    """Return the entries of a month that is open; none of one before the last that is closed."""
    last = acts.last_closed()
    if last is not None and month <= last.month:
        return []
    return _entries(month, acts.of_month(month, last))


def export(kind: Format, month: date) -> bytes:
    """Return the file of a month; raise :class:`NoSeller` before anybody sells."""
    closed = of(month)
    if closed is None and missing.seller_on(clock.today()) is None:
        raise NoSeller
    return formats.write(kind, rows(month), _day_of(closed))


def file_name(kind: Format, month: date) -> str:
    """Return under which name a month's file is saved."""
    closed, seller = of(month), missing.seller_on(clock.today())
    siren = closed.siren if closed is not None else seller.siren if seller is not None else ""
    return formats.file_name(kind, siren, months.last_of(month))


def show(month: date, page: int) -> Shown:
    """Return a month as a screen shows it."""
    found, closed = rows(month), of(month)
    by_account: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
    for row in found:
        key = (row.account, row.account_label)
        debit, credit = by_account.get(key, (ZERO, ZERO))
        by_account[key] = (debit + row.debit, credit + row.credit)
    page, page_count = page_at(page, len(found), PAGE)
    return Shown(
        month,
        closed,
        [Sum(*key, *by_account[key]) for key in sorted(by_account)],
        found[-1].number if found else 0,
        sum((row.debit for row in found), ZERO),
        sum((row.credit for row in found), ZERO),
        found[(page - 1) * PAGE : page * PAGE],
        page,
        page_count,
        next_to_close(),
    )


def close(month: date, agent_id: int) -> AccountingPeriod:
    """Close a month that is over, the one after the last that is closed: its lines are kept as they are, for ever.

    Raises :class:`NotOver`, :class:`Closed`, :class:`NotNext`, :class:`NoSeller`.
    """
    if months.last_of(month) >= clock.today():
        raise NotOver
    with transaction(durable=True):
        seller = missing.seller_on(clock.today())
        if seller is None:
            raise NoSeller
        be_the_writer(Invoice)
        _take(month, seller.siren, agent_id)
    found = of(month)
    assert found is not None
    return found


def _take(month: date, siren: str, agent_id: int) -> None:
    """Write a month and its lines, in the caller's transaction: who comes second finds it closed."""
    if of(month) is not None:
        raise Closed
    expected = next_to_close()
    if month != expected:
        raise NotNext(expected)
    last, at = acts.last_closed(), clock.now()
    happened = acts.of_month(month, last)
    found = _entries(month, happened)
    kept = _as_rows(month, found)
    period = {
        "month": month,
        "siren": siren,
        "entries": len(found),
        "debit": sum((one.debit for one in found), ZERO),
        "series": acts.series_of(happened, last),
        **{f"{kind}_sha256": sha256(formats.write(kind, kept, at.date())) for kind in Format},
        "closed_at": at,
        "closed_by_id": agent_id,
    }
    if not insert_if_new(AccountingPeriod, period):
        raise Closed
    lines = [
        {"month": month, "number": number, "position": position, "act": one.act, "act_id": one.act_id, **_columns(row)}
        for number, one in enumerate(found, 1)
        for position, row in enumerate(_rows_of(month, number, one), 1)
    ]
    for first in range(0, len(lines), STEP):
        db.session.execute(insert(AccountingLine), lines[first : first + STEP])
    after = {"entries": len(found), "debit": str(period["debit"]), "fec_sha256": period["fec_sha256"]}
    subject = f"{month:%Y-%m}"
    journal.record("accounting.closed", "accounting_period", subject, actor_id=agent_id, after=after)


def sha256(content: bytes) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def _entries(month: date, found: list[acts.Happened]) -> list[Entry]:
    standing, chosen = acts.standings(month, found), accounts.current()
    made: list[Entry] = []
    for one in found:
        if isinstance(one.about, Sale):
            stands = standing[one.about.about_id]
            made.append(entries.of_sale(one.about, one.own_day, one.day, chosen, stands))
        else:
            entry = entries.of_receipt(one.act, one.about, one.day, chosen, standing)
            made += [entry] if entry is not None else []
    return made


def _as_rows(month: date, found: Sequence[Entry]) -> list[Row]:
    return [row for number, one in enumerate(found, 1) for row in _rows_of(month, number, one)]


def _rows_of(month: date, number: int, entry: Entry) -> list[Row]:
    head = (month, number, entry.journal.code, entry.journal.label, entry.day)
    piece = (entry.piece, entry.piece_day, entry.label)
    return [
        Row(
            *head,
            one.account.code,
            one.account.label,
            one.auxiliary,
            one.auxiliary_label,
            *piece,
            one.debit,
            one.credit,
        )
        for one in entry.lines
    ]


#: What a kept line and a row of a file have in common.
_COLUMNS = tuple(name for name in Row.__slots__ if name not in ("month", "number"))


def _columns(row: Row) -> dict[str, object]:
    return {name: getattr(row, name) for name in _COLUMNS}


def _kept(month: date) -> list[Row]:
    line = AccountingLine
    columns = [line.month, line.number, *(getattr(line, name) for name in _COLUMNS)]
    query = select(*columns).where(line.month == month).order_by(line.number, line.position)
    return [Row(*one) for one in db.session.execute(query)]


def _day_of(closed: AccountingPeriod | None) -> date | None:
    return None if closed is None else closed.closed_at.astimezone(clock.PARIS).date()
