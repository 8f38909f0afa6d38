"""Documents in a bucket of a server that speaks S3; nothing is made public, and no call waits for long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

#: Seconds; a person may be waiting for a page. What fails is tried once more, then by the outbox.
CONNECT_TIMEOUT, READ_TIMEOUT, ATTEMPTS = 2.0, 10.0, 2
#: Objects listed a call.
PAGE = 1000
_GONE = ("NoSuchKey", "404", "NotFound")


class Bucket:
    """A store below a prefix of one bucket. Failures of the server come out as OSError."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        self.name, prefix = parts.netloc, unquote(parts.path).strip("/")
        self._prefix = f"{prefix}/" if prefix else ""
        endpoint = options.get("endpoint")
        settings = Config(
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            signature_version="s3v4",
            retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
            # Other servers than Amazon's know neither names of buckets as hosts nor all of its checksums.
            s3={"addressing_style": "path" if endpoint else "auto"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        self._client: Any = boto3.session.Session().client(
            "s3", endpoint_url=endpoint, region_name=options.get("region"), config=settings
        )

    def write(self, path: str, content: bytes, content_type: str) -> None:
        """Write an object; durable when it returns, private as the bucket is."""
        self._ask("put_object", Key=self._prefix + path, Body=content, ContentType=content_type)

    def read(self, path: str) -> bytes:
        """Return an object; raise FileNotFoundError when there is none."""
        answer = self._ask("get_object", Key=self._prefix + path)
        try:
            return bytes(answer["Body"].read())
        except BotoCoreError as error:
            raise OSError(type(error).__name__) from error

    def delete(self, path: str) -> None:
        """Remove an object; one already gone is no error."""
        self._ask("delete_object", Key=self._prefix + path)

    def entries(self) -> Iterator[tuple[str, datetime]]:
        """Yield path and instant of the last change of each object."""
        more: dict[str, Any] = {}
        while True:
            page = self._ask("list_objects_v2", Prefix=self._prefix, MaxKeys=PAGE, **more)
            for entry in page.get("Contents", ()):
                yield entry["Key"].removeprefix(self._prefix), entry["LastModified"]
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def check(self) -> None:
        """Raise OSError unless the bucket answers."""
        self._ask("head_bucket")

    def _ask(self, call: str, **arguments: Any) -> Any:
        try:
            return getattr(self._client, call)(Bucket=self.name, **arguments)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            raise (FileNotFoundError if code in _GONE else OSError)(code) from error
        except BotoCoreError as error:
            raise OSError(type(error).__name__) from error
