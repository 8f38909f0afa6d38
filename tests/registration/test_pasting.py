"""Rows copied from a spreadsheet: which column is which is known or asked, never guessed; nothing is dropped in silence."""

from __future__ import annotations

from datetime import date

import pytest

from app.services.registration import drafts, pasting
from app.services.registration.pasting import Given, Layout, NotRows, Unsure
from app.services.registration.pasting_columns import NoLine, letter
from app.validators import headings
from app.validators.remark import HEADERS

GIVEN = Given("FIMO Marchandises", "Marchandises", date(2022, 1, 7), "R1", "C1")
JEAN = {
    "reference": "R1", "order_number": "C1", "first_name": "Jean", "last_name": "MARTIN", "birth_date": "01/02/1990",
    "permit_number": "850493200011",
}  # fmt: skip
ANNE = {
    **JEAN,
    "first_name": "Anne",
    "last_name": "DURAND",
    "birth_date": "02/03/1991",
    "permit_number": "850493200029",
}
OURS = "Jean\tMARTIN\t01/02/1990\t850493200011"


def read(text: str, answer: Layout | None = None) -> list[dict[str, str]]:
    return pasting.read(filled(text), GIVEN, answer).rows


def filled(text: str) -> str:
    """Return a text with « @J » and « @A » as birth date and permit number."""
    return text.replace("@J", "01/02/1990\t850493200011").replace("@A", "02/03/1991\t850493200029")


@pytest.mark.parametrize(
    "heads",
    [
        "Nom\tPrénom\tDate de naissance\tNuméro de permis",
        "NOM\tPRENOM\tDDN\tNEPH",
        "Nom de famille\tPrénom(s)\tNé(e) le\tN° permis",
        "Nom de naissance :\tprénoms\tNée le\tN˚ de permis",
        "  nom \tPrénom*\tNaissance\t№ de permis",
        "NOM\tPrénom\tDate naissance (JJ/MM/AAAA)\tN°NEPH",
        "Last name\tFirst name\tBirth date\tLicence",
        "Surname\tGiven names\tDate of birth\tDriving licence number",
        "Nom stagiaire\tPrénom du stagiaire\tdate_de_naissance\tPermis de conduire (NEPH)",
        "Nom\tPrénom\tNé/Née le\tPermis n°",
    ],
)
def test_usual_headers_give_the_order_of_the_columns(heads: str) -> None:
    assert read(f"{heads}\nMARTIN\tJean\t@J") == [JEAN]


def test_every_header_of_the_model_means_its_field() -> None:
    assert headings.fields_of(list(HEADERS.values())) == list(HEADERS)
    assert headings.fields_of([head.upper().replace("°", "º") for head in HEADERS.values()]) == list(HEADERS)


@pytest.mark.parametrize(
    "head",
    ["", "Date", "Numéro", "N°", "Téléphone", "Nom d’usage", "Catégorie de permis", "Date du permis", "Nom et prénom"],
)
def test_a_header_that_may_mean_another_thing_is_not_known(head: str) -> None:
    assert headings.field_of(head) == ""


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("Nom\tPrénom\tNé le\tMachin\nMARTIN\tJean\t@J", "last first birth permit"),
        ("Apellido\tNombre\tNacido\tCarnet\nMARTIN\tJean\t@J", "- - birth permit"),
        ("Liste FIMO\t\t\t\nApellido\tNombre\tNacido\tCarnet\nMARTIN\tJean\t@J", "- - birth permit"),
        ("Session du\t02/10/2026\t\t\nApellido\tNombre\tNacido\tCarnet\nMARTIN\tJean\t@J", "- - birth permit"),
        ("MARTIN\tJean\t\t\nDURAND\tAnne\t@A", "- - birth permit"),
        ("Nom\tNom\tNé le\tPermis\tPrénom\nM\tM\t@J\tJean", "- - birth permit first"),
        ("Nom et prénom\tNé le\tPermis\tVille\nMARTIN Jean\t@J\tLyon", "- birth permit -"),
        ("01/02/1990\tJean\tMARTIN\t850493200011", "birth - - permit"),
        ("MARTIN\tJean\t850493200011\t01/02/1990\nDURAND\tAnne\t850493200029\t02/03/1991", "- - permit birth"),
        ("Jean\tMARTIN\tR1\tC1\t@J", "- - - - birth permit"),
        ("Jean\tMARTIN\t@J\t\tM", "- - birth permit - -"),
        (f"{OURS}\tLyon", "- - birth permit -"),
        ("Prénom\tNom\tNé le\tPermis\nMARTIN\t01/02/1990\tJean\t850493200011", "first last birth permit"),
        ("Jean\tMARTIN\t@J\nNom\tPrénom\tNé le\tPermis\nDURAND\tAnne\t@A", "last first birth permit"),
    ],
)  # fmt: skip
def test_any_doubt_is_asked_with_what_is_known_for_sure(text: str, known: str) -> None:
    with pytest.raises(Unsure) as asked:
        read(text)
    assert [name.split("_")[0] or "-" for name in asked.value.known.fields] == known.split()
    assert asked.value.message.endswith(".")


