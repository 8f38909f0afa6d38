"""The back office as its people meet it: every screen answers in French, names its columns, refuses odd addresses."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder import ModelView
from sqlalchemy import select

from app.extensions import db
from app.models import (
    Accreditation,
    Centre,
    Driver,
    Registration,
    Seller,
    ServiceContract,
    Suspension,
    Tariff,
    Training,
    VatRegime,
)
from app.views.crud.base import BackOfficeView
from tests.support import MARIE, PIERRE, many, registered, statements

AGENT, MANAGER, NEIGHBOUR, DRIVER, LEGAL = (
    f"{name}@demo.example" for name in ("agent", "gestionnaire", "voisin", "conducteur", "representant")
)
#: address → the table behind it
WRITTEN: dict[str, Any] = {
    "/centres": Centre, "/agrements": Accreditation, "/suspensions": Suspension, "/catalogue": Training,
    "/vendeur": Seller, "/tva": VatRegime, "/tarifs": Tariff, "/contrats": ServiceContract, "/conducteurs": Driver,
}  # fmt: skip
READ = {"/enregistrements": AGENT, "/mes-enregistrements": MANAGER, "/mes-conducteurs": MANAGER}
#: Read too; their own tests stand in test_trainers.py.
TRAINERS = {"/formateurs-et-moniteurs": AGENT, "/mes-formateurs": LEGAL}
#: Lists whose cards are screens of their own.
PEOPLE = dict.fromkeys(("/representants", "/gestionnaires"), AGENT)
ROLE = {
    **dict.fromkeys(WRITTEN, AGENT),
    "/comptes": AGENT,
    "/journal": AGENT,
    "/imports-des-centres": AGENT,
    **READ,
    **TRAINERS,
    **PEOPLE,
}
ENGLISH = re.compile(
    r"\b(Add|Edit|Show|List|Delete|Search|Save|Record|Filter|Actions? on|Back|Are you sure|Not a valid|required|Page size|"
    r"No records|Access is|Changed Row|Added Row|An error occurred|Order|None|True|False)\b"
)


@pytest.fixture
def agent(client: FlaskClient, sign_in) -> FlaskClient:
    """Give an agent's browser."""
    return sign_in(client, AGENT)


def words_of(page: str) -> str:
    """Return what a page says, without its markup."""
    body = re.sub(r"(?s)<(script|style)\b.*?</\1>|<head>.*?</head>", " ", page)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def first_id(model: Any) -> int:
    return db.session.execute(select(model.id).order_by(model.id)).scalars().first()


def _views(app: Flask) -> list[ModelView]:
    return [view for view in app.appbuilder.baseviews if isinstance(view, ModelView)]


def test_there_is_one_view_an_address(app: Flask) -> None:
    assert {view.route_base for view in _views(app)} == set(ROLE)


@pytest.mark.parametrize(
    "columns", ["list_columns", "show_columns", "add_columns", "edit_columns", "search_columns", "order_columns"]
)
def test_every_view_names_its_columns(app: Flask, columns: str) -> None:
    for view in _views(app):
        declared = view.datamodel.questions if columns == "search_columns" else getattr(type(view), columns)
        assert declared, f"{view.route_base} leaves {columns} to Flask-AppBuilder"
        assert list(getattr(view, columns)) == list(declared)


def test_every_column_has_a_french_label_and_every_view_its_permission(app: Flask) -> None:
    for view in _views(app):
        for column in {*view.list_columns, *view.show_columns, *view.search_columns}:
            assert column in {**type(view).label_columns, **view.datamodel.questions}, f"{view.route_base}: {column}"
        assert "class_permission_name" in vars(type(view)), view.route_base
        assert set(view.base_permissions) <= {"can_read", "can_write"}


def test_every_card_is_called_by_a_name(app: Flask) -> None:
    """Not by what Python calls an object that nobody has named."""
    for view in _views(app):
        model = view.datamodel.obj
        named = model.__repr__ is not object.__repr__ or model.__str__ is not object.__str__
        assert named or type(view).name_of is not BackOfficeView.name_of, type(view).__name__


