"""At least once, always under the same id: failures, waits, giving up, sending again, workers killed in between."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from standardwebhooks import Webhook, WebhookVerificationError

from app.extensions import db
from app.jobs import work
from app.models import JournalEntry, Outbox, WebhookEndpoint
from app.models.api import CONFIRMED, EVENTS
from app.services.api import webhook_delivery, webhooks
from app.services.core import clock
from app.services.core.refusal import Refusal
from app.services.core.transaction import transaction
from app.services.decisions import to_handle
from app.services.retention import purge
from app.services.rights import access
from tests.api.webhooks.conftest import deliveries
from tests.bases import on_both
from tests.receiver import Receiver
from tests.support import MARIE, centre_id, drain, person_id, registered

Travel = Callable[[timedelta], None]


@pytest.fixture
def travel(monkeypatch: pytest.MonkeyPatch) -> Travel:
    """Move the machine's clock forward."""
    real, offset = clock.machine_now, [timedelta()]

    def now() -> datetime:
        return real() + offset[0]

    def act(by: timedelta) -> None:
        offset[0] += by

    monkeypatch.setattr(clock, "machine_now", now)
    return act


@pytest.fixture
def told(endpoint: tuple[int, str], software: Receiver) -> int:
    """Ask for one event only and register: one message stands, not sent yet. Return the endpoint's id."""
    webhooks.change(centre_id(), endpoint[0], person_id("representant@demo.example"), software.url, [CONFIRMED])
    registered(MARIE)
    return endpoint[0]


def the_endpoint() -> WebhookEndpoint:
    db.session.expire_all()
    return db.session.execute(select(WebhookEndpoint)).scalar_one()


class TestFailures:
    @pytest.mark.usefixtures("told")
    def test_it_is_tried_again_under_the_same_id_with_the_same_body_and_a_fresh_time(
        self, software: Receiver, travel: Travel
    ) -> None:
        software.statuses = [503, 204]
        drain()
        [one] = deliveries()
        assert (one.state, one.attempts, one.last_status, one.last_error) == (
            "pending", 1, 503, "Le serveur a répondu 503.",
        )  # fmt: skip
        assert the_endpoint().failures == 1
        drain()
        assert len(software.messages) == 1
        travel(timedelta(seconds=11))
        drain()
        [one] = deliveries()
        assert (one.state, one.attempts, one.last_error, one.next_at) == ("delivered", 2, None, None)
        first, second = software.messages
        assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
        assert int(second.headers["webhook-timestamp"]) >= int(first.headers["webhook-timestamp"]) + 10
        assert (the_endpoint().failures, the_endpoint().paused_until) == (0, None)

    @pytest.mark.usefixtures("told")
    def test_waits_grow_until_it_is_given_up_after_48_hours(self, software: Receiver, travel: Travel) -> None:
        software.statuses = [500]
        start, waits = clock.machine_now(), []
        drain()
        while (one := deliveries()[0]).state == "pending":
            assert one.next_at is not None
            assert one.last_at is not None
            waits.append(round((one.next_at - one.last_at).total_seconds()))
            travel(one.next_at - clock.machine_now() + timedelta(seconds=1))
            drain()
        assert waits[:6] == [10, 60, 300, 1800, 7200, 18000]
        assert waits[:-1] == sorted(waits[:-1])
        assert (one.state, one.next_at) == ("given_up", None)
        assert timedelta(hours=48) <= clock.machine_now() - start < timedelta(hours=49)
        assert len(software.messages) == len(waits) + 1

    @pytest.mark.usefixtures("told")
    def test_a_failing_server_of_a_centre_is_no_work_for_the_operator(self, software: Receiver, travel: Travel) -> None:
        software.statuses = [500]
        for _ in range(5):
            drain()
            travel(timedelta(minutes=6))
        assert [row.kind for row in to_handle.failed_work()[0] if row.kind == "webhook" and row.last_error] == []

    @pytest.mark.usefixtures("told")
    def test_a_redirection_is_not_followed(self, software: Receiver) -> None:
        software.statuses, software.location = [302], software.url
        drain()
        assert "redirections ne sont pas suivies" in str(deliveries()[0].last_error)
        assert len(software.messages) == 1

    @pytest.mark.usefixtures("told")
    def test_410_switches_the_address_off(self, software: Receiver) -> None:
        software.statuses = [410]
        drain()
        assert (deliveries()[0].state, the_endpoint().active) == ("given_up", False)
        entry = db.session.execute(select(JournalEntry).where(JournalEntry.action == "webhook.disabled")).scalar_one()
        assert (entry.actor_id, entry.reason) == (None, "Réponse 410 du serveur")

    @on_both
    @pytest.mark.usefixtures("told")
    def test_an_address_in_failure_is_tried_by_one_message_and_the_others_follow(
        self, software: Receiver, travel: Travel
    ) -> None:
        software.statuses = [500, 204]
        drain()
        registered(MARIE)
        drain()
        assert len(software.messages) == 1
        assert [one.attempts for one in deliveries()] == [1, 0]
        travel(timedelta(seconds=11))
        drain()
        assert {one.state for one in deliveries()} == {"delivered"}
        assert len(software.messages) == 3

    def test_an_address_switched_off_meanwhile_gets_nothing_more(self, told: int, software: Receiver) -> None:
        webhooks.switch(centre_id(), told, person_id("representant@demo.example"), active=False)
        drain()
        assert (deliveries()[0].state, software.messages) == ("given_up", [])

    @pytest.mark.usefixtures("told")
    def test_a_server_that_is_away(self, app: Flask, software: Receiver) -> None:
        endpoint = the_endpoint()
        endpoint.url = "http://127.0.0.1:9/"
        db.session.commit()
        drain()
        assert deliveries()[0].last_error == "La connexion a été refusée ou interrompue."


