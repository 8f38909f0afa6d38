"""From what was typed to what it means: RawLine → Line, with the remarks of the rules 1 to 3."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

from app.validators.context import Catalogue, Category, DriverKey, Training
from app.validators.fields import clean, is_bare_permit, parse_date, parse_name, parse_permit, parse_text
from app.validators.memory import collector_paused
from app.validators.remark import FIELDS, TEXT_COLUMN, Code, Remark

Value = TypeVar("Value")


class RawLine(NamedTuple):
    """A line as typed: the number of the data line (from 1) and nine texts, in the order of the file."""

    number: int
    reference: str = ""
    order_number: str = ""
    training_label: str = ""
    category: str = ""
    end_date: str = ""
    first_name: str = ""
    last_name: str = ""
    birth_date: str = ""
    permit_number: str = ""
    numeric_permit: bool = False
    """The permit cell was a number that is not a whole one of 12 digits."""

    def values(self) -> dict[str, str]:
        """Field code → text as typed."""
        return dict(zip(FIELDS, self[1:10], strict=True))

    @property
    def is_blank(self) -> bool:
        """Nothing is typed: such a row is skipped but keeps its number."""
        return not any(map(clean, self[1:10]))


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """What a label and a category mean together on an end date; lines that say the same share one."""

    label_text: str
    category_text: str
    label: str
    training: Training | None
    category: Category | None
    minors_allowed: bool | None
    remarks: tuple[Remark, ...]


@dataclass(slots=True)
class Line:
    """A line understood. Texts are cleaned; what could not be understood is None and has a remark."""

    raw: RawLine
    reference: str
    order_number: str
    first_name: str
    last_name: str
    end_date: date | None
    birth_date: date | None
    permit: str | None
    """Normalised permit number."""
    choice: Choice
    driver_key: DriverKey | None
    """Birth date and permit number, when both are well formed."""
    remarks: tuple[Remark, ...]
    """Missing, malformed and unknown values (rules 1 to 3), in the order shown."""

    @property
    def number(self) -> int:
        """Number of the data line, from 1, header not counted."""
        return self.raw.number

    @property
    def training(self) -> Training | None:
        """The entry that label and category name together; where they do not fit, or the category is not known, the
        label's own when it has one; None when the label is unknown or leaves a doubt."""
        return self.choice.training

    @property
    def category(self) -> Category | None:
        """The category named, None when missing or unknown."""
        return self.choice.category

    @property
    def label_text(self) -> str:
        """The label as typed, cleaned."""
        return self.choice.label_text

    @property
    def category_text(self) -> str:
        """The category as typed, cleaned."""
        return self.choice.category_text

    @property
    def minors_allowed(self) -> bool | None:
        """Whether the type of the training lets minors in; None when the type is not known."""
        return self.choice.minors_allowed

    @property
    def has_names(self) -> bool:
        """Both names are there and well formed."""
        return not any(remark.field in ("first_name", "last_name") for remark in self.remarks)

    @property
    def group(self) -> str:
        """What lines of the same driver share, well formed or not; lines of two groups never speak of each other."""
        return f"{self.birth_date or clean(self.raw.birth_date)} {self.permit or clean(self.raw.permit_number)}"

    @property
    def identity(self) -> tuple[object, ...]:
        """The nine normalised fields: two lines that share it are identical."""
        choice = self.choice
        return (
            # In a tuple, so that a number Excel may have shortened never equals the same text taken as it is.
            self.permit or (clean(self.raw.permit_number),),
            self.birth_date or clean(self.raw.birth_date),
            self.end_date or clean(self.raw.end_date),
            choice.label,
            choice.category or choice.category_text,
            self.last_name,
            self.first_name,
            self.order_number,
            self.reference,
        )


