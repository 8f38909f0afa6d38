"""French throughout: every page that each person may open is walked for the words of Flask-AppBuilder and of browsers."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support import MARIE, PIERRE, draft, registered

PEOPLE = ("agent", "representant", "gestionnaire", "sansdroit", "conducteur")
ENGLISH = re.compile(
    r"\b(Add|Edit|Show|List|Delete|Search|Save|Record|Filter|Actions? on|Back|Are you sure|Not a valid|This field|is required|"
    r"Page size|No records|Access is|Row|An error|occurred|Order by|None|True|False|Download|Upload|Submit|Cancel|Yes|"
    r"Login|Sign in|Password|User|Welcome|First name|Last name|Email|Is active|Active\?|Created|Changed|Invalid|Not found|"
    r"Internal Server Error|Forbidden|Unauthorized|the|with|from|your|please)\b"
)
#: English words that are names: addresses of examples, the API's own language.
ALLOWED = re.compile(r"[\w.+-]+@[\w.-]+|https?://\S+|Bearer \S+|GET|POST|If-None-Match")
#: Pages in the language of programs, and files.
ASIDE = re.compile(
    r"^/(static|appbuilder|api/|aide/api|lang/|healthz|readyz|robots|logout|metrics|imports/modele)|export\."
)


def words_of(page: str) -> str:
    """Return what a page says to people, its attributes that are read out included, without its markup."""
    body = re.sub(
        r"(?s)<(script|style|code|pre)\b.*?</\1>|<q lang=\"en\">.*?</q>", " ", page
    )  # what is quoted in English
    read_out = " ".join(re.findall(r'(?:aria-label|title|placeholder|alt)="([^"]*)"', body))
    return ALLOWED.sub(" ", re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body) + " " + read_out))


def addresses(app: Flask) -> list[str]:
    """Return the addresses that need no row's name."""
    rules = [rule.rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and not rule.arguments]
    return sorted(rule for rule in rules if not ASIDE.search(rule))


@pytest.mark.parametrize("who", ["", *PEOPLE])
def test_no_english_is_left_on_any_screen(app: Flask, client: FlaskClient, sign_in, who: str) -> None:
    registered(MARIE, PIERRE)
    draft(PIERRE)
    browser = sign_in(client, f"{who}@demo.example") if who else client
    opened = 0
    for address in addresses(app):
        page = browser.get(address)
        if page.mimetype != "text/html" or page.status_code in (301, 302):
            continue
        opened += page.status_code == 200
        assert '<html lang="fr">' in page.text or "<html" not in page.text, address
        assert not ENGLISH.findall(words_of(page.text)), address
    assert opened > 5


@pytest.mark.parametrize("address", ["/nulle-part", "/centres/show/999999", "/centres/list/?psize_CentresView=x"])
def test_refusals_are_french(client: FlaskClient, sign_in, address: str) -> None:
    page = sign_in(client, "agent@demo.example").get(address)
    assert page.status_code in (400, 404)
    assert not ENGLISH.findall(words_of(page.text))


@pytest.mark.parametrize(
    "address", ["/centres/add", "/agrements/add", "/catalogue/add", "/tarifs/add", "/conducteurs/add"]
)
def test_forms_refuse_in_french(client: FlaskClient, sign_in, address: str) -> None:
    browser = sign_in(client, "agent@demo.example")
    for data in ({}, {"siret": "1", "valid_from": "31/02/2022", "amount": "x", "hours": "x", "birth_date": "hier"}):
        page = browser.post(address, data=data)
        assert page.status_code == 422
        assert not ENGLISH.findall(words_of(page.text)), (address, data)
