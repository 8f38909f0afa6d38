"""« Imports », for agents: the files of all centres and what became of them, each report to be read, nothing to act on."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.extensions import db
from app.models import Batch, ImportFile
from app.services.core import clock
from app.services.imports import confirmation as import_confirmation
from app.services.imports import intake
from tests.imports.importing import EMPTY, FIRST, MANAGER, SECOND, analysed, batch_at, numbers, send, words
from tests.support import centre_id, draft, drain, many, person_id, statements

AGENT, NEIGHBOUR = "agent@demo.example", "98765432400019"
NOON = datetime(2022, 1, 10, 11, tzinfo=UTC)
#: Half past midnight of that same day, in Paris.
EARLY = datetime(2022, 1, 9, 23, 30, tzinfo=UTC)
LIST, SHOW = "/imports-des-centres/list/", "/imports-des-centres/show"


@pytest.fixture
def agent(app: Flask, sign_in: Any) -> FlaskClient:
    """Give an agent's browser."""
    return sign_in(app.test_client(), AGENT)


@pytest.fixture
def manager(client: FlaskClient, sign_in: Any) -> FlaskClient:
    """Give the browser of the demonstration centre's manager."""
    return sign_in(client, MANAGER)


def sent(name: str, siret: str = "12345678200010", content: bytes = FIRST, at: datetime = NOON) -> Batch:
    """Receive and analyse a file of a centre, sent at this instant."""
    batch = intake.receive(centre_id(siret), person_id(), name, io.BytesIO(content))
    drain()
    db.session.execute(update(Batch).where(Batch.id == batch.id).values(created_at=at))
    db.session.commit()
    return batch


def rows(page: Any) -> list[str]:
    """Return the rows of the list, each as its words."""
    return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in re.findall(r"(?s)<tr.*?</tr>", page.text)][1:]


def test_the_menu_leads_to_the_files_of_all_centres(agent: FlaskClient) -> None:
    sent("janvier.xlsx")
    sent("voisin.xlsx", NEIGHBOUR)
    draft(*many(1))
    home = agent.get("/aide/").text
    assert re.search(r'href="/imports-des-centres/list/">Imports<', home)
    found = rows(agent.get(LIST))
    assert len(found) == 2, "a batch by hand is no import"
    assert [
        word
        for word in ("janvier.xlsx", "Centre de formation Démo", "En erreur (5)", "10/01/2022")
        if word not in found[1]
    ] == []
    assert all(word in found[0] for word in ("voisin.xlsx", "Centre Voisin"))


def test_it_tells_lines_errors_who_sent_it_and_why_it_was_refused(agent: FlaskClient) -> None:
    batch = sent("mai.xlsx")
    refused = sent("cassé.xlsx", content=EMPTY)
    assert refused.state == "refused"
    file = db.session.get_one(ImportFile, refused.id)
    low, high = rows(agent.get(LIST))[::-1]
    counts = batch.summary or {}
    assert f"{counts['lines']} {counts['errors']}" in low
    assert db.session.get_one(Batch, batch.id).created_by.full_name in low
    assert "Refusé" in high
    assert str(file.refusal) in high
    page = agent.get(f"{SHOW}/{refused.id}")
    assert page.status_code == 200
    assert str(file.refusal) in words(page)
    assert "n’a pas de lignes à montrer" in page.text


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("words=janv", ["janvier.xlsx"]),
        ("centre={neighbour}", ["voisin.xlsx"]),
        ("state=in_error", ["voisin.xlsx", "janvier.xlsx"]),
        ("state=ready", ["prêt.xlsx"]),
        ("state=registered", []),
        ("since=10/01/2022", ["prêt.xlsx", "voisin.xlsx", "janvier.xlsx"]),
        ("until=9/1/2022", []),
        ("since=11/01/2022", []),
        ("until=10/01/2022", ["prêt.xlsx", "voisin.xlsx", "janvier.xlsx"]),
        ("until=31/12/9999", ["prêt.xlsx", "voisin.xlsx", "janvier.xlsx"]),
    ],
)
def test_it_is_narrowed_by_file_centre_state_and_day(agent: FlaskClient, asked: str, names: list[str]) -> None:
    sent("janvier.xlsx", at=EARLY)
    sent("voisin.xlsx", NEIGHBOUR)
    sent("prêt.xlsx", content=SECOND)
    page = agent.get(f"{LIST}?_flt_0_{asked.format(neighbour=centre_id(NEIGHBOUR))}")
    assert page.status_code == 200
    assert [name for row in rows(page) for name in re.findall(r"[\wê]+\.xlsx", row)] == names


@pytest.mark.parametrize("asked", ["state=draft", "since=hier", "centre=Voisin"])
def test_a_filter_that_cannot_be_said_shows_no_rows_as_if_it_held(agent: FlaskClient, asked: str) -> None:
    sent("janvier.xlsx")
    page = agent.get(f"{LIST}?_flt_0_{asked}")
    assert page.status_code == 422
    assert "janvier.xlsx" not in page.text
    assert "La recherche est à corriger : aucune ligne n’est montrée ni exportée" in words(page)


def test_a_page_of_the_list_costs_the_same_queries(agent: FlaskClient) -> None:
    for at in range(60):
        batch = Batch(
            centre_id=centre_id(), created_by_id=person_id(), mode="file", state="cancelled",
            created_at=clock.now(), updated_at=clock.now(),
        )  # fmt: skip
        db.session.add(batch)
        db.session.flush()
        db.session.add(ImportFile(batch_id=batch.id, name=f"f{at}.xlsx", size=10, sha256="0" * 64))
    db.session.commit()
    agent.get(LIST)
    with statements() as few:
        assert len(rows(agent.get(f"{LIST}?psize_ImportFilesView=5"))) == 5
    with statements() as seen:
        page = agent.get(LIST)
    assert len(rows(page)) == 50
    assert "f59.xlsx" in page.text
    assert len(seen) == len(few) < 25
    assert len(rows(agent.get(f"{LIST}?page_ImportFilesView=1"))) == 10


