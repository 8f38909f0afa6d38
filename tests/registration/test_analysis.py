"""The analysis against a real base: the two tables of the reference document, facts kept apart, reads that do not grow."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import update

from app.extensions import db
from app.models import Accreditation, Driver, Registration
from app.services.registration import analysis
from app.validators.line import RawLine
from tests.bases import on_both
from tests.support import MARIE, PIERRE, centre_id, draft, many, registered, statements, training_id

pytestmark = pytest.mark.usefixtures("app")

REF, ORDER = "REF20220101", "COM202201"
GOODS, PASSENGERS = "Marchandises", "Voyageurs"
#: « file-import », step 3: six lines, five errors, one information.
FIRST_TABLE = [
    (1, "FIMO Marchandises", GOODS, "01/01/2022", "PIERRE", "DUPONT", "01/01/1990", "82R987928"),
    (2, "FCO Complète", GOODS, "01/01/2022", "", "LEROY", "25/12/2002", "298795874"),
    (3, "Titre Professionnel CTCR", GOODS, "01/01/2022", "BENOIT", "VERTAPEN", "07/07/1987", "7555755556"),
    (4, "FIMO Voyageurs", PASSENGERS, "20/01/2022", "VINCENT", "PETIT", "20/10/1981", "22225465545"),
    (5, "FCO Complète", PASSENGERS, "01/01/2022", "11111", "BAELEN", "17/09/1949", "56656455656"),
    (6, "Passerelle Voyageurs", GOODS, "01/01/2022", "THOMAS", "RAIKONEN", "21/03/2020", "24453344634"),
]
#: The same, step 4: corrected.
SECOND_TABLE = [
    FIRST_TABLE[0],
    (2, "FCO Complète", GOODS, "01/01/2022", "MARIE", "LEROY", "25/12/2002", "298795874"),
    (3, "Passerelle Marchandises", GOODS, "01/01/2022", "BENOIT", "VERTAPEN", "07/07/1987", "7555755556"),
    (4, "FIMO Voyageurs", PASSENGERS, "01/01/2022", "VINCENT", "PETIT", "20/10/1981", "22225465545"),
    (5, "FCO Complète", PASSENGERS, "01/01/2022", "JEANNE", "BAELEN", "17/09/1949", "56656455656"),
    (6, "Passerelle Voyageurs", PASSENGERS, "01/01/2022", "THOMAS", "RAIKONEN", "21/03/2001", "24453344634"),
]


def raws(table: list[tuple[int, str, str, str, str, str, str, str]]) -> list[RawLine]:
    return [RawLine(number, REF, ORDER, *cells) for number, *cells in table]


@on_both
def test_the_first_table_of_the_reference_document() -> None:
    found = analysis.analyse_lines(centre_id(), raws(FIRST_TABLE)).report
    assert (found.lines, found.informations, found.errors, found.importable) == (6, 1, 5, False)
    assert [(row.line.number, row.remarks[0].message.partition(". ")[0]) for row in found.rows] == [
        (2, "Prénom non renseigné"),
        (3, "CFR non agréé pour cette formation à la date indiquée"),
        (4, "La date de fin de formation ne peut pas être postérieure à la date du jour"),
        (5, "Format du prénom non conforme"),  # what is expected follows, as a second sentence
        (6, "Le stagiaire doit être majeur"),
        (1, "Ne possède pas encore de compte sur la plateforme"),
    ]


def test_the_second_table_of_the_reference_document() -> None:
    found = analysis.analyse_lines(centre_id(), raws(SECOND_TABLE)).report
    assert (found.lines, found.informations, found.errors, found.importable) == (6, 1, 0, True)
    assert [(row.line.number, [r.message for r in row.remarks]) for row in found.rows] == [
        (1, ["Ne possède pas encore de compte sur la plateforme"]),
        *((number, []) for number in range(2, 7)),
    ]


def test_an_accreditation_is_judged_on_the_end_date() -> None:
    db.session.execute(update(Accreditation).values(valid_from=date(2022, 1, 2), valid_to=date(2022, 1, 5)))
    db.session.commit()
    one = SECOND_TABLE[1]
    for day, covered in (("01", False), ("02", True), ("05", True), ("06", False)):
        line = raws([(*one[:3], f"{day}/01/2022", *one[4:])])
        codes = [r.code for r in analysis.analyse_lines(centre_id(), line).report.rows[0].remarks]
        assert ("not_accredited" not in codes) is covered, day


def test_a_training_registered_before_is_told_with_its_day() -> None:
    registered(MARIE)
    again = analysis.check(draft(MARIE)).rows[0]
    assert [r.message for r in again.remarks] == [
        "Déjà enregistré par votre centre le 10/01/2022 pour cette formation : un nouvel enregistrement sera facturé"
    ]
    other = analysis.check(draft(MARIE, training=training_id("FCO Complète"))).rows[0]
    assert other.remarks == ()


def test_another_module_day_is_another_training() -> None:
    module = training_id("Module FCO")
    registered(MARIE, training=module, end_date="05/01/2022")
    assert analysis.check(draft(MARIE, training=module, end_date="06/01/2022")).rows[0].remarks == ()
    assert analysis.check(draft(MARIE, training=module, end_date="05/01/2022")).informations == 1


@on_both
def test_a_driver_this_centre_knows_under_another_name() -> None:
    registered(PIERRE)
    messages = [r.message for r in analysis.check(draft({**PIERRE, "last_name": "DURAND"})).rows[0].remarks]
    assert "Ce N° de permis et cette date de naissance sont connus sous un autre nom" in messages


@on_both
def test_another_centre_s_records_are_never_told() -> None:
    registered(PIERRE)
    neighbour = centre_id("98765432400019")
    line = raws([(1, "FIMO Voyageurs", PASSENGERS, "01/01/2022", "PIERRE", "DURAND", "01/01/1990", "82R987928")])
    codes = [r.code for r in analysis.analyse_lines(neighbour, line).report.rows[0].remarks]
    assert codes == ["no_account"]


def test_the_same_permit_with_another_birth_date_is_another_driver() -> None:
    found = analysis.check(draft({**MARIE, "birth_date": "13/04/1985"}))
    assert [r.code for r in found.rows[0].remarks] == ["no_account"]


@on_both
def test_the_check_reads_as_often_for_a_thousand_lines_as_for_ten() -> None:
    counted = {}
    for size in (10, 1000):
        batch_id = draft(*many(size))
        db.session.expire_all()
        with statements() as seen:
            analysis.check(batch_id)
        counted[size] = sum(statement.lstrip().upper().startswith(("SELECT", "WITH")) for statement in seen)
    assert counted[10] == counted[1000]
    assert counted[1000] <= 7, "six of the facts, one of the strangers asked about (rights.asking)"


def test_nothing_is_written_by_an_analysis() -> None:
    analysis.analyse_lines(centre_id(), raws(FIRST_TABLE))
    assert not db.session.new
    assert db.session.query(Registration).count() == 0
    assert db.session.query(Driver).count() == 6
