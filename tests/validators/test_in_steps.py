"""A file judged in steps says what it says judged at once, whatever comes back from one step to the next."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.validators import reading
from app.validators.batch import Judge
from app.validators.fields import name_key
from app.validators.line import RawLine
from app.validators.reading import Reader, parse_lines
from tests.validators.facts import CATALOGUE, DRIVER, GOOD, context, raw

CELLS: dict[str, Any] = {
    "reference": st.sampled_from(["REF", "", "#REF!"]),
    "training_label": st.sampled_from(["FIMO Marchandises", "fco complete", "Permis bateau", ""]),
    "category": st.sampled_from(["Marchandises", "Voyageurs", "Bateaux"]),
    "end_date": st.sampled_from(["01/01/2022", "02/01/2022", "20/01/2030", "demain"]),
    "first_name": st.sampled_from(["PIERRE", "Marie", "M4RIE", ""]),
    "last_name": st.sampled_from(["DUPONT", "MARTIN", "11111"]),
    "birth_date": st.sampled_from(["01/01/1990", "21/03/2020", "31/02/1990", ""]),
    "permit_number": st.sampled_from(["82R987928", "850492100123", "12", ""]),
    "not_text": st.sampled_from(["", "permit_number", "order_number", "reference order_number permit_number"]),
}
ROWS = st.lists(st.fixed_dictionaries(CELLS), max_size=12)
FACTS = context(own_names={DRIVER: frozenset({name_key("DUPONT", "Pierre")})})


def numbered(rows: list[dict[str, Any]]) -> list[RawLine]:
    """Return the rows as lines, from 1."""
    return [raw(number, **row) for number, row in enumerate(rows, 1)]


@given(ROWS, st.integers(1, 5), st.sampled_from([0, 2, 20_000]))
def test_in_steps_or_one_by_one_the_remarks_are_the_same(
    rows: list[dict[str, Any]], step: int, remembered: int
) -> None:
    raws = numbered(rows)
    alone = [row for each in raws for row in Judge().check(parse_lines([each], CATALOGUE), FACTS)]
    reader, judge = Reader(CATALOGUE), Judge()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_REMEMBERED", remembered)
        steps = [judge.check(reader.read(raws[at : at + step]), FACTS) for at in range(0, len(raws), step)]
    found = [row for rows in steps for row in rows]
    assert [(row.line.group, row.line.identity, row.remarks) for row in found] == [
        (row.line.group, row.line.identity, row.remarks) for row in alone
    ]


def test_a_driver_known_in_a_later_step_is_judged_as_known() -> None:
    reader, judge = Reader(CATALOGUE), Judge()
    nobody = context(accounts=frozenset())
    first = judge.check(reader.read([raw(1, permit_number="850492100123")]), nobody)
    second = judge.check(reader.read([raw(2)]), context())
    third = judge.check(reader.read([raw(3, birth_date=GOOD["birth_date"], last_name="AUTRE")]), FACTS)
    assert [[remark.kind for remark in row.remarks] for row in (*first, *second, *third)] == [
        ["no_account"], [], ["identity_differs"],
    ]  # fmt: skip
