"""Catalogue, tariffs and VAT that the product ships with (domain: catalogue to ship, prices). An agent edits them later."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, select

from app.extensions import db
from app.models import LateRate, Tariff, Training, VatRegime
from app.models.catalogue import CARD_FEE, COMPLETE_FCO, FCO_MODULE, LONG

from . import shipped_rates, shipped_vat

GOODS, PASSENGERS = "Marchandises", "Voyageurs"
EDUCATION = "Éducation nationale"
SINCE = date(2020, 1, 1)

#: type, label, category, hours, class of price, minors allowed
TRAININGS: tuple[tuple[str, str, str, int | None, str, bool], ...] = (
    ("FIMO", "FIMO Marchandises", GOODS, 140, LONG, False),
    ("FIMO", "FIMO Voyageurs", PASSENGERS, 140, LONG, False),
    ("Passerelle", "Passerelle Marchandises", GOODS, 35, LONG, False),
    ("Passerelle", "Passerelle Voyageurs", PASSENGERS, 35, LONG, False),
    ("FCO", "FCO Complète", GOODS, 35, COMPLETE_FCO, False),
    ("FCO", "FCO Complète", PASSENGERS, 35, COMPLETE_FCO, False),
    ("FCO", "Module FCO", GOODS, 7, FCO_MODULE, False),
    ("FCO", "Module FCO", PASSENGERS, 7, FCO_MODULE, False),
    ("Titre professionnel", "Titre Professionnel CTRMP", GOODS, 280, LONG, False),
    ("Titre professionnel", "Titre Professionnel CTRMV", GOODS, 280, LONG, False),
    ("Titre professionnel", "Titre Professionnel CTCR", PASSENGERS, 280, LONG, False),
    (EDUCATION, "Bac pro CTRM", GOODS, None, LONG, True),
    (EDUCATION, "CAP conducteur routier marchandises", GOODS, None, LONG, True),
    (EDUCATION, "CAP conducteur livreur de marchandises", GOODS, None, LONG, True),
    (EDUCATION, "CAP conducteur agent d'accueil en autobus et autocar", PASSENGERS, None, LONG, True),
)

#: class of price → amount excluding VAT, in euros
AMOUNTS = {
    LONG: Decimal("25.34"),
    COMPLETE_FCO: Decimal("25.34"),
    FCO_MODULE: Decimal("5.07"),
    CARD_FEE: Decimal("47.00"),
}


def load() -> None:
    """Write the catalogue, the tariffs, the VAT of territories and late rates where there is none yet; no commit."""
    if db.session.execute(select(Training.id).limit(1)).first() is None:
        fields = ("family", "label", "category", "hours", "price_class", "minors_allowed")
        rows: list[dict[str, Any]] = [dict(zip(fields, row, strict=True)) for row in TRAININGS]
        db.session.execute(insert(Training), rows)
    if db.session.execute(select(Tariff.id).limit(1)).first() is None:
        tariffs = [
            {"price_class": price_class, "amount": amount, "vat_rate": Decimal("20.00"), "valid_from": SINCE}
            for price_class, amount in AMOUNTS.items()
        ]
        db.session.execute(insert(Tariff), tariffs)
    if db.session.execute(select(VatRegime.id).limit(1)).first() is None:
        db.session.execute(insert(VatRegime), shipped_vat.rows())
    if db.session.execute(select(LateRate.valid_from).limit(1)).first() is None:
        db.session.execute(insert(LateRate), shipped_rates.rows())
