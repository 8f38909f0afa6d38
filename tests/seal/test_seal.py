"""The seal, judged by an independent reader: valid as sealed, invalid from the first byte changed."""

from __future__ import annotations

import io
import multiprocessing
import re
import shutil
import subprocess
from pathlib import Path
from random import Random

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.keys import load_certs_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from app.services.documents.pages import render_certificate
from app.services.seal import authority as seal_authority
from app.services.seal import checking as seal_check
from app.services.seal import sealing as seal
from app.services.seal.checking import Finding
from config import ConfigurationError
from tests.authority import make_seal
from tests.backends import missing
from tests.documents.test_pages import CERTIFICATE

from .conftest import bare_app

HEXADECIMAL = re.compile(rb"<[0-9a-fA-F]{512,}>")


@pytest.fixture(scope="session")
def trusting(authority_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder of trusted authorities, as a reader on somebody's machine keeps it, that holds ours."""
    if not shutil.which("certutil") or not shutil.which("pdfsig"):
        missing("pdfsig or certutil")
    folder = tmp_path_factory.mktemp("nss")
    authority = seal_authority.demonstration_folder(authority_folder) / "authority.pem"
    for options in (["-N", "--empty-password"], ["-A", "-n", "demo", "-t", "C,C,C", "-i", str(authority)]):
        subprocess.run(["certutil", "-d", f"sql:{folder}", *options], check=True, capture_output=True)
    return folder


def pdfsig(content: bytes, folder: Path, nss: Path) -> str:
    """Return what poppler's checker says."""
    path = folder / "document.pdf"
    path.write_bytes(content)
    return subprocess.run(["pdfsig", "-nssdir", f"sql:{nss}", str(path)], capture_output=True, text=True).stdout


def flipped(content: bytes, at: int) -> bytes:
    """Return the content with one bit of one byte changed."""
    changed = bytearray(content)
    changed[at] ^= 1
    return bytes(changed)


def test_an_independent_reader_finds_the_seal_valid(document: bytes, tmp_path: Path, trusting: Path) -> None:
    said = pdfsig(document, tmp_path, trusting)
    assert "Signature is Valid." in said
    assert "Certificate is Trusted." in said
    assert "Total document signed" in said
    assert "ETSI.CAdES.detached" in said
    assert said.count("Signature #") == 1


def test_one_flipped_byte_makes_it_invalid(document: bytes, tmp_path: Path, trusting: Path) -> None:
    at = document.index(b"stream\n", 2000) + 30  # in what is drawn: the file still opens
    said = pdfsig(flipped(document, at), tmp_path, trusting)
    assert "Signature is Valid." not in said
    assert "Digest Mismatch" in said


def test_a_second_reader_agrees_and_allows_no_change(sealed: bytes, authority_folder: Path) -> None:
    (root,) = load_certs_from_pemder([str(authority_folder / "seal" / "authority.pem")])
    (signature,) = PdfFileReader(io.BytesIO(sealed)).embedded_signatures
    status = validate_pdf_signature(signature, ValidationContext(trust_roots=[root], allow_fetching=False))
    assert status.bottom_line
    assert status.docmdp_ok
    assert signature.docmdp_level is not None
    assert signature.docmdp_level.value == 1


def test_our_own_look_finds_it_intact(document: bytes) -> None:
    assert seal_check.look(document) is Finding.INTACT


def test_wherever_a_byte_changes_the_look_sees_it(sealed: bytes) -> None:
    start, end = HEXADECIMAL.search(sealed).span()  # type: ignore[union-attr]
    chance = Random(5)
    for at in [0, start - 1, end, len(sealed) - 1, *chance.sample(range(start), 40)]:
        assert seal_check.look(flipped(sealed, at)) is Finding.ALTERED, at
    # In the signature itself, nothing may remain that is ours.
    missed = [at for at in range(start + 1, end - 1, 7) if seal_check.look(flipped(sealed, at)) is Finding.INTACT]
    assert missed == []


@pytest.mark.parametrize("change", [lambda pdf: pdf + b"\n", lambda pdf: pdf[:-1], lambda pdf: b" " + pdf])
def test_what_is_added_or_cut_is_seen(sealed: bytes, change) -> None:
    assert seal_check.look(change(sealed)) is Finding.ALTERED


def test_a_page_without_seal_or_with_another_is_none_of_ours(sealed: bytes, tmp_path: Path) -> None:
    page = render_certificate(CERTIFICATE)
    assert seal_check.look(page) is Finding.NONE
    with bare_app(tmp_path).app_context():
        assert seal_check.look(sealed) is Finding.NONE
        foreign = seal.seal(page)
        assert seal_check.look(foreign) is Finding.INTACT
    assert seal_check.look(foreign) is Finding.NONE
    # A second file's seal put into the first.
    mixed = HEXADECIMAL.sub(HEXADECIMAL.search(seal.seal(page))[0], sealed)  # type: ignore[index]
    assert seal_check.look(mixed) is Finding.ALTERED


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.binary(min_size=256, max_size=600), st.binary(max_size=300))
def test_no_made_up_file_stops_the_look(authority_folder: Path, before: bytes, inside: bytes, after: bytes) -> None:
    with bare_app(authority_folder).app_context():
        for text in (inside.hex(), inside.hex()[:-1], "30" * len(inside), "30 80" * len(inside)):
            assert seal_check.look(before + b"<" + text.encode() + b">" + after) is Finding.NONE


