"""The journal, read by agents: who did what, when, on what, with what before and after. Nothing here writes."""

from __future__ import annotations

from flask import g, url_for
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.french.spaces import no_break
from app.models import Centre, JournalEntry
from app.services.journal import search as journal_search
from app.services.journal.words import ACTIONS, SUBJECTS, action_words, changes, subject_words
from app.views.crud import choices, widgets
from app.views.crud.base import BackOfficeView
from app.views.crud.rows import Question, Rows, one_of
from app.views.crud.told import CARDS

J = JournalEntry


def _subject(row: JournalEntry) -> Markup | str:
    text = no_break(subject_words(row.subject_type, row.subject_id))
    view = CARDS.get(row.subject_type)
    if view is None or not row.subject_id.isdigit() or row.action.endswith(".deleted"):
        return text
    return Markup('<a href="{}">{}</a>').format(url_for(f"{view}.show", pk=row.subject_id), text)


def _changes(row: JournalEntry) -> Markup:
    arrow = Markup('<span aria-hidden="true">→</span><span class="vh">devient</span>')
    one = Markup('<span class="muted">{}\u00a0:</span> {}')
    both = Markup('<span class="muted">{}\u00a0:</span> {} {} {}')
    return widgets.bullets(
        both.format(name, old, arrow, new)
        if row.before is not None and row.after is not None
        else one.format(name, new if row.after is not None else old)
        for name, old, new in changes(row.before, row.after)
    )


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
    datamodel = Rows(
        J,
        eager=(joinedload(J.actor),),
        computed={
            "actor": lambda row: row.actor.full_name if row.actor else "Le système",
            "action": lambda row: action_words(row.action),
            "subject": _subject,
            "changes": _changes,
            "centre": _centre,
        },
        questions={
            "words": Question("Personne (nom ou adresse)", journal_search.by_person),
            "action": one_of("Acte", J.action, _actions),
            "kind": one_of("Objet", J.subject_type, _subjects),
            "about": Question("N° de l’objet", journal_search.by_number),
            "centre": one_of("Centre", J.centre_id, choices.centre_names),
            "since": Question("Du (JJ/MM/AAAA)", journal_search.since),
            "until": Question("au (JJ/MM/AAAA)", journal_search.until),
        },
        sorts={"at": (J.id,)},
    )
    list_title, show_title = "Journal", "Entrée du journal"
    list_columns = ["at", "actor", "action", "subject", "centre", "changes", "reason"]
    order_columns = ["at"]
    base_order = ("at", "desc")
    show_columns = add_columns = edit_columns = list_columns
    label_columns = {
        "at": "Quand",
        "actor": "Qui",
        "action": "Acte",
        "subject": "Objet",
        "centre": "Centre",
        "changes": "Avant → après",
        "reason": "Motif",
    }
