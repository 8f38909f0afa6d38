"""At which VAT a centre is billed: that of the territory it is billed in, on the day of the registration."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import ScalarSelect, select

from app.extensions import db
from app.models import BillingTerritory, Centre, VatRegime
from app.models.types import holds_on
from app.services.core.refusal import Refusal
from app.validators.postal import TERRITORIES, Territory, parts_of, territory_of


class NoTariff(Refusal):
    """No price is known: nothing may be registered at an unknown one."""

    message = "Aucun tarif n’est en vigueur pour cette formation. L’exploitant du registre doit l’établir."


class NoRegime(NoTariff):
    """No VAT is known for a territory on a day: nothing may be registered at an unknown rate."""

    def __init__(self, territory: str) -> None:
        where = TERRITORIES[Territory(territory)]
        super().__init__(f"Aucun taux de TVA n’est en vigueur ({where}). L’exploitant du registre doit l’établir.")


def territory_on(centre_id: int, day: date) -> Territory:
    """Return where a centre is billed on a day; while it never said so, where its address is."""
    said, address = db.session.execute(select(said_by(centre_id, day), address_of(centre_id))).one()
    return territory_by(said, address)


def said_by(centre_id: int, day: date) -> ScalarSelect[str]:
    """Return, as SQL, where a centre said that it is billed on a day; NULL where it never did."""
    query = (
        select(BillingTerritory.territory)
        .where(BillingTerritory.centre_id == centre_id, BillingTerritory.valid_from <= day)
        .order_by(BillingTerritory.valid_from.desc())
        .limit(1)
    )
    return query.scalar_subquery()


def address_of(centre_id: int) -> ScalarSelect[str]:
    """Return, as SQL, the address of a centre on one line."""
    return select(Centre.address).where(Centre.id == centre_id).scalar_subquery()


def territory_by(said: str | None, address: str | None) -> Territory:
    """Return where a centre is billed, by what it said; by its address where it said nothing."""
    return Territory(said) if said else territory_of(parts_of(address or "")[1])


def regime_in(territory: Territory, day: date) -> VatRegime:
    """Return the VAT of a territory on a day; raise :class:`NoRegime`."""
    query = select(VatRegime).where(
        VatRegime.territory == territory, holds_on(day, VatRegime.valid_to, VatRegime.valid_from)
    )
    found = db.session.scalars(query).first()
    if found is None:
        raise NoRegime(territory)
    return found


def regime_of(centre_id: int, day: date) -> VatRegime:
    """Return the VAT at which a centre is billed for what it registers on a day; raise :class:`NoRegime`."""
    return regime_in(territory_on(centre_id, day), day)


def rate_of(centre_id: int, day: date) -> Decimal:
    """Return that rate, in per cent; raise :class:`NoRegime`."""
    return regime_of(centre_id, day).rate


__all__ = ["NoRegime", "NoTariff", "rate_of", "regime_in", "regime_of", "territory_on"]
