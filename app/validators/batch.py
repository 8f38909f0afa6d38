"""The lines sent together: what they say of each other (rules 9 and 10), their order, their counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from app.validators.context import Context
from app.validators.line import Line, in_order
from app.validators.remark import Code, Remark, Severity
from app.validators.rules import RULES, check_line, training_key

__all__ = ["Report", "Row", "check_batch", "check_line"]


@dataclass(slots=True)
class Row:
    """A line with all its remarks, in the order shown."""

    line: Line
    remarks: tuple[Remark, ...]

    @property
    def severity(self) -> Severity | None:
        """ERROR as soon as one remark is one, INFORMATION with informations only, None for a clean line."""
        # Errors come before informations in the order shown, so the first remark decides.
        return self.remarks[0].severity if self.remarks else None

    @property
    def rank(self) -> int:
        """Block of the screen: 0 with an error, 1 with only informations, 2 clean."""
        return 2 if not self.remarks else 0 if self.remarks[0].severity is Severity.ERROR else 1

    @property
    def is_kept(self) -> bool:
        """False for the later of identical lines: it is neither imported nor billed."""
        return not any(remark.code is Code.IDENTICAL_LINE for remark in self.remarks)

    def to_json(self) -> dict[str, Any]:
        """The row of the `analyse` answer; values as typed."""
        return {
            "line": self.line.number,
            "severity": self.severity.value if self.severity else None,
            "remarks": [
                {"code": r.code.value, "severity": r.severity.value, "field": r.field, "message": r.message}
                for r in self.remarks
            ],
            "values": self.line.raw.values(),
        }


@dataclass
class Report:
    """The outcome of an analysis. Counts are lines, never remarks: a line with both counts as an error."""

    rows: list[Row]
    """In the order of the screen: errors, then informations, then clean; by line number inside each."""
    errors: int
    informations: int

    @property
    def lines(self) -> int:
        """How many lines were analysed."""
        return len(self.rows)

    @property
    def importable(self) -> bool:
        """Whether the batch may be registered: at least one line and no error."""
        return bool(self.rows) and not self.errors

    @cached_property
    def kinds(self) -> dict[str, int]:
        """Kind of remark → number of lines that bear it, in the order of the table of rules."""
        # A line bears a kind once at most, so that counting remarks counts lines.
        told = Counter((r.rank, r.code, r.field, r.detail) for row in self.rows for r in row.remarks)
        return {Remark(code, field, detail=detail).kind: told[rank, code, field, detail]
                for rank, code, field, detail in sorted(told)}  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """The answer of `analyse`, of the command and of the API."""
        return {
            "lines": self.lines,
            "informations": self.informations,
            "errors": self.errors,
            "importable": self.importable,
            "rows": [row.to_json() for row in self.rows],
        }


def check_batch(lines: Sequence[Line], context: Context) -> Report:
    """Judges all lines, each alone and against those before it; nothing is raised."""
    blocks: tuple[list[Row], list[Row], list[Row]] = ([], [], [])
    for line, compared in zip(lines, _compare(lines), strict=True):
        remarks = line.remarks
        found = [remark for rule in RULES if (remark := rule(line, context)) is not None]
        if compared is not None:
            found.append(compared)
        if found:
            remarks = in_order([*remarks, *found])
        row = Row(line, remarks)
        blocks[row.rank].append(row)
    for block in blocks:
        block.sort(key=_number)
    errors, informations, clean = blocks
    return Report(errors + informations + clean, len(errors), len(informations))


def _number(row: Row) -> int:
    return row.line.raw.number


def _compare(lines: Sequence[Line]) -> Iterator[Remark | None]:
    """For each line, what the lines before it make it: identical (10), a duplicate (9), or nothing."""
    same_line: dict[object, int] = {}
    same_training: dict[object, int] = {}
    for line in lines:
        number = line.raw.number
        first = same_line.setdefault(line.identity, number)
        key = training_key(line)
        first_trained = same_training.setdefault(key, number) if key else number
        if first != number:
            yield Remark(Code.IDENTICAL_LINE, other_line=first)
        elif first_trained != number:
            yield Remark(Code.DUPLICATE_DRIVER, "permit_number", other_line=first_trained)
        else:
            yield None
