"""No answer, file, mail or log that one centre gets holds another's word: with the services' filters alone, then with
PostgreSQL's row-level security under them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from structlog.testing import capture_logs
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.extensions import db
from app.services.core import actor
from tests.conftest import PASSWORD
from tests.support import drain

from .reading import mails, words_in
from .rows import Rows, body_of
from .test_row_level_security import below_a_centre
from .world import COMMON, WORDS, House, build, rows_of

#: Ends the sign-in the tests live on.
ENDS_THE_SIGN_IN = ("LoginView.logout", "ProfileView.end_others")
#: Arguments that lists of this program understand; « {id} » is a centre's.
QUERIES = (
    "", "page=2", f"recherche={COMMON}", f"_flt_0_words={COMMON}", f"_flt_0_words={COMMON.upper()}", "_flt_0_words=75012",
    "_flt_0_centre_id={id}", "_flt_0_centre={id}", "centre_id={id}", "centre={id}", "psize_{view}=100", "page_{view}=1",
    "_oc_{view}=last_name&_od_{view}=desc", "_oc_{view}=centre&_od_{view}=asc", "gravite=error", "etat=registered",
    "export=csv", "export=xlsx", "format=csv", "format=xlsx", "numero=CQ", "champ=last_name", "next=/sessions/",
)  # fmt: skip


@dataclass
class Reader:
    """A person or a program, the words they may read, and the browser or key they ask with."""

    name: str
    own: frozenset[str]
    client: FlaskClient
    headers: dict[str, str]
    #: Keys and numbers of other centres: they stand in an answer at most where they were asked for.
    foreign: frozenset[str]

    def get(self, address: str, *, method: str = "GET", **more: Any) -> TestResponse:
        """Ask, and fail when the answer holds a word of somebody else's."""
        headers = {**self.headers, **more.pop("headers", {})}
        answer = self.client.open(address, method=method, headers=headers, **more)
        head = "".join(f"{name}: {value}\n" for name, value in answer.headers).encode()
        others = WORDS.keys() - self.own
        leaked = words_in(answer.data, others) + words_in(head, others)
        leaked += words_in(answer.data, {number for number in self.foreign if number not in address})
        assert not leaked, f"{self.name} reads {leaked} at {method} {address} ({answer.status_code})"
        return answer


@dataclass
class World:
    """The application, its centres, and who reads."""

    app: Flask
    houses: list[House]
    readers: list[Reader]

    def rules(self, method: str = "GET") -> list[Rule]:
        """Return the addresses of the application that answer a method, in an order that stays."""
        rules = [rule for rule in self.app.url_map.iter_rules() if method in (rule.methods or ())]
        return sorted((r for r in rules if r.endpoint not in ENDS_THE_SIGN_IN), key=lambda r: (r.rule, r.endpoint))

    def address(self, rule: Rule, house: House) -> str:
        """Return the address of a rule with the rows of a house."""
        with self.app.test_request_context():
            return Rows(self.app, house.named).url(rule)


@pytest.fixture(scope="module", params=["sqlite", "postgresql-role"])
def world(request: pytest.FixtureRequest, backends: Callable[[str], Any]) -> Iterator[World]:
    """Build the three centres once a base; on PostgreSQL the application has its own role."""
    backend = backends(request.param)
    backend.reset()
    if not shutil.which("pdftotext"):
        pytest.skip("pdftotext is not there")
    config = dict(backend.app.config)
    backend.app.config["API_CALLS_PER_MINUTE"] = 1_000_000
    with backend.app.app_context():
        houses = build(backend.app)
        yield World(backend.app, houses, list(_readers(backend.app, houses)))
        db.session.remove()
    backend.app.config.clear()
    backend.app.config.update(config)


def _readers(app: Flask, houses: list[House]) -> Iterator[Reader]:
    numbers = frozenset[str]().union(*(house.numbers for house in houses))
    yield Reader("anybody", frozenset(), app.test_client(), {}, numbers)
    for house in houses:
        foreign = numbers - house.numbers
        for email in (house.manager, house.legal, house.driver):
            client = app.test_client()
            client.post("/login/", data={"username": email, "password": PASSWORD})
            assert client.get("/mon-profil/").status_code == 200, email
            yield Reader(email, frozenset({house.word}), client, {}, foreign)
        key = {"Authorization": f"Bearer {house.key}"}
        yield Reader(f"key of {house.word}", frozenset({house.word}), app.test_client(), key, foreign)


#: What a transaction notes in it, it takes away as it commits.
EMPTIED = "change_due"


