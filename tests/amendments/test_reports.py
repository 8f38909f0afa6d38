"""« Signaler une erreur » (spec: billing, 8, situation C): said once, answered once, told in true words."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from app.extensions import db
from app.models import ErrorReport, JournalEntry, Mail, Registration
from app.services.amendments import acts, orders, reports, sayings
from app.services.amendments.acts import Who
from app.services.core import actor, clock
from app.services.core.reason import ReasonNeeded
from app.services.core.throttle import TooOften
from app.services.drivers import data_gathered, space
from app.services.notifications import mail
from tests.bases import EVERY
from tests.support import MARIE, PIERRE, drain, person_id, registered

BACKENDS = EVERY
RIGHT = {"permit_number": "850492100132"}
DRIVER = "conducteur@demo.example"


def one(*rows: dict[str, str]) -> Registration:
    """Return Marie's registration, its documents drawn and mailed."""
    batch = registered(*(rows or (MARIE,)))
    drain()
    return db.session.execute(select(Registration).where(Registration.batch_id == batch.id)).scalars().first() or _no()


def _no() -> Any:
    raise AssertionError("nothing was registered")


def say(row: Registration, **typed: str) -> ErrorReport:
    return reports.say(person_id(DRIVER), row.id, sayings.read(row, typed or RIGHT))


def again(report: ErrorReport) -> ErrorReport:
    db.session.expire_all()
    return db.session.get_one(ErrorReport, report.id)


def told(kind: str) -> list[tuple[str, str]]:
    """Return recipient and text of each mail of a kind."""
    rows = db.session.execute(select(Mail).where(Mail.kind == kind).order_by(Mail.id)).scalars()
    found = []
    for row in rows:
        message = mail._message(row)
        assert message.html
        found.append((row.recipient, str(message.body)))
    return found


