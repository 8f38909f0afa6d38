"""A sign-in that ends loses nothing that stands in the fields, and shows it to nobody else."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_wtf import FlaskForm
from sqlalchemy import select
from werkzeug.test import TestResponse
from wtforms import Form, PasswordField

from app.extensions import db
from app.models.person import KeptForm
from app.services.accounts import kept_forms
from app.services.accounts.kept_forms import Sent
from app.services.core import clock
from app.services.registration import drafts
from app.views.shell import sign_ins
from app.views.shell.resume.refill import put_back
from tests.bases import UNDER_THE_ROLE
from tests.conftest import PASSWORD
from tests.imports.importing import FIRST, analysed
from tests.registration.wizard_path import HTMX, Path, on_draft
from tests.shortcuts import token
from tests.support import MARIE, PIERRE, person_id

BACKENDS = UNDER_THE_ROLE
MANAGER, LEGAL, NEIGHBOUR = "gestionnaire@demo.example", "representant@demo.example", "voisin@demo.example"
BACK = "est de retour dans les champs"


@pytest.fixture(autouse=True)
def forms_have_tokens(app: Flask) -> None:
    """Have every form prove that it was drawn here."""
    app.config["WTF_CSRF_ENABLED"] = True


def enter(browser: FlaskClient, email: str = MANAGER, address: str = "/login/") -> TestResponse:
    """Sign in by the form at this address."""
    data = {"username": email, "password": PASSWORD, "csrf_token": token(browser, address)}
    answer = browser.post(address, data=data)
    assert answer.status_code == 302, answer.text
    return answer


@pytest.fixture
def manager(client: FlaskClient) -> FlaskClient:
    """Give the browser of the manager of the demonstration centre."""
    enter(client)
    return client


@pytest.fixture
def other(app: Flask) -> FlaskClient:
    """Give another browser."""
    return app.test_client()


def end_elsewhere(other: FlaskClient) -> None:
    """« Déconnecter mes autres sessions » in another browser of the manager's."""
    enter(other)
    sent = {"csrf_token": token(other, "/mon-profil/")}
    assert other.post("/mon-profil/autres-sessions", data=sent).status_code == 302


