"""The receipt of a registered batch: number, who, when, lines, amounts, and what became of each line."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from sqlalchemy import func, select
from sqlalchemy.orm import aliased, contains_eager, joinedload, selectinload

from app.extensions import db
from app.models import Batch, Cancellation, Decision, Mail, OrderOverride, Registration, Trainer
from app.models.amendment import REASONS
from app.models.batch import CORRECTION
from app.models.decision import Outcome
from app.models.outbox import CERTIFICATE_MAIL, MAIL_PENDING, MAIL_SENT
from app.models.registration import RECAP, Document
from app.services.accounts import activation
from app.services.core import actor
from app.services.core.clock import PARIS
from app.services.core.narrowing import page_at
from app.services.notifications import invited
from app.services.reference.pricing import Quote, billed

from . import receipt_fates, receipt_trace
from .receipt_fates import Fate, Standing
from .receipt_trace import Trace

PAGE = 50
_NEW = aliased(Registration)
#: Lines of a page made to be printed: a receipt of more comes in several.
PRINTED = 1000
#: Up to so many lines they stand in groups by what became of them; beyond, in the order in which they were sent.
GROUPED = 1000


@dataclass(frozen=True)
class ReceiptLine:
    """A registration on the receipt, and what became of it.

    ``sent_at``: when its certificate was last sent, if ever; ``invitation``: the last one to the driver by this centre;
    ``code``: the activation code to hand to the driver, empty where an account is proved; ``kept``: the agent's decision to
    leave its documents withheld; ``note``: what became of the line since, if it was cancelled: the receipt itself is history
    and stays as it was; ``billed_under``: the order number it is billed under, where that is not its own.
    """

    registration: Registration
    fate: Fate
    sent_at: datetime | None = None
    invitation: Mail | None = None
    code: str = ""
    kept: Decision | None = None
    note: Note | None = None
    billed_under: str = ""

    @property
    def recap(self) -> Document | None:
        """Return the récapitulatif that holds, or the last one that did."""
        return self.registration.live_documents.get(RECAP)

    @property
    def told(self) -> str:
        """Return what became of it in one line of text, as it stands in print and in files."""
        if self.note:
            since = f", remplacé par {self.note.receipt_number}" if self.note.receipt_number else ""
            return f"Annulé le {self.note.on:%d/%m/%Y}{since}"
        if self.fate is Fate.SENT and self.sent_at:
            return f"Envoyé le {self.sent_at.astimezone(PARIS):%d/%m/%Y}"
        return "Retenu, contrôle du nom" if self.fate is Fate.WITHHELD else self.fate.label

    @property
    def may_be_invited(self) -> bool:
        """Tell whether the driver may be invited now."""
        return bool(self.code) and invited.is_open(self.invitation)

    @property
    def states(self) -> str:
        """Return a text that changes with any state shown of this line."""
        mail, recap = self.invitation, self.recap
        told = (self.fate, self.sent_at, self.code, self.note, mail and (mail.id, mail.state), recap and recap.state)
        return f"{told}{self.kept.id if self.kept else ''}"


@dataclass(frozen=True)
class Note:
    """A line was cancelled, for a reason in words; ``key`` and ``receipt_number``: of the receipt that replaces it, if any."""

    on: date
    reason: str
    key: str | None = None
    receipt_number: str | None = None


@dataclass(frozen=True)
class Receipt:
    """One page of a receipt. ``standing``: where all of it stands; ``mails``: still to be sent, over all pages.

    ``wanted``: the only fate whose lines are shown; ``grouped``: they stand in the order of their fates. ``replaces``: of a
    correction, the number of the receipt whose line it replaces.
    """

    batch: Batch
    quote: Quote
    lines: list[ReceiptLine]
    page: int
    page_count: int
    standing: Standing
    mails: int
    trace: Trace
    wanted: Fate | None = None
    grouped: bool = True
    replaces: str | None = None

    @property
    def fingerprint(self) -> str:
        """Return a text that changes with any state shown on this page."""
        states = ",".join(line.states for line in self.lines)
        return f"{zlib.crc32(states.encode()):08x}-{zlib.crc32(self.standing.sentence.encode()):08x}-{self.mails}"

    @property
    def groups(self) -> list[tuple[Fate | None, int, list[ReceiptLine]]]:
        """Return fate, how many lines of the receipt it has, and those of this page, in order; all under no fate where they
        are not grouped.
        """
        if not self.grouped:
            return [(None, self.standing.lines, self.lines)]
        shown = [(fate, list(lines)) for fate, lines in groupby(self.lines, key=lambda line: line.fate)]
        return [(fate, max(self.standing.counts.get(fate, 0), len(lines)), lines) for fate, lines in shown]

    @property
    def changes(self) -> bool:
        """Tell whether a state is about to change by itself: a document to be drawn, a mail to be sent."""
        return bool(self.standing.pending or self.mails)


def receipt(
    batch: Batch, page: int = 1, size: int = PAGE, wanted: Fate | None = None, *, grouped: bool = True
) -> Receipt:
    """Return a page of ``size`` lines of the receipt of a registered batch, all or those of one fate; a page out of range is
    the nearest one. ``grouped``: by what became of them, unless there are very many; else in the order they were sent in.
    """
    standing = receipt_fates.standing(batch.id)
    total = standing.counts.get(wanted, 0) if wanted else standing.lines
    page, page_count = page_at(page, total, size)
    grouped = grouped and standing.lines <= GROUPED
    lines = _lines(batch, page, size, wanted, grouped)
    if page_count == 1 and not wanted:  # documents were drawn meanwhile: the sums are those of the lines that are shown
        standing = standing.of([line.fate for line in lines])
    return Receipt(
        batch,
        billed(batch.id),
        lines,
        page,
        page_count,
        standing,
        mails_due(batch.id),
        receipt_trace.trace(batch),
        wanted,
        grouped,
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


def mails_due(batch_id: int) -> int:
    """Return how many mails of a batch wait to be sent; one query."""
    due = select(func.count()).select_from(Mail).join(Registration, Mail.registration_id == Registration.id)
    return db.session.scalar(due.where(Registration.batch_id == batch_id, Mail.state == MAIL_PENDING)) or 0


def _lines(batch: Batch, page: int, size: int, wanted: Fate | None = None, grouped: bool = False) -> list[ReceiptLine]:
    query = (
        receipt_fates.joined(select(Registration, receipt_fates.fate(), OrderOverride.order_number))
        .outerjoin(OrderOverride, OrderOverride.registration_id == Registration.id)
        .join(Registration.driver)
        .join(Registration.training)
        .options(
            joinedload(Registration.registered_as),
            contains_eager(Registration.driver),
            contains_eager(Registration.training),
            selectinload(Registration.documents),
        )
        .where(Registration.batch_id == batch.id)
        .order_by(*([receipt_fates.in_order()] if grouped else []), Registration.line_number)
        .limit(size)
        .offset((page - 1) * size)
    )
    if wanted:
        query = query.where(receipt_fates.fate() == wanted.value)
    rows = db.session.execute(query).tuples().all()
    found = [(row, receipt_fates.BY_CODE[word]) for row, word, _ in rows]
    under = {row.id: number for row, _, number in rows if number and number != row.order_number}
    ids = [row.id for row, _ in found]
    sent = _sent(ids)
    invitations = invited.last(batch.centre_id, [row.driver_id for row, fate in found if fate is Fate.WAITING])
    ended = notes([row.id for row, fate in found if fate is Fate.CANCELLED])
    kept = _kept([row.id for row, fate in found if fate is Fate.WITHHELD])
    return [
        ReceiptLine(
            row,
            fate,
            sent.get(row.id),
            invitations.get(row.driver_id),
            code_of(row),
            kept.get(row.id),
            ended.get(row.id),
            under.get(row.id, ""),
        )
        for row, fate in found
    ]


def _kept(registration_ids: list[int]) -> dict[int, Decision]:
    """Return registration id → the last decision of an agent to leave its documents withheld."""
    if not registration_ids:
        return {}
    query = select(Decision).where(Decision.registration_id.in_(registration_ids), Decision.outcome == Outcome.KEPT)
    with actor.acting(actor.PROGRAM):  # an agent's decisions are the agents' own; this one is the centre's to know
        return {row.registration_id: row for row in db.session.scalars(query.order_by(Decision.id))}  # type: ignore[misc]


def _sent(registration_ids: list[int]) -> dict[int, datetime]:
    """Return registration id → when its certificate was last sent; one query."""
    query = (
        select(Mail.registration_id, func.max(Mail.sent_at))
        .where(Mail.registration_id.in_(registration_ids), Mail.kind == CERTIFICATE_MAIL, Mail.state == MAIL_SENT)
        .group_by(Mail.registration_id)
    )
    return {id_: at for id_, at in db.session.execute(query).tuples() if id_ and at}


@dataclass(frozen=True, slots=True)
class Slip:
    """What is handed to a driver without proved account: the name as registered, and the code."""

    name: str
    code: str


def slips(batch: Batch, page: int = 1) -> list[Slip]:
    """Return the slips of a batch, one a driver without proved account, in the order of the lines; PRINTED lines a page."""
    codes: dict[int, Slip] = {}
    for line in _lines(batch, page, PRINTED):
        one = line.registration
        if line.code:
            codes.setdefault(one.driver_id, Slip(f"{one.last_name} {one.first_name}", line.code))
    return list(codes.values())


def code_of(registration: Registration | Trainer) -> str:
    """Return the activation code that this centre hands to the driver of a registration, as it is read; empty without."""
    driver = registration.driver
    if driver is None or driver.has_account or (isinstance(registration, Registration) and not registration.is_live):
        return ""
    return activation.shown(activation.code(driver.id, registration.centre_id, driver.code_series))
