"""What tests of several folders do the same way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Select, event, select, text

from app.extensions import db
from app.jobs import work
from app.models import Batch, Centre, Driver, Outbox, Person, Trainer, Training
from app.services.accounts import activation
from app.services.core import clock
from app.services.core.dialect import on_postgresql
from app.services.registration import analysis, confirm, drafts
from app.services.trainers import drafts as trainer_drafts
from app.services.trainers import registration as trainer_registration

MARIE = {
    "reference": "REF1", "order_number": "COM1", "first_name": "Marie", "last_name": "MARTIN",
    "birth_date": "12/04/1985", "permit_number": "850492100123",
}  # fmt: skip
PIERRE = {
    "reference": "REF1", "order_number": "COM1", "first_name": "Pierre", "last_name": "DUPONT",
    "birth_date": "01/01/1990", "permit_number": "82R987928",
}  # fmt: skip


def centre_id(siret: str = "12345678200010") -> int:
    """Return the demonstration centre's id."""
    return db.session.execute(select(Centre.id).where(Centre.siret == siret)).scalar_one()


def person_id(email: str = "gestionnaire@demo.example") -> int:
    """Return a person's id."""
    return db.session.execute(select(Person.id).where(Person.username == email)).scalar_one()


def code_of(permit_number: str, siret: str = "12345678200010") -> str:
    """Return the activation code that a centre hands to a driver; empty where the register knows none of this number."""
    row = db.session.execute(select(Driver.id, Driver.code_series).where(Driver.permit_number == permit_number)).first()
    return activation.code(row.id, centre_id(siret), row.code_series) if row else ""


def training_id(label: str = "FIMO Marchandises", category: str = "Marchandises") -> int:
    """Return a training's id."""
    return db.session.execute(
        select(Training.id).where(Training.label == label, Training.category == category)
    ).scalar_one()


def many(count: int) -> list[dict[str, str]]:
    """Return so many different drivers without account, clean lines all."""
    letters = "ABCDEFGHIJ"
    return [
        {
            "reference": "REF1", "order_number": "COM1", "first_name": "Jean", "birth_date": "01/02/1980",
            "last_name": "N" + "".join(letters[int(d)] for d in str(at)), "permit_number": f"1{at:011d}",
        }
        for at in range(count)
    ]  # fmt: skip


def draft(*rows: dict[str, str], training: int | None = None, end_date: str = "07/01/2022") -> int:
    """Return the id of a draft of the demonstration centre with these lines."""
    batch_id = drafts.start(centre_id(), person_id()).id
    drafts.choose_training(batch_id, training or training_id(), end_date)
    if rows:
        drafts.add_rows(batch_id, rows)
    return batch_id


def registered(*rows: dict[str, str], **options: Any) -> Batch:
    """Return a batch of the demonstration centre, checked and registered; its documents are still to be drawn."""
    batch_id = draft(*rows, **options)
    analysis.check(batch_id)
    confirm.register(batch_id, person_id())
    return db.session.get_one(Batch, batch_id)


CHLOE = {
    "first_name": "Chloé", "last_name": "DURAND", "birth_date": "03/05/1980", "permit_number": "800569210042",
    "email": "chloe.durand@exemple.fr",
}  # fmt: skip
LEGAL = "representant@demo.example"


def trainer_draft(
    fee_borne: str = "oui", *, order: str = "COM1", profile: str = "trainer", who: str = LEGAL, **person: str
) -> Trainer:
    """Return a draft of the demonstration centre for a trainer, both pages typed."""
    row = trainer_drafts.start(centre_id(), person_id(who), profile)
    trainer_drafts.save_person(row, {**CHLOE, **person})
    trainer_drafts.save_terms(row, ["Marchandises"], fee_borne, order, "")
    return row


def registered_trainer(fee_borne: str = "oui", **options: str) -> Trainer:
    """Return a trainer registered by the demonstration centre; the notice is still to be sent."""
    row = trainer_draft(fee_borne, **options)
    trainer_registration.register(row.id, row.version, person_id(LEGAL))
    return row


def drain() -> int:
    """Do all the work that is due, here and now, and return how many rows were done."""
    done = 0
    due = select(Outbox.id).where(Outbox.done_at.is_(None), Outbox.attempts == 0)
    while ids := list(db.session.execute(due.where(Outbox.due_at <= clock.machine_now())).scalars()):
        for outbox_id in ids:
            work.run(outbox_id)
            done += 1
    return done


def plan(query: Select[Any]) -> str:
    """Return how a base that could read whole tables at once would rather answer."""
    written = query.compile(db.engine, compile_kwargs={"literal_binds": True})
    if on_postgresql():  # the base of a test is so small that it would read it all
        db.session.execute(text("SET LOCAL enable_seqscan = off"))
        return "\n".join(db.session.execute(text("EXPLAIN " + str(written).replace(":", "\\:"))).scalars())
    rows = db.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {written}")
    return "\n".join(row[3] for row in rows)


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect the SQL statements run inside the block."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