def idle(_other: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a day go by without a request."""
    now = sign_ins.time.time()
    monkeypatch.setattr(sign_ins.time, "time", lambda: now + 9 * 3600)


def fields(page: TestResponse) -> dict[str, str]:
    """Return name → value of the text fields of a page."""
    assert page.status_code == 200, page.text
    tags = re.findall(r"<input [^>]*>", page.text)
    pairs = [(re.search(r' name="([^"]*)"', tag), re.search(r' value="([^"]*)"', tag)) for tag in tags]
    return {name[1]: unescape(value[1]) for name, value in pairs if name and value}


def sent_line(path: Path, **more: str) -> dict[str, str]:
    """Return the form of step 2 filled in for Pierre."""
    return {**PIERRE, "csrf_token": token(path.client, f"/sessions/{path.key}/conducteurs"), **more}


def next_of(answer: TestResponse) -> str:
    """Return where the sign-in will lead."""
    assert answer.status_code == 303, answer.text
    parts = urlsplit(answer.headers["Location"])
    assert parts.path == "/login/"
    return parse_qs(parts.query)["next"][0]


@pytest.mark.parametrize("how", ["elsewhere", "idle", "no cookie"])
def test_the_line_typed_is_back_in_its_fields_after_signing_in_again(
    manager: FlaskClient, other: FlaskClient, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    path = on_draft(manager, MARIE)
    line = sent_line(path)
    if how == "elsewhere":
        end_elsewhere(other)
    elif how == "idle":
        idle(other, monkeypatch)
    else:
        manager.delete_cookie("session")
    back = next_of(path.post("lignes", line))
    assert drafts.line_count(path.batch.id) == 1
    assert enter(manager, address=f"/login/?next={back}").headers["Location"] == back
    page = manager.get(back)
    assert fields(page).items() >= PIERRE.items()
    assert BACK in page.text
    assert "rien n’a été enregistré" in page.text
    assert fields(page)["csrf_token"] != line["csrf_token"]
    assert path.post("lignes", {**line, "csrf_token": fields(page)["csrf_token"]}).status_code == 302
    assert drafts.line_count(path.batch.id) == 2


@pytest.mark.parametrize("email", [LEGAL, NEIGHBOUR, "agent@demo.example"])
def test_another_person_who_signs_in_on_that_browser_never_sees_it(
    manager: FlaskClient, other: FlaskClient, email: str
) -> None:
    path = on_draft(manager, MARIE)
    line = sent_line(path)
    end_elsewhere(other)
    back = next_of(path.post("lignes", line))
    enter(manager, email, address=f"/login/?next={back}")
    for address in (back, f"/?{urlsplit(back).query}", f"/mon-profil/?{urlsplit(back).query}"):
        page = manager.get(address, follow_redirects=True)
        assert PIERRE["permit_number"] not in page.text
        assert "de retour" not in page.text
    # … nor does a form drawn for the first person do anything, or keep anything, in the hands of the second.
    assert path.post("lignes", line).status_code == 400
    assert drafts.line_count(path.batch.id) == 1
    assert db.session.query(KeptForm).count() == 1


def test_a_form_of_an_ended_sign_in_comes_back_to_who_signed_in_again_in_another_tab(
    manager: FlaskClient, other: FlaskClient
) -> None:
    path = on_draft(manager, MARIE)
    line = sent_line(path)
    end_elsewhere(other)
    enter(manager)  # the second tab
    answer = path.post("lignes", line)
    assert answer.status_code == 303
    page = manager.get(answer.headers["Location"])
    assert fields(page).items() >= PIERRE.items()
    assert drafts.line_count(path.batch.id) == 1
    answer = path.post("lignes/champ", {**line, "champ": "last_name"}, htmx=True)
    assert answer.status_code == 200
    assert fields(manager.get(answer.headers["HX-Redirect"])).items() >= PIERRE.items()


def test_a_field_that_is_judged_while_typing_leads_the_window_to_the_sign_in_and_back(
    manager: FlaskClient, other: FlaskClient
) -> None:
    path = on_draft(manager, MARIE)
    line = {**sent_line(path), "champ": "last_name"}
    end_elsewhere(other)
    here = {**HTMX, "HX-Current-URL": f"http://localhost/sessions/{path.key}/conducteurs?ligne=1"}
    answer = manager.post(f"/sessions/{path.key}/lignes/champ", data=line, headers=here)
    assert answer.status_code == 401
    back = parse_qs(urlsplit(answer.headers["HX-Redirect"]).query)["next"][0]
    assert back.startswith(f"/sessions/{path.key}/conducteurs?ligne=1&reprise=")
    enter(manager)
    assert fields(manager.get(back)).items() >= PIERRE.items()


def test_pasted_rows_come_back_as_their_preview_with_what_was_typed_in_its_cells(
    manager: FlaskClient, other: FlaskClient
) -> None:
    path = on_draft(manager)
    known = {"csrf_token": token(manager, f"/sessions/{path.key}/coller")}
    rows = "Jean\tPETIT\t01/02/1980\t123456789\nLuc\tGRAND\t01/02/1981\t12"
    pasted = {**known, "text": rows, "reference": "", "order_number": "COM9"}
    typed = {**pasted, "grille": "1", "case-1-permit_number": "223456789"}
    end_elsewhere(other)
    first = next_of(path.post("coller", pasted))
    second = next_of(path.post("lignes/coller", typed))
    enter(manager)
    page = manager.get(first)
    assert "Aperçu des lignes collées" in page.text
    assert fields(page)["case-1-permit_number"] == "12"
    assert BACK in page.text
    assert fields(manager.get(second))["case-1-permit_number"] == "223456789"
    assert drafts.line_count(path.batch.id) == 0


def test_what_stands_for_all_lines_and_in_faulty_cells_comes_back(manager: FlaskClient, other: FlaskClient) -> None:
    path = on_draft(manager, {**MARIE, "permit_number": "x"})
    known = {"csrf_token": token(manager, f"/sessions/{path.key}/conducteurs"), "page": "1"}
    end_elsewhere(other)
    shared = next_of(path.post("lignes/communs", {**known, "commun-order_number": "COM77", "commun-replace": "y"}))
    cells = next_of(path.post("verifier", {**known, "case-1-permit_number": "850492100123"}))
    enter(manager)
    page = manager.get(shared)
    assert fields(page)["commun-order_number"] == "COM77"
    assert re.search(r'name="commun-replace"[^>]* checked', page.text)
    assert fields(manager.get(cells))["case-1-permit_number"] == "850492100123"


def test_a_cell_of_a_report_comes_back_as_it_was_typed(manager: FlaskClient, other: FlaskClient) -> None:
    manager.application.config["WTF_CSRF_ENABLED"] = False
    address = analysed(manager, FIRST)
    manager.application.config["WTF_CSRF_ENABLED"] = True
    known = {"csrf_token": token(manager, address), "champ": "last_name", "valeur": "DURAND-ZZ", "partout": "1"}
    end_elsewhere(other)
    here = {**HTMX, "HX-Current-URL": f"http://localhost{address}?gravite=erreurs"}
    answer = manager.post(f"{address}/lignes/1", data=known, headers=here)
    back = parse_qs(urlsplit(answer.headers["HX-Redirect"]).query)["next"][0]
    enter(manager)
    page = manager.get(back)
    assert fields(page)["valeur"] == "DURAND-ZZ"
    assert fields(page)["champ"] == "last_name"
    assert "DURAND-ZZ" not in manager.get(address).text


def test_an_act_without_a_field_is_not_done_and_the_page_says_so(manager: FlaskClient, other: FlaskClient) -> None:
    path = on_draft(manager, PIERRE)
    known = {"csrf_token": token(manager, f"/sessions/{path.key}/controle"), "version": "1"}
    end_elsewhere(other)
    where = {"Referer": f"http://localhost/sessions/{path.key}/controle"}
    answer = manager.post(f"/sessions/{path.key}/importer", data=known, headers=where)
    back = next_of(answer)
    enter(manager)
    page = manager.get(back, follow_redirects=True)
    assert "rien n’a été enregistré" in page.text
    assert BACK not in page.text
    assert path.batch.state == "draft"


def test_what_finds_no_field_can_be_copied(manager: FlaskClient) -> None:
    with manager:
        key = kept_forms.keep(person_id(MANAGER), [Sent("/nulle-part", (("note", "Un <long> texte"), ("page", "12")))])
    page = manager.get(f"/mon-profil/?reprise={key}")
    assert "<li>Un &lt;long&gt; texte</li>" in page.text
    assert "<li>12</li>" not in page.text
    assert BACK not in page.text
    led = manager.get(f"/?reprise={key}")
    assert f"reprise={key}" in led.headers["Location"]


def test_passwords_are_never_kept_and_fields_are_kept_encrypted(manager: FlaskClient, other: FlaskClient) -> None:
    known = token(manager, "/mon-profil/")
    end_elsewhere(other)
    secret = {"current": PASSWORD, "password": "girafe-lampe-nuage-72", "again": "girafe-lampe-nuage-72"}
    answer = manager.post("/mon-profil/", data={**secret, "csrf_token": known})
    assert answer.status_code == 302
    assert db.session.query(KeptForm).count() == 0
    manager.post("/mon-profil/", data={**secret, "csrf_token": known, "note": "ZZMOT"})
    row = db.session.execute(select(KeptForm)).scalar_one()
    assert "ZZMOT" not in row.forms
    assert [one.fields for one in kept_forms.find(row.key, person_id(MANAGER))] == [(("note", "ZZMOT"),)]
    assert kept_forms.find(row.key, person_id(LEGAL)) == []


def forms_of(base: type) -> set[type]:
    """Return the forms below one."""
    below = {form for one in base.__subclasses__() for form in forms_of(one)}
    return {base, *below}


def test_every_password_field_of_the_program_is_among_those_never_kept(app: Flask) -> None:
    every = forms_of(Form) | forms_of(FlaskForm)
    names = {
        name
        for form in every
        for name in dir(form)
        if getattr(getattr(form, name, None), "field_class", None) is PasswordField
    }
    assert {"password", "current", "again"} <= names
    assert names <= kept_forms.NEVER


def test_only_the_last_five_are_kept_and_none_longer_than_a_day(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    person = person_id(MANAGER)
    keys = [kept_forms.keep(person, [Sent("/a", (("note", str(at)),))]) for at in range(7)]
    assert [bool(kept_forms.find(str(key), person)) for key in keys] == [False] * 2 + [True] * 5
    late = clock.machine_now() + timedelta(hours=25)
    monkeypatch.setattr(clock, "machine_now", lambda: late)
    assert kept_forms.find(str(keys[-1]), person) == []
    assert kept_forms.purge(dry_run=True) == 5
    assert kept_forms.purge() == 5
    assert db.session.query(KeptForm).count() == 0


def test_a_form_that_proves_no_person_is_refused_as_before(client: FlaskClient, other: FlaskClient) -> None:
    enter(other)
    path = on_draft(other, MARIE)
    for known in ("", "forged", token(client, "/login/")):
        answer = client.post(f"/sessions/{path.key}/lignes", data={**PIERRE, "csrf_token": known})
        assert answer.status_code == 400 or answer.headers["Location"].startswith("/login/?next=/")
        answer = client.post("/saisie-gardee/", json={"page": "/", "forms": []}, headers={"X-CSRFToken": known})
        assert answer.json == {"next": "/login/?next=/"}
    assert db.session.query(KeptForm).count() == 0


def typed(page: str, *forms: tuple[str, dict[str, str]]) -> dict[str, object]:
    """Return what the page's script sends."""
    return {"page": page, "forms": [{"action": action, "fields": list(form.items())} for action, form in forms]}


def test_what_a_script_hands_over_is_kept_for_the_person_of_the_page(manager: FlaskClient, other: FlaskClient) -> None:
    path = on_draft(manager, MARIE)
    page = f"/sessions/{path.key}/conducteurs"
    headers = {"X-CSRFToken": sent_line(path)["csrf_token"]}
    body = typed(
        page,
        (f"/sessions/{path.key}/lignes", PIERRE),
        (f"/sessions/{path.key}/lignes/communs", {"commun-reference": "R8"}),
    )
    end_elsewhere(other)
    answer = manager.post("/saisie-gardee/", json=body, headers=headers)
    back = parse_qs(urlsplit(answer.json["next"]).query)["next"][0]
    enter(manager)
    assert fields(manager.get(back)).items() >= {**PIERRE, "commun-reference": "R8"}.items()
    enter_other = manager.post("/saisie-gardee/", json=body, headers=headers)  # signed in again in another tab
    assert enter_other.json["next"].startswith(f"{page}?reprise=")
    for strange in ("//ailleurs.example/", "https://ailleurs.example/", "/login/", "/nulle-part", "javascript:x"):
        answer = manager.post("/saisie-gardee/", json={**body, "page": strange}, headers=headers)
        assert answer.json["next"].startswith("/?reprise="), strange


ODD = [
    "",
    "[]",
    "{}",
    '{"page": 1}',
    '{"page": "/", "forms": 5}',
    '{"page": "/", "forms": [{"action": "/a", "fields": [1]}]}',
    '{"page": "/", "forms": [{"action": "http://[", "fields": []}]}',
    '{"page": "/", "forms": [{"action": "/a", "fields": [["n", "\\ud800"]]}]}',
]


@pytest.mark.parametrize("body", ODD)
def test_what_no_page_sends_is_refused(client: FlaskClient, body: str) -> None:
    answer = client.post("/saisie-gardee/", data=body, content_type="application/json")
    assert answer.status_code in (200, 400)
    assert db.session.query(KeptForm).count() == 0


PAGE = """<form action="/a" method="post"><input name="x" value="1"><input name="x" value='2'>
<input type=checkbox name=c value="1" checked><input type="radio" name="r" value="a" checked/>
<input type="radio" name="r" value="b">
<textarea name="t">old</textarea><select name="s"><option value="a" selected>A</option><option value="b">B</option></select>
<input type="hidden" name="v" value="3"><input type="password" name="p"><button formaction="/autre">Autre</button></form>
<input name="far" form="loin"><form id="loin" action="/b"></form>"""


def test_fields_of_every_kind_are_filled_and_hidden_ones_left() -> None:
    sent = (("x", 'é"<1'), ("x", "two"), ("r", "b"), ("t", "l1\nl2</textarea>"), ("s", "b"), ("v", "9"), ("p", "no"))
    filled = put_back(PAGE, "/page", [Sent("/autre", sent), Sent("/b", (("far", "&"),))])
    assert filled.is_back
    assert filled.left == []
    for piece in (
        '<input name="x" value="é&quot;&lt;1"><input name="x" value="two">',
        '<input type=checkbox name=c value="1"><input type="radio" name="r" value="a"/>',
        '<input type="radio" name="r" value="a"/>\n<input type="radio" name="r" value="b" checked>',
        '<textarea name="t">\nl1\nl2&lt;/textarea&gt;</textarea>',
        '<option value="a">A</option><option value="b" selected>B',
        '<input type="hidden" name="v" value="3"><input type="password" name="p">',
        '<input name="far" form="loin" value="&amp;">',
    ):  # fmt: skip
        assert piece in filled.page
    assert put_back(PAGE, "/page", [Sent("/c", (("z", "lost"),))]).left == ["lost"]
