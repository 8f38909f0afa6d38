"""Run a day of a deadline and write its figures; exit 1 where anything was lost, doubled or left undone."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import structlog
from flask_migrate import upgrade

from app import create_app
from app.extensions import db
from app.services.core import actor
from app.services.demonstration import demonstration
from app.services.operations import database_role
from app.services.seal import sealing, statement_key
from config import ROOT, from_environment

from . import clients, day, proof, report
from .book import Book
from .machine import Machine, kill, until
from .people import Desk, settle

#: Seconds for which what waits at the day's end may take.
PATIENCE = 12 * 3600


def main() -> int:
    """Run the day that the command line asks for."""
    size, told = _asked()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # base, queue and workers end with us
    logging.disable(logging.WARNING)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory(prefix="registre-day-") as folder:
        machine = Machine(Path(folder), size.lease, size.relay)
        try:
            done = run(machine, size)
            if not done.holds:
                _show_traces(machine)
        finally:
            machine.remove()
    text = report.written(done)
    print(text)
    if told is not None:
        told.write_text(text, encoding="utf-8")
    return 0 if done.holds else 1


def _show_traces(machine: Machine) -> None:
    """Print what the web processes wrote of their failures: the folder of the run goes with it."""
    _, *traces = (machine.logs / "web.log").read_text(encoding="utf-8").split("Traceback")
    for one in traces[:20]:
        print(f"Traceback{one[:6000]}", file=sys.stderr)


def _asked() -> tuple[day.Size, Path | None]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deadline", description=__doc__)
    parser.add_argument("--factor", type=float, default=0.03, help="of a day of 150,000 registrations in eight hours")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--registrations", type=int, help="how many, whatever the factor says")
    parser.add_argument("--seconds", type=float, help="in how many seconds, whatever the factor says")
    parser.add_argument("--kill-every", type=float, default=60, help="seconds between two killed workers")
    parser.add_argument("--restarts", type=int, default=3, help="of the base and of the queue each")
    parser.add_argument("--lease", type=int, default=120)
    parser.add_argument("--relay", type=int, default=15)
    parser.add_argument("--report", type=Path, help="file the figures are written to")
    asked = parser.parse_args()
    size = day.Size.of(
        asked.factor, clients=asked.clients, restarts=asked.restarts, lease=asked.lease, relay=asked.relay
    )
    size = replace(size, kill_every=asked.kill_every)
    if asked.registrations:
        size = replace(size, registrations=asked.registrations)
    return replace(size, seconds=asked.seconds or size.seconds), asked.report


def run(machine: Machine, size: day.Size) -> report.Day:
    """Prepare the base, let the clients act while things are killed, wait for what is left, and look at what stands."""
    app = create_app(from_environment(machine.env).as_owner())
    with app.app_context():
        actor.be(actor.PROGRAM)
        desks = _prepare(machine, size)
        _let_go()
        machine.start()
        people, book = _arrive(machine.url, desks)
        began = time.time()
        killed = _act(machine, size, people, book)
        at_close, closed = proof.drawn(), time.time()
        _let_go()
        until(lambda: _is_done(), PATIENCE)
        ended = time.time()
        machine.halt()
        checked = machine.flask("check", "--files")
        found = report.Day(
            size=size, book=book, proof=proof.of(book.receipts), delays=proof.delays(), killed=killed,
            seconds=book.last - began, drained=ended - closed, drawn_after=proof.drawn() - at_close,
            check=(checked.stdout + checked.stderr).strip().splitlines()[-1:], is_sound=checked.returncode == 0,
        )  # fmt: skip
        _let_go()
    return found


def _let_go() -> None:
    db.session.remove()
    db.engine.dispose()


def _is_done() -> bool:
    left = proof.left()
    db.session.rollback()
    time.sleep(0.4)
    return not left


def _prepare(machine: Machine, size: day.Size) -> list[Desk]:
    """Migrate, make the role, load what ships and who works on the day."""
    upgrade(directory=str(ROOT / "migrations"))
    database_role.grant(machine.env["DATABASE_URL"])
    sealing.authority()
    statement_key.keys()
    demonstration.load()
    return settle(size)


def _arrive(url: str, desks: list[Desk]) -> tuple[dict[str, list[clients.Clerk | clients.Software]], Book]:
    """Let everybody sign in before the day begins; door → its clients. Their sign-ins are not counted."""
    until(lambda: _answers(url), 120)
    book = Book()
    people: dict[str, list[clients.Clerk | clients.Software]] = {}
    for desk in desks:
        people.setdefault(desk.door, []).append(clients.new(url, desk, book))
    book.seconds.clear()
    return people, book


def _answers(url: str) -> bool:
    try:
        return clients.registre_cqc._send("GET", f"{url}/healthz", {}, None).status == 200
    except OSError:
        return False


def _act(
    machine: Machine, size: day.Size, people: dict[str, list[clients.Clerk | clients.Software]], book: Book
) -> dict[str, int]:
    """Start every client, kill what the day kills, and return how often each was killed once all clients have ended."""
    began = time.monotonic()
    shares: dict[int, list[day.Act]] = {}
    turns: dict[str, int] = {}
    for act in day.acts(size):
        turns[act.door] = turn = turns.get(act.door, -1) + 1
        client = people[act.door][turn % len(people[act.door])]
        shares.setdefault(id(client), []).append(act)
    every = [client for some in people.values() for client in some if id(client) in shares]
    threads = [threading.Thread(target=_work, args=(one, shares[id(one)], began, book), daemon=True) for one in every]
    for thread in threads:
        thread.start()
    killed = {day.WORKER: 0, day.BASE: 0, day.QUEUE: 0}
    for fault in day.faults(size):
        time.sleep(max(0.0, began + fault.moment - time.monotonic()))
        _kill(machine, fault)
        killed[fault.what] += 1
    for thread in threads:
        thread.join()
    return killed


def _work(client: clients.Clerk | clients.Software, acts: list[day.Act], began: float, book: Book) -> None:
    try:
        for act in acts:
            wait = began + act.moment - time.monotonic()
            time.sleep(max(0.0, wait))
            book.late.append(max(0.0, -wait))
            client.register(act)
    except Exception as error:
        book.broken.append(f"{type(error).__name__}: {error}")


def _kill(machine: Machine, fault: day.Fault) -> None:
    """Kill a worker (with its fork, without it, the fork alone, by turns), or take base or queue away for some seconds."""
    if fault.what == day.BASE:
        machine.restart_base(fault.turn, day.AWAY)
    elif fault.what == day.QUEUE:
        machine.restart_queue(fault.turn, day.AWAY)
    else:
        family = machine.worker(fault.turn).family()
        kill((family, family[:1], family[-1:])[fault.turn % 3])


if __name__ == "__main__":
    raise SystemExit(main())
