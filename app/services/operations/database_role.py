"""The role of PostgreSQL under which the application works: not the owner of the tables, so that the policies hold for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import structlog
from flask import current_app
from psycopg import sql
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError

from app.extensions import db
from app.services.core.dialect import on_postgresql
from app.services.core.refusal import Refusal
from config import ONE_ROLE, ConfigurationError

log = structlog.get_logger()

#: Written once, read, never changed: neither by mistake nor by who has taken the application over. Only the owner purges.
APPEND_ONLY = (
    *("journal", "journal_link", "invoice_event", "bank_statement", "allocation_vat"),
    *("accounting_period", "accounting_line"),
)
#: Written by the owner alone.
READ_ONLY = ("alembic_version", "journal_checkpoint")


#: Written by the application and read by nobody but `registre_secret` (migration 0016).
PRIVATE = {"ab_user": ("password", "auth_token")}
#: Whether the policies hold for who asks: no superuser, no owner of a table, nor a member of its owner.
_HAS_WALLS = """
SELECT NOT (rolsuper OR rolbypassrls) AND NOT EXISTS (
    SELECT 1 FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_has_role(relowner, 'USAGE')
) FROM pg_roles WHERE rolname = current_user
"""


class NoRole(Refusal):
    """The addresses of the base do not name two roles of one PostgreSQL."""

    message = "Set DATABASE_URL to the base as the application's role and DATABASE_OWNER_URL to it as the owner of the tables."


class Needed(Refusal):
    """The owner of the tables may not do all of it: the message says what an administrator of the server does first."""

    def __init__(self, owner: str, what: str) -> None:
        super().__init__(
            f"The owner of the tables, « {owner} », may not do this alone. Needed first, by an administrator: {what}"
        )


def check_walls() -> None:
    """Raise `config.ConfigurationError` where the program works as a role for which row-level security does not hold.

    A base that does not answer yet is not asked: the settings were judged by themselves, and requests wait for it.
    """
    settings = current_app.extensions["settings"]
    if settings.IS_OWNER or ONE_ROLE in settings.ACCEPTED_RISKS or not on_postgresql(db.engine):
        return
    try:
        with db.engine.connect() as connection:
            has_walls = connection.execute(text(_HAS_WALLS)).scalar()
    except OperationalError as error:
        log.warning("base away: its role is not checked", error=type(error.orig).__name__)
        return
    finally:
        db.engine.dispose()  # the processes that follow make connections of their own
    if not has_walls:
        raise ConfigurationError(
            "DATABASE_URL must name a role that owns no table and is no superuser: row-level security does not hold for it "
            "(`flask --app run db-role` makes one; ACCEPTED_RISKS=one-role accepts that)"
        )


def grant(application_url: str) -> str:
    """Make the role that this address names, with its password, and give it what the application needs; return its name.

    Runs as the owner of the tables, after the migrations; running it again puts the grants right. A role that is there already
    is taken as it is where the owner may not change roles. Raises :class:`NoRole`, :class:`Needed`.
    """
    url = make_url(application_url)
    engine = db.engine
    if not on_postgresql(engine) or url.database != engine.url.database:
        raise NoRole
    if not url.username or url.username == engine.url.username:
        raise NoRole
    with engine.begin() as connection:
        cursor: Any = connection.connection.cursor()
        try:
            _give(cursor, url)
        finally:
            cursor.close()
    return url.username


def _give(cursor: Any, url: URL) -> None:
    """Make the role and give it what it needs; raise :class:`Needed` where the owner may not."""
    owner = cursor.execute("SELECT current_user").fetchone()[0]
    name, role = str(url.username), sql.Identifier(str(url.username)).as_string()
    attributes = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS"
    if not _try(cursor, _made(url)) and not _is_there(cursor, name):
        raise Needed(owner, f"CREATE ROLE {role} {attributes} PASSWORD '…' (the one of DATABASE_URL);")
    if _is_no_wall(cursor, name):
        raise Needed(owner, f"ALTER ROLE {role} {attributes};")
    if cursor.execute("SELECT pg_has_role(%s, current_user, 'MEMBER')", (name,)).fetchone()[0]:
        raise Needed(owner, f"REVOKE {sql.Identifier(owner).as_string()} FROM {role};")
    if strange := _strange(cursor):
        raise Needed(owner, f"ALTER TABLE … OWNER TO {sql.Identifier(owner).as_string()}; for {', '.join(strange)}")
    for statement in _entrances(url):
        _try(cursor, [statement])  # often granted to everybody already, by somebody else
    if not _may_enter(cursor, name):
        raise Needed(
            owner, f"GRANT CONNECT, TEMPORARY ON DATABASE … TO {role}; GRANT USAGE ON SCHEMA public TO {role};"
        )
    for statement in (*_statements(url, _tables(cursor)), *_hide(cursor, sql.Identifier(name))):
        cursor.execute(statement)


def _try(cursor: Any, statements: Iterable[sql.Composed]) -> bool:
    """Execute statements that the owner may not be allowed; tell whether they were done."""
    cursor.execute("SAVEPOINT trying")
    try:
        for statement in statements:
            cursor.execute(statement)
    except InsufficientPrivilege:
        cursor.execute("ROLLBACK TO SAVEPOINT trying")
        return False
    cursor.execute("RELEASE SAVEPOINT trying")
    return True


def _is_there(cursor: Any, role: str) -> bool:
    return bool(cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone())


def _is_no_wall(cursor: Any, role: str) -> bool:
    flaws = "NOT rolcanlogin OR rolsuper OR rolcreaterole OR rolbypassrls"
    return bool(cursor.execute(f"SELECT {flaws} FROM pg_roles WHERE rolname = %s", (role,)).fetchone()[0])  # noqa: S608


def _strange(cursor: Any) -> list[str]:
    """Return the tables that are not the owner's own."""
    query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND NOT pg_has_role(tableowner, 'USAGE')"
    return [name for (name,) in cursor.execute(query)]


