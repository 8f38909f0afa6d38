"""The annotated file sent again untouched meets the same errors, whatever program saved it in between."""

from __future__ import annotations

import io
import random
import shutil
import subprocess
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlwt

from app.services.imports import annotated_workbook, reading
from app.validators.batch import Report, check_batch
from app.validators.file import Kind, kind_of
from app.validators.line import TEXT_FIELDS, RawLine
from app.validators.reading import parse_lines
from app.validators.remark import FIELDS, ORDER, TEXT_COLUMN, Code
from tests.corpus.builders import DATE_STYLE, HEADERS, Error, Formula, Xml, serial, xlsx
from tests.validators.facts import ALL_IDS, CATALOGUE, CTCR, GOOD, accreditation, context

FACTS = context(
    accreditations=(accreditation(ALL_IDS - {CTCR}),),
)

MOMENT = Xml('<c r="{ref}" s="1"><v>44566.604166</v></c>')
HOUR, DURATION = Xml('<c r="{ref}" s="1"><v>0.5</v></c>'), Xml('<c r="{ref}" s="2"><v>1.75</v></c>')
ODD: Sequence[object] = (
    *("=1+1", "+33", "-2+3", "@x", "'82R987928", "00042", "_x0041_", " a  b ", "D’HONDT", "Jean\nPierre", "a\r\nb", "\ttab"),
    *("L3ROY", "x" * 80, "x" * 3_000, "31/02/1990", "1/1/90", "VRAI", "12:00:00", "1,5", "#REF!", "#SPILL!", "\u200b", " "),
    *("82R987928", "012345678901", "850492100123.0", "8.50492100123E11", "é" * 10, "<&>\"'", "05/01/2022", "", None),
    *(0, 42, -3, 0.1 + 0.2, 1e20, 1.5e-7, 123456789012345, 1234567890123456, 50492100123, 850492100123, 850492100123.5),
    *(True, False, date(2022, 1, 5), date(1900, 1, 5), date(1990, 2, 28), MOMENT, HOUR, DURATION),
    *(Error("#REF!"), Error("#N/A"), Error("#FIELD!"), Formula("1+1", 2.5), Formula('""', ""), Formula("1", Error("#NUM!"))),
)  # fmt: skip


def lines_of_every_kind(seed: int) -> list[list[object]]:
    """Good lines with every odd value in every field, and some with several; every rule has its line."""
    chance = random.Random(seed)
    lines: list[list[object]] = [list(GOOD.values())]
    for changes in (
        {"training_label": "Titre Professionnel CTCR", "category": "Voyageurs"}, {"category": "Voyageurs"},
        {"end_date": "20/01/2022"}, {"birth_date": "01/01/2010"}, {"birth_date": "01/01/1900"}, {"birth_date": "01/01/2030"},
        {"reference": "R2"}, {}, {"training_label": "?", "category": "?"}, {"permit_number": "82R987920"},
    ):  # fmt: skip
        lines.append(list({**GOOD, **changes}.values()))
    for place in range(len(FIELDS)):
        for value in ODD:
            lines.append([*list(GOOD.values())[:place], value, *list(GOOD.values())[place + 1 :]])
    lines += [chance.choices([*GOOD.values(), *ODD], k=9) for _ in range(100)]
    chance.shuffle(lines)
    return lines


def judged(lines: Sequence[RawLine]) -> Report:
    return check_batch(parse_lines(lines, CATALOGUE), FACTS)


def told(report: Report) -> dict[int, list[str]]:
    return {row.line.number: [remark.encode() for remark in row.remarks] for row in report.rows}


# --- what a person's program does to the file when it is opened and saved ---------------------------------------------


def untouched(content: bytes) -> bytes:
    return content


def saved_by_a_library(content: bytes) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(content))
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def cells(content: bytes) -> list[list[Any]]:
    return [list(row) for row in openpyxl.load_workbook(io.BytesIO(content)).active.iter_rows(values_only=True)]


def saved_as_xls(content: bytes) -> bytes:
    book, clock = xlwt.Workbook(), xlwt.easyxf(num_format_str="[h]:mm:ss")
    target = book.add_sheet("Sessions")
    for number, values in enumerate(cells(content)):
        for column, value in enumerate(values):
            if value is not None:
                style = clock if isinstance(value, time | timedelta) else DATE_STYLE
                dated = isinstance(value, time | timedelta | date)
                target.write(number, column, _number(value) if dated else value, *([style] if dated else []))
    saved = io.BytesIO()
    book.save(saved)
    return saved.getvalue()


def saved_by_libreoffice(content: bytes) -> bytes:
    """As its export writes cells: a boolean is a formula, a blank is not there, numbers say that they are."""
    return xlsx(*[[_as_libreoffice(value) for value in row] for row in cells(content)])


def _as_libreoffice(value: Any) -> Xml | str | None:
    match value:
        case None:
            return Xml("")
        case bool():
            return Xml(f'<c r="{{ref}}" t="b"><f aca="false">{str(value).upper()}()</f><v>{int(value)}</v></c>')
        case time() | timedelta():
            return Xml(f'<c r="{{ref}}" s="2" t="n"><v>{_number(value)!r}</v></c>')
        case date():
            return Xml(f'<c r="{{ref}}" s="1" t="n"><v>{_number(value)!r}</v></c>')
        case int() | float():
            return Xml(f'<c r="{{ref}}" s="0" t="n"><v>{value!r}</v></c>')
    return str(value)


