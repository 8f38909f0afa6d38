"""A line as typed and a line understood: RawLine and Line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from app.validators.context import Category, DriverKey, Training
from app.validators.fields import clean
from app.validators.remark import FIELDS, Remark

_iso = lru_cache(maxsize=65536)(date.isoformat)  # as many days as a life holds, twice


TEXT_FIELDS = ("reference", "order_number", "permit_number")
"""Fields whose column must be text: a spreadsheet program drops leading zeros, or digits beyond fifteen, of a number."""


class RawLine(NamedTuple):
    """A line as typed: the number of the data line (from 1) and nine texts, in the order of the file; an address besides."""

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
    not_text: str = ""
    """Of TEXT_FIELDS, those whose cell was no text and may have changed what was typed; parted by spaces, in their order."""
    email: str = ""
    """Where the driver is invited to open an account; of the ten the only one that may be left out."""

    def values(self) -> dict[str, str]:
        """Field code → text as typed."""
        return dict(zip(FIELDS, self[1:10], strict=True))

    @property
    def is_blank(self) -> bool:
        """Nothing is typed: such a row is skipped but keeps its number."""
        return not any(map(clean, (*self[1:10], self.email)))


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


class Line(NamedTuple):
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
        return not self.remarks or not any(remark.field in ("first_name", "last_name") for remark in self.remarks)

    @property
    def group(self) -> str:
        """What lines of the same driver share, well formed or not; lines of two groups never speak of each other."""
        return groups_of((self,))[0]

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


def groups_of(lines: Iterable[Line]) -> list[str]:
    """`Line.group` of each line, without a call a line: nearly all have a driver."""
    return [f"{_iso(key[0])} {key[1]}" if (key := line.driver_key) else _typed_group(line) for line in lines]


def _typed_group(line: Line) -> str:
    born = _iso(line.birth_date) if line.birth_date else clean(line.raw.birth_date)
    return f"{born} {line.permit or clean(line.raw.permit_number)}"


def in_order(remarks: Iterable[Remark]) -> tuple[Remark, ...]:
    """The remarks of one line in the order shown: the first is the line's main one."""
    return tuple(sorted(remarks, key=_rank))


def _rank(remark: Remark) -> int:
    return remark.rank
