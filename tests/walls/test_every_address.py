"""Who gets what answer at every address: compared with the reviewed tables beside this file.

And looking is not acting: HEAD and OPTIONS change nothing anywhere, and GET writes at most that it was read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import func, select

from app.extensions import db
from app.models import Person

from . import access
from .everybody import STRAIGHT, Visit, World, demonstration, is_api

#: What a GET may write: that a list, a copy of one's data or what a driver lent left the register,
#: a secret offered and not yet in force.
NOTED_BY_GET = {
    "export": {"journal"}, "OwnDataView.fetch": {"journal"}, "InvoicesView.workbook": {"journal"},
    "SecondFactorView.index": {"second_factor"}, "lent.show": {"lent_look", "attempt"},
    "lent.document": {"lent_look", "attempt"},
}  # fmt: skip
#: Statuses of what is refused, and counted as such.
REFUSED = (401, 403, 429)
#: Addresses that mails bear; each must be as good after a look as before.
LINKS = ("account.confirm", "password.choose", "address.confirm", "member_invitation.accept")
#: Headers that differ from one answer to the next.
VARYING = {
    "Content-Security-Policy",
    "Set-Cookie",
    "X-Request-Id",
    "X-Trace-Id",
    "Date",
    "Expires",
    "RateLimit-Remaining",
    "RateLimit-Reset",
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Make it once: whatever a request writes is put back."""
    with demonstration(tmp_path_factory.mktemp("every-address")) as (app, file):
        yield World(app, file)


@pytest.fixture(scope="module")
def visits(world: World) -> list[Visit]:
    """Ask for every address as everybody by every method, once."""
    asked = ("GET", "HEAD", "OPTIONS", STRAIGHT, "POST")
    return [visit for rule in world.rules() for visit in world.visits(rule, *asked)]


@pytest.mark.parametrize("table", [access.SCREENS, access.API], ids=["screens", "api"])
def test_every_answer_is_the_reviewed_one(world: World, visits: list[Visit], table: access.Table) -> None:
    to_review = access.compare(table, access.lines(world.app, visits)[table])
    assert not to_review, f"\n{to_review}\n\nThe same list: python -m tests.walls.access"


def _wrote(visits: list[Visit], method: str, may: Callable[[Visit], set[str]]) -> list[str]:
    """Tell what was written beyond what it may, by this method."""
    asked = [visit for visit in visits if visit.method == method]
    assert len(asked) > 1_000
    return [
        f"{method} {visit.rule.endpoint} as {visit.who}: {visit.status}, wrote {sorted(visit.written)}"
        for visit in asked
        if visit.written - may(visit)
    ]


def _counts_a_call(visit: Visit) -> set[str]:
    """Return what a request may write that is no act: a call of the API is counted, and so is a request that is refused."""
    called = {"api_key"} if is_api(visit.rule) else set()
    return called | ({"refused_request"} if visit.status in REFUSED else set())


def _by_get(visit: Visit) -> set[str]:
    endpoint = visit.rule.endpoint
    noted = NOTED_BY_GET.get(endpoint) or NOTED_BY_GET.get(endpoint.rpartition(".")[2], set())
    return noted | _counts_a_call(visit)


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS"])
def test_looking_changes_nothing_anywhere_as_anybody(visits: list[Visit], method: str) -> None:
    """Calls of the API count, by whatever method they are made: else the limit would not hold."""
    assert _wrote(visits, method, _counts_a_call) == []


def test_a_screen_acts_by_post_alone_even_if_the_border_let_head_through(visits: list[Visit]) -> None:
    assert _wrote(visits, STRAIGHT, _by_get) == []


def test_reading_writes_at_most_that_it_was_read(visits: list[Visit]) -> None:
    assert _wrote(visits, "GET", _by_get) == []


def test_no_address_takes_other_methods_than_the_four(world: World) -> None:
    for rule in world.app.url_map.iter_rules():
        assert (rule.methods or set()) <= {"GET", "HEAD", "POST", "OPTIONS"}, rule
        assert rule.provide_automatic_options, f"{rule}: OPTIONS is answered before the screen"  # type: ignore[attr-defined]


def test_head_answers_as_get_without_a_body(visits: list[Visit]) -> None:
    looked = {(visit.rule.rule, visit.rule.endpoint, visit.who): visit for visit in visits if visit.method == "HEAD"}
    assert not [who for who, visit in looked.items() if visit.size]
    differ = []
    for read in (visit for visit in visits if visit.method == "GET"):
        said = _said(looked[read.rule.rule, read.rule.endpoint, read.who])
        if read.rule.endpoint == "SecondFactorView.index":  # draws another secret each time
            said[1]["Content-Length"] = read.headers["Content-Length"]
        if said != _said(read):
            differ.append((read.rule.endpoint, read.who, said, _said(read)))
    assert not differ, differ


def _said(visit: Visit) -> tuple[int, dict[str, str]]:
    """Return the status and the headers that do not differ from one answer to the next."""
    return visit.status, {name: value for name, value in visit.headers.items() if name not in VARYING}


@pytest.mark.parametrize("endpoint", LINKS)
def test_a_link_looked_at_by_a_mail_scanner_is_as_good_as_before(world: World, endpoint: str) -> None:
    """Scanners open a link by HEAD, without a cookie, before the person does, and again."""
    rule = next(rule for rule in world.app.url_map.iter_rules() if rule.endpoint == endpoint)
    for method in ("HEAD", "OPTIONS", "HEAD", "GET"):
        response = world.open(rule, method, {})
        assert response.status_code == 200, (endpoint, method)
        assert world.changed() == set()
    assert "<form" in response.text


def test_an_address_is_changed_by_the_button_alone(world: World) -> None:
    rule = next(rule for rule in world.app.url_map.iter_rules() if rule.endpoint == "address.confirm")
    changed = select(func.count()).select_from(Person).where(Person.email == "nouvelle@demo.example")
    for method, found in (("HEAD", 0), ("OPTIONS", 0), ("GET", 0), ("POST", 1)):
        world.open(rule, method, {})
        with world.app.app_context():
            assert db.session.scalar(changed) == found, method
    world.changed()
