"""Joining two drivers who are one person, and parting them: what moves, what stays, what is refused, once."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select, update

from app.extensions import db
from app.models import CardRequest, Document, Driver, DriverMerge, JournalEntry, Mail, Person, Registration
from app.services.accounts import activation, identity, link
from app.services.cards import requests as card_requests
from app.services.core import actor
from app.services.core.reason import ReasonNeeded
from app.services.drivers import data_gathered, space
from app.services.identities import effects, merging, parting, words
from tests.bases import EVERY, on_both
from tests.support import MARIE, centre_id, drain, registered, registered_trainer

from .making import NEW, OLD, REASON, again, agent_id, certified, driver, due, join, looked, modules, part

BACKENDS = EVERY
EACH_VALUE = True
#: Another record of the demonstration driver who has an account.
MARIE_AGAIN = {**MARIE, "permit_number": "850492199999"}


def both() -> tuple[Driver, Driver]:
    """Return one person's two records: the kept one under the new permit, the other under the old one."""
    registered(NEW)
    registered(OLD)
    return driver(NEW["permit_number"]), driver(OLD["permit_number"])


@pytest.mark.usefixtures("app")
class TestJoining:
    def test_all_that_hangs_on_one_hangs_on_the_other(self) -> None:
        kept, joined = both()
        right = registered_trainer(
            **{key: OLD[key] for key in ("first_name", "last_name", "birth_date", "permit_number")}
        )
        merge = db.session.get_one(DriverMerge, join(kept, joined))
        rows = db.session.execute(select(Registration).order_by(Registration.id)).scalars().all()
        assert [row.driver_id for row in rows] == [kept.id, kept.id]
        assert [row.identity.permit_number for row in rows] == [NEW["permit_number"], OLD["permit_number"]]
        assert again(right).driver_id == kept.id
        assert again(joined).same_as_id == kept.id
        assert (merge.reason, merge.by_id, merge.undone_at) == (REASON, agent_id(), None)
        entry = db.session.execute(select(JournalEntry).where(JournalEntry.action == "driver.merged")).scalar_one()
        assert (entry.subject_id, entry.reason, entry.centre_id) == (str(kept.id), REASON, None)

    def test_what_is_registered_later_under_either_permit_is_the_same_driver_s(self) -> None:
        kept, joined = both()
        join(kept, joined)
        later = [registered(who, end_date="06/01/2022") for who in (OLD, NEW)]
        query = select(Registration).where(Registration.batch_id.in_([batch.id for batch in later]))
        rows = db.session.execute(query.order_by(Registration.id)).scalars().all()
        assert [row.driver_id for row in rows] == [kept.id, kept.id]
        assert [row.identity.permit_number for row in rows] == [OLD["permit_number"], NEW["permit_number"]]

    def test_a_trainer_registered_later_under_the_old_permit_is_the_same_driver(self) -> None:
        kept, joined = both()
        join(kept, joined)
        right = registered_trainer(
            **{key: OLD[key] for key in ("first_name", "last_name", "birth_date", "permit_number")}
        )
        assert again(right).driver_id == kept.id

    def test_the_fco_of_two_records_is_one(self) -> None:
        rows = modules(OLD, 1, 2, 3) + modules(NEW, 4, 5)
        kept, joined = driver(NEW["permit_number"]), driver(OLD["permit_number"])
        assert certified([kept.id, joined.id]) == set()
        found = merging.look(kept.id, joined.id)
        assert (found.moves.lost, found.moves.gained) == ((), (rows[4].id,))
        told = " ".join(one.text for one in words.of_merge(found))
        assert "Un certificat de FCO est établi pour « Module FCO" in told.replace("\u00a0", " ")
        join(kept, joined)
        assert certified([kept.id]) == due([kept.id]) == {rows[4].id}

    def test_a_certificate_that_moves_keeps_its_last_day(self) -> None:
        first = modules(OLD, 1)
        rows = modules(NEW, 2, 3, 4, 5, 6)
        drain()
        document = db.session.execute(
            select(Document).where(Document.registration_id == rows[4].id, Document.kind == "certificate")
        )
        before = document.scalar_one()
        db.session.execute(
            update(Document)
            .where(Document.id == before.id)
            .values(valid_from=date(2021, 6, 6), valid_until=date(2021, 10, 5))
        )
        db.session.commit()
        kept = driver(NEW["permit_number"])
        merge_id = join(kept, driver(OLD["permit_number"]))
        assert first[0].id not in certified([kept.id])
        assert certified([kept.id]) == due([kept.id]) == {rows[3].id}
        moved = db.session.execute(
            select(Document).where(Document.registration_id == rows[3].id, Document.kind == "certificate")
        )
        assert [(one.valid_from, one.valid_until) for one in moved.scalars()] == [(date(2021, 6, 6), date(2021, 10, 5))]
        assert again(before).state == "revoked"
        drain()
        assert db.session.scalar(select(Mail.id).where(Mail.registration_id == rows[3].id)) is None
        part(merge_id)
        assert certified([kept.id, driver(OLD["permit_number"]).id]) == {rows[4].id}
        back = db.session.execute(
            select(Document.valid_until).where(Document.registration_id == rows[4].id, Document.state == "pending")
        )
        assert back.scalars().all() == [date(2021, 10, 5)]

    def test_the_account_of_the_one_is_the_other_s(self) -> None:
        registered(MARIE)
        registered(MARIE_AGAIN)
        drain()
        kept, joined = driver(MARIE_AGAIN["permit_number"]), driver(MARIE["permit_number"])
        account = joined.person_id
        merge_id = join(kept, joined)
        kept = again(kept)
        assert (kept.person_id, kept.proof, again(joined).person_id) == (account, "demonstration", None)
        shown = space.space(kept)
        assert len(shown.registrations) == 2
        drain()
        mails = set(db.session.execute(select(Mail.kind, Mail.state, Mail.recipient)).tuples())
        assert ("drivers_joined", "sent", "conducteur@demo.example") in mails
        assert db.session.scalar(select(Mail.id).where(Mail.kind == "certificate").order_by(Mail.id.desc()))
        copy = data_gathered.gather(account or 0)
        assert [one["N° de permis"] for one in copy["Autres identités"]] == [MARIE["permit_number"]]
        assert len(copy["Formations"]) == 2
        part(merge_id)
        kept, joined = again(kept), again(joined)
        assert (kept.person_id, joined.person_id, joined.proof) == (None, account, "demonstration")
        assert [row.driver_id for row in space.space(joined).registrations] == [joined.id]
        drain()
        assert db.session.scalar(select(Mail.state).where(Mail.kind == "drivers_parted")) == "sent"
        assert data_gathered.gather(account or 0)["Autres identités"] == []

    def test_a_mail_that_is_not_true_any_more_is_not_sent(self) -> None:
        registered(MARIE)
        registered(MARIE_AGAIN)
        merge_id = join(driver(MARIE["permit_number"]), driver(MARIE_AGAIN["permit_number"]))
        part(merge_id)
        drain()
        states = dict(
            db.session.execute(select(Mail.kind, Mail.state).where(Mail.kind.like("drivers_%"))).tuples().all()
        )
        assert states == {"drivers_joined": "dropped", "drivers_parted": "sent"}

    def test_two_open_accounts_are_refused_and_a_closed_one_gives_way(self) -> None:
        kept, joined = _two_accounts()
        with pytest.raises(effects.TwoAccounts):
            merging.look(kept.id, joined.id)
        closed = joined.person_id
        db.session.execute(update(Person).where(Person.id == closed).values(active=False))
        db.session.commit()
        found = merging.look(kept.id, joined.id)
        assert (found.account, found.left and found.left.id) == ("kept", closed)
        merge_id = join(kept, joined)
        assert again(joined).person_id is None
        part(merge_id)
        assert again(joined).person_id == closed

    def test_codes_handed_out_before_open_nothing(self) -> None:
        kept, joined = both()
        series = [(one.id, centre_id(), one.code_series) for one in (kept, joined)]
        join(kept, joined)
        kept = again(kept)
        now = activation.code(kept.id, centre_id(), kept.code_series)
        assert now not in {activation.code(*one) for one in series}

    def test_a_code_opens_the_account_under_the_old_permit_too(self) -> None:
        kept, joined = both()
        join(kept, joined)
        kept = again(kept)
        person = _person("nadia@exemple.fr")
        said = link.Identity(OLD["last_name"], OLD["first_name"], date(1988, 2, 14), OLD["permit_number"])
        identity.declare(person.id, said)
        identity.prove(person.id, activation.code(kept.id, centre_id(), kept.code_series), "127.0.0.1")
        assert again(kept).person_id == person.id

    def test_a_reason_is_compulsory(self) -> None:
        kept, joined = both()
        for text in ("", "  ", "x" * 301):
            with pytest.raises(ReasonNeeded):
                merging.join(kept.id, joined.id, agent_id(), text, shown="")
        assert again(joined).same_as_id is None

    def test_a_double_click_joins_once(self) -> None:
        kept, joined = both()
        shown = merging.look(kept.id, joined.id).version
        merging.join(kept.id, joined.id, agent_id(), REASON, shown=shown)
        with pytest.raises(merging.AlreadyJoined):
            merging.join(kept.id, joined.id, agent_id(), REASON, shown=shown)
        with pytest.raises(effects.NotTwo):
            merging.look(joined.id, kept.id)
        with pytest.raises(effects.NotTwo):
            merging.look(kept.id, kept.id)

    def test_what_changed_since_it_was_shown_is_shown_again(self) -> None:
        kept, joined = both()
        shown = merging.look(kept.id, joined.id).version
        registered(OLD, end_date="06/01/2022")
        with pytest.raises(merging.Changed):
            merging.join(kept.id, joined.id, agent_id(), REASON, shown=shown)
        assert (again(joined).same_as_id, db.session.scalar(select(DriverMerge.id))) == (None, None)

    def test_a_third_record_follows_to_the_last(self) -> None:
        third = {**OLD, "permit_number": "330969300111"}
        kept, joined = both()
        registered(third)
        last = driver(third["permit_number"])
        first = join(kept, joined)
        second = join(last, kept)
        assert (again(joined).same_as_id, again(kept).same_as_id) == (last.id, last.id)
        assert "réuni à un autre depuis" in looked(first).obstacles[0]
        with pytest.raises(parting.CannotPart):
            part(first)
        part(second)
        assert again(joined).same_as_id == kept.id
        part(first)
        assert {row.driver_id for row in db.session.execute(select(Registration)).scalars()} == {
            kept.id,
            joined.id,
            last.id,
        }


