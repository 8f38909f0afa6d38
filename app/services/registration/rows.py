"""What a registration writes: drivers, registrations, documents to draw, work to do. All of it in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, select

from app.extensions import db
from app.models import Document, Driver, Registration
from app.models.outbox import DOCUMENTS, INVITATIONS
from app.models.registration import CERTIFICATE, PENDING, RECAP
from app.models.search import search_key
from app.services.core import bulk, clock, numbers, outbox
from app.services.core.dialect import insert_ignoring, on_postgresql
from app.services.core.refusal import Refusal
from app.services.reference import pricing
from app.validators import validity
from app.validators.batch import Report
from app.validators.context import DriverKey, Training
from app.validators.fco import completing
from app.validators.fields import NameKey
from app.validators.line import Line
from app.validators.stake import withholds

from . import analysis, facts, fco_modules

#: Registrations whose documents one job draws.
CHUNK = 25
#: Up to this many rows the base returns the ids with the insert, one round trip less; beyond, bulk is quicker.
SMALL = 1000


class DriverMoved(Refusal):
    """A driver was found to be another one while the lines were being written."""

    message = (
        "Un agent a réuni deux fiches d’un même conducteur pendant l’enregistrement : rien n’a été enregistré ni facturé. "
        "Confirmez de nouveau."
    )


@dataclass(frozen=True, slots=True)
class Written:
    """A line registered: its price excluding VAT in euros, and its certificate's number, None where none is due."""

    id: int
    line: int
    price: Decimal
    certificate_number: str | None


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a registration takes over from the one that it replaces.

    ``price``: its price excluding VAT and VAT rate, None where it costs what it costs today; ``validity``: the days of the
    certificate before, None where a new one holds in full.
    """

    ledger_id: int
    price: tuple[Decimal, Decimal] | None
    validity: tuple[date, date] | None


@dataclass(frozen=True, slots=True)
class _Due:
    """A line to register: what the check has made sure of."""

    line: Line
    driver: DriverKey
    training: Training
    end_date: date


def _due(report: Report) -> list[_Due]:
    """Return the lines to register, in the order of the file; identical lines count once."""
    kept = []
    for row in sorted(report.rows, key=lambda row: row.line.number):
        line = row.line
        if row.is_kept:
            assert line.driver_key is not None
            assert line.training is not None
            assert line.end_date is not None
            kept.append(_Due(line, line.driver_key, line.training, line.end_date))
    return kept


def write_lines(
    batch_id: int, centre_id: int, found: analysis.Analysis, inherited: Inherited | None = None
) -> list[Written]:
    """Write drivers, registrations, documents to draw and outbox, in the caller's transaction; return what was registered.

    The lines stand in the base already and none has an error; ``inherited``: of one line that replaces another.
    Raises `pricing.NoTariff` or :class:`DriverMoved`.
    """
    due = _due(found.report)
    drivers = _drivers(due, found.facts)
    rows = _registrations(batch_id, centre_id, due, drivers, found.facts)
    if inherited is not None:
        _inherit(rows, inherited)
    ids = _insert(batch_id, rows)
    _make_sure_drivers_stand(batch_id)
    complete = _completing(ids, due, drivers)
    day = clock.today()
    kept = inherited.validity if inherited else None
    documents = [_documents(id_, one, id_ in complete, day, kept) for id_, one in zip(ids, due, strict=True)]
    _insert_documents([document for both in documents for document in both])
    outbox.add(DOCUMENTS, ({"registrations": ids[at : at + CHUNK]} for at in range(0, len(ids), CHUNK)))
    if found.report.addressed:
        outbox.add(INVITATIONS, [{"batch": batch_id}])
    return [
        Written(id_, row["line_number"], row["price"], both[1]["number"] if len(both) > 1 else None)
        for id_, row, both in zip(ids, rows, documents, strict=True)
    ]


def _inherit(rows: list[dict[str, Any]], inherited: Inherited) -> None:
    for row in rows:
        row["ledger_id"] = inherited.ledger_id
        if inherited.price is not None:
            row["price"], row["vat_rate"] = inherited.price


def _insert(batch_id: int, rows: list[dict[str, Any]]) -> list[int]:
    """Insert the registrations and return their ids, in the order of the lines; a large batch asks for them apart."""
    if len(rows) <= SMALL:
        returned = db.session.execute(insert(Registration).returning(Registration.line_number, Registration.id), rows)
        return [id_ for _, id_ in sorted(returned.tuples())]
    bulk.insert_rows(Registration.__table__, tuple(rows[0]), (bulk.plain(row.values()) for row in rows))
    query = select(Registration.id).where(Registration.batch_id == batch_id).order_by(Registration.line_number)
    return list(db.session.execute(query).scalars())


def _make_sure_drivers_stand(batch_id: int) -> None:
    """Raise :class:`DriverMoved` where a driver became another one's identity since it was read.

    The lines written keep it from changing until the end of the transaction. On SQLite nobody else writes meanwhile.
    """
    query = (
        select(Registration.id)
        .join(Registration.driver)
        .where(Registration.batch_id == batch_id, Driver.same_as_id.is_not(None))
    )
    if on_postgresql() and db.session.execute(query.limit(1)).first() is not None:
        raise DriverMoved


def _insert_documents(rows: list[dict[str, Any]]) -> None:
    if len(rows) <= SMALL:
        db.session.execute(insert(Document), rows)
    else:
        bulk.insert_rows(Document.__table__, tuple(rows[0]), (bulk.plain(row.values()) for row in rows))


def _drivers(due: list[_Due], known: facts.Facts) -> dict[DriverKey, facts.DriverRow]:
    """Return a driver a key, the unknown ones created; two centres that create one at once share it."""
    missing = {one.driver: one.line for one in due if one.driver not in known.drivers}
    if not missing:
        return known.drivers
    created = _create_drivers(missing)
    others = missing.keys() - created.keys()
    return {**known.drivers, **created, **(facts.load_drivers(others) if others else {})}


def _create_drivers(missing: dict[DriverKey, Line]) -> dict[DriverKey, facts.DriverRow]:
    """Create the drivers that nobody else creates meanwhile; return those whose id the base said at once."""
    values = [
        {"birth_date": birth_date, "permit_number": permit, **_names(line)}
        for (birth_date, permit), line in missing.items()
    ]
    table = Driver.__table__
    if len(values) > SMALL:
        bulk.insert_rows(table, tuple(values[0]), (bulk.plain(row.values()) for row in values), skip_known=True)
        return {}
    returned = insert_ignoring(table).returning(table.c.birth_date, table.c.permit_number, table.c.id)
    return {
        (birth_date, permit): facts.DriverRow(id_, False, NameKey())
        for birth_date, permit, id_ in db.session.connection().execute(returned, values)
    }


def _registrations(
    batch_id: int, centre_id: int, due: list[_Due], drivers: dict[DriverKey, facts.DriverRow], known: facts.Facts
) -> list[dict[str, Any]]:
    day = clock.today()
    prices = pricing.unit_prices(day, centre_id)
    whose = {"batch_id": batch_id, "centre_id": centre_id, "registered_on": day}
    return [{**whose, **_registration(one, drivers[one.driver], prices, known)} for one in due]


def _registration(
    one: _Due, driver: facts.DriverRow, prices: dict[int, pricing.Price], known: facts.Facts
) -> dict[str, Any]:
    line, price = one.line, prices.get(one.training.id)
    accreditation = known.context.accreditation_for(one.training, one.end_date)
    if price is None:
        raise pricing.NoTariff
    assert accreditation is not None, "the check found one"
    return {
        "line_number": line.number,
        "driver_id": driver.id,
        "registered_as_id": driver.registered_as,
        "training_id": one.training.id,
        "accreditation_id": accreditation.id,
        "end_date": one.end_date,
        **_names(line),
        "reference": line.reference,
        "order_number": line.order_number,
        "search_order": search_key(line.order_number),
        "price": price.amount,
        "vat_rate": price.vat_rate,
        "withheld": withholds(driver.name if driver.has_account else None, line.last_name, line.first_name),
    }


def _names(line: Line) -> dict[str, str]:
    """Return the names of a line and what they are searched by; rows written in bulk take no default of the model."""
    return {
        "last_name": line.last_name,
        "first_name": line.first_name,
        "search_last": search_key(line.last_name),
        "search_first": search_key(line.first_name),
    }


def _completing(ids: list[int], due: list[_Due], drivers: dict[DriverKey, facts.DriverRow]) -> set[object]:
    """Return the registrations of this batch that complete an FCO in modules; no query when it holds no module."""
    concerned = {drivers[one.driver].id for one in due if one.training.is_module}
    if not concerned:
        return set()
    fco_modules.lock(concerned)
    followed = fco_modules.modules_of(concerned).values()
    return set[object](ids) & {key for modules in followed for key in completing(modules)}


def _documents(
    registration_id: int, one: _Due, completes: bool, day: date, kept: tuple[date, date] | None
) -> list[dict[str, Any]]:
    """Return the documents due: a récapitulatif always; a certificate too, unless it is a module that completes nothing."""
    due = [_document(registration_id, RECAP, day, validity.recap_availability(day))]
    if completes or not one.training.is_module:
        days = kept or validity.certificate_validity(day, one.driver[0])
        due.append(_document(registration_id, CERTIFICATE, day, days))
    return due


def _document(registration_id: int, kind: str, day: date, days: tuple[date, date]) -> dict[str, Any]:
    prefix = numbers.CERTIFICATE if kind == CERTIFICATE else numbers.RECAP
    return {
        "registration_id": registration_id,
        "kind": kind,
        "number": numbers.public_number(prefix, day.year),
        "state": PENDING,
        "established_on": day,
        "valid_from": days[0],
        "valid_until": days[1],
    }


def write_certificates(born: Mapping[int, date], kept: Mapping[int, tuple[date, date]] | None = None) -> list[str]:
    """Write the certificate of registrations (id → the driver's birth date) that complete an FCO since another was
    cancelled, and make them due; return their numbers. In the caller's transaction.

    ``kept``: id → the days of the certificate that this one stands in for; of the others a new one holds in full.
    """
    day, days = clock.today(), kept or {}
    rows = [
        _document(id_, CERTIFICATE, day, days.get(id_) or validity.certificate_validity(day, birth_date))
        for id_, birth_date in sorted(born.items())
    ]
    if rows:
        _insert_documents(rows)
        outbox.add(DOCUMENTS, [{"registrations": sorted(born)}])
    return [row["number"] for row in rows]
