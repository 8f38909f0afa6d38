"""The forms of drivers, as agents write them."""

from __future__ import annotations

from flask_appbuilder.forms import DynamicForm

from app.views.crud.forms import day, text


class DriverForm(DynamicForm):  # type: ignore[misc]
    """A driver not yet known."""

    last_name = text("Nom", 60)
    first_name = text("Prénom", 60)
    birth_date = day("Date de naissance")
    permit_number = text("N° de permis", 30)
