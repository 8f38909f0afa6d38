"""What the reminders say, worked out as each leaves; nothing where its ground has gone meanwhile."""

from __future__ import annotations

from datetime import date

from flask import current_app
from sqlalchemy import select

from app.extensions import db
from app.french.words import of
from app.models import Accreditation, Batch, Document, Driver, Mail, Person, Registration
from app.models.batch import FILE, OPEN_STATES
from app.models.centre import LEGAL_REPRESENTATIVE
from app.services.core import clock
from app.services.core.numbers import count_of
from app.services.notifications import mail
from app.services.notifications.mail import Content

from . import choices, grounds

#: Accreditations that the month's mail names one by one.
LISTED = 100
_TEMPLATE = "reminders/mail/reminder"


@mail.says(choices.CARD, "Rappel : demander sa carte")
def _card(row: Mail) -> Content:
    document_id, person_id = row.values["subject_id"], row.values["person_id"]
    query = (
        select(Document)
        .join(Document.registration)
        .join(Driver, Driver.id == Registration.driver_id)
        .where(Document.id == document_id, Driver.person_id == person_id)
        .where(*grounds.has_certificate_without_request(clock.today()))
    )
    document = db.session.execute(query).scalar_one_or_none()
    _still_wanted(person_id, choices.CARD)
    if document is None:
        raise mail.Void
    day = f"{document.valid_until:%d/%m/%Y}"
    words = [
        f"Votre certificat de qualification n° {document.number} prend fin le {day}.",
        "Vous n’avez pas encore demandé votre carte de qualification : la demande se fait dans votre espace, "
        "avant cette date.",
    ]
    return _content(
        row, f"Votre certificat prend fin le {day}", words, "/mon-espace/", "Ouvrir mon espace", document.valid_until
    )


@mail.says(choices.FCO, "Rappel : FCO à venir")
def _fco(row: Mail) -> Content:
    person_id, due_on = row.values["person_id"], date.fromisoformat(row.values["due_on"])
    _still_wanted(person_id, choices.FCO)
    owed = [
        due for _, found in grounds.dues(clock.today(), Person.id == person_id) for due in found if due.due_on == due_on
    ]
    if not owed:
        raise mail.Void
    day = f"{due_on:%d/%m/%Y}"
    names = " et ".join(" et ".join(due.categories) for due in owed)
    words = [
        f"Votre prochaine formation continue obligatoire (FCO), {names}, est à terminer le {day} au plus tard.",
        "Cette échéance est calculée d’après les formations de ce registre.",
    ]
    return _content(
        row, f"Votre FCO est à terminer le {day} au plus tard", words, "/mon-espace/", "Ouvrir mon espace", due_on
    )


@mail.says(choices.ACCREDITATION, "Rappel : agrément qui prend fin")
def _accreditation(row: Mail) -> Content:
    own = db.session.get(Accreditation, row.values["subject_id"])
    due_on = date.fromisoformat(row.values["due_on"])
    today = clock.today()
    if own is None or own.withdrawn_on is not None or own.valid_to != due_on or due_on < today:
        raise mail.Void
    if not grounds.acts_for(row.values["person_id"], own.centre_id, today, LEGAL_REPRESENTATIVE):
        raise mail.Void
    day = f"{due_on:%d/%m/%Y}"
    words = [
        f"L’agrément {own.number} ({own.authority}) {of(own.centre.name, is_place=True)} prend fin le {day}.",
        "Les sessions qui se terminent après cette date ne pourront pas être enregistrées sous cet agrément.",
    ]
    return _content(row, f"L’agrément {own.number} prend fin le {day}", words, "/mon-centre/", "Voir mon centre")


@mail.says(choices.WAITING, "Rappel : saisie ou import en attente")
def _waiting(row: Mail) -> Content:
    batch = db.session.get(Batch, row.values["subject_id"])
    left_on = date.fromisoformat(row.values["due_on"])
    if batch is None or batch.state not in OPEN_STATES or batch.updated_at.astimezone(clock.PARIS).date() != left_on:
        raise mail.Void
    if not grounds.acts_for(row.values["person_id"], batch.centre_id, clock.today()):
        raise mail.Void
    is_file = batch.mode == FILE
    what = "Un import" if is_file else "Une saisie"
    words = [
        f"{what} {of(batch.centre.name, is_place=True)} attend depuis le {left_on:%d/%m/%Y} : rien n’en est enregistré.",
        "Reprenez pour enregistrer la session, ou supprimez ce qui n’a plus lieu d’être.",
    ]
    place = f"/imports/{batch.key}" if is_file else f"/sessions/{batch.key}/conducteurs"
    return _content(row, f"{what} attend depuis le {left_on:%d/%m/%Y}", words, place, "Reprendre")


@mail.says(choices.MONTH, "Agréments qui prennent fin dans le mois")
def _month(row: Mail) -> Content:
    first = date.fromisoformat(row.values["due_on"])
    ending = grounds.of_month(first)
    if not ending:
        raise mail.Void
    words = [
        f"Dans le mois, {count_of(len(ending), 'agrément')} :",
        *(f"{one.valid_to:%d/%m/%Y} : {one.number} ({one.authority}), {one.centre.name}" for one in ending[:LISTED]),
    ]
    if (more := len(ending) - LISTED) > 0:
        words.append(f"Et {count_of(more, 'autre')}, dans la liste des agréments.")
    return _content(
        row, f"Agréments qui prennent fin en {first:%m/%Y}", words, "/agrements/list/", "Voir les agréments"
    )


def calendar(uid: str, day: date, title: str) -> bytes:
    """Return a day for a calendar (RFC 5545), with an alarm a week before."""
    safe = title.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;")
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Registre CQC//Rappels//FR",
        "BEGIN:VEVENT",
        f"UID:{uid}",
        f"DTSTAMP:{clock.machine_now():%Y%m%dT%H%M%SZ}",
        f"DTSTART;VALUE=DATE:{day:%Y%m%d}",
        f"SUMMARY:{safe}",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        f"DESCRIPTION:{safe}",
        "TRIGGER:-P7D",
        "END:VALARM",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return "".join(f"{line}\r\n" for line in lines).encode()


def _still_wanted(person_id: int, kind: str) -> None:
    """Raise `mail.Void` for who said no meanwhile, or whose account was closed."""
    if kind not in choices.wanted(person_id) or not db.session.get_one(Person, person_id).active:
        raise mail.Void


def _content(row: Mail, subject: str, words: list[str], place: str, button: str, day: date | None = None) -> Content:
    base = current_app.config["BASE_URL"]
    off = choices.off_url(row.values["person_id"], row.kind) if row.kind in choices.CHOSEN else ""
    values = {"words": words, "url": base + place, "button": button, "off_url": off}
    uid = f"{row.kind}-{row.values['subject_id']}-{row.values['due_on']}@{base.split('//')[-1].split(':')[0]}"
    files = [("rappel.ics", "text/calendar", calendar(uid, day, subject))] if day else []
    return Content(_TEMPLATE, subject, values, files, off_url=off)
