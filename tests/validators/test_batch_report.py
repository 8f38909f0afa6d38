"""What the lines say of each other, the order of the screen and the counts."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.validators.batch import Judge, check_batch
from app.validators.line import RawLine
from app.validators.reading import parse_lines
from app.validators.remark import ORDER, Severity
from tests.validators.facts import CATALOGUE, DRIVER, GOOD, context, raw, report

OTHER = {"permit_number": "123456789012", "birth_date": "02/02/1980"}
HAVE_ACCOUNTS = context(accounts=frozenset({DRIVER, (date(1980, 2, 2), "123456789012")}))


def told(*changes: dict[str, Any]) -> dict[int, list[tuple[str, int | None]]]:
    """Line number → its (kind, other line), for lines that have remarks."""
    rows = report(*changes, facts=HAVE_ACCOUNTS).rows
    return {row.line.number: [(r.kind, r.other_line) for r in row.remarks] for row in rows if row.remarks}


def test_a_driver_twice_for_a_training_is_an_error_of_the_later_line() -> None:
    assert told({}, OTHER, {"reference": "R2"}) == {3: [("duplicate_driver", 1)]}
    (remark,) = report({}, {"reference": "R2"}).rows[0].remarks
    assert remark.message == "Ce conducteur figure déjà pour cette formation à la ligne 1"
    assert (remark.severity, remark.field) == (Severity.ERROR, "permit_number")


def test_the_first_line_of_the_driver_is_named_each_time() -> None:
    assert told(OTHER, {}, {"reference": "R2"}, {"reference": "R3"}) == {
        3: [("duplicate_driver", 2)],
        4: [("duplicate_driver", 2)],
    }


def test_a_driver_is_known_by_birth_date_and_normalised_permit() -> None:
    assert told({}, {"permit_number": "82-R 987.928", "last_name": "AUTRE"}) == {2: [("duplicate_driver", 1)]}
    assert told({}, {"birth_date": "02/01/1990", "permit_number": "82R987928", "reference": "R2"}) == {
        2: [("no_account", None)]
    }


def test_another_training_or_another_category_is_no_duplicate() -> None:
    fco = {"training_label": "FCO Complète"}
    assert told({}, fco, {**fco, "category": "Voyageurs"}) == {}


def test_modules_of_several_days_are_no_duplicates() -> None:
    module = {"training_label": "Module FCO"}
    assert told(module, {**module, "end_date": "02/01/2022"}) == {}
    assert told(module, {**module, "reference": "R2"}) == {2: [("duplicate_driver", 1)]}
    assert told(module, {**module, "end_date": ""}) == {2: [("missing:end_date", None)]}


def test_the_end_date_tells_no_other_training_apart() -> None:
    assert told({}, {"end_date": "02/01/2022"}) == {2: [("duplicate_driver", 1)]}


def test_lines_with_other_errors_count_as_duplicates_too() -> None:
    assert told({"order_number": ""}, {"first_name": "1"}) == {
        1: [("missing:order_number", None)],
        2: [("format:first_name", None), ("duplicate_driver", 1)],
    }


def test_an_identical_line_is_an_information_and_is_not_kept() -> None:
    found = report({}, {}, facts=HAVE_ACCOUNTS)
    assert (found.errors, found.informations, found.importable) == (0, 1, True)
    assert [(row.line.number, row.is_kept) for row in found.rows] == [(2, False), (1, True)]
    (remark,) = found.rows[0].remarks
    assert remark.message == "Ligne identique à la ligne 1 : elle ne sera prise en compte qu'une seule fois"
    assert (remark.severity, remark.field) == (Severity.INFORMATION, None)


@pytest.mark.parametrize(
    "written_otherwise",
    [
        {"training_label": " fimo  MARCHANDISES", "category": "marchandises"},
        {"permit_number": "82 r 987 928"},
        {"first_name": "PIERRE\u00a0", "reference": "\u200bREF20220101"},
    ],
)
def test_identical_is_judged_on_normalised_fields(written_otherwise: dict[str, str]) -> None:
    assert told({}, written_otherwise) == {2: [("identical_line", 1)]}


@pytest.mark.parametrize("field", sorted(GOOD))
def test_one_field_that_differs_makes_no_identical_line(field: str) -> None:
    other = {"training_label": "Bac pro CTRM", "category": "Voyageurs", "birth_date": "02/01/1990",
             "end_date": "02/01/2022", "permit_number": "82R987929"}.get(field, "Autre")  # fmt: skip
    assert "identical_line" not in [kind for kinds in told({}, {field: other}).values() for kind, _ in kinds]


def test_identical_silences_duplicate_and_each_compares_with_the_first_of_its_kind() -> None:
    second = {"reference": "R2"}
    assert told({}, {}, second, second) == {
        2: [("identical_line", 1)],
        3: [("duplicate_driver", 1)],
        4: [("identical_line", 3)],
    }


def test_faulty_lines_are_identical_too() -> None:
    faulty = {"birth_date": "30/02/1990", "training_label": "Permis B"}
    expected = [("format:birth_date", None), ("unknown_training", None)]
    assert told(faulty, faulty) == {1: expected, 2: [*expected, ("identical_line", 1)]}


def test_a_number_excel_may_have_shortened_is_not_the_same_text() -> None:
    number = {"not_text": "permit_number"}
    refused = ("format:permit_number:text_column", None)
    assert told({}, {"reference": "R2"}, number, {**number, "reference": "R3"}, number) == {
        2: [("duplicate_driver", 1)],
        3: [refused],
        4: [refused],
        5: [refused, ("identical_line", 3)],
    }


def test_lines_are_compared_in_the_order_of_their_numbers() -> None:
    lines = parse_lines([raw(7, reference="R2"), raw(3)], CATALOGUE)
    rows = check_batch(lines, context()).rows
    assert [(row.line.number, [r.other_line for r in row.remarks]) for row in rows] == [(7, [3]), (3, [])]


def test_errors_then_informations_then_clean_by_number() -> None:
    stranger = {"permit_number": "999999999"}
    found = report({}, stranger, {"first_name": ""}, {**stranger, "last_name": "7"}, facts=context())
    assert [(row.line.number, row.rank, row.severity) for row in found.rows] == [
        (3, 0, Severity.ERROR),
        (4, 0, Severity.ERROR),
        (2, 1, Severity.INFORMATION),
        (1, 2, None),
    ]


def test_a_line_with_an_error_and_an_information_counts_once_as_an_error() -> None:
    found = report({"permit_number": "999999999", "first_name": ""})
    assert (found.lines, found.errors, found.informations) == (1, 1, 0)
    assert found.kinds == {"missing:first_name": 1, "no_account": 1}


def test_no_line_is_not_importable() -> None:
    found = check_batch([], context())
    assert (found.lines, found.errors, found.importable, found.kinds) == (0, 0, False, {})


def test_the_answer_of_analyse() -> None:
    found = report({"first_name": " "}, {}, facts=context(accounts=frozenset())).to_json()
    assert json.loads(json.dumps(found)) == found
    assert {key: found[key] for key in ("lines", "informations", "errors", "importable")} == {
        "lines": 2, "informations": 0, "errors": 2, "importable": False,
    }  # fmt: skip
    assert found["rows"][0] == {
        "line": 1,
        "severity": "error",
        "remarks": [
            {"code": "missing", "severity": "error", "field": "first_name", "message": "Prénom non renseigné"},
            {
                "code": "no_account",
                "severity": "information",
                "field": None,
                "message": "Ne possède pas encore de compte sur la plateforme",
            },
        ],
        "values": {**GOOD, "first_name": " "},
    }


def test_a_clean_row_has_no_severity() -> None:
    (row,) = report({}).to_json()["rows"]
    assert (row["severity"], row["remarks"]) == (None, [])


def test_a_blank_row_is_told_from_a_typed_one() -> None:
    assert RawLine(4, reference=" \u00a0\u200b").is_blank
    assert not RawLine(4, permit_number="0").is_blank
    assert not RawLine(4, email="a@exemple.fr").is_blank, "an address alone is not passed over in silence"


ODD_LINES = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "reference": st.sampled_from(["", "R2", "#REF!"]),
            "order_number": st.sampled_from(["", "COM2"]),
            "training_label": st.sampled_from(["", "FCO complete", "Module FCO", "FIMO Voyageurs", "Permis B"]),
            "category": st.sampled_from(["", "voyageurs", "Animaux"]),
            "end_date": st.sampled_from(["", "02/01/2022", "11/01/2022", "1/1/22"]),
            "first_name": st.sampled_from(["", "Zoé", "11111"]),
            "birth_date": st.sampled_from(["", "01/01/2010", "01/01/1900", "01/01/2023", "31/02/1990"]),
            "permit_number": st.sampled_from(["", "82 R 987928", "123456789", "#REF!"]),
            "not_text": st.sampled_from(["", "permit_number", "order_number", "reference order_number permit_number"]),
        },
    ),
    max_size=8,
)


@settings(max_examples=25, deadline=None)
@given(ODD_LINES)
def test_counts_add_up_the_order_holds_and_a_line_alone_is_told_the_same(changes: list[dict[str, Any]]) -> None:
    found = report(*changes)
    clean = [row for row in found.rows if not row.remarks]
    assert found.lines == len(changes) == found.errors + found.informations + len(clean)
    assert found.importable is (found.errors == 0 and bool(changes))
    assert [(row.rank, row.line.number) for row in found.rows] == sorted(
        (row.rank, row.line.number) for row in found.rows
    )
    for row in found.rows:
        places = [ORDER.index((remark.code, remark.field)) for remark in row.remarks]
        assert places == sorted(set(places))
        severities = {remark.severity for remark in row.remarks}
        assert row.severity == (min(severities) if severities else None)  # "error" < "information"
        compared = ("identical_line", "duplicate_driver")
        assert Judge().check([row.line], context())[0].remarks == tuple(
            r for r in row.remarks if r.kind not in compared
        )
    assert sum(found.kinds.values()) == sum(len(row.remarks) for row in found.rows)
