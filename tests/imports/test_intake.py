"""From a file received to a report that can be corrected and registered."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.extensions import db
from app.models import Batch, BatchLine, ImportFile, JournalEntry, Outbox, Registration
from app.services.imports import analysing, antivirus, corrections, desk, intake, judging, uploads
from app.services.imports.reading import OnLines, Sheet
from app.services.registration import analysis, batches, confirm, report
from app.validators.file import MAX_BYTES, Kind
from app.validators.remark import HEADERS
from tests.bases import on_both
from tests.corpus import builders
from tests.registration.test_analysis import FIRST_TABLE, ORDER, REF, SECOND_TABLE
from tests.support import centre_id, drain, person_id

pytestmark = pytest.mark.usefixtures("app")


def rows_of(table: list[tuple[int, str, str, str, str, str, str, str]]) -> list[list[str]]:
    return [[REF, ORDER, *cells] for _, *cells in table]


def workbook(*rows: list[str], kind: str = "xlsx") -> bytes:
    make: Any = builders.xlsx if kind == "xlsx" else builders.xls
    return make(list(HEADERS.values()), *rows)


def received(content: bytes, name: str = "sessions.xlsx") -> Batch:
    return intake.receive(centre_id(), person_id(), name, io.BytesIO(content))


def analysed(*rows: list[str], kind: str = "xlsx") -> Batch:
    batch_id = received(workbook(*rows, kind=kind), f"sessions.{kind}").id
    drain()
    db.session.expire_all()
    return db.session.get_one(Batch, batch_id)


def shown(batch: Batch) -> list[tuple[int, list[str]]]:
    return [(one.line.number, [r.encode() for r in one.remarks]) for one in report.page(batch, report.Filter()).lines]


def counts(batch: Batch) -> tuple[int, int, int]:
    db.session.refresh(batch)
    assert batch.summary is not None
    return batch.summary["lines"], batch.summary["informations"], batch.summary["errors"]


def consistent(batch: Batch) -> None:
    """The counts and remarks kept must be those a whole new analysis gives."""
    db.session.refresh(batch)
    fresh = analysis.analyse(batch).report
    kept, made = dict(batch.summary or {}), analysis.summary(fresh)
    told = kept.pop("told", None)  # dropped where a few lines were judged again: it counts all of them
    assert told in (None, made.pop("told"))
    assert kept == made
    rank = {row.line.number: (row.rank, [r.encode() for r in row.remarks]) for row in fresh.rows}
    shown_ = {
        one.line.number: (one.rank, [r.encode() for r in one.remarks])
        for one in report.page(batch, report.Filter()).lines
        if one.rank != 3
    }
    assert shown_ == rank


@on_both
@pytest.mark.parametrize("kind", ["xlsx", "xls"])
def test_the_two_tables_of_the_reference_document(kind: str) -> None:
    first = analysed(*rows_of(FIRST_TABLE), kind=kind)
    assert (first.state, counts(first)) == ("in_error", (6, 1, 5))
    assert [(number, remarks[0]) for number, remarks in shown(first)] == [
        (2, "missing:first_name"),
        (3, "not_accredited:training_label"),
        (4, "end_date_in_future:end_date"),
        (5, "format:first_name:U+0031"),
        (6, "minor:birth_date"),
        (1, "no_account"),
    ]
    second = analysed(*rows_of(SECOND_TABLE), kind=kind)
    assert (second.state, counts(second)) == ("ready", (6, 1, 0))
    assert [number for number, _ in shown(second)] == [1, 2, 3, 4, 5, 6]


@on_both
def test_a_clean_file_is_registered_through_the_same_hall() -> None:
    batch = analysed(*rows_of(SECOND_TABLE))
    outcome = confirm.register(batch.id, person_id())
    assert outcome.is_new
    assert db.session.scalar(select(func.count()).select_from(Registration)) == 6


def test_a_report_in_error_cannot_be_registered() -> None:
    batch = analysed(*rows_of(FIRST_TABLE))
    with pytest.raises(confirm.NotChecked):
        confirm.register(batch.id, person_id())


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("sessions.csv", b"a;b", "format XLSX ou XLS"),
        ("sessions.xlsx", b"<html>", "contenu du fichier"),
        ("sessions.xlsx", b"", "vide"),
        ("sessions.xlsx", b"PK\x03\x04" + bytes(MAX_BYTES - 3), "10 Mo"),
        ("sessions.xlsx", b"PK\x03\x04 cut", "endommagé"),
    ],
)
def test_a_refused_file_says_why_stores_no_line_and_waits_in_quarantine(
    name: str, content: bytes, sentence: str
) -> None:
    batch_id = received(content, name).id
    drain()
    db.session.expire_all()
    file = db.session.get_one(ImportFile, batch_id)
    assert file.batch.state == "refused"
    assert sentence in str(file.refusal)
    assert db.session.scalar(select(func.count()).select_from(BatchLine)) == 0
    assert uploads.path_of(str(file.path)).exists()


def test_exactly_ten_mo_pass_the_door() -> None:
    batch = received(b"PK\x03\x04" + bytes(MAX_BYTES - 4))
    assert batch.state == "analysing"


def test_a_name_is_never_a_path() -> None:
    batch_id = received(workbook(*rows_of(SECOND_TABLE)), "../../etc/passwd.xlsx").id
    file = db.session.get_one(ImportFile, batch_id)
    assert (file.name, Path(str(file.path)).name) == ("../../etc/passwd.xlsx", "file")
    assert uploads.folder() in uploads.path_of(str(file.path)).parents


def test_an_infected_file_is_named(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(antivirus, "scan", lambda *_args, **_options: antivirus.Infected("Eicar-Test"))
    batch_id = received(workbook(*rows_of(SECOND_TABLE))).id
    drain()
    db.session.expire_all()
    assert "Eicar-Test" in str(db.session.get_one(ImportFile, batch_id).refusal)


def test_an_analysis_that_breaks_is_tried_again_then_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from app.jobs import work

    batch_id = received(workbook(*rows_of(SECOND_TABLE))).id

    def broken(*_args: object) -> None:
        raise OSError("disk")

    monkeypatch.setattr(judging, "compare", broken)
    row = db.session.execute(select(Outbox)).scalar_one()
    for _ in range(3):
        row = db.session.get_one(Outbox, row.id)
        row.due_at = row.created_at
        db.session.commit()
        work.run(row.id)
    db.session.expire_all()
    assert db.session.get_one(Batch, batch_id).state == "failed"
    assert db.session.scalar(select(func.count()).select_from(BatchLine)) == 0


def test_lines_that_come_one_by_one_are_judged_like_lines_that_come_together(monkeypatch: pytest.MonkeyPatch) -> None:
    table = [*FIRST_TABLE, *SECOND_TABLE, SECOND_TABLE[0]]  # the last says something of a line judged long before
    together = analysed(*rows_of(table))
    read = analysing.reading.read

    def one_by_one(path: Path, kind: Kind, on_lines: OnLines) -> Sheet:
        sheet = read(path, kind)
        for line in sheet.lines:
            on_lines([line], sheet.rows)
        return sheet

    monkeypatch.setattr(judging, "STEP", 1)
    monkeypatch.setattr(analysing.reading, "read", one_by_one)
    alone = analysed(*rows_of(table))
    assert shown(alone) == shown(together)
    assert alone.summary == together.summary
    assert any("duplicate_driver" in kind or "identical_line" in kind for kind in alone.summary["kinds"])


@on_both
def test_an_analysis_run_twice_gives_the_same_report() -> None:
    batch = analysed(*rows_of(FIRST_TABLE))
    before = shown(batch)
    batches.transition(batch.id, "analysing")
    db.session.commit()
    analysing.analyse(batch.id)
    db.session.expire_all()
    assert shown(db.session.get_one(Batch, batch.id)) == before


@on_both
def test_the_same_file_again_leads_to_the_earlier_receipt() -> None:
    content = workbook(*rows_of(SECOND_TABLE))
    first = received(content).id
    drain()
    confirm.register(first, person_id())
    second = received(content).id
    drain()
    earlier = desk.earlier_receipt(db.session.get_one(ImportFile, second))
    assert earlier is not None
    assert earlier.id == first
    batch = db.session.get_one(Batch, second)
    assert batch.state == "ready"
    assert counts(batch) == (6, 6, 0)


class TestCorrections:
    @on_both
    def test_a_corrected_cell_is_judged_again_and_journalled(self) -> None:
        batch = analysed(*rows_of(FIRST_TABLE))
        assert corrections.correct_cell(batch.id, 2, "first_name", "MARIE", person_id()) == [2]
        assert counts(batch) == (6, 1, 4)
        entry = db.session.execute(select(JournalEntry).where(JournalEntry.action == "line.corrected")).scalar_one()
        assert (entry.before, entry.after) == ({"line": 2, "first_name": ""}, {"line": 2, "first_name": "MARIE"})
        consistent(batch)

    def test_the_first_table_corrected_cell_by_cell_is_the_second(self) -> None:
        batch = analysed(*rows_of(FIRST_TABLE))
        for number, field, value in (
            (2, "first_name", "MARIE"),
            (3, "training_label", "Passerelle Marchandises"),
            (4, "end_date", "01/01/2022"),
            (5, "first_name", "JEANNE"),
            (6, "birth_date", "21/03/2001"),
            (6, "category", "Voyageurs"),
        ):
            corrections.correct_cell(batch.id, number, field, value, person_id())
        assert (counts(batch), batch.state, batch.is_checked) == ((6, 1, 0), "ready", True)
        consistent(batch)
        confirm.register(batch.id, person_id())

    @on_both
    def test_lines_that_were_its_duplicates_follow(self) -> None:
        twice = rows_of(SECOND_TABLE[1:2]) * 2
        other = [[*twice[0][:-1], "298795875"]]
        batch = analysed(*twice, *other)
        assert [remarks for number, remarks in shown(batch) if number == 2] == [["identical_line::1"]]
        assert sorted(corrections.correct_cell(batch.id, 3, "permit_number", "298 795 874", person_id())) == [3]
        assert dict(shown(batch))[3] == ["identical_line::1"]
        changed = corrections.correct_cell(batch.id, 1, "permit_number", "298795876", person_id())
        assert sorted(changed) == [1, 2, 3]
        assert dict(shown(batch))[2] == []
        assert dict(shown(batch))[3] == ["identical_line::2"]
        consistent(batch)

    @on_both
    def test_a_line_set_aside_lets_the_rest_go_and_can_be_taken_back(self) -> None:
        batch = analysed(*rows_of(FIRST_TABLE))
        for number in (2, 3, 4, 5, 6):
            corrections.set_aside(batch.id, number, True, person_id())
        assert (counts(batch), batch.state) == ((1, 1, 0), "ready")
        consistent(batch)
        corrections.set_aside(batch.id, 4, False, person_id())
        assert (counts(batch), batch.state) == ((2, 1, 1), "in_error")
        consistent(batch)
        corrections.set_aside(batch.id, 4, True, person_id())
        confirm.register(batch.id, person_id())
        assert [r.last_name for r in db.session.execute(select(Registration)).scalars()] == ["DUPONT"]

    def test_setting_the_first_of_two_identical_lines_aside_keeps_the_other(self) -> None:
        batch = analysed(*(rows_of(SECOND_TABLE[1:2]) * 2))
        corrections.set_aside(batch.id, 1, True, person_id())
        assert dict(shown(batch))[2] == []
        consistent(batch)

    def test_nothing_left_is_not_importable(self) -> None:
        batch = analysed(*rows_of(SECOND_TABLE[:1]))
        corrections.set_aside(batch.id, 1, True, person_id())
        db.session.refresh(batch)
        assert batch.state == "in_error"

    @on_both
    def test_one_click_corrects_a_value_in_all_its_lines(self) -> None:
        rows = rows_of(SECOND_TABLE)
        for row in rows[1:3]:
            row[2], row[3] = "FCO Complette", "Marchandises"
        batch = analysed(*rows)
        [(label, category, meant, lines)] = corrections.suggestions(batch)
        assert (label, category, meant, lines) == (
            "FCO Complette",
            "Marchandises",
            ("training_label", "FCO Complète"),
            2,
        )
        assert corrections.correct_value(batch.id, label, category, person_id()) == 2
        assert counts(batch)[2] == 0
        consistent(batch)

    @pytest.mark.parametrize(("number", "field"), [(99, "first_name"), (1, "rank"), (1, "batch_id")])
    def test_what_cannot_be_corrected_is_refused(self, number: int, field: str) -> None:
        batch = analysed(*rows_of(FIRST_TABLE))
        with pytest.raises((corrections.NoSuchLine, corrections.NothingToCorrect)):
            corrections.correct_cell(batch.id, number, field, "x", person_id())

    @on_both
    def test_a_registered_batch_takes_no_correction(self) -> None:
        batch = analysed(*rows_of(SECOND_TABLE))
        confirm.register(batch.id, person_id())
        with pytest.raises(batches.BatchClosed):
            corrections.correct_cell(batch.id, 1, "first_name", "PAUL", person_id())
