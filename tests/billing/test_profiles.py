"""« Coordonnées de facturation »: what is kept, refused, missing, and by whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select

from app.extensions import db
from app.models import (
    BillingProfile,
    BillingTerritory,
    Centre,
    JournalEntry,
    Membership,
    MembershipRight,
    ServiceContract,
)
from app.services.billing import missing, profiles
from app.services.core import clock
from app.services.rights import access
from tests.support import LEGAL, centre_id, person_id

NEIGHBOUR = "98765432400019"
ADDRESS = "/mon-centre/facturation/"


def here(siret: str = "12345678200010") -> Centre:
    """Return a centre."""
    return db.session.get_one(Centre, centre_id(siret))


def values() -> profiles.Values:
    """Return the demonstration centre's profile."""
    return profiles.values_of(here(), profiles.of(here()))


def save(**changes: Any) -> BillingProfile:
    """Keep the profile with changes, as the representative."""
    return profiles.save(centre_id(), replace(values(), **changes), person_id(LEGAL))


def typed(**changes: str) -> dict[str, str]:
    """Return the form as a browser sends it."""
    fields = {name: str(value) for name, value in asdict(values()).items() if not isinstance(value, bool) and value}
    return {**fields, **changes}


def test_what_is_typed_is_put_in_order_and_noted(app: Flask) -> None:
    row = save(
        siret="123 456 782 00010",
        vat_number="fr 11 123456782",
        accounts_email="A@b.fr ; a@b.fr, c@d.fr",
        extra="Bât. A",
    )
    assert (row.siret, row.vat_number, row.extra) == ("12345678200010", "FR11123456782", "Bât. A")
    assert row.accounts_email == "a@b.fr, c@d.fr"
    entry = db.session.scalars(select(JournalEntry).order_by(JournalEntry.id.desc())).first()
    assert entry is not None
    assert (entry.action, entry.centre_id) == ("billing_profile.changed", centre_id())
    assert (entry.before["extra"], entry.after["extra"]) == ("", "Bât. A")


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("name", " "), ("name", "a" * 161), ("siret", "12345678200011"), ("siret", "123"), ("vat_number", "FR00123456782"),
        ("vat_number", "FR14987654324"), ("street", "!!"), ("street", "12"), ("postcode", "00000"), ("postcode", "6900"),
        ("city", "<Lyon>"), ("e_address", "12345"), ("e_address", "123456782 compta!"), ("e_address", "987654324"),
        ("e_address", "123456782COMPTA"), ("accounts_email", "comptabilité"), ("accounts_email", "a@b.fr, c"),
        ("accounts_email", ", ".join(f"compta{at}@centre-de-formation.example" for at in range(12))),
    ],
)  # fmt: skip
def test_what_is_no_good_is_said_of_its_field_and_nothing_is_kept(app: Flask, field: str, text: str) -> None:
    before = values()
    with pytest.raises(profiles.Faulty) as refused:
        save(**{field: text, "extra": "changé"})
    assert list(refused.value.faults) == [field]
    db.session.rollback()
    assert values() == before


@pytest.mark.parametrize("address", ["123456782", "123456782_COMPTA", "123456782_12345678200010", "123456782.a-b"])
def test_an_electronic_address_is_the_siren_and_what_follows_it(app: Flask, address: str) -> None:
    assert save(e_address=address).e_address == address


def test_nothing_is_missing_of_a_whole_profile_and_each_empty_field_is_told(app: Flask) -> None:
    assert missing.of_profile(here(), profiles.of(here())) == []
    save(siret="", vat_number="", street="", postcode="", city="", e_address="")
    fields = [one.field for one in missing.of_profile(here(), profiles.of(here()))]
    assert fields == ["siret", "street", "postcode", "city", "e_address", "vat_number"]
    assert missing.of_profile(here(NEIGHBOUR), None) != []


def test_a_public_body_needs_what_chorus_requires(app: Flask) -> None:
    centre = here(NEIGHBOUR)
    offered = profiles.values_of(centre, None)
    assert (offered.postcode, offered.city, offered.service_code) == ("44000", "Nantes", "FORM-CONT")
    agent = person_id("agent@demo.example")
    row = profiles.save(centre.id, replace(offered, service_code=""), agent, agent=True)
    assert [one.field for one in missing.of_profile(centre, row)] == ["service_code"]
    row = profiles.save(centre.id, replace(offered, service_code="SERV 1"), agent, agent=True)
    assert (missing.of_profile(centre, row), centre.chorus_service) == ([], "SERV 1")


