"""« Mes imports »: the files a centre sent and what became of them, taking one up again, its lines for the annotated file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, repeat

from sqlalchemy import func, select
from sqlalchemy.orm import contains_eager, joinedload

from app.extensions import db
from app.models import Batch, BatchLine, ImportFile, Outbox
from app.models.batch import (
    ANALYSING,
    ASIDE_RANK,
    CANCELLED,
    ERROR_RANK,
    FAILED,
    FILE,
    IN_ERROR,
    READY,
    REFUSED,
    REGISTERED,
    REGISTERING,
)
from app.models.outbox import ANALYSIS
from app.services.core import clock, outbox
from app.services.core.narrowing import page_at
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction
from app.services.journal import record as journal
from app.services.reference import pricing
from app.services.registration import batches, facts
from app.validators.line import RawLine
from app.validators.reading import parse_lines
from app.validators.remark import FIELDS, Code, Remark, decode_remarks

PAGE = 50
#: What « Mes imports » can be narrowed to: word of the address → states.
FILTERS: Mapping[str, tuple[str, ...]] = {
    "en-cours": (ANALYSING, REGISTERING),
    "a-corriger": (IN_ERROR,),
    "prets": (READY,),
    "enregistres": (REGISTERED,),
    "refuses": (REFUSED, FAILED),
    "annules": (CANCELLED,),
}
_UNFINISHED = (ANALYSING, IN_ERROR, READY, REGISTERING, FAILED)
#: What « Détail » says of a line set aside.
ASIDE = "Ligne écartée de l’import"
#: Rows read from the base at once for the annotated file.
STEP = 5_000


class CannotRestart(Refusal):
    """The analysis did not fail, or its file was purged."""

    message = "Cette analyse ne peut pas être relancée : envoyez le fichier de nouveau."


def file_of(batch_id: int) -> ImportFile | None:
    """Return the file behind a batch as it stands now, None for a batch that came by another door."""
    return db.session.get(ImportFile, batch_id, populate_existing=True)


def earlier_receipt(file: ImportFile) -> Batch | None:
    """Return the batch of this centre that was registered from the very same file before, if any."""
    same = (ImportFile.sha256 == file.sha256, Batch.id != file.batch_id, Batch.centre_id == file.batch.centre_id)
    return db.session.scalar(batches.latest(*same).join(ImportFile, ImportFile.batch_id == Batch.id).limit(1))


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a centre's imports, the latest first, and how many the filter leaves."""

    files: list[ImportFile]
    total: int
    page: int
    page_count: int


def listing(centre_id: int, wanted: str = "", page: int = 1) -> Listing:
    """Return a page of the files a centre sent; ``wanted`` is a word of FILTERS, anything else means all."""
    conditions = [Batch.centre_id == centre_id, Batch.mode == FILE]
    if states := FILTERS.get(wanted):
        conditions.append(Batch.state.in_(states))
    total = db.session.scalar(select(func.count()).select_from(Batch).where(*conditions)) or 0
    page, page_count = page_at(page, total, PAGE)
    query = (
        select(ImportFile)
        .join(ImportFile.batch)
        .options(contains_eager(ImportFile.batch).options(joinedload(Batch.created_by)))
        .where(*conditions)
        .order_by(Batch.created_at.desc(), Batch.id.desc())
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    )
    return Listing(list(db.session.execute(query).scalars()), total, page, page_count)


def unfinished(centre_id: int, limit: int = 5) -> list[ImportFile]:
    """Return the last files a centre sent that still want something done: waited for, corrected, imported, restarted."""
    query = (
        select(ImportFile)
        .join(ImportFile.batch)
        .options(contains_eager(ImportFile.batch))
        .where(Batch.centre_id == centre_id, Batch.mode == FILE, Batch.state.in_(_UNFINISHED))
        .order_by(Batch.updated_at.desc())
        .limit(limit)
    )
    return list(db.session.execute(query).scalars())


def restart(batch_id: int, person_id: int) -> None:
    """Analyse a file again whose analysis failed; raise :class:`CannotRestart` otherwise."""
    with transaction():
        file = db.session.get_one(ImportFile, batch_id, populate_existing=True)
        if not file.path or not batches.transition(batch_id, ANALYSING, only_from=(FAILED,)):
            raise CannotRestart
        # The row that failed is still due some day: two analyses at once would write the same lines.
        waiting = select(Outbox).where(Outbox.kind == ANALYSIS, Outbox.done_at.is_(None))
        for row in db.session.execute(waiting).scalars():
            if row.payload["batch"] == batch_id:
                outbox.finish(row.id)
        outbox.add(ANALYSIS, [{"batch": batch_id}], first_turn=-1)
        batch = db.session.get_one(Batch, batch_id)
        journal.record("import.restarted", "batch", batch_id, actor_id=person_id, centre_id=batch.centre_id)
    outbox.ring()


def aside_count(batch_id: int) -> int:
    """Return how many lines were set aside; answered from the index."""
    query = select(func.count()).where(BatchLine.batch_id == batch_id, BatchLine.rank == ASIDE_RANK)
    return db.session.scalar(query) or 0


def annotated(batch_id: int) -> Iterator[tuple[RawLine, tuple[Remark, ...] | str]]:
    """Yield all lines of a report in the order of the file, each with its remarks or, set aside, with the words for it; a few
    thousands in memory at once.
    """
    c = BatchLine
    columns = (c.number, *(getattr(c, field) for field in FIELDS), c.not_text, c.email, c.remarks, c.set_aside)
    query = select(*columns).where(c.batch_id == batch_id).order_by(c.number)
    for *typed, remarks, aside in db.session.execute(query.execution_options(yield_per=STEP)):
        yield RawLine(*typed), ASIDE if aside else decode_remarks(remarks)


def quote(batch: Batch) -> pricing.Quote:
    """Return what importing the kept lines costs today; the base counts them by training, whatever their number.

    Raises `pricing.NoTariff`.
    """
    c = BatchLine
    query = (
        select(c.training_label, c.category, c.end_date, func.count())
        .where(c.batch_id == batch.id, c.rank > ERROR_RANK, c.rank < ASIDE_RANK)
        .where(c.remarks.not_like(f"%{Code.IDENTICAL_LINE.value}%"))
        .group_by(c.training_label, c.category, c.end_date)
    )
    groups = db.session.execute(query).tuples().all()
    raws = [
        RawLine(at, training_label=label, category=category, end_date=end)
        for at, (label, category, end, _) in enumerate(groups)
    ]
    lines = parse_lines(raws, facts.load_catalogue())
    counted = zip(lines, groups, strict=True)
    ids = (repeat(line.training.id, group[3]) for line, group in counted if line.training is not None)
    return pricing.quote(chain.from_iterable(ids), clock.today(), batch.centre_id)
