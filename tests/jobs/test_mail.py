"""Mails through a real (small) mail server: accepted, put off, refused for good, server away."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from app.extensions import db, mail
from app.jobs import work
from app.models import Mail, Outbox
from app.services.core import clock
from app.services.notifications import mail as mails
from app.services.retention import purge
from config import ROOT
from tests.jobs.smtp import Postbox, mail_server
from tests.support import MARIE, drain, registered


@pytest.fixture
def postbox(app: Flask) -> Iterator[Postbox]:
    before = app.extensions["mail"]
    with mail_server() as box:
        app.config["MAIL_SERVER"], app.config["MAIL_PORT"] = "127.0.0.1", box.port
        mail.init_app(app)
        yield box
    app.extensions["mail"] = before


def the_mail() -> Mail:
    db.session.expire_all()
    return db.session.execute(select(Mail)).scalar_one()


def again() -> None:
    row = db.session.execute(select(Outbox).where(Outbox.kind == "mail")).scalar_one()
    row.due_at = clock.machine_now()
    db.session.commit()
    work.run(row.id)


def test_an_accepted_mail_is_recorded(postbox: Postbox) -> None:
    registered(MARIE)
    drain()
    assert (the_mail().state, len(postbox.accepted)) == ("sent", 1)
    assert the_mail().message_id.encode() in postbox.accepted[0]


def test_a_server_that_says_later_is_tried_again_under_the_same_message_id(postbox: Postbox) -> None:
    postbox.on_recipient = b"451 later"
    registered(MARIE)
    drain()
    assert (the_mail().state, postbox.accepted) == ("pending", [])
    known = the_mail().message_id
    postbox.on_recipient = b"250 ok"
    again()
    assert the_mail().state == "sent"
    assert known.encode() in postbox.accepted[0]
    again()
    assert len(postbox.accepted) == 1


def test_a_certificate_that_has_ended_is_not_mailed(postbox: Postbox, app: Flask) -> None:
    registered(MARIE)
    app.config["TODAY"] = date(2022, 5, 11)
    drain()
    assert db.session.execute(select(Mail)).first() is None


def test_a_certificate_whose_file_went_while_the_server_was_away_is_given_up(postbox: Postbox, app: Flask) -> None:
    postbox.on_recipient = b"451 later"
    registered(MARIE)
    drain()
    app.config["TODAY"] = date(2022, 5, 11)
    assert purge.purge().certificates == 1
    postbox.on_recipient = b"250 ok"
    again()
    assert (the_mail().state, postbox.accepted) == ("dropped", [])


@pytest.mark.parametrize("where", ["on_recipient", "on_data"])
def test_an_address_refused_for_good_is_visible_and_not_tried_for_ever(postbox: Postbox, where: str) -> None:
    setattr(postbox, where, b"550 no such person")
    registered(MARIE)
    drain()
    assert (the_mail().state, the_mail().error) == ("refused", "SMTP 550")
    row = db.session.execute(select(Outbox).where(Outbox.kind == "mail")).scalar_one()
    assert row.done_at is not None


def test_no_server_at_all_keeps_the_mail_due(app: Flask) -> None:
    before = app.extensions["mail"]
    app.config["MAIL_SERVER"], app.config["MAIL_PORT"] = "127.0.0.1", 9
    mail.init_app(app)
    try:
        registered(MARIE)
        drain()
    finally:
        app.extensions["mail"] = before
    row = db.session.execute(select(Outbox).where(Outbox.kind == "mail")).scalar_one()
    assert (the_mail().state, row.attempts, row.done_at) == ("pending", 1, None)


SERVICES = Path(mails.__file__).parents[1]


def test_sending_knows_no_capability() -> None:
    """What mails say is registered by who makes them due; nothing of it stands where they are sent."""
    tree = ast.parse(Path(mails.__file__).read_text())
    found = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    services = {node.module for node in found if node.level or (node.module or "").startswith("app.services")}
    assert services == {"app.services.core"}
    models = {alias.name for node in found if (node.module or "").startswith("app.models") for alias in node.names}
    assert models == {"Mail", "MAIL", "MAIL_DROPPED", "MAIL_PENDING", "MAIL_REFUSED", "MAIL_SENT"}


def test_a_program_just_started_has_the_content_of_every_kind(tmp_path: Path) -> None:
    """A worker sends what another process wrote: all contents are registered by starting alone."""
    program = (
        "from app import create_app; from app.services.notifications.mail import KINDS; from tests.backends import settings; "
        f"from pathlib import Path; create_app(settings(Path({str(tmp_path)!r}), 'sqlite://')); print(len(KINDS))"
    )
    started = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    said = [len(re.findall(r"^@?mail\.says\(", path.read_text(), re.MULTILINE)) for path in SERVICES.rglob("*.py")]
    assert int(started.stdout.split()[-1]) == sum(said) >= 13


def test_each_kind_of_mail_has_a_name_in_french(app: Flask) -> None:
    assert all(re.match(r"[A-ZÀ-Ý]\w", kind.name) for kind in mails.KINDS.values())
    assert mails.name_of("certificate") == "Certificat de qualification"
    assert mails.name_of("of_long_ago") == "of_long_ago"
