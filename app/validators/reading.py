"""From what was typed to what it means: RawLine → Line, with the remarks of the rules 1 to 3."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from itertools import compress, repeat
from typing import Any, TypeVar

from app.validators.context import Catalogue, Category, Training
from app.validators.fields import (
    clean,
    is_tidy_name,
    is_tidy_permit,
    parse_date,
    parse_name,
    parse_permit,
    parse_text,
)
from app.validators.line import TEXT_FIELDS, Choice, Line, RawLine, in_order
from app.validators.memory import collector_paused
from app.validators.remark import FIELDS, TEXT_COLUMN, Code, Remark, malformed

Value = TypeVar("Value")
_REMEMBERED = 20_000
"""Distinct texts of a column that are worth knowing from one call to the next: days come back, names do not."""


class _Column(dict[str, Value]):
    """Typed text → its value, each distinct text being read once."""

    def __init__(self, field: str, parse: Callable[[str], Value | None], otherwise: Callable[[str], Value]) -> None:
        """`otherwise` gives the value of a text that is missing or malformed."""
        self.field = field
        self.faults: dict[str, Remark] = {}
        self._missing = Remark(Code.MISSING, field)
        self._malformed: dict[Remark, Remark] = {}
        self._parse = parse
        self._otherwise = otherwise

    def read(self, texts: Sequence[str]) -> list[Value]:
        """The values of so many texts, in the same order."""
        self.make_room()
        return list(map(self.__getitem__, texts))

    def make_room(self) -> None:
        """Forget, now and then: what was read is read again when it comes back."""
        if len(self) > _REMEMBERED:
            self.clear()
            self.faults.clear()

    def __missing__(self, typed: str) -> Value:
        text = clean(typed)
        value = self._parse(text) if text else None
        if value is None:
            value = self._otherwise(text)
            if text or self.field != "reference":  # the one field that may be left out
                self.faults[typed] = self._fault(text) if text else self._missing
        self[typed] = value
        return value

    def _fault(self, text: str) -> Remark:
        """What is wrong with a text, each remark being one object however many lines bear it."""
        remark = malformed(self.field, text)
        return self._malformed.setdefault(remark, remark)


class _OwnColumn(_Column[Value]):
    """A column in which nearly every line has a text of its own, one that is its own value: no use in remembering those."""

    def __init__(
        self,
        field: str,
        parse: Callable[[str], Value | None],
        otherwise: Callable[[str], Value],
        is_tidy: Callable[[str], object],
    ) -> None:
        super().__init__(field, parse, otherwise)
        self._is_tidy = is_tidy

    def read(self, texts: Sequence[str]) -> list[Value]:
        """See `_Column`."""
        self.make_room()
        # A tidy text is a value: what the parser would answer.
        tidy: Iterable[tuple[Any, object]] = zip(texts, map(self._is_tidy, texts), strict=True)
        return [text if is_tidy else self[text] for text, is_tidy in tidy]


class _Choices(dict[tuple[str, str, "date | None"], Choice]):
    """Label and category as typed, end date → what they mean together."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def __missing__(self, key: tuple[str, str, date | None]) -> Choice:
        label, category = clean(key[0]), clean(key[1])
        entries = self._catalogue.entries(label)
        known = Category.from_text(category)
        types = {entry.minors_allowed for entry in entries}
        choice = self[key] = Choice(
            label_text=label,
            category_text=category,
            label=entries[0].label if entries else label,
            training=_named(entries, known, key[2]),
            category=known,
            minors_allowed=types.pop() if len(types) == 1 else None,
            remarks=tuple(_unknown(label, bool(entries), category, known)),
        )
        return choice


def _unknown(label: str, is_label_known: bool, category: str, known: Category | None) -> Iterator[Remark]:
    if not is_label_known:
        yield Remark(Code.UNKNOWN_TRAINING if label else Code.MISSING, "training_label")
    if known is None:
        yield Remark(Code.UNKNOWN_CATEGORY if category else Code.MISSING, "category")


def _named(entries: tuple[Training, ...], category: Category | None, day: date | None) -> Training | None:
    """The entry meant, or the label's own where the category does not fit or is not known; None when in doubt."""
    fitting = [entry for entry in entries if entry.category == category] or list(entries)
    if len({entry.category for entry in fitting}) != 1:
        return None
    # One label may have had several entries in turn: the one in force on the end date is meant, else the latest.
    return next((entry for entry in fitting if day and entry.is_valid_on(day)), fitting[-1])


