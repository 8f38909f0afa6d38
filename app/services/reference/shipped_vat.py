"""The VAT of each territory that the product ships with; what nobody has confirmed yet says so."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from app.models.billing.parties import VatCategory
from app.validators.postal import Territory

SINCE = date(2020, 1, 1)
STANDARD, REDUCED, NONE = Decimal("20.00"), Decimal("8.50"), Decimal("0.00")
#: CGI 294: VAT does not apply in Guyane and Mayotte.
ARTICLE_294 = "TVA non applicable, article 294 du CGI"
#: Outside the Union's VAT, each in its own way.
_TO_BE_TOLD = (
    Territory.SAINT_PIERRE,
    Territory.SAINT_BARTHELEMY,
    Territory.SAINT_MARTIN,
    Territory.TERRES_AUSTRALES,
    Territory.WALLIS,
    Territory.POLYNESIE,
    Territory.CALEDONIE,
)
#: Territory → rate, mention of an invoice without VAT, whether somebody has still to confirm it.
REGIMES: dict[Territory, tuple[Decimal, str, bool]] = {
    Territory.METROPOLE: (STANDARD, "", False),
    Territory.GUADELOUPE: (REDUCED, "", False),
    Territory.MARTINIQUE: (REDUCED, "", False),
    Territory.REUNION: (REDUCED, "", False),
    Territory.GUYANE: (NONE, ARTICLE_294, True),
    Territory.MAYOTTE: (NONE, ARTICLE_294, True),
    **dict.fromkeys(_TO_BE_TOLD, (NONE, "", True)),
}


def rows() -> list[dict[str, Any]]:
    """Return the regimes as rows."""
    return [
        {
            "territory": territory.value,
            "category": VatCategory.STANDARD if rate else VatCategory.EXEMPT,
            "rate": rate,
            "mention": mention,
            "to_confirm": to_confirm,
            "valid_from": SINCE,
        }
        for territory, (rate, mention, to_confirm) in REGIMES.items()
    ]
