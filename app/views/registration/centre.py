"""A centre's own registrations, for its people."""

from __future__ import annotations

from app.models import Registration
from app.models.centre import REGISTER
from app.views.crud.rows import Rows
from app.views.crud.scope import of_current_centre, own_rows

from .lists import COMPUTED, EAGER, QUESTIONS, SORTS, RegistrationRows


class CentreRegistrationsView(RegistrationRows):
    """`/mes-enregistrements/`: those of the centre the person acts for."""

    route_base = "/mes-enregistrements"
    class_permission_name = "CentreRegistrations"
    right, heading = REGISTER, RegistrationRows.list_title
    of_centre = True
    base_filters = [["centre_id", own_rows(of_current_centre), None]]
    datamodel = Rows(Registration, eager=EAGER, computed=COMPUTED, questions=QUESTIONS, sorts=SORTS)
    list_columns = [
        "last_name", "driver.permit_number", "training", "end_date", "order_number", "registered_on", "price",
        "batch.receipt_number",
    ]  # fmt: skip
    order_columns = ["last_name", "registered_on"]
