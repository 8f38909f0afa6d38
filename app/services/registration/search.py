"""What registrations are looked for by: a name, a birth date, a permit, an order, a receipt or a certificate in hand; and
what narrows them.

Everything returns a condition of SQL that an index answers, whatever the number of registrations. Where it is known that
very many answer, ``broad`` gives the same condition in a form that is judged row by row: read in the order of a list, a page
is soon full.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, false, or_, select, union_all

from app.models import Batch, Document, Driver, Mail, Registration
from app.models.batch import MODES
from app.models.outbox import CERTIFICATE_MAIL, MAIL_REFUSED
from app.models.registration import PENDING, REVOKED
from app.models.search import begins, by_names, name_ways, plain, search_key
from app.services.core import narrowing
from app.services.core.dialect import expected_rows, found_first, on_postgresql
from app.services.core.numbers import typed_number
from app.validators.fields import bare_permit

R = Registration
#: A shorter number is taken whole: as a beginning it would mean a good part of all rows.
SHORTEST = 4
#: Words of the address → whether a registration counts.
STATUSES = {"actifs": "Actifs", "annules": "Annulés"}
FEW_BATCHES = 500
#: Words of the address → what they say of a registration's documents.
DOCUMENTS = {
    "preparation": "En préparation",
    "retenus": "Retenus",
    "sans-compte": "En attente d’un compte",
    "refuses": "Adresse refusée",
    "revoques": "Révoqués",
}


def by_words(text: str, *, broad: bool = False) -> ColumnElement[bool]:
    """Return the registrations that a person's words mean, each word being the beginning of something.

    Words without a figure are names, in any order (« Le Goff Yann »); the others are numbers of any kind.
    """
    parts = narrowing.whole_days(text).split()
    coded = [part for part in parts if any(c.isdigit() for c in part)]
    named = [part for part in parts if part not in coded]
    if not coded:
        return or_(by_names(R, text, broad=broad), plain(R.search_order, broad) == search_key(text))
    apart = [_has_number(part, broad) for part in coded]
    if len(parts) == 1:
        return apart[0]
    meant = and_(*apart, by_names(R, " ".join(named), broad=broad)) if named else and_(*apart)
    if broad:
        return or_(_has_number(text, broad), meant)
    return R.id.in_(union_all(*_with_number(text), select(R.id).where(meant)))


def ways(text: str) -> list[ColumnElement[bool]]:
    """Return conditions, each with an index of its own, of which a registration that the words mean meets one.

    The words are a person as registered, an order number, or both. Receipts and documents are not looked for.
    """
    asked = narrowing.typed(text)
    found = person_ways(text)
    if not (asked.numbers or asked.days):
        return [*found, R.search_order == search_key(text)]
    found.append(_begins_or_is(R.search_order, search_key(text)))
    if asked.names and asked.numbers:
        found.append((R.search_order == search_key(asked.number)) & by_names(R, asked.name))
    return found


def person_ways(text: str) -> list[ColumnElement[bool]]:
    """Return conditions, each with an index of its own, of which a registration of the person meant meets one: by the
    names, the permit number and the birth date that it was registered by.
    """
    asked = narrowing.typed(text)
    under = identified(asked)
    if under is None:
        return name_ways(R, asked.name)
    named = [by_names(R, asked.name)] if asked.names else []
    return [and_(way, *named) for way in registered_under(under)]


def identified(asked: narrowing.Typed, model: Any = Driver) -> ColumnElement[bool] | None:
    """Return the rows (drivers, identities) with this permit number or this birth date; None where neither was typed."""
    born = [model.birth_date == day for day in asked.days]
    if not asked.numbers:
        return and_(*born) if born else None
    number, day = permit_begins(asked.number, model), narrowing.day_of(asked.number)
    return and_(number if day is None else or_(number, model.birth_date == day), *born)


def permit_begins(text: str, model: Any = Driver) -> ColumnElement[bool]:
    """Return the rows (drivers, identities) whose permit number begins so, however it is spaced; one too short to mean any
    is taken whole.
    """
    return _begins_or_is(model.permit_number, bare_permit(text))


def registered_under(identity: ColumnElement[bool]) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return two conditions of which registrations made under an identity that meets this one meet one or the other."""
    ids = select(Driver.id).where(identity)
    return and_(found_first(R.driver_id, ids), R.registered_as_id.is_(None)), found_first(R.registered_as_id, ids)


def _begins_or_is(column: Any, text: str) -> ColumnElement[bool]:
    return begins(column, text) if len(text) >= SHORTEST else column == text


def _papers(text: str) -> ColumnElement[bool]:
    day = narrowing.day_of(text)
    return permit_begins(text) if day is None else or_(permit_begins(text), Driver.birth_date == day)


