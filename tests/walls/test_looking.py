"""Looking is not acting: HEAD and OPTIONS change nothing anywhere, and GET writes at most that it was read."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.routing import Rule
from werkzeug.test import Client, TestResponse

from app.extensions import db
from app.models import Person
from app.views.shell.looking import HeadAsGet

from . import access
from .rows import body_of, make_rows

#: What a GET may write: that a list, a copy of one's data or what a driver lent left the register,
#: a secret offered and not yet in force.
NOTED_BY_GET = {
    "export": {"journal"}, "OwnDataView.fetch": {"journal"}, "InvoicesView.workbook": {"journal"},
    "SecondFactorView.index": {"second_factor"}, "lent.show": {"lent_look", "attempt"},
    "lent.document": {"lent_look", "attempt"},
}  # fmt: skip
#: Statuses of what is refused, and counted as such.
REFUSED = (401, 403, 429)
#: Addresses that mails bear; each must be as good after a look as before.
LINKS = ("account.confirm", "password.choose", "address.confirm", "member_invitation.accept")
#: Headers that differ from one answer to the next.
VARYING = {
    "Content-Security-Policy",
    "Set-Cookie",
    "X-Request-Id",
    "X-Trace-Id",
    "Date",
    "Expires",
    "RateLimit-Remaining",
    "RateLimit-Reset",
}


class World:
    """The demonstration with a row of each kind and a live link of each kind, and everybody's browser."""

    def __init__(self, app: Flask, file: Any) -> None:
        self.app, self.rows = app, make_rows(app)
        access._grant_all()
        self.cookies = {column: access._sign_in(app, email) for column, email in access.PEOPLE.items()}
        self.keys = {column: access._key(column, scopes) for column, scopes in access.KEYS.items()}
        access._close(access.PEOPLE["closed"])
        db.session.remove()
        self.base, self._file = access.Base(file), sqlite3.connect(file)
        names = self._file.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        self._tables = [name for (name,) in names]
        self._before = self._all()

    def asked(self) -> Iterator[tuple[Rule, str, dict[str, str]]]:
        """Yield each address with each person, and each call with each key: the rule, who, the headers."""
        for rule in sorted(self.app.url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint)):
            is_call = access.API.is_about(rule)
            given = access._bearers(self.keys) if is_call else access._cookies(self.cookies)
            for who, headers in zip(self.keys if is_call else self.cookies, given, strict=True):
                yield rule, who, headers

    def address(self, rule: Rule) -> str:
        """Return the address of a rule with the rows it names."""
        with self.app.test_request_context():
            return self.rows.url(rule)

    def open(self, rule: Rule, method: str, headers: dict[str, str], screens: Any = None) -> TestResponse:
        """Send one request, by way of the border or straight to the screens."""
        sent = body_of(rule.endpoint, "GET", self.rows)
        client = (
            Client(screens, TestResponse, use_cookies=False) if screens else self.app.test_client(use_cookies=False)
        )
        return client.open(self.address(rule), method=method, headers=headers, buffered=True, **sent)

    def changed(self) -> set[str]:
        """Return the tables whose rows are no longer those of the beginning, which are put back."""
        if self.base._changes() == self.base._version:
            return set()
        now = self._all()
        self.base.restore()
        return {name for name in self._tables if now[name] != self._before[name]}

    def _all(self) -> dict[str, list[Any]]:
        return {name: self._file.execute(f'SELECT * FROM "{name}"').fetchall() for name in self._tables}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Make it once: whatever a request writes is put back."""
    with access.demonstration(tmp_path_factory.mktemp("looking")) as (app, file):
        yield World(app, file)


def _walk(world: World, method: str, may: Callable[[Rule, int], set[str]], screens: Any = None) -> list[str]:
    """Ask everything by this method; return what was written beyond what it may."""
    told = []
    for rule, who, headers in world.asked():
        response = world.open(rule, method, headers, screens)
        if written := world.changed() - may(rule, response.status_code):
            told.append(f"{method} {rule.endpoint} as {who}: {response.status_code}, wrote {sorted(written)}")
    return told


def _counts_a_call(rule: Rule, status: int) -> set[str]:
    """Return what a request may write that is no act: a call of the API is counted, and so is a request that is refused."""
    called = {"api_key"} if access.API.is_about(rule) else set()
    return called | ({"refused_request"} if status in REFUSED else set())


def _by_get(rule: Rule, status: int) -> set[str]:
    noted = NOTED_BY_GET.get(rule.endpoint) or NOTED_BY_GET.get(rule.endpoint.rpartition(".")[2], set())
    return noted | _counts_a_call(rule, status)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
def test_looking_changes_nothing_anywhere_as_anybody(world: World, method: str) -> None:
    """Calls of the API count, by whatever method they are made: else the limit would not hold."""
    assert _walk(world, method, _counts_a_call) == []


def test_a_screen_acts_by_post_alone_even_if_the_border_let_head_through(world: World) -> None:
    border = world.app.wsgi_app
    while not isinstance(border, HeadAsGet):
        border = border.screens  # type: ignore[attr-defined]  what stands before it, each in front of another
    assert _walk(world, "HEAD", _by_get, border.screens) == []


def test_no_address_takes_other_methods_than_the_four(world: World) -> None:
    for rule in world.app.url_map.iter_rules():
        assert (rule.methods or set()) <= {"GET", "HEAD", "POST", "OPTIONS"}, rule
        assert rule.provide_automatic_options, f"{rule}: OPTIONS is answered before the screen"  # type: ignore[attr-defined]


def test_head_answers_as_get_without_a_body_and_reading_writes_at_most_that_it_was_read(world: World) -> None:
    differ = []
    for rule, who, headers in world.asked():
        if "GET" not in (rule.methods or ()):
            continue
        looked = world.open(rule, "HEAD", headers)
        assert (world.changed() - _counts_a_call(rule, looked.status_code), looked.data) == (set(), b""), (rule, who)
        read = world.open(rule, "GET", headers)
        assert world.changed() - _by_get(rule, read.status_code) == set(), (rule, who)
        said = _said(looked)
        if rule.endpoint == "SecondFactorView.index":  # draws another secret each time
            said[1]["Content-Length"] = read.headers["Content-Length"]
        if said != _said(read):
            differ.append((rule.endpoint, who, said, _said(read)))
    assert not differ, differ


def _said(response: TestResponse) -> tuple[int, dict[str, str]]:
    """Return the status and the headers that do not differ from one answer to the next."""
    return response.status_code, {name: value for name, value in response.headers.items() if name not in VARYING}


@pytest.mark.parametrize("endpoint", LINKS)
def test_a_link_looked_at_by_a_mail_scanner_is_as_good_as_before(world: World, endpoint: str) -> None:
    """Scanners open a link by HEAD, without a cookie, before the person does, and again."""
    rule = next(rule for rule in world.app.url_map.iter_rules() if rule.endpoint == endpoint)
    for method in ("HEAD", "OPTIONS", "HEAD", "GET"):
        response = world.open(rule, method, {})
        assert response.status_code == 200, (endpoint, method)
        assert world.changed() == set()
    assert "<form" in response.text


def test_an_address_is_changed_by_the_button_alone(world: World) -> None:
    rule = next(rule for rule in world.app.url_map.iter_rules() if rule.endpoint == "address.confirm")
    changed = select(func.count()).select_from(Person).where(Person.email == "nouvelle@demo.example")
    for method, found in (("HEAD", 0), ("OPTIONS", 0), ("GET", 0), ("POST", 1)):
        world.open(rule, method, {})
        with world.app.app_context():
            assert db.session.scalar(changed) == found, method
    world.changed()
