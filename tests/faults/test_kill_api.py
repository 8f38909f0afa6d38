"""The third door while web processes are killed: a program that sends again until it is answered is billed once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from clients.python.registre_cqc import Client
from tests.e2e.conftest import ROOT, Program
from tests.faults.invariants import Base
from tests.faults.test_kill import children, until
from tests.support import many

TRAINING = {"training_label": "FIMO Marchandises", "category": "Marchandises", "end_date": "2022-01-07"}


def new_key(program: Program) -> str:
    """Return a key made by the command, on the program's own base."""
    words = [
        sys.executable,
        "-m",
        "flask",
        "--app",
        "run",
        "api-key",
        "--siret",
        "12345678200010",
        "--scopes",
        "register",
    ]
    env = {**os.environ, "DATA_DIR": str(program.folder), "TODAY": "2022-01-10"}
    return subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout.strip()


def test_the_web_killed_while_programs_post(program: Program) -> None:
    base = Base(program.folder)
    before = base.one("SELECT count(*) FROM registration")
    client = Client(program.url, new_key(program), tries=40)
    sendings = [(f"envoi-{at}", [{**TRAINING, **line}]) for at, line in enumerate(many(40))]
    stop = threading.Event()
    killed: list[int] = []

    def killer() -> None:
        chance = random.Random(11)
        while not stop.is_set():
            for pid in chance.sample(found, 1) if (found := children(program, "gunicorn")[1:]) else []:
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
            stop.wait(chance.uniform(0.2, 0.6))

    thread = threading.Thread(target=killer)
    thread.start()
    try:
        with ThreadPoolExecutor(4) as pool:
            first = list(pool.map(lambda one: client.register(one[1], one[0]), sendings))
    finally:
        stop.set()
        thread.join()
    assert killed
    assert [client.register(lines, key) for key, lines in sendings] == first
    assert base.one("SELECT count(*) FROM registration") == before + 40
    assert base.one("SELECT count(*) FROM batch WHERE mode = 'api'") == 40
    until(lambda: base.pending() == 0, 120)
    base.check()


def test_two_hundred_posts_at_once_with_twenty_keys_leave_twenty_batches(program: Program) -> None:
    base = Base(program.folder)
    before = base.one("SELECT count(*) FROM batch WHERE mode = 'api'")
    client = Client(program.url, new_key(program))
    lines = [{**TRAINING, **line} for line in many(20)]
    gate = threading.Barrier(200)

    def post(at: int) -> tuple[int, str]:
        gate.wait()
        return at % 20, client.register([lines[at % 20]], f"a-la-fois-{at % 20}", accept_duplicates=True)["batch"]

    with ThreadPoolExecutor(200) as pool:
        answers = set(pool.map(post, range(200)))
    assert len(answers) == 20
    assert base.one("SELECT count(*) FROM batch WHERE mode = 'api'") == before + 20
    until(lambda: base.pending() == 0, 120)
    base.check()
