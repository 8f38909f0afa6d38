"""What a correction would bring about, worked out before it is done and again as it is done: as data. Nothing here writes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from app.extensions import db
from app.models import Registration, Training
from app.models.card import ACCEPTED, DRAFT, IN_REVIEW, REFUSED, SUBMITTED
from app.models.registration import CERTIFICATE, REVOKED
from app.services.core import clock
from app.services.core.reason import version_of
from app.services.core.refusal import Refusal
from app.services.reference import pricing
from app.services.registration import analysis, facts, fco_modules
from app.services.rights.access import Reach
from app.validators import validity
from app.validators.batch import Report, Row
from app.validators.fco import Module, completing
from app.validators.remark import Code
from app.validators.validity import add_months

from . import money
from .alone import card_state, why_agent
from .orders import Order

YEARS = 6
#: The new registration, while it has no id.
NEW = "new"


class TooOld(Refusal):
    """Its documents are gone: there is nothing left to mend."""

    message = f"Cet enregistrement a plus de {YEARS} ans : il ne peut plus être corrigé."


class LineRefused(Refusal):
    """The corrected line has an error: ``report`` says which."""

    message = "La ligne corrigée comporte une erreur : rien n’a été changé."

    def __init__(self, report: Report) -> None:
        super().__init__()
        self.report = report

    @property
    def row(self) -> Row:
        """Return the line with its remarks."""
        return self.report.rows[0]


@dataclass(frozen=True, slots=True)
class New:
    """The registration that would take the place of the old one: its price, its certificate's days (None: none is due),
    whether it is the same driver; ``has_account``, ``withheld``: as the rules tell them of the new line, and no further.
    """

    price: Decimal
    vat_rate: Decimal
    keeps_price: bool
    certificate: tuple[date, date] | None
    keeps_days: bool
    same_driver: bool
    has_account: bool
    withheld: bool


@dataclass(frozen=True)
class Effects:
    """All that a correction brings about. ``revoked``: numbers by kind; ``lost``, ``gained``: other registrations whose
    certificate goes or comes, since an FCO is completed by others; ``card``: state of the request that leans on it;
    ``alone``: reasons for which the centre may not do it alone, none where it may.
    """

    registration_id: int
    price: Decimal
    revoked: dict[str, str]
    lost: tuple[int, ...]
    gained: tuple[int, ...]
    card: str | None
    new: New | None
    needs_agent: tuple[str, ...]
    line: tuple[str, ...]
    #: The issued invoice that charges it, by its number; empty where none does.
    invoiced: str = ""

    @property
    def moves(self) -> str:
        """Return what becomes of the money (`money.moves`)."""
        return money.moves(self.price, self.new.price if self.new else None, self.invoiced)

    @property
    def card_follows(self) -> bool:
        """Tell whether the request for a card goes over to the new registration instead of ending."""
        open_ = self.card in (DRAFT, SUBMITTED, IN_REVIEW, REFUSED, ACCEPTED)
        return open_ and self.new is not None and self.new.same_driver and self.new.certificate is not None

    @property
    def price_after(self) -> Decimal:
        """Return what the line costs afterwards, excluding VAT."""
        return self.new.price if self.new else Decimal("0.00")

    @property
    def version(self) -> str:
        """Return a text that changes with anything a person was shown of it."""
        return version_of(asdict(self))

    def told(self) -> dict[str, Any]:
        """Return what is kept with the act: numbers and ids only."""
        return {"revoked": self.revoked, "lost": list(self.lost), "gained": list(self.gained), "card": self.card}


@dataclass(frozen=True)
class Foreseen:
    """The effects of a correction, and the judgement of its new line, if any."""

    effects: Effects
    found: analysis.Analysis | None


def foresee(registration: Registration, order: Order, found: analysis.Analysis | None) -> Foreseen:
    """Return what a correction would bring about today; the registration may stand as cancelled already, by this very act.

    ``found``: the judgement of the new line. Raises :class:`LineRefused`, :class:`TooOld` or `pricing.NoTariff`.
    """
    today = clock.today()
    if today > add_months(registration.registered_on, 12 * YEARS):
        raise TooOld
    if found is not None and not found.report.importable:
        raise LineRefused(found.report)
    driver = _driver_of(found)
    before, after = _completed(registration, found, driver)
    new = _new(registration, found, driver, NEW in after) if found else None
    lost, gained = _others(registration, before - after), _others(registration, after - before)
    card, invoiced = card_state(registration.id), money.invoiced(registration)
    live = {one.kind: one.number for one in registration.documents if one.state != REVOKED}
    return Foreseen(
        Effects(
            registration.id,
            registration.price,
            live,
            tuple(lost),
            tuple(gained),
            card,
            new,
            why_agent(registration, order, card, bool(lost or gained), invoiced),
            order.line[1:10] if order.line else (),
            invoiced,
        ),
        found,
    )


def judge(registration: Registration, order: Order, reach: Reach | None) -> analysis.Analysis | None:
    """Return the judgement of the new line by the rules of any registration, the old one left aside; None without any.

    ``reach``: for whom it is judged, None for an agent. A centre's strangers are counted in the caller's transaction, which
    is to be kept whatever the judgement: it is told of them all the same (`rights.asking`).
    """
    if order.line is None:
        return None
    asked = reach is not None
    return analysis.analyse_lines(registration.centre_id, [order.line], reach, asked=asked, without=[registration.id])


def _driver_of(found: analysis.Analysis | None) -> facts.DriverRow | None:
    """Return the driver of the new line that the register knows already."""
    if found is None:
        return None
    key = found.report.rows[0].line.driver_key
    return found.facts.drivers.get(key) if key else None


def _completed(
    registration: Registration, found: analysis.Analysis | None, driver: facts.DriverRow | None
) -> tuple[set[object], set[object]]:
    """Return the modules that complete an FCO before and after, of all drivers concerned; the new one is NEW."""
    drivers = {registration.driver_id} | ({driver.id} if driver else set())
    old = registration.training
    line = found.report.rows[0].line if found else None
    if not (old.is_module or (line and line.training and line.training.is_module)):
        return set(), set()
    after = fco_modules.ledgers_of(drivers)
    place = registration.root_id
    for key, placed in after.items():
        after[key] = [(at, module) for at, module in placed if module.key != registration.id]
    before = {key: list(placed) for key, placed in after.items()}
    if old.is_module:
        module = Module(registration.id, registration.end_date, old.hours or 0)
        before.setdefault((registration.driver_id, old.category), []).append((place, module))
    if line and line.training and line.training.is_module and line.end_date:
        hours = db.session.scalar(select(Training.hours).where(Training.id == line.training.id)) or 0
        whose = (driver.id if driver else 0, line.training.category.value)
        after.setdefault(whose, []).append((place, Module(NEW, line.end_date, hours)))
    return _completing(before), _completing(after)


def _others(registration: Registration, keys: set[object]) -> list[int]:
    """Return, of modules, those of other registrations, in their order."""
    return sorted(key for key in keys if isinstance(key, int) and key != registration.id)


def _completing(ledgers: dict[tuple[int, str], list[tuple[int, Module]]]) -> set[object]:
    made: set[object] = set()
    for placed in ledgers.values():
        made |= completing([module for _, module in sorted(placed, key=lambda pair: pair[0])])
    return made


def _new(registration: Registration, found: analysis.Analysis, driver: facts.DriverRow | None, completes: bool) -> New:
    [row] = found.report.rows
    line, said = row.line, {remark.code for remark in row.remarks}
    assert line.training is not None
    assert line.driver_key is not None
    training = db.session.get_one(Training, line.training.id)
    same_driver = driver is not None and driver.id == registration.driver_id
    keeps_price = training.price_class == registration.training.price_class
    price = registration.price, registration.vat_rate
    if not keeps_price:
        price = _price_today(training.id, registration.centre_id)
    days, keeps_days = None, False
    if completes or not training.is_module:
        kept = registration.live_documents.get(CERTIFICATE) if same_driver else None
        keeps_days = kept is not None
        born = line.driver_key[0]
        days = (kept.valid_from, kept.valid_until) if kept else validity.certificate_validity(clock.today(), born)
    return New(*price, keeps_price, days, keeps_days, same_driver, Code.NO_ACCOUNT not in said, row.stake.withheld)


def _price_today(training_id: int, centre_id: int) -> tuple[Decimal, Decimal]:
    price = pricing.unit_prices(clock.today(), centre_id).get(training_id)
    if price is None:
        raise pricing.NoTariff
    return price.amount, price.vat_rate
