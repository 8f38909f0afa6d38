"""What the back office does not let agents write: rules over several rows, and rules that keep history true."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import ColumnElement, and_, exists, inspect, or_, select, text
from stdnum.fr import siret

from app.extensions import db
from app.models import Accreditation, Centre, Driver, Registration, Seller, Suspension, Tariff, Training, VatRegime
from app.models.billing.parties import VatCategory
from app.models.catalogue import PRICE_CLASSES
from app.services.core import clock
from app.services.core.dialect import be_the_writer, on_postgresql
from app.services.core.refusal import Refusal
from app.validators.address import parse_address
from app.validators.fields import parse_name, parse_permit
from app.validators.remark import malformed

from . import selling

ORDER = "La date de fin ne peut pas précéder la date de début."


class Refused(Refusal):
    """A row was not written; ``field`` names the one concerned, or is empty."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


def check(item: Model) -> None:
    """Raise :class:`Refused` when the row, as it is about to be written, breaks a rule."""
    rule = CHECKS.get(type(item))
    if rule:
        rule(item)


def hold(item: Model) -> None:
    """Let one at a time write rows that are judged against each other, to the end of the transaction; reading goes on."""
    if type(item) not in JUDGED_TOGETHER:
        return
    be_the_writer(type(item))
    if on_postgresql():
        db.session.execute(text(f'LOCK TABLE "{item.__tablename__}" IN SHARE ROW EXCLUSIVE MODE'))


def check_removal(item: Model) -> None:
    """Raise :class:`Refused` when the row belongs to history, though no other row leans on it."""
    today = clock.today()
    if isinstance(item, Accreditation) and item.valid_from <= today and not _has_registrations(item):
        raise Refused(
            "Cet agrément a pris effet : il reste dans l’historique. Donnez-lui une date de fin ou de retrait."
        )
    if isinstance(item, Tariff) and item.valid_from <= today:
        raise Refused("Ce tarif a été en vigueur : il reste dans l’historique. Donnez-lui une date de fin.")
    if isinstance(item, Suspension) and item.starts_on <= today:
        raise Refused("Cette suspension a pris effet : elle reste dans l’historique. Donnez-lui une date de fin.")
    if isinstance(item, VatRegime) and item.valid_from <= today:
        raise Refused("Cette TVA a été en vigueur : elle reste dans l’historique. Donnez-lui une date de fin.")
    if isinstance(item, Seller) and item.valid_from <= today:
        raise Refused("Cette version a été en vigueur : elle reste dans l’historique. Ajoutez-en une nouvelle.")


def _centre(item: Centre) -> None:
    """SIRET by its key, La Poste's exception included; a Chorus service belongs to public bodies only."""
    item.siret = siret.compact(item.siret)
    if not siret.is_valid(item.siret):
        raise Refused("Ce SIRET n’est pas valable : 14 chiffres, dont une clé de contrôle, sont attendus.", "siret")
    _unique(item, Centre.siret == item.siret, "Un autre centre porte déjà ce SIRET.", "siret")
    if item.email:
        item.email = _address(item.email)
    if item.chorus_service and not item.is_public:
        raise Refused("Un code service Chorus ne se donne qu’à un organisme public.", "chorus_service")


def _address(typed: str) -> str:
    address = parse_address(typed)
    if address is None:
        raise Refused("Cette adresse électronique n’est pas valable : nom@domaine.fr est attendu.", "email")
    return address


def _accreditation(item: Accreditation) -> None:
    _order(item.valid_from, item.valid_to, "valid_to")
    if item.withdrawn_on and item.withdrawn_on < item.valid_from:
        raise Refused("Le retrait ne peut pas précéder le début de l’agrément.", "withdrawn_on")
    if not item.trainings:
        raise Refused("Cochez au moins une formation.", "trainings")
    same = and_(Accreditation.authority == item.authority, Accreditation.number == item.number)
    _unique(item, same, "Cette autorité a déjà délivré un agrément de ce numéro.", "number")
    if _changed(item, "centre_id") and _has_registrations(item):
        raise Refused("Des enregistrements s’appuient sur cet agrément : il ne change plus de centre.", "centre_id")


