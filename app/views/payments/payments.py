"""`/encaissements/`: entries to allocate first, statements, centres' balances."""

from __future__ import annotations

from flask import abort, flash, g, make_response, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.services.core import outbox
from app.services.core.numbers import count_of
from app.services.core.refusal import Refusal
from app.services.payments import asked, camt, importing, matching, reading
from app.views.shell.base import Screen
from app.views.shell.reading import number_of

NO_FILE = "Choisissez le fichier CAMT.053 de la banque."


class PaymentsView(Screen):
    """`/encaissements/`"""

    route_base = "/encaissements"
    default_view = "index"
    class_permission_name = "Payments"

    @expose("/")
    def index(self) -> Response:
        """Show what waits for an agent, then statements and balances."""
        return self._page()

    @expose("/importer", methods=["POST"])
    def read_in(self) -> Response:
        """Read a statement; what is exact is allocated at once, or by the worker where there is much of it."""
        sent = request.files.get("file")
        data = sent.stream.read(camt.MAX_BYTES + 1) if sent and sent.filename else b""
        if not data:
            return self._page(NO_FILE)
        try:
            done = importing.read_in(data, sent.filename if sent and sent.filename else "", g.user.id)
        except Refusal as refusal:
            return self._page(refusal.message)
        if not done.entries:
            flash("Rien de nouveau : chaque écriture de ce fichier était déjà connue.", "success")
            return redirect(url_for("PaymentsView.index"))
        said = f"{count_of(done.entries, 'écriture nouvelle', 'écritures nouvelles')}"
        if matching.waits(asked.AT_ONCE):
            outbox.ring()
            flash(f"{said}. Le rapprochement est en cours : rechargez la page dans un instant.", "success")
        else:
            matched = count_of(matching.run(), "écriture", "écritures")
            flash(f"{said}. Affectées d’après la référence et le montant exacts : {matched}.", "success")
        return redirect(url_for("PaymentsView.index"))

    @expose("/releves/<int:statement_id>")
    def statement(self, statement_id: int) -> str:
        """Show a statement and its entries."""
        found = reading.statement(statement_id) or abort(404, "Ce relevé n’existe pas.")
        page: str = self.render_template(
            "payments/statement.html", statement=found, entries=reading.entries_of(statement_id, number_of("page"))
        )
        return page

    def _page(self, error: str = "") -> Response:
        drawn = self.render_template(
            "payments/index.html",
            waiting=reading.to_allocate(number_of("page")),
            statements=reading.statements(number_of("releves")),
            balances=reading.centre_balances(number_of("soldes")),
            error=error,
        )
        return make_response(drawn, 422 if error else 200)