def test_every_table_below_a_centre_has_rows_of_each(world: World) -> None:
    """A table without rows would prove nothing: make some in `world.py`."""
    actor.be(actor.PROGRAM)
    counts = {
        name: db.session.scalar(select(func.count()).select_from(table)) or 0
        for name, table in below_a_centre().items()
    }
    assert [name for name, count in counts.items() if count < len(WORDS) and name != EMPTIED] == []
    for house in world.houses:
        empty = [name for name, rows in rows_of(house).items() if not rows and name != EMPTIED]
        assert empty == []


def test_each_reads_own_words_at_most(world: World) -> None:
    """Walk every address with one's own rows and another centre's, then every list by each field of its search."""
    own_word_read = set()
    with capture_logs() as logs:
        for reader in world.readers[:5]:  # anybody, and all of the first centre's
            for rule in world.rules():
                for house in world.houses[:2] if rule.arguments else world.houses[:1]:
                    answer = reader.get(world.address(rule, house))
                    if words_in(answer.data, reader.own):
                        own_word_read.add((reader.name, rule.endpoint))
                    for query in _searches(answer):
                        reader.get(f"{world.address(rule, house)}?{query}")
    assert words_in(str(logs).encode(), WORDS) == []
    read = {name: sum(1 for who, _ in own_word_read if who == name) for name, _ in own_word_read}
    assert min(read.values()) >= 2, read
    assert max(read.values()) >= 20, "the walk reads hardly anything: it would find nothing"


def _searches(answer: TestResponse) -> Iterator[str]:
    """Yield what the forms of a page would ask: the word all rows have in each field, each of the first choices."""
    for form in re.findall(
        r'(?s)<form[^>]*method="get".*?</form>', answer.text if answer.mimetype == "text/html" else ""
    ):
        for name in re.findall(r'<input[^>]*name="([^"]+)"', form):
            yield urlencode({unescape(name): COMMON})
        for name, choices in re.findall(r'(?s)<select[^>]*name="([^"]+)".*?>(.*?)</select>', form):
            for value in re.findall(r'value="([^"]+)"', choices)[:3]:
                yield urlencode({unescape(name): unescape(value)})


def test_nothing_sent_to_another_centre_s_rows_changes_them_or_tells(world: World) -> None:
    mine, theirs = world.houses[0], world.houses[1]
    readers = [r for r in world.readers if mine.word in r.own]
    actor.be(actor.PROGRAM)
    before = rows_of(theirs)
    for reader in readers:
        for rule in [rule for rule in world.rules("POST") if rule.arguments]:
            sent = body_of(rule.endpoint, "POST", Rows(world.app, theirs.named))
            for htmx in ({}, {"HX-Request": "true"}):
                extra = {**sent, "headers": {**htmx, **sent.get("headers", {})}}
                reader.get(world.address(rule, theirs), method="POST", **extra)
    db.session.rollback()
    assert rows_of(theirs) == before


REQUEST = st.tuples(
    st.integers(0, 200),
    st.integers(0, 500),
    st.integers(0, 2),
    st.sampled_from(QUERIES),
    st.integers(0, 2),
    st.booleans(),
)


@settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)  # fmt: skip
@given(requests=st.lists(REQUEST, min_size=4, max_size=8))
def test_whatever_is_asked_in_whatever_order(
    world: World, requests: list[tuple[int, int, int, str, int, bool]]
) -> None:
    rules = world.rules()
    for who, where, whose, query, about, htmx in requests:
        reader, rule = world.readers[who % len(world.readers)], rules[where % len(rules)]
        address = world.address(rule, world.houses[whose])
        asked = query.format(id=world.houses[about].id, view=rule.endpoint.split(".")[0])
        reader.get(f"{address}?{asked}", headers={"HX-Request": "true"} if htmx else {})


def test_the_api_says_of_a_shared_driver_what_one_s_own_centre_knows(world: World) -> None:
    line = {
        "reference": "R", "order_number": "C", "training_label": "FIMO Marchandises", "category": "Marchandises",
        "end_date": "07/01/2022", "first_name": COMMON, "last_name": "AUTREMENT", "birth_date": "03/03/1983",
        "permit_number": "750123456789",
    }  # fmt: skip
    for reader in [r for r in world.readers if r.headers]:
        answer = reader.get("/api/v1/analyses", method="POST", json={"lines": [line]})
        assert answer.status_code == 200
        assert answer.json["informations"]


def test_each_mail_holds_the_words_of_one_centre(world: World) -> None:
    drain()
    told = mails(Path(world.app.config["DATA_DIR"]) / "mails")
    found = [words_in(mail.encode(), WORDS) for mail in told]
    assert {word for words in found for word in words} == set(WORDS)
    assert [words for words in found if len(words) > 1] == []


def test_who_only_watches_reads_no_word(world: World) -> None:
    client = world.app.test_client()
    for address in ("/healthz", "/readyz", "/introuvable", "/verifier/" + world.houses[0].named["certificate"]):
        assert words_in(client.get(address).data, WORDS) == []
