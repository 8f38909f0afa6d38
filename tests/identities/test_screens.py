"""The screens of agents that correct, join and part; and that no centre is shown by them what is another centre's."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.extensions import db
from app.models import Accreditation, Batch, Driver, DriverMerge, IdentityCorrection, Registration
from app.services.identities import merging
from app.services.retention import purge
from tests.bases import UNDER_THE_ROLE
from tests.support import centre_id, drain, registered

from .making import AGENT, NEW, OLD, REASON, again, agent_id, driver, join

BACKENDS = UNDER_THE_ROLE
NEIGHBOUR = "98765432400019"


@pytest.fixture
def agent(client: FlaskClient, sign_in: Callable[..., FlaskClient]) -> FlaskClient:
    """Give an agent's browser."""
    return sign_in(client, AGENT)


@pytest.fixture
def pair(app: object) -> tuple[int, int]:
    """Give one person's two records, the one to keep first; the other one is the other centre's trainee."""
    registered(NEW)
    registered({**OLD, "last_name": "ROUSSEL-VIDAL", "order_number": "VOISIN1"})
    drain()
    kept, joined = driver(NEW["permit_number"]).id, driver(OLD["permit_number"]).id
    theirs = db.session.execute(select(Registration).where(Registration.driver_id == joined)).scalar_one()
    other = centre_id(NEIGHBOUR)
    given = db.session.scalar(select(Accreditation.id).where(Accreditation.centre_id == other))
    own = update(Registration).where(Registration.id == theirs.id)
    db.session.execute(own.values(centre_id=other, accreditation_id=given))
    db.session.execute(update(Batch).where(Batch.id == theirs.batch_id).values(centre_id=other))
    db.session.commit()
    return kept, joined


def version(page: str) -> str:
    found = re.search(r'name="version" value="(\w+)"', page)
    assert found
    return found[1]


def test_two_records_are_joined_side_by_side_and_parted(agent: FlaskClient, pair: tuple[int, int]) -> None:
    kept, joined = pair
    page = agent.get(f"/conducteurs/{kept}/reunir?recherche=roussel 8802").text
    assert f"/conducteurs/{kept}/reunir/{joined}" in page
    page = agent.get(f"/conducteurs/{kept}/reunir/{joined}").text
    for shown in ("Fiche qui reste", OLD["permit_number"], NEW["permit_number"], "Centre Voisin", "Les noms diffèrent"):
        assert shown in page.replace("\u00a0", " "), shown
    refused = agent.post(f"/conducteurs/{kept}/reunir/{joined}", data={"version": version(page)})
    assert refused.status_code == 422
    assert "data-error-summary" in refused.text
    assert merging.MISSING in refused.text
    sent = {"version": version(page), "reason": REASON}
    done = agent.post(f"/conducteurs/{kept}/reunir/{joined}", data=sent, follow_redirects=True)
    assert "Les deux fiches sont réunies" in done.text
    assert "Défaire la réunion" in done.text
    twice = agent.post(f"/conducteurs/{kept}/reunir/{joined}", data=sent, follow_redirects=True)
    assert merging.AlreadyJoined.message in twice.text.replace("\u00a0", " ").replace("\u202f", " ")
    led = agent.get(f"/conducteurs/show/{joined}")
    assert led.headers["Location"].endswith(f"/conducteurs/show/{kept}")
    listed = agent.get(f"/conducteurs/list/?_flt_0_words={OLD['permit_number']}").text
    assert f"/conducteurs/show/{kept}" in listed
    assert f"/conducteurs/show/{joined}" not in listed
    merge = db.session.scalar(select(DriverMerge.id))
    page = agent.get(f"/conducteurs/reunions/{merge}/defaire").text
    sent = {"version": version(page), "reason": "deux sœurs"}
    done = agent.post(f"/conducteurs/reunions/{merge}/defaire", data=sent, follow_redirects=True)
    assert "La réunion est défaite" in done.text
    assert "deux sœurs" in done.text
    assert again(db.session.get_one(Driver, joined)).same_as_id is None


def test_what_changed_since_it_was_shown_is_shown_again(agent: FlaskClient, pair: tuple[int, int]) -> None:
    kept, joined = pair
    shown = version(agent.get(f"/conducteurs/{kept}/reunir/{joined}").text)
    registered(NEW, end_date="06/01/2022")
    answer = agent.post(f"/conducteurs/{kept}/reunir/{joined}", data={"version": shown, "reason": REASON})
    assert answer.status_code == 409
    assert version(answer.text) != shown
    assert db.session.scalar(select(DriverMerge.id)) is None


