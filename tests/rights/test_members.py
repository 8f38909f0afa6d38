"""Who acts for a centre, with which rights, for which accreditations: granted, withdrawn, ended; the last one stays."""

from __future__ import annotations

import io
import threading
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.extensions import db
from app.models import Accreditation, Batch, JournalEntry, Membership, MembershipRight
from app.models.centre import API, LEGAL_REPRESENTATIVE, REGISTER, TRAINERS
from app.services.accounts import closing as account_closing
from app.services.api import gate as api_gate
from app.services.api import keys as api_keys
from app.services.api.keys import NewKey
from app.services.core import clock
from app.services.core.refusal import Refusal
from app.services.imports import intake
from app.services.registration import analysis, confirm, drafts
from app.services.rights import access, members
from app.services.rights.granting import Grant
from app.validators.remark import HEADERS, Code
from tests.bases import on_both
from tests.corpus import builders
from tests.support import MARIE, centre_id, draft, drain, person_id, training_id

AGENT, REPRESENTATIVE, MANAGER, NOBODY = (
    f"{name}@demo.example" for name in ("agent", "representant", "gestionnaire", "sansdroit")
)
NEIGHBOUR = "98765432400019"


def place(email: str = MANAGER) -> Membership:
    query = select(Membership).where(Membership.person_id == person_id(email)).execution_options(populate_existing=True)
    return db.session.execute(query).scalar_one()


def accreditation(number: str = "TP-2020-0457") -> int:
    return db.session.execute(select(Accreditation.id).where(Accreditation.number == number)).scalar_one()


def give(wanted: dict[str, Grant], to: str = MANAGER, by: str = REPRESENTATIVE) -> int:
    return members.set_rights(centre_id(), place(to).id, wanted, person_id(by))


def add_representative(email: str = MANAGER) -> None:
    db.session.execute(
        update(Membership).where(Membership.person_id == person_id(email)).values(role=LEGAL_REPRESENTATIVE)
    )
    db.session.commit()


def acts() -> list[str]:
    query = select(JournalEntry.action).where(JournalEntry.subject_type.in_(("membership", "person")))
    return list(db.session.execute(query.order_by(JournalEntry.id)).scalars())


def may(right: str = REGISTER, email: str = MANAGER) -> bool:
    try:
        access.require(person_id(email), centre_id(), right)
    except access.NotAllowed:
        return False
    return True


@on_both
def test_granted_changed_and_withdrawn_with_their_trace(app: Flask) -> None:
    assert not may(TRAINERS)
    assert give({REGISTER: Grant(), TRAINERS: Grant(ends_on=date(2022, 1, 10))}) == 1
    assert may(TRAINERS)
    assert give({REGISTER: Grant(), TRAINERS: Grant(ends_on=date(2022, 1, 10))}) == 0
    assert give({TRAINERS: Grant()}) == 2
    assert not may(REGISTER)
    assert may(TRAINERS)
    assert acts() == ["right.granted", "right.withdrawn", "right.granted"]
    entry = db.session.execute(select(JournalEntry).where(JournalEntry.action == "right.withdrawn")).scalar_one()
    assert entry.before == {
        "person": person_id(), "right": "Enregistrement de sessions", "accreditations": "tous", "ends_on": None,
    }  # fmt: skip
    assert (entry.after, entry.actor_id, entry.centre_id) == (None, person_id(REPRESENTATIVE), centre_id())
    rows = db.session.query(MembershipRight).filter_by(membership_id=place().id).count()
    assert rows == 3, "what was granted is never deleted"


@on_both
def test_a_right_holds_on_its_last_day_and_not_the_day_after(app: Flask) -> None:
    give({REGISTER: Grant(ends_on=date(2022, 1, 10))})
    assert may()
    app.config["TODAY"] = date(2022, 1, 11)
    assert not may()
    assert give({REGISTER: Grant()}) == 1, "a right that ran out can be granted again"
    assert may()


@pytest.mark.parametrize("by", [MANAGER, NOBODY, "voisin@demo.example", "conducteur@demo.example"])
def test_only_representatives_and_agents_grant(app: Flask, by: str) -> None:
    for act in (
        lambda: give({TRAINERS: Grant()}, by=by),
        lambda: give({TRAINERS: Grant()}, to=NOBODY, by=by),
        lambda: members.end(centre_id(), place(NOBODY).id, person_id(by)),
    ):
        with pytest.raises(access.NotAllowed):
            act()
    assert acts() == []


