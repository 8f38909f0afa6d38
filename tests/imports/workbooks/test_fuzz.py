"""Two thousand spoilt files: each is read or refused with one sentence, at once, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import faulthandler
import io
import os
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import openpyxl
import pytest

from app.services.imports import (
    annotated_workbook,
    antivirus,
    reading,
    template_workbook,
    zipguard,
)
from app.services.imports.workbooks import child as child_script
from app.validators.file import FILE_SENTENCES, FileCode, FileRefused, check_content
from app.validators.line import RawLine
from tests.corpus.builders import HEADERS, LINE, Error, Formula, xls, xlsx
from tests.corpus.mutations import bytes_changed, part_changed

FILES = Path(__file__).parents[2] / "corpus" / "files"
EACH = 100
"""Mutations of each .xlsx inside a part; twice as many of its bytes, half as many of each .xls: 2,000 in all."""


def by_openpyxl() -> bytes:
    book, target = openpyxl.Workbook(), io.BytesIO()
    for row in (HEADERS, LINE, [1, 2.5, True, None, "é", *LINE[5:]]):
        book.active.append(row)
    book.create_sheet("Autre").append(HEADERS)
    book.save(target)
    return target.getvalue()


XLSX: dict[str, Callable[[], bytes]] = {
    "our builder": lambda: xlsx(HEADERS, LINE, [Error("#REF!"), 12, *LINE[2:]], [Formula("1", 1), *LINE[1:]]),
    "openpyxl": by_openpyxl,
    "our annotated file": lambda: annotated_workbook.build([(RawLine(1, *LINE), ()), (RawLine(3, *LINE), "écartée")]),
    "our template": lambda: template_workbook.build([("FIMO Marchandises", "Marchandises")]),
    "LibreOffice": (FILES / "rowmerge.xlsx").read_bytes,
    "two sheets": (FILES / "deux-feuilles-remplies.xlsx").read_bytes,
}
XLS: dict[str, Callable[[], bytes]] = {
    "xlwt": lambda: xls(HEADERS, LINE, [Error("#REF!"), 12, *LINE[2:]], [True, *LINE[1:]]),
    "JExcelAPI": (FILES / "jexcelapi_2.6.12.xls").read_bytes,
    "Spreadsheet::WriteExcel": (FILES / "biff8_codepage_1252_utf16_strings.xls").read_bytes,
    "a format of its own": (FILES / "format_id_52_is_00000.xls").read_bytes,
}


def spoilt() -> Iterator[tuple[str, bytes]]:
    """Name and content of each of the 2,000 files, always the same ones."""
    for name, make in XLSX.items():
        content, chance = make(), random.Random(name)
        for number in range(2 * EACH):
            yield f"{name}, bytes, {number}", bytes_changed(content, chance)
        for number in range(EACH):
            yield f"{name}, part, {number}", part_changed(content, chance)
    for name, make in XLS.items():
        content, chance = make(), random.Random(name)
        for number in range(EACH // 2):
            yield f"{name}, bytes, {number}", bytes_changed(content, chance)


class Fork:
    """The child of the reader as a fork of this process, which has all its modules by now: its start is most of the time."""

    def __init__(self, file: IO[bytes], arguments: list[str], waits: int) -> None:
        reads, writes = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            _be_the_child(file.fileno(), writes, arguments)
        with contextlib.suppress(OSError):  # it has done it itself, or is gone
            os.setpgid(self.pid, self.pid)
        os.close(writes)
        self.stdout = os.fdopen(reads, "rb", buffering=0)

    def wait(self) -> None:
        os.waitpid(self.pid, 0)


def _be_the_child(stdin: int, stdout: int, arguments: list[str]) -> None:
    try:
        faulthandler.disable()
        os.setpgid(0, 0)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        os.dup2(stdin, 0)
        os.dup2(stdout, 1)
        os.close(stdout)
        sys.stdin = open(0, encoding="latin-1", closefd=False)  # noqa: SIM115
        kind, task, max_lines, waits = arguments
        child_script.main(kind, task, int(max_lines), int(waits))
        os._exit(0)
    except BaseException:
        os._exit(1)


def outcome(path: Path, content: bytes) -> str:
    """« read », or the code of the refusal; whatever else is raised is a fault of ours."""
    path.write_bytes(content)
    try:
        kind = check_content(content[:8])
        antivirus.check(path, None)
        if kind == "xlsx":
            zipguard.inspect(path)  # what it refuses needs no child to be seen refused
        return "read" if reading.read(path, kind).lines else "nothing read"
    except FileRefused as refusal:
        return "several lines" if "\n" in refusal.message else refusal.code.value


def test_two_thousand_spoilt_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_start", Fork)
    before, others = _open_files(), _children()
    outcomes: dict[str, str] = {}
    for name, content in spoilt():
        outcomes[name] = outcome(tmp_path / "upload", content)
    counts = Counter(outcomes.values())
    assert len(outcomes) == 2_000
    assert set(counts) <= {"read", *FILE_SENTENCES}
    assert min(counts["read"], counts[FileCode.DAMAGED]) > 100, counts
    # It would be said of a file that had killed its reader; none of these has a reason to.
    assert counts[FileCode.UNREADABLE] == 0, [name for name, code in outcomes.items() if code == FileCode.UNREADABLE]
    assert _open_files() == before
    assert [path.name for path in tmp_path.iterdir()] == ["upload"]
    assert _children() == others


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def _children() -> set[str]:
    """Processes that this one has started and not waited for."""
    return {child for task in Path("/proc/self/task").glob("*/children") for child in task.read_text().split()}
