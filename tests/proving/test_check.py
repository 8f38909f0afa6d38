"""The invariants: a healthy base breaks none, each one is found when it is broken, and who must know is told."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from app.extensions import db
from app.models import Breach, Document, Invoice, JournalEntry
from app.models.outbox import CHECK, NIGHTLY
from app.services.accounting import periods
from app.services.core import actor, clock, outbox
from app.services.core.dialect import on_postgresql
from app.services.core.transaction import transaction
from app.services.imports import uploads
from app.services.invoicing import credit_notes, filing, issuing
from app.services.operations import metrics, nightly
from app.services.operations.invariants import portable
from app.services.proving import check
from app.services.storage import store
from tests.bases import BOTH, EVERY, on_sqlite
from tests.billing import making
from tests.cli.test_commands import run
from tests.invoicing import making as invoicing
from tests.payments.making import paid
from tests.support import MARIE, PIERRE, drain, many, person_id, registered, registered_trainer
from tests.walls.rows import make_rows

BACKENDS = BOTH

ANY = "(SELECT min(id) FROM registration)"
OTHER = "(SELECT max(id) FROM registration)"
_CANCELLED = (
    "INSERT INTO cancellation (registration_id, kind, reason_code, reason, replaced_by_id, asked_by_id, at, credit, effects)"
    f" SELECT {ANY}, 'replaced', 'other', '', {OTHER}, (SELECT min(id) FROM ab_user), (SELECT min(at) FROM journal),"
    " 'none', '{}'"
)
_MODULE = (
    "UPDATE training SET price_class = 'fco_module', hours = 7 WHERE id = (SELECT min(training_id) FROM registration)"
)
_CREDITED = (
    "INSERT INTO invoice_item (invoice_id, registration_id, root_id, charge_round, credit, training_id, amount, vat_rate,"
    " registered_on) SELECT invoice_id, registration_id, root_id, 2, credit, training_id, amount, vat_rate, registered_on"
    " FROM invoice_item"
)
_CHARGED = "SELECT registration_id AS x FROM invoice_item WHERE NOT credit AND registration_id IS NOT NULL"


def _event(code: str, platform: str, by: str) -> str:
    """Return the statement that writes an event of the first invoice deposited."""
    return (
        "INSERT INTO invoice_event (invoice_id, code, happened_at, received_at, platform, platform_event_id, by_id)"
        f" SELECT invoice_id, '{code}', made_at, made_at, {platform}, 'x', {by} FROM deposit ORDER BY id LIMIT 1"
    )


#: Invariant → the statements that break it, on a base that has a row of each kind.
BREAKS: dict[str, tuple[str, ...]] = {
    "registration.batch_in_part": (
        f"DELETE FROM document WHERE registration_id = {OTHER}", f"DELETE FROM registration WHERE id = {OTHER}",
    ),
    "registration.empty_batch": (
        "UPDATE registration SET batch_id = (SELECT min(batch_id) FROM registration),"
        " line_number = 900 + id WHERE batch_id = (SELECT max(batch_id) FROM registration)",
    ),
    "registration.other_centre": (f"UPDATE registration SET centre_id = (SELECT max(id) FROM centre) WHERE id = {ANY}",),
    "registration.unjournalled": ("UPDATE journal SET action = 'batch.other' WHERE action = 'batch.registered'",),
    "registration.cancelled_untold": (f"UPDATE registration SET cancelled_on = '2022-01-10' WHERE id = {ANY}",),
    "registration.replaces_nothing": ("UPDATE batch SET mode = 'correction' WHERE state = 'registered'",),
    "registration.broken_chain": (_CANCELLED,),
    "registration.two_live": (f"UPDATE registration SET ledger_id = {ANY} WHERE id = {OTHER}",),
    "registration.joined_driver": (
        "UPDATE driver SET person_id = NULL, same_as_id = (SELECT max(id) FROM driver)"
        f" WHERE id = (SELECT driver_id FROM registration WHERE id = {ANY})",
    ),
    "registration.unnumbered": (f"DELETE FROM last_change WHERE kind = 'registration' AND subject_id = {ANY}",),
    "driver.two_steps": (
        "UPDATE driver SET person_id = NULL, same_as_id = (SELECT max(id) FROM driver)"
        " WHERE id IN (SELECT min(id) FROM driver)",
        "UPDATE driver SET person_id = NULL, same_as_id = (SELECT min(id) FROM driver)"
        " WHERE id IN (SELECT max(id) FROM driver)",
    ),
    "trainer.unjournalled": ("UPDATE journal SET action = 'trainer.other' WHERE action = 'trainer.registered'",),
    "trainer.untold": ("DELETE FROM mail WHERE kind = 'right_open'",),
    "document.no_recap": (f"DELETE FROM document WHERE kind = 'recap' AND registration_id = {ANY}",),
    "document.no_certificate": (f"DELETE FROM document WHERE kind = 'certificate' AND registration_id = {ANY}",),
    "document.of_cancelled": (f"UPDATE registration SET cancelled_on = '2022-01-10' WHERE id = {ANY}",),
    "document.revoked_without_reason": ("UPDATE document SET state = 'revoked' WHERE id IN (SELECT min(id) FROM document)",),
    "document.revoked_by_nothing": (
        "UPDATE document SET state = 'revoked', revoked_at = (SELECT min(at) FROM journal),"
        " revoked_reason = 'Enregistrement annulé' WHERE id IN (SELECT min(id) FROM document)",
    ),
    "fco.certificate": (_MODULE,),
    "outbox.document": (
        "UPDATE document SET state = 'pending', path = NULL WHERE id IN (SELECT min(id) FROM document)",
    ),
    "outbox.mail": ("UPDATE mail SET state = 'pending', sent_at = NULL WHERE id IN (SELECT min(id) FROM mail)",),
    "outbox.analysis": ("UPDATE batch SET state = 'analysing' WHERE id IN (SELECT batch_id FROM import_file)",),
    "outbox.registration": ("UPDATE batch SET state = 'registering' WHERE id IN (SELECT batch_id FROM import_file)",),
    "outbox.webhook": (
        "DELETE FROM outbox WHERE kind = 'webhook'",
        "UPDATE webhook_delivery SET state = 'pending', delivered_at = NULL",
    ),
    "outbox.contract": (
        "UPDATE service_contract SET text = 'x', signed_at = (SELECT min(at) FROM journal), path = NULL"
        " WHERE signed_on IS NOT NULL",
    ),
    "outbox.own_data": ("UPDATE data_export SET state = 'asked'",),
    "outbox.listing": ("UPDATE export SET state = 'making'",),
    "mail.twice": (
        'INSERT INTO mail (kind, registration_id, trainer_id, "values", sequence, recipient, message_id, state, created_at)'
        ' SELECT kind, NULL, NULL, "values", sequence, recipient, \'<deux>\', \'dropped\', created_at FROM mail'
        " WHERE registration_id IS NULL AND trainer_id IS NULL LIMIT 1",
    ),
    "mail.sent_undated": ("UPDATE mail SET sent_at = NULL WHERE state = 'sent'",),
    "mail.end_untold": (
        f"UPDATE registration SET cancelled_on = '2022-01-10' WHERE id = {ANY}",
        f"UPDATE mail SET kind = 'certificate', trainer_id = NULL, registration_id = {ANY}, state = 'sent'"
        " WHERE id IN (SELECT min(id) FROM mail)",
    ),
    "billing.charged_twice": (_CREDITED,),
    "billing.price": ("UPDATE invoice_item SET amount = amount + 100",),
    "billing.order": ("UPDATE invoice SET order_number = 'AUTRE'",),
    "billing.vat_rate": (f"UPDATE registration SET vat_rate = 850 WHERE id = {ANY}",),
    "invoice.series": ("UPDATE invoice_series SET last_number = last_number + 1",),
    "invoice.series_known": ("UPDATE invoice_series SET last_number = last_number - 1 WHERE kind = 'invoice'",),
    "invoice.days": ("UPDATE invoice SET issued_on = '2021-12-31' WHERE kind = 'invoice' AND number = 2",),
    "invoice.everything_billed": (
        f"UPDATE registration SET registered_on = '2021-12-31' WHERE id NOT IN ({_CHARGED})",
    ),
    "invoice.cancelled_in_draft": (f"UPDATE registration SET cancelled_on = '2022-01-10' WHERE id IN ({_CHARGED})",),
    "invoice.cancelled_and_charged": (
        f"UPDATE registration SET price = price + 100 WHERE id = {OTHER}",
        _CANCELLED.replace("'none'", "'note'").replace(f"SELECT {ANY}", f"SELECT (SELECT min(x) FROM ({_CHARGED}) y)"),
    ),
    "invoice.items": ("DELETE FROM invoice_item",),
    "invoice.bases": ("UPDATE invoice_vat SET base = base + 100",),
    "invoice.sums": ("UPDATE invoice SET net = net + 100, total = total + 100",),
    "invoice.vat": ("UPDATE invoice_vat SET vat = vat + 1",),
    "invoice.content": ("UPDATE invoice SET order_number = 'AUTRE' WHERE state = 'issued'",),
    "credit.at_most": (
        "UPDATE invoice_vat SET base = base - 100 WHERE invoice_id IN (SELECT id FROM invoice WHERE kind = 'invoice')",
    ),
    "credit.vat": ("UPDATE invoice_vat SET vat = vat + 1",),
    "credit.items": ("UPDATE invoice_item SET amount = amount + 100 WHERE credit",),
    "credit.rounds": ("UPDATE invoice_item SET charge_round = 2 WHERE NOT credit",),
    "deposit.one_live": (
        "INSERT INTO deposit (invoice_id, attempt, platform, tracking_id, state, sha256, tries, made_at, changed_at)"
        " SELECT invoice_id, 2, platform, 'x', 'failed', sha256, 1, made_at, changed_at FROM deposit LIMIT 1",
    ),
    "deposit.file": ("UPDATE deposit SET sha256 = 'x'",),
    "deposit.internal": ("UPDATE invoice SET internal = (1 = 1) WHERE kind = 'credit_note'",),
    "deposit.forgotten": ("DELETE FROM deposit", "UPDATE invoice SET issued_at = '2022-01-01 09:00:00+00:00'"),
    "deposit.lost": ("UPDATE deposit SET state = 'due', next_at = NULL",),
    "event.acts": (_event("accepted", "'register'", "NULL"),),
    "event.deposited": (_event("203", "'simulated'", "NULL"), "UPDATE deposit SET state = 'due', flow_id = NULL"),
    "event.answered_refusal": (
        _event("accepted", "'register'", "(SELECT min(id) FROM ab_user)"),
        "UPDATE invoice SET corrects_id = id WHERE kind = 'credit_note'",
    ),
    "payment.invoice": ("UPDATE allocation SET amount = amount + 1 WHERE amount > 0 AND bank_entry_id IS NOT NULL",),
    "payment.entry": ("UPDATE bank_entry SET amount = 1 WHERE amount > 0",),
    "payment.credit_note": (
        "INSERT INTO allocation (credit_note_id, amount, paid_on, reason, at) SELECT id, total + 1, issued_on, 'x', issued_at"
        " FROM invoice WHERE kind = 'credit_note' AND state = 'issued'",
    ),
    "payment.returned": (
        "INSERT INTO allocation (bank_entry_id, invoice_id, amount, returns_id, paid_on, reason, at)"
        " SELECT bank_entry_id, invoice_id, -amount - 1, id, paid_on, '', at FROM allocation WHERE amount > 0",
    ),
    "payment.shares": ("UPDATE allocation_vat SET amount = amount + 1",),
    "bank.statement": ("UPDATE bank_entry SET amount = amount + 1",),
    "accounting.balance": ("UPDATE accounting_line SET debit = debit + 1 WHERE debit > 0",),
    "accounting.numbers": ("DELETE FROM accounting_line WHERE number = 1",),
    "accounting.sales": ("UPDATE accounting_line SET piece = 'F0' WHERE auxiliary <> ''",),
    "accounting.frozen": ("UPDATE accounting_line SET label = 'Autre'",),
    "journal.chain": (
        "UPDATE journal_link SET hash = 'x' WHERE position = 2",
    ),
}  # fmt: skip


@pytest.fixture
def filled(app: Flask) -> Flask:
    """Give a base with a row of each kind, all work done, the journal sealed."""
    make_rows(app)
    credited()
    paid(invoicing.issue_draft(making.draft("FACTURE 3", permit="990000000004")))
    drain()
    with clock.moved(datetime(2022, 2, 1, 9, tzinfo=UTC)):
        periods.close(date(2022, 1, 1), person_id("agent@demo.example"))
    check.chain.seal()
    return app


def credited() -> Invoice:
    """Return an issued invoice, given back in whole by an issued credit note."""
    invoice = invoicing.issue_draft(making.draft("FACTURE 2", permit="990000000003"))
    given = [one.id for one in credit_notes.charges(invoice.id)]
    credit = credit_notes.give_back(invoice.id, given, "Erreur de saisie", person_id("agent@demo.example"))
    issuing.issue(credit, invoicing.Judge())
    return invoice


def unguard() -> None:
    """Drop what keeps journal and issued invoices as they are, on SQLite; no commit."""
    guards = text(
        "SELECT name FROM sqlite_master WHERE type = 'trigger' AND (tbl_name LIKE 'journal%' OR tbl_name LIKE 'invoice%'"
        " OR tbl_name LIKE 'allocation%' OR tbl_name LIKE 'accounting%')"
    )
    for name in list(db.session.execute(guards).scalars()):
        db.session.execute(text(f"DROP TRIGGER {name}"))


def broken(statements: tuple[str, ...]) -> set[str]:
    """Return the invariants that do not hold once these statements are carried out; then they are undone."""
    if on_postgresql():
        db.session.execute(text("SET LOCAL session_replication_role = replica"))
    else:
        db.session.execute(text("BEGIN"))
        db.session.execute(text("PRAGMA defer_foreign_keys = ON"))
    try:
        for one in statements:
            assert db.session.execute(text(one)).rowcount, f"nothing changed: {one}"  # type: ignore[attr-defined]
        return {one.code for one in check.invariants() if one.breaches()}
    finally:
        db.session.rollback()


def test_a_base_with_a_row_of_each_kind_is_whole_and_each_invariant_is_found_broken(filled: Flask) -> None:
    report = check.run(with_files=True)
    assert (report.found, report.asked) == ([], len(check.invariants()))
    if not on_postgresql():
        unguard()
    db.session.execute(text("DROP INDEX uq_mail_values"))
    db.session.commit()
    missed = {code: broken(statements) for code, statements in BREAKS.items() if code not in broken(statements)}
    assert not missed
    if not on_postgresql():  # the base of the other tests is copied anew; this one is put right for them
        return
    db.session.execute(
        text(
            'CREATE UNIQUE INDEX uq_mail_values ON mail (kind, "values") WHERE registration_id IS NULL AND trainer_id IS NULL'
        )
    )
    db.session.commit()


def test_every_invariant_has_a_name_of_its_own_and_a_way_to_break_it() -> None:
    codes = [one.code for one in check.invariants()]
    assert len(set(codes)) == len(codes)
    assert set(codes) == BREAKS.keys()
    assert all(len(one.code) <= 60 and len(one.words) <= 200 for one in check.invariants())


#: What a plan says of a comparison with another table's number that is cast: « ((b.id)::character varying) ».
_CAST = re.compile(r"\(\((\w+)\.\w+\)::")


def _row_by_row(node: dict[str, Any], plan: str) -> Iterator[str]:
    """Yield the tables that a plan reads again for each row of another, since a cast keeps their index from answering."""
    inner = [node]
    for one in inner:
        inner += one.get("Plans", [])
    name = node.get("Subplan Name", "")
    if node.get("Parent Relationship") == "SubPlan" and not re.search(rf"hashed {name}\b", plan):
        own = {one.get("Alias") for one in inner}
        for one in inner:
            if set(_CAST.findall(one.get("Filter", ""))) - own:
                yield one["Relation Name"]
    for one in node.get("Plans", []):
        yield from _row_by_row(one, plan)


def _read_again(statement: str) -> set[str]:
    """Return the tables that the base of the test would read so for a statement."""
    db.session.execute(text("SET LOCAL enable_seqscan = off"))  # as among many rows
    [whole] = db.session.execute(text(f"EXPLAIN (FORMAT JSON) {statement}")).scalar_one()
    return set(_row_by_row(whole["Plan"], json.dumps(whole)))


@pytest.mark.bases("postgresql-role")
def test_no_invariant_reads_a_table_again_for_each_row_of_another(app: Flask) -> None:
    """Below the policies, a hundred thousand batches each read the whole journal: no night came to the end of it."""
    actor.be(actor.PROGRAM)
    once = "(SELECT count(*) FROM journal j WHERE j.subject_type = 'batch' AND j.subject_id = CAST(b.id AS VARCHAR))"
    assert _read_again(f"SELECT b.id FROM batch b WHERE {once} <> 1") == {"journal"}, "the test sees it"
    asked = {one.code: portable(one.broken) for one in check.invariants() if isinstance(one.broken, str)}
    assert len(asked) > 50
    assert {code: tables for code, said in asked.items() if (tables := _read_again(said))} == {}


@pytest.mark.bases("sqlite")
def test_the_command_says_a_line_a_breach_and_fails(app: Flask) -> None:
    registered(MARIE, PIERRE)
    drain()
    asked = len(check.invariants())
    assert run(app, "check") == (0, f"{asked} invariants asked: 0 breach(es)\n")
    assert run(app, "check", "--files") == (0, f"{asked} invariants asked, every file read: 0 breach(es)\n")
    db.session.execute(
        text("UPDATE mail SET sent_at = NULL WHERE id = (SELECT min(id) FROM mail WHERE state = 'sent')")
    )
    db.session.commit()
    code, output = run(app, "check")
    assert (code, output.count("\n")) == (1, 2)
    assert output.startswith("mail.sent_undated ")
    assert "Un courriel est « envoyé » sans date d’envoi" in output


@pytest.mark.bases("sqlite")
def test_files_are_read_with_the_option_alone(filled: Flask) -> None:
    path = db.session.execute(select(Document.path).where(Document.path.is_not(None)).limit(1)).scalar_one()
    (store.folder() / str(path)).write_bytes(b"%PDF altered")
    picture = next(store.folder().glob("pictures/**/*.jpg"))
    picture.unlink()
    sent = next(uploads.folder().glob("*/file"))
    sent.write_bytes(b"other")
    assert check.run().is_sound
    found = {one.code: one.words for one in check.run(with_files=True).found}
    assert found.pop("file.document") == "Document : fichier modifié"
    assert found.pop("file.upload") == "Fichier importé : fichier modifié"
    (words,) = found.values()
    assert words.endswith("fichier introuvable")


@pytest.mark.bases("sqlite")
def test_the_electronic_invoice_inside_a_file_is_read_again(filled: Flask) -> None:
    def told() -> set[str]:
        return {one.words for one in check.run(with_files=True).found if one.code == "file.invoice"}

    rows = list(db.session.execute(select(Invoice).where(Invoice.path.is_not(None)).order_by(Invoice.id)).scalars())
    assert {one.kind for one in rows} == {"invoice", "credit_note"}
    first, other = (store.folder() / str(one.path) for one in rows[:2])
    assert filing.fault(rows[0].path or "", other.read_bytes()) == "Facture électronique modifiée"
    assert filing.fault(rows[0].path or "", b"%PDF none") == "Facture électronique absente ou illisible"
    unguard()
    db.session.execute(
        text("UPDATE invoice SET net = net + 100, total = total + 100 WHERE id = :id"), {"id": rows[0].id}
    )
    db.session.commit()
    assert told() == {"Facture : facture électronique d’un autre numéro ou d’autres totaux que la facture"}
    first.write_bytes(other.read_bytes())
    assert told() == {"Facture : fichier modifié"}


@pytest.mark.bases("sqlite")
def test_a_store_that_is_away_is_told_and_is_no_breach(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    app.config["DOCUMENTS_URL"] = f"file://{tmp_path}/file"
    assert run(app, "check", "--files") == (2, "The store does not answer: FileExistsError\n")


@pytest.mark.bases(*EVERY)
def test_the_night_keeps_what_it_finds_and_lets_go_of_what_is_healed(app: Flask, client: FlaskClient, sign_in) -> None:
    making.draft()
    registered_trainer()
    registered(*many(2))
    drain()
    db.session.execute(text("UPDATE invoice SET order_number = 'AUTRE'"))
    db.session.commit()
    assert "check" in nightly.make_due(datetime(2022, 1, 10, 2, 0, tzinfo=UTC))
    drain()
    (kept,) = db.session.execute(select(Breach)).scalars()
    assert (kept.code, kept.count, len(kept.subjects)) == ("billing.order", 1, 1)
    since = kept.since
    figures = metrics.text().decode()
    assert 'registre_breaches{code="billing.order"} 1.0' in figures
    assert "registre_check_seconds" in figures
    page = sign_in(client, "agent@demo.example").get("/a-traiter/").text
    assert "Contrôles du registre en défaut" in page
    assert "Un brouillon facture un enregistrement sous un autre numéro de commande" in page
    actor.be(actor.PROGRAM)
    check.note_in_turn({})
    db.session.commit()
    assert db.session.execute(select(Breach.since)).scalar_one() == since
    db.session.execute(text("UPDATE invoice SET order_number = 'BROUILLON 1'"))
    db.session.commit()
    check.note_in_turn({})
    db.session.commit()
    assert db.session.execute(select(Breach)).first() is None
    told = select(JournalEntry.after).where(JournalEntry.action == "register.checked").order_by(JournalEntry.id)
    noted = db.session.execute(told).scalars()
    assert [one["breaches"] for one in noted] == [{"billing.order": 1}, {"billing.order": 1}, {}]


@on_sqlite
def test_a_night_of_many_jobs_finds_what_one_job_finds(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large register: each invariant has a job of its own; a share that another version left behind begins anew."""
    registered(MARIE, PIERRE)
    drain()
    for statement in (*BREAKS["document.revoked_without_reason"], *BREAKS["mail.sent_undated"]):
        db.session.execute(text(statement))
    db.session.commit()
    broken = {one.code: len(one.subjects) for one in check.run().found}
    assert {"document.revoked_without_reason", "mail.sent_undated"} <= broken.keys()
    monkeypatch.setattr(check, "A_JOB", 0.0)
    with transaction():
        stale = {"code": "document.no_recap", "count": 99, "subjects": ["1"]}
        outbox.add(NIGHTLY, [{"task": CHECK, "after": "rule.of_before", "found": [stale]}])
    assert drain() == len(check.invariants())
    kept = dict(db.session.execute(select(Breach.code, Breach.count)).tuples().all())
    assert kept == broken
    told = select(JournalEntry.after).where(JournalEntry.action == "register.checked").order_by(JournalEntry.id)
    noted = db.session.execute(told).scalars()
    assert [one["breaches"] for one in noted] == [broken]
