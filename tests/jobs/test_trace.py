"""One number from the click to the job, the mail, the webhook, the journal and the log; another click has another."""

from __future__ import annotations

import email
import email.policy
import logging
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from app.cli.database import by_the_program
from app.extensions import db
from app.jobs import work, worker
from app.models import Batch, JournalEntry, NightlyTask, Outbox, Registration, WebhookDelivery
from app.models.api import AVAILABLE, CONFIRMED, EVENTS
from app.models.outbox import MAIL, NIGHTLY
from app.services.api import keys as api_keys
from app.services.api import webhook_delivery, webhooks
from app.services.core import clock, outbox, trace
from app.services.operations import nightly
from app.services.registration import analysis
from tests.receiver import Receiver, receiver
from tests.support import MARIE, centre_id, draft, drain, person_id, registered

SignIn = Callable[..., FlaskClient]
MANAGER, AGENT, REPRESENTATIVE = "gestionnaire@demo.example", "agent@demo.example", "representant@demo.example"
NUMBER = re.compile(r"[0-9a-f]{32}")


def listen(software: Receiver) -> int:
    """Have the demonstration centre's software told of everything; return the address's id."""
    person = person_id(REPRESENTATIVE)
    api_keys.subscribe(centre_id(), person)
    return webhooks.create(centre_id(), person, software.url, EVENTS)[0]


def confirm(client: FlaskClient) -> str:
    """Register MARIE by the button of the last step; return the number that the answer says."""
    batch_id = draft(MARIE)
    analysis.check(batch_id)
    batch = db.session.get_one(Batch, batch_id)
    answer = client.post(f"/sessions/{batch.key}/importer", data={"version": str(batch.version)})
    assert (answer.status_code, db.session.get_one(Batch, batch_id, populate_existing=True).state) == (
        302,
        "registered",
    )
    return answer.headers["X-Trace-Id"]


def test_a_click_is_followed_to_the_end(
    app: Flask, bell: str, client: FlaskClient, sign_in: SignIn, capfd: pytest.CaptureFixture[str]
) -> None:
    app.config["WEBHOOK_PRIVATE_ADDRESSES"], app.config["METRICS_PORT"] = True, 9
    sign_in(client, MANAGER)
    with receiver() as software:
        listen(software)
        number = confirm(client)
        assert NUMBER.fullmatch(number)
        worker.work(burst=True)
        said = capfd.readouterr().out
    db.session.expire_all()
    rows = list(db.session.execute(select(Outbox).where(Outbox.trace == number)).scalars())
    assert {row.kind for row in rows} == {"documents", "mail", "webhook"}, "work, and the work that this work made due"
    assert all(row.done_at for row in rows)
    done = [line for line in said.splitlines() if "work done" in line]
    assert len(done) == len(rows)
    assert all(number in line for line in done), "each line of the log, in forks of the worker"
    (letter,) = (Path(app.config["DATA_DIR"]) / "mails").glob("*.eml")
    read = email.message_from_bytes(letter.read_bytes(), policy=email.policy.default)
    assert (read["X-Trace-Id"], "certificat de qualification" in read["Subject"]) == (number, True)
    told = {message.told["type"]: message.headers["traceparent"].split("-") for message in software.messages}
    assert {kind: parts[:2] for kind, parts in told.items()} == {
        kind: ["00", number] for kind in (CONFIRMED, AVAILABLE)
    }
    assert all(re.fullmatch("[0-9a-f]{16}", parts[2]) for parts in told.values())
    acts = db.session.execute(select(JournalEntry.action).where(JournalEntry.trace == number)).scalars()
    assert list(acts) == ["batch.registered"]


def test_the_journal_is_asked_by_the_number_a_person_read_on_screen(client: FlaskClient, sign_in: SignIn) -> None:
    number = confirm(sign_in(client, MANAGER))
    sign_in(client, AGENT)
    registration = db.session.execute(select(Registration.id)).scalar_one()
    assert number in client.get(f"/enregistrements/show/{registration}").text
    for asked in (number, number[:8].upper(), " ".join(re.findall("....", number))):
        page = client.get("/journal/list/", query_string={"_flt_0_trace": asked}).text
        assert page.count('class="told__one"') == 1, asked
        assert number in page
    for asked in (number[:7], "0" * 32, "zzzzzzzz", "%%%%%%%%"):
        assert 'class="told__one"' not in client.get("/journal/list/", query_string={"_flt_0_trace": asked}).text


def test_two_requests_have_two_numbers_and_none_comes_from_outside(client: FlaskClient) -> None:
    theirs = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{theirs}-b7ad6b7169203331-01", "X-Trace-Id": theirs}
    first, second = (client.get("/aide/", headers=headers).headers["X-Trace-Id"] for _ in range(2))
    assert len({theirs, first, second}) == 3
    call = client.get("/api/v1/catalogue", headers={"X-Request-Id": "mon-appel.1"}).headers
    assert (call["X-Request-Id"], bool(NUMBER.fullmatch(call["X-Trace-Id"]))) == ("mon-appel.1", True)
    call = client.get("/api/v1/catalogue").headers
    assert call["X-Request-Id"] == call["X-Trace-Id"], "one number where the caller has none of its own"
    assert trace.current() == "", "nothing of a request stays behind it"


