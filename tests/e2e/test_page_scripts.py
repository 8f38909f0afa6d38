"""Dates, dialogs, error summaries and menus, in a real Chromium that the application answers without a server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from flask import Flask, render_template_string
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, Route, expect
from werkzeug.datastructures import MultiDict
from wtforms import Form, StringField
from wtforms.validators import InputRequired

pytestmark = pytest.mark.browser
HOST = "http://registre.test"
TEMPLATE = """{% extends "base.html" %}{% import "macros/ui.html" as ui %}{% import "macros/forms.html" as forms %}
{% block page_title %}Essai{% endblock %}
{% block content %}{{ forms.error_summary(form) }}<h1>Essai</h1>
<form method="get" action="/aide/" novalidate data-unsaved>
{{ forms.date_field(form.birth_date) }}{{ forms.field(form.last_name) }}
<button type="submit">Ajouter</button> <button type="button" data-dialog="sure">Importer…</button></form>
{% call ui.confirm("sure", "Confirmation", "/aide/", "Importer 3 lignes — 76,02 € HT") %}
<p>Vous êtes sur le point d’importer.</p>{% endcall %}
{% endblock %}"""


class Sample(Form):
    """A birth date and a name, both needed."""

    birth_date = StringField("Date de naissance", [InputRequired("Date de naissance non renseignée")])
    last_name = StringField("Nom", [InputRequired("Nom non renseigné")])


@pytest.fixture
def chromium(browser: Browser) -> Callable[[], Page]:
    """Give fresh pages of the one browser."""
    return lambda: browser.new_context(locale="fr-FR").new_page()


@pytest.fixture
def show(
    app: Flask, client: FlaskClient, chromium: Callable[[], Page], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Page]]:
    """Give ``show(**typed)``: the sample page in the browser, checked where something was typed."""
    typed: dict[str, str] = {}

    def sample() -> str:
        form = Sample(MultiDict(typed))
        if typed:
            form.validate()
        return render_template_string(TEMPLATE, form=form)

    monkeypatch.setitem(app.view_functions, "pages.accessibility", sample)
    page = chromium()
    page.route("**/*", lambda route: _answer(route, client))

    def open_page(**values: str) -> Page:
        typed.update(values)
        page.goto(f"{HOST}/accessibilite/")
        return page

    yield open_page
    page.context.close()


def _answer(route: Route, client: FlaskClient) -> None:
    """Let the application answer what the browser asks."""
    parts = urlsplit(route.request.url)
    with client.open(parts.path, query_string=parts.query, method=route.request.method) as response:
        route.fulfill(status=response.status_code, headers=dict(response.headers), body=response.data)


@pytest.mark.parametrize("typed", ["27031990", "27-03-1990", "27.3.1990", "27/3/1990", "1990-03-27", " 27/03/1990 "])
def test_a_date_is_put_in_order_on_leaving_the_field(show: Callable[..., Page], typed: str) -> None:
    page = show()
    page.fill("#birth_date", typed)
    page.focus("#last_name")
    expect(page.locator("#birth_date")).to_have_value("27/03/1990")


@pytest.mark.parametrize("typed", ["27/03/90", "demain", "2703199", "1990"])
def test_what_is_no_full_date_stays_as_typed(show: Callable[..., Page], typed: str) -> None:
    page = show()
    page.fill("#birth_date", typed)
    page.focus("#last_name")
    expect(page.locator("#birth_date")).to_have_value(typed)


def test_enter_sends_the_date_in_order(show: Callable[..., Page]) -> None:
    page = show()
    page.fill("#birth_date", "27031990")
    page.keyboard.press("Enter")
    page.wait_for_url("**/aide/**")
    assert "birth_date=27%2F03%2F1990" in page.url


def test_a_day_chosen_in_the_calendar_is_written_in_the_field(show: Callable[..., Page]) -> None:
    page = show()
    expect(page.get_by_role("button", name="Ouvrir le calendrier : date de naissance")).to_be_visible()
    page.eval_on_selector(
        ".joined__picker",
        "picker => { picker.value = '2001-02-03'; picker.dispatchEvent(new Event('change', { bubbles: true })) }",
    )
    expect(page.locator("#birth_date")).to_have_value("03/02/2001")
    expect(page.locator("#birth_date")).to_be_focused()


def test_a_dialog_begins_on_cancel_and_gives_the_focus_back(show: Callable[..., Page]) -> None:
    page = show()
    page.get_by_role("button", name="Importer…").click()
    dialog = page.get_by_role("dialog", name="Confirmation")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("button", name="Importer 3 lignes — 76,02 € HT")).to_be_visible()
    expect(dialog.get_by_role("button", name="Annuler")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Importer…")).to_be_focused()


def test_an_error_summary_has_the_focus_and_leads_to_its_fields(show: Callable[..., Page]) -> None:
    page = show(birth_date="27/03/1990", last_name="")
    assert page.title() == "Erreur : Essai – Registre CQC"
    expect(page.locator("[data-error-summary]")).to_be_focused()
    page.get_by_role("link", name="Nom non renseigné").click()
    expect(page.locator("#last_name")).to_be_focused()


def test_leaving_with_something_typed_and_not_sent_asks_first(show: Callable[..., Page]) -> None:
    page = show()
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.locator("#last_name").press_sequentially("D")
    page.get_by_role("link", name="Aide").click()
    page.wait_for_url("**/aide/")
    assert asked == ["beforeunload"]


def test_nothing_is_refused_by_the_content_policy(show: Callable[..., Page]) -> None:
    page = show()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.reload(wait_until="networkidle")
    assert [text for text in complaints if "Content Security Policy" in text] == []
    ink = page.eval_on_selector(".joined__btn .icon use", "use => use.getBoundingClientRect().width")
    assert ink > 0, "icons of the sprite are not drawn"


def test_a_narrow_screen_does_not_scroll_sideways(show: Callable[..., Page]) -> None:
    page = show(birth_date="x", last_name="")
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_the_menu_closes_on_escape_and_gives_the_focus_back(
    show: Callable[..., Page], client: FlaskClient, sign_in: Callable[..., FlaskClient]
) -> None:
    sign_in(client, "gestionnaire@demo.example")
    page = show()
    page.locator(".menu--who summary").click()
    expect(page.get_by_role("button", name="Se déconnecter")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Se déconnecter")).to_be_hidden()
    expect(page.locator(".menu--who summary")).to_be_focused()