class TestOnce:
    @on_both
    @pytest.mark.usefixtures("told")
    def test_a_worker_killed_between_sending_and_recording(self, app: Flask, software: Receiver) -> None:
        """The receiver sees the message twice, under one id; the base knows one delivery."""
        row_id = db.session.execute(select(Outbox.id).where(Outbox.kind == "webhook")).scalar_one()
        db.session.remove()
        db.engine.dispose()
        pid = os.fork()
        if not pid:  # the worker: dies as its message has been taken in
            db.engine.dispose(close=False)
            webhook_delivery._record = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[assignment]
            work.run(row_id)
            os._exit(1)
        assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL
        assert deliveries()[0].state == "pending"
        db.session.get_one(Outbox, row_id).due_at = clock.machine_now()  # its lease has run out
        db.session.commit()
        work.run(row_id)
        assert deliveries()[0].state == "delivered"
        first, second = software.messages
        assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)

    @on_both
    @pytest.mark.usefixtures("told")
    def test_a_twin_that_ends_too_late_changes_nothing(self, app: Flask, software: Receiver) -> None:
        """Two workers send the same message at once; what the first made of it stands, whatever the second met."""
        [one] = deliveries()
        twins = [500]

        def twin() -> None:
            if twins:
                software.statuses = [twins.pop(), 204]
                with app.app_context(), transaction():
                    webhook_delivery.send(one.id, 1)

        software.before = twin
        drain()
        [left] = deliveries()
        assert len(software.messages) == 2
        assert (left.state, left.attempts, left.last_status) == ("pending", 1, 500)
        planned = db.session.execute(select(Outbox).where(Outbox.kind == "webhook").order_by(Outbox.id)).scalars()
        assert [row.payload["ticket"] for row in planned] == [1, 2]