class _Column(dict[str, Value]):
    """Typed text → its value, each distinct text being read once."""

    def __init__(self, field: str, parse: Callable[[str], Value | None], otherwise: Callable[[str], Value]) -> None:
        """`otherwise` gives the value of a text that is missing or malformed."""
        self.field = field
        self.faults: dict[str, Remark] = {}
        self._missing = Remark(Code.MISSING, field)
        self._malformed = Remark(Code.FORMAT, field)
        self._parse = parse
        self._otherwise = otherwise

    def __missing__(self, typed: str) -> Value:
        text = clean(typed)
        value = self._parse(text) if text else None
        if value is None:
            value = self._otherwise(text)
            if text or self.field != "reference":  # the one field that may be left out
                self.faults[typed] = self._malformed if text else self._missing
        self[typed] = value
        return value


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


def in_order(remarks: Iterable[Remark]) -> tuple[Remark, ...]:
    """The remarks of one line in the order shown: the first is the line's main one."""
    return tuple(sorted(remarks, key=_rank))


def _rank(remark: Remark) -> int:
    return remark.rank


def _nothing(text: str) -> None:
    return None


_NUMERIC_PERMIT = Remark(Code.FORMAT, "permit_number", detail=TEXT_COLUMN)


class _Faults(defaultdict[int, list[Remark]]):
    """Row → what is missing, malformed or unknown on it; most rows have nothing."""

    def __init__(self) -> None:
        super().__init__(list)

    def add_column(self, column: _Column[Any], texts: Sequence[str]) -> None:
        if column.faults:
            for row, text in enumerate(texts):
                if text in column.faults:
                    self[row].append(column.faults[text])

    def add_choices(self, choices: Sequence[Choice]) -> None:
        if any(choice.remarks for choice in set(choices)):
            for row, choice in enumerate(choices):
                if choice.remarks:
                    self[row].extend(choice.remarks)

    def remarks(self, count: int) -> list[tuple[Remark, ...]]:
        remarks: list[tuple[Remark, ...]] = [()] * count
        for row, found in self.items():
            remarks[row] = in_order(found)
        return remarks


@collector_paused()
def parse_lines(raws: Iterable[RawLine], catalogue: Catalogue) -> list[Line]:
    """What the typed lines mean, in the same order; nothing is raised, what is wrong stands in the remarks."""
    raws = list(raws)
    faults = _Faults()

    # Column by column: each step is one pass of the interpreter's own loops, which halves the time of a large file.
    def typed(field: str) -> list[str]:
        return list(map(attrgetter(field), raws))

    def column(field: str, parse: Callable[[str], Value | None], otherwise: Callable[[str], Value]) -> list[Value]:
        texts = typed(field)
        values = _Column(field, parse, otherwise)
        answer = list(map(values.__getitem__, texts))
        faults.add_column(values, texts)
        return answer

    references = column("reference", parse_text, str)
    orders = column("order_number", parse_text, str)
    first_names = column("first_name", parse_name, str)
    last_names = column("last_name", parse_name, str)
    end_dates = column("end_date", parse_date, _nothing)
    birth_dates = column("birth_date", parse_date, _nothing)
    permits = _permits(raws, typed("permit_number"), faults)
    meant = _Choices(catalogue)
    choices = list(map(meant.__getitem__, zip(typed("training_label"), typed("category"), end_dates, strict=True)))
    faults.add_choices(choices)
    drivers = [(born, permit) if born and permit else None for born, permit in zip(birth_dates, permits, strict=True)]
    remarks = faults.remarks(len(raws))
    return list(
        map(Line, raws, references, orders, first_names, last_names, end_dates, birth_dates, permits, choices, drivers,
            remarks)
    )  # fmt: skip


def _permits(raws: Sequence[RawLine], texts: Sequence[str], faults: _Faults) -> list[str | None]:
    """The permit numbers; one that came as a number may have lost its leading zeros: never taken, never completed."""
    values: _Column[str | None] = _Column("permit_number", parse_permit, _nothing)
    # Nearly every line has its own number: no use in remembering those that are already in their final form.
    permits = [text if is_bare_permit(text) else values[text] for text in texts]
    faults.add_column(values, texts)
    for row, raw in enumerate(raws):
        if raw.numeric_permit and raw.permit_number:
            permits[row] = None
            faults[row] = [remark for remark in faults[row] if remark.field != "permit_number"] + [_NUMERIC_PERMIT]
    return permits
