"""What the back office's selects offer, read when a form is drawn."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.models import Accreditation, Centre, Training
from app.models.catalogue import CATEGORIES, PRICE_CLASSES
from app.models.centre import CONTRACT_STATES
from app.services.contracts import text as contract_text
from app.views.shell import filters


def centres() -> list[tuple[int, str]]:
    """Return the centres by name, with their SIRET."""
    rows = db.session.execute(select(Centre.id, Centre.name, Centre.siret).order_by(Centre.name, Centre.id))
    return [(row.id, f"{row.name} ({filters.siret(row.siret)})") for row in rows]


def accreditations() -> list[tuple[int, str]]:
    """Return the accreditations by centre and number."""
    query = (
        select(Accreditation)
        .join(Accreditation.centre)
        .options(joinedload(Accreditation.centre))
        .order_by(Centre.name, Accreditation.number)
    )
    return [(row.id, f"{row.centre.name}, {row.number}") for row in db.session.execute(query).scalars()]


def training_groups() -> dict[str, list[tuple[int, str]]]:
    """Return family → trainings of the catalogue, in its order."""
    groups: dict[str, list[tuple[int, str]]] = {}
    for training in db.session.execute(select(Training).order_by(Training.id)).scalars():
        groups.setdefault(training.family, []).append((training.id, training.full_label))
    return groups


def trainings() -> list[tuple[str, str]]:
    """Return the trainings of the catalogue as a search offers them."""
    return [(str(value), label) for group in training_groups().values() for value, label in group]


def centre_names() -> list[tuple[str, str]]:
    """Return the centres as a search offers them."""
    return [(str(value), label) for value, label in centres()]


def categories() -> list[tuple[str, str]]:
    """Return the two categories."""
    return [(name, name) for name in CATEGORIES]


def price_classes() -> list[tuple[str, str]]:
    """Return the classes of price."""
    return list(PRICE_CLASSES.items())


def contract_versions() -> list[tuple[str, str]]:
    """Return the versions of the contract's text, the latest first."""
    return [(version, f"Version {version}") for version in reversed(contract_text.versions())]


def contract_states() -> list[tuple[str, str]]:
    """Return the states of a contract."""
    return list(CONTRACT_STATES.items())
