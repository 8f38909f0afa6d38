"""What follows when somebody becomes legal representative of a centre: the rooms above say what, in the very transaction."""

from __future__ import annotations

from collections.abc import Callable

from app.models import Membership

_FOLLOWS: list[Callable[[Membership], None]] = []


def follows(act: Callable[[Membership], None]) -> Callable[[Membership], None]:
    """Have this done for each new legal representative, in the transaction that names them."""
    _FOLLOWS.append(act)
    return act


def named(membership: Membership) -> None:
    """Do all that follows from a place taken as legal representative; no commit."""
    for act in _FOLLOWS:
        act(membership)
