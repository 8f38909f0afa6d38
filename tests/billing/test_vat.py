"""VAT follows where the centre is billed, on the day of the registration; what is registered keeps its rate."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select, update

from app.extensions import db
from app.models import BillingProfile, BillingTerritory, Centre, Registration, VatRegime
from app.services.billing import missing, profiles
from app.services.contracts import text as contract_text
from app.services.core import clock
from app.services.reference import pricing, shipped_vat, vat
from app.validators.postal import TERRITORIES, Territory, parts_of, territory_of
from tests.bases import BOTH
from tests.support import LEGAL, MARIE, PIERRE, centre_id, person_id, registered, registered_trainer

BACKENDS = BOTH
D = Decimal


def here() -> Centre:
    """Return the demonstration centre."""
    return db.session.get_one(Centre, centre_id())


def moved(postcode: str, city: str = "Ville", **others: Any) -> None:
    """Have the centre billed at another place, typed by its representative today."""
    values = profiles.values_of(here(), profiles.of(here()))
    profiles.save(centre_id(), replace(values, postcode=postcode, city=city, **others), person_id(LEGAL))


def unsaid(address: str) -> None:
    """Have the centre never have said where it is billed."""
    db.session.execute(delete(BillingTerritory))
    db.session.execute(delete(BillingProfile))
    db.session.execute(update(Centre).where(Centre.id == centre_id()).values(address=address))
    db.session.commit()


@pytest.mark.parametrize(
    ("postcode", "territory"),
    [
        ("69007", "METROPOLE"), ("20000", "METROPOLE"), ("97110", "GUADELOUPE"), ("97133", "SAINT_BARTHELEMY"),
        ("97150", "SAINT_MARTIN"), ("97200", "MARTINIQUE"), ("97300", "GUYANE"), ("97400", "REUNION"),
        ("97600", "MAYOTTE"), ("97500", "SAINT_PIERRE"), ("98000", "METROPOLE"), ("98714", "POLYNESIE"),
        ("98800", "CALEDONIE"), ("98600", "WALLIS"),
    ],
)  # fmt: skip
def test_each_postcode_has_its_territory(postcode: str, territory: str) -> None:
    assert territory_of(postcode) == territory


def test_an_address_on_one_line_comes_apart() -> None:
    assert parts_of("12 rue des Ateliers, 69007 Lyon") == ("12 rue des Ateliers", "69007", "Lyon")
    assert parts_of("3 quai du Port 97400 Saint-Denis") == ("3 quai du Port", "97400", "Saint-Denis")
    assert parts_of("Lyon") == ("", "", "")


def test_every_territory_has_a_name_and_a_vat_shipped(app: Flask) -> None:
    assert set(TERRITORIES) == set(Territory) == set(shipped_vat.REGIMES)
    rates = {territory: vat.regime_in(territory, clock.today()).rate for territory in Territory}
    assert {rates[one] for one in (Territory.GUADELOUPE, Territory.MARTINIQUE, Territory.REUNION)} == {D("8.50")}
    assert rates[Territory.METROPOLE] == D("20.00")
    assert rates[Territory.GUYANE] == rates[Territory.MAYOTTE] == D("0.00")


def test_a_registration_bears_the_vat_of_where_its_centre_is_billed(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = registered(MARIE)
    moved("97400")
    same_day = registered(PIERRE)
    monkeypatch.setitem(app.config, "TODAY", clock.today() + timedelta(days=1))
    after = registered({**PIERRE, "permit_number": "850492100999"})
    query = select(Registration.batch_id, Registration.vat_rate)
    rates = dict(db.session.execute(query).tuples().all())
    assert rates == {before.id: D("20.00"), same_day.id: D("20.00"), after.id: D("8.50")}
    quote = pricing.billed(after.id)
    assert (quote.total, quote.totals.vat) == (D("25.34"), D("2.15"))
    fee = registered_trainer()
    assert (fee.fee, fee.vat_rate) == (D("47.00"), D("8.50"))


def test_a_centre_that_never_said_is_billed_where_its_address_is(app: Flask) -> None:
    unsaid("5 rue du Port, 97200 Fort-de-France")
    registered(MARIE)
    assert db.session.scalars(select(Registration.vat_rate)).all() == [D("8.50")]
    unsaid("sans adresse")
    assert vat.rate_of(centre_id(), clock.today()) == D("20.00")


def test_the_first_word_on_it_holds_at_once_and_a_move_from_tomorrow_on(app: Flask) -> None:
    unsaid("")
    moved("97400", siret="12345678200010", vat_number="FR11123456782", street="1 rue A", e_address="123456782")
    assert profiles.territories(centre_id()) == (Territory.REUNION, Territory.REUNION)
    moved("97300")
    assert profiles.territories(centre_id()) == (Territory.REUNION, Territory.GUYANE)
    moved("69001")  # on second thoughts, the same day
    assert profiles.territories(centre_id()) == (Territory.REUNION, Territory.METROPOLE)
    moved("97410")
    assert profiles.territories(centre_id()) == (Territory.REUNION, Territory.REUNION)


def test_the_contract_says_the_vat_of_its_centre(app: Flask) -> None:
    text = contract_text.compose(contract_text.latest(), here(), clock.today())
    assert "25,34 € HT, TVA 20 %" in text
    unsaid("5 rue du Port, 97200 Fort-de-France")
    assert "TVA 8,5 %" in contract_text.compose(contract_text.latest(), here(), clock.today())


def test_without_a_regime_nothing_is_registered_at_an_unknown_rate(app: Flask) -> None:
    db.session.execute(update(VatRegime).values(valid_to=date(2021, 12, 31)))
    db.session.commit()
    with pytest.raises(pricing.NoTariff, match="Aucun taux de TVA"):
        pricing.unit_prices(clock.today(), centre_id())


def test_a_vat_that_nobody_confirmed_is_told(app: Flask) -> None:
    regime = vat.regime_in(Territory.GUYANE, clock.today())
    [told] = missing.of_territory(Territory.GUYANE, regime)
    assert "Guyane" in told.sentence
    assert missing.of_territory(Territory.METROPOLE, vat.regime_in(Territory.METROPOLE, clock.today())) == []
