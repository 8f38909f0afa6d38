"""Agents find accounts, and what a person did, by how a name or an address begins: whoever wrote the row, by an index."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from app.extensions import db
from app.models import JournalEntry, Person
from app.services.accounts import renaming
from app.services.core import narrowing
from app.services.journal import record as journal
from app.services.journal import search as journal_search
from tests.bases import UNDER_THE_ROLE, on_both
from tests.support import person_id, plan

BACKENDS = UNDER_THE_ROLE
EACH_VALUE = True
AGENT, MANAGER = "agent@demo.example", "gestionnaire@demo.example"


@pytest.fixture
def lea(app: Flask) -> Person:
    """Give an account of somebody with a name in two parts."""
    person = Person(
        first_name="Léa", last_name="LEFÈVRE-D'Œuvre", username="l_ea.lefevre@exemple.fr", email="l_ea.lefevre@exemple.fr",
        active=True, password="x",
    )  # fmt: skip
    db.session.add(person)
    db.session.commit()
    return person


def found(asked: str, *, broad: bool = False) -> set[str]:
    query = select(Person.email).where(narrowing.accounts(asked, broad=broad))
    return set(db.session.execute(query).scalars()) & {"l_ea.lefevre@exemple.fr", "lea@exemple.fr"}


ASKED = {
    "lefèvre": True, "LEFEVRE": True, "lefevre-d’oeuvre": True, "lefevre d": True, "léa": True, "lea lefevre": True,
    "Lefèvre-d'Œuvre Léa": True, "l_ea": True, "l_ea.lefevre@exemple.fr": True, "L_EA.Lefevre@Ex": True,
    "léa l_ea.lefevre@ex": True, "l_ea.lefevre@exemple.fr lefevre": True, "oeuvre": False, "lxea": False, "exemple": False,
    "@exemple.fr": False, "luc l_ea.lefevre@ex": False, "lefevre luc": False, "%": False, "-": False, "@": False, "zzz": False,
}  # fmt: skip


@pytest.mark.usefixtures("lea")
@pytest.mark.parametrize("asked", ASKED)
def test_an_account_is_found_by_how_its_names_or_its_address_begin(asked: str) -> None:
    assert bool(found(asked)) is ASKED[asked]
    assert found(asked, broad=True) == found(asked), "read in the order of the list, the same are found"


def test_the_list_asks_it_and_is_sorted_as_names_are_compared(lea: Person, client: FlaskClient, sign_in) -> None:
    for at, name in enumerate(("Lefevre", "LÉFEVRE-A", "lefevre b")):
        email = f"autre-{at}@exemple.fr"
        db.session.add(Person(first_name="X", last_name=name, username=email, email=email, active=at > 0, password="x"))
    db.session.commit()
    agent = sign_in(client, AGENT)
    page = agent.get("/comptes/list/", query_string={"_flt_0_words": "lefevre"}).text
    assert "Début du nom, du prénom ou de l’adresse" in page
    names = ["Lefevre", "LÉFEVRE-A", "lefevre b", "LEFÈVRE-D"]
    assert sorted(names, key=page.index) == names
    closed = agent.get("/comptes/list/", query_string={"_flt_0_words": "lefevre", "_flt_0_open": "non"}).text
    assert "autre-0@" in closed
    assert "autre-1@" not in closed
    assert "<table" not in agent.get("/comptes/list/", query_string={"_flt_0_words": "oeuvre"}).text
    sent = agent.get("/comptes/export.csv", query_string={"_flt_0_words": "lea lefevre"}).data.decode("utf-8-sig")
    assert len(sent.splitlines()) == 2
    assert lea.email in sent


def test_who_is_renamed_or_moves_is_found_as_they_are_now(lea: Person) -> None:
    renaming.rename(lea.id, "Zoé", "Nguyễn", person_id(AGENT))
    db.session.commit()
    assert found("nguyen zoe")
    assert not found("lefevre")
    lea.email = "lea@exemple.fr"
    db.session.commit()
    assert found("lea@")
    assert not found("l_ea")


@pytest.mark.bases("postgresql")
def test_the_version_before_writes_accounts_that_are_found(lea: Person) -> None:
    """It works beside this one while a release is put into service, and knows no key."""
    db.session.execute(
        text(
            "INSERT INTO ab_user (first_name, last_name, username, email, active, auth_token)"
            " VALUES ('Łucja', 'D''HONDT', 'lea@exemple.fr', 'lea@exemple.fr', true, 't')"
        )
    )
    db.session.commit()
    assert found("dhondt lucja") == {"lea@exemple.fr"}
    db.session.execute(text("UPDATE ab_user SET last_name = 'ŒUVRARD' WHERE id = :id"), {"id": lea.id})
    db.session.commit()
    assert found("oeuvrard") == {lea.email}


def test_what_a_person_did_is_found_by_how_they_are_called(lea: Person, client: FlaskClient, sign_in) -> None:
    journal.record("sign_in.done", "person", lea.id, actor_id=lea.id, after={"by": "password"})
    db.session.commit()
    agent = sign_in(client, AGENT)
    for asked in ("lefevre", "léa lefèvre", "l_ea.lefevre@exemple.fr"):
        page = agent.get("/journal/list/", query_string={"_flt_0_words": asked}).text
        assert page.count('class="told__one"') == 1, asked
    for asked in ("oeuvre", "zzz"):
        assert 'class="told__one"' not in agent.get("/journal/list/", query_string={"_flt_0_words": asked}).text
    every = select(JournalEntry.id).order_by(JournalEntry.id)
    for asked in ("lefevre", "agent", "zzz"):
        few, many = (
            db.session.scalars(every.where(journal_search.by_person(asked, broad=b))).all() for b in (False, True)
        )
        assert few == many


@on_both
@pytest.mark.usefixtures("app")
@pytest.mark.parametrize("asked", ["martin", "marie martin", "marie@exemple.fr"])
def test_an_index_answers_for_accounts_and_for_what_they_did(asked: str) -> None:
    told = plan(select(Person.id).where(narrowing.accounts(asked)))
    assert "ix_ab_user_search_" in told
    assert "Seq Scan" not in told
    assert "SCAN ab_user" not in told
    told = plan(select(JournalEntry.id).where(journal_search.by_person(asked)))
    assert "ix_journal_actor_id" in told, told
    assert "Seq Scan" not in told
    assert "SCAN journal" not in told


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    ("columns", "index"),
    [
        ((Person.search_last, Person.search_first, Person.id), "ix_ab_user_search_name"),
        ((Person.search_email, Person.id), "ix_ab_user_search_email"),
    ],
)
def test_the_list_is_read_in_the_order_of_an_index(columns: tuple[object, ...], index: str) -> None:
    assert index in plan(select(Person.id).order_by(*columns).limit(50))  # type: ignore[arg-type]


def test_closed_accounts_have_an_index_of_their_own(app: Flask) -> None:
    assert "ix_ab_user_closed" in plan(select(Person.id).where(~Person.active.is_(True)))
