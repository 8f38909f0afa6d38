"""What links an account to a driver's record: an invitation, a code, an agent's decision; what does not, and what it leaves."""

from __future__ import annotations

import io
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Barrier
from unittest.mock import Mock

import pytest
from flask import Flask
from flask_appbuilder import Model
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.extensions import db
from app.models import Attempt, Driver, IdentityCheck, IdentityClaim, JournalEntry, Mail, Person, Registration
from app.models.identity import ACCEPTED, REFUSED, REPLACED, WAITING
from app.services.accounts import activation, identity
from app.services.accounts import link as account_link
from app.services.accounts import opening as account_opening
from app.services.accounts.link import Identity
from app.services.core import clock, throttle
from app.services.core.refusal import Refusal
from app.services.decisions import identity_checks
from app.services.drivers import account_invitations, data_gathered
from app.services.drivers import space as driver_space
from app.services.retention import purge
from app.services.storage import pictures, store
from tests.accounts.test_opening import DUPONT, GOOD, MARTIN, acts, driver_of, letters, opened, signed_up, text_of
from tests.bases import BOTH
from tests.cards.making import picture
from tests.support import PIERRE, centre_id, code_of, drain, person_id, registered, registered_trainer, training_id

BACKENDS = BOTH

NETWORK = "192.0.2.1"
NEIGHBOUR = "98765432400019"


@pytest.fixture
def agent(app: Flask) -> int:
    """Give the agent's id."""
    return person_id("agent@demo.example")


@pytest.fixture
def unproved(app: Flask) -> Person:
    """Give an account that claims a driver whom the demonstration centre registered, without proof."""
    registered(PIERRE)
    drain()
    return account_opening.confirm(signed_up(app), GOOD).person


def proved(person: Person) -> bool:
    return driver_space.driver_of(person.id) is not None


def codes() -> tuple[str, str]:
    """Return the code and the invitation's token that the demonstration centre has for DUPONT Pierre."""
    driver = driver_of(DUPONT)
    where = driver.id, centre_id(), driver.code_series
    return activation.code(*where), activation.link_token(*where)


def by_neighbour() -> None:
    """Move what the demonstration centre registered to the neighbour."""
    db.session.execute(update(Registration).values(centre_id=centre_id(NEIGHBOUR)))
    db.session.commit()


@pytest.mark.parametrize("which", [0, 1])
def test_a_code_or_an_invitation_proves_and_what_waited_follows(app: Flask, unproved: Person, which: int) -> None:
    assert not proved(unproved)
    assert db.session.query(Mail).filter_by(kind="certificate").count() == 0
    identity.prove(unproved.id, codes()[which], NETWORK)
    drain()
    driver = driver_of(DUPONT)
    assert (driver.person_id, driver.proof) == (unproved.id, ("code", "invitation")[which])
    assert len(driver_space.space(driver).documents) == 2
    assert "certificat de qualification" in letters(app, DUPONT.email)[-1]["Subject"]
    entry = db.session.execute(select(JournalEntry).where(JournalEntry.action == "identity.proved")).scalar_one()
    assert (entry.actor_id, entry.subject_id) == (unproved.id, str(driver.id))


def test_a_code_serves_once_and_every_other_dies_with_it(app: Flask, unproved: Person) -> None:
    used = codes()
    identity.prove(unproved.id, used[0], NETWORK)
    second = account_opening.confirm(signed_up(app, replace(DUPONT, email="autre@mail.example")), GOOD).person
    for proof in used:
        with pytest.raises(identity.CodeRefused):
            identity.prove(second.id, proof, NETWORK)
    with pytest.raises(identity.AlreadyProved):
        identity.prove(unproved.id, used[0], NETWORK)
    account_link.unlink(driver_of(DUPONT))
    db.session.commit()
    with pytest.raises(identity.CodeRefused):
        identity.prove(second.id, used[0], NETWORK)


def test_two_who_hold_the_same_code_at_once_do_not_both_get_in(app: Flask, unproved: Person) -> None:
    second = account_opening.confirm(signed_up(app, replace(DUPONT, email="autre@mail.example")), GOOD).person
    code, people, together = codes()[0], (unproved.id, second.id), Barrier(2)
    db.session.remove()

    def act(person: int) -> bool:
        with app.app_context():
            together.wait(10)
            try:
                identity.prove(person, code, NETWORK)
            except identity.CodeRefused:
                return False
            return True

    with ThreadPoolExecutor(2) as both:
        assert sorted(both.map(act, people)) == [False, True]


