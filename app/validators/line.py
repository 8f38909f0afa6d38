"""From what was typed to what it means: RawLine → Line, with the remarks of the rules 1 to 3."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Generic, NamedTuple, TypeVar

from app.validators.context import Catalogue, Category, DriverKey, Training
from app.validators.fields import clean, parse_date, parse_name, parse_permit, parse_text
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


@dataclass(slots=True)
class Line:
    """A line understood. Texts are cleaned; what could not be understood is None and has a remark."""

    raw: RawLine
    reference: str
    order_number: str
    first_name: str
    last_name: str
    label_text: str
    category_text: str
    end_date: date | None
    birth_date: date | None
    permit: str | None
    """Normalised permit number."""
    training: Training | None
    """The entry that label and category name together; where they do not fit, or there is no category, the label's
    own when it has one."""
    category: Category | None
    minors_allowed: bool | None
    """Whether the type of the training lets minors in; None when the type is unknown."""
    label: str
    """The label in its catalogue form when known, else the cleaned text."""
    driver_key: DriverKey | None
    """Birth date and permit number, when both are well formed."""
    remarks: tuple[Remark, ...]
    """Missing, malformed and unknown values (rules 1 to 3), in the order shown."""

    @property
    def number(self) -> int:
        """Number of the data line, from 1, header not counted."""
        return self.raw.number

    @property
    def has_names(self) -> bool:
        """Both names are there and well formed."""
        return not any(remark.field in ("first_name", "last_name") for remark in self.remarks)

    @property
    def identity(self) -> tuple[object, ...]:
        """The nine normalised fields: two lines that share it are identical."""
        return (
            self.permit or clean(self.raw.permit_number),
            self.birth_date or clean(self.raw.birth_date),
            self.end_date or clean(self.raw.end_date),
            self.label,
            self.category or self.category_text,
            self.last_name,
            self.first_name,
            self.order_number,
            self.reference,
        )


class _Choice(NamedTuple):
    """What a label and a category mean together."""

    label_text: str
    category_text: str
    label: str
    category: Category | None
    training: Training | None
    minors_allowed: bool | None
    label_remark: Remark | None
    category_remark: Remark | None


class _Column(dict[str, tuple[Value, Remark | None]], Generic[Value]):
    """Typed text → its value and remark, each distinct text being read once."""

    def __init__(self, read: Callable[[str], tuple[Value, Remark | None]]) -> None:
        self._read = read

    def __missing__(self, typed: str) -> tuple[Value, Remark | None]:
        answer = self[typed] = self._read(typed)
        return answer


def _missing(field: str) -> Remark | None:
    return None if field == "reference" else Remark(Code.MISSING, field)


def _text_column(field: str, parse: Callable[[str], str | None]) -> _Column[str]:
    """A column whose value is the cleaned text, well formed or not."""
    missing, malformed = _missing(field), Remark(Code.FORMAT, field)

    def read(typed: str) -> tuple[str, Remark | None]:
        text = clean(typed)
        return text, missing if not text else malformed if parse(text) is None else None

    return _Column(read)


def _value_column(field: str, parse: Callable[[str], Value | None]) -> _Column[Value | None]:
    """A column whose value is what the parser makes of the text, None when it cannot."""
    missing, malformed = _missing(field), Remark(Code.FORMAT, field)

    def read(typed: str) -> tuple[Value | None, Remark | None]:
        text = clean(typed)
        if not text:
            return None, missing
        value = parse(text)
        return value, malformed if value is None else None

    return _Column(read)


class _Reader:
    """Reads lines against one catalogue; its memory lives as long as one call of parse_lines."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.references = _text_column("reference", parse_text)
        self.orders = _text_column("order_number", parse_text)
        self.first_names = _text_column("first_name", parse_name)
        self.last_names = _text_column("last_name", parse_name)
        self.end_dates = _value_column("end_date", parse_date)
        self.birth_dates = _value_column("birth_date", parse_date)
        self.permits = _value_column("permit_number", parse_permit)
        self.choices: dict[tuple[str, str, date | None], _Choice] = {}

    def read(self, raw: RawLine) -> Line:
        _, reference, order, label, category, end, first, last, birth, permit, numeric_permit = raw
        reference, r1 = self.references[reference]
        order, r2 = self.orders[order]
        end_date, r5 = self.end_dates[end]
        first, r6 = self.first_names[first]
        last, r7 = self.last_names[last]
        birth_date, r8 = self.birth_dates[birth]
        number, r9 = self.permits[permit]
        if numeric_permit and permit:
            number, r9 = None, _NUMERIC_PERMIT
        key = (label, category, end_date)
        choice = self.choices.get(key) or self.choose(*key)
        label_text, category_text, own_label, known, training, minors_allowed, r3, r4 = choice
        remarks: tuple[Remark, ...] = ()
        if r1 or r2 or r3 or r4 or r5 or r6 or r7 or r8 or r9:
            remarks = in_order([r for r in (r1, r2, r3, r4, r5, r6, r7, r8, r9) if r])
        driver = (birth_date, number) if birth_date and number else None
        return Line(
            raw, reference, order, first, last, label_text, category_text, end_date, birth_date, number,
            training, known, minors_allowed, own_label, driver, remarks,
        )  # fmt: skip

    def choose(self, label: str, category: str, day: date | None) -> _Choice:
        """What label and category mean on that day, remembered for the next line that says the same."""
        label_text, category_text = clean(label), clean(category)
        entries = self.catalogue.entries(label_text)
        known = Category.from_text(category_text)
        types = {entry.minors_allowed for entry in entries}
        choice = self.choices[label, category, day] = _Choice(
            label_text=label_text,
            category_text=category_text,
            label=entries[0].label if entries else label_text,
            category=known,
            training=_named(entries, known, day),
            minors_allowed=types.pop() if len(types) == 1 else None,
            label_remark=None if entries else _lacking("training_label", Code.UNKNOWN_TRAINING, label_text),
            category_remark=None if known else _lacking("category", Code.UNKNOWN_CATEGORY, category_text),
        )
        return choice


_NUMERIC_PERMIT = Remark(Code.FORMAT, "permit_number", detail=TEXT_COLUMN)


def _lacking(field: str, unknown: Code, text: str) -> Remark:
    return Remark(unknown if text else Code.MISSING, field)


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


def parse_lines(raws: Iterable[RawLine], catalogue: Catalogue) -> list[Line]:
    """What the typed lines mean, in the same order; nothing is raised, what is wrong stands in the remarks."""
    read = _Reader(catalogue).read
    return [read(raw) for raw in raws]
