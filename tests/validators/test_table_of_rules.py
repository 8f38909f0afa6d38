"""The table of rules is what production asks: all of it, and each rule reads what its row says."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from app.validators import rules
from app.validators.batch import Judge
from app.validators.context import Context
from app.validators.fields import name_key
from app.validators.line import Line
from app.validators.remark import ORDER, Code, Remark
from app.validators.rules import RULES, Reads, Rule
from tests.validators.facts import ALL_IDS, DRIVER, FIMO_GOODS, accreditation, context, parsed

#: What an answer that is shared may lean on: anything else would be said of lines that differ in it.
SHARED = {
    Reads.TRAINING: {"training", "category", "end_date"},
    Reads.AGE: {"birth_date", "minors_allowed"},
}
#: A driver of the same names whom the centre knows.
NAMESAKES = {("dupont", "pierre"): (DRIVER,)}
ADDRESS = "pierre.dupont@exemple.fr"
#: Rule → lines and facts on which it speaks.
SPEAKING: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "end_date_in_future": ({"end_date": "11/01/2022"}, {}),
    "minor": ({"birth_date": "01/01/2006"}, {}),
    "over_100": ({"birth_date": "01/01/1906"}, {}),
    "birth_date_in_future": ({"birth_date": "01/01/2023"}, {}),
    "not_accredited": ({}, {"accreditations": (accreditation(ALL_IDS - {FIMO_GOODS}),)}),
    "category_mismatch": ({"category": "Voyageurs"}, {}),
    "already_registered": ({}, {"own_registrations": {(*DRIVER, FIMO_GOODS, None): date(2022, 1, 5)}}),
    "identity_differs": ({}, {"own_names": {DRIVER: frozenset({name_key("AUTRE", "Nom")})}}),
    "no_account": ({}, {"accounts": frozenset()}),
    "looks_alike": ({"permit_number": "82R987982"}, {"own_namesakes": NAMESAKES}),
    "address_unusable": ({"email": "pierre@"}, {}),
}


class Watched:
    """A line that notes what is read of it."""

    def __init__(self, line: Line) -> None:
        self.line, self.read = line, set[str]()

    def __getattr__(self, name: str) -> Any:
        self.read.add(name)
        return getattr(self.line, name)


def test_production_asks_every_rule_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def noted(rule: Rule) -> Rule:
        def ask(line: Line, facts: Context) -> Remark | None:
            asked.append(rule.__name__)
            return rule(line, facts)

        return ask

    monkeypatch.setattr(rules, "RULES", tuple((noted(rule), reads) for rule, reads in RULES))
    Judge().check([parsed(email=ADDRESS)], context(own_namesakes=NAMESAKES))
    assert sorted(asked) == sorted(rule.__name__ for rule, _ in RULES)


@pytest.mark.parametrize("reads", list(Reads))
def test_a_rule_put_in_the_table_is_obeyed_whatever_it_reads(monkeypatch: pytest.MonkeyPatch, reads: Reads) -> None:
    told = Remark(Code.OVER_100, "birth_date")
    monkeypatch.setattr(rules, "RULES", (*RULES, (lambda line, facts: told, reads)))
    lines = [parsed(email=ADDRESS), parsed(email=ADDRESS, permit_number="850492100123")]
    rows = Judge().check(lines, context(own_namesakes=NAMESAKES))
    assert all(told in row.remarks for row in rows)


def test_a_rule_that_reads_the_whole_line_is_asked_of_every_line(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Remark(Code.OVER_100, "birth_date")

    def named_paul(line: Line, facts: Context) -> Remark | None:
        return told if line.first_name == "PAUL" else None

    monkeypatch.setattr(rules, "RULES", (*RULES, (named_paul, Reads.LINE)))
    rows = Judge().check([parsed(), parsed(first_name="PAUL"), parsed(first_name="MARC")], context())
    assert [row.remarks for row in rows] == [(), (told,), ()]


@pytest.mark.parametrize(("rule", "reads"), RULES, ids=[rule.__name__ for rule, _ in RULES])
def test_each_rule_speaks_and_reads_no_more_than_its_row_says(rule: Rule, reads: Reads) -> None:
    changes, facts = SPEAKING[rule.__name__]
    for line, known in ((parsed(**changes), context(**facts)), (parsed(), context())):
        watched = Watched(line)
        rule(watched, known)  # type: ignore[arg-type]
        assert watched.read <= SHARED.get(reads, watched.read)
    assert rule(parsed(**changes), context(**facts)) is not None


def test_the_table_stands_in_the_order_of_the_remarks() -> None:
    places = {code: place for place, (code, _) in enumerate(ORDER)}
    said = [Code(rule.__name__) for rule, _ in RULES]
    assert said == sorted(said, key=places.__getitem__)
    assert len(set(said)) == len(said) == len(SPEAKING)
