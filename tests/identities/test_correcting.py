"""A driver's identity corrected by an agent: both values kept, both leading where that is safe, documents left as they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select

from app.extensions import db
from app.models import Document, Driver, IdentityCorrection, JournalEntry, Mail, Registration
from app.services.accounts.link import Identity
from app.services.cards import requests as card_requests
from app.services.core.reason import ReasonNeeded
from app.services.core.refusal import Refusal
from app.services.documents import drawing
from app.services.drivers import data_gathered
from app.services.drivers import search as driver_search
from app.services.identities import correcting, merging, words
from app.services.identities.correcting import identity_of, order
from tests.bases import EVERY
from tests.support import MARIE, drain, registered

from .making import NEW, OLD, REASON, again, agent_id, driver, join

BACKENDS = EVERY
EACH_VALUE = True


def correct(row: Driver, kind: str = "change", **changes: object) -> int:
    """Correct an identity as an agent who was shown the effects."""
    asked = order(row, kind, REASON, replace(identity_of(row), **changes))  # type: ignore[arg-type]
    return correcting.correct(asked, agent_id(), shown=correcting.look(asked).version)


def found(text: str, *, broad: bool = False) -> list[int]:
    """Return the drivers of the agents' list that these words find."""
    conditions = Driver.same_as_id.is_(None), driver_search.by_words(text, broad=broad)
    return list(db.session.execute(select(Driver.id).where(*conditions).order_by(Driver.id)).scalars())


def rows() -> list[Registration]:
    db.session.expire_all()
    return list(db.session.execute(select(Registration).order_by(Registration.id)).scalars())


