"""What the same checks need to know, for programs that do not have the product's rules; standard library only."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

HEADERS = REF, ORDER, LABEL, CATEGORY, END, FIRST, LAST, BORN, PERMIT = (
    "Ref", "Numéro de commande client", "Libellé de formation", "Catégorie de formation", "Fin de formation",
    "Prénom", "Nom", "Date de naissance", "N° de permis",
)  # fmt: skip
NAME = r"[^\W\d_]+(?:(?: |--?|')[^\W\d_]+)*\.?"
#: Header → what its text must look like.
PATTERNS = {REF: r".{0,50}", ORDER: r".{1,50}", FIRST: NAME, LAST: NAME, PERMIT: r"(?=[A-Z]*[0-9])[A-Z0-9]{9,16}"}
#: Trainings the centre is accredited for, as its file names them.
LABELS = (
    "FIMO Marchandises", "FIMO Voyageurs", "FCO Complète", "Module FCO", "Passerelle Marchandises",
    "Passerelle Voyageurs", "Titre Professionnel CTRMP", "CAP conducteur routier marchandises",
)  # fmt: skip
CATEGORIES = ("Marchandises", "Voyageurs")
DATE = "%d/%m/%Y"


def refused(end: date | None, born: date | None, today: date) -> str:
    """Return why the two dates are not accepted, or an empty text; one that is missing is not judged."""
    if end and end > today:
        return "the training ends after today"
    if born and _years(born, today) < 18:
        return "the driver is a minor"
    if born and _years(born, today) > 100:
        return "the driver is over 100"
    return ""


def _years(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def run(check: Callable[[Path, date], int]) -> None:
    """Time a check of the file named on the command line, on the day named after it; print it and the lines in error."""
    path, today = Path(sys.argv[1]), date.fromisoformat(sys.argv[2])
    start = time.perf_counter()
    errors = check(path, today)
    print(json.dumps({"seconds": time.perf_counter() - start, "errors": errors}))
