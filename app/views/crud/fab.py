"""What Flask-AppBuilder draws, in our manner: French dates in its forms, its searches as plain fields, its messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from flask import Flask, current_app, g, request, url_for
from flask_appbuilder.baseviews import BaseCRUDView
from flask_appbuilder.forms import FieldConverter
from flask_appbuilder.models.filters import BaseFilter, Filters
from flask_appbuilder.models.sqla import filters as sqla
from markupsafe import Markup
from wtforms import DateField, Field, Form
from wtforms.validators import StopValidation
from wtforms.widgets import PasswordInput, Select, TextArea, TextInput

from app.services.core.narrowing import MoreThan
from app.views.shell import filters as written

#: Flask-AppBuilder's widgets set their own classes, place-holders and scripts; these are drawn in their stead.
PLAIN_WIDGETS: dict[str, Any] = {
    "BS3TextFieldWidget": TextInput(),
    "BS3TextAreaFieldWidget": TextArea(),
    "BS3PasswordFieldWidget": PasswordInput(),
    "DatePickerWidget": TextInput(),
    "DateTimePickerWidget": TextInput(),
    "Select2Widget": Select(),
    "Select2ManyWidget": Select(multiple=True),
}
#: The questions a search asks of a column, first found first; a date is asked from and to.
PREFERRED = (
    sqla.FilterContains,
    sqla.FilterRelationOneToManyEqual,
    sqla.FilterRelationManyToManyEqual,
    sqla.FilterEqual,
)
BOUNDS = ((sqla.FilterGreater, "après le"), (sqla.FilterSmaller, "avant le"))
#: Table → what the journal calls its rows, where it says another word.
_SUBJECTS = {"ab_user": "person"}
MESSAGES = {
    "add_row_message": "Ajout enregistré.",
    "edit_row_message": "Modification enregistrée.",
    "delete_row_message": "Suppression faite.",
    "add_integrity_error_message": "Rien n’a été ajouté : une fiche porte déjà ces valeurs.",
    "edit_integrity_error_message": "Rien n’a été modifié : une autre fiche porte déjà ces valeurs.",
    "delete_integrity_error_message": "Rien n’a été supprimé : d’autres données s’appuient sur cette fiche.",
    "database_error_message": "La base de données a refusé l’opération. Recommencez dans quelques minutes.",
}


class DayField(DateField):
    """A day typed JJ/MM/AAAA; ISO is read too (tests, browsers' pickers)."""

    def __init__(self, label: str | None = None, validators: Any = None, **kwargs: Any) -> None:
        kwargs.pop("format", None)
        super().__init__(label, validators, format=["%d/%m/%Y", "%Y-%m-%d"], **kwargs)

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the day; raise ValueError in our words when it is none."""
        try:
            super().process_formdata([value.strip() for value in valuelist])
        except ValueError:
            raise ValueError("Format de la date non conforme : JJ/MM/AAAA est attendu.") from None

    def pre_validate(self, form: Form) -> None:
        """Stop at a badly written day: « obligatoire » would be said of a field that is filled."""
        if self.process_errors and any(self.raw_data or ()):
            raise StopValidation()


@dataclass(frozen=True)
class SearchField:
    """One question of a list's search, ready to draw."""

    label: str
    name: str
    kind: str
    value: str
    options: tuple[tuple[str, str], ...] = ()
    error: str = ""

    @property
    def id(self) -> str:
        """Return the id that label and control share."""
        return f"search-{self.name}"


def draw(field: Field, attrs: dict[str, Any]) -> Markup:
    """Return the control of a field with these attributes, plain where its widget is Flask-AppBuilder's."""
    plain = PLAIN_WIDGETS.get(type(field.widget).__name__)
    return Markup(plain(field, **attrs) if plain else field(**attrs))  # noqa: S704  both escape what they are given


def kind_of(field: Field) -> str:
    """Return how a field is drawn: date, select, textarea, checkbox, password, hidden or text."""
    if isinstance(field, DateField):
        return "date"
    widget = PLAIN_WIDGETS.get(type(field.widget).__name__, field.widget)
    if isinstance(widget, Select):
        return "select"
    if isinstance(widget, TextArea):
        return "textarea"
    return getattr(widget, "input_type", "text")


def search_fields(form: Form, filters: Filters, columns: list[str], labels: dict[str, str]) -> list[SearchField]:
    """Return the questions that a list's search asks, with the values it stands on."""
    asked = {(flt.column_name, type(flt).__name__): _one(value) for flt, value in filters.get_filters_values()}
    return [
        question
        for column in columns
        if column in form and filters.get_search_filters().get(column)
        for question in _questions(form[column], column, filters, asked, labels.get(column, column))
    ]


def is_filtered(filters: Filters, columns: list[str]) -> bool:
    """Tell whether the person's own search narrows the list."""
    return any(flt.column_name in columns and _one(value) for flt, value in filters.get_filters_values())


def _questions(field: Field, column: str, filters: Filters, asked: dict[Any, Any], label: str) -> Iterator[SearchField]:
    offered: list[BaseFilter] = filters.get_search_filters()[column]
    kind = kind_of(field)
    wanted = (
        [(cls, f"{label} {words}") for cls, words in BOUNDS] if kind == "date" else [(cls, label) for cls in PREFERRED]
    )
    found = [
        (index, type(flt), words) for cls, words in wanted for index, flt in enumerate(offered) if type(flt) is cls
    ] or [(0, type(offered[0]), label)]
    for index, cls, words in found if kind == "date" else found[:1]:
        yield SearchField(
            words,
            f"_flt_{index}_{column}",
            kind,
            asked.get((column, cls.__name__), ""),
            _options(field, kind),
            g.get("search_faults", {}).get(column, ""),
        )


def _one(value: Any) -> str:
    """Return the value asked for: the address may hold several, the last one is shown."""
    values = value if isinstance(value, list) else [value]
    return str(values[-1]) if values else ""


def _options(field: Field, kind: str) -> tuple[tuple[str, str], ...]:
    if kind == "checkbox":
        return (("y", "Oui"), ("n", "Non"))
    if kind != "select":
        return ()
    return tuple(
        (str(value), str(label)) for value, label, *_ in field.iter_choices() if str(value) not in ("", "__None")
    )


def shown(value: Any) -> Any:
    """Return a value as a list or a card shows it: JJ/MM/AAAA, « Oui », « 25,34 », a dash for nothing."""
    if value is None or value == "":
        return Markup('<span class="muted" aria-hidden="true">–</span><span class="vh">non renseigné</span>')
    if isinstance(value, bool):
        return "Oui" if value else "Non"
    if isinstance(value, datetime):
        return written.moment(value)
    if isinstance(value, date):
        return written.day(value)
    if isinstance(value, Decimal):
        return f"{value:f}".replace(".", ",")
    return value


def narrowing() -> str:
    """Return the list's search as the address holds it, to go on with: « ?_flt_0_words=… », or nothing."""
    asked = [(name, value) for name, value in request.args.items() if name.startswith("_flt_") and value]
    return f"?{urlencode(asked)}" if asked else ""


def history(view_name: str, key: Any) -> str:
    """Return where the journal tells of a row, for who may read the journal; nothing otherwise."""
    security = current_app.appbuilder.sm  # type: ignore[attr-defined]
    view = _view(view_name)
    if view is None or not security.has_access("can_read", "Journal"):
        return ""
    table = view.datamodel.obj.__tablename__
    return url_for("JournalView.list", _flt_0_kind=_SUBJECTS.get(table, table), _flt_0_about=key)


def list_title(view_name: str) -> str:
    """Return the title of a list known by its view's name: the caption of its table."""
    view = _view(view_name)
    return str(view.list_title) if view else view_name


def removal(view_name: str) -> str:
    """Return the word of a deletion that has a page of its own (`BackOfficeView.removal`); empty for another's."""
    return str(getattr(_view(view_name), "removal", ""))


def _view(name: str) -> Any:
    views = current_app.appbuilder.baseviews  # type: ignore[attr-defined]
    return next((one for one in views if type(one).__name__ == name), None)


def register(app: Flask) -> None:
    """Give the templates what they draw with, and Flask-AppBuilder our dates and messages."""
    app.jinja_env.globals.update(
        search_fields=search_fields, is_filtered=is_filtered, kind_of=kind_of, narrowing=narrowing, history=history
    )
    app.jinja_env.filters.update(shown=shown, draw=draw, list_title=list_title, removal=removal)
    app.jinja_env.tests["more_than"] = lambda count: isinstance(count, MoreThan)
    FieldConverter.conversion_table = tuple(
        (test, DayField, TextInput) if test == "is_date" else (test, field, widget)
        for test, field, widget in FieldConverter.conversion_table
    )
    for name, message in MESSAGES.items():
        setattr(BaseCRUDView, name, message)
