"""The calls of the API, version 1: each reads the call, asks one service, and hands the answer back."""

from __future__ import annotations

import re
from typing import Any

from app.models.api import ANALYSE, CORRECT, READ, REGISTER
from app.services.amendments import calls as amending
from app.services.amendments import orders
from app.services.amendments.effects import LineRefused
from app.services.api import reading as api_reading
from app.services.api import registering as api_registration
from app.services.api.gate import Caller
from app.services.api.registering import AlreadyRegistered, Demand, KeyReused, LinesInError
from app.services.billing.ceilings import OverCeiling
from app.services.core.refusal import Refusal
from app.services.reference import pricing
from app.services.rights import access
from app.services.rights.asking import TooManyStrangers

from . import strict
from .operations import Operation, operation
from .problems import Problem

_DAY = {
    "anyOf": [{"type": "string", "format": "date"}, {"type": "string", "pattern": r"^[0-3]\d/[01]\d/\d{4}$"}],
    "example": "2022-01-10",
}
_KEY = re.compile(r"[0-9a-f]{16}")
_KEY_SCHEMA = {"type": "string", "pattern": "^[0-9a-f]{16}$"}
_NUMBER_MAX = 999_999_999
_ID_SCHEMA = {"type": "integer", "minimum": 1, "maximum": _NUMBER_MAX}
_AFTER = {"type": "integer", "minimum": 0, "maximum": _NUMBER_MAX}


@operation(
    Operation(
        "catalogue",
        "GET",
        "/catalogue",
        (READ, ANALYSE, REGISTER),
        "Formations ouvertes au centre",
        "Les formations pour lesquelles le centre tient un agrément actif ce jour-là.",
        "Catalogue",
        query=(("on", _DAY, "Jour jugé (AAAA-MM-JJ ou JJ/MM/AAAA) ; aujourd’hui par défaut."),),
        problems=("invalid_date",),
    )
)
def catalogue(caller: Caller) -> dict[str, Any]:
    """Return the trainings open to the caller's centre on a day."""
    day = strict.day("on")
    return {"on": day.isoformat(), "trainings": api_reading.catalogue(caller.centre_id, day, caller.reach)}


@operation(
    Operation(
        "analyses",
        "POST",
        "/analyses",
        (ANALYSE,),
        "Analyser des lignes",
        "Les règles de l’enregistrement, appliquées à des lignes ; rien n’est enregistré.",
        "Analysis",
        request="Lines",
        problems=("too_many_strangers",),
    )
)
def analyses(caller: Caller) -> dict[str, Any]:
    """Return the analysis of the lines; registers nothing."""
    lines = strict.lines()
    try:
        return api_registration.analyse(caller, lines).report.to_json()
    except TooManyStrangers as refusal:
        raise Problem("too_many_strangers", refusal.message) from None


@operation(
    Operation(
        "registrations",
        "POST",
        "/registrations",
        (REGISTER,),
        "Enregistrer des lignes",
        "Toutes les lignes sont enregistrées et facturées, ou aucune. Le même envoi sous la même clé d’idempotence rend la "
        "première réponse : un appel sans réponse se renvoie tel quel. Une ligne que le centre a déjà enregistrée arrête "
        "l’envoi (409), sauf s’il porte « accept_duplicates ».",
        "Registrations",
        201,
        request="Sending",
        problems=(
            "idempotency_key_missing",
            "idempotency_key_invalid",
            "idempotency_key_reused",
            "not_allowed",
            "no_tariff",
            "over_ceiling",
            "lines_in_error",
            "already_registered",
            "too_many_strangers",
        ),
    )
)
def registrations(caller: Caller) -> dict[str, Any]:
    """Register the lines of the call, once, and return what was registered."""
    key = strict.idempotency_key()
    lines, accepts = strict.sending()
    try:
        return api_registration.register(caller, Demand(key, strict.fingerprint(), lines, accepts))
    except LinesInError as refusal:
        raise Problem("lines_in_error", **refusal.report.to_json()) from None
    except AlreadyRegistered as refusal:
        raise Problem("already_registered", **refusal.report.to_json()) from None
    except TooManyStrangers as refusal:
        raise Problem("too_many_strangers", refusal.message) from None
    except KeyReused:
        raise Problem("idempotency_key_reused") from None
    except pricing.NoTariff:
        raise Problem("no_tariff") from None
    except OverCeiling as refusal:
        raise Problem("over_ceiling", refusal.message) from None
    except access.NotAllowed as refusal:
        raise Problem("not_allowed", refusal.message) from None