@pytest.mark.usefixtures("app")
class TestCorrecting:
    def test_a_permit_renewed_leads_to_the_same_driver_by_both_numbers(self) -> None:
        registered(OLD)
        row = driver(OLD["permit_number"])
        correct(row, permit_number="210969300777")
        registered(OLD, end_date="06/01/2022")
        registered(NEW, end_date="05/01/2022")
        assert [one.driver_id for one in rows()] == [row.id] * 3
        assert [one.identity.permit_number for one in rows()] == [OLD["permit_number"]] * 2 + ["210969300777"]
        for text in (OLD["permit_number"], "210969300777", "8802692", "ROUSSEL 8802692"):
            assert found(text) == found(text, broad=True) == [row.id], text

    def test_an_error_leads_nowhere_and_is_found_still(self) -> None:
        registered(OLD)
        row = driver(OLD["permit_number"])
        correct(row, "error", permit_number="880269200014", birth_date=date(1988, 2, 15))
        assert [one.identity.permit_number for one in rows()] == ["880269200014"]
        assert found(OLD["permit_number"]) == found(OLD["permit_number"], broad=True) == [row.id]
        registered({**OLD, "last_name": "BERNARD", "first_name": "Luc"}, end_date="06/01/2022")
        first, second = rows()
        assert first.driver_id != second.driver_id

    def test_a_name_changed_is_found_by_both(self) -> None:
        registered(OLD)
        row = driver(OLD["permit_number"])
        correct(row, last_name="LEMAIRE")
        for text in ("ROUSSEL", "Nadia Roussel", "lemaire"):
            assert row.id in found(text), text
            assert row.id in found(text, broad=True), text
        assert [(one.last_name, one.registered_as_id) for one in rows()] == [("ROUSSEL", None)]

    def test_both_values_are_kept_with_who_when_and_why(self) -> None:
        registered(OLD)
        row = driver(OLD["permit_number"])
        kept = db.session.get_one(IdentityCorrection, correct(row, last_name="LEMAIRE", permit_number="210969300777"))
        assert (kept.last_name, kept.permit_number, kept.reason, kept.by_id) == (
            "ROUSSEL", OLD["permit_number"], REASON, agent_id(),
        )  # fmt: skip
        assert (kept.after["last_name"], kept.after["permit_number"]) == ("LEMAIRE", "210969300777")
        act = JournalEntry.action == "driver.identity_corrected"
        entry = db.session.execute(select(JournalEntry).where(act)).scalar_one()
        assert (entry.before["permit_number"], entry.after["permit_number"], entry.reason, entry.centre_id) == (
            OLD["permit_number"], "210969300777", REASON, None,
        )  # fmt: skip

    @pytest.mark.parametrize(("kind", "printed"), [("change", OLD["permit_number"]), ("error", "210969300777")])
    def test_issued_documents_stay_and_pending_ones_bear_what_was_true(
        self, kind: str, printed: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        registered(OLD)
        drain()
        before = {one.number: one.sha256 for one in db.session.execute(select(Document)).scalars()}
        registered(OLD, end_date="06/01/2022")
        drawn: list[str] = []
        render = drawing.document_pages.render_recap
        monkeypatch.setattr(
            drawing.document_pages, "render_recap", lambda data: drawn.append(data.permit_number) or render(data)
        )
        correct(driver(OLD["permit_number"]), kind, permit_number="210969300777")
        drain()
        assert drawn == [printed]
        db.session.expire_all()
        after = {one.number: one.sha256 for one in db.session.execute(select(Document)).scalars()}
        assert {number: after[number] for number in before} == before

    def test_who_has_an_account_is_told_what_changed(self) -> None:
        registered(MARIE)
        row = driver(MARIE["permit_number"])
        person = row.person_id
        correct(row, last_name="LEMAIRE", permit_number="210969300777")
        drain()
        mail = db.session.execute(select(Mail).where(Mail.kind == "identity_corrected")).scalar_one()
        assert (mail.state, mail.recipient) == ("sent", "conducteur@demo.example")
        copy = data_gathered.gather(person or 0)
        assert copy["Conducteur"]["Nom"] == "LEMAIRE"
        assert [(one["Nom"], one["N° de permis"]) for one in copy["Autres identités"]] == [
            ("MARTIN", MARIE["permit_number"])
        ]

    def test_a_request_for_a_card_follows_and_a_later_one_bears_the_new_name(self) -> None:
        registered(MARIE)
        registered(MARIE, training=None, end_date="06/01/2022")
        drain()
        row = driver(MARIE["permit_number"])
        first, second = (one.id for one in rows())
        request = card_requests.begin(row, "formation", first)
        correct(row, last_name="LEMAIRE", permit_number="210969300777")
        request = again(request)
        assert (request.last_name, request.permit_number) == ("LEMAIRE", "210969300777")
        later = card_requests.begin(again(row), "formation", second)
        assert (later.last_name, later.permit_number) == ("LEMAIRE", "210969300777")

    def test_what_may_not_be(self) -> None:
        registered(OLD)
        registered(NEW)
        row = driver(OLD["permit_number"])
        mine = identity_of(row)
        with pytest.raises(ReasonNeeded):
            order(row, "change", " ", replace(mine, last_name="X"))
        for kind, identity in (
            ("", replace(mine, last_name="X")),
            ("change", mine),
            ("change", replace(mine, birth_date=date(1988, 2, 15))),
        ):
            with pytest.raises(Refusal):
                order(row, kind, REASON, identity)
        with pytest.raises(correcting.Known) as raised:
            correcting.look(order(row, "change", REASON, replace(mine, permit_number=NEW["permit_number"])))
        assert raised.value.other_id == driver(NEW["permit_number"]).id
        join(row, driver(NEW["permit_number"]))
        with pytest.raises(correcting.Joined):
            correcting.look(order(again(row), "change", REASON, replace(mine, permit_number=NEW["permit_number"])))

    def test_two_tabs_and_a_double_click_correct_once(self) -> None:
        registered(OLD)
        row = driver(OLD["permit_number"])
        asked = order(row, "change", REASON, replace(identity_of(row), permit_number="210969300777"))
        shown = correcting.look(asked).version
        correcting.correct(asked, agent_id(), shown=shown)
        with pytest.raises(merging.Changed):
            correcting.correct(asked, agent_id(), shown=shown)
        assert len(db.session.execute(select(IdentityCorrection)).scalars().all()) == 1

    def test_a_mistaken_correction_is_taken_back(self) -> None:
        registered(OLD)
        row = driver(OLD["permit_number"])
        correct(row, permit_number="210969300777")
        registered(NEW, end_date="06/01/2022")
        correct(again(row), "error", permit_number=OLD["permit_number"])
        assert [one.identity.permit_number for one in rows()] == [OLD["permit_number"]] * 2
        assert db.session.scalar(select(Driver.id).where(Driver.permit_number == "210969300777")) is None
        correct(again(row), permit_number="210969300777")
        correct(again(row), permit_number=OLD["permit_number"])
        assert [one.driver_id for one in rows()] == [row.id] * 2
        assert driver("210969300777").same_as_id == row.id

    def test_lines_under_other_names_are_shown_before(self) -> None:
        registered(OLD)
        registered({**OLD, "last_name": "BERNARD", "first_name": "Luc"}, end_date="06/01/2022")
        row = driver(OLD["permit_number"])
        asked = order(row, "change", REASON, replace(identity_of(row), permit_number="210969300777"))
        told = " ".join(one.text for one in words.of_correction(correcting.look(asked)))
        assert "BERNARD Luc" in told
        assert isinstance(asked.identity, Identity)