class TestByHand:
    @on_both
    @pytest.mark.usefixtures("told")
    def test_a_message_given_up_is_sent_again_under_its_id(self, software: Receiver, travel: Travel) -> None:
        software.statuses = [410, 204]
        drain()
        [one] = deliveries()
        with pytest.raises(Refusal, match="désactivée"):
            webhook_delivery.replay(centre_id(), one.id, person_id("representant@demo.example"))
        webhooks.switch(centre_id(), the_endpoint().id, person_id("representant@demo.example"), active=True)
        travel(timedelta(days=9))
        webhook_delivery.replay(centre_id(), one.id, person_id("representant@demo.example"))
        drain()
        [one] = deliveries()
        assert (one.state, one.attempts) == ("delivered", 1)
        assert len({message.headers["webhook-id"] for message in software.messages}) == 1
        webhook_delivery.replay(centre_id(), one.id, person_id("representant@demo.example"))
        drain()
        assert (deliveries()[0].state, len(software.messages)) == ("delivered", 3)

    def test_a_trial_says_that_it_is_one_and_is_tried_once(self, software: Receiver, endpoint: tuple[int, str]) -> None:
        software.statuses = [500, 204]
        for state in ("given_up", "delivered"):
            webhook_delivery.trial(centre_id(), endpoint[0], person_id("representant@demo.example"))
            drain()
            assert deliveries()[-1].state == state
        assert software.messages[1].told["type"] == "webhook.test"
        assert software.messages[1].told["data"] == {"test": True}
        assert the_endpoint().failures == 0

    def test_who_has_no_right_sends_nothing(self, told: int) -> None:
        with pytest.raises(access.NotAllowed):
            webhook_delivery.replay(centre_id(), deliveries()[0].id, person_id("sansdroit@demo.example"))
        with pytest.raises(access.NotAllowed):
            webhook_delivery.trial(centre_id(), told, person_id("sansdroit@demo.example"))

    def test_another_centre_finds_neither_address_nor_message(self, told: int) -> None:
        neighbour, person = centre_id("98765432400019"), person_id("voisin@demo.example")
        place = next(one for one in access.memberships(person) if one.centre_id == neighbour)
        place.role = "legal_representative"
        db.session.commit()
        for act in (
            lambda: webhook_delivery.replay(neighbour, deliveries()[0].id, person),
            lambda: webhook_delivery.trial(neighbour, told, person),
            lambda: webhooks.change(neighbour, told, person, "https://a.example/", EVENTS),
            lambda: webhooks.rotate(neighbour, told, person, timedelta()),
            lambda: webhooks.switch(neighbour, told, person, active=False),
            lambda: webhooks.remove(neighbour, told, person),
        ):
            with pytest.raises(webhooks.NotFound):
                act()


class TestSecrets:
    def test_both_sign_while_one_replaces_the_other_then_the_new_one_alone(
        self, told: int, endpoint: tuple[int, str], software: Receiver, travel: Travel
    ) -> None:
        person = person_id("representant@demo.example")
        new = webhooks.rotate(centre_id(), told, person, timedelta(days=1))
        drain()
        [message] = software.messages
        for secret in (endpoint[1], new):
            Webhook(secret).verify(message.body, message.headers)
        webhooks.rotate(centre_id(), told, person, timedelta())
        webhook_delivery.trial(centre_id(), told, person)
        drain()
        for secret in (endpoint[1], new):
            with pytest.raises(WebhookVerificationError):
                Webhook(secret).verify(software.messages[1].body, software.messages[1].headers)

    def test_the_base_does_not_hold_what_signs(self, endpoint: tuple[int, str]) -> None:
        assert endpoint[1].startswith("whsec_")
        assert endpoint[1].removeprefix("whsec_") not in str(vars(the_endpoint()))


@on_both
@pytest.mark.usefixtures("told")
def test_messages_are_kept_for_90_days_and_never_taken_from_what_waits(software: Receiver, travel: Travel) -> None:
    travel(timedelta(days=1))
    assert purge.purge().webhooks == 0
    drain()
    registered(MARIE)
    travel(timedelta(days=89, hours=23))
    assert purge.purge().webhooks == 0
    travel(timedelta(hours=2))
    assert (purge.purge(dry_run=True).webhooks, len(deliveries())) == (1, 2)
    assert (purge.purge().webhooks, [one.state for one in deliveries()]) == (1, ["pending"])
