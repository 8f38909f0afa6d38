"""Amounts to the cent: the table of the specification, and any lines against an oracle that works in integers."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.reference.amounts import totals, vat_of
from app.services.reference.pricing import Quote, QuoteRow

D = Decimal
#: quantity × unit price at a rate, as in the specification → base, VAT, total
TABLE = [
    ([(1, "25.34", "20")], "25.34", "5.07", "30.41"),
    ([(3, "25.34", "20")], "76.02", "15.20", "91.22"),
    ([(5, "5.07", "20")], "25.35", "5.07", "30.42"),
    ([(3, "25.34", "20"), (5, "5.07", "20")], "101.37", "20.27", "121.64"),
    ([(200, "25.34", "20")], "5068.00", "1013.60", "6081.60"),
    ([(3, "25.34", "8.5")], "76.02", "6.46", "82.48"),
    ([(3, "25.34", "0")], "76.02", "0.00", "76.02"),
    ([(3, "25.34", "20"), (5, "5.07", "8.5")], "101.37", "17.35", "118.72"),
    ([(1, "1.00", "8.5")], "1.00", "0.09", "1.09"),
]


@pytest.mark.parametrize(("lines", "net", "vat", "gross"), TABLE)
def test_the_table(lines: list[tuple[int, str, str]], net: str, vat: str, gross: str) -> None:
    found = totals((D(rate), count * D(price)) for count, price, rate in lines)
    assert (found.net, found.vat, found.gross) == (D(net), D(vat), D(gross))


def test_one_month_in_two_territories_has_a_vat_for_each() -> None:
    found = totals([(D("20"), D("76.02")), (D("8.5"), D("25.35"))])
    assert [(vat.rate, vat.base, vat.amount) for vat in found.vats] == [
        (D("20"), D("76.02"), D("15.20")),
        (D("8.5"), D("25.35"), D("2.15")),
    ]


def test_half_a_cent_goes_up() -> None:
    assert vat_of(D("1.00"), D("8.5")) == D("0.09")
    assert vat_of(D("5.00"), D("8.5")) == D("0.43")  # 0.425


RATES = st.sampled_from([D("20"), D("10"), D("8.5"), D("5.5"), D("2.1"), D("0")])
LINES = st.lists(st.tuples(st.integers(1, 500), st.integers(0, 9_999), RATES), max_size=40)


@given(LINES)
def test_any_lines_add_up_to_the_cent(lines: list[tuple[int, int, Decimal]]) -> None:
    found = totals((rate, count * D(cents) / 100) for count, cents, rate in lines)
    for vat in found.vats:
        base = sum(count * cents for count, cents, rate in lines if rate == vat.rate)
        points = int(vat.rate * 100)
        assert int(vat.base * 100) == base
        assert int(vat.amount * 100) == (2 * base * points + 10_000) // 20_000
    assert found.net == sum((vat.base for vat in found.vats), D(0))
    assert found.gross == found.net + sum((vat.amount for vat in found.vats), D(0))
    assert found.gross.as_tuple().exponent == -2


@given(LINES)
def test_the_order_and_the_grouping_of_lines_change_nothing(lines: list[tuple[int, int, Decimal]]) -> None:
    whole = totals((rate, count * D(cents) / 100) for count, cents, rate in lines)
    one_by_one = totals((rate, D(cents) / 100) for count, cents, rate in reversed(lines) for _ in range(count))
    assert whole == one_by_one


def test_a_quote_adds_up_as_an_invoice_does() -> None:
    quote = Quote([QuoteRow("FIMO", 3, D("25.34"), D("20")), QuoteRow("Module", 5, D("5.07"), D("8.5"))])
    assert (quote.lines, quote.total, quote.totals.vat, quote.totals.gross) == (8, D("101.37"), D("17.35"), D("118.72"))
