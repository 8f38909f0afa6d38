"""The facts the rules lean on, frozen: today, the catalogue, the centre's accreditations, the drivers it knows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import SequenceMatcher
from enum import StrEnum
from typing import NamedTuple

from app.validators.fields import NameKey, fold

DriverKey = tuple[date, str]
"""Birth date and normalised permit number: what makes a driver the same driver."""


class Category(StrEnum):
    """The two qualifications a training leads to."""

    GOODS = "Marchandises"
    PASSENGERS = "Voyageurs"

    @classmethod
    def from_text(cls, text: str) -> Category | None:
        """The category a text names, without regard to case, accents and spaces; None when unknown."""
        return _CATEGORIES.get(fold(text))


_CATEGORIES = {fold(category.value): category for category in Category}


@dataclass(frozen=True, slots=True)
class Period:
    """Days from start to end, both included; no end = still running."""

    start: date
    end: date | None = None

    def __contains__(self, day: date) -> bool:
        return self.start <= day and (self.end is None or day <= self.end)


@dataclass(frozen=True, slots=True)
class Training:
    """An entry of the catalogue. Two entries may share a label, one for each category."""

    id: int
    label: str
    category: Category
    family: str
    minors_allowed: bool = False
    is_module: bool = False
    valid_from: date | None = None
    valid_to: date | None = None

    def is_valid_on(self, day: date) -> bool:
        """Whether the entry is in force that day, bounds included."""
        return (self.valid_from or date.min) <= day <= (self.valid_to or date.max)


@dataclass(frozen=True, slots=True)
class Accreditation:
    """An agrément of the centre: some trainings, from a day to a day, less its suspensions (all bounds included)."""

    training_ids: frozenset[int]
    period: Period
    suspensions: tuple[Period, ...] = ()
    withdrawn_on: date | None = None
    number: str = ""
    id: int = 0

    def covers(self, training_id: int, day: date) -> bool:
        """Whether a training that ends that day is covered; from the day of withdrawal on it no longer is."""
        if training_id not in self.training_ids or day not in self.period:
            return False
        if self.withdrawn_on is not None and day >= self.withdrawn_on:
            return False
        return not any(day in suspension for suspension in self.suspensions)


class Suggestion(NamedTuple):
    """« Vouliez-vous dire … ? »: the field to change and the value of the catalogue that was clearly meant."""

    field: str
    value: str


class Catalogue:
    """The trainings there are, found by label without regard to case, accents and repeated spaces."""

    def __init__(self, trainings: Iterable[Training]) -> None:
        self.trainings: tuple[Training, ...] = tuple(trainings)
        self._by_label: dict[str, tuple[Training, ...]] = {}
        for training in self.trainings:
            key = fold(training.label)
            self._by_label[key] = (*self._by_label.get(key, ()), training)

    @property
    def labels(self) -> tuple[str, ...]:
        """Each label once, in the order of the catalogue."""
        return tuple(entries[0].label for entries in self._by_label.values())

    def entries(self, label_text: str) -> tuple[Training, ...]:
        """The entries that bear this label; none when it is unknown."""
        return self._by_label.get(fold(label_text), ())

    def suggest(self, label_text: str, category_text: str) -> Suggestion | None:
        """The one correction that is clearly meant, of the label first, of the category next; None otherwise."""
        entries = self.entries(label_text)
        category = Category.from_text(category_text)
        if not entries and (label := self._nearest_label(fold(label_text), category)):
            return Suggestion("training_label", label)
        if category is None:
            return _nearest_category(fold(category_text))
        own = {training.category for training in entries}
        if own and category not in own:  # two categories exist: a label that lacks this one has the other only
            return Suggestion("category", own.pop().value)
        return None

    def _nearest_label(self, typed: str, category: Category | None) -> str | None:
        scores = {key: _likeness(typed, key) for key in self._by_label}
        best = max(scores.values(), default=0.0)
        near = [self._by_label[key] for key, score in scores.items() if score and score >= best - _TIE]
        if len(near) > 1:
            near = [entries for entries in near if category in {entry.category for entry in entries}]
        return near[0][0].label if len(near) == 1 else None


_TIE = 0.05  # likenesses nearer than this do not tell two labels apart
_WORD_NEAR = 0.75  # a slip of the pen; « fco » and « fimo » stay strangers at 0.57
_TYPED_MAX = 100  # longer than any label: nothing was nearly typed


def _likeness(typed: str, label: str) -> float:
    """0 to 1: how near each typed word is to some word of the label; 0 as soon as one word is a stranger.

    Judged word by word, or « FCO Marchandises » would be taken for « FIMO Marchandises ».
    """
    if not typed or len(typed) > _TYPED_MAX:
        return 0.0
    if typed.replace(" ", "") == label.replace(" ", ""):
        return 1.0
    words = [max(_word_likeness(word, other) for other in label.split()) for word in typed.split()]
    return sum(words) / len(words) if all(words) else 0.0


def _word_likeness(typed: str, word: str) -> float:
    typed = typed.rstrip(".,;")
    if typed == word or (len(typed) >= 3 and word.startswith(typed)):
        return 1.0
    ratio = SequenceMatcher(None, typed, word, autojunk=False).ratio()
    return ratio if ratio >= _WORD_NEAR else 0.0


def _nearest_category(typed: str) -> Suggestion | None:
    typed = typed.rstrip(".")
    for key, category in _CATEGORIES.items():
        if typed and len(typed) <= _TYPED_MAX and (key.startswith(typed) or _word_likeness(typed, key)):
            return Suggestion("category", category.value)
    return None


@dataclass(frozen=True)
class Context:
    """Everything the rules may know beside the line; only this centre's own records, never another's."""

    today: date
    """The day in Europe/Paris."""
    catalogue: Catalogue
    accreditations: tuple[Accreditation, ...] = ()
    accounts: frozenset[DriverKey] = frozenset()
    """Drivers of the lines that have an account on the platform, as far as this centre may be told."""
    own_names: Mapping[DriverKey, frozenset[NameKey]] = field(default_factory=dict)
    """Driver → the names under which this centre registered them."""
    own_registrations: Mapping[tuple[date, str, int, date | None], date] = field(default_factory=dict)
    """Driver, training id, end date (an FCO module only, else None) → day of this centre's last registration."""
    own_times: Mapping[tuple[date, str, int, date | None], int] = field(default_factory=dict)
    """The same keys → how often this centre registered them."""
    account_names: Mapping[DriverKey, NameKey] = field(default_factory=dict)
    """Driver with an account → the name key it bears. Nothing of it is told but of drivers whom this centre registered."""
    own_namesakes: Mapping[tuple[str, str], tuple[DriverKey, ...]] = field(default_factory=dict)
    """Names (`fields.namesake_key`) → the drivers whom this centre registered under them, where a line bears them of a driver
    that the centre does not know."""
    _covered: dict[tuple[int, date], Accreditation | None] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def accreditation_for(self, training: Training, day: date) -> Accreditation | None:
        """The accreditation under which this training may end that day; None also outside the training's validity."""
        key = (training.id, day)
        if key not in self._covered:
            self._covered[key] = self._search(training, day) if training.is_valid_on(day) else None
        return self._covered[key]

    def _search(self, training: Training, day: date) -> Accreditation | None:
        return next((found for found in self.accreditations if found.covers(training.id, day)), None)
