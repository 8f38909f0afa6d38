"""The lines sent together: what they say of each other (rules 9 and 10), their order, their counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import compress
from typing import Any, TypeVar

from app.validators.context import Context
from app.validators.line import Choice, Line, in_order
from app.validators.memory import collector_paused
from app.validators.remark import EMAIL, Code, Remark, Severity
from app.validators.rules import Reads, Rule, ask, rules_reading, training_key
from app.validators.stake import NOTHING, Stake, stake_of

Remarks = tuple[Remark, ...]
Told = TypeVar("Told")
Key = TypeVar("Key")


def rank_of(remarks: Remarks) -> int:
    """The block of the screen of a line with these remarks: see `Row.rank`."""
    return 2 if not remarks else 0 if remarks[0].severity is Severity.ERROR else 1


@dataclass(slots=True)
class Row:
    """A line with all its remarks, in the order shown."""

    line: Line
    remarks: Remarks
    stake: Stake = NOTHING

    @property
    def severity(self) -> Severity | None:
        """ERROR as soon as one remark is one, INFORMATION with informations only, None for a clean line."""
        # Errors come before informations in the order shown, so the first remark decides.
        return self.remarks[0].severity if self.remarks else None

    @property
    def rank(self) -> int:
        """Block of the screen: 0 with an error, 1 with only informations, 2 clean."""
        return rank_of(self.remarks)

    @property
    def is_kept(self) -> bool:
        """False for the later of identical lines: it is neither imported nor billed."""
        return not any(remark.code is Code.IDENTICAL_LINE for remark in self.remarks)

    @property
    def tells_withheld(self) -> bool:
        """True where the documents would be withheld and this centre may know: it registered the driver before."""
        return self.stake.withheld and self.stake.is_known and self.is_kept

    def to_json(self) -> dict[str, Any]:
        """The row of the `analyse` answer; values as typed."""
        values = self.line.raw.values() | ({EMAIL: email} if (email := self.line.raw.email) else {})
        return {"line": self.line.number, **said(self.remarks), "values": values}


def said(remarks: Remarks) -> dict[str, Any]:
    """What `Row.to_json` says of a line with these remarks."""
    return {
        "severity": remarks[0].severity.value if remarks else None,
        "remarks": [
            {"code": r.code.value, "severity": r.severity.value, "field": r.field, "message": r.message}
            for r in remarks
        ],
    }


def told_by_remarks(rows: Iterable[Row], look: Callable[[Remarks], Told]) -> list[Told]:
    """What a look at its remarks tells of each row; most are those of many rows, held once, and looked at once."""
    said = [row.remarks for row in rows]
    told = {key: look(remarks) for key, remarks in dict(zip(map(id, said), said, strict=True)).items()}
    return list(map(told.__getitem__, map(id, said)))


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
        told: Counter[tuple[int, Code, str | None, str]] = Counter()
        for remarks, times in self._said:
            for remark in remarks:
                told[remark.rank, remark.code, remark.field, remark.detail] += times
        kinds: Counter[str] = Counter()
        for rank, code, field, detail in sorted(told):
            kinds[Remark(code, field, detail=detail).kind] += told[rank, code, field, detail]
        return dict(kinds)

    @cached_property
    def addressed(self) -> int:
        """How many lines bear an address, well formed or not."""
        return sum(1 for row in self.rows if row.line.raw.email)

    @cached_property
    def withheld(self) -> list[int]:
        """Numbers of the kept lines whose documents would be withheld: their drivers are known under another name."""
        return sorted(row.line.number for row in self._at_stake if row.stake.withheld and row.is_kept)

    @cached_property
    def without_account(self) -> int:
        """How many persons on kept lines are told to have no account, each counted once."""
        return len({row.line.driver_key for row in self._kept_with(Code.NO_ACCOUNT)})

    @cached_property
    def billed_again(self) -> int:
        """How many kept lines this centre registered already."""
        return len(self._kept_with(Code.ALREADY_REGISTERED))

    @cached_property
    def repeated(self) -> dict[int, int]:
        """Number of a kept line that this centre registered more than once already → how often."""
        return {row.line.number: row.stake.times for row in self._at_stake if row.stake.times > 1 and row.is_kept}

    @cached_property
    def _at_stake(self) -> list[Row]:
        return [row for row in self.rows if row.stake is not NOTHING]

    @cached_property
    def _said(self) -> list[tuple[Remarks, int]]:
        """The remarks that rows bear, with how many bear them: most are held once, and so come once."""
        said = [row.remarks for row in self.rows]
        times = Counter(map(id, said))
        return [(remarks, times[id(remarks)]) for remarks in {id(remarks): remarks for remarks in said}.values()]

    def _kept_with(self, code: Code) -> list[Row]:
        codes = [(remarks, {remark.code for remark in remarks}) for remarks, _ in self._said]
        meant = {id(remarks) for remarks, said in codes if code in said and Code.IDENTICAL_LINE not in said}
        return [row for row in self.rows if id(row.remarks) in meant] if meant else []

    def to_json(self, *, rows: bool = True) -> dict[str, Any]:
        """The answer of `analyse`, of the command and of the API; without its rows where they are written elsewhere.

        `withheld` tells of drivers whom this centre registered before only: of others, nothing tells who is known.
        """
        return {
            "lines": self.lines,
            "informations": self.informations,
            "errors": self.errors,
            "importable": self.importable,
            "withheld": sorted(row.line.number for row in self._at_stake if row.tells_withheld),
            **({"rows": [row.to_json() for row in self.rows]} if rows else {}),
        }


@collector_paused()
def check_batch(lines: Sequence[Line], context: Context) -> Report:
    """Judges all lines, each alone and against those before it; nothing is raised."""
    rows = Judge().check(sorted(lines, key=_number), context)
    compare(rows)
    return report_of(rows)


@collector_paused()
def compare(rows: Sequence[Row]) -> list[Row]:
    """Adds to the lines what those before them make of them (rules 9 and 10); returns the rows that changed.

    `rows` are all lines of the batch, judged alone, by line number.
    """
    changed = []
    for at, remark in _compare([row.line for row in rows]):
        row = rows[at]
        row.remarks = in_order((*row.remarks, remark))
        changed.append(row)
    return changed


@collector_paused()
def report_of(rows: Iterable[Row]) -> Report:
    """Puts judged lines in the order of the screen and counts them; `rows` come by line number."""
    rows = list(rows)
    blocks: tuple[list[Row], ...] = ([], [], [])
    for row, rank in zip(rows, told_by_remarks(rows, rank_of), strict=True):
        blocks[rank].append(row)
    errors, informations, clean = blocks
    return Report(errors + informations + clean, len(errors), len(informations))


class _InOrder(dict[Remarks, Remarks]):
    """Remarks → the same in the order shown: one object for all lines of which the same is said."""

    def __missing__(self, remarks: Remarks) -> Remarks:
        self[remarks] = ordered = in_order(remarks)
        return ordered


class Judge:
    """Asks the rules (`rules.RULES`) of the lines of one file, each distinct training and each distinct age once: a large
    file repeats them.

    What it was told stays known from one call to the next: their contexts differ by the drivers only. Of drivers nothing is
    known about, the rules on drivers say the same: they are asked once, of the first of them.
    """

    def __init__(self) -> None:
        self._on_training, self._on_age = rules_reading(Reads.TRAINING), rules_reading(Reads.AGE)
        self._on_driver, self._on_line = rules_reading(Reads.DRIVER), rules_reading(Reads.LINE)
        self._on_namesakes, self._on_address = rules_reading(Reads.NAMESAKES), rules_reading(Reads.ADDRESS)
        self._by_choice: dict[Choice, Remarks] = {}
        self._by_age: dict[tuple[date | None, bool | None], Remarks] = {}
        self._of_strangers: Remarks | None = None
        self._in_order = _InOrder()

    @collector_paused()
    def check(self, lines: Iterable[Line], context: Context) -> list[Row]:
        """Judges each line as if there were no other, in the order given; nothing is raised."""
        lines = list(lines)
        registered = {(born, permit) for born, permit, *_ in context.own_registrations}
        known = {*context.accounts, *context.account_names, *context.own_names, *registered}
        on_line = self._on_line + (self._on_namesakes if context.own_namesakes else ())
        choices = [line.choice for line in lines]
        ages = [(line.birth_date, line.choice.minors_allowed) for line in lines]
        trained = _asked_once(self._by_choice, choices, lines, self._on_training, context)
        aged = _asked_once(self._by_age, ages, lines, self._on_age, context)
        rows = []
        for line, on_training, on_age in zip(lines, trained, aged, strict=True):
            driver = line.driver_key
            is_known = driver is None or driver in known
            said = ask(self._on_driver, line, context) if is_known else self._of_strangers
            if said is None:
                said = self._of_strangers = ask(self._on_driver, line, context)
            if on_line:
                said += ask(on_line, line, context)
            if line.raw.email:
                said += ask(self._on_address, line, context)
            if remarks := line.remarks + on_training + on_age:
                said = self._in_order[remarks + said]
            rows.append(Row(line, said, stake_of(line, context, training_key)) if driver in known else Row(line, said))
        return rows


def _asked_once(
    known: dict[Key, Remarks], keys: Sequence[Key], lines: Sequence[Line], rules: Sequence[Rule], context: Context
) -> list[Remarks]:
    """What rules say of lines, each distinct key being asked about once: it is all that they read of a line."""
    for key, line in {key: line for key, line in zip(keys, lines, strict=True) if key not in known}.items():
        known[key] = ask(rules, line, context)
    return list(map(known.__getitem__, keys))


def _number(line: Line) -> int:
    return line.raw.number


def _compare(lines: Sequence[Line]) -> Iterator[tuple[int, Remark]]:
    """Place of a line, from 0, and what the lines before make it: identical (10), else a duplicate (9)."""
    same_line: dict[object, int] = {}
    same_training: dict[object, int] = {}
    drivers = [line.driver_key for line in lines]
    # Mostly nobody else is the driver of a line, and there is nothing to compare.
    repeated = {driver for driver, times in Counter(drivers).items() if times > 1}
    for at in compress(range(len(lines)), map(repeated.__contains__, drivers)):
        line = lines[at]
        first = same_line.setdefault(line.identity, line.number)
        key = training_key(line)
        first_trained = same_training.setdefault(key, line.number) if key else line.number
        if first != line.number:
            yield at, Remark(Code.IDENTICAL_LINE, other_line=first)
        elif first_trained != line.number:
            yield at, Remark(Code.DUPLICATE_DRIVER, "permit_number", other_line=first_trained)
