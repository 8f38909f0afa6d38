"""What the mails to a centre's people say: the service contract's changes, invitations to act for the centre."""

from __future__ import annotations

from flask import current_app
from sqlalchemy import select

from app.extensions import db
from app.models import JournalEntry, Mail, MemberInvitation, ServiceContract
from app.models.centre import MEMBER_ROLES
from app.services.core import links

#: Kinds of mails. The subject of the first is « contract.act.nonce.person », of the second an invitation's nonce.
CONTRACT, MEMBER = "contract", "member"
#: Kind of the links of invitations (`links.token`).
INVITATION_LINK = "member"

#: Act of the journal → subject, what it means; {version} and {reason} are put in.
_TOLD = {
    "contract.offered": (
        "Un contrat de service attend votre signature",
        "IN Groupe propose à votre centre la version {version} du contrat de service. Lisez-la puis signez-la à l’écran.",
    ),
    "contract.withdrawn": (
        "Une proposition de contrat de service est retirée",
        "La version {version} du contrat de service ne peut plus être signée. Motif : {reason}",
    ),
    "contract.signed": (
        "Le contrat de service est signé",
        "La version {version} du contrat de service est en vigueur. Vous pouvez la relire et la télécharger.",
    ),
    "contract.suspended": (
        "Le contrat de service est suspendu",
        "Plus aucune session ne peut être enregistrée tant que dure la suspension. Motif : {reason}",
    ),
    "contract.resumed": (
        "Le contrat de service est rétabli",
        "L’enregistrement de sessions est de nouveau possible. Motif : {reason}",
    ),
    "contract.ended": (
        "Le contrat de service a pris fin",
        "Plus aucune session ne peut être enregistrée sous ce contrat. Motif : {reason}",
    ),
}  # fmt: skip

Content = tuple[str, str, dict[str, object]]


def contract(row: Mail) -> Content:
    """Return template, subject and values of a mail about a contract: those of the act, whatever happened since."""
    contract_id, verb, _nonce, _person = str(row.subject).split(".")
    action = f"contract.{verb}"
    about = db.session.get_one(ServiceContract, int(contract_id))
    subject, words = _TOLD[action]
    values: dict[str, object] = {
        "centre": about.centre.name, "words": words.format(version=about.version, reason=_reason(about, action, row)),
        "url": f"{current_app.config['BASE_URL']}/mon-centre/contrat/",
    }  # fmt: skip
    return "contract", subject, values


def _reason(about: ServiceContract, action: str, row: Mail) -> str:
    """Return why the act was done: the journal's last word on it when the mail was written."""
    query = (
        select(JournalEntry.reason)
        .where(JournalEntry.subject_type == "service_contract", JournalEntry.subject_id == str(about.id))
        .where(JournalEntry.action == action, JournalEntry.at <= row.created_at)
        .order_by(JournalEntry.id.desc())
        .limit(1)
    )
    return str(db.session.scalar(query) or "non communiqué")


def invitation(row: Mail) -> Content:
    """Return template, subject and values of an invitation to act for a centre."""
    found = db.session.execute(
        select(MemberInvitation).where(MemberInvitation.nonce == row.subject)
    ).scalar_one_or_none()
    if found is None:  # sent again meanwhile, under another link: this one is dead, and says nothing
        return "member_stale", "Une invitation plus récente vous a été envoyée", {}
    token = links.token(INVITATION_LINK, found.nonce)
    values: dict[str, object] = {
        "centre": found.centre.name, "role": MEMBER_ROLES[found.role].lower(), "inviter": found.invited_by.full_name,
        "url": f"{current_app.config['BASE_URL']}/invitation/{token}",
    }  # fmt: skip
    return "member", f"{found.centre.name} vous invite au Registre CQC", values


PARTS = {CONTRACT: contract, MEMBER: invitation}