def test_an_agent_grants_too_and_a_representative_who_left_no_longer(app: Flask) -> None:
    assert give({REGISTER: Grant(), API: Grant()}, by=AGENT) == 1
    db.session.execute(
        update(Membership).where(Membership.person_id == person_id(REPRESENTATIVE)).values(valid_to=date(2022, 1, 9))
    )
    db.session.commit()
    with pytest.raises(access.NotAllowed):
        give({})


@pytest.mark.parametrize(
    ("grant", "said"),
    [
        (Grant(frozenset()), "cochez au moins un agrément"), (Grant(frozenset({999_999})), "n’est pas de ce centre"),
        (Grant(ends_on=date(2022, 1, 9)), "déjà passé"),
    ],
)  # fmt: skip
def test_what_cannot_be_granted_is_said(app: Flask, grant: Grant, said: str) -> None:
    with pytest.raises(Refusal, match=said):
        give({REGISTER: grant})
    assert may()


def test_another_centre_s_accreditation_or_place_is_out_of_reach(app: Flask) -> None:
    theirs = accreditation("FI-44-2020-007")
    with pytest.raises(Refusal, match="n’est pas de ce centre"):
        give({REGISTER: Grant(frozenset({theirs}))})
    with pytest.raises(members.NobodyThere):
        members.set_rights(centre_id(), place("voisin@demo.example").id, {}, person_id(REPRESENTATIVE))
    with pytest.raises(access.NotAllowed):
        members.set_rights(centre_id(NEIGHBOUR), place("voisin@demo.example").id, {}, person_id(REPRESENTATIVE))
    with pytest.raises(Refusal, match="ne se limite pas"):
        give({TRAINERS: Grant(frozenset({accreditation()}))})
    with pytest.raises(Refusal, match="tient déjà tous les droits"):
        give({REGISTER: Grant()}, to=REPRESENTATIVE, by=AGENT)


class TestNamedAccreditations:
    """A right that names accreditations opens their trainings and no others, at the three doors."""

    @on_both
    def test_by_hand(self, app: Flask) -> None:
        give({REGISTER: Grant(frozenset({accreditation()}))})
        reach = access.Reach(person_id())
        labels = [one.label for one in drafts.open_trainings(centre_id(), clock.today(), reach)]
        assert labels == ["Titre Professionnel CTRMP"]
        batch_id = drafts.start(centre_id(), person_id()).id
        with pytest.raises(drafts.LineRefused, match="CFR non agréé pour cette formation à la date indiquée"):
            drafts.choose_training(batch_id, training_id(), "07/01/2022", person_id())
        drafts.choose_training(batch_id, training_id("Titre Professionnel CTRMP"), "07/01/2022", person_id())
        drafts.add_rows(batch_id, [MARIE], person_id())
        assert analysis.check(batch_id, person_id()).importable
        assert confirm.register(batch_id, person_id()).is_new
        assert [one.number for one in access.limited_to(place(), REGISTER) or []] == ["TP-2020-0457"]
        assert access.limited_to(place(REPRESENTATIVE), REGISTER) is None

    def test_a_draft_is_judged_for_who_confirms_it(self, app: Flask) -> None:
        batch_id = draft(MARIE)
        analysis.check(batch_id, person_id(REPRESENTATIVE))
        give({REGISTER: Grant(frozenset({accreditation()}))})
        with pytest.raises(confirm.HasErrors):
            confirm.register(batch_id, person_id())
        assert analysis.check(batch_id, person_id()).kinds == {Code.NOT_ACCREDITED.value: 1}
        assert analysis.check(batch_id, person_id(REPRESENTATIVE)).importable
        assert confirm.register(batch_id, person_id(REPRESENTATIVE)).is_new

    @on_both
    def test_by_file(self, app: Flask) -> None:
        give({REGISTER: Grant(frozenset({accreditation()}))})
        line = [
            "REF",
            "COM",
            "FIMO Marchandises",
            "Marchandises",
            "07/01/2022",
            "Jean",
            "PETIT",
            "01/02/1980",
            "123456789",
        ]
        content = builders.xlsx(list(HEADERS.values()), line)
        found = {}
        for email in (MANAGER, REPRESENTATIVE):
            batch = intake.receive(centre_id(), person_id(email), "sessions.xlsx", io.BytesIO(content))
            drain()
            found[email] = db.session.get_one(Batch, batch.id, populate_existing=True).summary["kinds"]
        assert [Code.NOT_ACCREDITED.value in found[email] for email in (MANAGER, REPRESENTATIVE)] == [True, False]

    @on_both
    def test_by_api(self, app: Flask) -> None:
        give({REGISTER: Grant(), API: Grant(frozenset({accreditation()}))})
        add_key = api_keys.issue
        db.session.execute(
            update(Membership)
            .where(Membership.person_id == person_id(REPRESENTATIVE))
            .values(valid_to=date(2022, 1, 9))
        )
        db.session.commit()
        caller = api_gate.authenticate(add_key("12345678200010", NewKey("Logiciel", ("read",))), "")
        assert caller.person_id == person_id()
        labels = {one.label for one in drafts.open_trainings(centre_id(), clock.today(), caller.reach)}
        assert labels == {"Titre Professionnel CTRMP"}, "the right « API » decides, not the one by hand"

    def test_accreditations_to_come_are_in_a_right_for_all(self, app: Flask) -> None:
        give({REGISTER: Grant(frozenset({accreditation()}))})
        give({REGISTER: Grant()})
        assert len(drafts.open_trainings(centre_id(), clock.today(), access.Reach(person_id()))) == len(
            drafts.open_trainings(centre_id(), clock.today())
        )