def test_a_merger_that_bears_something_new_says_why_it_stays(agent: FlaskClient, pair: tuple[int, int]) -> None:
    merge = join(*pair)
    shown = version(agent.get(f"/conducteurs/reunions/{merge}/defaire").text)
    registered(OLD, end_date="06/01/2022")
    answer = agent.post(f"/conducteurs/reunions/{merge}/defaire", data={"version": shown, "reason": "x"})
    assert answer.status_code == 409
    assert "1 formation a été enregistrée depuis la réunion." in answer.text.replace("\u00a0", " ")


def test_an_identity_is_corrected_after_its_effects_were_read(agent: FlaskClient, pair: tuple[int, int]) -> None:
    kept, joined = pair
    address = f"/conducteurs/{joined}/identite"
    assert OLD["permit_number"] in agent.get(address).text
    asked = {
        "last_name": "LEMAIRE",
        "first_name": "Nadia",
        "birth_date": "14/02/1988",
        "permit_number": NEW["permit_number"],
    }
    empty = agent.post(f"{address}/effets", data=asked)
    assert empty.status_code == 422
    assert "<title>Erreur" in empty.text
    asked |= {"kind": "change", "reason": REASON}
    known = agent.post(f"{address}/effets", data=asked)
    assert known.status_code == 422
    assert f"/conducteurs/{joined}/reunir/{kept}" in known.text
    asked["permit_number"] = "440969300222"
    page = agent.post(f"{address}/effets", data=asked)
    assert page.status_code == 200
    stale = agent.post(f"{address}/confirmer", data={**asked, "version": "x"})
    assert stale.status_code == 409
    done = agent.post(f"{address}/confirmer", data={**asked, "version": version(page.text)}, follow_redirects=True)
    assert "L’identité est corrigée" in done.text
    assert "LEMAIRE" in done.text
    assert OLD["permit_number"] in done.text
    twice = agent.post(f"{address}/confirmer", data={**asked, "version": version(page.text)})
    assert twice.status_code == 422
    assert len(db.session.execute(select(IdentityCorrection.id)).scalars().all()) == 1


def test_unknown_ones_are_not_found(agent: FlaskClient) -> None:
    for address in (
        "/conducteurs/999999/identite", "/conducteurs/999999/reunir", "/conducteurs/1/reunir/999999",
        "/conducteurs/reunions/999999/defaire", f"/conducteurs/{10**12}/identite",
    ):  # fmt: skip
        assert agent.get(address).status_code in (404, 400), address


def test_no_centre_is_shown_the_other_s(
    pair: tuple[int, int], client: FlaskClient, sign_in: Callable[..., FlaskClient]
) -> None:
    join(*pair)
    mine = db.session.execute(select(Registration.id).where(Registration.centre_id == centre_id())).scalar_one()
    theirs = db.session.execute(select(Registration.id).where(Registration.centre_id != centre_id())).scalar_one()
    receipts = dict(db.session.execute(select(Registration.id, Batch.key).join(Registration.batch)).tuples().all())
    for email, own, other, known, secret in (
        ("gestionnaire@demo.example", mine, theirs, NEW["permit_number"], (OLD["permit_number"], "VIDAL", "VOISIN1")),
        ("voisin@demo.example", theirs, mine, OLD["permit_number"], (NEW["permit_number"], "COM1")),
    ):
        browser = sign_in(client, email)
        for address in (
            "/mes-conducteurs/list/", "/mes-conducteurs/export.csv", f"/mes-conducteurs/show/{own}",
            "/mes-enregistrements/list/", "/mes-enregistrements/export.csv", f"/mes-enregistrements/show/{own}",
            f"/sessions/{receipts[own]}/recu/imprimer", f"/corrections/{own}/",
        ):  # fmt: skip
            page = browser.get(address)
            assert page.status_code == 200, address
            assert known in page.text, address
            for text in secret:
                assert text not in page.text, (address, text)
        for address in (
            f"/mes-conducteurs/show/{other}",
            f"/mes-enregistrements/show/{other}",
            f"/corrections/{other}/",
        ):
            assert browser.get(address).status_code == 404, address
        for question in ("mes-conducteurs", "mes-enregistrements"):
            found = browser.get(f"/{question}/list/?_flt_0_words={secret[0]}").text
            assert f"/{question}/show/{own}" not in found
        browser.post("/logout/")


def test_the_purge_leaves_identities_and_what_they_lead_to(pair: tuple[int, int]) -> None:
    join(*pair)
    purge.purge(by_owner=False)
    assert db.session.scalar(select(Driver.same_as_id).where(Driver.id == pair[1])) == pair[0]
    assert db.session.scalar(select(DriverMerge.by_id)) == agent_id()
