"""What the reminders of an invoice say, worked out as each leaves: nothing once it is paid, credited, disputed or paused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from flask import current_app
from sqlalchemy import func, select

from app.extensions import db
from app.models import Dunning, Invoice, Mail
from app.models.outbox import MAIL_DROPPED, MAIL_PENDING, MAIL_REFUSED, MAIL_SENT
from app.services.core import clock, numbers
from app.services.invoicing import assembling
from app.services.notifications import mail
from app.services.notifications.mail import Content

from . import interest, settlement, stops

#: Level → kind of its mail; values: ``dunning``, and ``to``, by which one is told from another.
KINDS = {0: "due_soon", 1: "dunning_1", 2: "dunning_2", 3: "dunning_3"}
_FATES = {
    MAIL_SENT: ("courriel envoyé", "courriels envoyés"),
    MAIL_PENDING: ("courriel en attente d’envoi", "courriels en attente d’envoi"),
    MAIL_REFUSED: ("courriel refusé par la messagerie", "courriels refusés par la messagerie"),
    MAIL_DROPPED: (
        "courriel non envoyé, devenu sans objet (réglée, contestée ou suspendue entre-temps)",
        "courriels non envoyés, devenus sans objet (réglée, contestée ou suspendue entre-temps)",
    ),
}
_LEVELS = {kind: level for level, kind in KINDS.items()}


def _content(row: Mail) -> Content:
    told, level = db.session.get_one(Dunning, row.values["dunning"]), _LEVELS[row.kind]
    invoice = db.session.get_one(Invoice, told.invoice_id)
    left = settlement.one(invoice.id, told.day).due
    if left <= settlement.ZERO or stops.is_stopped(invoice.id, clock.today()):
        raise mail.Void
    said = assembling.of_issued(invoice)
    number, due_on = invoice.public_number or "", invoice.due_on or told.day
    run_up = interest.of(invoice, told.day)
    values: dict[str, object] = {
        "centre": invoice.centre.name,
        "number": number,
        "order": invoice.order_number,
        "issued_on": invoice.issued_on,
        "due_on": due_on,
        "day": told.day,
        "left": numbers.euros(left),
        "total": numbers.euros(invoice.total),
        "is_partly_paid": left != invoice.total,
        "days_late": _days(due_on, told.day),
        "interest": numbers.euros(run_up) if run_up is not None else "",
        "recovery": numbers.euros(interest.RECOVERY),
        "reference": said.reference,
        "iban": said.seller.iban,
        "bic": said.seller.bic,
        "level": level,
        "url": f"{current_app.config['BASE_URL']}/factures/{invoice.key}",
    }
    return Content("payments/mail/reminder", _subject(level, number, values), values)


def fates(reached: Sequence[Dunning]) -> dict[int, str]:
    """Return id → what became of the mails of a level that was reached, in words; none of the last level, which has none."""
    kinds = {one.id: KINDS[one.level] for one in reached if one.level in KINDS}
    about = Mail.values["dunning"].as_integer()
    query = select(about, Mail.state, func.count()).where(Mail.kind.in_(KINDS.values()), about.in_(kinds))
    counts: dict[int, dict[str, int]] = {id_: {} for id_ in kinds}
    for id_, state, count in db.session.execute(query.group_by(about, Mail.state)):
        counts[id_][state] = count
    return {id_: _fate(found) for id_, found in counts.items()}


def _fate(counts: dict[str, int]) -> str:
    if not counts:
        return "Aucun courriel : personne à qui l’adresser"
    told = [numbers.count_of(counts[state], *words) for state, words in _FATES.items() if state in counts]
    return ", ".join(told)


def _subject(level: int, number: str, values: dict[str, object]) -> str:
    if level == 0:
        return f"Facture {number} : {values['left']} à régler avant le {values['due_on']:%d/%m/%Y}"
    rank = {1: "Rappel", 2: "Deuxième rappel", 3: "Dernier rappel"}[level]
    return f"{rank} : facture {number}, {values['left']} à régler"


def _days(due_on: date, day: date) -> str:
    return numbers.count_of((day - due_on).days, "jour")


mail.says(KINDS[0], "Facture bientôt à régler")(_content)
mail.says(KINDS[1], "Facture en retard, rappel")(_content)
mail.says(KINDS[2], "Facture en retard, deuxième rappel")(_content)
mail.says(KINDS[3], "Facture en retard, dernier rappel")(_content)
