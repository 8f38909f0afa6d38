"""The store: the same behaviour in a folder and in a bucket, the latter on a server that really speaks S3 over HTTP."""

from __future__ import annotations

import hashlib
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from flask import Flask
from moto.server import ThreadedMotoServer

from app.services.storage import bucket as store_bucket
from app.services.storage import store
from config import ConfigurationError, from_environment

from .conftest import bare_app

CONTENT = b"%PDF-1.7 a document"


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Give the address of an S3 server of this session."""
    running = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give an empty bucket, seen from outside the program."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    made = boto3.resource("s3", endpoint_url=server, region_name="us-east-1").Bucket("papers")
    made.create()
    made.objects.delete()
    return made


def url_of(server: str) -> str:
    """Return the setting that leads to the bucket."""
    return f"s3://papers/some/place?endpoint={server}&region=us-east-1"


@pytest.fixture(params=["default", "file", "s3"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Flask]:
    """Give an application on each kind of store."""
    urls = {"default": "", "file": f"file://{tmp_path}/else%20where"}
    if request.param == "s3":
        request.getfixturevalue("bucket")
        urls["s3"] = url_of(request.getfixturevalue("server"))
    with (app := bare_app(tmp_path, DOCUMENTS_URL=urls[request.param])).app_context():
        yield app


def test_a_file_comes_back_as_it_was_stored(kept: Flask) -> None:
    stored = store.put(1234, CONTENT)
    assert stored.path.startswith("000001/1234-")
    assert (stored.sha256, stored.size) == (hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))
    assert store.get(stored.path, stored.sha256) == CONTENT
    assert [path for path, _ in store.entries()] == [stored.path]


def test_what_is_gone_or_changed_is_told_apart(kept: Flask) -> None:
    stored = store.put(1, CONTENT)
    store.put_named(stored.path, CONTENT + b"!")
    with pytest.raises(store.Changed):
        store.get(stored.path, stored.sha256)
    store.remove(stored.path)
    store.remove(stored.path)
    with pytest.raises(store.Missing) as refused:
        store.get(stored.path, stored.sha256)
    assert type(refused.value) is store.Missing
    assert list(store.entries()) == []


def test_two_contents_of_one_document_lie_side_by_side(kept: Flask) -> None:
    first, second = store.put(7, CONTENT), store.put(7, CONTENT + b"!")
    assert store.get(first.path, first.sha256) == CONTENT
    assert store.get(second.path, second.sha256) == CONTENT + b"!"


def test_the_store_is_ready(kept: Flask) -> None:
    store.check()


def test_a_bucket_holds_private_pdf_files_below_its_prefix(bucket: Any, server: str, tmp_path: Path) -> None:
    with bare_app(tmp_path, DOCUMENTS_URL=url_of(server)).app_context():
        stored = store.put(1, CONTENT)
    (entry,) = bucket.objects.all()
    assert entry.key == f"some/place/{stored.path}"
    assert entry.Object().content_type == "application/pdf"
    grants = entry.Object().Acl().grants
    assert [grant["Grantee"]["Type"] for grant in grants] == ["CanonicalUser"]
    assert not (tmp_path / "documents").exists()


def test_more_files_than_one_page_are_all_listed(
    bucket: Any, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_bucket, "PAGE", 3)
    keys = [f"some/place/000000/{at}.pdf" for at in range(7)]
    for key in keys:
        bucket.put_object(Key=key, Body=b"x")
    bucket.put_object(Key="elsewhere/1.pdf", Body=b"x")
    with bare_app(tmp_path, DOCUMENTS_URL=url_of(server)).app_context():
        assert {f"some/place/{path}" for path, _ in store.entries()} == set(keys)


@pytest.mark.parametrize("change", ["no bucket", "refused", "silent"])
def test_a_server_that_fails_is_unreadable_not_missing_and_soon_known(
    bucket: Any, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    monkeypatch.setattr(store_bucket, "CONNECT_TIMEOUT", 0.3)
    monkeypatch.setattr(store_bucket, "READ_TIMEOUT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = {
            "no bucket": url_of(server).replace("papers", "nowhere"),
            "refused": url_of("http://127.0.0.1:1"),
            "silent": url_of(f"http://127.0.0.1:{silent.getsockname()[1]}"),
        }[change]
        with bare_app(tmp_path, DOCUMENTS_URL=url).app_context():
            begin = time.monotonic()
            with pytest.raises(store.Unreadable):
                store.get("000000/1.pdf", "0" * 64)
            with pytest.raises(OSError, match=r"NoSuchBucket|Error"):
                store.put(1, CONTENT)
            with pytest.raises(OSError, match=r"404|NoSuchBucket|Error"):
                store.check()
            assert time.monotonic() - begin < 20


def test_no_path_leads_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(CONTENT)
    with bare_app(tmp_path).app_context():
        with pytest.raises(store.Missing):
            store.get("../secret", hashlib.sha256(CONTENT).hexdigest())
        store.put(1, CONTENT)
    assert stat.S_IMODE((tmp_path / "documents").stat().st_mode) & 0o077 == 0


@pytest.mark.parametrize("url", ["s3://", "s3:bucket", "ftp://host/x", "/folder", "file://host/x", "file:x"])
def test_an_address_that_is_no_store_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="DOCUMENTS_URL"):
        from_environment({"DOCUMENTS_URL": url})
