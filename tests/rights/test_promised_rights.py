"""Rights given with an invitation, the mails about rights, and « demander ce droit »: what they say is what happened."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.extensions import db
from app.models import Accreditation, Mail, MemberInvitation, Membership, Person
from app.models.centre import API, INVOICES, LEGAL_REPRESENTATIVE, MANAGER, REGISTER, RIGHTS
from app.services.core import clock, links
from app.services.core.refusal import Refusal
from app.services.rights import invitations as member_invitations
from app.services.rights import mail as member_mail
from app.services.rights import members, wishes
from app.services.rights.granting import Grant
from app.services.rights.invitations import Newcomer
from tests.bases import UNDER_THE_ROLE
from tests.support import centre_id, drain, person_id

BACKENDS = UNDER_THE_ROLE
AGENT, LEGAL, WITHOUT = (f"{name}@demo.example" for name in ("agent", "representant", "sansdroit"))
NEW = "camille.roche@mail.example"
NEWCOMER = Newcomer("Camille", "Roche", "girafe-lampe-nuage-72")
SignIn = Callable[..., FlaskClient]


def accreditation(number: str = "TP-2020-0457") -> int:
    return db.session.execute(select(Accreditation.id).where(Accreditation.number == number)).scalar_one()


def wanted() -> dict[str, Grant]:
    return {REGISTER: Grant(frozenset({accreditation()}), date(2022, 6, 30)), INVOICES: Grant()}


def invited(rights: dict[str, Grant] | None = None, by: str = LEGAL) -> str:
    member_invitations.invite(centre_id(), NEW, MANAGER, person_id(by), rights)
    row = db.session.execute(select(MemberInvitation).order_by(MemberInvitation.id.desc())).scalars().first()
    assert row
    return links.token("member", row.nonce)


def place_of(person: int) -> Membership:
    query = select(Membership).where(Membership.person_id == person, Membership.centre_id == centre_id())
    return db.session.execute(query.execution_options(populate_existing=True)).scalar_one()


@pytest.fixture
def letters(app: Flask) -> Callable[[], dict[str, list[str]]]:
    """Send what is due, and give recipient → the texts of the mails sent since the last time."""
    folder, seen = Path(app.config["DATA_DIR"]) / "mails", set[str]()
    seen |= {path.name for path in folder.glob("*.eml")} if folder.is_dir() else set()

    def read() -> dict[str, list[str]]:
        drain()
        found: dict[str, list[str]] = {}
        for path in sorted(folder.glob("*.eml"), key=lambda one: one.stat().st_mtime):
            if path.name in seen:
                continue
            seen.add(path.name)
            message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            text = message.get_body(("plain",)).get_content()  # type: ignore[union-attr, attr-defined]
            found.setdefault(str(message["To"]), []).append(" ".join(text.split()))
        return found

    return read


def test_rights_given_with_an_invitation_hold_from_its_acceptance_and_the_representative_is_told(
    app: Flask, letters: Callable[[], dict[str, list[str]]]
) -> None:
    link = invited(wanted())
    [letter] = letters()[NEW]
    assert "Enregistrement de sessions, pour l’agrément TP-2020-0457, jusqu’au 30/06/2022" in letter
    assert "Factures" in letter
    person = member_invitations.accept_new(link, NEWCOMER)
    held = members.grants(place_of(person.id))
    assert set(held) == {REGISTER, INVOICES}
    assert [one.number for one in held[REGISTER].accreditations] == ["TP-2020-0457"]
    assert (held[REGISTER].ends_on, held[REGISTER].granted_by_id) == (date(2022, 6, 30), person_id(LEGAL))
    told = letters()
    assert set(told) == {LEGAL}
    [letter] = told[LEGAL]
    assert "Camille Roche (camille.roche@mail.example) a accepté l’invitation" in letter
    assert "Droits accordés avec l’invitation : Enregistrement de sessions, pour l’agrément TP-2020-0457" in letter
    assert "non accordés" not in letter


def test_without_rights_the_mails_say_that_none_is_granted(
    app: Flask, letters: Callable[[], dict[str, list[str]]]
) -> None:
    link = invited()
    assert "Droits" not in letters()[NEW][0]
    person = member_invitations.accept_new(link, NEWCOMER)
    assert place_of(person.id).rights == []
    [letter] = letters()[LEGAL]
    assert "Aucun droit ne lui a été accordé avec l’invitation" in letter
    assert "Droits accordés" not in letter


@pytest.mark.parametrize("why", ["the day is past", "who invited acts no more"])
def test_what_can_be_granted_no_more_is_not_granted_and_said(
    app: Flask, letters: Callable[[], dict[str, list[str]]], monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    by = LEGAL if why == "the day is past" else AGENT
    link = invited({REGISTER: Grant(None, clock.today()), INVOICES: Grant()}, by=by)
    letters()
    if by == LEGAL:
        later = clock.today() + timedelta(days=1)
        monkeypatch.setattr(clock, "today", lambda: later)
    else:
        db.session.execute(update(Person).where(Person.username == AGENT).values(active=False))
        db.session.commit()
    person = member_invitations.accept_new(link, NEWCOMER)
    held = members.grants(place_of(person.id))
    assert set(held) == ({INVOICES} if by == LEGAL else set())
    [letter] = letters()[LEGAL]
    assert "Prévus et non accordés" in letter
    left = letter.partition("ne peut plus les accorder")[2]
    assert "Enregistrement de sessions" in left
    assert ("Factures" in left) == (by == AGENT)


def test_a_promise_is_judged_as_a_grant_is(app: Flask) -> None:
    other = db.session.execute(select(Accreditation.id).where(Accreditation.centre_id != centre_id())).scalars().first()
    assert other
    for rights in (
        {REGISTER: Grant(frozenset({other}))},
        {REGISTER: Grant(frozenset())},
        {REGISTER: Grant(None, clock.today() - timedelta(days=1))},
        {INVOICES: Grant(frozenset({accreditation()}))},
        {"everything": Grant()},
    ):
        with pytest.raises(Refusal):
            invited(rights)
    with pytest.raises(Refusal, match="tous les droits"):
        member_invitations.invite(centre_id(), NEW, LEGAL_REPRESENTATIVE, person_id(AGENT), {REGISTER: Grant()})
    assert db.session.query(MemberInvitation).count() == 0


def test_a_manager_is_told_what_was_granted_and_what_was_withdrawn(
    app: Flask, letters: Callable[[], dict[str, list[str]]]
) -> None:
    place = place_of(person_id(WITHOUT))
    members.set_rights(centre_id(), place.id, {REGISTER: Grant(), API: Grant()}, person_id(LEGAL))
    [letter] = letters()[WITHOUT]
    assert "Accordés : Enregistrement de sessions ; " in letter
    assert "Retirés" not in letter
    members.set_rights(centre_id(), place.id, {REGISTER: Grant(None, date(2022, 3, 1))}, person_id(LEGAL))
    [letter] = letters()[WITHOUT]
    assert "Accordés : Enregistrement de sessions, jusqu’au 01/03/2022." in letter
    assert f"Retirés : {RIGHTS[API]}." in letter
    members.set_rights(centre_id(), place.id, {REGISTER: Grant(None, date(2022, 3, 1))}, person_id(LEGAL))
    assert letters() == {}
    members.end(centre_id(), place.id, person_id(LEGAL))
    [letter] = letters()[WITHOUT]
    assert "Vous n’intervenez plus pour Centre de formation Démo" in letter


def test_a_closed_account_is_told_nothing(app: Flask, letters: Callable[[], dict[str, list[str]]]) -> None:
    db.session.execute(update(Person).where(Person.username == WITHOUT).values(active=False))
    db.session.commit()
    place = place_of(person_id(WITHOUT))
    members.set_rights(centre_id(), place.id, {REGISTER: Grant()}, person_id(LEGAL))
    assert letters() == {}


def test_a_right_is_asked_for_once_a_day_of_the_representatives_by_name(
    app: Flask, client: FlaskClient, sign_in: SignIn, letters: Callable[[], dict[str, list[str]]]
) -> None:
    browser = sign_in(client, WITHOUT)
    page = browser.get("/mes-conducteurs/list/")
    assert "Demander ce droit" in page.text
    assert "<strong>Représentant Démo</strong>" in page.text
    page = browser.post("/mon-centre/demander-un-droit", data={"right": REGISTER}, follow_redirects=True)
    assert "Votre demande part par courriel à Représentant Démo." in page.text
    for address in ("/mes-conducteurs/list/", "/sessions/"):
        page = browser.get(address)
        assert "Vous avez demandé ce droit aujourd’hui, par courriel, à Représentant Démo." in page.text
        assert "Demander ce droit</button>" not in page.text
    assert "Demander ce droit</button>" in browser.get("/mes-formateurs/list/").text
    page = browser.post("/mon-centre/demander-un-droit", data={"right": REGISTER}, follow_redirects=True)
    assert "Vous avez déjà demandé ce droit aujourd’hui" in page.text
    told = letters()
    assert set(told) == {LEGAL}
    [letter] = told[LEGAL]
    assert "(sansdroit@demo.example), qui intervient pour Centre de formation Démo" in letter
    assert "demande le droit « enregistrement de sessions »" in letter
    assert "Rien n’est accordé" in letter
    place = place_of(person_id(WITHOUT))
    assert f"/mon-centre/droits/{place.id}" in letter
    assert members.grants(place) == {}


def test_what_cannot_be_asked_for_is_said(app: Flask, client: FlaskClient, sign_in: SignIn) -> None:
    browser = sign_in(client, WITHOUT)
    for right in ("", "everything"):
        page = browser.post("/mon-centre/demander-un-droit", data={"right": right}, follow_redirects=True)
        assert "Ce droit n’existe pas." in page.text
    with pytest.raises(Refusal, match="déjà accordé"):
        wishes.ask(place_of(person_id("gestionnaire@demo.example")), REGISTER)
    db.session.execute(update(Person).where(Person.username == LEGAL).values(active=False))
    db.session.commit()
    assert "n’a pas de représentant légal à qui demander" in browser.get("/mes-conducteurs/list/").text
    page = browser.post("/mon-centre/demander-un-droit", data={"right": REGISTER}, follow_redirects=True)
    assert "n’a pas de représentant légal à qui demander" in page.text
    assert db.session.query(Mail).filter(Mail.kind == member_mail.ASKED).count() == 0


def test_the_form_to_invite_takes_rights_and_keeps_them_when_it_is_refused(
    client: FlaskClient, sign_in: SignIn
) -> None:
    browser = sign_in(client, LEGAL)
    sent = {"register": "choix", "register-agrements": str(accreditation()), "register-fin": "30/06/2022"}
    page = browser.post("/mon-centre/droits/inviter", data={"email": "non", **sent})
    assert page.status_code == 422
    assert 'value="30/06/2022"' in page.text
    assert '<details class="rightsfold" open>' in page.text
    page = browser.post("/mon-centre/droits/inviter", data={"email": NEW, **sent, "register-fin": "32/13/2022"})
    assert "la date s’écrit JJ/MM/AAAA" in page.text
    page = browser.post("/mon-centre/droits/inviter", data={"email": NEW, **sent}, follow_redirects=True)
    assert "Droits à l’acceptation : Enregistrement de sessions, pour l’agrément TP-2020-0457" in page.text
    row = db.session.execute(select(MemberInvitation)).scalar_one()
    browser.post("/logout/")
    page = browser.get(f"/invitation/{links.token('member', row.nonce)}")
    assert "Droits prévus : Enregistrement de sessions, pour l’agrément TP-2020-0457, jusqu’au 30/06/2022." in page.text


def test_what_became_of_each_invitation_is_said_states_mixed(client: FlaskClient, sign_in: SignIn) -> None:
    browser = sign_in(client, LEGAL)
    for at in range(3):
        page = browser.post("/mon-centre/droits/inviter", data={"email": f"n{at}@mail.example"}, follow_redirects=True)
        assert f"Une invitation part à l’adresse n{at}@mail.example." in page.text
        assert "Courriel parti" not in page.text
        assert "est envoyée" not in page.text
    drain()
    query = select(MemberInvitation).order_by(MemberInvitation.id)
    _, again, refused = db.session.execute(query).scalars()
    for one in (again, refused):
        state = "refused" if one is refused else "sent"
        db.session.execute(update(Mail).where(Mail.recipient == one.email).values(state=state))
    db.session.commit()
    page = browser.post(f"/mon-centre/droits/invitations/{again.id}/renvoyer", follow_redirects=True)
    assert "L’invitation repart à l’adresse n1@mail.example. Le lien précédent ne sert plus." in page.text
    listed = page.text[page.text.index('id="t-invitations"') :]
    told = [" ".join(part.split()) for part in listed.split('<p class="list__title">')[1:4]]
    assert [part.partition("<")[0] for part in told] == ["n2@mail.example", "n1@mail.example", "n0@mail.example"]
    assert "Courriel refusé par la messagerie" in told[0]
    assert "Courriel en cours d’envoi" in told[1]
    assert "Courriel parti le" in told[2]
    assert [part.count("Courriel") for part in told] == [1, 1, 1]
