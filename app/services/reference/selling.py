"""What a version of the seller, and the VAT of a territory, must say to stand on an invoice: numbers by their keys."""

from __future__ import annotations

from decimal import Decimal

from stdnum import bic, iban
from stdnum.fr import siren, siret, tva

from app.models import Seller, VatRegime
from app.validators.fields import clean
from app.validators.postal import CITY_FORM, POSTCODE_FORM, STREET_FORM, parse_city, parse_postcode, parse_street

FIELDS = (
    "name", "legal_form", "capital", "rcs", "siren", "siret", "vat_number", "street", "postcode", "city", "iban", "bic",
    "e_address", "vat_on_debits", "valid_from",
)  # fmt: skip
#: In per cent: those that an electronic invoice may bear in France (BR-FR-16) and that territories have.
RATES = frozenset(Decimal(rate) for rate in ("20", "10", "8.5", "5.5", "2.1", "1.75", "1.05", "0.9", "0"))
#: What is wrong: the field, the sentence.
Fault = tuple[str, str]


def fault_of(item: Seller) -> Fault | None:
    """Put the numbers of a version of the seller in their normal form and return the first thing that is wrong."""
    for name in ("siren", "siret", "vat_number", "iban", "bic", "e_address"):
        setattr(item, name, "".join(clean(getattr(item, name)).split()).upper())
    wrong = {
        "siren": not siren.is_valid(item.siren),
        "siret": not siret.is_valid(item.siret) or item.siret[:9] != item.siren,
        "vat_number": not item.vat_number.startswith("FR")
        or not tva.is_valid(item.vat_number[2:])
        or item.vat_number[4:] != item.siren,
        "iban": not iban.is_valid(item.iban),
        "bic": not bic.is_valid(item.bic),
        "e_address": item.e_address[:9] != item.siren,
        **_address(item),
        "vat_on_debits": item.vat_on_debits is None,
    }
    field = next((name for name, is_wrong in wrong.items() if is_wrong), "")
    return (field, SENTENCES[field]) if field else None


#: Field of the seller → what is said where it is wrong.
SENTENCES = {
    "siren": "Ce SIREN n’est pas valable : 9 chiffres, dont une clé de contrôle, sont attendus.",
    "siret": "Ce SIRET n’est pas valable, ou n’est pas celui de ce SIREN : 14 chiffres sont attendus.",
    "vat_number": "Ce N° de TVA n’est pas valable, ou n’est pas celui de ce SIREN : FR, une clé, puis le SIREN.",
    "iban": "Cet IBAN n’est pas valable : il comporte une clé de contrôle.",
    "bic": "Ce BIC n’est pas valable : 8 ou 11 caractères sont attendus.",
    "e_address": "Cette adresse de facturation électronique commence par le SIREN du vendeur.",
    "street": STREET_FORM,
    "postcode": POSTCODE_FORM,
    "city": CITY_FORM,
    "vat_on_debits": "Choisissez quand la TVA est exigible : aucune réponse ne vaut par défaut.",
}


def _address(item: Seller) -> dict[str, bool]:
    wrong = {}
    for field, parse in (("street", parse_street), ("postcode", parse_postcode), ("city", parse_city)):
        parsed = parse(getattr(item, field))
        wrong[field] = not parsed
        if parsed:
            setattr(item, field, parsed)
    return wrong


def regime_fault(item: VatRegime) -> Fault | None:
    """Return what is wrong in the VAT of a territory: a rate that no invoice bears, or no reason why nothing is taxed."""
    if item.rate not in RATES:
        return (
            "rate",
            "Ce taux n’est pas un taux de TVA en France : 20 ; 10 ; 8,5 ; 5,5 ; 2,1 ; 1,75 ; 1,05 ; 0,9 ou 0.",
        )
    if not item.rate and not item.mention:
        return "mention", "Là où rien n’est taxé, la facture dit pourquoi : écrivez la mention."
    if item.rate and item.mention:
        return "mention", "Une mention ne se donne que là où rien n’est taxé : taux 0."
    return None
