"""Registering a batch: the legal act, billed. One transaction; whatever is sent twice, it is done once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.dialects import postgresql, sqlite

from app.extensions import db
from app.models import Batch, Document, Driver, Registration
from app.models.batch import READY, REGISTERED, REGISTERING
from app.models.centre import REGISTER
from app.models.outbox import DOCUMENTS
from app.models.registration import CERTIFICATE, PENDING, RECAP
from app.validators.batch import Report
from app.validators.context import DriverKey, Training
from app.validators.fields import name_key
from app.validators.line import Line

from . import access, analysis, batches, clock, facts, fco, journal, numbers, outbox, pricing, validity
from .refusal import Refusal
from .transaction import transaction

#: Registrations whose documents one job draws.
CHUNK = 25
#: Up to this many rows the base returns the ids with the insert, one round trip less; beyond, that is slower.
SMALL = 1000


class NotChecked(Refusal):
    """The last check does not stand: a line changed since, or it found an error."""

    message = "Des lignes ont changé depuis la dernière vérification. Cliquez sur « Vérifier » avant d’importer."


class HasErrors(Refusal):
    """The batch, judged again at confirmation, has an error: nothing was registered."""

    message = "Une nouvelle vérification a trouvé des erreurs. Rien n’a été enregistré : corrigez les lignes signalées."


@dataclass(frozen=True, slots=True)
class Outcome:
    """The receipt's number, and whether this very call registered the batch (False: it was done before)."""

    receipt_number: str
    is_new: bool


def register(batch_id: int, person_id: int) -> Outcome:
    """Register every kept line of a batch, all or none, and return the receipt's number.

    A batch already registered answers with its receipt. Raises `access.NotAllowed` (contract or right gone),
    :class:`NotChecked`, :class:`HasErrors` (the new check is kept on the batch) or `pricing.NoTariff`.
    """
    refused: analysis.Analysis | None = None
    with transaction(durable=True):
        # The conditional update comes first: it takes the lock, so that a twin waits here and then finds « registered ».
        if not batches.transition(batch_id, REGISTERING, only_from=(READY,)):
            return _already(batch_id)
        batch = db.session.get_one(Batch, batch_id, populate_existing=True)
        if not batch.is_checked:
            raise NotChecked
        access.require(person_id, batch.centre_id, REGISTER)
        found = analysis.analyse(batch)
        if found.report.importable:
            number = _write(batch, found, person_id)
        else:
            refused = found
            db.session.rollback()
    if refused is not None:
        with transaction():
            analysis.store(batch_id, refused, batch.version)
        raise HasErrors
    outbox.ring()
    return Outcome(number, is_new=True)


def _already(batch_id: int) -> Outcome:
    batch = db.session.get_one(Batch, batch_id, populate_existing=True)
    if batch.state != REGISTERED:
        raise NotChecked if batch.is_open else batches.BatchClosed
    return Outcome(str(batch.receipt_number), is_new=False)


@dataclass(frozen=True, slots=True)
class Written:
    """A line registered: its price excluding VAT in euros, and its certificate's number, None where none is due."""

    id: int
    line: int
    price: Decimal
    certificate_number: str | None


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


def _write(batch: Batch, found: analysis.Analysis, person_id: int) -> str:
    """Write a checked batch's lines, its state and the journal; return the receipt's number."""
    batch_id, centre_id = batch.id, batch.centre_id
    count = len(write_lines(batch_id, centre_id, found))
    return conclude(batch_id, centre_id, found, person_id, count)


def write_lines(batch_id: int, centre_id: int, found: analysis.Analysis) -> list[Written]:
    """Write drivers, registrations, documents to draw and outbox, in the caller's transaction; return what was registered.

    The lines stand in the base already and none has an error. Raises `pricing.NoTariff`.
    """
    due = _due(found.report)
    drivers = _drivers(due, found.facts)
    rows = _registrations(batch_id, centre_id, due, drivers, found.facts)
    ids = _insert(batch_id, rows)
    complete = _completing(ids, due, drivers)
    documents = [_documents(id_, one, id_ in complete) for id_, one in zip(ids, due, strict=True)]
    db.session.execute(insert(Document), [document for both in documents for document in both])
    outbox.add(DOCUMENTS, ({"registrations": ids[at : at + CHUNK]} for at in range(0, len(ids), CHUNK)))
    return [
        Written(id_, row["line_number"], row["price"], both[1]["number"] if len(both) > 1 else None)
        for id_, row, both in zip(ids, rows, documents, strict=True)
    ]