def _number(value: Any) -> float:
    if isinstance(value, datetime):
        return serial(value.date()) - (value.date() < date(1900, 3, 1))
    if isinstance(value, time):
        value = timedelta(hours=value.hour, minutes=value.minute, seconds=value.second)
    return value / timedelta(days=1)


def opened_in_libreoffice(folder: Path, content: bytes, kind: Kind) -> bytes:
    """What LibreOffice itself makes of it."""
    (folder / "annote.xlsx").write_bytes(content)
    (folder / "saved").mkdir()
    command = ["soffice", f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", kind]
    command += ["--outdir", "saved", "annote.xlsx"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    return (folder / "saved" / f"annote.{kind}").read_bytes()


WAYS = [untouched, saved_by_a_library, saved_as_xls, saved_by_libreoffice]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seed", [1, 2])
def test_the_same_errors_come_again(tmp_path: Path, seed: int, way: Callable[[bytes], bytes]) -> None:
    comes_again(tmp_path, seed, way)


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
@pytest.mark.parametrize("kind", ["xlsx", "xls"])
def test_the_same_errors_come_again_through_libreoffice(tmp_path: Path, kind: Kind) -> None:
    comes_again(tmp_path, 1, lambda content: opened_in_libreoffice(tmp_path, content, kind))


def comes_again(folder: Path, seed: int, way: Callable[[bytes], bytes]) -> None:
    first = sent(folder, xlsx(HEADERS, *lines_of_every_kind(seed)))
    report = judged(first)
    rows = sorted(report.rows, key=lambda row: row.line.number)
    again = sent(folder, way(annotated_workbook.build([(row.line.raw, row.remarks) for row in rows])))
    assert told(judged(again)) == told(report)
    assert [(line.number, line.not_text) for line in again] == [(line.number, line.not_text) for line in first]
    assert untyped(again) == untyped(first)


def sent(folder: Path, content: bytes) -> list[RawLine]:
    path = folder / "sent"
    path.write_bytes(content)
    kind: Kind | None = kind_of(content[:8])
    assert kind is not None
    return reading.read(path, kind).lines


def untyped(lines: Sequence[RawLine]) -> list[list[str]]:
    """What was read of the cells that were no text."""
    return [[line.values()[field] for field in line.not_text.split()] for line in lines if line.not_text]


def test_every_kind_of_remark_took_part(tmp_path: Path) -> None:
    lines = sent(tmp_path, xlsx(HEADERS, *lines_of_every_kind(1)))
    kinds = set(judged(lines).kinds)
    about_the_past = {Code.ALREADY_REGISTERED.value, Code.IDENTITY_DIFFERS.value, Code.LOOKS_ALIKE.value}  # of no cell
    about_the_past |= {Code.ADDRESS_UNUSABLE.value}  # of no column of the nine
    expected = {
        code.value if code not in (Code.MISSING, Code.FORMAT) else f"{code.value}:{field}" for code, field in ORDER
    }
    assert expected - about_the_past | {f"format:{field}:{TEXT_COLUMN}" for field in TEXT_FIELDS} <= kinds


def test_a_number_goes_back_as_a_number_and_what_is_typed_in_its_place_is_text(tmp_path: Path) -> None:
    line = RawLine(1, *GOOD.values())._replace(permit_number="50492100123", not_text="permit_number")
    for remarks in ((), "Ligne écartée de l’import", judged([line]).rows[0].remarks):
        cell = openpyxl.load_workbook(io.BytesIO(annotated_workbook.build([(line, remarks)]))).active["J2"]
        assert (cell.value, cell.number_format) == (50492100123, "@")


def test_addresses_come_again_beside_what_is_said_of_them(tmp_path: Path) -> None:
    typed = ["pierre@", "", "p.dupont@exemple.fr"]
    first = [RawLine(at, *GOOD.values())._replace(email=email) for at, email in enumerate(typed, 1)]
    rows = [(row.line.raw, row.remarks) for row in sorted(judged(first).rows, key=lambda row: row.line.number)]
    content = annotated_workbook.build(rows, addresses=True)
    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    assert [cell.value for cell in sheet["K"]] == ["Courriel", "pierre@", None, "p.dupont@exemple.fr"]
    assert "Adresse électronique non conforme" in sheet["A2"].value
    assert "Adresse électronique non conforme" in sheet["K2"].comment.text
    assert sent(tmp_path, content) == first
    assert openpyxl.load_workbook(io.BytesIO(annotated_workbook.build(rows))).active.max_column == 10


def test_a_line_set_aside_keeps_its_fault(tmp_path: Path) -> None:
    line = RawLine(1, *GOOD.values())._replace(order_number="VRAI", not_text="order_number")
    assert sent(tmp_path, annotated_workbook.build([(line, "Ligne écartée de l’import")])) == [line]
