"""What is typed is what is registered, by form, paste, file and API: permit numbers unchanged, names folded alike."""

from __future__ import annotations

import random
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models import Batch, BatchLine, Driver, Registration
from app.services.registration import analysis, confirm, pasting
from app.services.registration.pasting import Given
from app.validators.fields import bare_permit, clean, parse_permit
from app.validators.remark import FIELDS, HEADERS, Remark, decode_remarks
from tests.support import MARIE, PIERRE, person_id
from tests.test_three_doors import TRAINING, answered, by_file, by_hand, post
from tests.validators.test_folding import REFUSED, TAKEN

PERMIT_FORMAT = "Format du N° de permis de conduire non conforme : 9 à 16 chiffres ou lettres"
PASTED = ("reference", "order_number", "first_name", "last_name", "birth_date", "permit_number")


def texts(count: int) -> list[str]:
    """Return texts such as spreadsheets, programs and people write for a number, the same each time."""
    dice = random.Random(7)
    wild = ["".join(dice.choices("0123456789.,eE+- /R", k=dice.randint(8, 18))) for _ in range(count)]
    floats = [f"{dice.uniform(1e8, 1e16)!r}" for _ in range(count // 4)]
    exponents = [f"{dice.uniform(1e8, 1e16):e}".replace(".", dice.choice(".,")) for _ in range(count // 4)]
    return [text for text in (*REFUSED, *TAKEN, *wild, *floats, *exponents) if clean(text)]


TEXTS = texts(120)


def typed_permits(batch: Batch) -> list[tuple[str | None, list[str]]]:
    """Return the same of a draft, whose lines are understood anew each time."""
    rows = sorted(analysis.check(batch.id).rows, key=lambda row: row.line.number)
    found = [
        (row.line.permit, [one for one in row.remarks if one.encode().startswith("format:permit")]) for row in rows
    ]
    return [(permit, [one.message for one in said]) for permit, said in found]


def permits_of(batch: Batch) -> list[tuple[str | None, list[str]]]:
    """Return of each line the permit number it is compared by, None where it is refused, and what is said of it."""
    rows = db.session.execute(
        select(BatchLine).where(BatchLine.batch_id == batch.id).order_by(BatchLine.number)
    ).scalars()
    found = []
    for row in rows:
        said = [one.message for one in decode_remarks(row.remarks) if one.encode().startswith("format:permit_number")]
        found.append((None if said else row.group_key.split(" ")[1], said))
    return found


def test_any_text_gives_the_same_permit_number_or_a_refusal_at_every_door(app: Flask) -> None:
    expected = [(permit, [] if permit else [PERMIT_FORMAT]) for permit in map(parse_permit, map(clean, TEXTS))]
    assert {
        bare_permit(clean(text)) if permit else None for text, (permit, _) in zip(TEXTS, expected, strict=True)
    } == {permit for permit, _ in expected}
    lines = [{**MARIE, "permit_number": text} for text in TEXTS]
    assert typed_permits(by_hand(lines)) == expected
    table = [[HEADERS[field] for field in PASTED], *([line[field] for field in PASTED] for line in lines)]
    pasted = pasting.read("\n".join(map("\t".join, table)), Given()).rows
    assert typed_permits(by_hand(pasted)) == expected
    assert permits_of(by_file([{**TRAINING, **line} for line in lines])) == expected
    told = answered(post(app, "/analyses", [{**TRAINING, **line} for line in lines]))
    said = [
        [text for code, field, text in told[at] if (code, field) == ("format", "permit_number")] for at in sorted(told)
    ]
    assert said == [said for _, said in expected]


SPELLED = [
    {**PIERRE, "last_name": "D' HONDT", "first_name": "Jean - Pierre", "permit_number": "850492200001"},
    {**PIERRE, "last_name": "Graﬄin", "first_name": "ﬁlipe", "permit_number": "850492200002"},
]


@pytest.mark.parametrize("door", ["hand", "file", "api"])
def test_typing_noise_in_names_is_registered_without_it(app: Flask, door: str) -> None:
    lines: list[dict[str, Any]] = [{**TRAINING, **line} for line in SPELLED]
    if door == "api":
        post(app, "/registrations", lines)
    else:
        batch = by_hand(SPELLED) if door == "hand" else by_file(lines)
        stored = select(BatchLine.last_name).where(BatchLine.batch_id == batch.id).order_by(BatchLine.number)
        assert db.session.execute(stored).scalars().all() == ["D' HONDT", "Graﬄin"]
        confirm.register(batch.id, person_id())
    for model in (Registration, Driver):
        names = select(model.last_name, model.first_name).where(model.last_name.in_(("D'HONDT", "Grafflin")))
        assert sorted(map(tuple, db.session.execute(names))) == [("D'HONDT", "Jean-Pierre"), ("Grafflin", "filipe")]


def test_a_refused_sign_is_told_alike_at_every_door(app: Flask) -> None:
    rows = [{**MARIE, "last_name": "Мartin"}, {**MARIE, "first_name": "M|2"}]
    lines = [{**TRAINING, **row} for row in rows]
    api = {at: [message for _, _, message in told] for at, told in answered(post(app, "/analyses", lines)).items()}
    assert "signe « М » (cyrillique)" in api[1][0]
    assert "signe « | »" in api[2][0]
    for batch in (by_hand(rows), by_file(lines)):
        stored = select(BatchLine.number, BatchLine.remarks).where(BatchLine.batch_id == batch.id)
        assert {at: [one.message for one in decode_remarks(text)] for at, text in db.session.execute(stored)} == api
        assert batch.summary is not None
        assert batch.summary["kinds"]["format:last_name"] == 1
        assert Remark.decode("format:first_name").kind in batch.summary["kinds"]


def test_the_helpers_here_cover_every_column() -> None:
    assert set(PASTED) | set(TRAINING) == set(FIELDS) == set(HEADERS)
