"""The demonstration with a row of each kind, a browser for each kind of person and a key for each scope; and every address
asked by each of them, by every method.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import select, update
from werkzeug.datastructures import Headers
from werkzeug.routing import Rule
from werkzeug.test import Client, TestResponse

from app.extensions import db
from app.models import Membership, MembershipRight, Person
from app.models.centre import LEGAL_REPRESENTATIVE, RIGHTS
from app.services.api import keys as api_keys
from app.services.api.keys import NewKey
from app.services.core import clock
from app.views.shell.looking import HeadAsGet
from tests.backends import Sqlite, never_wait_for_the_disk
from tests.conftest import PASSWORD
from tests.support import centre_id, person_id

from .rows import NEIGHBOUR, body_of, make_rows

#: Column of the table → whose browser asks. All rows named in the addresses are the demonstration centre's.
PEOPLE = {
    "anonymous": "",
    "driver": "conducteur@demo.example",
    "manager": "gestionnaire@demo.example",
    "no-right": "sansdroit@demo.example",
    "legal": "representant@demo.example",
    "agent": "agent@demo.example",
    "closed": "leroy@demo.example",
    "neighbour": "voisin@demo.example",
}
#: Column of the API's table → scopes of the key that calls; « revoked » and « neighbour » hold them all.
KEYS = {
    "no-key": (),
    "read": ("read",),
    "analyse": ("analyse",),
    "register": ("register",),
    "correct": ("correct",),
    "invoices": ("invoices",),
    "revoked": ("read", "analyse", "register", "correct", "invoices"),
    "neighbour": ("read", "analyse", "register", "correct", "invoices"),
}


class Base:
    """The base as it was seeded; whatever a request changed is put back before the next one."""

    def __init__(self, file: Path) -> None:
        self._live, self._kept = sqlite3.connect(file), sqlite3.connect(":memory:")
        never_wait_for_the_disk(self._live)
        self._live.backup(self._kept)
        self._version = self._changes()

    def restore(self) -> None:
        """Put the rows back, where another connection has written."""
        if self.is_changed():
            self._kept.backup(self._live)
            self._version = self._changes()

    def is_changed(self) -> bool:
        """Tell whether another connection has written."""
        return bool(self._changes() != self._version)

    def _changes(self) -> Any:
        return self._live.execute("PRAGMA data_version").fetchone()


@dataclass(frozen=True)
class Visit:
    """One request and what came of it."""

    rule: Rule
    who: str
    #: GET, HEAD, OPTIONS or POST; « straight HEAD » is one that the border let through to the screens.
    method: str
    status: int
    headers: Headers
    #: Of the body, in bytes.
    size: int
    #: Tables whose rows are no longer those of before; they are put back. A POST may write, and is not looked at.
    written: frozenset[str]


STRAIGHT = "straight HEAD"


class World:
    """A fresh demonstration with a row and a live link of each kind, and everybody's browser and key."""

    def __init__(self, app: Flask, file: Path) -> None:
        self.app, self.rows = app, make_rows(app)
        grant_all()
        self.cookies = {column: sign_in(app, email) for column, email in PEOPLE.items()}
        self.keys = {column: _key(column, scopes) for column, scopes in KEYS.items()}
        _close(PEOPLE["closed"])
        db.session.remove()
        self.base, self._file = Base(file), sqlite3.connect(file)
        names = self._file.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        self._tables = [name for (name,) in names]
        self._before = self._all()
        self._screens = _behind_the_border(app)

    def visits(self, rule: Rule, *methods: str) -> Iterator[Visit]:
        """Ask for an address as everybody, or by every key where it is a call, by each of the methods that it answers."""
        address, is_call = self.address(rule), is_api(rule)
        for who in self.keys if is_call else self.cookies:
            headers = _bearer(self.keys[who]) if is_call else _cookie(self.cookies[who])
            for method in methods:
                if method in ("HEAD", "OPTIONS", STRAIGHT) or method in (rule.methods or ()):
                    answer = self.open(rule, method, headers, address)
                    written = frozenset[str]() if method == "POST" else self.changed()
                    self.base.restore()
                    yield Visit(rule, who, method, answer.status_code, answer.headers, len(answer.data), written)

    def rules(self) -> list[Rule]:
        """Return all addresses, in an order that stays."""
        return sorted(self.app.url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint))

    def address(self, rule: Rule) -> str:
        """Return the address of a rule with the rows it names."""
        with self.app.test_request_context():
            return self.rows.url(rule)

    def open(self, rule: Rule, method: str, headers: dict[str, str], address: str = "") -> TestResponse:
        """Send one request, by way of the border or straight to the screens."""
        sent = body_of(rule.endpoint, "POST" if method == "POST" else "GET", self.rows)
        sent["headers"] = {**headers, **sent.get("headers", {})}
        client: Client = self.app.test_client(use_cookies=False)
        if method == STRAIGHT:
            client, method = Client(self._screens, TestResponse, use_cookies=False), "HEAD"
        return client.open(address or self.address(rule), method=method, buffered=True, **sent)

    def changed(self) -> frozenset[str]:
        """Return the tables whose rows are no longer those of the beginning, which are put back."""
        if not self.base.is_changed():
            return frozenset()
        now = self._all()
        self.base.restore()
        return frozenset(name for name in self._tables if now[name] != self._before[name])

    def _all(self) -> dict[str, list[Any]]:
        return {name: self._file.execute(f'SELECT * FROM "{name}"').fetchall() for name in self._tables}


