"""The drivers a centre registered, under the names that centre gave: another's name for them is never shown."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from app.models import Driver, Registration
from app.views.base import current_centre_id

from .base import READ_ONLY, BackOfficeView
from .rows import Rows, within, words
from .scope import own_rows

R = Registration


def _latest(query):  # type: ignore[no-untyped-def]
    own = R.centre_id == current_centre_id()
    return query.filter(own, R.id.in_(select(func.max(R.id)).where(own).group_by(R.driver_id)))


class CentreDriversView(BackOfficeView):
    """`/mes-conducteurs/`: one row a driver, the last registration: another centre's name for them is never shown."""

    route_base = "/mes-conducteurs"
    class_permission_name = "CentreDrivers"
    include_route_methods = READ_ONLY
    base_filters = [["centre_id", own_rows(_latest), None]]
    datamodel = Rows(
        R,
        eager=(joinedload(R.driver), joinedload(R.training)),
        computed={"training": lambda row: row.training.full_label, "account": lambda row: row.driver.has_account},
        questions={
            "words": words(
                "Nom, prénom ou N° de permis",
                R.last_name,
                R.first_name,
                within(R.driver_id, Driver, Driver.permit_number),
            )
        },
    )
    list_title, show_title = "Mes conducteurs", "Conducteur"
    list_columns = [
        "last_name", "first_name", "driver.birth_date", "driver.permit_number", "account", "training", "end_date",
    ]  # fmt: skip
    order_columns = ["last_name", "first_name", "driver.birth_date", "driver.permit_number", "end_date"]
    base_order = ("last_name", "asc")
    show_columns = add_columns = edit_columns = list_columns
    label_columns = {
        "last_name": "Nom", "first_name": "Prénom", "driver.birth_date": "Date de naissance",
        "driver.permit_number": "N° de permis", "account": "Possède un compte", "training": "Dernière formation",
        "end_date": "Fin de formation",
    }  # fmt: skip