def _has_number(text: str, broad: bool) -> ColumnElement[bool]:
    if not broad:
        return R.id.in_(union_all(*_with_number(text)))
    number = typed_number(text)
    return or_(
        _begins_or_is(plain(R.search_order, True), search_key(text)),
        exists().where(Driver.id == R.identity_id(), _papers(text)),
        exists().where(Batch.id == R.batch_id, Batch.receipt_number == number),
        exists().where(Document.registration_id == R.id, Document.number == number),
    )


def _with_number(text: str) -> list[Any]:
    """Return statements for the ids of the registrations that bear a number: order, permit, birth date, receipt, document."""
    number = typed_number(text)
    return [
        select(R.id).where(_begins_or_is(R.search_order, search_key(text))),
        *(select(R.id).where(asked) for asked in registered_under(_papers(text))),
        select(R.id).join(Batch, Batch.id == R.batch_id).where(Batch.receipt_number == number),
        select(Document.registration_id).where(Document.number == number),
    ]


def by_documents(word: str, *, broad: bool = False) -> ColumnElement[bool] | None:
    """Return the registrations whose documents are in a state of DOCUMENTS; None for another word."""
    conditions: Mapping[str, Callable[[], ColumnElement[bool]]] = {
        "preparation": lambda: _in(R.id, Document.registration_id, broad, Document.state == PENDING),
        "retenus": lambda: R.withheld.is_(True) & R.live(),
        "sans-compte": lambda: R.live() & _in(R.driver_id, Driver.id, broad, Driver.person_id.is_(None)),
        "refuses": lambda: _in(
            R.id,
            Mail.registration_id,
            broad,
            Mail.registration_id.is_not(None),
            Mail.kind == CERTIFICATE_MAIL,
            Mail.state == MAIL_REFUSED,
        ),
        "revoques": lambda: _in(R.id, Document.registration_id, broad, Document.state == REVOKED),
    }
    condition = conditions.get(word)
    return condition() if condition else None


def _in(key: Any, other: Any, broad: bool, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return whether a key is among those of other rows: found from these rows or, broadly, looked up row by row."""
    return exists(other).where(other == key, *conditions) if broad else key.in_(select(other).where(*conditions))


def by_status(word: str, *, broad: bool = False) -> ColumnElement[bool] | None:
    """Return the registrations that count, or those that were cancelled; None for another word."""
    return {"actifs": R.cancelled_on.is_(None), "annules": R.cancelled_on.is_not(None)}.get(word)


def by_mode(word: str, *, broad: bool = False) -> ColumnElement[bool] | None:
    """Return the registrations that came by hand, by file or by API; None for another word.

    Few batches lead to their registrations; of many, registrations ask for their own: no index is asked for a column within a
    CASE, which below a policy may look rows up, as a sum or COALESCE may not.
    """
    if word not in MODES:
        return None
    batches = select(Batch.id).where(Batch.mode == word)
    # PostgreSQL tells without counting: a centre's own are counted among everybody's.
    if broad or (expected_rows(batches) if on_postgresql() else narrowing.up_to(FEW_BATCHES, batches)) >= FEW_BATCHES:
        return case((R.batch_id.is_(None), 0), else_=R.batch_id).in_(batches)
    return R.batch_id.in_(batches)


def since(text: str) -> ColumnElement[bool] | None:
    """Return the registrations of that day and after; None for a text that is no day."""
    day = narrowing.day_of(text)
    return None if day is None else R.registered_on >= day


def until(text: str) -> ColumnElement[bool] | None:
    """Return the registrations of that day and before; None for a text that is no day."""
    day = narrowing.day_of(text)
    return None if day is None else R.registered_on <= day


def _is(column: Any) -> Callable[[str], ColumnElement[bool] | None]:
    return lambda text: column == int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


#: Question of a list → its condition; what a request asks, and what a job asks again later.
CONDITIONS: Mapping[str, Callable[[str], ColumnElement[bool] | None]] = {
    "words": by_words,
    "training": _is(R.training_id),
    "centre": _is(R.centre_id),
    "mode": by_mode,
    "documents": by_documents,
    "status": by_status,
    "since": since,
    "until": until,
}


def conditions(asked: Mapping[str, str]) -> list[ColumnElement[bool]]:
    """Return what registrations must meet to answer these questions (question → text); nonsense is met by none."""
    return [_condition(name, text) for name, text in asked.items() if text]


def _condition(name: str, text: str) -> ColumnElement[bool]:
    condition = CONDITIONS[name](text) if name in CONDITIONS else None
    return false() if condition is None else condition
