"""A card request on screen: steps in their order, one's own only, pictures through a checked address, agents' acts."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.models import CardRequest, Tariff
from app.models.card import ACCEPTED, DRAFT, IN_REVIEW, SUBMITTED
from app.services.cards import desk as card_desk
from app.services.storage import store
from tests.bases import UNDER_THE_ROLE, on_sqlite
from tests.cards.making import AGENT, HOLDER, certified, filled, photo, picture, sent, signature
from tests.support import person_id

BACKENDS = UNDER_THE_ROLE

ADDRESS = {"street": "12 rue des Ateliers", "address_extra": "", "postcode": "69007", "city": "LYON"}
STEPS = ("adresse", "photo", "paiement", "recapitulatif")


@pytest.fixture
def driver(client: FlaskClient, sign_in) -> FlaskClient:
    """Give the browser of MARTIN Marie."""
    return sign_in(client, HOLDER)


@pytest.fixture
def agent(app: Flask, sign_in) -> FlaskClient:
    """Give the browser of an agent."""
    return sign_in(app.test_client(), AGENT)


def at(request: CardRequest, rest: str = "") -> str:
    return f"/mon-espace/carte/{request.key}{rest}"


def desk(request: CardRequest, rest: str = "") -> str:
    return f"/demandes-de-carte/{request.key}{rest}"


def state() -> str:
    db.session.expire_all()
    return db.session.execute(select(CardRequest.state)).scalar_one()


def test_from_the_space_to_the_request(driver: FlaskClient) -> None:
    ground = certified()
    assert f'value="formation-{ground}"' in driver.get("/mon-espace/").text
    here = driver.post("/mon-espace/carte/", data={"ground": f"formation-{ground}"}).headers["Location"]
    assert driver.post("/mon-espace/carte/", data={"ground": f"formation-{ground}"}).headers["Location"] == here
    assert driver.get(here).headers["Location"] == f"{here}/adresse"
    assert driver.post(f"{here}/adresse", data=ADDRESS).headers["Location"] == f"{here}/photo"
    both = {"photo": (photo(), "x.gif"), "signature": (signature(), "")}
    answer = driver.post(f"{here}/photo", data=both)
    assert answer.status_code == 422
    assert "Choisissez l’image de votre signature." in answer.text
    answer = driver.post(f"{here}/photo", data={"signature": (signature(), "s.exe")})
    assert answer.headers["Location"] == f"{here}/paiement"
    assert driver.post(f"{here}/paiement", data={}).status_code == 422
    assert driver.post(f"{here}/paiement", data={"means": "gold"}).status_code == 422
    driver.post(f"{here}/paiement", data={"means": "accepted"})
    page = driver.get(f"{here}/recapitulatif").text
    for words in ("12 rue des Ateliers", "69007 LYON", "Marie MARTIN", "Payer 56,40", "Paiement simulé"):
        assert words in page
    assert driver.post(f"{here}/recapitulatif").headers["Location"] == here
    assert driver.post(f"{here}/recapitulatif").headers["Location"] == here
    page = driver.get(here).text
    assert "Déposée" in page
    assert "(paiement simulé)" in page
    assert "Demander ma carte" not in driver.get("/mon-espace/").text


@on_sqlite
@pytest.mark.parametrize("ground", ["", "formation", "formation-x", "formation-999999999999", "formation--1", "x-1"])
def test_a_ground_that_never_was(driver: FlaskClient, ground: str) -> None:
    certified()
    answer = driver.post("/mon-espace/carte/", data={"ground": ground}, follow_redirects=True)
    assert answer.status_code in (200, 404)
    assert db.session.execute(select(CardRequest.id)).first() is None


@on_sqlite
def test_a_step_ahead_leads_back(driver: FlaskClient) -> None:
    request = filled()
    request.photo_path = None
    db.session.commit()
    assert driver.get(at(request, "/recapitulatif")).headers["Location"] == at(request, "/photo")
    assert driver.get(at(request, "/adresse")).status_code == 200


@on_sqlite
@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("street", "", "Numéro et voie non renseignés"), ("street", "12", "le numéro et la voie"),
        ("street", "x" * 39, "38 caractères"), ("postcode", "99000", "adresse en France"), ("city", "<b>", "commune"),
        ("address_extra", "=1+1<", "complément"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_an_address_is_said(driver: FlaskClient, field: str, text: str, words: str) -> None:
    request = filled()
    answer = driver.post(at(request, "/adresse"), data={**ADDRESS, field: text})
    assert answer.status_code == 422
    assert words in answer.text


@on_sqlite
@pytest.mark.parametrize("step", STEPS)
def test_what_is_sent_leads_to_where_it_stands(driver: FlaskClient, step: str) -> None:
    request = sent()
    assert driver.get(at(request, f"/{step}")).headers["Location"] == at(request)
    assert driver.post(at(request, f"/{step}"), data=ADDRESS).headers["Location"] == at(request)
    assert state() == SUBMITTED


def test_another_driver_finds_nothing(app: Flask, sign_in) -> None:
    request = filled()
    other = sign_in(app.test_client(), "leroy@demo.example")
    for rest in ("", *(f"/{step}" for step in STEPS), "/image/photo", "/image/signature"):
        assert other.get(at(request, rest)).status_code == 404
    for rest in (*(f"/{step}" for step in STEPS), "/abandonner"):
        assert other.post(at(request, rest), data=ADDRESS).status_code == 404
    assert other.post("/mon-espace/carte/", data={"ground": f"formation-{request.registration_id}"}).status_code == 302
    assert state() == DRAFT


@on_sqlite
@pytest.mark.parametrize("email", ["", "gestionnaire@demo.example", "representant@demo.example", HOLDER])
def test_the_queue_is_for_agents(app: Flask, sign_in, email: str) -> None:
    request = sent()
    other = sign_in(app.test_client(), email) if email else app.test_client()
    code = 403 if email else 302
    for address in ("/demandes-de-carte/", desk(request), desk(request, "/image/photo")):
        assert other.get(address).status_code == code
    for act in ("examiner", "accepter", "refuser"):
        assert other.post(desk(request, f"/{act}")).status_code == code
    assert state() == SUBMITTED


@pytest.mark.parametrize("email", ["gestionnaire@demo.example", AGENT])
def test_the_holder_s_screens_are_the_holder_s(app: Flask, sign_in, email: str) -> None:
    request = sent()
    other = sign_in(app.test_client(), email)
    assert other.get(at(request)).status_code == 403
    assert other.get(at(request, "/image/photo")).status_code == 403


def test_pictures_are_sent_as_pictures_and_kept_nowhere(driver: FlaskClient, agent: FlaskClient) -> None:
    request = sent()
    for who, address in ((driver, at), (agent, desk)):
        for kind, form in (("photo", "image/jpeg"), ("signature", "image/png")):
            answer = who.get(address(request, f"/image/{kind}"))
            assert (answer.status_code, answer.mimetype) == (200, form)
            assert "no-store" in answer.headers["Cache-Control"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert who.get(address(request, "/image/passwd")).status_code == 404


def test_a_picture_that_cannot_be_read_now_is_not_said_to_be_gone(
    driver: FlaskClient, agent: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = sent()
    monkeypatch.setattr(store.backend(), "read", Mock(side_effect=OSError(5, "away")))
    for who, address in ((driver, at), (agent, desk)):
        answer = who.get(address(request, "/image/photo"))
        assert (answer.status_code, "pour le moment" in answer.text) == (503, True)


@on_sqlite
@pytest.mark.parametrize("content", [b"", b"GIF89a", b"<svg/>", picture(500, 500).read()])
def test_a_bad_picture_is_told_on_its_field(driver: FlaskClient, content: bytes) -> None:
    import io

    request = filled()
    answer = driver.post(at(request, "/photo"), data={"photo": (io.BytesIO(content), "photo.jpg")})
    assert answer.status_code == 422
    assert 'id="photo-error"' in answer.text
    assert driver.get(at(request, "/image/photo")).status_code == 200


def test_a_draft_is_given_up(driver: FlaskClient) -> None:
    request = filled()
    answer = driver.post(at(request, "/abandonner"), follow_redirects=True)
    assert "La demande est abandonnée" in answer.text
    assert "Demander ma carte" in answer.text
    assert driver.get(at(request)).status_code == 404


def test_an_agent_decides_on_screen(agent: FlaskClient, driver: FlaskClient) -> None:
    request = sent()
    assert "MARTIN Marie" in agent.get("/demandes-de-carte/").text
    assert "MARTIN Marie" not in agent.get("/demandes-de-carte/?etat=refusees").text
    assert "Aucune demande trouvée" in agent.get("/demandes-de-carte/?recherche=inconnu%25").text
    agent.post(desk(request, "/examiner"))
    answer = agent.post(desk(request, "/refuser"), data={"reason": " "}, follow_redirects=True)
    assert "Dites pourquoi" in answer.text
    agent.post(desk(request, "/refuser"), data={"reason": "<b>floue</b>"})
    page = driver.get(at(request)).text
    assert "&lt;b&gt;floue&lt;/b&gt;" in page
    assert "jusqu’au 10/05/2022" in page
    assert driver.get(at(request, "/photo")).status_code == 200
    assert "Déjà payée" in driver.get(at(request, "/paiement")).text
    assert driver.post(at(request, "/recapitulatif")).status_code == 302
    for act in ("examiner", "accepter", "fabriquer", "envoyer"):
        assert agent.post(desk(request, f"/{act}")).status_code == 302
    assert state() == "sent"
    assert "La carte est envoyée par courrier" in driver.get(at(request)).text


@on_sqlite
def test_what_is_no_longer_possible_is_said(agent: FlaskClient) -> None:
    request = sent()
    card_desk.act(request.id, IN_REVIEW, person_id(AGENT))
    card_desk.act(request.id, ACCEPTED, person_id(AGENT))
    answer = agent.post(desk(request, "/accepter"), follow_redirects=True)
    assert "Cette action n’est plus possible : la demande est à l’état « Acceptée »." in answer.text


@on_sqlite
@pytest.mark.parametrize(
    "address", ["/demandes-de-carte/?page=x&etat=%27", "/demandes-de-carte/?page=-1&recherche=%27;--"]
)
def test_odd_arguments_are_no_error(agent: FlaskClient, address: str) -> None:
    sent()
    assert agent.get(address).status_code == 200


def test_a_draft_is_not_in_the_queue(agent: FlaskClient) -> None:
    request = filled()
    assert agent.get(desk(request)).status_code == 404
    assert "MARTIN" not in agent.get("/demandes-de-carte/?etat=toutes").text


@on_sqlite
def test_without_a_fee_nothing_is_sent(driver: FlaskClient) -> None:
    request = filled()
    db.session.execute(Tariff.__table__.delete().where(Tariff.price_class == "card_fee"))
    db.session.commit()
    assert driver.get(at(request, "/recapitulatif")).status_code == 200
    answer = driver.post(
        at(request, "/recapitulatif"), headers={"Referer": f"http://localhost{at(request, '/recapitulatif')}"},
        follow_redirects=True,
    )  # fmt: skip
    assert "Aucune redevance n’est en vigueur" in answer.text
    assert state() == DRAFT
