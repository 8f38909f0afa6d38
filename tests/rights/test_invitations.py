"""Invitations to act for a centre: one use, seven days, for the invited address alone; nothing is told of it."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select, update

from app import roles
from app.extensions import db
from app.models import Mail, MemberInvitation, Membership, Person
from app.models.centre import LEGAL_REPRESENTATIVE, MANAGER
from app.services.accounts import passwords
from app.services.core import clock, links, throttle
from app.services.core.refusal import Refusal
from app.services.rights import access, members
from app.services.rights import invitations as member_invitations
from app.services.rights.invitations import Newcomer
from tests.bases import on_both
from tests.support import centre_id, drain, person_id

AGENT, REPRESENTATIVE = "agent@demo.example", "representant@demo.example"
NEW = "camille.roche@mail.example"
NEWCOMER = Newcomer("Camille", "Roche", "girafe-lampe-nuage-72")


def invite(address: str = NEW, role: str = MANAGER, by: str = REPRESENTATIVE, centre: int = 0) -> str:
    member_invitations.invite(centre or centre_id(), address, role, person_id(by))
    return token()


def row() -> MemberInvitation:
    query = select(MemberInvitation).order_by(MemberInvitation.id.desc()).limit(1)
    return db.session.execute(query.execution_options(populate_existing=True)).scalar_one()


def token() -> str:
    return links.token("member", row().nonce)


def place(person: int) -> Membership:
    query = select(Membership).where(Membership.person_id == person, Membership.centre_id == centre_id())
    return db.session.execute(query.execution_options(populate_existing=True)).scalar_one()


def run_out() -> None:
    db.session.execute(update(MemberInvitation).values(expires_at=clock.machine_now() - timedelta(seconds=1)))
    db.session.commit()


@on_both
def test_a_newcomer_accepts_with_an_account_of_the_invited_address(app: Flask) -> None:
    link = invite(f"  {NEW.upper()} ")
    drain()
    [letter] = [path.read_text() for path in (Path(app.config["DATA_DIR"]) / "mails").glob("*.eml")]
    assert f"To: {NEW}" in letter
    assert re.search(r"/invitation/", letter)
    person = member_invitations.accept_new(link, NEWCOMER)
    assert (person.email, [role.name for role in person.roles]) == (NEW, [roles.CENTRE])
    assert passwords.matches(person.password, NEWCOMER.password)
    assert (place(person.id).role, place(person.id).rights) == (MANAGER, [])
    for again in (lambda: member_invitations.accept_new(link, NEWCOMER), lambda: member_invitations.find(link)):
        with pytest.raises(links.LinkSpent):
            again()
    assert member_invitations.waiting(centre_id()) == []


@on_both
def test_a_person_with_an_account_serves_two_centres(app: Flask) -> None:
    neighbour = person_id("voisin@demo.example")
    link = invite("Voisin@demo.example")
    assert member_invitations.accept(link, neighbour).centre_id == centre_id()
    assert len(access.memberships(neighbour)) == 2


def test_a_driver_may_work_for_a_centre(app: Flask) -> None:
    driver = person_id("conducteur@demo.example")
    member_invitations.accept(invite("conducteur@demo.example"), driver)
    names = {role.name for role in db.session.get_one(Person, driver).roles}
    assert names == {roles.DRIVER, roles.CENTRE}


def test_the_same_is_written_whether_or_not_there_is_an_account(app: Flask) -> None:
    for address in (NEW, "conducteur@demo.example", AGENT):
        invite(address)
    kinds = list(db.session.execute(select(Mail.kind, Mail.recipient).order_by(Mail.id)))
    assert kinds == [("member", NEW), ("member", "conducteur@demo.example"), ("member", AGENT)]


def test_it_is_for_the_invited_address_alone(app: Flask) -> None:
    link = invite()
    with pytest.raises(member_invitations.AnotherPersons):
        member_invitations.accept(link, person_id("voisin@demo.example"))
    with pytest.raises(Refusal, match="n’intervient pas pour un centre"):
        member_invitations.accept(invite(AGENT), person_id(AGENT))
    assert member_invitations.find(link).email == NEW


def test_an_address_with_an_account_opens_no_second_one(app: Flask) -> None:
    link = invite("conducteur@demo.example")
    with pytest.raises(Refusal, match="connectez-vous"):
        member_invitations.accept_new(link, NEWCOMER)


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("girafe-lamp", passwords.TOO_SHORT), ("x" * 257, passwords.TOO_LONG), ("motdepasse1234", passwords.COMMON),
        ("Camille-Roche!", passwords.KNOWN), ("registre-cqc-2022", passwords.KNOWN),
    ],
)  # fmt: skip
def test_a_newcomer_s_password_obeys_the_rule_of_all(app: Flask, password: str, why: str) -> None:
    link = invite()
    with pytest.raises(passwords.WeakPassword) as refusal:
        member_invitations.accept_new(link, Newcomer("Camille", "Roche", password))
    assert refusal.value.message == why
    assert member_invitations.find(link).email == NEW


@on_both
def test_after_seven_days_it_is_worthless_until_sent_again(app: Flask) -> None:
    link = invite()
    assert timedelta(days=7) - (row().expires_at - clock.machine_now()) < timedelta(minutes=1)
    run_out()
    with pytest.raises(links.LinkSpent):
        member_invitations.accept_new(link, NEWCOMER)
    assert member_invitations.has_run_out(row())
    member_invitations.resend(centre_id(), row().id, person_id(REPRESENTATIVE))
    with pytest.raises(links.LinkSpent):
        member_invitations.find(link)
    assert member_invitations.accept_new(token(), NEWCOMER).email == NEW


def test_a_mail_of_a_link_replaced_meanwhile_bears_no_link(app: Flask) -> None:
    invite()
    member_invitations.resend(centre_id(), row().id, person_id(REPRESENTATIVE))
    drain()
    letters = [path.read_text() for path in (Path(app.config["DATA_DIR"]) / "mails").glob("*.eml")]
    assert sorted("/invitation/" in letter for letter in letters) == [False, True]


@on_both
def test_cancelled_it_is_worthless_and_may_be_made_anew(app: Flask) -> None:
    link = invite()
    with pytest.raises(member_invitations.AlreadyInvited):
        invite()
    member_invitations.cancel(centre_id(), row().id, person_id(REPRESENTATIVE))
    with pytest.raises(links.LinkSpent):
        member_invitations.find(link)
    with pytest.raises(links.LinkSpent):
        member_invitations.resend(centre_id(), row().id, person_id(REPRESENTATIVE))
    assert member_invitations.find(invite()).email == NEW


@pytest.mark.parametrize("by", ["gestionnaire@demo.example", "voisin@demo.example", "conducteur@demo.example"])
def test_only_representatives_and_agents_invite(app: Flask, by: str) -> None:
    invite()
    for act in (
        lambda: invite("autre@mail.example", by=by),
        lambda: member_invitations.resend(centre_id(), row().id, person_id(by)),
        lambda: member_invitations.cancel(centre_id(), row().id, person_id(by)),
    ):
        with pytest.raises(access.NotAllowed):
            act()


def test_only_agents_name_representatives(app: Flask) -> None:
    with pytest.raises(access.NotAllowed, match="nomme un représentant légal"):
        invite(role=LEGAL_REPRESENTATIVE)
    link = invite("sansdroit@demo.example", LEGAL_REPRESENTATIVE, AGENT)
    for act in (member_invitations.resend, member_invitations.cancel):
        with pytest.raises(access.NotAllowed):
            act(centre_id(), row().id, person_id(REPRESENTATIVE))
    person = person_id("sansdroit@demo.example")
    assert member_invitations.accept(link, person).role == LEGAL_REPRESENTATIVE
    with pytest.raises(Refusal, match="déjà pour ce centre"):
        invite("sansdroit@demo.example")


def test_another_centre_s_invitation_is_out_of_reach(app: Flask) -> None:
    invite(by=AGENT, centre=centre_id("98765432400019"))
    with pytest.raises(Refusal, match="concerne un autre centre"):
        member_invitations.cancel(centre_id(), row().id, person_id(REPRESENTATIVE))


@on_both
def test_who_left_comes_back_without_the_old_rights(app: Flask) -> None:
    person = person_id()
    members.end(centre_id(), place(person).id, person_id(REPRESENTATIVE))
    member_invitations.accept(invite("gestionnaire@demo.example"), person)
    assert place(person).valid_to is None
    assert members.grants(place(person)) == {}


@pytest.mark.parametrize("typed", ["", "sans-arobase", "a@b", "deux@mots .fr", "x" * 130 + "@mail.example"])
def test_a_bad_address_is_said(app: Flask, typed: str) -> None:
    with pytest.raises(Refusal, match="Saisissez une adresse électronique"):
        invite(typed)


@on_both
def test_one_address_is_not_flooded(app: Flask) -> None:
    invite()

    def flood() -> None:
        for _ in range(6):
            member_invitations.resend(centre_id(), row().id, person_id(REPRESENTATIVE))

    with pytest.raises(throttle.TooOften):
        flood()
