"""What the mails about accounts say: which template, with which values. They are worked out when the mail is sent."""

from __future__ import annotations

from flask import current_app
from sqlalchemy import exists, select

from app.extensions import db
from app.models import AccountLink, Mail, Person, SignUp, Trainer
from app.models.sign_up import ADDRESS, CONFIRM, OPENED, RESET
from app.services.core import links

from . import card_mail, member_mail

#: Kinds of mails beside the certificate's; the subject of the first two is a link's nonce, of DECISION a sign-up's id.
CONFIRM_MAIL, RESET_MAIL, DECISION, INVITATION = "confirm", "reset", "decision", "invitation"
#: The subject of these only tells them from others of their kind.
FACTOR_RESET, PASSWORD_CHANGED = "factor_reset", "password_changed"
FACTOR_ON, FACTOR_OFF, CODES_RENEWED = "factor_on", "factor_off", "codes_renewed"
#: About a card request; its subject is an event's id.
CARD = "card"
#: About a change of address: the link to the new one, two notices to the old one; their subject is the link's nonce.
ADDRESS_LINK, ADDRESS_ASKED, ADDRESS_CHANGED = "address_link", "address_asked", "address_changed"
#: The subject of this one is a trainer's id, with a sequence when it is sent again.
RIGHT_OPEN = "right_open"


def content(row: Mail) -> tuple[str, dict[str, object]]:
    """Return the template's name and its values (``subject`` among them) for a mail about an account."""
    template, subject, values = _PARTS[row.kind](row)
    base = current_app.config["BASE_URL"]
    addresses = {
        "sign_in_url": f"{base}/login/",
        "reset_url": f"{base}/mot-de-passe/",
        "sign_up_url": f"{base}/inscription/",
        "space_url": f"{base}/mon-espace/",
    }
    return template, {"subject": subject, **addresses, **values}


def is_taken(email: str) -> bool:
    """Tell whether an account has this mail address, whatever its case; closed ones count too."""
    wanted = email.lower()
    same = (Person.email == wanted) | (Person.username == wanted)
    return bool(db.session.scalar(select(exists().where(same))))


def _confirm(row: Mail) -> tuple[str, str, dict[str, object]]:
    """Ask to confirm the address; where it has an account already, only its owner's mail box learns so."""
    if is_taken(row.recipient):
        return "account_open", "Vous avez déjà un compte", {}
    link = _link(row)
    sign_up = link.sign_up
    assert sign_up is not None
    url = f"{current_app.config['BASE_URL']}/inscription/{links.token(CONFIRM, link.nonce)}"
    return "confirm", "Confirmez votre adresse électronique", {"url": url, "first_name": sign_up.first_name}


def _reset(row: Mail) -> tuple[str, str, dict[str, object]]:
    url = f"{current_app.config['BASE_URL']}/mot-de-passe/{links.token(RESET, _link(row).nonce)}"
    return "reset", "Choisissez un nouveau mot de passe", {"url": url}


def _decision(row: Mail) -> tuple[str, str, dict[str, object]]:
    sign_up = db.session.get_one(SignUp, int(str(row.subject)))
    if sign_up.state == OPENED:
        return "decision_accepted", "Votre compte est ouvert", {"first_name": sign_up.first_name}
    values: dict[str, object] = {"first_name": sign_up.first_name, "reason": sign_up.reason}
    return "decision_refused", "Votre demande de compte", values


def _invitation(row: Mail) -> tuple[str, str, dict[str, object]]:
    assert row.registration is not None
    return "invitation", "Créez votre espace conducteur", {"centre": row.registration.centre.name}


def _factor_reset(row: Mail) -> tuple[str, str, dict[str, object]]:
    return "factor_reset", "Votre double authentification a été réinitialisée", {}


def _password_changed(row: Mail) -> tuple[str, str, dict[str, object]]:
    return "password_changed", "Votre mot de passe est changé", {"at": row.created_at}


#: What became of a second factor → the subject, and the sentence.
_FACTOR = {
    FACTOR_ON: (
        "Votre double authentification est activée",
        "La double authentification est activée sur votre compte du Registre CQC : un code est demandé à la connexion.",
    ),
    FACTOR_OFF: (
        "Votre double authentification est désactivée",
        "La double authentification est désactivée sur votre compte du Registre CQC : votre mot de passe suffit de nouveau.",
    ),
    CODES_RENEWED: (
        "Vos codes de secours sont remplacés",
        "Les codes de secours de votre compte du Registre CQC sont remplacés : les anciens ne servent plus.",
    ),
}


def _factor_changed(row: Mail) -> tuple[str, str, dict[str, object]]:
    subject, told = _FACTOR[row.kind]
    return "factor_changed", subject, {"told": told, "at": row.created_at}


def _right_open(row: Mail) -> tuple[str, str, dict[str, object]]:
    """Tell a trainer that a card may be asked for; whether the person has an account is not said in a mail."""
    trainer = db.session.get_one(Trainer, int(str(row.subject).split("-")[0]))
    values: dict[str, object] = {
        "first_name": trainer.first_name, "profile": trainer.profile_name.lower(), "centre": trainer.centre.name,
        "sectors": trainer.sectors, "fee_borne": trainer.fee_borne, "number": trainer.receipt_number,
    }  # fmt: skip
    return "right_open", "Vous pouvez demander votre carte CQC", values


def _address_link(row: Mail) -> tuple[str, str, dict[str, object]]:
    """Ask to confirm the new address; where it has an account already, only its owner's mail box learns so."""
    if is_taken(row.recipient):
        return "account_open", "Vous avez déjà un compte", {}
    url = f"{current_app.config['BASE_URL']}/adresse/{links.token(ADDRESS, _link(row).nonce)}"
    return "address_link", "Confirmez votre nouvelle adresse", {"url": url}


def _address_asked(_row: Mail) -> tuple[str, str, dict[str, object]]:
    return "address_asked", "Un changement d’adresse a été demandé", {}


def _address_changed(_row: Mail) -> tuple[str, str, dict[str, object]]:
    return "address_changed", "Votre adresse électronique est changée", {}


def _link(row: Mail) -> AccountLink:
    return db.session.execute(select(AccountLink).where(AccountLink.nonce == row.subject)).scalar_one()


_PARTS = {
    CONFIRM_MAIL: _confirm, RESET_MAIL: _reset, DECISION: _decision, INVITATION: _invitation, FACTOR_RESET: _factor_reset,
    CARD: card_mail.content, ADDRESS_LINK: _address_link, ADDRESS_ASKED: _address_asked, ADDRESS_CHANGED: _address_changed,
    RIGHT_OPEN: _right_open, PASSWORD_CHANGED: _password_changed, **dict.fromkeys(_FACTOR, _factor_changed),
    **member_mail.PARTS,
}  # fmt: skip
