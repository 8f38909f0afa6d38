"""The fields of rights, as a manager is given them and as an invitation promises them: read, and shown again."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import request

from app.models import Membership
from app.models.centre import RIGHTS
from app.services.core.refusal import Refusal
from app.services.rights import members
from app.services.rights.granting import BY_ACCREDITATION, Grant
from app.validators.fields import clean, loosen_date, parse_date

#: What a right may be on the form.
NONE, EVERYWHERE, NAMED = "non", "tous", "choix"
OPENS = {
    "register": "à la main et par fichier",
    "trainers": "enregistrer les formateurs et moniteurs du centre",
    "invoices": "consulter les factures du centre",
    "api": "consulter les clés ; ses propres clés agissent dans ces limites",
}


def known(centre_id: int, chosen: dict[str, Any]) -> dict[str, Any]:
    """Return what the fields need; ``chosen``: right → what they show of it."""
    return {
        "chosen": chosen,
        "opens": OPENS,
        "scoped": BY_ACCREDITATION,
        "accreditations": members.accreditations(centre_id),
    }


def held(place: Membership) -> dict[str, Any]:
    """Return right → what the form shows of it."""
    return {
        right: {
            "scope": EVERYWHERE if grant.all_accreditations else NAMED,
            "named": [one.id for one in grant.accreditations],
            "ends_on": f"{grant.ends_on:%d/%m/%Y}" if grant.ends_on else "",
        }
        for right, grant in members.grants(place).items()
    }


def typed() -> dict[str, Any]:
    """Return right → what was sent, to be shown again."""
    sent = request.form
    return {
        right: {
            "scope": sent.get(right, NONE),
            "named": [int(value) for value in sent.getlist(f"{right}-agrements") if _is_id(value)],
            "ends_on": sent.get(f"{right}-fin", ""),
        }
        for right in RIGHTS
    }


def wanted() -> dict[str, Grant]:
    """Return the rights asked for; raise `Refusal` for a day that is none."""
    asked = {}
    for right, one in typed().items():
        if one["scope"] in (EVERYWHERE, NAMED):
            named = frozenset(one["named"]) if one["scope"] == NAMED else None
            asked[right] = Grant(named, _day(right, one["ends_on"]))
    return asked


def _day(right: str, text: str) -> date | None:
    text = clean(text)
    found: date | None = parse_date(loosen_date(text)) if text else None
    if text and found is None:
        raise Refusal(f"« {RIGHTS[right]} » : la date s’écrit JJ/MM/AAAA.")
    return found


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
