"""The forms of drivers, as agents write them."""

from __future__ import annotations

from flask_appbuilder.forms import DynamicForm

from app.views.crud.forms import day, text


class DriverNamesForm(DynamicForm):  # type: ignore[misc]
    """What may be mended of a known driver: the two facts that identify them stay."""

    last_name = text("Nom", 60)
    first_name = text("Prénom", 60)


class DriverForm(DriverNamesForm):
    """A driver not yet known."""

    birth_date = day("Date de naissance")
    permit_number = text("N° de permis", 30)
