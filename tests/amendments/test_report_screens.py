"""The screens of « Signaler une erreur » and of a centre's « À traiter »."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.extensions import db
from app.models import ErrorReport, LookAlike, Registration
from app.services.core import clock
from tests.support import MARIE, drain, registered

SignIn = Callable[[FlaskClient, str], FlaskClient]
DRIVER, MANAGER = "conducteur@demo.example", "gestionnaire@demo.example"


@pytest.fixture
def row(app: Flask) -> Registration:
    """Give Marie's registration."""
    batch = registered(MARIE)
    drain()
    return db.session.execute(select(Registration).where(Registration.batch_id == batch.id)).scalar_one()


def send(client: FlaskClient, row: Registration, **typed: str) -> str:
    answer = client.post(f"/mon-espace/erreurs/{row.id}/envoyer", data=typed, follow_redirects=True)
    return answer.get_data(as_text=True)


class TestDriver:
    def test_says_it_sees_it_waits_takes_it_back(self, client: FlaskClient, sign_in: SignIn, row: Registration) -> None:
        sign_in(client, DRIVER)
        assert f"/mon-espace/erreurs/{row.id}" in client.get("/mon-espace/").get_data(as_text=True)
        page = send(client, row, permit_number="850492100132")
        assert "Votre signalement est envoyé à Centre de formation Démo" in page
        assert "Erreur signalée" in page
        assert "déjà signalé" in send(client, row, permit_number="850492100132")
        assert db.session.scalar(select(func.count()).select_from(ErrorReport)) == 1
        assert client.get(f"/mon-espace/erreurs/{row.id}").status_code == 302
        page = client.post(f"/mon-espace/erreurs/{row.id}/retirer", follow_redirects=True).get_data(as_text=True)
        assert "Votre signalement est retiré" in page

    @pytest.mark.parametrize("typed", [{}, {"permit_number": "1"}, {"text": "x" * 600}, {"training": "99999999999999"}])
    def test_a_bad_report_is_refused_with_its_fields(
        self, client: FlaskClient, sign_in: SignIn, row: Registration, typed: dict[str, str]
    ) -> None:
        sign_in(client, DRIVER)
        answer = client.post(f"/mon-espace/erreurs/{row.id}/envoyer", data=typed)
        assert answer.status_code == 422
        page = answer.get_data(as_text=True)
        assert "data-error-summary" in page
        assert "<title>Erreur : Signaler une erreur" in page

    def test_markup_in_words_is_shown_as_words(self, client: FlaskClient, sign_in: SignIn, row: Registration) -> None:
        send(sign_in(client, DRIVER), row, text="<script>alert(1)</script>")
        report = db.session.execute(select(ErrorReport)).scalar_one()
        page = sign_in(client.application.test_client(), MANAGER).get(f"/corrections/signalements/{report.id}")
        assert "&lt;script&gt;" in page.get_data(as_text=True)
        assert "<script>alert" not in page.get_data(as_text=True)


class TestCentre:
    def test_reads_corrects_or_answers(self, client: FlaskClient, sign_in: SignIn, row: Registration) -> None:
        send(sign_in(client, DRIVER), row, permit_number="850492100132", not_attended="oui")
        report = db.session.execute(select(ErrorReport)).scalar_one()
        manager = sign_in(client.application.test_client(), MANAGER)
        assert "Erreurs signalées" in manager.get("/tableau-de-bord/").get_data(as_text=True)
        listed = manager.get("/centre/a-traiter/").get_data(as_text=True)
        assert f"/corrections/signalements/{report.id}" in listed
        shown = manager.get(f"/corrections/signalements/{report.id}").get_data(as_text=True)
        assert "850492100132" in shown
        assert DRIVER not in shown
        form = manager.get(f"/corrections/{row.id}/?signalement={report.id}").get_data(as_text=True)
        assert 'value="850492100132"' in form
        assert '<option value="not_attended" selected>' in form
        assert 'value="850492100132"' not in manager.get(f"/corrections/{row.id}/").get_data(as_text=True)
        answer = manager.post(f"/corrections/signalements/{report.id}/exactes", data={"answer": " "})
        assert answer.status_code == 422
        assert "<title>Erreur : " in answer.get_data(as_text=True)
        page = manager.post(
            f"/corrections/signalements/{report.id}/exactes", data={"answer": "Relu"}, follow_redirects=True
        )
        assert "Votre réponse est envoyée" in page.get_data(as_text=True)
        page = manager.get(f"/corrections/signalements/{report.id}", follow_redirects=True)
        assert "n’attend plus de réponse" in page.get_data(as_text=True)
        assert "les données sont exactes" in client.get("/mon-espace/").get_data(as_text=True)

    def test_puts_a_look_alike_aside(self, client: FlaskClient, sign_in: SignIn) -> None:
        batch = registered({**MARIE, "permit_number": "850492100132"})
        id_ = db.session.execute(select(Registration.id).where(Registration.batch_id == batch.id)).scalar_one()
        db.session.add(LookAlike(registration_id=id_, found_on=clock.today()))
        db.session.commit()
        sign_in(client, MANAGER)
        assert "Vérifiez avant le 17/01" in client.get("/centre/a-traiter/").get_data(as_text=True)
        for said in ("gardé tel quel", "n’est plus à vérifier"):
            page = client.post(f"/centre/a-traiter/verifications/{id_}/exacte", follow_redirects=True)
            assert said in page.get_data(as_text=True).replace("\u202f", " ")

    def test_pages_do_not_grow_with_queries(self, client: FlaskClient, sign_in: SignIn, row: Registration) -> None:
        from tests.support import many, statements

        sign_in(client, MANAGER)
        client.get("/centre/a-traiter/")
        with statements() as before:
            client.get("/centre/a-traiter/")
        batch = registered(*many(12))
        ids = db.session.execute(select(Registration.id).where(Registration.batch_id == batch.id)).scalars().all()
        db.session.add_all(LookAlike(registration_id=id_, found_on=clock.today()) for id_ in ids)
        db.session.commit()
        with statements() as after:
            client.get("/centre/a-traiter/")
        assert len(after) <= len(before) + 1
