"""Registering a batch: the legal act, billed. One transaction; whatever is sent twice, it is done once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
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
    """Write drivers, registrations, documents to draw, outbox, journal; return the receipt's number."""
    due = _due(found.report)
    drivers = _drivers(due, found.facts)
    day = clock.today()
    db.session.execute(insert(Registration), _registrations(batch, due, drivers, found.facts))
    ids = list(
        db.session.execute(
            select(Registration.id).where(Registration.batch_id == batch.id).order_by(Registration.line_number)
        ).scalars()
    )
    complete = _completing(ids, due, drivers)
    documents = [d for id_, one in zip(ids, due, strict=True) for d in _documents(id_, one, id_ in complete)]
    db.session.execute(insert(Document), documents)
    outbox.add(DOCUMENTS, ({"registrations": ids[at : at + CHUNK]} for at in range(0, len(ids), CHUNK)))
    number = numbers.public_number(numbers.RECEIPT, day.year)
    batches.transition(
        batch.id,
        REGISTERED,
        registered_at=clock.now(),
        registered_by_id=person_id,
        receipt_number=number,
        summary=analysis.summary(found.report),
    )
    journal.record(
        "batch.registered",
        "batch",
        batch.id,
        actor_id=person_id,
        centre_id=batch.centre_id,
        after={"receipt": number, "registrations": len(ids)},
    )
    return number


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
    db.session.connection().execute(statement, values)
    return {**known.drivers, **facts.load_drivers(set(missing))}


def _registrations(
    batch: Batch, due: list[_Due], drivers: dict[DriverKey, facts.DriverRow], known: facts.Facts
) -> list[dict[str, Any]]:
    prices = pricing.unit_prices(clock.today())
    return [_registration(batch, one, drivers[one.driver], prices, known) for one in due]


def _registration(
    batch: Batch, one: _Due, driver: facts.DriverRow, prices: dict[int, pricing.Price], known: facts.Facts
) -> dict[str, Any]:
    line, price = one.line, prices.get(one.training.id)
    accreditation = known.context.accreditation_for(one.training, one.end_date)
    if price is None:
        raise pricing.NoTariff
    assert accreditation is not None, "the check found one"
    return {
        "batch_id": batch.id, "line_number": line.number, "centre_id": batch.centre_id, "driver_id": driver.id,
        "training_id": one.training.id, "accreditation_id": accreditation.id, "end_date": one.end_date,
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
