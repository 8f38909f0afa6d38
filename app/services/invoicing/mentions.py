"""The sentences of an invoice that its page and its XML both carry."""

from __future__ import annotations

from .content import Content, Kind, SellingParty

SERVICES = "Prestation de services."
ON_DEBITS = "Option pour le paiement de la taxe d’après les débits."


def legal_form(seller: SellingParty) -> str:
    """Return what the law wants beside the seller's name: « SAS au capital de 100 000 €, RCS Lyon 800 000 002 » (BT-33)."""
    capital = f"{seller.legal_form} au capital de {seller.capital}" if seller.capital else seller.legal_form
    return ", ".join(part for part in (capital.strip(), seller.rcs) if part)


def nature(content: Content) -> str:
    """Return what is sold and when its tax is due."""
    return f"{SERVICES} {ON_DEBITS}" if content.seller.vat_on_debits else SERVICES


def payment(content: Content) -> str:
    """Return how an invoice is to be paid (BT-20); empty on a credit note."""
    if content.due_on is None:
        return ""
    return f"À régler avant le {content.due_on:%d/%m/%Y}, par virement, sous la référence {content.reference}."


def correction(content: Content) -> str:
    """Return which invoice a credit note corrects and why; empty on an invoice."""
    if content.kind is not Kind.CREDIT_NOTE or content.corrects is None:
        return ""
    about = f"Avoir sur la facture {content.corrects.number} du {content.corrects.issued_on:%d/%m/%Y}."
    return f"{about} {content.reason}".strip()