def test_a_code_is_of_one_driver_and_one_centre(app: Flask, unproved: Person) -> None:
    own = codes()[0]
    assert own != code_of("82R987928", NEIGHBOUR)
    with pytest.raises(identity.CodeRefused):
        identity.prove(unproved.id, code_of("82R987928", NEIGHBOUR), NETWORK)
    by_neighbour()
    with pytest.raises(identity.CodeRefused):
        identity.prove(unproved.id, own, NETWORK)
    identity.prove(unproved.id, code_of("82R987928", NEIGHBOUR), NETWORK)
    assert proved(unproved)


def test_a_code_does_not_open_another_identity(app: Flask, unproved: Person) -> None:
    registered({**PIERRE, "last_name": "DURAND", "permit_number": "123456789"})
    with pytest.raises(identity.CodeRefused):
        identity.prove(unproved.id, code_of("123456789"), NETWORK)
    assert not proved(unproved)


def test_an_agent_replaces_the_codes_of_a_driver(app: Flask, unproved: Person, agent: int) -> None:
    lost = codes()
    account_link.replace_codes(driver_of(DUPONT).id, agent)
    for proof in lost:
        with pytest.raises(identity.CodeRefused):
            identity.prove(unproved.id, proof, NETWORK)
    identity.prove(unproved.id, codes()[0], NETWORK)
    assert proved(unproved)
    assert acts().count("identity.codes_replaced") == 1
    with pytest.raises(Refusal, match="n’existe pas"):
        account_link.replace_codes(4711, agent)


def test_the_refusal_is_one_whatever_the_register_knows(app: Flask, unproved: Person) -> None:
    stranger = replace(DUPONT, permit_number="999999999", email="inconnu@mail.example")
    taken = replace(MARTIN, email="pris@mail.example")
    told = set()
    for who in (unproved, *(account_opening.confirm(signed_up(app, one), GOOD).person for one in (stranger, taken))):
        with pytest.raises(identity.CodeRefused) as refused:
            identity.prove(who.id, "ACDEFGHJ", NETWORK)
        told.add(refused.value.message)
    assert len(told) == 1
    assert acts().count("identity.code_refused") == 3


def test_tries_are_limited_by_account_and_by_network(app: Flask, unproved: Person) -> None:
    for _ in range(identity.BY_PERSON.free):
        with pytest.raises(identity.CodeRefused):
            identity.prove(unproved.id, "ACDEFGHJ", NETWORK)
    with pytest.raises(throttle.TooOften):
        identity.prove(unproved.id, codes()[0], "192.0.2.77")
    db.session.execute(update(Attempt).values(count=identity.BY_NETWORK.free, free_at=clock.machine_now()))
    db.session.commit()
    with pytest.raises(identity.CodeRefused):
        identity.prove(unproved.id, "ACDEFGHJ", NETWORK)
    with pytest.raises(throttle.TooOften):
        account_opening.sign_up(replace(DUPONT, email="x@mail.example"), GOOD, NETWORK, "ACDEFGHJ")


def test_no_code_lies_in_the_base(app: Flask, unproved: Person) -> None:
    account_invitations.invite(
        db.session.execute(select(Registration.batch_id)).scalar_one(), 1, DUPONT.email, person_id()
    )
    code, token = codes()
    account_opening.sign_up(replace(DUPONT, email="autre@mail.example"), GOOD, NETWORK, code)
    drain()
    held = " ".join(
        str(row) for table in Model.metadata.sorted_tables for row in db.session.execute(select(table)).all()
    )
    assert not [secret for secret in (code, activation.shown(code), token) if secret in held]


def test_the_link_of_an_invitation_proves(app: Flask) -> None:
    batch = registered(PIERRE)
    drain()
    account_invitations.invite(batch.id, 1, DUPONT.email, person_id())
    drain()
    [token] = re.findall(r"\?invitation=([\w-]{43})", text_of(letters(app, DUPONT.email)[-1]))
    elsewhere = account_opening.confirm(signed_up(app, replace(MARTIN, permit_number="999999999"), token), GOOD)
    assert elsewhere.refusal == identity.CodeRefused.message
    assert not proved(elsewhere.person)
    assert proved(account_opening.confirm(signed_up(app, DUPONT, token), GOOD).person)