def test_the_answer_gives_the_order_of_the_columns() -> None:
    text = "Apellido\tNombre\tNacido\tCarnet\nMARTIN\tJean\t@J"
    assert read(text, Layout(("last_name", "first_name", "birth_date", "permit_number"), 1)) == [JEAN]


@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        (("last_name", "", "birth_date", "permit_number"), {1: "Indiquez quelle colonne porte : Prénom."}),
        (("last_name", "last_name", "birth_date", "permit_number"), {0: "Prénom", 1: "« Nom » est déjà la colonne A."}),
    ],
)
def test_an_answer_that_names_a_field_twice_or_not_at_all_is_asked_again(
    fields: tuple[str, ...], faults: dict[int, str]
) -> None:
    with pytest.raises(Unsure) as asked:
        read(f"a\tb\tc\td\n{OURS}", Layout(fields, 1))
    assert set(asked.value.faults) == set(faults)
    assert all(said in asked.value.faults[at] for at, said in faults.items())


def test_an_answer_given_for_another_table_is_not_taken() -> None:
    assert read(OURS, Layout(("last_name", "first_name"), 0)) == [JEAN]
    assert read(OURS, Layout(("last_name", "first_name", "birth_date", "permit_number"), 7)) == [JEAN]


@pytest.mark.parametrize(
    "text",
    [
        f"{OURS}\t", f"{OURS}\t\t\t\t\t\t\t\t", f"\t{OURS}", f"\t\t{OURS}\t", f"\tC1\t{OURS}", f"R1\tC1\t{OURS}\t\t",
        f"{OURS}\r\n\r\n\t\t\t\r\n", f"{OURS}\r\r", f"\ufeff{OURS}", "Jean;MARTIN;01/02/1990;850493200011",
        "Jean,MARTIN,01/02/1990,850493200011", 'sep=;\n"Jean";"MARTIN";"01/02/1990";"850493200011"\n',
        "Jean|MARTIN|01/02/1990|850493200011", '"Jean", "MARTIN", "01/02/1990", "850493200011"',
        f"R1\tC1\tFIMO Marchandises\tmarchandises\t07/01/2022\t{OURS}", f"R1\tC1\tfimo  marchandises\t\t\t{OURS}",
    ],
)  # fmt: skip
def test_the_ways_spreadsheets_copy_are_read_alike(text: str) -> None:
    assert read(text) == [JEAN]


def test_a_cell_may_hold_line_breaks_and_quotes() -> None:
    rows = read('"Jean\nPaul"\tMARTIN\t@J\r\n"Anne ""Nanou"""\tDURAND\t@A')
    assert [row["first_name"] for row in rows] == ["Jean\nPaul", 'Anne "Nanou"']


@pytest.mark.parametrize("mark", ["\t", ";", ","])
def test_a_quote_that_never_closes_swallows_no_row(mark: str) -> None:
    text = filled(f'"{OURS}\n"Anne\tDURAND\t@A').replace("\t", mark)
    first, second = read(text)
    assert (first["first_name"], first["permit_number"]) == ('"Jean', JEAN["permit_number"])
    assert (second["first_name"], second["permit_number"]) == ('"Anne', ANNE["permit_number"])
    lone = filled(f'{OURS}\n"Anne\tDURAND\t@A\n{OURS}').replace("\t", mark)
    assert len(read(lone)) == 3