@pytest.mark.usefixtures("app")
class TestParting:
    def test_each_has_again_what_was_its_own(self) -> None:
        kept, joined = both()
        rows = db.session.execute(select(Registration.id, Registration.driver_id)).tuples().all()
        merge_id = join(kept, joined)
        part(merge_id)
        assert db.session.execute(select(Registration.id, Registration.driver_id)).tuples().all() == rows
        assert {row.registered_as_id for row in db.session.execute(select(Registration)).scalars()} == {None}
        assert again(joined).same_as_id is None
        merge = db.session.get_one(DriverMerge, merge_id)
        assert (merge.undone_by_id, merge.undone_reason) == (agent_id(), "ce sont deux sœurs")
        with pytest.raises(parting.AlreadyParted):
            parting.part(merge_id, agent_id(), "encore", shown="")
        join(kept, joined)

    @pytest.mark.parametrize("under", [OLD, NEW], ids=["old", "new"])
    def test_not_once_a_training_was_registered(self, under: dict[str, str]) -> None:
        kept, joined = both()
        merge_id = join(kept, joined)
        registered(under, end_date="06/01/2022")
        assert looked(merge_id).obstacles == ("1 formation a été enregistrée depuis la réunion.",)
        with pytest.raises(parting.CannotPart, match="ne peut plus être défaite"):
            part(merge_id)
        assert db.session.get_one(DriverMerge, merge_id).undone_at is None

    def test_not_once_an_account_was_opened(self) -> None:
        kept, joined = both()
        merge_id = join(kept, joined)
        db.session.execute(update(Driver).where(Driver.id == kept.id).values(person_id=_person("n@exemple.fr").id))
        db.session.commit()
        assert "Le compte relié" in looked(merge_id).obstacles[0]

    def test_not_once_a_card_was_asked_for(self) -> None:
        registered(MARIE)
        registered(MARIE_AGAIN)
        drain()
        kept = driver(MARIE["permit_number"])
        merge_id = join(kept, driver(MARIE_AGAIN["permit_number"]))
        ground = db.session.scalar(select(Registration.id).where(Registration.registered_as_id.is_not(None)))
        with actor.acting(actor.person(again(kept).person_id)):
            card_requests.begin(again(kept), "formation", ground or 0)
        assert looked(merge_id).obstacles == ("1 demande de carte a été commencée depuis la réunion.",)

    def test_not_once_a_right_was_opened(self) -> None:
        kept, joined = both()
        merge_id = join(kept, joined)
        registered_trainer(**{key: OLD[key] for key in ("first_name", "last_name", "birth_date", "permit_number")})
        assert looked(merge_id).obstacles == ("1 droit de formateur ou moniteur a été ouvert depuis la réunion.",)


