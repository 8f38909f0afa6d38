"""« Webhooks », as a legal representative and the people around him meet it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from standardwebhooks import Webhook

from app.extensions import db
from app.models import JournalEntry, Membership, MembershipRight, WebhookDelivery, WebhookEndpoint
from app.models.api import EVENTS
from app.services.api import webhooks
from app.services.core import clock
from tests.receiver import Receiver, receiver
from tests.support import MARIE, centre_id, drain, person_id, registered

SignIn = Callable[[FlaskClient, str], FlaskClient]
HOME = "/mon-centre/api/webhooks/"
GOOD = {"url": "https://logiciel.example/avis", "events": list(EVENTS)}
SECRET = re.compile(r"whsec_[A-Za-z0-9+/]{43}=")


@pytest.fixture
def software(app: Flask) -> Iterator[Receiver]:
    """Run a receiver on this machine, which the program may call."""
    app.config["WEBHOOK_PRIVATE_ADDRESSES"] = True
    with receiver() as running:
        yield running


@pytest.fixture
def representative(client: FlaskClient, sign_in: SignIn) -> FlaskClient:
    """Sign the legal representative in, the conditions accepted."""
    sign_in(client, "representant@demo.example")
    client.post("/mon-centre/api/accepter")
    return client


def the_id() -> int:
    return db.session.execute(select(WebhookEndpoint.id)).scalar_one()


def journalled(action: str) -> bool:
    return db.session.execute(select(JournalEntry).where(JournalEntry.action == action)).first() is not None


def with_right(email: str) -> None:
    place = db.session.execute(select(Membership).where(Membership.person_id == person_id(email))).scalar_one()
    db.session.add(MembershipRight(membership_id=place.id, right="api", granted_at=clock.now()))
    db.session.commit()


class TestAddresses:
    def test_without_the_conditions_it_says_where_to_accept_them(self, client: FlaskClient, sign_in: SignIn) -> None:
        page = sign_in(client, "representant@demo.example").get(HOME).text
        assert "une fois les conditions de l’API acceptées" in page
        assert "Ajouter l’adresse" not in page
        client.post(HOME, data=GOOD)
        assert webhooks.endpoints(centre_id()) == []

    def test_the_secret_is_shown_once_and_signs(self, representative: FlaskClient, software: Receiver) -> None:
        page = representative.post(HOME, data={**GOOD, "url": software.url})
        assert page.status_code == 200
        [secret] = SECRET.findall(page.text)
        assert journalled("webhook.created")
        for address in (HOME, f"{HOME}{the_id()}"):
            assert not SECRET.search(representative.get(address).text)
        representative.post(f"{HOME}{the_id()}/essai")
        drain()
        [message] = software.messages
        Webhook(secret).verify(message.body, message.headers)
        assert "Remis" in representative.get(f"{HOME}{the_id()}").text

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"url": ""}, "Donnez l’adresse de votre logiciel."),
            ({"url": "http://logiciel.example/"}, "L’adresse commence par https://."),
            ({"url": "https://127.0.0.1/"}, "L’adresse mène à un réseau privé ou réservé"),
            ({"url": "https://logiciel.example:22/"}, "Le port de l’adresse est 443 ou 8443."),
            ({"events": []}, "Choisissez au moins un événement."),
            ({"events": ["tout"]}, "tout"),
        ],
    )
    def test_a_faulty_address_says_why(
        self, representative: FlaskClient, fields: dict[str, object], sentence: str
    ) -> None:
        page = representative.post(HOME, data={**GOOD, **fields})
        assert (page.status_code, sentence in page.text) == (422, True)
        assert webhooks.endpoints(centre_id()) == []
        representative.post(HOME, data=GOOD)
        page = representative.post(f"{HOME}{the_id()}", data={**GOOD, **fields})
        assert (page.status_code, sentence in page.text) == (422, True)

    def test_a_sixth_address_is_refused(self, representative: FlaskClient) -> None:
        for _ in range(webhooks.MOST):
            representative.post(HOME, data=GOOD)
        page = representative.post(HOME, data=GOOD)
        assert (page.status_code, "5 adresses au plus" in page.text) == (422, True)
        assert "Ajouter l’adresse" not in representative.get(HOME).text

    def test_it_is_changed_switched_off_and_on_and_taken_away(self, representative: FlaskClient) -> None:
        representative.post(HOME, data=GOOD)
        here = f"{HOME}{the_id()}"
        representative.post(here, data={"url": "https://autre.example/", "events": ["documents.available"]})
        page = representative.get(here).text
        assert ("https://autre.example/" in page, "logiciel.example" in page) == (True, False)
        representative.post(f"{here}/etat", data={"active": "0"})
        assert "Désactivée" in representative.get(here).text
        representative.post(f"{here}/essai")
        assert db.session.execute(select(WebhookDelivery)).first() is None
        representative.post(f"{here}/etat", data={"active": "1"})
        assert SECRET.search(representative.post(f"{here}/secret", data={"overlap": "1"}).text)
        assert "signe aussi jusqu’au" in representative.get(here).text
        representative.post(f"{here}/retirer")
        assert representative.get(here).status_code == 404
        for action in ("changed", "disabled", "enabled", "secret_rotated", "removed"):
            assert journalled(f"webhook.{action}"), action


class TestMessages:
    def test_a_failure_is_shown_and_sent_again(self, representative: FlaskClient, software: Receiver) -> None:
        representative.post(HOME, data={**GOOD, "url": software.url, "events": ["registration.confirmed"]})
        here, software.statuses = f"{HOME}{the_id()}", [500, 204]
        batch = registered(MARIE)
        assert "hx-get" in representative.get(here).text
        drain()
        page = representative.get(here).text
        assert "Le serveur a répondu 500." in page
        assert "1 échec de suite" in page
        assert (batch.key in page, "hx-trigger" in page) == (True, False)
        delivery = db.session.execute(select(WebhookDelivery.id)).scalar_one()
        representative.post(f"{here}/envois/{delivery}/renvoyer")
        drain()
        assert "Remis" in representative.get(f"{here}/envois").text
        assert len({message.headers["webhook-id"] for message in software.messages}) == 1
        assert representative.post(f"{here}/envois/999/renvoyer").status_code == 404

    def test_they_come_page_by_page(self, representative: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("app.services.api.webhook_delivery.PAGE", 2)
        representative.post(HOME, data=GOOD)
        here = f"{HOME}{the_id()}"
        for _ in range(3):
            representative.post(f"{here}/essai")
        assert "Page 1 sur 2" in representative.get(here).text
        assert representative.get(f"{here}?page=2").text.count("webhook-id :") == 1


class TestPeople:
    @pytest.mark.parametrize("email", ["gestionnaire@demo.example", "conducteur@demo.example", "agent@demo.example"])
    def test_others_are_kept_out(self, client: FlaskClient, sign_in: SignIn, email: str) -> None:
        sign_in(client, email)
        assert client.get(HOME).status_code == 403
        assert client.post(HOME, data=GOOD).status_code == 403
        assert "/mon-centre/api/" not in client.get("/mon-profil/").text

    def test_a_manager_with_the_right_follows_tries_and_changes_nothing(
        self, app: Flask, representative: FlaskClient, sign_in: SignIn
    ) -> None:
        representative.post(HOME, data=GOOD)
        with_right("sansdroit@demo.example")
        here, manager = f"{HOME}{the_id()}", sign_in(app.test_client(), "sansdroit@demo.example")
        page = manager.get(here).text
        assert ("Envoyer un essai" in page, "Retirer" in page) == (True, False)
        assert "Ajouter l’adresse" not in manager.get(HOME).text
        manager.post(f"{here}/essai")
        assert db.session.execute(select(WebhookDelivery)).first() is not None
        for path, data in (("", GOOD), ("/secret", {}), ("/etat", {"active": "0"}), ("/retirer", {})):
            manager.post(here + path, data=data)
        manager.post(HOME, data=GOOD)
        assert len(webhooks.endpoints(centre_id())) == 1
        assert not any(journalled(f"webhook.{one}") for one in ("changed", "secret_rotated", "disabled", "removed"))

    def test_another_centres_address_is_not_found(
        self, app: Flask, representative: FlaskClient, sign_in: SignIn
    ) -> None:
        representative.post(HOME, data=GOOD)
        here, neighbour = f"{HOME}{the_id()}", sign_in(app.test_client(), "voisin@demo.example")
        with_right("voisin@demo.example")
        assert neighbour.get(HOME).status_code == 200
        assert neighbour.get(here).status_code == 404
        for path in ("", "/essai", "/secret", "/etat", "/retirer", "/envois/1/renvoyer"):
            assert neighbour.post(here + path, data=GOOD).status_code == 404

    def test_the_menu_leads_there(self, representative: FlaskClient) -> None:
        page = representative.get(HOME).text
        assert re.search(r'<a[^>]*href="/mon-centre/"[^>]*aria-current="page"[^>]*>\s*Mon centre', page)
        assert page.count('aria-current="page"') == 2  # the menu's, and the trail's last step
