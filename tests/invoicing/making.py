"""Invoices that tests of several files issue: proved by a judge who finds nothing, or what a test says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from app.extensions import db
from app.models import Invoice, Registration
from app.services.invoicing import issuing, running
from app.services.invoicing.content import Content
from tests.billing import making as billing
from tests.support import registered

JANUARY = date(2022, 1, 1)


@dataclass(frozen=True)
class Verdict:
    """What a judge says."""

    ok: bool = True
    findings: tuple[str, ...] = ()


class Judge:
    """Judges invoices as a test wants it, and keeps what it was shown."""

    def __init__(self, *findings: str) -> None:
        self.findings = findings
        self.seen: list[Content] = []

    def __call__(self, content: Content) -> Verdict:
        """Find what the test says."""
        self.seen.append(content)
        return Verdict(not self.findings, self.findings)


def issued(*rows: dict[str, str], month: date = JANUARY, **options: object) -> Invoice:
    """Return the last invoice issued of a month once these lines are registered; today is after the month."""
    if rows:
        registered(*rows, **options)
        for one in db.session.execute(select(Registration).where(Registration.registered_on > month)).scalars():
            one.registered_on = min(one.registered_on, month.replace(day=28))
        db.session.commit()
    running.build(month)
    running.issue(month, Judge())
    return all_issued()[-1]


def issue(month: date = JANUARY) -> None:
    """Issue the drafts of a month; today is after it."""
    running.issue(month, Judge())
    db.session.expire_all()
    assert not db.session.scalar(select(Invoice.id).where(Invoice.state == "draft"))


def all_issued() -> list[Invoice]:
    """Return what was issued, the first one first."""
    db.session.expire_all()
    return list(
        db.session.execute(select(Invoice).where(Invoice.state == "issued").order_by(Invoice.issued_at)).scalars()
    )


def december() -> Invoice:
    """Return an invoice of December, issued today, with one line."""
    return issue_draft(billing.draft("FACTURE 1", permit="990000000002"))


def issue_draft(drafted: Invoice) -> Invoice:
    """Return the invoice that a draft becomes, issued today."""
    issuing.issue(drafted.id, Judge())
    return db.session.get_one(Invoice, drafted.id, populate_existing=True)
