"""The service contracts between centres and the operator."""

from __future__ import annotations

from sqlalchemy.orm import joinedload

from app.models import Centre, ServiceContract
from app.models.centre import CONTRACT_STATES

from . import choices, widgets
from .base import BackOfficeView
from .forms import ContractForm
from .rows import Rows, one_of, within, words

C = ServiceContract


class ContractsView(BackOfficeView):
    """`/contrats/`"""

    route_base = "/contrats"
    class_permission_name = "Contracts"
    datamodel = Rows(
        C,
        eager=(joinedload(C.centre), joinedload(C.signed_by)),
        computed={
            "centre.name": lambda row: widgets.centre(row.centre),
            "signer": lambda row: row.signed_by.full_name if row.signed_by else None,
        },
        questions={
            "words": words("Centre ou SIRET", within(C.centre_id, Centre, Centre.name, Centre.siret)),
            "state": one_of("État", C.state, choices.contract_states),
        },
    )
    list_title, show_title, add_title, edit_title = "Contrats", "Contrat", "Ajouter un contrat", "Modifier un contrat"
    list_columns = ["centre.name", "version", "state", "signed_on", "signer", "valid_to"]
    order_columns = ["centre.name", "version", "state", "signed_on", "valid_to"]
    base_order = ("centre.name", "asc")
    show_columns = ["centre.name", "version", "state", "signed_on", "signer", "valid_to"]
    add_columns = edit_columns = ["centre_id", "version", "state", "signed_on", "valid_to"]
    label_columns = {
        "centre.name": "Centre", "version": "Version", "state": "État", "signed_on": "Signé le", "signer": "Signé par",
        "valid_to": "En vigueur jusqu’au",
    }  # fmt: skip
    formatters_columns = {"state": widgets.words_of(CONTRACT_STATES)}
    add_form = edit_form = ContractForm
    prefilled = {"centre": "centre_id"}
