"""One's own account: a new mail address confirmed by its link, a copy of one's own data made by a job."""

from __future__ import annotations

import email
import email.policy
import io
import json
import os
import re
import time
import zipfile
from datetime import timedelta
from pathlib import Path
from unittest.mock import Mock

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.extensions import db
from app.french.spaces import plain
from app.models import AccountLink, DataExport, JournalEntry, Mail, Outbox, Person
from app.models.card import ASKED, GONE, READY
from app.services.accounts import address_change, password_change
from app.services.core import clock, links, throttle
from app.services.drivers import data_copy
from app.services.journal.words import ACTIONS
from app.services.notifications import mail
from app.services.retention import purge
from app.services.storage import store
from tests.bases import on_both
from tests.cards.making import HOLDER, marie, sent
from tests.conftest import PASSWORD
from tests.support import drain, person_id

pytestmark = pytest.mark.usefixtures("app")
NEW = "marie.martin@mail.example"


def letters(app: Flask, to: str) -> dict[str, str]:
    """Return subject → text of the mails to an address."""
    drain()
    found = {}
    for path in (Path(app.config["DATA_DIR"]) / "mails").glob("*.eml"):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        if message["To"] == to:
            found[plain(str(message["Subject"]))] = plain(message.get_body(("plain",)).get_content())
    return found


def token(app: Flask, to: str = NEW) -> str:
    text = letters(app, to)["Confirmez votre nouvelle adresse"]
    found = re.search(r"/adresse/([\w-]{43})", text)
    assert found
    return found[1]


def ask(address: str = NEW, password: str = PASSWORD) -> None:
    address_change.ask(person_id(HOLDER), password, address)


def address() -> str:
    db.session.expire_all()
    return str(marie().person.email)


def test_the_address_changes_by_its_link_and_the_old_one_is_told(app: Flask) -> None:
    ask()
    link = token(app)
    assert address() == HOLDER
    assert "Un changement d’adresse a été demandé" in letters(app, HOLDER)
    address_change.confirm(link)
    assert address() == NEW
    assert marie().person.username == NEW
    assert "Votre adresse électronique est changée" in letters(app, HOLDER)
    with pytest.raises(links.LinkSpent):
        address_change.confirm(link)
    acts = db.session.execute(select(JournalEntry.action).where(JournalEntry.action.like("address.%"))).scalars().all()
    assert sorted(acts) == ["address.asked", "address.changed"]


def test_the_password_is_asked_and_not_for_ever() -> None:
    for _ in range(5):
        with pytest.raises(password_change.WrongPassword):
            ask(password="pas le bon")
    with pytest.raises(throttle.TooOften):
        ask()
    assert db.session.execute(select(AccountLink)).first() is None


def test_the_same_address_is_no_change() -> None:
    with pytest.raises(address_change.SameAddress):
        ask(HOLDER)


def test_an_address_that_has_an_account_is_told_in_its_own_box_only(app: Flask) -> None:
    ask("leroy@demo.example")
    told = letters(app, "leroy@demo.example")
    assert list(told) == ["Vous avez déjà un compte"]
    assert "/adresse/" not in "".join(told.values())
    [link] = db.session.execute(select(AccountLink)).scalars()
    with pytest.raises(links.LinkSpent):
        address_change.confirm(links.token(link.kind, link.nonce))


@on_both
def test_an_address_taken_meanwhile_is_not_given_twice(app: Flask) -> None:
    ask()
    link = token(app)
    db.session.execute(update(Person).where(Person.username == "leroy@demo.example").values(email=NEW, username=NEW))
    db.session.commit()
    with pytest.raises(links.LinkSpent):
        address_change.confirm(link)
    assert address() == HOLDER


def test_only_the_last_link_holds(app: Flask) -> None:
    ask("autre@mail.example")
    first = token(app, "autre@mail.example")
    ask()
    with pytest.raises(links.LinkSpent):
        address_change.confirm(first)
    address_change.confirm(token(app))
    assert address() == NEW


def test_a_link_runs_out_and_a_new_password_ends_it(app: Flask) -> None:
    ask()
    link = token(app)
    password_change.change(person_id(HOLDER), PASSWORD, "girafe-lampe-nuage-72")
    with pytest.raises(links.LinkSpent):
        address_change.confirm(link)
    ask(password="girafe-lampe-nuage-72")
    db.session.execute(update(AccountLink).values(expires_at=clock.machine_now()))
    db.session.commit()
    [nonce] = db.session.execute(select(AccountLink.nonce).where(AccountLink.used_at.is_(None))).scalars()
    with pytest.raises(links.LinkSpent):
        address_change.confirm(links.token("address", nonce))


def copied() -> DataExport:
    """Ask for a copy and have it made."""
    export = data_copy.ask(person_id(HOLDER))
    drain()
    return db.session.get_one(DataExport, export.id, populate_existing=True)


