"""The service contracts between centres and the operator: offered, suspended, taken up again, ended. Never signed here."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

from flask import abort, flash, g, redirect, request, send_file, url_for
from flask_appbuilder import expose
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.security.decorators import has_access
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from app.extensions import db
from app.models import Centre, ServiceContract
from app.models.centre import CONTRACT_STATES
from app.services.contracts import acts as contract_acts
from app.services.contracts import text as contract_text
from app.services.core import clock
from app.services.core.reason import REASON_MAX
from app.services.core.refusal import Refusal
from app.services.journal import search as journal_search
from app.services.journal import sentences
from app.services.rights import recipients
from app.services.storage import store
from app.views.crud import choices, widgets
from app.views.crud.base import ASKED, METHODS, NOT_FOUND, BackOfficeView, as_refused
from app.views.crud.forms import as_id
from app.views.crud.rows import Rows, one_of, siret, within, words
from app.views.crud.told import address_of

from .forms import OfferForm

C = ServiceContract
ID = "<int:contract_id>"
#: The button that shows the text, and offers nothing.
READ = "lire"
#: Address → what it does, and what is said then.
ACTS = {
    "retirer": (contract_acts.withdraw, "La proposition est retirée."),
    "suspendre": (contract_acts.suspend, "Le contrat est suspendu : plus aucune session ne s’enregistre."),
    "retablir": (contract_acts.resume, "Le contrat est de nouveau en vigueur."),
    "terminer": (contract_acts.end, "Le contrat a pris fin."),
}


class ContractsView(BackOfficeView):
    """`/contrats/`"""

    route_base = "/contrats"
    class_permission_name = "Contracts"
    include_route_methods = {"list", "show", "home", "export", "add", "act", "pdf"}
    method_permission_name = {**METHODS, "act": "write", "pdf": "read"}
    datamodel = Rows(
        C,
        eager=(joinedload(C.centre), joinedload(C.signed_by)),
        computed={
            "centre.name": lambda row: widgets.centre(row.centre),
            "signer": lambda row: row.signer_name or (row.signed_by.full_name if row.signed_by else None),
        },
        questions={
            "words": words("Centre ou SIRET", within(C.centre_id, Centre, Centre.name, siret(Centre.siret))),
            "state": one_of("État", C.state, choices.contract_states),
        },
    )
    list_title, show_title, add_title, edit_title = "Contrats", "Contrat", "Proposer un contrat", "Contrat"
    list_columns = ["centre.name", "version", "state", "signed_on", "signer", "valid_to"]
    order_columns = ["centre.name", "version", "state", "signed_on", "valid_to"]
    base_order = ("centre.name", "asc")
    show_columns = [
        "centre.name", "version", "state", "reason", "offered_at", "signed_on", "signer", "signer_quality", "valid_to",
        "text_sha256",
    ]  # fmt: skip
    add_columns = edit_columns = ["centre_id", "version"]
    label_columns = {
        "centre.name": "Centre", "version": "Version", "state": "État", "signed_on": "Signé le", "signer": "Signé par",
        "valid_to": "En vigueur jusqu’au", "reason": "Motif", "offered_at": "Proposé le",
        "signer_quality": "Qualité du signataire", "text_sha256": "Empreinte du texte (SHA-256)",
    }  # fmt: skip
    formatters_columns = {"state": widgets.words_of(CONTRACT_STATES)}
    add_form = edit_form = OfferForm
    show_template = "contracts/office.html"
    add_template = "contracts/offer.html"
    extra_args = {
        "tariff_lines": lambda: contract_text.tariff_lines(clock.today()),
        "looked_at": lambda: _looked_at(),
        "nobody_yet": contract_acts.NOBODY_YET,
    }
    prefilled = {"centre": "centre_id"}

    def _add(self) -> dict[str, Any] | None:
        """Show the form, with the text where it is asked for, or offer the contract: None once it is offered."""
        if request.method != "POST" or READ not in request.form:
            return super()._add()
        form = self.add_form.refresh()
        return dict(self._get_add_widget(form=form)) if form.validate() else as_refused(self._get_add_widget(form=form))

    def name_of(self, item: ServiceContract) -> str:
        """Return centre and version."""
        return f"{item.centre.name}, version {item.version}"

    def said_after_add(self, form: DynamicForm, item: Any) -> str:
        """Return what the offer has brought about: a mail, or none yet."""
        count = len(recipients.representatives(form.centre_id.data))
        if not count:
            return f"Le contrat est proposé. {contract_acts.NOBODY_YET}"
        return f"Le contrat est proposé ; {told(count)} par courriel."

    def led_after_add(self, form: DynamicForm, item: Any) -> str:
        """Lead to the centre's page, where the next step stands."""
        return url_for("CentresView.show", pk=form.centre_id.data)

    def _save(self, form: DynamicForm, item: Any, columns: list[str]) -> bool:
        """Offer the contract; what the service refuses is said above the form."""
        try:
            contract_acts.offer(form.centre_id.data, form.version.data, g.user.id)
        except Refusal as refusal:
            form.form_errors = [refusal.message]
            return False
        return True

    @expose("/show/<pk>")
    @has_access
    def show(self, pk: str) -> str:
        """Show the contract with its text, what happened to it, and what its state allows."""
        contract = self._item_or_404(pk)
        page: str = self.render_template(
            self.show_template,
            pk=pk,
            title=self.show_title,
            widgets=self._show(pk),
            related_views=[],
            contract=contract,
            history=sentences.tell(journal_search.history(contract_acts.SUBJECT, contract.id)),
            address_of=address_of,
            blocks=contract_text.blocks(contract.text),
            representatives=len(recipients.representatives(contract.centre_id)),
            reason_max=REASON_MAX,
        )
        return page

    @expose(f"/{ID}/<any(retirer, suspendre, retablir, terminer):act>", methods=["POST"])
    @has_access
    def act(self, contract_id: int, act: str) -> Response:
        """Withdraw, suspend, take up again or end, for the reason given."""
        do, said = ACTS[act]
        do(contract_id, g.user.id, request.form.get("reason", ""))
        flash(said, "success")
        return redirect(url_for("ContractsView.show", pk=contract_id))

    @expose(f"/{ID}/contrat.pdf")
    @has_access
    def pdf(self, contract_id: int) -> Response:
        """Give the signed contract."""
        return signed_pdf(self._item_or_404(str(contract_id)))


