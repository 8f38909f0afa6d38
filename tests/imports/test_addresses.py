"""The optional column « Courriel »: read where it stands, corrected in the report, invited once registered, then gone."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import select, update

from app.extensions import db
from app.models import Batch, BatchLine, JournalEntry, Mail, Outbox, Person
from app.models.outbox import INVITATION_MAIL, INVITATIONS
from app.services.core import clock
from app.services.drivers import line_invitations
from app.services.imports import corrections
from app.services.notifications import invitation_limits
from app.services.registration import confirm
from app.validators.remark import HEADERS
from tests.bases import UNDER_THE_ROLE, on_sqlite
from tests.corpus import builders
from tests.imports.importing import HTMX, MANAGER, analysed, batch_at, words
from tests.registration.test_analysis import ORDER, REF, SECOND_TABLE
from tests.support import drain, person_id

BACKENDS = UNDER_THE_ROLE

LINES = [[REF, ORDER, *cells] for _, *cells in SECOND_TABLE]


@pytest.fixture
def manager(client: FlaskClient, sign_in: Any) -> FlaskClient:
    """Give the browser of the demonstration centre's manager."""
    return sign_in(client, MANAGER)


def with_addresses(*emails: str, header: str = "Courriel", kind: str = "xlsx", at: int = 9) -> bytes:
    make: Any = builders.xlsx if kind == "xlsx" else builders.xls
    heads = [*HEADERS.values()]
    rows = [[*line[:at], email, *line[at:]] for line, email in zip(LINES, [*emails, *[""] * 6], strict=False)]
    return make([*heads[:at], header, *heads[at:]], *rows)


def typed(batch: Batch) -> list[str]:
    query = select(BatchLine.email).where(BatchLine.batch_id == batch.id).order_by(BatchLine.number)
    return list(db.session.scalars(query))


def invited() -> list[tuple[str, str]]:
    query = select(Mail.recipient, Mail.state).where(Mail.kind == INVITATION_MAIL).order_by(Mail.id)
    return [(row.recipient, row.state) for row in db.session.execute(query)]


def works() -> list[Outbox]:
    return list(db.session.scalars(select(Outbox).where(Outbox.kind == INVITATIONS).order_by(Outbox.id)))


def due_again() -> None:
    db.session.execute(update(Outbox).where(Outbox.done_at.is_(None)).values(due_at=clock.machine_now()))
    db.session.commit()


@pytest.mark.parametrize(("kind", "at"), [("xlsx", 9), ("xls", 0), ("xlsx", 4)])
def test_from_the_file_to_the_invitation(manager: FlaskClient, kind: str, at: int) -> None:
    address = analysed(manager, with_addresses("un@mail.example", "deux@", "", "Quatre@Mail.example", kind=kind, at=at))
    batch = batch_at(address)
    assert typed(batch) == ["un@mail.example", "deux@", "", "Quatre@Mail.example", "", ""]
    page = words(manager.get(address))
    assert "6 2 information(s) 0 erreur(s)" in page
    assert "Adresse électronique non conforme : la ligne sera enregistrée sans que personne soit invité" in page
    assert "Si une adresse valable est indiquée pour lui, il sera invité à en créer un." in words(
        manager.get(f"{address}/confirmation")
    )
    manager.post(f"{address}/importer")
    assert invited() == [], "nothing leaves before the job"
    assert typed(batch) != [""] * 6
    drain()
    # Who has an account gets nothing; of the six, the first has none.
    assert invited() == [("un@mail.example", "sent")]
    assert typed(batch) == [""] * 6
    receipt = words(manager.get(f"/sessions/{batch.key}/recu"))
    assert "Invitation envoyée le 10/01/2022 à un@mail.example" in receipt or "Invitation envoyée" in receipt


def test_a_file_without_the_column_is_as_before(manager: FlaskClient) -> None:
    address = analysed(manager, builders.xlsx([*HEADERS.values()], *LINES))
    page = manager.get(address).text
    assert "Courriel</th>" not in page
    assert manager.get(f"{address}/lignes/1?champ=email").status_code == 404
    book = load_workbook(io.BytesIO(manager.get(f"{address}/annote.xlsx").data)).active
    assert book.max_column == 10
    assert "seront invités" not in words(manager.get(f"{address}/confirmation"))
    manager.post(f"{address}/importer")
    drain()
    assert (invited(), works()) == ([], [])


