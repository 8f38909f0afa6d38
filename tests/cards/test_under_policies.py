"""The stories of a driver's card, address and data once more, on PostgreSQL under the application's own role."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.models.card import SUBMITTED
from app.services.cards import grounds as card_grounds
from tests.accounts import test_own_account_screens as account
from tests.cards import test_screens as cards
from tests.cards.making import AGENT, HOLDER, filled, marie
from tests.support import MARIE, registered_trainer


@pytest.fixture
def backend_name() -> str:
    """Let row-level security hold."""
    return "postgresql-role"


@pytest.fixture
def driver(client: FlaskClient, sign_in) -> FlaskClient:
    """Give the browser of MARTIN Marie."""
    return sign_in(client, HOLDER)


def test_the_whole_request(driver: FlaskClient) -> None:
    cards.test_from_the_space_to_the_request(driver)


def test_a_draft_given_up(driver: FlaskClient) -> None:
    cards.test_a_draft_is_given_up(driver)


def test_the_agent_s_decisions(app: Flask, driver: FlaskClient, sign_in) -> None:
    cards.test_an_agent_decides_on_screen(sign_in(app.test_client(), AGENT), driver)


def test_another_driver(app: Flask, sign_in) -> None:
    cards.test_another_driver_finds_nothing(app, sign_in)


def test_the_address_and_the_copy(app: Flask, driver: FlaskClient, sign_in) -> None:
    account.test_a_copy_is_asked_for_followed_and_fetched(app, driver, sign_in)
    account.test_the_address_is_changed_from_the_profile(app, driver)


def test_a_trainer_whose_centre_pays(driver: FlaskClient) -> None:
    who = {name: MARIE[name] for name in ("last_name", "first_name", "birth_date", "permit_number")}
    registered_trainer(**who)
    [ground] = card_grounds.grounds_of(marie())
    assert "Formateur, Marchandises" in driver.get("/mon-espace/").text
    request = filled(ground.id, ground.kind)
    page = driver.get(cards.at(request, "/recapitulatif")).text
    assert "Envoyer la demande" in page
    assert "qui a pris la redevance à sa charge" in page
    driver.post(cards.at(request, "/recapitulatif"))
    assert cards.state() == SUBMITTED
    assert "Centre de formation Démo" in driver.get(cards.at(request)).text
