"""The annotated file, as a spreadsheet program and the next import find it."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from app.services.imports import annotated_workbook, antivirus, reading
from app.services.imports.annotated_workbook import Annotated
from app.services.imports.antivirus import Clean
from app.validators.line import RawLine
from app.validators.remark import Code, Remark
from tests.corpus.builders import HEADERS, LINE

MISSING = Remark(Code.MISSING, "first_name")
FUTURE = Remark(Code.END_DATE_IN_FUTURE, "end_date")
DIFFERS = Remark(Code.IDENTITY_DIFFERS, "last_name")
NO_ACCOUNT = Remark(Code.NO_ACCOUNT)
ROWS: list[Annotated] = [
    (RawLine(1, *LINE), ()),
    (RawLine(2, *LINE[:5], "", *LINE[6:]), (MISSING, FUTURE, NO_ACCOUNT)),
    (RawLine(5, *LINE), (DIFFERS,)),
]


def opened(rows: list[Annotated]) -> Worksheet:
    return openpyxl.load_workbook(io.BytesIO(annotated_workbook.build(rows))).active


def test_the_lines_keep_their_order_and_their_rows() -> None:
    sheet = opened(ROWS)
    assert [cell.value for cell in sheet[1]] == ["Détail", *HEADERS]
    assert [cell.value for cell in sheet[2]] == [None, *LINE]
    assert [cell.value for cell in sheet[4]] == [None] * 10
    assert [cell.value for cell in sheet[6]][1:] == list(LINE)


def test_the_detail_holds_all_remarks_of_the_line() -> None:
    sheet = opened(ROWS)
    assert sheet.row_dimensions[3].height == 45  # points: room for three lines
    assert sheet["A3"].value == "\n".join(remark.message for remark in (MISSING, FUTURE, NO_ACCOUNT))


def test_a_line_that_was_not_judged_says_why_and_bears_no_mark() -> None:
    sheet = opened([(RawLine(1, *LINE), "Ligne écartée de l’import")])
    assert [cell.value for cell in sheet[2]] == ["Ligne écartée de l’import", *LINE]
    assert not any(cell.comment for cell in sheet[2])


def test_faulty_cells_are_coloured_and_commented() -> None:
    sheet = opened(ROWS)
    marked = {
        cell.coordinate: (cell.comment.text, cell.fill.fgColor.rgb)
        for row in sheet.iter_rows()
        for cell in row
        if cell.comment
    }
    assert marked == {
        "F3": (FUTURE.message, "FFF9D7D5"),
        "G3": (MISSING.message, "FFF9D7D5"),
        "H6": (DIFFERS.message, "FFFBEEC2"),
    }
    assert sheet["F2"].fill.fill_type is None


def test_without_a_remark_there_is_no_comment() -> None:
    sheet = opened(ROWS[:1])
    assert sheet.max_row == 2
    assert sheet.legacy_drawing is None


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+33 1", "-1", "@SUM(A1)", "\t=1", "cmd|'/C calc'!A0", "012345678901", 'a<b>&"c"', "_x0041_", "é\nè"],
)
def test_a_text_stays_the_text_it_is(tmp_path: Path, text: str) -> None:
    line = RawLine(1, text, *LINE[1:])
    cell = opened([(line, (Remark(Code.FORMAT, "reference"),))])["B2"]
    assert cell.data_type in {"s", "inlineStr"}
    assert cell.number_format == "@"
    path = tmp_path / "annote.xlsx"
    with path.open("wb") as target:
        annotated_workbook.write([(line, ())], target)
    assert reading.read(path, "xlsx").lines == [line]


def test_it_may_be_sent_again(tmp_path: Path) -> None:
    path = tmp_path / "annote.xlsx"
    path.write_bytes(annotated_workbook.build(ROWS))
    assert antivirus.scan(path, None) == Clean()
    assert reading.read(path, "xlsx").lines == [raw for raw, _ in ROWS]


def test_characters_that_xml_cannot_hold_are_left_out() -> None:
    line = RawLine(1, "a\x00b\x1f\ufffec\ud800", *LINE[1:])
    assert opened([(line, ())])["B2"].value == "abc"


def test_comments_end_where_programs_become_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(annotated_workbook, "MAX_COMMENTS", 3)
    sheet = opened([(RawLine(number, *LINE), (FUTURE,)) for number in range(1, 6)])
    assert [bool(sheet[f"F{row}"].comment) for row in range(2, 7)] == [True] * 3 + [False] * 2
    assert {sheet[f"F{row}"].fill.fgColor.rgb for row in range(2, 7)} == {"FFF9D7D5"}


def test_many_comments_and_remarks_with_numbers_are_whole() -> None:
    other = Remark(Code.DUPLICATE_DRIVER, "permit_number", other_line=4)
    seen = Remark(Code.ALREADY_REGISTERED, on=date(2022, 1, 5))
    sheet = opened([(RawLine(number, *LINE), (other, seen)) for number in range(1, 2_501)])
    assert sheet["J2501"].comment.text == other.message
    assert sheet["A2501"].value == f"{other.message}\n{seen.message}"


def test_lines_that_go_back_are_refused() -> None:
    with pytest.raises(ValueError, match="rising"):
        annotated_workbook.build([(RawLine(2, *LINE), ()), (RawLine(2, *LINE), ())])
