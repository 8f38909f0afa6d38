"""Registrations: everything for agents, a centre's own for its people. They are read, never written."""

from __future__ import annotations

from flask import url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from markupsafe import Markup
from sqlalchemy.orm import joinedload, selectinload

from app.models import Registration
from app.models.batch import MODE_NAMES
from app.models.centre import INVOICES
from app.services.billing import billed
from app.services.documents import resending
from app.services.registration import receipts, search
from app.services.reporting import exports
from app.views.crud import choices, widgets
from app.views.crud.base import READ_ONLY, BackOfficeView
from app.views.crud.rows import Question, Rows, asking, one_of
from app.views.shell.base import current_place, may

from . import record

R = Registration
EAGER = (
    *(joinedload(link) for link in (R.driver, R.registered_as, R.training, R.centre, R.accreditation, R.batch)),
    selectinload(R.documents),
)
#: Whom a registration is about, as its centre knows the person: another centre may know other papers of the same one.
AS_REGISTERED = {
    "driver.birth_date": lambda row: row.identity.birth_date,
    "driver.permit_number": lambda row: row.identity.permit_number,
}
COMPUTED = {
    "last_name": lambda row: named(row),
    **AS_REGISTERED,
    "training": lambda row: row.training.full_label,
    "batch.receipt_number": lambda row: receipt(row),
    "mode": lambda row: MODE_NAMES[row.batch.mode],
    "withheld": lambda row: widgets.tag(("gold", "Retenus")) if row.withheld and row.is_live else "Non",
    "status": lambda row: status(row),
}


def _modes() -> list[tuple[str, str]]:
    return list(MODE_NAMES.items())


def _document_states() -> list[tuple[str, str]]:
    return list(search.DOCUMENTS.items())


def _statuses() -> list[tuple[str, str]]:
    return list(search.STATUSES.items())


def named(row: Registration) -> str | Markup:
    """Return the driver's name; struck, with the day, where the registration was cancelled."""
    name = f"{row.last_name} {row.first_name}"
    if row.is_live:
        return name
    return Markup('<del>{}</del> <span class="tag tag--error">Annulé le {:%d/%m/%Y}</span>').format(
        name, row.cancelled_on
    )


QUESTIONS = {
    "words": asking("Nom, naissance, permis, commande, reçu ou certificat", search.by_words),
    "training": one_of("Formation", R.training_id, choices.trainings),
    "mode": asking("Mode", search.by_mode, _modes),
    "documents": asking("Documents", search.by_documents, _document_states),
    "status": asking("État", search.by_status, _statuses),
    "since": Question("Enregistré du (JJ/MM/AAAA)", search.since),
    "until": Question("au (JJ/MM/AAAA)", search.until),
}
#: What an index answers; other columns are not sorted by, since a million rows would be.
SORTS = {
    "last_name": (R.search_last, R.search_first),
    "registered_on": (R.registered_on,),
}
LABELS = {
    "status": "État",
    "last_name": "Conducteur", "driver.birth_date": "Date de naissance", "driver.permit_number": "N° de permis",
    "training": "Formation", "end_date": "Fin de formation", "registered_on": "Enregistré le", "centre.name": "Centre",
    "order_number": "N° de commande", "reference": "Référence", "price": "Prix HT", "batch.receipt_number": "Reçu",
    "accreditation.number": "N° d’agrément", "mode": "Mode", "documents": "Documents", "withheld": "Documents retenus",
}  # fmt: skip
CARD = [
    "status", "last_name", "driver.birth_date", "driver.permit_number", "training", "end_date", "centre.name",
    "accreditation.number", "order_number", "reference", "price", "registered_on", "batch.receipt_number", "mode",
    "documents", "withheld",
]  # fmt: skip


def status(row: Registration) -> str | Markup:
    """Return whether a registration counts; of one that was cancelled why, and the receipt of what replaces it."""
    note = receipts.notes([row.id]).get(row.id) if not row.is_live else None
    if note is None:
        return "Actif"
    words = Markup("Annulé le {:%d/%m/%Y}\u00a0: {}").format(note.on, note.reason.lower())
    if note.receipt_number is None:
        return words
    return words + Markup(", remplacé par {}").format(_receipt_of(note.key, note.receipt_number))


def _receipt_of(key: str | None, number: str) -> Markup:
    if current_place() is None:
        return widgets.receipts_of(number)
    return widgets.linked(url_for("ReceiptView.show", key=key), number)


def receipt(row: Registration) -> Markup:
    """Return the receipt's number as a link: to the receipt for the centre, to its registrations for agents."""
    return _receipt_of(row.batch.key, str(row.batch.receipt_number))


class RegistrationRows(BackOfficeView):
    """What both lists of registrations share."""

    include_route_methods = READ_ONLY
    sheet = exports.REGISTRATIONS
    list_title, show_title = "Enregistrements", "Enregistrement"
    base_order = ("registered_on", "desc")
    show_columns = add_columns = edit_columns = CARD
    show_template = "registration/office.html"
    label_columns = LABELS
    formatters_columns = {"price": widgets.amount, "documents": widgets.documents}

    def name_of(self, item: Registration) -> str:
        """Return the name registered."""
        return f"{item.last_name} {item.first_name}"

    @expose("/show/<pk>")
    @has_access
    def show(self, pk: str) -> str:
        """Show the registration, with the acts that can succeed."""
        row = self._item_or_404(pk)
        widgets_of = self._show(pk)
        return str(
            self.render_template(
                self.show_template,
                pk=pk,
                title=self.show_title,
                widgets=widgets_of,
                row=row,
                no_resend=resending.why_not(row),
                billed=billed.note(row.id),
                may_bill=may(INVOICES),
            )
        )


class RegistrationsView(RegistrationRows):
    """`/enregistrements/`"""

    route_base = "/enregistrements"
    class_permission_name = "Registrations"
    show_template = "registration/record.html"
    datamodel = Rows(
        R,
        eager=EAGER,
        computed={**COMPUTED, "centre.name": lambda row: widgets.centre(row.centre)},
        questions={
            **QUESTIONS,
            "centre": one_of("Centre", R.centre_id, choices.centre_names),
        },
        sorts=SORTS,
    )
    list_columns = [
        "last_name", "driver.permit_number", "training", "end_date", "centre.name", "order_number", "registered_on",
        "batch.receipt_number", "withheld",
    ]  # fmt: skip
    order_columns = ["last_name", "registered_on"]

    @expose("/show/<pk>")
    @has_access
    def show(self, pk: str) -> str:
        """Show all that is known of a registration, with the acts that can succeed."""
        return str(self.render_template(self.show_template, **record.parts(self._item_or_404(pk))))
