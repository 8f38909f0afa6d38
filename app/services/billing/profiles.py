"""« Coordonnées de facturation »: the buyer of a centre's invoices, kept by the centre and mended by agents."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta

from sqlalchemy import exists, select
from stdnum.fr import siret as siret_number
from stdnum.fr import tva

from app.extensions import db
from app.models import BillingProfile, BillingTerritory, Centre
from app.models.billing.parties import PAYMENT_DAYS
from app.models.centre import INVOICES
from app.services.core import clock
from app.services.core.dialect import insert_or_change
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.reference import vat
from app.services.rights import access
from app.validators.address import parse_address
from app.validators.fields import visible
from app.validators.postal import (
    CITY_FORM,
    LINE_MAX,
    POSTCODE_FORM,
    STREET_FORM,
    Territory,
    parse_city,
    parse_extra,
    parse_postcode,
    parse_street,
    parts_of,
    territory_of,
)

from . import holding

SUBJECT = "billing_profile"
NAME_MAX, E_ADDRESS_MAX, ACCOUNTS_MAX, SERVICE_MAX, DAYS_MAX = 160, 60, 300, 50, 60
#: What follows the SIREN in an electronic address.
_AFTER_SIREN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-+")


class Faulty(Refusal):
    """Nothing was kept: ``faults`` says of each field (a name of :class:`Values`) what is wrong."""

    message = "Rien n’a été enregistré : corrigez les champs signalés."

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__()
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Values:
    """A profile as typed or kept; what is missing is empty. ``payment_days`` is an agent's matter, and so is ``confirmed``:
    that a SIRET other than the centre's own is the buyer's."""

    name: str = ""
    siret: str = ""
    vat_number: str = ""
    street: str = ""
    extra: str = ""
    postcode: str = ""
    city: str = ""
    e_address: str = ""
    service_code: str = ""
    service_required: bool = False
    engagement_required: bool = False
    accounts_email: str = ""
    payment_days: int = PAYMENT_DAYS
    confirmed: bool = False


def of(centre: Centre) -> BillingProfile | None:
    """Return a centre's profile, None while nobody has filled it in."""
    return db.session.execute(select(BillingProfile).where(BillingProfile.centre_id == centre.id)).scalar_one_or_none()


def values_of(centre: Centre, profile: BillingProfile | None) -> Values:
    """Return a profile as it is edited; while there is none, what the register knows of the centre."""
    if profile is None:
        street, postcode, city = parts_of(centre.address)
        number = tva.compact(_vat_of(centre.siret[:9]))
        return Values(
            name=centre.name,
            siret=centre.siret,
            vat_number="" if centre.is_public else number,
            street=street,
            postcode=postcode,
            city=city,
            e_address=centre.siret[:9],
            service_code=centre.chorus_service,
            service_required=bool(centre.chorus_service),
            accounts_email=centre.email,
        )
    return Values(
        profile.name,
        profile.siret,
        profile.vat_number,
        profile.street,
        profile.extra,
        profile.postcode,
        profile.city,
        profile.e_address,
        centre.chorus_service,
        profile.service_required,
        profile.engagement_required,
        profile.accounts_email,
        profile.payment_days,
        bool(profile.siret) and profile.confirmed_siret == profile.siret,
    )


def save(centre_id: int, typed: Values, actor_id: int, *, agent: bool = False) -> BillingProfile:
    """Keep a centre's profile and return it; where the territory changes, its VAT changes from tomorrow on.

    Raises :class:`Faulty`, `access.NotAllowed` for who may not see to a centre's invoices, or LookupError.
    """
    centre = db.session.get(Centre, centre_id)
    if centre is None:
        raise LookupError(centre_id)
    if not agent:
        access.holder(actor_id, centre_id, INVOICES)
    kept = _judged(typed, centre)
    with transaction():
        row = of(centre) or BillingProfile(centre_id=centre_id)
        before = asdict(values_of(centre, row)) if row.id else {}
        for field in ("name", "siret", "vat_number", "street", "extra", "postcode", "city", "e_address"):
            setattr(row, field, getattr(kept, field))
        row.accounts_email = kept.accounts_email
        row.service_required = centre.is_public and kept.service_required
        row.engagement_required = centre.is_public and kept.engagement_required
        if centre.is_public:
            centre.chorus_service = kept.service_code
        if agent:
            row.payment_days = kept.payment_days
            row.confirmed_siret = kept.siret if kept.confirmed else ""
        row.updated_at, row.updated_by_id = clock.now(), actor_id
        db.session.add(row)
        db.session.flush()
        _settle(centre_id, row.postcode)
        holding.review(centre_id)
        after = asdict(values_of(centre, row))
        journal.record(
            "billing_profile.changed",
            SUBJECT,
            row.id,
            actor_id=actor_id,
            centre_id=centre_id,
            before=before,
            after=after,
        )
    return row


def _settle(centre_id: int, postcode: str) -> None:
    """Note where the centre is billed: from today on when it says so first, from tomorrow on when it moves."""
    if not postcode:
        return
    today, territory = clock.today(), territory_of(postcode)
    known = db.session.scalar(select(exists().where(BillingTerritory.centre_id == centre_id)))
    since = today + timedelta(days=1) if known else today
    if known and vat.territory_on(centre_id, since) == territory:
        return
    statement = insert_or_change(
        BillingTerritory.__table__, ("centre_id", "valid_from"), {"territory": territory.value}
    )
    db.session.execute(statement.values(centre_id=centre_id, valid_from=since, territory=territory.value))