class LookedAt(NamedTuple):
    """The offer the form stands on: its centre, its text as it would be sent, and how many would be told."""

    centre: Centre
    blocks: list[contract_text.Block]
    representatives: int


def _looked_at() -> LookedAt | None:
    """Return what the form would offer; None while no centre is chosen, or where nothing can be offered."""
    centre_id = as_id(request.form.get("centre_id", request.args.get(f"{ASKED}centre", "")))
    centre = db.session.get(Centre, centre_id) if centre_id else None
    if centre is None:
        return None
    try:
        text = contract_text.compose(request.form.get("version", contract_text.latest()), centre, clock.today())
    except Refusal:
        return None
    return LookedAt(centre, contract_text.blocks(text), len(recipients.representatives(centre.id)))


def told(count: int) -> str:
    """Return « son représentant légal en est averti », or the same of several."""
    if count == 1:
        return "le représentant légal du centre en est averti"
    return f"les {count} représentants légaux du centre en sont avertis"


def signed_pdf(contract: ServiceContract) -> Response:
    """Return the PDF of a signed contract; 404 before it is drawn."""
    try:
        content = contract_acts.content(contract)
    except store.Missing:
        abort(404, "Le PDF de ce contrat n’est pas disponible." if contract.signed_on else NOT_FOUND)
    name = f"contrat-de-service-{contract.version}.pdf"
    return send_file(io.BytesIO(content), "application/pdf", as_attachment=True, download_name=name)
