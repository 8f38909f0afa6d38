"""One value corrected everywhere, and « Défaire »: as if it had not been, whatever was said of the lines."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.models import Batch, BatchLine, ImportFile, JournalEntry
from app.services.imports import corrections, remembered
from app.services.registration import batches
from tests.bases import on_both
from tests.imports.importing import FIRST, HTMX, MANAGER, analysed, batch_at, numbers, sheet, words
from tests.registration.test_analysis import SECOND_TABLE
from tests.support import person_id

ONE = SECOND_TABLE[0]


@pytest.fixture
def manager(client: FlaskClient, sign_in: Any) -> FlaskClient:
    """Give the browser of the demonstration centre's manager."""
    return sign_in(client, MANAGER)


def lines_of(batch: Batch) -> list[tuple[Any, ...]]:
    """Return all that stands on the lines of a batch, and the counts of the batch."""
    db.session.expire_all()
    c = BatchLine
    found = db.session.execute(
        select(
            c.number, c.end_date, c.first_name, c.permit_number, c.not_text, c.rank, c.remarks, c.group_key, c.set_aside
        )
        .where(c.batch_id == batch.id)
        .order_by(c.number)
    )
    summary = dict(batch.summary or {})
    summary.pop("told", None)  # counted over all lines, or anew
    return [tuple(row) for row in found] + [(summary, batch.state)]


def many(count: int, end_date: str = "30/12/2022") -> bytes:
    """Return a file with so many drivers whose training ends on that day."""
    names = [f"{chr(65 + at // 676)}{chr(65 + at // 26 % 26)}{chr(65 + at % 26)}" for at in range(count)]
    return sheet([(*ONE[:3], end_date, ONE[4], name, ONE[6], f"A1234567{at:04}") for at, name in enumerate(names)])


