"""The calls by which a centre's software reconciles: its registrations and batches by pages, and the bytes of a document."""

from __future__ import annotations

from typing import Any

from app.models.api import OF_BATCH, OF_REGISTRATION, READ, REGISTER
from app.services.api import files, lists
from app.services.api.files import File
from app.services.api.gate import Caller
from app.services.api.reading import PAGE

from . import questions
from .operations import Operation, operation
from .problems import Problem

_EMPTY = {"type": "string", "maxLength": 0}
_DAYS = [
    {"type": "string", "format": "date"},
    {"type": "string", "pattern": r"^[0-3]\d/[01]\d/\d{4}$"},
    _EMPTY,
]
TEXT = {"type": "string", "maxLength": questions.LONGEST, "pattern": r"^[^\u0000-\u001f\u007f-\u009f]*$"}
_SINCE = {
    "anyOf": [{"type": "string", "format": "date-time"}, *_DAYS],
    "example": "2022-01-10T09:00:00Z",
}
CURSOR = {"type": "string", "maxLength": questions.CURSOR_MAX, "pattern": r"^[A-Za-z0-9_.\-]*$"}
NEXT = "Valeur de « next » de la page précédente ; elle porte les filtres."
_CHANGED = "Ce qui a changé depuis cet instant, compris (ou depuis ce jour, à Paris)."
_IN_ORDER = (
    f"Dans l’ordre du dernier changement, {PAGE} au plus par page ; une page peut être plus courte sans être la dernière : "
    "« next » est null sur la dernière. Rien ne manque et rien ne vient deux fois pendant que d’autres enregistrent ; ce qui "
    "change pendant la lecture revient plus loin, avec son nouvel état."
)
_PROBLEMS = ("invalid_date", "invalid_parameter", "invalid_cursor")


@operation(
    Operation(
        "list_registrations",
        "GET",
        "/registrations",
        (READ, REGISTER),
        "Liste des enregistrements",
        f"Les enregistrements du centre, annulés et remplacés compris. {_IN_ORDER}",
        "RegistrationPage",
        query=(
            ("updated_since", _SINCE, _CHANGED),
            ("order_number", TEXT, "Numéro de commande, entier."),
            ("permit_number", TEXT, "Numéro de permis, ou NEPH, du stagiaire."),
            ("birth_date", {"anyOf": _DAYS, "example": "1985-04-12"}, "Date de naissance du stagiaire."),
            ("training", TEXT, "Libellé d’une formation, avec ou sans sa typologie."),
            ("status", {"type": "string", "enum": [*lists.STATUSES, ""]}, "État de l’enregistrement."),
            ("cursor", CURSOR, NEXT),
        ),
        problems=_PROBLEMS,
    )
)
def list_registrations(caller: Caller) -> dict[str, Any]:
    """Return a page of the registrations of the caller's centre."""
    return lists.registrations(questions.page(OF_REGISTRATION, caller.centre_id, *questions.FILTERS))


@operation(
    Operation(
        "list_batches",
        "GET",
        "/batches",
        (READ, REGISTER),
        "Liste des envois",
        f"Les envois du centre, par API, par fichier ou à la main, sans leurs enregistrements. {_IN_ORDER}",
        "BatchPage",
        query=(("updated_since", _SINCE, _CHANGED), ("cursor", CURSOR, NEXT)),
        problems=_PROBLEMS,
    )
)
def list_batches(caller: Caller) -> dict[str, Any]:
    """Return a page of the batches of the caller's centre."""
    return lists.batches(questions.page(OF_BATCH, caller.centre_id, "updated_since"))


@operation(
    Operation(
        "document",
        "GET",
        "/documents/<number>.pdf",
        (READ,),
        "Fichier d’un document",
        "Les octets d’un récapitulatif ou d’un certificat du centre, tels qu’ils ont été scellés. Un certificat n’est remis "
        "qu’une fois le compte de son titulaire créé, comme le dit le reçu.",
        "",
        media="application/pdf",
        place={"type": "string", "pattern": "^[A-Z0-9-]{1,40}$", "example": "CQ-22-7F3K9-2MDXA"},
        problems=("not_found", *(kind.code for kind in files.REASONS)),
    )
)
def document(caller: Caller, number: str) -> File:
    """Return the file of a document of the caller's centre; another centre's is not found, like one that never was."""
    try:
        found = files.document(caller, number)
    except files.NotHandedOver as refusal:
        raise Problem(refusal.code, refusal.message) from None
    if found is None:
        raise Problem("not_found")
    return found
