"""Steps 1 and 2 by hand: what is kept, what is refused, what a change does to the last check."""

from __future__ import annotations

import threading
from datetime import date

import pytest
from flask import Flask

from app.extensions import db
from app.models import Accreditation, Batch
from app.services.registration import analysis, batches, drafts, report
from tests.bases import BOTH, on_sqlite
from tests.support import MARIE, PIERRE, centre_id, draft, many, person_id, training_id

BACKENDS = BOTH

pytestmark = pytest.mark.usefixtures("app")


def numbers(batch_id: int) -> list[int]:
    page = report.page(db.session.get_one(Batch, batch_id), report.Filter(by_number=True))
    return [one.line.number for one in page.lines]


class TestTraining:
    @on_sqlite
    def test_only_trainings_accredited_that_day_are_open(self) -> None:
        labels = {training.label for training in drafts.open_trainings(centre_id(), date(2022, 1, 10))}
        assert {"FIMO Marchandises", "FCO Complète", "CAP conducteur routier marchandises"} <= labels
        assert "Titre Professionnel CTCR" not in labels
        assert drafts.open_trainings(centre_id(), date(2019, 12, 31)) == []

    @on_sqlite
    @pytest.mark.parametrize(
        ("end_date", "sentence"),
        [
            ("", "Date de fin de formation non renseignée"),
            ("31/02/2022", "Format de la date de fin de formation non conforme : JJ/MM/AAAA"),
            ("11/01/2022", "La date de fin de formation ne peut pas être postérieure à la date du jour"),
            ("31/12/2019", "CFR non agréé pour cette formation à la date indiquée"),
        ],
    )
    def test_the_date_is_judged_with_the_training(self, end_date: str, sentence: str) -> None:
        batch_id = drafts.start(centre_id(), person_id()).id
        with pytest.raises(drafts.LineRefused) as refusal:
            drafts.choose_training(batch_id, training_id(), end_date)
        assert refusal.value.remarks[0].message == sentence
        assert db.session.get_one(Batch, batch_id).training_id is None

    def test_a_suspension_counts_on_the_end_date(self) -> None:
        given = db.session.query(Accreditation).filter_by(number="FI-69-2020-014").one()
        from app.models import Suspension

        db.session.add(
            Suspension(accreditation_id=given.id, starts_on=date(2022, 1, 5), ends_on=date(2022, 1, 8), reason="")
        )
        db.session.commit()
        batch_id = drafts.start(centre_id(), person_id()).id
        with pytest.raises(drafts.LineRefused, match="CFR non agréé"):
            drafts.choose_training(batch_id, training_id(), "05/01/2022")
        drafts.choose_training(batch_id, training_id(), "04/01/2022")

    @on_sqlite
    def test_an_unknown_training_is_refused(self) -> None:
        with pytest.raises(drafts.LineRefused, match="Libellé de formation non renseigné"):
            drafts.choose_training(drafts.start(centre_id(), person_id()).id, 999_999, "07/01/2022")

    def test_lines_stay_when_the_training_changes(self) -> None:
        batch_id = draft(MARIE)
        drafts.choose_training(batch_id, training_id("FCO Complète", "Voyageurs"), "05/01/2022")
        assert numbers(batch_id) == [1]
        assert analysis.check(batch_id).rows[0].line.raw.training_label == "FCO Complète"


