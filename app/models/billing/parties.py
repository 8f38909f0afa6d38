"""Who sells, who is billed and where, and the VAT of each territory."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from flask_appbuilder import Model
from sqlalchemy import CheckConstraint, Date, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.centre import Centre
from app.models.person import Person
from app.models.types import Labelled, Percent, UtcDateTime

#: Days to pay, from the day of issue, unless an agent says otherwise for a centre.
PAYMENT_DAYS = 30


class VatCategory(Labelled):
    """The category of VAT of a line, as invoices code it (UNTDID 5305)."""

    STANDARD = "S", "Taxée"
    EXEMPT = "E", "Exonérée"


class Seller(Model):
    """Who sells: the operator as its invoices name it, in dated versions; the last one that has begun holds."""

    __tablename__ = "seller"
    __table_args__ = (UniqueConstraint("valid_from"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(160))
    legal_form: Mapped[str] = mapped_column(String(60))
    #: As mentioned on invoices (« 100 000 € »).
    capital: Mapped[str] = mapped_column(String(30))
    #: As mentioned on invoices (« RCS Lyon 800 000 002 »).
    rcs: Mapped[str] = mapped_column(String(60))
    siren: Mapped[str] = mapped_column(String(9))
    siret: Mapped[str] = mapped_column(String(14))
    vat_number: Mapped[str] = mapped_column(String(20))
    street: Mapped[str] = mapped_column(String(38))
    postcode: Mapped[str] = mapped_column(String(5))
    city: Mapped[str] = mapped_column(String(32))
    iban: Mapped[str] = mapped_column(String(34))
    bic: Mapped[str] = mapped_column(String(11))
    e_address: Mapped[str] = mapped_column(String(60))
    #: The tax is due when the invoice is issued (option for debits), not when it is paid.
    vat_on_debits: Mapped[bool]
    valid_from: Mapped[date] = mapped_column(Date)


class BillingProfile(Model):
    """How a centre is billed: the buyer of its invoices, in parts, since an invoice names each of them apart.

    The service code of a public body stands on its centre (`Centre.chorus_service`). What is missing is an empty text.
    """

    __tablename__ = "billing_profile"
    __table_args__ = (
        CheckConstraint("payment_days BETWEEN 1 AND 60", name="ck_billing_profile_payment_days"),
        CheckConstraint("siret = '' OR length(siret) = 14", name="ck_billing_profile_siret"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id", ondelete="RESTRICT"), unique=True)
    name: Mapped[str] = mapped_column(String(160))
    siret: Mapped[str] = mapped_column(String(14), default="")
    vat_number: Mapped[str] = mapped_column(String(20), default="")
    street: Mapped[str] = mapped_column(String(38), default="")
    extra: Mapped[str] = mapped_column(String(38), default="")
    postcode: Mapped[str] = mapped_column(String(5), default="")
    city: Mapped[str] = mapped_column(String(32), default="")
    #: Where electronic invoices are addressed to (scheme 0225): the SIREN, or the SIREN and what follows it.
    e_address: Mapped[str] = mapped_column(String(60), default="")
    service_required: Mapped[bool] = mapped_column(default=False)
    engagement_required: Mapped[bool] = mapped_column(default=False)
    payment_days: Mapped[int] = mapped_column(default=PAYMENT_DAYS)
    #: Where invoices are told of, beside the people of the centre: addresses parted by commas.
    accounts_email: Mapped[str] = mapped_column(String(300), default="")
    #: The SIRET, other than the centre's own, that an agent has confirmed.
    confirmed_siret: Mapped[str] = mapped_column(String(14), default="")
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="RESTRICT"))

    centre: Mapped[Centre] = relationship()
    updated_by: Mapped[Person] = relationship()

    @property
    def siren(self) -> str:
        """Return the nine figures of the SIRET that name the company; empty without a SIRET."""
        return self.siret[:9]


class BillingTerritory(Model):
    """From which day on a centre is billed in a territory: what its VAT follows. A day has one territory."""

    __tablename__ = "billing_territory"

    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id", ondelete="RESTRICT"), primary_key=True)
    valid_from: Mapped[date] = mapped_column(Date, primary_key=True)
    #: A code of `validators.postal.Territory`.
    territory: Mapped[str] = mapped_column(String(20))


class VatRegime(Model):
    """The VAT of a territory, from a day to a day (both inclusive)."""

    __tablename__ = "vat_regime"
    __table_args__ = (
        UniqueConstraint("territory", "valid_from"),
        CheckConstraint("category IN ('S', 'E')", name="ck_vat_regime_category"),
        CheckConstraint("rate >= 0 AND (category = 'S') = (rate > 0)", name="ck_vat_regime_rate"),
        CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="ck_vat_regime_validity"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    territory: Mapped[str] = mapped_column(String(20))
    category: Mapped[str] = mapped_column(String(1))
    rate: Mapped[Decimal] = mapped_column(Percent)
    #: What an invoice says where nothing is taxed (BT-120).
    mention: Mapped[str] = mapped_column(String(200), default="")
    #: Nobody has confirmed it yet: what is registered is billed once it is.
    to_confirm: Mapped[bool] = mapped_column(default=False)
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
