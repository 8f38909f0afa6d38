"""Exports: the list as it is narrowed, no formula, the same whatever its length, made once by the worker when long."""

from __future__ import annotations

import csv
import io
import os
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import select, update

from app.extensions import db
from app.models import Export, JournalEntry, Outbox
from app.models.outbox import LISTING
from app.services.reporting import exports, sheets
from app.services.reporting.exports import DRIVERS, REGISTRATIONS
from tests.bases import BOTH
from tests.support import MARIE, PIERRE, centre_id, drain, many, person_id, registered

BACKENDS = BOTH
EACH_VALUE = True

HOSTILE = ("=1+1", "+33", "-2", "@SUM(A1)", "\t=1", "\r=1", "Élise", "a;b", 'dit "x"', "_x0041_")


def _file(kind: str, rows: list[tuple[Any, ...]]) -> bytes:
    target = io.BytesIO()
    assert sheets.write(kind, [f"T{at}" for at in range(len(rows[0]))], rows, target) == len(rows)
    return target.getvalue()


def _csv(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=";"))


def _table(found: exports.Found, kind: str = sheets.CSV) -> list[list[str]]:
    target = io.BytesIO()
    exports.write(found, kind, target)
    return _csv(target.getvalue())


def test_no_text_becomes_a_formula() -> None:
    read = [row[0] for row in _csv(_file(sheets.CSV, [(text,) for text in HOSTILE]))[1:]]
    assert read == [f"'{text}" if text[0] in "=+-@\t\r" else text for text in HOSTILE]
    cells = openpyxl.load_workbook(io.BytesIO(_file(sheets.XLSX, [(text,) for text in HOSTILE]))).active["A"][1:]
    assert {cell.data_type for cell in cells} == {"s"}
    assert [cell.value for cell in cells][6:9] == list(HOSTILE[6:9])


def test_days_amounts_and_answers_are_written_as_people_write_them() -> None:
    row = (date(2022, 1, 7), Decimal("25.34"), True, False, None, 12, date(985, 1, 2))
    assert _csv(_file(sheets.CSV, [row]))[1] == ["07/01/2022", "25,34", "Oui", "Non", "", "12", "02/01/0985"]
    cells = openpyxl.load_workbook(io.BytesIO(_file(sheets.XLSX, [row]))).active[2]
    assert [cell.value for cell in cells] == ["07/01/2022", 25.34, "Oui", "Non", None, 12, "02/01/0985"]


def test_registrations_leave_with_everything_that_names_them(app: Flask) -> None:
    batch = registered(MARIE, PIERRE)
    head, marie, pierre = _table(exports.find(REGISTRATIONS, {}, None))
    told = dict(zip(head, marie, strict=True))
    assert told["Reçu"] == batch.receipt_number
    assert (told["Nom"], told["N° de permis"], told["Prix HT"]) == ("MARTIN", "850492100123", "25,34")
    assert (told["Fin de formation"], told["Mode"]) == ("07/01/2022", "Manuel")
    assert told["Certificat"].startswith("CQ-22-")
    assert pierre[head.index("Nom")] == "DUPONT"


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({}, ["MARTIN", "DUPONT"]), ({"words": "dupont"}, ["DUPONT"]), ({"documents": "sans-compte"}, ["DUPONT"]),
        ({"mode": "api"}, []), ({"since": "11/01/2022"}, []), ({"until": "10/01/2022", "words": "martin"}, ["MARTIN"]),
    ],
)  # fmt: skip
def test_an_export_is_narrowed_as_its_list(app: Flask, asked: dict[str, str], names: list[str]) -> None:
    registered(MARIE, PIERRE)
    rows = _table(exports.find(REGISTRATIONS, asked, None))
    assert [row[rows[0].index("Nom")] for row in rows[1:]] == names


def test_a_centre_s_export_holds_its_own_rows_alone(app: Flask) -> None:
    registered(MARIE)
    assert len(_table(exports.find(REGISTRATIONS, {}, centre_id()))) == 2
    assert len(_table(exports.find(REGISTRATIONS, {}, centre_id("98765432400019")))) == 1
    asked = {"centre": str(centre_id())}
    assert len(_table(exports.find(REGISTRATIONS, asked, centre_id("98765432400019")))) == 1


def test_rows_are_read_some_at_a_time(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    registered(*many(23))
    whole = _table(exports.find(DRIVERS, {}, None))
    monkeypatch.setattr(exports, "STEP", 5)
    assert _table(exports.find(DRIVERS, {}, None)) == whole
    assert len(whole) > 23


def test_a_long_export_is_made_by_the_worker_and_fetched_by_who_asked(app: Flask) -> None:
    registered(MARIE, PIERRE)
    agent, other = person_id("agent@demo.example"), person_id()
    row = exports.order(REGISTRATIONS, sheets.XLSX, {"words": "martin"}, None, agent)
    assert exports.own_file(agent, row.key) is None
    drain()
    found = exports.own_file(agent, row.key)
    assert found is not None
    assert exports.own_file(other, row.key) is None
    assert (found[0].rows, openpyxl.load_workbook(found[1]).active.max_row) == (1, 2)
    actions = db.session.execute(select(JournalEntry.action).where(JournalEntry.actor_id == agent)).scalars()
    assert "list.exported" in set(actions)


def test_a_worker_killed_after_writing_does_no_harm(app: Flask) -> None:
    registered(MARIE)
    row = exports.order(REGISTRATIONS, sheets.CSV, {}, None, person_id("agent@demo.example"))
    exports.build(row.id)
    db.session.rollback()  # killed before the commit
    db.session.execute(update(Outbox).where(Outbox.kind == LISTING).values(attempts=0))
    db.session.commit()
    drain()
    done = db.session.get_one(Export, row.id, populate_existing=True)
    assert (done.state, done.rows) == ("ready", 1)
    assert [path.name for path in exports.path_of(done).parent.iterdir()] == [f"{done.key}.csv"]


def test_a_sheet_too_small_is_refused_in_words(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    registered(*many(4))
    monkeypatch.setattr(sheets, "XLSX_ROWS", 3)
    with pytest.raises(exports.TooMany, match="CSV"):
        exports.order(REGISTRATIONS, sheets.XLSX, {}, None, person_id())
    assert exports.order(REGISTRATIONS, sheets.CSV, {}, None, person_id()).state == "making"


def test_what_a_kill_left_half_written_goes_after_a_day(app: Flask) -> None:
    registered(MARIE)
    row = exports.order(REGISTRATIONS, sheets.CSV, {}, None, person_id())
    drain()
    folder = exports.path_of(row).parent
    (folder / ".tmp-killed").write_text("MARTIN")
    assert exports.purge() == 0
    for path in folder.iterdir():
        os.utime(path, (0, 0))
    assert exports.purge(dry_run=True) == 1
    assert exports.purge() == 1
    assert [path.name for path in folder.iterdir()] == [exports.path_of(row).name]


def test_exports_are_kept_a_week(app: Flask) -> None:
    registered(MARIE)
    row = exports.order(REGISTRATIONS, sheets.CSV, {}, None, person_id())
    drain()
    path = exports.path_of(row)
    assert exports.purge() == 0
    db.session.execute(update(Export).values(created_at=row.created_at - timedelta(days=8)))
    db.session.commit()
    assert exports.purge(dry_run=True) == 1
    assert path.is_file()
    assert exports.purge() == 1
    assert not path.exists()
    assert not exports.own(person_id())
