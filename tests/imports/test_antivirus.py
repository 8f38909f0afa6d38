"""The built-in check, which finds a few things and is no antivirus, and clamd played by a small server."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.services.imports import antivirus
from app.services.imports.antivirus import Clean, Infected, Unavailable
from app.validators.file import FileCode, FileRefused
from tests.bases import BOTH
from tests.corpus import hostile
from tests.corpus.builders import HEADERS, LINE, Formula, members, sheet, xls, xlsx, zipped

BACKENDS = BOTH

# In two halves, so that no antivirus takes this source for the test file.
EICAR = "X5O!P%@AP[4\\PZX54(P^)7CC)7}" + "$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
WITH_EICAR = [*LINE[:5], EICAR, *LINE[6:]]


@pytest.fixture
def upload(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        path = tmp_path / "upload"
        path.write_bytes(content)
        return path

    return write


# --- the built-in check -----------------------------------------------------------------------------------------------


def good_files() -> dict[str, bytes]:
    mail = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1"'
        ' Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink"'
        ' Target="mailto:centre@demo.example" TargetMode="External"/></Relationships>'
    )
    return {
        "xlsx": xlsx(HEADERS, LINE),
        "xls": xls(HEADERS, LINE),
        "xls with formulas": xls(HEADERS, [Formula("Feuil1!A1&B1", ""), *LINE[1:]]),
        "mail address": hostile.with_part("xl/worksheets/_rels/sheet1.xml.rels", mail),
        "a bar in a text": xlsx(HEADERS, ["a|b!c", *LINE[1:]]),
        "a bar in a formula": xlsx(HEADERS, [Formula('"a|b"&B2', "a|bCOM1"), *LINE[1:]]),
    }


@pytest.mark.parametrize("name", good_files())
def test_good_files_pass(upload, name: str) -> None:
    assert antivirus.scan(upload(good_files()[name]), None) == Clean()


@pytest.mark.parametrize(
    "content",
    [
        EICAR.encode(),
        xlsx(HEADERS, WITH_EICAR),
        xls(HEADERS, WITH_EICAR),
        xls(HEADERS, [*LINE[:5], EICAR + "Œ", *LINE[6:]]),
        hostile.with_part("xl/media/image1.png", EICAR),
        # Across two of the pieces in which a member is inflated.
        hostile.with_part("xl/media/image1.png", "A" * (1024 * 1024 - 30) + EICAR),
    ],
)
def test_the_eicar_file_is_found_anywhere(upload, content: bytes) -> None:
    assert antivirus.scan(upload(content), None) == Infected("Eicar-Test-Signature")


def external_relation() -> bytes:
    return hostile.with_part(
        "xl/worksheets/_rels/sheet1.xml.rels",
        '<Relationships><Relationship Id="rId1" Type="x/oleObject" Target="file://x" TargetMode="External"/></Relationships>',
    )


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (hostile.with_part("xl/vbaProject.bin"), "macros"),
        (hostile.with_part("xl\\macrosheets\\sheet1.xml"), "macros"),
        (hostile.with_part("xl/embeddings/oleObject1.bin"), "objets incorporés"),
        (hostile.with_part("xl/externalLinks/externalLink1.xml"), "liaisons externes"),
        (external_relation(), "liaisons externes"),
        (xlsx(HEADERS, [Formula("cmd|'/C calc'!A0", "x"), *LINE[1:]]), "liaisons DDE"),
        (hostile.ole(xls(HEADERS, LINE)[512:] + "_VBA_PROJECT".encode("utf-16-le")), "macros"),
        (hostile.ole(b"x" * 9000, "MBD0018D3E5"), "objets incorporés"),
        (hostile.xls_with_supbook(b"\x01\x01other.xls"), "liaisons externes"),
        (hostile.xls_with_supbook(b"cmd\x03/C calc"), "liaisons externes"),
    ],
)
def test_active_content_is_refused_and_named(upload, content: bytes, what: str) -> None:
    with pytest.raises(FileRefused) as refusal:
        antivirus.scan(upload(content), None)
    assert refusal.value.code is FileCode.ACTIVE_CONTENT
    assert f"({what})" in refusal.value.message


@pytest.mark.parametrize("content", [xlsx(HEADERS, LINE)[:-100], hostile.wrong_checksum(), hostile.encrypted_member()])
def test_what_the_guard_refuses_is_left_to_its_own_sentence(upload, content: bytes) -> None:
    assert antivirus.scan(upload(content), None) == Clean()


# --- clamd ------------------------------------------------------------------------------------------------------------

Answer = Callable[[socket.socket], None]


def received(link: socket.socket) -> bytes:
    """What a client sends by INSTREAM."""

    def exactly(size: int) -> bytes:
        data = b""
        while len(data) < size:
            if not (piece := link.recv(size - len(data))):
                raise ConnectionError
            data += piece
        return data

    assert exactly(10) == b"zINSTREAM\0"
    content = b""
    while size := struct.unpack("!I", exactly(4))[0]:
        content += exactly(size)
    return content


@contextmanager
def clamd(tmp_path: Path, answer: Answer) -> Iterator[str]:
    """A server for one connection; its address."""
    path = tmp_path / "clamd.ctl"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        server.settimeout(10)

        def serve() -> None:
            link, _ = server.accept()
            with link:
                answer(link)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"clamd+unix://{path}"
        thread.join(10)
        assert not thread.is_alive()


def saying(text: bytes) -> Answer:
    def answer(link: socket.socket) -> None:
        received(link)
        link.sendall(text)

    return answer


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (b"stream: OK\0", Clean()),
        (b"stream: Win.Test.EICAR_HDB-1 FOUND\0", Infected("Win.Test.EICAR_HDB-1")),
        (b"INSTREAM size limit exceeded. ERROR\0", Unavailable("INSTREAM size limit exceeded. ERROR")),
        (b"stream: Can't allocate memory ERROR\0", Unavailable("stream: Can't allocate memory ERROR")),
        (b"", Unavailable("hung up without an answer")),
        (b"stream: OK but", Unavailable("stream: OK but")),
        (b"x" * 10_000, Unavailable("x" * 8192)),
    ],
)
def test_the_answers_of_clamd(upload, tmp_path: Path, text: bytes, verdict: antivirus.Verdict) -> None:
    with clamd(tmp_path, saying(text)) as url:
        found = antivirus.scan(upload(b"content"), url)
    if isinstance(verdict, Unavailable) and isinstance(found, Unavailable):
        assert found.reason.startswith(verdict.reason[:4096])
    else:
        assert found == verdict


def test_clamd_gets_the_whole_file(upload, tmp_path: Path) -> None:
    content = bytes(range(256)) * 1000
    got: list[bytes] = []

    def answer(link: socket.socket) -> None:
        got.append(received(link))
        link.sendall(b"stream: OK\0")

    with clamd(tmp_path, answer) as url:
        assert antivirus.scan(upload(content), url) == Clean()
    assert got == [content]


def test_an_answer_in_the_middle_of_the_file_is_heard(upload, tmp_path: Path) -> None:
    def answer(link: socket.socket) -> None:
        link.recv(10)
        link.sendall(b"INSTREAM size limit exceeded. ERROR\0")

    with clamd(tmp_path, answer) as url:
        assert isinstance(antivirus.scan(upload(b"x" * 5_000_000), url), Unavailable)


def test_a_clamd_that_never_answers_is_left(upload, tmp_path: Path) -> None:
    left = threading.Event()

    def answer(link: socket.socket) -> None:
        received(link)
        left.wait(10)

    with clamd(tmp_path, answer) as url:
        assert isinstance(antivirus.scan(upload(b"content"), url, seconds=0.2), Unavailable)
        left.set()


def test_a_clamd_that_answers_drop_by_drop_is_left(upload, tmp_path: Path) -> None:
    left = threading.Event()

    def answer(link: socket.socket) -> None:
        received(link)
        while not left.wait(0.05):
            link.sendall(b"s")

    with clamd(tmp_path, answer) as url:
        assert isinstance(antivirus.scan(upload(b"content"), url, seconds=0.4), Unavailable)
        left.set()


@pytest.mark.parametrize(
    "url", ["clamd://127.0.0.1:1", "clamd+unix:///nowhere/clamd.ctl", "clamd://no.such.host.invalid"]
)
def test_no_clamd_is_never_clean(upload, url: str) -> None:
    assert isinstance(antivirus.scan(upload(b"content"), url), Unavailable)


@pytest.mark.parametrize("url", ["http://127.0.0.1:3310", "clamd:///path", "clamd+unix://"])
def test_an_address_that_means_nothing_is_a_fault_of_ours(upload, url: str) -> None:
    with pytest.raises(ValueError, match="ANTIVIRUS_URL"):
        antivirus.scan(upload(b"content"), url)


def test_only_a_clean_file_passes(upload, tmp_path: Path) -> None:
    antivirus.check(upload(xlsx(HEADERS, LINE)), None)
    with pytest.raises(FileRefused, match="« Eicar-Test-Signature »"):
        antivirus.check(upload(zipped(members({"Feuil1": sheet([[EICAR]])}))), None)
    with pytest.raises(FileRefused, match="ne répond pas"):
        antivirus.check(upload(b"content"), f"clamd+unix://{tmp_path}/none")
