"""`flask db-role` with the owner that a hosted PostgreSQL gives: one who may not make roles, and often not much else."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from psycopg import sql
from sqlalchemy.engine import make_url

from app import create_app
from app.services.operations import database_role
from tests.backends import POSTGRES, missing, settings

TABLES = """
CREATE TABLE journal (id integer); CREATE TABLE registration (id integer);
CREATE TABLE ab_user (id integer, email text, password text, auth_token text)
"""


class Place:
    """A base of an owner without CREATEROLE, and the names around it."""

    def __init__(self, folder: Path) -> None:
        self.name = f"cqc_role_{uuid.uuid4().hex[:8]}"
        self.role = f"{self.name}_app"
        self.admin(
            f"CREATE ROLE {self.name} LOGIN PASSWORD 'o' NOCREATEROLE", f"CREATE DATABASE {self.name} OWNER {self.name}"
        )
        self.owner_url, self.role_url = self.url(self.name), self.url(self.role)
        with psycopg.connect(self.owner_url) as base:
            base.execute(TABLES)
        self.app: Flask = create_app(settings(folder, self.owner_url))

    def url(self, user: str) -> str:
        """Return the address of the base as somebody."""
        return make_url(POSTGRES).set(database=self.name, username=user, password="o").render_as_string(False)

    def admin(self, *statements: str, database: str = "") -> None:
        """Do something as the administrator of the server."""
        at = make_url(POSTGRES).set(database=database or make_url(POSTGRES).database).render_as_string(False)
        with psycopg.connect(at, autocommit=True, connect_timeout=3) as server:
            for statement in statements:
                server.execute(sql.SQL(statement))  # type: ignore[arg-type]

    def grant(self) -> str:
        """Run `db-role`'s work."""
        with self.app.app_context():
            return database_role.grant(self.role_url)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Make the base, and remove it with its roles."""
    try:
        made = Place(tmp_path)
    except psycopg.OperationalError:
        missing("PostgreSQL")
    yield made
    made.admin(f"DROP DATABASE {made.name} WITH (FORCE)", f"DROP ROLE IF EXISTS {made.role}", f"DROP ROLE {made.name}")


def test_a_role_that_is_there_is_given_what_it_needs(place: Place) -> None:
    place.admin(f"CREATE ROLE {place.role} LOGIN PASSWORD 'o' NOSUPERUSER NOBYPASSRLS")
    assert place.grant() == place.role
    assert place.grant() == place.role
    with psycopg.connect(place.role_url) as base:
        base.execute("INSERT INTO journal VALUES (1)")
        base.execute("SELECT email FROM ab_user")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            base.execute("SELECT password FROM ab_user")
    with psycopg.connect(place.role_url) as base, pytest.raises(psycopg.errors.InsufficientPrivilege):
        base.execute("DELETE FROM journal")


def test_a_role_that_is_not_there_is_asked_for_in_the_words_of_the_base(place: Place) -> None:
    with pytest.raises(database_role.Needed) as refusal:
        place.grant()
    assert f'CREATE ROLE "{place.role}" LOGIN' in refusal.value.message
    assert "NOBYPASSRLS" in refusal.value.message
    assert f"« {place.name} »" in refusal.value.message
    assert "'o'" not in refusal.value.message, "a password is not written to a terminal"


@pytest.mark.parametrize("flaw", ["NOLOGIN", "SUPERUSER", "BYPASSRLS", "CREATEROLE"])
def test_a_role_that_is_no_wall_is_refused(place: Place, flaw: str) -> None:
    place.admin(f"CREATE ROLE {place.role} PASSWORD 'o' {flaw}")
    with pytest.raises(database_role.Needed) as refusal:
        place.grant()
    assert f'ALTER ROLE "{place.role}" LOGIN NOSUPERUSER' in refusal.value.message


def test_a_role_that_is_a_member_of_the_owner_is_refused(place: Place) -> None:
    place.admin(f"CREATE ROLE {place.role} LOGIN PASSWORD 'o' IN ROLE {place.name}")
    with pytest.raises(database_role.Needed) as refusal:
        place.grant()
    assert f'REVOKE "{place.name}" FROM "{place.role}"' in refusal.value.message


def test_tables_of_somebody_else_are_named(place: Place) -> None:
    place.admin(f"CREATE ROLE {place.role} LOGIN PASSWORD 'o'")
    place.admin("CREATE TABLE public.strange (id integer)", database=place.name)
    with pytest.raises(database_role.Needed) as refusal:
        place.grant()
    assert "strange" in refusal.value.message


def test_an_owner_who_may_make_roles_makes_it(place: Place) -> None:
    place.admin(f"ALTER ROLE {place.name} CREATEROLE")
    assert place.grant() == place.role
    with psycopg.connect(place.role_url) as base:
        base.execute("SELECT id FROM registration")


def test_the_command_says_what_it_needs(place: Place, tmp_path: Path) -> None:
    app = create_app(settings(tmp_path, place.role_url, DATABASE_OWNER_URL=place.owner_url))
    with app.app_context():
        said = app.test_cli_runner().invoke(args=["db-role"])
    assert said.exit_code == 2
    assert "CREATE ROLE" in said.output
