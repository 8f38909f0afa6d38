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
from sqlalchemy import exists, insert, select

from app.extensions import db
from app.extensions import mail as mailer
from app.models import Document, Driver, Mail, Person, Registration
from app.models.outbox import MAIL_PENDING, MAIL_REFUSED, MAIL_SENT
from app.models.registration import CERTIFICATE
from app.services.core import actor, clock
from app.services.storage import store

from . import account_mail

CERTIFICATE_MAIL = "certificate"
#: Seconds a mail server may take for one answer; Flask-Mail itself would wait for ever.
TIMEOUT = 20


def prepare_certificates(registrations: Iterable[Registration]) -> list[int]:
    """Write the mail due to each driver who has an account and return the ids of those new; no commit.

    Documents withheld for an agent's decision are not mailed. Who has an account is asked of the base: it may have been
    opened while the documents were drawn.
    """
    ids = [registration.id for registration in registrations]
    due = db.session.execute(
        select(Registration.id, Person.email)
        .join(Registration.driver).join(Driver.person)
        .where(Registration.id.in_(ids), Registration.withheld.is_(False))
        .where(~exists().where(Mail.kind == CERTIFICATE_MAIL, Mail.registration_id == Registration.id))
        .order_by(Registration.id)
    )  # fmt: skip
    return _write([_row(CERTIFICATE_MAIL, email, registration_id=id_) for id_, email in due])


def prepare_invitation(registration_id: int, recipient: str, sequence: int) -> list[int]:
    """Write one invitation to open an account and return its id; no commit. A sequence taken is an `IntegrityError`."""
    return _write([_row(account_mail.INVITATION, recipient, registration_id=registration_id, sequence=sequence)])


def prepare_again(registration_id: int, recipient: str, sequence: int) -> list[int]:
    """Write the certificate's mail once more and return its id; no commit. A sequence taken is an `IntegrityError`."""
    return _write([_row(CERTIFICATE_MAIL, recipient, registration_id=registration_id, sequence=sequence)])


def prepare_account(kind: str, recipient: str, subject: str) -> list[int]:
    """Write one mail about an account (`account_mail`) and return its id; no commit."""
    return _write([_row(kind, recipient, subject=subject)])


def send(mail_id: int) -> None:
    """Send one pending mail and record it; no commit. A mail already sent or refused is left alone.

    A recipient refused for good is recorded so; every other failure is raised, and tried again later.
    """
    row = db.session.get_one(Mail, mail_id)
    if row.state != MAIL_PENDING:
        return
    message = _message(row)
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


def _row(
    kind: str, recipient: str, *, registration_id: int | None = None, subject: str | None = None, sequence: int = 1
) -> dict[str, object]:
    host = current_app.config["BASE_URL"].split("//")[-1].split(":")[0]
    return {
        "kind": kind, "registration_id": registration_id, "subject": subject, "sequence": sequence,
        "recipient": recipient, "message_id": f"<{secrets.token_hex(12)}@{host}>", "state": MAIL_PENDING,
        "created_at": clock.now(),
    }  # fmt: skip


@actor.acting(actor.PROGRAM)
def _write(rows: list[dict[str, object]]) -> list[int]:
    if not rows:
        return []
    db.session.execute(insert(Mail), rows)
    written = select(Mail.id).where(Mail.message_id.in_([row["message_id"] for row in rows])).order_by(Mail.id)
    return list(db.session.execute(written).scalars())


def _message(row: Mail) -> Message:
    if row.kind == CERTIFICATE_MAIL:
        return _certificate(row)
    return _compose(row, *account_mail.content(row))


def _compose(row: Mail, template: str, values: dict[str, object]) -> Message:
    """Return the message of a row, text and HTML of one template; ``values`` holds its ``subject``."""
    message = Message(
        str(values["subject"]), recipients=[row.recipient], sender=current_app.config["MAIL_DEFAULT_SENDER"],
        body=render_template(f"mail/{template}.txt", **values), html=render_template(f"mail/{template}.html", **values),
    )  # fmt: skip
    message.msgId = row.message_id
    return message


def _certificate(row: Mail) -> Message:
    query = select(Document).where(Document.registration_id == row.registration_id, Document.kind == CERTIFICATE)
    document = db.session.execute(query).scalar_one()
    registration = document.registration
    base = current_app.config["BASE_URL"]
    values: dict[str, object] = {
        "subject": f"Votre certificat de qualification de conducteur n° {document.number}",
        "first_name": registration.first_name, "last_name": registration.last_name,
        "training": registration.training.full_label, "end_date": f"{registration.end_date:%d/%m/%Y}",
        "centre": registration.centre.name, "number": document.number,
        "valid_from": f"{document.valid_from:%d/%m/%Y}", "valid_until": f"{document.valid_until:%d/%m/%Y}",
        "space_url": f"{base}/mon-espace/", "verify_url": f"{base}/verifier/{document.number}",
    }  # fmt: skip
    message = _compose(row, "certificate", values)
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
