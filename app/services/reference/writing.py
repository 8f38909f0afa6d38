"""What agents write in the back office: one row a call, judged against the other rows, journalled with before and after."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import inspect, select
from sqlalchemy.exc import IntegrityError

from app.extensions import db
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction
from app.services.journal import record as journal

from . import rules as reference_rules

NOT_UNIQUE = "Rien n’a été enregistré : une autre fiche porte déjà ces valeurs."
REFERENCED = "Rien n’a été supprimé : d’autres données s’appuient sur cette fiche."


def save(item: Model, values: dict[str, Any], actor_id: int) -> None:
    """Write a row, new or known, with these values, and journal it.

    A list of ids under the name of a relation is turned into the rows it names. Raises `backoffice_rules.Refused`, which
    names the field concerned where there is one; then nothing is written.
    """
    is_new = inspect(item).transient
    before = None if is_new else _plain(item, values)
    try:
        with transaction():
            with db.session.no_autoflush:
                reference_rules.hold(item)
                _assign(item, values)
                reference_rules.check(item)
            db.session.add(item)
            db.session.flush()
            _record(item, "created" if is_new else "changed", actor_id, before, _plain(item, values))
    except IntegrityError as error:
        raise reference_rules.Refused(NOT_UNIQUE) from error


def remove(item: Model, actor_id: int) -> None:
    """Delete a row nothing leans on, and journal it; raise :class:`Refusal` where it must stay."""
    before = _plain(item, _columns(item))
    try:
        with transaction():
            reference_rules.check_removal(item)
            _record(item, "deleted", actor_id, before, None)
            db.session.delete(item)
    except IntegrityError as error:
        raise Refusal(REFERENCED) from error


def _columns(item: Model) -> list[str]:
    return [attribute.key for attribute in inspect(type(item)).column_attrs]


def _assign(item: Model, values: dict[str, Any]) -> None:
    relations = inspect(type(item)).relationships
    for name, value in values.items():
        if name in relations:
            model = relations[name].mapper.class_
            value = list(db.session.execute(select(model).where(model.id.in_(value)).order_by(model.id)).scalars())
        setattr(item, name, value)


def _record(item: Any, act: str, actor_id: int, before: dict[str, Any] | None, after: dict[str, Any] | None) -> None:
    name = item.__tablename__
    centre_id = getattr(item, "centre_id", None)  # a centre's own row bears none: the entry would keep it from going
    journal.record(f"{name}.{act}", name, item.id, actor_id=actor_id, centre_id=centre_id, before=before, after=after)


def _plain(item: Model, names: Any) -> dict[str, Any]:
    """Return these attributes as plain JSON values."""
    return {name: _json(getattr(item, name)) for name in names}


def _json(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [str(one) for one in value]
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