def test_nothing_of_flask_appbuilder_s_own_is_reachable(app: Flask) -> None:
    rules = {rule.rule for rule in app.url_map.iter_rules()}
    assert not [rule for rule in rules if "/download/" in rule or "/action" in rule]
    assert not [rule for rule in rules if rule.startswith(("/users", "/roles", "/registeruser"))]


@pytest.mark.parametrize("email", [AGENT, MANAGER, LEGAL])
def test_lists_answer_in_french(client: FlaskClient, sign_in, email: str) -> None:
    registered(MARIE, PIERRE)
    browser = sign_in(client, email)
    for address in (address for address, role in ROLE.items() if role == email):
        page = browser.get(f"{address}/list/")
        assert page.status_code == 200, address
        assert not ENGLISH.findall(words_of(page.text)), address
        assert browser.get(f"{address}/").headers["Location"].endswith(f"{address}/list/")


def test_cards_and_forms_answer_in_french(agent: FlaskClient) -> None:
    registered(MARIE, PIERRE)
    _suspend(agent)
    for address, model in WRITTEN.items():
        for path in (f"show/{first_id(model)}", f"edit/{first_id(model)}", "add"):
            page = agent.get(f"{address}/{path}")
            # A contract is moved by acts, a driver's identity by corrections: neither is edited.
            if f"{address}/{path}".startswith(("/contrats/edit", "/conducteurs/edit")):
                assert page.status_code == 404
                continue
            assert page.status_code == 200, f"{address}/{path}"
            assert not ENGLISH.findall(words_of(page.text)), f"{address}/{path}"


@pytest.mark.parametrize("address", READ)
def test_cards_of_registrations_answer_and_nothing_writes_them(client: FlaskClient, sign_in, address: str) -> None:
    registered(MARIE)
    browser, row = sign_in(client, READ[address]), first_id(Registration)
    page = browser.get(f"{address}/show/{row}")
    assert page.status_code == 200
    assert "MARTIN" in page.text
    assert not ENGLISH.findall(words_of(page.text))
    for path in ("add", f"edit/{row}", f"delete/{row}"):
        assert browser.post(f"{address}/{path}").status_code == 404


def _suspend(agent: FlaskClient) -> None:
    data = {
        "accreditation_id": first_id(Accreditation),
        "starts_on": "01/02/2022",
        "ends_on": "28/02/2022",
        "reason": "Audit",
    }
    assert agent.post("/suspensions/add", data=data).status_code == 302


def test_an_empty_form_says_what_is_missing_in_french(agent: FlaskClient) -> None:
    for address in WRITTEN:
        page = agent.post(f"{address}/add", data={})
        assert page.status_code == 422, address
        assert "À renseigner." in page.text, address
        assert not ENGLISH.findall(words_of(page.text)), address


ODD = (
    "?psize_{v}=abc", "?psize_{v}=100000", "?_oc_{v}=password&_od_{v}=asc", "?_oc_{v}=centre.siret.x&_od_{v}=desc",
    "?page_{v}=-1", "?_flt_7_words=x", "?_flt_99_words=x",
)  # fmt: skip


@pytest.mark.parametrize("email", [AGENT, MANAGER, LEGAL])
def test_odd_addresses_are_refused_not_failures(app: Flask, client: FlaskClient, sign_in, email: str) -> None:
    browser = sign_in(client, email)
    for view in (view for view in _views(app) if ROLE[view.route_base] == email):
        for odd in ODD:
            page = browser.get(f"{view.route_base}/list/{odd.format(v=type(view).__name__)}")
            assert page.status_code == 400, (view.route_base, odd)
            assert "Erreur 400" in page.text


TEXTS = ("%_'\"", "99999999999999999999", "07/01/2022", "²")


