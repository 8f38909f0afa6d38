"""What agents write: judged against the other rows, refused with the field it concerns, journalled with before and after."""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.models import Accreditation, Centre, Driver, JournalEntry, Person, Suspension, Tariff, Training
from app.services.core import actor
from app.services.core.refusal import Refusal
from app.services.reference import accreditations
from app.services.reference import rules as reference_rules
from app.services.reference import writing as reference_writing
from app.services.reference.rules import Refused
from tests.support import MARIE, centre_id, person_id, registered, training_id


@pytest.fixture
def backend_name() -> str:
    """Judge the rules on SQLite alone: they are the same Python and plain comparisons on both bases."""
    return "sqlite"


CENTRE = {"name": "Auto-école du Port", "siret": "552100554 00021", "address": "", "email": "", "is_public": False,
          "chorus_service": ""}  # fmt: skip


def save(item: Any, **values: Any) -> Any:
    reference_writing.save(item, values, person_id("agent@demo.example"))
    return item


def refusal(item: Any, **values: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        save(item, **values)
    return refused.value


def one(model: Any, **values: Any) -> Any:
    return db.session.execute(select(model).filter_by(**values)).scalars().first()


def journal() -> JournalEntry:
    return db.session.execute(select(JournalEntry).order_by(JournalEntry.id.desc())).scalars().first()


VALID = "44306184100047"


@pytest.mark.parametrize("address", ["<a@b.fr>", "a@b..fr", "a@b", "a" * 120 + "@exemple.fr", "é@exemple.fr", ""])
def test_no_account_bears_an_address_that_the_rules_refuse(address: str) -> None:
    with pytest.raises(ValueError, match="not a mail address"):
        Person(username="x", email=address)
    assert Person(username=" A@B.fr", email=" A@B.fr\u00a0").email == "a@b.fr"


def test_a_centre_is_written_and_journalled(app: Flask) -> None:
    made = save(Centre(), **{**CENTRE, "siret": "443 061 841 00047"})
    assert made.siret == VALID
    entry = journal()
    assert (entry.action, entry.subject_id, entry.before) == ("centre.created", str(made.id), None)
    assert entry.after["name"] == "Auto-école du Port"
    assert entry.actor_id == person_id("agent@demo.example")
    save(made, **{**CENTRE, "siret": VALID, "name": "Auto-école du Quai"})
    assert (journal().before["name"], journal().after["name"]) == ("Auto-école du Port", "Auto-école du Quai")


@pytest.mark.parametrize("siret", ["35600000000048", "35600000049837", "12345678200010 "])
def test_sirets_of_la_poste_are_known(app: Flask, siret: str) -> None:
    if siret.startswith("123"):
        assert refusal(Centre(), **{**CENTRE, "siret": siret}).message == "Un autre centre porte déjà ce SIRET."
    else:
        assert save(Centre(), **{**CENTRE, "siret": siret}).id


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"siret": "44306184100048"}, "siret"), ({"siret": "1234"}, "siret"), ({"siret": "35600000012345"}, "siret"),
        ({"siret": "98765432400019"}, "siret"), ({"email": "sans-arobase"}, "email"),
        ({"chorus_service": "FORM"}, "chorus_service"),
    ],
)  # fmt: skip
def test_a_centre_is_refused_on_the_field_that_is_wrong(app: Flask, changed: dict[str, Any], field: str) -> None:
    before = db.session.query(Centre).count()
    assert refusal(Centre(), **{**CENTRE, "siret": VALID, **changed}).field == field
    assert db.session.query(Centre).count() == before
    assert journal() is None


def tariff(**values: Any) -> dict[str, Any]:
    return {"price_class": "long", "amount": Decimal("26.00"), "vat_rate": Decimal("20.00"),
            "valid_from": date(2022, 7, 1), "valid_to": None, **values}  # fmt: skip


def test_tariffs_of_a_class_never_overlap(app: Flask) -> None:
    assert refusal(Tariff(), **tariff()).field == "valid_from"
    old = one(Tariff, price_class="long")
    same = tariff(amount=old.amount, valid_from=old.valid_from)
    save(old, **{**same, "valid_to": date(2022, 6, 30)})
    assert save(Tariff(), **tariff()).id
    assert refusal(Tariff(), **tariff(valid_from=date(2022, 6, 30), valid_to=date(2022, 6, 30))).field == "valid_from"
    assert refusal(Tariff(), **tariff(valid_from=date(2023, 1, 1))).field == "valid_from"
    assert refusal(old, **{**same, "valid_to": date(2022, 7, 1)}).field == "valid_from"


