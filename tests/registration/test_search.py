"""Searches find what people hold in hand, forgive how it is typed, and are answered by an index on both bases."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import and_, func, or_, select, update

from app.extensions import db
from app.models import Centre, Document, Driver, Person, Registration
from app.models.search import search_key
from app.services.core import narrowing
from app.services.drivers import search as driver_search
from app.services.registration import search as registration_search
from app.validators.fields import fold, parse_name
from tests.bases import BOTH
from tests.support import MARIE, PIERRE, many, plan, registered

BACKENDS = BOTH
EACH_VALUE = True

YANN = {
    **PIERRE,
    "last_name": "LE GOFF",
    "first_name": "Yann",
    "permit_number": "750011223344",
    "order_number": "BC 2022-07",
}
EVE = {**PIERRE, "last_name": "Lefèvre-D'Œuvre", "first_name": "Ève", "permit_number": "750011223355"}


def _found(asked: str, *, broad: bool = False) -> set[str]:
    query = select(Registration.last_name).where(registration_search.by_words(asked, broad=broad))
    return set(db.session.execute(query).scalars())


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("Lefèvre-D'Œuvre", "lefevredoeuvre"), ("  LE   GOFF ", "legoff"), ("Ève", "eve"), ("COM-2022/1", "com2022/1"),
        ("ŁUKASIEWICZ", "lukasiewicz"),
        ("Yıldız", "yildiz"), ("Sørensen", "sorensen"), ("ĐẶNG", "dang"), ("Weiß", "weiss"), ("Nguyễn", "nguyen"), ("", ""),
    ],
)  # fmt: skip
def test_a_search_key_forgives_case_accents_and_hyphens(typed: str, key: str) -> None:
    assert search_key(typed) == key
    assert len(search_key(typed * 60)) <= 80


@pytest.mark.parametrize("broad", [False, True], ids=["few", "many"])
@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("le goff", {"LE GOFF"}), ("Yann Le Goff", {"LE GOFF"}), ("LE GOFF YANN", {"LE GOFF"}),
        ("legoff yann", {"LE GOFF"}), ("lefevre-d'oeuvre", {EVE["last_name"]}), ("LEFEVRE D’ŒUVRE", {EVE["last_name"]}),
        ("le", {"LE GOFF", EVE["last_name"]}),
        ("lefevre", {EVE["last_name"]}), ("eve lefevre d'oeuvre", {EVE["last_name"]}), ("goffe", set()),
        ("7500 1122 3344", {"LE GOFF"}), ("75001122", {"LE GOFF", EVE["last_name"]}), ("750", set()),
        ("bc 2022-07", {"LE GOFF"}), ("BC 2022", {"LE GOFF"}), ("82r987928", {"DUPONT"}), ("com1 martin", {"MARTIN"}),
        ("martin 82r987928", set()), ("850492100123 marie", {"MARTIN"}), ("zzz", set()), ("9999", set()),
        ("-", set()), ("' .", set()),
    ],
)  # fmt: skip
def test_registrations_are_found_by_what_people_hold_in_hand(
    app: Flask, asked: str, found: set[str], broad: bool
) -> None:
    registered(MARIE, PIERRE, YANN, EVE)
    assert _found(asked, broad=broad) == found


@pytest.mark.parametrize("broad", [False, True], ids=["few", "many"])
def test_registrations_are_found_by_receipt_and_by_certificate(app: Flask, broad: bool) -> None:
    batch = registered(MARIE, PIERRE)
    registered(YANN)
    dupont = select(Document.number).join(Registration).where(Registration.last_name == "DUPONT")
    number = db.session.execute(dupont.where(Document.kind == "certificate")).scalar_one()
    assert _found(str(batch.receipt_number).lower(), broad=broad) == {"MARTIN", "DUPONT"}
    assert _found(number.replace("-", " "), broad=broad) == {"DUPONT"}


@pytest.mark.parametrize("word", list(registration_search.DOCUMENTS))
def test_both_forms_of_a_filter_find_the_same(app: Flask, word: str) -> None:
    registered(MARIE, PIERRE, YANN)
    db.session.execute(update(Registration).where(Registration.last_name == "DUPONT").values(withheld=True))
    found = [
        set(db.session.execute(select(Registration.last_name).where(condition)).scalars())
        for broad in (False, True)
        if (condition := registration_search.by_documents(word, broad=broad)) is not None
    ]
    assert found[0] == found[1]
    expected = {
        "preparation": {"MARTIN", "DUPONT", "LE GOFF"},
        "sans-compte": {"DUPONT", "LE GOFF"},
        "retenus": {"DUPONT"},
    }
    assert found[0] == expected.get(word, set())


def test_a_driver_renamed_is_found_by_the_new_name(app: Flask) -> None:
    registered(MARIE, PIERRE)
    driver = db.session.execute(select(Driver).where(Driver.last_name == "DUPONT")).scalar_one()
    driver.last_name = "DURAND-PETIT"
    db.session.commit()
    found = select(Driver.last_name).where(driver_search.by_words("durand petit"))
    assert list(db.session.execute(found).scalars()) == ["DURAND-PETIT"]
    assert not db.session.execute(select(Driver.id).where(driver_search.by_words("dupont"))).first()


def test_drivers_and_registrations_written_in_bulk_are_found(app: Flask) -> None:
    registered(*many(1_001))
    assert _found("NBAAA") == {"NBAAA"}
    assert db.session.scalar(select(db.func.count()).where(driver_search.by_words("NBAAA"))) == 1


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("lec", True), ("LECŒUR", True), ("lecœur", True), ("cœu", True), ("élise", True), ("ÉLISE", True), ("LIS", True),
        ("leco", True), ("elise", True), ("LÉCOEUR", True), ("elis\u0065\u0301", True), ("lecceur", False),
        ("exemple", True), ("a_b", True), ("A_B", True), ("aXb", False), ("%", False), ("é%e", False), ("zœ", False),
        ("\\", False), ("l'é", False),
    ],
)  # fmt: skip
def test_a_word_is_found_anywhere_whatever_its_case_on_both_bases(app: Flask, word: str, found: bool) -> None:
    columns = (Person.last_name, Person.first_name, Person.email)
    person = db.session.execute(select(Person).where(Person.username == "gestionnaire@demo.example")).scalar_one()
    person.last_name, person.first_name, person.email = "LeCœur", "Élise", "a_b@exemple.fr"
    db.session.commit()
    query = select(Person.id).where(or_(*(narrowing.holds(column, word) for column in columns)))
    names = set(db.session.execute(query).scalars())
    assert (person.id in names) is found


def test_plain_words_spare_sqlite_a_function_for_each_row(app: Flask) -> None:
    """A hundred and fifty thousand accounts are read through in a page's time."""
    asks_lower = "lower(" in str(narrowing.holds(Person.last_name, "martin"))
    assert asks_lower is (db.engine.dialect.name == "postgresql")


