"""The mail that tells a centre what an agent cancelled or replaced without having been asked to (situation D)."""

from __future__ import annotations

from flask import current_app

from app.extensions import db
from app.models import Cancellation, Mail, Person, Registration
from app.models.amendment import REASONS
from app.services.core import actor
from app.services.notifications import mail
from app.services.notifications.mail import Content
from app.services.rights import recipients

#: Kind of the mail; its values hold the ``cancellation``, by its id, and who is told, ``to``.
BY_AGENT = "agent_act"


@actor.acting(actor.PROGRAM)
def tell(row: Cancellation) -> None:
    """Make due the mail to who registered it, or to the legal representatives; no commit."""
    registration = db.session.get_one(Registration, row.registration_id)
    for id_, email in recipients.of_registration(registration.centre_id, registration.batch.created_by_id):
        mail.make_due(BY_AGENT, email, {"cancellation": row.id, "to": id_})


@mail.says(BY_AGENT, "Enregistrement annulé ou remplacé par un agent")
def _by_agent(about: Mail) -> Content:
    row = db.session.get_one(Cancellation, about.values["cancellation"])
    old = db.session.get_one(Registration, row.registration_id)
    words = "remplacé" if row.replaced_by_id else "annulé"
    values: dict[str, object] = {
        "first_name": db.session.get_one(Person, about.values["to"]).first_name,
        "words": words,
        "receipt": old.batch.receipt_number,
        "line": old.line_number,
        "reason": REASONS[row.reason_code],
        "new_receipt": row.replaced_by.batch.receipt_number if row.replaced_by else "",
        "url": f"{current_app.config['BASE_URL']}/sessions/{old.batch.key}/recu",
    }
    return Content("amendments/mail/agent_act", f"Un agent a {words} un de vos enregistrements", values)
