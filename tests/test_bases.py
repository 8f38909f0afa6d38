"""Which bases a test runs on is what `tests.bases` says: nothing is left out that nothing else asks."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = "pytester"

FILE = """
import pytest

BACKENDS = ("sqlite", "postgresql")


@pytest.mark.parametrize("other", "xy")
@pytest.mark.parametrize("value", [1, 2, 3])
def test_of_values(backend_name, value, other):
    pass


def test_of_none(backend_name):
    pass
"""
ON_SQLITE = [f"test_of_values[sqlite-{value}-{other}]" for value in (1, 2, 3) for other in "xy"]
ON_POSTGRESQL = ["test_of_values[postgresql-1-x]"]
EACH = [name.replace("sqlite", "postgresql") for name in ON_SQLITE]


@pytest.mark.parametrize(("said", "on_postgresql"), [("", ON_POSTGRESQL), ("EACH_VALUE = True", EACH)])
def test_a_further_base_is_asked_the_first_value_or_each(
    pytester: pytest.Pytester, said: str, on_postgresql: list[str]
) -> None:
    pytester.makeconftest(Path(__file__).with_name("conftest.py").read_text(encoding="utf-8"))
    pytester.makepyfile(FILE + said)
    lines = pytester.runpytest("--collect-only", "-q").outlines
    collected = [line.partition("::")[2] for line in lines if "::" in line]
    assert collected == [*ON_SQLITE, *on_postgresql, "test_of_none[sqlite]", "test_of_none[postgresql]"]
