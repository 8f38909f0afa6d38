"""Nothing leaves the program but by the doors that faults are set at, and the program itself holds no fault.

A new call of an outside effect fails here until its file is named below: with the doors it passes, or with why it needs none.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from config import ROOT

from .points import DOORS, Door

APP = ROOT / "app"
#: Modules that reach out of this process.
MODULES = frozenset(
    {"boto3", "ftplib", "http.client", "httpx", "multiprocessing", "redis", "requests", "rq", "shutil", "smtplib", "socket",
     "ssl", "subprocess", "tempfile", "urllib.request"}
)  # fmt: skip
#: Calls that change something outside, by their last name.
CALLS = frozenset(
    {"commit", "fork", "mkstemp", "rename", "rmtree", "symlink_to", "unlink", "write_bytes", "write_text"}
)
#: `os.replace`, unlike the method of texts.
OF_OS = frozenset({"kill", "killpg", "open", "remove", "replace"})

_STORE = ("store.write", "store.read", "store.delete", "store.entries", "store.check", "rename")
_BUCKET = ("bucket.put", "bucket.get", "bucket.body", "bucket.delete", "bucket.list", "bucket.head")
_COMMAND = "a command of who runs the program (tests/proving)"
_STATE = "it only asks whether the queue answers, or names its errors"
#: File → its outside effects, and the doors they pass; a text says why none is set there.
KNOWN: dict[str, tuple[frozenset[str], tuple[str, ...] | str]] = {
    file: (frozenset(effects.split()), doors)
    for file, effects, doors in (
        ("jobs/worker.py", "multiprocessing redis rq", "the process itself: killed for good in test_kill"),
        ("services/api/webhook_transport.py", "http.client socket ssl", ("webhook",)),
        ("services/core/outbox.py", "redis", _STATE),
        ("services/core/queue.py", "redis rq", ("queue.length", "queue.ring")),
        ("services/core/queue_job.py", "redis rq", "what RQ reads of a job (tests/jobs/test_queue_trust.py)"),
        ("services/core/transaction.py", "commit", ("commit",)),
        ("services/imports/antivirus.py", "socket", ("antivirus",)),
        (
            "services/imports/beside.py",
            "fork os.kill",
            "a writer that dies is a failure of the analysis (imports/test_written_beside.py)",
        ),
        ("services/imports/reading.py", "os.killpg subprocess", ("reader",)),
        ("services/imports/uploads.py", "rmtree shutil", ("upload.keep", "upload.remove")),
        ("services/invoicing/proof.py", "os.killpg subprocess", ("prover",)),
        ("services/notifications/mail.py", "smtplib socket write_bytes", ("mail", "rename")),
        ("services/operations/health.py", "redis", _STATE),
        ("services/operations/incidents.py", "unlink write_text", "what a command of who runs the program says"),
        ("services/operations/metrics.py", "redis", _STATE),
        ("services/proving/backup.py", "os.open rmtree shutil unlink", _COMMAND),
        ("services/proving/bases.py", "mkstemp shutil subprocess tempfile unlink", _COMMAND),
        ("services/reporting/exports.py", "mkstemp os.replace tempfile unlink", ("rename",)),
        ("services/rights/editing.py", "rename", "no file: a person's name"),
        ("services/seal/authority.py", "os.open rename rmtree shutil tempfile", "made before the program starts"),
        ("services/storage/bucket.py", "boto3", _BUCKET),
        ("services/storage/folder.py", "mkstemp os.open os.replace tempfile unlink", _STORE),
        ("services/storage/pictures.py", "os.killpg subprocess tempfile", ("picture",)),
        ("views/crud/export.py", "tempfile", "a file without a name, gone with the answer"),
        ("views/imports/files.py", "tempfile", "a file without a name, gone with the answer"),
    )
}  # each platform is a class of its own: the doors are the calls of `EInvoicePlatform`
_PLATFORM = ("platform.submit", "platform.acknowledge", "platform.events", "platform.payment")


def effects(source: str) -> set[str]:
    """Return what a module may do outside this process: modules it imports, calls it makes."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or "", *(f"{node.module}.{one.name}" for one in node.names)]
        found |= {one for name in names for one in MODULES if name == one or name.startswith(f"{one}.")}
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner, name = node.func.value, node.func.attr
            if isinstance(owner, ast.Name) and owner.id == "os" and name in OF_OS:
                found.add(f"os.{name}")
            elif name in CALLS and not (isinstance(owner, ast.Name) and owner.id in ("account_link", "closing")):
                found.add(name)
    return found


def modules() -> list[Path]:
    """Return the modules of the program; its commands (`app/cli`) are the operator's own acts."""
    return sorted(path for path in APP.rglob("*.py") if "cli" not in path.relative_to(APP).parts[:1])


def test_every_outside_effect_is_named_with_its_doors() -> None:
    found = {path.relative_to(APP).as_posix(): effects(path.read_text()) for path in modules()}
    assert {file: found for file, found in found.items() if found} == {
        file: set(one) for file, (one, _) in KNOWN.items()
    }


def test_every_door_is_there_and_needed() -> None:
    passed = {door for _, doors in KNOWN.values() if isinstance(doors, tuple) for door in doors}
    assert {door.name for door in DOORS} == passed | {*_PLATFORM}
    for door in DOORS:
        assert door.holder
    with pytest.raises(LookupError, match="is gone"):
        _ = Door("none", "app.services.core.queue", "no_such_call", OSError).holder


def test_a_new_effect_is_seen() -> None:
    for source in (
        "import smtplib",
        "from redis import Redis",
        "from http import client\nimport http.client",
        "def f():\n    import requests.sessions",
        "import os\nos.replace(a, b)",
        "db.session.commit()",
        "Path(a).write_bytes(b)",
    ):
        assert effects(source), source
    assert not effects('from urllib.parse import quote\n"a".replace("b", "c")')


def test_the_program_holds_no_fault() -> None:
    for path in APP.rglob("*.py"):
        names = set(re.findall(r"^\s*(?:from|import) (\w+)", path.read_text(), re.MULTILINE))
        assert not names & {"tests", "unittest", "pytest"}, path
    settings = " ".join(re.findall(r"[A-Z_]{4,}", (ROOT / "config.py").read_text()))
    assert not re.search(r"\bFAULT", settings)