def territories(centre_id: int) -> tuple[Territory, Territory]:
    """Return where a centre is billed today, and where from tomorrow on."""
    today = clock.today()
    return vat.territory_on(centre_id, today), vat.territory_on(centre_id, today + timedelta(days=1))


def _judged(typed: Values, centre: Centre) -> Values:
    """Return the values as they are kept; raise :class:`Faulty`. What is not filled in is kept empty: it is told apart."""
    faults: dict[str, str] = {}
    name = " ".join(visible(typed.name).split())
    if not 0 < len(name) <= NAME_MAX:
        faults["name"] = f"Indiquez le nom ou la raison sociale, en {NAME_MAX} caractères au plus."
    siret = _siret(typed.siret, faults)
    number = _vat_number(typed.vat_number, siret, faults)
    lines = _address(typed, faults)
    e_address = _e_address(typed.e_address, siret, faults)
    service = " ".join(visible(typed.service_code).split())
    if len(service) > SERVICE_MAX:
        faults["service_code"] = f"Un code service fait {SERVICE_MAX} caractères au plus."
    accounts = _accounts(typed.accounts_email, faults)
    if not 1 <= typed.payment_days <= DAYS_MAX:
        faults["payment_days"] = f"Le délai de paiement est de 1 à {DAYS_MAX} jours."
    if typed.confirmed and not siret:
        faults["confirmed"] = "Il n’y a pas de SIRET à confirmer."
    if faults:
        raise Faulty(faults)
    return Values(
        name,
        siret,
        number,
        *lines,
        e_address,
        service,
        typed.service_required,
        typed.engagement_required,
        accounts,
        typed.payment_days,
        typed.confirmed,
    )


def _siret(text: str, faults: dict[str, str]) -> str:
    siret = siret_number.compact(visible(text))
    if siret and not siret_number.is_valid(siret):
        faults["siret"] = "Ce SIRET n’est pas valable : 14 chiffres, dont une clé de contrôle, sont attendus."
        return ""
    return siret


def _vat_number(text: str, siret: str, faults: dict[str, str]) -> str:
    """Return the VAT number with its country; it is that of the same company as the SIRET."""
    number = "".join(visible(text).split()).upper()
    if not number:
        return ""
    bare = number.removeprefix("FR")
    if not tva.is_valid(bare):
        faults["vat_number"] = "Ce N° de TVA n’est pas valable : FR, une clé de 2 caractères, puis le SIREN."
    elif siret and bare[2:] != siret[:9]:
        faults["vat_number"] = "Ce N° de TVA n’est pas celui de cet établissement : il se termine par un autre SIREN."
    return f"FR{bare}"


def _vat_of(siren: str) -> str:
    """Return the VAT number that a company has by its SIREN."""
    return f"FR{(12 + 3 * (int(siren) % 97)) % 97:02d}{siren}"


def _address(typed: Values, faults: dict[str, str]) -> tuple[str, str, str, str]:
    """Return street, further line, postcode and town; what is empty stays so."""
    rules = {
        "street": (parse_street, STREET_FORM),
        "extra": (parse_extra, f"Ce complément fait {LINE_MAX} caractères au plus : lettres, chiffres et virgules."),
        "postcode": (parse_postcode, POSTCODE_FORM),
        "city": (parse_city, CITY_FORM),
    }
    kept = []
    for field, (parse, sentence) in rules.items():
        text = visible(getattr(typed, field)).strip()
        parsed = parse(text) if text else ""
        if parsed is None:
            faults[field] = sentence
        kept.append(parsed or "")
    street, extra, postcode, city = kept
    return street, extra, postcode, city


def _e_address(text: str, siret: str, faults: dict[str, str]) -> str:
    address = "".join(visible(text).split())
    after = address[9:]
    if address and (
        len(address) > E_ADDRESS_MAX
        or not address[:9].isdigit()
        or len(address) < 9
        or not set(after) <= _AFTER_SIREN
        or (after and after[0] not in "_.-")
    ):
        faults["e_address"] = (
            "Cette adresse n’est pas valable : le SIREN, seul ou suivi de « _ » et d’un code, comme 123456782_COMPTA."
        )
    elif address and siret and address[:9] != siret[:9]:
        faults["e_address"] = "Cette adresse commence par un autre SIREN que celui du SIRET."
    return address


def _accounts(text: str, faults: dict[str, str]) -> str:
    typed = [one for one in visible(text).replace(";", ",").split(",") if one.strip()]
    parsed = [parse_address(one) for one in typed]
    if not all(parsed):
        faults["accounts_email"] = "Une adresse électronique n’est pas valable : nom@domaine.fr est attendu."
    kept = ", ".join(dict.fromkeys(one for one in parsed if one))
    if len(kept) > ACCOUNTS_MAX:
        faults["accounts_email"] = f"Ces adresses font {ACCOUNTS_MAX} caractères au plus, ensemble."
    return kept
