"""« Mon espace »: a driver finds own trainings and documents, downloads them while they are offered, and nobody else's."""

from __future__ import annotations

from datetime import date
from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import select, update

from app.extensions import db
from app.models import Document, Registration
from app.models.registration import CERTIFICATE, RECAP, REVOKED
from app.services.drivers import space as driver_space
from app.services.drivers.space import OwnDocument
from app.services.retention import purge
from app.views.drivers.space import remaining, state_of
from tests.bases import UNDER_THE_ROLE, on_sqlite
from tests.support import MARIE, drain, registered, statements, training_id

BACKENDS = UNDER_THE_ROLE

DRIVER = "conducteur@demo.example"
LEROY = {**MARIE, "last_name": "LEROY", "birth_date": "25/12/2002", "permit_number": "298795874"}


def document(kind: str, last_name: str = "MARTIN") -> Document:
    query = select(Document).join(Registration).where(Registration.last_name == last_name, Document.kind == kind)
    return db.session.execute(query).scalar_one()


@pytest.fixture
def driver(client: FlaskClient, sign_in) -> FlaskClient:
    """Give the browser of MARTIN Marie."""
    return sign_in(client, DRIVER)


@pytest.mark.parametrize("kind", [RECAP, CERTIFICATE])
def test_a_driver_downloads_own_documents_and_they_hold_the_facts(driver: FlaskClient, kind: str) -> None:
    registered(MARIE)
    drain()
    wanted = document(kind)
    answer = driver.get(f"/mon-espace/documents/{wanted.id}")
    assert answer.status_code == 200
    assert answer.mimetype == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert wanted.number in answer.headers["Content-Disposition"]
    assert "no-store" in answer.headers["Cache-Control"]
    text = " ".join(page.extract_text() for page in PdfReader(BytesIO(answer.data)).pages)
    for fact in ("MARTIN", "Marie", "850492100123", "FIMO Marchandises", "07/01/2022"):
        assert fact in text


def test_the_space_says_until_when_and_how_long(driver: FlaskClient) -> None:
    registered(MARIE)
    drain()
    page = driver.get("/mon-espace/").text
    for words in ("121 jours", "10/05/2022", "10/01/2028", "6 ans", "FIMO Marchandises", "Centre de formation Démo"):
        assert words in page
    assert document(CERTIFICATE).number in page


def test_documents_in_preparation_are_listed_without_link_and_the_page_looks_again(driver: FlaskClient) -> None:
    registered(MARIE)
    page = driver.get("/mon-espace/").text
    assert page.count("En préparation") == 2
    assert "/mon-espace/documents/" not in page
    assert 'hx-trigger="every 4s"' in page
    assert driver.get(f"/mon-espace/documents/{document(RECAP).id}").status_code == 404
    drain()
    assert "hx-trigger" not in driver.get("/mon-espace/").text


@on_sqlite
def test_a_driver_without_training_reads_what_to_expect(driver: FlaskClient) -> None:
    page = driver.get("/mon-espace/")
    assert page.status_code == 200
    assert "Aucune formation enregistrée" in page.text


def _expire() -> None:
    db.session.execute(update(Document).values(established_on=date(2015, 1, 1), valid_from=date(2015, 1, 1)))
    db.session.execute(update(Document).values(valid_until=date(2022, 1, 9)))


def _withhold() -> None:
    db.session.execute(update(Registration).values(withheld=True))


def _revoke() -> None:
    db.session.execute(update(Document).values(state=REVOKED))


@on_sqlite
@pytest.mark.parametrize("change", [_expire, _withhold, _revoke])
def test_what_is_not_offered_is_not_found(driver: FlaskClient, change) -> None:
    registered(MARIE)
    drain()
    wanted = document(CERTIFICATE).id
    assert driver.get(f"/mon-espace/documents/{wanted}").status_code == 200
    change()
    db.session.commit()
    answer = driver.get(f"/mon-espace/documents/{wanted}")
    assert answer.status_code == 404
    assert "Ce document n’existe pas, n’est plus disponible" in answer.text
    assert f"documents/{wanted}" not in driver.get("/mon-espace/").text


def test_nothing_of_a_withheld_registration_shows(driver: FlaskClient) -> None:
    registered(MARIE)
    _withhold()
    db.session.commit()
    page = driver.get("/mon-espace/").text
    assert "FIMO" not in page
    assert "Aucune formation enregistrée" in page


@pytest.mark.parametrize("kind", [RECAP, CERTIFICATE])
def test_another_driver_gets_nothing(client: FlaskClient, sign_in, kind: str) -> None:
    registered(MARIE, LEROY)
    drain()
    other = sign_in(client, "leroy@demo.example")
    assert other.get(f"/mon-espace/documents/{document(kind, 'LEROY').id}").status_code == 200
    assert other.get(f"/mon-espace/documents/{document(kind).id}").status_code == 404
    assert document(kind).number not in other.get("/mon-espace/").text


@on_sqlite
@pytest.mark.parametrize("number", [0, 2**31 - 1, 2**31, 10**30, "abc"])
def test_a_document_that_never_was_is_not_found(driver: FlaskClient, number: object) -> None:
    assert driver.get(f"/mon-espace/documents/{number}").status_code == 404


