"""The classical mistakes, put into the program one by one: for each, the test that stands guard fails.

A guard is called as it stands; what it is asked of is the program with the mistake in it.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pikepdf
import pytest
from flask import Flask
from sqlalchemy import func, select, update

from app.extensions import db
from app.models import Invoice, InvoiceSeries
from app.models.types import CENT
from app.services.core.dialect import insert_if_new
from app.services.invoicing import files, numbering, xml
from app.services.invoicing.content import Content
from app.services.invoicing.pages import page
from app.services.reference import amounts
from app.services.seal import sealing
from tests.billing import test_amounts
from tests.invoicing import test_files, test_issuing, test_numbers_in_turn
from tests.invoicing.contents import details, invoice
from tests.seal.conftest import bare_app

D = Decimal


def mutate(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, mutant: Callable[..., Any]) -> None:
    """Put a function in the place of one of the program's, wherever it was imported by its name."""
    genuine = getattr(module, name)
    for known in list(sys.modules.values()):
        if getattr(known, name, None) is genuine:
            monkeypatch.setattr(known, name, mutant)


def the_table() -> None:
    """Ask the table of the specification."""
    for lines, net, vat, gross in test_amounts.TABLE:
        test_amounts.test_the_table(lines, net, vat, gross)


def the_grouping() -> None:
    """Ask whether lines may be grouped otherwise, of three lines alone: hypothesis would look for them anew each time."""
    guard: Any = test_amounts.test_the_order_and_the_grouping_of_lines_change_nothing
    guard.hypothesis.inner_test(lines=[(3, 2534, D("20"))])


def test_without_a_mistake_the_guards_are_silent() -> None:
    the_table()
    test_amounts.test_half_a_cent_goes_up()
    the_grouping()


@dataclass(frozen=True)
class Rounded:
    """What a program makes of a rate that rounds each line."""

    rate: Decimal
    base: Decimal
    amount: Decimal


def test_rounding_each_line_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def totals(lines: Iterable[tuple[Decimal, Decimal]]) -> amounts.Totals:
        found: dict[Decimal, Rounded] = {}
        for rate, amount in lines:
            one = found.get(rate, Rounded(rate, amounts.ZERO, amounts.ZERO))
            found[rate] = Rounded(rate, one.base + amount, one.amount + amounts.vat_of(amount, rate))
        return amounts.Totals(tuple(found[rate] for rate in sorted(found, reverse=True)))  # type: ignore[arg-type]

    mutate(monkeypatch, amounts, "totals", totals)
    with pytest.raises(AssertionError):
        the_grouping()


def test_rounding_half_to_even_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def vat_of(base: Decimal, rate: Decimal) -> Decimal:
        return (base * rate / 100).quantize(CENT, ROUND_HALF_EVEN)

    mutate(monkeypatch, amounts, "vat_of", vat_of)
    with pytest.raises(AssertionError):
        the_table()


def test_reckoning_in_floating_point_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def vat_of(base: Decimal, rate: Decimal) -> Decimal:
        return D(str(round(float(base) * float(rate) / 100, 2))).quantize(CENT)

    mutate(monkeypatch, amounts, "vat_of", vat_of)
    with pytest.raises(AssertionError):
        test_amounts.test_half_a_cent_goes_up()


def test_a_number_that_is_the_highest_plus_one_leaves_its_series_behind(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def take(_siren: str, kind: str, day: date) -> int:
        own = (Invoice.kind == kind, Invoice.series_year == day.year)
        return (db.session.scalar(select(func.max(Invoice.number)).where(*own)) or 0) + 1

    mutate(monkeypatch, numbering, "take", take)
    over = lambda day=date(2022, 2, 3): monkeypatch.setitem(app.config, "TODAY", day)  # noqa: E731
    with pytest.raises(AssertionError, match=r"invoice\.series"):
        test_issuing.test_a_month_is_issued_in_the_order_of_its_numbers(app, over)


@pytest.mark.bases("postgresql")
def test_a_number_that_is_the_highest_plus_one_is_taken_twice_where_two_meet(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def take(siren: str, kind: str, day: date) -> int:
        highest = db.session.scalar(select(func.max(InvoiceSeries.last_number))) or 0
        row = {"siren": siren, "kind": kind, "year": day.year, "last_number": highest + 1, "last_issued_on": day}
        insert_if_new(InvoiceSeries, row)
        own = (InvoiceSeries.siren == siren, InvoiceSeries.kind == kind, InvoiceSeries.year == day.year)
        db.session.execute(update(InvoiceSeries).where(*own).values(last_number=highest + 1))
        return highest + 1

    mutate(monkeypatch, numbering, "take", take)
    with pytest.raises(AssertionError):
        test_numbers_in_turn.test_the_next_number_waits_for_the_one_before(app, True)


def test_sealing_before_the_invoice_is_put_in_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    def make(content: Content, rows: Any, issued_at: datetime) -> bytes:
        drawn = page.draw(content, rows, sealing.notice(), issued_at)
        with pikepdf.open(io.BytesIO(sealing.seal(drawn.sheet.finished(drawn.pages, None)))) as pdf:
            pdf.attachments[files.XML_NAME] = xml.write(content)
            pdf.save(made := io.BytesIO())
        return made.getvalue()

    mutate(monkeypatch, files, "make", make)
    with bare_app(tmp_path).app_context():
        sealed = files.make(invoice(), details(invoice()), test_files.AT)
        with pytest.raises(AssertionError):
            test_files.test_our_own_check_finds_it_intact_and_any_changed_byte_altered(sealed)
