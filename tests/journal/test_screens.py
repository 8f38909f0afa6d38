"""The journal on screen: in French, by record and by person, for agents alone, at a fixed number of queries."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.models import Accreditation, Centre, JournalEntry
from app.services.core import clock
from app.services.journal import record as journal
from app.services.journal.words import ACTIONS, FIELDS, action_words, changes, subject_words, value_words
from app.services.reference import writing as reference_writing
from tests.support import MARIE, centre_id, many, person_id, registered, statements, training_id

AGENT, MANAGER = "agent@demo.example", "gestionnaire@demo.example"


@pytest.fixture
def agent(client: FlaskClient, sign_in) -> FlaskClient:
    """Give an agent's browser, after a change of a centre's name."""
    centre = db.session.get_one(Centre, centre_id())
    reference_writing.save(
        centre, {"name": "Centre Rebaptisé", "is_public": True, "siret": centre.siret}, person_id(AGENT)
    )
    return sign_in(client, AGENT)


def _table(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page[page.index("<tbody") : page.index("</tbody>")]))


def test_a_change_is_told_in_french_with_before_and_after(agent: FlaskClient) -> None:
    told = _table(agent.get("/journal/list/?_flt_0_kind=centre").text)
    assert "Agent Démo a modifié le centre Centre Rebaptisé ." in told
    assert re.search(r"Nom : Centre de formation Démo → devient Centre Rebaptisé", told)
    assert re.search(r"Organisme public : non → devient oui", told)
    assert "SIRET :" not in told, "what stayed the same is left out"


def test_what_one_does_to_one_s_own_account_names_it_not_again(agent: FlaskClient) -> None:
    journal.record("sign_in.done", "person", person_id(AGENT), actor_id=person_id(AGENT), after={"by": "password"})
    journal.record("account.renamed", "person", person_id(MANAGER), actor_id=person_id(AGENT), after={"last_name": "X"})
    db.session.commit()
    told = _table(agent.get("/journal/list/?_flt_0_kind=person").text)
    assert "Agent Démo a ouvert une session." in told
    assert "Agent Démo a modifié le nom de Gestionnaire Démo ." in told


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("sent", "Le système a envoyé à la plateforme"),
        ("acknowledged", "Le système a reçu de la plateforme l’accusé de réception de"),
        ("failed", "Le système n’a pas pu déposer sur la plateforme"),
    ],
)
def test_a_deposit_is_told_as_far_as_it_came(agent: FlaskClient, state: str, said: str) -> None:
    journal.record("invoice.deposited", "invoice", 1, actor_id=None, after={"state": state, "why": ""})
    db.session.commit()
    assert said in _table(agent.get("/journal/list/?_flt_0_kind=invoice").text)


def test_a_record_leads_to_its_own_history(agent: FlaskClient) -> None:
    page = agent.get(f"/centres/show/{centre_id()}").text
    address = f"/journal/list/?_flt_0_kind=centre&amp;_flt_0_about={centre_id()}"
    assert address in page
    told = agent.get(address.replace("&amp;", "&")).text
    assert "Centre Rebaptisé" in told
    other = centre_id("98765432400019")
    assert "Aucune ligne" in agent.get(f"/journal/list/?_flt_0_kind=centre&_flt_0_about={other}").text


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("_flt_0_words=agent", True), ("_flt_0_words=ÀGENT+demo", True), ("_flt_0_words=gestionnaire", False),
        ("_flt_0_action=centre.changed", True),
        ("_flt_0_action=batch.started", False), ("_flt_0_since=10/01/2022", True), ("_flt_0_since=11/01/2022", False),
        ("_flt_0_until=10/01/2022", True), ("_flt_0_until=09/01/2022", False), ("_flt_0_since=01/01/0001", True),
        ("_flt_0_until=01/01/0001", False), ("_flt_0_since=31/12/9999", False), ("_flt_0_until=31/12/9999", True),
    ],
)  # fmt: skip
def test_the_journal_is_narrowed_by_person_act_and_period(agent: FlaskClient, query: str, shown: bool) -> None:
    assert ("a modifié <a" in agent.get(f"/journal/list/?{query}&_flt_0_kind=centre").text) is shown


def test_registrations_tell_whose_centre_it_was(agent: FlaskClient) -> None:
    registered(MARIE)
    told = _table(agent.get(f"/journal/list/?_flt_0_centre={centre_id()}").text)
    assert "Gestionnaire Démo a enregistré une session : reçu RE-" in told
    assert "Enregistrements : 1" in told


def test_a_page_costs_the_same_queries_whatever_its_rows(agent: FlaskClient) -> None:
    counts = []
    for _ in range(2):
        agent.get("/journal/list/")
        with statements() as seen:
            agent.get("/journal/list/")
        counts.append(len(seen))
        for row in many(30):
            journal.record("driver.changed", "driver", row["permit_number"], actor_id=person_id(), after=row)
        db.session.commit()
    assert counts[0] == counts[1] < 25


def test_no_entry_is_a_code_or_a_number(agent: FlaskClient) -> None:
    """Whoever an act is about is named, by the values behind « détails » as well; every kind of act, one entry each."""
    some = {"centre": centre_id(), "person": person_id(), "membership": 1, "accreditation": 1, "service_contract": 1}
    for action in ACTIONS:
        kind = action.split(".")[0]
        kind = {"contract": "service_contract", "member": "membership", "right": "membership"}.get(kind, kind)
        journal.record(
            action, kind if kind in some else "person", some.get(kind, person_id()), actor_id=person_id(AGENT),
            before={"person": person_id(), "text_sha256": "ab" * 32}, reason="Motif d’essai",
        )  # fmt: skip
    journal.record("sign_in.refused", "person", "", actor_id=None)
    db.session.commit()
    told = "".join(_table(agent.get(f"/journal/list/?page_JournalView={page}").text) for page in range(3))
    assert not re.search(r"\w+ n° \d", told)
    assert not re.search(r"\b[a-z_]+\.[a-z_]+\b", told)
    assert "Personne : Gestionnaire Démo" in told
    assert " de Agent" not in told
    assert "Le système a refusé une connexion : adresse sans compte." in told
    page = agent.get("/journal/list/").text
    shown = re.sub(r"<details.*?</details>", "", page, flags=re.DOTALL)
    assert "ab" * 32 in page
    assert "ab" * 32 not in shown, "hashes stand behind « détails »"


def test_only_agents_read_it_and_nobody_writes_it(client: FlaskClient, sign_in) -> None:
    entry = db.session.execute(select(JournalEntry.id)).scalars().first()
    browser = sign_in(client, MANAGER)
    assert browser.get("/journal/list/").status_code == 403
    assert "/journal/" not in browser.get("/tableau-de-bord/").text
    browser.post("/logout/")
    agent = sign_in(browser, AGENT)
    for path in ("add", f"edit/{entry}", f"delete/{entry}"):
        assert agent.post(f"/journal/{path}").status_code == 404


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "–"), (True, "oui"), (False, "non"), ("2022-01-10", "10/01/2022"), ("2022-13-45", "2022-13-45"), ([], "–"),
        (["a", "b"], "a, b"), (3, "3"), (2.5, "2,5"), ("2022-01-10T09:00:00+00:00", "10/01/2022 à 10:00"),
        ({"name": "x"}, "Nom x"), ("signed", "Signé"), ({}, "–"), ({"missing": 2}, "Fichier introuvable 2"),
        ("25.34", "25,34"), ("in_review", "En cours d’examen"), ("instructor", "Moniteur"), ("sign_up", "inscription"),
        ("changed", "Fichier modifié"),
    ],
)  # fmt: skip
def test_values_are_written_as_people_read_them(value: object, said: str) -> None:
    assert value_words(value) == said


def test_what_is_new_gone_or_changed_is_told_apart() -> None:
    assert changes({"name": "A", "siret": "1"}, {"name": "B", "siret": "1"}) == [(FIELDS["name"], "A", "B")]
    assert changes(None, {"rows": 3}) == [("Lignes", "–", "3")]
    assert changes({"rows": 3}, None) == [("Lignes", "3", "–")]
    assert changes(None, None) == []
    assert subject_words("accreditation", "12") == "Agrément n° 12"
    assert subject_words("list", "registrations") == "Liste : enregistrements"
    assert subject_words("document", "all") == "Documents"
    assert subject_words("draft", "") == "Brouillons"
    assert subject_words("person", "") == "Adresse sans compte"
    assert action_words("tariff.deleted") == "Tarif : suppression"
    assert set(ACTIONS) & {"batch.registered", "certificate.resent"}


def test_a_deleted_record_is_named_without_a_link(agent: FlaskClient) -> None:
    item = Accreditation(
        centre_id=centre_id(),
        authority="Préfet",
        number="AG-1",
        valid_from=clock.today() + timedelta(days=1),
    )
    reference_writing.save(item, {"trainings": [training_id()]}, person_id(AGENT))
    key = item.id
    reference_writing.remove(item, person_id(AGENT))
    page = agent.get(f"/journal/list/?_flt_0_kind=accreditation&_flt_0_about={key}").text
    assert "a supprimé <strong>AG-1</strong>" in page
    assert f"/agrements/show/{key}" not in page, "it has no page any more"