def test_two_stray_quotes_swallow_no_rows_between_them() -> None:
    rows = read(
        '"Jean;MARTIN;01/02/1990;850493200011\nAnne;DURAND;02/03/1991;850493200029\nPaul";PETIT;01/02/1990;850493200037'
    )
    assert [row["last_name"] for row in rows] == ["MARTIN", "DURAND", "PETIT"]


@pytest.mark.parametrize(
    "text",
    [
        "Nom\tPrénom\tDate de naissance\tN° de permis", "Nom\tPrénom\tNé le\tMachin", "a\tb\tc\td",
        "Liste\t\t\t\nNom\tPrénom\tNé le\tNEPH\n\t\t\t", "Nom\tPrénom\tNé le\tNEPH\nTotal\t0\t\t",
    ],
)  # fmt: skip
def test_headers_alone_ask_for_a_line(text: str) -> None:
    with pytest.raises(NoLine, match="Collez au moins une ligne"):
        read(text)


@pytest.mark.parametrize("text", ["", " \n\t\n", "\ufeff"])
def test_nothing_asks_for_a_line(text: str) -> None:
    with pytest.raises(NotRows, match="Collez au moins une ligne"):
        read(text)


@pytest.mark.parametrize("text", ["a\tb\tc", "x" * 200_000, "\t".join("x" * 90), "Jean MARTIN 01/02/1990 850493200011"])
def test_what_is_no_table_is_refused_in_words(text: str) -> None:
    with pytest.raises(NotRows, match="doivent compter 4 colonnes"):
        read(text)


@pytest.mark.parametrize(
    "training",
    [
        "FIMO Voyageurs\tVoyageurs\t07/01/2022", "FIMO Marchandises\tVoyageurs\t07/01/2022", "\tVoyageurs\t",
        "FIMO Marchandises\tMarchandises\t08/01/2022", "\t\t31/02/2022", "FIMO\t\t",
    ],
)  # fmt: skip
def test_nine_columns_of_another_training_are_refused_with_what_they_say(training: str) -> None:
    with pytest.raises(pasting.OtherTraining) as refused:
        read(f"R\tC\tFIMO Marchandises\tMarchandises\t07/01/2022\t{OURS}\nR\tC\t{training}\t{OURS}")
    assert refused.value.message.startswith("La ligne 2 porte une autre formation")
    assert "« FIMO Marchandises, fin le 07/01/2022 »" in refused.value.message


def test_a_training_in_headed_columns_counts_too() -> None:
    with pytest.raises(pasting.OtherTraining):
        read(f"Prénom\tNom\tDDN\tNEPH\tFormation\n{OURS}\tFCO Complète")


def test_what_is_left_out_is_told() -> None:
    heads = "Détail\tPrénom\tNom\tDDN\tNEPH\tTéléphone"
    title, total = "Liste du 02/10\t\t\t\t\t", "Total : 2\t\t\t\t\t"
    text = f"{title}\n{heads}\nx\t{OURS}\t06\t\n{heads}\n\tAnne\tDURAND\t@A\t\ty\n{total}"
    pasted = pasting.read(filled(text), GIVEN)
    assert pasted.rows == [JEAN, ANNE]
    told = " ".join(pasted.told)
    for said in ("« Liste du 02/10 »", "d’en-têtes répétée", "« Total : 2 »", "« Téléphone », « colonne G »"):
        assert said in told
    assert "Détail »" not in told.split("Colonnes")[1]


def test_nothing_is_told_where_everything_is_taken() -> None:
    assert pasting.read(f"Prénom\tNom\tDDN\tNEPH\n{OURS}", GIVEN).told == []


def test_a_row_in_error_among_others_is_taken_as_it_stands() -> None:
    rows = read(f"{OURS}\n{OURS}\n01/02/1990\tJean\tMARTIN\t850493200011\nPaul\tPETIT")
    assert [row["first_name"] for row in rows] == ["Jean", "Jean", "01/02/1990", "Paul"]


def test_rows_come_by_the_thousand_and_no_more_than_a_draft_holds() -> None:
    assert len(read(f"{OURS}\n" * drafts.MAX_LINES)) == drafts.MAX_LINES
    with pytest.raises(drafts.TooManyLines):
        read(f"{OURS}\n" * (drafts.MAX_LINES + 1))


def test_columns_are_named_as_spreadsheets_name_them() -> None:
    assert [letter(at) for at in (0, 25, 26, 27, 52)] == ["A", "Z", "AA", "AB", "BA"]