@on_both
@pytest.mark.usefixtures("app")
class TestCards:
    def test_a_request_goes_over_takes_the_identity_kept_and_comes_back(self) -> None:
        registered(MARIE)
        registered(MARIE_AGAIN)
        drain()
        kept, joined = driver(MARIE_AGAIN["permit_number"]), driver(MARIE["permit_number"])
        ground = db.session.scalar(select(Registration.id).where(Registration.driver_id == joined.id))
        request = card_requests.begin(joined, "formation", ground or 0)
        merge_id = join(kept, joined)
        request = again(request)
        assert (request.driver_id, request.permit_number) == (kept.id, MARIE_AGAIN["permit_number"])
        part(merge_id)
        request = again(request)
        assert (request.driver_id, request.permit_number) == (joined.id, MARIE["permit_number"])

    def test_a_request_follows_the_certificate_that_moves_and_comes_back(self) -> None:
        modules(MARIE_AGAIN, 1)
        rows = modules(MARIE, 2, 3, 4, 5, 6)
        drain()
        kept = driver(MARIE["permit_number"])
        request = card_requests.begin(kept, "formation", rows[4].id)
        merge_id = join(kept, driver(MARIE_AGAIN["permit_number"]))
        assert again(request).registration_id == rows[3].id
        part(merge_id)
        assert again(request).registration_id == rows[4].id
        assert db.session.scalar(select(CardRequest.state)) == "draft"


def _person(email: str) -> Person:
    person = Person(first_name="Nadia", last_name="ROUSSEL", username=email, email=email, active=True, password="x")
    db.session.add(person)
    db.session.commit()
    return person


def _two_accounts() -> tuple[Driver, Driver]:
    kept, joined = both()
    for row, email in ((kept, "un@exemple.fr"), (joined, "deux@exemple.fr")):
        person = _person(email)
        db.session.execute(update(Driver).where(Driver.id == row.id).values(person_id=person.id, proof="code"))
    db.session.commit()
    return again(kept), again(joined)
