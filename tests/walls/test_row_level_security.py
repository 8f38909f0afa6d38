"""What PostgreSQL itself shows to the application's role, whatever the services ask, and that every table has its policy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder import Model
from psycopg import sql
from sqlalchemy import Table, delete, func, insert, select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from app.extensions import db
from app.models import (
    AccountLink,
    Batch,
    BatchLine,
    Decision,
    Document,
    Driver,
    Export,
    JournalEntry,
    Person,
    RecoveryCode,
    Registration,
    SecondFactor,
    SignUp,
)
from app.services.core import actor, clock, outbox
from app.services.core.actor import Actor
from app.services.documents import verification
from app.services.journal import record as journal
from app.views.drivers.centre import CentreDriversView
from app.views.registration.centre import CentreRegistrationsView
from config import ConfigurationError
from tests.support import MARIE, PIERRE, centre_id, drain, person_id, registered

from .rows import NEIGHBOUR

#: Tables with a centre, or below one, that have no policy, and why. Add a line only with a reason that a reader accepts.
EXEMPT: dict[str, str] = {}
#: Tables that everybody may read: what may be trained, at what price and VAT, who sells, and what each role may do.
OPEN = {
    "training",
    "tariff",
    "vat_regime",
    "seller",
    "ab_role",
    "ab_permission",
    "ab_view_menu",
    "ab_permission_view",
    "ab_permission_view_role",
}
#: Tables of nobody's that have no policy, and why.
NOBODYS = {
    "attempt": "keyed hashes of who tried what, counted by whoever tries",
    "journal_link": "hashes, written by the relay, never changed (grants)",
    "journal_checkpoint": "written by the owner alone (grants)",
    "nightly_task": "days of the nightly tasks",
    "service_level": "two counts of work done in time",
}


@pytest.fixture
def backend_name() -> str:
    """Policies hold for the application's role."""
    return "postgresql-role"


@pytest.fixture
def rows(app: Flask) -> None:
    """Give registrations of the demonstration centre, one of them of a driver who has an account, documents drawn."""
    registered(MARIE, PIERRE)
    drain()
    db.session.commit()


def ours() -> Actor:
    """Return the manager at the demonstration centre."""
    return actor.centre(person_id("gestionnaire@demo.example"), centre_id())


def neighbour() -> Actor:
    """Return the manager of the other centre."""
    return actor.centre(person_id("voisin@demo.example"), centre_id(NEIGHBOUR))


def marie() -> Actor:
    """Return the driver with an account."""
    return actor.person(person_id("conducteur@demo.example"))


def count(by: Actor, table: Table) -> int:
    """Return how many rows of a table an actor sees where the program filters nothing."""
    with actor.acting(by):
        return db.session.scalar(select(func.count()).select_from(table)) or 0


def below_a_centre() -> dict[str, Table]:
    """Return the tables that have a centre: by a column of their own, or through the rows they belong to."""
    found = {"centre": Model.metadata.tables["centre"]}
    while more := {
        name: table
        for name, table in Model.metadata.tables.items()
        if name not in found and any(key.column.table.name in found for key in table.foreign_keys)
    }:
        found |= more
    return found


def guarded() -> set[str]:
    """Return the tables of the base whose policies are on and say something."""
    query = text(
        "SELECT relname FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid"
        " WHERE relrowsecurity AND relnamespace = 'public'::regnamespace"
    )
    return set(db.session.execute(query).scalars())


def test_every_table_that_has_a_centre_has_a_policy_or_a_reviewed_reason(app: Flask) -> None:
    bare = below_a_centre().keys() - guarded() - EXEMPT.keys()
    assert not bare, (
        f"no row-level security on {sorted(bare)}: give each a policy in a migration (as 0009 does), "
        "or a reason in EXEMPT of this file"
    )


def test_the_application_is_not_the_owner_and_the_policies_hold_for_it(app: Flask) -> None:
    assert all(db.session.scalar(text(f"SELECT row_security_active('{table}')")) for table in guarded())
    rights = "SELECT rolsuper OR rolbypassrls OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
    assert db.session.scalar(text(rights)) is False


@pytest.mark.parametrize(
    "nobody", [actor.NOBODY, actor.public(), Actor("centre"), Actor("driver"), Actor("owner", 1, 1)]
)
def test_an_actor_nobody_named_sees_no_row(rows: None, nobody: Actor) -> None:
    with_rows = {name for name in guarded() - OPEN if count(actor.PROGRAM, Model.metadata.tables[name])}
    assert {"centre", "registration", "document", "batch_line", "driver", "journal", "membership"} <= with_rows
    tables = {name: Model.metadata.tables[name] for name in with_rows}
    if nobody.person_id:  # a name the policies do not know: one's own journal and places, nothing of a centre
        tables = {name: table for name, table in tables.items() if name in ("registration", "batch", "document")}
    assert {name: count(nobody, table) for name, table in tables.items()} == dict.fromkeys(tables, 0)


