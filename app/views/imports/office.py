"""« Imports »: the files that all centres sent, what became of them, their reports. Agents read; only the centre acts."""

from __future__ import annotations

from typing import Any

from flask import get_template_attribute, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Query, joinedload

from app.french.spaces import no_break
from app.models import Batch, ImportFile
from app.models.batch import ANALYSING, DRAFT, FILE, IN_ERROR, PHASES, READY, REGISTERED, REGISTERING, STATES
from app.services.core import narrowing
from app.services.core.narrowing import holds
from app.services.imports import desk as import_desk
from app.views.crud import choices, widgets
from app.views.crud.base import READ_ONLY, BackOfficeView
from app.views.crud.rows import Question, Rows, one_of, words
from app.views.crud.scope import own_rows
from app.views.shell import filters

from .report import columns_of, kinds_of, lines_asked_for

B = Batch
#: States in which the lines and what is said of them are there to be read.
REPORTED = (IN_ERROR, READY, REGISTERING, REGISTERED)


def _by_file(query: Query[Any]) -> Query[Any]:
    return query.filter(B.mode == FILE)


def _named(word: str) -> Any:
    return B.id.in_(select(ImportFile.batch_id).where(holds(ImportFile.name, word)))


def _states() -> list[tuple[str, str]]:
    return [(state, label) for state, label in STATES.items() if state != DRAFT]


def _file(row: Batch) -> ImportFile:
    assert row.file is not None, "the rows are those of batches by file"
    return row.file


def _name(row: Batch) -> Markup:
    address = url_for("ImportFilesView.show", pk=row.id)
    return Markup('<a href="{}">{}</a>').format(address, _file(row).name)


def _state(row: Batch) -> Markup:
    tag: Markup = get_template_attribute("imports/state.html", "tag")(row)
    return tag


def _size(row: Batch) -> str:
    return str(get_template_attribute("imports/state.html", "size")(_file(row).size))


def _count(name: str) -> Any:
    return lambda row: filters.number((row.summary or {})[name]) if row.summary else None


def _phase(row: Batch) -> str | None:
    """Return how far an analysis under way is; nothing once it has ended."""
    file = _file(row)
    if row.state != ANALYSING:
        return None
    done = f", {filters.number(file.done)} sur {filters.number(file.total)}" if file.total else ""
    return f"{PHASES.get(file.phase, 'En attente')}{done}"


class ImportFilesView(BackOfficeView):
    """`/imports-des-centres/`"""

    route_base = "/imports-des-centres"
    class_permission_name = "Imports"
    include_route_methods = READ_ONLY
    base_filters = [["mode", own_rows(_by_file), None]]
    base_order = ("created_at", "desc")
    order_columns = ["created_at"]
    datamodel = Rows(
        B,
        eager=tuple(joinedload(link) for link in (B.file, B.centre, B.created_by, B.registered_by)),
        computed={
            "name": _name,
            "sent_name": lambda row: _file(row).name,
            "size": _size,
            "centre.name": lambda row: widgets.centre(row.centre),
            "created_by": lambda row: row.created_by.full_name,
            "state": _state,
            "phase": _phase,
            "lines": _count("lines"),
            "errors": _count("errors"),
            "informations": _count("informations"),
            "refusal": lambda row: no_break(_file(row).refusal or ""),
            "receipt_number": lambda row: widgets.receipts_of(row.receipt_number) if row.receipt_number else None,
            "registered_by": lambda row: row.registered_by.full_name if row.registered_by else None,
            "purged_at": lambda row: _file(row).purged_at,
        },
        questions={
            "words": words("Nom du fichier", _named),
            "centre": one_of("Centre", B.centre_id, choices.centre_names),
            "state": one_of("État", B.state, _states),
            "since": Question("Envoyé du (JJ/MM/AAAA)", lambda text: narrowing.since(B.created_at, text)),
            "until": Question("au (JJ/MM/AAAA)", lambda text: narrowing.until(B.created_at, text)),
        },
        sorts={"created_at": (B.created_at,)},
    )
    list_title, show_title = "Imports des centres", "Import d’un centre"
    list_columns = ["name", "centre.name", "created_at", "created_by", "state", "lines", "errors", "refusal"]
    show_columns = add_columns = edit_columns = [
        "sent_name", "size", "centre.name", "created_at", "created_by", "state", "phase", "refusal", "checked_at", "lines",
        "errors", "informations", "registered_at", "registered_by", "receipt_number", "purged_at",
    ]  # fmt: skip
    label_columns = {
        "name": "Fichier", "sent_name": "Fichier", "size": "Taille", "centre.name": "Centre",
        "created_at": "Envoyé le", "created_by": "Envoyé par", "state": "État",
        "phase": "Étape de l’analyse", "lines": "Lignes", "errors": "Erreurs", "informations": "Informations",
        "refusal": "Motif du refus", "checked_at": "Analysé le",
        "registered_at": "Enregistré le", "registered_by": "Enregistré par", "receipt_number": "Reçu",
        "purged_at": "Fichier supprimé le",
    }  # fmt: skip
    show_template = "imports/office.html"

    def name_of(self, item: Batch) -> str:
        """Return the name the file was sent under."""
        return _file(item).name

    @expose("/show/<pk>")
    @has_access
    def show(self, pk: str) -> str:
        """Show an import with its report, as the centre sees it, without anything to act on."""
        batch: Batch = self._item_or_404(pk)
        page: str = self.render_template(
            self.show_template,
            pk=pk,
            title=self.show_title,
            widgets=self._show(pk),
            related_views=[],
            **(_report(batch) if batch.state in REPORTED and batch.summary else {}),
        )
        return page


def _report(batch: Batch) -> dict[str, Any]:
    """Return the report of an import: its kinds of remark and the page of lines that the address asks for."""
    here, kinds = url_for("ImportFilesView.show", pk=batch.id), kinds_of(batch)
    aside = import_desk.aside_count(batch.id)
    earlier = import_desk.earlier_receipt(_file(batch)) if batch.state != REGISTERED else None
    return {
        "batch": batch,
        "file": _file(batch),
        "here": here,
        "kinds": kinds,
        "counts": batch.summary,
        "aside": aside,
        "columns": columns_of(batch),
        "earlier": earlier,
        "receipts_of": widgets.receipts_of,
        **lines_asked_for(batch, here, kinds, aside),
    }
