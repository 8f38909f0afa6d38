"""The receipt of a registered batch: number, who, when, lines, amounts, and what became of each document."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, aliased, contains_eager, selectinload

from app.extensions import db
from app.models import Batch, Cancellation, Document, ImportFile, Mail, Registration, Trainer
from app.models.amendment import REASONS
from app.models.batch import CORRECTION, FILE
from app.models.outbox import CERTIFICATE_MAIL, INVITATION_MAIL, MAIL_PENDING, MAIL_REFUSED, MAIL_SENT
from app.models.registration import AVAILABLE, CERTIFICATE, PENDING, PURGED, RECAP, REVOKED
from app.services.accounts import activation
from app.services.reference.pricing import Quote, billed
from app.validators.file import unread_sheets

PAGE = 50
_NEW = aliased(Registration)
#: Lines of a page made to be printed: a receipt of more comes in several.
PRINTED = 1000

#: State of a document on the receipt: (kind of tag, words).
PREPARING = ("now", "En préparation")
READY = ("ok", "Disponible")
SENT = ("ok", "Remis et envoyé")
AT_ACCOUNT = ("gold", "À la création du compte")
WITHHELD = ("gold", "Retenu, contrôle du nom")
NOT_DUE = ("", "Non délivré pour un module")
ADDRESS_REFUSED = ("gold", "Disponible, adresse refusée")
OTHER: dict[str, tuple[str, str]] = {REVOKED: ("error", REVOKED.label), PURGED: ("", PURGED.label)}
_BY_MAIL: dict[str, tuple[str, str]] = {MAIL_SENT: SENT, MAIL_REFUSED: ADDRESS_REFUSED}


@dataclass(frozen=True)
class ReceiptLine:
    """A registration on the receipt, with the state of its two documents as (kind of tag, words).

    ``invited_at``: when the driver was last invited to open an account, None where never. ``note``: what became of the line
    since, if it was cancelled: the receipt itself is history and stays as it was.
    """

    registration: Registration
    recap: tuple[str, str]
    certificate: tuple[str, str]
    invited_at: datetime | None = None
    #: The activation code to hand to the driver, as it is read; empty where an account is proved.
    code: str = ""
    note: Note | None = None


@dataclass(frozen=True)
class Note:
    """A line was cancelled, for a reason in words; ``key`` and ``receipt_number``: of the receipt that replaces it, if any."""

    on: date
    reason: str
    key: str | None = None
    receipt_number: str | None = None


@dataclass(frozen=True)
class Trace:
    """What the lines were registered under; the first few of each. ``sheet``, ``unread``: of a file, where they came from
    and what is to be said of other sheets that hold lines.
    """

    order_numbers: list[str]
    references: list[str]
    sheet: str = ""
    unread: str = ""


@dataclass(frozen=True)
class Receipt:
    """One page of a receipt. ``pending``: documents still to be drawn; ``mails``: to be sent; both over all pages.

    ``replaces``: of a correction, the number of the receipt whose line it replaces.
    """

    batch: Batch
    quote: Quote
    lines: list[ReceiptLine]
    page: int
    page_count: int
    pending: int
    total_documents: int
    mails: int
    trace: Trace
    replaces: str | None = None

    @property
    def fingerprint(self) -> str:
        """Return a text that changes with any state shown on this page."""
        states = ",".join(f"{line.recap[1]}/{line.certificate[1]}/{line.code}/{line.note}" for line in self.lines)
        return f"{zlib.crc32(states.encode()):08x}-{self.pending}-{self.mails}"


def receipt(batch: Batch, page: int = 1, size: int = PAGE) -> Receipt:
    """Return a page of ``size`` lines of the receipt of a registered batch; a page out of range is the nearest one."""
    total = db.session.scalar(select(func.count()).where(Registration.batch_id == batch.id)) or 0
    page_count = max(1, -(-total // size))
    page = min(max(page, 1), page_count)
    documents, pending = progress(batch.id)
    return Receipt(
        batch,
        billed(batch.id),
        _lines(batch.id, page, size),
        page,
        page_count,
        pending,
        documents,
        mails_due(batch.id),
        _trace(batch),
        _replaces(batch),
    )


def _replaces(batch: Batch) -> str | None:
    if batch.mode != CORRECTION:
        return None
    old, new = aliased(Registration), aliased(Registration)
    query = (
        select(Batch.receipt_number)
        .join(old, old.batch_id == Batch.id)
        .join(Cancellation, Cancellation.registration_id == old.id)
        .join(new, new.id == Cancellation.replaced_by_id)
        .where(new.batch_id == batch.id)
    )
    return db.session.scalar(query)


def notes(registration_ids: list[int]) -> dict[int, Note]:
    """Return registration id → what became of those that were cancelled; one query."""
    query = (
        select(Registration.id, Registration.cancelled_on, Cancellation.reason_code, Batch.key, Batch.receipt_number)
        .join(Cancellation, Cancellation.registration_id == Registration.id)
        .outerjoin(_NEW, _NEW.id == Cancellation.replaced_by_id)
        .outerjoin(Batch, Batch.id == _NEW.batch_id)
        .where(Registration.id.in_(registration_ids))
    )
    return {id_: Note(on, REASONS[code], *told) for id_, on, code, *told in db.session.execute(query) if on}


def _trace(batch: Batch) -> Trace:
    file = db.session.get(ImportFile, batch.id) if batch.mode == FILE else None
    told = (file.sheet, unread_sheets(file.sheet, file.other_sheets)) if file else ()
    return Trace(_distinct(batch.id, Registration.order_number), _distinct(batch.id, Registration.reference), *told)


def mails_due(batch_id: int) -> int:
    """Return how many mails of a batch wait to be sent; one query."""
    due = select(func.count()).select_from(Mail).join(Registration, Mail.registration_id == Registration.id)
    return db.session.scalar(due.where(Registration.batch_id == batch_id, Mail.state == MAIL_PENDING)) or 0


def _distinct(batch_id: int, column: InstrumentedAttribute[str], limit: int = 4) -> list[str]:
    query = select(column).where(Registration.batch_id == batch_id, column != "").distinct()
    return list(db.session.execute(query.order_by(column).limit(limit)).scalars())


def progress(batch_id: int) -> tuple[int, int]:
    """Return how many documents a batch gives and how many are still to be drawn; one query."""
    counted = select(func.count(), func.count().filter(Document.state == PENDING))
    row = db.session.execute(counted.join(Registration).where(Registration.batch_id == batch_id)).one()
    return row[0], row[1]


def _lines(batch_id: int, page: int, size: int) -> list[ReceiptLine]:
    query = (
        select(Registration)
        .join(Registration.driver)
        .join(Registration.training)
        .options(
            contains_eager(Registration.driver),
            contains_eager(Registration.training),
            selectinload(Registration.documents),
        )
        .where(Registration.batch_id == batch_id)
        .order_by(Registration.line_number)
        .limit(size)
        .offset((page - 1) * size)
    )
    registrations = list(db.session.execute(query).scalars())
    mails = _mails([r.id for r in registrations])
    ended = notes([r.id for r in registrations if not r.is_live])
    return [
        _line(r, mails.get((r.id, CERTIFICATE_MAIL)), mails.get((r.id, INVITATION_MAIL)), ended.get(r.id))
        for r in registrations
    ]


@dataclass(frozen=True, slots=True)
class Slip:
    """What is handed to a driver without proved account: the name as registered, and the code."""

    name: str
    code: str


def slips(batch_id: int, page: int = 1) -> list[Slip]:
    """Return the slips of a batch, one a driver without proved account, in the order of the lines; PRINTED lines a page."""
    codes: dict[int, Slip] = {}
    for line in _lines(batch_id, page, PRINTED):
        one = line.registration
        if line.code:
            codes.setdefault(one.driver_id, Slip(f"{one.last_name} {one.first_name}", line.code))
    return list(codes.values())


def _mails(registration_ids: list[int]) -> dict[tuple[int | None, str], Mail]:
    """Return registration id and kind → the last mail of that kind."""
    query = select(Mail).where(Mail.registration_id.in_(registration_ids)).order_by(Mail.sequence)
    return {(mail.registration_id, mail.kind): mail for mail in db.session.execute(query).scalars()}


def _line(registration: Registration, mail: Mail | None, invitation: Mail | None, note: Note | None) -> ReceiptLine:
    by_kind = registration.live_documents
    recap = _state(by_kind.get(RECAP), registration, "")
    certificate = _state(by_kind.get(CERTIFICATE), registration, mail.state if mail else "")
    invited_at = invitation.created_at if invitation else None
    return ReceiptLine(registration, recap, certificate, invited_at, code_of(registration), note)


def code_of(registration: Registration | Trainer) -> str:
    """Return the activation code that this centre hands to the driver of a registration, as it is read; empty without."""
    driver = registration.driver
    if driver is None or driver.has_account or (isinstance(registration, Registration) and not registration.is_live):
        return ""
    return activation.shown(activation.code(driver.id, registration.centre_id, driver.code_series))


def _state(document: Document | None, registration: Registration, mail_state: str) -> tuple[str, str]:
    if document is None:
        return NOT_DUE
    if document.state == PENDING:
        return PREPARING
    if document.state != AVAILABLE:
        return OTHER[document.state]
    if registration.withheld:
        return WITHHELD
    if document.kind == CERTIFICATE and not registration.driver.has_account:
        return AT_ACCOUNT
    return _BY_MAIL.get(mail_state, READY)
