"""A driver's account: confirmed by mail, opened; a proof that came with the sign-up links it to the driver's record."""

from __future__ import annotations

import email
import email.policy
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from app.extensions import db
from app.french.spaces import plain
from app.models import AccountLink, Attempt, Document, Driver, JournalEntry, Mail, Person, Registration, SignUp
from app.models.outbox import MAIL_REFUSED
from app.models.sign_up import WAITING
from app.services.accounts import opening as account_opening
from app.services.accounts import password_change, passwords
from app.services.accounts.opening import Applicant
from app.services.core import clock, links, throttle
from app.services.core.refusal import Refusal
from app.services.decisions import account_requests, to_handle
from app.services.drivers import account_invitations
from app.services.drivers import space as driver_space
from tests.bases import on_both
from tests.support import MARIE, PIERRE, code_of, drain, person_id, registered, training_id

GOOD = "girafe-lampe-nuage-72"
DUPONT = Applicant("DUPONT", "Pierre", date(1990, 1, 1), "82R987928", "pierre@mail.example")
MARTIN = Applicant("MARTIN", "Marie", date(1985, 4, 12), "850492100123", "marie.bis@mail.example")


OTHERS = {("DUPOND", "Pierre"), ("DUPONT", "Pierrette"), ("DUPONT", "Jean Pierre")}


@pytest.fixture
def agent(app: Flask) -> int:
    """Give the agent's id."""
    return person_id("agent@demo.example")


def letters(app: Flask, to: str) -> list[email.message.EmailMessage]:
    """Return the mails written for an address, the oldest first."""
    paths = sorted((Path(app.config["DATA_DIR"]) / "mails").glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
    found = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in paths]
    return [letter for letter in found if letter["To"] == to]  # type: ignore[misc]


def text_of(letter: email.message.EmailMessage) -> str:
    body = letter.get_body(("plain",))
    assert body is not None
    return plain(str(body.get_content()))


def token_in(app: Flask, to: str) -> str:
    """Return the token of the last link mailed to an address."""
    found = re.search(r"/(?:inscription|mot-de-passe)/([\w-]{43})", text_of(letters(app, to)[-1]))
    assert found, text_of(letters(app, to)[-1])
    return found[1]


def signed_up(app: Flask, applicant: Applicant = DUPONT, proof: str = "") -> str:
    """Sign up and return the token that was mailed."""
    account_opening.sign_up(applicant, GOOD, "192.0.2.1", proof)
    drain()
    return token_in(app, applicant.email)


def opened(app: Flask, applicant: Applicant = DUPONT) -> Person:
    """Open an account with the code of the demonstration centre, where it registered the driver."""
    return account_opening.confirm(signed_up(app, applicant, code_of(applicant.permit_number)), GOOD).person


def driver_of(applicant: Applicant) -> Driver:
    query = select(Driver).where(Driver.permit_number == applicant.permit_number)
    return db.session.execute(query.execution_options(populate_existing=True)).scalar_one()


def acts() -> list[str]:
    return list(db.session.execute(select(JournalEntry.action).order_by(JournalEntry.id)).scalars())


@on_both
def test_documents_of_a_driver_registered_before_appear_and_the_certificate_is_mailed(app: Flask) -> None:
    registered(PIERRE)
    drain()
    assert db.session.query(Mail).count() == 0
    person = opened(app)
    driver = driver_space.driver_of(person.id)
    assert driver is not None
    assert [own.is_offered for own in driver_space.space(driver).documents] == [True, True]
    drain()
    certificate = letters(app, DUPONT.email)[-1]
    assert "certificat de qualification" in certificate["Subject"]
    [attachment] = certificate.iter_attachments()
    assert attachment.get_content().startswith(b"%PDF")
    assert "account.opened" in acts()


def test_an_account_opened_while_documents_are_drawn_gets_its_mail_from_who_draws_them(app: Flask) -> None:
    registered(PIERRE)
    account_opening.sign_up(DUPONT, GOOD, "192.0.2.1", code_of(DUPONT.permit_number))
    token = links.token("confirm", db.session.execute(select(AccountLink.nonce)).scalar_one())
    assert account_opening.confirm(token, GOOD)
    drain()
    assert db.session.execute(select(Mail.state).where(Mail.kind == "certificate")).scalars().all() == ["sent"]


