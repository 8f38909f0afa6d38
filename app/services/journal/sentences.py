"""The journal in sentences: who did what, and to what, by name. Names are read once a kind, however many the entries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from app.extensions import db
from app.french.words import APOSTROPHE, led, of
from app.models import (
    Accreditation,
    ApiKey,
    BankEntry,
    BankStatement,
    Batch,
    BillingProfile,
    CardRequest,
    Centre,
    Document,
    Driver,
    IdentityCheck,
    IdentityClaim,
    Invoice,
    JournalEntry,
    MemberInvitation,
    Membership,
    OrderBudget,
    Person,
    Registration,
    Seller,
    ServiceContract,
    SignUp,
    Suspension,
    Tariff,
    Trainer,
    Training,
    VatRegime,
    WebhookEndpoint,
)
from app.models.billing.invoices import INVOICE
from app.models.catalogue import PRICE_CLASSES
from app.models.centre import MEMBER_ROLES
from app.services.core.numbers import euros
from app.validators.postal import TERRITORIES, Territory

from .predicates import OWN, PREDICATES, REACHED, WITHOUT
from .words import action_words, changes, subject_words

NOBODY = "Le système"
#: Digits of what may be the id of a row, and one more.
_LONGEST_ID = 10
#: Value of an entry that is the number of another row → the kind of that row, by whose name it is read.
_POINTERS = {
    "person": "person", "person_id": "person", "signed_by_id": "person", "driver": "driver", "same_as_id": "driver",
    "centre_id": "centre", "accreditation_id": "accreditation", "training_id": "training",
    "invitation": "member_invitation", "sign_up": "sign_up", "replaced_by": "registration",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Named:
    """A row an entry is about: its name in the sentence (« le contrat, version 2 »), its kind and the id of its page.

    ``key`` is '' where it has no page, or is gone.
    """

    text: str
    kind: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """An entry as a sentence: ``before`` and ``after`` stand around what it is about. ``changes``: name, before, after.

    ``trace``: the number of the click, call or task that it is of; '' for entries of before there was one.
    """

    at: datetime
    who: str
    before: str
    about: Named | None
    after: str
    reason: str
    changes: list[tuple[str, str, str]]
    trace: str


def tell(entries: Sequence[JournalEntry]) -> list[Told]:
    """Return entries as sentences, in their order; some queries, however many entries."""
    wanted: dict[str, set[int]] = defaultdict(set)
    for entry in entries:
        for kind, key in _named_in(entry):
            if key.isdigit() and len(key) < _LONGEST_ID:
                wanted[kind].add(int(key))
    known = {kind: _NAMES[kind](ids) for kind, ids in wanted.items() if kind in _NAMES}
    return [_told(entry, known) for entry in entries]


def _named_in(entry: JournalEntry) -> Iterator[tuple[str, str]]:
    """Yield kind and number of each row an entry names: what it is about, and what its values point at."""
    yield entry.subject_type, entry.subject_id
    for values in (entry.before, entry.after):
        for field, kind in _POINTERS.items():
            if values and values.get(field) is not None:
                yield kind, str(values[field])


def _read(values: dict[str, Any] | None, known: dict[str, dict[str, str]]) -> dict[str, Any] | None:
    """Return the values of an entry with names in the place of numbers."""
    if values is None:
        return None
    return {
        field: known.get(_POINTERS.get(field, ""), {}).get(str(value), value) if value is not None else None
        for field, value in values.items()
    }


def _joined(before: str, text: str) -> tuple[str, str]:
    """Return the words before a name, and the name, as they follow each other: « du centre », « d’Agnès »."""
    start, _, last = before.rpartition(" ")
    if last not in ("de", "à"):
        return before, text
    said, text = led(last, text)
    before = f"{start} {said}"
    return before if before.endswith(APOSTROPHE) else before.strip(), text


def _predicate(entry: JournalEntry) -> str:
    words = PREDICATES.get(entry.action, f"{action_words(entry.action)} : {{}}")
    if not entry.subject_id:
        return WITHOUT.get(entry.action, words)
    if entry.subject_type == "person" and entry.subject_id == str(entry.actor_id):
        return OWN.get(entry.action, words)
    return REACHED.get((entry.action, str((entry.after or {}).get("state"))), words)


def _told(entry: JournalEntry, known: dict[str, dict[str, str]]) -> Told:
    named = known.get(entry.subject_type, {}).get(entry.subject_id)
    before, mark, after = _predicate(entry).partition("{}")
    before, text = _joined(before.strip(), named or _by_number(entry))
    key = entry.subject_id if named and not entry.action.endswith(".deleted") else ""
    return Told(
        entry.at,
        entry.actor.full_name if entry.actor else NOBODY,
        before,
        Named(text, entry.subject_type, key) if mark else None,
        after,
        entry.reason,
        changes(_read(entry.before, known), _read(entry.after, known)),
        entry.trace or "",
    )


def _by_number(entry: JournalEntry) -> str:
    """Return what stands for a row whose name is not to be found: the name it was deleted under, or its number."""
    kept = entry.before or entry.after or {}
    name = kept.get("name") or kept.get("number") or kept.get("label")
    said = subject_words(entry.subject_type, entry.subject_id).removeprefix("Liste : ")
    return str(name) if name else f"{said[0].lower()}{said[1:]}"


def _rows(query: Callable[[set[int]], Select[Any]], say: Callable[..., str]) -> Callable[[set[int]], dict[str, str]]:
    """Return what reads the names of some rows: id as text → name; ``query`` selects the id, then what ``say`` is given."""

    def read(ids: set[int]) -> dict[str, str]:
        found: Iterable[Any] = db.session.execute(query(ids))
        return {str(row[0]): say(*row[1:]) for row in found}

    return read


def _one(model: Any, *columns: Any, joins: Sequence[Any] = ()) -> Callable[[set[int]], Select[Any]]:
    def query(ids: set[int]) -> Select[Any]:
        chosen = select(model.id, *columns)
        for join in joins:
            chosen = chosen.join(join)
        return chosen.where(model.id.in_(ids))

    return query


def _member(first: str, last: str) -> str:
    return f"{first} {last}"


def _upper(last: str, first: str) -> str:
    return f"{last} {first}"


def _centre(name: str) -> str:
    return f"le centre {name}"


R = Registration
#: Kind of subject → what reads the names of its rows.
_NAMES: dict[str, Callable[[set[int]], dict[str, str]]] = {
    "centre": _rows(_one(Centre, Centre.name), _centre),
    "accreditation": _rows(_one(Accreditation, Accreditation.number), lambda number: f"l’agrément {number}"),
    "suspension": _rows(
        _one(Suspension, Accreditation.number, joins=(Suspension.accreditation,)),
        lambda number: f"une suspension de l’agrément {number}",
    ),
    "service_contract": _rows(
        _one(ServiceContract, ServiceContract.version, Centre.name, joins=(ServiceContract.centre,)),
        lambda version, centre: f"le contrat de service {of(centre, is_place=True)}, version {version}",
    ),
    "membership": _rows(_one(Membership, Person.first_name, Person.last_name, joins=(Membership.person,)), _member),
    "member_invitation": _rows(
        _one(MemberInvitation, MemberInvitation.email, MemberInvitation.role),
        lambda email, role: f"{email} comme {MEMBER_ROLES[role].lower()}",
    ),
    "person": _rows(_one(Person, Person.first_name, Person.last_name), _member),
    "driver": _rows(_one(Driver, Driver.last_name, Driver.first_name), _upper),
    "trainer": _rows(_one(Trainer, Trainer.last_name, Trainer.first_name), _upper),
    "training": _rows(_one(Training, Training.label), lambda label: f"la formation {label}"),
    "tariff": _rows(
        _one(Tariff, Tariff.price_class), lambda code: f"le tarif «\u00a0{PRICE_CLASSES.get(code, code)}\u00a0»"
    ),
    "invoice": _rows(
        _one(Invoice, Invoice.public_number, Invoice.kind, Invoice.order_number),
        lambda number, kind, order: (
            f"{'la facture' if kind == INVOICE else 'l’avoir'} {number}"
            if number
            else f"la facture à venir, commande {order}"
        ),
    ),
    "bank_statement": _rows(_one(BankStatement, BankStatement.name), lambda name: f"le relevé de compte {name}"),
    "bank_entry": _rows(
        _one(BankEntry, BankEntry.amount, BankEntry.booked_on),
        lambda amount, day: f"une écriture de banque de {euros(amount)} du {day:%d/%m/%Y}",
    ),
    "seller": _rows(_one(Seller, Seller.name), lambda name: f"une version du vendeur {name}"),
    "vat_regime": _rows(_one(VatRegime, VatRegime.territory), lambda code: f"la TVA de {TERRITORIES[Territory(code)]}"),
    "registration": _rows(
        _one(R, Training.label, Training.category, R.last_name, R.first_name, joins=(R.training,)),
        lambda label, category, last, first: f"{label} {category} {of(last)} {first}",
    ),
    "document": _rows(_one(Document, Document.number), lambda number: f"le document {number}"),
    "batch": _rows(
        _one(Batch, Batch.receipt_number),
        lambda receipt: f"reçu {receipt}" if receipt else "sans reçu à ce jour",
    ),
    "card_request": _rows(
        _one(CardRequest, CardRequest.number),
        lambda number: f"la demande de carte {number}" if number else "une demande de carte, non déposée à ce jour",
    ),
    "api_key": _rows(_one(ApiKey, ApiKey.name), lambda name: f"la clé de l’API «\u00a0{name}\u00a0»"),
    "webhook_endpoint": _rows(
        _one(WebhookEndpoint, WebhookEndpoint.url), lambda url: f"les notifications à l’adresse {url}"
    ),
    "billing_profile": _rows(_one(BillingProfile, Centre.name, joins=(BillingProfile.centre,)), _centre),
    "order_budget": _rows(_one(OrderBudget, OrderBudget.order_number), lambda number: f"la commande {number}"),
    "identity_claim": _rows(_one(IdentityClaim, IdentityClaim.last_name, IdentityClaim.first_name), _upper),
    "identity_check": _rows(
        _one(IdentityCheck, IdentityClaim.last_name, IdentityClaim.first_name, joins=(IdentityCheck.claim,)), _upper
    ),
    "sign_up": _rows(_one(SignUp, SignUp.last_name, SignUp.first_name), _upper),
}
