"""The VAT of each territory, dated; what nobody has confirmed holds the invoices of the centres there."""

from __future__ import annotations

from flask import flash, g, redirect, request, url_for
from flask_appbuilder import expose
from flask_appbuilder.security.decorators import has_access
from werkzeug.wrappers import Response

from app.models import VatRegime
from app.models.types import holds_on
from app.services.billing import regimes
from app.services.core.reason import REASON_MAX
from app.services.journal import search as journal_search
from app.services.journal import sentences
from app.validators.postal import TERRITORIES, Territory
from app.views.crud import widgets
from app.views.crud.base import METHODS, BackOfficeView
from app.views.crud.rows import Rows, on_day, one_of, yes_no
from app.views.crud.told import address_of

from .forms import VatRegimeForm

V = VatRegime
COLUMNS = ["territory", "rate", "mention", "to_confirm", "valid_from", "valid_to"]
STATE = {True: ("gold", "À confirmer"), False: ("ok", "Confirmée")}


def territories() -> list[tuple[str, str]]:
    """Return the territories as choices."""
    return [(code.value, name) for code, name in TERRITORIES.items()]


class VatRegimesView(BackOfficeView):
    """`/tva/`"""

    route_base = "/tva"
    class_permission_name = "VatRegimes"
    include_route_methods = {"list", "show", "home", "export", "add", "edit", "delete", "confirm"}
    method_permission_name = {**METHODS, "confirm": "write"}
    datamodel = Rows(
        V,
        questions={
            "territory": one_of("Territoire", V.territory, territories),
            "waits": yes_no("À confirmer", V.to_confirm.is_(True)),
            "on": on_day("En vigueur le (JJ/MM/AAAA)", lambda day: holds_on(day, V.valid_to, V.valid_from)),
        },
    )
    list_title, show_title = "TVA des territoires", "TVA d’un territoire"
    add_title, edit_title = "Ajouter la TVA d’un territoire", "Modifier la TVA d’un territoire"
    list_columns = COLUMNS
    order_columns = ["territory", "rate", "valid_from", "valid_to"]
    base_order = ("territory", "asc")
    show_columns = COLUMNS
    add_columns = edit_columns = ["territory", "rate", "mention", "valid_from", "valid_to"]
    label_columns = {
        "territory": "Territoire",
        "rate": "Taux",
        "mention": "Mention portée par la facture",
        "to_confirm": "État",
        "valid_from": "En vigueur du",
        "valid_to": "En vigueur jusqu’au",
    }
    formatters_columns = {
        "territory": widgets.words_of({code.value: name for code, name in TERRITORIES.items()}),
        "rate": widgets.rate,
        "to_confirm": lambda waits: widgets.tag(STATE[waits]),
    }
    add_form = edit_form = VatRegimeForm
    show_template = "reference/vat_regime.html"
    add_row_message = (
        "Cette TVA est enregistrée. Elle reste à confirmer : d’ici là, les factures concernées sont retenues."
    )

    def name_of(self, item: VatRegime) -> str:
        """Return what the version is called: what it says, and from which day."""
        return f"{TERRITORIES[Territory(item.territory)]}, depuis le {item.valid_from:%d/%m/%Y}"

    @expose("/show/<pk>")
    @has_access
    def show(self, pk: str) -> str:
        """Show the VAT of a territory, what happened to it, and the way to confirm it."""
        row = self._item_or_404(pk)
        page: str = self.render_template(
            self.show_template,
            pk=pk,
            title=self.show_title,
            widgets=self._show(pk),
            related_views=[],
            regime=row,
            history=sentences.tell(journal_search.history(regimes.SUBJECT, row.id)),
            address_of=address_of,
            reason_max=REASON_MAX,
        )
        return page

    @expose("/confirmer/<int:regime_id>", methods=["POST"])
    @has_access
    def confirm(self, regime_id: int) -> Response:
        """Confirm the VAT of a territory, for the reason given."""
        regimes.confirm(regime_id, g.user.id, request.form.get("reason", ""))
        flash("Cette TVA est confirmée : elle ne retient plus de facture.", "success")
        return redirect(url_for("VatRegimesView.show", pk=regime_id))
