"""« Ressemble à … : vérifiez »: what a centre is told of its own drivers while it types, and of nobody else's."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from app.extensions import db
from app.models import Registration
from app.services.registration import analysis, facts
from app.validators.line import RawLine
from app.validators.remark import Code
from tests.bases import EVERY
from tests.support import MARIE, centre_id, many, registered, statements

BACKENDS = EVERY
EACH_VALUE = True
TRAINING = {"training_label": "FIMO Marchandises", "category": "Marchandises", "end_date": "07/01/2022"}


def told(centre: int | None = None, without: tuple[int, ...] = (), **changes: str) -> list[tuple[str | None, str]]:
    """Return field and sentence of each remark of a line that says « ressemble »."""
    line = RawLine(1, **{**TRAINING, **MARIE, **changes})
    report = analysis.analyse_lines(centre or centre_id(), [line], without=without).report
    return [(one.field, one.message) for one in report.rows[0].remarks if one.code is Code.LOOKS_ALIKE]


@pytest.mark.usefixtures("app")
class TestNamesakes:
    def test_a_permit_number_one_slip_away_is_told_with_the_one_known(self) -> None:
        registered(MARIE)
        [(field, message)] = told(permit_number="850492100132", last_name="Martin")
        assert field == "permit_number"
        assert "850492100123" in message
        assert told() == []

    def test_day_and_month_swapped_are_told_with_the_date_known(self) -> None:
        registered(MARIE)
        [(field, message)] = told(birth_date="04/12/1985")
        assert field == "birth_date"
        assert "12/04/1985" in message

    def test_another_centre_is_told_nothing(self) -> None:
        registered(MARIE)
        assert told(centre_id("98765432400019"), permit_number="850492100132") == []

    def test_a_cancelled_registration_and_one_about_to_be_replaced_count_for_nothing(self) -> None:
        batch = registered(MARIE)
        row = db.session.query(Registration).filter_by(batch_id=batch.id).one()
        assert told(without=(row.id,), permit_number="850492100132") == []
        db.session.execute(update(Registration).values(cancelled_on=row.registered_on))
        assert told(permit_number="850492100132") == []

    @pytest.mark.parametrize("few", [True, False])
    def test_among_many_lines_all_are_told_whatever_the_centre_has(
        self, few: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        registered({**MARIE, "last_name": "Lê-Martin"}, *many(3))
        monkeypatch.setattr(facts, "_MANY", 4 if few else 3)
        slip = {**MARIE, "last_name": "LE MARTIN", "permit_number": "850492100132"}
        lines = [RawLine(at, **{**TRAINING, **row}) for at, row in enumerate((*many(9)[4:], slip), 1)]
        with statements() as seen:
            rows = analysis.analyse_lines(centre_id(), lines).report.rows
        assert [row.line.number for row in rows if any(one.code is Code.LOOKS_ALIKE for one in row.remarks)] == [6]
        assert any("LIMIT" in one for one in seen)

    def test_many_lines_take_no_more_queries_than_one(self) -> None:
        registered(MARIE)
        counts = []
        for rows in (many(1), many(50)):
            lines = [RawLine(at, **{**TRAINING, **row}) for at, row in enumerate(rows, 1)]
            with statements() as seen:
                analysis.analyse_lines(centre_id(), lines)
            counts.append(len(seen))
        assert counts[0] == counts[1]
