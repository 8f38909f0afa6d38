"""What the register knows of one person, as plain values with French names: for the copy that the person asks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import func, or_, select

from app.extensions import db
from app.models import (
    Document,
    Driver,
    IdentityClaim,
    IdentityCorrection,
    LentView,
    Mail,
    Person,
    Registration,
    ReminderOff,
)
from app.models.card import CARD_STATES, PAYERS
from app.models.identity import CHECK_STATES, PROOFS
from app.models.outbox import MAIL_STATES
from app.models.registration import AVAILABLE, CERTIFICATE, DOCUMENT_KINDS, DOCUMENT_STATES
from app.services.accounts import identity
from app.services.amendments import reports
from app.services.cards import requests as card_requests
from app.services.core.clock import PARIS
from app.services.decisions import identity_checks
from app.services.identities import history as identity_history
from app.services.journal import refused_requests
from app.services.journal import search as journal_search
from app.services.journal.words import action_words
from app.services.notifications.mail import name_of
from app.services.trainers import registration as trainer_registration
from app.validators.remark import HEADERS

from . import lending
from . import space as driver_space

#: The last acts that are given; older ones may be asked for in writing.
ACTS = 1000

Rows = list[dict[str, Any]]


def gather(person_id: int) -> dict[str, Any]:
    """Return section → what is known: one mapping, or a list of them."""
    person = db.session.get_one(Person, person_id)
    driver = driver_space.driver_of(person_id)
    data: dict[str, Any] = {
        "Compte": {
            "Adresse électronique": person.email,
            "Prénom": person.first_name,
            "Nom": person.last_name,
            "Rôles": ", ".join(role.name for role in person.roles),
        }
    }
    if claim := identity.claim_of(person_id):
        data["Identité déclarée"] = {**_identity(claim), "Pièces d’identité": _checks(claim)}
    if driver is not None:
        data["Conducteur"] = {**_identity(driver), "Identité prouvée par": PROOFS.get(driver.proof, "")}
        data["Autres identités"] = [{**_identity(one), "Pourquoi": why} for why, one in identity_history.former(driver)]
        data["Formations"] = [_training(registration) for registration in _registrations(driver)]
        data["Enregistrements annulés"] = [
            {**_training(ended.registration), "Annulation": ended.text}
            for ended in driver_space.cancelled(driver)
            if ended.registration
        ]
        data["Erreurs signalées"] = _reports(person_id, _own_cancelled(driver))
        data["Documents"] = [_document(document) for document in _documents(driver)]
        data["Partages"] = [_loan(loan) for loan in lending.loans(person_id)]
        data["Demandes de carte"] = _cards(driver)
    data["Droits de formateur ou moniteur"] = _rights(person_id)
    data["Courriels"] = _mails(person, driver)
    data["Rappels refusés"] = _refused_reminders(person_id)
    data["Actes"] = _acts(person_id)
    data["Demandes refusées"] = _refusals(person_id)
    return data


def files(person_id: int) -> Iterator[tuple[str, str, str]]:
    """Yield name in the archive, path in the store and SHA-256 of each file of the person."""
    claim, driver = identity.claim_of(person_id), driver_space.driver_of(person_id)
    check = identity_checks.last(claim.id) if claim else None
    if check is not None and check.path and check.sha256:
        yield "identite/piece.jpg", check.path, check.sha256
    if driver is None:
        return
    for document in _documents(driver):
        if document.state == AVAILABLE and document.path and document.sha256:
            kind = "certificat" if document.kind == CERTIFICATE else "recapitulatif"
            yield f"documents/{kind}-{document.number}.pdf", document.path, document.sha256
    for request in card_requests.of(driver):
        name = request.number or request.key
        if request.photo_path and request.photo_sha256:
            yield f"cartes/{name}-photo.jpg", request.photo_path, request.photo_sha256
        if request.signature_path and request.signature_sha256:
            yield f"cartes/{name}-signature.png", request.signature_path, request.signature_sha256


def _identity(named: Driver | IdentityClaim | IdentityCorrection) -> dict[str, Any]:
    return {
        "Nom": named.last_name,
        "Prénom": named.first_name,
        "Date de naissance": _day(named.birth_date),
        "N° de permis": named.permit_number,
    }


def _checks(claim: IdentityClaim) -> str:
    """Return when identity documents were sent for a claim, and what was answered."""
    return "; ".join(
        f"{_moment(check.sent_at)} {CHECK_STATES[check.state]}{f' ({check.reason})' if check.reason else ''}"
        for check in identity_checks.sent(claim.id)
    )


def _registrations(driver: Driver) -> list[Registration]:
    return driver_space.space(driver).registrations


def _documents(driver: Driver) -> list[Document]:
    """Return every document of the driver; what is withheld for an agent's decision, or was cancelled as another person's,
    is somebody else's.
    """
    query = (
        select(Document)
        .join(Document.registration)
        .where(Registration.driver_id == driver.id, Registration.withheld.is_(False))
        .where(or_(Registration.live(), Registration.id.in_(_own_cancelled(driver))))
        .order_by(Document.id)
    )
    return list(db.session.execute(query).scalars())


def _own_cancelled(driver: Driver | None) -> list[int]:
    ended = driver_space.cancelled(driver) if driver else []
    return [one.registration.id for one in ended if one.registration]


def _loan(loan: lending.Loan) -> dict[str, Any]:
    return {
        "Montré": _lent(loan.view),
        "Créé le": _moment(loan.view.created_at),
        "Jusqu’au": _day(loan.view.until),
        "Retiré le": _moment(loan.view.ended_at) if loan.view.ended_at else "",
        "Consultations": "; ".join(_moment(at) for at in loan.looks),
    }


def _lent(view: LentView) -> str:
    if view.document_id is None:
        return "Ma situation"
    return view.document.number if view.document else "Un document"


def _training(registration: Registration) -> dict[str, Any]:
    return {
        "Formation": registration.training.full_label,
        "Date de fin": _day(registration.end_date),
        "Centre": registration.centre.name,
        "Enregistrée le": _day(registration.registered_on),
        "Nom enregistré": registration.last_name,
        "Prénom enregistré": registration.first_name,
    }


def _reports(person_id: int, own_cancelled: list[int]) -> Rows:
    """Return what the person reported; of a registration that proved another person's, nothing but what was said of it."""
    return [
        {
            "Le": _moment(row.said_at),
            **(_training(row.registration) if _is_told(row.registration, own_cancelled) else {}),
            "Ce qui est exact": ", ".join(f"{HEADERS[name]} {value}" for name, value in row.said.items()),
            "Formation non suivie": "oui" if row.not_attended else "non",
            "Précisions": row.text,
            "État": row.state_words,
            "Réponse": row.answer,
        }
        for row in reports.all_of(person_id)
    ]


