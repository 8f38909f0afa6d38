"""The files that rows speak of: where each lies, and whether it is still the one that was stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import Select, select

from app.extensions import db
from app.models import CardRequest, DataExport, Document, IdentityCheck, ImportFile, Invoice, ServiceContract
from app.models.registration import DOCUMENT_FAULTS
from app.services.documents import integrity
from app.services.imports import uploads
from app.services.invoicing import filing
from app.services.storage import store


def _sent(path: str) -> bytes:
    """Return a file that a centre sent; raise FileNotFoundError when it is gone."""
    return uploads.path_of(path).read_bytes()


def _stored(path: str) -> bytes:
    """Return a file of the store; raise FileNotFoundError when it is gone."""
    return store.backend().read(path)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file: its name in French, the columns that say path and SHA-256, and how one is read.

    ``read`` raises FileNotFoundError for a file that is not there, OSError for one that cannot be read; ``look`` says what is
    wrong, in French, with a file whose hash is the one that was stored.
    """

    code: str
    name: str
    path: Any
    sha256: Any
    read: Callable[[str], bytes] = _stored
    look: Callable[[str, bytes], str] | None = None

    def rows(self) -> Select[int, str, str]:
        """Return the query of the rows that have a file: id of the row, path, SHA-256 in hexadecimal."""
        model = self.path.class_
        key = model.__mapper__.primary_key[0]
        return select(key, self.path, self.sha256).where(self.path.is_not(None)).order_by(key)


#: Files that centres sent lie beside the store.
UPLOAD = "upload"
DOCUMENT = Kind("document", "Document", Document.path, Document.sha256)
KINDS = (
    DOCUMENT,
    Kind("contract", "Contrat signé", ServiceContract.path, ServiceContract.sha256),
    Kind("photo", "Photo d’une demande de carte", CardRequest.photo_path, CardRequest.photo_sha256),
    Kind("signature", "Signature d’une demande de carte", CardRequest.signature_path, CardRequest.signature_sha256),
    Kind("identity", "Pièce d’identité", IdentityCheck.path, IdentityCheck.sha256),
    Kind("own_data", "Copie de données", DataExport.path, DataExport.sha256),
    Kind("invoice", "Facture", Invoice.path, Invoice.sha256, look=filing.fault),
    Kind(UPLOAD, "Fichier importé", ImportFile.path, ImportFile.sha256, _sent),
)


def faults() -> Iterator[tuple[Kind, int, str]]:
    """Read every file and yield those at fault: kind, id of the row, what is wrong in French. Raises OSError when the store
    itself does not answer.
    """
    store.check()
    after: int | None = 0
    while after is not None:
        found = integrity.look(after, integrity.CHUNK)
        yield from ((DOCUMENT, row.id, DOCUMENT_FAULTS[fault]) for row, fault in found if fault)
        after = found[-1][0].id if len(found) == integrity.CHUNK else None
    for kind in KINDS[1:]:
        for id_, path, expected in db.session.execute(kind.rows().execution_options(yield_per=500)):
            if fault := _fault(kind, path, expected):
                yield kind, id_, fault


def _fault(kind: Kind, path: str, expected: str) -> str:
    """Return what is wrong with a file in French, nothing when it is as it was stored."""
    try:
        content = kind.read(path)
    except FileNotFoundError:
        return DOCUMENT_FAULTS["missing"]
    except OSError:
        return DOCUMENT_FAULTS["unreadable"]
    if sha256(content).hexdigest() != expected:
        return DOCUMENT_FAULTS["changed"]
    return kind.look(path, content) if kind.look else ""
