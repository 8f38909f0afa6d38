"""What follows from the crowd's registrations, written by PostgreSQL itself: at millions of rows a third of the time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta

from sqlalchemy import text

from app.extensions import db
from app.services.core.numbers import ALPHABET
from app.validators.validity import CERTIFICATE_MONTHS, RECAP_YEARS

#: Nine in the morning of the day a row was registered.
_MOMENT = "((registered_on::timestamp + interval '9 hours') AT TIME ZONE 'UTC')"
_LINES = """
INSERT INTO batch_line (batch_id, number, reference, order_number, training_label, category, end_date, first_name, last_name,
  birth_date, permit_number, rank, remarks, not_text, group_key, set_aside)
SELECT batch_id, line_number, '', '', '', '', '', first_name, last_name, '', '', 2, '', '', '', false
FROM registration WHERE id >= {first}"""
_DOCUMENTS = """
INSERT INTO document (id, registration_id, kind, number, state, established_on, valid_from, valid_until, path, sha256, size,
  purged_at)
SELECT {document} + 2 * at + place, id, kind, prefix || '-22-' || {digits},
  CASE WHEN id > last - 200 THEN 'pending' WHEN until < gone THEN 'purged' ELSE 'available' END, registered_on, registered_on,
  until, CASE WHEN until >= gone THEN at || '.pdf' END, repeat('0', 64), 40000,
  CASE WHEN until < gone THEN until::timestamp AT TIME ZONE 'UTC' END
FROM (
  SELECT r.id, r.id - {first} AS at, r.registered_on, p.*, (SELECT max(id) FROM registration) AS last,
    (r.registered_on + make_interval(months => p.months))::date AS until, date '{gone}' AS gone
  FROM registration r CROSS JOIN (
    VALUES (0, 'recap', 'RF', {recap}), (1, 'certificate', 'CQ', {certificate})
  ) AS p(place, kind, prefix, months) WHERE r.id >= {first} ORDER BY r.id
) AS papers"""
_MAILS = """
INSERT INTO mail (kind, registration_id, "values", sequence, recipient, message_id, state, created_at)
SELECT 'certificate', id, '{{}}', 1, 'x@demo.example', '<' || id - {first} || '@crowd>',
  CASE WHEN (id - {first}) % 2000 = 0 THEN 'refused' ELSE 'sent' END, {moment}
FROM registration WHERE id >= {first} AND (id - {first}) % 4 = 0"""
_CHANGES = """
INSERT INTO last_change (kind, subject_id, centre_id, at, order_number, is_live)
SELECT 'registration', id, centre_id, {moment}, order_number, true FROM registration WHERE id >= {first} ORDER BY id"""
_BATCHES = """
INSERT INTO last_change (kind, subject_id, centre_id, at, order_number, is_live)
SELECT 'batch', id, centre_id, created_at, '', true FROM batch b
WHERE NOT EXISTS (SELECT 1 FROM last_change c WHERE c.kind = 'batch' AND c.subject_id = b.id) ORDER BY id"""


#: Tables of many rows; those whose ids were given out by us go on from the largest.
_LARGE = (
    "ab_user",
    "driver",
    "batch",
    "batch_line",
    "import_file",
    "registration",
    "document",
    "mail",
    "last_change",
    "journal",
)
_NUMBERED = (
    "ab_user",
    "ab_user_role",
    "centre",
    "accreditation",
    "driver",
    "batch",
    "registration",
    "document",
    "mail",
    "journal",
)
#: Indexes that no constraint leans on, with the statement that makes them.
_INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid = ANY (CAST(:names AS regclass[])) AND NOT indisprimary
AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = indexrelid)"""


@contextmanager
def quickly() -> Iterator[None]:
    """Write as a replica does, without triggers and foreign keys; make the indexes of the large tables at the end."""
    dropped = db.session.execute(text(_INDEXES), {"names": list(_LARGE)}).tuples().all()
    db.session.execute(text("SET LOCAL session_replication_role = replica"))
    db.session.execute(text("SET LOCAL maintenance_work_mem = '1GB'"))
    for name, _ in dropped:
        db.session.execute(text(f"DROP INDEX {name}"))
    yield
    for _, statement in dropped:
        db.session.execute(text(statement))
    for name in _NUMBERED:
        db.session.execute(text(f"SELECT setval('{name}_id_seq', (SELECT max(id) FROM {name}))"))


def write_following(first: int, document: int, today: date, progress: Callable[[str], None]) -> None:
    """Write lines, documents, mails and changes; ``first`` and ``document``: the first ids of the crowd's rows."""
    places = [f"substr('{ALPHABET}', ((at >> {shift}) & 31)::integer + 1, 1)" for shift in range(20, -1, -5)]
    values = {
        "first": first, "document": document, "digits": f"'{ALPHABET[0] * 5}-' || " + " || ".join(places), "moment": _MOMENT,
        "gone": today - timedelta(days=1), "recap": 12 * RECAP_YEARS, "certificate": CERTIFICATE_MONTHS,
    }  # fmt: skip
    for statement in (_LINES, _DOCUMENTS, _MAILS, _CHANGES, _BATCHES):
        progress(statement.split()[2])
        db.session.execute(text(statement.format(**values)))
    progress("indexes")