def _suspension(item: Suspension) -> None:
    """One suspension a day; one that has taken effect stays where it is: it may end, and its reason be mended."""
    _order(item.starts_on, item.ends_on, "ends_on")
    began_on: date = _before(item, "starts_on") or item.starts_on
    moved = next((name for name in ("accreditation_id", "starts_on") if _changed(item, name)), "")
    if moved and began_on <= clock.today():
        raise Refused("Cette suspension a pris effet : seuls sa date de fin et son motif peuvent changer.", moved)
    others = and_(
        Suspension.accreditation_id == item.accreditation_id,
        _overlaps(Suspension.starts_on, Suspension.ends_on, item.starts_on, item.ends_on),
    )
    _unique(item, others, "Une autre suspension de cet agrément couvre déjà une partie de cette période.", "starts_on")


def _training(item: Training) -> None:
    """A training that was registered keeps what its documents and its price say; it is closed by date instead."""
    _order(item.valid_from, item.valid_to, "valid_to")
    same = and_(Training.label == item.label, Training.category == item.category)
    _unique(item, same, "Cette formation figure déjà au catalogue dans cette catégorie.", "label")
    fixed = ("label", "category", "price_class", "hours")
    changed = next((name for name in fixed if _changed(item, name)), "")
    if changed and _is_used(Registration.training_id == item.id):
        raise Refused(
            "Des enregistrements s’appuient sur cette formation : donnez-lui une date de fin et ajoutez-en une autre.",
            changed,
        )


def _tariff(item: Tariff) -> None:
    """One price a class a day; a price that has been in force is never rewritten."""
    _order(item.valid_from, item.valid_to, "valid_to")
    began_on: date = _before(item, "valid_from") or item.valid_from
    begun: bool = not inspect(item).transient and began_on <= clock.today()
    fixed = ("price_class", "amount", "vat_rate", "valid_from")
    changed = next((name for name in fixed if _changed(item, name)), "")
    if begun and changed:
        raise Refused("Ce tarif est déjà en vigueur : seule sa date de fin peut changer.", changed)
    if begun and item.valid_to and _changed(item, "valid_to") and item.valid_to < clock.today() - timedelta(days=1):
        raise Refused(
            "Ce tarif a été en vigueur jusqu’à hier au moins : sa fin ne peut pas être antérieure.", "valid_to"
        )
    others = and_(
        Tariff.price_class == item.price_class,
        _overlaps(Tariff.valid_from, Tariff.valid_to, item.valid_from, item.valid_to),
    )
    name = PRICE_CLASSES[item.price_class]
    message = f"Un autre tarif « {name} » couvre déjà une partie de cette période : donnez-lui d’abord une date de fin."
    _unique(item, others, message, "valid_from")


def _driver(item: Driver) -> None:
    """The same parsers as at the doors; the two facts that identify a driver do not change once something leans on them."""
    for field in ("first_name", "last_name"):
        typed = getattr(item, field)
        if (name := parse_name(typed)) is None:
            raise Refused(malformed(field, typed).message, field)
        if name != typed:
            setattr(item, field, name)
    permit = parse_permit(item.permit_number)
    if permit is None:
        raise Refused(malformed("permit_number", item.permit_number).message, "permit_number")
    item.permit_number = permit
    if item.birth_date > clock.today():
        raise Refused("La date de naissance ne peut pas être postérieure à la date du jour.", "birth_date")
    same = and_(Driver.birth_date == item.birth_date, Driver.permit_number == permit)
    _unique(item, same, "Un conducteur est déjà connu sous cette date de naissance et ce numéro.", "permit_number")


