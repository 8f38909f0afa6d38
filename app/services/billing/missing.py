"""What a centre's invoices still lack, and what each thing holds up: the same sentences on every screen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from app.extensions import db
from app.models import BillingProfile, Centre, Seller, VatRegime
from app.services.core import clock
from app.services.reference import vat
from app.validators.postal import TERRITORIES, Territory

#: How a VAT that nobody has confirmed is told.
VAT_TO_CONFIRM = "TVA à confirmer par l’exploitant du registre"


@dataclass(frozen=True, slots=True)
class Missing:
    """A thing to fill in: the field of the profile (empty for what only the operator can see to) and the sentence."""

    field: str
    sentence: str


def of_profile(centre: Centre, profile: BillingProfile | None) -> list[Missing]:
    """Return what the profile of a centre lacks; none of it keeps a centre from registering."""
    if profile is None:
        return [Missing("name", "Coordonnées de facturation à vérifier et à enregistrer")]
    needed = {
        "siret": "SIRET non renseigné",
        "street": "Numéro et voie non renseignés",
        "postcode": "Code postal non renseigné",
        "city": "Commune non renseignée",
        "e_address": "Adresse de facturation électronique non renseignée",
    }
    found = [Missing(field, sentence) for field, sentence in needed.items() if not getattr(profile, field)]
    if not profile.vat_number and not centre.is_public:
        found.append(Missing("vat_number", "N° de TVA non renseigné"))
    if centre.is_public and profile.service_required and not centre.chorus_service:
        found.append(Missing("service_code", "Chorus exige un code service : il manque"))
    if profile.siret not in ("", centre.siret, profile.confirmed_siret):
        found.append(Missing("", "SIRET différent de celui du centre : un agent doit le confirmer"))
    return found


def of_territory(territory: Territory, regime: VatRegime) -> list[Missing]:
    """Return what stands in the way of billing there: a VAT that nobody has confirmed."""
    if not regime.to_confirm:
        return []
    return [Missing("", f"{VAT_TO_CONFIRM} ({TERRITORIES[territory]})")]


def of_centre(centre: Centre, profile: BillingProfile | None) -> list[Missing]:
    """Return all that holds a centre's invoices today."""
    territory = vat.territory_on(centre.id, clock.today())
    return [*of_profile(centre, profile), *of_territory(territory, vat.regime_in(territory, clock.today()))]


def seller_on(day: date) -> Seller | None:
    """Return who sells on a day: the last version that has begun; None while nobody is named."""
    query = select(Seller).where(Seller.valid_from <= day).order_by(Seller.valid_from.desc()).limit(1)
    return db.session.scalars(query).first()
