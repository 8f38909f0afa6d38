"""The model of the import file: nine text columns and an optional one, lists that follow the catalogue, instructions."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from app.validators.fields import fold
from app.validators.file import MAX_LINES
from app.validators.remark import EMAIL, EMAIL_HEADER, HEADERS

SESSIONS, INSTRUCTIONS, LISTS = "Sessions", "Mode d’emploi", "Listes"

_TEXT = "@"
_LAST_ROW = MAX_LINES + 1
_HEAD_FILL = PatternFill("solid", start_color="FF1F3A5F")
_HEAD_FONT = Font(name="Calibri", bold=True, color="FFFFFFFF")
_WRAPPED = Alignment(wrap_text=True, vertical="top")


@dataclass(frozen=True, slots=True)
class Hint:
    """What is said of a column, beside its cells and on the instruction sheet."""

    text: str
    example: str
    width: int
    """Of the column, in characters."""
    is_needed: bool = True


HINTS: dict[str, Hint] = {
    "reference": Hint(
        "Identifiant différenciant, pour les centres dont le numéro de commande est annuel. 50 caractères au plus.",
        "REF20220101",
        18,
        is_needed=False,
    ),
    "order_number": Hint(
        "Index de votre facture. Pour un organisme public, le numéro CHORUS. 50 caractères au plus.", "COM202201", 28
    ),
    "training_label": Hint(
        "Choisissez dans la liste : elle suit la catégorie déjà choisie sur la ligne.", "FIMO Marchandises", 42
    ),
    "category": Hint("Qualification : Marchandises ou Voyageurs.", "Marchandises", 24),
    "end_date": Hint("Au format JJ/MM/AAAA, au plus tard la date du jour.", "05/01/2022", 18),
    "first_name": Hint("Prénom du conducteur, en lettres.", "Pierre", 20),
    "last_name": Hint("Nom du conducteur, en lettres.", "DUPONT", 24),
    "birth_date": Hint("Au format JJ/MM/AAAA.", "01/01/1990", 20),
    "permit_number": Hint(
        "Numéro d’enregistrement préfectoral harmonisé (NEPH), saisi comme du texte pour garder ses zéros de tête.",
        "850492100123",
        20,
    ),
    EMAIL: Hint(
        "Adresse où le conducteur est invité, une fois enregistré, à créer son compte s’il n’en a pas.",
        "prenom.nom@exemple.fr",
        36,
        is_needed=False,
    ),
}
#: Field → header of its column, the one that may be left out behind the nine.
_HEADS = {**HEADERS, EMAIL: EMAIL_HEADER}

_RULES = (
    "Saisissez une ligne par conducteur et par formation dans la feuille « Sessions ».",
    "Le fichier doit rester au format XLSX ou XLS, ne pas dépasser 10 Mo, et les colonnes au format TEXTE.",
    "Évitez les copier/coller entre fichiers. Le cas échéant, utilisez le collage des valeurs seules et assurez-vous "
    "que le format texte des cellules est maintenu.",
    "Veuillez vous assurer que le fichier importé ne comporte pas de ligne déjà envoyée : elle serait facturée à "
    "nouveau.",
    "Soyez particulièrement vigilants dans la saisie de la date de naissance et du N° de permis : ces données "
    "identifient le conducteur.",
)


def build(trainings: Sequence[tuple[str, str]]) -> bytes:
    """The model as an .xlsx; `trainings` are (label, category) pairs, in any order.

    A label that stands in two categories is offered in both. With no training the two columns have no list.
    """
    book = Workbook()
    sessions = book.active
    sessions.title = SESSIONS
    _write_sessions(sessions)
    _write_instructions(book.create_sheet(INSTRUCTIONS))
    if trainings:
        _write_lists(book, sorted(set(trainings), key=lambda pair: (fold(pair[1]), fold(pair[0]))))
    _add_hints(sessions, has_lists=bool(trainings))
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def _write_sessions(sheet: Worksheet) -> None:
    for number, field in enumerate(_HEADS, 1):
        column = sheet.column_dimensions[get_column_letter(number)]
        column.width = HINTS[field].width
        column.number_format = _TEXT
        _head(sheet, 1, number, _HEADS[field])
    sheet.freeze_panes = "A2"


def _head(sheet: Worksheet, row: int, column: int, text: str) -> None:
    cell = sheet.cell(row, column, text)
    cell.font, cell.fill, cell.number_format = _HEAD_FONT, _HEAD_FILL, _TEXT


def _write_instructions(sheet: Worksheet) -> None:
    sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet["A1"] = "Mode d’emploi du fichier d’import"
    sheet["A1"].font = Font(name="Calibri", bold=True, size=14)
    for row, rule in enumerate(_RULES, 3):
        cell = sheet.cell(row, 1, f"{row - 2}. {rule}")
        cell.alignment = _WRAPPED
        sheet.merge_cells(start_row=row, end_row=row, start_column=1, end_column=4)
        sheet.row_dimensions[row].height = 32
    first = len(_RULES) + 4
    for column, (text, width) in enumerate((("Colonne", 30), ("Saisie", 16), ("Contenu", 70), ("Exemple", 24)), 1):
        _head(sheet, first, column, text)
        sheet.column_dimensions[get_column_letter(column)].width = width
    for row, (field, hint) in enumerate(HINTS.items(), first + 1):
        needed = "obligatoire" if hint.is_needed else "facultative"
        # Said outright: LibreOffice makes room for the lines it counts with another font than it prints.
        sheet.row_dimensions[row].height = 15 * -(-len(hint.text) // 60)
        for column, text in enumerate((_HEADS[field], needed, hint.text, hint.example), 1):
            cell = sheet.cell(row, column, text)
            cell.alignment, cell.number_format = _WRAPPED, _TEXT


def _write_lists(book: Workbook, trainings: list[tuple[str, str]]) -> None:
    """The hidden sheet: pairs sorted by category, then all categories, then all labels, each under a name."""
    sheet = book.create_sheet(LISTS)
    sheet.sheet_state = "hidden"
    categories = list(dict.fromkeys(category for _, category in trainings))
    labels = sorted({label for label, _ in trainings}, key=fold)
    columns = ([category for _, category in trainings], [label for label, _ in trainings], categories, labels)
    for column, texts in enumerate(columns, 1):
        for row, text in enumerate(texts, 1):
            sheet.cell(row, column, text).number_format = _TEXT
    for name, letter, count in (("categories", "C", len(categories)), ("libelles", "D", len(labels))):
        book.defined_names[name] = DefinedName(name, attr_text=f"{LISTS}!${letter}$1:${letter}${count}")
    last = len(trainings)
    pairs = f"{LISTS}!$A$1:$A${last}"
    # The labels of the category of the line; all of them as long as it has none that is known.
    chosen = f"OFFSET({LISTS}!$B$1,MATCH($D2,{pairs},0)-1,0,COUNTIF({pairs},$D2),1)"
    sessions = book[SESSIONS]
    _add_list(sessions, "training_label", f"IF(COUNTIF({pairs},$D2)=0,libelles,{chosen})")
    _add_list(sessions, "category", "categories")


def _add_list(sheet: Worksheet, field: str, formula: str) -> None:
    # A warning, not a stop: what is nearly right is judged, and explained, at the import.
    rule = DataValidation("list", formula1=formula, allow_blank=True, showErrorMessage=True, errorStyle="warning")
    rule.errorTitle, rule.error = "Valeur inconnue", "Cette valeur n’est pas dans la liste. La garder ?"
    _prompt(rule, field)
    rule.add(_cells(field))
    sheet.add_data_validation(rule)


def _add_hints(sheet: Worksheet, *, has_lists: bool) -> None:
    for field in _HEADS:
        if has_lists and field in ("training_label", "category"):
            continue
        rule = DataValidation(None, allow_blank=True)
        _prompt(rule, field)
        rule.add(_cells(field))
        sheet.add_data_validation(rule)


def _prompt(rule: DataValidation, field: str) -> None:
    hint = HINTS[field]
    needed = "Obligatoire." if hint.is_needed else "Facultatif."
    rule.showInputMessage = True
    rule.promptTitle = _HEADS[field][:32]
    rule.prompt = f"{needed} {hint.text} Exemple : {hint.example}"[:255]


def _cells(field: str) -> str:
    letter = get_column_letter([*_HEADS].index(field) + 1)
    return f"{letter}2:{letter}{_LAST_ROW}"
