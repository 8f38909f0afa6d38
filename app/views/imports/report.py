"""What the report of a file tells: counts, kinds of error, suggestions, a page of lines, whether « Importer » is open."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import abort, request, url_for

from app.models import Batch, ImportFile
from app.models.batch import FILE, READY
from app.models.centre import REGISTER
from app.services.imports import corrections, remembered
from app.services.imports import desk as import_desk
from app.services.registration import report
from app.services.registration.report import Filter
from app.validators.context import Suggestion
from app.validators.file import unread_sheets
from app.validators.remark import EMAIL, EMAIL_HEADER, Code, Remark, kind_sentence
from app.views.shell.base import Screen, batch_or_404, limits, require_right, strangers
from app.views.shell.headers import is_htmx, page_of_htmx
from app.views.shell.reading import number_of, word_of

#: Field → head of its column, to the letter and in the order of the reference document.
COLUMNS = {
    "reference": "REF", "order_number": "N° de commande", "category": "Typologie", "training_label": "Formation",
    "end_date": "Date de fin de formation", "first_name": "Prénom", "last_name": "Nom",
    "birth_date": "Date de naissance", "permit_number": "N° de permis de conduire",
}  # fmt: skip
#: Kinds of error that a value of the catalogue may mend, and in which column.
_NEARLY_RIGHT = {
    Code.UNKNOWN_TRAINING.value: "training_label",
    Code.UNKNOWN_CATEGORY.value: "category",
    Code.CATEGORY_MISMATCH.value: "category",
}


#: Kinds of remark in few words; one that is left out is said by its sentence.
_SHORT = {
    "missing:order_number": "N° de commande vide",
    "missing:training_label": "Formation vide",
    "missing:category": "Typologie vide",
    "missing:end_date": "Date de fin vide",
    "missing:first_name": "Prénom vide",
    "missing:last_name": "Nom vide",
    "missing:birth_date": "Naissance vide",
    "missing:permit_number": "Permis vide",
    "format:reference": "Format de la référence",
    "format:order_number": "Format du n° de commande",
    "format:end_date": "Format de la date de fin",
    "format:first_name": "Format du prénom",
    "format:last_name": "Format du nom",
    "format:birth_date": "Format de la naissance",
    "format:permit_number": "Format du permis",
    "format:reference:text_column": "Référence : colonne au format TEXTE",
    "format:order_number:text_column": "N° de commande : colonne au format TEXTE",
    "format:permit_number:text_column": "Permis : colonne au format TEXTE",
    "unknown_training": "Libellé inconnu",
    "unknown_category": "Catégorie inconnue",
    "end_date_in_future": "Date de fin future",
    "minor": "Stagiaire mineur",
    "over_100": "Plus de 100 ans",
    "birth_date_in_future": "Naissance future",
    "not_accredited": "CFR non agréé",
    "category_mismatch": "Catégorie d’une autre formation",
    "duplicate_driver": "Conducteur en double",
    "identical_line": "Ligne identique",
    "already_registered": "Déjà enregistré",
    "identity_differs": "Connu sous un autre nom",
    "no_account": "Sans compte",
    "address_unusable": "Adresse non conforme",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of remark in the summary: its code in the address, its sentence, in how many lines it stands."""

    code: str
    sentence: str
    count: int
    is_error: bool
    #: « Vouliez-vous dire … ? »: values that can be corrected in all their lines at once (`corrections.suggestions`).
    fixes: tuple[tuple[str, str, Suggestion, int], ...] = ()

    @property
    def short(self) -> str:
        """Return the kind in few words."""
        return _SHORT.get(self.code, self.sentence)


def import_file(key: str) -> ImportFile:
    """Return the file behind the current centre's batch of that key; 404 for a batch that came by another door."""
    require_right(REGISTER)
    batch = batch_or_404(key)
    file = import_desk.file_of(batch.id) if batch.mode == FILE else None
    if file is None:
        abort(404, "Cet import n’existe pas, ou concerne un autre centre.")
    return file


