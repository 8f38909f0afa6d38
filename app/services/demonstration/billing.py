"""Who sells in the demonstration, and how its first centre is billed; the second has still to fill that in (`money`)."""

from __future__ import annotations

from datetime import date

from app.extensions import db
from app.models import BillingProfile, BillingTerritory, Centre, Person, Seller
from app.services.core import clock
from app.validators.postal import Territory


def load(centre: Centre, by: Person, since: date) -> None:
    """Write the seller and a centre's profile; no commit."""
    db.session.add(
        Seller(
            name="Opérateur du registre (démonstration)",
            legal_form="SAS",
            capital="100 000 €",
            rcs="RCS Lyon 800 000 002",
            siren="800000002",
            siret="80000000200017",
            vat_number="FR22800000002",
            street="1 place du Registre",
            postcode="69000",
            city="Lyon",
            iban="FR7630006000011234567890189",
            bic="EXMPFRPPXXX",
            e_address="800000002",
            vat_on_debits=True,
            valid_from=since,
        )
    )
    db.session.add(
        BillingProfile(
            centre_id=centre.id,
            name=centre.name,
            siret=centre.siret,
            vat_number="FR11123456782",
            street="12 rue des Ateliers",
            postcode="69007",
            city="Lyon",
            e_address="123456782",
            accounts_email="comptabilite@centre-demo.example",
            updated_at=clock.now(),
            updated_by=by,
        )
    )
    db.session.add(BillingTerritory(centre_id=centre.id, valid_from=since, territory=Territory.METROPOLE))
