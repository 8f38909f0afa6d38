"""The two tables of the reference document « J'enregistre une formation par import XLSX », as they stand."""

from __future__ import annotations

from datetime import date

import pytest

from app.validators.batch import Report, check_batch
from app.validators.context import Context
from app.validators.line import RawLine
from app.validators.reading import parse_lines
from tests.validators.facts import CATALOGUE, accreditation

# In the order of the screen: detail, line, reference, order, category, label, end, first name, name, birth, permit.
STEP_3 = """\
Prénom non renseigné	2	REF20220101	COM202201	Marchandises	FCO Complète	01/01/2022		LEROY	25/12/2002	298795874
CFR non agréé pour cette formation à la date indiquée	3	REF20220101	COM202201	Marchandises	Titre Professionnel CTCR	01/01/2022	BENOIT	VERTAPEN	07/07/1987	7555755556
La date de fin de formation ne peut pas être postérieure à la date du jour	4	REF20220101	COM202201	Voyageurs	FIMO Voyageurs	20/01/2022	VINCENT	PETIT	20/10/1981	22225465545
Format du prénom non conforme	5	REF20220101	COM202201	Voyageurs	FCO Complète	01/01/2022	11111	BAELEN	17/09/1949	56656455656
Le stagiaire doit être majeur	6	REF20220101	COM202201	Marchandises	Passerelle Voyageurs	01/01/2022	THOMAS	RAIKONEN	21/03/2020	24453344634
Ne possède pas encore de compte sur la plateforme	1	REF20220101	COM202201	Marchandises	FIMO Marchandises	01/01/2022	PIERRE	DUPONT	01/01/1990	82R987928
"""  # noqa: E501
STEP_4 = """\
Ne possède pas encore de compte sur la plateforme	1	REF20220101	COM202201	Marchandises	FIMO Marchandises	01/01/2022	PIERRE	DUPONT	01/01/1990	82R987928
	2	REF20220101	COM202201	Marchandises	FCO Complète	01/01/2022	MARIE	LEROY	25/12/2002	298795874
	3	REF20220101	COM202201	Marchandises	Passerelle Marchandises	01/01/2022	BENOIT	VERTAPEN	07/07/1987	7555755556
	4	REF20220101	COM202201	Voyageurs	FIMO Voyageurs	01/01/2022	VINCENT	PETIT	20/10/1981	22225465545
	5	REF20220101	COM202201	Voyageurs	FCO Complète	01/01/2022	JEANNE	BAELEN	17/09/1949	56656455656
	6	REF20220101	COM202201	Voyageurs	Passerelle Voyageurs	01/01/2022	THOMAS	RAIKONEN	21/03/2001	24453344634
"""  # noqa: E501

ACCREDITED = frozenset(range(1, 7))  # FIMO, both passerelles and the complete FCO in both categories, no CTCR
ACCOUNTS = frozenset(
    {
        (date(2002, 12, 25), "298795874"),
        (date(1987, 7, 7), "7555755556"),
        (date(1981, 10, 20), "22225465545"),
        (date(1949, 9, 17), "56656455656"),
        (date(2001, 3, 21), "24453344634"),
        (date(2020, 3, 21), "24453344634"),  # the birth date as mistyped: it leads to no account, and is not the point
    }
)


def file_of(table: str) -> list[RawLine]:
    """The lines of a table, in the order of the file."""
    cells = [row.split("\t") for row in table.splitlines()]
    lines = [
        RawLine(int(number), ref, order, label, category, end, first, last, born, permit)
        for _, number, ref, order, category, label, end, first, last, born, permit in cells
    ]
    return sorted(lines)


def analysed(table: str, today: date, accounts: frozenset[tuple[date, str]] = ACCOUNTS) -> Report:
    facts = Context(today, CATALOGUE, (accreditation(ACCREDITED, start=date(2022, 1, 1)),), accounts)
    return check_batch(parse_lines(file_of(table), CATALOGUE), facts)


def shown(report: Report) -> list[tuple[str, int]]:
    return [(referenced(row.remarks[0].message) if row.remarks else "", row.line.number) for row in report.rows]


def referenced(message: str) -> str:
    """The sentence of the reference document; what is expected of the format follows it, as a second one."""
    return message.partition(". Attendu : ")[0].partition(". Le signe ")[0]


def expected(table: str) -> list[tuple[str, int]]:
    return [(row.split("\t")[0], int(row.split("\t")[1])) for row in table.splitlines()]


@pytest.mark.parametrize("today", [date(2022, 1, 2), date(2022, 1, 19)])
@pytest.mark.parametrize(("table", "errors"), [(STEP_3, 5), (STEP_4, 0)])
def test_the_tables_come_out_as_they_stand(table: str, errors: int, today: date) -> None:
    report = analysed(table, today)
    assert shown(report) == expected(table)
    assert (report.lines, report.informations, report.errors) == (6, 1, errors)
    assert report.importable is (errors == 0)


def test_lines_3_and_6_bear_the_mismatch_as_second_remark() -> None:
    seconds = {
        row.line.number: row.remarks[1].kind for row in analysed(STEP_3, date(2022, 1, 2)).rows if row.remarks[1:]
    }
    assert seconds == {3: "category_mismatch", 6: "category_mismatch"}


def test_an_information_beside_an_error_changes_no_count() -> None:
    known = ACCOUNTS - {(date(2020, 3, 21), "24453344634")}
    report = analysed(STEP_3, date(2022, 1, 2), known)
    assert shown(report) == expected(STEP_3)
    assert (report.lines, report.informations, report.errors) == (6, 1, 5)
    assert report.kinds["no_account"] == 2
