"""`/healthz` and `/readyz`: for those who watch; they name what fails and say nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis.exceptions import ConnectionError as QueueDown

from app.services.core import queue


class _Answering:
    def ping(self) -> bool:
        return True


class _Down:
    def ping(self) -> bool:
        raise QueueDown("secret-host:6379 refused")


def test_the_process_answers(client: FlaskClient) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_ready_when_all_answer(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "connection", _Answering)
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json == {"status": "ok", "checks": {"base": "ok", "queue": "ok", "store": "ok"}}


def test_a_queue_that_is_down_is_named_without_details(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "connection", _Down)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json["checks"] == {"base": "ok", "queue": "unavailable", "store": "ok"}
    assert "secret-host" not in answer.text


@pytest.mark.parametrize("where", ["file://{}/file", "s3://bucket?endpoint=http://127.0.0.1:1&region=r"])
def test_a_store_that_does_not_answer_is_named(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, where: str
) -> None:
    monkeypatch.setattr(queue, "connection", _Answering)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    (tmp_path / "file").write_text("not a folder")
    app.config["DOCUMENTS_URL"] = where.format(tmp_path)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json["checks"]["store"] == "unavailable"
