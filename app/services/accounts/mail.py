"""What the mails about an account say: its address to confirm or to change, a password or a second factor to set anew."""

from __future__ import annotations

from flask import current_app
from sqlalchemy import exists, select

from app.extensions import db
from app.models import AccountLink, Mail, Person
from app.models.sign_up import ADDRESS, CONFIRM, RESET
from app.services.core import links
from app.services.notifications import mail
from app.services.notifications.mail import Content

#: Kinds of mails; the values of all but the last hold a ``link``, by its nonce.
CONFIRM_MAIL, RESET_MAIL = "confirm", "reset"
#: About a change of address: the link to the new one, two notices to the old one.
ADDRESS_LINK, ADDRESS_ASKED, ADDRESS_CHANGED = "address_link", "address_asked", "address_changed"
#: The values of these only tell them from others of their kind.
FACTOR_RESET, PASSWORD_CHANGED = "factor_reset", "password_changed"
FACTOR_ON, FACTOR_OFF, CODES_RENEWED = "factor_on", "factor_off", "codes_renewed"


def is_taken(email: str) -> bool:
    """Tell whether an account has this mail address, whatever its case; closed ones count too."""
    wanted = email.lower()
    same = (Person.email == wanted) | (Person.username == wanted)
    return bool(db.session.scalar(select(exists(Person.id).where(same))))


@mail.says(CONFIRM_MAIL, "Adresse à confirmer")
def _confirm(row: Mail) -> Content:
    """Ask to confirm the address; where it has an account already, only its owner's mail box learns so."""
    if is_taken(row.recipient):
        return _already()
    link = _link(row)
    assert link.sign_up is not None
    values = {"url": _address_of("inscription", CONFIRM, link), "first_name": link.sign_up.first_name}
    return Content("accounts/mail/confirm", "Confirmez votre adresse électronique", values)


@mail.says(RESET_MAIL, "Nouveau mot de passe")
def _reset(row: Mail) -> Content:
    values = {"url": _address_of("mot-de-passe", RESET, _link(row))}
    return Content("accounts/mail/reset", "Choisissez un nouveau mot de passe", values)


@mail.says(FACTOR_RESET, "Double authentification réinitialisée")
def _factor_reset(_row: Mail) -> Content:
    return Content("accounts/mail/factor_reset", "Votre double authentification a été réinitialisée")


@mail.says(PASSWORD_CHANGED, "Mot de passe changé")
def _password_changed(row: Mail) -> Content:
    return Content("accounts/mail/password_changed", "Votre mot de passe est changé", {"at": row.created_at})


@mail.says(FACTOR_ON, "Double authentification activée")
def _factor_on(row: Mail) -> Content:
    told = (
        "La double authentification est activée sur votre compte du Registre CQC : un code est demandé à la connexion."
    )
    return _factor_changed(row, "Votre double authentification est activée", told)


@mail.says(FACTOR_OFF, "Double authentification désactivée")
def _factor_off(row: Mail) -> Content:
    told = "La double authentification est désactivée sur votre compte du Registre CQC : votre mot de passe suffit de nouveau."
    return _factor_changed(row, "Votre double authentification est désactivée", told)


@mail.says(CODES_RENEWED, "Codes de secours remplacés")
def _codes_renewed(row: Mail) -> Content:
    told = "Les codes de secours de votre compte du Registre CQC sont remplacés : les anciens ne servent plus."
    return _factor_changed(row, "Vos codes de secours sont remplacés", told)


def _factor_changed(row: Mail, subject: str, told: str) -> Content:
    return Content("accounts/mail/factor_changed", subject, {"told": told, "at": row.created_at})


@mail.says(ADDRESS_LINK, "Nouvelle adresse à confirmer")
def _address_link(row: Mail) -> Content:
    """Ask to confirm the new address; where it has an account already, only its owner's mail box learns so."""
    if is_taken(row.recipient):
        return _already()
    return Content(
        "accounts/mail/address_link",
        "Confirmez votre nouvelle adresse",
        {"url": _address_of("adresse", ADDRESS, _link(row)), **_asked_by(row)},
    )


@mail.says(ADDRESS_ASKED, "Changement d’adresse demandé")
def _address_asked(row: Mail) -> Content:
    return Content("accounts/mail/address_asked", "Un changement d’adresse a été demandé", _asked_by(row))


@mail.says(ADDRESS_CHANGED, "Adresse changée")
def _address_changed(_row: Mail) -> Content:
    return Content("accounts/mail/address_changed", "Votre adresse électronique est changée")


def _asked_by(row: Mail) -> dict[str, object]:
    """Return whether an agent asked for the change; mails made due before agents could do not say."""
    return {"by_agent": bool(row.values.get("by_agent"))}


def _already() -> Content:
    return Content("accounts/mail/account_open", "Vous avez déjà un compte")


def _address_of(page: str, kind: str, link: AccountLink) -> str:
    return f"{current_app.config['BASE_URL']}/{page}/{links.token(kind, link.nonce, link.token_hash)}"


def _link(row: Mail) -> AccountLink:
    return db.session.execute(select(AccountLink).where(AccountLink.nonce == row.values["link"])).scalar_one()
