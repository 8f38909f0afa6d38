"""What « Mes imports » asks of the base, on every base."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, func, select

from app.extensions import db
from app.jobs import work
from app.models import Batch, Outbox, Tariff
from app.services.imports import corrections, judging
from app.services.imports import desk as import_desk
from app.services.reference import pricing
from app.services.registration import report
from app.services.registration.report import Filter
from tests.bases import BOTH
from tests.imports.test_intake import analysed, received, rows_of, workbook
from tests.registration.test_analysis import FIRST_TABLE, ORDER, REF, SECOND_TABLE
from tests.support import centre_id, drain, person_id

BACKENDS = BOTH

pytestmark = pytest.mark.usefixtures("app")


def found(batch: Batch, text: str) -> list[int]:
    return [one.line.number for one in report.page(batch, Filter(search=text)).lines]


def test_the_price_counts_kept_lines_only() -> None:
    rows = rows_of(SECOND_TABLE)
    batch = analysed(*rows, rows[0])  # the seventh line is the first one again
    assert import_desk.quote(batch).total == Decimal("152.04")
    corrections.set_aside(batch.id, 2, True, person_id())
    db.session.refresh(batch)
    quote = import_desk.quote(batch)
    assert (quote.lines, quote.total) == (5, Decimal("126.70"))
    assert batch.summary is not None
    assert batch.summary["kept"] == 5


def test_labels_written_in_another_way_have_their_price() -> None:
    rows = rows_of(SECOND_TABLE)
    rows[0][2:4] = [" fimo   MARCHANDISES", "marchandises"]
    quote = import_desk.quote(analysed(*rows))
    assert [(row.label, row.count) for row in quote.rows if row.label.startswith("FIMO M")] == [
        ("FIMO Marchandises", 1)
    ]


def test_without_a_tariff_no_price_is_said() -> None:
    batch = analysed(*rows_of(SECOND_TABLE))
    db.session.execute(delete(Tariff))
    with pytest.raises(pricing.NoTariff):
        import_desk.quote(batch)


def test_search_knows_no_case_and_takes_signs_as_they_are() -> None:
    rows = rows_of(SECOND_TABLE)
    rows[0][5:7] = ["Hélène", "O'NEIL"]
    batch = analysed(*rows)
    for text, lines in (
        ("leroy", [2]), ("HÉLÈNE", [1]), ("hélène", [1]), ("o'n", [1]), ("82r987928", [1]), ("%", []), ("_", []),
        ("/", []), ("com2022", [1, 2, 3, 4, 5, 6]),
    ):  # fmt: skip
        assert found(batch, text) == lines, text


def test_search_knows_both_names_together_and_a_permit_number_in_any_pieces() -> None:
    rows = rows_of(SECOND_TABLE)
    rows[0][8], rows[1][8] = "82 R 987.928", "298795874"
    batch = analysed(*rows)
    for text, lines in (
        ("dupont pierre", [1]), ("Pierre DUPONT", [1]), ("dupont marie", []), ("82R987928", [1]), ("82 r 987 928", [1]),
        ("2987 95874", [2]), ("298-795-874", [2]), ("1990-01", []),
    ):  # fmt: skip
        assert found(batch, text) == lines, text


def test_the_annotated_lines_come_in_the_order_of_the_file_set_aside_ones_too() -> None:
    batch = analysed(*rows_of(FIRST_TABLE))
    corrections.set_aside(batch.id, 4, True, person_id())
    given = list(import_desk.annotated(batch.id))
    assert [line.number for line, _ in given] == [1, 2, 3, 4, 5, 6]
    assert [remark.code for remark in given[1][1]][:1] == ["missing"]
    assert given[3][1] == "Ligne écartée de l’import"
    assert given[1][0].values() == {**given[1][0].values(), "reference": REF, "order_number": ORDER}


def test_listing_and_unfinished_are_the_centre_s_own() -> None:
    first = analysed(*rows_of(FIRST_TABLE)).id
    refused = received(b"<html>").id
    own = import_desk.listing(centre_id())
    assert [file.batch_id for file in own.files] == [refused, first]
    assert [file.batch_id for file in import_desk.listing(centre_id(), "a-corriger").files] == [first]
    assert [file.batch_id for file in import_desk.unfinished(centre_id())] == [first]
    other = centre_id("98765432400019")
    assert import_desk.listing(other).total == 0
    assert import_desk.unfinished(other) == []


def test_only_a_failed_analysis_restarts_and_only_one_row_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    batch_id = received(workbook(*rows_of(FIRST_TABLE))).id
    with pytest.raises(import_desk.CannotRestart):
        import_desk.restart(batch_id, person_id())

    def broken(*_args: Any) -> None:
        raise OSError("disk")

    with monkeypatch.context() as patched:
        patched.setattr(judging, "compare", broken)
        row_id = db.session.execute(select(Outbox.id)).scalar_one()
        for _ in range(3):
            row = db.session.get_one(Outbox, row_id)
            row.due_at = row.created_at
            db.session.commit()
            work.run(row_id)
    import_desk.restart(batch_id, person_id())
    assert db.session.scalar(select(func.count()).where(Outbox.done_at.is_(None))) == 1
    drain()
    db.session.expire_all()
    assert db.session.get_one(Batch, batch_id).state == "in_error"
