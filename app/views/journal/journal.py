"""The journal, read by agents: who did what, when, on what, with what before and after. Nothing here writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from flask import g, get_template_attribute
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.french.spaces import no_break
from app.models import Centre, JournalEntry
from app.services.journal import search as journal_search
from app.services.journal import sentences
from app.services.journal.words import ACTIONS, SUBJECTS, action_words
from app.views.crud import choices
from app.views.crud.base import BackOfficeView
from app.views.crud.rows import Question, Rows, asking, one_of
from app.views.crud.told import address_of
from app.views.shell import filters

J = JournalEntry


class JournalRows(Rows):
    """Entries told in sentences, those of a page at once: the names in them are read once a kind."""

    def get_values(self, rows: Sequence[JournalEntry], columns: list[str]) -> Iterator[dict[str, Any]]:
        """Yield the values of each row."""
        g.told = dict(zip([row.id for row in rows], sentences.tell(rows), strict=True))
        return super().get_values(rows, columns)  # type: ignore[no-any-return]


def _told(row: JournalEntry) -> sentences.Told:
    """Return an entry as a sentence: one of the page's, or the one whose card is shown."""
    found: sentences.Told = g.get("told", {}).get(row.id) or sentences.tell([row])[0]
    return found


def _sentence(row: JournalEntry) -> Markup:
    """Return who did what to what, linked, with the values behind « détails »."""
    told, drawn = _told(row), [get_template_attribute("crud/told.html", name) for name in ("sentence", "details")]
    return Markup('<div class="told__one">{}{}</div>').format(drawn[0](told, address_of), drawn[1](told))


def _centre(row: JournalEntry) -> str | None:
    """Return the name of the centre concerned; the names are read once a page."""
    if "centre_names" not in g:
        g.centre_names = dict(db.session.execute(select(Centre.id, Centre.name)).tuples().all())
    names: dict[int | None, str] = g.centre_names
    return names.get(row.centre_id)


def _subjects() -> list[tuple[str, str]]:
    return sorted(SUBJECTS.items(), key=lambda pair: pair[1])


def _actions() -> list[tuple[str, str]]:
    known = {name: no_break(action_words(name)) for name in (*ACTIONS, *journal_search.seen_actions())}
    return sorted(known.items(), key=lambda pair: pair[1])


class JournalView(BackOfficeView):
    """`/journal/`"""

    route_base = "/journal"
    class_permission_name = "Journal"
    include_route_methods = {"list", "show", "home"}
    datamodel = JournalRows(
        J,
        eager=(joinedload(J.actor),),
        computed={
            "told": _sentence,
            "action": lambda row: action_words(row.action),
            "centre": _centre,
        },
        questions={
            "words": asking("Personne (début du nom ou de l’adresse)", journal_search.by_person),
            "action": one_of("Acte", J.action, _actions),
            "kind": one_of("Objet", J.subject_type, _subjects),
            "about": Question("N° de l’objet", journal_search.by_number),
            "centre": one_of("Centre", J.centre_id, choices.centre_names),
            "trace": Question("Référence d’une demande", journal_search.by_trace),
            "since": Question("Du (JJ/MM/AAAA)", journal_search.since),
            "until": Question("au (JJ/MM/AAAA)", journal_search.until),
        },
        sorts={"at": (J.id,)},
    )
    list_title, show_title = "Journal", "Entrée du journal"
    list_template, show_template = "journal/list.html", "journal/show.html"
    list_columns = ["at", "told", "centre"]
    order_columns = ["at"]
    base_order = ("at", "desc")
    show_columns = add_columns = edit_columns = ["at", "told", "action", "centre"]
    label_columns = {
        "at": "Quand",
        "told": "Ce qui s’est passé",
        "action": "Acte",
        "centre": "Centre",
    }

    def name_of(self, item: JournalEntry) -> str:
        """Return the act and its instant."""
        return f"{action_words(item.action)}, {filters.moment(item.at)}"
