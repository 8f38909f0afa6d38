"""Every address with every method, asked as every kind of person; the answers stand in a table that people review.

A new address needs its lines in `access_table.txt` (`api_access_table.txt` for the API). To see the lines that are missing or
that changed, ready to be read and copied: ``python -m tests.walls.access``; ``--write`` puts them into the files, and the
difference is what is reviewed.
"""

from __future__ import annotations

import contextlib
import logging
import re
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import structlog
from flask import Flask
from sqlalchemy import select, update
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.extensions import db
from app.models import Membership, MembershipRight, Person
from app.models.centre import LEGAL_REPRESENTATIVE, RIGHTS
from app.services.api import keys as api_keys
from app.services.api.keys import NewKey
from app.services.core import clock
from tests.backends import Sqlite, never_wait_for_the_disk
from tests.conftest import PASSWORD
from tests.support import centre_id, person_id

from .rows import NEIGHBOUR, body_of, make_rows

FOLDER = Path(__file__).parent
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
SIGN_IN, REFUSED = "sign-in", "refused"


@dataclass(frozen=True)
class Table:
    """A reviewed table: its file, its columns, and the addresses it is about."""

    file: Path
    columns: tuple[str, ...]
    is_about: Callable[[Rule], bool]

    def read(self) -> dict[str, str]:
        """Return endpoint and method → the whole line, its spaces made single."""
        lines = (" ".join(line.split()) for line in self.file.read_text().splitlines() if not line.startswith("#"))
        return {" ".join(line.split()[:2]): line for line in lines if line}

    def write(self, lines: Iterable[str]) -> str:
        """Return lines as the file holds them, aligned under the names of the columns."""
        rows = [["# endpoint", "method", *self.columns, "address"], *(line.split(" ") for line in lines)]
        widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
        return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)

    def keep(self, lines: Iterable[str]) -> None:
        """Write the file anew, its comments kept."""
        told = [line for line in self.file.read_text().splitlines() if line.startswith("#")]
        told = [line for line in told if not line.startswith("# endpoint")]
        self.file.write_text("\n".join([*told, self.write(lines)]) + "\n")


def _is_api(rule: Rule) -> bool:
    return rule.rule.startswith("/api/v1/")


SCREENS = Table(FOLDER / "access_table.txt", tuple(PEOPLE), lambda rule: not _is_api(rule))
API = Table(FOLDER / "api_access_table.txt", tuple(KEYS), _is_api)


class Base:
    """The base as it was seeded; whatever a request changed is put back before the next one."""

    def __init__(self, file: Path) -> None:
        self._live, self._kept = sqlite3.connect(file), sqlite3.connect(":memory:")
        never_wait_for_the_disk(self._live)
        self._live.backup(self._kept)
        self._version = self._changes()

    def restore(self) -> None:
        """Put the rows back, where another connection has written."""
        if self._changes() != self._version:
            self._kept.backup(self._live)
            self._version = self._changes()

    def _changes(self) -> Any:
        return self._live.execute("PRAGMA data_version").fetchone()


def answers(app: Flask, file: Path) -> dict[Table, list[str]]:
    """Return the lines that the tables should hold; ``app`` stands on a fresh demonstration base in that file."""
    rows = make_rows(app)
    _grant_all()
    cookies = {column: _sign_in(app, email) for column, email in PEOPLE.items()}
    keys = {column: _key(column, scopes) for column, scopes in KEYS.items()}
    _close(PEOPLE["closed"])
    db.session.remove()
    base = Base(file)

    def ask(rule: Rule, method: str, headers: Mapping[str, str]) -> str:
        base.restore()
        with app.test_request_context():
            address = rows.url(rule)
        sent = body_of(rule.endpoint, method, rows)
        sent["headers"] = {**headers, **sent.get("headers", {})}
        response = app.test_client(use_cookies=False).open(address, method=method, **sent)
        return _told(app, response)

    told: dict[Table, list[str]] = {SCREENS: [], API: []}
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, rule.endpoint)):
        table = API if _is_api(rule) else SCREENS
        with_what = _bearers(keys) if table is API else _cookies(cookies)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            given = [ask(rule, method, headers) for headers in with_what]
            told[table].append(" ".join([rule.endpoint, method, *given, rule.rule.replace(" ", "")]))
    base.restore()
    return told


def compare(table: Table, lines: list[str]) -> str:
    """Return what a person should look at: lines missing, answers changed, lines of no address; empty when all agree."""
    known = table.read()
    found = {" ".join(line.split(" ")[:2]): line for line in lines}
    missing = [line for name, line in found.items() if name not in known]
    changed = [line for name, line in found.items() if name in known and known[name] != line]
    gone = [line for name, line in known.items() if name not in found]
    parts = [
        (f"Lines to add to {table.file.name}, once each answer is what that person should get:", missing),
        ("Lines whose answers are no longer those reviewed (they were)", [known[" ".join(x.split()[:2])] for x in changed]),
        ("… and are now:", changed),
        ("Lines of addresses that are no more, to remove:", gone),
    ]  # fmt: skip
    return "\n\n".join(f"{title}\n{table.write(rows)}" for title, rows in parts if rows)


@contextlib.contextmanager
def demonstration(folder: Path) -> Iterator[tuple[Flask, Path]]:
    """Give the application on a demonstration base of its own, and that base's file."""
    backend = Sqlite(folder)
    with backend.app.app_context():
        yield backend.app, backend.file
        db.session.remove()
    backend.close()


def _told(app: Flask, response: TestResponse) -> str:
    """Return an answer in a word: its status, « sign-in » where it leads there, « refused » where a sentence says no."""
    if response.status_code != 302:
        return str(response.status_code)
    if urlsplit(response.headers["Location"]).path == "/login/":
        return SIGN_IN
    kept = re.search(r"session=([^;]+)", " ".join(response.headers.getlist("Set-Cookie")))
    session = app.session_interface.get_signing_serializer(app).loads(kept[1]) if kept else {}  # type: ignore[attr-defined]
    kinds = {kind for kind, _ in session.get("_flashes", ())}
    return REFUSED if kinds & {"danger", "warning"} else "302"


def _cookies(cookies: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Cookie": cookie} if cookie else {} for cookie in cookies.values()]


def _bearers(keys: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Authorization": f"Bearer {key}"} if key else {} for key in keys.values()]


def _sign_in(app: Flask, email: str) -> str:
    if not email:
        return ""
    client = app.test_client()
    client.post("/login/", data={"username": email, "password": PASSWORD})
    cookie = client.get_cookie("session")
    assert cookie is not None, f"{email} could not sign in"
    assert client.get("/mon-profil/").status_code == 200, f"{email} could not sign in"
    return f"session={client.get_cookie('session').value}"  # type: ignore[union-attr]


def _grant_all() -> None:
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


def main() -> None:
    """Print the lines to look at, or write them with ``--write``."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as folder, demonstration(Path(folder)) as (app, file):
        for table, lines in answers(app, file).items():
            print(compare(table, lines) or f"{table.file.name}: all {len(lines)} lines agree")
            if "--write" in sys.argv:
                table.keep(lines)


if __name__ == "__main__":
    main()
