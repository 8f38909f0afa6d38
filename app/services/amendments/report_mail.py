"""The mails about what drivers report: to who registered, that somebody waits; to the driver, what came of it."""

from __future__ import annotations

from flask import current_app
from sqlalchemy import select

from app.extensions import db
from app.models import Cancellation, ErrorReport, Mail, Person, Registration
from app.models.amendment import WRONG_BIRTH_DATE, WRONG_PERMIT, ReportState
from app.services.core import actor
from app.services.notifications import mail
from app.services.notifications.mail import Content
from app.services.rights import recipients

#: Kinds of mails; their values hold the ``report``, by its id, and who is told, ``to``.
TO_CENTRE, TO_DRIVER = "error_report", "report_answer"


@actor.acting(actor.PROGRAM)
def tell_centre(row: ErrorReport, registration: Registration) -> None:
    """Make due the mail to who registered it, or, where that person may no more, to the legal representatives; no commit."""
    for id_, email in recipients.of_registration(registration.centre_id, registration.batch.created_by_id):
        mail.make_due(TO_CENTRE, email, {"report": row.id, "to": id_})


@actor.acting(actor.PROGRAM)
def tell_driver(row: ErrorReport) -> None:
    """Make due the mail that tells a driver what came of a report; no commit."""
    mail.make_due(TO_DRIVER, row.person.email, {"report": row.id, "to": row.person_id})


def is_own(driver_id: int, reason_code: str, new_driver_id: int | None) -> bool:
    """Tell whether a cancelled registration was its driver's own: by a wrong permit or birth date it was another person's."""
    return new_driver_id == driver_id if new_driver_id else reason_code not in (WRONG_PERMIT, WRONG_BIRTH_DATE)


@mail.says(TO_CENTRE, "Erreur signalée par un conducteur")
def _to_centre(about: Mail) -> Content:
    row = db.session.get_one(ErrorReport, about.values["report"])
    if row.state != ReportState.OPEN:
        raise mail.Void
    values: dict[str, object] = {
        "first_name": db.session.get_one(Person, about.values["to"]).first_name,
        "receipt": row.registration.batch.receipt_number,
        "line": row.registration.line_number,
        "url": f"{current_app.config['BASE_URL']}/centre/a-traiter/",
    }
    return Content("amendments/mail/error_report", "Un conducteur signale une erreur sur un enregistrement", values)


@mail.says(TO_DRIVER, "Réponse à un signalement d’erreur")
def _to_driver(about: Mail) -> Content:
    row = db.session.get_one(ErrorReport, about.values["report"])
    registration = row.registration
    values: dict[str, object] = {
        "first_name": row.person.first_name,
        "centre": registration.centre.name,
        "said_on": row.said_at,
        "answer": row.answer,
        "exact": row.state == ReportState.EXACT,
        "by_agent": row.answered_by is not None and row.answered_by.is_agent,
        "cancelled_on": registration.cancelled_on,
        "training": f"{registration.training.full_label}, {registration.end_date:%d/%m/%Y}",
        "own": True,
        "replaced": False,
    }
    query = select(Cancellation).where(Cancellation.registration_id == registration.id)
    done = db.session.execute(query).scalar_one_or_none()
    if done is not None:
        new_driver = done.replaced_by.driver_id if done.replaced_by else None
        values["own"] = is_own(registration.driver_id, done.reason_code, new_driver)
        values["replaced"] = values["own"] and done.replaced_by is not None
    return Content("amendments/mail/report_answer", "Réponse à l’erreur que vous avez signalée", values)
