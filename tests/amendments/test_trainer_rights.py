"""Cancelling a trainer's right (spec: billing, 8, « trainer's right »): same window, after it an agent; it closes, once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.extensions import db
from app.models import CardRequest, JournalEntry, Mail, Trainer, TrainerCancellation
from app.models.amendment import TRAINER_REASONS
from app.services.amendments import acts, trainer_rights
from app.services.cards import grounds
from app.services.cards import requests as card_requests
from app.services.core.reason import ReasonNeeded
from app.services.core.refusal import Refusal
from app.services.drivers import space
from app.services.notifications import mail
from app.services.rights import access
from app.services.trainers import drafts as trainer_drafts
from app.services.trainers import notices
from app.services.trainers import registration as trainer_registration
from tests.bases import UNDER_THE_ROLE
from tests.cards import making
from tests.support import LEGAL, MARIE, drain, person_id, registered_trainer

BACKENDS = UNDER_THE_ROLE
SignIn = Callable[[FlaskClient, str], FlaskClient]
HOLDER = "conducteur@demo.example"
AGENT = "agent@demo.example"
OF_MARIE = {key: MARIE[key] for key in ("first_name", "last_name", "birth_date", "permit_number")}


def again(row: Trainer) -> Trainer:
    db.session.expire_all()
    return db.session.get_one(Trainer, row.id)


def cancel(row: Trainer, code: str = "wrong_permit", text: str = "", email: str = LEGAL) -> None:
    shown = trainer_rights.look(again(row)).version
    trainer_rights.cancel(row.id, code, text, person_id(email), shown=shown, agent=email == AGENT)


def kinds() -> list[str]:
    return list(db.session.execute(select(Mail.kind).order_by(Mail.id)).scalars())


@pytest.mark.usefixtures("app")
class TestAlone:
    @pytest.mark.parametrize("code", TRAINER_REASONS)
    def test_every_reason_closes_the_right_and_tells_the_person(self, code: str) -> None:
        row = registered_trainer(**OF_MARIE)
        drain()
        assert trainer_registration.rights_of(person_id(HOLDER))
        cancel(row, code, "en double")
        assert again(row).cancelled_on == date(2022, 1, 10)
        assert trainer_registration.rights_of(person_id(HOLDER)) == []
        driver = space.driver_of(person_id(HOLDER))
        assert driver is not None
        assert grounds.grounds_of(driver) == []
        assert kinds()[-1] == "right_closed"
        kept = db.session.execute(select(TrainerCancellation)).scalar_one()
        assert (kept.state, kept.reason_code, kept.credit, kept.agent_id) == ("accepted", code, "draft", None)
        message = mail._message(db.session.execute(select(Mail).where(Mail.kind == "right_closed")).scalar_one())
        assert str(row.receipt_number) in str(message.body)
        entry = select(JournalEntry).where(JournalEntry.action == "trainer.right_cancelled")
        assert db.session.execute(entry).scalar_one().after == {"reason_code": code}

    def test_a_fee_that_was_not_borne_leaves_nothing_to_credit(self) -> None:
        cancel(registered_trainer("non"))
        assert db.session.execute(select(TrainerCancellation.credit)).scalar_one() == "none"

    def test_a_double_click_and_an_agent_at_once_cancel_once(self) -> None:
        row = registered_trainer()
        shown = trainer_rights.look(row).version
        for email, refusal in ((LEGAL, None), (LEGAL, acts.AlreadyCancelled), (AGENT, acts.AlreadyCancelled)):
            if refusal is None:
                trainer_rights.cancel(row.id, "duplicate", "", person_id(email), shown=shown)
                continue
            with pytest.raises(refusal):
                trainer_rights.cancel(row.id, "duplicate", "", person_id(email), shown=shown, agent=email == AGENT)
        assert db.session.scalar(select(func.count()).select_from(TrainerCancellation)) == 1

    def test_bound_to_what_was_shown(self) -> None:
        row = registered_trainer()
        with pytest.raises(acts.Changed):
            trainer_rights.cancel(row.id, "duplicate", "", person_id(LEGAL), shown="x")
        assert again(row).cancelled_on is None
        assert db.session.scalar(select(func.count()).select_from(TrainerCancellation)) == 0

    @pytest.mark.parametrize(("code", "text"), [("", ""), ("nothing", "x"), ("other", " "), ("duplicate", "x" * 301)])
    def test_a_bad_reason_is_refused(self, code: str, text: str) -> None:
        with pytest.raises(Refusal):
            trainer_rights.why(code, text)

    @pytest.mark.parametrize("email", ["gestionnaire@demo.example", "sansdroit@demo.example", "voisin@demo.example"])
    def test_it_takes_the_right_to_register_trainers(self, email: str) -> None:
        row = registered_trainer()
        if email.startswith("gestionnaire") and access.memberships(person_id(email))[0].may(
            "trainers", date(2022, 1, 10)
        ):
            pytest.skip("this manager holds the right")
        with pytest.raises(access.NotAllowed):
            cancel(row, email=email)
        assert again(row).cancelled_on is None

    def test_it_counts_for_nothing_any_more(self) -> None:
        row = registered_trainer()
        cancel(row)
        with pytest.raises(Refusal):
            notices.send_again(row.id, "chloe@exemple.fr", person_id(LEGAL))
        drain()
        first = db.session.execute(select(Mail).where(Mail.kind == "right_open")).scalar_one()
        assert first.state == "dropped"
        second = registered_trainer()
        assert [one.code.value for one in trainer_drafts.judge(second).findings if "already" in one.code.value] != []


@pytest.mark.usefixtures("app")
class TestAgent:
    @pytest.mark.parametrize(("day", "alone"), [(17, True), (18, False)])
    def test_until_the_seventh_day_alone_then_an_agent(self, app: Flask, day: int, alone: bool) -> None:
        row = registered_trainer()
        app.config["TODAY"] = date(2022, 1, day)
        assert trainer_rights.look(row).needs_agent is not alone
        if alone:
            cancel(row)
            return
        with pytest.raises(acts.NeedsAgent):
            cancel(row)
        trainer_rights.ask(row.id, "wrong_permit", "", person_id(LEGAL))
        with pytest.raises(trainer_rights.AlreadyAsked):
            trainer_rights.ask(row.id, "wrong_permit", "", person_id(LEGAL))
        assert [one.trainer_id for one in trainer_rights.waiting()] == [row.id]
        cancel(row, email=AGENT)
        assert trainer_rights.count_waiting() == 0
        assert again(row).cancelled_on == date(2022, 1, 18)
        kept = db.session.execute(select(TrainerCancellation)).scalar_one()
        assert (kept.state, kept.agent_id) == ("accepted", person_id(AGENT))
        assert {"right_closed", "right_answer"} <= set(kinds())

    def test_a_request_is_refused_with_a_reason_and_may_be_made_again(self, app: Flask) -> None:
        row = registered_trainer()
        app.config["TODAY"] = date(2022, 2, 1)
        asked = trainer_rights.ask(row.id, "wrong_permit", "", person_id(LEGAL))
        with pytest.raises(ReasonNeeded):
            trainer_rights.refuse(asked.id, person_id(AGENT), " ")
        trainer_rights.refuse(asked.id, person_id(AGENT), "Pas de preuve")
        with pytest.raises(trainer_rights.AlreadyDecided):
            trainer_rights.refuse(asked.id, person_id(AGENT), "Encore")
        assert again(row).cancelled_on is None
        assert kinds()[-1] == "right_answer"
        assert trainer_rights.ask(row.id, "wrong_permit", "", person_id(LEGAL)).id != asked.id

    def test_a_draft_for_a_card_is_given_up(self) -> None:
        row = registered_trainer(**OF_MARIE)
        begun = making.filled(row.id, grounds.RIGHT)
        cancel(row)
        assert db.session.get_one(CardRequest, begun.id).state == "cancelled"
        assert not grounds.holds(db.session.get_one(CardRequest, begun.id))

    def test_one_that_was_sent_is_an_agent_s_and_stops(self) -> None:
        row = registered_trainer(**OF_MARIE)
        begun = making.filled(row.id, grounds.RIGHT)
        card_requests.submit(begun.id, person_id(HOLDER))
        with pytest.raises(acts.NeedsAgent):
            cancel(row)
        cancel(row, email=AGENT)
        db.session.expire_all()
        assert db.session.get_one(CardRequest, begun.id).state == "stopped"
        assert db.session.execute(select(TrainerCancellation.card)).scalar_one() == "submitted"


class TestScreens:
    """The two screens, the receipt and the lists."""

    def test_reason_effects_confirmation(self, client: FlaskClient, sign_in: SignIn) -> None:
        row = registered_trainer()
        db.session.commit()
        sign_in(client, LEGAL)
        base = f"/corrections/formateurs/{row.id}"
        assert base in client.get(f"/formateurs/{row.key}/recu").get_data(as_text=True)
        answer = client.post(f"{base}/effets", data={"reason_code": ""})
        assert answer.status_code == 422
        assert "<title>Erreur : " in answer.get_data(as_text=True)
        page = client.post(f"{base}/effets", data={"reason_code": "duplicate"}).get_data(as_text=True)
        assert "Redevance en moins" in page
        stale = client.post(f"{base}/confirmer", data={"reason_code": "duplicate", "version": "x"})
        assert stale.status_code == 409
        version = page.split('name="version" value="')[1].split('"')[0]
        for said in ("Le droit est annulé", "déjà annulé"):
            done = client.post(
                f"{base}/confirmer", data={"reason_code": "duplicate", "version": version}, follow_redirects=True
            )
            assert said in done.get_data(as_text=True)
        receipt = client.get(f"/formateurs/{row.key}/recu").get_data(as_text=True)
        assert "Droit annulé le 10/01/2022" in receipt
        assert base not in receipt
        listed = client.get("/mes-formateurs/list/").get_data(as_text=True)
        assert "<del>DURAND Chloé</del>" in listed
        assert "Annulé le 10/01/2022" in listed
        assert "DURAND" not in client.get("/mes-formateurs/list/?_flt_0_cancelled=non").get_data(as_text=True)

    def test_a_request_reaches_the_agents_list(self, app: Flask, client: FlaskClient, sign_in: SignIn) -> None:
        row = registered_trainer()
        app.config["TODAY"] = date(2022, 2, 1)
        sign_in(client, LEGAL)
        base = f"/corrections/formateurs/{row.id}"
        page = client.post(f"{base}/demander", data={"reason_code": "wrong_permit"}, follow_redirects=True)
        assert "Votre demande est envoyée" in page.get_data(as_text=True)
        agent = sign_in(app.test_client(), AGENT)
        assert base in agent.get("/a-traiter/corrections/").get_data(as_text=True)
        assert base in agent.get(f"/formateurs-et-moniteurs/show/{row.id}").get_data(as_text=True)
        shown = agent.post(f"{base}/effets", data={"reason_code": "wrong_permit"}).get_data(as_text=True)
        assert "Aucune demande de carte" in shown
        done = agent.post(f"{base}/refuser", data={"answer": "Pas de preuve"}, follow_redirects=True)
        assert "La demande est refusée" in done.get_data(as_text=True)
        assert "Pas de preuve" in client.get(f"{base}/").get_data(as_text=True)
