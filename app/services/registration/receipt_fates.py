"""What became of each line of a receipt: one fate a line, worked out by the base from the states of documents and mails.

The one place that says it: the receipt counts, filters, groups and words its lines by it, on screen, printed and as files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVarTuple

from sqlalchemy import ColumnElement, Select, and_, case, distinct, exists, func, or_, select
from sqlalchemy.orm import aliased

from app.extensions import db
from app.models import Document, Driver, Mail, Registration
from app.models.outbox import CERTIFICATE_MAIL, MAIL_DROPPED, MAIL_PENDING, MAIL_REFUSED, MAIL_SENT
from app.models.registration import CERTIFICATE, PENDING, PURGED, RECAP, REVOKED
from app.models.types import Labelled
from app.services.core.numbers import count_of


class Fate(Labelled):
    """What became of a line, in the order of the screen: first what somebody has to do something about."""

    WITHHELD = "retenu", "Retenu"
    REFUSED = "refuse", "Adresse refusée"
    WAITING = "compte", "Attend un compte"
    PREPARING = "preparation", "En préparation"
    SENDING = "envoi", "En cours d’envoi"
    READY = "disponible", "Disponible"
    SENT = "envoye", "Envoyé"
    MODULE = "module", "Sans certificat"
    REVOKED = "revoque", "Révoqué"
    PURGED = "retire", "Retiré"
    CANCELLED = "annule", "Annulé"


@dataclass(frozen=True, slots=True)
class Words:
    """How a fate is said: the kind of its mark, one and several lines after their count, and what stands above its group."""

    kind: str
    one: str
    many: str
    title: str
    told: str


#: Fates that wait for somebody: the centre, an agent, the driver.
WAITS = (Fate.WITHHELD, Fate.REFUSED, Fate.WAITING)
WORDS: dict[Fate, Words] = {
    Fate.WITHHELD: Words(
        "gold",
        "retenu pour contrôle du nom",
        "retenus pour contrôle du nom",
        "Retenus",
        "rien n’est remis avant la décision d’un agent",
    ),
    Fate.REFUSED: Words(
        "gold",
        "certificat refusé par la messagerie du conducteur",
        "certificats refusés par la messagerie du conducteur",
        "Adresse refusée",
        "le certificat reste disponible dans l’espace du conducteur",
    ),
    Fate.WAITING: Words(
        "gold",
        "attend la création d’un compte",
        "attendent la création d’un compte",
        "Attendent la création d’un compte",
        "leurs documents ne leur sont accessibles qu’ensuite",
    ),
    Fate.PREPARING: Words(
        "now", "en préparation", "en préparation", "En préparation", "les documents sont établis en ce moment"
    ),
    Fate.SENDING: Words(
        "now",
        "certificat en cours d’envoi",
        "certificats en cours d’envoi",
        "En cours d’envoi",
        "à l’adresse du compte",
    ),
    Fate.READY: Words(
        "ok",
        "certificat disponible dans l’espace du conducteur",
        "certificats disponibles dans l’espace du conducteur",
        "Disponibles",
        "dans l’espace du conducteur, sans envoi",
    ),
    Fate.SENT: Words("ok", "certificat envoyé", "certificats envoyés", "Certificats envoyés", "à l’adresse du compte"),
    Fate.MODULE: Words(
        "",
        "module sans certificat",
        "modules sans certificat",
        "Modules, sans certificat",
        "le récapitulatif est dans l’espace du conducteur",
    ),
    Fate.REVOKED: Words(
        "error", "certificat révoqué", "certificats révoqués", "Certificats révoqués", "ils ne valent plus"
    ),
    Fate.PURGED: Words(
        "", "certificat retiré", "certificats retirés", "Certificats retirés", "leur durée de conservation est passée"
    ),
    Fate.CANCELLED: Words("", "ligne annulée", "lignes annulées", "Lignes annulées", "elles ne comptent plus"),
}

#: Code → fate.
BY_CODE: dict[str, Fate] = {one.value: one for one in Fate}

Told = TypeVarTuple("Told")
_CERTIFICATE, _RECAP = aliased(Document), aliased(Document)


def joined(query: Select[*Told]) -> Select[*Told]:
    """Return a statement about registrations joined to what :func:`fate` looks at: the driver, the documents that hold."""
    for document, kind in ((_CERTIFICATE, CERTIFICATE), (_RECAP, RECAP)):
        holds = and_(document.registration_id == Registration.id, document.kind == kind, document.state != REVOKED)
        query = query.outerjoin(document, holds)
    return query


def fate() -> ColumnElement[str]:
    """Return, as SQL over :func:`joined`, the fate of a registration; whatever no rule names is available."""
    mail = _mail_state()
    return case(
        (Registration.cancelled_on.is_not(None), Fate.CANCELLED.value),
        (Registration.withheld.is_(True), Fate.WITHHELD.value),
        (_CERTIFICATE.state == PURGED, Fate.PURGED.value),
        (and_(_CERTIFICATE.id.is_(None), _was_revoked()), Fate.REVOKED.value),
        (Driver.person_id.is_(None), Fate.WAITING.value),
        (is_pending(), Fate.PREPARING.value),
        (_CERTIFICATE.id.is_(None), Fate.MODULE.value),
        (mail == MAIL_SENT, Fate.SENT.value),
        (mail == MAIL_REFUSED, Fate.REFUSED.value),
        (mail == MAIL_PENDING, Fate.SENDING.value),
        else_=Fate.READY.value,
    )


def is_pending() -> ColumnElement[bool]:
    """Return, as SQL over :func:`joined`, whether a document is still to be drawn."""
    return or_(_CERTIFICATE.state == PENDING, _RECAP.state == PENDING)


def _mail_state() -> ColumnElement[str]:
    """Return the state of the last mail that brings this very certificate; those that were dropped told nothing."""
    named = Mail.values["document"].as_integer()
    about = Mail.registration_id == Registration.id, Mail.kind == CERTIFICATE_MAIL, Mail.state != MAIL_DROPPED
    return (
        select(Mail.state)
        .where(*about, or_(named.is_(None), named == _CERTIFICATE.id))
        .order_by(Mail.sequence.desc())
        .limit(1)
        .correlate(Registration, _CERTIFICATE)
        .scalar_subquery()
    )


def _was_revoked() -> ColumnElement[bool]:
    revoked = aliased(Document)
    about = revoked.registration_id == Registration.id, revoked.kind == CERTIFICATE, revoked.state == REVOKED
    return exists().where(*about).correlate(Registration)


@dataclass(frozen=True)
class Standing:
    """Where a whole receipt stands. ``counts``: fate → lines, in the order of the screen, none that is empty; ``lines`` in
    all, of ``persons`` in all; ``pending``: lines of which a document is still to be drawn.
    """

    counts: Mapping[Fate, int]
    lines: int
    persons: int
    pending: int

    @property
    def waits(self) -> bool:
        """Tell whether a line waits for somebody."""
        return any(one in self.counts for one in WAITS)

    @property
    def sentence(self) -> str:
        """Return all of it: « 12 certificats envoyés · 27 attendent la création d’un compte · 1 retenu … », the good first."""
        order = sorted(self.counts, key=lambda one: (one in WAITS, one is not Fate.SENT, one is Fate.WITHHELD))
        return " · ".join(counted(one, self.counts[one]) for one in order)

    def of(self, fates: Sequence[Fate]) -> Standing:
        """Return the same with the sums of all its lines, read a moment later."""
        found = Counter(fates)
        return replace(self, counts={one: found[one] for one in Fate if one in found})


def counted(one: Fate, count: int) -> str:
    """Return so many lines of a fate, in words."""
    return count_of(count, WORDS[one].one, WORDS[one].many)


def standing(batch_id: int) -> Standing:
    """Return where a receipt stands; one query."""
    said = fate().label("fate")
    rows = select(said, is_pending().label("pending")).select_from(Registration).join(Registration.driver)
    each = joined(rows.where(Registration.batch_id == batch_id)).subquery()
    own = Registration.batch_id == batch_id
    persons = select(func.count(distinct(Registration.driver_id))).where(own).scalar_subquery()
    lines = select(each.c.fate, func.count(), func.count().filter(each.c.pending), persons).group_by(each.c.fate)
    found = {BY_CODE[word]: tuple(counts) for word, *counts in db.session.execute(lines)}
    return Standing(
        {one: found[one][0] for one in Fate if one in found},
        sum(count for count, _, _ in found.values()),
        max((count for _, _, count in found.values()), default=0),
        sum(pending for _, pending, _ in found.values()),
    )


def in_order() -> ColumnElement[int]:
    """Return, as SQL over :func:`joined`, the place of a fate on the screen."""
    return case({one.value: place for place, one in enumerate(Fate)}, value=fate(), else_=len(Fate))
