"""What the reminders of an invoice say, worked out as each leaves: nothing once it is paid, credited, disputed or paused."""

from __future__ import annotations

from datetime import date

from flask import current_app

from app.extensions import db
from app.models import Dunning, Invoice, Mail
from app.services.core import clock, numbers
from app.services.invoicing import assembling
from app.services.notifications import mail
from app.services.notifications.mail import Content

from . import interest, settlement, stops

#: Level → kind of its mail; values: ``dunning``, and ``to``, by which one is told from another.
KINDS = {0: "due_soon", 1: "dunning_1", 2: "dunning_2", 3: "dunning_3"}
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
