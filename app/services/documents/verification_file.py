"""A PDF handed in on the verification page: is it ours, unchanged, known. Looked at in memory, kept nowhere."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import islice

from sqlalchemy import select

from app.extensions import db
from app.models import Document
from app.services.core import actor, clock, numbers, throttle
from app.services.core.throttle import Limit
from app.services.seal import checking as seal_check
from app.services.seal.checking import Finding

from . import verification
from .verification import Answer, State

#: Our documents take some 45 Ko.
MAX_BYTES = 2 * 1024 * 1024
#: A file costs milliseconds; an employer may have a drawer full of them.
FROM_NETWORK = Limit("file network", 60, timedelta(seconds=10), timedelta(minutes=10), by_network=True)
_NUMBER = re.compile(rb"(?:CQ|RF)-[0-9]{2}-[0-9A-Z]{5}-[0-9A-Z]{5}")
#: A reader looks for the mark of a PDF in the first bytes only.
_HEAD = 1024


class Outcome(StrEnum):
    """What may come out; one sentence each."""

    INTACT = "intact"
    UNKNOWN = "unknown"
    ALTERED = "altered"
    COPY = "copy"
    FOREIGN = "foreign"
    NOT_PDF = "not_pdf"
    TOO_LARGE = "too_large"


@dataclass(frozen=True, slots=True)
class FileAnswer:
    """The outcome; ``document``: what the register says of it where it is intact, or of the number that the file bears."""

    outcome: Outcome
    document: Answer | None = None


def check(content: bytes, network: str) -> FileAnswer:
    """Return what a file is worth; at most one byte more than `MAX_BYTES` is needed of it. Raises `throttle.TooOften`."""
    throttle.count(FROM_NETWORK, network)
    if len(content) > MAX_BYTES:
        return FileAnswer(Outcome.TOO_LARGE)
    if b"%PDF-" not in content[:_HEAD]:
        return FileAnswer(Outcome.NOT_PDF)
    known = _by_hash(hashlib.sha256(content).hexdigest())
    if known is not None:
        return FileAnswer(Outcome.INTACT, known)
    found = seal_check.look(content)
    if found is Finding.INTACT:
        return FileAnswer(Outcome.UNKNOWN)
    named = _named(content)
    if found is Finding.ALTERED:
        return FileAnswer(Outcome.ALTERED, named)
    return FileAnswer(Outcome.COPY, named) if named else FileAnswer(Outcome.FOREIGN)


def _by_hash(digest: str) -> Answer | None:
    with actor.acting(actor.public(digest)):
        document = db.session.execute(select(Document).where(Document.sha256 == digest).limit(1)).scalar_one_or_none()
        if document is None or not verification.is_known(document.established_on, clock.today()):
            return None
        return verification.answer_of(document)


def _named(content: bytes) -> Answer | None:
    """Return the answer for the first number of ours that stands in the file's own words."""
    texts = (match[0].decode() for match in islice(_NUMBER.finditer(content), 3))
    answers = (verification.verify(numbers.typed_number(text)) for text in texts)
    return next((answer for answer in answers if answer.state is not State.UNKNOWN), None)
