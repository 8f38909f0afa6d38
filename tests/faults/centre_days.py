"""What centres and their drivers do, as scenarios: registering by each door, correcting, inviting, a card …"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from unittest import mock

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.extensions import db
from app.models import Batch, CardRequest, Registration, ServiceContract
from app.models.api import EVENTS
from app.models.batch import ANALYSING, FILE, READY, REGISTERED, REGISTERING
from app.services.accounts import password_change
from app.services.amendments import orders
from app.services.api import keys as api_keys
from app.services.api import webhooks
from app.services.api.keys import NewKey
from app.services.cards import requests as card_requests
from app.services.contracts import acts as contract_acts
from app.services.contracts.acts import Signature
from app.services.core.refusal import Refusal
from app.services.drivers import account_invitations, data_copy
from app.services.imports import confirmation
from app.services.reporting import exports
from app.services.rights import invitations
from app.services.storage import pictures
from app.services.trainers import registration as trainer_registration
from tests.cards import making as cards
from tests.imports.importing import SECOND, analysed, send, sheet
from tests.registration.test_analysis import SECOND_TABLE
from tests.registration.wizard_path import on_draft
from tests.shortcuts import enter
from tests.support import LEGAL, MARIE, PIERRE, centre_id, drain, many, person_id, registered, trainer_draft

from .living import Act, Scenario, Unanswered, wait, work_off

MANAGER, AGENT, HOLDER = "gestionnaire@demo.example", "agent@demo.example", "conducteur@demo.example"
_ADDRESS = "https://93.184.215.14/avis"


def answered(answer: TestResponse) -> TestResponse:
    """Return an answer; raise :class:`Unanswered` for one that says to try again, now or later."""
    if answer.status_code in (500, 503):
        raise Unanswered(answer.status_code)
    if answer.status_code == 429:
        raise Unanswered(429, int(answer.headers["Retry-After"]))
    return answer


def subscribe() -> None:
    """Have the demonstration centre's software told of everything."""
    person = person_id(LEGAL)
    api_keys.subscribe(centre_id(), person)
    webhooks.create(centre_id(), person, _ADDRESS, EVENTS)


def at_the_desk(app: Flask, email: str = MANAGER) -> FlaskClient:
    """Return the browser of somebody signed in."""
    client = app.test_client()
    enter(client, email)
    return client


def _by_hand(app: Flask) -> Sequence[Act]:
    subscribe()
    path = on_draft(at_the_desk(app), MARIE, PIERRE)
    path.post("verifier")
    shown = dict(re.findall(r'name="(version|told)" value="([^"]*)"', path.get("confirmation").text))

    def importer() -> None:
        assert path.goes_to(answered(path.post("importer", shown))).startswith("recu")

    return importer, work_off, importer, work_off


def _file_in(*states: str) -> str | None:
    """Return the last file that is in one of these states, by its key."""
    db.session.rollback()
    query = select(Batch.key).where(Batch.mode == FILE, Batch.state.in_(states)).order_by(Batch.id.desc())
    return db.session.execute(query).scalars().first()


def _importer(client: FlaskClient, *states: str) -> str:
    """Confirm the file that is in one of these states, and return where that leads to."""
    key = _file_in(*states)
    assert key, "no file is analysed"
    shown = answered(client.get(f"/imports/{key}/confirmation"))
    fields = dict(re.findall(r'name="(version|told)" value="([^"]*)"', shown.text))
    return answered(client.post(f"/imports/{key}/importer", data=fields)).headers["Location"]


def _by_file(app: Flask) -> Sequence[Act]:
    subscribe()
    client = at_the_desk(app)

    def hand_in() -> None:
        if not _file_in(READY, REGISTERED, ANALYSING):  # refused, or failed: the person sends it again
            assert answered(send(client, SECOND)).status_code in (302, 303)

    def importer() -> None:
        assert "/recu" in _importer(client, REGISTERED, READY)

    sending = (hand_in, work_off, wait) * 3
    return *sending, importer, importer, work_off


def _by_large_file(app: Flask) -> Sequence[Act]:
    client = at_the_desk(app)
    analysed(client, sheet(SECOND_TABLE[:2]))

    def importer() -> None:
        _importer(client, REGISTERED, REGISTERING, READY)
        assert _file_in(REGISTERED, REGISTERING), "its registration is not ordered"

    def insist() -> None:
        if _file_in(READY):  # the job broke again and again: the person is told, and clicks again
            importer()

    def look() -> None:
        assert _file_in(REGISTERED), "it is not registered"

    return importer, importer, work_off, *((wait, insist, work_off) * 2), look


def _by_api(app: Flask) -> Sequence[Act]:
    subscribe()
    key = api_keys.issue("12345678200010", NewKey("Essais", ("read", "analyse", "register", "correct")))
    training = {"training_label": "FIMO Marchandises", "category": "Marchandises", "end_date": "2022-01-07"}

    def call(path: str, body: object, name: str) -> TestResponse:
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": name}
        return answered(app.test_client().post(f"/api/v1{path}", json=body, headers=headers))

    def register() -> None:
        answer = call("/registrations", {"lines": [{**training, **line} for line in (MARIE, PIERRE)]}, "envoi-1")
        assert answer.status_code == 201, answer.text
        known = db.session.execute(select(Batch.key)).scalars().all()
        assert [(answer.json or {})["batch"]] == known, "the same call was answered otherwise"

    def cancel() -> None:
        row = db.session.execute(select(Registration.id).order_by(Registration.id)).scalars().first()
        body = {"reason_code": "duplicate", "reason": "relu"}
        assert call(f"/registrations/{row}/cancellation", body, "annulation-1").status_code == 200

    return register, register, work_off, cancel, cancel, work_off