def archive(export: DataExport) -> zipfile.ZipFile:
    content = data_copy.fetch(export.person_id, export.id)
    assert content is not None
    return zipfile.ZipFile(io.BytesIO(content))


@on_both
def test_the_copy_holds_what_is_known_and_the_files() -> None:
    request = sent()
    drain()
    export = copied()
    assert export.state == READY
    pack = archive(export)
    names = pack.namelist()
    assert sum(name.startswith("documents/") for name in names) == 2
    assert {f"cartes/{request.number}-photo.jpg", f"cartes/{request.number}-signature.png"} <= set(names)
    data = json.loads(pack.read("mes-donnees.json"))
    assert data["Conducteur"]["N° de permis"] == "850492100123"
    assert [row["Formation"] for row in data["Formations"]] == ["FIMO Marchandises"]
    assert data["Demandes de carte"][0]["Adresse"] == "12 rue des Ateliers, Bâtiment B, 69007, LYON"
    assert data["Courriels"]
    assert {row["Nature"] for row in data["Courriels"]} <= {kind.name for kind in mail.KINDS.values()}
    assert data["Actes"]
    assert {row["Acte"] for row in data["Actes"]} <= set(ACTIONS.values()), "acts are told in words, not in codes"
    page = pack.read("mes-donnees.html").decode()
    assert "FIMO Marchandises" in page
    assert "<script" not in page
    for name in names:
        if name.endswith(".pdf"):
            assert pack.read(name).startswith(b"%PDF")


def test_a_lost_file_is_named_and_fails_nothing() -> None:
    from app.models import Document

    sent()
    drain()
    db.session.execute(update(Document).values(path="000000/gone.pdf"))
    db.session.commit()
    pack = archive(copied())
    assert pack.read("fichiers-indisponibles.txt").decode().count(".pdf") == 2


def test_a_copy_waits_for_a_store_that_hands_nothing_over(monkeypatch: pytest.MonkeyPatch) -> None:
    sent()
    drain()
    export = data_copy.ask(person_id(HOLDER))
    with monkeypatch.context() as patch:
        patch.setattr(store.backend(), "read", Mock(side_effect=OSError(5, "away")))
        with pytest.raises(store.Unreadable):
            data_copy.make(export.id)
    db.session.rollback()
    drain()
    assert [name for name in archive(export).namelist() if name.endswith(".pdf")]
    assert "fichiers-indisponibles.txt" not in archive(export).namelist()


def test_a_copy_is_one_s_own_and_for_a_time() -> None:
    export = copied()
    assert data_copy.fetch(person_id("leroy@demo.example"), export.id) is None
    assert data_copy.fetch(export.person_id, export.id + 1) is None
    path = str(export.path)
    db.session.execute(update(DataExport).values(expires_at=clock.machine_now() - timedelta(seconds=1)))
    db.session.commit()
    assert data_copy.fetch(export.person_id, export.id) is None
    assert purge.purge(dry_run=True).copies == 1
    assert (store.folder() / path).exists()
    assert purge.purge().copies == 1
    assert not (store.folder() / path).exists()
    assert db.session.get_one(DataExport, export.id, populate_existing=True).state == GONE


@on_both
def test_asked_twice_one_is_made_and_a_new_one_replaces_it() -> None:
    data_copy.ask(person_id(HOLDER))
    with pytest.raises(data_copy.InTheMaking):
        data_copy.ask(person_id(HOLDER))
    drain()
    again = copied()
    assert db.session.execute(select(DataExport.state).order_by(DataExport.id)).scalars().all() == [GONE, READY]
    data_copy.make(again.id)
    assert len(list((store.folder() / "exports").rglob("*.zip"))) == 1


def test_the_copy_of_an_account_without_driver() -> None:
    data_copy.ask(person_id("agent@demo.example"))
    drain()
    export = db.session.execute(select(DataExport)).scalar_one()
    data = json.loads(archive(export).read("mes-donnees.json"))
    assert "Conducteur" not in data
    assert data["Compte"]["Adresse électronique"] == "agent@demo.example"


@on_both
def test_files_without_a_row_go_after_a_day() -> None:
    request = sent()
    for name in ("pictures/ab/left.jpg", "exports/ab/left.zip"):
        store.put_named(name, b"left behind")
        os.utime(store.folder() / name, (time.time() - 90_000,) * 2)
    os.utime(store.folder() / str(request.photo_path), (time.time() - 90_000,) * 2)
    assert purge.purge().orphans == 2
    assert (store.folder() / str(request.photo_path)).exists()


def test_what_is_asked_stands_in_the_outbox() -> None:
    export = data_copy.ask(person_id(HOLDER))
    assert export.state == ASKED
    assert db.session.execute(select(Outbox.kind)).scalars().all() == ["export"]
    assert db.session.execute(select(Mail.id)).first() is None
