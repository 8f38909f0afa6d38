"""« Corriger ou annuler » on screen: the form, every effect in words, the confirmation; and the agent's decision."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.extensions import db
from app.models import Cancellation, CorrectionRequest, Mail, Registration
from app.models.amendment import REASONS, REPLACING
from app.services.amendments import orders, requests
from tests.bases import UNDER_THE_ROLE
from tests.support import MARIE, PIERRE, drain, person_id, registered

from .test_acts import OTHER_PERMIT, again, agent, live, me, mend, one, order

BACKENDS = UNDER_THE_ROLE
SignIn = Callable[..., FlaskClient]
MANAGER, AGENT, NEIGHBOUR = "gestionnaire@demo.example", "agent@demo.example", "voisin@demo.example"


def text_of(response: TestResponse) -> str:
    return response.get_data(as_text=True)


def sent(row: Registration, code: str = "wrong_permit", act: str = "remplacer", **changes: str) -> dict[str, Any]:
    return {**orders.as_typed(row).values(), **changes, "reason_code": code, "reason": "relu", "act": act}


def hidden(page: str, action: str = "confirmer") -> dict[str, str]:
    """Return what the form of an action sends."""
    form = next(part for part in page.split("<form")[1:] if f'/{action}"' in part.split(">")[0])
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form.split("</form>")[0]))


class TestTheCentre:
    def test_a_wrong_digit_is_mended_in_three_screens(self, client: FlaskClient, sign_in: SignIn) -> None:
        row = one()
        sign_in(client, MANAGER)
        receipt = text_of(client.get(f"/sessions/{row.batch.key}/recu"))
        assert f'href="/corrections/{row.id}/"' in receipt
        assert f'href="/corrections/{row.id}/"' in text_of(client.get(f"/mes-enregistrements/show/{row.id}"))
        page = text_of(client.get(f"/corrections/{row.id}/"))
        assert page.count('data-until="2022-01-10"') == 2, "both days are told on leaving, where they are to come"
        assert "Correction libre jusqu’au 17/01/2022 à 23:59, encore 7 jours" in page
        assert 'name="permit_number" value="850492100123"' in page
        page = text_of(client.post(f"/corrections/{row.id}/effets", data=sent(row, **OTHER_PERMIT)))
        for document in live(row).values():
            assert document.number in page
        assert "annulé et remplacé" in page
        assert "Le permis 850492100132 n’a pas de compte" in page
        assert again(row).is_live
        done = client.post(f"/corrections/{row.id}/confirmer", data=hidden(page), follow_redirects=True)
        assert "Remplace RE-22-" in text_of(done)
        assert not again(row).is_live

    @pytest.mark.parametrize("code", REASONS)
    def test_every_reason_on_screen(self, client: FlaskClient, sign_in: SignIn, code: str) -> None:
        row = one()
        sign_in(client, MANAGER)
        if code in REPLACING:
            page = client.post(f"/corrections/{row.id}/effets", data=sent(row, code, first_name="Maria"))
            assert page.status_code == 200
        page = client.post(f"/corrections/{row.id}/effets", data=sent(row, code, "annuler"))
        client.post(f"/corrections/{row.id}/confirmer", data=hidden(text_of(page)))
        kept = db.session.execute(select(Cancellation)).scalar_one()
        assert (kept.reason_code, kept.kind, kept.reason) == (code, "cancelled", "relu")

    def test_a_reason_that_is_missing_is_marked_where_it_is_typed(self, client: FlaskClient, sign_in: SignIn) -> None:
        row = one()
        sign_in(client, MANAGER)
        several = f"/corrections/envois/{row.batch.key}/effets"
        for address, more in ((f"/corrections/{row.id}/effets", sent(row)), (several, {"line": str(row.id)})):
            for code, field in (("", "reason_code"), ("other", "reason")):
                page = text_of(client.post(address, data={**more, "reason_code": code, "reason": " "}))
                assert f'href="#{field}"' in page
                assert f'aria-describedby="{field}-error"' in page
        page = text_of(client.post(several, data={"reason_code": ""}))
        assert "Choisissez au moins une ligne" in page
        assert "reason_code-error" not in page, "what is said of the lines is said of no field of the reason"

    def test_a_line_in_error_comes_back_with_its_sentence(self, client: FlaskClient, sign_in: SignIn) -> None:
        row = one()
        sign_in(client, MANAGER)
        for changes in ({"end_date": "11/01/2022"}, {"permit_number": "?"}, {"training_label": "FIMO"}):
            answer = client.post(f"/corrections/{row.id}/effets", data=sent(row, **changes))
            assert answer.status_code == 422
            assert "fielderror" in text_of(answer)
        for data in (sent(row), sent(row, code=""), sent(row, "other", "annuler") | {"reason": " "}):
            answer = client.post(f"/corrections/{row.id}/effets", data=data)
            assert answer.status_code == 422
            assert "Rien n’a été changé" in text_of(answer)
        assert again(row).is_live

    def test_what_changed_meanwhile_is_shown_again(self, client: FlaskClient, sign_in: SignIn) -> None:
        row = one(PIERRE)
        sign_in(client, MANAGER)
        data = hidden(text_of(client.post(f"/corrections/{row.id}/effets", data=sent(row, "duplicate", "annuler"))))
        answer = client.post(f"/corrections/{row.id}/confirmer", data={**data, "version": "older"})
        assert answer.status_code == 409
        assert "Une donnée a changé" in text_of(answer)
        assert again(row).is_live
        assert client.post(f"/corrections/{row.id}/confirmer", data=hidden(text_of(answer))).status_code == 302
        assert not again(row).is_live

    def test_a_second_tab_is_led_to_the_receipt(self, client: FlaskClient, sign_in: SignIn) -> None:
        row = one()
        sign_in(client, MANAGER)
        data = hidden(text_of(client.post(f"/corrections/{row.id}/effets", data=sent(row, "duplicate", "annuler"))))
        client.post(f"/corrections/{row.id}/confirmer", data=data)
        again_ = client.post(f"/corrections/{row.id}/confirmer", data=data, follow_redirects=True)
        assert "déjà annulé" in text_of(again_)
        assert "déjà annulé" in text_of(client.get(f"/corrections/{row.id}/", follow_redirects=True))
        assert db.session.scalar(select(func.count()).select_from(Cancellation)) == 1

    def test_another_centre_s_is_not_found(self, client: FlaskClient, sign_in: SignIn) -> None:
        row = one()
        sign_in(client, NEIGHBOUR)
        assert client.get(f"/corrections/{row.id}/").status_code == 404
        for act in ("effets", "confirmer", "demander", "retirer"):
            assert client.post(f"/corrections/{row.id}/{act}", data=sent(row)).status_code == 404
        assert again(row).is_live

    def test_after_the_window_the_centre_asks_and_is_told_no_more(
        self, app: Flask, client: FlaskClient, sign_in: SignIn
    ) -> None:
        row = one()
        app.config["TODAY"] = date(2022, 1, 18)
        sign_in(client, MANAGER)
        page = text_of(client.post(f"/corrections/{row.id}/effets", data=sent(row, **OTHER_PERMIT)))
        assert "doit être décidée par un agent" in page
        assert "délai" not in page.split("<main")[1]
        assert "/confirmer" not in page
        answer = client.post(f"/corrections/{row.id}/demander", data=hidden(page, "demander"), follow_redirects=True)
        assert "en attente d’un agent" in text_of(answer)
        assert again(row).is_live
        answer = client.post(f"/corrections/{row.id}/demander", data=hidden(page, "demander"), follow_redirects=True)
        assert "déjà en attente" in text_of(answer)
        answer = client.post(f"/corrections/{row.id}/retirer", follow_redirects=True)
        assert "est retirée" in text_of(answer)
        assert requests.count_waiting() == 0


class TestTheAgent:
    def asked(self, app: Flask, **changes: str) -> tuple[Registration, CorrectionRequest]:
        row = one()
        app.config["TODAY"] = date(2022, 1, 18)
        return row, requests.ask(order(row, **(changes or OTHER_PERMIT)), me())

    def test_both_lines_side_by_side_then_accepted_and_answered(
        self, app: Flask, client: FlaskClient, sign_in: SignIn
    ) -> None:
        row, asked = self.asked(app)
        sign_in(client, AGENT)
        assert "Voir les corrections" in text_of(client.get("/a-traiter/"))
        assert "MARTIN Marie" in text_of(client.get("/a-traiter/corrections/"))
        page = text_of(client.get(f"/a-traiter/corrections/{asked.id}"))
        assert "850492100123" in page
        assert "850492100132" in page
        assert "le délai de 7 jours est passé" in page
        done = client.post(f"/a-traiter/corrections/{asked.id}/accepter", data=hidden(page, "accepter"))
        assert done.status_code == 302
        kept = db.session.execute(select(Cancellation)).scalar_one()
        assert (kept.asked_by_id, kept.decided_by_id) == (person_id(), person_id(AGENT))
        drain()
        mail = db.session.execute(select(Mail).where(Mail.kind == "correction")).scalar_one()
        assert (mail.recipient, mail.state) == (MANAGER, "sent")
        assert new_of_row(row).registered_on == date(2022, 1, 18)

    def test_refused_for_a_reason_that_is_mailed(self, app: Flask, client: FlaskClient, sign_in: SignIn) -> None:
        row, asked = self.asked(app)
        sign_in(client, AGENT)
        client.post(f"/a-traiter/corrections/{asked.id}/refuser", data={"answer": " "})
        assert requests.count_waiting() == 1
        client.post(f"/a-traiter/corrections/{asked.id}/refuser", data={"answer": "Pièce illisible"})
        assert requests.count_waiting() == 0
        assert again(row).is_live
        sign_in(client, MANAGER)
        page = text_of(client.get(f"/corrections/{row.id}/"))
        assert "Pièce illisible" in page

    def test_decided_once(self, app: Flask) -> None:
        row, asked = self.asked(app)
        requests.accept(asked.id, person_id(AGENT))
        for act in (
            lambda: requests.accept(asked.id, person_id(AGENT)),
            lambda: requests.refuse(asked.id, person_id(AGENT), "Trop tard"),
            lambda: requests.withdraw(asked.id, person_id()),
        ):
            with pytest.raises(requests.AlreadyDecided):
                act()
        assert not again(row).is_live

    def test_the_centre_and_the_agent_at_once_cancel_once(self, app: Flask) -> None:
        row = one()
        app.config["TODAY"] = date(2022, 1, 18)
        asked = requests.ask(order(row, **OTHER_PERMIT), me())
        mend(row, agent(), code="duplicate")
        with pytest.raises(Exception, match="déjà annulé"):
            requests.accept(asked.id, person_id(AGENT))
        db.session.expire_all()
        assert db.session.get_one(CorrectionRequest, asked.id).state == "open"
        found = requests.find(asked.id)
        assert found is not None
        assert found.obstacle

    def test_an_agent_cancels_a_fraud_directly(self, client: FlaskClient, sign_in: SignIn) -> None:
        row = one()
        sign_in(client, AGENT)
        data = sent(row, "other", "annuler")
        page = text_of(client.post(f"/corrections/{row.id}/effets", data=data))
        client.post(f"/corrections/{row.id}/confirmer", data=hidden(page))
        assert not again(row).is_live


def new_of_row(row: Registration) -> Registration:
    kept = db.session.execute(select(Cancellation).where(Cancellation.registration_id == row.id)).scalar_one()
    assert kept.replaced_by is not None
    return kept.replaced_by


class TestSeveralLines:
    def test_all_of_a_sending_in_one_act(self, client: FlaskClient, sign_in: SignIn) -> None:
        batch = registered(MARIE, PIERRE)
        drain()
        rows = list(db.session.execute(select(Registration.id).where(Registration.batch_id == batch.id)).scalars())
        key = batch.key
        sign_in(client, MANAGER)
        assert "Annuler tout cet envoi" in text_of(client.get(f"/corrections/envois/{key}/"))
        data = {"reason_code": "duplicate", "line": rows}
        page = text_of(client.post(f"/corrections/envois/{key}/effets", data=data))
        assert "50,68" in page
        version = hidden(page)["version"]
        answer = client.post(f"/corrections/envois/{key}/confirmer", data={**data, "version": "older"})
        assert answer.status_code == 409
        assert all(again(row).is_live for row in rows)
        client.post(f"/corrections/envois/{key}/confirmer", data={**data, "version": version})
        assert not any(again(row).is_live for row in rows)
        assert db.session.scalar(select(func.count()).select_from(Cancellation)) == 2
        page = text_of(client.post(f"/corrections/envois/{key}/confirmer", data=data, follow_redirects=True))
        assert "Plus aucune ligne" in page

    def test_none_chosen_or_another_receipt_s_is_refused(self, client: FlaskClient, sign_in: SignIn) -> None:
        row, other = one(), one(PIERRE)
        key = row.batch.key
        sign_in(client, MANAGER)
        for line in ([], [other.id], ["x"], [row.id, other.id]):
            answer = client.post(f"/corrections/envois/{key}/effets", data={"reason_code": "duplicate", "line": line})
            assert answer.status_code == 422
            assert "Choisissez au moins une ligne" in text_of(answer)

    def test_one_that_an_agent_decides_holds_all(self, app: Flask, client: FlaskClient, sign_in: SignIn) -> None:
        batch = registered(MARIE, PIERRE)
        drain()
        rows = list(db.session.execute(select(Registration.id).where(Registration.batch_id == batch.id)).scalars())
        key = batch.key
        app.config["TODAY"] = date(2022, 1, 18)
        sign_in(client, MANAGER)
        data = {"reason_code": "duplicate", "line": rows}
        page = text_of(client.post(f"/corrections/envois/{key}/effets", data=data))
        assert "/confirmer" not in page
        assert "2 lignes doivent être décidées par un agent" in page