def _is_told(registration: Registration, own_cancelled: list[int]) -> bool:
    return registration.is_live or registration.id in own_cancelled


def _document(document: Document) -> dict[str, Any]:
    return {
        "Document": DOCUMENT_KINDS[document.kind],
        "Numéro": document.number,
        "État": DOCUMENT_STATES[document.state],
        "Établi le": _day(document.established_on),
        "Valable du": _day(document.valid_from),
        "Jusqu’au": _day(document.valid_until),
    }


def _cards(driver: Driver) -> Rows:
    return [
        {
            "Numéro": request.number or "Brouillon",
            "Carte demandée pour": request.ground_label,
            "État": CARD_STATES[request.state],
            "Destinataire": request.holder,
            "Adresse": ", ".join(filter(None, (request.street, request.address_extra, request.postcode, request.city))),
            "Qui paie": PAYERS[request.payer],
            "Paiement": request.payment_reference or "",
            "Suivi": "; ".join(
                f"{_moment(event.at)} {CARD_STATES[event.state]}{f' ({event.reason})' if event.reason else ''}"
                for event in request.events
            ),
        }
        for request in card_requests.of(driver)
    ]


def _rights(person_id: int) -> Rows:
    return [
        {
            "Profil": right.profile_name,
            "Secteurs": ", ".join(right.sectors),
            "Centre": right.centre.name,
            "Enregistré le": _day(right.registered_on),
            "N° de reçu": right.receipt_number,
        }
        for right in trainer_registration.rights_of(person_id)
    ]


def _mails(person: Person, driver: Driver | None) -> Rows:
    own = Mail.registration_id.in_(
        select(Registration.id).where(
            Registration.driver_id == (driver.id if driver else 0),
            Registration.withheld.is_(False),
            or_(Registration.live(), Registration.id.in_(_own_cancelled(driver))),
        )
    )
    query = select(Mail).where(or_(own, func.lower(Mail.recipient) == person.email.lower())).order_by(Mail.id)
    return [
        {
            "Envoyé à": mail.recipient,
            "Nature": name_of(mail.kind),
            "État": MAIL_STATES[mail.state],
            "Le": _moment(mail.created_at),
        }
        for mail in db.session.execute(query).scalars()
    ]


def _refused_reminders(person_id: int) -> Rows:
    query = select(ReminderOff).where(ReminderOff.person_id == person_id).order_by(ReminderOff.kind)
    return [
        {"Rappel": name_of(row.kind), "Depuis le": _moment(row.since)} for row in db.session.execute(query).scalars()
    ]


def _acts(person_id: int) -> Rows:
    return [{"Le": _moment(at), "Acte": action_words(action)} for at, action in journal_search.acts_of(person_id, ACTS)]


def _refusals(person_id: int) -> Rows:
    return [
        {"Jour": _day(row.day), "Depuis le réseau": row.network, "Motif": row.kind, "Nombre": row.count}
        for row in refused_requests.of_person(person_id)
    ]


def _day(value: Any) -> str:
    return f"{value:%d/%m/%Y}" if value else ""


def _moment(value: Any) -> str:
    return f"{value.astimezone(PARIS):%d/%m/%Y %H:%M}" if value else ""
