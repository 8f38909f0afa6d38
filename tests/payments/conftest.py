"""Invoices that are paid."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from flask import Flask

from app.models import Invoice
from tests.invoicing.making import issued
from tests.support import many


@pytest.fixture
def over(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Give what moves to another day: 3 February, when invoices of January are issued, without a word."""

    def move(day: date = date(2022, 2, 3)) -> None:
        monkeypatch.setitem(app.config, "TODAY", day)

    return move


@pytest.fixture
def invoice(over: Callable[..., None]) -> Invoice:
    """Give an invoice of 91,22 €, F2022-000001, issued on 3 February, to be paid within 30 days."""
    over()
    made = issued(*many(3))
    assert (str(made.total), made.public_number) == ("91.22", "F2022-000001")
    return made
