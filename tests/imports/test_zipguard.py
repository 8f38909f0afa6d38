"""What the zip guard lets through and what it counts."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from app.services.imports import zipguard
from app.validators.file import FileCode, FileRefused
from tests.corpus import hostile
from tests.corpus.builders import HEADERS, LINE, Error, members, sheet, xlsx, zipped

GOOD = members({"Feuil1": sheet([HEADERS, LINE])})
SIZE = sum(len(content.encode()) for content in GOOD.values())


def inspect(path: Path, content: bytes) -> zipguard.Archive:
    path.write_bytes(content)
    return zipguard.inspect(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_workbook_passes_and_is_counted_inflated(tmp_path: Path, method: int) -> None:
    archive = inspect(tmp_path / "f", zipped(GOOD, method))
    assert (set(archive.names), archive.inflated) == (set(GOOD), SIZE)
    assert not archive.may_have_error_cells


def test_the_limit_is_on_all_members_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipguard, "MAX_INFLATED", SIZE)
    assert inspect(tmp_path / "f", zipped(GOOD)).inflated == SIZE
    with pytest.raises(FileRefused) as refusal:
        inspect(tmp_path / "f", zipped(GOOD | {"xl/media/dot.png": "."}))
    assert refusal.value.code is FileCode.EXPANDS


def test_two_thousand_members_are_the_most(tmp_path: Path) -> None:
    more = {f"xl/media/{number}.png": "" for number in range(zipguard.MAX_ENTRIES - len(GOOD))}
    assert len(inspect(tmp_path / "f", zipped(GOOD | more)).names) == 2_000
    with pytest.raises(FileRefused) as refusal:
        inspect(tmp_path / "f", zipped(GOOD | more | {"xl/one more": ""}))
    assert refusal.value.code is FileCode.EXPANDS


def test_the_mark_of_an_error_cell_is_seen(tmp_path: Path) -> None:
    assert inspect(tmp_path / "f", xlsx(HEADERS, [Error("#REF!"), *LINE[1:]])).may_have_error_cells


def test_a_mark_across_two_pieces(tmp_path: Path) -> None:
    for shift in range(1, 6):
        part = "x" * (1024 * 1024 - shift) + 't="e"'
        assert inspect(tmp_path / "f", zipped(GOOD | {"xl/part.xml": part})).may_have_error_cells


@pytest.mark.parametrize(
    "name", ["../x", "xl/../../x", "/etc/passwd", "..\\x", "C:\\x", "xl\\..\\x", "XL/WORKBOOK.XML"]
)
def test_names_that_mislead_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileRefused) as refusal:
        inspect(tmp_path / "f", hostile.with_part(name))
    assert refusal.value.code is FileCode.DAMAGED


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressions_no_spreadsheet_program_writes_are_refused(tmp_path: Path, method: int) -> None:
    with pytest.raises(FileRefused) as refusal:
        inspect(tmp_path / "f", zipped(GOOD, method))
    assert refusal.value.code is FileCode.DAMAGED


def test_any_cut_is_refused(tmp_path: Path) -> None:
    content = xlsx(HEADERS, LINE)
    for end in range(0, len(content) - 1, 97):
        with pytest.raises(FileRefused):
            inspect(tmp_path / "f", content[:end])


def test_a_byte_missing_anywhere_is_damage_and_never_this_machine_s_fault(tmp_path: Path) -> None:
    content = xlsx(HEADERS, LINE)
    directory = content.rfind(b"PK\x05\x06")
    for at in range(4, directory):
        with pytest.raises(FileRefused) as refusal:
            inspect(tmp_path / "f", content[:at] + content[at + 1 :])
        assert refusal.value.code in (FileCode.DAMAGED, FileCode.PASSWORD, FileCode.CONTENT)


@pytest.mark.parametrize("offset", [0xFFFFFFFE, 0x7FFFFFFF, 10_000_000, 5])
def test_a_member_said_to_be_elsewhere_is_damage(tmp_path: Path, offset: int) -> None:
    content = bytearray(xlsx(HEADERS, LINE))
    for place in (content.find(b"PK\x01\x02") + 42, content.rfind(b"PK\x05\x06") + 16):
        changed = bytearray(content)
        changed[place : place + 4] = offset.to_bytes(4, "little")
        with pytest.raises(FileRefused) as refusal:
            inspect(tmp_path / "f", bytes(changed))
        assert refusal.value.code is FileCode.DAMAGED


def test_any_changed_byte_of_the_cells_is_refused(tmp_path: Path) -> None:
    content = zipped(GOOD)
    start = content.find(b"xl/worksheets/sheet1.xml") + len("xl/worksheets/sheet1.xml")
    end = content.find(b"PK\x01\x02")
    for at in range(start, end, 23):
        changed = bytearray(content)
        changed[at] ^= 0x55
        with pytest.raises(FileRefused) as refusal:
            inspect(tmp_path / "f", bytes(changed))
        assert refusal.value.code is FileCode.DAMAGED
