"""What must hold whatever was killed, checked by SQL on the base of the program and on its files."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

#: Each query counts what must not be.
NEVER = {
    "a line registered twice": """
        SELECT count(*) FROM (SELECT 1 FROM registration GROUP BY batch_id, line_number HAVING count(*) > 1)""",
    "part of a batch registered": """
        SELECT count(*) FROM batch b WHERE (b.state = 'registered') <> (
          (SELECT count(*) FROM registration r WHERE r.batch_id = b.id) = json_extract(b.summary, '$.kept')
          AND EXISTS (SELECT 1 FROM registration r WHERE r.batch_id = b.id))""",
    "a registration without price": "SELECT count(*) FROM registration WHERE price IS NULL OR price <= 0",
    "not one récapitulatif each": """
        SELECT count(*) FROM registration r WHERE (SELECT count(*) FROM document d
          WHERE d.registration_id = r.id AND d.kind = 'recap' AND d.state <> 'revoked') <> (r.cancelled_on IS NULL)""",
    "not one certificate where due": """
        SELECT count(*) FROM registration r JOIN training t ON t.id = r.training_id WHERE t.price_class <> 'fco_module'
          AND (SELECT count(*) FROM document d
            WHERE d.registration_id = r.id AND d.kind = 'certificate' AND d.state <> 'revoked') <> (r.cancelled_on IS NULL)""",
    "a cancelled registration without its one cancellation": """
        SELECT count(*) FROM registration r WHERE
          (SELECT count(*) FROM cancellation c WHERE c.registration_id = r.id) <> (r.cancelled_on IS NOT NULL)""",
    "a replacement that stands for two": """
        SELECT count(*) FROM (SELECT 1 FROM cancellation WHERE replaced_by_id IS NOT NULL
          GROUP BY replaced_by_id HAVING count(*) > 1)""",
    "a correction's line that replaces nothing": """
        SELECT count(*) FROM registration r JOIN batch b ON b.id = r.batch_id WHERE b.mode = 'correction'
          AND NOT EXISTS (SELECT 1 FROM cancellation c WHERE c.replaced_by_id = r.id)""",
    "a certificate mailed and its end untold": """
        SELECT count(*) FROM registration r WHERE r.cancelled_on IS NOT NULL
          AND EXISTS (SELECT 1 FROM mail m WHERE m.registration_id = r.id AND m.kind = 'certificate' AND m.state = 'sent')
          AND NOT EXISTS (SELECT 1 FROM mail m WHERE m.registration_id = r.id AND m.kind = 'cancelled')""",
    "a mail twice": """
        SELECT count(*) FROM (SELECT 1 FROM mail
          GROUP BY kind, registration_id, trainer_id, "values", sequence HAVING count(*) > 1)""",
    "a driver twice": "SELECT count(*) FROM (SELECT 1 FROM driver GROUP BY birth_date, permit_number HAVING count(*) > 1)",
    "a trainer without journal": """
        SELECT count(*) FROM trainer t WHERE (t.state = 'registered') <>
          ((SELECT count(*) FROM journal j WHERE j.action = 'trainer.registered' AND j.subject_id = t.id) = 1)""",
    "a trainer not told once": """
        SELECT count(*) FROM trainer t WHERE t.state = 'registered' AND NOT t.withheld AND
          (SELECT count(*) FROM mail m WHERE m.kind = 'right_open' AND m.trainer_id = t.id) <> 1""",
    "a registration without journal": """
        SELECT count(*) FROM batch b WHERE b.state = 'registered' AND
          (SELECT count(*) FROM journal j WHERE j.action = 'batch.registered' AND j.subject_id = b.id) <> 1""",
}


class Base:
    """The program's base, read beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.connection = sqlite3.connect(folder / "registre.db", timeout=10)

    def one(self, query: str, *values: object) -> int:
        """Return the one number a query gives."""
        return int(self.connection.execute(query, values).fetchone()[0])

    def pending(self) -> int:
        """Return how many documents are still to be drawn, and outbox rows undone."""
        return self.one("SELECT count(*) FROM document WHERE state = 'pending'") + self.one(
            "SELECT count(*) FROM outbox WHERE done_at IS NULL"
        )

    def check(self) -> None:
        """Assert every invariant, files included."""
        for what, query in NEVER.items():
            assert self.one(query) == 0, what
        rows = self.connection.execute("SELECT path, sha256, size FROM document WHERE state = 'available'").fetchall()
        for path, sha256, size in rows:
            content = (self.folder / "documents" / path).read_bytes()
            assert (len(content), hashlib.sha256(content).hexdigest()) == (size, sha256), path
