"""Step 2: adding, changing, removing and pasting lines, with and without scripts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.services.registration import drafts, report
from tests.registration.wizard_path import Path, on_draft
from tests.support import MARIE, PIERRE, many

SignIn = Callable[[FlaskClient, str], FlaskClient]


@pytest.fixture
def path(client: FlaskClient, sign_in: SignIn) -> Path:
    """Give a draft with its training chosen and no line, in the browser of a manager."""
    return on_draft(sign_in(client, "gestionnaire@demo.example"))


def names(path: Path) -> list[tuple[int, str]]:
    """Return number and last name of each line, in their order."""
    lines = report.page(path.batch, report.Filter(by_number=True)).lines
    return [(one.line.number, one.line.last_name) for one in lines]


def test_the_columns_are_those_of_the_reference_document(path: Path) -> None:
    path.post("lignes", MARIE)
    page = path.get("conducteurs").text
    heads = [
        "Détail",
        "Réf",
        "N° de commande",
        "Prénom",
        "Nom",
        "Date de naissance",
        "N° de permis de conduire",
        "Action",
    ]
    places = [page.index(f">{head}</th>") for head in heads]
    assert places == sorted(places)
    assert (
        "Veillez à être particulièrement vigilants dans la saisie de la date de naissance et du numéro de permis"
        in page
    )


def test_adding_sends_the_one_row_and_keeps_reference_and_order(path: Path) -> None:
    path.post("lignes", MARIE, htmx=True)
    text = path.post("lignes", {**PIERRE, "page": "1"}, htmx=True).text
    assert "<html" not in text
    assert "850492100123" not in text, "the line added before is not drawn again"
    assert 'hx-swap-oob="beforeend:#rows"' in text
    assert "<strong>Ligne 2 ajoutée : DUPONT Pierre. Ne possède pas encore de compte sur la plateforme</strong>" in text
    assert 'value="REF1"' in text
    assert 'value="COM1"' in text
    assert 'value="Pierre"' not in text
    assert text.index('id="first_name"') < text.index(" autofocus") < text.index('id="last_name"')


def test_the_51st_line_opens_a_second_page(path: Path) -> None:
    drafts.add_rows(path.batch.id, many(50))
    text = path.post("lignes", {**PIERRE, "page": "1"}, htmx=True).text
    assert 'id="lines"' in text
    assert "Lignes 51 à 51 sur 51" in text
    assert text.count('id="ligne-') == 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"order_number": ""}, "Numéro de commande non renseigné"),
        ({"first_name": " "}, "Prénom non renseigné"),
        ({"last_name": "N" * 10_000}, "Format du nom non conforme"),
        ({"reference": "R" * 51}, "Format de la référence non conforme"),
        ({"birth_date": "11/01/2004"}, "Le stagiaire doit être majeur"),
        ({"birth_date": "30/02/1990"}, "Format de la date de naissance non conforme"),
        ({"permit_number": "12"}, "Format du N° de permis de conduire non conforme"),
    ],
)
@pytest.mark.parametrize("htmx", [False, True])
def test_a_line_in_error_is_refused_with_its_sentence(
    path: Path, change: dict[str, str], sentence: str, htmx: bool
) -> None:
    response = path.post("lignes", {**MARIE, **change}, htmx=htmx)
    assert response.status_code == 422
    assert "La ligne n’a pas été ajoutée : 1 champ à corriger" in response.text
    assert f'id="{next(iter(change))}-error"' in response.text
    assert sentence in response.text
    assert "<title>Erreur : Étape 2 sur 3" in response.text
    assert names(path) == []


@pytest.mark.parametrize("name", ["first_name", "reference"])
def test_control_characters_stop_at_the_border(path: Path, name: str) -> None:
    response = path.post("lignes", {**MARIE, name: "Jean\x00"})
    assert response.status_code == 400
    assert "caractères de contrôle" in response.text
    assert path.get("conducteurs", ligne="\x07").status_code == 400


def test_dates_typed_in_the_usual_ways_are_taken(path: Path) -> None:
    for at, typed in enumerate(("12041985", "12-4-1985", "1985-04-12")):
        path.post("lignes", {**MARIE, "birth_date": typed, "permit_number": f"85049210012{at}"})
    lines = report.page(path.batch, report.Filter()).lines
    assert {one.line.birth_date for one in lines} == {"12/04/1985"}
    assert len(lines) == 3


def test_a_field_just_left_is_judged_alone(path: Path) -> None:
    typed = {"first_name": "11111", "champ": "first_name"}
    assert "Format du prénom non conforme" in path.post("lignes/champ", typed, htmx=True).text
    assert path.post("lignes/champ", {**typed, "first_name": "Jean"}, htmx=True).text.strip() == ""
    birth = path.post("lignes/champ", {"birth_date": "01012010", "champ": "birth_date"}, htmx=True).text
    assert "Le stagiaire doit être majeur" in birth
    assert path.post("lignes/champ", {"champ": "password"}, htmx=True).status_code == 400
    assert names(path) == []


def test_the_pencil_fills_the_form_and_saving_replaces_the_line(path: Path) -> None:
    drafts.add_rows(path.batch.id, [MARIE, PIERRE])
    page = path.get("conducteurs", ligne="2").text
    assert "Modifier la ligne 2" in page
    assert 'value="82R987928"' in page
    assert path.goes_to(path.post("lignes/2", {**PIERRE, "last_name": "DURAND"})).startswith("conducteurs")
    assert names(path) == [(1, "MARTIN"), (2, "DURAND")]
    assert path.goes_to(path.post("lignes/2", {**PIERRE, "retour": "controle"})) == "controle"


def test_a_change_in_error_is_refused_and_keeps_the_line(path: Path) -> None:
    drafts.add_rows(path.batch.id, [MARIE])
    response = path.post("lignes/1", {**MARIE, "last_name": ""})
    assert response.status_code == 422
    assert "Ligne 1 à corriger : 1 champ" in response.text
    assert "Modifier la ligne 1" in response.text
    assert names(path) == [(1, "MARTIN")]


def test_a_line_removed_meanwhile_cannot_be_changed(path: Path) -> None:
    assert path.post("lignes/9", MARIE).status_code == 404
    assert path.post("lignes/99999999999999999999", MARIE).status_code == 404


def test_the_pencil_of_a_pasted_line_says_what_is_wrong_with_it(path: Path) -> None:
    drafts.add_rows(path.batch.id, [{**MARIE, "first_name": ""}])
    page = path.get("conducteurs", ligne="1").text
    assert "Ligne 1 à corriger" in page
    assert 'id="first_name-error"' in page


def test_the_bin_removes_and_can_be_undone(path: Path) -> None:
    drafts.add_rows(path.batch.id, [MARIE, PIERRE])
    text = path.post("lignes/1/supprimer", {"page": "1"}, htmx=True).text
    assert "Ligne 1 supprimée : MARTIN Marie." in text
    assert names(path) == [(2, "DUPONT")]
    path.post("lignes/retablir", MARIE)
    assert names(path) == [(2, "DUPONT"), (3, "MARTIN")]
    assert path.goes_to(path.post("lignes/2/supprimer")).startswith("conducteurs")
    assert path.post("lignes/2/supprimer", htmx=True).status_code == 200, "a double click is no error"
    text = path.post("lignes/3/supprimer", htmx=True).text
    assert "Aucune ligne pour le moment" in text
    assert "Ajoutez au moins une ligne." in text


def test_cancelling_the_line_gives_a_fresh_form(path: Path) -> None:
    drafts.add_rows(path.batch.id, [MARIE])
    assert path.goes_to(path.get("lignes/saisie")) == "conducteurs"
    text = path.client.get(f"/sessions/{path.key}/lignes/saisie", headers={"HX-Request": "true"}).text
    assert 'value="COM1"' in text
    assert 'value="Marie"' not in text


def test_pasted_rows_are_previewed_then_added_at_once(path: Path) -> None:
    rows = "Marie\tMARTIN\t12041985\t850492100123\r\nPierre\tDUPONT\t01/01/1990\t82R987928\r\n\tX1\t1/1/90\t1\r\n"
    form = {"order_number": "COM9", "text": rows}
    preview = path.post("coller", form).text
    assert "1 ligne à corriger" in preview
    assert "Ajouter 3 lignes" in preview
    assert "Ne possède pas encore de compte sur la plateforme" in preview
    assert names(path) == []
    assert path.goes_to(path.post("lignes/coller", form)).startswith("conducteurs")
    assert names(path) == [(1, "MARTIN"), (2, "DUPONT"), (3, "X1")]
    assert "3 lignes ajoutées." in path.get("conducteurs").text
    assert "X1" in path.post("coller/revoir", form).text


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Collez au moins une ligne"),
        ("a\tb\tc", "doivent compter 4 colonnes"),
        ("a\rb", "doivent compter 4 colonnes"),
        ("x" * 200_000, "doivent compter 4 colonnes"),
    ],
)
@pytest.mark.parametrize("address", ["coller", "lignes/coller"])
def test_a_paste_that_is_no_table_says_what_is_expected(path: Path, text: str, sentence: str, address: str) -> None:
    response = path.post(address, {"text": text})
    assert response.status_code == 422
    assert sentence in response.text
    assert names(path) == []


def test_more_rows_than_a_draft_holds_are_refused_together(path: Path) -> None:
    rows = "\n".join("\t".join(list(line.values())) for line in many(drafts.MAX_LINES + 1))
    response = path.post("lignes/coller", {"text": rows})
    assert response.status_code == 422
    assert "au plus 2000 lignes" in response.text
    assert names(path) == []


def test_an_order_number_too_long_for_pasted_rows_is_refused(path: Path) -> None:
    response = path.post("coller", {"text": "a\tb\tc\td", "order_number": "C" * 51})
    assert response.status_code == 422
    assert "Format du numéro de commande non conforme" in response.text
