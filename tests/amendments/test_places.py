"""Every place that reads registrations has decided about the cancelled ones (spec: billing, 8)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.models import Document, Driver, Registration
from app.services.accounts import link as account_link
from app.services.amendments import acts
from app.services.api import reading
from app.services.decisions import withheld_documents
from app.services.documents import resending, verification
from app.services.drivers import account_invitations, data_gathered, space
from app.services.reference import pricing
from app.services.registration import receipts, search
from app.services.reporting import dashboard, exports
from tests.bases import UNDER_THE_ROLE
from tests.support import MARIE, PIERRE, centre_id, person_id, registered

from .test_acts import OTHER_PERMIT, again, live, me, mend, new_of, one, order

BACKENDS = UNDER_THE_ROLE
SignIn = Callable[..., FlaskClient]
MANAGER, AGENT, DRIVER = "gestionnaire@demo.example", "agent@demo.example", "conducteur@demo.example"


@pytest.mark.usefixtures("app")
class TestServices:
    def test_counts_and_dashboards_leave_them_out(self) -> None:
        row = one()
        one(PIERRE)
        mend(row, code="duplicate")
        desk = dashboard.centre_desk(centre_id())
        assert (desk.volumes.today, desk.volumes.year, desk.volumes.this_month.count) == (1, 1, 1)
        assert str(desk.billed) == "25.34"
        assert str(dashboard.agent_desk().billed) == "25.34"
        mend(
            db.session.execute(select(Registration).where(Registration.last_name == "DUPONT")).scalar_one(),
            code="other",
        )
        assert dashboard.centre_desk(centre_id()).without_account == 0

    def test_verification_says_annulled_and_no_more(self) -> None:
        row = one()
        number = live(row)["certificate"].number
        mend(row, code="duplicate")
        answer = verification.verify(number)
        assert (answer.state, answer.cancelled_on, answer.is_replaced) == ("revoked", date(2022, 1, 10), False)

    def test_verification_says_replaced(self) -> None:
        row = one()
        number = live(row)["recap"].number
        mend(row, **OTHER_PERMIT)
        assert verification.verify(number).is_replaced

    def test_the_receipt_is_history_with_a_note(self) -> None:
        row = one()
        outcome = mend(row, **OTHER_PERMIT)
        batch = again(row).batch
        [line] = receipts.receipt(batch).lines
        assert line.note is not None
        assert (line.note.reason, line.note.receipt_number) == ("N° de permis faux", outcome.receipt_number)
        assert pricing.billed(batch.id).total == row.price

    def test_search_finds_them_and_a_filter_tells_them_apart(self) -> None:
        row = one()
        other = one(PIERRE)
        mend(row, code="duplicate")

        def found(**asked: str) -> list[int]:
            query = select(Registration.id).where(*search.conditions(asked)).order_by(Registration.id)
            return list(db.session.execute(query).scalars())

        assert found(words="MARTIN") == [row.id]
        assert found(status="annules") == [row.id]
        assert found(status="actifs") == [other.id]
        assert found(status="x") == []

    def test_exports_say_so_and_give_each_line_once(self) -> None:
        row = one()
        outcome = mend(row, **OTHER_PERMIT)
        rows = list(exports.rows(exports.find(exports.REGISTRATIONS, {}, centre_id())))
        assert [line[-3:] for line in rows] == [
            (date(2022, 1, 10), "N° de permis faux", outcome.receipt_number),
            (None, "", None),
        ]
        assert [line[18] for line in rows] == ["Révoqué", "En préparation"]

    def test_withheld_ones_wait_for_nobody(self) -> None:
        row = one({**MARIE, "last_name": "DURAND"})
        assert withheld_documents.count_waiting() == 1
        mend(row, code="duplicate")
        assert withheld_documents.count_waiting() == 0
        with pytest.raises(withheld_documents.AlreadyDecided):
            withheld_documents.release(row.id, person_id(AGENT))

    def test_no_invitation_and_no_second_mail_about_them(self) -> None:
        row = one(PIERRE)
        mend(row, code="duplicate")
        with pytest.raises(Exception, match="annulée"):
            account_invitations.invite(row.batch_id, 1, "a@exemple.fr", person_id())
        with pytest.raises(Exception, match="annulé"):
            resending.resend(row.id, person_id())

    def test_names_of_a_cancelled_line_vouch_for_nobody(self) -> None:
        row = one({**PIERRE, "last_name": "DUPOND"})
        driver = again(row).driver_id
        assert ("DUPOND", "Pierre") in account_link.known_names(driver)
        new_of(mend(row, code="wrong_name", last_name="DUPONT"))
        assert ("DUPONT", "Pierre") in account_link.known_names(driver)

    def test_the_driver_is_told_why_and_finds_the_new_one(self) -> None:
        row = one()
        mend(row, code="wrong_name", first_name="Marie-Ange")
        held = space.space(again(row).driver)
        [ended] = held.cancelled
        assert ended.text == "Annulé par Centre de formation Démo le 10/01/2022 : nom ou prénom faux."
        assert ended.replaced
        assert [r.first_name for r in held.registrations] == ["Marie-Ange"]

    def test_the_stranger_is_told_nothing_of_the_other(self) -> None:
        row = one()
        mend(row, **OTHER_PERMIT)
        [ended] = space.space(again(row).driver).cancelled
        assert (ended.text, ended.registration) == (
            "Un enregistrement établi par erreur a été annulé le 10/01/2022.",
            None,
        )

    def test_the_data_copy_leaves_the_stranger_s_line_out_and_keeps_one_s_own(self) -> None:
        row = one()
        person = again(row).driver.person_id
        mend(row, **OTHER_PERMIT)
        data = data_gathered.gather(person)
        assert (data["Formations"], data["Documents"], data["Enregistrements annulés"]) == ([], [], [])
        own = one()
        mend(own, code="duplicate")
        data = data_gathered.gather(person)
        assert [line["Annulation"] for line in data["Enregistrements annulés"]] == [
            "Annulé par Centre de formation Démo le 10/01/2022 : ligne en double."
        ]
        assert {line["État"] for line in data["Documents"]} == {"Révoqué"}

    def test_the_api_shows_the_document_that_holds(self) -> None:
        row = one()
        new = new_of(mend(row, code="wrong_name", first_name="Marie-Ange"))
        told = reading.registration(centre_id(), new.id)
        assert told is not None
        assert told["certificate_number"] == live(new)["certificate"].number


class TestScreens:
    def test_lists_show_them_struck(self, client: FlaskClient, sign_in: SignIn) -> None:
        row = one()
        mend(row, **OTHER_PERMIT)
        page = sign_in(client, MANAGER).get("/mes-enregistrements/list/").get_data(as_text=True)
        assert "<del>MARTIN Marie</del>" in page
        assert "Annulé le 10/01/2022" in page
        assert page.count("MARTIN Marie") >= 2
        page = client.get("/mes-enregistrements/list/?_flt_0_status=actifs").get_data(as_text=True)
        assert "<del>" not in page
        page = client.get(f"/mes-enregistrements/show/{row.id}").get_data(as_text=True)
        assert "n° de permis faux, remplacé par" in page

    def test_a_centre_s_drivers_are_those_of_live_lines(self, client: FlaskClient, sign_in: SignIn) -> None:
        row = one(PIERRE)
        mend(row, code="duplicate")
        assert "82R987928" not in sign_in(client, MANAGER).get("/mes-conducteurs/list/").get_data(as_text=True)

    def test_the_public_page_of_the_old_number(self, client: FlaskClient) -> None:
        row = one()
        number, new = live(row)["certificate"].number, new_of(mend(row, **OTHER_PERMIT))
        page = client.get(f"/verifier/{number}").get_data(as_text=True)
        assert "Ce document a été annulé le <strong>10/01/2022</strong> et remplacé" in page
        assert live(new)["certificate"].number not in page
        assert "permis" not in page.split("<main")[1].split("</main")[0].lower().replace("n° de permis", "")

    def test_the_public_page_of_a_cancelled_one(self, client: FlaskClient) -> None:
        row = one()
        number = live(row)["certificate"].number
        acts.amend(order(row, "duplicate"), me())
        page = client.get(f"/verifier/{number}").get_data(as_text=True)
        assert "Ce document a été annulé le <strong>10/01/2022</strong>. Il ne vaut plus." in page

    def test_the_receipt_links_both_ways(self, client: FlaskClient, sign_in: SignIn) -> None:
        row = one()
        old = row.batch.receipt_number
        outcome = mend(row, **OTHER_PERMIT)
        sign_in(client, MANAGER)
        page = client.get(f"/sessions/{outcome.batch_key}/recu").get_data(as_text=True)
        assert f"Remplace {old}" in page
        page = client.get(f"/sessions/{again(row).batch.key}/recu").get_data(as_text=True)
        assert f'remplacé par <a href="/sessions/{outcome.batch_key}/recu">{outcome.receipt_number}</a>' in page

    def test_the_driver_s_space(self, client: FlaskClient, sign_in: SignIn) -> None:
        row = one()
        mend(row, **OTHER_PERMIT)
        page = sign_in(client, DRIVER).get("/mon-espace/").get_data(as_text=True)
        assert "Un enregistrement établi par erreur a été annulé le 10/01/2022." in page
        assert OTHER_PERMIT["permit_number"] not in page
        assert "FIMO" not in page


def test_two_registrations_of_one_batch_one_cancelled(app: object) -> None:
    batch = registered(MARIE, PIERRE)
    rows = db.session.execute(select(Registration).where(Registration.batch_id == batch.id)).scalars().all()
    mend(rows[0], code="duplicate")
    documents = db.session.execute(select(Document).where(Document.state == "pending")).scalars().all()
    assert {document.registration_id for document in documents} == {rows[1].id}
    assert db.session.scalar(select(Driver.id).where(Driver.permit_number == PIERRE["permit_number"]))
