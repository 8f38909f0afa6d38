"""« À traiter »: accounts asked for, papers and rights withheld for a decision, work that failed, mails refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import flash, g, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.models.outbox import (
    ANALYSIS,
    CONTRACT,
    DEMONSTRATION,
    DEPOSIT,
    DOCUMENTS,
    EXPORT,
    INVOICE_FILE,
    ISSUE,
    LISTING,
    MAIL,
    MATCH,
    NIGHTLY,
    PAYMENT_TOLD,
    PLATFORM_EVENTS,
    REGISTRATION,
    RESET,
)
from app.models.registration import DOCUMENT_FAULTS
from app.services.amendments import card_stops, trainer_rights
from app.services.amendments import reports as error_reports
from app.services.amendments import requests as correction_requests
from app.services.cards import desk as card_desk
from app.services.decisions import account_requests, identity_checks, to_handle, withheld_documents, withheld_rights
from app.services.deposits import watching as deposits
from app.services.documents import drawing
from app.services.payments import dunning
from app.services.payments import reading as payments
from app.services.rights import asking
from app.services.trainers import notices as trainer_notices
from app.views.shell.base import Screen, waits

ID = "<int:row_id>"
Row = TypeVar("Row")
WORK = {
    NIGHTLY: "Vérification et purge de la nuit",
    DOCUMENTS: "Dessin de documents",
    MAIL: "Envoi d’un courriel",
    ANALYSIS: "Analyse d’un fichier",
    REGISTRATION: "Enregistrement d’un fichier",
    RESET: "Lien de mot de passe oublié",
    CONTRACT: "Dessin d’un contrat signé",
    EXPORT: "Copie des données d’une personne",
    LISTING: "Export d’une liste",
    ISSUE: "Émission de factures",
    INVOICE_FILE: "Fichier d’une facture",
    DEPOSIT: "Dépôt d’une facture",
    PLATFORM_EVENTS: "Lecture de la plateforme de facturation",
    MATCH: "Rapprochement des virements",
    DEMONSTRATION: "Factures de l’année de démonstration",
    PAYMENT_TOLD: "Encaissement déclaré à la plateforme",
}


class ToHandleView(Screen):
    """`/a-traiter/`"""

    route_base = "/a-traiter"
    default_view = "index"
    class_permission_name = "Decisions"

    @expose("/")
    def index(self) -> str:
        """Show all there is to handle."""
        found = waits()
        requests, request_count = _listed(found["comptes"], account_requests.waiting)
        cases, case_count = _listed(found["retenus"], withheld_documents.waiting)
        work, work_count = _listed(found["travaux"], to_handle.failed_work)
        mails, mail_count = _listed(found["courriels"], to_handle.refused_mails)
        faulty, fault_count = _listed(found["fichiers"], to_handle.faulty_documents)
        rights, right_count = _listed(found["droits"], withheld_rights.waiting)
        checks, check_count = _listed(found["identites"], identity_checks.waiting)
        alerts, alert_count = _listed(found["interrogations"], asking.alerts)
        page: str = self.render_template(
            "decisions/to_handle.html",
            title="À traiter",
            cases=cases,
            case_count=case_count,
            kept=withheld_documents.kept(),
            work=work,
            work_count=work_count,
            mails=mails,
            mail_count=mail_count,
            work_names=WORK,
            requests=requests,
            request_count=request_count,
            faulty=faulty,
            fault_count=fault_count,
            faults=DOCUMENT_FAULTS,
            breaches=to_handle.breaches(),
            document_title=drawing.title,
            trainers=trainer_notices.of_mails(mails),
            rights=rights,
            right_count=right_count,
            kept_rights=withheld_rights.kept(),
            checks=checks,
            check_count=check_count,
            alerts=alerts,
            alert_count=alert_count,
            stranger_limit=asking.limit_of_a_day(),
            correction_count=correction_requests.count_waiting() + trainer_rights.count_waiting(),
            card_count=card_stops.count_waiting(),
            request_card_count=card_desk.waiting(),
            **_of_money(),
            said_count=error_reports.count_unanswered(),
        )
        return page

    @expose(f"/documents/{ID}/remettre", methods=["POST"])
    def release(self, row_id: int) -> Response:
        """Hand withheld documents to the driver."""
        withheld_documents.release(row_id, g.user.id)
        return self._done("Les documents sont remis au conducteur.")

    @expose(f"/documents/{ID}/retenir", methods=["POST"])
    def keep(self, row_id: int) -> Response:
        """Keep documents back, for the reason given."""
        withheld_documents.keep(row_id, g.user.id, request.form.get("reason", ""))
        return self._done("Les documents restent retenus, avec ce motif.")

    @expose(f"/droits/{ID}/ouvrir", methods=["POST"])
    def open_right(self, row_id: int) -> Response:
        """Open the withheld right of a trainer or an instructor."""
        withheld_rights.open_right(row_id, g.user.id)
        return self._done("Le droit est ouvert ; la personne en est avertie par courriel.")

    @expose(f"/droits/{ID}/retenir", methods=["POST"])
    def keep_right(self, row_id: int) -> Response:
        """Keep a right shut, for the reason given."""
        withheld_rights.keep(row_id, g.user.id, request.form.get("reason", ""))
        return self._done("Le droit reste retenu, avec ce motif.")

    @expose(f"/comptes/{ID}/accepter", methods=["POST"])
    def accept(self, row_id: int) -> Response:
        """Open the account that was asked for."""
        account_requests.accept(row_id, g.user.id)
        return self._done("Le compte est ouvert ; la personne en est avertie par courriel.")

    @expose(f"/comptes/{ID}/refuser", methods=["POST"])
    def refuse(self, row_id: int) -> Response:
        """Refuse the account, for the reason given."""
        account_requests.refuse(row_id, g.user.id, request.form.get("reason", ""))
        return self._done("La demande est refusée ; le motif est envoyé à la personne.")

    @expose(f"/interrogations/{ID}/vue", methods=["POST"])
    def see_alert(self, row_id: int) -> Response:
        """Note that a centre's unusual questions were seen to."""
        asking.see(row_id, g.user.id)
        return self._done("L’alerte est marquée comme vue.")

    @expose(f"/travaux/{ID}/relancer", methods=["POST"])
    def retry(self, row_id: int) -> Response:
        """Make failed work due now."""
        to_handle.retry(row_id, g.user.id)
        return self._done("Le travail est relancé.")

    def _done(self, message: str) -> Response:
        flash(message, "success")
        return redirect(url_for("ToHandleView.index"))


def _listed(count: int, read: Callable[[], tuple[list[Row], int]]) -> tuple[list[Row], int]:
    """Return what waits in a part of the page, and how much; where the menu counts nothing, nothing is read."""
    return read() if count else ([], 0)


def _of_money() -> dict[str, int]:
    """Return how many things wait of invoices on their platform, of payments, and of those that are very late."""
    return {
        "refusal_count": deposits.count_said(),
        "deposit_count": deposits.count_failed(),
        "entry_count": payments.waiting(),
        "late_count": dunning.waiting(),
    }
