"""The names of an account, set right by an agent: what greets the person and what others read of them at their centres."""

from __future__ import annotations

from app.extensions import db
from app.models import Person
from app.services.core.transaction import transaction
from app.services.journal import record as journal


def rename(person_id: int, first_name: str, last_name: str, actor_id: int) -> bool:
    """Give an account these names, in the rules' form; tell whether that changed something.

    A driver's identity is none of it: it is corrected with its proof (`services.identities`).
    """
    with transaction():
        person = db.session.get_one(Person, person_id)
        before = {"last_name": person.last_name, "first_name": person.first_name}
        after = {"last_name": last_name, "first_name": first_name}
        if before == after:
            return False
        person.first_name, person.last_name = first_name, last_name
        journal.record("account.renamed", "person", person_id, actor_id=actor_id, before=before, after=after)
    return True