class TestLines:
    @on_sqlite
    def test_a_line_in_error_is_not_kept(self) -> None:
        batch_id = draft()
        with pytest.raises(drafts.LineRefused) as refusal:
            drafts.add_line(batch_id, {**MARIE, "first_name": "11111", "birth_date": "21/03/2020"})
        assert [r.message for r in refusal.value.remarks] == [
            "Format du prénom non conforme. Le signe « 1 » (chiffre) n’est pas accepté. Attendu : 1 à 60 lettres latines, "
            "jointes par des espaces, traits d’union ou apostrophes",
            "Le stagiaire doit être majeur",
        ]
        assert numbers(batch_id) == []

    @on_sqlite
    def test_an_information_is_told_and_the_line_kept(self) -> None:
        kept = drafts.add_line(draft(), PIERRE)
        assert kept.number == 1
        assert [r.message for r in kept.remarks] == ["Ne possède pas encore de compte sur la plateforme"]

    def test_what_was_typed_is_kept_as_typed(self) -> None:
        batch_id = draft()
        drafts.add_line(batch_id, {**MARIE, "permit_number": " 8504-9210 0123 "})
        line = report.line(db.session.get_one(Batch, batch_id), 1)
        assert line is not None
        assert line.line.permit_number == " 8504-9210 0123 "

    def test_numbers_are_not_given_twice(self) -> None:
        batch_id = draft(MARIE, PIERRE)
        drafts.remove_line(batch_id, 2)
        drafts.remove_line(batch_id, 2)
        assert drafts.add_line(batch_id, PIERRE).number == 3
        assert numbers(batch_id) == [1, 3]

    def test_a_changed_line_keeps_its_number(self) -> None:
        batch_id = draft(MARIE, PIERRE)
        drafts.change_line(batch_id, 2, {**PIERRE, "order_number": "COM2"})
        line = report.line(db.session.get_one(Batch, batch_id), 2)
        assert line is not None
        assert line.line.order_number == "COM2"
        with pytest.raises(KeyError):
            drafts.change_line(batch_id, 7, PIERRE)

    def test_two_tabs_adding_at_once_never_share_a_number(self, app: Flask) -> None:
        batch_id = draft()
        db.session.remove()
        rows, gate = many(8), threading.Barrier(8)

        def add(row: dict[str, str]) -> None:
            with app.app_context():
                gate.wait()
                drafts.add_line(batch_id, row)

        threads = [threading.Thread(target=add, args=(row,)) for row in rows]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert numbers(batch_id) == list(range(1, 9))

    def test_pasted_rows_are_kept_together_with_their_errors(self) -> None:
        batch_id = draft()
        assert drafts.add_rows(batch_id, [MARIE, {**PIERRE, "last_name": ""}]) == 2
        page = report.page(db.session.get_one(Batch, batch_id), report.Filter(severity="erreurs"))
        assert [(one.line.number, one.remarks[0].message, one.faulty) for one in page.lines] == [
            (2, "Nom non renseigné", {"last_name"})
        ]

    def test_a_draft_has_an_end(self) -> None:
        batch_id = draft(*many(drafts.MAX_LINES))
        with pytest.raises(drafts.TooManyLines):
            drafts.add_line(batch_id, MARIE)

    @on_sqlite
    @pytest.mark.parametrize("change", ["add", "change", "remove", "rows", "training"])
    def test_any_change_closes_the_last_check(self, change: str) -> None:
        batch_id = draft(MARIE, PIERRE)
        analysis.check(batch_id)
        assert db.session.get_one(Batch, batch_id).is_checked
        {
            "add": lambda: drafts.add_line(batch_id, many(1)[0]),
            "change": lambda: drafts.change_line(batch_id, 1, MARIE),
            "remove": lambda: drafts.remove_line(batch_id, 1),
            "rows": lambda: drafts.add_rows(batch_id, many(2)),
            "training": lambda: drafts.choose_training(batch_id, training_id(), "06/01/2022"),
        }[change]()
        batch = db.session.get_one(Batch, batch_id)
        assert (batch.is_checked, batch.state) == (False, "draft")

    def test_a_line_added_while_the_check_runs_leaves_it_behind(self) -> None:
        batch_id = draft(MARIE)
        batch = db.session.get_one(Batch, batch_id)
        found = analysis.analyse(batch)
        version = batch.version
        drafts.add_line(batch_id, PIERRE)
        analysis.store(batch_id, found, version)
        db.session.commit()
        assert not db.session.get_one(Batch, batch_id).is_checked

    def test_a_cancelled_draft_takes_nothing_any_more(self) -> None:
        batch_id = draft(MARIE)
        batches.cancel(batch_id, person_id())
        for act in (lambda: drafts.add_line(batch_id, PIERRE), lambda: analysis.check(batch_id)):
            with pytest.raises(batches.BatchClosed):
                act()
        assert numbers(batch_id) == []


class TestReport:
    def test_filters_search_and_pages(self) -> None:
        batch_id = draft(*many(120), {**PIERRE, "first_name": ""}, {**MARIE, "birth_date": "31/02/1990"}, MARIE, MARIE)
        found = analysis.check(batch_id)
        batch = db.session.get_one(Batch, batch_id)
        assert (found.lines, found.errors, found.informations) == (124, 2, 121)
        first = report.page(batch, report.Filter())
        assert [one.line.number for one in first.lines[:2]] == [121, 122]
        assert (first.total, first.page_count, first.first, first.last) == (124, 3, 1, 50)
        assert report.page(batch, report.Filter(severity="erreurs")).total == 2
        assert report.page(batch, report.Filter(kind="missing:first_name")).total == 1
        assert report.page(batch, report.Filter(kind="identical_line")).total == 1
        assert report.page(batch, report.Filter(search="martin")).total == 3
        assert report.page(batch, report.Filter(search="82r987")).total == 1
        assert report.page(batch, report.Filter(search="%")).total == 0
        assert report.page(batch, report.Filter(), 99).page == 3
