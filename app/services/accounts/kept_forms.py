"""What stood in the fields of a page whose sign-in had ended: kept for a day, encrypted, for the same person alone.

Nothing of it was done: it goes back into the fields, and its person sends it anew or not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func, select

from app.extensions import db
from app.models import Person
from app.models.person import KeptForm
from app.services.core import actor, clock, vault
from app.services.core.transaction import transaction

KEPT = timedelta(hours=24)
#: So many of a person are kept, the last ones.
MOST = 5
#: Names of the fields that are never kept: passwords, codes of a second factor, and what proves where a form was drawn.
NEVER = frozenset({"password", "conf_password", "again", "current", "code", "csrf_token"})
#: What they are encrypted for (`services.core.vault`).
USE = "kept form"

Field = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Sent:
    """A form as it was sent: the path it was sent to, and its fields in their order."""

    action: str
    fields: tuple[Field, ...]


@actor.acting(actor.PROGRAM)
def keep(person_id: int, forms: Iterable[Sent]) -> str | None:
    """Keep what was typed for a person, in a transaction of its own, and return the key that names it.

    None where nothing was typed that may be kept, or where the person's account is closed.
    """
    kept = [[one.action, [field for field in one.fields if field[0] not in NEVER]] for one in forms]
    kept = [one for one in kept if any(value.strip() for _, value in one[1])]
    known = select(Person.id).where(Person.id == person_id, Person.active.is_(True))
    if not kept or db.session.scalar(known) is None:
        return None
    with transaction():
        row = KeptForm(person_id=person_id, forms=vault.encrypt(USE, json.dumps(kept)), created_at=clock.machine_now())
        db.session.add(row)
        db.session.flush()
        last = select(KeptForm.id).where(KeptForm.person_id == person_id).order_by(KeptForm.id.desc()).limit(MOST)
        older = KeptForm.id.not_in(list(db.session.execute(last).scalars()))
        db.session.execute(delete(KeptForm).where(KeptForm.person_id == person_id, older))
        return row.key


def find(key: str, person_id: int) -> list[Sent]:
    """Return what was kept for this person under a key; nothing for anybody else, or once its day is over."""
    query = select(KeptForm.forms).where(
        KeptForm.key == key, KeptForm.person_id == person_id, KeptForm.created_at > clock.machine_now() - KEPT
    )
    sealed = db.session.execute(query).scalar_one_or_none()
    if sealed is None:
        return []
    read = vault.read(USE, sealed)  # nothing where it was kept under another secret of the program
    return [Sent(action, tuple((name, value) for name, value in fields)) for action, fields in json.loads(read or "[]")]


def purge(*, dry_run: bool = False) -> int:
    """Remove what is older than a day, and return how many."""
    old = KeptForm.created_at < clock.machine_now() - KEPT
    count = db.session.scalar(select(func.count()).select_from(KeptForm).where(old)) or 0
    if count and not dry_run:
        with transaction():
            db.session.execute(delete(KeptForm).where(old))
    return count
