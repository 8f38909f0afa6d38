"""The service contract as its centre reads and signs it."""

from __future__ import annotations

from flask import abort, flash, g, make_response, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.models import ServiceContract
from app.models.centre import CONTRACT_STATES, OFFERED, SIGNED, SUSPENDED, WITHDRAWN
from app.services.contracts import acts as contract_acts
from app.services.contracts import text as contract_text
from app.services.contracts.acts import Signature
from app.services.core.refusal import Refusal
from app.services.rights import access
from app.views.shell.base import Screen, current_centre_id, require_representative

from .forms import SignatureForm
from .office import signed_pdf

ID = "<int:contract_id>"
STATE_KINDS = {OFFERED: "gold", SIGNED: "ok", SUSPENDED: "error"}


class ContractView(Screen):
    """`/mon-centre/contrat/`: for legal representatives."""

    route_base = "/mon-centre/contrat"
    class_permission_name = "CentreContract"

    @expose("/")
    def index(self) -> Response | str:
        """Show the centre's contracts: the offer, the one in force, the ended ones."""
        require_representative()
        found = contract_acts.all_of(current_centre_id())
        return str(
            self.render_template(
                "contracts/list.html",
                contracts=found,
                states=CONTRACT_STATES,
                kinds=STATE_KINDS,
                task=access.contract_task(current_centre_id()),
            )
        )

    @expose(f"/{ID}")
    def show(self, contract_id: int) -> Response:
        """Show the whole text; below an offer, the signature."""
        contract = _own(contract_id)
        return self._page(contract, SignatureForm(name=g.user.full_name, text_sha256=contract.text_sha256))

    @expose(f"/{ID}/signer", methods=["POST"])
    def sign(self, contract_id: int) -> Response:
        """Sign the offer that was read."""
        contract, form = _own(contract_id), SignatureForm(request.form)
        if not form.validate():
            return self._page(contract, form)
        signature = Signature(form.name.data, form.quality.data, form.text_sha256.data or "")
        try:
            contract_acts.sign(contract_id, current_centre_id(), g.user.id, signature)
        except Refusal as refusal:
            flash(refusal.message, "danger")
            return redirect(url_for("ContractView.show", contract_id=contract_id))
        flash("Le contrat est signé et en vigueur. Son PDF est en préparation.", "success")
        return redirect(url_for("ContractView.index"))

    @expose(f"/{ID}/contrat.pdf", methods=["GET", "POST"])
    def pdf(self, contract_id: int) -> Response:
        """Give the signed contract; posted to, have it drawn where it is not yet."""
        contract = _own(contract_id)
        if request.method != "POST":
            return signed_pdf(contract)
        contract_acts.ask_for_pdf(contract_id, current_centre_id())
        flash("Le PDF est en préparation : il se télécharge ici dans quelques instants.", "success")
        return redirect(url_for("ContractView.index"))

    def _page(self, contract: ServiceContract, form: SignatureForm) -> Response:
        page = self.render_template(
            "contracts/show.html",
            contract=contract,
            form=form,
            blocks=contract_text.blocks(contract.text),
            to_sign=contract.state == OFFERED,
            states=CONTRACT_STATES,
            kinds=STATE_KINDS,
        )
        return make_response(page, 422 if form.errors else 200)


def _own(contract_id: int) -> ServiceContract:
    """Return a contract of the current centre, for its legal representative; another centre's is not found."""
    require_representative()
    contract = contract_acts.of_centre(contract_id, current_centre_id())
    if contract is None or contract.state == WITHDRAWN:
        abort(404, "Ce contrat n’existe pas, n’est plus proposé, ou concerne un autre centre.")
    return contract
