"""What a driver with an account is told: the identity was corrected, two records were joined, or parted again."""

from __future__ import annotations

from collections.abc import Iterable

from app.extensions import db
from app.models import Driver, DriverMerge, IdentityCorrection, Mail, Person
from app.services.core.numbers import enumerated
from app.services.notifications import mail
from app.services.notifications.mail import Content

#: Kinds of mails; their values hold the ``correction``, or the ``merge`` and the ``driver``, by their ids.
CORRECTED, JOINED, PARTED = "identity_corrected", "drivers_joined", "drivers_parted"
#: Column → what people call it.
FIELDS = {
    "last_name": "le nom",
    "first_name": "le prénom",
    "birth_date": "la date de naissance",
    "permit_number": "le N° de permis",
}


def tell_corrected(correction: IdentityCorrection, driver: Driver) -> None:
    """Make due the mail to the driver whose identity was corrected, where there is an account; no commit."""
    if driver.person is not None:
        mail.make_due(CORRECTED, driver.person.email, {"correction": correction.id, "person": driver.person.id})


def tell_joined(merge: DriverMerge, driver: Driver) -> None:
    """Make due the mail that says that two records are one; no commit."""
    _tell(JOINED, merge, [driver])


def tell_parted(merge: DriverMerge, drivers: Iterable[Driver]) -> None:
    """Make due the mail that says that they are two again, to each account that was concerned; no commit."""
    _tell(PARTED, merge, drivers)


def changed(correction: IdentityCorrection) -> list[str]:
    """Return what a correction changed, in words."""
    before = {
        "last_name": correction.last_name,
        "first_name": correction.first_name,
        "birth_date": correction.birth_date.isoformat(),
        "permit_number": correction.permit_number,
    }
    return [words for field, words in FIELDS.items() if before[field] != correction.after[field]]


def _tell(kind: str, merge: DriverMerge, drivers: Iterable[Driver]) -> None:
    for driver in drivers:
        if driver.person is not None:
            mail.make_due(kind, driver.person.email, {"merge": merge.id, "person": driver.person.id})


@mail.says(CORRECTED, "Identité corrigée")
def _corrected(row: Mail) -> Content:
    correction = db.session.get_one(IdentityCorrection, row.values["correction"])
    what = changed(correction)
    verb = "a été corrigé" if len(what) == 1 else "ont été corrigés"
    told = f"Un agent a corrigé votre identité au Registre CQC : {enumerated(what)} {verb}."
    kept = "Les documents déjà établis restent tels qu’ils sont : ils portent l’identité du jour où ils l’ont été."
    return _content(row, "Votre identité est corrigée", [told, kept])


@mail.says(JOINED, "Deux fiches de conducteur réunies")
def _joined(row: Mail) -> Content:
    merge = db.session.get_one(DriverMerge, row.values["merge"])
    if merge.undone_at is not None:
        raise mail.Void
    told = (
        "Un agent a réuni deux fiches qui portaient sur vous. Les formations et les documents de l’une et de l’autre "
        "figurent désormais ensemble dans votre espace."
    )
    return _content(row, "Vos formations sont réunies", [told])


@mail.says(PARTED, "Deux fiches de conducteur séparées")
def _parted(row: Mail) -> Content:
    told = (
        "Un agent avait réuni deux fiches de conducteur. Cette réunion est défaite : votre espace montre de nouveau vos "
        "seules formations et vos seuls documents."
    )
    return _content(row, "Une réunion de fiches est défaite", [told])


def _content(row: Mail, subject: str, told: list[str]) -> Content:
    """Return what is told to the person of an account that leads to a driver still; raise `mail.Void` where it does not."""
    person = db.session.get_one(Person, row.values["person"])
    if not db.session.query(Driver.id).filter(Driver.person_id == person.id).first():
        raise mail.Void
    return Content("identities/mail/identity_told", subject, {"first_name": person.first_name, "told": told})
