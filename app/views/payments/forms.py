"""What agents type of payments; the services judge it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from wtforms import Form, StringField, ValidationError

from app.services.core.refusal import Refusal
from app.services.payments import balances
from app.views.crud.forms import AmountField, day


class PaidField(AmountField):
    """What is paid or refunded: more than a price, as much as an invoice may come to; never nothing."""

    largest = Decimal("21474836.47")

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        """Ask for an amount where none is typed, or nothing."""
        if not self.data and not self.errors:
            raise ValidationError("Indiquez le montant, au-dessus de zéro, par exemple 91,22.")


class RefundForm(Form):  # type: ignore[misc]
    """A refund that was made."""

    amount = PaidField("Montant remboursé, en euros", id="refund-amount")
    refunded_on = day("Date du remboursement")
    reason = StringField("Comment")


def refunded(form: RefundForm, by_id: int, **source: int) -> bool:
    """Note a refund of an entry or a credit note (``entry_id``, ``note_id``); tell whether it is: the form says why not."""
    if form.validate() and form.amount.data and form.refunded_on.data:
        try:
            balances.refund(form.amount.data, form.refunded_on.data, form.reason.data or "", by_id, **source)
        except Refusal as refusal:
            form.reason.errors = [refusal.message]
    return not form.errors


class AsideForm(Form):  # type: ignore[misc]
    """Why an entry is for no invoice."""

    reason = StringField("Pourquoi", id="aside-reason")


class ShareForm(Form):  # type: ignore[misc]
    """What of a balance goes to an invoice."""

    number = StringField("N° de facture")
    amount = PaidField("Montant, en euros")


class RateForm(Form):  # type: ignore[misc]
    """The rate that late interest goes by, of a half-year."""

    valid_from = day("À partir du")
    rate = AmountField("Taux de refinancement de la BCE, en pour cent")


class PauseForm(Form):  # type: ignore[misc]
    """Until when nobody is reminded of an invoice, and why."""

    until = day("Suspendre jusqu’au")
    reason = StringField("Pourquoi")
