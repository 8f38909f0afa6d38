"""What each migration says to PostgreSQL, judged by squawk: tables in use are not held, the version before runs on."""

from __future__ import annotations

import ast
import importlib.util
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from tests.backends import missing

from .test_migrations import MIGRATIONS

#: Up to here they were written before the rule, and the state released first (deploy/released.json) holds them: no base in use
#: meets them any more. What they build beside writers is held by test_migrations.
LAST_OF_HISTORY = "0042"
#: Where a migration says why a rule of squawk does not hold for it: rule → the reason.
EXCUSED = "EXCUSED_RULES"
#: Rules that are none of this house's.
NOT_OURS = {
    "prefer-bigint-over-int": "ids are integers in all tables: two thousand million rows are far away",
    "prefer-identity": "SQLAlchemy makes ids by sequences, alike in all tables",
    "prefer-text-field": "the models bound what they keep, on both bases",
    "prefer-robust-stmts": "a migration is a transaction, or one block that can be run again (test_migrations)",
    "require-statement-timeout": "a backfill may take its time: what must not last is waiting for a lock",
}
SQUAWK = shutil.which("squawk", path=str(Path(sys.executable).parent)) or shutil.which("squawk")


def to_come() -> list[Path]:
    return [path for path in sorted((MIGRATIONS / "versions").glob("[0-9]*.py")) if path.name[:4] > LAST_OF_HISTORY]


def statements(path: Path) -> str:
    """Return what a migration says to PostgreSQL, after what migrations/env.py says first."""
    spec = importlib.util.spec_from_file_location(f"migration_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    said = io.StringIO()
    options = {"as_sql": True, "output_buffer": said, "transactional_ddl": True}
    context = MigrationContext.configure(dialect_name="postgresql", opts=options)
    context.impl.connection = SimpleNamespace(dialect=context.dialect)  # type: ignore[assignment]  asked which base it is
    with Operations.context(context), context.begin_transaction():
        module.upgrade()
    return f"SET lock_timeout = '5s';\n{said.getvalue()}"


def excuses(path: Path) -> dict[str, str]:
    """Return the rules that a migration excuses, each with its reason."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == EXCUSED:
            return dict(ast.literal_eval(node.value))
    return {}


def found(sql: str) -> list[tuple[str, str]]:
    """Return what squawk finds in statements: rule, and what it says."""
    if SQUAWK is None:
        missing("squawk")
    words = [str(SQUAWK), "--pg-version", "15", "--reporter", "json", *(f"--exclude={rule}" for rule in NOT_OURS)]
    done = subprocess.run(words, input=sql, capture_output=True, text=True, check=False)
    told: list[dict[str, Any]] = json.loads(done.stdout)
    return [(one["rule_name"], f"line {one['line'] + 1}: {one['message']}") for one in told]


@pytest.mark.parametrize("path", to_come(), ids=lambda path: path.stem)
def test_a_migration_is_clean_or_says_why_not(path: Path) -> None:
    known = excuses(path)
    assert not [one for one in found(statements(path)) if len(known.get(one[0], "")) < 20], (
        f"mend it, or say in {EXCUSED} of the migration why it may stand"
    )


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        ("ALTER TABLE driver ADD COLUMN x INTEGER NOT NULL", "adding-required-field"),
        ("ALTER TABLE driver ALTER COLUMN x SET NOT NULL", "adding-not-nullable-field"),
        ("CREATE INDEX ix ON driver (x)", "require-concurrent-index-creation"),
        ("ALTER TABLE driver ALTER COLUMN x TYPE bigint", "changing-column-type"),
        ("ALTER TABLE driver RENAME COLUMN x TO y", "renaming-column"),
        ("ALTER TABLE driver DROP COLUMN x", "ban-drop-column"),
        ("ALTER TABLE driver ADD CONSTRAINT fk FOREIGN KEY (x) REFERENCES y (id)", "adding-foreign-key-constraint"),
        ("ALTER TABLE driver ADD CONSTRAINT ck CHECK (x > 0)", "constraint-missing-not-valid"),
    ],
)
def test_the_rules_find_what_they_are_for(sql: str, rule: str) -> None:
    assert rule in {name for name, _ in found(f"SET lock_timeout = '5s';\nBEGIN;\n{sql};\nCOMMIT;\n")}