class TestKeysOfTheApi:
    """A key acts as a person: no more than that person may."""

    def test_it_stops_with_the_right(self, app: Flask) -> None:
        key = api_keys.issue("98765432400019", NewKey("Logiciel", ("read",)))
        assert api_gate.authenticate(key, "").person_id == person_id("voisin@demo.example")
        members.set_rights(centre_id(NEIGHBOUR), place("voisin@demo.example").id, {}, person_id(AGENT))
        with pytest.raises(api_gate.KeyRefused) as refused:
            api_gate.authenticate(key, "")
        assert refused.value.code == "key_without_right"

    def test_it_stops_with_the_account_and_comes_back_with_it(self, app: Flask) -> None:
        key = api_keys.issue("12345678200010", NewKey("Logiciel", ("read",)))
        there = person_id(REPRESENTATIVE)
        account_closing.close(there, person_id(AGENT), "Départ")
        with pytest.raises(api_gate.KeyRefused):
            api_gate.authenticate(key, "")
        account_closing.reopen(there, person_id(AGENT), "Retour")
        assert api_gate.authenticate(key, "").person_id == person_id(REPRESENTATIVE)


class TestEnding:
    """A place ends at once; a centre keeps a legal representative."""

    def test_a_manager_s_place_ends_with_its_rights(self, app: Flask) -> None:
        members.end(centre_id(), place().id, person_id(REPRESENTATIVE))
        assert not may()
        assert members.place(place().id, centre_id()) is None
        assert access.memberships(person_id()) == []
        assert members.grants(place()) == {}
        assert acts() == ["right.withdrawn", "member.ended"]
        with pytest.raises(members.NobodyThere):
            members.end(centre_id(), place().id, person_id(REPRESENTATIVE))

    @on_both
    def test_the_last_representative_stays(self, app: Flask) -> None:
        for by, error in ((REPRESENTATIVE, access.NotAllowed), (AGENT, members.LastRepresentative)):
            with pytest.raises(error):
                members.end(centre_id(), place(REPRESENTATIVE).id, person_id(by))
        add_representative()
        members.end(centre_id(), place(REPRESENTATIVE).id, person_id(AGENT))
        with pytest.raises(members.LastRepresentative):
            members.end(centre_id(), place(MANAGER).id, person_id(AGENT))

    @on_both
    def test_one_whose_account_is_closed_does_not_count(self, app: Flask) -> None:
        add_representative()
        account_closing.close(person_id(MANAGER), person_id(AGENT), "Absence")
        with pytest.raises(members.LastRepresentative):
            members.end(centre_id(), place(REPRESENTATIVE).id, person_id(AGENT))

    @on_both
    def test_two_removed_at_once_leave_one(self, app: Flask) -> None:
        add_representative()
        ids = [place(email).id for email in (REPRESENTATIVE, MANAGER)]
        centre, agent = centre_id(), person_id(AGENT)
        db.session.remove()
        said: list[str] = []
        gate = threading.Barrier(2)

        def remove(there: int) -> None:
            with app.app_context():
                gate.wait()
                try:
                    members.end(centre, there, agent)
                    said.append("ended")
                except Refusal as refusal:
                    said.append(type(refusal).__name__)
                finally:
                    db.session.remove()

        threads = [threading.Thread(target=remove, args=(there,)) for there in ids]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(said) == ["LastRepresentative", "ended"]
