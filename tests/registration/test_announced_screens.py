"""What « Importer » announces before it is confirmed, and where it leads when the facts have changed since."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.extensions import db
from app.models import Registration, Trainer
from app.services.imports import confirmation as import_confirmation
from app.services.trainers import registration as trainer_registration
from tests.bases import UNDER_THE_ROLE
from tests.imports.importing import HTMX, SECOND, analysed, batch_at, numbers, sheet, words
from tests.registration.test_analysis import SECOND_TABLE
from tests.registration.wizard_path import Path, on_draft
from tests.support import LEGAL, MARIE, PIERRE, drain, person_id, registered, trainer_draft, training_id

BACKENDS = UNDER_THE_ROLE

DURAND = {**MARIE, "last_name": "DURAND"}
LEROY = {**MARIE, "last_name": "LEROI", "birth_date": "25/12/2002", "permit_number": "298795874"}
ONE = "1 stagiaire connu sous un autre nom : ses documents seront retenus."
TWO = "2 stagiaires connus sous un autre nom : leurs documents seront retenus."
NOTHING_DONE = "Rien n’a été enregistré ni facturé : depuis le rapport que vous avez vu,"


@pytest.fixture
def manager(client: FlaskClient, sign_in: Callable[..., FlaskClient]) -> FlaskClient:
    return sign_in(client, "gestionnaire@demo.example")


def count() -> int:
    return db.session.scalar(select(func.count()).select_from(Registration)) or 0


def sent(page: str) -> dict[str, str]:
    """Return what the form of a confirmation sends, without its csrf token."""
    return dict(re.findall(r'name="(version|told)" value="([^"]*)"', page))


def withheld() -> int:
    return db.session.scalar(select(func.count()).where(Registration.withheld.is_(True))) or 0


def confirmation(path: Path) -> str:
    """« Vérifier », then the page that asks before importing."""
    path.post("verifier")
    return path.get("confirmation").text


class TestByHand:
    def test_two_tabs_the_second_leads_back_to_what_is_new(self, manager: FlaskClient) -> None:
        first, second = on_draft(manager, MARIE, PIERRE), on_draft(manager, MARIE, PIERRE)
        shown = {path.key: sent(confirmation(path)) for path in (first, second)}
        assert first.goes_to(first.post("importer", shown[first.key])) == "recu?nouveau=1"
        assert second.goes_to(second.post("importer", shown[second.key])) == "controle"
        page = words(second.get("controle"))
        assert f"{NOTHING_DONE} 2 lignes sont déjà enregistrées et seraient facturées de nouveau." in page
        assert "2 lignes à relire, nouvelles depuis le rapport que vous aviez vu" in page
        assert count() == 2
        again = second.get("confirmation").text
        assert "2 lignes sont déjà enregistrées par votre centre : elles seront facturées de nouveau." in again
        assert second.goes_to(second.post("importer", sent(again))) == "recu?nouveau=1"
        assert count() == 4

    def test_the_new_remarks_come_first(self, manager: FlaskClient) -> None:
        """Before lines that only bore an information already."""
        path = on_draft(manager, PIERRE, {**PIERRE, "permit_number": "82R987929"}, MARIE)
        shown = sent(confirmation(path))
        registered(MARIE)
        path.post("importer", shown)
        page = path.get("controle").text
        assert page.index("MARTIN</") < page.index("DUPONT</")
        path.post("verifier")
        page = path.get("controle").text
        assert page.index("DUPONT</") < page.index("MARTIN</")
        assert "à relire" not in page

    def test_a_dialog_left_open_while_another_tab_checked_again(self, manager: FlaskClient) -> None:
        path = on_draft(manager, MARIE)
        old = sent(confirmation(path))
        registered(MARIE)
        path.post("verifier")
        assert path.goes_to(path.post("importer", old)) == "controle"
        assert NOTHING_DONE in words(path.get("controle"))
        assert count() == 1

    @pytest.mark.parametrize("told", ["", "x", "1-2", "-1-0-0-0", "9" * 50, "١-٠-٠-٠"])
    def test_a_form_that_says_nonsense_is_taken_for_one_that_says_nothing(
        self, manager: FlaskClient, told: str
    ) -> None:
        path = on_draft(manager, MARIE)
        confirmation(path)
        assert path.goes_to(path.post("importer", {"told": told})) == "recu?nouveau=1"

    @pytest.mark.parametrize(("lines", "said"), [((DURAND,), ONE), ((DURAND, LEROY, PIERRE), TWO)])
    def test_withheld_documents_are_announced(
        self, manager: FlaskClient, lines: tuple[dict[str, str], ...], said: str
    ) -> None:
        path = on_draft(manager, *lines)
        assert said in confirmation(path)
        assert said in words(path.get("controle"))  # the dialog
        path.post("importer", sent(path.get("confirmation").text))
        assert withheld() == int(said[0])

    def test_nothing_is_said_where_nothing_is_withheld(self, manager: FlaskClient) -> None:
        assert "retenus" not in confirmation(on_draft(manager, MARIE, PIERRE))


class TestByFile:
    def test_a_file_saved_anew_and_sent_twice(self, manager: FlaskClient) -> None:
        """Other bytes, another format, the same lines: nothing but the facts tells."""
        first, copy = analysed(manager, SECOND), analysed(manager, sheet(SECOND_TABLE, "xls"), "copie.xls")
        shown = {address: sent(manager.get(address + "/confirmation").text) for address in (first, copy)}
        assert "/recu" in manager.post(first + "/importer", data=shown[first]).headers["Location"]
        back = manager.post(copy + "/importer", data=shown[copy], follow_redirects=True)
        assert f"{NOTHING_DONE} 6 lignes sont déjà enregistrées" in words(back)
        assert "6 lignes à relire" in words(back)
        assert count() == 6
        again = manager.get(copy + "/confirmation", headers=HTMX).text
        assert "6 lignes sont déjà enregistrées par votre centre : elles seront facturées de nouveau." in again
        assert "/recu" in manager.post(copy + "/importer", data=sent(again)).headers["Location"]
        assert count() == 12

    def test_the_new_remarks_come_first_on_the_report(self, manager: FlaskClient) -> None:
        address = analysed(manager, SECOND)
        shown = sent(manager.get(address + "/confirmation").text)
        before = numbers(manager.get(address))
        registered({**MARIE, "last_name": "BAELEN", "first_name": "Jeanne", "birth_date": "17/09/1949",
                    "permit_number": "56656455656"}, training=training_id("FCO Complète", "Voyageurs"))  # fmt: skip
        manager.post(address + "/importer", data=shown)
        new = batch_at(address).summary["new"]
        after = numbers(manager.get(address))
        assert (len(new), after[: len(new)], sorted(after)) == (len(new), new, sorted(before))

    def test_a_large_one_is_told_on_its_report(self, manager: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(import_confirmation, "AT_ONCE", 1)
        first, copy = analysed(manager, SECOND), analysed(manager, sheet(SECOND_TABLE, "xls"), "copie.xls")
        for address in (first, copy):
            manager.post(address + "/importer", data=sent(manager.get(address + "/confirmation").text))
        drain()
        page = words(manager.get(copy))
        assert f"L’enregistrement n’a pas eu lieu {NOTHING_DONE} 6 lignes sont déjà enregistrées" in page
        assert count() == 6

    def test_withheld_documents_are_announced(self, manager: FlaskClient) -> None:
        changed = [tuple("LEROI" if cell == "LEROY" else cell for cell in row) for row in SECOND_TABLE]
        address = analysed(manager, sheet(changed))
        shown = manager.get(address + "/confirmation").text
        assert ONE in shown
        assert ONE in manager.get(address + "/confirmation", headers=HTMX).text
        manager.post(address + "/importer", data=sent(shown))
        assert withheld() == 1


class TestTrainers:
    def test_typed_twice_the_second_is_stopped_once(
        self, client: FlaskClient, sign_in: Callable[..., FlaskClient]
    ) -> None:
        legal = sign_in(client, LEGAL)
        first, second = trainer_draft(), trainer_draft()
        at = f"/formateurs/{second.key}"
        shown = sent(legal.get(f"{at}/confirmation").text)
        trainer_registration.register(first.id, first.version, person_id(LEGAL))
        back = legal.post(f"{at}/enregistrer", data=shown, follow_redirects=True)
        assert "Rien n’a été enregistré ni facturé" in words(back)
        again = legal.get(f"{at}/confirmation").text
        assert "Votre centre a déjà enregistré ce formateur : la redevance sera facturée de nouveau." in again
        done = select(func.count()).select_from(Trainer).where(Trainer.state == "registered")
        assert db.session.scalar(done) == 1
        assert "/recu" in legal.post(f"{at}/enregistrer", data=sent(again)).headers["Location"]
        assert db.session.scalar(done) == 2

    def test_a_right_that_will_be_withheld_is_announced(
        self, client: FlaskClient, sign_in: Callable[..., FlaskClient]
    ) -> None:
        legal = sign_in(client, LEGAL)
        row = trainer_draft(birth_date=MARIE["birth_date"], permit_number=MARIE["permit_number"])
        page = legal.get(f"/formateurs/{row.key}/confirmation").text
        assert "Cette personne est connue sous un autre nom : son droit sera retenu" in page
