"""One rule set, three doors: the same hundred lines give the same codes by hand, by file and by API; the same rows too."""

from __future__ import annotations

import io
from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models import Batch, Document, Registration
from app.services.api import keys as api_keys
from app.services.api.keys import NewKey
from app.services.imports import intake
from app.services.registration import analysis, batches, confirm, drafts
from app.validators.remark import EMAIL, EMAIL_HEADER, FIELDS, HEADERS, Code, decode_remarks
from tests.corpus import builders
from tests.support import MARIE, centre_id, drain, many, person_id, registered, training_id

Line = dict[str, str]
Codes = dict[int, list[str]]
TRAINING = {"training_label": "FIMO Marchandises", "category": "Marchandises", "end_date": "07/01/2022"}
PEOPLE = many(100)
CLEAN = [*PEOPLE[:56], {**PEOPLE[56], "email": "jean@"}]


def each(field: str, *values: str, of: int) -> list[Line]:
    """Return a line a value, of different drivers (those of PEOPLE from ``of`` on)."""
    return [{**row, field: value} for row, value in zip(PEOPLE[of:], values, strict=False)]


#: What the driver's six fields may be wrong about, a line each or two that speak of each other.
DRIVERS: list[Line] = [
    *CLEAN,
    {**MARIE},
    {**MARIE, "last_name": "DURAND"},
    {**MARIE, "permit_number": "850492100132"},
    *(each(field, "", of=60 + at)[0] for at, field in enumerate(drafts.LINE_FIELDS)),
    *each("first_name", "11111", "Jean1", "-X", "O'", "a  b", "D’Arc", "Œ", "é", of=66),
    *each("birth_date", "30/02/1990", "1/2/1990", "11/01/2004", "10/01/2004", of=74),
    *each("birth_date", "09/01/1922", "10/01/1922", "11/01/2022", "00/00/1990", of=78),
    *each("permit_number", "123", "A" * 12, "82-r987 999", "#REF!", of=82),
    {**CLEAN[0]},
    {**CLEAN[1], "order_number": "COM2"},
    {**CLEAN[2], "reference": "r" * 51},
]
#: What may be wrong about the training: (label, category, end date).
CHOICES = [
    ("FIMO Marchandises", "Voyageurs", "07/01/2022"), ("FIMO Marchandise", "Marchandises", "07/01/2022"),
    ("FIMO Marchandises", "Camion", "07/01/2022"), ("Titre Professionnel CTCR", "Voyageurs", "07/01/2022"),
    ("fco complete", "VOYAGEURS", "07/01/2022"), ("FCO Complète", "Marchandises", "11/01/2022"),
    ("FCO Complète", "Marchandises", "31/12/2019"), ("", "Marchandises", "07/01/2022"),
    ("FCO Complète", "", "07/01/2022"), ("FCO Complète", "Marchandises", ""), ("Module FCO", "Voyageurs", "31/02/2022"),
]  # fmt: skip
HUNDRED: list[Line] = [
    *({**TRAINING, **row} for row in DRIVERS),
    *(
        {**row, "training_label": label, "category": category, "end_date": end}
        for row, (label, category, end) in zip(PEOPLE[100 - len(CHOICES) :], CHOICES, strict=True)
    ),
]


@pytest.fixture(params=["sqlite", "postgresql", "postgresql-role"])
def backend_name(request: pytest.FixtureRequest) -> str:
    """Compare the doors on both bases."""
    return str(request.param)


def iso(line: Line) -> Line:
    """Return a line with those dates that exist written as programs write them."""
    found = dict(line)
    for field in ("end_date", "birth_date"):
        text = line[field]
        try:
            found[field] = date(int(text[6:]), int(text[3:5]), int(text[:2])).isoformat() if len(text) == 10 else text
        except ValueError:
            found[field] = text
    return found


def sheet(lines: Iterable[Line]) -> bytes:
    rows = [[*(line[field] for field in FIELDS), line.get(EMAIL, "")] for line in lines]
    return builders.xlsx([*HEADERS.values(), EMAIL_HEADER], *rows)


def codes_of(batch: Batch) -> Codes:
    stored = batches.stored_lines(batch)
    return {one.line.number: [remark.encode() for remark in decode_remarks(one.remarks)] for one in stored}


def by_hand(lines: list[Line]) -> Batch:
    batch = drafts.start(centre_id(), person_id())
    drafts.choose_training(batch.id, training_id(), TRAINING["end_date"])
    drafts.add_rows(batch.id, lines)
    analysis.check(batch.id)
    return db.session.get_one(Batch, batch.id)


