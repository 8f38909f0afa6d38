"""Errors and the border: French sentences, JSON for those who ask, fragments for htmx, nothing of the inside."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import NotFound

SignIn = Callable[..., FlaskClient]


def test_an_unknown_address_says_so_and_leads_back(client: FlaskClient) -> None:
    response = client.get("/nulle-part/")
    assert response.status_code == 404
    assert response.mimetype == "text/html"
    assert "Aucune page ne répond à cette adresse." in response.text
    assert 'href="/"' in response.text


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (400, "La demande reçue est incomplète ou mal formée."),
        (403, "Votre compte ne donne pas accès à cette page."),
        (409, "cette action n’est plus possible"),
        (413, "un fichier fait 10 Mo au plus"),
        (429, "Trop de demandes ont été reçues en peu de temps."),
        (500, "Le service a rencontré une erreur"),
        (503, "Le service ne peut pas répondre pour le moment."),
        (418, "La demande reçue est incomplète ou mal formée."),
    ],
)
def test_each_error_is_told_in_french(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, code: int, sentence: str
) -> None:
    monkeypatch.setitem(app.view_functions, "pages.help_page", lambda: abort(code))
    response = client.get("/aide/")
    assert response.status_code == code
    assert sentence in response.text
    assert "<h1>" in response.text


def test_a_screen_may_say_more_than_the_general_sentence(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.view_functions, "pages.help_page", lambda: abort(404, "Ce certificat n’existe pas."))
    assert "Ce certificat n’existe pas." in client.get("/aide/").text


def test_a_failure_shows_nothing_of_the_inside_and_reads_nothing_of_the_person(
    app: Flask, client: FlaskClient, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, "gestionnaire@demo.example")
    app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setitem(app.view_functions, "pages.help_page", lambda: 1 / 0)
    response = client.get("/aide/")
    assert response.status_code == 500
    assert "Le service a rencontré une erreur" in response.text
    for inside in ("Traceback", "ZeroDivisionError", "division", "gestionnaire@demo.example"):
        assert inside not in response.text


def test_a_wrong_method_says_which_are_right(client: FlaskClient) -> None:
    response = client.post("/aide/")
    assert response.status_code == 405
    assert "GET" in response.headers["Allow"]


@pytest.mark.parametrize(("address", "accept"), [("/nulle-part/", "application/json"), ("/api/nulle-part", "*/*")])
def test_json_is_answered_to_those_who_ask_for_it(client: FlaskClient, address: str, accept: str) -> None:
    response = client.get(address, headers={"Accept": accept})
    assert response.status_code == 404
    assert response.mimetype == "application/problem+json"
    assert response.get_json(force=True)["status"] == 404


def test_htmx_gets_a_message_for_its_place_not_a_page(client: FlaskClient) -> None:
    response = client.get("/nulle-part/", headers={"HX-Request": "true"})
    assert response.status_code == 404
    assert "<html" not in response.text
    assert response.headers["HX-Retarget"] == "#messages"


def test_a_lost_sign_in_during_an_htmx_call_leads_the_whole_page_to_login(client: FlaskClient) -> None:
    here = "http://localhost/sessions/abc/conducteurs?page=2"
    response = client.get("/mon-espace/", headers={"HX-Request": "true", "HX-Current-URL": here})
    assert response.status_code == 401
    assert response.headers["HX-Redirect"] == "/login/?next=/sessions/abc/conducteurs%3Fpage%3D2"
    assert response.text == ""


def test_an_address_that_is_none_in_a_header_is_passed_over(client: FlaskClient, sign_in: SignIn) -> None:
    wrong = {"HX-Current-URL": "http://[", "Referer": "http://["}
    assert client.get("/mon-espace/", headers={"HX-Request": "true", **wrong}).headers["HX-Redirect"].endswith("next=/")
    assert client.post("/mon-profil/autres-sessions", headers=wrong).headers["Location"].endswith("next=/")
    sign_in(client, "gestionnaire@demo.example")
    assert client.get("/imports/", headers={"HX-Request": "true", **wrong}).status_code == 200


def test_an_expired_form_keeps_the_person_calm(app: Flask, client: FlaskClient) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    response = client.post("/logout/")
    assert response.status_code == 400
    assert "Le formulaire a expiré. Rechargez la page, votre saisie enregistrée est conservée." in response.text


def test_who_is_refused_for_an_expired_form_is_still_signed_in_on_screen(
    app: Flask, client: FlaskClient, sign_in: SignIn
) -> None:
    sign_in(client, "gestionnaire@demo.example")
    app.config["WTF_CSRF_ENABLED"] = True
    response = client.post("/mon-profil/autres-sessions")
    assert response.status_code == 400
    assert "Se déconnecter" in response.text
    assert "Se connecter" not in response.text


@pytest.mark.parametrize("text", ["\x00", "a\x1bb", "\x85", "\x7f"])
def test_control_characters_are_refused_at_the_border(client: FlaskClient, text: str) -> None:
    answers = [
        client.get("/aide/", query_string={"q": text}),
        client.get("/aide/", query_string={text: "q"}),
        client.post("/login/", data={"username": text, "password": "x"}),
        client.get(f"/verifier/{text}"),
    ]
    assert [answer.status_code for answer in answers] == [400] * 4
    assert "caractères de contrôle" in answers[0].text


def test_control_characters_in_a_file_name_are_refused(client: FlaskClient) -> None:
    file = (io.BytesIO(b"x"), "a\x01.xlsx")
    assert client.post("/login/", data={"file": file}, content_type="multipart/form-data").status_code == 400


def test_line_breaks_and_tabs_of_pasted_rows_pass(client: FlaskClient) -> None:
    assert client.get("/aide/", query_string={"rows": "DUPONT\tPierre\r\nLEROY\tMarie\n"}).status_code == 200


@pytest.mark.parametrize("value", ["-1", "abc", "", "9" * 30, "１"])
def test_a_page_that_is_no_number_is_refused(client: FlaskClient, value: str) -> None:
    assert client.get("/aide/", query_string={"psize_Centres": value}).status_code == 400


def test_an_ordinary_page_number_passes(client: FlaskClient) -> None:
    assert client.get("/aide/", query_string={"page_Centres": "12"}).status_code == 200


def test_a_base_that_is_away_is_said_and_when_to_come_back(
    app: Flask, client: FlaskClient, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, "gestionnaire@demo.example")

    def away(*_: object) -> None:
        raise OperationalError("SELECT secret-de-la-requete", {}, Exception("could not connect"))

    monkeypatch.setattr(app.login_manager, "_user_callback", away)
    for headers in ({}, {"HX-Request": "true"}, {"Accept": "application/json"}):
        response = client.get("/sessions/", headers=headers)
        assert response.status_code == 503
        assert response.headers["Retry-After"] == "30"
        assert "Le service ne peut pas répondre pour le moment." in response.text
        assert "secret-de-la-requete" not in response.text


@pytest.mark.parametrize(("failure", "code"), [(RuntimeError(), 500), (OperationalError("", {}, Exception()), 503)])
def test_a_failure_while_an_error_is_answered_is_answered_too(
    app: Flask, client: FlaskClient, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, failure: Exception, code: int
) -> None:
    sign_in(client, "gestionnaire@demo.example")
    app.config["PROPAGATE_EXCEPTIONS"] = False

    def fail(*_: object) -> None:
        raise failure

    monkeypatch.setattr(app.login_manager, "_user_callback", fail)
    answers = [client.get("/sessions/")]
    answers.append(client.get("/aide/", query_string={"q": "\x00"}))  # refused before anybody asked who it is
    assert [one.status_code for one in answers] == [code] * 2
    assert all(f"Erreur {code}" in one.text for one in answers)


def test_a_base_that_goes_as_the_answer_is_finished_is_said(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False

    def go(_response: object) -> None:
        raise OperationalError("", {}, Exception("the connection is lost"))

    monkeypatch.setitem(app.after_request_funcs, None, [*app.after_request_funcs[None], go])
    response = client.get("/aide/")
    assert response.status_code == 503
    assert "Le service ne peut pas répondre pour le moment." in response.text


def test_too_much_at_once_is_told_in_french(client: FlaskClient, sign_in: SignIn) -> None:
    sign_in(client, "gestionnaire@demo.example")
    data = {"file": (io.BytesIO(b"x" * (11 * 1024 * 1024)), "sessions.xlsx")}
    response = client.post("/imports/", data=data, content_type="multipart/form-data")
    assert response.status_code == 413
    assert "un fichier fait 10 Mo au plus" in response.text


@pytest.mark.parametrize("code", [400, 403, 404, 413, 429, 500, 503])
@pytest.mark.parametrize("asks", ["page", "htmx", "json"])
def test_each_error_comes_as_it_was_asked_for(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, code: int, asks: str
) -> None:
    monkeypatch.setitem(app.view_functions, "pages.help_page", lambda: abort(code))
    headers = {"page": {}, "htmx": {"HX-Request": "true"}, "json": {"Accept": "application/json"}}[asks]
    response = client.get("/aide/", headers=headers)
    assert response.status_code == code
    assert ("<html" in response.text) == (asks == "page")
    assert ("HX-Retarget" in response.headers) == (asks == "htmx")
    assert (response.mimetype == "application/problem+json") == (asks == "json")
    if asks == "json":
        assert response.get_json(force=True)["status"] == code


@pytest.mark.parametrize("path", ["/sessions/x/lignes/{}", "/sessions/x/lignes/{}/supprimer"])
def test_a_bound_written_in_an_address_holds(app: Flask, path: str) -> None:
    addresses = app.url_map.bind("registre.test")
    assert addresses.match(path.format(9_999_999), method="POST")[1]["number"] == 9_999_999
    for beyond in (10_000_000, 2**31, "9" * 5000):
        with pytest.raises(NotFound):
            addresses.match(path.format(beyond), method="POST")
