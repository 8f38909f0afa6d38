"""The two documents a registered training gives its driver, drawn as PDF files.

Pure: values in, bytes out. No base, no request, no clock, no network, and the same values give the same bytes. Dates
are written JJ/MM/AAAA or in words, time stamps in Paris time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from app.french.spaces import for_paper
from app.services.paper.marking import Info

from .page_form import Shape, draw, fits

__all__ = ["CertificateData", "RecapData", "render_certificate", "render_recap", "warm_up"]

_PARIS = ZoneInfo("Europe/Paris")
_NBSP = "\u00a0"
_MONTHS = (
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
)
_FREE_TEXTS = ("last_name", "first_name", "training_label", "centre_name", "accreditation")
# Points: the width a value has beside its label, and the width of the tinted panel's first cell, in document.css.
_VALUE_WIDTH = 314.0
_HEADLINE_WIDTH = 296.0


@dataclass(frozen=True)
class CertificateData:
    """What stands on a « certificat de qualification de conducteur » (code des transports, R. 3314-27).

    `valid_from` is `established_on`, or the 18th birthday of a holder who is still a minor on that day; `valid_until`
    is the last day of validity. `established_at` is aware. `sealed_by` is the sentence about the seal, left out where empty.
    `statement` is what the QR code says behind « # » (base32).
    """

    number: str
    verify_url: str
    issuer: str
    last_name: str
    first_name: str
    birth_date: date
    permit_number: str
    training_label: str
    category: str
    end_date: date
    established_on: date
    valid_from: date
    valid_until: date
    established_at: datetime
    centre_name: str
    centre_siret: str
    accreditation_number: str
    sealed_by: str = ""
    statement: str = ""


@dataclass(frozen=True)
class RecapData:
    """What stands on a « récapitulatif de formation ».

    `hours` is None where the catalogue gives no duration; without `verify_url` no code is drawn. `recorded_at` is
    aware; `available_until` is the last day the driver finds the document (6 years).
    """

    registration_number: str
    verify_url: str | None
    centre_name: str
    centre_siret: str
    accreditation_number: str
    accreditation_authority: str
    training_label: str
    category: str
    hours: int | None
    end_date: date
    last_name: str
    first_name: str
    birth_date: date
    permit_number: str
    recorded_at: datetime
    available_until: date
    sealed_by: str = ""
    statement: str = ""


def render_certificate(data: CertificateData) -> bytes:
    """Give the certificate as an A4 PDF of one page, of several where the values take more room than that.

    Raises ValueError for a naive `established_at`.
    """
    values = _holder(data) | {
        "number": data.number,
        "verify_url": data.verify_url,
        "issuer": data.issuer,
        "valid_from": _in_words(data.valid_from),
        "valid_until": _in_words(data.valid_until),
        "established_on": _in_words(data.established_on),
        "accreditation": data.accreditation_number,
        "moment": _moment(data.established_at),
        "sealed_by": for_paper(data.sealed_by),
    }
    given = {"verify_url"} | ({"deferred"} if data.valid_from > data.established_on else set())
    given |= {"sealed_by"} if data.sealed_by else set()
    info = Info(f"Certificat de qualification de conducteur {data.number}", data.issuer, data.established_at)
    return draw(Shape("certificate.html", frozenset(given), _long(values)), values, info, _code(data))


def render_recap(data: RecapData) -> bytes:
    """Give the récapitulatif as an A4 PDF of one page, of several where the values take more room than that.

    Raises ValueError for a naive `recorded_at`.
    """
    values = _holder(data) | {
        "number": data.registration_number,
        "verify_url": data.verify_url or "",
        "hours": f"{data.hours} heures" if data.hours else "",
        "end_day": _in_words(data.end_date),
        "accreditation": f"{data.accreditation_number} ({data.accreditation_authority})",
        "moment": _moment(data.recorded_at),
        "available_until": _day(data.available_until),
        "sealed_by": for_paper(data.sealed_by),
    }
    given = frozenset(name for name in ("hours", "verify_url", "sealed_by") if getattr(data, name))
    info = Info(f"Récapitulatif de formation {data.registration_number}", data.centre_name, data.recorded_at)
    shape = Shape("recap.html", given, _long(values), _headline(data.training_label))
    return draw(shape, values, info, _code(data))


def warm_up(trainings: Iterable[tuple[str, int | None]] = ()) -> bytes:
    """Draw each document once, so that fonts and layouts are ready before a worker forks; return the last.

    ``trainings``: label and hours of those that will be drawn, on which the layout depends.
    """
    day, moment = date(2022, 1, 1), datetime(2022, 1, 1, tzinfo=_PARIS)
    who = ("NOM", "Prénom", day, "000000000")
    for label, hours in (("-", 7), *trainings):
        render_certificate(
            CertificateData("-", "-", "-", *who, label, "-", day, day, day, day, moment, "-", "-", "-", "-"),
        )
        page = render_recap(RecapData("-", "-", "-", "-", "-", "-", label, "-", hours, day, *who, moment, day, "-"))
    return page


def _code(data: CertificateData | RecapData) -> str | None:
    """Return what the QR code holds: the address, and behind « # » the signed statement where there is one."""
    return f"{data.verify_url}#{data.statement}" if data.verify_url and data.statement else data.verify_url


def _holder(data: CertificateData | RecapData) -> dict[str, str]:
    return {
        "last_name": data.last_name,
        "first_name": data.first_name,
        "birth_date": _day(data.birth_date),
        "permit_number": data.permit_number,
        "training_label": data.training_label,
        "category": data.category,
        "end_date": _day(data.end_date),
        "centre_name": data.centre_name,
        "centre_siret": _siret(data.centre_siret),
    }


def _long(values: dict[str, str]) -> frozenset[str]:
    """Name the values that need the small type: the usual one would take more than a line."""
    return frozenset(name for name in _FREE_TEXTS if not fits(values[name], 11, _VALUE_WIDTH))


def _headline(label: str) -> str:
    sizes = (("big", 19.0), ("mid", 14.0))
    return next((name for name, size in sizes if fits(label, size, _HEADLINE_WIDTH)), "low")


def _day(day: date) -> str:
    return f"{day:%d/%m/%Y}"


def _in_words(day: date) -> str:
    return f"{'1er' if day.day == 1 else day.day}{_NBSP}{_MONTHS[day.month - 1]} {day.year}"


def _moment(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError("a document's time stamp names its time zone")
    return f"{moment.astimezone(_PARIS):%d/%m/%Y à %H:%M:%S} (heure de Paris)"


def _siret(siret: str) -> str:
    return _NBSP.join(part for part in (siret[:3], siret[3:6], siret[6:9], siret[9:]) if part)
