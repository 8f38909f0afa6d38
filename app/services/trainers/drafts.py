"""Registering a trainer or an instructor by hand: the draft of the three steps, and what the rules say of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, update

from app.extensions import db
from app.models import Registration, Trainer
from app.models.trainer import CANCELLED, DRAFT, PROFILES
from app.services.accounts import link as account_link
from app.services.core import clock
from app.services.core.refusal import Refusal
from app.services.core.taking import taken
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.registration.announced import NOTHING, Told
from app.services.rights import asking
from app.validators import trainer as rules
from app.validators.context import Category
from app.validators.fields import NameKey, name_key
from app.validators.remark import Code, Severity
from app.validators.stake import withholds
from app.validators.trainer import NO, YES, Finding, Known, Person, Terms

SUBJECT = "trainer"
#: The three steps, numbered from 1 on screen.
PERSON_STEP, TERMS_STEP, CHECKS_STEP = 1, 2, 3


#: What a draft holds once nothing typed is kept of it.
EMPTY: dict[str, object] = {
    "last_name": "", "first_name": "", "birth_date": None, "permit_number": "", "email": "", "goods": False,
    "passengers": False, "fee_borne": None, "order_number": "", "reference": "",
}  # fmt: skip


class PageRefused(Refusal):
    """The page was not kept: ``findings`` holds its errors."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__(findings[0].message)
        self.findings = tuple(findings)