def test_a_driver_nobody_registered_gets_an_account_without_a_record(app: Flask) -> None:
    person = opened(app)
    assert [role.name for role in person.roles] == ["Conducteur"]
    assert driver_space.driver_of(person.id) is None
    assert db.session.query(Driver).filter_by(permit_number=DUPONT.permit_number).count() == 0, "nothing is squatted"


@pytest.mark.parametrize(
    ("last_name", "first_name"),
    [
        ("dupont", "pierre"), ("Pierre", "Dupont"), ("DÛPONT", "Piérre"), ("D'UPONT", "Pierre"), ("Du Pont", "Pierre"),
        ("DUPONT", "Pierre Jean"), ("DUPOND", "Pierre"), ("DUPONT", "Pierrette"), ("DUPONT", "Jean Pierre"),
    ],
)  # fmt: skip
def test_with_a_code_names_are_forgiven_case_accents_and_order_but_no_other_word(
    app: Flask, last_name: str, first_name: str
) -> None:
    registered(PIERRE)
    token = signed_up(app, replace(DUPONT, last_name=last_name, first_name=first_name), code_of(DUPONT.permit_number))
    found = account_opening.confirm(token, GOOD)
    is_other = (last_name, first_name) in OTHERS
    assert (driver_of(DUPONT).person_id == found.person.id) != is_other
    assert ("pièce d’identité" in found.refusal) == is_other


@pytest.mark.parametrize(
    ("account", "line"),
    [
        (("Wałęsa", "Lech"), ("WALESA", "LECH")), (("YILDIZ", "Ali"), ("Yıldız", "Ali")),
        (("Sørensen", "Bo"), ("SORENSEN", "BO")), (("Đặng", "Thị"), ("DANG", "THI")),
        (("MARTIN", "Jean Pierre Louis"), ("MARTIN", "Jean")), (("Mc Donald", "Ann"), ("MCDONALD", "ANN")),
    ],
)  # fmt: skip
def test_documents_of_a_name_written_in_another_way_are_not_withheld(
    app: Flask, account: tuple[str, str], line: tuple[str, str]
) -> None:
    (last, first), (line_last, line_first) = account, line
    registered({**PIERRE, "last_name": line_last, "first_name": line_first})
    opened(app, replace(DUPONT, last_name=last, first_name=first))
    end = {"end_date": "06/01/2022"}
    registered(
        {**PIERRE, "last_name": line_last, "first_name": line_first}, training=training_id("FIMO Marchandises"), **end
    )
    registered({**PIERRE, "last_name": line_last, "first_name": "Zita"}, training=training_id("FCO Complète"))
    held = db.session.execute(select(Registration.first_name, Registration.withheld)).all()
    assert sorted(held) == sorted([(line_first, False), (line_first, False), ("Zita", True)])


def test_compound_names_agree_in_any_order(app: Flask) -> None:
    registered({**PIERRE, "last_name": "LE GOFF-MARTIN", "first_name": "Jean-Pierre"})
    assert opened(app, replace(DUPONT, last_name="Martin Le Goff", first_name="Pierre Jean"))


def test_what_stands_under_another_name_is_withheld_when_the_account_opens(app: Flask) -> None:
    registered(PIERRE)
    registered({**PIERRE, "last_name": "DURAND", "first_name": "Paul"})
    drain()
    opened(app)
    held = db.session.execute(select(Registration.last_name, Registration.withheld).order_by(Registration.id)).all()
    assert held == [("DUPONT", False), ("DURAND", True)]
    drain()
    assert db.session.query(Mail).filter_by(kind="certificate").count() == 1


def test_a_certificate_that_no_longer_holds_is_not_mailed(app: Flask) -> None:
    registered(PIERRE)
    drain()
    old = clock.today() - timedelta(days=1)
    db.session.execute(update(Document).values(valid_from=old, valid_until=old))
    db.session.commit()
    opened(app)
    assert db.session.query(Mail).filter_by(kind="certificate").count() == 0


def test_a_module_alone_mails_nothing(app: Flask) -> None:
    registered(PIERRE, training=training_id("Module FCO"))
    drain()
    opened(app)
    assert db.session.query(Mail).filter_by(kind="certificate").count() == 0


def test_a_link_serves_once(app: Flask) -> None:
    token = signed_up(app)
    assert account_opening.confirm(token, GOOD)
    with pytest.raises(links.LinkSpent):
        account_opening.confirm(token, GOOD)
    assert db.session.query(Person).filter_by(email=DUPONT.email).count() == 1


