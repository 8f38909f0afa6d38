"""Each row of the table of rules, on one line alone."""

from __future__ import annotations

from datetime import date

import pytest

from app.validators import rules
from app.validators.context import Catalogue, Context, Period, Training
from app.validators.fields import name_key
from app.validators.reading import parse_lines
from app.validators.remark import Code, Severity
from tests.validators.facts import (
    ALL_IDS,
    CTCR,
    DRIVER,
    FCO_GOODS,
    FIMO_GOODS,
    GOODS,
    TODAY,
    accreditation,
    context,
    kinds,
    parsed,
    raw,
    remarks,
    report,
)

NAME = "1 à 60 lettres latines, jointes par des espaces, traits d’union ou apostrophes"
TEXT = "50 caractères au plus, lisibles à l’écran"


def test_a_good_line_has_no_remark_and_may_lack_its_reference() -> None:
    assert remarks() == ()
    assert remarks(reference=" ") == ()


@pytest.mark.parametrize(
    ("field", "sentence"),
    [
        ("order_number", "Numéro de commande non renseigné"),
        ("training_label", "Libellé de formation non renseigné"),
        ("category", "Catégorie de formation non renseignée"),
        ("end_date", "Date de fin de formation non renseignée"),
        ("first_name", "Prénom non renseigné"),
        ("last_name", "Nom non renseigné"),
        ("birth_date", "Date de naissance non renseignée"),
        ("permit_number", "N° de permis de conduire non renseigné"),
    ],
)
def test_a_needed_field_left_out_is_the_only_thing_said(field: str, sentence: str) -> None:
    (remark,) = remarks(**{field: ""})
    assert (remark.code, remark.field, remark.severity) == (Code.MISSING, field, Severity.ERROR)
    assert remark.message == sentence
    assert remarks(**{field: " \u00a0\u200b"}) == (remark,)


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("reference", "R" * 51, f"Format de la référence non conforme : {TEXT}"),
        ("order_number", "COM\x00", f"Format du numéro de commande non conforme : {TEXT}"),
        ("end_date", "1/1/2022", "Format de la date de fin de formation non conforme : JJ/MM/AAAA"),
        (
            "first_name",
            "11111",
            f"Format du prénom non conforme. Le signe « 1 » (chiffre) n’est pas accepté. Attendu : {NAME}",
        ),
        (
            "last_name",
            "O'",
            f"Format du nom non conforme : le signe « ' » (mal placé) n’est pas accepté ; attendu : {NAME}",
        ),
        ("birth_date", "30/02/1990", "Format de la date de naissance non conforme : JJ/MM/AAAA"),
        ("permit_number", "ABCDEFGHIJ", "Format du N° de permis de conduire non conforme : 9 à 16 chiffres ou lettres"),
    ],
)
def test_a_malformed_field_is_the_only_thing_said(field: str, typed: str, sentence: str) -> None:
    (remark,) = remarks(**{field: typed})
    assert (remark.code, remark.field, remark.severity) == (Code.FORMAT, field, Severity.ERROR)
    assert remark.message == sentence


@pytest.mark.parametrize("typed", ["298795874", "12345678901234", "850492100123"])
def test_a_permit_that_came_as_a_number_is_refused_and_the_column_named(typed: str) -> None:
    (remark,) = remarks(permit_number=typed, not_text="permit_number")
    assert remark.message == (
        "Format du N° de permis de conduire non conforme : "
        "la colonne doit être au format TEXTE (des zéros de tête ont pu être perdus)"
    )
    assert parsed(permit_number=typed, not_text="permit_number").permit is None


def test_a_short_number_is_said_once_and_not_twice() -> None:
    assert kinds(permit_number="123", not_text="permit_number") == ["format:permit_number:text_column"]


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ("reference", "format:reference"),
        ("order_number", "format:order_number"),
        ("training_label", "unknown_training"),
        ("category", "unknown_category"),
        ("end_date", "format:end_date"),
        ("first_name", "format:first_name"),
        ("last_name", "format:last_name"),
        ("birth_date", "format:birth_date"),
        ("permit_number", "format:permit_number"),
    ],
)
def test_an_excel_error_is_a_fault_of_its_field(field: str, kind: str) -> None:
    for error in ("#REF!", "#N/A", "#VALEUR!", "#DIV/0!"):
        assert kind in kinds(**{field: error})


def test_unknown_label_and_category() -> None:
    told = remarks(training_label="Permis B", category="Animaux")
    assert [remark.message for remark in told] == ["Libellé de formation inconnu", "Catégorie de formation inconnue"]