def test_a_centre_sees_and_changes_its_own_rows_only(rows: None) -> None:
    tables = [model.__table__ for model in (Batch, BatchLine, Registration, Document)]
    assert [count(ours(), table) for table in tables] == [1, 2, 2, 4]
    assert [count(neighbour(), table) for table in tables] == [0, 0, 0, 0]
    with actor.acting(neighbour()):
        done = db.session.execute(update(Registration).values(order_number="VOISIN"))
        assert done.rowcount == 0
        assert db.session.execute(delete(Document)).rowcount == 0
    with actor.acting(ours()):
        assert db.session.execute(update(Registration).values(order_number="DEMO")).rowcount == 2
    db.session.rollback()


def refused(by: Actor, statement: Any) -> bool:
    """Tell whether a policy refuses what this actor writes."""
    with pytest.raises(DBAPIError, match="row-level security"), actor.acting(by), db.session.begin_nested():
        db.session.execute(statement)
    return True


def test_nothing_is_written_into_another_centre(rows: None) -> None:
    now = db.session.scalar(select(Batch.created_at))
    person = person_id("voisin@demo.example")
    batch = insert(Batch).values(
        centre_id=centre_id(), created_by_id=person, mode="manual", created_at=now, updated_at=now, key="0" * 16
    )
    line = insert(BatchLine).values(batch_id=select(Batch.id).scalar_subquery(), number=99)
    theirs = neighbour()
    assert refused(theirs, batch)
    own = db.session.scalar(select(Batch.id))
    assert refused(theirs, line.values(batch_id=own))
    assert refused(ours(), update(Batch).values(centre_id=centre_id(NEIGHBOUR)))
    db.session.rollback()