@on_sqlite
def test_an_address_is_corrected_in_its_cell_and_the_journal_does_not_keep_it(manager: FlaskClient) -> None:
    address = analysed(manager, with_addresses("faux@", header="E-mail"))
    batch = batch_at(address)
    assert re.search(r"Courriel</th>", manager.get(address).text)
    field = manager.get(f"{address}/lignes/1?champ=email", headers=HTMX).text
    assert 'value="faux@"' in field
    assert "Adresse électronique non conforme" in field
    assert "Corriger aussi" not in field
    answer = manager.post(
        f"{address}/lignes/1", data={"champ": "email", "valeur": "juste@mail.example", "lignes": "1"}, headers=HTMX
    )
    assert "Ligne 1 corrigée" in words(answer)
    assert typed(batch)[0] == "juste@mail.example"
    assert "address_unusable" not in (batch_at(address).summary or {})["kinds"]
    entry = db.session.scalars(select(JournalEntry).where(JournalEntry.action == "line.corrected")).one()
    assert "@" not in f"{entry.before}{entry.after}"
    with pytest.raises(corrections.NothingToCorrect):
        corrections.correct_cell(batch.id, 1, "email", "a@mail.example", person_id(), everywhere=True)
    corrections.undo(batch.id, person_id())
    assert typed(batch_at(address))[0] == "faux@"
    cells = load_workbook(io.BytesIO(manager.get(f"{address}/annote.xlsx").data)).active["K"]
    assert [cell.value for cell in cells][:2] == ["Courriel", "faux@"]


class TestTheJob:
    def registered(self, manager: FlaskClient, *emails: str) -> Batch:
        """Return the batch of a file, registered; nobody has an account, so that all may be invited."""
        address = analysed(manager, with_addresses(*emails))
        confirm.register(batch_at(address).id, person_id())
        return batch_at(address)

    def test_twice_it_invites_once(self, manager: FlaskClient) -> None:
        batch = self.registered(manager, "un@mail.example")
        [row] = works()
        assert row.payload == {"batch": batch.id}
        drain()
        db.session.execute(update(Outbox).where(Outbox.id == row.id).values(done_at=None, due_at=clock.machine_now()))
        db.session.execute(update(BatchLine).where(BatchLine.number == 1).values(email="un@mail.example"))
        db.session.commit()
        due_again()
        line_invitations.invite(batch.id)
        db.session.commit()
        assert len(invited()) == 1
        assert typed(batch) == [""] * 6

    def test_beyond_the_measure_of_mails_it_waits(self, manager: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(invitation_limits, "DRIVERS", replace(invitation_limits.DRIVERS, by_sender=0))
        batch = self.registered(manager, "un@mail.example")
        invitation_limits.DRIVERS.count(person_id(), batch.centre_id)
        drain()
        assert (invited(), typed(batch)[0]) == ([], "un@mail.example")
        assert [row.done_at is None for row in works()] == [False, True]
        monkeypatch.setattr(invitation_limits, "DRIVERS", replace(invitation_limits.DRIVERS, name="free", by_sender=9))
        due_again()
        drain()
        assert invited() == [("un@mail.example", "sent")]
        assert typed(batch)[0] == ""

    @on_sqlite
    def test_after_a_week_of_waiting_nobody_is_invited_and_the_addresses_go(self, manager: FlaskClient) -> None:
        batch = self.registered(manager, "un@mail.example")
        long_ago = clock.machine_now() - line_invitations.PATIENCE - timedelta(minutes=1)
        db.session.execute(update(Batch).where(Batch.id == batch.id).values(updated_at=long_ago))
        db.session.commit()
        drain()
        assert (invited(), typed(batch)) == ([], [""] * 6)

    @on_sqlite
    def test_the_address_of_a_line_set_aside_goes_too(self, manager: FlaskClient) -> None:
        address = analysed(manager, with_addresses("un@mail.example"))
        corrections.set_aside(batch_at(address).id, 1, True, person_id())
        confirm.register(batch_at(address).id, person_id())
        drain()
        assert (invited(), works(), typed(batch_at(address))) == ([], [], [""] * 6)

    @on_sqlite
    def test_it_goes_step_by_step(self, manager: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(line_invitations, "STEP", 2)
        batch = self.registered(manager, *[f"n{at}@mail.example" for at in range(6)])
        drain()
        assert typed(batch) == [""] * 6
        assert len(works()) == 4
        with_account = db.session.scalars(select(Person.email)).all()
        assert not {address for address, _ in invited()} & set(with_account)