@on_sqlite
@pytest.mark.parametrize("email", ["agent@demo.example", "gestionnaire@demo.example", "representant@demo.example"])
def test_others_are_kept_out(client: FlaskClient, sign_in, email: str) -> None:
    registered(MARIE)
    drain()
    other = sign_in(client, email)
    assert other.get("/mon-espace/").status_code == 403
    assert other.get(f"/mon-espace/documents/{document(RECAP).id}").status_code == 403


@on_sqlite
def test_the_space_asks_for_a_sign_in(client: FlaskClient) -> None:
    answer = client.get("/mon-espace/")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/login/?next=")


@on_sqlite
def test_a_lost_file_is_said_not_sent(driver: FlaskClient) -> None:
    registered(MARIE)
    drain()
    db.session.execute(update(Document).values(path="000000/gone.pdf"))
    db.session.commit()
    assert driver.get(f"/mon-espace/documents/{document(RECAP).id}").status_code == 503


@on_sqlite
def test_a_module_gives_no_certificate_and_the_page_says_so(driver: FlaskClient) -> None:
    registered(MARIE, training=training_id("Module FCO"))
    drain()
    page = driver.get("/mon-espace/").text
    assert "Aucun certificat n’est valable aujourd’hui" in page
    assert page.count("/mon-espace/documents/") == 1


@on_sqlite
def test_the_fco_says_how_far_and_by_when(driver: FlaskClient) -> None:
    for day in ("03/05/2021", "04/05/2021"):
        registered(MARIE, training=training_id("Module FCO"), end_date=day)
    registered(MARIE)
    drain()
    page = driver.get("/mon-espace/").text.replace("&nbsp;", " ").replace("\u00a0", " ")
    for words in (
        "dans 4 ans et 11 mois", "Modules Marchandises : 14 h sur 35 h", "Il reste 21 h à faire le 02/05/2026 au plus tard",
        "Prochaine FCO, Marchandises", "07/01/2027", "Terminée à partir du 07/01/2026", 'aria-label="14 heures faites sur 35',
    ):  # fmt: skip
        assert words in page


def test_what_happened_is_told(driver: FlaskClient) -> None:
    registered(MARIE)
    page = driver.get("/mon-espace/").text
    assert "Formation enregistrée par Centre de formation Démo : FIMO Marchandises" in page
    assert "Certificat de qualification disponible" not in page
    drain()
    page = driver.get("/mon-espace/").text
    assert "Certificat de qualification disponible : FIMO Marchandises" in page


def test_the_space_asks_the_base_no_more_for_more_trainings(driver: FlaskClient) -> None:
    registered(MARIE)
    drain()
    with statements() as few:
        driver.get("/mon-espace/")
    for day in ("03/05/2021", "04/05/2021", "05/05/2021"):
        registered(MARIE, training=training_id("Module FCO"), end_date=day)
    drain()
    with statements() as more:
        driver.get("/mon-espace/")
    assert len(more) == len(few)


def own(kind: str, first: date, last: date) -> OwnDocument:
    """Return an available document of these days, as seen on 10/01/2022."""
    made = Document(kind=kind, state="available", valid_from=first, valid_until=last)
    return OwnDocument(made, driver_space.days_left(made, date(2022, 1, 10)), True)


@on_sqlite
@pytest.mark.parametrize(
    ("last", "words"),
    [
        (date(2022, 1, 10), "1 jour"), (date(2022, 5, 10), "121 jours"), (date(2022, 5, 14), "4 mois"),
        (date(2023, 1, 9), "11 mois"), (date(2023, 1, 10), "1 an"), (date(2028, 1, 10), "6 ans"),
        (date(2027, 10, 9), "5 ans et 8 mois"),
    ],
)  # fmt: skip
def test_what_remains_is_said_in_words(app: Flask, last: date, words: str) -> None:
    assert remaining(own(RECAP, date(2021, 1, 1), last)).replace("\u00a0", " ") == words


@on_sqlite
def test_states_are_told_apart(app: Flask) -> None:
    old = date(2021, 12, 1)
    today = date(2022, 1, 10)
    assert state_of(own(CERTIFICATE, old, date(2022, 4, 1)), today) == ("ok", "Valide")
    assert state_of(own(CERTIFICATE, old, date(2022, 1, 20)), today) == ("gold", "Expire bientôt")
    assert state_of(own(RECAP, old, date(2022, 1, 20)), today) == ("gold", "Bientôt retiré")
    minor = own(CERTIFICATE, date(2022, 3, 1), date(2022, 7, 1))
    assert state_of(minor, today) == ("gold", "Valable à partir du 01/03/2022")


def test_a_file_that_is_gone_says_why(app: Flask, client: FlaskClient, sign_in) -> None:
    registered(MARIE)
    drain()
    app.config["TODAY"] = date(2022, 5, 11)
    purge.purge()
    page = sign_in(client, "conducteur@demo.example").get("/mon-espace/").text
    assert "Documents qui ne sont plus disponibles (1)" in page
    assert "Sa validité s’est terminée le 10/05/2022 : le fichier n’est pas conservé au-delà." in page
