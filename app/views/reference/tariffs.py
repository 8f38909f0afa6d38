"""The dated tariffs."""

from __future__ import annotations

from app.models import Tariff
from app.models.catalogue import PRICE_CLASSES
from app.models.types import holds_on
from app.views.crud import choices, widgets
from app.views.crud.base import BackOfficeView
from app.views.crud.rows import Rows, on_day, one_of
from app.views.shell import filters

from .forms import TariffForm

T = Tariff


class TariffsView(BackOfficeView):
    """`/tarifs/`"""

    route_base = "/tarifs"
    class_permission_name = "Tariffs"
    datamodel = Rows(
        T,
        questions={
            "price_class": one_of("Classe de tarif", T.price_class, choices.price_classes),
            "on": on_day(
                "En vigueur le (JJ/MM/AAAA)",
                lambda day: holds_on(day, T.valid_to, T.valid_from),
            ),
        },
    )
    list_title, show_title, add_title, edit_title = "Tarifs", "Tarif", "Ajouter un tarif", "Modifier un tarif"
    list_columns = ["price_class", "amount", "vat_rate", "valid_from", "valid_to"]
    order_columns = ["price_class", "amount", "valid_from", "valid_to"]
    base_order = ("valid_from", "desc")
    show_columns = ["price_class", "amount", "vat_rate", "valid_from", "valid_to"]
    add_columns = edit_columns = ["price_class", "amount", "vat_rate", "valid_from", "valid_to"]
    label_columns = {
        "price_class": "Classe de tarif",
        "amount": "Montant HT",
        "vat_rate": "TVA payée par une personne",
        "valid_from": "En vigueur du",
        "valid_to": "En vigueur jusqu’au",
    }
    formatters_columns = {
        "price_class": widgets.words_of(PRICE_CLASSES),
        "amount": widgets.amount,
        "vat_rate": widgets.rate,
    }
    add_form = edit_form = TariffForm

    def name_of(self, item: Tariff) -> str:
        """Return class and first day."""
        return f"{PRICE_CLASSES[item.price_class]} – {filters.day(item.valid_from)}"
