"""Who comes in: the takeover by what stands on a licence, tried step by step; codes, slips and identity documents on screen."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import select, update

from app.extensions import db
from app.models import Batch, Document, Driver, IdentityCheck, Mail
from app.services.accounts import activation, identity
from app.services.registration import analysis
from tests.accounts.test_opening import letters
from tests.accounts.test_sign_up import FORM, GOOD, asked, mailed_link, without_nonce
from tests.bases import UNDER_THE_ROLE
from tests.cards.making import picture
from tests.support import (
    MARIE,
    PIERRE,
    centre_id,
    code_of,
    draft,
    drain,
    many,
    person_id,
    registered,
    registered_trainer,
)

BACKENDS = UNDER_THE_ROLE

SignIn = Callable[[FlaskClient, str], FlaskClient]
HERE = "/mon-espace/identite/"
#: What an error page bears to be told of by.
REFERENCE = re.compile(r"[0-9a-f]{32}")


def opened(app: Flask, **changes: str) -> FlaskClient:
    """Sign up on screen, confirm, and return the browser in its space."""
    client = app.test_client()
    done = client.post(asked(app, client, **changes), data={"password": GOOD}, follow_redirects=True)
    assert done.request.path == "/mon-espace/"
    return client


def bare(page: str) -> str:
    """Return a page without the random numbers and tokens that each browser gets its own of, and without a number of call."""
    return re.sub(r'(name="csrf_token" value=|"X-CSRFToken": )"[^"]*"', "", without_nonce(page))


def subjects(app: Flask, to: str) -> list[str]:
    """Return what the mails to an address are about."""
    return [str(letter["Subject"]) for letter in letters(app, to)]


def test_what_stands_on_a_licence_takes_nothing_over(app: Flask, sign_in: SignIn) -> None:
    """The takeover: sign up first with name, birth date and permit number, and try every door behind."""
    batch = registered(PIERRE)
    drain()
    thief = opened(app, email="voleur@mail.example")
    drain()
    page = thief.get("/mon-espace/").text
    assert "FIMO" not in page
    assert "Prouver mon identité" in page
    document = db.session.execute(select(Document.id).where(Document.kind == "certificate")).scalar_one()
    assert thief.get(f"/mon-espace/documents/{document}").status_code == 404
    assert thief.post("/mon-espace/carte/", data={"ground": "formation-1"}).status_code == 404
    for code in ("ACDE-FGHJ", activation.shown(code_of("82R987928", "98765432400019"))):
        refused = thief.post(HERE, data={"code": code})
        assert (refused.status_code, "pas reconnu" in refused.text) == (422, True)
    assert subjects(app, "voleur@mail.example") == ["Confirmez votre adresse électronique"]
    centre = sign_in(app.test_client(), "gestionnaire@demo.example")
    receipt = centre.get(f"/sessions/{batch.key}/recu").text
    assert "Attend un compte" in receipt
    assert re.search(r'name="adresse-\d+"', receipt)
    [code] = re.findall(r'class="activation">([A-Z0-9]{4}-[A-Z0-9]{4})<', receipt)
    owner = opened(app, email="pierre@mail.example", code=code)
    assert "FIMO Marchandises" in owner.get("/mon-espace/").text
    assert owner.get(f"/mon-espace/documents/{document}").status_code == 200
    assert "FIMO" not in thief.get("/mon-espace/").text
    assert thief.post(HERE, data={"code": code}).status_code == 422, "worthless once used"
    assert 'class="activation"' not in centre.get(f"/sessions/{batch.key}/recu").text
    drain()
    assert db.session.execute(select(Mail.recipient).where(Mail.kind == "certificate")).scalars().all() == [
        "pierre@mail.example"
    ]


def test_the_account_opens_on_the_same_page_whatever_the_register_knows(app: Flask) -> None:
    """The same sign-up, while the register knows nobody, the driver, the driver under another name, one with an account."""

    def known(**values: object) -> None:
        registered(PIERRE)
        drain()
        db.session.execute(update(Driver).where(Driver.permit_number == "82R987928").values(**values))
        db.session.commit()

    seen = set()
    for at, happens in enumerate((
        lambda: None, lambda: known(code_series=0), lambda: known(last_name="DURAND"),
        lambda: known(last_name="DUPONT", person_id=person_id("agent@demo.example"), proof="agent"),
    )):  # fmt: skip
        happens()
        client, email = app.test_client(), f"p{at}@mail.example"
        response = client.post(asked(app, client, email=email), data={"password": GOOD})
        pages = [client.get(address) for address in ("/mon-espace/", HERE, f"{HERE}corriger", "/mon-espace/donnees/")]
        pages += [client.post(HERE, data={"code": "ACDEFGHJ"}), client.get("/mon-espace/documents/1")]
        told = [(page.status_code, REFERENCE.sub("·", bare(page.text).replace(email, "·"))) for page in pages]
        seen.add((response.status_code, response.headers["Location"], *told))
    assert len(seen) == 1


def test_the_invitation_of_the_mail_opens_the_space(app: Flask, client: FlaskClient, sign_in: SignIn) -> None:
    batch = registered(PIERRE)
    drain()
    centre = sign_in(app.test_client(), "gestionnaire@demo.example")
    [field] = re.findall(r'name="(adresse-\d+)"', centre.get(f"/sessions/{batch.key}/recu").text)
    centre.post(f"/sessions/{batch.key}/recu/inviter", data={field: "pierre@mail.example"})
    drain()
    mails = [path.read_text().replace("=\n", "") for path in (Path(app.config["DATA_DIR"]) / "mails").glob("*.eml")]
    token = re.findall(r"invitation=(?:3D)?([\w-]{43})", " ".join(mails))[0]
    page = client.get(f"/inscription/?invitation={token}")
    assert f'name="invitation" value="{token}"' in page.text
    assert "tient lieu de code" in page.text
    assert not [word for word in ("DUPONT", "82R987928", "Centre de formation Démo") if word in page.text]
    again = client.post("/inscription/", data={**FORM, "invitation": token, "last_name": ""})
    assert f'name="invitation" value="{token}"' in again.text, "an error elsewhere loses nothing"
    client.post("/inscription/", data={**FORM, "invitation": token})
    done = client.post(mailed_link(app), data={"password": GOOD}, follow_redirects=True)
    assert "FIMO Marchandises" in done.text


def test_who_has_an_account_follows_the_invitation_too(app: Flask) -> None:
    registered(PIERRE)
    client = opened(app)
    driver = db.session.execute(select(Driver).where(Driver.permit_number == "82R987928")).scalar_one()
    token = activation.link_token(driver.id, centre_id(), driver.code_series)
    led = client.get(f"/inscription/?invitation={token}")
    assert led.headers["Location"] == f"{HERE}?invitation={token}"
    assert "Utiliser cette invitation" in client.get(led.headers["Location"]).text
    done = client.post(HERE, data={"invitation": token}, follow_redirects=True)
    assert "Votre identité est vérifiée." in done.text
    assert "FIMO Marchandises" in done.text
    assert client.get(HERE).headers["Location"] == "/mon-espace/"


def test_a_wrong_code_at_the_sign_up_is_said_once_the_account_is_open(app: Flask, client: FlaskClient) -> None:
    done = client.post(asked(app, client, code="ACDE-FGHJ"), data={"password": GOOD}, follow_redirects=True)
    assert "Votre compte est ouvert." in done.text
    assert "pas reconnu pour cette identité" in done.text


def test_codes_tried_too_often_wait(app: Flask) -> None:
    client = opened(app)
    for _ in range(identity.BY_PERSON.free):
        assert client.post(HERE, data={"code": "ACDEFGHJ"}).status_code == 422
    waits = client.post(HERE, data={"code": "ACDEFGHJ"})
    assert (waits.status_code, 0 < int(waits.headers["Retry-After"]) <= 61) == (429, True)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"code": ""}, "Saisissez votre code d’activation."), ({"code": "trop court"}, "compte 8 lettres et chiffres"),
        ({"proof": "document"}, "Choisissez la photo de votre pièce d’identité."),
        ({"document": b"%PDF-1.7"}, "doit être une image JPEG ou PNG"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_proof_is_said_on_its_field(app: Flask, data: dict[str, object], sentence: str) -> None:
    files = {
        name: (io.BytesIO(value), "piece.pdf") if isinstance(value, bytes) else value for name, value in data.items()
    }
    page = opened(app).post(HERE, data=files)
    assert (page.status_code, sentence in page.text) == (422, True)


def test_an_agent_compares_the_document_and_accepts(app: Flask, sign_in: SignIn) -> None:
    registered(PIERRE)
    drain()
    client = opened(app, last_name="Durand")
    sent = client.post(HERE, data={"document": (picture(900, 600), "piece.jpg")}, follow_redirects=True)
    assert "Votre pièce d’identité est envoyée" in sent.text
    assert "Pièce d’identité en cours d’examen" in sent.text
    assert client.get(f"{HERE}piece").mimetype == "image/jpeg"
    check = db.session.execute(select(IdentityCheck.id)).scalar_one()
    agent = sign_in(app.test_client(), "agent@demo.example")
    assert "Durand Pierre" in agent.get("/a-traiter/").text
    page = agent.get(f"/a-traiter/identites/{check}").text
    for words in ("DUPONT Pierre", "Durand", "82R987928", "pierre@mail.example", f"/a-traiter/identites/{check}/piece"):
        assert words in page
    shown = agent.get(f"/a-traiter/identites/{check}/piece")
    assert (shown.mimetype, "no-store" in shown.headers["Cache-Control"]) == ("image/jpeg", True)
    done = agent.post(f"/a-traiter/identites/{check}/accepter", follow_redirects=True)
    assert "L’identité est vérifiée" in done.text
    assert "Aucune pièce d’identité n’attend de décision." in done.text
    assert agent.get(f"/a-traiter/identites/{check}/piece").status_code == 404
    assert "déjà été décidée" in agent.get(f"/a-traiter/identites/{check}", follow_redirects=True).text
    assert "FIMO Marchandises" in client.get("/mon-espace/").text
    driver = db.session.execute(select(Driver.id).where(Driver.permit_number == "82R987928")).scalar_one()
    assert "Pièce d’identité, décidée par un agent" in agent.get(f"/conducteurs/show/{driver}").text


def test_an_agent_refuses_with_a_reason_and_replaces_codes(app: Flask, sign_in: SignIn) -> None:
    registered(PIERRE)
    client = opened(app)
    client.post(HERE, data={"document": (picture(900, 600), "piece.jpg")})
    check = db.session.execute(select(IdentityCheck.id)).scalar_one()
    agent = sign_in(app.test_client(), "agent@demo.example")
    page = agent.get(f"/a-traiter/identites/{check}").text
    [codes] = re.findall(r'action="(/a-traiter/identites/conducteurs/\d+/codes)"', page)
    before = code_of("82R987928")
    assert "Codes d’activation" in agent.post(codes, follow_redirects=True).text
    assert code_of("82R987928") != before
    empty = agent.post(f"/a-traiter/identites/{check}/refuser", data={"reason": " "}, follow_redirects=True)
    assert "Dites pourquoi cette pièce est refusée" in empty.text
    assert empty.request.path == f"/a-traiter/identites/{check}"
    agent.post(f"/a-traiter/identites/{check}/refuser", data={"reason": "Image illisible"})
    drain()
    page = client.get("/mon-espace/").text
    assert "Pièce d’identité refusée" in page
    assert "Motif : Image illisible" in page


@pytest.mark.parametrize("person", ["", "gestionnaire@demo.example", "conducteur@demo.example"])
def test_only_agents_see_and_decide(app: Flask, sign_in: SignIn, person: str) -> None:
    client = opened(app)
    client.post(HERE, data={"document": (picture(900, 600), "piece.jpg")})
    check = db.session.execute(select(IdentityCheck.id)).scalar_one()
    somebody = sign_in(app.test_client(), person) if person else app.test_client()
    expected = 403 if person else 302
    for method, path in (("GET", ""), ("GET", "/piece"), ("POST", "/accepter"), ("POST", "/refuser")):
        assert somebody.open(f"/a-traiter/identites/{check}{path}", method=method).status_code == expected
    assert db.session.execute(select(IdentityCheck.state)).scalar_one() == "waiting"
    if person == "conducteur@demo.example":
        assert somebody.get(f"{HERE}piece").status_code == 404, "one's own only"


def test_the_identity_claimed_is_corrected(app: Flask) -> None:
    registered(PIERRE)
    drain()
    client = opened(app, permit_number="82R987929")
    form = client.get(f"{HERE}corriger").text
    assert 'value="82R987929"' in form
    assert client.post(f"{HERE}corriger", data={**FORM, "birth_date": "30/02/1990"}).status_code == 422
    done = client.post(f"{HERE}corriger", data=FORM, follow_redirects=True)
    assert "Votre identité est corrigée." in done.text
    done = client.post(HERE, data={"code": code_of("82R987928")}, follow_redirects=True)
    assert "FIMO Marchandises" in done.text


def test_slips_bear_the_code_and_what_to_do(app: Flask, client: FlaskClient, sign_in: SignIn) -> None:
    batch = registered(PIERRE, MARIE, *many(8))
    page = sign_in(client, "gestionnaire@demo.example").get(f"/sessions/{batch.key}/recu").text
    path = f"/sessions/{batch.key}/recu/fiches.pdf"
    assert path in page
    answer = client.get(path)
    assert (answer.status_code, answer.mimetype, "no-store" in answer.headers["Cache-Control"]) == (
        200,
        "application/pdf",
        True,
    )
    pages = PdfReader(io.BytesIO(answer.data)).pages
    assert [round(float(side)) for side in pages[0].mediabox[2:]] == [595, 842]
    texts = [page.extract_text() for page in pages]
    assert len(texts) == 2, "nine drivers without account, eight slips a page"
    told = " ".join(" ".join(texts).split())
    for words in (
        "DUPONT Pierre", activation.shown(code_of("82R987928")), "http://127.0.0.1:8080/inscription/",
        "À remettre au stagiaire", "Centre de formation Démo", str(batch.receipt_number), "ne sert qu’une fois",
    ):  # fmt: skip
        assert words in told
    assert "MARTIN" not in told, "she has an account"
    assert "82R987928" not in told, "a slip that is found tells no permit number"


def test_a_receipt_of_proved_drivers_has_no_slips(client: FlaskClient, sign_in: SignIn) -> None:
    batch = registered(MARIE)
    answer = sign_in(client, "gestionnaire@demo.example").get(f"/sessions/{batch.key}/recu/fiches.pdf")
    assert (answer.status_code, "il n’y a pas de fiche" in answer.text) == (404, True)


@pytest.mark.parametrize("person", ["voisin@demo.example", "sansdroit@demo.example", "conducteur@demo.example"])
def test_slips_are_for_who_registers_at_the_centre(client: FlaskClient, sign_in: SignIn, person: str) -> None:
    path = f"/sessions/{registered(PIERRE).key}/recu/fiches.pdf"
    assert sign_in(client, person).get(path).status_code in (403, 404)


def test_the_printed_receipt_and_a_trainer_s_show_the_code(client: FlaskClient, sign_in: SignIn) -> None:
    batch, trainer = registered(PIERRE), registered_trainer()
    sign_in(client, "representant@demo.example")
    assert activation.shown(code_of("82R987928")) in client.get(f"/sessions/{batch.key}/recu/imprimer").text
    own = activation.shown(code_of(trainer.permit_number))
    assert own in client.get(f"/formateurs/{trainer.key}/recu").text


def test_a_centre_over_the_limit_is_told_so_and_works_on(app: Flask, client: FlaskClient, sign_in: SignIn) -> None:
    app.config["STRANGERS_PER_DAY"] = 5
    batch_id = draft(*many(7))
    analysis.check(batch_id)
    key = db.session.get_one(Batch, batch_id).key
    page = sign_in(client, "gestionnaire@demo.example").get(f"/sessions/{key}/controle").text
    assert "plus de 5 conducteurs qu’il n’a jamais enregistrés" in page
    agent = sign_in(app.test_client(), "agent@demo.example")
    told = agent.get("/a-traiter/").text
    assert "Centre de formation Démo" in told
    [seen] = re.findall(r'action="(/a-traiter/interrogations/\d+/vue)"', told)
    assert "L’alerte est marquée comme vue." in agent.post(seen, follow_redirects=True).text
    journal = agent.get("/journal/list/").text
    assert "Trop de conducteurs inconnus interrogés" in journal