@pytest.mark.usefixtures("app")
class TestSaying:
    def test_what_is_said_is_kept_told_to_who_registered_and_journalled(self) -> None:
        row = one()
        report = say(row, **RIGHT, text="  Deux chiffres\n inversés ")
        assert (report.said, report.text, report.state) == (RIGHT, "Deux chiffres inversés", "open")
        [(recipient, body)] = told("error_report")
        assert recipient == "gestionnaire@demo.example"
        assert str(row.batch.receipt_number) in body
        assert "MARTIN" not in body
        assert RIGHT["permit_number"] not in body
        entry = db.session.execute(select(JournalEntry).where(JournalEntry.action == "report.made")).scalar_one()
        assert entry.after == {"fields": ["permit_number"]}

    def test_where_who_registered_may_no_more_the_representative_is_told(self) -> None:
        from app.models import MembershipRight

        row = one()
        db.session.execute(update(MembershipRight).values(withdrawn_at=clock.now()))
        db.session.commit()
        say(row)
        assert [recipient for recipient, _ in told("error_report")] == ["representant@demo.example"]

    def test_a_second_click_says_it_once(self) -> None:
        row = one()
        say(row)
        with pytest.raises(reports.AlreadySaid):
            say(row)
        assert db.session.scalar(select(func.count()).select_from(ErrorReport)) == 1

    def test_a_registration_of_somebody_else_withheld_or_cancelled_is_not_there(self) -> None:
        other, mine = one(PIERRE), one()
        saying = sayings.Saying({}, text="Faux")
        with pytest.raises(reports.NotThere):
            reports.say(person_id(DRIVER), other.id, saying)
        db.session.execute(update(Registration).where(Registration.id == mine.id).values(withheld=True))
        db.session.commit()
        with pytest.raises(reports.NotThere):
            reports.say(person_id(DRIVER), mine.id, saying)
        db.session.execute(
            update(Registration)
            .where(Registration.id == mine.id)
            .values(withheld=False, cancelled_on=date(2022, 1, 10))
        )
        db.session.commit()
        with pytest.raises(reports.NotThere):
            reports.say(person_id(DRIVER), mine.id, saying)

    @pytest.mark.parametrize(
        ("typed", "field"),
        [
            ({}, ""), ({"permit_number": "850492100123"}, ""), ({"last_name": "4"}, "last_name"),
            ({"birth_date": "30/02/1990"}, "birth_date"), ({"permit_number": "12"}, "permit_number"),
            ({"training": "999999"}, "training"), ({"training": "x"}, "training"), ({"text": "x" * 501}, "text"),
            ({"end_date": "hier"}, "end_date"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_understood_is_refused_by_its_field(self, typed: dict[str, str], field: str) -> None:
        with pytest.raises(sayings.NotUnderstood) as refused:
            sayings.read(one(), typed)
        assert list(refused.value.remarks) == [field]

    def test_dates_are_loosened_and_what_stands_is_left_out(self) -> None:
        row = one()
        said = sayings.read(row, {"birth_date": "04-12-1985", "last_name": "MARTIN", "not_attended": "oui"})
        assert (said.fields, said.not_attended) == ({"birth_date": "04/12/1985"}, True)

    def test_it_is_said_now_and_then(self) -> None:
        row = one()
        for _ in range(reports.SAYING.free):
            reports.withdraw(person_id(DRIVER), say(row).id)
        with pytest.raises(TooOften):
            say(row)


@pytest.mark.usefixtures("app")
class TestAnswering:
    def test_the_centre_answers_once_and_the_driver_is_told(self) -> None:
        row = one()
        report = say(row)
        with pytest.raises(ReasonNeeded):
            reports.answer(report.id, person_id(), "  ")
        with pytest.raises(ReasonNeeded):
            reports.answer(report.id, person_id(), "x" * 301)
        reports.answer(report.id, person_id(), "Relu sur le permis")
        with pytest.raises(reports.AlreadyClosed):
            reports.answer(report.id, person_id(), "Encore")
        with pytest.raises(reports.AlreadyClosed):
            reports.withdraw(person_id(DRIVER), report.id)
        [(recipient, body)] = told("report_answer")
        assert recipient == DRIVER
        assert "les données sont exactes" in body
        assert "Relu sur le permis" in body
        held = space.space(row.driver).reports[row.id]
        assert (held.state, held.answer) == ("exact", "Relu sur le permis")
        assert say(row).id != report.id

    def test_withdrawn_it_waits_for_nobody(self) -> None:
        report = say(one())
        with pytest.raises(reports.AlreadyClosed):
            reports.withdraw(person_id(), report.id)
        reports.withdraw(person_id(DRIVER), report.id)
        assert again(report).state == "withdrawn"
        drain()
        [row] = db.session.execute(select(Mail).where(Mail.kind == "error_report")).scalars()
        assert row.state == "dropped"

    @pytest.mark.parametrize(
        ("code", "changes", "words"),
        [
            ("wrong_name", {"first_name": "Maria"}, "remplacé par un enregistrement corrigé"),
            ("not_attended", {}, "Rien ne le remplace"),
            ("wrong_permit", RIGHT, "établi par erreur"),
        ],
    )
    def test_cancelled_or_replaced_it_closes_by_itself_in_true_words(
        self, code: str, changes: dict[str, str], words: str
    ) -> None:
        row = one()
        report = say(row)
        line = {**orders.as_typed(row).values(), **changes} if changes else None
        acts.amend(orders.order(row, code, "", line), Who(person_id()))
        assert again(report).state == "settled"
        [(_, body)] = told("report_answer")
        assert words in body
        if code == "wrong_permit":  # another person's: nothing of it is told
            assert "FIMO" not in body
            assert RIGHT["permit_number"] not in body

    def test_agents_see_it_after_five_days_without_an_answer(self, app: Flask) -> None:
        report = say(one())
        app.config["TODAY"] = date(2022, 1, 14)
        assert reports.unanswered() == ([], 0)
        db.session.execute(update(ErrorReport).values(said_at=clock.now() - timedelta(days=5, seconds=1)))
        db.session.commit()
        assert [row.id for row in reports.unanswered()[0]] == [report.id]
        reports.answer(report.id, person_id("agent@demo.example"), "Vu")
        assert reports.count_unanswered() == 0
        assert "Un agent du Registre" in told("report_answer")[0][1]

    def test_what_the_correction_s_form_begins_with(self) -> None:
        row = one()
        typed, code = reports.proposed(say(row, birth_date="04/12/1985", permit_number="850492100132"))
        assert (typed["birth_date"], typed["permit_number"], typed["last_name"]) == (
            "04/12/1985",
            "850492100132",
            "MARTIN",
        )
        assert code == "wrong_permit"

    def test_it_is_kept_as_long_as_the_documents_of_the_registration(self, app: Flask) -> None:
        say(one())
        app.config["TODAY"] = date(2028, 1, 10)
        assert reports.forget() == 0
        app.config["TODAY"] = date(2028, 1, 11)
        assert (reports.forget(dry_run=True), reports.forget(), reports.forget()) == (1, 1, 0)

    def test_the_copy_of_own_data_holds_it(self) -> None:
        row = one()
        say(row, **RIGHT, text="Deux chiffres inversés")
        [told_] = data_gathered.gather(person_id(DRIVER))["Erreurs signalées"]
        assert told_["Ce qui est exact"] == "N° de permis 850492100132"
        assert told_["Formation"] == "FIMO Marchandises (Marchandises)" or "FIMO" in told_["Formation"]
        line = {**orders.as_typed(row).values(), **RIGHT}
        acts.amend(orders.order(row, "wrong_permit", "", line), Who(person_id()))
        [told_] = data_gathered.gather(person_id(DRIVER))["Erreurs signalées"]
        assert "Formation" not in told_


@pytest.mark.usefixtures("app")
def test_said_and_cancelled_at_once_it_never_stays_open(app: Flask) -> None:
    row = one()
    asked, saying = orders.order(row, "duplicate", ""), sayings.read(row, RIGHT)
    db.session.commit()
    start = threading.Barrier(2)

    def run(act: Any) -> None:
        with app.app_context():
            actor.be(actor.PROGRAM)
            start.wait()
            try:
                act()
            except (reports.NotThere, acts.AlreadyCancelled):
                pass
            finally:
                db.session.remove()

    me, driver, id_ = Who(person_id()), person_id(DRIVER), row.id
    threads = [
        threading.Thread(target=run, args=(act,))
        for act in (lambda: acts.amend(asked, me), lambda: reports.say(driver, id_, saying))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.expire_all()
    assert not db.session.get_one(Registration, id_).is_live
    assert reports.open_of(id_) is None