@on_both
def test_a_link_confirmed_twice_at_once_opens_one_account(app: Flask) -> None:
    token, together = signed_up(app), Barrier(2)
    db.session.remove()

    def act(_: int) -> bool:
        with app.app_context():
            together.wait(10)
            try:
                return account_opening.confirm(token, GOOD).person.id > 0
            except links.LinkSpent:
                return False

    with ThreadPoolExecutor(2) as both:
        assert sorted(both.map(act, range(2))) == [False, True]
    assert db.session.query(Person).filter_by(email=DUPONT.email).count() == 1


def test_a_link_runs_out_after_a_day(app: Flask) -> None:
    token = signed_up(app)
    link = db.session.execute(select(AccountLink)).scalar_one()
    assert link.expires_at - link.created_at == timedelta(hours=24)
    link.expires_at = clock.machine_now()
    db.session.commit()
    with pytest.raises(links.LinkSpent):
        account_opening.confirm(token, GOOD)


def test_the_base_holds_no_token_and_no_password(app: Flask) -> None:
    token = signed_up(app)
    link, row = db.session.execute(select(AccountLink, SignUp).join(AccountLink.sign_up)).one()
    assert token not in (link.token_hash, link.nonce)
    assert GOOD not in row.password_hash
    assert db.session.query(Attempt).filter(Attempt.key.contains("192.0.2.1")).count() == 0


def test_who_clicks_without_knowing_the_password_opens_nothing(app: Flask) -> None:
    token = signed_up(app)
    with pytest.raises(account_opening.WrongPassword):
        account_opening.confirm(token, "un autre mot de passe")
    assert db.session.query(Person).filter_by(email=DUPONT.email).count() == 0
    assert account_opening.confirm(token, GOOD)


def test_a_password_is_not_guessed_through_the_link(app: Flask) -> None:
    token = signed_up(app)
    for _ in range(account_opening.CONFIRMING.free):
        with pytest.raises(account_opening.WrongPassword):
            account_opening.confirm(token, "un autre mot de passe")
    with pytest.raises(throttle.TooOften):
        account_opening.confirm(token, GOOD)


def test_an_address_that_has_an_account_learns_so_by_mail_only(app: Flask) -> None:
    account_opening.sign_up(replace(DUPONT, email="conducteur@demo.example"), GOOD, "192.0.2.1")
    drain()
    text = text_of(letters(app, "conducteur@demo.example")[-1])
    assert "déjà un compte" in text
    assert "/mot-de-passe/" in text
    assert not re.search(r"/inscription/[\w-]{43}", text)


@on_both
def test_two_sign_ups_of_one_address_open_one_account(app: Flask) -> None:
    first, second = signed_up(app), signed_up(app)
    assert first != second
    assert account_opening.confirm(second, GOOD)
    with pytest.raises(links.LinkSpent):
        account_opening.confirm(first, GOOD)


@on_both
def test_sign_ups_never_confirmed_are_forgotten(app: Flask) -> None:
    signed_up(app)
    long_ago = clock.machine_now() - account_opening.UNCONFIRMED - timedelta(minutes=1)
    db.session.execute(update(AccountLink).values(created_at=long_ago))
    db.session.commit()
    account_opening.sign_up(MARTIN, GOOD, "192.0.2.1")
    assert db.session.execute(select(SignUp.email)).scalars().all() == [MARTIN.email]
    assert db.session.execute(select(Mail.recipient)).scalars().all() == [MARTIN.email]


@pytest.fixture
def waiting(app: Flask) -> SignUp:
    """Give a request for an account that waited before identities were proved."""
    registered(PIERRE)
    row = SignUp(
        email=DUPONT.email, last_name="DURAND", first_name="Pierre", birth_date=DUPONT.birth_date,
        permit_number=DUPONT.permit_number, password_hash=passwords.hash_of(GOOD), state=WAITING, created_at=clock.now(),
    )  # fmt: skip
    db.session.add(row)
    db.session.commit()
    return row


