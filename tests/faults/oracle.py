"""What must hold after a schedule: every invariant of `flask check`, files and rows, mails, messages, and no row more or less
than the same acts leave when nothing goes wrong.
"""

from __future__ import annotations

import os
from collections import Counter
from datetime import timedelta
from pathlib import Path

from flask import current_app
from flask_appbuilder import Model
from sqlalchemy import func, select, text

from app.extensions import db
from app.models import Deposit, JournalEntry, Mail, Outbox, Registration, WebhookDelivery
from app.models.api import DELIVERED
from app.models.outbox import CANCELLED_MAIL, CERTIFICATE_MAIL, MAIL_DROPPED, MAIL_SENT
from app.services.core import clock
from app.services.proving import check, files
from app.services.retention import purge
from app.services.storage import store

from . import elsewhere
from .living import Scenario
from .points import Plan

#: Tables that count tries, turns of the machine or what was seen, not what stands.
_MACHINE = frozenset({"outbox", "attempt", "nightly_task", "platform_poll", "breach"})

Standing = dict[str, int]


def standing() -> Standing:
    """Return how much of everything stands: rows by table, acts by kind, mails by kind, recipient and state, messages."""
    db.session.rollback()
    tables = [table for table in Model.metadata.sorted_tables if table.name not in _MACHINE]
    counts = " UNION ALL ".join(f"SELECT '{table.name}', count(*) FROM \"{table.name}\"" for table in tables)
    found: Standing = {name: count for name, count in db.session.execute(text(counts)).tuples() if count}
    j = JournalEntry
    for action, count in db.session.execute(select(j.action, func.count()).group_by(j.action)).tuples():
        found[f"journal:{action}"] = count
    for kind, to, state in db.session.execute(select(Mail.kind, Mail.recipient, Mail.state)).tuples():
        found[f"mail:{kind}:{to}:{state}"] = found.get(f"mail:{kind}:{to}:{state}", 0) + 1
    d = WebhookDelivery
    for event, state in db.session.execute(select(d.event, d.state)).tuples():
        found[f"webhook:{event}:{state}"] = found.get(f"webhook:{event}:{state}", 0) + 1
    return found


def judge(scenario: Scenario, plan: Plan, usual: Standing | None) -> Standing:
    """Assert what must hold, and return what stands; ``usual``: what does without a fault."""
    undone = db.session.execute(select(Outbox.kind, Outbox.last_error).where(Outbox.done_at.is_(None))).tuples().all()
    assert not undone, f"work is left undone: {undone}"
    report = check.run(with_files=True)
    assert report.is_sound, [(one.code, one.words, one.subjects) for one in report.found]
    _judge_mails(len(plan.fired))
    _judge_messages()
    _judge_deposits()
    found = standing()
    if usual is not None:
        names = {name for name in {*usual, *found} if not _is_left(name, scenario.leaves)}
        other = {name: (usual.get(name, 0), found.get(name, 0)) for name in names if usual.get(name) != found.get(name)}
        assert not other, f"what stands is not what the same acts leave in peace (usual, now): {other}"
    _judge_orphans()
    return found


def _is_left(name: str, leaves: frozenset[str]) -> bool:
    return any(name == one or (one.endswith("*") and name.startswith(one[:-1])) for one in leaves)


def _judge_mails(faults: int) -> None:
    """Each mail recorded as sent reached the world; what reached it is recorded, once, or as often as an answer was lost."""
    reached = Counter(one["id"] for one in elsewhere.told("mail"))
    sent = set(db.session.execute(select(Mail.message_id).where(Mail.state == MAIL_SENT)).scalars())
    assert set(reached) >= sent, "a mail is recorded as sent that nobody got"
    dropped = select(Mail.message_id).where(Mail.state == MAIL_DROPPED, Mail.kind == CERTIFICATE_MAIL)
    assert set(reached) <= sent | set(db.session.execute(dropped).scalars()), "somebody got a mail that is not recorded"
    _judge_ends(set(reached))
    assert sum(reached.values()) - len(reached) <= faults, f"mails came more often than answers were lost: {reached}"


def _judge_ends(reached: set[str]) -> None:
    """Whoever got a certificate that was cancelled since, the mail recorded or not, was told of its end."""
    ended = select(Registration.id).where(Registration.cancelled_on.is_not(None))
    query = select(Mail.kind, Mail.registration_id, Mail.recipient, Mail.message_id)
    rows = db.session.execute(query.where(Mail.registration_id.in_(ended))).tuples().all()
    got = {(kind, id_, to) for kind, id_, to, message in rows if message in reached}
    for kind, id_, to in got:
        assert kind != CERTIFICATE_MAIL or (CANCELLED_MAIL, id_, to) in got, (
            f"{to} is not told that a certificate was cancelled"
        )


def _judge_messages() -> None:
    """Each message recorded as delivered reached its receiver, and none that is not recorded did."""
    reached = {one["id"] for one in elsewhere.told("webhook")}
    d = WebhookDelivery
    rows = dict(db.session.execute(select(d.message_id, d.state)).tuples().all())
    assert reached <= set(rows), "a receiver was told what is not recorded"
    assert {id_ for id_, state in rows.items() if state == DELIVERED} <= reached, "a message never reached its receiver"


def _judge_deposits() -> None:
    """Each flow at the platform is a deposit of ours, and the other way round."""
    flows = {one["id"] for one in elsewhere.told("flow")}
    ours = set(db.session.execute(select(Deposit.tracking_id).where(Deposit.platform == "elsewhere")).scalars())
    assert flows == ours, f"flows {flows}, deposits {ours}"


def _judge_orphans() -> None:
    """After a day nothing lies in the store that no row speaks of."""
    if not orphans():
        return
    data, old = Path(current_app.config["DATA_DIR"]), clock.machine_now() - timedelta(days=9)
    for folder in ("documents", "uploads", "exports", "bucket"):
        for path in (data / folder).rglob("*"):
            os.utime(path, (old.timestamp(), old.timestamp()))
    purge.purge(by_owner=False)
    assert not (left := orphans()), f"files that no row speaks of stay for ever: {left}"


def orphans() -> set[str]:
    """Return the files of store and uploads that no row speaks of, the half-written ones included."""
    db.session.rollback()
    known, sent = set(), set()
    for kind in files.KINDS:
        paths = {path for _, path, _ in db.session.execute(kind.rows()).tuples()}
        (sent if kind.code == files.UPLOAD else known).update(paths)
    data = Path(current_app.config["DATA_DIR"])
    uploads = {
        path.relative_to(data / "uploads").as_posix() for path in (data / "uploads").rglob("*") if path.is_file()
    }
    exports = {f"exports/{path.name}" for path in (data / "exports").glob(".tmp-*")}
    return ({path for path, _ in store.entries()} - known) | (uploads - sent) | exports