def test_another_siret_holds_until_an_agent_confirms_it(app: Flask) -> None:
    other = {"siret": "80000000200017", "vat_number": "FR22800000002", "e_address": "800000002"}
    row = save(**other, confirmed=True)  # not theirs to say
    assert ["agent" in one.sentence for one in missing.of_profile(here(), row)] == [True]
    agent = person_id("agent@demo.example")
    row = profiles.save(centre_id(), replace(values(), confirmed=True, payment_days=45), agent, agent=True)
    assert (missing.of_profile(here(), row), row.payment_days) == ([], 45)
    row = save(extra="3e étage")
    assert missing.of_profile(here(), row) == []


def test_who_may(app: Flask) -> None:
    with pytest.raises(access.NotAllowed):
        profiles.save(centre_id(), values(), person_id())
    place = db.session.execute(select(Membership).where(Membership.person_id == person_id())).scalar_one()
    place.rights.append(MembershipRight(right="invoices", granted_at=clock.now()))
    db.session.execute(delete(ServiceContract).where(ServiceContract.centre_id == centre_id(NEIGHBOUR)))
    db.session.commit()
    profiles.save(centre_id(), values(), person_id())
    with pytest.raises(access.NotAllowed):
        profiles.save(centre_id(NEIGHBOUR), values(), person_id())


def test_the_page_of_the_centre(app: Flask, client: FlaskClient, sign_in: Callable[..., FlaskClient]) -> None:
    sign_in(client, LEGAL)
    page = client.get(ADDRESS).text
    assert "Coordonnées complètes" in page
    assert "France métropolitaine" in page
    answer = client.post(ADDRESS, data=typed(postcode="97400", city="Saint-Denis", payment_days="5"))
    assert answer.status_code == 302
    page = client.get(ADDRESS).text
    assert "La Réunion" in page
    assert "8,5" in page
    kept = profiles.of(here())
    assert kept is not None
    assert kept.payment_days == 30  # an agent's matter


def test_a_fault_is_shown_with_what_was_typed(
    app: Flask, client: FlaskClient, sign_in: Callable[..., FlaskClient]
) -> None:
    sign_in(client, LEGAL)
    answer = client.post(ADDRESS, data=typed(siret="123"))
    assert answer.status_code == 422
    assert "data-error-summary" in answer.text
    assert 'value="123"' in answer.text
    for hostile in ("a" * 100_000, "<script>alert(1)</script>", "🦖"):
        assert client.post(ADDRESS, data=dict.fromkeys(typed(), hostile)).status_code == 422


def test_who_lacks_the_right_is_led(app: Flask, client: FlaskClient, sign_in: Callable[..., FlaskClient]) -> None:
    sign_in(client, "gestionnaire@demo.example")
    page = client.get(ADDRESS)
    assert page.status_code == 200
    assert "Cette page n’est pas ouverte" in page.text
    assert client.post(ADDRESS, data=typed()).status_code in (200, 403)
    assert db.session.scalars(select(JournalEntry).where(JournalEntry.action == "billing_profile.changed")).all() == []


def test_the_page_of_agents(app: Flask, client: FlaskClient, sign_in: Callable[..., FlaskClient]) -> None:
    sign_in(client, "agent@demo.example")
    address = f"/facturation/centres/{centre_id(NEIGHBOUR)}/"
    assert address in client.get(f"/centres/show/{centre_id(NEIGHBOUR)}").text
    page = client.get(address).text
    assert "à vérifier et à enregistrer" in page
    assert "Chorus Pro" in page
    assert client.get("/facturation/centres/999999/").status_code == 404
    data = {
        **typed(),
        "name": "Voisin",
        "siret": NEIGHBOUR,
        "vat_number": "",
        "e_address": "987654324",
        "payment_days": "45",
    }
    assert client.post(address, data=data).status_code == 302
    kept = profiles.of(here(NEIGHBOUR))
    assert kept is not None
    assert (kept.name, kept.payment_days) == ("Voisin", 45)
    assert client.post(address, data={**data, "payment_days": "90"}).status_code == 422
    assert db.session.scalar(
        select(BillingTerritory.territory).where(BillingTerritory.centre_id == centre_id(NEIGHBOUR))
    )