def conclude(
    batch_id: int, centre_id: int, found: analysis.Analysis, person_id: int, count: int,
    origin: dict[str, str] | None = None, **changes: Any,
) -> str:  # fmt: skip
    """Move a batch whose lines are written to « registered », note it in the journal, return the receipt's number.

    ``origin`` says in the journal by what means the person acted; ``changes`` are further columns of the batch.
    """
    number = numbers.public_number(numbers.RECEIPT, clock.today().year)
    batches.transition(
        batch_id,
        REGISTERED,
        registered_at=clock.now(),
        registered_by_id=person_id,
        receipt_number=number,
        summary=analysis.summary(found.report),
        **changes,
    )
    journal.record(
        "batch.registered",
        "batch",
        batch_id,
        actor_id=person_id,
        centre_id=centre_id,
        after={"receipt": number, "registrations": count, **(origin or {})},
    )
    return number


def _insert(batch_id: int, rows: list[dict[str, Any]]) -> list[int]:
    """Insert the registrations and return their ids, in the order of the lines; a large batch asks for them apart."""
    if len(rows) <= SMALL:
        returned = db.session.execute(insert(Registration).returning(Registration.line_number, Registration.id), rows)
        return [id_ for _, id_ in sorted(returned.tuples())]
    db.session.execute(insert(Registration), rows)
    query = select(Registration.id).where(Registration.batch_id == batch_id).order_by(Registration.line_number)
    return list(db.session.execute(query).scalars())


def _drivers(due: list[_Due], known: facts.Facts) -> dict[DriverKey, facts.DriverRow]:
    """Return a driver a key, the unknown ones created; two centres that create one at once share it."""
    missing = {one.driver: one.line for one in due if one.driver not in known.drivers}
    if not missing:
        return known.drivers
    values = [
        {"birth_date": birth_date, "permit_number": permit, "last_name": line.last_name, "first_name": line.first_name}
        for (birth_date, permit), line in missing.items()
    ]
    dialect = postgresql if db.session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(Driver.__table__).on_conflict_do_nothing()
    created: dict[DriverKey, facts.DriverRow] = {}
    if len(values) <= SMALL:
        c = Driver.__table__.c
        rows = db.session.connection().execute(statement.returning(c.birth_date, c.permit_number, c.id), values)
        for birth_date, permit, id_ in rows:
            line = missing[birth_date, permit]
            created[birth_date, permit] = facts.DriverRow(id_, False, name_key(line.last_name, line.first_name))
    else:
        db.session.connection().execute(statement, values)
    others = missing.keys() - created.keys()
    return {**known.drivers, **created, **(facts.load_drivers(others) if others else {})}


def _registrations(
    batch_id: int, centre_id: int, due: list[_Due], drivers: dict[DriverKey, facts.DriverRow], known: facts.Facts
) -> list[dict[str, Any]]:
    prices = pricing.unit_prices(clock.today())
    whose = {"batch_id": batch_id, "centre_id": centre_id}
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
        "line_number": line.number, "driver_id": driver.id, "training_id": one.training.id,
        "accreditation_id": accreditation.id, "end_date": one.end_date,
        "last_name": line.last_name, "first_name": line.first_name, "reference": line.reference,
        "order_number": line.order_number, "price": price.amount, "vat_rate": price.vat_rate,
        "registered_on": clock.today(),
        "withheld": driver.has_account and driver.name != name_key(line.last_name, line.first_name),
    }  # fmt: skip


def _completing(ids: list[int], due: list[_Due], drivers: dict[DriverKey, facts.DriverRow]) -> set[object]:
    """Return the registrations of this batch that complete an FCO in modules; no query when it holds no module."""
    concerned = {drivers[one.driver].id for one in due if one.training.is_module}
    if not concerned:
        return set()
    followed = fco.modules_of(concerned).values()
    return set[object](ids) & {key for modules in followed for key in fco.completing(modules)}


def _documents(registration_id: int, one: _Due, completes: bool) -> list[dict[str, Any]]:
    """Return the documents due: a récapitulatif always; a certificate too, unless it is a module that completes nothing."""
    day, birth_date = clock.today(), one.driver[0]
    due = [(RECAP, numbers.RECAP, validity.recap_availability(day))]
    if completes or not one.training.is_module:
        due.append((CERTIFICATE, numbers.CERTIFICATE, validity.certificate_validity(day, birth_date)))
    return [
        {
            "registration_id": registration_id, "kind": kind, "number": numbers.public_number(prefix, day.year),
            "state": PENDING, "established_on": day, "valid_from": start, "valid_until": end,
        }
        for kind, prefix, (start, end) in due
    ]  # fmt: skip
