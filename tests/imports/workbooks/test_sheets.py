"""Of several sheets the one that is read, and what is told of the others, in both formats."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
import xlwt

from app.services.imports import reading
from app.services.imports.reading import Sheet
from app.validators.file import FileCode, FileRefused, Kind, unread_sheets
from tests.corpus.builders import HEADERS, LINE, Xml, members, sheet, xlsx, zipped

Rows = Sequence[Sequence[object]]
FILLED, MODEL, NOTES = [HEADERS, LINE], [HEADERS], [["Mode d’emploi"], ["à lire"]]
MANY = [["Liste"], *[[f"FCO {n}"] for n in range(50)]]


def as_xlsx(sheets: Mapping[str, tuple[Rows, int]]) -> bytes:
    parts = members({name: sheet(rows) for name, (rows, _) in sheets.items()})
    for name, (_, hidden) in sheets.items():
        state = ("visible", "hidden", "veryHidden")[hidden]
        parts["xl/workbook.xml"] = parts["xl/workbook.xml"].replace(f'name="{name}"', f'name="{name}" state="{state}"')
    return zipped(parts)


def as_xls(sheets: Mapping[str, tuple[Rows, int]]) -> bytes:
    book = xlwt.Workbook()
    for name, (rows, hidden) in sheets.items():
        target = book.add_sheet(name)
        target.visibility = hidden
        for number, values in enumerate(rows):
            for column, value in enumerate(values):
                target.write(number, column, value)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


@pytest.fixture(params=["xlsx", "xls", "xlsx read slowly", "xls read slowly"])
def read(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Sheet]:
    """Reads a workbook of these sheets; each way of reading follows the same rule."""
    kind: Kind = "xlsx" if request.param.startswith("xlsx") else "xls"
    if "slowly" in request.param:
        monkeypatch.setattr(reading, "READ", "careful")

    def read_sheets(**sheets: tuple[Rows, int]) -> Sheet:
        path = tmp_path / "upload"
        path.write_bytes((as_xlsx if kind == "xlsx" else as_xls)(sheets))
        return reading.read(path, kind)

    return read_sheets


@pytest.mark.parametrize(
    ("sheets", "chosen", "others"),
    [
        ({"A": (FILLED, 0), "B": (FILLED, 0)}, "A", ["B"]),
        ({"A": (MODEL, 0), "B": (FILLED, 0), "C": (FILLED, 0)}, "B", ["C"]),
        ({"A": (FILLED, 1), "B": (FILLED, 0)}, "B", []),
        ({"A": (FILLED, 2), "B": (MODEL, 0), "C": (FILLED, 0)}, "C", []),
        ({"A": (NOTES, 0), "B": (FILLED, 1)}, "B", []),
        ({"A": (NOTES, 0), "B": (MODEL, 1), "C": (FILLED, 2), "D": (FILLED, 1)}, "C", ["D"]),
        ({"A": (NOTES, 0), "B": (FILLED, 0), "C": (MANY, 0), "D": (MODEL, 0)}, "B", []),
        ({"A": ([HEADERS, [" "] * 9], 0), "B": (FILLED, 0)}, "B", []),
        ({"A": ([["Titre"], HEADERS, LINE], 0), "B": ([["x"], HEADERS, [""] * 9, LINE], 0)}, "A", ["B"]),
    ],
)
def test_which_sheet_is_read(read, sheets: Mapping[str, tuple[Rows, int]], chosen: str, others: list[str]) -> None:
    found = read(**sheets)
    assert (found.name, len(found.lines), found.others) == (chosen, 1, others)


def test_a_visible_model_without_a_line_keeps_a_hidden_sheet_unread(read) -> None:
    with pytest.raises(FileRefused) as refused:
        read(Ancien=(FILLED, 1), Modele=(MODEL, 0))
    assert refused.value.code is FileCode.NO_LINE


@pytest.mark.parametrize("wrong", [[*HEADERS[:8], "Permis B"], [*HEADERS, "Observations"]])
def test_a_slip_in_the_visible_headers_is_told_and_nothing_hidden_read(read, wrong: Sequence[str]) -> None:
    with pytest.raises(FileRefused, match=re.escape(wrong[-1])) as refused:
        read(Novembre=([wrong, LINE], 0), Ancien=(FILLED, 1))
    assert refused.value.code is FileCode.HEADERS


@pytest.mark.parametrize("others", [["Novembre"], []])
def test_a_sheet_that_kills_the_quick_reader_is_still_told_of(tmp_path: Path, others: list[str]) -> None:
    far = '<row><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    second = sheet(FILLED if others else MODEL).replace("</sheetData>", far)
    path = tmp_path / "upload"
    path.write_bytes(zipped(members({"Octobre": sheet(FILLED), "Novembre": second})))
    handed: list[int] = []
    found = reading.read(path, "xlsx", on_lines=lambda lines, _: handed.extend(line.number for line in lines))
    assert (found.name, handed, found.others) == ("Octobre", [1], others)


def test_lines_are_handed_out_once_where_the_quick_reader_stumbles_halfway(tmp_path: Path) -> None:
    # A day that no calendar has, which calamine takes to Python and Python refuses.
    wrong = [*LINE[:4], Xml('<c r="{ref}" s="2"><v>1e300</v></c>'), *LINE[5:]]
    path = tmp_path / "upload"
    path.write_bytes(xlsx(HEADERS, *[LINE] * 20_000, wrong, LINE))
    handed: list[int] = []
    found = reading.read(path, "xlsx", on_lines=lambda lines, _: handed.extend(line.number for line in lines))
    assert handed == list(range(1, 20_003)) == [line.number for line in found.lines]
    assert found.lines[20_000].end_date == "1E+300"


def test_the_sentence_of_the_sheets_that_were_not_read() -> None:
    assert unread_sheets("Octobre", []) == ""
    assert unread_sheets("Octobre", ["Novembre"]) == (
        "Seule la feuille « Octobre » a été lue : la feuille « Novembre » contient aussi des lignes, "
        "enregistrez-les dans un autre fichier pour les importer."
    )
    assert "les feuilles « A », « B » contiennent aussi" in unread_sheets("Octobre", ["A", "B"])
