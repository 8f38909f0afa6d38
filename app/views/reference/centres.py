"""Centres, with their accreditations and contracts."""

from __future__ import annotations

from app.models import Centre
from app.views.contracts.office import ContractsView
from app.views.crud.base import BackOfficeView
from app.views.crud.rows import Rows, siret, words, yes_no
from app.views.shell import filters

from .accreditations import AccreditationsView
from .forms import CentreForm


class CentresView(BackOfficeView):
    """`/centres/`"""

    route_base = "/centres"
    class_permission_name = "Centres"
    datamodel = Rows(
        Centre,
        questions={
            "words": words("Nom, SIRET ou adresse", Centre.name, siret(Centre.siret), Centre.address),
            "public": yes_no("Organisme public", Centre.is_public.is_(True)),
        },
    )
    list_title, show_title, add_title, edit_title = "Centres", "Centre", "Ajouter un centre", "Modifier un centre"
    list_columns = ["name", "siret", "address", "email", "is_public"]
    order_columns = ["name", "siret", "is_public"]
    base_order = ("name", "asc")
    show_columns = ["name", "siret", "address", "email", "is_public", "chorus_service"]
    add_columns = edit_columns = ["name", "siret", "address", "email", "is_public", "chorus_service"]
    label_columns = {
        "name": "Nom",
        "siret": "SIRET",
        "address": "Adresse",
        "email": "Adresse électronique",
        "is_public": "Organisme public",
        "chorus_service": "Code service Chorus",
    }
    formatters_columns = {"siret": filters.siret}
    add_form = edit_form = CentreForm
    related_views = [AccreditationsView, ContractsView]
    show_template = "reference/centre.html"
