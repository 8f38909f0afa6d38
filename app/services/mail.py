"""Mails: made due with the documents, sent by a job, each to one recipient, always under the same Message-ID."""

from __future__ import annotations

import secrets
import smtplib
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import current_app, render_template
from flask_mail import Message
from sqlalchemy import insert, select

from app.extensions import db
from app.extensions import mail as mailer
from app.models import Document, Mail, Registration
from app.models.outbox import MAIL_PENDING, MAIL_REFUSED, MAIL_SENT
from app.models.registration import CERTIFICATE

from . import clock, store

CERTIFICATE_MAIL = "certificate"
#: Seconds a mail server may take for one answer; Flask-Mail itself would wait for ever.
TIMEOUT = 20


def prepare_certificates(registrations: Iterable[Registration]) -> list[int]:
    """Write the mail due to each driver who has an account and return the ids of those new; no commit.

    Documents withheld for an agent's decision are not mailed.
    """
    due = [r for r in registrations if r.driver.person_id is not None and not r.withheld]
    known = set(
        db.session.execute(
            select(Mail.registration_id).where(
                Mail.kind == CERTIFICATE_MAIL, Mail.registration_id.in_([r.id for r in due])
            )
        ).scalars()
    )
    rows = [_row(r, sequence=1) for r in due if r.id not in known]
    if not rows:
        return []
    db.session.execute(insert(Mail), rows)
    written = select(Mail.id).where(Mail.message_id.in_([row["message_id"] for row in rows]))
    return list(db.session.execute(written).scalars())


def send(mail_id: int) -> None:
    """Send one pending mail and record it; no commit. A mail already sent or refused is left alone.

    A recipient refused for good is recorded so; every other failure is raised, and tried again later.
    """
    row = db.session.get_one(Mail, mail_id)
    if row.state != MAIL_PENDING:
        return
    message = _certificate(row)
    db.session.rollback()  # nothing is read any more: no lock is held while a mail server thinks
    try:
        _deliver(message)
    except smtplib.SMTPException as error:
        code = _final_refusal(error)
        if not code:
            raise
        _record(mail_id, MAIL_REFUSED, f"SMTP {code}")
    else:
        _record(mail_id, MAIL_SENT, None)


def _final_refusal(error: smtplib.SMTPException) -> int:
    """Return the code (500 or more) by which the server refused the recipient or the message for good, else 0."""
    code = 0
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code = min((code for code, _ in error.recipients.values()), default=0)
    elif isinstance(error, smtplib.SMTPDataError):
        code = error.smtp_code
    return code if code >= 500 else 0


def _record(mail_id: int, state: str, error: str | None) -> None:
    row = db.session.get_one(Mail, mail_id)
    row.state, row.error = state, error
    row.sent_at = clock.now() if state == MAIL_SENT else None


def _row(registration: Registration, sequence: int) -> dict[str, object]:
    host = current_app.config["BASE_URL"].split("//")[-1].split(":")[0]
    person = registration.driver.person
    assert person is not None
    return {
        "kind": CERTIFICATE_MAIL, "registration_id": registration.id, "sequence": sequence, "recipient": person.email,
        "message_id": f"<{secrets.token_hex(12)}@{host}>", "state": MAIL_PENDING, "created_at": clock.now(),
    }  # fmt: skip


def _certificate(row: Mail) -> Message:
    query = select(Document).where(Document.registration_id == row.registration_id, Document.kind == CERTIFICATE)
    document = db.session.execute(query).scalar_one()
    registration = document.registration
    base = current_app.config["BASE_URL"]
    subject = f"Votre certificat de qualification de conducteur n° {document.number}"
    values = {
        "subject": subject, "first_name": registration.first_name, "last_name": registration.last_name,
        "training": registration.training.full_label, "end_date": f"{registration.end_date:%d/%m/%Y}",
        "centre": registration.centre.name, "number": document.number,
        "valid_from": f"{document.valid_from:%d/%m/%Y}", "valid_until": f"{document.valid_until:%d/%m/%Y}",
        "space_url": f"{base}/mon-espace/", "verify_url": f"{base}/verifier/{document.number}",
    }  # fmt: skip
    message = Message(
        subject, recipients=[row.recipient], body=render_template("mail/certificate.txt", **values),
        html=render_template("mail/certificate.html", **values), sender=current_app.config["MAIL_DEFAULT_SENDER"],
    )  # fmt: skip
    message.msgId = row.message_id
    content = store.get(str(document.path), str(document.sha256))
    message.attach(f"certificat-{document.number}.pdf", "application/pdf", content)
    return message


def _deliver(message: Message) -> None:
    """Hand the message to the mail server, or write it to the mail folder when there is none."""
    if not current_app.config["MAIL_SERVER"]:
        folder = Path(current_app.config["DATA_DIR"]) / "mails"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        target = folder / f"{str(message.msgId).strip('<>').split('@')[0]}.eml"
        draft = target.with_suffix(".tmp")
        draft.write_bytes(message.as_bytes())
        draft.replace(target)
        return
    with _patience():
        mailer.send(message)


@contextmanager
def _patience() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
