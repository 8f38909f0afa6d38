"""Files made to harm: one sentence each, this process alive and small, nothing left behind."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.services.imports import reading
from app.services.imports.workbooks import child as child_script
from app.validators.file import FILE_SENTENCES, FileCode, FileRefused, Kind, check_content
from tests.corpus import hostile
from tests.corpus.builders import HEADERS, LINE, sheet, xls, xlsx, xlsx_of


def refusal(path: Path, content: bytes, kind: Kind | None = None) -> FileRefused:
    """The refusal of a file that comes with these bytes, its kind being told by them unless given."""
    path.write_bytes(content)
    with pytest.raises(FileRefused) as refused:
        reading.read(path, kind or check_content(content[:8]))
    return refused.value


@pytest.mark.parametrize(
    ("make", "codes"),
    [
        (lambda: hostile.cell_at("A4294967295"), {FileCode.DAMAGED, FileCode.UNREADABLE}),
        (lambda: hostile.cell_at("A99999999999999999999"), {FileCode.DAMAGED, FileCode.UNREADABLE}),
        (hostile.external_entity, {FileCode.DAMAGED}),
        (hostile.billion_laughs, {FileCode.DAMAGED}),
        (hostile.huge_cell, {FileCode.EXPANDS}),
        (hostile.lying_sizes, {FileCode.EXPANDS}),
        (hostile.shared_strings, {FileCode.UNREADABLE}),
        (hostile.nested_tags, {FileCode.HEADERS}),
        (hostile.many_members, {FileCode.EXPANDS}),
        (hostile.climbing_member, {FileCode.DAMAGED}),
        (hostile.twice_the_same_member, {FileCode.DAMAGED}),
        (hostile.wrong_checksum, {FileCode.DAMAGED}),
        (hostile.encrypted_member, {FileCode.PASSWORD}),
        (hostile.encrypted_xlsx, {FileCode.PASSWORD}),
        (hostile.encrypted_xls, {FileCode.PASSWORD}),
        (hostile.shared_string_out_of_range, {FileCode.DAMAGED}),
        (hostile.xls_with_endless_sectors, {FileCode.DAMAGED, FileCode.UNREADABLE}),
        (lambda: hostile.with_part("xl/vbaProject.bin"), {FileCode.ACTIVE_CONTENT}),
        (lambda: hostile.with_part("xl/macrosheets/sheet1.xml"), {FileCode.ACTIVE_CONTENT}),
        (lambda: xlsx(HEADERS, LINE)[:-200], {FileCode.DAMAGED}),
        (lambda: xlsx(HEADERS, LINE)[:1000], {FileCode.DAMAGED}),
        (lambda: xls(HEADERS, LINE)[:3000], {FileCode.DAMAGED, FileCode.UNREADABLE}),
        (lambda: hostile.ole(b"\x09\x08" + b"\xff" * 9000), {FileCode.DAMAGED, FileCode.UNREADABLE}),
        (lambda: hostile.ole(b"A letter" * 1000, "WordDocument"), {FileCode.CONTENT}),
        (lambda: hostile.zipped({"word/document.xml": "A letter", "[Content_Types].xml": ""}), {FileCode.CONTENT}),
        (lambda: hostile.zipped({"xl/workbook.bin": "", "[Content_Types].xml": ""}), {FileCode.CONTENT}),
        (lambda: xlsx_of("<worksheet><sheetData><row"), {FileCode.DAMAGED, FileCode.HEADERS}),
        (lambda: xlsx_of(sheet([])), {FileCode.HEADERS}),
        (hostile.web_page, {FileCode.CONTENT}),
        (hostile.csv, {FileCode.CONTENT}),
        (lambda: b"", {FileCode.EMPTY}),
    ],
)
def test_one_sentence_for_each(tmp_path: Path, make: Callable[[], bytes], codes: set[FileCode]) -> None:
    content = make()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    path = tmp_path / "upload"
    path.write_bytes(content)
    with pytest.raises(FileRefused) as refused:
        reading.read(path, check_content(content[:8]) if content else "xlsx")
    assert refused.value.code in codes
    assert "\n" not in refused.value.message
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024  # KiB


def test_lines_beyond_the_limit_are_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(hostile.many_rows(40_000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(FileRefused) as refused:
        reading.read(path, "xlsx", max_lines=2_000)
    assert refused.value.code is FileCode.TOO_MANY_LINES
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 1024  # KiB


@pytest.mark.parametrize(("content", "kind"), [(xls(HEADERS, LINE), "xlsx"), (xlsx(HEADERS, LINE), "xls")])
def test_a_file_read_under_the_other_kind_is_refused(tmp_path: Path, content: bytes, kind: Kind) -> None:
    assert refusal(tmp_path / "upload", content, kind).code is FileCode.CONTENT


def test_a_good_file_is_read_after_the_bad_ones(tmp_path: Path) -> None:
    path = tmp_path / "upload"
    assert refusal(path, hostile.shared_strings()).code is FileCode.UNREADABLE
    path.write_bytes(xlsx(HEADERS, LINE))
    assert len(reading.read(path, "xlsx").lines) == 1


# --- whatever the child does ------------------------------------------------------------------------------------------


def as_child(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str) -> Callable[[], FileRefused]:
    """A reader whose child is this program; call it for the refusal."""
    script = tmp_path / "child.py"
    script.write_text("import os, struct, sys, time, json\n" + textwrap.dedent(program))
    monkeypatch.setattr(child_script, "__file__", str(script))
    return lambda: refusal(tmp_path / "upload", xlsx(HEADERS, LINE))


@pytest.mark.parametrize(
    "program",
    [
        "os.abort()",
        "os.kill(os.getpid(), 9)",
        "sys.exit(1)",
        "sys.exit(0)",
        "raise BaseException('a panic')",
        "os.write(1, b'E')",
        "os.write(1, struct.pack('!cI', b'E', 4_000_000_000))",
        "os.write(1, struct.pack('!cI', b'E', 2) + b'{}')",
        "os.write(1, struct.pack('!cI', b'E', 2) + b'[]')",
        "os.write(1, struct.pack('!cI', b'E', 12) + b'{\"lines\": 5}')",
        "os.write(1, struct.pack('!cI', b'?', 2) + b'{}')",
        "os.write(1, struct.pack('!cI', b'R', 16) + b'{\"code\": \"other\"}')",
        "os.write(1, struct.pack('!cI', b'L', 2) + b'\\xff\\xff')",
        'p = b\'{"count": 1, "first": 0, "numbers": null, "not_text": {}}\' + b\'\\x1e\' * 9\n'
        "os.write(1, struct.pack('!cI', b'L', len(p)) + p)",
        'p = b\'{"count": 1, "first": 1, "numbers": [1], "not_text": {}}\' + b\'\\x1e\' * 8\n'
        "os.write(1, struct.pack('!cI', b'L', len(p)) + p)",
        'p = b\'{"count": 1000000000000, "first": 1, "numbers": null, "not_text": {}}\' + b\'\\x1e\' * 9\n'
        "os.write(1, struct.pack('!cI', b'L', len(p)) + p)",
        "p = b'[' * 100_000\nos.write(1, struct.pack('!cI', b'H', len(p)) + p)",
        "while True: os.write(1, struct.pack('!cI', b'L', 1 << 20) + b' ' * (1 << 20))",
    ],
)
def test_another_end_of_the_child_is_an_unreadable_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str
) -> None:
    assert as_child(monkeypatch, tmp_path, program)().message == FILE_SENTENCES[FileCode.UNREADABLE]


def test_a_child_that_hangs_is_killed_with_its_own_children(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(reading, "WALL_SECONDS", 0.5)
    alive = tmp_path / "alive"
    os.mkfifo(alive)
    # Both hold the fifo open for reading: once they are gone, writing to it fails.
    program = f"os.open({str(alive)!r}, os.O_RDONLY | os.O_NONBLOCK)\nos.fork()\ntime.sleep(60)"
    holder = os.open(alive, os.O_RDWR)
    assert as_child(monkeypatch, tmp_path, program)().code is FileCode.UNREADABLE
    os.close(holder)
    until = time.monotonic() + 15  # the grandchild ends in its own time
    while time.monotonic() < until:
        try:
            os.close(os.open(alive, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            return
        time.sleep(0.01)
    pytest.fail("someone still holds the fifo")


def confined(program: str) -> subprocess.CompletedProcess[bytes]:
    """What a program does within the limits of the child."""
    path = Path(child_script.__file__).parent
    head = f"import os, sys; sys.path.insert(0, {str(path)!r}); import child as c; c.confine()\n"
    return subprocess.run([sys.executable, "-I", "-c", head + program], capture_output=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("program", "fault"),
    [
        ("x = bytearray(1100 * 1024 * 1024)", b"MemoryError"),
        ("open(sys.argv[0] + '/tmp/never', 'w').write('x')", b""),
        ("f = os.memfd_create('x'); os.write(f, b'x')", b"File too large"),
        ("c.shut(); open('/etc/hostname')", b"Too many open files"),
        ("c.shut(); import socket; socket.socket()", b"Too many open files"),
    ],
)
def test_the_child_cannot(program: str, fault: bytes) -> None:
    done = confined(program)
    assert done.returncode != 0
    assert fault in done.stderr


def test_the_child_gets_no_setting_of_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SECRET_KEY", "never handed on")
    program = """
        def send(letter, text): os.write(1, struct.pack('!cI', letter, len(text)) + text)
        send(b'R', json.dumps({"code": "headers", "cells": [*os.environ, str(sys.flags.isolated)]}).encode())
    """
    message = as_child(monkeypatch, tmp_path, program)().message
    assert "SECRET_KEY" not in message
    assert "« 1 »" in message