def _may_enter(cursor: Any, role: str) -> bool:
    query = (
        "SELECT has_database_privilege(%(role)s, current_database(), 'CONNECT')"
        " AND has_database_privilege(%(role)s, current_database(), 'TEMPORARY')"
        " AND has_schema_privilege(%(role)s, 'public', 'USAGE')"
    )
    return bool(cursor.execute(query, {"role": role}).fetchone()[0])


def _tables(cursor: Any) -> set[str]:
    return {name for (name,) in cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")}


def _made(url: URL) -> list[sql.Composed]:
    """Return the statements that make the role, or put its password right."""
    role = sql.Identifier(str(url.username))
    known = sql.SQL("SELECT 1 FROM pg_roles WHERE rolname = {}").format(sql.Literal(url.username))
    make = sql.SQL("CREATE ROLE {} NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS").format(role)
    unless_known = sql.SQL("BEGIN IF NOT EXISTS ({}) THEN {}; END IF; END").format(known, make).as_string()
    return [
        sql.SQL("DO {}").format(sql.Literal(unless_known)),
        sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(url.password)),
    ]


def _entrances(url: URL) -> list[sql.Composed]:
    role = sql.Identifier(str(url.username))
    return [
        sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(sql.Identifier(str(url.database)), role),
        sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(role),
    ]


def _statements(url: URL, tables: set[str]) -> list[sql.Composed]:
    """Return the statements, in their order; what a table keeps for its owner is taken back last."""
    role = sql.Identifier(str(url.username))
    statements = [
        sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {}").format(role),
        sql.SQL("GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {}").format(role),
    ]
    taken = {**dict.fromkeys(APPEND_ONLY, "UPDATE, DELETE"), **dict.fromkeys(READ_ONLY, "INSERT, UPDATE, DELETE")}
    statements += [
        sql.SQL("REVOKE {} ON {} FROM {}").format(sql.SQL(what), sql.Identifier(table), role)
        for table, what in taken.items()
        if table in tables
    ]
    return statements


def _hide(cursor: Any, role: sql.Identifier) -> list[sql.Composed]:
    """Return the statements that leave the role every column of a table to read but the private ones."""
    statements = []
    for table, private in PRIVATE.items():
        names = cursor.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
            (f"public.{table}",),
        )
        shown = sql.SQL(", ").join(sql.Identifier(name) for (name,) in names if name not in private)
        statements += [
            sql.SQL("REVOKE SELECT ON {} FROM {}").format(sql.Identifier(table), role),
            sql.SQL("GRANT SELECT ({}) ON {} TO {}").format(shown, sql.Identifier(table), role),
        ]
    return statements
