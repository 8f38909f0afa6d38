"""Drivers without account invited together: beside their names on the receipt and in the list of a centre."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.extensions import db
from app.models import Batch, Mail, Registration
from app.models.outbox import INVITATION_MAIL, MAIL_REFUSED, MAIL_SENT
from app.services.core import clock
from app.services.drivers import account_invitations, address_list
from app.services.notifications import invitation_limits
from tests.bases import UNDER_THE_ROLE, on_sqlite
from tests.support import MARIE, PIERRE, centre_id, drain, many, person_id, registered, statements

BACKENDS = UNDER_THE_ROLE

SignIn = Callable[[FlaskClient, str], FlaskClient]
LIST = "/mes-conducteurs/sans-compte/"


@pytest.fixture
def manager(client: FlaskClient, sign_in: SignIn) -> FlaskClient:
    return sign_in(client, "gestionnaire@demo.example")


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).replace("&#39;", "'").split())


def fields(page: str) -> list[str]:
    return re.findall(r'name="(adresse-\d+)"', page)


def due() -> list[str]:
    query = select(Mail.recipient).where(Mail.kind == INVITATION_MAIL).order_by(Mail.id)
    return list(db.session.scalars(query))


def ids(batch: Batch) -> list[int]:
    query = select(Registration.id).where(Registration.batch_id == batch.id).order_by(Registration.line_number)
    return list(db.session.scalars(query))


def test_forty_are_invited_from_one_page(manager: FlaskClient) -> None:
    here = f"/sessions/{registered(*many(40)).key}/recu"
    drain()
    page = manager.get(here).text
    typed = {name: f"n{at}@mail.example" for at, name in enumerate(fields(page))}
    assert len(typed) == 40
    answer = manager.post(f"{here}/inviter", data=typed)
    assert answer.headers["Location"] == here
    told = words(manager.get(here).text)
    assert "40 invitations sont en cours d’envoi." in told
    assert told.count("Invitation en cours d’envoi") == 40, "made due, and not said to be sent"
    assert "Invitation envoyée" not in told
    assert due() == [f"n{at}@mail.example" for at in range(40)]
    drain()
    told = words(manager.get(here).text)
    assert told.count("Invitation envoyée") == 40
    assert "40 attendent la création d’un compte" in told


def test_what_is_refused_stays_in_its_field_with_its_reason(manager: FlaskClient) -> None:
    here = f"/sessions/{registered(*many(3)).key}/recu"
    first, second, third = fields(manager.get(here).text)
    answer = manager.post(f"{here}/inviter", data={first: "pas une adresse", second: "bon@mail.example"})
    assert answer.status_code == 422
    assert re.search(rf'name="{first}"[^>]*value="pas une adresse"[^>]*aria-invalid="true"', answer.text)
    assert "data-error-summary" in answer.text
    assert f'<a href="#{first}">NA Jean : Saisissez l’adresse électronique du conducteur' in answer.text
    assert "1 invitation est en cours d’envoi. Ce que vous avez saisi pour les autres est resté" in words(answer.text)
    assert fields(answer.text) == [first, third]
    assert due() == ["bon@mail.example"]


def test_nothing_typed_is_said(manager: FlaskClient) -> None:
    here = f"/sessions/{registered(PIERRE).key}/recu"
    answer = manager.post(f"{here}/inviter")
    assert answer.status_code == 422
    assert "Saisissez au moins une adresse électronique" in answer.text


def test_a_list_is_put_in_its_places_before_anything_is_sent(manager: FlaskClient) -> None:
    here = f"/sessions/{registered(*many(3)).key}/recu"
    first, second, third = fields(manager.get(here).text)
    pasted = "NC Jean ; c@mail.example\r\nJean NA\ta@mail.example\r\nINCONNU Paul; x@mail.example"
    answer = manager.post(f"{here}/inviter", data={"repartir": "1", "liste": pasted, second: "b@mail.example"})
    assert answer.status_code == 200
    for name, address in ((first, "a"), (second, "b"), (third, "c")):
        assert re.search(rf'name="{name}"[^>]*value="{address}@mail.example"', answer.text)
    told = words(answer.text)
    assert "2 adresses placées dans la colonne" in told
    assert "1 ligne n’a pas trouvé sa place et reste dans la liste : INCONNU Paul; x@mail.example" in told
    assert due() == []


def test_the_measure_of_mails_stops_the_rest_and_keeps_it(
    manager: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invitation_limits, "DRIVERS", replace(invitation_limits.DRIVERS, by_sender=2, by_centre=9))
    here = f"/sessions/{registered(*many(4)).key}/recu"
    typed = {name: f"n{at}@mail.example" for at, name in enumerate(fields(manager.get(here).text))}
    answer = manager.post(f"{here}/inviter", data=typed)
    assert answer.status_code == 422
    assert answer.text.count("Trop de demandes ont été reçues. Réessayez dans 1 minute") == 4, "twice a person"
    assert re.search(r'value="n3@mail.example"', answer.text)
    assert due() == ["n0@mail.example", "n1@mail.example"]


def test_an_address_that_was_refused_may_be_changed_the_same_day(manager: FlaskClient) -> None:
    batch = registered(PIERRE)
    here = f"/sessions/{batch.key}/recu"
    account_invitations.invite(batch.id, 1, "faux@mail.example", person_id())
    assert fields(manager.get(here).text) == []
    db.session.execute(update(Mail).values(state=MAIL_REFUSED))
    db.session.commit()
    page = manager.get(here).text
    assert "Adresse refusée" in page
    assert "faux@mail.example" in page
    [field] = fields(page)
    manager.post(f"{here}/inviter", data={field: "juste@mail.example"})
    assert due() == ["faux@mail.example", "juste@mail.example"]


def test_a_person_on_two_lines_is_invited_once(app: Flask) -> None:
    first, second = ids(registered(PIERRE)) + ids(registered({**PIERRE, "reference": "REF2"}))
    found = account_invitations.invite_all(
        centre_id(), {first: "p@mail.example", second: "P@mail.example"}, person_id()
    )
    assert (found.due, found.refused) == ({first: "p@mail.example"}, {})
    again = account_invitations.invite_all(centre_id(), {second: "p@mail.example"}, person_id())
    assert isinstance(again.refused[second], account_invitations.AlreadyInvited), "on another receipt as well"
    db.session.execute(update(Mail).values(created_at=clock.now() - timedelta(days=1)))
    db.session.commit()
    apart = account_invitations.invite_all(
        centre_id(), {first: "p@mail.example", second: "q@mail.example"}, person_id()
    )
    assert "Une autre adresse" in apart.refused[second].message


def test_another_centres_lines_are_nobodys(manager: FlaskClient) -> None:
    [one] = ids(registered(PIERRE))
    found = account_invitations.invite_all(centre_id("98765432400019"), {one: "p@mail.example"}, person_id())
    assert "ne figure pas" in found.refused[one].message
    assert due() == []


class TestTheList:
    def test_it_holds_who_has_no_account_and_invites_them(self, manager: FlaskClient) -> None:
        registered(MARIE, PIERRE, *many(2))
        page = manager.get(LIST).text
        assert "MARTIN" not in page
        typed = {name: f"n{at}@mail.example" for at, name in enumerate(fields(page))}
        assert len(typed) == 3
        done = manager.post(f"{LIST}inviter", data=typed, follow_redirects=True)
        assert "3 invitations sont en cours d’envoi." in done.text
        assert fields(done.text) == []

    def test_a_bad_address_loses_nothing(self, manager: FlaskClient) -> None:
        registered(PIERRE)
        [field] = fields(manager.get(LIST).text)
        answer = manager.post(f"{LIST}inviter", data={field: "pierre@"})
        assert answer.status_code == 422
        assert 'value="pierre@"' in answer.text
        assert "data-error-summary" in answer.text

    def test_it_comes_in_pages_and_asks_little(self, manager: FlaskClient) -> None:
        registered(*many(60))
        with statements() as asked:
            page = manager.get(LIST).text
        assert len(fields(page)) == 50
        assert len(asked) <= 8, asked
        assert len(fields(manager.get(f"{LIST}?page=2").text)) == 10
        assert "Plus personne sur cette page" in manager.get(f"{LIST}?page=9").text

    def test_nobody_left_is_said(self, manager: FlaskClient) -> None:
        registered(MARIE)
        assert "Tous ont un compte" in manager.get(LIST).text

    @on_sqlite
    def test_the_dashboard_leads_there(self, manager: FlaskClient) -> None:
        registered(PIERRE)
        assert f'href="{LIST}"' in manager.get("/tableau-de-bord/").text


PERSONS = {7: ("EL HADJ", "Inès"), 8: ("NOËL", "Yann"), 9: ("ROUX", "Ève")}


@on_sqlite
@pytest.mark.parametrize(
    ("text", "placed", "left"),
    [
        ("a@x.fr\n\nc@x.fr", {7: "a@x.fr", 9: "c@x.fr"}, []),
        ("a@x.fr\nb@x.fr\nc@x.fr\nd@x.fr", {7: "a@x.fr", 8: "b@x.fr", 9: "c@x.fr"}, ["d@x.fr"]),
        ("Yann Noel <y@x.fr>", {8: "y@x.fr"}, []),
        ("ROUX\tEve\te@x.fr\nElhadj;Ines;i@x.fr", {9: "e@x.fr", 7: "i@x.fr"}, []),
        ("Inconnu Paul, p@x.fr", {}, ["Inconnu Paul, p@x.fr"]),
        ("noel yann;y@x.fr\nnoel yann;z@x.fr", {8: "y@x.fr"}, ["noel yann;z@x.fr"]),
        ("pas une adresse", {7: "pas une adresse"}, []),
        ("\n  \n", {}, []),
    ],
)
def test_where_the_lines_of_a_list_go(text: str, placed: dict[int, str], left: list[str]) -> None:
    found = address_list.spread(text, PERSONS)
    assert (found.placed, found.left) == (placed, left)


def test_invitations_in_every_state_are_each_said_as_they_stand(manager: FlaskClient) -> None:
    batch = registered(MARIE, *many(4))
    here = f"/sessions/{batch.key}/recu"
    drain()
    for line, name in ((2, "partie"), (3, "attend"), (4, "refusee")):
        account_invitations.invite(batch.id, line, f"{name}@mail.example", person_id())
    for name, state, at in (("partie", MAIL_SENT, clock.now()), ("refusee", MAIL_REFUSED, None)):
        found = Mail.recipient == f"{name}@mail.example"
        db.session.execute(update(Mail).where(found).values(state=state, sent_at=at))
    db.session.commit()
    page = manager.get(here).text
    rows = {row: words(row) for row in re.findall(r"<tr role=\"row\".*?</tr>", page, re.DOTALL)}
    told = {
        name: next(said for said in rows.values() if f"{name}@mail.example" in said)
        for name in ("partie", "attend", "refusee")
    }
    assert "Invitation envoyée le 10/01/2022" in told["partie"]
    assert "Invitation en cours d’envoi" in told["attend"]
    assert "Adresse refusée" in told["refusee"]
    for name in ("attend", "refusee"):
        assert "Invitation envoyée" not in told[name]
    nobody = [said for said in rows.values() if " ND " in f" {said} " and "@" not in said]
    assert len(nobody) == 1, "who was not invited bears no word of an invitation"
    assert "Invitation" not in nobody[0]
    assert "4 attendent la création d’un compte" in words(page)
    assert "1 certificat envoyé" in words(page)
