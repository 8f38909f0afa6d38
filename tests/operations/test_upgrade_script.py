"""`deploy/upgrade` on releases that only note what they are asked: what it does, in which order, and what it says.

The real ones are upgraded, and backed out, by tests/upgrading/test_exploitation.py.
"""

from __future__ import annotations

import fcntl
import importlib
import os
import pwd
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from config import ROOT

#: Notes release and words; ends as the file named by its words says, if there is one (`1 twice`: so often, then well).
PYTHON = """#!/bin/sh
shift 4
echo "$(basename "$PWD") $*" >> "{notes}"
fails="{place}/fails/$(basename "$PWD") $1"
[ "$1" != backup ] || [ "$(cat "$fails" 2>&1)" = nothing ] || echo "kept; read again, whole"
[ -e "$fails" ] || exit 0
left=$(cat "$fails")
[ "$1 $left" = "db nothing" ] || echo "Run it again." >&2
[ "$left" = nothing ] || {{ [ "$left" = 1 ] && rm "$fails" || echo $((left - 1)) > "$fails"; }}
exit 1
"""
SYSTEMCTL = """#!/bin/sh
echo "systemctl $* $(basename "$(readlink "{place}/current")")" >> "{notes}"
told="{place}/fails/told $(basename "$(readlink "{place}/current")")"
[ ! -e "$told" ] || kill -s "$(cat "$told")" "$PPID"
[ ! -e "{place}/fails/$(basename "$(readlink "{place}/current")") $1 $2" ]
"""
#: The file « told RELEASE » names a signal: the upgrade is sent it at each act while that release is the current one.
ALWAYS = "9"
#: A fault that says nothing: no backup that stands, no table that is held.
SILENTLY = " silently"


class Installation:
    """A place with two releases, « one » in service, and a web that answers as it is told."""

    def __init__(self, place: Path, port: int) -> None:
        self.place, self.port, self.notes = place, port, place / "notes"
        for name in ("one", "two"):
            folder = place / "releases" / name
            (folder / ".venv/bin").mkdir(parents=True)
            (folder / "run.py").touch()
            (folder / ".venv/bin/gunicorn").touch()
            self._script(folder / ".venv/bin/python", PYTHON)
        for folder in ("fails", "bin", "settings"):
            (place / folder).mkdir()
        self._script(place / "bin/systemctl", SYSTEMCTL)
        (place / "settings/registre.env").write_text('BASE_URL="https://registre.example"\n# SECRET=x\n')
        (place / "settings/owner.env").write_text("DATABASE_OWNER_URL=postgresql://owner@base/registre\n")
        (place / "current").symlink_to("releases/one")

    def _script(self, path: Path, text: str) -> None:
        path.write_text(text.format(notes=self.notes, place=self.place))
        path.chmod(0o755)

    def fail(self, what: str, times: str = ALWAYS) -> None:
        (self.place / "fails" / what).write_text(times)

    def upgrade(self, *words: str) -> tuple[int, str]:
        """Run it, and return the exit status and what it said on standard error."""
        env = {
            **os.environ, "PATH": f"{self.place}/bin:{os.environ['PATH']}", "REGISTRE_HOME": str(self.place),
            "REGISTRE_USER": "",
            "REGISTRE_SETTINGS": f"{self.place}/settings", "REGISTRE_BACKUPS": "/backups", "REGISTRE_UNITS": "worker web",
            "REGISTRE_ADDRESS": f"http://127.0.0.1:{self.port}", "REGISTRE_READY_SECONDS": "1", "REGISTRE_PAUSE_SECONDS": "0",
        }  # fmt: skip
        command = [sys.executable, str(ROOT / "deploy/upgrade"), *words]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    @property
    def done(self) -> list[str]:
        return self.notes.read_text().splitlines() if self.notes.exists() else []

    @property
    def current(self) -> str:
        return (self.place / "current").resolve().name

    @property
    def two(self) -> str:
        return str(self.place / "releases/two")


class Web(BaseHTTPRequestHandler):
    """Answers /readyz to the site's own name alone, 503 where the release in service is to be unwell."""

    place: Path

    def do_GET(self) -> None:
        current = (self.place / "current").resolve().name
        well = self.headers["Host"] == "registre.example" and not (self.place / "fails" / f"{current} ready").exists()
        self.send_response(200 if well else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Installation]:
    """Give an installation whose web answers."""
    web = HTTPServer(("127.0.0.1", 0), type("Here", (Web,), {"place": tmp_path}))
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield Installation(tmp_path, web.server_port)
    web.shutdown()
    thread.join()
    web.server_close()


PREPARED = ["one check", "one backup /backups --verify", "two db upgrade", "two db-role", "two seed reference"]
ROLLED = ["systemctl restart worker two", "systemctl restart web two"]
UP = ["systemctl is-active --quiet worker two", "systemctl is-active --quiet web two"]
BACK = [one.replace("two", "one") for one in (*ROLLED, *UP)]


def test_the_old_release_is_checked_and_backed_up_then_the_new_one_migrates_and_serves(place: Installation) -> None:
    assert place.upgrade(place.two) == (0, "")
    assert place.done == [*PREPARED, *ROLLED, *UP, "two check"]
    assert place.current == "two"


