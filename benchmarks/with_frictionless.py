"""The same checks by frictionless: a schema, its primary key for duplicates, one row check. Runs in `.venv-bench`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import attrs
import facts
from frictionless import Check, Checklist, Error, Resource, Row, Schema, errors, fields, system

_DATES = (facts.END, facts.BORN)
_LISTS = {facts.LABEL: facts.LABELS, facts.CATEGORY: facts.CATEGORIES}
_KEY = [facts.BORN, facts.PERMIT, facts.LABEL, facts.CATEGORY]


@attrs.define(kw_only=True, repr=False)
class DatesCheck(Check):
    """The end of the training and the driver's age."""

    type = "dates"
    Errors = [errors.RowConstraintError]
    today: date

    def validate_row(self, row: Row) -> Iterator[Error]:
        """Yield an error where the dates are refused."""
        if why := facts.refused(row[facts.END], row[facts.BORN], self.today):
            yield errors.RowConstraintError.from_row(row, note=why)


def schema() -> Schema:
    """Return the nine columns with what is asked of each."""
    return Schema(fields=[_field(name) for name in facts.HEADERS], primary_key=_KEY)


def _field(name: str) -> fields.StringField | fields.DateField:
    asked: dict[str, object] = {"required": name != facts.REF}
    if name in _DATES:
        return fields.DateField(name=name, format=facts.DATE, constraints=asked)
    asked |= {"enum": list(_LISTS[name])} if name in _LISTS else {"pattern": facts.PATTERNS[name]}
    return fields.StringField(name=name, constraints=asked)


def check(path: Path, today: date) -> int:
    """Validate the file and return how many lines have an error."""
    with system.use_context(trusted=True):
        resource = Resource(path=str(path), schema=schema())
        report = resource.validate(Checklist(checks=[DatesCheck(today=today)]), limit_errors=10_000_000)
    return len({row for (row,) in report.flatten(["rowNumber"])})


if __name__ == "__main__":
    facts.run(check)