def test_a_request_from_before_that_an_agent_accepts_opens_an_account_without_a_record(
    app: Flask, agent: int, waiting: SignUp
) -> None:
    drain()
    [request], total = account_requests.waiting()
    assert (total, request.sign_up.last_name, request.names, request.account) == (1, "DURAND", ["DUPONT Pierre"], None)
    account_requests.accept(waiting.id, agent)
    drain()
    assert driver_of(DUPONT).person_id is None, "an agent who saw no document proves nothing"
    [letter] = letters(app, DUPONT.email)
    assert "compte est ouvert" in letter["Subject"]
    assert "prouver votre identité" in text_of(letter)
    entry = db.session.execute(select(JournalEntry).where(JournalEntry.action == "account.opened")).scalar_one()
    assert entry.actor_id == agent
    with pytest.raises(account_requests.AlreadyDecided):
        account_requests.accept(waiting.id, agent)
    assert account_requests.waiting() == ([], 0)


def test_an_agent_refuses_with_a_reason_the_person_is_told(app: Flask, agent: int, waiting: SignUp) -> None:
    for reason in ("", "  ", "x" * 301):
        with pytest.raises(Refusal):
            account_requests.refuse(waiting.id, agent, reason)
    account_requests.refuse(waiting.id, agent, " Le nom n’est pas \n celui du permis ")
    drain()
    assert "Motif : Le nom n’est pas celui du permis" in text_of(letters(app, DUPONT.email)[-1])
    assert db.session.query(Person).filter_by(email=DUPONT.email).count() == 0
    assert db.session.get_one(SignUp, waiting.id).password_hash == ""
    entry = db.session.execute(select(JournalEntry).where(JournalEntry.action == "account.refused")).scalar_one()
    assert (entry.actor_id, entry.reason) == (agent, "Le nom n’est pas celui du permis")
    with pytest.raises(account_requests.AlreadyDecided):
        account_requests.accept(waiting.id, agent)


def test_a_request_whose_address_got_an_account_meanwhile_stays_to_be_refused(
    app: Flask, agent: int, waiting: SignUp
) -> None:
    opened(app)
    with pytest.raises(account_requests.AddressTaken):
        account_requests.accept(waiting.id, agent)
    assert account_requests.waiting()[1] == 1


def test_a_request_that_never_was_is_refused(agent: int) -> None:
    for act in (lambda: account_requests.accept(4711, agent), lambda: account_requests.refuse(4711, agent, "motif")):
        with pytest.raises(Refusal, match="n’existe pas"):
            act()


@on_both
def test_a_forgotten_password_is_replaced_once_and_ends_other_sign_ins(app: Flask) -> None:
    address = "conducteur@demo.example"
    person = db.session.get_one(Person, person_id(address))
    before = person.auth_token
    password_change.ask(address, "192.0.2.1")
    drain()
    token = token_in(app, address)
    password_change.check_link(token)
    with pytest.raises(passwords.WeakPassword):
        password_change.reset(token, "MarieMartin1985")
    password_change.reset(token, GOOD)
    db.session.refresh(person)
    assert passwords.matches(person.password, GOOD)
    assert person.auth_token != before
    with pytest.raises(links.LinkSpent):
        password_change.reset(token, "un tout autre secret 9")
    assert "password.reset" in acts()


def test_the_last_link_that_was_used_ends_the_others(app: Flask) -> None:
    address, tokens = "conducteur@demo.example", []
    for _ in range(2):
        password_change.ask(address, "192.0.2.1")
        drain()
        tokens.append(token_in(app, address))
    password_change.reset(tokens[1], GOOD)
    with pytest.raises(links.LinkSpent):
        password_change.check_link(tokens[0])


def test_a_reset_link_holds_thirty_minutes(app: Flask) -> None:
    password_change.ask("conducteur@demo.example", "192.0.2.1")
    drain()
    link = db.session.execute(select(AccountLink)).scalar_one()
    assert link.expires_at - link.created_at == timedelta(minutes=30)
    link.expires_at = clock.machine_now()
    db.session.commit()
    with pytest.raises(links.LinkSpent):
        password_change.check_link(token_in(app, "conducteur@demo.example"))


@pytest.mark.parametrize("closed", [False, True])
def test_no_open_account_no_mail(app: Flask, closed: bool) -> None:
    address = "conducteur@demo.example" if closed else "personne@mail.example"
    db.session.execute(update(Person).where(Person.email == address).values(active=False))
    db.session.commit()
    password_change.ask(address, "192.0.2.1")
    drain()
    assert db.session.query(Mail).count() == 0
    assert db.session.query(AccountLink).count() == 0


