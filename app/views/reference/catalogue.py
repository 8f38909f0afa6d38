"""The catalogue of trainings."""

from __future__ import annotations

from app.models import Training
from app.models.catalogue import PRICE_CLASSES
from app.views.crud import choices, widgets
from app.views.crud.base import BackOfficeView
from app.views.crud.rows import Rows, one_of, words

from .forms import TrainingForm


class CatalogueView(BackOfficeView):
    """`/catalogue/`"""

    route_base = "/catalogue"
    class_permission_name = "Catalogue"
    datamodel = Rows(
        Training,
        questions={
            "words": words("Libellé ou type", Training.label, Training.family),
            "category": one_of("Catégorie", Training.category, choices.categories),
            "price_class": one_of("Classe de tarif", Training.price_class, choices.price_classes),
        },
    )
    list_title, show_title = "Catalogue", "Formation"
    add_title, edit_title = "Ajouter une formation", "Modifier une formation"
    list_columns = ["label", "category", "family", "hours", "price_class", "minors_allowed", "valid_from", "valid_to"]
    order_columns = ["label", "category", "family", "hours", "valid_from", "valid_to"]
    base_order = ("family", "asc")
    show_columns = ["label", "category", "family", "hours", "price_class", "minors_allowed", "valid_from", "valid_to"]
    add_columns = edit_columns = [
        "family", "label", "category", "hours", "price_class", "minors_allowed", "valid_from", "valid_to",
    ]  # fmt: skip
    label_columns = {
        "label": "Libellé", "category": "Catégorie", "family": "Type", "hours": "Heures", "price_class": "Classe de tarif",
        "minors_allowed": "Ouverte aux mineurs", "valid_from": "Du", "valid_to": "Au",
    }  # fmt: skip
    formatters_columns = {"price_class": widgets.words_of(PRICE_CLASSES)}
    add_form = edit_form = TrainingForm
