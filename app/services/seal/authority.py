"""Key and certificates of the seal: those of the settings, or of a demonstration authority made once in the data folder."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from flask import Config as Settings

from config import ConfigurationError

#: What the demonstration's authority is called, on documents and on screens too.
DEMONSTRATION = "Autorité de démonstration"
_SEAL_NAME = "Registre CQC, cachet de démonstration"
_LIFE = timedelta(days=3650)
_KEY, _CERTIFICATES, _AUTHORITY = "key.pem", "certificate.pem", "authority.pem"


@dataclass(frozen=True, slots=True)
class Authority:
    """What documents are sealed with.

    ``chain``: the seal's certificate, then those that lead to its authority. ``former``: certificates used before, whose
    seals are still ours.
    """

    key: ec.EllipticCurvePrivateKey
    chain: tuple[x509.Certificate, ...]
    former: tuple[x509.Certificate, ...] = ()

    @property
    def is_demonstration(self) -> bool:
        """Tell whether it is the one the program made for itself."""
        return DEMONSTRATION in (_name(self.chain[0].issuer), _name(self.chain[0].subject))

    @property
    def title(self) -> str:
        """Return « seal (authority) », as documents name it."""
        return f"{_name(self.chain[0].subject)} ({_name(self.chain[0].issuer)})"


def load(settings: Settings) -> Authority:
    """Return the seal of the settings, or the demonstration's, made here at the first call.

    Raises `config.ConfigurationError` for a key or certificate that cannot be read, do not belong together, are not EC P-256,
    or no longer hold; in production also for those of a demonstration.
    """
    key_path, certificate_path = settings["SEAL_KEY"], settings["SEAL_CERTIFICATE"]
    if not key_path and not certificate_path:
        folder = demonstration_folder(Path(settings["DATA_DIR"]))
        key_path, certificate_path = folder / _KEY, folder / _CERTIFICATES
    authority = Authority(
        read_key(Path(key_path), settings["SEAL_KEY_PASSWORD"], "SEAL_KEY"),
        _read_certificates(Path(certificate_path), "SEAL_CERTIFICATE"),
        _read_certificates(Path(settings["SEAL_FORMER"]), "SEAL_FORMER") if settings["SEAL_FORMER"] else (),
    )
    _check(authority)
    if settings["ENVIRONMENT"] == "production" and authority.is_demonstration:
        raise ConfigurationError("SEAL_CERTIFICATE must not be that of a demonstration")
    return authority


def demonstration_folder(data: Path) -> Path:
    """Return the folder of the demonstration's authority, made where there is none.

    The authority's own key is thrown away: nobody can certify anything else in its name.
    """
    return made_once(data, "seal", _make)


def made_once(data: Path, name: str, make: Callable[[Path], None]) -> Path:
    """Return a folder of keys in the data folder, filled by ``make`` where there is none.

    It is made whole under another name, then renamed: of several processes that start at once, one is first and the others
    take what it made.
    """
    folder = data / name
    if folder.is_dir():
        return folder
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = Path(tempfile.mkdtemp(dir=data, prefix=f".{name}-"))  # 0700
    try:
        make(draft)
        with contextlib.suppress(OSError):  # another process was first: its folder is not empty
            draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    if not folder.is_dir():
        raise ConfigurationError(f"the demonstration's keys cannot be written to {folder}")
    return folder


def _make(folder: Path) -> None:
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name, name = _named(DEMONSTRATION), _named(_SEAL_NAME)
    root = (
        _certificate(root_name, root_name, root_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    issued_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
    seal = (
        _certificate(name, root_name, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True, content_commitment=True), critical=True)
        .add_extension(issued_by, critical=False)
        .sign(root_key, hashes.SHA256())
    )
    write_key(folder / _KEY, key)
    pems = [one.public_bytes(serialization.Encoding.PEM) for one in (seal, root)]
    _write(folder / _CERTIFICATES, b"".join(pems))
    _write(folder / _AUTHORITY, pems[1])


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"), x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(**allowed: bool) -> x509.KeyUsage:
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{name: allowed.get(name, False) for name in names})


def write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    """Write a key of the demonstration, which has no password."""
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    _write(path, pem)


def _write(path: Path, content: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def read_key(path: Path, password: str, setting: str) -> ec.EllipticCurvePrivateKey:
    """Return the key of a PEM file; raise `config.ConfigurationError`, naming the setting, when it is none on P-256."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password.encode() if password else None)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigurationError(f"{setting} cannot be read: {type(error).__name__}") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ConfigurationError(f"{setting} must be a key on the curve P-256")
    return key


def _read_certificates(path: Path, setting: str) -> tuple[x509.Certificate, ...]:
    try:
        return tuple(x509.load_pem_x509_certificates(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{setting} cannot be read: {type(error).__name__}") from None


def _check(authority: Authority) -> None:
    certificate = authority.chain[0]
    if certificate.public_key() != authority.key.public_key():
        raise ConfigurationError("SEAL_CERTIFICATE must begin with the certificate of SEAL_KEY")
    now = datetime.now(UTC)
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise ConfigurationError(f"SEAL_CERTIFICATE holds until {certificate.not_valid_after_utc:%Y-%m-%d} only")


def _name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME) or list(name)
    return str(found[0].value) if found else ""