def test_changing_the_password_asks_for_the_current_one(app: Flask) -> None:
    person = db.session.get_one(Person, person_id("conducteur@demo.example"))
    before = person.auth_token
    with pytest.raises(password_change.WrongPassword):
        password_change.change(person.id, "pas le bon", GOOD)
    assert person.auth_token == before
    password_change.change(person.id, "volant-Ardoise-2026", GOOD)
    assert person.auth_token != before
    assert passwords.matches(person.password, GOOD)


@on_both
def test_tries_wait_longer_and_longer_and_are_forgotten_after_a_day(app: Flask) -> None:
    limit = throttle.Limit("test", 3)
    for _ in range(3):
        throttle.count(limit, "192.0.2.7")
    for minutes in (1, 2, 4):
        with pytest.raises(throttle.TooOften, match=f"dans {minutes} minute"):
            throttle.count(limit, "192.0.2.7")
        db.session.execute(update(Attempt).values(free_at=clock.machine_now()))
        db.session.commit()
        throttle.count(limit, "192.0.2.7")
    throttle.count(limit, "192.0.2.8")
    db.session.execute(update(Attempt).values(last_at=clock.machine_now() - throttle.MEMORY - timedelta(seconds=1)))
    db.session.commit()
    throttle.count(limit, "192.0.2.7")
    assert db.session.scalar(select(func.max(Attempt.count))) == 1


def test_sign_ups_are_limited_by_address_alike_for_known_and_unknown(app: Flask) -> None:
    for address in ("conducteur@demo.example", "personne@mail.example"):
        for _ in range(account_opening.FOR_ADDRESS.free):
            account_opening.sign_up(replace(DUPONT, email=address), GOOD, "192.0.2.1")
        with pytest.raises(throttle.TooOften, match="dans 1 minute"):
            account_opening.sign_up(replace(DUPONT, email=address), GOOD, "192.0.2.1")


def test_a_centre_invites_once_a_day(app: Flask) -> None:
    batch, manager = registered(PIERRE, MARIE), person_id()
    assert account_invitations.invite(batch.id, 1, " Pierre@Mail.example ", manager) == "pierre@mail.example"
    with pytest.raises(account_invitations.AlreadyInvited):
        account_invitations.invite(batch.id, 1, "pierre@mail.example", manager)
    with pytest.raises(Refusal, match="possède déjà un compte"):
        account_invitations.invite(batch.id, 2, "pierre@mail.example", manager)
    for line, address in ((9, "pierre@mail.example"), (1, "pas une adresse")):
        with pytest.raises(Refusal):
            account_invitations.invite(batch.id, line, address, manager)
    drain()
    [letter] = letters(app, "pierre@mail.example")
    text = text_of(letter)
    assert "Centre de formation Démo" in text
    assert re.search(r"/inscription/\?invitation=[\w-]{43}\s", text)
    assert not [word for word in ("DUPONT", "Pierre", "82R987928", "FIMO") if word in text]
    db.session.execute(update(Mail).values(created_at=clock.now() - timedelta(days=1)))
    db.session.commit()
    assert account_invitations.invite(batch.id, 1, "pierre@mail.example", manager)
    assert acts().count("invitation.sent") == 2


@on_both
def test_a_refused_address_of_a_sign_up_is_shown_to_handle(app: Flask) -> None:
    signed_up(app)
    db.session.execute(update(Mail).values(state=MAIL_REFUSED, error="SMTP 550"))
    db.session.commit()
    mails, total = to_handle.refused_mails()
    assert (total, [mail.recipient for mail in mails]) == (1, [DUPONT.email])


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("court-1234", passwords.TOO_SHORT),
        ("x1" * 129, passwords.TOO_LONG),
        ("azertyuiop123456", passwords.COMMON),
        ("Motdepasse2026!", passwords.COMMON),
        ("P@ssw0rd12345", passwords.COMMON),
        ("bonjourbonjour", passwords.COMMON),
        ("aaaaaaaaaaaaaa", passwords.COMMON),
        ("DupontPierre1990", passwords.KNOWN),
        ("pierre@mail.example", passwords.KNOWN),
        ("pierre-01/01/1990", passwords.KNOWN),
        ("Registre-CQC-2026", passwords.KNOWN),
        ("girafe-lampe-nuage-72", ""),
        ("toutes mes minuscules", ""),
        ("volant-Ardoise-2026", ""),
    ],
)
def test_passwords_common_or_made_of_what_is_known_are_refused(password: str, why: str) -> None:
    assert passwords.objection(password, DUPONT.words) == why
