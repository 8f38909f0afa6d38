"""The drivers a centre registered, under the names that centre gave: another's name for them is never shown."""

from __future__ import annotations

from sqlalchemy.orm import joinedload

from app.models import Registration
from app.models.centre import REGISTER
from app.services.drivers import search as driver_search
from app.services.registration.search import person_ways
from app.views.crud.base import READ_ONLY, BackOfficeView
from app.views.crud.rows import Rows, asking, yes_or_no
from app.views.crud.scope import own_rows
from app.views.registration.lists import AS_REGISTERED
from app.views.shell.base import current_centre_id

R = Registration


def _latest(query):  # type: ignore[no-untyped-def]
    return query.filter(*driver_search.latest_of(current_centre_id()))


class CentreDriversView(BackOfficeView):
    """`/mes-conducteurs/`: one row a driver, the last registration: another centre's name for them is never shown."""

    route_base = "/mes-conducteurs"
    class_permission_name = "CentreDrivers"
    right = REGISTER
    include_route_methods = READ_ONLY
    base_filters = [["centre_id", own_rows(_latest), None]]
    datamodel = Rows(
        R,
        eager=(joinedload(R.driver), joinedload(R.registered_as), joinedload(R.training)),
        computed={
            **AS_REGISTERED,
            "training": lambda row: row.training.full_label,
            "account": lambda row: row.driver.has_account,
        },
        questions={
            "words": asking(
                "Nom, prénom, naissance ou N° de permis", driver_search.registered_by_words, ways=person_ways
            ),
            "account": asking("Possède un compte", driver_search.has_account, yes_or_no),
        },
        sorts={"last_name": (R.search_last, R.search_first)},
    )
    list_title, show_title = "Mes conducteurs", "Conducteur"
    heading = list_title
    list_columns = [
        "last_name",
        "first_name",
        "driver.birth_date",
        "driver.permit_number",
        "account",
        "training",
        "end_date",
    ]
    order_columns = ["last_name"]
    base_order = ("last_name", "asc")
    show_columns = add_columns = edit_columns = list_columns
    label_columns = {
        "last_name": "Nom",
        "first_name": "Prénom",
        "driver.birth_date": "Date de naissance",
        "driver.permit_number": "N° de permis",
        "account": "Possède un compte",
        "training": "Dernière formation",
        "end_date": "Fin de formation",
    }

    def name_of(self, item: Registration) -> str:
        """Return the name that the centre gave."""
        return f"{item.last_name} {item.first_name}"
