"""The dashboards on screen: who lands where, what the figures are, the trend in words."""

from __future__ import annotations

import re
from datetime import date

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from app.extensions import db
from app.models import Breach, Document
from app.models.registration import MISSING
from app.services.core import clock
from app.services.reporting import waiting as counted
from app.services.reporting.volumes import Month
from app.views.reporting.charts import trend
from tests.cards.making import sent
from tests.support import MARIE, PIERRE, draft, registered, registered_trainer, statements

AGENT, MANAGER, NEIGHBOUR = "agent@demo.example", "gestionnaire@demo.example", "voisin@demo.example"


def test_agents_land_on_their_dashboard(client: FlaskClient, sign_in) -> None:
    registered(MARIE, PIERRE)
    browser = sign_in(client, AGENT)
    assert browser.get("/").headers["Location"] == "/tableau-de-bord/"
    page = browser.get("/tableau-de-bord/").text
    assert "Tous les centres de formation." in page
    assert "50,68\u00a0€" in page
    assert (
        'aria-label="Enregistrements par mois : de 0 en février 2021 à 2 en janvier 2022 ; 2 en janvier 2022."' in page
    )


def test_whatever_waits_for_an_agent_is_counted_and_led_to(client: FlaskClient, sign_in) -> None:
    sent()
    db.session.execute(update(Document).values(fault=MISSING))
    now = clock.machine_now()
    db.session.add(Breach(code="mail.twice", words="Deux fois", count=1, subjects=["1"], since=now, seen_at=now))
    db.session.commit()
    registered_trainer(birth_date=MARIE["birth_date"], permit_number=MARIE["permit_number"])
    waiting = counted.counts()
    assert (waiting["droits"], waiting["fichiers"], waiting["cartes"]) == (1, 2, 1)
    browser = sign_in(client, AGENT)
    page, parts = browser.get("/tableau-de-bord/").text, browser.get("/a-traiter/").text
    assert set(re.findall(r'href="/a-traiter/#(\w+)"', page)) == {name for name, count in waiting.items() if count}
    for name in waiting:
        assert f'<h2 id="{name}">' in parts
    tile = re.search(r"<dt>À traiter</dt>\s*<dd[^>]*>\s*([\d ]+)", page)
    assert tile, page
    assert int(tile[1]) == sum(waiting.values())


@pytest.mark.parametrize(("page", "most"), [("/tableau-de-bord/", 12), ("/a-traiter/", 20)])
def test_what_waits_is_counted_once_a_page_and_read_where_something_does(
    client: FlaskClient, sign_in, page: str, most: int
) -> None:
    """The page and the menu beside it show the same count."""
    agent = sign_in(client, AGENT)
    agent.get(page)
    with statements() as seen:
        assert agent.get(page).status_code == 200
    assert len([one for one in seen if "FROM identity_check" in one]) == 1
    assert len(seen) < most


def test_a_centre_sees_its_own_figures_and_receipts(client: FlaskClient, sign_in) -> None:
    batch = registered(MARIE, PIERRE)
    draft(MARIE)
    number = str(batch.receipt_number)
    page = sign_in(client, MANAGER).get("/tableau-de-bord/").text
    assert number in page
    assert "à reprendre, 1 conducteur" in page
    assert "/mes-conducteurs/sans-compte/" in page
    client.post("/logout/")
    other = sign_in(client, NEIGHBOUR).get("/tableau-de-bord/").text
    assert number not in other
    assert "Aucun enregistrement en 2022." in other
    assert "Aucun enregistrement depuis douze mois." in other


@pytest.mark.parametrize(
    ("highest", "axis"),
    [(0, [0, 1]), (3, [0, 1, 2, 3]), (26, [0, 10, 20, 30]), (274, [0, 100, 200, 300]), (21_250, None)],
)
def test_the_axis_of_a_trend_has_round_numbers(highest: int, axis: list[int] | None) -> None:
    chart = trend([Month(date(2021, month, 1), highest if month == 6 else 0) for month in range(1, 13)])
    assert [count for _, count in chart.axes] == (axis or [0, 5_000, 10_000, 15_000, 20_000, 25_000])
    assert all(0 <= bar.y <= 190 and bar.height >= 0 for bar in chart.bars)
    assert [bar.current for bar in chart.bars] == [False] * 11 + [True]