def test_a_manager_without_any_right_is_shown_no_row_of_the_centre_s_work(
    rows: None, client: FlaskClient, sign_in: Callable[..., FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    for view in (CentreRegistrationsView, CentreDriversView):
        monkeypatch.setattr(view, "right", "")  # a filter somebody forgot
    for email, named in (("gestionnaire@demo.example", True), ("sansdroit@demo.example", False)):
        browser = sign_in(client, email)
        for address in ("/mes-enregistrements/list/", "/mes-conducteurs/list/"):
            page = browser.get(address)
            assert (page.status_code, "MARTIN" in page.text) == (200, named), address
        browser.post("/logout/")


def test_a_driver_sees_own_trainings_and_no_other_driver(rows: None) -> None:
    assert [count(marie(), model.__table__) for model in (Registration, Document, Driver, Batch, BatchLine)] == [
        1, 2, 1, 0, 0,
    ]  # fmt: skip


def test_a_code_shows_its_own_document_and_nothing_else(rows: None) -> None:
    number = db.session.scalar(select(Document.number).where(Document.kind == "certificate"))
    assert number
    tables = [model.__table__ for model in (Registration, Document, Driver, Batch)]
    assert [count(actor.public(number), table) for table in tables] == [1, 2, 1, 0]
    assert [count(actor.public("CQ-22-00000-00000"), table) for table in tables] == [0, 0, 0, 0]
    with actor.acting(actor.public()):
        assert verification.verify(number).initials


#: Tables of people and of the operator → whose rows a centre's connection sees there at all.
PRIVATE = {
    "account_link": "nobody's", "sign_up": "nobody's", "outbox": "nobody's", "ab_register_user": "nobody's",
    "ab_api_key": "nobody's", "export": "one's own", "second_factor": "one's own", "recovery_code": "one's own",
    "ab_user_role": "one's own",
}  # fmt: skip


@pytest.fixture
def private(rows: None) -> None:
    """Give a row of each private table to the manager and to the manager of the other centre."""
    now = db.session.scalar(select(Batch.created_at))
    for number, email in enumerate(("gestionnaire@demo.example", "voisin@demo.example")):
        person = person_id(email)
        sign_up = SignUp(
            email=email, last_name="A", first_name="B", birth_date=now.date(), permit_number="1", password_hash="h",
            created_at=now, person_id=person,
        )  # fmt: skip
        db.session.add(sign_up)
        db.session.flush()
        words = {"created_at": now, "person_id": person}
        db.session.add_all(
            [
                AccountLink(
                    kind="reset", nonce=str(number), token_hash=str(number), email=email, expires_at=now, **words
                ),
                Export(sheet="drivers", format="csv", asked={}, **words),
                SecondFactor(secret="s", **words),
                RecoveryCode(person_id=person, code_hash=str(number)),
            ]
        )
    db.session.commit()


@pytest.mark.parametrize("by", [ours, neighbour, marie, actor.public, lambda: actor.NOBODY])
def test_what_is_private_is_seen_by_its_person_alone(private: None, by: Callable[[], Actor]) -> None:
    who = by()
    for name, whose in PRIVATE.items():
        table = Model.metadata.tables[name]
        holder = table.c.get("person_id", table.c.get("user_id"))
        with actor.acting(actor.PROGRAM):
            own = 0 if holder is None else db.session.scalar(select(func.count()).where(holder == who.person_id))
        expected = 0 if whose == "nobody's" and name != "account_link" else own
        assert count(who, table) == expected, name


def test_a_centre_sees_its_own_people_and_the_agents_and_no_secret(private: None) -> None:
    seen = emails(ours())
    assert "voisin@demo.example" not in seen
    assert "conducteur@demo.example" not in seen
    assert {"gestionnaire@demo.example", "representant@demo.example", "agent@demo.example"} <= seen
    assert emails(marie()) == {"conducteur@demo.example", "agent@demo.example"}
    assert emails(actor.public()) == emails(actor.NOBODY) == set()


def emails(by: Actor) -> set[str]:
    """Return the addresses of the accounts that an actor sees."""
    with actor.acting(by):
        return set(db.session.execute(select(Person.email)).scalars())


@pytest.mark.parametrize("column", ["password", "auth_token"])
@pytest.mark.parametrize("by", [ours, marie, actor.public, lambda: actor.agent(person_id("agent@demo.example"))])
def test_secrets_of_accounts_are_handed_out_to_their_person_alone(
    private: None, by: Callable[[], Actor], column: str
) -> None:
    who = by()
    with actor.acting(who):
        told = {row[0]: row[1] for row in db.session.execute(select(Person.id, getattr(Person, column)))}
        assert {person for person, secret in told.items() if secret} == ({who.person_id} - {None})
        for statement in (
            f"SELECT {column} FROM ab_user",
            f"SELECT 1 FROM ab_user WHERE {column} = 'x'",
            "TABLE ab_user",
        ):
            with pytest.raises(DBAPIError, match="permission denied"), db.session.begin_nested():
                db.session.execute(text(statement))


def test_nobody_but_agents_and_the_program_changes_accounts_roles_and_prices(private: None) -> None:
    users, held = Model.metadata.tables["ab_user"], Model.metadata.tables["ab_user_role"]
    other, agents = (
        person_id("representant@demo.example"),
        db.session.scalar(text("SELECT id FROM ab_role WHERE name = 'Agent'")),
    )
    with actor.acting(ours()):
        for statement in (
            update(users).where(users.c.id == other).values(first_name="X"), delete(users).where(users.c.id == other),
            delete(held), update(held).values(role_id=agents), update(Model.metadata.tables["tariff"]).values(amount=0),
            update(Model.metadata.tables["training"]).values(hours=1),
            update(Model.metadata.tables["ab_role"]).values(name="X"),
            delete(Model.metadata.tables["outbox"]), update(Model.metadata.tables["outbox"]).values(attempts=99),
        ):  # fmt: skip
            assert db.session.execute(statement).rowcount == 0
    assert refused(ours(), insert(held).values(user_id=ours().person_id, role_id=agents))
    assert refused(ours(), insert(users).values(first_name="A", last_name="B", username="u", email="e", auth_token="t"))
    with pytest.raises(DBAPIError, match="row-level security"), actor.acting(actor.NOBODY), db.session.begin_nested():
        outbox.add("mail", [{}])
    with actor.acting(ours()):
        outbox.add("mail", [{}])
    db.session.rollback()


def test_every_table_has_a_policy_or_a_reviewed_reason(app: Flask) -> None:
    bare = Model.metadata.tables.keys() - guarded() - NOBODYS.keys()
    assert not bare, f"no row-level security on {sorted(bare)}"


def test_the_journal_is_written_by_whoever_acts_and_read_by_who_may(rows: None) -> None:
    for by, centre in ((neighbour(), neighbour().centre_id), (neighbour(), None), (actor.public(), None)):
        with actor.acting(by):
            journal.record("test.act", "test", 1, actor_id=by.person_id, centre_id=centre)
    db.session.commit()
    table = JournalEntry.__table__
    assert count(neighbour(), table) == 2
    assert count(actor.agent(person_id("agent@demo.example")), table) > 3

    own, by = centre_id(), neighbour()
    with pytest.raises(DBAPIError, match="row-level security"), actor.acting(by):
        journal.record("test.act", "test", 1, actor_id=None, centre_id=own)
    db.session.rollback()


def test_a_decision_is_written_by_agents_and_read_by_no_centre_and_no_driver(rows: None) -> None:
    """Why documents are kept back is nobody's but the operator's."""
    table, agent = Decision.__table__, actor.agent(person_id("agent@demo.example"))
    row = db.session.execute(select(Registration.id).order_by(Registration.id)).scalars().first()
    said = {
        "registration_id": row,
        "outcome": "kept",
        "at": clock.now(),
        "reason": "motif",
        "actor_id": agent.person_id,
    }
    with actor.acting(agent):
        db.session.execute(table.insert().inline().values(**said))
        db.session.commit()
    assert [count(by, table) for by in (ours(), neighbour(), marie(), actor.public(), actor.NOBODY)] == [0] * 5
    assert [count(by, table) for by in (agent, actor.PROGRAM)] == [1, 1]
    for by in (ours(), marie()):
        with pytest.raises(DBAPIError, match="row-level security"), actor.acting(by):
            db.session.execute(table.insert().inline().values(**said))
        db.session.rollback()


@pytest.mark.parametrize("change", ["UPDATE journal SET reason = 'x'", "DELETE FROM journal", "TRUNCATE journal"])
def test_the_application_cannot_change_the_journal(rows: None, change: str) -> None:
    with pytest.raises(DBAPIError, match="permission denied"):
        db.session.execute(text(change))
    db.session.rollback()


class TestNaming:
    """The actor's name lives as long as the transaction, and each one has its own."""

    def test_it_is_gone_with_the_transaction(self, rows: None) -> None:
        with actor.acting(ours()):
            assert _told() == ("centre", str(centre_id()))
            db.session.commit()
            assert _told() == ("centre", str(centre_id()))
            db.session.rollback()
        with db.engine.connect() as bare:
            assert bare.execute(text("SELECT coalesce(current_setting('registre.actor', true), '')")).scalar() == ""

    def test_after_a_step_under_another_name_the_first_one_is_back(self, rows: None) -> None:
        with actor.acting(neighbour()):
            with actor.acting(actor.PROGRAM):
                assert _told()[0] == "worker"
            assert _told() == ("centre", str(centre_id(NEIGHBOUR)))

    @pytest.mark.parametrize("fail", [ValueError("no"), None], ids=["python", "base"])
    def test_also_when_the_step_fails(self, rows: None, fail: Exception | None) -> None:
        def step() -> None:
            with actor.acting(actor.PROGRAM):
                if fail:
                    raise fail
                db.session.execute(text("SELECT 1 / 0"))

        with actor.acting(neighbour()):
            db.session.execute(text("SELECT 1"))
            with pytest.raises((ValueError, DBAPIError)):
                step()
            if not fail:
                db.session.rollback()
            assert _told()[0] == "centre"


def _told() -> tuple[str, str]:
    row = db.session.execute(
        text("SELECT current_setting('registre.actor', true), current_setting('registre.centre', true)")
    ).one()
    return row[0], row[1]


class TestTheRole:
    """`flask db-role` makes the application's role, and `flask purge` works as the owner."""

    def test_run_again_it_puts_the_grants_right(self, app: Flask) -> None:
        url = app.config["DATABASE_OWNER_URL"].replace("+psycopg", "")
        with psycopg.connect(url) as owner:
            role = make_url(app.config["SQLALCHEMY_DATABASE_URI"]).username
            owner.execute(sql.SQL("GRANT UPDATE ON journal TO {}").format(sql.Identifier(str(role))))
        may = text("SELECT has_table_privilege('journal', 'UPDATE')")
        assert db.session.scalar(may) is True
        db.session.rollback()
        result = app.test_cli_runner().invoke(args=["db-role"])
        assert result.exit_code == 0, result.output
        assert db.session.scalar(may) is False

    def test_one_role_alone_is_refused_with_what_to_set(self, app: Flask) -> None:
        app.config["SQLALCHEMY_DATABASE_URI"] = app.config["DATABASE_OWNER_URL"]
        result = app.test_cli_runner().invoke(args=["db-role"])
        assert result.exit_code == 2
        assert "DATABASE_OWNER_URL" in result.output

    def test_production_does_not_start_as_a_role_for_whom_no_wall_stands(self, app: Flask, tmp_path: Path) -> None:
        from tests.test_settings import production

        owner, role = app.config["DATABASE_OWNER_URL"], app.config["SQLALCHEMY_DATABASE_URI"]
        named = {"ACCEPTED_RISKS": "", "DATABASE_OWNER_URL": "elsewhere"}
        with pytest.raises(ConfigurationError, match="DATABASE_URL must name a role that owns no table"):
            production(tmp_path, DATABASE_URL=owner, **named)
        assert production(tmp_path, DATABASE_URL=owner, **{**named, "ACCEPTED_RISKS": "one-role"})
        assert production(tmp_path, DATABASE_URL=role, **named)

    def test_production_starts_while_the_base_is_away(self, tmp_path: Path) -> None:
        from tests.test_settings import production

        away = "postgresql://a:b@127.0.0.1:9/registre"
        assert production(tmp_path, DATABASE_URL=away, DATABASE_OWNER_URL="elsewhere", ACCEPTED_RISKS="")
