"""« Comptes », for agents: which accounts and journals the sales journal is written to."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from flask import flash, g, make_response, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response
from wtforms import Form, SelectField, StringField

from app.models.billing.accounting import AccountRole
from app.services.accounting import accounts
from app.services.core.numbers import percent
from app.services.core.refusal import Refusal
from app.views.shell.base import Screen

#: Of a rate that nobody is billed at.
UNKNOWN_RATE = "Choisissez un taux de la liste : celui-ci n’est, ni n’a été, facturé."


class AccountForm(Form):  # type: ignore[misc]
    """An account, or a journal, of a role. The services judge it."""

    role = SelectField("Sert à", choices=list(AccountRole.labels().items()), validate_choice=False)
    rate = SelectField("Taux de TVA", validate_choice=False)
    code = StringField("Compte, ou code du journal")
    label = StringField("Libellé")


class AccountsMapView(Screen):
    """`/comptabilite/comptes`"""

    route_base = "/comptabilite/comptes"
    default_view = "index"
    class_permission_name = "Billing"

    @expose("/")
    def index(self) -> Response:
        """Show the accounts, and the form of the one asked for."""
        role, rate = request.args.get("role", ""), _rate(request.args.get("taux", ""))
        shown = next((one for one in accounts.listing() if one.role == role and one.rate == rate), None)
        form = AccountForm(data={"role": role, "rate": _text(rate)})
        if shown is not None:
            form.code.data, form.label.data = shown.code, shown.label
        return self._page(form)

    @expose("/", methods=["POST"])
    def save(self) -> Response:
        """Write a role to another account."""
        form = AccountForm(request.form)
        rate = _rate(form.rate.data or "")
        try:
            if form.rate.data and rate is None:
                raise accounts.BadAccount("rate", UNKNOWN_RATE)
            accounts.choose(form.role.data or "", rate, form.code.data or "", form.label.data or "", g.user.id)
        except accounts.BadAccount as refusal:
            form[refusal.field].errors = [refusal.message]
            return self._page(form, 422)
        flash("Le compte est enregistré : il vaut pour les mois qui ne sont pas clôturés.", "success")
        return redirect(url_for("AccountsMapView.index"))

    @expose("/retirer", methods=["POST"])
    def remove(self) -> Response:
        """Write a role to its usual account again."""
        rate = _rate(request.form.get("rate", ""))
        if request.form.get("rate") and rate is None:
            raise Refusal(UNKNOWN_RATE)
        accounts.forget(request.form.get("role", ""), rate, g.user.id)
        flash("Le compte habituel vaut de nouveau pour les mois qui ne sont pas clôturés.", "success")
        return redirect(url_for("AccountsMapView.index"))

    def _page(self, form: AccountForm, status: int = 200) -> Response:
        rates = [("", "Tous les taux"), *((_text(one), percent(one)) for one in accounts.rates())]
        form.rate.choices = rates
        drawn = self.render_template("accounting/accounts.html", form=form, found=accounts.listing(), text_of=_text)
        return make_response(drawn, status)


def _rate(text: str) -> Decimal | None:
    """Return a rate of the list, None for any rate and for what is none."""
    try:
        found = Decimal(text).quantize(Decimal("0.01")) if text and len(text) < 8 else None
    except InvalidOperation:
        return None
    return found if found in accounts.rates() else None


def _text(rate: Decimal | None) -> str:
    return "" if rate is None else f"{rate:.2f}"
