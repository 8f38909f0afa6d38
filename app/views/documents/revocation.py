"""« Révoquer un document »: an agent's decision, asked for from the card of a registration."""

from __future__ import annotations

from flask import abort, flash, g, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.models import Document
from app.models.registration import DOCUMENT_STATES, PENDING, REVOKED
from app.services.core.reason import REASON_MAX, ReasonNeeded
from app.services.documents import drawing, revocation
from app.views.shell.base import Screen


class RevocationView(Screen):
    """`/documents/<number>/revoquer`"""

    route_base = "/documents"
    default_view = "ask"
    class_permission_name = "Revocations"

    @expose("/<number>/revoquer")
    def ask(self, number: str) -> str:
        """Show the document and ask for the reason."""
        return self._page(_document_or_404(number))

    @expose("/<number>/revoquer", methods=["POST"])
    def revoke(self, number: str) -> Response | tuple[str, int]:
        """Revoke the document; a missing reason is said beside its field."""
        document = _document_or_404(number)
        reason = request.form.get("reason", "")
        try:
            revocation.revoke(document.id, g.user.id, reason)
        except ReasonNeeded as refusal:
            return self._page(document, reason=reason, error=refusal.message), 422
        flash(f"Le document {number} est révoqué : la page de vérification le dit dès maintenant.", "success")
        return redirect(url_for("RegistrationsView.show", pk=document.registration_id))

    def _page(self, document: Document, reason: str = "", error: str = "") -> str:
        return str(
            self.render_template(
                "documents/revoke.html",
                title="Révoquer un document",
                document=document,
                reason=reason,
                error=error,
                document_title=drawing.title(document),
                state=DOCUMENT_STATES[document.state],
                may_revoke=document.state not in (PENDING, REVOKED),
                reason_max=REASON_MAX,
                refused=bool(error),
            )
        )


def _document_or_404(number: str) -> Document:
    return revocation.find(number) or abort(404, "Aucun document ne porte ce numéro.")
