"""The forms' frame, and how columns are shown in lists and cards."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from flask import url_for
from flask_appbuilder.widgets import FormWidget, SearchWidget
from markupsafe import Markup, escape

from app.models import Document, Training
from app.models.registration import DOCUMENT_KINDS, DOCUMENT_STATES
from app.services.core import numbers
from app.views.shell import filters

#: State of a request for a card → kind of tag.
CARD_TAGS = {
    "draft": "",
    "submitted": "now",
    "in_review": "now",
    "accepted": "ok",
    "refused": "error",
    "production": "now",
    "sent": "ok",
    "cancelled": "",
}


class BackOfficeForm(FormWidget):  # type: ignore[misc]
    """Flask-AppBuilder's form, with lists of boxes to tick."""

    template = "crud/form.html"


class BackOfficeSearch(SearchWidget):  # type: ignore[misc]
    """Flask-AppBuilder's search, whose fields our template draws: its own would be drawn for nothing, a select of all centres
    among them.
    """

    def __call__(self, **kwargs: Any) -> Markup:
        """Return the search, drawn."""
        form = self.template_args["form"]
        labels = {name: str(form[name].label.text) for name in self.template_args["include_cols"]}
        return Markup(super(SearchWidget, self).__call__(label_columns=labels, **kwargs))  # noqa: S704  a template's


FORM_WIDGET = BackOfficeForm


def tag(state: tuple[str, str]) -> Markup:
    """Return a state (kind, words) as the tag of our screens."""
    kind, text = state
    return Markup('<span class="tag{}">{}</span>').format(f" tag--{kind}" if kind else "", text)


def words_of(names: dict[str, str]) -> Callable[[str], str]:
    """Return what shows a code by its French words."""
    return lambda code: names.get(code, code)


def amount(value: Decimal) -> str:
    """Return an amount in euros."""
    return numbers.euros(value)


def rate(value: Decimal) -> str:
    """Return a rate kept in per cent (20.00) as « 20 % »."""
    return filters.percent(value)


def two_lines(first: str, second: str) -> Markup:
    """Return two texts, the second smaller, under the first."""
    return Markup('{}<br><small class="muted nowrap">{}</small>').format(first, second)


def centre(value: Any) -> Markup:
    """Return a centre by name and SIRET."""
    return two_lines(value.name, filters.siret(value.siret))


def bullets(texts: Iterable[str]) -> Markup:
    """Return texts as a list, a dash for none."""
    items = [Markup("<li>{}</li>").format(text) for text in texts]
    return Markup('<ul class="plainlist">{}</ul>').format(Markup("").join(items)) if items else escape("–")


def trainings(value: Iterable[Training]) -> Markup:
    """Return trainings one under the other, with their categories."""
    return bullets(training.full_label for training in value)


def documents(value: Iterable[Document]) -> Markup:
    """Return the documents of a registration, one under the other."""
    return bullets(map(document, value))


def document(one: Document) -> Markup:
    """Return a document as kind, number (which leads to its verification), state, last day."""
    return Markup('{} <a href="/verifier/{}">{}</a>\u00a0: {}, jusqu’au {}').format(
        DOCUMENT_KINDS[one.kind],
        one.number,
        one.number,
        DOCUMENT_STATES[one.state].lower(),
        filters.day(one.valid_until),
    )


def receipts_of(number: str) -> Markup:
    """Return the number of a receipt as a link to its registrations, for agents."""
    return linked(url_for("RegistrationsView.list", _flt_0_words=number), number)


def linked(href: str, number: str) -> Markup:
    """Return a number as a link that is never broken over two lines."""
    return Markup('<a class="nowrap" href="{}">{}</a>').format(href, number)
