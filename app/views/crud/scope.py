"""Row scoping: what a centre's lists, cards and searches may ever read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_appbuilder.models.filters import BaseFilter
from sqlalchemy.orm import Query

from app.models import Registration
from app.views.shell.base import current_centre_id


def own_rows(narrow: Callable[[Query[Any]], Query[Any]]) -> type[BaseFilter]:
    """Return a base filter that narrows every read of a view, its cards' included."""

    def apply(_self: BaseFilter, query: Query[Any], _value: Any) -> Query[Any]:
        return narrow(query)

    return type("OwnRows", (BaseFilter,), {"apply": apply})


def of_current_centre(query: Query[Any]) -> Query[Any]:
    """Keep the registrations of the centre the person acts for; 403 for a person who acts for none."""
    return query.filter(Registration.centre_id == current_centre_id())