def test_the_mail_of_a_trainer_proves_too(app: Flask) -> None:
    row = registered_trainer()
    drain()
    [token] = re.findall(r"\?invitation=([\w-]{43})", text_of(letters(app, row.email)[-1]))
    who = replace(
        DUPONT, last_name=row.last_name, first_name=row.first_name, birth_date=row.birth_date,
        permit_number=row.permit_number,
    )  # fmt: skip
    assert proved(account_opening.confirm(signed_up(app, who, token), GOOD).person)


def test_under_another_name_a_code_leaves_the_decision_to_an_agent(app: Flask) -> None:
    registered(PIERRE)
    married = replace(DUPONT, last_name="DURAND")
    found = account_opening.confirm(signed_up(app, married, codes()[0]), GOOD)
    assert found.refusal == identity.NameDiffers.message
    assert not proved(found.person)
    assert driver_of(DUPONT).last_name == "DUPONT"


def test_an_identity_nobody_proved_is_not_squatted(app: Flask) -> None:
    squatter = account_opening.confirm(signed_up(app, replace(DUPONT, email="squat@mail.example")), GOOD).person
    registered(PIERRE)
    drain()
    owner = opened(app)
    assert driver_of(DUPONT).person_id == owner.id
    drain()
    assert [letter["Subject"] for letter in letters(app, "squat@mail.example")] == [
        "Confirmez votre adresse électronique"
    ]
    assert not proved(squatter)


def test_what_is_claimed_can_be_corrected_until_it_is_proved(app: Flask) -> None:
    registered(PIERRE)
    person = account_opening.confirm(signed_up(app, replace(DUPONT, permit_number="82R987929")), GOOD).person
    identity.declare(person.id, Identity("DUPONT", "Pierre", DUPONT.birth_date, DUPONT.permit_number))
    identity.prove(person.id, codes()[0], NETWORK)
    with pytest.raises(identity.AlreadyProved):
        identity.declare(person.id, Identity("DURAND", "Paul", DUPONT.birth_date, DUPONT.permit_number))


