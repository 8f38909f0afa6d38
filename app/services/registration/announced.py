"""What a person was told before « Importer », and what has come since: asked again at the act, which stops once for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import func, select, text

from app.extensions import db
from app.models import Batch, BatchLine
from app.models.batch import MANUAL
from app.services.core import bulk
from app.services.core.dialect import on_postgresql
from app.services.core.numbers import count_of
from app.services.core.refusal import Refusal
from app.validators.batch import Report, Row
from app.validators.remark import Code, decode_remarks
from app.validators.stake import TOLD

from . import analysis, spending

#: Names the lock of a centre's registrations among the base's advisory locks.
_LOCK = 7_201


class Told(NamedTuple):
    """What a confirmation told, in counts: lines already registered, known under another name, whose documents would be
    withheld; registrations of the lines registered more than once.
    """

    already: int = 0
    differs: int = 0
    withheld: int = 0
    repeated: int = 0

    def __str__(self) -> str:
        """Return it as the confirmation's form sends it back."""
        return "-".join(map(str, self))

    @classmethod
    def read(cls, sent: str) -> Told | None:
        """Return what a form sent back, None for what no form of ours sends."""
        parts = sent.split("-")
        fits = len(parts) == len(cls._fields) and all(part.isascii() and part.isdigit() for part in parts)
        return cls(*(int(part[:9]) for part in parts)) if fits else None

    def covers(self, other: Told) -> bool:
        """Tell whether whoever was told this was told all of the other."""
        return all(mine >= theirs for mine, theirs in zip(self, other, strict=True))


NOTHING = Told()


class NewFacts(Refusal):
    """Since the report that was shown, registering came to cost again or to withhold: nothing was done, once."""

    def __init__(self, rows: list[Row]) -> None:
        super().__init__(_sentence(rows))
        self.lines = [row.line.number for row in rows]


def told(batch: Batch) -> Told:
    """Return what the last check of a batch told."""
    kinds = (batch.summary or {}).get("kinds", {})
    withheld, repeated = _stakes(batch)
    already, differs = (kinds.get(code.value, 0) for code in (Code.ALREADY_REGISTERED, Code.IDENTITY_DIFFERS))
    return Told(already, differs, len(withheld), sum(repeated.values()))


def news(batch: Batch, found: analysis.Analysis, shown: Told | None) -> list[Row]:
    """Return the lines that came to cost again or to withhold since the last check, by number.

    All that do, where the person was shown an older check (``shown``) that did not tell of as many.
    """
    costly = sorted((row for row in found.report.rows if row.is_kept and _costs(row)), key=lambda row: row.line.number)
    if shown is not None and not shown.covers(told(batch)):
        return costly
    withheld, repeated = _stakes(batch)
    seen = set(withheld)
    return [row for row in costly if _is_new(row, found.before, seen, repeated)]


def _costs(row: Row) -> bool:
    return row.stake.withheld or any(remark.code in TOLD for remark in row.remarks)


def _is_new(row: Row, before: Mapping[int, tuple[int, str]], withheld: set[int], repeated: Mapping[str, int]) -> bool:
    number = row.line.number
    known = decode_remarks(before.get(number, (0, ""))[1])
    if any(remark.code in TOLD and remark not in known for remark in row.remarks):
        return True
    return (row.stake.withheld and number not in withheld) or row.stake.times > max(1, repeated.get(str(number), 1))


def _stakes(batch: Batch) -> tuple[list[int], dict[str, int]]:
    """Return what the last check kept: lines whose documents would be withheld; line → how often registered, beyond once."""
    kept = (batch.summary or {}).get("stakes", {})
    return kept.get("withheld", []), kept.get("repeated", {})