def test_the_report_is_the_centre_s_own_without_anything_to_act_on(agent: FlaskClient, manager: FlaskClient) -> None:
    address = analysed(manager, FIRST)
    batch = batch_at(address)
    page = agent.get(f"{SHOW}/{batch.id}")
    own = manager.get(address)
    assert numbers(page) == numbers(own)
    for remark in re.findall(r'(?s)<span class="remark .*?</span></span>', own.text):
        assert remark in page.text
    report = page.text[page.text.index('id="counters"') :]
    assert "data-cell" not in report
    assert "data-aside" not in report
    assert 'method="post"' not in report
    assert "/imports/" not in report


def test_the_report_is_filtered_searched_and_leafed_through(agent: FlaskClient, manager: FlaskClient) -> None:
    address = analysed(manager, FIRST)
    here = f"{SHOW}/{batch_at(address).id}"
    for asked in ("gravite=erreurs", "gravite=informations", "q=MARTIN", "q=rien", "page=99", "page=x", "type=odd"):
        assert numbers(agent.get(f"{here}?{asked}")) == numbers(manager.get(f"{address}?{asked}")), asked
    kinds = re.findall(rf'href="{here}\?type=([^"]+)"', agent.get(here).text)
    assert kinds
    for kind in kinds:
        assert numbers(agent.get(f"{here}?type={kind}")), kind


def test_an_import_registered_leads_to_its_registrations(agent: FlaskClient) -> None:
    batch = sent("prêt.xlsx", content=SECOND)
    import_confirmation.confirm(db.session.get_one(ImportFile, batch.id), person_id(), batch.version)
    drain()
    db.session.expire_all()
    done = db.session.get_one(Batch, batch.id)
    assert done.state == "registered"
    page = agent.get(f"{SHOW}/{batch.id}")
    assert str(done.receipt_number) in page.text
    link = re.search(r'href="(/enregistrements/list/[^"]+)"', page.text)
    assert link
    assert len(rows(agent.get(link[1]))) == 6
    assert len(numbers(page)) == 6


@pytest.mark.parametrize("state", ["analysing", "failed", "cancelled", "refused"])
def test_what_has_no_report_says_so(agent: FlaskClient, state: str) -> None:
    batch = sent("juin.xlsx")
    db.session.execute(update(Batch).where(Batch.id == batch.id).values(state=state))
    db.session.execute(update(ImportFile).values(phase="reading", done=1200, total=5000))
    db.session.commit()
    page = agent.get(f"{SHOW}/{batch.id}")
    assert page.status_code == 200
    assert numbers(page) == []
    assert "n’a pas de lignes à montrer" in page.text
    assert ("Lecture, 1 200 sur 5 000" in words(page).replace("\u00a0", " ").replace("\u202f", " ")) is (
        state == "analysing"
    )


def test_the_list_is_exported_as_it_is_narrowed(agent: FlaskClient) -> None:
    sent("janvier.xlsx")
    sent("voisin.xlsx", NEIGHBOUR)
    answer = agent.get(f"/imports-des-centres/export.csv?_flt_0_centre={centre_id(NEIGHBOUR)}")
    head, *lines = csv.reader(io.StringIO(answer.data.decode("utf-8-sig")), delimiter=";")
    assert head[:3] == ["Fichier", "Centre", "Envoyé le"]
    assert [line[0] for line in lines] == ["voisin.xlsx"]
    assert lines[0][4] == "En erreur (6)"


def test_only_agents_read_it_and_nobody_acts_there(app: Flask, agent: FlaskClient, sign_in: Any) -> None:
    batch = sent("janvier.xlsx")
    key = db.session.execute(select(Batch.key).where(Batch.id == batch.id)).scalar_one()
    for email in (MANAGER, "representant@demo.example", "conducteur@demo.example", "voisin@demo.example"):
        browser = sign_in(app.test_client(), email)
        assert browser.get(LIST).status_code == 403
        assert browser.get(f"{SHOW}/{batch.id}").status_code == 403
    for path in ("add", f"edit/{batch.id}", f"delete/{batch.id}"):
        assert agent.post(f"/imports-des-centres/{path}").status_code == 404
    for act in ("importer", "annuler", "relancer", "suggestion", "lignes/1/ecarter", "lignes/1"):
        assert agent.post(f"/imports/{key}/{act}").status_code in (403, 404, 405), act
    assert db.session.get_one(Batch, batch.id).state == "in_error"


def test_a_batch_by_hand_or_none_is_not_found(agent: FlaskClient) -> None:
    by_hand = draft(*many(1))
    for pk in (by_hand, 4711, "x", "0"):
        page = agent.get(f"{SHOW}/{pk}")
        assert page.status_code == 404
        assert "Traceback" not in page.text


def test_a_name_is_never_read_as_a_mark(agent: FlaskClient) -> None:
    batch = sent("<img src=x>.xlsx")
    for address in (LIST, f"{SHOW}/{batch.id}"):
        page = agent.get(address).text
        assert "<img src=x>" not in page
        assert "&lt;img src=x&gt;.xlsx" in page


def test_a_manager_s_own_list_still_answers(manager: FlaskClient) -> None:
    send(manager, FIRST)
    drain()
    assert "sessions.xlsx" in manager.get("/imports/").text
