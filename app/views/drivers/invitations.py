"""« Conducteurs sans compte »: those a centre registered, invited together by the addresses typed or pasted beside them."""

from __future__ import annotations

from flask import flash, make_response, redirect, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.models.centre import REGISTER
from app.services.drivers import without_account
from app.views.crud.addresses import Addresses, taken
from app.views.shell.base import Screen, current_centre_id, require_right
from app.views.shell.reading import number_of


class WithoutAccountView(Screen):
    """`/mes-conducteurs/sans-compte/`"""

    route_base = "/mes-conducteurs/sans-compte"
    default_view = "index"
    class_permission_name = "Sessions"
    right, heading = REGISTER, "Conducteurs sans compte"

    @expose("/")
    def index(self) -> str:
        """Show a page of them, each with a field for an address."""
        return self._page(Addresses())

    @expose("/inviter", methods=["POST"])
    def invite(self) -> Response:
        """Invite those beside whom an address stands; what is refused stays in its field, with its reason."""
        require_right(REGISTER)
        rows, _ = without_account.page(current_centre_id(), number_of("page"))
        persons = {
            row.registration.id: (row.registration.last_name, row.registration.first_name)
            for row in rows
            if row.may_be_invited
        }
        addresses = taken(current_centre_id(), persons)
        if addresses.sent and not addresses.is_refused:
            flash(f"{addresses.told}.", "success")
            return redirect(url_for("WithoutAccountView.index", page=number_of("page")))
        return make_response(self._page(addresses), 422 if addresses.is_refused else 200)

    def _page(self, addresses: Addresses) -> str:
        number = max(number_of("page"), 1)
        rows, more = without_account.page(current_centre_id(), number)
        page: str = self.render_template(
            "drivers/without_account.html", rows=rows, more=more, number=number, addresses=addresses
        )
        return page
