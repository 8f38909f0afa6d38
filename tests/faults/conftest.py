"""A program of its own for the tests that break it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.conftest import Program, start_program


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """Run one program for the tests of a module; short lease, so that a killed worker's work is taken up soon."""
    running = start_program(tmp_path_factory.mktemp("faults"), OUTBOX_LEASE="4", RELAY_SECONDS="1")
    yield running
    assert running.stop() == 0
