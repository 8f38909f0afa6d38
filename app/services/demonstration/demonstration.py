"""The demonstration data: two centres, their people, drivers with and without account."""

from __future__ import annotations

from datetime import date

from flask import current_app
from sqlalchemy import select

from app import roles
from app.extensions import db
from app.models import Accreditation, Centre, Driver, Membership, MembershipRight, Person, ServiceContract, Training
from app.models.centre import LEGAL_REPRESENTATIVE, MANAGER, REGISTER, SIGNED
from app.models.identity import DEMONSTRATION
from app.services.accounts import passwords
from app.services.contracts import text as contract_text
from app.services.core import clock
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction
from app.services.reference import shipped

from . import billing

PASSWORD = "volant-Ardoise-2026"  # noqa: S105  the demonstration's, printed at start
SINCE = date(2020, 1, 1)
#: The demonstration's contracts are signed under the first text, so that the second can be offered.
FIRST_TEXT = "1"
#: address, role, first name, last name
PEOPLE = (
    ("agent@demo.example", roles.AGENT, "Agent", "Démo"),
    ("representant@demo.example", roles.CENTRE, "Représentant", "Démo"),
    ("gestionnaire@demo.example", roles.CENTRE, "Gestionnaire", "Démo"),
    ("sansdroit@demo.example", roles.CENTRE, "Sansdroit", "Démo"),
    ("voisin@demo.example", roles.CENTRE, "Voisin", "Démo"),
)
#: last name, first name, birth date, permit number, address
DRIVERS = (
    ("MARTIN", "Marie", date(1985, 4, 12), "850492100123", "conducteur@demo.example"),
    ("LEROY", "Marie", date(2002, 12, 25), "298795874", "leroy@demo.example"),
    ("VERTAPEN", "Benoit", date(1987, 7, 7), "7555755556", "vertapen@demo.example"),
    ("PETIT", "Vincent", date(1981, 10, 20), "22225465545", "petit@demo.example"),
    ("BAELEN", "Jeanne", date(1949, 9, 17), "56656455656", "baelen@demo.example"),
    ("RAIKONEN", "Thomas", date(2001, 3, 21), "24453344634", "raikonen@demo.example"),
)
#: (label, category) the demonstration centre is accredited for
ACCREDITED = {
    ("Préfet de la région Auvergne-Rhône-Alpes", "FI-69-2020-014"): (
        "FIMO Marchandises",
        "FIMO Voyageurs",
        "Passerelle Marchandises",
        "Passerelle Voyageurs",
        "FCO Complète",
        "Module FCO",
    ),
    ("Ministère du Travail", "TP-2020-0457"): ("Titre Professionnel CTRMP",),
    ("Éducation nationale, académie de Lyon", "EN-69-0123"): ("CAP conducteur routier marchandises",),
}


class NotInProduction(Refusal):
    """The demonstration has accounts whose password everybody knows."""

    message = "Les données de démonstration, au mot de passe public, ne se chargent pas en production."


def refuse_in_production() -> None:
    """Raise :class:`NotInProduction` where the program is no demonstration."""
    if current_app.config["ENVIRONMENT"] == "production":
        raise NotInProduction


def is_empty() -> bool:
    """Tell whether the base holds no centre yet."""
    return db.session.execute(select(Centre.id).limit(1)).first() is None


def ensure_roles() -> None:
    """Write the names of the roles; what each may do stands in `app.roles`."""
    for name in (*roles.FAB_ROLES, "Public"):
        current_app.appbuilder.sm.add_role(name)  # type: ignore[attr-defined]


def load() -> bool:
    """Write the demonstration data and answer whether it was needed: a base that has a centre is left as it is.

    Raises :class:`NotInProduction`.
    """
    refuse_in_production()
    ensure_roles()
    if not is_empty():
        return False
    with transaction():
        shipped.load()
        hashed = passwords.hash_of(PASSWORD)  # once: it is slow on purpose, and the password everybody's
        people = {email: _person(email, role, first, last, hashed) for email, role, first, last in PEOPLE}
        demo, neighbour = _centres()
        db.session.add_all([demo, neighbour])
        db.session.flush()
        _open(demo, people["representant@demo.example"], ACCREDITED)
        _open(
            neighbour,
            None,
            {("Préfet de la région Pays de la Loire", "FI-44-2020-007"): ("FIMO Voyageurs", "FCO Complète")},
        )
        _member(demo, people["representant@demo.example"], LEGAL_REPRESENTATIVE)
        _member(demo, people["gestionnaire@demo.example"], MANAGER, REGISTER)
        _member(demo, people["sansdroit@demo.example"], MANAGER)
        _member(neighbour, people["voisin@demo.example"], MANAGER, REGISTER)
        billing.load(demo, people["representant@demo.example"], SINCE)
        for last, first, birth_date, permit, email in DRIVERS:
            _driver(last, first, birth_date, permit, email, hashed)
    return True


def _centres() -> tuple[Centre, Centre]:
    demo = Centre(
        name="Centre de formation Démo",
        siret="12345678200010",
        address="12 rue des Ateliers, 69007 Lyon",
        email="contact@centre-demo.example",
        is_public=False,
        chorus_service="",
    )
    neighbour = Centre(
        name="Centre Voisin",
        siret="98765432400019",
        address="3 quai du Port, 44000 Nantes",
        email="contact@centre-voisin.example",
        is_public=True,
        chorus_service="FORM-CONT",
    )
    return demo, neighbour


def _driver(last: str, first: str, birth_date: date, permit: str, email: str, hashed: str) -> None:
    person = _person(email, roles.DRIVER, first, last.title(), hashed)
    db.session.add(
        Driver(
            last_name=last,
            first_name=first,
            birth_date=birth_date,
            permit_number=permit,
            person=person,
            proof=DEMONSTRATION,
            proved_at=clock.now(),
        )
    )


def _person(email: str, role: str, first_name: str, last_name: str, hashed: str) -> Person:
    security = current_app.appbuilder.sm  # type: ignore[attr-defined]
    person = Person(
        username=email,
        email=email,
        first_name=first_name,
        last_name=last_name,
        active=True,
        password=hashed,
        roles=[security.find_role(role)],
    )
    db.session.add(person)
    return person


def _open(centre: Centre, signer: Person | None, accredited: dict[tuple[str, str], tuple[str, ...]]) -> None:
    text = contract_text.compose(FIRST_TEXT, centre, SINCE) if signer else ""
    db.session.add(
        ServiceContract(
            centre_id=centre.id,
            version=FIRST_TEXT,
            state=SIGNED,
            signed_on=SINCE,
            signed_by=signer,
            text=text,
            text_sha256=contract_text.digest(text) if text else "",
            signer_name=signer.full_name if signer else "",
            signer_quality="Gérant" if signer else "",
        )
    )
    for (authority, number), labels in accredited.items():
        trainings = db.session.execute(select(Training).where(Training.label.in_(labels))).scalars().all()
        db.session.add(
            Accreditation(
                centre_id=centre.id,
                authority=authority,
                number=number,
                valid_from=SINCE,
                trainings=list(trainings),
            )
        )


def _member(centre: Centre, person: Person, role: str, *rights: str) -> None:
    granted = [MembershipRight(right=right, granted_at=clock.now()) for right in rights]
    db.session.add(Membership(centre_id=centre.id, person=person, role=role, rights=granted))
