"""Signing in: waits that grow by account and by network, alike for known and unknown, counted even when tried at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.extensions import db
from app.models import Attempt, JournalEntry, Person
from app.services.accounts import sign_in
from app.services.core import clock, throttle
from app.services.core.throttle import TooOften
from tests.bases import on_both
from tests.conftest import PASSWORD
from tests.support import person_id

MANAGER, NOBODY = "gestionnaire@demo.example", "personne@demo.example"
HERE = "192.0.2.1"


def attempt(email: str, password: str = "pas le bon", network: str = HERE) -> str:
    """Return what a try comes to: « in », « wrong » or « wait »."""
    try:
        sign_in.check(email, password, network)
    except sign_in.WrongCredentials:
        return "wrong"
    except TooOften:
        return "wait"
    return "in"


def let_time_pass(by: timedelta = timedelta(hours=2)) -> None:
    """Make every wait end."""
    for row in db.session.execute(select(Attempt)).scalars():
        row.free_at, row.last_at = row.free_at - by, row.last_at - by
    db.session.commit()


def acts(action: str) -> list[JournalEntry]:
    query = select(JournalEntry).where(JournalEntry.action == action).order_by(JournalEntry.id)
    return list(db.session.execute(query).scalars())


@on_both
@pytest.mark.parametrize("email", [MANAGER, NOBODY])
def test_wrong_tries_at_an_account_wait_longer_and_longer_known_or_not(app: Flask, email: str) -> None:
    for _ in range(sign_in.FOR_ACCOUNT.free):
        assert attempt(email) == "wrong"
    for minutes in (1, 2, 4, 8, 15, 15):
        with pytest.raises(TooOften, match=f"Réessayez dans {minutes} minute"):
            sign_in.check(email.upper(), PASSWORD, "198.51.100.9")
        db.session.execute(update(Attempt).values(free_at=clock.machine_now()))
        db.session.commit()
        assert attempt(email) == "wrong"


def test_a_good_sign_in_starts_the_account_s_count_afresh(app: Flask) -> None:
    for _ in range(3):
        assert [attempt(MANAGER) for _ in range(4)] == ["wrong"] * 4
        assert attempt(f"  {MANAGER.upper()} ", PASSWORD) == "in"


@on_both
def test_a_network_waits_for_wrong_tries_at_many_accounts_not_for_good_ones(app: Flask) -> None:
    for _ in range(3 * throttle.NETWORK_FREE):
        assert attempt(MANAGER, PASSWORD) == "in"
    for at in range(throttle.NETWORK_FREE):
        assert attempt(f"essai{at}@demo.example") == "wrong"
    assert attempt(MANAGER, PASSWORD) == "wait"
    assert attempt(MANAGER, PASSWORD, "198.51.100.9") == "in"
    let_time_pass()
    assert attempt(MANAGER, PASSWORD) == "in"


def test_a_network_s_mistypings_are_forgotten_with_time(app: Flask) -> None:
    """A centre of fifty people mistypes now and then: that never adds up to a wait."""
    for at in range(2 * throttle.NETWORK_FREE):
        assert attempt(f"essai{at}@demo.example") == "wrong"
        let_time_pass(timedelta(minutes=6))


@on_both
def test_tries_made_at_once_are_all_counted(app: Flask) -> None:
    count = 4 * sign_in.FOR_ACCOUNT.free
    start = Barrier(8)

    def one(at: int) -> str:
        if at < 8:
            start.wait(10)
        with app.app_context():
            try:
                return attempt(MANAGER, network=f"198.51.100.{at}")
            finally:
                db.session.remove()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(count)))
    assert answers.count("wrong") == sign_in.FOR_ACCOUNT.free
    assert answers.count("wait") == count - sign_in.FOR_ACCOUNT.free


def test_a_closed_account_is_refused_like_an_unknown_one(app: Flask) -> None:
    db.session.execute(update(Person).where(Person.email == MANAGER).values(active=False))
    db.session.commit()
    assert attempt(MANAGER, PASSWORD) == attempt(NOBODY, PASSWORD) == "wrong"


def test_the_same_work_is_done_for_known_and_unknown(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []
    real = sign_in.passwords.matches
    monkeypatch.setattr(
        sign_in.passwords, "matches", lambda known, typed: compared.append(str(known)) or real(known, typed)
    )
    attempt(MANAGER)
    attempt(NOBODY)
    assert len(compared) == 2
    known, unknown = (found.split("$")[0] for found in compared)
    assert known == unknown


def test_the_journal_holds_sign_ins_and_refusals_without_what_was_typed(app: Flask) -> None:
    attempt(MANAGER, "secret-tape-par-erreur")
    attempt(NOBODY, "secret-tape-par-erreur")
    sign_in.note(sign_in.check(MANAGER, PASSWORD, HERE), "password")
    assert [entry.subject_id for entry in acts(sign_in.REFUSED)] == [str(person_id()), ""]
    [done] = acts(sign_in.DONE)
    assert (done.actor_id, done.after) == (person_id(), {"by": "password"})
    for entry in acts(sign_in.REFUSED):
        assert (entry.actor_id, entry.before, entry.after, entry.reason) == (None, None, None, "")


@on_both
def test_an_account_is_found_however_its_address_is_typed(app: Flask) -> None:
    person = db.session.get_one(Person, person_id(MANAGER))
    person.email = person.username = " Gestionnaire@Demo.Example "
    db.session.commit()
    assert (person.email, person.username) == (MANAGER, MANAGER)
    assert attempt(MANAGER.upper(), PASSWORD) == "in"
