"""The one search: any word one has in hand, the page itself or answers by kind, and never a row outside one's scope."""

from __future__ import annotations

import re
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import event, select, update

from app.cli.access_log import without_persons
from app.extensions import db
from app.models import Centre, Document, Driver, MembershipRight, Registration
from app.models.centre import REGISTER, TRAINERS
from app.services.core import clock
from app.services.reporting import finding
from app.services.reporting.finding import Scope
from tests.bases import on_both
from tests.support import CHLOE, MARIE, PIERRE, centre_id, many, registered, registered_trainer, statements

AGENT, MANAGER, NEIGHBOUR = "agent@demo.example", "gestionnaire@demo.example", "voisin@demo.example"
ALL = frozenset({REGISTER, TRAINERS})
ODD = (
    "", " ", "-", "' .", "%", "_", "\\", "é%e", "\x00", "a\x00b", "\ud83d\ude00", "1" * 100, "32/13/1985", "00/00/0000",
    "12/04/1985 13/04/1985", "RE-", "CQ-99-", "@", "a@b", "<script>alert(1)</script>", "' OR 1=1 --", "9" * 40,
    "٠١٢٣٤٥٦٧٨٩", "²³", "x 12 04 1985 y", "12-04-1985 99", "\u202egnol",
)  # fmt: skip


def kinds(text: str, scope: Scope | None = None) -> dict[str, int]:
    found = finding.find(text, scope or Scope())
    return {group.kind: len(group.rows) for group in found.groups}


def own() -> Scope:
    return Scope(centre_id(), ALL)


@on_both
@pytest.mark.parametrize(
    "asked",
    ["martin", "Marie MARTIN", "martin marie", "850492100123", "8504 9210 0123", "12/04/1985", "12 04 1985", "12041985",
     "1985-04-12", "martin 12/04/1985", "12.04.1985 marie", "martin 850492100123"],
)  # fmt: skip
def test_a_person_is_found_by_any_of_what_is_known(app: Flask, asked: str) -> None:
    registered(MARIE, PIERRE)
    for scope, kind in ((Scope(), finding.DRIVERS), (own(), finding.OWN_DRIVERS)):
        found = kinds(asked, scope)
        assert found == {kind: 1, finding.REGISTRATIONS: 1}, (asked, scope)


@pytest.mark.parametrize("asked", ["martin 13/04/1985", "dupont 850492100123", "12/04/1986", "dupont 12/04/1985"])
def test_what_does_not_agree_finds_nothing(app: Flask, asked: str) -> None:
    registered(MARIE, PIERRE)
    assert not kinds(asked)
    assert not kinds(asked, own())


def test_an_order_number_finds_its_registrations_alone_or_with_a_name(app: Flask) -> None:
    registered(MARIE, PIERRE)
    assert kinds("com1") == kinds("COM1", own()) == {finding.REGISTRATIONS: 2}
    assert kinds("com1 martin") == {finding.REGISTRATIONS: 1}


def test_a_receipt_and_a_document_are_found_by_their_number_however_it_is_typed(app: Flask) -> None:
    batch = registered(MARIE)
    number = db.session.scalars(select(Document.number)).first()
    assert number is not None
    for scope in (Scope(), own()):
        assert kinds(str(batch.receipt_number).lower(), scope) == {finding.RECEIPTS: 1}
        assert kinds(number.replace("-", " "), scope) == {finding.DOCUMENTS: 1}


@on_both
def test_a_centre_is_found_by_siret_name_and_accreditation_and_by_agents_alone(app: Flask) -> None:
    for asked in ("12345678200010", "123 456 782 00010", "123 456", "formation démo", "DEMO centre"):
        assert kinds(asked).get(finding.CENTRES) == 1, asked
        assert not kinds(asked, own())
    assert kinds("TP-2020-0457").get(finding.CENTRES) == 1


def test_an_address_finds_whose_it_is(app: Flask) -> None:
    registered(MARIE)
    assert kinds(MANAGER.upper()) == {finding.MEMBERS: 1}
    assert kinds("conducteur@demo.example") == {finding.DRIVERS: 1}
    assert kinds(AGENT) == {finding.ACCOUNTS: 1}
    registered_trainer()
    assert kinds(CHLOE["email"], own()) == {finding.TRAINING_STAFF: 1}
    assert not kinds("conducteur@demo.example", own()), "an account's address is not what a centre registered"


