"""One folding of letters; which names agree; which sign keeps a text from being a name; a permit number never changed."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.validators.fields import (
    bare_permit,
    clean,
    fold,
    name_key,
    namesake_key,
    namesake_keys,
    parse_name,
    parse_permit,
)
from app.validators.file import match_headers
from app.validators.remark import HEADERS, Remark, malformed
from tests.validators.facts import CATALOGUE, DRIVER, context, kinds, remarks, report


def latin_letters() -> list[str]:
    """Every letter of Latin script that Unicode knows and does not decompose; clicks are letters of no name."""
    every = map(chr, range(0x80, 0x30000))
    return [
        letter
        for letter in every
        if unicodedata.name(letter, "").startswith("LATIN ")
        and unicodedata.category(letter) in ("Ll", "Lu")
        and unicodedata.normalize("NFKD", letter) == letter
    ]


def test_every_latin_letter_that_does_not_decompose_is_compared_by_plain_letters() -> None:
    folded = {letter: fold(letter) for letter in latin_letters()}
    assert len(folded) > 450
    odd = {letter for letter, plain in folded.items() if not (plain.isascii() and plain.isalpha() and plain.islower())}
    # Sounds that no plain letter writes, the glottal stop and its kin, are typed as an apostrophe.
    sounds = ("GLOTTAL", "PHARYNGEAL", "LARYNGEAL", "CLICK", "PERCUSSIVE", "ALEF", "SALTILLO")
    assert {letter for letter in odd if not any(sound in unicodedata.name(letter) for sound in sounds)} == set()
    assert {folded[letter] for letter in odd} == {"'"}
    assert all(fold(letter) == fold(letter.upper()) for letter in folded if len(letter.upper()) == 1)


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("Wałęsa", "walesa"), ("Yıldız", "yildiz"), ("YILDIZ", "yildiz"), ("Sørensen", "sorensen"), ("Đặng", "dang"),
        ("Þór", "thor"), ("Ðuro", "duro"), ("Ħal", "hal"), ("Æsir", "aesir"), ("Œuvre", "oeuvre"), ("Weiß", "weiss"),
        ("WEIẞ", "weiss"), ("Ŋgugi", "ngugi"), ("ŀlop", "llop"), ("ŉ", "'n"), ("ﬁlipe ﬀ", "filipe ff"), ("Ǆoko", "dzoko"),
        ("İbrahim", "ibrahim"), ("N° N˚ № Nº N∘", "no no no no no"), ("ĸ", "q"), ("ſ", "s"), ("Ɔkɛ", "oke"),
    ],
)  # fmt: skip
def test_letters_fold(typed: str, folded: str) -> None:
    assert fold(typed) == folded == fold(folded)


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(max_codepoint=0x2C7F, exclude_categories=["Cs"]), max_size=12))
def test_folding_twice_changes_nothing_more(typed: str) -> None:
    assert fold(fold(typed)) == fold(typed)


NAME = st.text(st.sampled_from(" -'.`\n\t\x00abZÉßﬀ’"), max_size=5)


@settings(max_examples=100, deadline=None)
@given(st.sets(st.tuples(NAME, NAME), max_size=6))
def test_many_names_are_joined_as_each_alone(names: set[tuple[str, str]]) -> None:
    assert namesake_keys(names) == {namesake_key(*one) for one in names}


AGREEING = [
    (("Wałęsa", "Lech"), ("WALESA", "LECH")), (("Yıldız", "Ali"), ("YILDIZ", "ALI")), (("Sørensen", "Bo"), ("SORENSEN", "BO")),
    (("Đặng", "Thị"), ("DANG", "THI")), (("Mc Donald", "Ann"), ("MCDONALD", "ANN")), (("EL-HADJ", "Ali"), ("ELHADJ", "Ali")),
    (("EL HADJ", "Ali"), ("El-Hadj", "Ali")), (("D'HONDT", "Jan"), ("Dhondt", "Jan")), (("D’HONDT", "Jan"), ("D HONDT", "Jan")),
    (("MARTIN", "Jean"), ("MARTIN", "Jean Pierre Louis")), (("MARTIN", "Jean-Pierre"), ("MARTIN", "Jean Pierre Louis")),
    (("MARTIN", "Jeanpierre"), ("MARTIN", "Jean Pierre Louis")), (("Jean", "MARTIN"), ("MARTIN", "Jean")),
    (("GOFF", "Yann Le"), ("LE GOFF", "Yann")), (("O'BRIEN", "Tom"), ("OʻBRIEN", "Tom")),
    (("STRAẞE", "Eva"), ("Strasse", "Eva")),
]  # fmt: skip
DISAGREEING = [
    (("MARTIN", "Jean"), ("MARTIN", "Jeanne")), (("MARTIN", "Pierre"), ("MARTIN", "Jean Pierre")),
    (("MARTIN", "Jean"), ("MARTINEZ", "Jean")), (("MARTIN", "Jean Paul"), ("MARTIN", "Jean Pierre")),
    (("MART", "Jean"), ("MARTIN", "Jean")), (("MARTIN", "Paul"), ("MARTIN", "Paule")),
    (("MARTIN DURAND", "Jean"), ("MARTIN", "Jean")), (("LEE", "An"), ("LEE", "Anna")),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), AGREEING)
def test_names_of_one_person_agree(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert name_key(*one).agrees(name_key(*other))
    assert name_key(*other).agrees(name_key(*one))
    assert kinds(context(own_names={DRIVER: frozenset({name_key(*other)})}), last_name=one[0], first_name=one[1]) == []


@pytest.mark.parametrize(("one", "other"), DISAGREEING)
def test_names_of_two_persons_do_not(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert not name_key(*one).agrees(name_key(*other))
    assert not name_key(*other).agrees(name_key(*one))
    known = context(own_names={DRIVER: frozenset({name_key(*other)})})
    assert kinds(known, last_name=one[0], first_name=one[1]) == ["identity_differs"]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Jean - Pierre", "Jean-Pierre"), ("Jean -Pierre", "Jean-Pierre"), ("Jean- Pierre", "Jean-Pierre"),
        ("D' HONDT", "D'HONDT"), ("N 'DIAYE", "N'DIAYE"), ("D ’ ARTAGNAN", "D'ARTAGNAN"), ("Jean – Pierre", "Jean-Pierre"),
        ("DUPONT - - MARTIN", "DUPONT--MARTIN"), ("ﬁlipe", "filipe"), ("ﬀ", "ff"), ("Graﬄin", "Grafflin"),
        ("OʻBrien", "O'Brien"), ("LʼHERMITE", "L'HERMITE"), ("DꞌARTAGNAN", "D'ARTAGNAN"), ("Straße", "Straße"),
        ("A" * 30 + " - " + "B" * 29, "A" * 30 + "-" + "B" * 29),
    ],
)  # fmt: skip
def test_typing_noise_in_names_is_folded_before_any_check(typed: str, kept: str) -> None:
    assert parse_name(clean(typed)) == kept
    (row,) = report({"last_name": typed}).rows
    assert (row.line.last_name, row.line.raw.last_name, row.remarks) == (kept, typed, ())


def test_lines_that_differ_by_typing_noise_only_are_identical() -> None:
    found = report({"last_name": "D' HONDT"}, {"last_name": "D’HONDT"}).rows
    assert [[remark.kind for remark in row.remarks] for row in found] == [["identical_line"], []]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("Мartin", "signe « М » (cyrillique)"), ("MARTΙN", "signe « Ι » (grec)"), ("محمد", "signe « م » (arabe)"),
        ("L3ROY", "signe « 3 » (chiffre)"), ("MARTIN/DURAND", "signe « / »"), ("MARTIN (née DURAND)", "signe « ( »"),
        ("MARTIN, Jean", "signe « , »"), ("Jean_Pierre", "signe « _ »"), ("D“ARTAGNAN", "signe « “ »"),
        ("Ali-", "signe « - » (mal placé)"), ("-Ali", "signe « - » (mal placé)"), ("D''ARTAGNAN", "signe « ' » (mal placé)"),
        ("J. Pierre", "signe « . » (mal placé)"), ("Ｍartin", "signe « Ｍ » (pleine chasse)"), ("A|B:C", "signe « | »"),
        ("𝐌artin", "signe « 𝐌 » (mathématique)"), ("李", "signe « 李 » (chinois)"), ("A\x07", "signe « U+0007 » (invisible)"),
        ("\u0301A", "signe « \u25cc\u0301 » (mal placé)"), ("Jean 2", "signe « 2 » (chiffre)"),
        ("Jean -2", "signe « 2 » (chiffre)"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("field", ["first_name", "last_name"])
def test_a_refused_name_tells_the_sign(field: str, typed: str, told: str) -> None:
    (remark,) = remarks(**{field: typed})
    begin = {"first_name": "Format du prénom non conforme. ", "last_name": "Format du nom non conforme : "}[field]
    assert remark.message.startswith(begin)
    assert told in remark.message
    assert remark.message.endswith("1 à 60 lettres latines, jointes par des espaces, traits d’union ou apostrophes")
    assert (Remark.decode(remark.encode()), remark.kind) == (remark, f"format:{field}")


def test_a_name_too_long_blames_no_sign() -> None:
    (remark,) = remarks(last_name="A" * 61)
    assert "signe" not in remark.message


def test_kinds_count_lines_whatever_the_sign() -> None:
    found = report({"last_name": "Мartin"}, {"last_name": "L3ROY"}, {"last_name": "A" * 61}, {"last_name": "M|"})
    assert found.kinds["format:last_name"] == 4


@given(st.text(max_size=8))
@example("|:")
@example("4")
def test_whatever_sign_is_refused_its_remark_is_read_back(typed: str) -> None:
    remark = malformed("last_name", clean(typed))
    assert Remark.decode(remark.encode()) == remark
    assert not {"|", ":"} & set(remark.encode().removeprefix("format:last_name").removeprefix(":"))
    assert remark.message


REFUSED = [
    "850492100123.0", "850492100123.00", "850492100123 .0", "850492100123. 0", "850492100123.0-", "850492100123,0",
    "8.50492100123E11", "8.50492100123e11", "8,50492100123E11", "8,50492100123e+11", "8.50492100123E+11",
    "8.50492100123E-11", "8.5049210012 E 11", "8.50492E+11", "8,50492E+11", "850492100123.4", "850492100123E0",
    "85.0492100123E10", "8.5049-2100E11", "+8.50492100123E11", "-8.50492100123E11", "01.42.68.53.00", "123456789.0",
    "8.50492100123E011", "0.850492100123E12", "85049210012300E-2", "850492100123.0.",
]  # fmt: skip
TAKEN = {
    "85.04.92.100.123": "850492100123", "850.492.100.123": "850492100123", "850492100123.": "850492100123",
    "82 r-98.79/28": "82R987928", "82E987928": "82E987928", "82.E.987928": "82E987928", "12345678E": "12345678E",
    "850492100.123": "850492100123", "12345678E12": "12345678E12", "8504.9210.0100": "850492100100",
}  # fmt: skip


@pytest.mark.parametrize("typed", REFUSED)
def test_a_number_of_a_spreadsheet_is_no_permit_number(typed: str) -> None:
    (remark,) = remarks(permit_number=typed)
    assert remark.message == "Format du N° de permis de conduire non conforme : 9 à 16 chiffres ou lettres"


@pytest.mark.parametrize(("typed", "kept"), list(TAKEN.items()))
def test_dots_that_part_groups_are_dropped(typed: str, kept: str) -> None:
    assert parse_permit(typed) == kept


ANY_NUMBER = st.one_of(
    st.text(max_size=20),
    st.text("0123456789.,eE+- /R", min_size=8, max_size=20),
    st.floats(0, 1e17).map(str),
    st.floats(1e8, 1e16).map(lambda value: f"{value:e}".upper()),
    st.integers(10**8, 10**16).map(lambda value: f"{value}.0"),
    st.integers(10**8, 10**16).map(lambda value: f"{value:E}".replace(".", ",")),
)


@settings(max_examples=300, deadline=None)
@given(ANY_NUMBER)
def test_any_text_gives_the_same_signs_or_a_refusal(typed: str) -> None:
    (row,) = report({"permit_number": typed}).rows
    text = clean(typed)
    if row.line.permit is None:
        assert [remark.field for remark in row.remarks] == ["permit_number"]
        return
    assert row.line.permit == bare_permit(text)
    assert parse_permit(row.line.permit) == row.line.permit
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return
    if "e" in text.lower() or number == int(
        number
    ):  # it is a number a program wrote: its figures are those of the permit
        assert text.strip(".").lstrip("-").isdigit()


@pytest.mark.parametrize(
    "header", ["№ de permis", "N˚ de permis", "Nº de permis", "n° DE PERMIS", "No de permis", "N ° de permis"]
)
def test_the_ways_to_write_number_are_one_header(header: str) -> None:
    assert match_headers([*list(HEADERS.values())[:-1], header]).is_complete


def test_labels_are_found_by_the_same_folding() -> None:
    assert CATALOGUE.entries("ﬁmo   MARCHANDISES")
