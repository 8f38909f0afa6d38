"""Ceilings of order numbers: what they say before an import, what a blocking one stops, who is told as they come near."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.extensions import db
from app.models import Batch, InvoiceItem, Mail, OrderBudget, Registration
from app.services.billing import ceilings
from app.services.registration import analysis, confirm, spending
from app.services.rights import access
from tests.bases import UNDER_THE_ROLE
from tests.support import LEGAL, MARIE, PIERRE, centre_id, draft, many, person_id, registered, registered_trainer

from . import making

BACKENDS = UNDER_THE_ROLE
D = Decimal
SignIn = Callable[..., FlaskClient]


def limit(ceiling: str, *days: date | None, number: str = "COM1", blocking: bool = False) -> None:
    """Set a ceiling, as the representative; ``days``: its first and its last."""
    period = ceilings.Period(*days)
    ceilings.set_ceiling(centre_id(), number, D(ceiling), blocking, person_id(LEGAL), period)


def told() -> list[tuple[str, int]]:
    """Return who was told of a threshold, and which."""
    rows = db.session.execute(select(Mail).where(Mail.kind == "budget").order_by(Mail.id)).scalars()
    return [(row.recipient, row.values["share"]) for row in rows]


def test_an_order_number_costs_what_is_registered_under_it(app: Flask) -> None:
    registered(MARIE, PIERRE)
    registered_trainer(order="CMD 2")
    making.draft("COM1")
    limit("100.00")
    found = {use.order_number: use for use in ceilings.uses(centre_id())}
    com1 = found["COM1"]
    assert (com1.open, com1.drafted, com1.invoiced, com1.spent) == (D("50.68"), D("25.34"), D("0.00"), D("76.02"))
    assert (com1.left, com1.share) == (D("23.98"), 76)
    assert (found["CMD 2"].spent, found["CMD 2"].ceiling) == (D("47.00"), None)
    assert [use.order_number for use in ceilings.uses(centre_id())] == ["COM1", "CMD 2"]


def test_the_confirmation_says_what_is_spent_after_it(app: Flask) -> None:
    registered(MARIE)
    limit("60.00")
    batch_id = draft(PIERRE, *many(1))
    analysis.check(batch_id)
    [one] = spending.foreseen(db.session.get_one(Batch, batch_id))
    assert one.sentence == "Commande COM1 : 76,02\u00a0€ HT sur 60,00\u00a0€ après cet envoi"
    assert (one.is_over, one.is_blocked) == (True, False)
    confirm.register(batch_id, person_id())
    assert ceilings.uses(centre_id(), ["COM1"])[0].spent == D("76.02")


def test_a_blocking_ceiling_stops_what_would_pass_it_and_nothing_is_half_done(app: Flask) -> None:
    limit("50.68", blocking=True)
    registered(MARIE, PIERRE)
    batch_id = draft(*many(1))
    analysis.check(batch_id)
    assert spending.foreseen(db.session.get_one(Batch, batch_id))[0].is_blocked
    with pytest.raises(ceilings.OverCeiling, match="bloquant"):
        confirm.register(batch_id, person_id())
    db.session.rollback()
    assert len(db.session.execute(select(Registration.id)).all()) == 2
    assert db.session.get_one(Batch, batch_id).state == "ready"


def test_a_blocking_ceiling_that_is_passed_stops_no_other_order_number(app: Flask) -> None:
    registered(MARIE, PIERRE)
    limit("20.00", blocking=True)
    batch = registered({**many(1)[0], "order_number": "CMD 2"})
    assert batch.state == "registered"


def test_people_are_told_at_80_and_at_100_once_each(app: Flask) -> None:
    limit("60.00")
    registered(MARIE)
    assert told() == []
    registered(PIERRE)  # 84 %
    to = ["representant@demo.example", "comptabilite@centre-demo.example"]
    assert told() == [(one, 80) for one in to]
    registered(*many(1))  # 126 %
    registered(*many(2)[1:])
    assert told() == [(one, share) for share in (80, 100) for one in to]


def test_only_what_is_registered_on_its_days_counts_against_a_ceiling(app: Flask) -> None:
    registered(MARIE)
    making.draft("COM1")
    for table in (Registration, InvoiceItem):
        db.session.execute(update(table).values(registered_on=date(2021, 12, 31)))
    db.session.commit()
    registered(PIERRE)
    limit("60.00", date(2022, 1, 1), date(2022, 12, 31))
    [use] = ceilings.uses(centre_id())
    assert (use.spent, use.counted, use.left, use.share) == (D("76.02"), D("25.34"), D("34.66"), 42)
    assert (use.holds, use.is_over) == (True, False)
    registered(*many(1))
    assert {share for _, share in told()} == {80}
    limit("60.00", None, date(2021, 12, 31))
    assert ceilings.uses(centre_id())[0].counted == D("50.68")
    limit("60.00")
    assert ceilings.uses(centre_id())[0].counted == D("101.36")


@pytest.mark.parametrize("days", [(None, date(2022, 1, 9)), (date(2022, 1, 11), None)])
def test_a_ceiling_stops_and_tells_on_its_days_alone(
    app: Flask, monkeypatch: pytest.MonkeyPatch, days: tuple[date | None, date | None]
) -> None:
    limit("20.00", *days, blocking=True)
    batch_id = draft(MARIE)
    analysis.check(batch_id)
    assert spending.foreseen(db.session.get_one(Batch, batch_id)) == []
    assert registered(PIERRE).state == "registered"
    assert told() == []
    monkeypatch.setitem(app.config, "TODAY", days[0] or days[1])
    with pytest.raises(ceilings.OverCeiling):
        registered(*many(1))


def test_a_period_that_ends_before_it_begins_is_none(app: Flask) -> None:
    with pytest.raises(ceilings.BadCeiling, match="précède") as refused:
        limit("20.00", date(2022, 1, 2), date(2022, 1, 1))
    assert refused.value.field == "valid_to"
    assert db.session.execute(select(OrderBudget)).first() is None


def test_who_may_and_what_is_no_ceiling(app: Flask) -> None:
    with pytest.raises(access.NotAllowed):
        ceilings.set_ceiling(centre_id(), "COM1", D("10.00"), False, person_id())
    for number, amount in (("", D("1.00")), ("a" * 51, D("1.00")), ("COM1", None), ("COM1", D("0.00"))):
        with pytest.raises(ceilings.BadCeiling):
            ceilings.set_ceiling(centre_id(), number, amount, False, person_id(LEGAL))
    assert db.session.execute(select(OrderBudget)).first() is None


def test_the_screen(app: Flask, client: FlaskClient, sign_in: SignIn) -> None:
    sign_in(client, LEGAL)
    assert "Aucune commande pour le moment" in client.get("/consommation/").text
    bad = client.post("/consommation/plafond", data={"order_number": "COM1", "ceiling": "beaucoup"})
    assert (bad.status_code, "data-error-summary" in bad.text) == (422, True)
    assert client.post("/consommation/plafond", data={}).status_code == 422
    client.post("/consommation/plafond", data={"order_number": "COM1", "ceiling": "30,00", "blocking": "y"})
    page = client.get("/consommation/").text
    for said in ("COM1", "30,00", "bloquant"):
        assert said in page, said
    ends = {"order_number": "COM2", "ceiling": "30,00", "valid_from": "01/02/2022", "valid_to": "31/12/2022"}
    for wrong, said in (("45/01/2022", "JJ/MM/AAAA"), ("01/01/2022", "Le dernier jour précède le premier.")):
        bad = client.post("/consommation/plafond", data={**ends, "valid_to": wrong})
        assert (bad.status_code, said in bad.text) == (422, True), wrong
    assert client.post("/consommation/plafond", data=ends).status_code == 302
    assert "du 01/02/2022 au 31/12/2022, à venir" in client.get("/consommation/").text
    form = client.get("/consommation/?commande=COM2").text
    assert all(f'value="{value}"' in form for value in ("COM2", "30,00", "01/02/2022", "31/12/2022"))
    batch_id = draft(MARIE, PIERRE)
    analysis.check(batch_id)
    key = db.session.get_one(Batch, batch_id).key
    db.session.commit()
    page = client.get(f"/sessions/{key}/confirmation").text
    assert "Le plafond est bloquant" in page
    answer = client.post(f"/sessions/{key}/importer", follow_redirects=True).text
    assert "le plafond de la commande est bloquant" in answer
    client.post("/consommation/plafond/retirer", data={"commande": "COM1"})
    assert "bloquant" not in client.get("/consommation/").text
    sign_in(other := app.test_client(), "gestionnaire@demo.example")
    assert "Cette page n’est pas ouverte" in other.get("/consommation/").text
    assert other.post("/consommation/plafond", data={}).status_code == 403