def test_trainers_are_found_by_who_may_see_them(app: Flask) -> None:
    row = registered_trainer()
    for asked in ("durand chloé", "800569210042", "03/05/1980", str(row.receipt_number)):
        assert kinds(asked).get(finding.TRAINING_STAFF) == 1, asked
        assert kinds(asked, own()).get(finding.TRAINING_STAFF) == 1, asked
        assert finding.TRAINING_STAFF not in kinds(asked, Scope(centre_id(), frozenset({REGISTER})))


def test_a_centre_finds_its_own_rows_only_and_nothing_without_the_right(app: Flask) -> None:
    batch = registered(MARIE)
    registered_trainer()
    number = db.session.scalars(select(Document.number)).first()
    other = db.session.scalars(select(Centre.id).where(Centre.name == "Centre Voisin")).one()
    asked = ("martin", "850492100123", "12/04/1985", "COM1", str(batch.receipt_number), str(number), "durand")
    for text in asked:
        assert kinds(text, own())
        assert not kinds(text, Scope(other, ALL)), text
        assert not kinds(text, Scope(centre_id())), text


def test_a_centre_finds_by_what_it_registered_not_by_what_another_corrected(app: Flask) -> None:
    registered(MARIE)
    driver = db.session.scalars(select(Driver).where(Driver.permit_number == MARIE["permit_number"])).one()
    kept = Driver(birth_date=date(1985, 4, 13), permit_number="999999999999", last_name="AUTRE", first_name="Nom")
    db.session.add(kept)
    db.session.flush()
    driver.person_id, driver.same_as_id = None, kept.id
    db.session.execute(update(Registration).values(driver_id=kept.id, registered_as_id=driver.id))
    db.session.commit()
    for text in ("850492100123", "12/04/1985"):
        assert kinds(text, own())[finding.REGISTRATIONS] == 1, text
        assert kinds(text)[finding.DRIVERS] == 1, text
    for text in ("999999999999", "13/04/1985", "autre"):
        assert not kinds(text, own()), text


@on_both
@pytest.mark.parametrize("asked", ODD, ids=lambda text: ascii(text)[:20])
def test_odd_words_are_answered(app: Flask, sign_in, asked: str) -> None:
    for email in (AGENT, MANAGER):
        answer = sign_in(app.test_client(), email).get(
            "/recherche/", query_string={"q": asked.encode("utf-8", "surrogatepass")}
        )
        assert answer.status_code in (200, 302, 400, 422), (asked, answer.status_code)
        assert "<script>alert" not in answer.text


def test_a_search_too_long_says_so(app: Flask, sign_in) -> None:
    answer = sign_in(app.test_client(), AGENT).get("/recherche/", query_string={"q": "a" * 101})
    assert answer.status_code == 422
    assert finding.LONGEST == 100
    assert "Une recherche compte 100 caractères au plus." in answer.text
    assert "<title>Erreur\u00a0: " in answer.text or "<title>Erreur : " in answer.text


def test_one_answer_leads_to_its_page(app: Flask, sign_in) -> None:
    batch = registered(MARIE)
    row = db.session.scalars(select(Registration)).one()
    number = db.session.scalars(select(Document.number)).first()

    def led(email: str, asked: object) -> str:
        return str(sign_in(app.test_client(), email).get(f"/recherche/?q={asked}").headers.get("Location"))

    assert led(AGENT, number) == f"/enregistrements/show/{row.id}"
    assert led(AGENT, "850492100123") == f"/conducteurs/show/{row.driver_id}"
    assert led(AGENT, "12345678200010") == f"/centres/show/{centre_id()}"
    assert led(AGENT, batch.receipt_number) == f"/enregistrements/list/?_flt_0_words={batch.receipt_number}"
    assert f"/centres/{centre_id()}/personnes/" in led(AGENT, MANAGER)
    assert led(AGENT, "martin 12/04/1985") == led(AGENT, "martin 850492100123") == "None"
    assert led(MANAGER, number) == led(MANAGER, "850492100123") == f"/mes-enregistrements/show/{row.id}"
    assert led(MANAGER, batch.receipt_number) == f"/sessions/{batch.key}/recu"
    for address in ("/mes-enregistrements/show/", f"/sessions/{batch.key}/recu", "/recherche/?q=COM1"):
        assert sign_in(app.test_client(), MANAGER).get(address).status_code != 500


def test_several_answers_stand_in_groups_with_the_match_told_and_every_link_opens(app: Flask, sign_in) -> None:
    registered(MARIE, PIERRE)
    for email in (AGENT, MANAGER):
        browser = sign_in(app.test_client(), email)
        page = browser.get("/recherche/?q=martin").text
        assert re.search(r"<h1[^>]*>2 réponses pour «.martin.»", page)
        assert "<mark>MARTIN</mark> Marie" in page
        assert "DUPONT" not in page
        links = re.findall(r'<li><a href="([^"]+)"><b>', page)
        assert len(links) == 2
        for link in links:
            assert browser.get(link).status_code == 200
        assert browser.get("/recherche/?q=1985-04-12").text.count("<mark>12/04/1985</mark>") == 2