def _seller(item: Seller) -> None:
    """A version of the seller is written whole and right; one that has begun stands: the next one says what has changed."""
    begun: bool = not inspect(item).transient and (_before(item, "valid_from") or item.valid_from) <= clock.today()
    changed = next((name for name in selling.FIELDS if _changed(item, name)), "")
    if begun and changed:
        raise Refused("Cette version est en vigueur : ajoutez-en une nouvelle, à partir d’un autre jour.", changed)
    if fault := selling.fault_of(item):
        raise Refused(fault[1], fault[0])
    _unique(item, Seller.valid_from == item.valid_from, "Une autre version commence déjà ce jour.", "valid_from")
    _unique(
        item,
        Seller.siren != item.siren,
        "Le SIREN du vendeur ne change pas : ses factures se suivent sous un même SIREN.",
        "siren",
    )


def _regime(item: VatRegime) -> None:
    """One VAT a territory a day; one that has held, confirmed, only ends."""
    _order(item.valid_from, item.valid_to, "valid_to")
    if inspect(item).transient:
        item.to_confirm = True
    begun: bool = not inspect(item).transient and (_before(item, "valid_from") or item.valid_from) <= clock.today()
    fixed = ("territory", "rate", "valid_from", *(() if item.to_confirm else ("mention",)))
    changed = next((name for name in fixed if _changed(item, name)), "")
    if begun and changed:
        raise Refused("Cette TVA est en vigueur : seule sa date de fin peut changer.", changed)
    if begun and item.valid_to and _changed(item, "valid_to") and item.valid_to < clock.today() - timedelta(days=1):
        raise Refused("Cette TVA a été en vigueur jusqu’à hier au moins : sa fin ne peut être antérieure.", "valid_to")
    if fault := selling.regime_fault(item):
        raise Refused(fault[1], fault[0])
    item.category = VatCategory.STANDARD if item.rate else VatCategory.EXEMPT
    others = and_(
        VatRegime.territory == item.territory,
        _overlaps(VatRegime.valid_from, VatRegime.valid_to, item.valid_from, item.valid_to),
    )
    message = (
        "Une autre TVA de ce territoire couvre déjà une partie de cette période : donnez-lui d’abord une date de fin."
    )
    _unique(item, others, message, "valid_from")


CHECKS: dict[type[Any], Callable[[Any], None]] = {
    Centre: _centre,
    Accreditation: _accreditation,
    Suspension: _suspension,
    Training: _training,
    Tariff: _tariff,
    Seller: _seller,
    VatRegime: _regime,
    Driver: _driver,
}

#: Rows that may not share a day with others of their table.
JUDGED_TOGETHER = (Tariff, Suspension, Seller, VatRegime)


def _order(first: date | None, last: date | None, field: str) -> None:
    if first and last and last < first:
        raise Refused(ORDER, field)


def _overlaps(start: Any, end: Any, first: date, last: date | None) -> ColumnElement[bool]:
    """Tell whether a row's period, both days inclusive, shares a day with another; no end is for ever."""
    began_before = start <= last if last else start.is_not(None)
    return and_(began_before, or_(end.is_(None), end >= first))


def _unique(item: Any, same: ColumnElement[bool], message: str, field: str) -> None:
    model = type(item)
    others = same if item.id is None else and_(same, model.id != item.id)
    if db.session.scalar(select(exists().where(others))):
        raise Refused(message, field)


def _is_used(condition: ColumnElement[bool]) -> bool:
    return bool(db.session.scalar(select(exists().where(condition))))


def _has_registrations(item: Accreditation) -> bool:
    return _is_used(Registration.accreditation_id == item.id)


def _changed(item: Any, name: str) -> bool:
    """Tell whether a known row is about to get another value there."""
    history = inspect(item).attrs[name].history
    return not inspect(item).transient and bool(history.deleted) and list(history.deleted) != list(history.added)


def _before(item: Any, name: str) -> Any:
    deleted = inspect(item).attrs[name].history.deleted
    return deleted[0] if deleted else None