@pytest.mark.parametrize(
    ("fault", "steps", "said"),
    [
        ("one check", PREPARED[:1], "`check` finds a breach before anything was done"),
        ("one backup" + SILENTLY, PREPARED[:2], "There is no backup"),
        ("two db", [*PREPARED[:2], *["two db upgrade"] * 5], "A migration failed"),
        ("two db" + SILENTLY, [*PREPARED[:2], "two db upgrade"], "A migration failed"),
        ("two db-role", PREPARED[:4], "`db-role` failed after the migration"),
    ],
)
def test_what_fails_before_the_roll_leaves_the_release_before_at_work(
    place: Installation, fault: str, steps: list[str], said: str
) -> None:
    is_silent = fault.endswith(SILENTLY)
    place.fail(fault.removesuffix(SILENTLY), "nothing" if is_silent else ALWAYS)
    code, told = place.upgrade(place.two)
    assert (code, place.done, place.current) == (1, steps, "one")
    assert f"NOT UPGRADED. {said}" in told
    assert "one is in service as before" in told


def test_a_backup_that_stands_without_a_file_lost_before_is_one(place: Installation) -> None:
    place.fail("one backup")
    assert place.upgrade(place.two)[0] == 0


def test_a_migration_that_met_a_held_table_is_tried_again(place: Installation) -> None:
    place.fail("two db", "2")
    assert place.upgrade(place.two)[0] == 0
    assert place.done.count("two db upgrade") == 3


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("two check", "two: `check` finds a breach"),
        ("two ready", "two: /readyz: 503"),
        ("two restart web", "two: web does not start"),
        ("two is-active --quiet", "two: worker does not stay up"),
    ],
)
def test_what_fails_after_the_roll_is_backed_out_and_the_base_stays(place: Installation, fault: str, said: str) -> None:
    place.fail(fault)
    code, told = place.upgrade(place.two)
    assert (code, place.current) == (1, "one")
    assert place.done[: len(PREPARED)] == PREPARED
    assert place.done[-len(BACK) :] == BACK
    assert f"NOT UPGRADED. {said}" in told
    assert "one is in service again, on the base as migrated" in told


@pytest.mark.parametrize(("first", "then"), [("HUP", "TERM"), ("TERM", "INT"), ("INT", "HUP")])
def test_told_to_end_while_it_rolls_it_backs_out_and_hears_nothing_meanwhile(
    place: Installation, first: str, then: str
) -> None:
    place.fail("told two", first)
    place.fail("told one", then)
    code, told = place.upgrade(place.two)
    assert (code, place.current) == (1, "one")
    assert place.done == [*PREPARED, ROLLED[0], *BACK]
    assert "NOT UPGRADED. two: interrupted. one is in service again, on the base as migrated" in told


def test_told_to_end_before_the_roll_it_says_that_nothing_changed(place: Installation) -> None:
    python = place.place / "releases/one/.venv/bin/python"
    python.write_text('#!/bin/sh\nkill -s HUP "$PPID"\n')
    code, told = place.upgrade(place.two)
    assert (code, told, place.current) == (1, "NOT UPGRADED. Interrupted. one is in service as before.\n", "one")


def test_where_neither_answers_it_says_so(place: Installation) -> None:
    place.fail("two check")
    place.fail("one restart web")
    code, told = place.upgrade(place.two)
    assert (code, place.current) == (2, "one")
    assert "NOT UPGRADED AND DOWN. two: `check` finds a breach. one, put back: web does not start." in told


def test_one_of_before_is_put_back_without_touching_the_base(place: Installation) -> None:
    assert place.upgrade(place.two)[0] == 0
    place.notes.unlink()
    assert place.upgrade("--back", str(place.place / "releases/one"))[0] == 0
    assert place.done == [*BACK, "one check"]


def test_what_is_no_release_two_at_once_and_no_word_at_all_do_nothing(place: Installation) -> None:
    (place.place / "releases/two/.venv/bin/gunicorn").unlink()
    code, told = place.upgrade(place.two)
    assert (code, "two is no release: .venv/bin/gunicorn is missing" in told) == (1, True)
    with (place.place / ".upgrade.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code, told = place.upgrade(place.two)
    assert (code, "Another upgrade is under way" in told) == (1, True)
    assert place.upgrade()[0] == 64
    assert (place.done, place.current) == ([], "one")


def test_a_command_of_the_program_finds_the_files_of_its_user_not_of_root(
    place: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As root (libpq reads ~/.postgresql): told where it is at home, whoever asks."""
    monkeypatch.syspath_prepend(ROOT / "deploy")
    deployed = importlib.import_module("place")
    monkeypatch.setattr(deployed, "SETTINGS", place.place / "settings")
    user = pwd.struct_passwd(("registre", "x", 990, 991, "", "/srv/registre", "/usr/sbin/nologin"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", {"registre": user}.__getitem__)
    monkeypatch.setattr(os, "getgrouplist", lambda *_: [991])
    monkeypatch.setenv("HOME", "/root")
    asked: dict[str, Any] = {}
    monkeypatch.setattr(subprocess, "run", lambda _words, **how: asked.update(how))
    deployed.flask(place.place / "releases/one", "check")
    assert (asked["user"], asked["group"], asked["extra_groups"]) == (990, 991, [991])
    environment = asked["env"]
    assert [environment[name] for name in ("HOME", "USER", "LOGNAME")] == ["/srv/registre", "registre", "registre"]