class Closed(Refusal):
    """The draft no longer takes changes."""

    message = "Cette saisie n’est plus modifiable : elle a été enregistrée ou annulée entre-temps."


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the rules say of a draft today: nothing but informations, or what still keeps it from being registered."""

    person: Person | None
    terms: Terms | None
    findings: tuple[Finding, ...]
    #: What registering would bill again or withhold.
    told: Told = NOTHING

    @property
    def errors(self) -> list[Finding]:
        """Return what must be corrected first."""
        return [finding for finding in self.findings if finding.severity is Severity.ERROR]


def who(profile: str) -> str:
    """Return a profile as the sentences say it: « formateur », « moniteur »."""
    return PROFILES[profile].lower()


def start(centre_id: int, person_id: int, profile: str) -> Trainer:
    """Open an empty draft and return it."""
    now = clock.machine_now()
    with transaction():
        row = Trainer(centre_id=centre_id, created_by_id=person_id, profile=profile, created_at=now, updated_at=now)
        db.session.add(row)
        db.session.flush()
        journal.record("trainer.started", SUBJECT, row.id, actor_id=person_id, centre_id=centre_id)
    return row


def judge_person(row: Trainer, typed: Mapping[str, str]) -> tuple[Person | None, tuple[Finding, ...]]:
    """Return what the rules say of step 1 as typed; writes nothing."""
    return rules.read_person(typed, clock.today(), who(row.profile))


def save_person(row: Trainer, typed: Mapping[str, str]) -> None:
    """Keep step 1; raise :class:`PageRefused` on an error, :class:`Closed` when it was registered or cancelled."""
    person, findings = judge_person(row, typed)
    if person is None:
        raise PageRefused(findings)
    with transaction():
        _ask(row, person)
    _write(
        row,
        last_name=person.last_name,
        first_name=person.first_name,
        birth_date=person.birth_date,
        permit_number=person.permit_number,
        email=person.email,
    )


def save_terms(row: Trainer, sectors: Collection[str], fee_borne: str, order_number: str, reference: str) -> None:
    """Keep step 2; raises as :func:`save_person`."""
    terms, findings = rules.read_terms(sectors, fee_borne, order_number, reference)
    if terms is None:
        raise PageRefused(findings)
    _write(
        row,
        goods=Category.GOODS in terms.sectors,
        passengers=Category.PASSENGERS in terms.sectors,
        fee_borne=terms.fee_borne,
        order_number=terms.order_number,
        reference=terms.reference,
    )


def _write(row: Trainer, **values: object) -> None:
    """Write a page of the draft; a check shown before no longer stands, unless nothing changed."""
    if row.state == DRAFT and all(getattr(row, name) == value for name, value in values.items()):
        return
    with transaction():
        change(row.id, **values)


def change(trainer_id: int, **values: object) -> None:
    """Change a draft in the caller's transaction; raise :class:`Closed` when it is no draft any more.

    The conditional update takes the row's lock: who registers it at this moment comes before or after, never between.
    """
    written = taken(
        update(Trainer)
        .where(Trainer.id == trainer_id, Trainer.state == DRAFT)
        .values(version=Trainer.version + 1, updated_at=clock.machine_now(), **values)
    )
    if not written:
        raise Closed


def cancel(trainer_id: int, person_id: int) -> None:
    """Cancel a draft: what was typed is forgotten. Raise :class:`Closed` when it is registered already."""
    with transaction():
        change(trainer_id, state=CANCELLED, **EMPTY)
        centre_id = db.session.get_one(Trainer, trainer_id).centre_id
        journal.record("trainer.cancelled", SUBJECT, trainer_id, actor_id=person_id, centre_id=centre_id)


def person_values(row: Trainer) -> dict[str, str]:
    """Return step 1 as it would be typed."""
    born = row.birth_date
    return {
        "first_name": row.first_name,
        "last_name": row.last_name,
        "permit_number": row.permit_number,
        "email": row.email,
        "birth_date": f"{born:%d/%m}/{born.year:04d}" if born else "",
    }


def fee_word(row: Trainer) -> str:
    """Return who bears the fee as step 2 would be typed: YES, NO, nothing while it is not chosen."""
    return "" if row.fee_borne is None else YES if row.fee_borne else NO


def judge(row: Trainer) -> Judgement:
    """Return what the rules say of the whole draft today."""
    person, findings = judge_person(row, person_values(row))
    terms, wrong = rules.read_terms(row.sectors, fee_word(row), row.order_number, row.reference)
    if person is None:
        return Judgement(person, terms, (*findings, *wrong))
    facts = known(row, person)
    told = rules.tell(person, facts, who(row.profile))
    return Judgement(person, terms, (*findings, *wrong, *told), _told(person, facts, told))


def _told(person: Person, facts: Known, findings: Sequence[Finding]) -> Told:
    differs = any(finding.code is Code.IDENTITY_DIFFERS for finding in findings)
    withheld = withholds(facts.account_name, person.last_name, person.first_name)
    return Told(facts.times, int(differs), int(withheld))


def step_of(row: Trainer) -> int:
    """Return the first step that is not valid yet: the person, the terms, else the checks."""
    if row.birth_date is None:
        return PERSON_STEP
    return TERMS_STEP if row.fee_borne is None else CHECKS_STEP


def known(row: Trainer, person: Person) -> Known:
    """Return what the register says of a person to this centre: three queries."""
    driver = account_link.find(person.birth_date, person.permit_number)
    if driver is None:
        return Known()
    own = (Trainer.driver_id == driver.id, Trainer.centre_id == row.centre_id, Trainer.live())
    names = select(Registration.last_name, Registration.first_name).where(
        Registration.driver_id == driver.id, Registration.centre_id == row.centre_id, Registration.live()
    )
    union = names.union(select(Trainer.last_name, Trainer.first_name).where(*own))
    done = select(func.max(Trainer.registered_on), func.count()).where(*own, Trainer.profile == row.profile)
    last, times = db.session.execute(done).one()
    own_names = frozenset(name_key(last_name, first_name) for last_name, first_name in db.session.execute(union))
    account = name_key(driver.last_name, driver.first_name) if driver.has_account else None
    told = account is not None and _may_know(row, person, account, own_names)
    return Known(told, own_names, last, times, account)


def _may_know(row: Trainer, person: Person, account: NameKey, own_names: Collection[NameKey]) -> bool:
    """Tell whether this centre is told of the account: it registered the driver, or it knows the name and asks of few."""
    return bool(own_names) or (account.agrees(name_key(person.last_name, person.first_name)) and not _ask(row, person))


def _ask(row: Trainer, person: Person) -> bool:
    """Count a stranger that the centre asks about, in the caller's transaction; tell whether there were too many."""
    return bool(asking.count(row.centre_id, {(person.birth_date, person.permit_number)}))


def resumable(centre_id: int, limit: int = 20) -> list[Trainer]:
    """Return the centre's drafts that hold a person already, the latest first."""
    query = (
        select(Trainer)
        .where(Trainer.centre_id == centre_id, Trainer.state == DRAFT, Trainer.birth_date.is_not(None))
        .order_by(Trainer.updated_at.desc())
        .limit(limit)
    )
    return list(db.session.execute(query).scalars())
