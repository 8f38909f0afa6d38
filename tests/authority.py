"""A seal that is no demonstration's, as an operator would be given one, and a key for QR codes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def make_seal(folder: Path, curve: ec.EllipticCurve | None = None, days: int = 365) -> dict[str, str]:
    """Write a key and its certificate, which holds for so many days from yesterday on, and return the settings naming them."""
    key = ec.generate_private_key(curve or ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Cachet de l’exploitant")])
    start = datetime.now(UTC) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
        .not_valid_before(start).not_valid_after(start + timedelta(days=days)).sign(key, hashes.SHA256())
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "seal.key").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret")
    ))  # fmt: skip
    (folder / "seal.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    signing = ec.generate_private_key(ec.SECP256R1())
    (folder / "statement.key").write_bytes(signing.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ))  # fmt: skip
    return {
        "SEAL_KEY": str(folder / "seal.key"), "SEAL_KEY_PASSWORD": "secret",
        "STATEMENT_KEY": str(folder / "statement.key"),
        "SEAL_CERTIFICATE": str(folder / "seal.pem"),
    }  # fmt: skip
