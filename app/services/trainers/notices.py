"""What became of the mail that tells a trainer the right is open; sending it again, to a better address."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.models import Mail, Trainer
from app.models.outbox import MAIL_PENDING, MAIL_REFUSED, MAIL_SENT
from app.models.trainer import REGISTERED
from app.services.accounts import activation
from app.services.core import outbox, throttle
from app.services.core.refusal import Refusal
from app.services.core.throttle import Limit
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.notifications import invitation_limits, mail
from app.services.notifications.mail import Content
from app.validators.address import parse_address

from .drafts import SUBJECT

#: Kind of these mails, each about a trainer.
RIGHT_OPEN = "right_open"
FOR_ADDRESS = Limit("trainer address", 5)
WITHHELD = "withheld"
#: State of the notice → tag and words of the screen.
TAGS = {
    MAIL_PENDING: ("now", "En cours d’envoi"),
    MAIL_SENT: ("ok", "Envoyé"),
    MAIL_REFUSED: ("error", "Adresse refusée"),
    WITHHELD: ("gold", "Retenu, contrôle du nom"),
}


class StillSending(Refusal):
    """The last notice is not sent yet, or was made due by another click."""

    message = "Un message est déjà en cours d’envoi. Attendez de savoir ce qu’il devient."


@dataclass(frozen=True, slots=True)
class Notice:
    """The last mail to a trainer: its state (a key of TAGS), its address, when it was sent."""

    state: str
    address: str
    sent_at: datetime | None

    @property
    def tag(self) -> tuple[str, str]:
        """Return the kind of tag and the words."""
        return TAGS[self.state]


def make_due(row: Trainer, address: str, sequence: int = 1) -> None:
    """Make due the mail that says the right is open; no commit. A sequence taken is an `IntegrityError`."""
    mail.make_due(RIGHT_OPEN, address, trainer_id=row.id, sequence=sequence)


def state_of(row: Trainer) -> Notice:
    """Return the last notice of a registered trainer."""
    sent = _mails(row.id)
    if not sent:
        return Notice(WITHHELD if row.withheld else MAIL_PENDING, row.email, None)
    return Notice(sent[-1].state, sent[-1].recipient, sent[-1].sent_at)


def was_told(row: Trainer) -> bool:
    """Tell whether a notice to this person was made due already."""
    return bool(_mails(row.id))


def send_again(trainer_id: int, typed: str, actor_id: int) -> str:
    """Make the notice due once more and return the address it goes to.

    Raises :class:`StillSending`, `throttle.TooOften`, or `Refusal`: not registered, withheld, a bad address.
    """
    address = parse_address(typed)
    if address is None:
        raise Refusal("Saisissez l’adresse électronique de la personne, par exemple prenom.nom@exemple.fr.")
    row = db.session.get_one(Trainer, trainer_id, populate_existing=True)
    if row.state != REGISTERED or row.withheld or row.cancelled_on is not None:
        raise Refusal("Ce droit n’est pas ouvert : il n’y a rien à annoncer.")
    before = _mails(trainer_id)
    if before and before[-1].state == MAIL_PENDING:
        raise StillSending
    invitation_limits.TRAINERS.count(actor_id, row.centre_id)
    throttle.count(FOR_ADDRESS, address)
    try:
        with transaction():
            make_due(row, address, len(before) + 1)
            journal.record("trainer.notified", SUBJECT, trainer_id, actor_id=actor_id, centre_id=row.centre_id)
    except IntegrityError:  # two clicks at once
        raise StillSending from None
    outbox.ring()
    return address


def of_mails(mails: Iterable[Mail]) -> dict[int, Trainer]:
    """Return mail id → the trainer it is about, with the centre, for the mails that are such notices; one query."""
    about = {one.id: one.trainer_id for one in mails if one.trainer_id is not None}
    if not about:
        return {}
    query = select(Trainer).options(joinedload(Trainer.centre)).where(Trainer.id.in_(set(about.values())))
    rows = db.session.execute(query).scalars()
    by_id = {row.id: row for row in rows}
    return {mail_id: by_id[trainer_id] for mail_id, trainer_id in about.items()}


def _mails(trainer_id: int) -> list[Mail]:
    """Return the notices of a trainer, the first first."""
    query = select(Mail).where(Mail.kind == RIGHT_OPEN, Mail.trainer_id == trainer_id).order_by(Mail.sequence)
    return list(db.session.execute(query).scalars())


@mail.says(RIGHT_OPEN, "Droit de demander une carte")
def _right_open(row: Mail) -> Content:
    """Tell a trainer that a card may be asked for; whether the person has an account is not said in a mail."""
    trainer = row.trainer
    assert trainer is not None
    if trainer.cancelled_on is not None:
        raise mail.Void
    values: dict[str, object] = {
        "first_name": trainer.first_name,
        "profile": trainer.profile_name.lower(),
        "centre": trainer.centre.name,
        "sectors": trainer.sectors,
        "fee_borne": trainer.fee_borne,
        "number": trainer.receipt_number,
    }
    if (driver := trainer.driver) is not None:
        values["sign_up_url"] = activation.invitation_url(driver.id, trainer.centre_id, driver.code_series)
    return Content("trainers/mail/right_open", "Vous pouvez demander votre carte CQC", values)