@pytest.mark.parametrize("asked", ["martin", "marie martin", "850492100123", "COM12345", "RE-22-00000-00001"])
def test_an_index_answers_a_search(app: Flask, asked: str) -> None:
    query = select(Registration.id).where(registration_search.by_words(asked))
    told = plan(query)
    if db.engine.dialect.name == "sqlite":
        scans = [
            line for line in told.splitlines() if "SCAN" in line and "INDEX" not in line and "CONSTANT" not in line
        ]
    else:
        scans = [
            line for line in told.splitlines() if "Seq Scan on registration" in line or "Seq Scan on driver" in line
        ]
    assert not scans, told


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("Démo", "demo"), ("Yıldız", "yildiz"), ("YILDIZ", "yıldız"), ("Wałęsa", "WALESA"), ("Sørensen", "sorensen"),
        ("Đặng", "dang"), ("Þór", "thor"), ("Straße", "strasse"), ("STRASSE", "straße"), ("Œuvrard", "oeuvrard"),
        ("D’Hondt", "d'hondt"), ("\ufb01lipe", "filipe"), ("\u0130BRAH\u0130M", "ibrahim"), ("Ŋgugi", "ngugi"),
        ("Nguye\u0302\u0303n", "nguyen"),
    ],
)  # fmt: skip
def test_searches_of_accounts_fold_letters_as_names_are_compared(app: Flask, name: str, word: str) -> None:
    person = db.session.execute(select(Person).where(Person.username == "gestionnaire@demo.example")).scalar_one()
    person.last_name = name
    db.session.commit()

    def found(asked: str) -> bool:
        query = select(Person.id).where(narrowing.holds(Person.last_name, asked))
        return person.id in set(db.session.execute(query).scalars())

    assert (found(word), found("zz")) == (True, False)


def test_the_base_folds_every_latin_letter_of_names_as_the_rules_do(app: Flask) -> None:
    letters = [chr(code) for code in (*range(0x20, 0x2B0), *range(0x1E00, 0x1F00), *range(0x2C60, 0x2C80))]
    known = [letter for letter in letters if parse_name(letter) or parse_name(f"A{letter}")]
    folded = db.session.execute(select(*(func.fold_text(letter) for letter in known))).one()
    assert len(known) > 800
    assert dict(zip(known, folded, strict=True)) == {letter: fold(letter) for letter in known}


@pytest.mark.parametrize("typed", ["123 456 782 00010", "123.456.782.00010", "12345678200010", "123-456-782-00010"])
def test_a_siret_is_found_however_it_is_parted(app: Flask, typed: str) -> None:
    condition = and_(*(narrowing.holds(Centre.siret, word) for word in typed.split()))
    assert set(db.session.execute(select(Centre.siret).where(condition)).scalars()) == {"12345678200010"}
