"""Migrations while people work: none waits long for a table, none of those to come builds an index that stops writers."""

from __future__ import annotations

import ast
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
#: Where a migration says why it builds an index otherwise: name of the index → the reason.
EXCUSED = "EXCUSED_INDEXES"


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


def to_come() -> list[Path]:
    return [path for path in sorted((MIGRATIONS / "versions").glob("[0-9]*.py")) if path.name[:4] >= FIRST]


@pytest.mark.parametrize("path", to_come(), ids=lambda path: path.stem)
def test_indexes_of_tables_in_use_are_built_beside_their_writers(path: Path) -> None:
    assert not blocking(path.read_text(encoding="utf-8")), (
        "give each postgresql_concurrently=True within op.get_context().autocommit_block(), "
        f"or say in {EXCUSED} of the migration why its table may wait"
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


@pytest.fixture
def base(tmp_path: Path) -> Iterator[Any]:
    """Give a base of its own: its tables are taken back and made again."""
    made = Postgres(tmp_path)
    with made.app.app_context():
        yield made
        db.session.remove()
    made.close()


def test_a_migration_that_meets_a_held_table_gives_up_soon_and_leaves_nothing(base: Any) -> None:
    app: Flask = base.app
    app.config["MIGRATION_LOCK_SECONDS"] = 1
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
    upgrade(directory=str(MIGRATIONS))
    assert {"incident", "breach"} <= set(inspect(db.engine).get_table_names())
