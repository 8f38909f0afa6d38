"""The message everybody is told, and the register that is only read: at every door, dated, ended, without the base."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from app.extensions import db
from app.models import Batch, BatchLine, Incident, JournalEntry, Registration
from app.services.api import keys as api_keys
from app.services.api.keys import NewKey
from app.services.core import clock
from app.services.decisions import incidents as deciding
from app.services.operations import incidents
from app.services.operations.incidents import Notice
from app.views.shell.base import READING
from app.views.shell.incidents import OPEN
from tests.bases import under_the_role
from tests.cli.test_commands import run
from tests.support import PIERRE, draft, drain, person_id, registered, statements

AGENT, MANAGER = "agent@demo.example", "gestionnaire@demo.example"
SAID = "Travaux jusqu’à midi : l’import de fichiers est lent."


@pytest.fixture(autouse=True)
def _at_once(app: Flask) -> Any:
    """Have the process ask for messages at each look."""
    app.config["INCIDENT_SECONDS"] = 0
    incidents.forget()
    yield
    incidents.write_file(None)
    incidents.forget()


def tell(text: str = SAID, *, read_only: bool = False, starts: int = -1, ends: int | None = 60) -> int:
    """Tell a message, from so many minutes from now on until so many."""
    now = clock.machine_now()
    last = now + timedelta(minutes=ends) if ends is not None else None
    return deciding.declare(Notice(0, text, read_only, now + timedelta(minutes=starts), last), None)


@under_the_role
def test_an_agent_tells_everybody_and_takes_it_back(app: Flask, client: FlaskClient, sign_in: Any) -> None:
    sign_in(client, AGENT)
    page = client.post(
        "/message-de-service/annoncer", data={"text": f"  {SAID} ", "ends": "01/01/2098 12:00"}, follow_redirects=True
    )
    assert "dans les dix secondes" in page.text
    assert "Jusqu’au 01/01/2098 à 12:00." in page.text
    for address in ("/login/", "/verifier/", "/aide/", "/inscription/", "/nulle-part/", "/mot-de-passe/"):
        assert SAID in app.test_client().get(address).text, address
    for who, address in ((MANAGER, "/sessions/"), ("conducteur@demo.example", "/mon-espace/")):
        browser = app.test_client()
        sign_in(browser, who)
        assert SAID in browser.get(address).text
    assert client.get("/message-de-service/").text.count(SAID) == 3  # the banner, the list, and the name of its button
    (id_,) = db.session.execute(select(Incident.id)).scalars()
    assert "est retiré" in client.post(f"/message-de-service/{id_}/terminer", follow_redirects=True).text
    assert SAID not in app.test_client().get("/login/").text
    assert "n’est plus affiché" in client.post(f"/message-de-service/{id_}/terminer", follow_redirects=True).text
    acts = db.session.execute(
        select(JournalEntry.action, JournalEntry.actor_id)
        .where(JournalEntry.subject_type == "incident")
        .order_by(JournalEntry.id)
    ).all()
    assert acts == [("incident.declared", person_id(AGENT)), ("incident.ended", person_id(AGENT))]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({}, "Écrivez le message"),
        ({"text": "x" * 301}, "300 caractères au plus"),
        ({"text": SAID, "starts": "demain"}, "JJ/MM/AAAA HH:MM"),
        ({"text": SAID, "ends": "31/02/2098 10:00"}, "JJ/MM/AAAA HH:MM"),
        ({"text": SAID, "ends": "01/01/2020 10:00"}, "La fin est passée"),
        ({"text": SAID, "starts": "02/01/2098 10:00", "ends": "01/01/2098 10:00"}, "ne vient pas après le début"),
    ],
)
def test_what_cannot_be_told_is_said_beside_its_field(
    client: FlaskClient, sign_in: Any, typed: dict[str, str], sentence: str
) -> None:
    sign_in(client, AGENT)
    answer = client.post("/message-de-service/annoncer", data=typed)
    assert (answer.status_code, sentence in answer.text) == (422, True)
    assert db.session.scalar(select(func.count()).select_from(Incident)) == 0


def test_a_message_is_told_from_its_hour_to_its_hour(client: FlaskClient) -> None:
    tell("Avant", starts=-60, ends=-1)
    tell("Après", starts=60, ends=None)
    tell("Sans fin", ends=None)
    assert [one.text for one in incidents.current()] == ["Sans fin"]
    page = client.get("/login/").text
    assert ("Avant" in page, "Après" in page, "Sans fin" in page) == (False, False, True)


def test_while_it_is_only_read_drafts_are_saved_and_nothing_is_registered(
    app: Flask, client: FlaskClient, sign_in: Any
) -> None:
    batch = db.session.get_one(Batch, draft(PIERRE))
    key = batch.key
    sign_in(client, MANAGER)
    client.post(f"/sessions/{key}/verifier")
    tell(read_only=True)
    answer = client.post(f"/sessions/{key}/importer")
    assert answer.status_code == 503
    assert 0 < int(answer.headers["Retry-After"]) <= 3600
    assert incidents.READ_ONLY in answer.text
    assert SAID in answer.text
    assert "Mes sessions" in answer.text, "the menu stays"
    fragment = client.post(f"/sessions/{key}/importer", headers={"HX-Request": "true"})
    assert (fragment.status_code, incidents.READ_ONLY in fragment.text) == (503, True)
    asked = client.post(f"/sessions/{key}/importer", headers={"Accept": "application/json"})
    assert (asked.status_code, asked.json["detail"]) == (503, incidents.READ_ONLY)  # type: ignore[index]
    assert client.get(f"/sessions/{key}/controle").status_code == 200
    assert client.post(f"/sessions/{key}/lignes", data={**PIERRE, "permit_number": "990000000009"}).status_code in (
        200,
        302,
    )
    assert client.post(f"/sessions/{key}/verifier").status_code == 302
    db.session.expire_all()
    lines = db.session.scalar(select(func.count()).select_from(BatchLine).where(BatchLine.batch_id == batch.id))
    assert (lines, db.session.scalar(select(func.count()).select_from(Registration))) == (2, 0)
    assert client.post("/logout/").status_code == 302
    sign_in(app.test_client(), MANAGER)
    deciding.end(db.session.execute(select(Incident.id)).scalar_one(), None)
    sign_in(client, MANAGER)
    assert "/recu" in client.post(f"/sessions/{key}/importer").headers["Location"]


def test_workers_drain_while_it_is_only_read(app: Flask) -> None:
    registered(PIERRE)
    tell(read_only=True)
    assert drain() > 0
    assert db.session.execute(select(Registration.id)).first() is not None


def test_programs_are_told_in_a_header_and_refused_as_a_problem(app: Flask, client: FlaskClient) -> None:
    key = api_keys.issue("12345678200010", NewKey("Essais", ("read", "register", "analyse")))
    headers = {"Authorization": f"Bearer {key}"}
    assert "Registre-Message" not in client.get("/api/v1/catalogue", headers=headers).headers
    tell()
    answer = client.get("/api/v1/catalogue", headers=headers)
    assert unquote(answer.headers["Registre-Message"].removeprefix("UTF-8''")) == SAID
    assert "Registre-Read-Only" not in answer.headers
    tell("Maintenance.", read_only=True)
    assert client.get("/api/v1/catalogue", headers=headers).headers["Registre-Read-Only"] == "true"
    refused = client.post("/api/v1/registrations", headers={**headers, "Idempotency-Key": "un"}, json={"lines": []})
    assert refused.status_code == 503
    assert refused.content_type == "application/problem+json"
    body: dict[str, Any] = refused.json  # type: ignore[assignment]
    assert (body["code"], body["status"], body["detail"]) == ("read_only", 503, incidents.READ_ONLY)
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    line = {**PIERRE, "training_label": "FIMO Marchandises", "category": "Marchandises", "end_date": "07/01/2022"}
    assert client.post("/api/v1/analyses", headers=headers, json={"lines": [line]}).status_code == 200


def test_whatever_writes_is_refused_unless_it_is_named(app: Flask, client: FlaskClient, sign_in: Any) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if (rule.methods or set()) - {*READING}]
    assert {rule.endpoint for rule in rules} >= OPEN, "names that no address has any more"
    assert len(rules) - len(OPEN) > 80
    tell(read_only=True)
    sign_in(client, AGENT)
    for rule in rules:
        if rule.endpoint not in OPEN and not rule.arguments:
            answer = client.post(rule.rule)
            assert (answer.status_code, incidents.READ_ONLY in answer.text) == (503, True), rule


def test_no_request_asks_the_base_for_messages_within_some_seconds(app: Flask, client: FlaskClient) -> None:
    app.config["INCIDENT_SECONDS"] = 5
    client.get("/aide/")
    with statements() as seen:
        client.get("/aide/")
    assert not [one for one in seen if "incident" in one]
    tell()
    assert SAID in client.get("/aide/").text, "the process that was told by knows at once"


def test_without_the_base_what_was_known_holds_and_a_file_tells(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell()
    assert SAID in client.get("/aide/").text

    def away() -> Any:
        raise OperationalError("SELECT", {}, Exception("away"))

    monkeypatch.setattr(incidents, "_of_base", away)
    assert SAID in client.get("/aide/").text
    assert run(app, "incident", "set", "La base est en panne.", "--read-only", "--here")[0] == 0
    page = client.get("/aide/")
    assert (page.status_code, "La base est en panne." in page.text, SAID in page.text) == (200, True, True)
    assert client.post("/inscription/").status_code == 503
    assert run(app, "incident", "end", "--here")[0] == 0
    assert "La base est en panne." not in client.get("/aide/").text
    incidents.file().write_text("{")
    assert client.get("/aide/").status_code == 200


def test_the_command_tells_lists_and_ends(app: Flask, client: FlaskClient) -> None:
    assert run(app, "incident", "show") == (0, "Nothing is told.\n")
    code, said = run(app, "incident", "set", SAID, "--until", "01/01/2098 12:00", "--read-only")
    assert (code, said) == (0, "1 is told\n")
    code, said = run(app, "incident", "show")
    assert said.startswith("1 (read-only): ")
    assert said.endswith(f" until 01/01/2098 12:00: {SAID}\n")
    assert SAID in client.get("/login/").text
    assert run(app, "incident", "end", "1") == (0, "1 is told no longer\n")
    assert run(app, "incident", "end", "1") == (1, "Ce message n’est plus affiché.\n")
    assert run(app, "incident", "set", SAID, "--until", "hier")[0] == 1
    assert Path(app.config["DATA_DIR"]).is_dir()
