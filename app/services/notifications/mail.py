"""Mails: made due in the transaction of what they tell, sent by a job, each to one recipient, always under the same Message-ID.

What a mail says stands beside its capability: a module registers the content of each of its kinds (`says`), and sending knows
none of them. A content is worked out when the mail is sent, from the row: its ``values``, its registration, its trainer.
"""

from __future__ import annotations

import secrets
import smtplib
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import current_app, render_template
from flask_mail import Message
from sqlalchemy import insert, select

from app.extensions import db
from app.extensions import mail as mailer
from app.french.spaces import no_break
from app.models import Mail
from app.models.outbox import MAIL, MAIL_DROPPED, MAIL_PENDING, MAIL_REFUSED, MAIL_SENT
from app.services.core import actor, clock, outbox, trace

#: Seconds a mail server may take for one answer; Flask-Mail itself would wait for ever.
TIMEOUT = 20


@dataclass(frozen=True, slots=True)
class Content:
    """What a mail says: the template of its text and HTML, its subject line, what the template is filled with, files (name,
    type, bytes), and, where it may be stopped, the address that stops it by a POST (RFC 8058)."""

    template: str
    subject: str
    values: Mapping[str, object] = field(default_factory=dict)
    files: Sequence[tuple[str, str, bytes]] = ()
    off_url: str = ""


class Void(Exception):
    """What the mail was to tell no longer holds: it is not sent."""


Says = Callable[[Mail], Content]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of mail: its name in French, and what works out its content."""

    name: str
    content: Says


#: Kind → what it is; filled by the modules of the capabilities as they are loaded.
KINDS: dict[str, Kind] = {}


def says(kind: str, name: str) -> Callable[[Says], Says]:
    """Register the decorated function as what mails of this kind say."""

    def register(content: Says) -> Says:
        assert kind not in KINDS, f"two contents for the kind of mail {kind!r}"
        KINDS[kind] = Kind(name, content)
        return content

    return register


def name_of(kind: str) -> str:
    """Return the French name of a kind of mail; the code itself for one that nobody sends any more."""
    return KINDS[kind].name if kind in KINDS else kind


def make_due(
    kind: str,
    recipient: str,
    values: Mapping[str, Any] | None = None,
    *,
    registration_id: int | None = None,
    trainer_id: int | None = None,
    sequence: int = 1,
) -> int:
    """Write one mail and make it due; return its id. No commit.

    ``values``: plain JSON, what the content is worked out from (`says`). `IntegrityError` for a mail that was written
    already: of this kind, about the same registration or trainer with the same sequence, or with the same values.
    """
    about = {"registration_id": registration_id, "trainer_id": trainer_id, "sequence": sequence}
    [mail_id] = make_all_due(kind, [{"recipient": recipient, "values": dict(values or {}), **about}])
    return mail_id


def make_all_due(kind: str, mails: Sequence[Mapping[str, object]], *, due_at: datetime | None = None) -> list[int]:
    """Write mails of one kind, each its recipient and columns, and make them due (at ``due_at``, else at once); return their
    ids. No commit.
    """
    due = _write([{**_row(kind), **one} for one in mails])
    outbox.add(MAIL, ({"mail": mail_id} for mail_id in due), due_at=due_at)
    return due


def send(mail_id: int) -> None:
    """Send one pending mail and record it; no commit. A mail already sent or refused is left alone.

    A recipient refused for good is recorded so, a mail that tells nothing true any more is dropped; every other failure is
    raised, and tried again later.
    """
    row = db.session.get_one(Mail, mail_id)
    if row.state != MAIL_PENDING:
        return
    try:
        message = _message(row)
    except Void:
        _record(mail_id, MAIL_DROPPED, None)
        return
    db.session.rollback()  # nothing is read any more: no lock is held while a mail server thinks
    try:
        _deliver(message)
    except smtplib.SMTPException as error:
        code = _final_refusal(error)
        if not code:
            raise
        refused(mail_id, code)
    else:
        _record(mail_id, MAIL_SENT, None)


def refused(mail_id: int, code: int) -> None:
    """Record that the server refused a mail for good, with the code (500 or more) that it gave; no commit."""
    _record(mail_id, MAIL_REFUSED, f"SMTP {code}")


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


def _row(kind: str) -> dict[str, object]:
    assert kind in KINDS, f"nobody says what a mail of the kind {kind!r} tells"
    host = current_app.config["BASE_URL"].split("//")[-1].split(":")[0]
    return {
        "kind": kind,
        "registration_id": None,
        "trainer_id": None,
        "values": {},
        "sequence": 1,
        "message_id": f"<{secrets.token_hex(12)}@{host}>",
        "state": MAIL_PENDING,
        "created_at": clock.now(),
    }


@actor.acting(actor.PROGRAM)
def _write(rows: list[dict[str, object]]) -> list[int]:
    if not rows:
        return []
    db.session.execute(insert(Mail), rows)
    written = select(Mail.id).where(Mail.message_id.in_([row["message_id"] for row in rows])).order_by(Mail.id)
    return list(db.session.execute(written).scalars())


def _message(row: Mail) -> Message:
    """Return the message of a row, text and HTML of one template."""
    content = KINDS[row.kind].content(row)
    values = {**_addresses(), **content.values, "subject": content.subject}
    message = Message(
        no_break(content.subject),
        recipients=[row.recipient],
        sender=current_app.config["MAIL_DEFAULT_SENDER"],
        body=render_template(f"{content.template}.txt", **values),
        html=render_template(f"{content.template}.html", **values),
    )
    message.msgId = row.message_id
    message.extra_headers = {}
    if content.off_url:
        message.extra_headers["List-Unsubscribe"] = f"<{content.off_url}>"
        message.extra_headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if number := trace.current():
        message.extra_headers[trace.HEADER] = number
    for name, kind, data in content.files:
        message.attach(name, kind, data)
    return message


def _addresses() -> dict[str, str]:
    """Return the addresses of the site that any mail may name."""
    base = current_app.config["BASE_URL"]
    return {
        "sign_in_url": f"{base}/login/",
        "reset_url": f"{base}/mot-de-passe/",
        "sign_up_url": f"{base}/inscription/",
        "space_url": f"{base}/mon-espace/",
        "identity_url": f"{base}/mon-espace/identite/",
    }


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
