"""A machine on which « exploitation » is followed: its places under one folder, PostgreSQL and Redis those of this machine.

The page's commands run as they are printed, but for what a test must not touch: the places and ports stand for others, and
`apt-get`, `useradd`, `chown`, `runuser`, `make install` and nginx are stubs (the environment is the test's own).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import psycopg
import pytest

from config import ROOT
from tests.backends import POSTGRES, missing
from tests.e2e.conftest import free_port

from .units import STUB, Units

PAGE = ROOT / "docs" / "EXPLOITATION.md"
#: Commit, version and last migration of what is in service: set anew at each release.
RELEASED = ROOT / "deploy" / "released.json"
#: Programs that the page's first command installs, and this machine must have.
NEEDED = ("git", "psql", "pg_dump", "redis-server", "redis-cli", "openssl", "curl")
STUBS = {
    "systemctl": "exit 0", "apt-get": "exit 0", "useradd": "exit 0", "chown": "exit 0", "nginx": "exit 0",
    "runuser": 'shift 3; exec "$@"',  # -u postgres --
    "make": f'[ "$1 $3" = "-C install" ] && ln -sT {Path(sys.prefix)} "$2/.venv"',
}  # fmt: skip


def sections() -> dict[str, list[str]]:
    """Return the page's sections and the commands of each, block by block."""
    found: dict[str, list[str]] = {}
    for title, body in re.findall(r"^##+ (.+?)\n(.*?)(?=^##+ |\Z)", PAGE.read_text(encoding="utf-8"), re.M | re.S):
        found[title] = re.findall(r"^```sh\n(.*?)^```$", body, re.M | re.S)
    return found


class Machine:
    """The machine; :meth:`follow` does what a section says. Not ``in_service``: it runs nothing by itself."""

    def __init__(self, root: Path, *, in_service: bool = True) -> None:
        for name in NEEDED:
            if shutil.which(name) is None:
                missing(name)
        self.root, self.name = root, f"u{uuid.uuid4().hex[:8]}"
        self.web, self.metrics, self.queue = free_port(), free_port(), free_port()
        self.bin, self.depot = root / "bin", root / "depot.git"
        self.sections, self.said = sections(), root / "said.log"
        for folder in (self.bin, root / "etc/systemd/system", root / "etc/nginx/conf.d", root / "srv"):
            folder.mkdir(parents=True)
        stubs = {name: f"#!/bin/sh\n{does}\n" for name, does in STUBS.items()}
        if in_service:
            try:
                psycopg.connect(POSTGRES, connect_timeout=3).close()
            except psycopg.OperationalError:
                missing("PostgreSQL")
            (root / "redis.conf").write_text(f"port {self.queue}\nbind 127.0.0.1\ndir {root}\nsave ''\n")
            self.redis = subprocess.Popen(
                ["redis-server", str(root / "redis.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            self.units = Units(root, root / "etc/systemd/system", self.mapped)
            stubs["systemctl"] = STUB.format(python=sys.executable, address=self.units.address)
        for name, text in stubs.items():
            (self.bin / name).write_text(text)
            (self.bin / name).chmod(0o755)

    def mapped(self, text: str) -> str:
        """Return commands and files with this machine's places for the page's."""
        for theirs, ours in (
            ("/srv/", f"{self.root}/srv/"), ("/etc/", f"{self.root}/etc/"), ("127.0.0.1:8080", f"127.0.0.1:{self.web}"),
            ("9100", str(self.metrics)), ("127.0.0.1:6379", f"127.0.0.1:{self.queue}"),
            ("redis-cli ", f"redis-cli -p {self.queue} "),
            *((f"registre_{one}", f"{self.name}_{one}") for one in ("owner", "app", "base", "essai")),
            ("https://forge.example/registre-cqc.git", str(self.depot)),
        ):  # fmt: skip
            text = text.replace(theirs, ours)
        return text

    @property
    def environment(self) -> dict[str, str]:
        """Return what stands in for the places that `deploy/place.py` takes by default."""
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("REGISTRE_", "TEST_", "PYTEST_"))},
            "PATH": f"{self.bin}:{os.environ['PATH']}", "REGISTRE_HOME": f"{self.root}/srv/registre", "REGISTRE_USER": "",
            "REGISTRE_SETTINGS": f"{self.root}/etc/registre", "REGISTRE_BACKUPS": f"{self.root}/srv/backups/registre",
            "REGISTRE_ADDRESS": f"http://127.0.0.1:{self.web}", "REGISTRE_READY_SECONDS": "30",
        }  # fmt: skip

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run commands, and keep what they said."""
        (file := self.root / "commands.sh").write_text(self.mapped(script))
        done = subprocess.run(
            ["sh", "-eu", str(file)], text=True, cwd=self.root, check=False, env=self.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        with self.said.open("a") as said:
            said.write(f"{script}\n{done.stdout}\n")
        return done

    def follow(self, title: str) -> str:
        """Do what a section says, to its end, and return what was answered."""
        blocks = self.sections[title]
        assert blocks, f"« {title} » prints no command"
        done = self.run("\n".join(blocks))
        assert done.returncode == 0, f"« {title} »: {done.stdout}{self.logs()}"
        return done.stdout

    def logs(self) -> str:
        return "".join(f"\n--- {path.name}\n{path.read_text()[-3000:]}" for path in sorted(self.root.glob("*.log")))

    def close(self) -> None:
        """Stop all of it, and drop its bases and roles."""
        self.units.close()
        self.redis.terminate()
        self.redis.wait()
        with psycopg.connect(POSTGRES, autocommit=True) as admin:
            for base in ("base", "essai"):
                admin.execute(f"DROP DATABASE IF EXISTS {self.name}_{base} WITH (FORCE)")
            for role in ("app", "owner"):
                admin.execute(f"DROP ROLE IF EXISTS {self.name}_{role}")


def make_depot(depot: Path) -> None:
    """Make a repository with two versions: v1, the one in service, and v2, what stands in this folder."""
    subprocess.run(["git", "clone", "-q", "--bare", "--shared", str(ROOT), str(depot)], check=True)
    released = json.loads(RELEASED.read_text())["commit"]
    if _git(depot, "cat-file", "-e", f"{released}^{{commit}}").returncode:
        pytest.fail(
            f"deploy/released.json names {released}, which this clone does not hold: git fetch --unshallow, "
            "or name a release of this history"
        )
    now = _committed(depot, "HEAD", ROOT, "add", "-A", "--", ".")
    # The page's own scripts run both: a release made before they were has none.
    then = _committed(depot, released, ROOT, "add", "--", "deploy")
    for tag, commit in (("v1", then), ("v2", now)):
        _git(depot, "tag", tag, commit)


def _committed(depot: Path, base: str, tree: Path, *words: str) -> str:
    """Return a commit of ``base`` with what `git add` takes from a folder on top."""
    index = {"GIT_INDEX_FILE": str(depot / f"index-{base[:8]}")}
    _git(depot, "read-tree", base, **index)
    added = _git(depot, "--work-tree", str(tree), *words, **index)
    assert added.returncode == 0, added.stderr
    _git(depot, "rm", "-rq", "--cached", "--ignore-unmatch", ".venv", **index)  # a link to one elsewhere is not ignored
    made = _git(depot, "write-tree", **index).stdout.strip()
    names = ("-c", "user.name=x", "-c", "user.email=x@registre.example")
    return _git(depot, *names, "commit-tree", made, "-p", base, "-m", "Version").stdout.strip()


def _git(depot: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", "--git-dir", str(depot), *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **env},
        cwd=ROOT,
    )
