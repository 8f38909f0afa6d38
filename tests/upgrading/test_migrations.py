"""Migrations while people work: none waits long for a table, none of those to come builds an index that stops writers."""

from __future__ import annotations

import ast
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect

from app.extensions import db
from config import ROOT
from tests.backends import Postgres

MIGRATIONS = ROOT / "migrations"
#: The first migration that runs while people work.
FIRST = "0028"
#: The first whose block outside a transaction stands alone: 0042, released, holds tables beside its index.
FIRST_ALONE = "0043"
#: Where a migration says why it builds an index otherwise: name of the index → the reason.
EXCUSED = "EXCUSED_INDEXES"
#: What opens a block outside a transaction: Alembic's own, and `migrations/beside.py`, whose `build` drops before it creates.
BLOCKS = "autocommit_block", "writers"


def calls(tree: ast.AST, *names: str) -> Iterator[ast.Call]:
    """Yield the calls of these functions of Alembic."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in names:
            yield node


def text_of(node: ast.expr | None) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ""


def excuses(tree: ast.Module) -> dict[str, str]:
    """Return the indexes that a migration excuses, each with its reason."""
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name) and target.id == EXCUSED and node.value is not None:
                return dict(ast.literal_eval(node.value))
    return {}


def blocking(source: str) -> list[str]:
    """Return the indexes that a migration builds on a table that is there already, so that nobody writes to it meanwhile."""
    tree = ast.parse(source)
    made = {text_of(call.args[0]) for call in calls(tree, "create_table")}
    found = []
    for call in calls(tree, "create_index", "create_unique_constraint"):
        name, table = text_of(call.args[0]), text_of(call.args[1]) if len(call.args) > 1 else ""
        aside = any(one.arg == "postgresql_concurrently" and text_of(one.value) == "True" for one in call.keywords)
        if table not in made and not aside:
            found.append(name)
    for call in calls(tree, "execute"):
        words = " ".join(text_of(call.args[0]).upper().split()) if call.args else ""
        if words.startswith(("CREATE INDEX ", "CREATE UNIQUE INDEX ")) and "CONCURRENTLY" not in words:
            found.append(words)
    return [name for name in found if len(excuses(tree).get(name, "")) < 20]


def not_alone(source: str) -> list[str]:
    """Return what keeps a migration with a block outside a transaction from being run again after it was cut short.

    What stands before the block is committed when it begins; an index that was not finished is left, and serves nobody.
    """
    tree = ast.parse(source)
    if not list(calls(tree, *BLOCKS)):
        return []
    (body,) = [node.body for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "upgrade"]
    if len(body) > 1 or not isinstance(body[0], ast.With) or not list(calls(body[0].items[0], *BLOCKS)):
        return ["something beside the block"]
    gone = set()
    found = []
    for call in sorted(calls(body[0], "drop_index", "create_index"), key=lambda one: one.lineno):
        name = text_of(call.args[0])
        if isinstance(call.func, ast.Attribute) and call.func.attr == "create_index":
            found += [] if name in gone else [name]
        elif any(one.arg == "if_exists" and text_of(one.value) == "True" for one in call.keywords):
            gone.add(name)
    return found


def to_come(first: str = FIRST) -> list[Path]:
    return [path for path in sorted((MIGRATIONS / "versions").glob("[0-9]*.py")) if path.name[:4] >= first]


@pytest.mark.parametrize("path", to_come(), ids=lambda path: path.stem)
def test_indexes_of_tables_in_use_are_built_beside_their_writers(path: Path) -> None:
    assert not blocking(path.read_text(encoding="utf-8")), (
        "build each with migrations/beside.py, or give it postgresql_concurrently=True within "
        f"op.get_context().autocommit_block(), or say in {EXCUSED} of the migration why its table may wait"
    )


def test_the_rule_finds_what_it_is_for() -> None:
    table = 'op.create_table("new")\n'
    assert blocking('op.create_index("ix_a", "registration", ["x"])') == ["ix_a"]
    assert blocking('op.execute("CREATE INDEX ix_b ON registration (x)")') == ["CREATE INDEX IX_B ON REGISTRATION (X)"]
    assert blocking('op.create_unique_constraint("uq_c", "document", ["x"])') == ["uq_c"]
    assert blocking(table + 'op.create_index("ix_new", "new", ["x"])') == []
    assert blocking('op.create_index("ix_a", "registration", ["x"], postgresql_concurrently=True)') == []
    assert (
        blocking('EXCUSED_INDEXES = {"ix_a": "A table of some ten rows."}\nop.create_index("ix_a", "t", ["x"])') == []
    )
    assert blocking('EXCUSED_INDEXES = {"ix_a": ""}\nop.create_index("ix_a", "t", ["x"])') == ["ix_a"]


@pytest.mark.parametrize("path", to_come(FIRST_ALONE), ids=lambda path: path.stem)
def test_what_runs_outside_a_transaction_stands_alone_and_can_be_run_again(path: Path) -> None:
    assert not not_alone(path.read_text(encoding="utf-8")), (
        "a migration of its own, which only does, within the block: drop_index(…, if_exists=True), then create_index"
    )


def test_that_rule_too_finds_what_it_is_for() -> None:
    head, block = "def upgrade():\n", "    with op.get_context().autocommit_block():\n"
    gone, made = '        op.drop_index("ix_a", "t", if_exists=True)\n', '        op.create_index("ix_a", "t", ["x"])\n'
    assert not_alone(head + block + gone + made) == []
    assert not_alone(head + '    with beside.writers():\n        beside.build("ix_a", "t", ["x"])\n') == []
    assert not_alone(head + '    op.add_column("t", x)\n    with beside.writers():\n        pass\n') != []
    assert not_alone(head + '    op.add_column("t", x)\n') == []
    assert not_alone(head + '    op.add_column("t", x)\n' + block + gone + made) == ["something beside the block"]
    assert not_alone(head + block + made) == ["ix_a"]
    assert not_alone(head + block + made + gone) == ["ix_a"]
    assert not_alone(head + block + gone.replace(", if_exists=True", "") + made) == ["ix_a"]


@pytest.fixture
def base(tmp_path: Path) -> Iterator[Any]:
    """Give a base of its own: its tables are taken back and made again."""
    made = Postgres(tmp_path)
    with made.app.app_context():
        yield made
        db.session.remove()
    made.close()


#: Who waits for a table in this base, since when.
ASKING = (
    "SELECT pid, query_start FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND wait_event = 'relation' "
    "AND datname = current_database()"
)


def test_a_migration_that_meets_a_held_table_gives_up_soon_and_leaves_nothing(base: Any) -> None:
    app: Flask = base.app
    app.config["MIGRATION_PATIENCE"] = 2
    scripts = ScriptDirectory(str(MIGRATIONS))
    before = scripts.get_revision("0034").down_revision
    downgrade(directory=str(MIGRATIONS), revision=str(before))
    assert "incident" not in inspect(db.engine).get_table_names()
    with psycopg.connect(base.url) as somebody:
        somebody.execute("LOCK TABLE ab_user IN ROW EXCLUSIVE MODE")  # somebody changes an account, and thinks
        began = time.monotonic()
        with pytest.raises(SystemExit, match="nothing of it stands, people go on working"):
            upgrade(directory=str(MIGRATIONS))
        assert time.monotonic() - began < 60
        assert not {"incident", "breach"} & set(inspect(db.engine).get_table_names())
    app.config["MIGRATION_PATIENCE"] = 60
    with psycopg.connect(base.url, autocommit=True) as watching, psycopg.connect(base.url) as somebody:
        somebody.execute("LOCK TABLE ab_user IN ROW EXCLUSIVE MODE")
        upgrading = threading.Thread(target=_upgraded, args=(app,))
        upgrading.start()
        given_up = 0
        while given_up < 2 and upgrading.is_alive():  # it is tried again while they think, and done once they have
            waits = watching.execute(ASKING).fetchone()
            while waits and watching.execute(ASKING).fetchone() == waits:
                upgrading.join(0.02)
            given_up += waits is not None
        assert upgrading.is_alive()
        somebody.rollback()
        upgrading.join()
    assert {"incident", "breach"} <= set(inspect(db.engine).get_table_names())


#: Whether the index serves; whether it has been waiting for somebody's transaction for so many seconds.
VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('ix_journal_trace')"
WAITING = (
    "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'virtualxid' AND starts_with(query, 'CREATE INDEX CONCURRENTLY') "
    "AND datname = current_database() AND clock_timestamp() - query_start > make_interval(secs => %s)"
)


def test_an_index_waits_for_a_long_look_however_it_was_left(base: Any) -> None:
    """Somebody reads for long: the index waits longer than any lock is waited for, and is whole once they end."""
    with psycopg.connect(base.url, autocommit=True) as watching, psycopg.connect(base.url) as reader:
        for is_cut_short_before in (False, True):
            downgrade(directory=str(MIGRATIONS), revision="0045")
            reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            reader.execute("SELECT count(*) FROM driver")
            if is_cut_short_before:
                watching.execute("SET lock_timeout = '50ms'")
                with pytest.raises(psycopg.errors.LockNotAvailable):
                    watching.execute("CREATE INDEX CONCURRENTLY ix_journal_trace ON journal (trace)")
                assert watching.execute(VALID).fetchone() == (False,)
            upgrading = threading.Thread(target=_upgraded, args=(base.app,))
            upgrading.start()
            try:
                while upgrading.is_alive() and not watching.execute(WAITING, (1.2,)).fetchone():
                    upgrading.join(0.05)
                assert upgrading.is_alive(), "it was given up"
            finally:
                reader.rollback()
                upgrading.join()
            assert watching.execute(VALID).fetchone() == (True,)
            head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
            assert watching.execute("SELECT version_num FROM alembic_version").fetchone() == (head,)


def _upgraded(app: Flask) -> None:
    with app.app_context():
        upgrade(directory=str(MIGRATIONS))
