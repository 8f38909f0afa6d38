"""The world outside: who gets mails and messages, the platform, a bucket. It remembers on disk, whatever dies here."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
from botocore.exceptions import ClientError
from flask import Flask, current_app
from flask_mail import Message

from app.services.api import webhook_transport
from app.services.core import clock
from app.services.deposits import platforms
from app.services.deposits.codes import Code
from app.services.deposits.platform import Acknowledgement, Answer, Event
from app.services.invoicing import proving
from app.services.invoicing.content import Content
from app.services.notifications import mail
from app.services.storage import bucket
from tests.invoicing.making import Verdict

#: A platform's story of a flow, minutes after it was taken.
STORY = ((0, Code.DEPOSITED), (1, Code.RECEIVED), (2, Code.APPROVED))


#: Objects that a bucket lists a call: pages are turned.
PAGE = 3


def _file() -> Path:
    return Path(current_app.config["DATA_DIR"]) / "elsewhere.log"


def forget() -> None:
    """Remember nothing."""
    _file().unlink(missing_ok=True)
    shutil.rmtree(_bucket(), ignore_errors=True)


def _bucket() -> Path:
    return Path(current_app.config["DATA_DIR"]) / "bucket"


def note(what: str, **values: str) -> None:
    """Remember something that reached the world."""
    handle = os.open(_file(), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(handle, json.dumps({"what": what, **values}).encode() + b"\n")
    finally:
        os.close(handle)


def told(what: str) -> list[dict[str, str]]:
    """Return what reached the world of a kind, in its order."""
    lines = _file().read_text().splitlines() if _file().exists() else []
    return [one for one in map(json.loads, lines) if one["what"] == what]


class Platform:
    """An invoicing platform whose memory is its own: one flow a tracking id."""

    name = "elsewhere"
    is_simulated = False

    def submit(self, tracking_id: str, pdf: bytes, sha256: str, rule: str) -> str:
        """Take a file, once a tracking id; the same id with another file is a fault of ours."""
        assert pdf.startswith(b"%PDF")
        for flow in told("flow"):
            if flow["id"] == tracking_id:
                assert flow["sha256"] == sha256, f"two files under the tracking id {tracking_id}"
                return tracking_id
        number = tracking_id.partition("/")[0]
        note("flow", id=tracking_id, sha256=sha256, number=number, at=clock.machine_now().isoformat())
        return tracking_id

    def acknowledgement(self, flow_id: str) -> Acknowledgement:
        """Say that a flow is taken."""
        assert any(flow["id"] == flow_id for flow in told("flow")), f"no flow {flow_id}"
        return Acknowledgement(Answer.TAKEN)

    def events(self, cursor: str) -> tuple[Sequence[Event], str]:
        """Tell what has happened by now beyond the cursor."""
        found = sorted(self._happened(), key=lambda one: one.happened_at)
        rest = found[int(cursor or 0) :]
        return rest, str(len(found)) if rest else cursor

    def report_payment(self, number: str, day: date, amounts: Sequence[tuple[int, int]], reference: str) -> None:
        """Keep what is told of a payment."""
        note("payment", number=number, reference=reference, amounts=json.dumps(list(amounts)), day=day.isoformat())

    def _happened(self) -> Iterator[Event]:
        for flow in told("flow"):
            for minutes, code in STORY:
                at = datetime.fromisoformat(flow["at"]) + timedelta(minutes=minutes)
                if at <= clock.machine_now():
                    yield Event(f"{flow['id']}-{code}", flow["number"], str(code), at)


class Body:
    """What an object holds, on its way."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> bytes:
        """Return all of it."""
        return self._path.read_bytes()


class Objects:
    """The client of a server that speaks S3, whose memory is its own; the calls that the program makes, as boto3 answers."""

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> dict[str, Any]:
        """Keep an object."""
        assert ContentType
        target = _bucket() / Bucket / Key
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(Body)
        return {}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        """Hand an object over."""
        if not (path := _bucket() / Bucket / Key).is_file():
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": Body(path)}

    def delete_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        """Forget an object, if there is one."""
        (_bucket() / Bucket / Key).unlink(missing_ok=True)
        return {}

    def list_objects_v2(self, *, Bucket: str, Prefix: str, MaxKeys: int, ContinuationToken: str = "") -> dict[str, Any]:
        """List a page of objects by their names."""
        root = _bucket() / Bucket
        keys = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
        rest = [key for key in keys if key.startswith(Prefix) and key > ContinuationToken]
        changed = {key: datetime.fromtimestamp((root / key).stat().st_mtime, UTC) for key in rest[:MaxKeys]}
        found = [{"Key": key, "LastModified": at} for key, at in changed.items()]
        more = {"NextContinuationToken": rest[MaxKeys - 1]} if len(rest) > MaxKeys else {}
        return {"Contents": found, "IsTruncated": bool(more), **more}

    def head_bucket(self, *, Bucket: str) -> dict[str, Any]:
        """Say that the bucket is there."""
        return {}


@contextmanager
def in_a_bucket(app: Flask) -> Iterator[None]:
    """Have the program keep its files in a bucket of this world."""
    client = mock.Mock(client=lambda *_args, **_options: Objects())
    with (
        mock.patch.object(boto3.session, "Session", return_value=client),
        mock.patch.object(bucket, "PAGE", PAGE),
        mock.patch.dict(app.config, DOCUMENTS_URL="s3://papers/some/place"),
    ):
        yield


def prove(_content: Content) -> Verdict:
    """Find nothing in an invoice, as the child that proves them."""
    return Verdict()


@contextmanager
def _judge() -> Iterator[proving.Judge]:
    yield lambda content: prove(content)


def _post(_to: webhook_transport.Target, headers: Mapping[str, str], _body: bytes) -> int:
    note("webhook", id=headers["webhook-id"])
    return 204


def _delivered(real: Callable[[Message], None]) -> Callable[[Message], None]:
    def deliver(message: Message) -> None:
        real(message)
        note("mail", id=str(message.msgId), to=str(message.recipients[0]), subject=str(message.subject))

    return deliver


@contextmanager
def reached() -> Iterator[None]:
    """Have the program reach this world: its own doors' other side."""
    platform = Platform()
    with ExitStack() as held:
        places: tuple[tuple[Any, str, Any], ...] = (
            (webhook_transport, "post", _post),
            (mail, "_deliver", _delivered(mail._deliver)),
            (platforms, "current", lambda: platform),
            (proving, "judge", _judge),
        )
        for owner, name, other in places:
            held.enter_context(mock.patch.object(owner, name, other))
        yield
