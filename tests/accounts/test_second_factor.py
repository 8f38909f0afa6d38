"""The second factor: a code never taken twice, recovery codes good once, secrets encrypted, a reset that is told."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pyotp
import pytest
from flask import Flask
from sqlalchemy import select, text, update

from app.extensions import db
from app.models import Attempt, JournalEntry, Mail, Membership, Person, RecoveryCode, SecondFactor
from app.services.accounts import second_factor
from app.services.accounts.password_change import WrongPassword
from app.services.core import clock, vault
from app.services.core.refusal import Refusal
from app.services.core.throttle import TooOften
from tests.bases import on_both
from tests.conftest import PASSWORD
from tests.support import drain, person_id

AGENT, OWNER, MANAGER = "agent@demo.example", "representant@demo.example", "gestionnaire@demo.example"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the machine's clock: codes change every thirty seconds."""
    monkeypatch.setattr(clock, "machine_now", lambda: NOON)


def at(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """Put the clock so many seconds after noon; waits that were running are over."""
    monkeypatch.setattr(clock, "machine_now", lambda: NOON + timedelta(seconds=seconds))


def person(email: str = AGENT) -> Person:
    return db.session.get_one(Person, person_id(email), populate_existing=True)


def enrolled(email: str = AGENT) -> tuple[pyotp.TOTP, list[str]]:
    """Return a person's telephone, the second factor being on, and their recovery codes; the clock's step is used."""
    phone = pyotp.TOTP(second_factor.start(person(email)).secret.replace(" ", ""))
    return phone, second_factor.confirm(person(email), PASSWORD, phone.at(NOON))


def takes(email: str, code: str) -> str:
    """Return which kind of code was taken, « wrong » or « wait »."""
    try:
        return second_factor.check(person_id(email), code)
    except second_factor.WrongCode:
        return "wrong"
    except TooOften:
        return "wait"


@pytest.mark.parametrize("email", [AGENT, OWNER])
def test_agents_and_legal_representatives_set_it_up(app: Flask, email: str) -> None:
    assert second_factor.start(person(email)) == second_factor.start(person(email))
    assert not second_factor.is_on(person_id(email))
    _, codes = enrolled(email)
    assert second_factor.is_on(person_id(email))
    assert len(set(codes)) == second_factor.codes_left(person_id(email)) == 10
    with pytest.raises(second_factor.AlreadyOn):
        second_factor.start(person(email))


@pytest.mark.parametrize("email", [MANAGER, "conducteur@demo.example"])
def test_others_are_not_offered_it(app: Flask, email: str) -> None:
    with pytest.raises(second_factor.NotOffered):
        second_factor.start(person(email))


def test_a_representative_whose_place_has_ended_is_not_privileged(app: Flask) -> None:
    yesterday = clock.today() - timedelta(days=1)
    db.session.execute(update(Membership).where(Membership.person_id == person_id(OWNER)).values(valid_to=yesterday))
    assert not second_factor.is_privileged(person(OWNER))


def test_setting_it_up_asks_for_password_and_code(app: Flask) -> None:
    phone = pyotp.TOTP(second_factor.start(person()).secret.replace(" ", ""))
    with pytest.raises(WrongPassword):
        second_factor.confirm(person(), "pas le bon", phone.at(NOON))
    with pytest.raises(second_factor.WrongCode):
        second_factor.confirm(person(), PASSWORD, "000000" if phone.at(NOON) != "000000" else "000001")
    assert not second_factor.is_on(person_id(AGENT))


@on_both
def test_a_code_is_good_once_a_step_early_or_late_and_no_more(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    phone, _ = enrolled()
    assert takes(AGENT, phone.at(NOON)) == "wrong"
    for offset, answer in ((60, "wrong"), (30, "second_factor"), (30, "wrong"), (0, "wrong")):
        assert takes(AGENT, phone.at(NOON + timedelta(seconds=offset))) == answer
    at(monkeypatch, 120)
    assert takes(AGENT, phone.at(NOON + timedelta(seconds=60))) == "wrong"
    assert takes(
        AGENT, f" {phone.at(NOON + timedelta(seconds=90))[:3]} {phone.at(NOON + timedelta(seconds=90))[3:]}"
    ) == ("second_factor")


@on_both
def test_of_two_who_show_the_same_code_at_once_one_enters(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    phone, codes = enrolled()
    at(monkeypatch, 90)
    for code in (phone.at(NOON + timedelta(seconds=90)), codes[0]):
        start = Barrier(2)

        def one(code: str = code, start: Barrier = start) -> str:
            start.wait(10)
            with app.app_context():
                try:
                    return takes(AGENT, code)
                finally:
                    db.session.remove()

        with ThreadPoolExecutor(2) as pool:
            answers = [task.result() for task in [pool.submit(one), pool.submit(one)]]
        assert answers.count("wrong") == 1, answers


@on_both
def test_a_recovery_code_is_good_once_however_it_is_typed(app: Flask) -> None:
    _, codes = enrolled()
    assert takes(AGENT, codes[3].upper().replace("-", " ")) == "recovery_code"
    assert takes(AGENT, codes[3]) == "wrong"
    assert second_factor.codes_left(person_id(AGENT)) == 9


def test_a_recovery_code_is_one_s_own(app: Flask) -> None:
    enrolled(OWNER)
    _, codes = enrolled(AGENT)
    assert takes(OWNER, codes[0]) == "wrong"


def test_wrong_codes_wait(app: Flask) -> None:
    phone, _ = enrolled()
    assert [takes(AGENT, "nimporte-quoi") for _ in range(7)] == ["wrong"] * 5 + ["wait"] * 2
    assert takes(AGENT, phone.at(NOON + timedelta(seconds=30))) == "wait"
    refused = (
        db.session.execute(select(JournalEntry).where(JournalEntry.action == "second_factor.refused")).scalars().all()
    )
    assert len(refused) == 5
    db.session.execute(update(Attempt).values(free_at=NOON))
    db.session.commit()
    assert takes(AGENT, phone.at(NOON + timedelta(seconds=30))) == "second_factor"


def test_the_base_holds_neither_secret_nor_codes(app: Flask) -> None:
    secret = second_factor.start(person()).secret.replace(" ", "")
    _, codes = enrolled()
    kept = str(db.session.execute(text("SELECT * FROM second_factor")).all())
    kept += str(db.session.execute(text("SELECT * FROM recovery_code")).all())
    kept += str(db.session.execute(select(JournalEntry.before, JournalEntry.after)).all())
    for hidden in (secret, *codes, *(code.replace("-", "") for code in codes)):
        assert hidden not in kept
    row = db.session.get_one(SecondFactor, person_id(AGENT))
    assert vault.decrypt(second_factor.USE, row.secret) == secret


def test_turning_it_off_asks_for_password_and_code(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    phone, codes = enrolled()
    with pytest.raises(WrongPassword):
        second_factor.turn_off(person(), "pas le bon", codes[0])
    with pytest.raises(second_factor.WrongCode):
        second_factor.turn_off(person(), PASSWORD, phone.at(NOON))
    second_factor.turn_off(person(), PASSWORD, codes[0])
    assert not second_factor.is_on(person_id(AGENT))
    assert db.session.execute(select(RecoveryCode)).first() is None
    with pytest.raises(second_factor.NotOn):
        second_factor.turn_off(person(), PASSWORD, codes[1])


def test_new_recovery_codes_replace_the_old(app: Flask) -> None:
    _, codes = enrolled()
    fresh = second_factor.renew_codes(person(), PASSWORD, codes[0])
    assert takes(AGENT, codes[1]) == "wrong"
    assert takes(AGENT, fresh[1]) == "recovery_code"
    assert len(fresh) == 10


def test_where_agents_must_have_one_they_keep_it(app: Flask) -> None:
    app.config["SECOND_FACTOR_FOR_AGENTS"] = True
    assert second_factor.must_enrol(person(AGENT))
    assert not second_factor.must_enrol(person(OWNER))
    _, codes = enrolled()
    assert not second_factor.must_enrol(person(AGENT))
    with pytest.raises(second_factor.Required):
        second_factor.turn_off(person(), PASSWORD, codes[0])
    second_factor.turn_off(person(OWNER), PASSWORD, enrolled(OWNER)[1][0])


def test_an_agent_resets_another_s_with_a_reason_and_the_person_is_told(app: Flask) -> None:
    enrolled(OWNER)
    agent = person_id(AGENT)
    for target, reason in (
        (person_id(OWNER), "  "),
        (agent, "téléphone perdu"),
        (person_id(MANAGER), "téléphone perdu"),
    ):
        with pytest.raises(Refusal):
            second_factor.reset(target, agent, reason)
    second_factor.reset(person_id(OWNER), agent, "téléphone  perdu")
    assert not second_factor.is_on(person_id(OWNER))
    entry = db.session.execute(select(JournalEntry).where(JournalEntry.action == "second_factor.reset")).scalar_one()
    assert (entry.actor_id, entry.subject_id, entry.reason) == (agent, str(person_id(OWNER)), "téléphone perdu")
    drain()
    mail = db.session.execute(select(Mail).where(Mail.kind == "factor_reset")).scalar_one()
    assert (mail.recipient, mail.state) == (OWNER, "sent")