class TestDocuments:
    """Identity documents, from the picture to the decision."""

    def check(self, person: Person) -> IdentityCheck:
        identity_checks.send(person.id, picture(900, 600))
        [check], total = identity_checks.waiting()
        assert total == 1
        return check

    def is_kept(self, path: str | None) -> bool:
        return any(name == path for name, _ in store.entries())

    def test_accepted_it_links_mails_and_leaves_no_picture(self, app: Flask, unproved: Person, agent: int) -> None:
        check = self.check(unproved)
        path = check.path
        assert self.is_kept(path)
        assert identity_checks.picture(check).startswith(b"\xff\xd8\xff")
        identity_checks.accept(check.id, agent)
        drain()
        assert proved(unproved)
        assert (driver_of(DUPONT).proof, check.state, check.path, self.is_kept(path)) == (
            "agent",
            ACCEPTED,
            None,
            False,
        )
        subjects = [letter["Subject"] for letter in letters(app, DUPONT.email)]
        assert "Votre identité est vérifiée" in subjects
        assert any("certificat" in subject for subject in subjects)
        with pytest.raises(identity_checks.AlreadyDecided):
            identity_checks.refuse(check.id, agent, "Trop tard")
        with pytest.raises(store.Missing):
            identity_checks.picture(check)
        entry = db.session.execute(select(JournalEntry).where(JournalEntry.action == "identity.proved")).scalar_one()
        assert entry.actor_id == agent

    def test_refused_it_says_why_and_leaves_no_picture(self, app: Flask, unproved: Person, agent: int) -> None:
        check = self.check(unproved)
        path = check.path
        for reason in ("", "  ", "x" * 301):
            with pytest.raises(Refusal):
                identity_checks.refuse(check.id, agent, reason)
        assert self.is_kept(path), "a refusal that was not one removes nothing"
        identity_checks.refuse(check.id, agent, "Le nom est \n illisible")
        drain()
        assert (check.state, check.path, self.is_kept(path), proved(unproved)) == (REFUSED, None, False, False)
        assert "Motif : Le nom est illisible" in text_of(letters(app, DUPONT.email)[-1])
        identity_checks.send(unproved.id, picture(900, 600))
        assert identity_checks.count_waiting() == 1

    def test_one_whose_commit_was_not_answered_is_kept(self, unproved: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        commit = Session.commit

        def without_answer(session: Session) -> None:
            commit(session)
            raise OperationalError("COMMIT", {}, ConnectionError())

        with monkeypatch.context() as patch:
            patch.setattr(throttle, "count", Mock())
            patch.setattr(Session, "commit", without_answer)
            with pytest.raises(OperationalError):
                identity_checks.send(unproved.id, picture(900, 600))
        db.session.rollback()
        [check], _ = identity_checks.waiting()
        assert self.is_kept(check.path)

    def test_another_one_takes_its_place(self, app: Flask, unproved: Person, agent: int) -> None:
        first = self.check(unproved)
        path = first.path
        identity_checks.send(unproved.id, picture(600, 900))
        db.session.refresh(first)
        assert (first.state, self.is_kept(path)) == (REPLACED, False)
        assert identity_checks.count_waiting() == 1
        with pytest.raises(identity_checks.AlreadyDecided):
            identity_checks.accept(first.id, agent)

    def test_a_code_meanwhile_makes_it_useless(self, app: Flask, unproved: Person, agent: int) -> None:
        check = self.check(unproved)
        path = check.path
        identity.prove(unproved.id, codes()[0], NETWORK)
        assert (identity_checks.count_waiting(), self.is_kept(path)) == (0, False)
        with pytest.raises(identity_checks.AlreadyDecided):
            identity_checks.accept(check.id, agent)
        with pytest.raises(identity.AlreadyProved):
            identity_checks.send(unproved.id, picture(900, 600))
        assert not [name for name, _ in store.entries() if name.startswith("pictures/")]

    def test_what_is_claimed_stands_while_an_agent_looks(self, app: Flask, unproved: Person) -> None:
        self.check(unproved)
        with pytest.raises(identity.CheckWaits):
            identity.declare(unproved.id, Identity("DURAND", "Paul", DUPONT.birth_date, DUPONT.permit_number))

    def test_accepting_closes_the_account_the_driver_had(self, app: Flask, agent: int) -> None:
        former = person_id("conducteur@demo.example")
        token = db.session.get_one(Person, former).auth_token
        owner = account_opening.confirm(signed_up(app, MARTIN), GOOD).person
        check = self.check(owner)
        found = identity_checks.case(check.id)
        assert found is not None
        assert (found.former and found.former.id, found.names) == (former, ["MARTIN Marie"])
        identity_checks.accept(check.id, agent)
        before = db.session.get_one(Person, former, populate_existing=True)
        assert (before.active, before.auth_token != token, proved(before)) == (False, True, False)
        assert driver_of(MARTIN).person_id == owner.id

    def test_accepting_an_identity_nobody_registered_writes_it(self, app: Flask, agent: int) -> None:
        owner = account_opening.confirm(signed_up(app), GOOD).person
        identity_checks.accept(self.check(owner).id, agent)
        assert driver_of(DUPONT).person_id == owner.id
        registered(PIERRE)
        drain()
        assert len(driver_space.space(driver_of(DUPONT)).documents) == 2

    def test_the_nightly_purge_leaves_what_waits_and_the_copy_of_own_data_holds_it(
        self, app: Flask, unproved: Person, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        check = self.check(unproved)
        monkeypatch.setattr(purge, "ORPHANS", timedelta(days=-1))
        assert purge.purge(dry_run=True).orphans == 0
        data = data_gathered.gather(unproved.id)
        assert data["Identité déclarée"]["N° de permis"] == "82R987928"
        assert "Conducteur" not in data
        assert [path for _, path, _ in data_gathered.files(unproved.id)] == [check.path]

    @pytest.mark.parametrize(
        ("size", "sentence"),
        [((300, 250), "trop petite"), ((2400, 500), "trop étroite"), (None, "doit être une image")],
    )
    def test_what_no_agent_could_read_is_refused(
        self, app: Flask, unproved: Person, size: tuple[int, int] | None, sentence: str
    ) -> None:
        sent = picture(*size) if size else io.BytesIO(b"%PDF-1.7 no picture")
        with pytest.raises(pictures.PictureRefused, match=sentence):
            identity_checks.send(unproved.id, sent)
        assert identity_checks.count_waiting() == 0


def test_one_code_a_driver_however_many_trainings(app: Flask) -> None:
    registered(PIERRE)
    registered(PIERRE, training=training_id("FIMO Voyageurs", "Voyageurs"))
    assert len({code_of("82R987928")}) == 1
    assert db.session.scalar(select(Driver.code_series).where(Driver.permit_number == "82R987928")) == 0
    assert db.session.query(IdentityClaim).count() == 0
    assert WAITING not in {row for (row,) in db.session.execute(select(IdentityCheck.state))}
