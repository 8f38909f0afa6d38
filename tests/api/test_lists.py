"""A centre's registrations and batches by pages: what is in them, what narrows them, in which order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import select, text, update

from app.extensions import db
from app.models import Document, Registration
from app.services.api import lists
from app.services.api.lists import Page, Question
from app.services.core import clock
from app.services.core.dialect import on_postgresql
from app.services.core.transaction import transaction
from app.services.decisions import withheld_documents
from app.services.documents import revocation
from tests.amendments.test_acts import OTHER_PERMIT, mend, new_of
from tests.bases import UNDER_THE_ROLE, on_both, on_sqlite
from tests.support import MARIE, PIERRE, centre_id, drain, many, person_id, registered, statements, training_id

from .conftest import NEIGHBOUR, Caller, Dial
from .test_calls import MARIE as LINE

BACKENDS = UNDER_THE_ROLE
EACH_VALUE = True


def get(call: Caller, path: str = "/registrations", **asked: str) -> Any:
    return call("GET", f"{path}?{urlencode(asked)}" if asked else path)


def ids(call: Caller, **asked: str) -> list[int]:
    return [item["id"] for item in get(call, **asked).json["items"]]


def now() -> str:
    """Return an instant after all that was done, and before all that will be."""
    return clock.machine_now().isoformat().replace("+00:00", "Z")


def of(*rows: dict[str, str], **options: Any) -> list[int]:
    batch = registered(*rows, **options)
    query = select(Registration.id).where(Registration.batch_id == batch.id).order_by(Registration.line_number)
    found = list(db.session.execute(query).scalars())
    db.session.commit()
    return found


class TestItems:
    def test_an_item_is_what_the_call_for_one_answers(self, call: Caller) -> None:
        [first, _] = of(MARIE, PIERRE)
        answer = get(call).json
        assert answer["next"] is None
        assert answer["items"][0] == call("GET", f"/registrations/{first}").json
        told = answer["items"][0]
        assert (told["status"], told["last_name"], told["birth_date"], told["permit_number"], told["order_number"]) == (
            "active", "MARTIN", "1985-04-12", "850492100123", "COM1",
        )  # fmt: skip
        assert {document["state"] for document in told["documents"]} == {"pending"}

    def test_a_page_is_empty_where_nothing_was_registered(self, call: Caller) -> None:
        assert get(call).json == {"items": [], "next": None}
        assert get(call, "/batches").json == {"items": [], "next": None}

    def test_what_a_call_has_registered_is_listed_at_once(self, call: Caller) -> None:
        answer = call.register(LINE).json
        assert ids(call) == [one["id"] for one in answer["registrations"]]
        [batch] = get(call, "/batches").json["items"]
        assert (batch["id"], batch["state"], batch["mode"], batch["count"]) == (answer["batch"], "registered", "api", 1)

    def test_another_centre_s_are_not_there(self, call: Caller, dial: Dial) -> None:
        of(MARIE)
        assert ids(dial(siret=NEIGHBOUR)) == []
        assert get(dial(siret=NEIGHBOUR), "/batches").json["items"] == []

    def test_a_replacement_names_the_one_before_and_after(self, call: Caller) -> None:
        [old] = of(MARIE)
        new = new_of(mend(db.session.get_one(Registration, old), **OTHER_PERMIT))
        told = {item["id"]: item for item in get(call).json["items"]}
        assert (told[old]["status"], told[old]["replaced_by"], told[new.id]["replaces"]) == ("replaced", new.id, old)

    def test_a_trial_key_reads_what_the_centre_registered(self, dial: Dial) -> None:
        found = of(MARIE)
        rehearsal = dial(sandbox=True)
        rehearsal.register(LINE, accept_duplicates=True)
        assert ids(rehearsal) == found
        assert len(get(rehearsal, "/batches").json["items"]) == 1

    def test_a_key_needs_a_scope(self, dial: Dial) -> None:
        for path in ("/registrations", "/batches"):
            assert get(dial("analyse"), path).json["code"] == "scope_missing"


class TestChanges:
    """Whatever changes what the API tells of a registration brings it to the end of the order."""

    @pytest.fixture
    def three(self) -> list[int]:
        return of(*many(3))

    def test_cancelled_and_replaced(self, call: Caller, three: list[int]) -> None:
        since = now()
        assert ids(call, updated_since=since) == []
        mend(db.session.get_one(Registration, three[0]), code="duplicate")
        assert ids(call, updated_since=since) == [three[0]]
        new = new_of(mend(db.session.get_one(Registration, three[1]), **OTHER_PERMIT))
        assert ids(call, updated_since=since) == [three[0], three[1], new.id]
        assert ids(call) == [three[2], three[0], three[1], new.id]

    def test_documents_drawn_then_revoked(self, call: Caller, three: list[int]) -> None:
        since = now()
        drain()
        assert sorted(ids(call, updated_since=since)) == three
        since = now()
        document = db.session.execute(select(Document).where(Document.registration_id == three[1])).scalars().first()
        assert document is not None
        revocation.revoke(document.id, person_id("agent@demo.example"), "Fraude")
        assert ids(call, updated_since=since) == [three[1]]

    def test_documents_released(self, call: Caller) -> None:
        [held] = of({**MARIE, "last_name": "MARTINEZ", "first_name": "Maria"})
        drain()
        since = now()
        assert ids(call, updated_since=since) == []
        withheld_documents.release(held, person_id("agent@demo.example"))
        assert ids(call, updated_since=since) == [held]

    def test_a_driver_s_permit_number(self, call: Caller, three: list[int]) -> None:
        since = now()
        driver = db.session.get_one(Registration, three[2]).driver
        with transaction():
            driver.permit_number = "999999999999"
        assert ids(call, updated_since=since, permit_number="999999999999") == [three[2]]

    def test_what_is_not_told_is_no_change(self, call: Caller, three: list[int]) -> None:
        drain()
        since = now()
        with transaction():
            db.session.execute(update(Document).values(fault="missing"))
        assert ids(call, updated_since=since) == []

    def test_what_was_rolled_back_never_was(self, call: Caller, three: list[int]) -> None:
        since = now()
        db.session.execute(update(Registration).values(withheld=True))
        db.session.rollback()
        assert ids(call, updated_since=since) == []
        assert ids(call) == three

    def test_batches(self, call: Caller) -> None:
        since = now()
        of(MARIE)
        told = get(call, "/batches", updated_since=since).json["items"]
        assert [(one["state"], one["mode"], one["count"]) for one in told] == [("registered", "manual", 1)]
        drain()
        assert get(call, "/batches", updated_since=now()).json["items"] == []

    def test_the_instant_of_the_last_one_asks_for_what_follows_it(self, call: Caller, three: list[int]) -> None:
        last = get(call).json["items"][-1]
        assert last["id"] in ids(call, updated_since=last["updated_at"])
        more = of(MARIE)
        assert ids(call, updated_since=last["updated_at"]) == [*three, *more]


class TestFilters:
    @pytest.fixture
    def rows(self) -> dict[str, int]:
        [marie] = of(MARIE)
        [pierre] = of({**PIERRE, "order_number": "COM 2"}, training=training_id("Module FCO"))
        mend(db.session.get_one(Registration, pierre), code="duplicate")
        return {"marie": marie, "pierre": pierre}

    @pytest.mark.parametrize(
        ("asked", "expected"),
        [
            ({"order_number": "COM 2"}, ["pierre"]),
            ({"order_number": "COM"}, []),
            ({"permit_number": "850492100123"}, ["marie"]),
            ({"permit_number": "8504 9210 0123", "birth_date": "12/04/1985"}, ["marie"]),
            ({"permit_number": "850492100123", "birth_date": "1985-04-13"}, []),
            ({"birth_date": "1990-01-01"}, ["pierre"]),
            ({"training": "fimo marchandises"}, ["marie"]),
            ({"training": "Module FCO — Marchandises"}, ["pierre"]),
            ({"training": "Module FCO — Voyageurs"}, []),
            ({"status": "active"}, ["marie"]),
            ({"status": "cancelled"}, ["pierre"]),
            ({"status": "replaced"}, []),
            ({"status": "cancelled", "training": "Module FCO", "order_number": "COM 2"}, ["pierre"]),
            ({"status": "", "training": "", "updated_since": "", "cursor": "", "order_number": ""}, ["marie", "pierre"]),
            ({"updated_since": "2022-01-10"}, ["marie", "pierre"]),
            ({"updated_since": "10/01/2022"}, ["marie", "pierre"]),
            ({"updated_since": "2999-01-01T00:00:00+02:00"}, []),
        ],
    )  # fmt: skip
    def test_each_and_together(
        self, call: Caller, rows: dict[str, int], asked: dict[str, str], expected: list[str]
    ) -> None:
        assert ids(call, **asked) == [rows[name] for name in expected]

    @on_sqlite
    @pytest.mark.parametrize(
        ("query", "code", "parameter"),
        [
            ("updated_since=hier", "invalid_date", "updated_since"),
            ("updated_since=2022-02-30T00:00:00Z", "invalid_date", "updated_since"),
            ("updated_since=0001-01-01T00:00:00%2B10:00", "invalid_date", "updated_since"),
            ("birth_date=1985-4-12", "invalid_date", "birth_date"),
            ("training=FIMO+Bateau", "invalid_parameter", "training"),
            ("status=annule", "invalid_parameter", "status"),
            ("order_number=%00", "invalid_parameter", "order_number"),
            (f"permit_number={'1' * 200}", "invalid_parameter", "permit_number"),
            ("cursor=42", "invalid_cursor", "cursor"),
            ("after=3", "unknown_parameter", "after"),
            ("status=active&status=active", "unknown_parameter", "status"),
        ],
    )
    def test_a_question_without_meaning_names_its_parameter(
        self, call: Caller, query: str, code: str, parameter: str
    ) -> None:
        response = call("GET", f"/registrations?{query}")
        assert (response.status_code, response.json["code"], response.json["parameter"]) == (400, code, parameter)
        assert f"« {parameter} »" in response.json["detail"]

    @on_sqlite
    def test_a_plus_sign_that_the_address_made_a_space_is_one(self, call: Caller) -> None:
        of(MARIE)
        assert len(call("GET", "/registrations?updated_since=2022-01-10T09:00:00+01:00").json["items"]) == 1

    @on_sqlite
    def test_batches_take_no_filter_of_registrations(self, call: Caller) -> None:
        assert get(call, "/batches", status="active").json["code"] == "unknown_parameter"


class TestPages:
    @pytest.fixture(autouse=True)
    def _short(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(lists, "PAGE", 2)
        monkeypatch.setattr(lists, "LOOKED_AT", 3)

    def follow(self, call: Caller, path: str = "/registrations", **asked: str) -> list[list[int]]:
        """Return the pages, each asked for by the cursor alone."""
        pages, answer = [], get(call, path, **asked).json
        while True:
            pages.append([item["id"] for item in answer["items"]])
            if answer["next"] is None:
                return pages
            answer = get(call, path, cursor=answer["next"]).json

    def test_each_registration_is_on_one_page(self, call: Caller) -> None:
        found = of(*many(5))
        assert self.follow(call) == [found[:2], found[2:4], found[4:]]

    def test_the_last_page_full_says_that_it_is_the_last(self, call: Caller) -> None:
        found = of(*many(4))
        assert self.follow(call) == [found[:2], found[2:]]

    def test_the_cursor_carries_the_filters(self, call: Caller) -> None:
        found = of(*many(5))
        for id_ in found[:3]:
            mend(db.session.get_one(Registration, id_), code="duplicate")
        pages = self.follow(call, status="active", training="FIMO Marchandises")
        assert [id_ for page in pages for id_ in page] == found[3:]
        pages = self.follow(call, status="cancelled", order_number="COM1")
        assert [id_ for page in pages for id_ in page] == found[:3]
        assert len([id_ for page in self.follow(call, birth_date="1980-02-01") for id_ in page]) == 5

    def test_the_same_filters_may_be_said_again_and_no_others(self, call: Caller) -> None:
        of(*many(3))
        cursor = get(call, status="active").json["next"]
        assert len(ids(call, cursor=cursor, status="active")) == 1
        refused = get(call, cursor=cursor, status="cancelled")
        assert (refused.status_code, refused.json["code"], refused.json["parameter"]) == (
            400,
            "invalid_cursor",
            "cursor",
        )

    def test_a_cursor_is_good_where_it_was_given(self, call: Caller, dial: Dial) -> None:
        of(*many(3))
        cursor = get(call).json["next"]
        tampered = ("A" if cursor[0] != "A" else "B") + cursor[1:]  # the last sign may hold bits that nobody reads
        for caller, path, text_ in (
            (call, "/batches", cursor), (dial(siret=NEIGHBOUR), "/registrations", cursor), (call, "/registrations", tampered)
        ):  # fmt: skip
            assert get(caller, path, cursor=text_).json["code"] == "invalid_cursor"

    def test_what_changes_during_the_reading_comes_once_more_with_its_new_state(self, call: Caller) -> None:
        found = of(*many(4))
        first = get(call).json
        mend(db.session.get_one(Registration, found[0]), code="duplicate")
        mend(db.session.get_one(Registration, found[3]), code="duplicate")
        rest = [get(call, cursor=first["next"]).json]
        while rest[-1]["next"]:
            rest.append(get(call, cursor=rest[-1]["next"]).json)
        told = [(item["id"], item["status"]) for page in rest for item in page["items"]]
        assert told == [(found[2], "active"), (found[0], "cancelled"), (found[3], "cancelled")]

    def test_batches_by_pages(self, call: Caller) -> None:
        keys = [registered(row).key for row in many(5)]
        db.session.commit()
        assert [key for page in self.follow(call, "/batches") for key in page] == keys

    def test_the_client_follows_the_cursors(self, call: Caller) -> None:
        found = of(*many(5))
        assert [item["id"] for item in call.client.registrations(order_number="COM1")] == found
        assert len(list(call.client.batches())) == 1


def test_a_page_takes_as_many_statements_whatever_its_length(call: Caller) -> None:
    of(MARIE)
    with statements() as few:
        get(call)
    of(*many(300))
    with statements() as most:
        assert len(ids(call)) == 301
    assert len(most) == len(few)


@on_both
@pytest.mark.parametrize(
    ("question", "index"),
    [
        (Question(), "ix_last_change_order"),
        (Question(order_number="COM7"), "ix_last_change_order_number"),
        (Question(status="cancelled"), "ix_last_change_cancelled"),
        (Question(status="active"), "ix_last_change_order"),
        (Question(updated_since=datetime.now(UTC) - timedelta(days=900)), "ix_last_change_order"),
    ],
)
def test_a_page_is_read_in_the_order_of_an_index(app: Any, question: Question, index: str) -> None:
    _fill(20_000)
    page = Page(centre_id(), {}, question, None if question.updated_since else lists.Place(_START, 1000))
    plan = _explained(lists.statement(page))
    assert f"{index} " in plan or f"{index}\n" in plan, plan
    if not question.status:
        assert "Sort" not in plan
        assert "TEMP B-TREE" not in plan


_START = datetime(2026, 1, 1, tzinfo=UTC)


def _fill(count: int) -> None:
    """Write changes of registrations that are none, as many as a large centre has."""
    instant = (
        "timestamptz '2026-01-01Z' + at * interval '1 s'"
        if on_postgresql()
        else ("strftime('%Y-%m-%d %H:%M:%f000', '2026-01-01', at || ' seconds')")
    )
    db.session.execute(
        text(
            f"WITH RECURSIVE rows (at) AS (SELECT 0 UNION ALL SELECT at + 1 FROM rows WHERE at < {count})"
            " INSERT INTO last_change (number, kind, subject_id, centre_id, at, order_number, is_live)"
            f" SELECT at + 1000, 'registration', at + 1000000, {centre_id()}, {instant}, 'COM' || at % 100, at % 50 > 0"
            " FROM rows".replace(":", r"\:")
        )
    )
    db.session.commit()
    db.session.execute(text("ANALYZE last_change"))


def _explained(query: Any) -> str:
    sql = str(query.compile(db.engine, compile_kwargs={"literal_binds": True}))
    word = "EXPLAIN" if on_postgresql() else "EXPLAIN QUERY PLAN"
    rows = db.session.execute(text(f"{word} {sql}".replace(":", r"\:"))).all()
    return "\n".join(str(row[-1]) for row in rows) + "\n"
