"""The lines sent together: what they say of each other (rules 9 and 10), their order, their counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from app.validators.context import Context, DriverKey
from app.validators.line import Choice, Line, in_order
from app.validators.memory import collector_paused
from app.validators.remark import EMAIL, Code, Remark, Severity
from app.validators.rules import Reads, ask, rules_reading, training_key
from app.validators.stake import NOTHING, Stake, stake_of


@dataclass(slots=True)
class Row:
    """A line with all its remarks, in the order shown."""

    line: Line
    remarks: tuple[Remark, ...]
    stake: Stake = NOTHING

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

    @property
    def tells_withheld(self) -> bool:
        """True where the documents would be withheld and this centre may know: it registered the driver before."""
        return self.stake.withheld and self.stake.is_known and self.is_kept

    def to_json(self) -> dict[str, Any]:
        """The row of the `analyse` answer; values as typed."""
        return {
            "line": self.line.number,
            "severity": self.severity.value if self.severity else None,
            "remarks": [
                {"code": r.code.value, "severity": r.severity.value, "field": r.field, "message": r.message}
                for r in self.remarks
            ],
            "values": self.line.raw.values() | ({EMAIL: email} if (email := self.line.raw.email) else {}),
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
        # Most remarks are one object, said of many lines: looked at once each.
        times = Counter(id(remark) for row in self.rows for remark in row.remarks)
        said = {id(remark): remark for row in self.rows for remark in row.remarks}
        told: Counter[tuple[int, Code, str | None, str]] = Counter()
        for key, remark in said.items():
            told[remark.rank, remark.code, remark.field, remark.detail] += times[key]
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
        return sorted(row.line.number for row in self.rows if row.stake.withheld and row.is_kept)

    @cached_property
    def without_account(self) -> int:
        """How many persons on kept lines are told to have no account, each counted once."""
        return len({row.line.group for row in self._kept_with(Code.NO_ACCOUNT)})

    @cached_property
    def billed_again(self) -> int:
        """How many kept lines this centre registered already."""
        return len(self._kept_with(Code.ALREADY_REGISTERED))

    def _kept_with(self, code: Code) -> list[Row]:
        told = {id(remarks): any(r.code is code for r in remarks) for remarks in (row.remarks for row in self.rows)}
        return [row for row in self.rows if told[id(row.remarks)] and row.is_kept]

    @cached_property
    def repeated(self) -> dict[int, int]:
        """Number of a kept line that this centre registered more than once already → how often."""
        return {row.line.number: row.stake.times for row in self.rows if row.stake.times > 1 and row.is_kept}

    def to_json(self) -> dict[str, Any]:
        """The answer of `analyse`, of the command and of the API.

        `withheld` tells of drivers whom this centre registered before only: of others, nothing tells who is known.
        """
        return {
            "lines": self.lines,
            "informations": self.informations,
            "errors": self.errors,
            "importable": self.importable,
            "withheld": sorted(row.line.number for row in self.rows if row.tells_withheld),
            "rows": [row.to_json() for row in self.rows],
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
    found = _compare([row.line for row in rows])
    for row in rows if found else ():
        if remark := found.get(row.line.raw.number):
            row.remarks = in_order((*row.remarks, remark))
            changed.append(row)
    return changed


@collector_paused()
def report_of(rows: Iterable[Row]) -> Report:
    """Puts judged lines in the order of the screen and counts them; `rows` come by line number."""
    blocks: tuple[list[Row], ...] = ([], [], [])
    for row in rows:
        blocks[row.rank].append(row)
    errors, informations, clean = blocks
    return Report(errors + informations + clean, len(errors), len(informations))


class Judge:
    """Asks the rules (`rules.RULES`) of the lines of one file, each distinct training and each distinct age once: a large
    file repeats them.

    What it was told stays known from one call to the next: their contexts differ by the drivers only. Of drivers nothing is
    known about, the rules on drivers say the same: they are asked once, of the first of them.
    """

    def __init__(self) -> None:
        self._on_training, self._on_age = rules_reading(Reads.TRAINING), rules_reading(Reads.AGE)
        self._on_driver, self._on_line = rules_reading(Reads.DRIVER), rules_reading(Reads.LINE)
        self._on_namesakes = rules_reading(Reads.NAMESAKES)
        self._by_choice: dict[Choice, tuple[Remark, ...]] = {}
        self._by_age: dict[tuple[date | None, bool | None], tuple[Remark, ...]] = {}
        self._of_strangers: tuple[Remark, ...] | None = None

    @collector_paused()
    def check(self, lines: Iterable[Line], context: Context) -> list[Row]:
        """Judges each line as if there were no other, in the order given; nothing is raised."""
        registered = {(born, permit) for born, permit, *_ in context.own_registrations}
        known = {*context.accounts, *context.account_names, *context.own_names, *registered}
        on_line = self._on_line + (self._on_namesakes if context.own_namesakes else ())
        rows = []
        for line in lines:
            remarks = line.remarks + self._remarks(line, context, known)
            if on_line:
                remarks += ask(on_line, line, context)
            stake = stake_of(line, context, training_key) if line.driver_key in known else NOTHING
            rows.append(Row(line, in_order(remarks) if len(remarks) > 1 else remarks, stake))
        return rows

    def _remarks(self, line: Line, context: Context, known: Set[DriverKey]) -> tuple[Remark, ...]:
        """What the rules on training, age and driver say of one line, not yet in order."""
        choice, driver = line.choice, line.driver_key
        trained = self._by_choice.get(choice)
        if trained is None:
            trained = self._by_choice[choice] = ask(self._on_training, line, context)
        age = (line.birth_date, choice.minors_allowed)
        aged = self._by_age.get(age)
        if aged is None:
            aged = self._by_age[age] = ask(self._on_age, line, context)
        if driver is None or driver in known:
            return trained + aged + ask(self._on_driver, line, context)
        if self._of_strangers is None:
            self._of_strangers = ask(self._on_driver, line, context)
        return trained + aged + self._of_strangers


def _number(line: Line) -> int:
    return line.raw.number


def _compare(lines: Sequence[Line]) -> dict[int, Remark]:
    """Line number → what the lines before it make it: identical (10), else a duplicate (9)."""
    compared: dict[int, Remark] = {}
    same_line: dict[object, int] = {}
    same_training: dict[object, int] = {}
    times = Counter([line.driver_key for line in lines])
    for line in lines:
        if times[line.driver_key] == 1:  # nobody else is this driver: nothing to compare, and it is the usual case
            continue
        first = same_line.setdefault(line.identity, line.number)
        key = training_key(line)
        first_trained = same_training.setdefault(key, line.number) if key else line.number
        if first != line.number:
            compared[line.number] = Remark(Code.IDENTICAL_LINE, other_line=first)
        elif first_trained != line.number:
            compared[line.number] = Remark(Code.DUPLICATE_DRIVER, "permit_number", other_line=first_trained)
    return compared
