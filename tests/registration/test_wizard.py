"""The three steps by hand: the whole path, each refusal, the order of the steps, who may, and what it costs the base."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from app.extensions import db
from app.models import Accreditation, Batch, MembershipRight, Registration, Tariff
from app.services.registration import analysis, batches, drafts
from tests.bases import UNDER_THE_ROLE, on_sqlite, under_the_role
from tests.registration.wizard_path import Path, on_draft
from tests.support import MARIE, PIERRE, many, statements, training_id

BACKENDS = UNDER_THE_ROLE

SignIn = Callable[[FlaskClient, str], FlaskClient]
YESTERDAY = date(2022, 1, 9)
#: Read to know who is there and what they may; the rest is the check's own.
AUTHENTICATION = re.compile(r"FROM (ab_\w+|membership(_right)?)\b")


@pytest.fixture
def manager(client: FlaskClient, sign_in: SignIn) -> FlaskClient:
    """Give the browser of a manager who may register."""
    return sign_in(client, "gestionnaire@demo.example")


def registrations() -> int:
    return db.session.scalar(select(func.count()).select_from(Registration)) or 0


def test_the_whole_path(manager: FlaskClient) -> None:
    start = manager.post("/sessions/nouveau", data={"profil": "conducteur", "mode": "manuel"})
    path = Path(manager, start.headers["Location"].split("/")[2])
    page = path.get("formation").text
    assert "FCO Complète — Voyageurs" in page
    assert "Titre Professionnel CTCR" not in page
    chosen = {"training_id": str(training_id()), "end_date": "07-01-2022"}
    assert path.goes_to(path.post("formation", chosen)) == "conducteurs"
    path.post("lignes", MARIE)
    page = manager.get(path.post("lignes", PIERRE).headers["Location"]).text
    assert "Ligne 2 ajoutée : DUPONT Pierre. Ne possède pas encore de compte sur la plateforme." in page
    assert "2 lignes, 50,68\u00a0€ HT à l’import" in page
    page = path.get("controle").text
    assert "Les lignes n’ont pas encore été vérifiées" in page
    assert 'aria-disabled="true" aria-describedby="why">Importer' in page
    assert path.goes_to(path.post("verifier")) == "controle"
    page = path.get("controle").text
    assert "Importer 2 lignes — 50,68\u00a0€ HT" in page
    assert "Vous êtes sur le point d'importer vos sessions." in page
    assert "1 stagiaire ne possède pas encore de compte sur la plateforme." in page
    assert "l'ensemble de votre saisie sera supprimé (2 lignes)" in page
    assert path.goes_to(path.post("importer")) == "recu?nouveau=1"
    page = path.get("recu", nouveau="1").text
    assert "Votre import a été pris en compte avec succès" in page
    assert registrations() == 2


def test_confirming_works_on_a_page_of_its_own(manager: FlaskClient) -> None:
    path = on_draft(manager, MARIE)
    assert path.goes_to(path.get("confirmation")) == "controle"
    path.post("verifier")
    page = path.get("confirmation").text
    assert "Les récapitulatifs de formation seront mis à disposition des stagiaires" in page
    assert "Importer 1 ligne — 25,34\u00a0€ HT" in page


def test_lines_added_since_the_amount_was_shown_are_not_imported_with_it(manager: FlaskClient) -> None:
    path = on_draft(manager, MARIE)
    path.post("verifier")
    pages = [path.get(page).text for page in ("controle", "confirmation")]
    [shown] = {version for page in pages for version in re.findall(r'name="version" value="(\d+)"', page)}
    path.post("lignes", PIERRE)  # in another tab, or by somebody else
    path.post("verifier")
    assert path.goes_to(path.post("importer", {"version": shown})) == "controle"
    assert "Des lignes ont changé depuis que le montant vous a été montré." in path.get("controle").text
    assert registrations() == 0


@on_sqlite
@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        ({}, "Libellé de formation non renseigné"),
        ({"training_id": "abc", "end_date": "07/01/2022"}, "Libellé de formation non renseigné"),
        ({"training_id": "9" * 40, "end_date": "07/01/2022"}, "Libellé de formation non renseigné"),
        ({"training_id": "1"}, "Date de fin de formation non renseignée"),
        ({"training_id": "1", "end_date": "30/02/2021"}, "Format de la date de fin de formation non conforme"),
        ({"training_id": "1", "end_date": "7" * 10_000}, "Format de la date de fin de formation non conforme"),
        ({"training_id": "1", "end_date": "11/01/2022"}, "ne peut pas être postérieure à la date du jour"),
        ({"training_id": "1", "end_date": "31/12/2019"}, "CFR non agréé pour cette formation à la date indiquée"),
    ],
)
def test_step_1_refuses_in_one_sentence(manager: FlaskClient, choice: dict[str, str], sentence: str) -> None:
    path = on_draft(manager)
    response = path.post("formation", choice)
    assert response.status_code == 422
    assert sentence in response.text
    assert "<title>Erreur : " in response.text


def test_step_1_keeps_to_the_trainings_shown(manager: FlaskClient) -> None:
    path = on_draft(manager)
    hidden = str(training_id("Titre Professionnel CTCR", "Voyageurs"))
    assert path.post("formation", {"training_id": hidden, "end_date": "07/01/2022"}).status_code == 422


def test_step_1_without_any_accreditation_says_what_to_do(manager: FlaskClient) -> None:
    path = on_draft(manager)
    db.session.execute(update(Accreditation).values(valid_to=YESTERDAY))
    db.session.commit()
    assert "Aucun agrément actif" in path.get("formation").text


def test_lines_stay_when_the_training_changes(manager: FlaskClient) -> None:
    path = on_draft(manager, MARIE)
    assert "La ligne déjà saisie est conservée" in path.get("formation").text
    other = str(training_id("FIMO Voyageurs", "Voyageurs"))
    path.post("formation", {"training_id": other, "end_date": "06/01/2022"})
    page = path.get("conducteurs").text
    assert "FIMO Voyageurs, fin le 06/01/2022" in page
    assert "850492100123" in page


def test_each_step_leads_back_to_the_first_not_valid(manager: FlaskClient) -> None:
    start = manager.post("/sessions/nouveau", data={"profil": "conducteur", "mode": "manuel"})
    path = Path(manager, start.headers["Location"].split("/")[2])
    for step in ("conducteurs", "controle", "confirmation", "coller"):
        assert path.goes_to(path.get(step)) == "formation"
    assert path.goes_to(path.post("verifier")) == "formation"
    assert path.goes_to(path.post("lignes", MARIE)) == "formation"
    drafts.choose_training(path.batch.id, training_id(), "07/01/2022")
    assert path.goes_to(path.get("controle")) == "conducteurs"
    path.post("verifier")
    assert path.goes_to(path.get("controle")) == "conducteurs"


def test_importing_needs_a_check_that_stands(manager: FlaskClient) -> None:
    path = on_draft(manager, MARIE)
    assert path.goes_to(path.post("importer")) == "controle"
    assert "Cliquez sur « Vérifier » avant d’importer." in path.get("controle").text
    path.post("verifier")
    path.post("lignes", PIERRE)
    assert path.goes_to(path.post("importer")) == "controle"
    assert "Des lignes ont changé depuis la dernière vérification" in path.get("controle").text
    assert registrations() == 0


def test_errors_are_named_counted_and_filtered(manager: FlaskClient) -> None:
    path = on_draft(manager, MARIE, PIERRE, {**PIERRE, "last_name": "11111", "permit_number": "123456789"})
    path.post("verifier")
    page = path.get("controle").text
    assert "1 ligne en erreur" in page
    assert "Corrigez d’abord la ligne en erreur." in page
    assert page.index("11111") < page.index("DUPONT")
    only_errors = path.get("controle", gravite="erreurs").text
    assert "11111" in only_errors
    assert "DUPONT" not in only_errors
    assert "11111" not in path.get("controle", gravite="informations").text
    assert "11111" in path.get("controle", motif="format:last_name").text
    assert "Aucune ligne ne correspond" in path.get("controle", motif="no_such_kind").text


def test_importing_twice_gives_one_receipt(manager: FlaskClient) -> None:
    path = on_draft(manager, MARIE)
    path.post("verifier")
    first, second = path.post("importer"), path.post("importer")
    assert path.goes_to(first).startswith("recu")
    assert path.goes_to(second).startswith("recu")
    assert registrations() == 1
    for step in ("formation", "conducteurs", "controle", "coller", "annuler"):
        assert path.goes_to(path.get(step)) == "recu"
    assert path.post("lignes", PIERRE, htmx=True).headers["HX-Redirect"].endswith("/recu")


def test_cancelling_asks_then_deletes_what_was_typed(manager: FlaskClient) -> None:
    path = on_draft(manager, MARIE)
    assert "l'ensemble de votre saisie sera supprimé" in path.get("annuler").text
    assert path.goes_to(path.post("annuler")) == "/sessions/"
    assert drafts.line_count(path.batch.id) == 0
    assert path.goes_to(path.get("controle")) == "/sessions/"
    assert "Cet enregistrement a été annulé" in manager.get("/sessions/").text
    assert path.goes_to(path.post("importer")) == "/sessions/"


def test_a_right_withdrawn_meanwhile_closes_every_step(manager: FlaskClient) -> None:
    path = on_draft(manager, MARIE)
    path.post("verifier")
    db.session.execute(update(MembershipRight).values(ends_on=YESTERDAY))
    db.session.commit()
    assert path.post("importer").status_code == 403
    assert "ne vous est pas accordé" in path.get("controle").text
    assert registrations() == 0


def test_without_a_tariff_nothing_can_be_imported(manager: FlaskClient) -> None:
    path = on_draft(manager, MARIE)
    path.post("verifier")
    db.session.execute(update(Tariff).values(valid_to=YESTERDAY))
    db.session.commit()
    assert "Aucun tarif n’est en vigueur" in path.get("controle").text
    assert path.goes_to(path.post("importer")) == "controle"
    assert registrations() == 0


READ = (
    "formation",
    "conducteurs",
    "controle",
    "confirmation",
    "annuler",
    "coller",
    "recu",
    "recu/etat",
    "lignes/saisie",
)
SENT = (
    "formation", "verifier", "importer", "annuler", "lignes", "lignes/champ", "lignes/1", "lignes/1/supprimer",
    "lignes/retablir", "lignes/coller", "coller", "coller/revoir",
)  # fmt: skip


@on_sqlite
@pytest.mark.parametrize(
    ("email", "code"),
    [("voisin@demo.example", 404), ("sansdroit@demo.example", 403), ("agent@demo.example", 403),
     ("conducteur@demo.example", 403)],
)  # fmt: skip
def test_nobody_else_reaches_anything_of_a_batch(client: FlaskClient, sign_in: SignIn, email: str, code: int) -> None:
    path = on_draft(sign_in(client, email), MARIE)
    analysis.check(path.batch.id)
    assert {path.get(step).status_code for step in READ} == {code}
    assert {path.post(step, {**MARIE, "champ": "last_name"}).status_code for step in SENT} == {code}
    assert (registrations(), drafts.line_count(path.batch.id)) == (0, 1)


@on_sqlite
def test_an_unknown_batch_is_not_found(manager: FlaskClient) -> None:
    path = Path(manager, "0" * 16)
    assert {path.get(step).status_code for step in READ} == {404}
    assert {path.post(step, MARIE).status_code for step in SENT} == {404}


def test_a_batch_of_a_file_has_no_steps(manager: FlaskClient) -> None:
    path = on_draft(manager, MARIE)
    db.session.execute(update(Batch).values(mode="file"))
    db.session.commit()
    assert path.get("conducteurs").status_code == 404


def test_an_expired_form_says_so_and_loses_nothing(app: Flask, manager: FlaskClient) -> None:
    path = on_draft(manager, MARIE)
    app.config["WTF_CSRF_ENABLED"] = True
    response = path.post("verifier")
    assert response.status_code == 400
    assert "Le formulaire a expiré" in response.text
    assert drafts.line_count(path.batch.id) == 1


@on_sqlite
@pytest.mark.parametrize("arguments", [{"page": "x"}, {"page": "9" * 30}, {"page": "-1"}, {"gravite": "x" * 5000}])
def test_odd_arguments_still_show_the_step(manager: FlaskClient, arguments: dict[str, str]) -> None:
    path = on_draft(manager, MARIE)
    assert path.get("controle", **arguments).status_code == 200
    assert path.get("conducteurs", ligne="9" * 30, **arguments).status_code == 200


@under_the_role
@pytest.mark.parametrize("count", [10, 1000])
def test_a_check_reads_the_base_seven_times_whatever_the_lines(manager: FlaskClient, count: int) -> None:
    path = on_draft(manager, *many(count))
    with statements() as seen:
        assert path.goes_to(path.post("verifier")) == "controle"
    reads = [text for text in seen if text.startswith("SELECT") and not AUTHENTICATION.search(text)]
    assert len(reads) <= 7, "\n\n".join(reads)
    assert path.batch.is_checked


def test_a_batch_closed_in_another_tab_says_so(manager: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    path = on_draft(manager, MARIE)

    def closed(*_: object) -> None:
        raise batches.BatchClosed

    monkeypatch.setattr(drafts, "add_line", closed)
    response = path.post("lignes", PIERRE, htmx=True)
    assert response.status_code == 409
    assert response.headers["HX-Retarget"] == "#messages"
    assert "n’est plus modifiable" in response.text


def test_a_line_is_imported_in_few_statements(manager: FlaskClient, backend_name: str) -> None:
    path = on_draft(manager, PIERRE)
    path.post("verifier")
    path.get("confirmation")
    with statements() as asked:
        assert path.goes_to(path.post("importer")) == "recu?nouveau=1"
    few = [text for text in asked if not text.startswith("PRAGMA")]
    # On PostgreSQL one waits for the centre's other registrations, one asks whether a driver was joined to another meanwhile.
    assert len(few) <= {"sqlite": 19}.get(backend_name, 21), "\n\n".join(few)