def test_nobody_sees_a_neighbours_rows_and_a_manager_is_told_which_right_is_missing(app: Flask, sign_in) -> None:
    batch = registered(MARIE)
    number = db.session.scalars(select(Document.number)).first()
    for asked in ("martin", "850492100123", "12/04/1985", "COM1", batch.receipt_number, number, "12345678200010"):
        page = sign_in(app.test_client(), NEIGHBOUR).get(f"/recherche/?q={asked}")
        assert page.status_code == 200
        assert "Aucune réponse" in page.text
        assert "MARTIN" not in page.text
    db.session.execute(update(MembershipRight).values(withdrawn_at=clock.now()))
    db.session.commit()
    page = sign_in(app.test_client(), MANAGER).get("/recherche/?q=martin").text
    assert "MARTIN" not in page
    assert "Aucune réponse" not in page, "nothing was searched"
    assert re.search("Le droit «.enregistrement de sessions.» ne vous est pas accordé", page)
    assert sign_in(app.test_client(), "conducteur@demo.example").get("/recherche/?q=martin").status_code == 403


def test_more_than_a_page_is_said_and_leads_to_the_list(app: Flask, sign_in) -> None:
    registered(*many(finding.MOST + 3))
    for email, lists in (
        (AGENT, ("/conducteurs/list/?_flt_0_words=jean", "/enregistrements/list/?_flt_0_words=jean")),
        (MANAGER, ("/mes-conducteurs/list/?_flt_0_words=jean", "/mes-enregistrements/list/?_flt_0_words=jean")),
    ):
        browser = sign_in(app.test_client(), email)
        page = browser.get("/recherche/?q=jean").text
        assert re.search(r"<h1[^>]*>Plus de 40 réponses", page)
        for address in lists:
            assert address in page
            assert browser.get(address).status_code == 200


@on_both
def test_the_lists_of_drivers_are_searched_by_birth_date(app: Flask, sign_in) -> None:
    registered(MARIE, PIERRE)
    for email, address in ((AGENT, "/conducteurs"), (MANAGER, "/mes-conducteurs"), (MANAGER, "/mes-enregistrements")):
        for asked in ("12/04/1985", "12 04 1985", "martin 12/04/1985", "12041985"):
            page = sign_in(app.test_client(), email).get(f"{address}/list/", query_string={"_flt_0_words": asked}).text
            assert "850492100123" in page, (address, asked)
            assert "82R987928" not in page, (address, asked)


@pytest.mark.parametrize(
    "asked", ["martin", "marie martin", "850492100123", "12/04/1985", "martin 12/04/1985", "com1", "com1 marie",
              "RE-22-00000-00001", "CQ-22-00000-00001", "12345678200010", "12041985", MANAGER]
)  # fmt: skip
@pytest.mark.parametrize("scope", ["agent", "centre"])
def test_few_questions_and_an_index_answers_each(app: Flask, asked: str, scope: str) -> None:
    registered(MARIE)
    where = Scope() if scope == "agent" else own()
    plans: list[str] = []

    def explain(connection, cursor, statement, parameters, *_rest) -> None:  # type: ignore[no-untyped-def]
        if statement.startswith("SELECT"):
            plain = connection.connection.cursor()
            plans.extend(f"{row[3]}" for row in plain.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))

    with statements() as seen:
        finding.find(asked, where)
    assert len(seen) <= 9, seen
    event.listen(db.engine, "before_cursor_execute", explain)
    try:
        finding.find(asked, where)
    finally:
        event.remove(db.engine, "before_cursor_execute", explain)
    long = re.compile(r"SCAN (registration|driver|document|batch|ab_user|card_request|mail)\b")
    assert plans
    assert not [line for line in plans if long.search(line)], "\n".join(plans)


def test_what_is_searched_for_is_not_logged() -> None:
    assert without_persons("/recherche/?q=martin+12%2F04%2F1985") == "/recherche/?q=***"


def test_the_field_stands_for_agents_and_centres_alone(app: Flask, sign_in) -> None:
    for email, stands in ((AGENT, True), (MANAGER, True), ("conducteur@demo.example", False)):
        page = sign_in(app.test_client(), email).get("/aide/").text
        assert ('action="/recherche/"' in page) is stands, email
