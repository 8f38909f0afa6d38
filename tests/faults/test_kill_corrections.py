"""Web and worker really killed while people mend registrations: each is cancelled or replaced whole, and once."""

from __future__ import annotations

import html
import http.client
import os
import random
import re
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from tests.e2e.conftest import Program
from tests.faults.invariants import Base
from tests.faults.person import Person
from tests.faults.test_kill import MANAGER, children, pasted, until
from tests.support import MARIE, many

PEOPLE, EACH, KILLS = 3, 6, 16


def fields_of(page: str, action: str) -> dict[str, str]:
    """Return what the form of an action would send: hidden fields, and texts as they stand."""
    form = next(part for part in page.split("<form")[1:] if f"/{action}" in part.split(">")[0]).split("</form>")[0]
    inputs = [dict(re.findall(r'(\w+)="([^"]*)"', tag)) for tag in re.findall(r"<input[^>]*>", form)]
    return {
        one["name"]: html.unescape(one.get("value", ""))
        for one in inputs
        if one.get("type") not in ("radio", "checkbox", "submit") and "name" in one
    }


def mend(base: Base, person: Person, row_id: int, replaces: bool) -> None:
    """Cancel or replace one registration; begin again from the form as long as the line is cut or the facts moved."""
    end = time.monotonic() + 120
    while not base.one("SELECT cancelled_on IS NOT NULL FROM registration WHERE id = ?", row_id):
        assert time.monotonic() < end, "it cannot be mended"
        with suppress(OSError, http.client.HTTPException):
            typed = fields_of(person.get(f"/corrections/{row_id}/"), "effets")
            if replaces:
                typed["permit_number"] = f"9{typed['permit_number'][1:]}"
            code, act = ("wrong_permit", "remplacer") if replaces else ("duplicate", "annuler")
            asked = {**typed, "reason_code": code, "reason": "relu", "act": act}
            page = person.post(f"/corrections/{row_id}/effets", **asked)
            person.post(f"/corrections/{row_id}/confirmer", **fields_of(page, "confirmer"))


def kill_by_turns(program: Program, stop: threading.Event) -> None:
    """Kill a web process or a worker again and again; a loaded machine, on which it all takes longer, starts no more anew."""
    chance = random.Random(11)
    for _ in range(KILLS):
        if stop.wait(chance.uniform(0.3, 1.0)):
            return
        web, workers = children(program, "gunicorn")[1:], children(program, "flask --app run worker")
        for pid in chance.sample(web, min(1, len(web))) + chance.sample(workers, min(1, len(workers))):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def test_web_and_worker_killed_while_people_mend(program: Program) -> None:
    base, people = Base(program.folder), [Person(program.url, MANAGER) for _ in range(PEOPLE)]
    key = people[0].draft()
    people[0].post(f"/sessions/{key}/lignes/coller", text=pasted([MARIE, *many(PEOPLE * EACH - 1)]))
    people[0].post(f"/sessions/{key}/verifier")
    people[0].post(f"/sessions/{key}/importer")
    assert "/recu" in people[0].at
    ids = [row for (row,) in base.connection.execute("SELECT id FROM registration ORDER BY id").fetchall()]
    assert len(ids) == PEOPLE * EACH
    stop = threading.Event()
    killer = threading.Thread(target=kill_by_turns, args=(program, stop))
    killer.start()
    try:
        with ThreadPoolExecutor(PEOPLE) as pool:
            shares = [[(ids[at], at % 2 == 1) for at in range(who, len(ids), PEOPLE)] for who in range(PEOPLE)]
            list(pool.map(lambda who: mend_all(program, people[who], shares[who]), range(PEOPLE)))
    finally:
        stop.set()
        killer.join()
    until(lambda: base.pending() == 0, 120)
    assert base.one("SELECT count(*) FROM cancellation WHERE kind = 'replaced'") == len(ids) // 2
    assert base.one("SELECT count(*) FROM cancellation WHERE kind = 'cancelled'") == len(ids) // 2
    assert base.one("SELECT count(*) FROM registration WHERE cancelled_on IS NULL") == len(ids) // 2
    base.check()


def mend_all(program: Program, person: Person, share: list[tuple[int, bool]]) -> None:
    """Mend a share of the registrations, one after the other."""
    base = Base(program.folder)  # a connection of this thread
    for row_id, replaces in share:
        mend(base, person, row_id, replaces)
