"""Rows of §8 on who may, until when, and who is told: the edges of the window in Paris, rights, agents, both doors."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from app.extensions import db
from app.models import (
    Accreditation,
    Cancellation,
    CardRequest,
    Driver,
    InvoiceItem,
    Mail,
    Membership,
    MembershipRight,
    Trainer,
    membership_right_accreditation,
)
from app.models.amendment import REPLACING
from app.services.amendments import acts, card_stops, trainer_rights
from app.services.billing import drafts, estimates
from app.services.cards import grounds
from app.services.cards import requests as card_requests
from app.services.core import clock
from app.services.notifications import mail
from app.services.rights import access
from tests.bases import UNDER_THE_ROLE
from tests.cards import making
from tests.invoicing.making import issue
from tests.support import LEGAL, MARIE, centre_id, drain, person_id, registered_trainer

from .test_acts import OTHER_PERMIT, again, agent, me, mend, new_of, one, order
from .test_screens import hidden, sent, text_of

BACKENDS = UNDER_THE_ROLE
SignIn = Callable[..., FlaskClient]
MANAGER, AGENT = "gestionnaire@demo.example", "agent@demo.example"
#: Day of registration → the last second of its window and the first one after it, in UTC: winter, summer, the night between.
EDGES = [
    (date(2022, 1, 10), datetime(2022, 1, 17, 22, 59, 59, tzinfo=UTC)),
    (date(2022, 7, 10), datetime(2022, 7, 17, 21, 59, 59, tzinfo=UTC)),
    (date(2022, 3, 22), datetime(2022, 3, 29, 21, 59, 59, tzinfo=UTC)),
    (date(2022, 2, 22), datetime(2022, 3, 1, 22, 59, 59, tzinfo=UTC)),
]
_SECOND = timedelta(seconds=1)
#: Reason → what a corrected line changes.
CHANGES = {
    "wrong_permit": OTHER_PERMIT,
    "wrong_birth_date": {"birth_date": "04/12/1985"},
    "wrong_name": {"first_name": "Maria"},
    "wrong_training": {"training_label": "FIMO Voyageurs", "category": "Voyageurs"},
    "wrong_end_date": {"end_date": "06/01/2022"},
}


@pytest.mark.parametrize(("day", "last"), EDGES)
def test_a_the_window_ends_with_the_seventh_day_in_paris(app: Flask, day: date, last: datetime) -> None:
    app.config["TODAY"] = day
    row, asked = one(), "duplicate"
    with clock.moved(last):
        assert acts.look(row, order(row, asked), me()).needs_agent == ()
    with clock.moved(last + _SECOND):
        assert acts.look(row, order(row, asked), me()).needs_agent == ("late",)
        with pytest.raises(acts.NeedsAgent):
            mend(row, code=asked)
    assert again(row).is_live
    with clock.moved(last):
        mend(row, code=asked)
    assert again(row).cancelled_on == last.astimezone(clock.PARIS).date()


@pytest.mark.parametrize(("day", "last"), EDGES)
def test_trainer_s_right_the_window_ends_with_the_seventh_day_in_paris(app: Flask, day: date, last: datetime) -> None:
    app.config["TODAY"] = day
    row = registered_trainer()
    for instant, late in ((last, False), (last + _SECOND, True)):
        with clock.moved(instant):
            assert trainer_rights.look(row).needs_agent is late


def test_a_the_screen_says_the_same_on_the_edge(app: Flask, client: FlaskClient, sign_in: SignIn) -> None:
    row = one()
    sign_in(client, MANAGER)
    for instant, said in (
        (EDGES[0][1], "encore 0 jour"),
        (EDGES[0][1] + _SECOND, "Correction libre terminée le 17/01/2022"),
    ):
        with clock.moved(instant):
            assert said in text_of(client.get(f"/corrections/{row.id}/"))


def test_a_the_right_must_extend_to_the_accreditation_of_the_line(app: Flask) -> None:
    row = one()
    place = db.session.scalars(select(Membership).where(Membership.person_id == person_id())).one()
    other = db.session.scalars(
        select(Accreditation.id).where(Accreditation.centre_id == centre_id(), Accreditation.id != row.accreditation_id)
    ).first()
    db.session.execute(
        update(MembershipRight).where(MembershipRight.membership_id == place.id).values(all_accreditations=False)
    )
    grant = db.session.scalars(select(MembershipRight).where(MembershipRight.membership_id == place.id)).first()
    assert grant is not None
    named = membership_right_accreditation.insert()
    if other is not None:
        db.session.execute(named.values(membership_right_id=grant.id, accreditation_id=other))
    db.session.commit()
    with pytest.raises(access.NotAllowed):
        mend(row, code="duplicate")
    assert again(row).is_live
    db.session.execute(named.values(membership_right_id=grant.id, accreditation_id=row.accreditation_id))
    db.session.commit()
    if grant.right == "register":
        mend(row, code="duplicate")


@pytest.mark.parametrize("code", REPLACING)
def test_every_reason_that_replaces_on_screen(client: FlaskClient, sign_in: SignIn, code: str) -> None:
    row = one()
    sign_in(client, MANAGER)
    page = text_of(client.post(f"/corrections/{row.id}/effets", data=sent(row, code, **CHANGES[code])))
    done = client.post(f"/corrections/{row.id}/confirmer", data=hidden(page), follow_redirects=True)
    assert "L’enregistrement est remplacé." in text_of(done)
    kept = db.session.execute(select(Cancellation)).scalar_one()
    assert (kept.kind, kept.reason_code, kept.reason) == ("replaced", code, "relu")
    assert kept.replaced_by is not None
    assert kept.replaced_by.is_live


def test_d_an_agent_acts_and_the_centre_is_told(app: Flask) -> None:
    row = one()
    number = row.batch.receipt_number
    own = acts.Who(person_id(AGENT), person_id(AGENT))
    acts.amend(order(row, "other", "fraude constatée"), own)
    drain()
    [told] = db.session.scalars(select(Mail).where(Mail.kind == "agent_act"))
    assert (told.recipient, told.state) == (MANAGER, "sent")
    body = str(mail._message(told).body)
    assert str(number) in body
    assert "autre motif" in body
    assert "fraude" not in body
    kept = db.session.execute(select(Cancellation)).scalar_one()
    assert (kept.reason, kept.decided_by_id) == ("fraude constatée", person_id(AGENT))


def test_d_where_who_registered_may_no_more_the_representative_is_told(app: Flask) -> None:
    row = one()
    db.session.execute(update(MembershipRight).values(withdrawn_at=clock.now()))
    db.session.commit()
    own = acts.Who(person_id(AGENT), person_id(AGENT))
    acts.amend(order(row, **OTHER_PERMIT), own)
    drain()
    [told] = db.session.scalars(select(Mail).where(Mail.kind == "agent_act"))
    assert told.recipient == LEGAL
    assert "remplacé" in str(mail._message(told).body)


def test_b_what_was_asked_for_is_answered_not_told_twice(app: Flask) -> None:
    row = one()
    mend(row, agent(), code="duplicate")
    assert db.session.scalar(select(func.count()).select_from(Mail).where(Mail.kind == "agent_act")) == 0


def test_driver_the_old_row_stays_while_there_is_anything_of_it(app: Flask) -> None:
    row = one()
    before = again(row).driver_id
    mend(row, **OTHER_PERMIT)
    assert db.session.get(Driver, before) is not None


@pytest.mark.parametrize("state", ["production", "sent"])
def test_trainer_s_right_a_card_in_the_making_waits_for_an_agent(app: Flask, state: str) -> None:
    row = registered_trainer(**{key: MARIE[key] for key in ("first_name", "last_name", "birth_date", "permit_number")})
    begun = making.filled(row.id, grounds.RIGHT)
    card_requests.submit(begun.id, person_id(making.HOLDER))
    db.session.execute(update(CardRequest).where(CardRequest.id == begun.id).values(state=state))
    db.session.commit()
    assert card_stops.count_waiting() == 0
    shown = trainer_rights.look(db.session.get_one(Trainer, row.id)).version
    trainer_rights.cancel(row.id, "duplicate", "", person_id(AGENT), shown=shown, agent=True)
    assert [one.id for one in card_stops.waiting()] == [begun.id]
    assert card_stops.count_waiting() == 1
    card_stops.stopped(begun.id, person_id(AGENT))
    assert card_stops.count_waiting() == 0
    db.session.expire_all()
    assert db.session.get_one(CardRequest, begun.id).state == "stopped"


def test_invoice_issued_at_the_same_price_nothing_is_charged_anew(app: Flask) -> None:
    row = one()
    app.config["TODAY"] = date(2022, 2, 1)
    drafts.build(date(2022, 1, 1))
    issue()
    new = new_of(mend(row, agent(), **OTHER_PERMIT))
    kept = db.session.execute(select(Cancellation)).scalar_one()
    assert kept.credit == "none"
    assert estimates.of_centre(centre_id()) == []
    app.config["TODAY"] = date(2022, 3, 1)
    assert drafts.build(date(2022, 2, 1)).lines == 0
    [item] = db.session.scalars(select(InvoiceItem))
    assert (item.registration_id, item.root_id) == (row.id, new.root_id)
