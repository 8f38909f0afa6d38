"""The accounts and journals that the sales journal is written to: the usual ones, unless agents chose others.

A change holds for months that are open: what is closed stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import delete, select

from app.extensions import db
from app.models import AccountMap, VatRegime
from app.models.billing.accounting import LABEL_MAX, AccountRole
from app.services.core.dialect import insert_if_new
from app.services.core.numbers import percent
from app.services.core.refusal import Refusal
from app.services.core.taking import taken
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.validators.fields import clean

#: Role → code and label where nobody chose otherwise (plan comptable général).
USUAL: Mapping[AccountRole, tuple[str, str]] = {
    AccountRole.CUSTOMER: ("411000", "Clients"),
    AccountRole.SALES: ("706000", "Prestations de services"),
    AccountRole.VAT_DUE: ("445710", "TVA collectée"),
    AccountRole.VAT_WAITING: ("445740", "TVA en attente d’encaissement"),
    AccountRole.JOURNAL_SALES: ("VE", "Ventes"),
    AccountRole.JOURNAL_VAT: ("OD", "Opérations diverses"),
}
JOURNALS = (AccountRole.JOURNAL_SALES, AccountRole.JOURNAL_VAT)
#: Roles that may have an account for each rate.
BY_RATE = (AccountRole.SALES, AccountRole.VAT_DUE, AccountRole.VAT_WAITING)
_ROLES = {one.value: one for one in AccountRole}
#: How accounts of a role begin, and what is said of one that does not.
_BEGINNINGS = {
    AccountRole.CUSTOMER: "411",
    AccountRole.SALES: "70",
    AccountRole.VAT_DUE: "445",
    AccountRole.VAT_WAITING: "445",
}
_ACCOUNT, _JOURNAL = re.compile(r"[0-9]{3}[0-9A-Z]{0,9}"), re.compile(r"[0-9A-Z]{1,6}")


class BadAccount(Refusal):
    """The account is none, or none of its role; ``field`` is the one concerned."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Account:
    """An account, or a journal, of a role; ``rate``: None for any. ``is_chosen``: by an agent, not the usual one."""

    role: AccountRole
    rate: Decimal | None
    code: str
    label: str
    is_chosen: bool = False


class Accounts:
    """The accounts as they are now."""

    def __init__(self, chosen: Iterable[Account]) -> None:
        self._known = {(one.role, one.rate): one for one in chosen}

    def of(self, role: AccountRole, rate: Decimal | None = None) -> Account:
        """Return the account of a role at a rate: the one of that rate, of any rate, or the usual one."""
        usual = Account(role, None, *USUAL[role])
        return self._known.get((role, rate)) or self._known.get((role, None)) or usual


def current() -> Accounts:
    """Return the accounts as they are now; one query."""
    return Accounts(_chosen())


def listing() -> list[Account]:
    """Return the account of each role, followed by those of single rates."""
    chosen = _chosen()
    accounts, found = Accounts(chosen), []
    for role in AccountRole:
        found.append(accounts.of(role))
        found += sorted(
            (one for one in chosen if one.role == role and one.rate is not None), key=lambda one: one.rate or 0
        )
    return found


def rates() -> list[Decimal]:
    """Return the rates that are, or were, billed, the highest first."""
    known = {*db.session.execute(select(VatRegime.rate)).scalars(), *_chosen_rates()}
    return sorted(known, reverse=True)


def choose(role_typed: str, rate: Decimal | None, code_typed: str, label_typed: str, agent_id: int) -> None:
    """Write a role, of a rate or of any, to another account from now on. Raises :class:`BadAccount`."""
    role = _role(role_typed)
    code, label = clean(code_typed).upper().replace(" ", ""), clean(label_typed)
    _judge(role, rate, code, label)
    with transaction():
        own = (AccountMap.role == role, AccountMap.rate.is_(None) if rate is None else AccountMap.rate == rate)
        is_new = insert_if_new(AccountMap, {"role": str(role), "rate": rate, "code": code, "label": label})
        row = db.session.execute(select(AccountMap).where(*own).with_for_update()).scalar_one()
        before = None if is_new else {"code": row.code, "label": row.label}
        row.code, row.label = code, label
        after = {"role": role.label, "code": code, "label": label, **_said(rate)}
        journal.record("account.chosen", "account_map", row.id, actor_id=agent_id, before=before, after=after)


def forget(role_typed: str, rate: Decimal | None, agent_id: int) -> None:
    """Write a role to the usual account again, or a rate's to that of any rate; nothing happens where none was chosen."""
    role = _role(role_typed)
    with transaction():
        own = (AccountMap.role == role, AccountMap.rate.is_(None) if rate is None else AccountMap.rate == rate)
        row = db.session.execute(select(AccountMap.id, AccountMap.code).where(*own)).first()
        if row is not None and taken(delete(AccountMap).where(AccountMap.id == row.id)):
            before = {"role": role.label, "code": row.code, **_said(rate)}
            journal.record("account.forgotten", "account_map", row.id, actor_id=agent_id, before=before)


def _role(typed: str) -> AccountRole:
    if typed not in _ROLES:
        raise BadAccount("role", "Choisissez à quoi sert ce compte.")
    return _ROLES[typed]


def _judge(role: AccountRole, rate: Decimal | None, code: str, label: str) -> None:
    if rate is not None and role not in BY_RATE:
        raise BadAccount("rate", f"« {role.label} » ne dépend pas du taux : laissez « Tous les taux ».")
    if role in JOURNALS and not _JOURNAL.fullmatch(code):
        raise BadAccount("code", "Un code de journal fait 1 à 6 lettres sans accent ou chiffres, par exemple VE.")
    if role not in JOURNALS:
        beginning = _BEGINNINGS[role]
        if not (_ACCOUNT.fullmatch(code) and code.startswith(beginning)):
            raise BadAccount(
                "code",
                f"Ce compte commence par {beginning} et fait 3 à 12 chiffres ou lettres, par exemple {USUAL[role][0]}.",
            )
    if not 0 < len(label) <= LABEL_MAX:
        raise BadAccount("label", f"Indiquez un libellé, en {LABEL_MAX} caractères au plus.")


def _said(rate: Decimal | None) -> dict[str, str]:
    return {} if rate is None else {"rate": percent(rate)}


def _chosen() -> list[Account]:
    rows = db.session.execute(select(AccountMap.role, AccountMap.rate, AccountMap.code, AccountMap.label)).tuples()
    return [Account(_ROLES[role], rate, code, label, True) for role, rate, code, label in rows]


def _chosen_rates() -> Iterable[Decimal]:
    return (one.rate for one in _chosen() if one.rate is not None)
