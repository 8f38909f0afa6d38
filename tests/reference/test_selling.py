"""Who sells and at which VAT: judged by their keys, dated, never rewritten once they have held, confirmed with a reason."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.models import JournalEntry, Seller, VatRegime
from app.services.billing import regimes
from app.services.core.reason import ReasonNeeded
from app.services.reference import writing
from app.services.reference.rules import Refused
from app.validators.postal import Territory
from tests.support import person_id

AGENT = "agent@demo.example"
SELLER: dict[str, Any] = {
    "name": "Opérateur du registre", "legal_form": "SAS", "capital": "200 000 €", "rcs": "RCS Lyon 800 000 002",
    "siren": "800 000 002", "siret": "800 000 002 00017", "vat_number": "FR22 800000002", "street": "2 place du Registre",
    "postcode": "69003", "city": "Lyon", "iban": "FR76 3000 6000 0112 3456 7890 189", "bic": "EXMPFRPPXXX",
    "e_address": "800000002", "vat_on_debits": False, "valid_from": date(2022, 2, 1),
}  # fmt: skip
GUYANE: dict[str, Any] = {
    "territory": "GUYANE", "rate": Decimal("0.00"), "mention": "TVA non applicable, article 294 du CGI",
    "valid_from": date(2023, 1, 1), "valid_to": None,
}  # fmt: skip


def refused(item: Any, values: dict[str, Any]) -> str:
    """Return the field for which a row is refused."""
    with pytest.raises(Refused) as refusal:
        writing.save(item, values, person_id(AGENT))
    db.session.rollback()
    return refusal.value.field


def regime(territory: str) -> VatRegime:
    """Return the VAT of a territory."""
    return db.session.execute(select(VatRegime).where(VatRegime.territory == territory)).scalars().one()


def test_a_version_of_the_seller_is_kept_in_its_normal_form(app: Flask) -> None:
    row = Seller()
    writing.save(row, SELLER, person_id(AGENT))
    assert (row.siret, row.iban, row.vat_on_debits) == ("80000000200017", "FR7630006000011234567890189", False)
    assert db.session.execute(select(JournalEntry.action).order_by(JournalEntry.id.desc())).scalars().first() == (
        "seller.created"
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("siren", "800000003"), ("siret", "12345678200010"), ("vat_number", "FR11123456782"),
        ("iban", "FR7630006000011234567890188"),
        ("bic", "EXMP"), ("e_address", "123456782"), ("postcode", "00000"), ("city", "69"), ("street", "12"),
        ("vat_on_debits", None), ("valid_from", date(2020, 1, 1)),
    ],
)  # fmt: skip
def test_a_wrong_number_is_refused_at_its_field(app: Flask, field: str, value: Any) -> None:
    if field == "valid_from":
        value = db.session.execute(select(Seller.valid_from)).scalars().one()
    assert refused(Seller(), {**SELLER, field: value}) == field


def test_a_version_that_has_begun_stands_and_the_siren_stays(app: Flask) -> None:
    row = db.session.execute(select(Seller)).scalars().one()
    assert refused(row, {**SELLER, "valid_from": row.valid_from})
    other = {
        **SELLER,
        "siren": "123456782",
        "siret": "12345678200010",
        "vat_number": "FR11123456782",
        "e_address": "123456782",
    }
    assert refused(Seller(), other) == "siren"


@pytest.mark.parametrize(
    ("field", "value"),
    [("rate", Decimal("19.60")), ("mention", ""), ("valid_from", date(2021, 1, 1)), ("valid_to", date(2022, 1, 1))],
)
def test_a_wrong_vat_is_refused_at_its_field(app: Flask, field: str, value: Any) -> None:
    ended = regime("GUYANE")
    if field != "valid_from":
        ended.valid_to = date(2022, 12, 31)
        db.session.commit()
    assert refused(VatRegime(), {**GUYANE, field: value}) == field


def test_a_vat_waits_to_be_confirmed_and_once_it_holds_it_only_ends(app: Flask) -> None:
    row = regime("GUYANE")
    kept = {"territory": row.territory, "rate": row.rate, "valid_from": row.valid_from, "valid_to": None}
    writing.save(row, {**kept, "mention": "TVA non applicable - art. 294 du CGI"}, person_id(AGENT))
    assert refused(row, {**kept, "mention": row.mention, "rate": Decimal("8.50")}) == "rate"
    with pytest.raises(ReasonNeeded):
        regimes.confirm(row.id, person_id(AGENT), " ")
    regimes.confirm(row.id, person_id(AGENT), "Réponse du conseil fiscal")
    assert regime("GUYANE").to_confirm is False
    with pytest.raises(regimes.Confirmed):
        regimes.confirm(row.id, person_id(AGENT), "encore")
    assert refused(regime("GUYANE"), {**kept, "mention": "Autre"}) == "mention"
    writing.save(regime("GUYANE"), {**kept, "mention": row.mention, "valid_to": date(2022, 12, 31)}, person_id(AGENT))
    new = VatRegime()
    writing.save(new, GUYANE, person_id(AGENT))
    assert (new.to_confirm, new.category) == (True, "E")
    assert Territory(new.territory)


def test_agents_keep_both_on_their_screens(client: FlaskClient, sign_in: Any) -> None:
    agent = sign_in(client, AGENT)
    typed = {**SELLER, "vat_on_debits": "", "valid_from": "01/02/2022"}
    page = agent.post("/vendeur/add", data=typed)
    assert (page.status_code, "À renseigner." in page.text) == (422, True)
    assert agent.post("/vendeur/add", data={**typed, "vat_on_debits": "False"}).status_code == 302
    row = db.session.execute(select(Seller).order_by(Seller.valid_from.desc())).scalars().first()
    assert row is not None
    assert "À l’encaissement" in agent.get(f"/vendeur/show/{row.id}").text
    card = agent.get(f"/tva/show/{regime('MAYOTTE').id}")
    assert "Confirmer cette TVA" in card.text
    answer = agent.post(
        f"/tva/confirmer/{regime('MAYOTTE').id}", data={"reason": "Avis du conseil"}, follow_redirects=True
    )
    assert "Cette TVA est confirmée" in answer.text
    assert "Avis du conseil" in answer.text
    assert agent.post(f"/tva/confirmer/{regime('GUYANE').id}", data={"reason": ""}).status_code in (302, 422, 400)
    assert regime("GUYANE").to_confirm