def columns_of(batch: Batch) -> dict[str, str]:
    """Return the columns of a report: those of the reference document, and the address where lines bear one."""
    return {**COLUMNS, EMAIL: EMAIL_HEADER} if batch.bears_addresses else COLUMNS


def kinds_of(batch: Batch) -> list[Kind]:
    """Return the kinds of remark of the last check, errors first, in the order of the rules."""
    counts: dict[str, int] = (batch.summary or {}).get("kinds", {})
    found = [Kind(k, kind_sentence(k), n, Remark.decode(k).severity == "error") for k, n in counts.items()]
    return sorted(found, key=lambda kind: (not kind.is_error, -kind.count, kind.sentence))


def told(file: ImportFile) -> dict[str, Any]:
    """Return what surrounds the lines: what a correction changes, and what « Importer » depends on."""
    batch = file.batch
    kinds = _with_fixes(batch, kinds_of(batch))
    return {
        "file": file,
        "batch": batch,
        "here": url_for("ImportsView.show", key=batch.key),
        "counts": batch.summary,
        "aside": import_desk.aside_count(batch.id),
        "kinds": kinds,
        "columns": columns_of(batch),
        "limits": limits() if any(kind.code == Code.NOT_ACCREDITED.value for kind in kinds) else None,
        "strangers": strangers(),
        "importable": batch.state == READY and batch.is_checked,
        "undoable": batch.is_open and remembered.last(file) is not None,
    }


def _with_fixes(batch: Batch, kinds: list[Kind]) -> list[Kind]:
    """Return the kinds, each suggestion beside the first one that it mends; no query where none may be mended."""
    mended = {
        field: code for code, field in reversed(_NEARLY_RIGHT.items()) if any(kind.code == code for kind in kinds)
    }
    found = corrections.suggestions(batch) if mended else []
    return [replace(kind, fixes=tuple(one for one in found if mended.get(one[2].field) == kind.code)) for kind in kinds]


def wanted_lines() -> Filter:
    """Return the filter that the address asks for; during an htmx call, that of the page it stands on."""
    asked = dict(parse_qsl(page_of_htmx().query)) if is_htmx() else request.args
    return Filter(word_of("gravite", report.RANKS, asked), asked.get("type", ""), asked.get("q", "").strip()[:100])


def known_total(batch: Batch, wanted: Filter, aside: int) -> int | None:
    """Return how many lines a filter leaves, where the counts of the check say so; None where they must be counted."""
    counts = batch.summary or {}
    if wanted.search or (wanted.kind and wanted.severity):
        return None
    if wanted.kind:
        return int(counts["kinds"].get(wanted.kind, 0))
    by_severity = {"erreurs": counts["errors"], "informations": counts["informations"], "ecartees": aside}
    return int(by_severity.get(wanted.severity, counts["lines"] + aside))


def report_page(screen: Screen, file: ImportFile) -> str:
    """Return the page of the report, at the page of lines and with the filter that the address asks for."""
    known = told(file)
    asked = lines_asked_for(file.batch, known["here"], known["kinds"], known["aside"])
    earlier = import_desk.earlier_receipt(file)
    return str(
        screen.render_template(
            "imports/report.html",
            earlier=earlier,
            unread=unread_sheets(file.sheet, file.other_sheets),
            **asked,
            **known,
        )
    )


def lines_asked_for(batch: Batch, here: str, kinds: list[Kind], aside: int) -> dict[str, Any]:
    """Return the page of lines that the address asks for, its filter in words, and the addresses of its other pages."""
    wanted = wanted_lines()
    asked = {"gravite": wanted.severity, "type": wanted.kind, "q": wanted.search}
    kept = {name: value for name, value in asked.items() if value}
    return {
        "wanted": wanted,
        "shown": report.page(batch, wanted, number_of("page"), known_total(batch, wanted, aside)),
        "address": lambda page: f"{here}?{urlencode({**kept, 'page': page})}",
        "kind_told": next((kind.sentence for kind in kinds if kind.code == wanted.kind), ""),
    }
