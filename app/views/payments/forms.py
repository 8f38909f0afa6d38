"""What agents type of payments; the services judge it."""

from __future__ import annotations

from wtforms import Form, StringField

from app.views.crud.forms import AmountField, day


class RefundForm(Form):  # type: ignore[misc]
    """A refund that was made."""

    amount = AmountField("Montant remboursé, en euros")
    refunded_on = day("Date du remboursement")
    reason = StringField("Comment")


class ShareForm(Form):  # type: ignore[misc]
    """What of a balance goes to an invoice."""

    number = StringField("N° de facture")
    amount = AmountField("Montant, en euros")


class RateForm(Form):  # type: ignore[misc]
    """The rate that late interest goes by, of a half-year."""

    valid_from = day("À partir du")
    rate = AmountField("Taux de refinancement de la BCE, en pour cent")


class PauseForm(Form):  # type: ignore[misc]
    """Until when nobody is reminded of an invoice, and why."""

    until = day("Jusqu’au")
    reason = StringField("Pourquoi")
