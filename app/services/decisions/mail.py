"""What the mail says that tells a centre why documents stay withheld."""

from __future__ import annotations

from flask import current_app

from app.extensions import db
from app.models import Decision, Mail, Registration
from app.services.notifications import mail
from app.services.notifications.mail import Content
from app.services.rights import recipients

#: Kind of this mail; its values hold the ``decision`` and the ``person`` told.
WITHHELD = "withheld_kept"


def tell_centre(registration: Registration, decision: Decision) -> None:
    """Make due the mail to who registered, or to the legal representatives; no commit."""
    for person_id, email in recipients.of_registration(registration.centre_id, registration.batch.created_by_id):
        mail.make_due(WITHHELD, email, {"decision": decision.id, "person": person_id})


@mail.says(WITHHELD, "Documents laissés retenus")
def _kept(row: Mail) -> Content:
    decision = db.session.get_one(Decision, row.values["decision"])
    registration = db.session.get_one(Registration, decision.registration_id)
    if not registration.withheld or not registration.is_live:
        raise mail.Void
    values: dict[str, object] = {
        "receipt": registration.batch.receipt_number,
        "line": registration.line_number,
        "training": registration.training.full_label,
        "reason": decision.reason,
        "url": f"{current_app.config['BASE_URL']}/sessions/{registration.batch.key}/recu",
    }
    return Content("decisions/mail/withheld_kept", "Les documents d’un de vos stagiaires restent retenus", values)
