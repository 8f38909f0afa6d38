"""What is asked of a list has a sense or is an error at its field: never the full list, on screen and in its export alike."""

from __future__ import annotations

import csv
import io

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder import ModelView

from tests.crud.test_backoffice_screens import AGENT, LEGAL, MANAGER, ROLE
from tests.imports.importing import FIRST, analysed
from tests.registration.wizard_path import on_draft
from tests.support import MARIE, PIERRE, registered

DAYS = ("since", "until", "on")
NO_DAYS = ("31/02/2022", "00/00/2022", "2022", "abc", "31/12/22", "99/99/9999", "²²/01/2022")
NO_CHOICES = ("abc", "99999999", "-1", "0", "²", "1 OR 1=1", "OUI", "99999999999999999999")


def _views(app: Flask, email: str) -> list[ModelView]:
    return [one for one in app.appbuilder.baseviews if isinstance(one, ModelView) and ROLE[one.route_base] == email]


def _has_export(view: ModelView) -> bool:
    return view.include_route_methods is None or "export" in view.include_route_methods


def _refused(browser: FlaskClient, address: str, question: str, text: str) -> None:
    page = browser.get(address, query_string={f"_flt_0_{question}": text})
    where = (address, question, text)
    assert page.status_code == 422, where
    assert page.mimetype == "text/html", where
    assert f'id="search-_flt_0_{question}-error"' in page.text, where
    assert f'href="#search-_flt_0_{question}"' in page.text, where
    assert "<title>Erreur : " in page.text, where
    assert "<table" not in page.text, where


@pytest.mark.parametrize("email", [AGENT, MANAGER, LEGAL])
def test_what_means_nothing_is_an_error_at_its_field(app: Flask, client: FlaskClient, sign_in, email: str) -> None:
    registered(MARIE, PIERRE)
    browser, tried = sign_in(client, email), 0
    for view in _views(app, email):
        doors = ["list/", *(["export.csv", "export.xlsx"] if _has_export(view) else [])]
        for question, asked in view.datamodel.questions.items():
            texts = (*(NO_CHOICES if asked.choices else NO_DAYS if question in DAYS else ()), "x" * 101)
            for text in texts:
                _refused(browser, f"{view.route_base}/list/", question, text)
                tried += 1
            for door in doors:
                _refused(browser, f"{view.route_base}/{door}", question, texts[0])
    assert tried > 15


@pytest.mark.parametrize(
    "query",
    [
        "_flt_0_nothing=1", "_flt_0_=1", "_flt_0_words=a&_flt_0_words=b", "_flt_0_words=&_flt_0_words=", "_flt_1_words=a",
        "_flt_words=a", "psize_{v}=0", "psize_{v}=101", "_od_{v}=down", "_oc_{v}=password&_od_{v}=asc",
    ],
)  # fmt: skip
@pytest.mark.parametrize("door", ["list/", "export.csv"])
def test_a_filter_a_list_does_not_have_is_refused(client: FlaskClient, sign_in, query: str, door: str) -> None:
    browser = sign_in(client, AGENT)
    for address, view in (("/enregistrements", "RegistrationsView"), ("/centres", "CentresView")):
        assert browser.get(f"{address}/{door}?{query.format(v=view)}").status_code == 400, address


def test_an_empty_question_and_a_possible_one_are_answered(client: FlaskClient, sign_in) -> None:
    registered(MARIE, PIERRE)
    browser = sign_in(client, AGENT)
    for query in (
        "_flt_0_training=&_flt_0_since=&_flt_0_words=%E2%80%AE",
        "_flt_0_since=1-1-2022&_flt_0_until=31122099",
    ):
        page = browser.get(f"/enregistrements/list/?{query}")
        assert page.status_code == 200
        assert page.text.count("<tr") == 3
        sent = browser.get(f"/enregistrements/export.csv?{query}").data.decode("utf-8-sig")
        assert len(list(csv.reader(io.StringIO(sent), delimiter=";"))) == 3
    for bound in ("_flt_0_since=01/01/0001", "_flt_0_until=31/12/9999"):
        assert browser.get(f"/journal/list/?{bound}").text.count("<tr") > 1


def test_a_faulty_search_can_be_mended_where_it_is_told(client: FlaskClient, sign_in) -> None:
    page = sign_in(client, AGENT).get("/enregistrements/export.csv?_flt_0_since=31/02/2022&_flt_0_words=martin").text
    assert 'action="/enregistrements/list/"' in page
    assert 'value="31/02/2022"' in page
    assert 'value="martin"' in page
    assert "Ce n’est pas une date possible : JJ/MM/AAAA est attendu." in page


@pytest.mark.parametrize(
    "typed",
    ["123.456.782.00010", "123 456 782 00010", "123-456-782", "123.456.782", "123.456", "782/00010", "12345678200010"],
)
@pytest.mark.parametrize("address", ["/centres", "/agrements", "/contrats", "/gestionnaires", "/representants"])
def test_a_siret_is_found_however_it_is_typed(client: FlaskClient, sign_in, address: str, typed: str) -> None:
    page = sign_in(client, AGENT).get(f"{address}/list/", query_string={"_flt_0_words": f"démo {typed}"}).text
    assert "<table" in page, (address, typed)
    assert "Centre de formation Démo" in page[page.index("<table") :]


def test_the_figures_of_a_siret_stay_together(client: FlaskClient, sign_in) -> None:
    browser = sign_in(client, AGENT)
    assert "<table" not in browser.get("/centres/list/", query_string={"_flt_0_words": "456 123 782"}).text


def test_a_word_that_narrows_no_report_shows_no_line(client: FlaskClient, sign_in) -> None:
    path = on_draft(sign_in(client, MANAGER), MARIE)
    assert "MARTIN" in path.get("controle").text
    for word in ("tout", "Erreurs", "erreurs "):
        assert "MARTIN" not in path.get("controle", gravite=word).text, word
    address = analysed(client, FIRST)
    assert client.get(f"{address}?gravite=erreurs").status_code == 200
    assert client.get(f"{address}?gravite=tout").status_code == 400


def test_a_state_that_files_never_have_is_refused(client: FlaskClient, sign_in) -> None:
    assert sign_in(client, MANAGER).get("/imports/?etat=tous").status_code == 400


def test_the_history_of_every_card_is_a_question_the_journal_knows(app: Flask, client: FlaskClient, sign_in) -> None:
    browser = sign_in(client, AGENT)
    account = browser.get("/comptes/show/1").text
    assert "_flt_0_kind=person" in account
    for view in _views(app, AGENT):
        if view.route_base in ("/journal", "/representants", "/gestionnaires"):
            continue
        kind = {"ab_user": "person"}.get(view.datamodel.obj.__tablename__, view.datamodel.obj.__tablename__)
        assert browser.get(f"/journal/list/?_flt_0_kind={kind}&_flt_0_about=1").status_code == 200, kind
