"""Commands as a person at a terminal meets them."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask_appbuilder.cli import fab
from sqlalchemy import func, select, update

from app.extensions import db
from app.models import Batch, BatchLine, Centre, Document, ImportFile
from app.services.core import clock
from app.services.demonstration import demonstration
from app.services.imports import analysing, corrections, intake, uploads
from app.services.retention import purge
from app.services.storage import store
from app.validators.remark import EMAIL_HEADER, HEADERS
from tests.corpus import builders
from tests.imports.test_intake import rows_of, workbook
from tests.registration.test_analysis import FIRST_TABLE, ORDER, REF, SECOND_TABLE
from tests.support import MARIE, centre_id, drain, person_id, registered

DEMO = "12345678200010"


def run(app: Flask, *words: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=list(words))
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


@pytest.mark.parametrize("kind", ["xlsx", "xls"])
class TestAnalyse:
    def test_the_first_table(self, app: Flask, tmp_path: Path, kind: str) -> None:
        file = tmp_path / f"sessions.{kind}"
        file.write_bytes(workbook(*rows_of(FIRST_TABLE), kind=kind))
        code, output = run(app, "analyse", str(file), "--siret", DEMO, "--on", "2022-01-10", "--json")
        answer = json.loads(output)
        assert (code, answer["lines"], answer["informations"], answer["errors"], answer["importable"]) == (
            1, 6, 1, 5, False,
        )  # fmt: skip
        assert [row["line"] for row in answer["rows"]] == [2, 3, 4, 5, 6, 1]
        first = answer["rows"][0]
        assert first["remarks"][0] == {
            "code": "missing", "severity": "error", "field": "first_name", "message": "Prénom non renseigné",
        }  # fmt: skip
        assert first["values"]["last_name"] == "LEROY"
        assert set(first["values"]) == set(HEADERS)

    def test_the_second_table_is_importable_and_nothing_is_written(self, app: Flask, tmp_path: Path, kind: str) -> None:
        file = tmp_path / f"sessions.{kind}"
        file.write_bytes(workbook(*rows_of(SECOND_TABLE), kind=kind))
        code, output = run(app, "analyse", str(file), "--siret", "123 456 782 00010", "--on", "2022-01-19")
        assert code == 0
        assert output.startswith("6 ligne(s) analysée(s), 1 information(s), 0 erreur(s)")
        assert db.session.scalar(select(func.count()).select_from(Batch)) == 0

    def test_the_day_counts(self, app: Flask, tmp_path: Path, kind: str) -> None:
        file = tmp_path / f"sessions.{kind}"
        file.write_bytes(workbook(*rows_of(SECOND_TABLE), kind=kind))
        assert run(app, "analyse", str(file), "--siret", DEMO, "--on", "2021-12-31")[0] == 1


def test_the_json_of_a_report_is_what_the_api_answers(app: Flask, tmp_path: Path) -> None:
    typed = [[REF + '"\\', ORDER, *cells, "zoé@" if at else ""] for at, (_, *cells) in enumerate(SECOND_TABLE)]
    file = tmp_path / "sessions.xlsx"
    file.write_bytes(builders.xlsx([*HEADERS.values(), EMAIL_HEADER], *typed))
    judged = analysing.read_and_judge(centre_id(), file)
    expected = {**judged.report.to_json(), "sheet": judged.sheet.name, "other_sheets": []}
    output = run(app, "analyse", str(file), "--siret", DEMO, "--json")[1]
    assert output == json.dumps(expected, ensure_ascii=False) + "\n"
    assert '\\"' in output
    assert "address_unusable" in output


def test_the_sheet_that_was_read_and_the_others_that_hold_lines_are_told(app: Flask, tmp_path: Path) -> None:
    rows = [list(HEADERS.values()), *rows_of(SECOND_TABLE)]
    file = tmp_path / "sessions.xlsx"
    sheets = {"Modèle": rows[:1], "Octobre": rows, "Novembre": rows[:2]}
    file.write_bytes(builders.zipped(builders.members({name: builders.sheet(held) for name, held in sheets.items()})))
    answer = json.loads(run(app, "analyse", str(file), "--siret", DEMO, "--json")[1])
    assert (answer["sheet"], answer["other_sheets"], answer["lines"]) == ("Octobre", ["Novembre"], 6)
    assert "Seule la feuille « Octobre » a été lue" in run(app, "analyse", str(file), "--siret", DEMO)[1]


@pytest.mark.parametrize(
    ("name", "content", "siret", "code"),
    [
        ("a.xlsx", None, DEMO, "not_found"),
        ("a.csv", b"x", DEMO, "not_a_workbook_name"),
        ("a.xlsx", b"x" * 20, DEMO, "not_a_workbook"),
        ("a.xlsx", b"x", "00000000000000", "unknown_centre"),
        ("a.xlsx", builders.xlsx(["Ref"]), DEMO, "headers"),
    ],
)
def test_refusals_exit_2_with_code_and_sentence(
    app: Flask, tmp_path: Path, name: str, content: bytes | None, siret: str, code: str
) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    status, output = run(app, "analyse", str(file), "--siret", siret, "--json")
    answer = json.loads(output)
    assert (status, answer["refused"]["code"]) == (2, code)
    assert answer["refused"]["message"]


class TestSeed:
    def test_a_base_that_has_a_centre_is_left_as_it_is(self, app: Flask) -> None:
        assert "nothing was changed" in run(app, "seed", "demo")[1]
        assert db.session.scalar(select(func.count()).select_from(Centre)) == 2

    def test_reference_data_is_loaded_once(self, app: Flask) -> None:
        run(app, "seed", "reference")
        run(app, "seed", "reference")
        assert demonstration.is_empty() is False


class TestPurge:
    @pytest.fixture
    def old(self, app: Flask) -> int:
        batch_id = intake.receive(
            centre_id(), person_id(), "sessions.xlsx", io.BytesIO(workbook(*rows_of(FIRST_TABLE)))
        ).id
        drain()
        db.session.execute(update(Batch).values(updated_at=clock.machine_now() - timedelta(days=31)))
        db.session.commit()
        return batch_id

    def test_a_dry_run_removes_nothing(self, app: Flask, old: int) -> None:
        assert run(app, "purge", "--dry-run")[1] == "1 file(s) with 6 line(s), 0 orphan(s) would be removed\n"
        assert db.session.scalar(select(func.count()).select_from(BatchLine)) == 6

    def test_a_file_left_for_30_days_goes_with_its_lines(self, app: Flask, old: int) -> None:
        path = uploads.path_of(str(db.session.get_one(ImportFile, old).path))
        assert path.exists()
        assert run(app, "purge")[1] == "1 file(s) with 6 line(s), 0 orphan(s) removed\n"
        db.session.expire_all()
        assert not path.parent.exists()
        assert db.session.scalar(select(func.count()).select_from(BatchLine)) == 0
        assert db.session.get_one(Batch, old).state == "cancelled"
        assert run(app, "purge")[1].startswith("0 file(s)")

    def test_a_file_taken_up_again_while_others_are_removed_stays(
        self, app: Flask, old: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = purge._abandoned()
        corrections.correct_cell(old, 2, "first_name", "MARIE", person_id())
        monkeypatch.setattr(purge, "_abandoned", lambda: found)
        assert run(app, "purge")[1].startswith("0 file(s) with 0 line(s)")
        db.session.expire_all()
        assert db.session.get_one(Batch, old).state == "in_error"
        assert db.session.scalar(select(func.count()).select_from(BatchLine)) == 6
        assert uploads.path_of(str(db.session.get_one(ImportFile, old).path)).exists()

    def test_a_younger_file_and_an_imported_one_stay(self, app: Flask, old: int) -> None:
        db.session.execute(update(Batch).values(updated_at=clock.machine_now() - timedelta(days=29)))
        db.session.commit()
        assert run(app, "purge")[1].startswith("0 file(s)")


def test_the_first_account_of_a_new_installation_is_an_agent(app: Flask) -> None:
    result = app.test_cli_runner().invoke(
        fab, ["create-admin", "--username", "premier@op.example", "--firstname", "Premier", "--lastname", "Agent",
              "--email", "premier@op.example", "--password", "volant-Ardoise-2026"],
    )  # fmt: skip
    assert result.exit_code == 0
    client = app.test_client()
    client.post("/login/", data={"username": "premier@op.example", "password": "volant-Ardoise-2026"})
    assert client.get("/centres/list/").status_code == 200


def test_verifying_the_documents_tells_by_its_exit_code(app: Flask) -> None:
    registered(MARIE)
    drain()
    assert run(app, "documents", "verify") == (0, "2 document(s) read: all as they were sealed\n")
    document = db.session.execute(select(Document).limit(1)).scalar_one()
    (store.folder() / str(document.path)).unlink()
    assert run(app, "documents", "verify") == (1, "2 document(s) read: 1 missing\n")
