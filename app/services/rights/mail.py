"""What the mail says that invites somebody to act for a centre."""

from __future__ import annotations

from flask import current_app
from sqlalchemy import select

from app.extensions import db
from app.models import Mail, MemberInvitation
from app.models.centre import MEMBER_ROLES
from app.services.core import links
from app.services.notifications import mail
from app.services.notifications.mail import Content

#: Kind of these mails; their values hold the ``invitation``, by its nonce.
MEMBER = "member"
#: Kind of the links of invitations (`links.token`).
INVITATION_LINK = "member"


@mail.says(MEMBER, "Invitation de gestionnaire")
def _invitation(row: Mail) -> Content:
    query = select(MemberInvitation).where(MemberInvitation.nonce == row.values["invitation"])
    found = db.session.execute(query).scalar_one_or_none()
    if found is None:  # sent again meanwhile, under another link: this one is dead, and says nothing
        return Content("rights/mail/member_stale", "Une invitation plus récente vous a été envoyée")
    values: dict[str, object] = {
        "centre": found.centre.name,
        "role": MEMBER_ROLES[found.role].lower(),
        "inviter": found.invited_by.full_name,
        "url": f"{current_app.config['BASE_URL']}/invitation/{links.token(INVITATION_LINK, found.nonce)}",
    }
    return Content("rights/mail/member", f"{found.centre.name} vous invite au Registre CQC", values)
