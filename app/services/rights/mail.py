"""What the mails say about acting for a centre: invited, accepted, rights granted and withdrawn, a right asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from flask import current_app
from sqlalchemy import or_, select
from sqlalchemy.orm import selectinload

from app.extensions import db
from app.french.words import of, to
from app.models import Accreditation, Mail, MemberInvitation, Membership, MembershipRight, Person
from app.models.centre import MEMBER_ROLES, RIGHTS
from app.services.core import actor, links
from app.services.notifications import mail
from app.services.notifications.mail import Content

#: Kind of these mails; their values hold the ``invitation``, by its nonce.
MEMBER = "member"
#: To legal representatives: an invitation (its ``invitation``) was accepted. ``granted``: ids of the rights it gave; ``left``:
#: rights it was to give and gave not. To a manager: rights were ``granted`` and ``withdrawn`` (ids), or the place ``ended``.
#: To legal representatives: the holder of a ``membership`` asks for a ``right``. ``person``: who is told.
JOINED, CHANGED, ENDED, ASKED = "member_joined", "rights_changed", "member_ended", "right_asked"
#: Kind of the links of invitations (`links.token`).
INVITATION_LINK = "member"


def granted_words(right: str, numbers: Sequence[str] | None, ends_on: date | None) -> str:
    """Return a right as it is granted, in words; ``numbers``: of its accreditations, None for all."""
    named = ""
    if numbers:
        named = f", pour {'l’agrément' if len(numbers) == 1 else 'les agréments'} {', '.join(numbers)}"
    return f"{RIGHTS[right]}{named}{f', jusqu’au {ends_on:%d/%m/%Y}' if ends_on else ''}"


@actor.acting(actor.PROGRAM)
def promised(row: MemberInvitation) -> list[str]:
    """Return, in words, the rights that an invitation will give."""
    wanted = {id_ for grant in row.rights.values() for id_ in grant["accreditations"] or ()}
    query = select(Accreditation.id, Accreditation.number).where(Accreditation.id.in_(wanted))
    numbers = dict(db.session.execute(query).tuples().all()) if wanted else {}
    return [
        granted_words(
            right,
            None if grant["accreditations"] is None else [numbers[id_] for id_ in grant["accreditations"]],
            date.fromisoformat(grant["ends_on"]) if grant["ends_on"] else None,
        )
        for right, grant in sorted(row.rights.items(), key=lambda one: list(RIGHTS).index(one[0]))
    ]


@actor.acting(actor.PROGRAM)
def letters(rows: Sequence[MemberInvitation]) -> dict[int, Mail]:
    """Return id of an invitation → the mail of its last link; one query."""
    each = [Mail.values == {"invitation": row.nonce} for row in rows]
    if not each:
        return {}
    query = select(Mail).where(Mail.kind == MEMBER, or_(*each))
    found = {row.values["invitation"]: row for row in db.session.execute(query).scalars()}
    return {row.id: found[row.nonce] for row in rows if row.nonce in found}


def _held(ids: Sequence[int]) -> list[str]:
    """Return, in words, the grants of these ids."""
    query = select(MembershipRight).where(MembershipRight.id.in_(ids)).order_by(MembershipRight.id)
    rows = db.session.execute(query.options(selectinload(MembershipRight.accreditations))).scalars()
    return [
        granted_words(
            row.right, None if row.all_accreditations else [a.number for a in row.accreditations], row.ends_on
        )
        for row in rows
    ]


def _url(path: str) -> str:
    return f"{current_app.config['BASE_URL']}{path}"


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
        "rights": promised(found),
        "url": _url(f"/invitation/{links.token(INVITATION_LINK, found.nonce, found.token_hash)}"),
    }
    return Content("rights/mail/member", f"{found.centre.name} vous invite au Registre CQC", values)


@mail.says(JOINED, "Invitation acceptée")
def _joined(row: Mail) -> Content:
    found = db.session.get_one(MemberInvitation, row.values["invitation"])
    newcomer = db.session.get_one(Person, found.accepted_by_id)
    values: dict[str, object] = {
        "centre": found.centre.name,
        "who": newcomer.full_name,
        "email": found.email,
        "role": MEMBER_ROLES[found.role].lower(),
        "is_manager": found.role == "manager",
        "granted": _held(row.values["granted"]),
        "left": [RIGHTS[right] for right in row.values["left"]],
        "url": _url("/mon-centre/droits/"),
    }
    whose = of(found.centre.name, is_place=True)
    return Content("rights/mail/joined", f"{newcomer.full_name} a accepté l’invitation {whose}", values)


@mail.says(CHANGED, "Droits modifiés")
def _changed(row: Mail) -> Content:
    place = db.session.get_one(Membership, row.values["membership"])
    values: dict[str, object] = {
        "centre": place.centre.name,
        "first_name": place.person.first_name,
        "granted": _held(row.values["granted"]),
        "withdrawn": [RIGHTS[db.session.get_one(MembershipRight, id_).right] for id_ in row.values["withdrawn"]],
        "url": _url("/mon-centre/"),
    }
    return Content("rights/mail/changed", f"Vos droits chez {place.centre.name} sont modifiés", values)


@mail.says(ENDED, "Fin d’intervention pour un centre")
def _ended(row: Mail) -> Content:
    place = db.session.get_one(Membership, row.values["membership"])
    values: dict[str, object] = {"centre": place.centre.name, "first_name": place.person.first_name}
    return Content("rights/mail/ended", f"Vous n’intervenez plus pour {place.centre.name}", values)


@mail.says(ASKED, "Droit demandé")
def _asked(row: Mail) -> Content:
    place = db.session.get_one(Membership, row.values["membership"])
    values: dict[str, object] = {
        "centre": place.centre.name,
        "who": place.person.full_name,
        "email": place.person.email,
        "right": RIGHTS[row.values["right"]].lower(),
        "url": _url(f"/mon-centre/droits/{place.id}"),
    }
    whom = to(place.centre.name, is_place=True)
    return Content("rights/mail/asked", f"{place.person.full_name} demande un droit {whom}", values)