def by_file(lines: list[Line]) -> Batch:
    batch_id = intake.receive(centre_id(), person_id(), "sessions.xlsx", io.BytesIO(sheet(lines))).id
    drain()
    db.session.expire_all()
    return db.session.get_one(Batch, batch_id)


def post(app: Flask, path: str, lines: list[Line], **members: Any) -> Any:
    key = api_keys.issue("12345678200010", NewKey("Essais", ("analyse", "register")))
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": key[-20:]}
    sent = {"lines": [iso(line) for line in lines], **members}
    return app.test_client().post(f"/api/v1{path}", json=sent, headers=headers).json


def answered(report: dict[str, Any]) -> dict[int, list[tuple[str, str | None, str]]]:
    return {
        row["line"]: [(one["code"], one["field"], one["message"]) for one in row["remarks"]] for row in report["rows"]
    }


def test_the_hundred_lines_call_on_every_rule(app: Flask) -> None:
    registered(MARIE)
    codes = {code for told in answered(post(app, "/analyses", HUNDRED)).values() for code, *_ in told}
    assert len(HUNDRED) == 100
    assert codes == {code.value for code in Code}


def test_the_same_hundred_lines_get_the_same_codes_through_the_three_doors(app: Flask) -> None:
    registered(MARIE)
    report = post(app, "/analyses", HUNDRED)
    file = by_file(HUNDRED)
    assert file.summary is not None
    assert (file.summary["lines"], file.summary["errors"], file.summary["informations"]) == (
        report["lines"], report["errors"], report["informations"],
    )  # fmt: skip
    told = {
        number: [(remark.code.value, remark.field, remark.message) for remark in decode_remarks("|".join(encoded))]
        for number, encoded in codes_of(file).items()
    }
    assert told == answered(report)
    # By hand the training of step 1 stands on every line: the drivers' lines are the ones to compare.
    assert codes_of(by_hand(DRIVERS)) == {n: codes for n, codes in codes_of(file).items() if n <= len(DRIVERS)}


def test_step_1_says_of_a_training_what_the_other_doors_say_of_its_line(app: Flask) -> None:
    batch = drafts.start(centre_id(), person_id())
    # By hand a training is chosen from the list: an unknown label, or another category than its own, cannot be typed.
    choices = [(*choice[:2], end) for choice in CHOICES[3:7] for end in ("07/01/2022", choice[2])]
    for label, category, end in choices:
        line = {**MARIE, "training_label": label, "category": category, "end_date": end}
        typed = {"fco complete": "FCO Complète"}.get(label, label), category.capitalize()
        said = drafts.training_remarks(batch, training_id(*typed), end)
        told = answered(post(app, "/analyses", [line]))[1]
        assert [(one.code.value, one.field) for one in said] == [(code, field) for code, field, _ in told]


def rows_of(batch: Batch) -> list[dict[str, Any]]:
    """Return what was registered, without what differs by nature: ids, numbers."""
    rows = db.session.execute(
        select(Registration).where(Registration.batch_id == batch.id).order_by(Registration.line_number)
    ).scalars()
    names = [c.name for c in Registration.__table__.columns if c.name not in ("id", "batch_id")]
    return [
        {
            **{name: getattr(row, name) for name in names},
            "documents": sorted(
                db.session.execute(
                    select(Document.kind, Document.established_on, Document.valid_from, Document.valid_until).where(
                        Document.registration_id == row.id
                    )
                ).tuples()
            ),
        }
        for row in rows
    ]


def test_clean_lines_leave_the_same_rows_whichever_the_door(app: Flask) -> None:
    lines = [*CLEAN[:10], MARIE]
    hand = by_hand(lines)
    confirm.register(hand.id, person_id())
    file = by_file([{**TRAINING, **line} for line in lines])  # its report tells that they are registered already
    confirm.register(file.id, person_id())
    answer = post(app, "/registrations", [{**TRAINING, **line} for line in lines], accept_duplicates=True)
    db.session.expire_all()
    api = db.session.execute(select(Batch).where(Batch.key == answer["batch"])).scalar_one()
    assert rows_of(hand) == rows_of(file) == rows_of(api)
    assert len(rows_of(api)) == 11
    assert [batch.summary["kept"] for batch in (hand, file, api) if batch.summary] == [11, 11, 11]
