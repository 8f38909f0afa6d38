"""Who gets what answer at every address: compared with the reviewed tables beside this file."""

from __future__ import annotations

import pytest

from . import access


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[access.Table, list[str]]:
    """Ask everything once."""
    with access.demonstration(tmp_path_factory.mktemp("access")) as (app, file):
        return access.answers(app, file)


@pytest.mark.parametrize("table", [access.SCREENS, access.API], ids=["screens", "api"])
def test_every_answer_is_the_reviewed_one(found: dict[access.Table, list[str]], table: access.Table) -> None:
    to_review = access.compare(table, found[table])
    assert not to_review, f"\n{to_review}\n\nThe same list: python -m tests.walls.access"