@pytest.mark.parametrize("label", ["fimo MARCHANDISES", " FIMO   Marchandises ", "FIMO\u00a0Marchandises"])
def test_label_and_category_forgive_case_and_spaces(label: str) -> None:
    assert remarks(training_label=label, category="MARCHANDISES") == ()


def test_label_forgives_accents_and_apostrophes() -> None:
    assert remarks(training_label="fco complete") == ()
    label = "CAP conducteur agent d’accueil en autobus et autocar"
    assert remarks(training_label=label, category="voyageurs") == ()


def test_end_date_today_is_accepted_tomorrow_is_not() -> None:
    assert kinds(end_date="10/01/2022") == []
    assert kinds(end_date="11/01/2022") == ["end_date_in_future"]


@pytest.mark.parametrize(
    ("today", "born", "expected"),
    [
        (TODAY, "10/01/2004", []),
        (TODAY, "11/01/2004", ["minor"]),
        (date(2022, 2, 28), "29/02/2004", ["minor"]),
        (date(2022, 3, 1), "29/02/2004", []),
        (date(2024, 2, 29), "01/03/2006", ["minor"]),
        (TODAY, "10/01/1922", []),
        (TODAY, "09/01/1922", ["over_100"]),
        (date(2100, 3, 1), "29/02/2000", []),
        (date(2100, 3, 2), "29/02/2000", ["over_100"]),
        (TODAY, "01/01/0001", ["over_100"]),
        (TODAY, "11/01/2022", ["minor", "birth_date_in_future"]),
        (TODAY, "31/12/9999", ["minor", "birth_date_in_future"]),
    ],
)
def test_age_is_judged_on_the_day(today: date, born: str, expected: list[str]) -> None:
    facts = context(today=today)
    assert [kind for kind in kinds(facts, birth_date=born) if kind != "no_account"] == expected


def test_minors_are_admitted_by_the_schools_trainings_only() -> None:
    school = {"training_label": "CAP conducteur routier marchandises", "birth_date": "01/01/2006"}
    assert "minor" not in kinds(**school)
    assert "minor" in kinds(birth_date="01/01/2006")
    assert "birth_date_in_future" in kinds(**{**school, "birth_date": "01/01/2023"})


def test_minor_needs_the_type_of_the_training() -> None:
    assert "minor" not in kinds(birth_date="01/01/2006", training_label="")
    assert "minor" not in kinds(birth_date="01/01/2006", training_label="Permis B")
    # Both entries of this label are of one type: the category is not needed to know it.
    assert "minor" in kinds(birth_date="01/01/2006", training_label="FCO Complète", category="")