def test_a_price_in_force_is_never_rewritten(app: Flask) -> None:
    old = one(Tariff, price_class="long")
    same = tariff(amount=old.amount, valid_from=old.valid_from)
    assert refusal(old, **{**same, "amount": Decimal("1.00")}).field == "amount"
    assert refusal(old, **{**same, "valid_from": date(2023, 1, 1)}).field == "valid_from"
    assert refusal(old, **{**same, "valid_to": date(2022, 1, 8)}).field == "valid_to"
    db.session.expire_all()
    assert one(Tariff, price_class="long").amount == Decimal("25.34")
    with pytest.raises(Refusal, match="historique"):
        reference_writing.remove(old, person_id("agent@demo.example"))


def test_a_price_may_end_yesterday_and_another_begin_today(app: Flask) -> None:
    old = one(Tariff, price_class="long")
    save(old, **tariff(amount=old.amount, valid_from=old.valid_from, valid_to=date(2022, 1, 9)))
    assert save(Tariff(), **tariff(valid_from=date(2022, 1, 10))).id


@pytest.mark.parametrize("backend_name", ["sqlite", "postgresql-role"])
def test_of_two_tariffs_written_at_once_that_overlap_one_is(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both would find nothing in their way; the one wait is over as soon as both have looked, or one may not look yet."""
    gate, judge, said = threading.Barrier(2), reference_rules.check, []

    def judged(item: Any) -> None:
        judge(item)
        with suppress(threading.BrokenBarrierError):
            gate.wait(1)

    def attempt(first: date) -> None:
        with app.app_context():
            actor.be(actor.PROGRAM)
            try:
                reference_writing.save(Tariff(), tariff(price_class="fco_module", valid_from=first), agent)
                said.append("")
            except Refused as refused:
                said.append(refused.field)
            finally:
                db.session.remove()

    agent = person_id("agent@demo.example")
    old = one(Tariff, price_class="fco_module")
    save(old, valid_to=date(2022, 6, 30))
    monkeypatch.setattr(reference_rules, "check", judged)
    threads = [threading.Thread(target=attempt, args=(date(2022, month, 1),)) for month in (7, 8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["", "valid_from"]


def test_a_price_to_come_may_change_and_go(app: Flask) -> None:
    old = one(Tariff, price_class="long")
    save(old, **tariff(amount=old.amount, valid_from=old.valid_from, valid_to=date(2022, 6, 30)))
    coming = save(Tariff(), **tariff())
    save(coming, **tariff(amount=Decimal("27.00")))
    reference_writing.remove(coming, person_id("agent@demo.example"))
    assert journal().action == "tariff.deleted"
    assert journal().before["amount"] == "27.00"


def accreditation(**values: Any) -> dict[str, Any]:
    return {"centre_id": centre_id(), "authority": "Préfet", "number": "N-1", "trainings": [training_id()],
            "valid_from": date(2022, 1, 1), "valid_to": None, "withdrawn_on": None, **values}  # fmt: skip


def test_an_accreditation_names_its_trainings_in_the_journal(app: Flask) -> None:
    made = save(Accreditation(), **accreditation())
    assert [t.label for t in made.trainings] == ["FIMO Marchandises"]
    assert journal().after["trainings"] == ["FIMO Marchandises"]
    assert journal().centre_id == centre_id()


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"trainings": []}, "trainings"), ({"valid_to": date(2021, 12, 31)}, "valid_to"),
        ({"withdrawn_on": date(2021, 12, 31)}, "withdrawn_on"),
        ({"authority": "Ministère du Travail", "number": "TP-2020-0457"}, "number"),
    ],
)  # fmt: skip
def test_an_accreditation_is_refused(app: Flask, changed: dict[str, Any], field: str) -> None:
    assert refusal(Accreditation(), **accreditation(**changed)).field == field


def test_an_accreditation_that_registrations_lean_on_stays_with_its_centre(app: Flask) -> None:
    registered(MARIE)
    used = one(Accreditation, number="FI-69-2020-014")
    kept = {"authority": used.authority, "number": used.number, "trainings": [t.id for t in used.trainings],
            "valid_from": used.valid_from}  # fmt: skip
    assert refusal(used, **accreditation(**kept, centre_id=centre_id("98765432400019"))).field == "centre_id"
    with pytest.raises(Refusal, match="d’autres données s’appuient sur cette fiche"):
        reference_writing.remove(one(Accreditation, number="FI-69-2020-014"), person_id("agent@demo.example"))
    assert len(one(Accreditation, number="FI-69-2020-014").trainings) == 8


def test_an_accreditation_that_has_taken_effect_stays_in_the_history(app: Flask) -> None:
    agent = person_id("agent@demo.example")
    begun = save(Accreditation(), **accreditation(valid_from=date(2022, 1, 10)))
    with pytest.raises(Refusal, match="historique"):
        reference_writing.remove(begun, agent)
    reference_writing.remove(save(Accreditation(), **accreditation(number="N-2", valid_from=date(2022, 1, 11))), agent)
    assert one(Accreditation, number="N-1")
    assert not one(Accreditation, number="N-2")


def test_a_suspension_that_has_taken_effect_stays_where_it_is(app: Flask) -> None:
    values = {"accreditation_id": 1, "starts_on": date(2022, 1, 10), "ends_on": None, "reason": "Audit"}
    begun = save(Suspension(), **values)
    assert refusal(begun, **{**values, "starts_on": date(2022, 2, 1)}).field == "starts_on"
    assert refusal(begun, **{**values, "accreditation_id": 2}).field == "accreditation_id"
    with pytest.raises(Refusal, match="historique"):
        reference_writing.remove(begun, person_id("agent@demo.example"))
    save(begun, **{**values, "ends_on": date(2022, 1, 31), "reason": "Audit de suivi"})
    coming = save(Suspension(), **{**values, "starts_on": date(2022, 3, 1)})
    save(coming, **{**values, "accreditation_id": 2, "starts_on": date(2022, 4, 1)})


def test_suspensions_of_an_accreditation_never_overlap(app: Flask) -> None:
    values = {"accreditation_id": 1, "starts_on": date(2022, 2, 1), "ends_on": date(2022, 2, 28), "reason": "Audit"}
    save(Suspension(), **values)
    assert refusal(Suspension(), **{**values, "starts_on": date(2022, 2, 28), "ends_on": None}).field == "starts_on"
    assert refusal(Suspension(), **{**values, "ends_on": date(2022, 1, 1)}).field == "ends_on"
    assert save(Suspension(), **{**values, "starts_on": date(2022, 3, 1), "ends_on": None}).id
    assert save(Suspension(), **{**values, "accreditation_id": 2}).id


def test_a_training_that_was_registered_keeps_what_its_documents_say(app: Flask) -> None:
    registered(MARIE)
    used = db.session.get(Training, training_id())
    same = {"family": used.family, "label": used.label, "category": used.category, "hours": used.hours,
            "price_class": used.price_class, "minors_allowed": False, "valid_from": None, "valid_to": None}  # fmt: skip
    assert refusal(used, **{**same, "label": "FIMO"}).field == "label"
    assert save(used, **{**same, "valid_to": date(2022, 12, 31)}).valid_to == date(2022, 12, 31)
    assert refusal(Training(), **same).field == "label"
    with pytest.raises(Refusal, match="d’autres données s’appuient"):
        reference_writing.remove(used, person_id("agent@demo.example"))


def test_a_driver_is_read_as_at_the_doors(app: Flask) -> None:
    values = {
        "last_name": "Dupont",
        "first_name": "Zoé",
        "birth_date": date(1990, 1, 1),
        "permit_number": "82-R9 87928",
    }
    assert save(Driver(), **values).permit_number == "82R987928"
    assert refusal(Driver(), **values).field == "permit_number"
    wrong = refusal(Driver(), **{**values, "first_name": "Zo3"}).message
    assert wrong.startswith("Format du prénom non conforme. Le signe « 3 » (chiffre)")
    assert (
        refusal(Driver(), **{**values, "permit_number": "12"}).message
        == "Format du N° de permis de conduire non conforme : 9 à 16 chiffres ou lettres"
    )
    assert refusal(Driver(), **{**values, "birth_date": date(2022, 1, 11)}).field == "birth_date"


def _accreditation(**values: Any) -> Accreditation:
    return Accreditation(**{"valid_from": date(2020, 1, 1), "valid_to": None, "withdrawn_on": None, **values})


@pytest.mark.parametrize(
    ("row", "state"),
    [
        (_accreditation(), ("ok", "Actif")),
        (_accreditation(valid_to=date(2022, 4, 10)), ("gold", "Expire dans 90 jours")),
        (_accreditation(withdrawn_on=date(2022, 1, 20)), ("gold", "Expire dans 9 jours")),
        (_accreditation(withdrawn_on=date(2022, 6, 1)), ("ok", "Actif")),
        (_accreditation(valid_to=date(2022, 4, 11)), ("ok", "Actif")),
        (_accreditation(valid_to=date(2022, 1, 10)), ("gold", "Expire sous un jour")),
        (_accreditation(valid_to=date(2022, 1, 9)), ("", "Échu")),
        (_accreditation(valid_from=date(2022, 1, 11)), ("now", "À partir du 11/01/2022")),
        (_accreditation(withdrawn_on=date(2022, 1, 10)), ("error", "Retiré le 10/01/2022")),
        (_accreditation(suspensions=[Suspension(starts_on=date(2022, 1, 10), ends_on=date(2022, 1, 10))]),
         ("error", "Suspendu jusqu’au 10/01/2022")),
        (_accreditation(suspensions=[Suspension(starts_on=date(2022, 1, 11))]), ("ok", "Actif")),
        (_accreditation(suspensions=[Suspension(starts_on=date(2021, 1, 11))]), ("error", "Suspendu")),
    ],
)  # fmt: skip
def test_what_an_accreditation_is_worth_is_said(row: Accreditation, state: tuple[str, str]) -> None:
    assert accreditations.state(row, date(2022, 1, 10)) == state
