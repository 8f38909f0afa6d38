"""« Courriel » by hand: a tenth column of pasted rows, a field of step 2; kept with the line, told, invited once registered."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.models import BatchLine, Mail
from app.models.outbox import INVITATION_MAIL
from app.services.registration import report
from tests.bases import on_both
from tests.registration.wizard_path import Path, on_draft
from tests.support import PIERRE, drain

SignIn = Callable[[FlaskClient, str], FlaskClient]
ROW = "Jean\tMARTIN\t01/02/1990\t850493200011"
HEADED = f"Prénom\tNom\tNé le\tPermis\tE-mail\n{ROW}\tjean@mail.example\nAnne\tPETIT\t03/04/1991\t850493200012\tanne@\n"


@pytest.fixture
def path(client: FlaskClient, sign_in: SignIn) -> Path:
    """Give a draft with its training chosen and no line, in the browser of a manager."""
    return on_draft(sign_in(client, "gestionnaire@demo.example"))


def addresses(path: Path) -> list[str]:
    return [one.line.email for one in report.page(path.batch, report.Filter(by_number=True)).lines]


@on_both
def test_from_the_paste_to_the_invitation(path: Path) -> None:
    page = path.post("coller", {"text": HEADED, "order_number": "C1"}).text
    assert "Courriel</th>" in page
    assert re.search(r'id="case-0-email" name="case-0-email" value="jean@mail.example"', page)
    assert "Adresse électronique non conforme" in page
    assert "Colonne non reprise" not in page
    path.post("lignes/coller", {"text": HEADED, "order_number": "C1", "grille": "1", "case-1-email": "a@mail.example"})
    assert addresses(path) == ["jean@mail.example", "a@mail.example"]
    assert "jean@mail.example" in path.get("conducteurs").text
    path.post("verifier")
    asked = path.get("confirmation").text
    assert "Ceux pour qui une adresse valable est indiquée seront invités à en créer un." in asked
    path.post("importer", {"version": str(path.batch.version)})
    assert path.batch.state == "registered"
    drain()
    query = select(Mail.recipient).where(Mail.kind == INVITATION_MAIL).order_by(Mail.id)
    assert list(db.session.scalars(query)) == ["jean@mail.example", "a@mail.example"]
    assert set(db.session.scalars(select(BatchLine.email))) == {""}


@pytest.mark.parametrize(("last", "taken"), [("jean@mail.example", True), ("0612345678", False)])
def test_ten_columns_are_the_models_where_the_last_holds_addresses(path: Path, last: str, taken: bool) -> None:
    text = f"R1\tC1\tFIMO Marchandises\tMarchandises\t07/01/2022\t{ROW}\t{last}"
    page = path.post("coller", {"text": text}).text
    assert ('id="case-0-email"' in page) is taken, "else the columns are asked"


def test_rows_without_addresses_have_no_such_column(path: Path) -> None:
    page = path.post("coller", {"text": ROW, "order_number": "C1"}).text
    assert "Courriel</th>" not in page
    assert "case-0-email" not in page


def test_a_paste_taken_up_again_keeps_its_addresses(path: Path) -> None:
    sent = {"text": HEADED, "grille": "1", "order_number": "C1", "case-0-last_name": "MARTEL"}
    page = path.post("coller/revoir", sent).text
    assert "MARTEL\t01/02/1990\t850493200011\tjean@mail.example" in page


def test_a_line_typed_keeps_its_address_when_it_is_changed_and_brought_back(path: Path) -> None:
    told = path.post("lignes", {**PIERRE, "email": "pierre@mail.example"}, htmx=True).text
    assert "Une fois enregistré, il sera invité à créer son compte" in told
    assert addresses(path) == ["pierre@mail.example"]
    assert re.search(r'name="email"[^>]*value="pierre@mail.example"', path.get("conducteurs", ligne="1").text)
    path.post("lignes/1", {**PIERRE, "email": "pierre@", "first_name": "Paul"})
    assert addresses(path) == ["pierre@"], "a bad address blocks nothing"
    assert "Adresse électronique non conforme" in path.get("conducteurs").text
    gone = path.post("lignes/1/supprimer", htmx=True).text
    assert re.search(r'<input type="hidden" name="email" value="pierre@">', gone)
    assert addresses(path) == []


def test_leaving_the_field_tells_of_a_bad_address(path: Path) -> None:
    said = path.post("lignes/champ", {"champ": "email", "email": "pierre@"}, htmx=True).text
    assert "Adresse électronique non conforme" in said
    assert "non conforme" not in path.post("lignes/champ", {"champ": "email", "email": ""}, htmx=True).text