def _correcting(app: Flask) -> Sequence[Act]:
    subscribe()
    registered(MARIE, PIERRE)
    drain()
    first, second = db.session.execute(select(Registration).order_by(Registration.id)).scalars()
    typed = {one.id: {**orders.as_typed(one).values(), "reason": "relu"} for one in (first, second)}
    changes = {"reason_code": "wrong_permit", "act": "remplacer", "permit_number": "850492100132"}
    client = at_the_desk(app)

    def mend(row_id: int, **asked: str) -> Callable[[], None]:
        def act() -> None:
            page = answered(client.post(f"/corrections/{row_id}/effets", data={**typed[row_id], **asked}))
            if page.status_code == 302 or "déjà annulé" in page.text:
                return
            form = next((one for one in page.text.split("<form")[1:] if '/confirmer"' in one.split(">")[0]), "")
            assert form, page.text
            fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', form.split("</form>")[0]))
            assert answered(client.post(f"/corrections/{row_id}/confirmer", data=fields)).status_code == 302

        return act

    replace, cancel = mend(first.id, **changes), mend(second.id, reason_code="duplicate", act="annuler")
    return replace, replace, work_off, cancel, cancel, work_off


def _inviting(app: Flask) -> Sequence[Act]:
    batch, (manager, legal) = registered(*many(1)).id, (person_id(), person_id(LEGAL))
    drain()

    def once(do: Callable[[], object]) -> Callable[[], None]:
        def act() -> None:
            try:
                do()
            except Refusal as refusal:  # a second time; anything else stands against the act
                if "déjà" not in refusal.message:
                    raise

        return act

    member = once(lambda: invitations.invite(centre_id(), "nouveau@demo.example", "manager", legal))
    driver = once(lambda: account_invitations.invite(batch, 1, "jean@exemple.fr", manager))
    offer = once(lambda: contract_acts.offer(centre_id(), "2", person_id(AGENT)))

    def sign() -> None:
        query = select(ServiceContract).where(ServiceContract.version == "2").order_by(ServiceContract.id)
        one = db.session.execute(query).scalars().one()
        if one.state == "offered":
            contract_acts.sign(one.id, centre_id(), legal, Signature("Camille Roche", "Directrice", one.text_sha256))

    return member, member, driver, driver, work_off, offer, offer, sign, sign, work_off


def _asking(app: Flask) -> Sequence[Act]:
    registered(MARIE)
    drain()
    holder, manager = person_id(HOLDER), person_id()

    def copy() -> None:
        if data_copy.last(holder) is None:
            data_copy.ask(holder)

    def listing() -> None:
        if not exports.own(manager):
            exports.order("registrations", "csv", {}, centre_id(), manager)

    def reset() -> None:
        password_change.ask(HOLDER, "192.0.2.1")

    return copy, listing, work_off, reset, work_off


def _trainer(app: Flask) -> Sequence[Act]:
    row, legal = trainer_draft(), person_id(LEGAL)
    id_, version = row.id, row.version

    def register() -> None:
        trainer_registration.register(id_, version, legal)

    return register, register, work_off


def _card(app: Flask) -> Sequence[Act]:
    request_id, holder = cards.filled().id, person_id(HOLDER)
    client, photo = at_the_desk(app, HOLDER), cards.photo().read()
    address = f"/mon-espace/carte/{db.session.get_one(CardRequest, request_id).key}/photo"

    def another_photo() -> None:
        answer = answered(client.post(address, data={pictures.PHOTO: (io.BytesIO(photo), "photo.jpg")}))
        if answer.status_code == 422:  # nothing drew it anew, or kept it: the person sends it again
            raise Unanswered(answer.status_code)
        assert answer.status_code == 302

    def submit() -> None:
        card_requests.submit(request_id, holder)

    return another_photo, submit, submit, work_off


def _every_file_is_large(_app: Flask) -> AbstractContextManager[object]:
    return mock.patch.object(confirmation, "AT_ONCE", 1)


#: A file handed in twice is two imports, of which one is confirmed; one that the antivirus did not answer for is refused.
_FILES = frozenset(
    {"batch", "batch_line", "import_file", "journal", "journal_link", "journal:import.*", "webhook*", "last_change"}
)
#: What is cancelled before its documents are drawn, or mailed, is neither.
_EARLY = frozenset({"mail", "mail:*", "webhook*", "last_change"})
#: Who asks again for a link gets another one; the first holds as well.
_LINKS = frozenset({"mail", "mail:*", "account_link"})
DAYS = (
    Scenario("by hand", _by_hand),
    Scenario("by file", _by_file, leaves=_FILES),
    Scenario("by large file", _by_large_file, within=_every_file_is_large),
    Scenario("by api", _by_api, leaves=_EARLY),
    Scenario("correcting", _correcting),
    Scenario("inviting", _inviting),
    Scenario("asking", _asking, leaves=_LINKS),
    Scenario("trainer", _trainer),
    Scenario("card", _card),
)