def accredited(**facts: object) -> Context:
    return context(accreditations=(accreditation(**facts),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("end_date", "covered"),
    [("31/12/2020", False), ("01/01/2021", True), ("30/06/2021", True), ("01/07/2021", False)],
)
def test_accreditation_bounds_are_inclusive(end_date: str, covered: bool) -> None:
    facts = accredited(start=date(2021, 1, 1), end=date(2021, 6, 30))
    assert kinds(facts, end_date=end_date) == ([] if covered else ["not_accredited"])


@pytest.mark.parametrize(
    ("end_date", "covered"),
    [("28/02/2021", True), ("01/03/2021", False), ("31/03/2021", False), ("01/04/2021", True)],
)
def test_suspension_bounds_are_inclusive(end_date: str, covered: bool) -> None:
    facts = accredited(suspensions=(Period(date(2021, 3, 1), date(2021, 3, 31)),))
    assert kinds(facts, end_date=end_date) == ([] if covered else ["not_accredited"])


def test_withdrawal_counts_from_its_day_and_a_running_suspension_too() -> None:
    withdrawn = accredited(withdrawn_on=date(2021, 5, 1))
    assert kinds(withdrawn, end_date="30/04/2021") == []
    assert kinds(withdrawn, end_date="01/05/2021") == ["not_accredited"]
    assert kinds(accredited(suspensions=(Period(date(2021, 3, 1)),))) == ["not_accredited"]


def test_another_accreditation_covers_what_the_first_does_not() -> None:
    first = accreditation(end=date(2020, 12, 31), number="A", id=1)
    second = accreditation(start=date(2021, 1, 1), number="B", id=2)
    facts = context(accreditations=(first, second))
    assert kinds(facts) == []
    training = parsed().training
    assert training is not None
    assert facts.accreditation_for(training, date(2020, 12, 31)) is first
    assert facts.accreditation_for(training, date(2021, 1, 1)) is second
    assert facts.accreditation_for(training, date(2019, 12, 31)) is None


def test_not_accredited_looks_at_the_category_of_a_label_with_two_entries() -> None:
    facts = accredited(ids=frozenset({FCO_GOODS}))
    assert kinds(facts, training_label="FCO Complète") == []
    assert kinds(facts, training_label="FCO Complète", category="Voyageurs") == ["not_accredited"]


def test_not_accredited_where_the_category_does_not_fit_looks_at_the_labels_own() -> None:
    facts = accredited(ids=ALL_IDS - {CTCR})
    told = remarks(facts, training_label="Titre Professionnel CTCR")
    assert [remark.message for remark in told] == [
        "CFR non agréé pour cette formation à la date indiquée",
        "La formation ne correspond pas à la catégorie indiquée",
    ]


@pytest.mark.parametrize(("category", "first"), [("", "missing:category"), ("Animaux", "unknown_category")])
def test_not_accredited_without_category_speaks_for_a_single_entry_only(category: str, first: str) -> None:
    facts = accredited(ids=frozenset())
    assert kinds(facts, category=category) == [first, "not_accredited"]
    assert kinds(facts, training_label="FCO Complète", category=category) == [first]


def test_a_training_outside_its_own_validity_is_not_accredited() -> None:
    training = Training(FIMO_GOODS, "FIMO", GOODS, "FIMO", valid_from=date(2021, 1, 1), valid_to=date(2021, 12, 31))
    facts = context(catalogue=Catalogue([training]))
    days = [date(2020, 12, 31), date(2021, 1, 1), date(2021, 12, 31), date(2022, 1, 1)]
    assert [facts.accreditation_for(training, day) is not None for day in days] == [False, True, True, False]


def test_already_registered_by_this_centre_says_the_day() -> None:
    facts = context(own_registrations={(*DRIVER, FIMO_GOODS, None): date(2022, 1, 5)})
    (remark,) = remarks(facts, permit_number="82-r 987.928")
    assert remark.severity is Severity.INFORMATION
    assert remark.message == (
        "Déjà enregistré par votre centre le 05/01/2022 pour cette formation : un nouvel enregistrement sera facturé"
    )
    assert kinds(facts, training_label="FCO Complète") == []


def test_a_module_is_already_registered_for_the_same_day_only() -> None:
    module = 7
    facts = context(own_registrations={(*DRIVER, module, date(2022, 1, 1)): date(2022, 1, 5)})
    assert kinds(facts, training_label="Module FCO") == ["already_registered"]
    assert kinds(facts, training_label="Module FCO", end_date="02/01/2022") == []


def test_identity_differs_only_where_every_known_name_does() -> None:
    facts = context(own_names={DRIVER: frozenset({name_key("MARTIN", "Zoé"), name_key("Le Goff", "Yann")})})
    (remark,) = remarks(facts)
    assert (remark.field, remark.severity) == ("last_name", Severity.INFORMATION)
    assert remark.message == "Ce N° de permis et cette date de naissance sont connus sous un autre nom"
    assert kinds(facts, last_name="Zoe", first_name="MARTIN") == []
    assert kinds(facts, last_name="LE-GOFF", first_name="yann") == []
    assert kinds(facts, first_name="") == ["missing:first_name"]


def test_no_account() -> None:
    (remark,) = remarks(context(accounts=frozenset()))
    assert (remark.code, remark.field, remark.severity) == (Code.NO_ACCOUNT, None, Severity.INFORMATION)
    assert remark.message == "Ne possède pas encore de compte sur la plateforme"


KNOWN = context(own_namesakes={("dupont", "pierre"): ((date(1990, 2, 1), "82R987928"),)}, accounts=frozenset())


@pytest.mark.parametrize(
    ("permit", "speaks"),
    [
        ("82R987929", True),  # one sign differs
        ("82R987982", True),  # two neighbours swapped
        ("82R98798", False),  # too short to be a permit number: a format error, and silence
        ("82R9879281", True),  # one sign too many
        ("82R987939", False),  # two signs differ
        ("82R982987", False),  # two that are not neighbours swapped
        ("82R987928", False),  # the very same driver
    ],
)
def test_looks_alike_by_permit_number(permit: str, speaks: bool) -> None:
    told = [
        one for one in remarks(KNOWN, birth_date="01/02/1990", permit_number=permit) if one.code is Code.LOOKS_ALIKE
    ]
    assert bool(told) is speaks
    for one in told:
        assert (one.field, one.severity) == ("permit_number", Severity.INFORMATION)
        assert one.message == (
            "Ressemble au N° de permis 82R987928, sous lequel votre centre a enregistré les mêmes nom, prénom "
            "et date de naissance : vérifiez"
        )


@pytest.mark.parametrize(("born", "speaks"), [("02/01/1990", True), ("01/02/1991", False), ("03/01/1990", False)])
def test_looks_alike_by_birth_date(born: str, speaks: bool) -> None:
    told = [one for one in remarks(KNOWN, birth_date=born) if one.code is Code.LOOKS_ALIKE]
    assert [one.message for one in told] == [
        "Ressemble à la date de naissance 01/02/1990, sous laquelle votre centre a enregistré les mêmes nom, prénom "
        "et N° de permis : vérifiez"
    ] * speaks


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("", []), (" \u00a0", []),
        ("p.dupont@exemple.fr", []), (" P.Dupont@EXEMPLE.fr ", []), ("pierre@", ["address_unusable"]),
        ("é@exemple.fr", ["address_unusable"]), ("a@x.fr b@x.fr", ["address_unusable"]), ("VRAI", ["address_unusable"]),
        ("a" * 130 + "@exemple.fr", ["address_unusable"]),
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_used_is_said_and_blocks_nothing(typed: str, told: list[str]) -> None:
    assert kinds(email=typed) == told
    found = report({"email": typed})
    assert (found.errors, found.importable) == (0, True)


def test_lines_that_differ_by_their_address_alone_are_identical() -> None:
    found = report({"email": "a@exemple.fr"}, {"email": "b@exemple.fr"}, {})
    assert found.kinds == {"identical_line": 2}
    assert found.addressed == 2


def test_looks_alike_is_the_last_remark_and_forgives_how_names_are_written() -> None:
    assert kinds(KNOWN, last_name="Dû-Pont", birth_date="02/01/1990") == ["no_account", "looks_alike"]
    assert kinds(KNOWN, last_name="DURAND", birth_date="02/01/1990") == ["no_account"]
    assert kinds(KNOWN, last_name="", birth_date="02/01/1990") == ["missing:last_name", "no_account"]


def test_looks_alike_is_silent_of_a_driver_whom_the_centre_knows_so() -> None:
    facts = context(
        own_names={DRIVER: frozenset({name_key("DUPONT", "PIERRE")})},
        own_namesakes={("dupont", "pierre"): (DRIVER, (date(1990, 1, 1), "82R987982"))},
    )
    assert kinds(facts) == []


def test_both_wrong_at_once_looks_like_nobody() -> None:
    assert "looks_alike" not in kinds(KNOWN, birth_date="02/01/1990", permit_number="82R987982")


@pytest.mark.parametrize(
    ("one", "other", "slip"),
    [
        ("1985-04-12", "1986-04-12", True), ("1985-04-12", "1975-04-12", True), ("1985-04-12", "1976-04-12", False),
        ("1985-04-12", "1985-12-04", True), ("1985-04-12", "1985-04-13", False), ("2004-02-29", "2000-02-29", True),
    ],
)  # fmt: skip
def test_years_one_digit_apart_are_a_slip_where_asked(one: str, other: str, slip: bool) -> None:
    keys = (date.fromisoformat(one), "82R987928"), (date.fromisoformat(other), "82R987928")
    assert (rules.mistyped(*keys, years=True) == "birth_date") is slip


@pytest.mark.parametrize("missing", ["birth_date", "permit_number"])
def test_what_is_asked_of_a_driver_is_silent_without_one(missing: str) -> None:
    facts = context(
        accounts=frozenset(),
        own_names={DRIVER: frozenset({name_key("AUTRE", "")})},
        own_registrations={(*DRIVER, FIMO_GOODS, None): TODAY},
    )
    assert kinds(facts) == ["already_registered", "identity_differs", "no_account"]
    assert kinds(facts, **{missing: ""}) == [f"missing:{missing}"]


def test_all_remarks_of_a_line_are_kept_in_the_order_of_the_table() -> None:
    told = kinds(
        context(accreditations=(), accounts=frozenset()),
        order_number="",
        last_name="4",
        first_name="",
        category="Voyageurs",
        end_date="11/01/2022",
        birth_date="10/01/2022",
    )
    assert told == [
        "missing:order_number", "missing:first_name", "format:last_name", "end_date_in_future", "minor",
        "not_accredited", "category_mismatch", "no_account",
    ]  # fmt: skip


def test_the_entry_in_force_on_the_end_date_is_meant_where_a_label_had_several() -> None:
    old = Training(1, "FIMO Marchandises", GOODS, "FIMO", valid_to=date(2021, 6, 30))
    new = Training(2, "FIMO marchandises", GOODS, "FIMO", valid_from=date(2021, 7, 1))
    days = ["30/06/2021", "01/07/2021", ""]
    lines = parse_lines([raw(end_date=day) for day in days], Catalogue([old, new]))
    assert [line.training for line in lines] == [old, new, new]