def test_a_failure_says_on_screen_what_the_log_says(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setitem(app.view_functions, "pages.help_page", lambda: 1 / 0)
    for htmx in ({}, {"HX-Request": "true"}):
        caplog.clear()
        caplog.handler.addFilter(trace.IN_RECORDS)
        answer = client.get("/aide/", headers=htmx)
        number = answer.headers["X-Trace-Id"]
        (record,) = (one for one in caplog.records if one.exc_info)
        assert f"<code>{number}</code>" in answer.text
        assert trace.FORMAT.format(record).splitlines()[0].endswith(f"trace={number}")
    plain = logging.LogRecord("x", logging.INFO, "x.py", 1, "elsewhere", None, None)
    assert trace.FORMAT.format(plain).endswith("trace=-")


def test_a_night_s_task_and_a_command_have_numbers_of_their_own(app: Flask) -> None:
    nightly.make_due(clock.machine_now().replace(hour=12))
    tasks = list(db.session.execute(select(Outbox.trace).where(Outbox.kind == NIGHTLY)).scalars())
    assert len(set(tasks)) == len(tasks) == db.session.query(NightlyTask).count()
    command = app.cli.commands["outbox"].commands["relay"]  # type: ignore[attr-defined]
    by_the_program(command)
    app.test_cli_runner().invoke(args=["seed", "reference"])
    with capture_logs([merge_contextvars]) as said:
        for _ in range(2):
            app.test_cli_runner().invoke(command)
    numbers = [line["trace"] for line in said if line["event"].startswith("queue unreachable")]
    assert len(set(numbers)) == len(numbers) == 2


def test_work_that_is_put_off_keeps_its_number(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with trace.stretch("request", "GET") as click:
        registered(MARIE)
    monkeypatch.setitem(work.HANDLERS, "documents", lambda _payload: 1 / 0)
    with capture_logs([merge_contextvars]) as said:
        drain()
    assert [line["trace"] for line in said if line["event"] == "work put off"] == [click.trace]
    monkeypatch.undo()
    row = db.session.execute(select(Outbox)).scalar_one()
    row.due_at = clock.machine_now()
    db.session.commit()
    work.run(row.id)
    assert set(db.session.execute(select(Outbox.trace).where(Outbox.kind == MAIL)).scalars()) == {click.trace}


def test_a_row_of_before_numbers_is_done_under_a_new_one(app: Flask) -> None:
    outbox.add(MAIL, [{"mail": 10**6}])
    row = db.session.execute(select(Outbox)).scalar_one()
    assert row.trace is None
    db.session.commit()
    with capture_logs([merge_contextvars]) as said:
        work.run(row.id)
    assert NUMBER.fullmatch(said[0]["trace"])


def test_a_message_bears_the_number_of_its_act_whoever_has_it_sent_again(app: Flask) -> None:
    app.config["WEBHOOK_PRIVATE_ADDRESSES"] = True
    with receiver() as software:
        listen(software)
        software.statuses = [500, 204]
        with trace.stretch("request", "POST") as click:
            registered(MARIE)
        first = db.session.execute(select(WebhookDelivery).order_by(WebhookDelivery.id).limit(1)).scalar_one()
        webhook_delivery.send(first.id, first.ticket)
        db.session.commit()
        with trace.stretch("request", "POST"):
            webhook_delivery.replay(centre_id(), first.id, person_id(REPRESENTATIVE))
        drain()
        sent = [m.headers["traceparent"] for m in software.messages if m.headers["webhook-id"] == first.message_id]
    assert [one.split("-")[1] for one in sent] == [click.trace] * 2
    assert len(set(sent)) == 2, "each try is a span of its own"


def test_nothing_is_exported_or_imported_unless_the_settings_say_so(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[trace.Stretch] = []
    module = ModuleType("operators_own")
    module.take = ended.append  # type: ignore[attr-defined]
    module.fail = lambda _one: 1 / 0  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    assert app.config["TRACE_EXPORTER"] == ""
    client.get("/aide/")
    assert ended == []
    assert not [name for name in sys.modules if name.startswith("opentelemetry")]
    app.config["TRACE_EXPORTER"] = "operators_own:take"
    number = client.get("/aide/?recherche=MARTIN").headers["X-Trace-Id"]
    (one,) = ended
    assert (one.trace, one.kind, one.name, one.failed) == (number, "request", "GET pages.help_page", False)
    for broken in ("operators_own:fail", "operators_own:none", "nowhere:none"):
        app.config["TRACE_EXPORTER"] = broken
        assert client.get("/aide/").status_code == 200
