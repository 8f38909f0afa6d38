"""Rows as the back office's lists read them: relations in one go, worked-out columns, and searches that are asked by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from flask_appbuilder.models.filters import BaseFilter, Filters
from flask_appbuilder.models.sqla.interface import SQLAInterface
from sqlalchemy import ColumnElement, Select, and_, false, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, Query

from app.services.core import bulk, dialect, narrowing
from app.services.core.narrowing import bare_number, holds, whole_numbers
from app.validators.fields import clean, loosen_date, parse_date

Choices = Callable[[], list[tuple[str, str]]]
Ways = Callable[[str], list[ColumnElement[bool]]]
#: No column holds as much.
LONGEST = 100
NO_DAY = "Ce n’est pas une date possible : JJ/MM/AAAA est attendu."
NO_CHOICE = "Cette réponse n’existe pas : choisissez dans la liste."
TOO_LONG = f"Une recherche compte {LONGEST} caractères au plus."
#: Rows are counted, and may be leafed through, up to this many; where a good part of a long list answers, up to a thousand:
#: reading five thousand from all over a large table takes longer than all else of a page.
MANY, THOUSAND = 5_000, 1_000
#: What a good part is: a row in so many. A page is read by passing some fifty times as many.
ONE_IN = 250


@dataclass(frozen=True)
class Question:
    """One question of a list's search: its label, what it asks of the rows, and the choices where there are any.

    ``condition`` is given the text asked (never empty) and returns what rows must meet, or None for a text that is no day.
    ``broad``: the same in the form that suits a question which very many rows answer. ``ways``: conditions of which such a row
    meets one, each with an index of its own: where a list is sorted by what it is searched by, those who answer stand together,
    and reading in the list's order would first pass all who stand before them.
    """

    label: str
    condition: Callable[[str], ColumnElement[bool] | None]
    choices: Choices | None = None
    broad: Callable[[str], ColumnElement[bool] | None] | None = None
    ways: Ways | None = None

    def fault(self, text: str) -> str:
        """Return what is wrong with a text asked; '' where rows can answer. No row answers a faulty one."""
        if len(text) > LONGEST:
            return TOO_LONG
        if self.choices is not None:
            return "" if text in {value for value, _ in self.choices()} else NO_CHOICE
        return NO_DAY if self.condition(text) is None else ""

    def reached(self, relation: Any) -> Question:
        """Return the same question, asked of the rows that a relation to many leads to."""

        def condition(text: str) -> ColumnElement[bool] | None:
            asked = self.condition(text)
            return None if asked is None else relation.any(asked)

        return Question(self.label, condition, self.choices)


def asked_text(value: Any) -> str:
    """Return what a request asks of a question, as it is understood: by the list and by its export alike."""
    return clean(str(value))


def words(label: str, *columns: Any) -> Question:
    """Return a question each of whose words must stand in one of the columns, whatever its case.

    A column may be a function of the word that returns a condition, for what stands in another table.
    """

    def condition(text: str) -> ColumnElement[bool]:
        return and_(*(or_(*(_has(column, word) for column in columns)) for word in whole_numbers(text).split()))

    return Question(label, condition)


def _has(column: Any, word: str) -> ColumnElement[bool]:
    return holds(column, word) if isinstance(column, InstrumentedAttribute) else column(word)


def siret(column: Any) -> Callable[[str], ColumnElement[bool]]:
    """Return a column of :func:`words` that holds SIRETs: found however they, or a part of one, are typed."""
    return lambda word: holds(column, bare_number(word))


def within(key: Any, model: Any, *columns: Any) -> Callable[[str], ColumnElement[bool]]:
    """Return a column of :func:`words` that looks into the rows another table holds for a foreign key."""

    def has(word: str) -> ColumnElement[bool]:
        found = or_(*(_has(column, word) for column in columns))
        return key.in_(select(model.id).where(found))  # type: ignore[no-any-return]

    return has


def one_of(label: str, column: Any, choices: Choices) -> Question:
    """Return a question that is answered by one of the choices."""

    def condition(text: str) -> ColumnElement[bool]:
        return column == (int(text) if text.isdigit() else text)  # type: ignore[no-any-return]

    return Question(label, condition, choices)


def asking(
    label: str,
    condition: Callable[..., ColumnElement[bool] | None],
    choices: Choices | None = None,
    ways: Ways | None = None,
) -> Question:
    """Return a question whose condition a service knows in both forms."""
    return Question(label, condition, choices, partial(condition, broad=True), ways)


def yes_or_no() -> list[tuple[str, str]]:
    """Return the two answers."""
    return [("oui", "Oui"), ("non", "Non")]


def yes_no(label: str, condition: ColumnElement[bool]) -> Question:
    """Return a question answered by yes or no."""
    return Question(label, lambda text: condition if text == "oui" else ~condition, yes_or_no)


def on_day(label: str, condition: Callable[[date], ColumnElement[bool]]) -> Question:
    """Return a question about a day, typed as people type days."""

    def ask(text: str) -> ColumnElement[bool] | None:
        day = parse_date(loosen_date(text))
        return None if day is None else condition(day)

    return Question(label, ask)


class Rows(SQLAInterface):  # type: ignore[misc]
    """A table as a list shows it.

    ``eager``: loader options, so that a page costs the same number of queries whatever its rows. ``computed``: column →
    what it shows of a row. ``questions``: the searches; no column is searched that is not among them. ``sorts``: column →
    what the rows are sorted by where that is not the column itself (an index answers both).
    """

    def __init__(
        self,
        model: Any,
        *,
        eager: Sequence[Any] = (),
        computed: dict[str, Callable[[Any], Any]] | None = None,
        questions: dict[str, Question] | None = None,
        sorts: Mapping[str, Sequence[Any]] | None = None,
    ) -> None:
        self.eager, self.computed, self.questions = eager, computed or {}, questions or {}
        self.sorts = sorts or {}
        super().__init__(model)

    def apply_all(self, query: Query[Any], *args: Any, **kwargs: Any) -> Query[Any]:
        """Return the rows' query, with their relations."""
        return super().apply_all(query, *args, **kwargs).options(*self.eager)  # type: ignore[no-any-return]

    def query(
        self,
        filters: Filters | None = None,
        order_column: str = "",
        order_direction: str = "",
        page: int | None = None,
        page_size: int | None = None,
        select_columns: list[str] | None = None,
        outer_default_load: bool = False,
    ) -> tuple[int, list[Any]]:
        """Return how many rows answer (`narrowing.MoreThan` where that was given up) and the page asked for.

        No question is ever answered by sorting or counting all rows: up to MANY are found by their own indexes and sorted;
        more are read in the list's order, where a page is soon full.
        """
        key = self.obj.id
        narrowed = self.apply_filters(self.session.query(self.obj), filters)
        count, ids = self._counted(narrowed.with_entities(key).statement, filters)
        if ids is None:
            last = ((page or 0) + 1) * (page_size or MANY)
            found = self._of_many(filters, partial(self._first, order_column, order_direction, last))
        else:
            # Sorted for themselves: by what no index holds, or PostgreSQL goes along one of the table for a page of them.
            found = self.session.query(self.obj).filter(bulk.among(key, ids)).order_by(key < 0)
        if (page or 0) * (page_size or 0) >= count:
            return count, []
        page_ids = super().apply_all(found, None, order_column, order_direction, page, page_size).with_entities(key)
        wanted = [id_ for (id_,) in page_ids]
        rows = self.session.query(self.obj).filter(key.in_(wanted)).options(*self.eager)
        by_id = {row.id: row for row in rows}
        return count, [by_id[id_] for id_ in wanted]

    def _counted(self, ids: Select[Any], filters: Filters | None) -> tuple[int, list[int] | None]:
        """Return how many rows a statement finds, and their ids, or None where there are too many to sort."""
        if (found := bulk.ids_up_to(THOUSAND, ids)) is not None:
            return len(found), found
        expected = dialect.expected_rows(ids)
        if expected >= MANY and expected * ONE_IN >= self._expected_unasked(filters):
            return narrowing.MoreThan(THOUSAND), None
        found = bulk.ids_up_to(MANY, ids)
        return (narrowing.MoreThan(MANY), None) if found is None else (len(found), found)

    def _expected_unasked(self, filters: Filters | None) -> int:
        """Return how long PostgreSQL believes the list is where nothing is asked of it; 0 where nothing is."""
        query, asked = self.session.query(self.obj.id), False
        for one, value in filters.get_filters_values() if filters else ():
            if hasattr(one, "apply_broadly"):
                asked = True
            else:
                query = one.apply(query, value)
        return dialect.expected_rows(query.statement) if asked else 0

    def _of_many(self, filters: Filters | None, first: Callable[[Query[Any]], Any]) -> Query[Any]:
        """Return the rows that answer, where they are very many: as they are judged in the list's order or, of a question that
        has several ways, the first of each way.
        """
        query: Query[Any] = self.session.query(self.obj)
        ways: list[ColumnElement[bool]] = []
        for asked, values in filters.get_filters_values() if filters else ():
            for value in values if isinstance(values, list) else [values]:
                if found := asked.ways(value) if hasattr(asked, "ways") and not ways else []:
                    ways = found
                else:
                    query = getattr(asked, "apply_broadly", asked.apply)(query, value)
        if not ways:
            return query
        first_ids = union_all(*(first(query.filter(way)) for way in ways))
        narrowed: Query[Any] = self.session.query(self.obj).filter(self.obj.id.in_(first_ids))
        return narrowed

    def _first(self, order_column: str, order_direction: str, last: int, query: Query[Any]) -> Select[Any]:
        """Return the statement of the ids of the first rows of a query, in the list's order."""
        ordered = self.apply_order_by(query, order_column, order_direction).limit(last)
        return select(ordered.with_entities(self.obj.id).subquery().c.id)

    def apply_order_by(
        self, query: Query[Any], order_column: str, order_direction: str, *args: Any, **kwargs: Any
    ) -> Query[Any]:
        """Return the query sorted; the key breaks ties, so that no row is on two pages."""
        if order_column not in self.sorts:
            return super().apply_order_by(  # type: ignore[no-any-return]
                query, order_column, order_direction, *args, **{**kwargs, "add_pk": True}
            )
        columns = (*self.sorts[order_column], self.obj.id)
        return query.order_by(*(column.asc() if order_direction == "asc" else column.desc() for column in columns))

    @staticmethod
    def is_model_already_joined(query: Query[Any], model: Any) -> bool:
        """Say no: our searches never join, and a table of one of their sub-queries is not one to order by."""
        return False

    def get_filters(self, search_columns: Any = None, search_filters: Any = None) -> Filters:
        """Return the filters a request may ask for: the questions, and nothing else."""
        return Asked(self.filter_converter_class, self, search_columns=search_columns, search_filters=search_filters)

    def _get_attr_value(self, item: Any, col: str) -> Any:
        work_out = self.computed.get(col)
        return work_out(item) if work_out else super()._get_attr_value(item, col)


class Asked(Filters):  # type: ignore[misc]
    """The filters of a request: one a question."""

    def _get_filters(self, cols: list[str]) -> dict[str, list[BaseFilter]]:
        return {name: [_filter(name, self.datamodel, question)] for name, question in self.datamodel.questions.items()}


def _filter(name: str, rows: Rows, question: Question) -> BaseFilter:
    def narrowing(ask: Callable[[str], ColumnElement[bool] | None]) -> Callable[..., Query[Any]]:
        def apply(_self: BaseFilter, query: Query[Any], value: Any) -> Query[Any]:
            text = asked_text(value)
            if not text:
                return query
            condition = None if question.fault(text) else ask(text)
            return query.filter(false() if condition is None else condition)

        return apply

    def ways(_self: BaseFilter, value: Any) -> list[ColumnElement[bool]]:
        text = asked_text(value)
        return question.ways(text) if question.ways and text and not question.fault(text) else []

    asked = {"apply": narrowing(question.condition), "apply_broadly": narrowing(question.broad or question.condition)}
    return type(f"Asked_{name}", (BaseFilter,), {**asked, "ways": ways})(name, rows)
