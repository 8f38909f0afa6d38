"""What the mails about a service contract say, to each legal representative of the centre."""

from __future__ import annotations

from collections.abc import Iterable

from flask import current_app
from sqlalchemy import select

from app.extensions import db
from app.models import Decision, Mail, Person, ServiceContract
from app.services.notifications import mail
from app.services.notifications.mail import Content

#: Kind of these mails; their values hold the ``contract``, the ``act``, the ``person`` told and, for an act that has a
#: reason, the ``decision``.
CONTRACT = "contract"

#: Act → subject, what it means; {version} and {reason} are put in.
_TOLD = {
    "offered": (
        "Un contrat de service attend votre signature",
        "IN Groupe propose à votre centre la version {version} du contrat de service. Lisez-la puis signez-la à l’écran.",
    ),
    "withdrawn": (
        "Une proposition de contrat de service est retirée",
        "La version {version} du contrat de service ne peut plus être signée. Motif : {reason}",
    ),
    "signed": (
        "Le contrat de service est signé",
        "La version {version} du contrat de service est en vigueur. Vous pouvez la relire et la télécharger.",
    ),
    "suspended": (
        "Le contrat de service est suspendu",
        "Plus aucune session ne peut être enregistrée tant que dure la suspension. Motif : {reason}",
    ),
    "resumed": (
        "Le contrat de service est rétabli",
        "L’enregistrement de sessions est de nouveau possible. Motif : {reason}",
    ),
    "ended": (
        "Le contrat de service a pris fin",
        "Plus aucune session ne peut être enregistrée sous ce contrat. Motif : {reason}",
    ),
}


def make_due(about: ServiceContract, act: str, people: Iterable[tuple[int, str]], decision: Decision | None) -> None:
    """Make due the mail of an act to each of these people (id, address); no commit."""
    why = {"decision": decision.id} if decision is not None else {}
    told = {"contract": about.id, "act": act, **why}
    mails = [{"recipient": email, "values": {**told, "person": person_id}} for person_id, email in people]
    mail.make_all_due(CONTRACT, mails)


def is_told(about: ServiceContract, act: str, person: Person) -> bool:
    """Tell whether the mail of an act was made due to a person before: who leaves and comes back is told once."""
    query = select(Mail.values).where(Mail.kind == CONTRACT, Mail.recipient == person.email)
    told = {"contract": about.id, "act": act, "person": person.id}
    return any(told.items() <= values.items() for values in db.session.execute(query).scalars())


@mail.says(CONTRACT, "Contrat de service")
def _contract(row: Mail) -> Content:
    """Tell of the act, whatever happened to the contract since."""
    about = db.session.get_one(ServiceContract, row.values["contract"])
    decision = db.session.get(Decision, row.values.get("decision", 0))
    reason = decision.reason if decision is not None else "non communiqué"
    subject, words = _TOLD[row.values["act"]]
    values: dict[str, object] = {
        "centre": about.centre.name,
        "words": words.format(version=about.version, reason=reason),
        "url": f"{current_app.config['BASE_URL']}/mon-centre/contrat/",
    }
    return Content("contracts/mail/contract", subject, values)
