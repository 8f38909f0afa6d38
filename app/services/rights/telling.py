"""Who is told by mail that somebody has come to act for a centre, or that rights there have changed. No commit."""

from __future__ import annotations

from collections.abc import Iterable, Set

from app.models import MemberInvitation, Membership, MembershipRight
from app.services.core import clock
from app.services.notifications import mail

from . import mail as member_mail
from . import recipients


def of_joining(row: MemberInvitation, membership: Membership, granted: list[int], left: list[str]) -> None:
    """Tell each legal representative of the centre, but who has just accepted; ``left``: rights promised and not given."""
    for person_id, email in recipients.representatives(row.centre_id):
        if person_id != membership.person_id:
            about = {"invitation": row.id, "person": person_id, "granted": granted, "left": left}
            mail.make_due(member_mail.JOINED, email, about)


def of_change(membership: Membership, before: Set[int], now: Iterable[MembershipRight]) -> None:
    """Tell a manager which rights are granted, or granted otherwise, and which are withdrawn; ``before``: grants that stood."""
    standing = {grant.id: grant.right for grant in now}
    gone = [grant.id for grant in membership.rights if grant.id in before and grant.right not in standing.values()]
    if membership.person.active:
        about = {
            "membership": membership.id,
            "granted": sorted(standing.keys() - before),
            "withdrawn": sorted(gone),
        }
        mail.make_due(member_mail.CHANGED, membership.person.email, about)


def of_end(membership: Membership) -> None:
    """Tell a person that the place at the centre has ended."""
    if membership.person.active:
        about = {"membership": membership.id, "at": clock.machine_now().isoformat(timespec="microseconds")}
        mail.make_due(member_mail.ENDED, membership.person.email, about)
