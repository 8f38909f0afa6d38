"""How accounts come to be, as scenarios: invited and signed up, proved, joined to a centre; a second factor, a new password."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from email import policy
from email.parser import BytesParser
from pathlib import Path

import pyotp
from flask import Flask, current_app
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.models import Driver, IdentityCheck, Membership, Person, SecondFactor
from app.models.identity import ACCEPTED, WAITING
from app.services.accounts import opening, passwords, second_factor
from app.services.accounts.opening import Applicant
from app.services.core import clock, vault
from app.services.drivers import account_invitations
from app.services.rights import invitations
from app.validators.fields import parse_date
from tests.cards import making as cards
from tests.conftest import PASSWORD
from tests.support import LEGAL, PIERRE, centre_id, drain, person_id, registered

from .centre_days import AGENT, answered, at_the_desk
from .living import Act, Scenario, Unanswered, wait, work_off

NEWCOMER, DRIVER = "nouveau@demo.example", "pierre@mail.example"
CHOSEN, ANOTHER = "girafe-lampe-nuage-72", "tunnel-Cerise-bateau-61"
_IDENTITY = {name: PIERRE[name] for name in ("last_name", "first_name", "birth_date", "permit_number")}
#: Who is not answered presses again; a mail that waits for its server comes within these minutes.
_MINUTES = (wait,) * 3


def links(to: str, page: str) -> list[str]:
    """Return the paths below a page that mails have brought somebody, the last first."""
    folder = Path(current_app.config["DATA_DIR"]) / "mails"
    found = []
    for path in sorted(folder.glob("*.eml"), key=lambda one: one.stat().st_mtime_ns, reverse=True):
        message = BytesParser(policy=policy.default).parsebytes(path.read_bytes())
        body = message.get_body(("plain",))
        assert body is not None
        found += re.findall(rf"/{page}[\w-]{{43}}", body.get_content()) if message["To"] == to else []
    return found


def _account(email: str) -> Person | None:
    db.session.rollback()
    return db.session.execute(select(Person).where(Person.username == email)).scalar_one_or_none()


def signed_in(app: Flask, email: str, *known: str) -> FlaskClient:
    """Return the browser of who signs in on screen, with one of the passwords they know, and their telephone's code."""
    person = _account(email)
    assert person is not None
    password = next(one for one in known if passwords.matches(person.password, one))
    client = app.test_client()
    answer = answered(client.post("/login/", data={"username": email, "password": password}))
    assert answer.status_code == 302, answer.text
    if answer.headers["Location"].startswith("/login/code"):
        answer = answered(client.post("/login/code", data={"code": _code(email)}))
        if answer.status_code == 422:  # it was taken, and the answer was lost: the telephone shows another one soon
            raise Unanswered(422, second_factor.STEP)
    assert answer.status_code == 302, answer.text
    return client


def _code(email: str) -> str:
    """Return what a person's telephone shows."""
    row = db.session.get_one(SecondFactor, person_id(email), populate_existing=True)
    return pyotp.TOTP(vault.decrypt(second_factor.USE, row.secret)).at(clock.machine_now())


def _through(client: FlaskClient, paths: Sequence[str], data: dict[str, str]) -> bool:
    """Send a form to links, one after the other; tell whether one of them took it."""
    for path in paths:
        answer = answered(client.post(path, data=data))
        if answer.status_code == 302:
            return True
        assert answer.status_code == 404, answer.text  # used before
    return False


def _sign_up(app: Flask) -> Sequence[Act]:
    batch = registered(PIERRE).id
    account_invitations.invite(batch, 1, DRIVER, person_id())
    drain()

    def ask() -> None:
        [link] = set(links(DRIVER, r"inscription/\?invitation="))
        form = {**_IDENTITY, "email": DRIVER, "password": CHOSEN, "consent": "y", "invitation": link.partition("=")[2]}
        assert answered(app.test_client().post(link, data=form)).headers["Location"] == "/inscription/message"

    def confirm() -> None:
        if _account(DRIVER) is None:
            _through(app.test_client(), links(DRIVER, "inscription/"), {"password": CHOSEN})

    def look() -> None:
        page = answered(signed_in(app, DRIVER, CHOSEN).get("/mon-espace/"))
        assert "FIMO Marchandises" in page.text, "the account is not linked to the driver"

    return ask, work_off, confirm, *((*_MINUTES, confirm) * 2), work_off, look