def _nothing(text: str) -> None:
    return None


_NOT_TEXT = {field: Remark(Code.FORMAT, field, detail=TEXT_COLUMN) for field in TEXT_FIELDS}


class _Faults(defaultdict[int, list[Remark]]):
    """Row → what is missing, malformed or unknown on it; most rows have nothing."""

    def __init__(self) -> None:
        super().__init__(list)

    def add_column(self, column: _Column[Any], texts: Sequence[str]) -> None:
        if column.faults:
            for row in compress(range(len(texts)), map(column.faults.__contains__, texts)):
                self[row].append(column.faults[texts[row]])

    def add_choices(self, choices: Sequence[Choice]) -> None:
        if unknown := {choice for choice in set(choices) if choice.remarks}:
            for row in compress(range(len(choices)), map(unknown.__contains__, choices)):
                self[row].extend(choices[row].remarks)

    def add_not_text(self, row: int, field: str) -> None:
        """What a cell that was no text says of its field stands for whatever else its format says."""
        self[row] = [remark for remark in self[row] if remark.field != field] + [_NOT_TEXT[field]]

    def remarks(self, count: int) -> list[tuple[Remark, ...]]:
        remarks: list[tuple[Remark, ...]] = [()] * count
        for row, found in self.items():
            remarks[row] = in_order(found) if len(found) > 1 else tuple(found)
        return remarks


class Reader:
    """Reads the typed lines of one file or form; what it understood stays known from one call to the next."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._reference = _Column("reference", parse_text, str)
        self._order_number = _Column("order_number", parse_text, str)
        self._first_name = _Column("first_name", parse_name, str)
        self._last_name = _OwnColumn("last_name", parse_name, str, is_tidy_name)
        self._end_date: _Column[date | None] = _Column("end_date", parse_date, _nothing)
        self._birth_date: _Column[date | None] = _Column("birth_date", parse_date, _nothing)
        self._permit: _Column[str | None] = _OwnColumn("permit_number", parse_permit, _nothing, is_tidy_permit)
        self._choices = _Choices(catalogue)

    @collector_paused()
    def read(self, raws: Iterable[RawLine]) -> list[Line]:
        """What the typed lines mean, in the same order; nothing is raised, what is wrong stands in the remarks."""
        raws = list(raws)
        if not raws:
            return []
        faults = _Faults()
        # Column by column: each step is one pass of the interpreter's own loops, which halves the time of a large file.
        _, *typed, not_text, _emails = zip(*raws, strict=True)
        texts: dict[str, Sequence[str]] = dict(zip(FIELDS, typed, strict=True))

        def column(values: _Column[Value]) -> list[Value]:
            answer = values.read(texts[values.field])
            faults.add_column(values, texts[values.field])
            return answer

        references, orders = column(self._reference), column(self._order_number)
        first_names, last_names = column(self._first_name), column(self._last_name)
        end_dates, birth_dates = column(self._end_date), column(self._birth_date)
        permits = column(self._permit)
        _refuse_numbers(not_text, texts, permits, faults)
        meant = zip(texts["training_label"], texts["category"], end_dates, strict=True)
        choices = list(map(self._choices.__getitem__, meant))
        faults.add_choices(choices)
        drivers = [
            (born, permit) if born and permit else None for born, permit in zip(birth_dates, permits, strict=True)
        ]
        remarks = faults.remarks(len(raws))
        columns = (
            raws,
            references,
            orders,
            first_names,
            last_names,
            end_dates,
            birth_dates,
            permits,
            choices,
            drivers,
            remarks,
        )
        return list(
            map(tuple.__new__, repeat(Line), zip(*columns, strict=True))
        )  # as `_make`, without a call of ours a line


def parse_lines(raws: Iterable[RawLine], catalogue: Catalogue) -> list[Line]:
    """What the typed lines mean, in the same order; nothing is raised, what is wrong stands in the remarks."""
    return Reader(catalogue).read(raws)


def _refuse_numbers(
    not_text: Sequence[str], texts: dict[str, Sequence[str]], permits: list[str | None], faults: _Faults
) -> None:
    """Faults of the cells that should have been text; a permit that came as a number is never taken, never completed."""
    for row in compress(range(len(not_text)), not_text):
        for field in not_text[row].split():
            if texts[field][row]:
                faults.add_not_text(row, field)
                if field == "permit_number":
                    permits[row] = None
