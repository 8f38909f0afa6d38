"""Row scoping: another centre's data is in no list, card, search, sort or select of a centre's people."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.extensions import db
from app.models import Batch, Driver, Registration
from tests.support import MARIE, centre_id, person_id, registered

NEIGHBOUR, MANAGER, AGENT = "voisin@demo.example", "gestionnaire@demo.example", "agent@demo.example"
LISTS = {"/mes-enregistrements": "CentreRegistrationsView", "/mes-conducteurs": "CentreDriversView"}
#: Words only Centre Démo's registrations bear; « jules » is registered by both centres, under two names.
SECRETS = ("ORDREDEMO", "REFDEMO", "SECRETNOM", "Secretprenom", "NOMDEMO")
SHARED = {"birth_date": "01/02/1980", "permit_number": "750123456789"}
OURS = (
    {**MARIE, "last_name": "SECRETNOM", "first_name": "Secretprenom", "order_number": "ORDREDEMO",
     "reference": "REFDEMO", "permit_number": "111122223333"},
    {**SHARED, "reference": "REFDEMO", "order_number": "ORDREDEMO", "last_name": "NOMDEMO", "first_name": "Jules"},
)  # fmt: skip
THEIRS = {**SHARED, "reference": "", "order_number": "ORDREVOISIN", "last_name": "NOMVOISIN", "first_name": "Jules"}


def _hand_over(batch: Batch, centre: int, person: int) -> None:
    """Make a registered batch the other centre's."""
    db.session.execute(update(Registration).where(Registration.batch_id == batch.id).values(centre_id=centre))
    db.session.execute(update(Batch).where(Batch.id == batch.id).values(centre_id=centre, created_by_id=person))
    db.session.commit()


@pytest.fixture
def both(app) -> None:
    """Give registrations of both centres, one driver shared under two names."""
    neighbour = centre_id("98765432400019")
    _hand_over(registered(THEIRS), neighbour, person_id(NEIGHBOUR))
    registered(*OURS)


def _ids(centre: int) -> list[int]:
    return list(db.session.execute(select(Registration.id).where(Registration.centre_id == centre)).scalars())


@pytest.mark.parametrize("address", LISTS)
def test_the_neighbour_sees_own_rows_only(both, client: FlaskClient, sign_in, address: str) -> None:
    browser = sign_in(client, NEIGHBOUR)
    name = LISTS[address]
    queries = [
        "", "?_flt_0_words=SECRET", "?_flt_0_words=111122223333", "?_flt_0_words=ORDREDEMO", "?_flt_0_words=Jules",
        f"?_oc_{name}=last_name&_od_{name}=desc", f"?psize_{name}=100", f"?_flt_0_centre_id={centre_id()}",
        f"?_flt_0_centre={centre_id()}", "?_flt_0_training=1",
    ]  # fmt: skip
    for query in queries:
        page = browser.get(f"{address}/list/{query}").text
        table = re.sub(r"(?s)<form class=\"card filters\".*?</form>", "", page)
        assert not [word for word in SECRETS if word in table], query
    assert "NOMVOISIN" in browser.get(f"{address}/list/").text


@pytest.mark.parametrize("address", LISTS)
def test_another_centre_s_card_is_not_found(both, client: FlaskClient, sign_in, address: str) -> None:
    browser = sign_in(client, NEIGHBOUR)
    for row in _ids(centre_id()):
        page = browser.get(f"{address}/show/{row}")
        assert page.status_code == 404
        assert not [word for word in SECRETS if word in page.text]
    for row in _ids(centre_id("98765432400019")):
        assert browser.get(f"{address}/show/{row}").status_code == 200


@pytest.mark.parametrize("address", LISTS)
def test_a_driver_bears_the_name_one_s_own_centre_gave(both, client: FlaskClient, sign_in, address: str) -> None:
    """The driver's row was made by the neighbour: its name must not reach the centre that knows them otherwise."""
    known = db.session.execute(select(Driver.last_name).where(Driver.permit_number == "750123456789")).scalar_one()
    assert known == "NOMVOISIN"
    browser = sign_in(client, MANAGER)
    assert "NOMVOISIN" not in browser.get(f"{address}/list/").text
    assert "NOMDEMO" in browser.get(f"{address}/list/").text
    for row in _ids(centre_id()):
        assert "NOMVOISIN" not in browser.get(f"{address}/show/{row}").text
    assert (
        "NOMDEMO"
        not in browser.get(f"{address}/list/", query_string={"_flt_0_words": "nomvoisin"}).text.split("<table")[-1]
    )


def test_a_driver_registered_twice_stands_once_with_the_last_training(client: FlaskClient, sign_in) -> None:
    registered(MARIE)
    registered(MARIE, end_date="08/01/2022")
    page = sign_in(client, MANAGER).get("/mes-conducteurs/list/").text
    assert page.count(">850492100123<") == 1
    assert "08/01/2022" in page
    assert "07/01/2022" not in page


def test_searches_offer_no_choice_of_centres_to_a_centre(both, client: FlaskClient, sign_in) -> None:
    for address in LISTS:
        assert "Centre de formation Démo" not in sign_in(client, NEIGHBOUR).get(f"{address}/list/").text


def test_agents_see_both_centres(both, client: FlaskClient, sign_in) -> None:
    page = sign_in(client, AGENT).get("/enregistrements/list/").text
    for word in ("SECRETNOM", "NOMDEMO", "NOMVOISIN", "ORDREVOISIN"):
        assert word in page
    for row in db.session.execute(select(Registration.id)).scalars().all():
        assert client.get(f"/enregistrements/show/{row}").status_code == 200


def test_people_without_a_centre_are_told_so(client: FlaskClient, sign_in) -> None:
    from datetime import date

    from app.models import Membership

    db.session.execute(update(Membership).values(valid_to=date(2021, 12, 31)))
    db.session.commit()
    for address in LISTS:
        page = sign_in(client, MANAGER).get(f"{address}/list/")
        assert page.status_code == 403
        assert "Vous n’intervenez pour aucun centre" in page.text