def restate(batch: Batch, report: Report, judged: Iterable[int]) -> None:
    """Note on a batch what is at stake in some of its lines (``judged``, by number) that were judged again."""
    gone = set(judged)
    withheld, repeated = _stakes(batch)
    kept = {number: times for number, times in repeated.items() if int(number) not in gone}
    stakes = {
        "withheld": sorted({*withheld} - gone | {*report.withheld}),
        "repeated": {**kept, **{str(number): times for number, times in report.repeated.items()}},
    }
    summary = {**(batch.summary or {}), "stakes": stakes}
    summary.pop("told", None)  # counted over all lines: asked of the base when it is told next
    if left := [line for line in summary.pop("new", ()) if line not in gone]:
        summary["new"] = left
    batch.summary = summary


def trainees_withheld(batch: Batch) -> int:
    """Return how many trainees' documents would be withheld, each counted once; by hand nobody stands on two lines."""
    numbers, _ = _stakes(batch)
    if not numbers or batch.mode == MANUAL:
        return len(numbers)
    own = BatchLine.batch_id == batch.id, bulk.among(BatchLine.number, numbers)
    return db.session.scalar(select(func.count(BatchLine.group_key.distinct())).where(*own)) or 0


def _kept_with(batch: Batch, code: Code, counted: Any) -> int:
    """Count what stands on the kept lines of a batch that bear a remark; without a query where no line bears it, and by hand,
    where the check that counted is always of all lines.
    """
    lines: int = (batch.summary or {}).get("kinds", {}).get(code.value, 0)
    if not lines or batch.mode == MANUAL:
        return lines
    own = BatchLine.batch_id == batch.id, BatchLine.set_aside.is_(False)
    bears = BatchLine.remarks.contains(code.value), ~BatchLine.remarks.contains(Code.IDENTICAL_LINE.value)
    return db.session.scalar(select(func.count(counted)).where(*own, *bears)) or 0


def consequences(batch: Batch) -> dict[str, Any]:
    """Return what the confirmation of a batch tells, and the form's word for it: lines billed again, trainees whose documents
    will be withheld, trainees without account. A line that is left out counts for nothing, a trainee on two lines for one.
    """
    known = (batch.summary or {}).get("told", {})
    counts = {
        "already": (Code.ALREADY_REGISTERED, BatchLine.number),
        "no_account": (Code.NO_ACCOUNT, BatchLine.group_key.distinct()),
    }
    found = {name: known[name] if name in known else _kept_with(batch, *asked) for name, asked in counts.items()}
    return {
        "told": told(batch),
        "already": found["already"],
        "withheld": trainees_withheld(batch),
        "without_account": found["no_account"],
        "ceilings": spending.foreseen(batch),
    }


def hold(centre_id: int) -> None:
    """Wait for the centre's other registrations to end, and keep them waiting until this transaction does.

    Two at once would each find that nothing is registered yet, and both be billed. On SQLite whoever has written first
    is alone already.
    """
    if on_postgresql():
        db.session.execute(text("SELECT pg_advisory_xact_lock(:lock, :centre)"), {"lock": _LOCK, "centre": centre_id})


def _sentence(rows: list[Row]) -> str:
    again = sum(any(remark.code is Code.ALREADY_REGISTERED for remark in row.remarks) for row in rows)
    others = {row.line.driver_key for row in rows if row.stake.withheld}
    differ = {row.line.driver_key for row in rows if any(r.code is Code.IDENTITY_DIFFERS for r in row.remarks)} - others
    parts = [
        _counted(
            again,
            "ligne est déjà enregistrée et serait facturée de nouveau",
            "lignes sont déjà enregistrées et seraient facturées de nouveau",
        ),
        _counted(
            len(others),
            "stagiaire est connu sous un autre nom et ses documents seraient retenus",
            "stagiaires sont connus sous un autre nom et leurs documents seraient retenus",
        ),
        _counted(
            len(differ),
            "stagiaire est connu de votre centre sous un autre nom",
            "stagiaires sont connus de votre centre sous un autre nom",
        ),
    ]
    said = " ; ".join(part for part in parts if part)
    return (
        f"Rien n’a été enregistré ni facturé : depuis le rapport que vous avez vu, {said}. "
        "Relisez ces lignes, placées en tête, puis confirmez de nouveau."
    )


def _counted(count: int, one: str, many: str) -> str:
    return count_of(count, one, many) if count else ""
