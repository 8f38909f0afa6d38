"""The figures of the running program: on a port of their own, never on the public one; nobody's data in them."""

from __future__ import annotations

import re
import time
import urllib.error
import urllib.request

import pytest

from .conftest import Program


def read(url: str) -> str:
    """Return an answer's text; wait a little while its server starts."""
    until = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError:
            raise
        except OSError:
            assert time.monotonic() < until, f"{url} does not answer"
            time.sleep(0.1)


def test_figures_have_a_port_of_their_own(program: Program) -> None:
    for _ in range(3):
        read(f"{program.url}/aide/")
    for public in ("/metrics", "/metrics/"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            read(f"{program.url}{public}")
    until = time.monotonic() + 60
    while "registre_workers 1.0" not in (text := read(f"{program.metrics}/metrics")):  # it begins after the web does
        assert time.monotonic() < until, "no worker is alive"
        time.sleep(0.2)
    found = re.search(
        r'registre_request_seconds_count\{endpoint="pages.help_page",method="GET",status="2xx"\} (\S+)', text
    )
    assert found
    assert float(found[1]) >= 3
    for name in (
        "outbox_undone",
        "outbox_oldest_seconds",
        "outbox_failed",
        "queue_up 1.0",
        "queue_jobs",
        "request_seconds",
        'work_total{kind="documents",outcome="in_time"}',
        'answer_seconds_bucket{door="screens",le="0.2",outcome="answered"}',
    ):
        assert f"registre_{name}" in text
    assert not re.search(r"@|demo|MARTIN|(?<![\d.])\d{14}(?!\d)", text)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        read(f"{program.metrics}/")
