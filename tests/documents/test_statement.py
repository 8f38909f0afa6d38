"""What a QR code says, read by nothing but `cryptography` and the standard library, as docs/STATEMENTS.md has it."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from unittest import mock

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.extensions import db
from app.models import Document, Registration
from app.models.registration import CERTIFICATE, RECAP
from app.services.core.transaction import transaction
from app.services.documents import drawing, page_signs, revocation, revocations
from app.services.documents.statement import MAX_BYTES, Statement
from app.services.seal import statement_key
from app.services.seal.statement_key import Keys
from config import ConfigurationError
from tests.bases import under_the_role
from tests.support import MARIE, PIERRE, drain, person_id, registered

# ---- A program that knows nothing of ours: it is the format


def unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def key_of(jwks: dict[str, list[dict[str, str]]], kid: bytes) -> ec.EllipticCurvePublicKey:
    jwk = next(one for one in jwks["keys"] if unpadded(one["kid"]) == kid)
    x, y = (int.from_bytes(unpadded(jwk[name])) for name in "xy")
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def verify(key: ec.EllipticCurvePublicKey, content: bytes, signature: bytes) -> None:
    der = encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
    key.verify(der, content, ec.ECDSA(hashes.SHA256()))


@dataclass
class Said:
    number: str
    kind: str
    days: list[date]
    place: int
    identity: bytes
    initials: str
    category: str
    training: str


def read(code: str, jwks: dict[str, list[dict[str, str]]]) -> Said:
    """Return what a code says; raise where it is not authentic."""
    address, _, statement = code.partition("#")
    content = base64.b32decode(statement + "=" * (-len(statement) % 8))
    if base64.b32encode(content).rstrip(b"=").decode() != statement:
        raise InvalidSignature
    body, signature = content[:-64], content[-64:]
    assert body[0] == 1
    verify(key_of(jwks, body[1:5]), body, signature)
    number = body[6:20].decode()
    days = [date(2000, 1, 1) + timedelta(int.from_bytes(body[at : at + 2])) for at in (20, 22, 24)]
    texts, at = [], 46
    while at < len(body):
        texts.append(body[at + 1 : at + 1 + body[at]].decode())
        at += 1 + body[at]
    number = f"{number[:2]}-{number[2:4]}-{number[4:9]}-{number[9:]}"
    assert address.endswith(f"/verifier/{number}")
    return Said(number, ["recap", "certificate"][body[5]], days, int.from_bytes(body[26:30]), body[30:46], *texts)


def is_revoked(jws: str, jwks: dict[str, list[dict[str, str]]], place: int) -> bool:
    head, payload, signature = jws.split(".")
    verify(key_of(jwks, unpadded(json.loads(unpadded(head))["kid"])), f"{head}.{payload}".encode(), unpadded(signature))
    bits = zlib.decompress(unpadded(json.loads(unpadded(payload))["lists"][place >> 20]))
    assert len(bits) == 128 * 1024
    at = place & 0xFFFFF
    return bool(bits[at >> 3] >> (at & 7) & 1)


# ----


def as_of(document_id: int, keys: Keys | None = None) -> str:
    """Return the code of a document as it is drawn, or as another authority would sign it."""
    document = db.session.get_one(Document, document_id)
    with mock.patch.object(statement_key, "keys", return_value=keys or statement_key.keys()):
        label = document.registration.training.label
        statement = drawing._statement(document, label, document.status_place or 0)
    return f"{drawing.verify_url(document.number)}#{statement}"


@pytest.fixture
def codes(app: Flask) -> Iterator[list[str]]:
    """Collect the codes as they are drawn."""
    drawn: list[str] = []
    real = page_signs.code

    def note(text: str) -> object:
        drawn.append(text)
        return real(text)

    with mock.patch.object(page_signs, "code", note):
        yield drawn


def _document(kind: str) -> Document:
    return db.session.execute(select(Document).where(Document.kind == kind)).scalars().one()


@under_the_role
def test_another_program_reads_both_documents(client: FlaskClient, codes: list[str]) -> None:
    registered(MARIE)
    drain()
    db.session.expire_all()
    jwks = client.get("/verifier/cles.json").get_json()
    said = {one.kind: one for one in (read(code, jwks) for code in codes)}
    for kind in (RECAP, CERTIFICATE):
        document, one = _document(kind), said[kind]
        assert one.number == document.number
        assert one.days == [document.established_on, document.valid_from, document.valid_until]
        assert one.place == document.status_place
        assert (one.initials, one.category, one.training) == ("M. M.", "Marchandises", "FIMO Marchandises")
        words = b"martin|marie|1985-04-12"
        assert one.identity == hashlib.pbkdf2_hmac("sha256", words, document.number.encode(), 10_000, 16)
    for code in codes:
        assert not [word for word in ("MARTIN", "Marie", "850492100123") if word in code]


def test_any_changed_letter_is_noticed(client: FlaskClient, codes: list[str]) -> None:
    registered(MARIE)
    drain()
    jwks = client.get("/verifier/cles.json").get_json()
    code = codes[0]
    start = code.index("#") + 1
    for at in range(start, len(code)):
        other = code[:at] + ("B" if code[at] != "B" else "C") + code[at + 1 :]
        with pytest.raises((InvalidSignature, StopIteration, AssertionError)):
            read(other, jwks)


@under_the_role
def test_the_list_tells_what_was_revoked_or_cancelled_and_nothing_else(client: FlaskClient) -> None:
    registered(MARIE, PIERRE)
    drain()
    certificates = db.session.execute(select(Document).where(Document.kind == CERTIFICATE)).scalars().all()
    others = [one.status_place for one in db.session.execute(select(Document)).scalars() if one.kind == RECAP]
    assert client.get("/verifier/revocations").status_code == 404
    revocation.revoke(certificates[0].id, person_id("agent@demo.example"), "Formation non suivie")
    with transaction():
        revocations.make()
    jwks = client.get("/verifier/cles.json").get_json()
    answer = client.get("/verifier/revocations")
    places = [one.status_place for one in certificates] + others
    assert [is_revoked(answer.text, jwks, place) for place in places] == [True, False, False, False]
    with transaction():
        db.session.execute(
            update(Registration)
            .where(Registration.id == certificates[1].registration_id)
            .values(cancelled_on=certificates[1].established_on)
        )
        revocations.make()
    answer = client.get("/verifier/revocations")
    assert [is_revoked(answer.text, jwks, place) for place in places].count(True) == 3
    again = client.get("/verifier/revocations", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_places_are_of_one_document_each_and_a_full_list_is_128_kib(app: Flask) -> None:
    found = revocations.places(range(1, 3001))
    assert len(set(found.values())) == 3000
    assert max(found.values()) < 1 << 20
    assert revocations.places([(1 << 19) + 1]).popitem()[1] >> 20 == 1
    [packed] = revocations.packed(1, range(0, 1 << 20, 2))
    assert len(zlib.decompress(unpadded(packed))) == 128 * 1024


LONG = Statement(
    "CQ-26-7F3K9-2MDXA", CERTIFICATE, date(2026, 1, 1), date(2026, 1, 1), date(2026, 5, 1), 4_000_000_000, "É" * 60, "È" * 60,
    date(1985, 4, 12), "Marchandises" * 9, "Titre professionnel é" * 9,
)  # fmt: skip


def test_a_statement_is_never_longer_than_it_may_be(app: Flask) -> None:
    content = base64.b32decode((text := LONG.signed(statement_key.keys())) + "=" * (-len(text) % 8))
    assert len(content) == MAX_BYTES
    said = read(f"/verifier/{LONG.number}#{text}", statement_key.keys().published())  # type: ignore[arg-type]
    assert said.training.endswith("…")
    assert LONG.training.startswith(said.training[:-1])


def test_a_new_key_leaves_older_papers_as_they_were(app: Flask, tmp_path: Path) -> None:
    old, new = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    code = f"/verifier/{LONG.number}#{LONG.signed(Keys(old, (), False))}"
    public = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    pems = {
        "new.key": new.private_bytes(public[0], serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        "old.pub": old.public_key().public_bytes(*public) + new.public_key().public_bytes(*public),
    }
    for name, pem in pems.items():
        (tmp_path / name).write_bytes(pem)
    app.config["STATEMENT_KEY"] = str(tmp_path / "new.key")
    with pytest.raises(StopIteration):  # not named among those of before
        read(code, statement_key.load(app.config).published())  # type: ignore[arg-type]
    app.config["STATEMENT_FORMER"] = str(tmp_path / "old.pub")
    keys = statement_key.load(app.config)
    assert read(code, keys.published()).number == LONG.number  # type: ignore[arg-type]
    assert not keys.published()["keys"][0]["demonstration"]
    text = replace(LONG, training="FIMO").signed(keys)
    assert read(f"/verifier/{LONG.number}#{text}", keys.published()).training == "FIMO"  # type: ignore[arg-type]
    # A private key, and a key of another curve of 256 bits.
    (tmp_path / "other.pub").write_bytes(ec.generate_private_key(ec.SECP256K1()).public_key().public_bytes(*public))
    for name in ("new.key", "other.pub"):
        app.config["STATEMENT_FORMER"] = str(tmp_path / name)
        with pytest.raises(ConfigurationError, match="STATEMENT_FORMER"):
            statement_key.load(app.config)


def test_a_certificate_of_before_keeps_its_plain_address(app: Flask) -> None:
    from app.services.documents.pages import _code
    from tests.documents.test_pages import CERTIFICATE as DATA

    assert _code(DATA) == DATA.verify_url
    assert _code(replace(DATA, statement="ABC")) == f"{DATA.verify_url}#ABC"