def _proving(app: Flask) -> Sequence[Act]:
    registered(PIERRE)
    born = parse_date(PIERRE["birth_date"])
    assert born is not None
    opening.sign_up(
        Applicant(PIERRE["last_name"], "Pierre", born, PIERRE["permit_number"], DRIVER), CHOSEN, "192.0.2.1"
    )
    drain()
    _through(app.test_client(), links(DRIVER, "inscription/"), {"password": CHOSEN})
    client, agent = at_the_desk(app, DRIVER), at_the_desk(app, AGENT)
    picture = cards.picture(900, 600).read()

    def send() -> None:
        sent = {"proof": "document", "document": (io.BytesIO(picture), "piece.jpg")}
        answer = answered(client.post("/mon-espace/identite/", data=sent))
        if answer.status_code == 422:  # nothing drew it anew, or kept it: the person sends it again
            raise Unanswered(422)
        assert answer.status_code == 302

    def accept() -> None:
        db.session.rollback()
        query = select(IdentityCheck.id).where(IdentityCheck.state.in_((WAITING, ACCEPTED)))
        address = f"/a-traiter/identites/{db.session.execute(query).scalar_one()}"
        answered(agent.get(address))
        answered(agent.get(f"{address}/piece"))
        assert answered(agent.post(f"{address}/accepter")).status_code == 302
        query = select(Driver.id).where(Driver.person_id == person_id(DRIVER))
        assert db.session.scalar(query), "the account is not linked to the driver"

    return send, send, accept, accept, work_off


def _joining(app: Flask) -> Sequence[Act]:
    invitations.invite(centre_id(), NEWCOMER, "manager", person_id(LEGAL))
    drain()
    form = {"last_name": "Roux", "first_name": "Ines", "password": CHOSEN, "again": CHOSEN}

    def accept() -> None:
        if _account(NEWCOMER) is None:
            assert _through(app.test_client(), links(NEWCOMER, "invitation/"), form), "the invitation is spent"

    def look() -> None:
        query = select(Membership.role).where(Membership.person_id == person_id(NEWCOMER))
        assert db.session.execute(query).scalars().all() == ["manager"]
        assert answered(signed_in(app, NEWCOMER, CHOSEN).get("/mon-centre/")).status_code == 200

    return accept, accept, work_off, look


def _second_factor(app: Flask) -> Sequence[Act]:
    address = "/mon-profil/double-authentification/"

    def turn_on() -> None:
        client = signed_in(app, LEGAL, PASSWORD)
        if "Elle est activée" in answered(client.get(address)).text:
            return
        answer = answered(client.post(address, data={"password": PASSWORD, "code": _code(LEGAL)}))
        assert "Codes de secours" in answer.text, answer.text

    def look() -> None:
        assert answered(signed_in(app, LEGAL, PASSWORD, ANOTHER).get("/mon-centre/")).status_code == 200

    def forget() -> None:
        answer = answered(app.test_client().post("/mot-de-passe/", data={"email": LEGAL}))
        assert answer.headers["Location"] == "/mot-de-passe/message"

    def choose() -> None:
        person = _account(LEGAL)
        if person is not None and not passwords.matches(person.password, ANOTHER):
            _through(app.test_client(), links(LEGAL, "mot-de-passe/"), {"password": ANOTHER, "again": ANOTHER})

    def changed() -> None:
        person = _account(LEGAL)
        assert person is not None
        assert passwords.matches(person.password, ANOTHER), "the password is the old one"
        look()

    resetting = (forget, work_off, choose, *((wait, choose) * 3))
    return turn_on, wait, turn_on, wait, look, *resetting, wait, changed


#: Who signs in and is not answered does so again; what the telephone showed was taken.
_SIGN_INS = frozenset({"journal", "journal_link", "journal:sign_in.*", "journal:second_factor.refused"})
#: Who asks again and again is told to wait, which is counted.
_WAITS = frozenset({"refused_request"})
_LINKS = _WAITS | {"account_link", "mail"}
DAYS = (
    #: Who asks again for a link gets another one; the sign-up that is not confirmed is forgotten after days.
    Scenario("sign-up", _sign_up, leaves=_SIGN_INS | _LINKS | {"sign_up", "mail:confirm:*"}),
    #: Who sends a picture again replaces it.
    Scenario(
        "proving",
        _proving,
        leaves=_WAITS | {"identity_check", "journal", "journal_link", "journal:identity.asked"},
    ),
    Scenario("joining", _joining, leaves=_SIGN_INS),
    Scenario("second factor", _second_factor, leaves=_SIGN_INS | _LINKS | {"mail:reset:*"}),
)
