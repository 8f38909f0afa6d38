"""How many strangers a centre asks about: counted by day, limited, told; nothing is learned of an account beyond the name."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from app.extensions import db
from app.models import AskedIdentity, AskingAlert, Batch, JournalEntry, Registration
from app.services.core import clock
from app.services.imports import intake
from app.services.registration import analysis, confirm, drafts
from app.services.retention import purge
from app.services.rights import asking
from app.services.trainers import drafts as trainer_drafts
from app.validators.line import RawLine
from app.validators.remark import HEADERS
from tests.bases import BOTH
from tests.corpus import builders
from tests.support import CHLOE, LEGAL, MARIE, PIERRE, centre_id, draft, drain, many, person_id, registered, statements

BACKENDS = BOTH

NEIGHBOUR = "98765432400019"
FALSE_NAME = {**MARIE, "last_name": "INCONNU", "first_name": "Paul"}


@pytest.fixture
def limit(app: Flask) -> int:
    """Let a centre ask about five strangers a day."""
    app.config["STRANGERS_PER_DAY"] = 5
    return 5


def judged(*lines: dict[str, str], siret: str = "12345678200010") -> list[bool]:
    """Return of each line whether it is said to have no account."""
    raws = [
        RawLine(
            at, line["reference"], line["order_number"], "FIMO Marchandises", "Marchandises", "07/01/2022",
            line["first_name"], line["last_name"], line["birth_date"], line["permit_number"],
        )
        for at, line in enumerate(lines, 1)
    ]  # fmt: skip
    rows = analysis.analyse_lines(centre_id(siret), raws).report.rows
    db.session.commit()
    told = {row.line.number: any(remark.code == "no_account" for remark in row.remarks) for row in rows}
    return [told[at] for at in sorted(told)]


def counted() -> int:
    return db.session.scalar(select(func.count()).select_from(AskedIdentity)) or 0


def journalled() -> int:
    return db.session.query(JournalEntry).filter_by(action="asking.limit_reached").count()


def test_an_account_is_told_to_who_knows_the_name_or_registered_the_driver(app: Flask) -> None:
    assert judged(MARIE, FALSE_NAME, PIERRE) == [False, True, True]
    registered(FALSE_NAME)
    assert judged(FALSE_NAME) == [False], "this centre registered the driver"
    assert judged(FALSE_NAME, siret=NEIGHBOUR) == [True]


@pytest.mark.parametrize(
    ("changes", "silent"),
    [
        ({"first_name": ""}, True), ({"first_name": "4"}, True), ({"first_name": "", "last_name": "MARIE"}, False),
        ({"last_name": ""}, False), ({"first_name": "", "last_name": ""}, False), ({"last_name": "M4RTIN"}, False),
        ({"first_name": "", "last_name": "DURAND"}, False),
    ],
)  # fmt: skip
def test_with_a_name_to_be_corrected_the_surname_decides(app: Flask, changes: dict[str, str], silent: bool) -> None:
    assert judged({**MARIE, **changes}) == [not silent]


def test_an_account_without_proof_is_none(app: Flask) -> None:
    from app.services.accounts import opening as account_opening
    from tests.accounts.test_opening import DUPONT, GOOD, signed_up

    account_opening.confirm(signed_up(app), GOOD)
    assert DUPONT.permit_number == PIERRE["permit_number"]
    assert judged(PIERRE) == [True]


def test_strangers_are_counted_once_a_day_and_one_s_own_never(app: Flask) -> None:
    registered(PIERRE)
    before = counted()
    judged(PIERRE)
    assert counted() == before
    judged(*many(3))
    judged(*many(4))
    assert counted() == before + 4
    judged(*many(4), siret=NEIGHBOUR)
    assert counted() == before + 8


def test_beyond_the_limit_nothing_is_told_and_it_is_journalled_once(app: Flask, limit: int) -> None:
    judged(*many(limit))
    assert (counted(), journalled()) == (limit, 0)
    for _ in range(2):
        assert judged(MARIE) == [True], "MARTIN Marie has an account"
    assert judged(*many(limit)) == [True] * limit
    assert (counted(), journalled()) == (limit, 1)
    [alert], total = asking.alerts()
    assert (total, alert.centre.siret, asking.is_over(centre_id()), asking.is_over(centre_id(NEIGHBOUR))) == (
        1, "12345678200010", True, False,
    )  # fmt: skip
    assert judged(MARIE, siret=NEIGHBOUR) == [False], "another centre goes on"
    asking.see(alert.id, person_id("agent@demo.example"))
    assert asking.alerts() == ([], 0)
    assert asking.is_over(centre_id())


def test_whom_it_was_told_of_before_a_centre_is_told_again(app: Flask, limit: int) -> None:
    assert judged(MARIE) == [False]
    judged(*many(10))
    assert judged(MARIE) == [False]


def test_the_next_day_begins_anew(app: Flask, limit: int) -> None:
    judged(*many(10))
    assert judged(MARIE) == [True]
    db.session.execute(update(AskedIdentity).values(day=AskedIdentity.day))
    for row in db.session.execute(select(AskedIdentity)).scalars():
        row.day -= timedelta(days=1)
    for alert in db.session.execute(select(AskingAlert)).scalars():
        alert.day -= timedelta(days=1)
    db.session.commit()
    assert judged(MARIE) == [False]
    assert not asking.is_over(centre_id())


def test_those_registered_since_do_not_count_any_more(app: Flask, limit: int) -> None:
    registered(*many(limit))
    assert counted() == limit, "the draft was judged before it was paid for"
    assert judged(MARIE) == [False]
    assert journalled() == 0


def test_other_work_goes_on_beyond_the_limit(app: Flask, limit: int) -> None:
    batch_id = draft(*many(20))
    report = analysis.check(batch_id)
    assert (report.errors, report.informations) == (0, 20)
    confirm.register(batch_id, person_id())
    assert db.session.query(Registration).count() == 20


def test_a_file_and_its_lines_are_counted_in_few_statements(app: Flask) -> None:
    def file(count: int, start: int) -> Batch:
        rows = [
            [
                "R",
                "C",
                "FIMO Marchandises",
                "Marchandises",
                "07/01/2022",
                "Jean",
                "NEUF",
                "01/02/1980",
                f"9{start + at:011d}",
            ]
            for at in range(count)
        ]
        content = builders.xlsx(list(HEADERS.values()), *rows)
        return intake.receive(centre_id(), person_id(), "sessions.xlsx", io.BytesIO(content))

    seen = []
    for count, start in ((2, 0), (400, 1000)):
        file(count, start)
        with statements() as told:
            drain()
        seen.append(sum("asked_identity" in text for text in told))
    assert seen == [2, 2]
    assert counted() == 402


def test_what_is_typed_or_pasted_is_counted(app: Flask, limit: int) -> None:
    batch = db.session.get_one(Batch, draft())
    drafts.judge_line(batch, many(1)[0], person_id())
    assert counted() == 1
    drafts.preview(batch, many(3), person_id())
    assert counted() == 3
    drafts.add_rows(batch.id, many(9), person_id())
    assert (counted(), journalled()) == (limit, 1)


def test_a_trainer_s_account_is_told_alike(app: Flask, limit: int) -> None:
    def told(**person: str) -> bool:
        row = trainer_drafts.start(centre_id(), person_id(LEGAL), "trainer")
        trainer_drafts.save_person(row, {**CHLOE, **person})
        return any(finding.code == "no_account" for finding in trainer_drafts.judge(row).findings)

    marie = {name: MARIE[name] for name in ("first_name", "last_name", "birth_date", "permit_number")}
    assert told(**marie) is False
    assert told(**{**marie, "last_name": "INCONNU"}) is True
    assert counted() == 1
    judged(*many(10))
    leroy = {"last_name": "LEROY", "first_name": "Marie", "birth_date": "25/12/2002", "permit_number": "298795874"}
    assert told(**leroy) is True


def test_without_a_limit_nothing_is_counted(app: Flask) -> None:
    app.config["STRANGERS_PER_DAY"] = 0
    assert judged(MARIE, *many(3)) == [False, True, True, True]
    assert counted() == 0


def test_who_was_asked_about_is_forgotten_after_a_week(app: Flask) -> None:
    judged(*many(3))
    for row in db.session.execute(select(AskedIdentity)).scalars():
        row.day -= asking.KEPT
    db.session.commit()
    assert purge.purge().asked == 0
    for row in db.session.execute(select(AskedIdentity)).scalars():
        row.day -= timedelta(days=1)
    db.session.commit()
    assert purge.purge(dry_run=True).asked == 3
    assert purge.purge().asked == 3
    assert counted() == 0


def test_until_tomorrow_is_less_than_a_long_day(app: Flask) -> None:
    assert 0 < asking.seconds_left() <= 25 * 3600
    assert abs((asking.today() - clock.machine_now().date()).days) <= 1
