"""Processes really killed, the queue really gone, requests really doubled: what was confirmed stands exactly once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from tests.e2e.conftest import Program
from tests.faults.invariants import Base
from tests.faults.person import Person
from tests.support import PIERRE, many

MANAGER = "gestionnaire@demo.example"


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for something to hold; fail after so many seconds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.1)


def children(program: Program, words: str) -> list[int]:
    """Return the processes of the program whose command holds these words, the oldest first."""
    listed = subprocess.run(["ps", "-e", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()]
    family, grown = {program.process.pid}, True
    while grown:
        more = {int(pid) for pid, parent, *_ in rows if int(parent) in family} - family
        grown, family = bool(more), family | more
    return [int(row[0]) for row in rows if int(row[0]) in family and len(row) > 2 and words in row[2]]


def test_importer_sent_twice_at_once_fifty_times_over(program: Program) -> None:
    base = Base(program.folder)
    first, second = Person(program.url, MANAGER), Person(program.url, MANAGER)
    second.get("/sessions/")
    with ThreadPoolExecutor(2) as pool:
        for line in many(50):
            key = first.draft(line)
            gate = threading.Barrier(2)

            def send(person: Person, key: str = key, gate: threading.Barrier = gate) -> str:
                gate.wait()
                person.post(f"/sessions/{key}/importer")
                return person.at

            answers = list(pool.map(send, (first, second)))
            assert all(f"/sessions/{key}/recu" in at for at in answers), answers
    assert base.one("SELECT count(*) FROM registration") == 50
    assert base.one("SELECT count(*) FROM batch WHERE state = 'registered'") == 50
    until(lambda: base.pending() == 0)
    base.check()


def test_the_web_killed_while_people_confirm(program: Program) -> None:
    base = Base(program.folder)
    before = base.one("SELECT count(*) FROM registration")
    people = [Person(program.url, MANAGER) for _ in range(3)]
    lines = iter(many(3 * 4 * 2))  # each its own: one line confirmed meanwhile by another would be told first
    keys = [[person.draft(next(lines), next(lines)) for _ in range(4)] for person in people]
    stop = threading.Event()

    def killer() -> None:
        chance = random.Random(7)
        while not stop.is_set():
            for pid in chance.sample(found, 1) if (found := children(program, "gunicorn")[1:]) else []:
                os.kill(pid, signal.SIGKILL)
            stop.wait(chance.uniform(0.4, 1.2))

    thread = threading.Thread(target=killer)
    thread.start()
    try:
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(lambda at: [people[at].insist(f"/sessions/{key}/importer") for key in keys[at]], range(3)))
    finally:
        stop.set()
        thread.join()
    assert base.one("SELECT count(*) FROM registration") == before + 3 * 4 * 2
    until(lambda: base.pending() == 0)
    base.check()


def test_the_worker_killed_while_it_draws(program: Program) -> None:
    base = Base(program.folder)
    person = Person(program.url, MANAGER)
    key = person.draft()
    person.post(f"/sessions/{key}/lignes/coller", text=pasted(many(120)))
    person.post(f"/sessions/{key}/verifier")
    person.post(f"/sessions/{key}/importer")
    assert "/recu" in person.at
    for _ in range(3):
        left = base.pending()
        until(lambda left=left: base.pending() < left)  # type: ignore[misc]
        for pid in children(program, "flask --app run worker"):
            with suppress(ProcessLookupError):  # the fork of a job that has just ended
                os.kill(pid, signal.SIGKILL)
    until(lambda: base.pending() == 0, 120)
    base.check()


def test_the_queue_killed_before_the_confirmation(program: Program) -> None:
    base = Base(program.folder)
    person = Person(program.url, MANAGER)
    key = person.draft(PIERRE)
    for pid in children(program, "queue.sock"):
        os.kill(pid, signal.SIGKILL)
    text = person.post(f"/sessions/{key}/importer")
    assert "/recu" in person.at
    assert "pris en compte avec succès" in text
    until(lambda: base.pending() == 0)
    base.check()


def pasted(rows: list[dict[str, str]]) -> str:
    """Return lines as they come from a spreadsheet's clipboard."""
    order = ("reference", "order_number", "first_name", "last_name", "birth_date", "permit_number")
    return "\n".join("\t".join(row[field] for field in order) for row in rows)