def test_a_seal_used_before_is_still_ours(sealed: bytes, authority_folder: Path, tmp_path: Path) -> None:
    former = str(authority_folder / "seal" / "certificate.pem")
    with bare_app(tmp_path, SEAL_FORMER=former).app_context():
        assert seal_check.look(sealed) is Finding.INTACT


def _start(folder: Path, gate, answers) -> None:
    gate.wait()
    answers.put((seal_authority.demonstration_folder(folder) / "certificate.pem").read_bytes())


def test_processes_that_start_at_once_make_one_authority(tmp_path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    gate, answers = fork.Barrier(6), fork.Queue()
    processes = [fork.Process(target=_start, args=(tmp_path, gate, answers)) for _ in range(6)]
    for process in processes:
        process.start()
    made = {answers.get(timeout=30) for _ in processes}
    for process in processes:
        process.join()
    assert len(made) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["seal"]


def test_only_we_may_read_the_key(tmp_path: Path) -> None:
    folder = seal_authority.demonstration_folder(tmp_path)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert {path.name for path in folder.iterdir()} == {"key.pem", "certificate.pem", "authority.pem"}


def test_the_demonstration_names_itself(sealing: Flask) -> None:
    assert seal.authority().is_demonstration
    assert "Autorité de démonstration" in seal.notice()
    assert "sans valeur légale" in seal.notice()


def settings_of(folder: Path) -> dict[str, str]:
    """Return settings that name the authority of another folder as if it were a real one."""
    made = seal_authority.demonstration_folder(folder)
    return {"SEAL_KEY": str(made / "key.pem"), "SEAL_CERTIFICATE": str(made / "certificate.pem")}


def test_a_key_that_is_not_the_certificates_is_refused(tmp_path: Path) -> None:
    one, other = settings_of(tmp_path / "one"), settings_of(tmp_path / "other")
    app = bare_app(tmp_path, SEAL_KEY=one["SEAL_KEY"], SEAL_CERTIFICATE=other["SEAL_CERTIFICATE"])
    with pytest.raises(ConfigurationError, match="SEAL_CERTIFICATE must begin with"):
        seal_authority.load(app.config)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"SEAL_KEY": "/nowhere"}, "SEAL_KEY cannot be read"),
        ({"SEAL_KEY": __file__}, "SEAL_KEY cannot be read"),
        ({"SEAL_CERTIFICATE": __file__}, "SEAL_CERTIFICATE cannot be read"),
        ({"SEAL_FORMER": "/nowhere"}, "SEAL_FORMER cannot be read"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, change: dict[str, str], named: str) -> None:
    app = bare_app(tmp_path, **{**settings_of(tmp_path), **change})
    with pytest.raises(ConfigurationError, match=named):
        seal_authority.load(app.config)


@pytest.mark.parametrize(
    ("curve", "days", "named"),
    [(ec.SECP384R1(), 365, "P-256"), (ec.SECP256R1(), 1, "SEAL_CERTIFICATE holds until")],
)
def test_a_key_of_another_kind_or_a_certificate_run_out_is_refused(
    tmp_path: Path, curve: ec.EllipticCurve, days: int, named: str
) -> None:
    with pytest.raises(ConfigurationError, match=named):
        seal_authority.load(bare_app(tmp_path, **make_seal(tmp_path, curve, days)).config)


def test_a_real_seal_names_its_authority(tmp_path: Path) -> None:
    with bare_app(tmp_path, **make_seal(tmp_path)).app_context():
        assert not seal.authority().is_demonstration
        assert "Cachet de l’exploitant" in seal.notice()
        assert seal_check.look(seal.seal(render_certificate(CERTIFICATE))) is Finding.INTACT
        assert not (tmp_path / "seal").exists()


def test_production_refuses_a_demonstrations_certificate(tmp_path: Path) -> None:
    app = bare_app(tmp_path, **settings_of(tmp_path))
    app.config["ENVIRONMENT"] = "production"
    with pytest.raises(ConfigurationError, match="demonstration"):
        seal_authority.load(app.config)


def test_the_authority_can_certify_nothing_more(tmp_path: Path) -> None:
    folder = seal_authority.demonstration_folder(tmp_path)
    leaf, root = x509.load_pem_x509_certificates((folder / "certificate.pem").read_bytes())
    leaf.verify_directly_issued_by(root)
    assert b"PRIVATE" not in b"".join(path.read_bytes() for path in folder.iterdir() if path.name != "key.pem")
    assert leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
