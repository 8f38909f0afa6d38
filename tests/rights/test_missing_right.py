"""Lists, cards, figures and files of a centre's drivers are for who holds the right there; others are told which it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.extensions import db
from app.models import Export, Membership, MembershipRight, Registration
from app.services.core import clock
from app.services.reporting import exports
from tests.bases import UNDER_THE_ROLE
from tests.support import MARIE, PIERRE, centre_id, drain, person_id, registered, registered_trainer

BACKENDS = UNDER_THE_ROLE
EACH_VALUE = True

SignIn = Callable[..., FlaskClient]
WITHOUT, MANAGER, LEGAL = "sansdroit@demo.example", "gestionnaire@demo.example", "representant@demo.example"
NEIGHBOUR = "98765432400019"
#: What the pages may not tell: the drivers registered here.
SECRETS = ("MARTIN", "DUPONT", "DURAND", MARIE["permit_number"], PIERRE["permit_number"], "RE-22")
REGISTER_MISSING = "Droit « enregistrement de sessions » accordé"
PAGES = {
    "/mes-conducteurs/list/": REGISTER_MISSING,
    "/mes-conducteurs/list/?_flt_0_words=martin": REGISTER_MISSING,
    "/mes-enregistrements/list/": REGISTER_MISSING,
    "/tableau-de-bord/": REGISTER_MISSING,
    "/sessions/": REGISTER_MISSING,
    "/mes-formateurs/list/": "Droit « formateurs et moniteurs » accordé",
}
FILES = [
    f"/{name}/export.{kind}" for name in ("mes-conducteurs", "mes-enregistrements", "mes-formateurs")
    for kind in ("csv", "xlsx")
]  # fmt: skip


@pytest.fixture(autouse=True)
def rows(app) -> None:
    """Register two drivers and a trainer."""
    registered(MARIE, PIERRE)
    registered_trainer()
    drain()


def withhold(email: str) -> None:
    """Let every right of a person end yesterday."""
    places = select(Membership.id).where(Membership.person_id == person_id(email))
    db.session.execute(
        update(MembershipRight)
        .where(MembershipRight.membership_id.in_(places))
        .values(ends_on=clock.today() - timedelta(days=1))
    )
    db.session.commit()


@pytest.mark.parametrize(("address", "missing"), PAGES.items())
def test_a_page_tells_which_right_is_missing_and_who_gives_it(
    client: FlaskClient, sign_in: SignIn, address: str, missing: str
) -> None:
    page = sign_in(client, WITHOUT).get(address)
    assert page.status_code == 200
    assert missing in page.text
    assert "Représentant légal" in page.text
    assert [secret for secret in SECRETS if secret in page.text] == []


@pytest.mark.parametrize("email", [WITHOUT, MANAGER])
def test_cards_and_files_are_refused_also_once_a_right_has_ended(
    client: FlaskClient, sign_in: SignIn, email: str
) -> None:
    withhold(email)
    row = db.session.scalar(select(Registration.id).limit(1))
    browser = sign_in(client, email)
    for address in (*FILES, f"/mes-conducteurs/show/{row}", f"/mes-enregistrements/show/{row}"):
        answer = browser.get(address)
        assert answer.status_code == 403, address
        assert "ne vous est pas accordé" in answer.text
        assert "représentant légal" in answer.text
        assert [secret for secret in SECRETS if secret in answer.text] == []


@pytest.mark.parametrize("email", [MANAGER, LEGAL])
def test_with_the_right_they_open(client: FlaskClient, sign_in: SignIn, email: str) -> None:
    browser = sign_in(client, email)
    for address in ("/mes-conducteurs/list/", "/mes-enregistrements/list/", "/mes-conducteurs/export.csv"):
        assert "MARTIN" in browser.get(address).text, address
    assert "Derniers reçus" in browser.get("/tableau-de-bord/").text


def test_another_right_does_not_open_them(client: FlaskClient, sign_in: SignIn) -> None:
    place = db.session.scalar(select(Membership.id).where(Membership.person_id == person_id(WITHOUT)))
    for right in ("trainers", "invoices", "api"):
        db.session.add(MembershipRight(membership_id=place, right=right, granted_at=clock.now()))
    db.session.commit()
    browser = sign_in(client, WITHOUT)
    assert "DURAND" in browser.get("/mes-formateurs/list/").text
    assert REGISTER_MISSING in browser.get("/mes-conducteurs/list/").text
    assert browser.get("/mes-enregistrements/export.csv").status_code == 403


def test_a_file_ordered_before_the_right_ended_is_not_fetched_after(
    client: FlaskClient, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "AT_ONCE", 1)
    browser = sign_in(client, MANAGER)
    browser.get("/mes-enregistrements/export.csv")
    drain()
    key = db.session.execute(select(Export.key)).scalar_one()
    assert browser.get(f"/exports/{key}").status_code == 200
    withhold(MANAGER)
    refused = browser.get(f"/exports/{key}")
    assert refused.status_code == 403
    assert "« enregistrement de sessions » ne vous est pas accordé" in refused.text


def test_the_centre_s_own_page_still_tells_what_is_in_service(client: FlaskClient, sign_in: SignIn) -> None:
    without = sign_in(client, WITHOUT).get("/mon-centre/").text
    client.post("/logout/")
    assert "Gestionnaires invités" in without
    told = without.count("À faire"), without.count("Fait")
    page = sign_in(client, MANAGER).get("/mon-centre/").text
    assert (page.count("À faire"), page.count("Fait")) == told


def test_it_is_the_right_at_the_centre_one_works_for(client: FlaskClient, sign_in: SignIn) -> None:
    other = centre_id(NEIGHBOUR)
    db.session.add(Membership(person_id=person_id(MANAGER), centre_id=other, role="manager"))
    db.session.commit()
    browser = sign_in(client, MANAGER)
    browser.post("/centre-courant", data={"centre_id": str(centre_id())})
    assert "MARTIN" in browser.get("/mes-conducteurs/list/").text
    browser.post("/centre-courant", data={"centre_id": str(other)})
    page = browser.get("/mes-conducteurs/list/").text
    assert REGISTER_MISSING in page
    assert "Centre Voisin" in page
    assert browser.get("/mes-enregistrements/export.csv").status_code == 403
