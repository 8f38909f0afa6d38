"""The report of the last check, page by page from the base: filtered, searched, in the order of the screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select

from app.extensions import db
from app.models import Batch, BatchLine
from app.models.batch import ASIDE_RANK, ERROR_RANK, INFORMATION_RANK
from app.services.core.narrowing import escaped, holds, page_at
from app.validators.batch import Row
from app.validators.fields import bare_permit
from app.validators.line import RawLine
from app.validators.remark import ORDER, Code, Remark, decode_remarks, kind_endings

from . import batches

PAGE = 50
SEARCHED = (
    BatchLine.last_name,
    BatchLine.first_name,
    BatchLine.permit_number,
    BatchLine.reference,
    BatchLine.order_number,
)
RANKS = {"erreurs": ERROR_RANK, "informations": INFORMATION_RANK, "ecartees": ASIDE_RANK}
_NO_RANK = -1  # of a word that means nothing: no line answers it

#: Codes of the remarks of error, as the first part of a kind.
ERROR_CODES = frozenset(code.value for code, field in ORDER if Remark(code, field).severity == "error")


@dataclass(frozen=True, slots=True)
class Filter:
    """What is asked of the report. ``severity``: '' or a word of RANKS; ``kind``: see `Remark.kind`."""

    severity: str = ""
    kind: str = ""
    search: str = ""
    #: By hand, step 2 lists the lines as they were added; a report shows errors first.
    by_number: bool = False

    @property
    def is_error_kind(self) -> bool:
        """Tell whether the kind asked for is one of error; False for an information and for no kind at all."""
        return self.kind.split(":", 1)[0] in ERROR_CODES


@dataclass(frozen=True, slots=True)
class ReportLine:
    """A line as typed, with its remarks in their order; ``faulty``: the fields a remark of error concerns."""

    line: RawLine
    rank: int
    remarks: tuple[Remark, ...]

    @property
    def faulty(self) -> frozenset[str]:
        """Return the fields to mark."""
        return frozenset(remark.field for remark in self.remarks if remark.field and remark.severity == "error")

    @property
    def has_tag(self) -> bool:
        """Tell whether « no account » is said beside another remark: in short then, and in full where it stands alone."""
        return any(remark.code == Code.NO_ACCOUNT for remark in self.remarks[1:])

    @property
    def is_kept(self) -> bool:
        """Tell whether the line will be imported: False for the later of identical lines."""
        return all(remark.code != "identical_line" for remark in self.remarks)


@dataclass(frozen=True)
class ReportPage:
    """Lines of one page of a report, and how many the filter leaves."""

    lines: Sequence[ReportLine]
    total: int
    page: int
    page_count: int

    @property
    def first(self) -> int:
        """Return the place of the first line shown, from 1 (0 when there is none)."""
        return (self.page - 1) * PAGE + 1 if self.total else 0

    @property
    def last(self) -> int:
        """Return the place of the last line shown."""
        return (self.page - 1) * PAGE + len(self.lines)


def page(batch: Batch, wanted: Filter, number: int = 1, total: int | None = None) -> ReportPage:
    """Return a page of a batch's lines, two queries; a page out of range is the nearest one.

    ``total``: how many lines the filter leaves where the counts of the check say so already; else they are counted.
    """
    conditions = _conditions(batch.id, wanted)
    if total is None:
        total = db.session.scalar(select(func.count()).select_from(BatchLine).where(*conditions)) or 0
    number, page_count = page_at(number, total, PAGE)
    order = (BatchLine.number,) if wanted.by_number else (*_new_first(batch), BatchLine.rank, BatchLine.number)
    query = select(BatchLine).where(*conditions).order_by(*order).limit(PAGE).offset((number - 1) * PAGE)
    return ReportPage(_read(batch, query), total, number, page_count)


def _new_first(batch: Batch) -> tuple[ColumnElement[int], ...]:
    """Return what puts first the lines for which an import was stopped; those that fit on the first page."""
    new = (batch.summary or {}).get("new", [])[:PAGE] if batch.is_checked else []
    return (case((BatchLine.number.in_(new), 0), else_=1),) if new else ()


def line(batch: Batch, number: int) -> ReportLine | None:
    """Return one line of a batch, or None."""
    return next(iter(lines(batch, [number])), None)


def lines(batch: Batch, numbers: Sequence[int]) -> list[ReportLine]:
    """Return these lines of a batch, by number; those it does not have are left out."""
    query = select(BatchLine).where(BatchLine.batch_id == batch.id, BatchLine.number.in_(numbers))
    return _read(batch, query.order_by(BatchLine.number))


@dataclass(frozen=True, slots=True)
class Counts:
    """Lines of a batch by what their remarks say; a line with both counts as an error."""

    lines: int
    errors: int
    informations: int


def counts(batch_id: int) -> Counts:
    """Return the counts of a batch as its lines stand, checked or not; one query."""
    query = select(BatchLine.rank, func.count()).where(BatchLine.batch_id == batch_id).group_by(BatchLine.rank)
    by_rank: dict[int, int] = dict(db.session.execute(query).tuples().all())
    return Counts(sum(by_rank.values()), by_rank.get(ERROR_RANK, 0), by_rank.get(INFORMATION_RANK, 0))


@dataclass(frozen=True, slots=True)
class Due:
    """Which lines of a batch would be billed as they stand: ``lines``; not those in error, nor the later of identical ones."""

    lines: int
    errors: int
    identical: int


def due_of(rows: Sequence[Row]) -> Due:
    """Return the same of judged lines that are not kept yet."""
    sound = [row.is_kept for row in rows if row.rank != ERROR_RANK]
    return Due(sum(sound), len(rows) - len(sound), len(sound) - sum(sound))


def due(batch_id: int) -> Due:
    """Return which lines of a batch would be billed as they stand, checked or not; one query."""
    identical = ("|" + BatchLine.remarks).contains(f"|{Code.IDENTICAL_LINE.value}:", autoescape=True)
    kind = case((BatchLine.rank == ERROR_RANK, "error"), (identical, "identical"), else_="due")
    own = (BatchLine.batch_id == batch_id, BatchLine.rank < ASIDE_RANK)
    found: dict[str, int] = dict(
        db.session.execute(select(kind, func.count()).where(*own).group_by(kind)).tuples().all()
    )
    return Due(found.get("due", 0), found.get("error", 0), found.get("identical", 0))


def order_numbers(batch_id: int, limit: int = 4) -> list[str]:
    """Return the first distinct order numbers of the lines of a batch that are not set aside, as typed, in their order."""
    kept = (BatchLine.batch_id == batch_id, BatchLine.rank < ASIDE_RANK, func.trim(BatchLine.order_number) != "")
    query = select(BatchLine.order_number).where(*kept).distinct()
    return list(db.session.execute(query.order_by(BatchLine.order_number).limit(limit)).scalars())


def _read(batch: Batch, query: Select[BatchLine]) -> list[ReportLine]:
    found = []
    for row in db.session.execute(query).scalars():
        raw = RawLine(
            row.number,
            row.reference,
            row.order_number,
            row.training_label,
            row.category,
            row.end_date,
            row.first_name,
            row.last_name,
            row.birth_date,
            row.permit_number,
            row.not_text,
            row.email,
        )
        found.append(ReportLine(raw, row.rank, decode_remarks(row.remarks)))
    manual = batch.mode == "manual"
    return [replace(one, line=batches.with_training(one.line, batch)) for one in found] if manual else found


def _conditions(batch_id: int, wanted: Filter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [BatchLine.batch_id == batch_id]
    if wanted.severity:
        conditions.append(BatchLine.rank == RANKS.get(wanted.severity, _NO_RANK))
    if wanted.kind:
        # Remarks are stored as `code:field:argument|…`: a kind is one of them, or its code where it says no field.
        text = "|" + BatchLine.remarks + "|"
        # Remarks of error stand on lines of the first rank only: the index spares the rest of a large file.
        if wanted.is_error_kind:
            conditions.append(BatchLine.rank == ERROR_RANK)
        conditions.append(
            or_(*(text.contains(f"|{wanted.kind}{end}", autoescape=True) for end in kind_endings(wanted.kind)))
        )
    if wanted.search:
        conditions.append(_is_found(wanted.search))
    return conditions


def _is_found(search: str) -> ColumnElement[bool]:
    """Ask whether each word stands in some cell, or whether the words make a permit number, in whatever pieces it was typed."""
    found = and_(*(or_(*(holds(cell, word) for cell in SEARCHED)) for word in search.split()))
    permit = bare_permit(search)
    if not any(map(str.isdigit, permit)):
        return found
    # Behind the birth date, the permit number as it is compared (`validators.line.Line.group`).
    return or_(found, BatchLine.group_key.like(f"% %{escaped(permit)}%", escape="/"))
