"""What the agents' page of a centre shows: « Mise en service » with the one next step, then a section for each part of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import url_for
from sqlalchemy import select

from app.models import Centre, Registration
from app.models.centre import CONTRACT_STATES, ENDED, MEMBER_ROLES, OFFERED, RIGHTS, SIGNED, SUSPENDED
from app.services.contracts import acts as contract_acts
from app.services.contracts import text as contract_text
from app.services.core import narrowing
from app.services.journal import search as journal_search
from app.services.journal import sentences
from app.services.reference import accreditations
from app.services.registration import desk as registration_desk
from app.services.reporting import dashboard
from app.services.rights import checklist, members, recipients
from app.services.rights import invitations as member_invitations
from app.views.crud import told

#: Acts of the journal that the page shows.
LAST = 8
CONTRACT_KINDS = {OFFERED: "gold", SIGNED: "ok", SUSPENDED: "error", ENDED: ""}


@dataclass(frozen=True, slots=True)
class Next:
    """The next act: its words, and where it is done ('' for what waits for somebody else)."""

    title: str
    text: str
    href: str = ""
    button: str = ""


def parts(centre: Centre) -> dict[str, Any]:
    """Return what the page of a centre is drawn with; as many queries whatever its rows."""
    tasks = checklist.tasks(centre.id)
    contracts = contract_acts.all_of(centre.id)
    count = narrowing.up_to(dashboard.MANY, select(Registration.id).where(Registration.centre_id == centre.id))
    return {
        "centre": centre,
        "tasks": tasks,
        "is_open": checklist.is_open(tasks),
        "next": _next(centre, tasks, [contract.id for contract in contracts if contract.state == SUSPENDED]),
        "accreditations": accreditations.of_centre(centre.id),
        "state_of": accreditations.state,
        "contracts": contracts,
        "contract_states": CONTRACT_STATES,
        "contract_kinds": CONTRACT_KINDS,
        "is_offered": any(contract.state == OFFERED for contract in contracts),
        "latest": contract_text.latest(),
        "representatives": len(recipients.representatives(centre.id)),
        "nobody_yet": contract_acts.NOBODY_YET,
        "places": members.of_centre(centre.id),
        "grants": members.grants,
        "rights": RIGHTS,
        "roles": MEMBER_ROLES,
        "invitations": member_invitations.waiting(centre.id),
        "has_run_out": member_invitations.has_run_out,
        "receipts": registration_desk.last_registered(centre.id),
        "registration_count": count,
        "told": sentences.tell(journal_search.of_centre(centre.id, LAST)),
        "address_of": told.address_of,
        "to": lambda handler, **values: url_for(f"CentrePeopleView.{handler}", centre_id=centre.id, **values),
    }


def _next(centre: Centre, tasks: list[Any], suspended: list[int]) -> Next | None:
    """Return the next act for a centre: what is missing before it can register, then the accreditation that ends soon."""
    asked = f"?_flt_0_centre={centre.id}"
    step = checklist.next_step(centre.id, tasks)
    if step is None:
        soon = next(iter(dashboard.expiring(centre.id)), None)
        if soon is None:
            return None
        ending, left = soon
        said = f"Dernier jour dans {left} jours." if left > 1 else "Dernier jour aujourd’hui ou demain."
        return Next(
            f"Renouveler l’agrément {ending.number}", said, f"/agrements/add{asked}", "Saisir le renouvellement"
        )
    hrefs = {
        "representative": f"/centres/{centre.id}/personnes/#inviter",
        "accreditation": f"/agrements/add{asked}",
        "contract": f"/contrats/add{asked}",
        "suspended": f"/contrats/show/{suspended[0]}" if suspended else "",
    }
    return Next(step.title, step.text, "" if step.waits else hrefs[step.key], step.title)
