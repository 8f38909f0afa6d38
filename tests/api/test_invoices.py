"""Invoices by API: what was issued to the centre, its files byte for byte, what orders have cost."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.extensions import db
from app.models import Centre, Invoice, Membership
from app.models.centre import LEGAL_REPRESENTATIVE
from app.services.api import invoices
from app.services.invoicing import filing, running
from clients.python.registre_cqc import ApiError
from tests.bases import UNDER_THE_ROLE, on_sqlite
from tests.invoicing.making import JANUARY, Judge
from tests.support import MARIE, PIERRE, drain, registered

from .conftest import NEIGHBOUR, Caller, Dial

BACKENDS = UNDER_THE_ROLE


def get(call: Caller, path: str = "/invoices", **asked: str) -> Any:
    return call("GET", f"{path}?{urlencode(asked)}" if asked else path)


@pytest.fixture
def issued(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the numbers of two invoices, without their files."""
    registered(MARIE, PIERRE)
    registered({**PIERRE, "order_number": "CMD & 2"})
    monkeypatch.setitem(app.config, "TODAY", date(2022, 2, 3))
    running.build(JANUARY)
    numbers = running.issue(JANUARY, Judge()).numbers
    db.session.remove()
    return numbers


def test_a_list_and_one_of_it(call: Caller, issued: list[str]) -> None:
    answer = get(call).json
    assert [item["number"] for item in answer["items"]] == issued == ["F2022-000001", "F2022-000002"]
    assert answer["next"] is None
    one = get(call, f"/invoices/{issued[1]}").json
    head = {name: told for name, told in one.items() if name not in ("lines", "vats")}
    assert head == answer["items"][1]
    assert (one["net"], one["vat"], one["total"]) == ("50.68", "10.14", "60.82")
    assert (one["issued_on"], one["due_on"], one["kind"]) == ("2022-02-03", "2022-03-05", "invoice")
    assert one["reference"].endswith("F2022000002")
    assert sum(line["quantity"] for line in one["lines"]) == 2
    assert [vat["base"] for vat in one["vats"]] == ["50.68"]


def test_filters_and_pages(call: Caller, issued: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert [item["number"] for item in get(call, order_number="CMD & 2").json["items"]] == [
        one["number"] for one in call.client.invoices(order_number="CMD & 2")
    ]
    assert len(get(call, order_number="CMD & 2").json["items"]) == 1
    assert get(call, issued_since="2022-02-04").json["items"] == []
    assert len(get(call, issued_since="03/02/2022").json["items"]) == 2
    assert get(call, issued_since="hier").json["code"] == "invalid_date"
    monkeypatch.setattr(invoices, "PAGE", 1)
    first = get(call).json
    assert first["next"]
    assert [one["number"] for one in call.client.invoices()] == issued
    assert get(call, cursor=first["next"], order_number="COM1").json["code"] == "invalid_cursor"


def test_the_files_are_those_that_were_stored(call: Caller, issued: list[str]) -> None:
    for form in ("pdf", "xml"):
        answer = get(call, f"/invoices/{issued[0]}.{form}")
        assert (answer.status_code, answer.json["code"]) == (409, "document_pending")
    assert not get(call, f"/invoices/{issued[0]}").json["file_ready"]
    drain()
    assert get(call, f"/invoices/{issued[0]}").json["file_ready"]
    row = db.session.execute(select(Invoice).where(Invoice.public_number == issued[0])).scalar_one()
    pdf, xml = filing.pdf_of(row), filing.xml_of(row)
    db.session.remove()
    answer = get(call, f"/invoices/{issued[0]}.pdf")
    assert answer.data == pdf == call.client.invoice_file(issued[0])
    assert f"{issued[0]}.pdf" in answer.headers["Content-Disposition"]
    assert xml in pdf
    assert call.client.invoice_file(issued[0], "xml") == xml
    tag = answer.headers["ETag"]
    assert get(call, f"/invoices/{issued[0]}.pdf").headers["ETag"] == tag
    assert call("GET", f"/invoices/{issued[0]}.pdf", headers={"If-None-Match": tag}).status_code == 304


def test_another_centre_s_is_not_found_and_a_draft_is_no_invoice(dial: Dial, call: Caller, issued: list[str]) -> None:
    neighbour = dial(siret=NEIGHBOUR)
    assert get(neighbour).json["code"] == "not_allowed"  # its person has no right to invoices yet
    there = select(Centre.id).where(Centre.siret == NEIGHBOUR).scalar_subquery()
    db.session.execute(update(Membership).where(Membership.centre_id == there).values(role=LEGAL_REPRESENTATIVE))
    db.session.commit()
    assert get(neighbour).json["items"] == []
    for path in (issued[0], f"{issued[0]}.pdf", f"{issued[0]}.xml", "F2022-000009"):
        assert get(neighbour, f"/invoices/{path}").json["code"] == "not_found"
    registered({**MARIE, "order_number": "CMD 3"})
    assert len(get(call).json["items"]) == 2


def test_what_an_order_has_cost(call: Caller, issued: list[str]) -> None:
    told = call.client.consumption("CMD & 2")
    assert (told["invoiced"], told["not_invoiced"], told["spent"], told["left"]) == ("25.34", "0.00", "25.34", None)
    registered({**MARIE, "order_number": "CMD & 2"})
    db.session.remove()
    assert call.client.consumption("CMD & 2")["not_invoiced"] == "25.34"
    assert call.client.consumption("jamais vue")["spent"] == "0.00"


@on_sqlite
def test_a_key_needs_the_scope_and_its_person_the_right(
    dial: Dial, issued: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ApiError) as raised:
        list(dial("read").client.invoices())
    assert raised.value.code == "scope_missing"
    only = dial("invoices")
    assert len(list(only.client.invoices())) == 2
    monkeypatch.setattr("app.models.centre.Membership.may", lambda self, right, day: False)
    for path in ("", f"/{issued[0]}", f"/{issued[0]}.pdf", f"/{issued[0]}.xml"):
        answer = get(only, f"/invoices{path}")
        assert (answer.status_code, answer.json["code"]) == (403, "not_allowed")
    assert get(only, "/consumption", order_number="COM1").status_code == 403
