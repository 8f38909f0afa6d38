"""From the base to the file: a draft proved by the official rules, issued, its file made by the worker, stored once."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from typing import Any
from unittest.mock import patch

import facturx
import pytest
from flask import Flask
from pypdf import PdfReader
from sqlalchemy import select

from app.extensions import db
from app.jobs import work
from app.models import Document, Invoice, Outbox, Registration
from app.models.outbox import INVOICE_FILE
from app.models.registration import RECAP
from app.services.billing import billed, orders
from app.services.core.transaction import transaction
from app.services.invoicing import assembling, files, filing, proving, reading, running
from app.services.seal import checking
from app.services.storage import store
from tests.bases import EVERY
from tests.support import LEGAL, MARIE, PIERRE, centre_id, person_id, registered

from .making import JANUARY, Judge, all_issued

BACKENDS = EVERY


@pytest.fixture
def built(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Give the draft of a month that is over."""
    with patch("app.services.core.outbox.ring"):
        registered(MARIE, PIERRE)
        monkeypatch.setitem(app.config, "TODAY", date(2022, 2, 3))
        running.build(JANUARY)
        yield db.session.execute(select(Invoice.id)).scalar_one()


@pytest.fixture
def invoice(built: int) -> int:
    """Give an issued invoice, without its file."""
    running.issue(JANUARY, Judge())
    return all_issued()[0].id


def make(invoice_id: int) -> Invoice:
    with transaction():
        filing.make(invoice_id)
    return db.session.get_one(Invoice, invoice_id, populate_existing=True)


def stored() -> list[str]:
    return sorted(path for path, _changed in store.entries() if path.startswith("invoices/"))


def text_of(content: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).split())


def test_a_draft_of_the_base_is_proved_by_the_official_rules_and_issued(built: int) -> None:
    with proving.judge() as by:
        done = running.issue(JANUARY, by)
    assert (done.numbers, done.refused) == (["F2022-000001"], {})


def test_what_the_rules_refuse_takes_no_number_and_says_which(built: int) -> None:
    with patch.object(assembling, "RECOVERY", ""), proving.judge() as by:
        done = running.issue(JANUARY, by)
    assert done.numbers == []
    assert all_issued() == []
    draft = db.session.get_one(Invoice, built, populate_existing=True)
    assert "BR-FR-05_BT-22_PMT" in draft.findings


def test_nothing_is_issued_while_nobody_can_judge(built: int) -> None:
    with patch("app.services.invoicing.judging.child.__file__", "/nowhere/child.py"), proving.judge() as by:
        done = running.issue(JANUARY, by)
    assert done.numbers == []
    draft = db.session.get_one(Invoice, built, populate_existing=True)
    assert "n’est pas prouvée" in draft.findings
    with proving.judge() as by:
        assert running.issue(JANUARY, by).numbers == ["F2022-000001"]


def test_the_worker_makes_the_file_and_the_row_says_what_it_holds(invoice: int) -> None:
    (waiting,) = db.session.execute(select(Outbox.id).where(Outbox.kind == INVOICE_FILE)).scalars()
    work.run(waiting)
    row = db.session.get_one(Invoice, invoice, populate_existing=True)
    content = filing.pdf_of(row)
    assert (len(content), sha256(content).hexdigest()) == (row.size, row.sha256)
    assert checking.look(content) == checking.Finding.INTACT
    name, written = facturx.get_xml_from_pdf(content)
    assert name == "factur-x.xml"
    assert written == filing.xml_of(row)
    assert sha256(written).hexdigest() == row.xml_sha256
    assert stored() == [row.path]
    said = text_of(content)
    assert "Facture F2022-000001 du 03/02/2022" in said
    for number in db.session.execute(select(Document.number).where(Document.kind == RECAP)).scalars():
        assert number in said
    for personal in (MARIE["last_name"], MARIE["permit_number"], PIERRE["last_name"], PIERRE["permit_number"]):
        assert personal not in said


def test_made_again_the_first_file_holds(invoice: int) -> None:
    first = make(invoice)
    path, digest = first.path, first.sha256
    assert make(invoice).sha256 == digest
    assert stored() == [path]


def test_of_two_at_once_the_first_keeps_its_file_and_the_other_takes_its_own_away(invoice: int) -> None:
    drawn: list[bytes] = []
    make_file = files.make

    def twin(*told: Any) -> bytes:
        """Draw, while another worker draws, stores and notes the same invoice."""
        made = make_file(*told)
        if not drawn:
            drawn.append(made)
            filing.make(invoice)
        return made

    with patch.object(files, "make", twin):
        kept = make(invoice)
    assert kept.sha256 != sha256(drawn[0]).hexdigest()
    assert stored() == [kept.path]
    assert checking.look(filing.pdf_of(kept)) == checking.Finding.INTACT


def test_without_its_file_or_with_another_nothing_is_handed_out(built: int) -> None:
    assert make(built).path is None  # a draft has no file
    running.issue(JANUARY, Judge())
    (row,) = all_issued()
    for handed in (filing.pdf_of, filing.xml_of):
        with pytest.raises(store.Missing):
            handed(row)
    made = make(built)
    assert made.path is not None
    store.put_named(made.path, b"%PDF-1.7 another")
    with pytest.raises(store.Changed):
        filing.pdf_of(made)


def test_the_annex_says_the_reference_as_billed(built: int, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "TODAY", date(2022, 2, 3))
    lines = billed.refs_of_draft(built)
    shown = {line.ref: line.mark for line in billed.of_refs(lines[:1])}
    orders.bill_under(centre_id(), orders.Chosen(shown=shown), "COM1", person_id(LEGAL), reference="REF-FACTURE")
    running.issue(JANUARY, Judge())
    issued = all_issued()[0]
    own = {one.reference for one in db.session.execute(select(Registration)).scalars()}
    assert "REF-FACTURE" in {detail.centre_reference for detail in filing.details(issued.id)}
    assert "REF-FACTURE" in {row.reference for row in reading.annex(issued, 1).rows}
    assert "REF-FACTURE" not in own
