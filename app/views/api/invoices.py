"""The calls by which a centre's accounts follow what they are billed: invoices, their files, what orders have cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.models.api import INVOICES, OF_INVOICE
from app.services.api import invoices
from app.services.api.files import File, NotHandedOver, StillPending, Unreadable
from app.services.api.gate import Caller
from app.services.rights import access

from . import questions
from .lists import CURSOR, NEXT, TEXT
from .operations import Operation, operation
from .problems import Problem

_NUMBER = {"type": "string", "pattern": r"^[FA]\d{4}-\d{6}$", "example": "F2022-000001"}
_SINCE = {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "maxLength": 0}], "example": "2022-02-01"}
_FILE = ("not_allowed", "not_found", StillPending.code, Unreadable.code)


@operation(
    Operation(
        "list_invoices",
        "GET",
        "/invoices",
        (INVOICES,),
        "Liste des factures et avoirs",
        f"Les factures et avoirs émis, dans l’ordre de leur émission, {invoices.PAGE} au plus par page. Les brouillons n’y "
        "sont pas : ils ne valent pas facture.",
        "InvoicePage",
        query=(
            ("issued_since", _SINCE, "Émis depuis ce jour, compris."),
            ("order_number", TEXT, "Numéro de commande, entier."),
            ("cursor", CURSOR, NEXT),
        ),
        problems=("not_allowed", "invalid_date", "invalid_parameter", "invalid_cursor"),
    )
)
def list_invoices(caller: Caller) -> dict[str, Any]:
    """Return a page of what was issued to the caller's centre."""
    _check(caller)
    asked, place = questions.asked(OF_INVOICE, caller.centre_id, "issued_since", "order_number")
    since = questions.day_of(asked["issued_since"], "issued_since") if "issued_since" in asked else None
    return invoices.page(caller, invoices.Page(asked, since, asked.get("order_number", ""), place))


@operation(
    Operation(
        "invoice",
        "GET",
        "/invoices/<number>",
        (INVOICES,),
        "Facture ou avoir",
        "Une facture, ou un avoir, tel qu’il a été émis : lignes, TVA, échéance et référence de virement.",
        "Invoice",
        place=_NUMBER,
        problems=("not_allowed", "not_found"),
    )
)
def invoice(caller: Caller, number: str) -> dict[str, Any]:
    """Return an invoice of the caller's centre; another centre's is not found, like one that never was."""
    _check(caller)
    found = invoices.one(caller, number)
    if found is None:
        raise Problem("not_found")
    return found


@operation(
    Operation(
        "invoice_pdf",
        "GET",
        "/invoices/<number>.pdf",
        (INVOICES,),
        "Fichier d’une facture",
        "Le PDF/A-3 scellé, qui contient la facture électronique (Factur-X, EN 16931). Il est prêt quelques instants après "
        "l’émission.",
        "",
        media="application/pdf",
        place=_NUMBER,
        problems=_FILE,
    )
)
def invoice_pdf(caller: Caller, number: str) -> File:
    """Return the file of an invoice of the caller's centre."""
    return _file(caller, number, invoices.pdf)


@operation(
    Operation(
        "invoice_xml",
        "GET",
        "/invoices/<number>.xml",
        (INVOICES,),
        "Facture électronique",
        "Le XML (Factur-X, profil EN 16931) que le fichier contient, octet pour octet.",
        "",
        media="application/xml",
        place=_NUMBER,
        problems=_FILE,
    )
)
def invoice_xml(caller: Caller, number: str) -> File:
    """Return the electronic invoice of the caller's centre."""
    return _file(caller, number, invoices.xml)


@operation(
    Operation(
        "consumption",
        "GET",
        "/consumption",
        (INVOICES,),
        "Consommation d’un numéro de commande",
        "Ce qu’un numéro de commande a coûté, hors taxes : enregistré et non facturé, facturé, et ce qui reste du plafond.",
        "Consumption",
        query=(("order_number", TEXT, "Numéro de commande, entier ; vide, ce qui est enregistré sans numéro."),),
        problems=("not_allowed", "invalid_parameter"),
    )
)
def consumption(caller: Caller) -> dict[str, Any]:
    """Return what an order number has cost the caller's centre."""
    _check(caller)
    return invoices.consumption(caller, questions.value("order_number"))


def _check(caller: Caller) -> None:
    try:
        invoices.check(caller)
    except access.NotAllowed as refusal:
        raise Problem("not_allowed", refusal.message) from None


def _file(caller: Caller, number: str, find: Callable[[Caller, str], File | None]) -> File:
    _check(caller)
    try:
        found = find(caller, number)
    except NotHandedOver as refusal:
        raise Problem(refusal.code, refusal.message) from None
    if found is None:
        raise Problem("not_found")
    return found