def _behind_the_border(app: Flask) -> Any:
    border: Any = app.wsgi_app
    while not isinstance(border, HeadAsGet):
        border = border.screens  # what stands before it, each in front of another
    return border.screens


def is_api(rule: Rule) -> bool:
    """Tell whether an address is a call of the API."""
    return rule.rule.startswith("/api/v1/")


@contextlib.contextmanager
def demonstration(folder: Path) -> Iterator[tuple[Flask, Path]]:
    """Give the application on a demonstration base of its own, and that base's file."""
    backend = Sqlite(folder)
    with backend.app.app_context():
        yield backend.app, backend.file
        db.session.remove()
    backend.close()


def _cookie(cookie: str) -> dict[str, str]:
    return {"Cookie": cookie} if cookie else {}


def _bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"} if key else {}


def sign_in(app: Flask, email: str) -> str:
    """Return the cookie of a browser in which somebody has signed in; nobody: none."""
    if not email:
        return ""
    client = app.test_client()
    client.post("/login/", data={"username": email, "password": PASSWORD})
    cookie = client.get_cookie("session")
    assert cookie is not None, f"{email} could not sign in"
    assert client.get("/mon-profil/").status_code == 200, f"{email} could not sign in"
    return f"session={client.get_cookie('session').value}"  # type: ignore[union-attr]


def grant_all() -> None:
    """Give every right to the manager « with rights » and to the person whose account is closed.

    The neighbour becomes the other centre's legal representative: what is refused is refused for the centre's sake.
    """
    closed = Membership(person_id=person_id(PEOPLE["closed"]), centre_id=centre_id(), role="manager")
    db.session.add(closed)
    db.session.flush()
    db.session.execute(
        update(Membership)
        .where(Membership.person_id == person_id(PEOPLE["neighbour"]))
        .values(role=LEGAL_REPRESENTATIVE)
    )
    everybody = [PEOPLE["manager"], PEOPLE["closed"]]
    places = select(Membership).join(Membership.person).where(Person.username.in_(everybody))
    for place in db.session.execute(places).scalars().all():
        held = {granted.right for granted in place.rights}
        db.session.add_all(
            MembershipRight(membership_id=place.id, right=right, granted_at=clock.now())
            for right in RIGHTS.keys() - held
        )
    manager = db.session.get_one(Person, person_id(PEOPLE["manager"]))
    former = db.session.get_one(Person, closed.person_id)
    former.roles = [*former.roles, *manager.roles]
    db.session.commit()


def _close(email: str) -> None:
    """Close an account as it stands, its cookie still in the browser."""
    db.session.get_one(Person, person_id(email)).active = False
    db.session.commit()


def _key(column: str, scopes: tuple[str, ...]) -> str:
    if not scopes:
        return ""
    siret = NEIGHBOUR if column == "neighbour" else "12345678200010"
    key = api_keys.issue(siret, NewKey(column, scopes))
    if column == "revoked":
        api_keys.revoke(centre_id(), api_keys.keys(centre_id())[0].id, person_id(PEOPLE["legal"]))
    return key