def _addresses(view: ModelView) -> list[dict[str, str]]:
    name = type(view).__name__
    searches = [{f"_flt_0_{question}": text} for question in view.search_columns for text in TEXTS]
    narrowed = {"_flt_0_words": "a"} if "words" in view.search_columns else {}
    orders = [{f"_oc_{name}": column, f"_od_{name}": "desc", **narrowed} for column in view.order_columns]
    return searches + orders


@pytest.mark.parametrize(("email", "backend_name"), [(AGENT, "postgresql"), (MANAGER, "sqlite"), (LEGAL, "sqlite")])
def test_any_search_and_every_order_get_an_answer(app: Flask, client: FlaskClient, sign_in, email: str) -> None:
    registered(MARIE)
    browser = sign_in(client, email)
    for view in _views(app):
        if ROLE[view.route_base] != email:
            continue
        for query in _addresses(view):
            page = browser.get(f"{view.route_base}/list/", query_string=query)
            said = [
                (view.datamodel.questions[name[7:]], text) for name, text in query.items() if name.startswith("_flt_")
            ]
            assert page.status_code == (422 if any(one.fault(text) for one, text in said) else 200), (
                view.route_base,
                query,
            )


@pytest.mark.parametrize(("email", "backend_name"), [(AGENT, "postgresql"), (MANAGER, "sqlite"), (LEGAL, "sqlite")])
def test_rows_that_cannot_be_are_not_found(client: FlaskClient, sign_in, email: str) -> None:
    browser = sign_in(client, email)
    for address in (address for address, role in ROLE.items() if role == email):
        for pk in ("0", "-1", "abc", "2147483647", "2147483648", "99999999999999999999", "1.5", "²"):
            assert browser.get(f"{address}/show/{pk}").status_code == 404, (address, pk)


@pytest.mark.parametrize(
    ("address", "question", "text", "found", "left_out"),
    [
        ("/centres", "words", "123 456 782", "Centre de formation Démo", "Centre Voisin"),
        ("/centres", "words", "VOISIN", "Centre Voisin", "Centre de formation Démo"),
        ("/centres", "words", "demo", "Centre de formation Démo", "Centre Voisin"),
        ("/centres", "words", "123.456.782.00010", "Centre de formation Démo", "Centre Voisin"),
        ("/centres", "words", "987 654-324.00019", "Centre Voisin", "Centre de formation Démo"),
        ("/agrements", "words", "DEMO", "FI-69-2020-014", "FI-44-2020-007"),
        ("/agrements", "words", "987.654.324", "FI-44-2020-007", "FI-69-2020-014"),
        ("/comptes", "words", "representant", "Représentant", "Gestionnaire"),
        ("/catalogue", "words", "fco complete", "FCO Complète", "FIMO Voyageurs"),
        ("/centres", "public", "oui", "Centre Voisin", "Centre de formation Démo"),
        ("/agrements", "words", "voisin", "FI-44-2020-007", "FI-69-2020-014"),
        ("/agrements", "words", "987654324", "FI-44-2020-007", "FI-69-2020-014"),
        ("/agrements", "words", "tp-2020", "TP-2020-0457", "FI-44-2020-007"),
        ("/conducteurs", "words", "marie martin", "850492100123", "298795874"),
        ("/conducteurs", "words", "2987", "LEROY", "MARTIN"),
        ("/enregistrements", "words", "82r987928", "DUPONT", "MARTIN"),
        ("/enregistrements", "words", "com1 martin", "MARTIN", "DUPONT"),
        ("/catalogue", "category", "Voyageurs", "FIMO Voyageurs", "FIMO Marchandises"),
        ("/tarifs", "price_class", "fco_module", "5,07", "25,34"),
    ],
)
def test_lists_are_searched_by_what_people_hold_in_hand(
    agent: FlaskClient, address: str, question: str, text: str, found: str, left_out: str
) -> None:
    registered(MARIE, PIERRE)
    page = agent.get(f"{address}/list/", query_string={f"_flt_0_{question}": text}).text
    table = page[page.index("<table") : page.index("</table>")]
    assert found in table
    assert left_out not in table


