"""The narrow doors by which the program touches anything outside its memory, and the faults that may strike there.

The program knows nothing of this: a test puts its own call in the place of each door, and takes it away again. A point is a
door and who passes it (« commit@confirm.register »); a fault strikes at the n-th passing of a point.
"""

from __future__ import annotations

import importlib
import os
import smtplib
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any
from unittest import mock

from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from redis.exceptions import ConnectionError as QueueAway
from sqlalchemy.exc import OperationalError

from app.services.api.webhook_transport import NoAnswer
from app.services.deposits.platform import Unreachable
from app.services.imports.antivirus import Unavailable
from config import ROOT
from tests.invoicing.making import Verdict

#: How a process ends that a fault kills: nothing is cleaned, nobody is told.
KILLED = 77
#: Where a bucket would be.
S3 = "https://s3.example"


class Kind(StrEnum):
    """What a fault does: the call is not made, or is made and its answer lost; an error comes of it, or the process dies."""

    BEFORE = "before"
    AFTER = "after"
    DIES_BEFORE = "dies-before"
    DIES_AFTER = "dies-after"

    @property
    def kills(self) -> bool:
        """Tell whether the process dies of it."""
        return self in (Kind.DIES_BEFORE, Kind.DIES_AFTER)

    @property
    def is_before(self) -> bool:
        """Tell whether the call is not made."""
        return self in (Kind.BEFORE, Kind.DIES_BEFORE)


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault at the n-th passing (from 1) of a point."""

    point: str
    nth: int
    kind: Kind

    def __str__(self) -> str:
        return f"{self.point} #{self.nth} {self.kind}"

    @classmethod
    def read(cls, text: str) -> Fault:
        """Return the fault that a text of `str` tells."""
        point, nth, kind = text.split()
        return cls(point, int(nth.removeprefix("#")), Kind(kind))


@dataclass(frozen=True, slots=True)
class Door:
    """A door: its name, the module or class that holds it, the call, and what a failure of it is: an error or an answer."""

    name: str
    owner: str
    call: str
    fails: Callable[[], Any]
    #: What becomes of what the call gave when its answer is lost; what this returns, if anything, is had in place of a failure.
    spoils: Callable[[Any], object] = lambda _given: None

    @property
    def holder(self) -> Any:
        """Return the module or class; LookupError where the door is gone."""
        module, _, name = self.owner.partition(":")
        found: Any = importlib.import_module(module)
        found = getattr(found, name, None) if name else found
        if found is None or not callable(getattr(found, self.call, None)):
            raise LookupError(f"the door {self.name} is gone: {self.owner} has no {self.call}")
        return found


def _kill(child: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    child.kill()  # who started it finds out by its silence, and waits for it
    return child


def _base_away() -> OperationalError:
    return OperationalError("COMMIT", {}, ConnectionError("the base is away"))


def _disk() -> OSError:
    return OSError(28, "no space left")


def _server() -> EndpointConnectionError:
    return EndpointConnectionError(endpoint_url=S3)


DOORS = (
    Door("commit", "sqlalchemy.orm:Session", "commit", _base_away),
    Door("queue.length", "app.services.core.queue", "length", QueueAway),
    Door("queue.ring", "app.services.core.queue", "ring", QueueAway),
    Door("store.write", "app.services.storage.folder:Folder", "write", _disk),
    Door("store.read", "app.services.storage.folder:Folder", "read", _disk),
    Door("store.delete", "app.services.storage.folder:Folder", "delete", _disk),
    Door("store.entries", "app.services.storage.folder:Folder", "entries", _disk),
    Door("store.check", "app.services.storage.folder:Folder", "check", _disk),
    Door("bucket.put", "tests.faults.elsewhere:Objects", "put_object", _server),
    Door("bucket.get", "tests.faults.elsewhere:Objects", "get_object", _server),
    Door("bucket.body", "tests.faults.elsewhere:Body", "read", lambda: ReadTimeoutError(endpoint_url=S3)),
    Door("bucket.delete", "tests.faults.elsewhere:Objects", "delete_object", _server),
    Door("bucket.list", "tests.faults.elsewhere:Objects", "list_objects_v2", _server),
    Door("bucket.head", "tests.faults.elsewhere:Objects", "head_bucket", _server),
    Door("rename", "os", "replace", _disk),
    Door("upload.keep", "app.services.imports.uploads", "keep", _disk),
    Door("upload.remove", "app.services.imports.uploads", "remove", _disk),
    Door("antivirus", "app.services.imports.antivirus", "scan", lambda: Unavailable("no answer")),
    Door("reader", "app.services.imports.reading", "_start", _disk, _kill),
    Door("picture", "app.services.storage.pictures", "_start", _disk, _kill),
    Door("prover", "tests.faults.elsewhere", "prove", lambda: Verdict(False, ("pas de réponse",))),
    Door("mail", "app.services.notifications.mail", "_deliver", smtplib.SMTPServerDisconnected),
    Door("webhook", "app.services.api.webhook_transport", "post", lambda: NoAnswer("Pas de réponse.")),
    Door("platform.submit", "tests.faults.elsewhere:Platform", "submit", lambda: Unreachable("away")),
    Door("platform.acknowledge", "tests.faults.elsewhere:Platform", "acknowledgement", lambda: Unreachable("away")),
    Door("platform.events", "tests.faults.elsewhere:Platform", "events", lambda: Unreachable("away")),
    Door("platform.payment", "tests.faults.elsewhere:Platform", "report_payment", lambda: Unreachable("away")),
)
_APP = str(ROOT / "app") + os.sep
#: Those that only pass on what others do: the point is named by who called them.
_BETWEEN = (
    "services/core/transaction.py",
    "services/core/queue.py",
    "services/storage/store.py",
    "services/storage/folder.py",
    "services/storage/bucket.py",
)


@dataclass
class Plan:
    """The faults of one schedule, and what has been passed so far."""

    faults: tuple[Fault, ...] = ()
    passed: Counter[str] = field(default_factory=Counter)
    fired: list[Fault] = field(default_factory=list)
    is_armed: bool = True
    #: Called before a process dies.
    last_words: Callable[[], None] = lambda: None

    @property
    def may_kill(self) -> bool:
        """Tell whether a fault that has not struck yet kills the process."""
        return self.is_armed and any(one.kind.kills for one in self.faults if one not in self.fired)

    def passing(self, door: Door, call: Callable[[], Any]) -> Any:
        """Pass a door: make the call, unless a fault of the plan strikes here."""
        if not self.is_armed:
            return call()
        point = f"{door.name}@{_site()}"
        self.passed[point] += 1
        fault = next((one for one in self.faults if (one.point, one.nth) == (point, self.passed[point])), None)
        if fault is None:
            return call()
        self.fired.append(fault)
        left = None if fault.kind.is_before else door.spoils(call())
        if fault.kind.kills:
            self.last_words()
            os._exit(KILLED)
        if left is not None:
            return left
        failure = door.fails()
        if isinstance(failure, BaseException):
            raise failure
        return failure


def _site() -> str:
    """Return which function of the program passes a door: the nearest that does not only pass on."""
    frame, first = sys._getframe(2), ""
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(_APP):
            within = name.removeprefix(_APP)
            site = f"{Path(within).stem}.{frame.f_code.co_name.strip('<>')}"
            first = first or site
            if not within.endswith(_BETWEEN):
                return site
        frame = frame.f_back  # type: ignore[assignment]
    return first or "outside"


@contextmanager
def guarded(plan: Plan) -> Iterator[None]:
    """Have every door passed under a plan; LookupError where one is gone."""
    with ExitStack() as held:
        for door in DOORS:
            held.enter_context(mock.patch.object(door.holder, door.call, _guard(plan, door)))
        yield


def _guard(plan: Plan, door: Door) -> Callable[..., Any]:
    real = getattr(door.holder, door.call)

    def pass_it(*args: Any, **kwargs: Any) -> Any:
        return plan.passing(door, lambda: real(*args, **kwargs))

    return pass_it
