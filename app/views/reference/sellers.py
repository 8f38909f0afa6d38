"""Who sells, in dated versions: what the operator's invoices say of it."""

from __future__ import annotations

from app.models import Seller
from app.views.crud.base import BackOfficeView
from app.views.crud.rows import Rows, on_day, words
from app.views.shell import filters

from .forms import SellerForm

S = Seller
COLUMNS = [
    "name", "legal_form", "capital", "rcs", "siren", "siret", "vat_number", "street", "postcode", "city", "e_address",
    "iban", "bic", "vat_on_debits", "valid_from",
]  # fmt: skip
WHEN = {True: "À la facturation (option pour les débits)", False: "À l’encaissement"}


class SellersView(BackOfficeView):
    """`/vendeur/`"""

    route_base = "/vendeur"
    class_permission_name = "Sellers"
    datamodel = Rows(
        S,
        questions={
            "words": words("Nom ou SIREN", S.name, S.siren),
            "on": on_day("Commencée le (JJ/MM/AAAA) ou avant", lambda day: S.valid_from <= day),
        },
    )
    list_title, show_title = "Vendeur", "Version du vendeur"
    add_title, edit_title = "Ajouter une version du vendeur", "Modifier une version du vendeur"
    list_columns = ["name", "siren", "city", "vat_on_debits", "valid_from"]
    order_columns = ["name", "valid_from"]
    base_order = ("valid_from", "desc")
    show_columns = COLUMNS
    add_columns = edit_columns = COLUMNS
    label_columns = {
        "name": "Nom ou raison sociale",
        "legal_form": "Forme juridique",
        "capital": "Capital",
        "rcs": "RCS",
        "siren": "SIREN",
        "siret": "SIRET",
        "vat_number": "N° de TVA",
        "street": "Numéro et voie",
        "postcode": "Code postal",
        "city": "Commune",
        "e_address": "Adresse de facturation électronique",
        "iban": "IBAN",
        "bic": "BIC",
        "vat_on_debits": "TVA exigible",
        "valid_from": "En vigueur du",
    }
    formatters_columns = {"vat_on_debits": lambda chosen: WHEN[chosen], "siret": filters.siret}
    add_form = edit_form = SellerForm
    add_row_message = "Cette version du vendeur est enregistrée : les factures la portent à partir de son premier jour."

    def name_of(self, item: Seller) -> str:
        """Return what the version is called: what it says, and from which day."""
        return f"{item.name}, depuis le {item.valid_from:%d/%m/%Y}"
