"""What must hold of documents, the certificates of FCO by modules among them."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from app.extensions import db
from app.models import Document, Driver, Registration, Training
from app.models.amendment import CANCELLED, REPLACED
from app.models.catalogue import FCO_MODULE
from app.models.registration import CERTIFICATE, REVOKED
from app.services.amendments import acts
from app.services.identities import merging
from app.services.operations.invariants import Invariant
from app.services.registration import fco_modules
from app.validators.fco import completing

#: Why documents are revoked by a cancellation, and by the loss of a completion.
CANCELLED_BY = (acts.WHY[CANCELLED], acts.WHY[REPLACED])
LOST_BY = (acts.WHY["fco"], merging.WHY)
#: Drivers whose modules are tallied at once.
SHARE = 2000


def _of_modules() -> Iterator[int]:
    """Yield the modules whose certificate is not what the driver's modules make: the one that completes 35 hours has one (an
    agent may have revoked it), no other has one that holds."""
    last: int | None = 0
    while last is not None:
        query = (
            select(Driver.id)
            .where(Driver.id > last)
            .where(
                Driver.id.in_(select(Registration.driver_id).join(Training).where(Training.price_class == FCO_MODULE))
            )
            .order_by(Driver.id)
            .limit(SHARE)
        )
        drivers = list(db.session.execute(query).scalars())
        last = drivers[-1] if drivers else None
        yield from _wrong(drivers)


def _of_nothing() -> Iterator[int]:
    """Yield the documents revoked by a cancellation of something that stands, or by the loss of 35 hours that are there."""
    query = (
        select(Document.id, Document.revoked_reason, Registration.id, Registration.driver_id)
        .join(Registration, Registration.id == Document.registration_id)
        .where(Document.state == REVOKED, Document.revoked_reason.in_([*CANCELLED_BY, *LOST_BY]), Registration.live())
        .order_by(Document.id)
    )
    rows = db.session.execute(query).tuples().all()
    yield from (id_ for id_, why, *_ in rows if why in CANCELLED_BY)
    lost = [(id_, registration, driver) for id_, why, registration, driver in rows if why in LOST_BY]
    for at in range(0, len(lost), SHARE):
        some = lost[at : at + SHARE]
        drivers = sorted({driver for *_, driver in some})
        made = {key for modules in fco_modules.modules_of(drivers).values() for key in completing(modules)}
        holds = select(Document.registration_id).where(
            Document.registration_id.in_([registration for _, registration, _ in some]),
            Document.kind == CERTIFICATE,
            Document.state != REVOKED,
        )
        given = set(db.session.execute(holds).scalars())
        by_agent = _by_agents([registration for _, registration, _ in some])
        yield from (id_ for id_, one, _ in some if one in made and one not in given | by_agent)


def _by_agents(registration_ids: list[int]) -> set[int]:
    """Return the registrations of which a certificate was revoked for a reason that a person wrote."""
    query = select(Document.registration_id).where(
        Document.registration_id.in_(registration_ids),
        Document.kind == CERTIFICATE,
        Document.state == REVOKED,
        Document.revoked_reason.not_in([*CANCELLED_BY, *LOST_BY]),
    )
    return set(db.session.execute(query).scalars())


def _wrong(drivers: list[int]) -> list[int]:
    query = (
        select(Registration.id, Document.state)
        .join(Training, Training.id == Registration.training_id)
        .join(Document, Document.registration_id == Registration.id)
        .where(Registration.driver_id.in_(drivers), Training.price_class == FCO_MODULE, Document.kind == CERTIFICATE)
    )
    rows = db.session.execute(query).tuples().all() if drivers else []
    holding, given = {id_ for id_, state in rows if state != REVOKED}, {id_ for id_, _ in rows}
    made = {key for modules in fco_modules.modules_of(drivers).values() for key in completing(modules)}
    return sorted((holding - made) | {int(str(key)) for key in made - given})


CHECKS = (
    Invariant(
        "document.no_recap",
        "Un enregistrement n’a pas de récapitulatif",
        """
        SELECT r.id FROM registration r WHERE NOT EXISTS (
          SELECT 1 FROM document d WHERE d.registration_id = r.id AND d.kind = 'recap')""",
    ),
    Invariant(
        "document.no_certificate",
        "Un enregistrement n’a pas le certificat que sa formation donne",
        """
        SELECT r.id FROM registration r JOIN training t ON t.id = r.training_id WHERE t.price_class <> 'fco_module'
          AND NOT EXISTS (SELECT 1 FROM document d WHERE d.registration_id = r.id AND d.kind = 'certificate')""",
    ),
    Invariant(
        "document.of_cancelled",
        "Un document vaut encore alors que son enregistrement est annulé ou remplacé",
        """
        SELECT d.id FROM document d JOIN registration r ON r.id = d.registration_id
          WHERE r.cancelled_on IS NOT NULL AND d.state <> 'revoked'""",
    ),
    Invariant(
        "document.revoked_without_reason",
        "Un document est révoqué sans motif ni date",
        """
        SELECT id FROM document WHERE state = 'revoked' AND (revoked_at IS NULL OR COALESCE(revoked_reason, '') = '')""",
    ),
    Invariant(
        "document.revoked_by_nothing",
        "Un document est révoqué par une annulation, ou par la perte d’une FCO, qui n’ont pas eu lieu",
        _of_nothing,
    ),
    Invariant(
        "fco.certificate",
        "Un module de FCO porte un certificat que les heures du conducteur ne donnent pas, ou n’a pas celui qu’elles donnent",
        _of_modules,
    ),
)
