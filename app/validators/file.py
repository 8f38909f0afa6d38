"""Refusals of a file as a whole, and its header row. A refusal is one sentence: what is wrong, what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from app.validators.fields import clean, fold
from app.validators.headings import is_address
from app.validators.remark import EMAIL_HEADER, HEADERS

MAX_BYTES = 10 * 1024 * 1024
MAX_LINES = 250_000
DETAIL_HEADER = "Détail"
"""First column of the annotated file we hand back: passed over when that file is sent again."""

Kind = Literal["xls", "xlsx"]


class FileCode(StrEnum):
    """Why a file is refused: stable names, kept in the base and shown by the API."""

    NAME = "not_a_workbook_name"
    CONTENT = "not_a_workbook"
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    INFECTED = "infected"
    ACTIVE_CONTENT = "active_content"
    ANTIVIRUS_UNAVAILABLE = "antivirus_unavailable"
    PASSWORD = "password"  # noqa: S105 — a reason, no secret
    DAMAGED = "damaged"
    EXPANDS = "expands"
    UNREADABLE = "unreadable"
    NO_SHEET = "no_sheet"
    HEADERS = "headers"
    NO_LINE = "no_line"
    TOO_MANY_LINES = "too_many_lines"


FILE_SENTENCES: dict[FileCode, str] = {
    FileCode.NAME: "Le fichier doit être au format XLSX ou XLS : enregistrez-le dans l’un de ces formats.",
    FileCode.CONTENT: (
        "Le contenu du fichier n’est pas celui d’un classeur XLSX ou XLS : "
        "ouvrez-le dans votre tableur et enregistrez-le à nouveau au format XLSX."
    ),
    FileCode.EMPTY: "Le fichier est vide : vérifiez que vous avez choisi le bon fichier.",
    FileCode.TOO_LARGE: "Le fichier dépasse 10 Mo : répartissez les lignes dans plusieurs fichiers.",
    FileCode.INFECTED: (
        "L’antivirus a trouvé « {signature} » dans le fichier : faites contrôler votre poste, "
        "puis repartez du modèle de fichier."
    ),
    FileCode.ACTIVE_CONTENT: (
        "Le fichier contient des éléments qui ne sont pas acceptés ({what}) : "
        "recopiez vos lignes dans le modèle de fichier."
    ),
    FileCode.ANTIVIRUS_UNAVAILABLE: (
        "Le contrôle antivirus ne répond pas, le fichier n’a pas été analysé : réessayez dans quelques minutes."
    ),
    FileCode.PASSWORD: "Le fichier est protégé par un mot de passe : retirez la protection et importez-le à nouveau.",
    FileCode.DAMAGED: (
        "Le fichier est endommagé : ouvrez-le dans votre tableur et enregistrez-le à nouveau au format XLSX."
    ),
    FileCode.EXPANDS: (
        "Le contenu du fichier dépasse, une fois décompressé, les limites acceptées : "
        "recopiez vos lignes dans le modèle de fichier."
    ),
    FileCode.UNREADABLE: (
        "Le fichier est illisible ou trop volumineux : recopiez vos lignes dans le modèle de fichier, "
        "et répartissez-les dans plusieurs fichiers si elles sont très nombreuses."
    ),
    FileCode.NO_SHEET: "Le fichier ne contient aucune feuille : repartez du modèle de fichier.",
    FileCode.HEADERS: "Les en-têtes du fichier ne sont pas ceux du modèle ({what}) : repartez du modèle de fichier.",
    FileCode.NO_LINE: "Le fichier doit contenir au moins une ligne",
    FileCode.TOO_MANY_LINES: ("Le fichier dépasse 250 000 lignes : répartissez les lignes dans plusieurs fichiers."),
}


class FileRefused(Exception):
    """The whole file is refused: `code` for programs, `message` in French for the user.

    INFECTED needs `signature`; ACTIVE_CONTENT and HEADERS need `what` (KeyError otherwise).
    """

    def __init__(self, code: FileCode, **facts: str) -> None:
        self.code = code
        self.message = FILE_SENTENCES[code].format(**facts)
        super().__init__(self.message)


def check_name(filename: str) -> None:
    """Raises FileRefused unless the name ends in .xls or .xlsx, in any case."""
    if not clean(filename).lower().endswith((".xls", ".xlsx")):
        raise FileRefused(FileCode.NAME)


def check_size(size: int) -> None:
    """Raises FileRefused for an empty file or one of more than 10 Mo; size in bytes, of the file itself."""
    if size <= 0:
        raise FileRefused(FileCode.EMPTY)
    if size > MAX_BYTES:
        raise FileRefused(FileCode.TOO_LARGE)


def kind_of(first_bytes: bytes) -> Kind | None:
    """What the first eight bytes say the file is; None when it is neither of the two."""
    if first_bytes.startswith(b"PK\x03\x04"):
        return "xlsx"
    return "xls" if first_bytes.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") else None


def check_content(first_bytes: bytes) -> Kind:
    """The kind of the file by its content; raises FileRefused when it is no workbook."""
    if (kind := kind_of(first_bytes)) is None:
        raise FileRefused(FileCode.CONTENT)
    return kind


def check_line_count(count: int) -> None:
    """Raises FileRefused for no line at all or more than the limit; blank rows are not counted."""
    if count == 0:
        raise FileRefused(FileCode.NO_LINE)
    if count > MAX_LINES:
        raise FileRefused(FileCode.TOO_MANY_LINES)


def unread_sheets(sheet: str, others: Sequence[str]) -> str:
    """What is to be said where other sheets than the one that was read hold lines; empty where none does."""
    if not others:
        return ""
    told = (
        "la feuille {} contient aussi des lignes"
        if len(others) == 1
        else "les feuilles {} contiennent aussi des lignes"
    )
    return (
        f"Seule la feuille « {sheet} » a été lue : {told.format(_quoted(others))}, "
        "enregistrez-les dans un autre fichier pour les importer."
    )


@dataclass(frozen=True, slots=True)
class HeaderMatch:
    """A row compared with the nine headers, and with the one that may be left out."""

    columns: dict[str, int]
    """Field code → index of its column, from 0."""
    missing: tuple[str, ...]
    """Headers of the model that are not there."""
    unknown: tuple[str, ...]
    """Headers that are there and not in the model, as typed."""
    duplicated: tuple[str, ...]
    """Headers of the model that are there several times."""
    email: int | None = None
    """Index of the column of addresses, which may be left out."""

    @property
    def is_complete(self) -> bool:
        """The nine headers, each once, perhaps that of addresses, and no other."""
        return not (self.missing or self.unknown or self.duplicated)

    def check(self) -> None:
        """Raises FileRefused unless the row is complete, saying which headers are wrong."""
        if self.is_complete:
            return
        told = {"manquants": self.missing, "inconnus": self.unknown, "en double": self.duplicated}
        raise FileRefused(
            FileCode.HEADERS,
            what=" ; ".join(f"{word} : {_quoted(names)}" for word, names in told.items() if names),
        )


def _header_key(text: str) -> str:
    """Forgives case, accents and all spaces; the ways to write « N° » fold into one (`fields.fold`)."""
    return fold(text).replace(" ", "")


_FIELD_BY_KEY = {_header_key(header): code for code, header in HEADERS.items()}
_SHOWN = 5  # a wrong sheet may hold hundreds of cells in its first row


def _quoted(names: Sequence[str]) -> str:
    shown = ", ".join(f"« {name[:60]} »" for name in names[:_SHOWN])
    return shown + (" …" if len(names) > _SHOWN else "")


def match_headers(cells: Sequence[str]) -> HeaderMatch:
    """Finds the nine headers in a row, in any order; empty cells and our own « Détail » column are passed over."""
    keys = [_header_key(cell) for cell in cells]
    seen = Counter(_FIELD_BY_KEY[key] for key in keys if key in _FIELD_BY_KEY)
    columns: dict[str, int] = {}
    for index, key in enumerate(keys):
        if key in _FIELD_BY_KEY:
            columns.setdefault(_FIELD_BY_KEY[key], index)
    emails = [index for index, cell in enumerate(cells) if keys[index] not in _FIELD_BY_KEY and is_address(cell)]
    passed_over = {"", _header_key(DETAIL_HEADER), *_FIELD_BY_KEY}
    return HeaderMatch(
        columns=columns,
        missing=tuple(header for code, header in HEADERS.items() if code not in columns),
        unknown=tuple(clean(cell) for at, cell in enumerate(cells) if keys[at] not in passed_over and at not in emails),
        duplicated=(
            *(HEADERS[code] for code, count in seen.items() if count > 1),
            *([EMAIL_HEADER] if len(emails) > 1 else []),
        ),
        email=emails[0] if emails else None,
    )
