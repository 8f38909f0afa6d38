"""What a driver lends: nothing beyond it, no longer than said, and each look told."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from app.extensions import db
from app.models import Document, LentLook, LentView
from app.models.registration import CERTIFICATE, RECAP, REVOKED
from app.services.accounts import closing
from app.services.core import clock
from app.services.core.refusal import Refusal
from app.services.drivers import data_gathered, lending
from app.services.retention import purge
from tests.bases import on_both, under_the_role
from tests.invoicing.test_races import both
from tests.support import MARIE, PIERRE, drain, person_id, registered, statements

OWNER = "conducteur@demo.example"


@pytest.fixture
def papers(app: Flask) -> dict[str, Document]:
    """Give MARTIN Marie's two documents by kind; PIERRE's are there beside them."""
    registered(MARIE, PIERRE)
    drain()
    rows = db.session.execute(select(Document)).scalars()
    return {one.kind: one for one in rows if one.registration.last_name == "MARTIN"}


def lend(document: Document | None = None, days: int = 7) -> str:
    return lending.lend(person_id(OWNER), document.id if document else None, days)


@under_the_role
def test_a_document_is_shown_with_its_file_and_nothing_else(client: FlaskClient, papers: dict[str, Document]) -> None:
    certificate = papers[CERTIFICATE]
    number, other = certificate.number, papers[RECAP].number
    token = lend(certificate)
    page = client.get(f"/partage/{token}")
    assert page.status_code == 200
    assert "Marie MARTIN" in page.text
    assert number in page.text
    assert "17/01/2022" in page.text  # TODAY is 10/01/2022
    assert not [word for word in (other, "12/04/1985", "850492100123", "DUPONT") if word in page.text]
    assert page.headers["Cache-Control"] == "no-store"
    assert "noindex" in page.headers["X-Robots-Tag"]
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert client.get(f"/partage/{token}/document.pdf").data.startswith(b"%PDF")
    assert db.session.scalar(select(LentView.token_hash)) != token
    assert db.session.query(LentLook).count() == 1


@under_the_role
def test_the_situation_tells_training_certificate_and_next_fco(
    client: FlaskClient, papers: dict[str, Document]
) -> None:
    number, other = papers[CERTIFICATE].number, papers[RECAP].number
    token = lend()
    page = html.unescape(client.get(f"/partage/{token}").text)
    for said in ("FIMO Marchandises", "07/01/2022", number, "Prochaine FCO"):
        assert said in page
    assert not [word for word in (other, "12/04/1985", "850492100123", "DUPONT") if word in page]
    assert client.get(f"/partage/{token}/document.pdf").status_code == 404


def test_it_ends_at_its_day_when_taken_back_and_with_the_account(
    client: FlaskClient, papers: dict[str, Document]
) -> None:
    token = lend(papers[CERTIFICATE], 1)
    for days, code in ((1, 200), (2, 404)):
        with clock.moved(clock.now() + timedelta(days=days)):
            assert client.get(f"/partage/{token}").status_code == code
    view = db.session.execute(select(LentView)).scalar_one()
    with pytest.raises(Refusal):
        lending.take_back(person_id("gestionnaire@demo.example"), view.id)
    assert client.get(f"/partage/{token}").status_code == 200
    lending.take_back(person_id(OWNER), view.id)
    gone = client.get(f"/partage/{token}")
    assert gone.status_code == 404
    assert "Ce lien ne montre rien" in gone.text.replace("\u00a0", " ")
    with pytest.raises(Refusal):
        lending.take_back(person_id(OWNER), view.id)
    token = lend()
    closing.close(person_id(OWNER), person_id("agent@demo.example"), "Demande de la personne")
    assert client.get(f"/partage/{token}").status_code == 404


def test_what_no_longer_holds_is_shown_no_more(client: FlaskClient, papers: dict[str, Document]) -> None:
    certificate = papers[CERTIFICATE]
    token, situation = lend(certificate), lend()
    db.session.execute(update(Document).where(Document.id == certificate.id).values(state=REVOKED))
    db.session.commit()
    assert client.get(f"/partage/{token}").status_code == 404
    assert client.get(f"/partage/{token}/document.pdf").status_code == 404
    page = client.get(f"/partage/{situation}").text
    assert certificate.number not in page
    assert "Aucun en cours de validité" in page


def test_only_what_is_offered_may_be_lent_for_the_days_that_are_offered(papers: dict[str, Document]) -> None:
    foreign = (
        db.session.execute(select(Document).where(Document.registration_id != papers[RECAP].registration_id))
        .scalars()
        .first()
    )
    assert foreign is not None
    for document, days in ((foreign, 7), (papers[RECAP], 2)):
        with pytest.raises(Refusal):
            lend(document, days)
    for _ in range(lending.MOST):
        lend()
    with pytest.raises(Refusal, match="retirez-en un"):
        lend()


@on_both
def test_two_at_once_do_not_pass_the_limit(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lending, "MOST", 3)
    registered(MARIE)
    owner = person_id(OWNER)
    for _ in range(2):
        lend()
    db.session.remove()
    both(app, 0, lambda: lending.lend(owner, None, 7), lambda: lending.lend(owner, None, 7))
    with app.app_context():
        assert sum(loan.holds for loan in lending.loans(owner)) == 3


def test_the_space_lends_lists_the_looks_and_takes_back(
    client: FlaskClient, papers: dict[str, Document], sign_in: object
) -> None:
    sign_in(client, OWNER)  # type: ignore[operator]
    assert "Aucun partage" in client.get("/mon-espace/partages/").text
    refused = client.post("/mon-espace/partages/", data={"what": "999999", "days": ""})
    assert refused.status_code == 422
    made = client.post("/mon-espace/partages/", data={"what": str(papers[CERTIFICATE].id), "days": "30"})
    token = re.search(r"/partage/([\w-]{43})", made.text)
    assert token is not None
    assert "data:image/svg+xml" in made.text
    assert token[1] not in client.get("/mon-espace/partages/").text
    looker = client.application.test_client()
    for _ in range(2):
        assert looker.get(f"/partage/{token[1]}").status_code == 200
    looker.head(f"/partage/{token[1]}")
    page = client.get("/mon-espace/partages/").text
    assert "2 consultations" in page.replace("\u00a0", " ")
    [loan] = data_gathered.gather(person_id(OWNER))["Partages"]
    assert loan["Consultations"].count(";") == 1
    view = db.session.execute(select(LentView.id)).scalar_one()
    assert client.post("/mon-espace/partages/999999999999/retirer").status_code == 404
    assert "ne montre plus rien" in client.post(f"/mon-espace/partages/{view}/retirer", follow_redirects=True).text
    assert looker.get(f"/partage/{token[1]}").status_code == 404


def test_a_link_that_runs_is_listed_whatever_came_after_it_and_the_list_asks_as_much_for_twenty(
    client: FlaskClient, papers: dict[str, Document]
) -> None:
    lend(papers[CERTIFICATE], 30)
    first = db.session.execute(select(LentView.id)).scalar_one()
    with statements() as one:
        lending.loans(person_id(OWNER))
    for _ in range(5 * lending.MOST):
        token = lend()
        lending.take_back(person_id(OWNER), db.session.execute(select(func.max(LentView.id))).scalar_one())
    for kind in (CERTIFICATE, RECAP):
        token = lend(papers[kind])
    db.session.expire_all()
    with statements() as many:
        found = lending.loans(person_id(OWNER))
        assert [loan.view.document.number for loan in found[:3] if loan.view.document]
    assert [loan.holds for loan in found[:4]] == [True, True, True, False]
    assert found[2].view.id == first
    assert len(many) == len(one)
    assert client.get(f"/partage/{token}").status_code == 200


def test_the_list_says_of_what_is_no_longer_offered_that_its_link_shows_nothing(
    client: FlaskClient, papers: dict[str, Document], sign_in: object
) -> None:
    lend(papers[CERTIFICATE])
    lend(papers[RECAP])
    lend()
    sign_in(client, OWNER)  # type: ignore[operator]
    assert "Ne montre plus rien" not in client.get("/mon-espace/partages/").text.replace("\u00a0", " ")
    db.session.execute(update(Document).where(Document.id == papers[CERTIFICATE].id).values(state=REVOKED))
    db.session.commit()
    page = client.get("/mon-espace/partages/").text
    assert page.replace("\u00a0", " ").count("Ne montre plus rien") == 1
    assert page.count("/retirer") == 3
    assert [(loan.holds, loan.shows) for loan in lending.loans(person_id(OWNER))] == [
        (True, True), (True, True), (True, False),
    ]  # fmt: skip


def test_a_file_fetched_without_its_page_is_a_look(client: FlaskClient, papers: dict[str, Document]) -> None:
    token = lend(papers[CERTIFICATE])
    for hours, looks in ((0, 1), (0, 1), (2, 2)):
        with clock.moved(clock.now() + timedelta(hours=hours)):
            assert client.get(f"/partage/{token}/document.pdf").status_code == 200
        assert db.session.query(LentLook).count() == looks


def test_the_trace_goes_after_ninety_days(papers: dict[str, Document], client: FlaskClient) -> None:
    client.get(f"/partage/{lend(days=1)}")
    lend(days=30)
    with clock.moved(clock.now() + timedelta(days=92)):
        assert purge.purge(dry_run=True).lent == 1
        assert purge.purge().lent == 1
    assert db.session.query(LentView).count() == 1
    assert db.session.query(LentLook).count() == 0


TOKENS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./%", max_size=60)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(tail=TOKENS, query=TOKENS)
def test_no_other_address_below_a_link_reaches_anything(
    client: FlaskClient, papers: dict[str, Document], tail: str, query: str
) -> None:
    """Whatever stands behind or in the place of the token, and whatever is asked, only what was lent comes out."""
    if not hasattr(client, "lent"):
        client.lent = lend(papers[CERTIFICATE])  # type: ignore[attr-defined]
        client.secrets = [papers[RECAP].number, "850492100123", "12/04/1985", "DUPONT"]  # type: ignore[attr-defined]
    token: str = client.lent  # type: ignore[attr-defined]
    for address in (
        f"/partage/{token}/{tail}",
        f"/partage/{tail}",
        f"/partage/{token}?{query}",
        f"/partage/{token}{tail}",
    ):
        answer = client.get(address, environ_overrides={"REMOTE_ADDR": f"10.0.{len(tail)}.{len(query)}"})
        assert answer.status_code in (200, 302, 308, 404, 429), address
        if answer.mimetype == "text/html":
            assert not [word for word in client.secrets if word in answer.text], address  # type: ignore[attr-defined]


def test_guessing_is_slowed_down(client: FlaskClient, papers: dict[str, Document]) -> None:
    answers = [client.get(f"/partage/{at:043d}").status_code for at in range(40)]
    assert answers[0] == 404
    assert answers[-1] == 429