@pytest.mark.parametrize("address", ["/conducteurs", "/enregistrements"])
@pytest.mark.parametrize("text", ["yildiz", "YILDIZ", "Yıldız", "el hadj", "Elhadj"])
def test_drivers_and_registrations_are_found_in_plain_letters(agent: FlaskClient, address: str, text: str) -> None:
    name = "Yıldız" if text[0] in "yY" else "EL-HADJ"
    registered({**PIERRE, "last_name": name}, {**MARIE, "last_name": "ZOLA", "permit_number": "111111111111"})
    page = agent.get(f"{address}/list/", query_string={"_flt_0_words": text}).text
    table = page[page.index("<table") : page.index("</table>")]
    assert name in table
    assert "ZOLA" not in table


def test_a_training_leads_to_the_accreditations_that_cover_it(agent: FlaskClient) -> None:
    ctrmp = db.session.execute(select(Training.id).where(Training.label == "Titre Professionnel CTRMP")).scalar_one()
    page = agent.get(f"/agrements/list/?_flt_0_training={ctrmp}").text
    assert "TP-2020-0457" in page
    assert "FI-69-2020-014" not in page


def test_dates_sirets_and_amounts_are_written_as_people_write_them(agent: FlaskClient) -> None:
    registered(MARIE)
    assert "123\u00a0456\u00a0782\u00a000010" in agent.get("/centres/list/").text
    assert "25,34\u00a0€" in agent.get("/tarifs/list/").text
    page = agent.get("/enregistrements/list/").text
    assert "07/01/2022" in page
    assert "2022-01-07" not in page


def test_a_page_has_fifty_lines_and_costs_the_same_queries(agent: FlaskClient) -> None:
    registered(*many(120))
    agent.get("/enregistrements/list/")
    with statements() as few:
        page = agent.get("/enregistrements/list/?psize_RegistrationsView=5").text
    assert page.count("<tr") == 6
    with statements() as seen:
        page = agent.get("/enregistrements/list/").text
    assert page.count("<tr") == 51
    assert "Lignes 1 à 50 sur 120" in page.replace("\u00a0", " ")
    assert len(seen) == len(few)
    assert len(seen) < 25
    assert "Lignes 101 à 120 sur 120" in agent.get("/enregistrements/list/?page_RegistrationsView=2").text


@pytest.mark.parametrize("email", [DRIVER, MANAGER, "representant@demo.example", "sansdroit@demo.example", NEIGHBOUR])
def test_only_agents_reach_the_reference_data(client: FlaskClient, sign_in, email: str) -> None:
    browser = sign_in(client, email)
    for address, model in {**WRITTEN, "/enregistrements": Registration}.items():
        row = first_id(model) or 1
        for path in ("list/", f"show/{row}", "add", f"edit/{row}"):
            assert browser.get(f"{address}/{path}").status_code in (403, 404), f"{address}/{path}"
        assert browser.post(f"{address}/delete/{row}").status_code in (403, 404)
    assert browser.get("/a-traiter/").status_code == 403


@pytest.mark.parametrize("email", [DRIVER, AGENT])
def test_only_a_centre_s_people_reach_its_lists(client: FlaskClient, sign_in, email: str) -> None:
    registered(MARIE)
    browser = sign_in(client, email)
    for address in ("/mes-enregistrements", "/mes-conducteurs"):
        assert browser.get(f"{address}/list/").status_code == 403
        assert browser.get(f"{address}/show/1").status_code == 403


def test_signed_out_people_are_led_to_the_sign_in_page(client: FlaskClient) -> None:
    for address in ROLE:
        for path in ("list/", "show/1"):
            answer = client.get(f"{address}/{path}")
            assert answer.status_code == 302, address
            assert answer.headers["Location"].startswith("/login/"), address
