"""Rights given with an invitation: kept on it as they are asked for, granted once it is accepted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from app.models import MemberInvitation, Membership
from app.models.centre import MANAGER
from app.services.core import clock

from . import access, members
from .granting import Grant


def plain(rights: Mapping[str, Grant]) -> dict[str, Any]:
    """Return rights as an invitation keeps them."""
    return {
        right: {
            "accreditations": None if grant.accreditation_ids is None else sorted(grant.accreditation_ids),
            "ends_on": grant.ends_on.isoformat() if grant.ends_on else None,
        }
        for right, grant in rights.items()
    }


def keep(row: MemberInvitation, membership: Membership) -> tuple[list[int], list[str]]:
    """Grant what an invitation promised, in the transaction that accepts it; return the ids of the grants, and the rights that
    can be granted no more: whoever invited is not entitled any longer, or a last day is past.
    """
    wanted = {right: _grant(kept) for right, kept in row.rights.items() if membership.role == MANAGER}
    holds = {right: one for right, one in wanted.items() if one.ends_on is None or one.ends_on >= clock.today()}
    try:
        members.require_grantor(row.invited_by_id, row.centre_id)
    except access.NotAllowed:
        holds = {}
    return members.give(membership, holds, row.invited_by_id), sorted(wanted.keys() - holds.keys())


def _grant(kept: Mapping[str, Any]) -> Grant:
    named, ends_on = kept["accreditations"], kept["ends_on"]
    return Grant(None if named is None else frozenset(named), date.fromisoformat(ends_on) if ends_on else None)
