"""Where a row that the journal names is to be seen by an agent."""

from __future__ import annotations

from flask import url_for

from app.services.journal.sentences import Named

#: Kind of subject → the view that shows it.
CARDS = {
    "centre": "CentresView",
    "accreditation": "AccreditationsView",
    "suspension": "SuspensionsView",
    "service_contract": "ContractsView",
    "training": "CatalogueView",
    "tariff": "TariffsView",
    "seller": "SellersView",
    "vat_regime": "VatRegimesView",
    "driver": "DriversView",
    "registration": "RegistrationsView",
    "person": "AccountsView",
    "trainer": "AgentTrainersView",
}


def address_of(about: Named | None) -> str:
    """Return the address of the page of what an entry is about; '' where it has none."""
    if about is None or not about.key:
        return ""
    if about.kind == "document":
        return "/verifier/" + about.text.rpartition(" ")[2]
    if about.kind == "batch":
        words, _, number = about.text.partition(" ")
        return url_for("RegistrationsView.list", _flt_0_words=number) if words == "reçu" else ""
    view = CARDS.get(about.kind)
    return url_for(f"{view}.show", pk=about.key) if view else ""