@operation(
    Operation(
        "batch",
        "GET",
        "/batches/<key>",
        (READ, REGISTER),
        "État d’un envoi",
        "Un envoi du centre, par API, par fichier ou à la main, avec ses enregistrements et leurs documents, 1 000 par page.",
        "Batch",
        place=_KEY_SCHEMA,
        query=(("after", _AFTER, "Valeur de « next » de la page précédente."),),
        problems=("not_found", "invalid_cursor"),
    )
)
def batch(caller: Caller, key: str) -> dict[str, Any]:
    """Return a batch of the caller's centre; another centre's is not found, like one that never was."""
    after = strict.cursor("after")
    found = api_reading.batch(caller.centre_id, key, after) if _KEY.fullmatch(key) else None
    if found is None:
        raise Problem("not_found")
    return found


@operation(
    Operation(
        "registration",
        "GET",
        "/registrations/<id>",
        (READ, REGISTER),
        "État d’un enregistrement",
        "Un enregistrement du centre et ses documents.",
        "Registration",
        place=_ID_SCHEMA,
        problems=("not_found",),
    )
)
def registration(caller: Caller, id: str) -> dict[str, Any]:  # noqa: A002  the name in the address
    """Return a registration of the caller's centre; another centre's is not found, like one that never was."""
    found = api_reading.registration(caller.centre_id, _number(id))
    if found is None:
        raise Problem("not_found")
    return found


def _number(text: str) -> int:
    """Return an id of the address, 0 for anything that is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


@operation(
    Operation(
        "cancellation",
        "POST",
        "/registrations/<id>/cancellation",
        (CORRECT,),
        "Annuler ou remplacer un enregistrement",
        "L’enregistrement est annulé et, avec « replacement », remplacé par une ligne jugée par les mêmes règles, au prix "
        "d’origine. Ce que le centre ne peut pas faire seul devient une demande qu’un agent décide. Le même appel sous la "
        "même clé d’idempotence rend la première réponse.",
        "Cancelled",
        request="Cancelling",
        place=_ID_SCHEMA,
        also=(
            (201, "Replaced", "Remplacé par un nouvel enregistrement."),
            (202, "Asked", "Un agent décide : la demande se suit par GET /corrections/{key}."),
        ),
        problems=(
            "idempotency_key_missing",
            "idempotency_key_invalid",
            "not_allowed",
            "not_found",
            "idempotency_key_reused",
            "no_tariff",
            "already_cancelled",
            "lines_in_error",
            "correction_refused",
        ),
    )
)
def cancellation(caller: Caller, id: str) -> tuple[dict[str, Any], int]:  # noqa: A002  the name in the address
    """Cancel or replace a registration of the caller's centre, once."""
    key = strict.idempotency_key()
    code, reason, typed = strict.cancelling()
    call = amending.Call(key, strict.fingerprint())
    registration = amending.find(caller, _number(id))
    if registration is None:
        raise Problem("not_found")
    try:
        before = amending.first_answer(caller, registration, call)
        return before or amending.amend(caller, orders.order(registration, code, reason, typed), call)
    except LineRefused as refused:
        raise Problem("lines_in_error", **refused.report.to_json()) from None
    except amending.AlreadyCancelled as refusal:
        first = refusal.first
        told = {"registration": first["registration"], "status_of_registration": first["status"]}
        by = {"replaced_by": first["replaced_by"]} if "replaced_by" in first else {}
        raise Problem("already_cancelled", **told, **by) from None
    except amending.KeyReused as refusal:
        raise Problem("idempotency_key_reused", refusal.message) from None
    except pricing.NoTariff:
        raise Problem("no_tariff") from None
    except access.NotAllowed as refusal:
        raise Problem("not_allowed", refusal.message) from None
    except Refusal as refusal:
        raise Problem("correction_refused", refusal.message) from None


@operation(
    Operation(
        "correction",
        "GET",
        "/corrections/<key>",
        (CORRECT,),
        "État d’une demande de correction",
        "Une demande du centre qu’un agent décide, et sa réponse.",
        "Correction",
        place=_KEY_SCHEMA,
        problems=("not_found",),
    )
)
def correction(caller: Caller, key: str) -> dict[str, Any]:
    """Return the state of a request of the caller's centre; another centre's is not found."""
    found = amending.request_of(caller, key) if _KEY.fullmatch(key) else None
    if found is None:
        raise Problem("not_found")
    return found
