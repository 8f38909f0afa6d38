"""The facts of the reference document: a day, the catalogue, an accredited centre, a good line."""

from __future__ import annotations

from datetime import date
from typing import Any

from app.validators.batch import Judge, Report, check_batch
from app.validators.context import Accreditation, Catalogue, Category, Context, Period, Training
from app.validators.line import Line, RawLine
from app.validators.reading import parse_lines
from app.validators.remark import Remark

TODAY = date(2022, 1, 10)

GOODS, PASSENGERS = Category.GOODS, Category.PASSENGERS
_SCHOOL = "Éducation nationale"
_ENTRIES = (
    ("FIMO Marchandises", GOODS, "FIMO"),
    ("FIMO Voyageurs", PASSENGERS, "FIMO"),
    ("Passerelle Marchandises", GOODS, "Passerelle"),
    ("Passerelle Voyageurs", PASSENGERS, "Passerelle"),
    ("FCO Complète", GOODS, "FCO"),
    ("FCO Complète", PASSENGERS, "FCO"),
    ("Module FCO", GOODS, "FCO"),
    ("Module FCO", PASSENGERS, "FCO"),
    ("Titre Professionnel CTRMP", GOODS, "Titre professionnel"),
    ("Titre Professionnel CTRMV", GOODS, "Titre professionnel"),
    ("Titre Professionnel CTCR", PASSENGERS, "Titre professionnel"),
    ("Bac pro CTRM", GOODS, _SCHOOL),
    ("CAP conducteur routier marchandises", GOODS, _SCHOOL),
    ("CAP conducteur livreur de marchandises", GOODS, _SCHOOL),
    ("CAP conducteur agent d'accueil en autobus et autocar", PASSENGERS, _SCHOOL),
)
CATALOGUE = Catalogue(
    Training(number, label, category, family, minors_allowed=family == _SCHOOL, is_module=label == "Module FCO")
    for number, (label, category, family) in enumerate(_ENTRIES, 1)
)
ALL_IDS = frozenset(training.id for training in CATALOGUE.trainings)
FIMO_GOODS, FCO_GOODS, CTCR = 1, 5, 11

GOOD = {
    "reference": "REF20220101",
    "order_number": "COM202201",
    "training_label": "FIMO Marchandises",
    "category": "Marchandises",
    "end_date": "01/01/2022",
    "first_name": "PIERRE",
    "last_name": "DUPONT",
    "birth_date": "01/01/1990",
    "permit_number": "82R987928",
}
DRIVER = (date(1990, 1, 1), "82R987928")


def accreditation(ids: frozenset[int] = ALL_IDS, start: date = date(2020, 1, 1), **facts: Any) -> Accreditation:
    """An accreditation for these trainings, from a day to `end`."""
    return Accreditation(ids, Period(start, facts.pop("end", None)), **facts)


def context(**facts: Any) -> Context:
    """A centre accredited for everything, whose driver has an account, unless said otherwise."""
    usual: dict[str, Any] = {
        "today": TODAY,
        "catalogue": CATALOGUE,
        "accreditations": (accreditation(),),
        "accounts": frozenset({DRIVER}),
    }
    return Context(**{**usual, **facts})


def raw(number: int = 1, **changes: Any) -> RawLine:
    """A good line with some fields changed."""
    return RawLine(number, **{**GOOD, **changes})


def parsed(**changes: Any) -> Line:
    return parse_lines([raw(**changes)], CATALOGUE)[0]


def remarks(facts: Context | None = None, **changes: Any) -> tuple[Remark, ...]:
    """The remarks of a good line with some fields changed, taken alone."""
    return Judge().check([parsed(**changes)], facts or context())[0].remarks


def kinds(facts: Context | None = None, **changes: Any) -> list[str]:
    return [remark.kind for remark in remarks(facts, **changes)]


def report(*changes: dict[str, Any], facts: Context | None = None) -> Report:
    """The report on good lines, numbered from 1, each with some fields changed."""
    raws = [raw(number, **change) for number, change in enumerate(changes, 1)]
    return check_batch(parse_lines(raws, CATALOGUE), facts or context())