@on_both
@pytest.mark.parametrize("few", [corrections.FEW, 2])
def test_a_value_is_corrected_everywhere_and_undone(
    manager: FlaskClient, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(corrections, "FEW", few)
    batch = batch_at(analysed(manager, many(5)))
    before = lines_of(batch)
    assert corrections.others(batch.id, 2, "end_date") == 4
    changed = corrections.correct_cell(batch.id, 2, "end_date", "01/01/2022", person_id(), everywhere=True)
    assert changed == [1, 2, 3, 4, 5]
    assert {row[1] for row in lines_of(batch)[:-1]} == {"01/01/2022"}
    assert db.session.get_one(Batch, batch.id).state == "ready"
    undone = corrections.undo(batch.id, person_id())
    assert undone.changed == [1, 2, 3, 4, 5]
    assert lines_of(batch) == before
    with pytest.raises(corrections.NothingToUndo):
        corrections.undo(batch.id, person_id())


@on_both
def test_drivers_of_a_corrected_day_are_compared_anew(manager: FlaskClient) -> None:
    """The birth date is a part of whom a line speaks of: two lines become the same driver by it, and no longer are."""
    rows = [(*ONE[:6], day, "A12345678") for day in ("1/2/80x", "1/2/80x")]
    batch = batch_at(analysed(manager, sheet(rows)))
    before = lines_of(batch)
    corrections.correct_cell(batch.id, 1, "birth_date", "01/02/1980", person_id(), everywhere=True)
    assert "identical_line" in lines_of(batch)[1][6]
    corrections.undo(batch.id, person_id())
    assert lines_of(batch) == before


@on_both
def test_acts_are_undone_one_after_the_other(manager: FlaskClient) -> None:
    batch = batch_at(analysed(manager, FIRST))
    seen = [lines_of(batch)]
    corrections.correct_cell(batch.id, 2, "first_name", "MARIE", person_id())
    seen.append(lines_of(batch))
    corrections.set_aside(batch.id, 4, True, person_id())
    seen.append(lines_of(batch))
    corrections.set_aside(batch.id, 4, False, person_id())
    for expected in (seen[2], seen[1], seen[0]):
        corrections.undo(batch.id, person_id())
        assert lines_of(batch) == expected
    actions = db.session.execute(select(JournalEntry.action).where(JournalEntry.action == "correction.undone"))
    assert len(actions.all()) == 3


@on_both
def test_a_cell_that_came_as_a_number_is_one_again(manager: FlaskClient) -> None:
    rows = [(*ONE[:7], permit) for permit in (298795874, 298795875)]
    batch = batch_at(analysed(manager, sheet(rows)))
    before = lines_of(batch)
    assert before[0][4] == "permit_number"
    corrections.correct_cell(batch.id, 1, "permit_number", "0298795874", person_id())
    assert lines_of(batch)[0][4] == ""
    corrections.undo(batch.id, person_id())
    assert lines_of(batch) == before


def test_what_was_changed_since_keeps_what_it_bears(manager: FlaskClient) -> None:
    batch = batch_at(analysed(manager, many(3)))
    corrections.correct_cell(batch.id, 1, "end_date", "01/01/2022", person_id(), everywhere=True)
    line = db.session.get_one(BatchLine, (batch.id, 2))
    line.end_date = "02/01/2022"
    db.session.commit()
    corrections.undo(batch.id, person_id())
    assert [row[1] for row in lines_of(batch)[:-1]] == ["30/12/2022", "02/01/2022", "30/12/2022"]


def test_lines_set_aside_are_left_alone(manager: FlaskClient) -> None:
    batch = batch_at(analysed(manager, many(3)))
    corrections.set_aside(batch.id, 3, True, person_id())
    assert corrections.others(batch.id, 1, "end_date") == 1
    corrections.correct_cell(batch.id, 1, "end_date", "01/01/2022", person_id(), everywhere=True)
    assert [row[1] for row in lines_of(batch)[:-1]] == ["01/01/2022", "01/01/2022", "30/12/2022"]


def test_so_many_acts_are_remembered_and_no_more() -> None:
    file = ImportFile(acts=[])
    for at in range(remembered.ACTS + 5):
        remembered.remember(file, remembered.Act("first_name", str(at), "x", [(1, 1)], []))
    assert len(file.acts) == remembered.ACTS
    assert remembered.last(file) == remembered.Act("first_name", str(remembered.ACTS + 4), "x", [(1, 1)], [])
    scattered = remembered.spans(range(1, 2 * remembered.SPANS + 4, 2))
    remembered.remember(file, remembered.Act("first_name", "a", "b", scattered))
    assert remembered.last(file) is None, "no act before one that is not remembered"
    assert remembered.spans([4, 2, 3, 9]) == [(2, 4), (9, 9)]


def test_on_screen_everywhere_then_undone(manager: FlaskClient) -> None:
    address = analysed(manager, many(3))
    editor = words(manager.get(address + "/lignes/2?champ=end_date", headers=HTMX))
    assert "Corriger aussi les 2 autres « 30/12/2022 »" in editor
    assert "Corriger aussi" not in words(manager.get(address + "/lignes/2?champ=last_name", headers=HTMX))
    assert "Défaire" not in words(manager.get(address))
    sent = {"champ": "end_date", "valeur": "1/1/2022", "partout": "1", "lignes": "1,2,3,é,99"}
    answer = manager.post(address + "/lignes/2", data=sent, headers=HTMX)
    assert numbers(answer) == [1, 2, 3]
    assert "Aucune erreur : les 3 lignes peuvent être importées." in words(answer)
    assert "Défaire" in words(answer)
    answer = manager.post(address + "/defaire", data={"lignes": "1,2,3"}, headers=HTMX)
    assert numbers(answer) == [1, 2, 3]
    assert "Correction défaite : 3 lignes." in words(answer)
    assert "Défaire" not in words(answer)
    again = manager.post(address + "/defaire", headers=HTMX)
    assert (again.status_code, "Il n’y a plus de correction à défaire." in words(again)) == (409, True)
    plain = manager.post(address + "/lignes/2", data=sent, follow_redirects=True)
    assert "Ligne 2 corrigée." in words(plain)
    assert "Correction défaite" in words(manager.post(address + "/defaire", follow_redirects=True))


def test_a_suggestion_is_undone_too(manager: FlaskClient) -> None:
    rows = [(*ONE[:1], "FCO Complet", *ONE[2:5], name, *ONE[6:]) for name in ("AA", "BB")]
    address = analysed(manager, sheet([(*row[:7], f"A12345678{at}") for at, row in enumerate(rows)]))
    assert "« FCO Complet » devient « FCO Complète », corriger 2 lignes" in words(manager.get(address))
    before = lines_of(batch_at(address))
    manager.post(address + "/suggestion", data={"label": "FCO Complet", "category": ONE[2]})
    assert lines_of(batch_at(address)) != before
    manager.post(address + "/defaire")
    assert lines_of(batch_at(address)) == before


def test_what_was_registered_or_cancelled_is_not_undone(manager: FlaskClient) -> None:
    address = analysed(manager, FIRST)
    batch = batch_at(address)
    corrections.correct_cell(batch.id, 2, "first_name", "MARIE", person_id())
    manager.post(address + "/annuler")
    with pytest.raises(batches.BatchClosed):
        corrections.undo(batch.id, person_id())
