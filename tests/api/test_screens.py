"""« Souscrire à l'API », the reference and the guide, as people meet them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.models import ApiKey, JournalEntry, Membership, MembershipRight
from app.services.core import clock
from app.validators.remark import Code
from app.views.api.problems import KINDS
from tests.support import centre_id, person_id

SignIn = Callable[[FlaskClient, str], FlaskClient]
HOME = "/mon-centre/api/"
SECRET = re.compile(r"cqc_(?:live|test)_[0-9a-f]{8}_[\w-]{43}")


@pytest.fixture
def backend_name() -> str:
    """Screens are tested on one base."""
    return "sqlite"


@pytest.fixture
def representative(client: FlaskClient, sign_in: SignIn) -> FlaskClient:
    """Sign the legal representative in, the conditions accepted."""
    sign_in(client, "representant@demo.example")
    client.post(HOME + "accepter")
    return client


def created(browser: FlaskClient, **fields: object) -> str:
    """Create a key on the screen and return it."""
    page = browser.post(HOME + "cles", data={"name": "Logiciel", "scopes": ["read"], **fields})
    assert page.status_code == 200, page.text
    return SECRET.findall(page.text)[0]


def status(app: Flask, key: str, **environ: str) -> int:
    return (
        app.test_client()
        .get("/api/v1/catalogue", headers={"Authorization": f"Bearer {key}"}, environ_base=environ)
        .status_code
    )


class TestSubscribing:
    def test_the_conditions_come_first_and_are_journalled(self, client: FlaskClient, sign_in: SignIn) -> None:
        sign_in(client, "representant@demo.example")
        assert "Accepter les conditions et souscrire" in client.get(HOME).text
        client.post(HOME + "cles", data={"name": "Trop tôt", "scopes": ["read"]})
        assert db.session.execute(select(ApiKey)).first() is None
        client.post(HOME + "accepter")
        client.post(HOME + "accepter")
        entries = (
            db.session.execute(select(JournalEntry).where(JournalEntry.action == "api.subscribed")).scalars().all()
        )
        assert [entry.actor_id for entry in entries] == [person_id("representant@demo.example")]
        assert "Nouvelle clé" in client.get(HOME).text

    def test_mes_sessions_leads_there(self, representative: FlaskClient) -> None:
        assert 'href="/mon-centre/api/"' in representative.get("/sessions/").text

    @pytest.mark.parametrize("email", ["gestionnaire@demo.example", "conducteur@demo.example", "agent@demo.example"])
    def test_others_are_kept_out(self, client: FlaskClient, sign_in: SignIn, email: str) -> None:
        sign_in(client, email)
        assert client.get(HOME).status_code in (302, 403)
        client.post(HOME + "accepter")
        assert db.session.execute(select(JournalEntry).where(JournalEntry.action == "api.subscribed")).first() is None

    def test_a_manager_with_the_right_looks_and_changes_nothing(self, client: FlaskClient, sign_in: SignIn) -> None:
        place = db.session.execute(
            select(Membership).where(Membership.person_id == person_id("sansdroit@demo.example"))
        ).scalar_one()
        db.session.add(MembershipRight(membership_id=place.id, right="api", granted_at=clock.now()))
        db.session.commit()
        sign_in(client, "sansdroit@demo.example")
        page = client.get(HOME)
        assert (page.status_code, "Accepter les conditions et souscrire" in page.text) == (200, False)
        client.post(HOME + "accepter")
        client.post(HOME + "cles", data={"name": "Logiciel", "scopes": ["read"]})
        assert db.session.execute(select(ApiKey)).first() is None


class TestKeys:
    def test_a_key_is_shown_once_and_kept_as_a_hash(self, app: Flask, representative: FlaskClient) -> None:
        key = created(representative, scopes=["read", "register"])
        assert status(app, key) == 200
        assert not SECRET.search(representative.get(HOME).text)
        row = db.session.execute(select(ApiKey)).scalar_one()
        assert row.scopes == "read,register"
        assert key.rpartition(row.prefix)[2].strip("_") not in str(vars(row))

    def test_the_last_use_is_shown(self, app: Flask, representative: FlaskClient) -> None:
        key = created(representative)
        assert "Jamais" in representative.get(HOME).text
        status(app, key)
        assert "Jamais" not in representative.get(HOME).text

    def test_a_revoked_key_is_refused_at_once(self, app: Flask, representative: FlaskClient) -> None:
        key = created(representative)
        row = db.session.execute(select(ApiKey)).scalar_one()
        representative.post(f"{HOME}cles/{row.id}/revoquer")
        assert status(app, key) == 401
        assert "Révoquée" in representative.get(HOME).text

    def test_a_replaced_key_lives_through_the_overlap(self, app: Flask, representative: FlaskClient) -> None:
        old = created(representative, scopes=["read", "analyse"])
        row = db.session.execute(select(ApiKey)).scalar_one()
        new = SECRET.findall(representative.post(f"{HOME}cles/{row.id}/remplacer", data={"overlap": "7"}).text)[0]
        assert (status(app, old), status(app, new), new != old) == (200, 200, True)
        latest = SECRET.findall(representative.post(f"{HOME}cles/{row.id}/remplacer", data={"overlap": "0"}).text)[0]
        assert (status(app, old), status(app, new), status(app, latest)) == (401, 200, 200)
        scopes = set(db.session.execute(select(ApiKey.scopes)).scalars())
        assert scopes == {"read,analyse"}

    def test_another_centres_key_is_out_of_reach(self, app: Flask, representative: FlaskClient) -> None:
        key = created(representative)
        row = db.session.execute(select(ApiKey)).scalar_one()
        row.centre_id, row.created_by_id = centre_id("98765432400019"), person_id("voisin@demo.example")
        db.session.commit()
        representative.post(f"{HOME}cles/{row.id}/revoquer")
        assert status(app, key) == 200

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"name": ""}, "Donnez un nom à la clé."),
            ({"scopes": []}, "Choisissez au moins une portée."),
            ({"scopes": ["tout"]}, "tout"),
            ({"ends_on": "31/02/2023"}, "La date s’écrit JJ/MM/AAAA."),
            ({"ends_on": "09/01/2022"}, "La date de fin de la clé est déjà passée."),
            ({"networks": "partout"}, "Plage d’adresses non reconnue : partout."),
        ],
    )
    def test_a_faulty_demand_says_why(
        self, representative: FlaskClient, fields: dict[str, object], sentence: str
    ) -> None:
        page = representative.post(HOME + "cles", data={"name": "Logiciel", "scopes": ["read"], **fields})
        assert page.status_code == 422
        assert sentence in page.text
        assert not SECRET.search(page.text)

    def test_addresses_and_last_day_are_kept_to(self, app: Flask, representative: FlaskClient) -> None:
        key = created(representative, networks="203.0.113.0/24, 2001:db8::/32", ends_on="10/01/2022")
        assert status(app, key, REMOTE_ADDR="203.0.113.9") == 200
        assert status(app, key, REMOTE_ADDR="2001:db8::1") == 200
        assert status(app, key, REMOTE_ADDR="198.51.100.1") == 403
        app.config["TODAY"] = app.config["TODAY"].replace(day=11)
        assert status(app, key, REMOTE_ADDR="203.0.113.9") == 401


class TestPages:
    def test_the_reference_shows_each_call_to_everybody(self, client: FlaskClient) -> None:
        page = client.get("/api/v1/")
        assert page.status_code == 200
        for call in ("GET /api/v1/catalogue", "POST /api/v1/analyses", "POST /api/v1/registrations"):
            assert call in page.text
        assert not re.search(r"(src|href)=.https?://", page.text)

    def test_the_guide_tells_every_code(self, client: FlaskClient) -> None:
        page = client.get("/aide/api/").text
        for code in (*KINDS, *(code.value for code in Code)):
            assert code in page, code
