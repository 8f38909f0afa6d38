"""The three doors, as those who use them do: by hand in three steps, by file, by API; whatever fails is tried again."""

from __future__ import annotations

import http.client
import io
import re
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Mapping

from openpyxl import Workbook

from app.validators.remark import HEADERS
from clients.python import registre_cqc
from tests.faults.person import Person

from .book import Book, Receipt
from .day import API, FILE, Act
from .people import CATEGORY, LABEL, Desk, lines

END = "07/01/2022"
#: Seconds a person, or a page that asks by itself, waits before the next try.
PAUSE = 1.0
#: Seconds after which a report is not waited for any more.
LONGEST = 3600
_NUMBER = re.compile(r"RE-\d\d-[0-9A-Z]{5}-[0-9A-Z]{5}")
_FIELD = re.compile(r'<input type="hidden" name="(version|told)" value="([^"]*)"')
_OPTION = re.compile(r'value="(\d+)"[^>]*>\s*(?:<[^>]+>\s*)*' + re.escape(LABEL))


class Stuck(AssertionError):
    """What the day does not foresee: the client's day ends, and the run has failed."""


class Clerk(Person):
    """A person at a keyboard who keeps a book and tries again."""

    def __init__(self, url: str, email: str, door: str, book: Book) -> None:
        self.door, self.book = door, book
        super().__init__(url, email)

    def _open(self, request: urllib.request.Request) -> str:
        began = time.monotonic()
        try:
            text = super()._open(request)
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")
            self.book.failed(self.door, error.code, said)
            if error.code < 500:
                raise Stuck(f"{request.get_method()} {request.full_url}: {error.code} {said[:2000]}") from None
            raise
        except (OSError, http.client.HTTPException):
            self.book.failed(self.door, 0, "")
            raise
        self.book.answered(self.door, time.monotonic() - began)
        return text

    def upload(self, name: str, content: bytes) -> str:
        """Send a file and return the page it leads to."""
        line = uuid.uuid4().hex
        token = f'--{line}\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{self.token}\r\n'
        head = f'--{line}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        body = token.encode() + head.encode() + content + f"\r\n--{line}--\r\n".encode()
        kind = {"Content-Type": f"multipart/form-data; boundary={line}"}
        return self._open(urllib.request.Request(f"{self.url}/imports/", body, kind))

    def insist(self, act: Callable[[], str], is_done: Callable[[], bool] | None = None) -> str:  # type: ignore[override]
        """Act until an answer comes; after a failure ``is_done`` looks first whether it had been done."""
        failed_at = 0.0
        while True:
            try:
                text = "" if failed_at and is_done is not None and is_done() else act()
            except (OSError, http.client.HTTPException):
                failed_at = failed_at or time.monotonic()
                time.sleep(PAUSE)
                continue
            if failed_at:
                self.book.waits.append(time.monotonic() - failed_at)
            return text

    def register(self, act: Act) -> None:
        """Do an act of the day to its receipt."""
        (self._by_file if self.door == FILE else self._by_hand)(act)

    def _by_hand(self, act: Act) -> None:
        self.insist(lambda: self.get("/sessions/"))
        page = self.insist(lambda: self.post("/sessions/nouveau", profil="conducteur", mode="manuel"))
        key = _key(self.at, "sessions")
        trainings = _OPTION.findall(page)
        if not trainings:
            raise Stuck(f"no training on {self.at}")
        self.insist(lambda: self.post(f"/sessions/{key}/formation", training_id=trainings[0], end_date=END))
        for line in lines(act.first, act.count):
            self._add(key, line)
        self.insist(lambda: self.post(f"/sessions/{key}/verifier"))
        self._confirm("sessions", key, act)

    def _add(self, key: str, line: dict[str, str]) -> None:
        """Add a line; where no answer came, look at the table first: it may stand there."""
        table = f"/sessions/{key}/conducteurs"
        self.insist(
            lambda: self.post(f"/sessions/{key}/lignes", **line), lambda: line["permit_number"] in self.get(table)
        )

    def _by_file(self, act: Act) -> None:
        name = f"sessions-{act.first}.xlsx"
        content = workbook(act)
        self.insist(lambda: self.get("/imports/"))
        self.insist(lambda: self.upload(name, content), lambda: self._is_sent(name))
        key = _key(self.at, "imports")
        end = time.monotonic() + LONGEST
        while "/confirmation" not in (page := self.insist(lambda: self.get(f"/imports/{key}"))):
            if time.monotonic() > end:
                raise Stuck(f"no report of {name}: {page[:3000]}")
            if "/relancer" in page:
                self.insist(lambda: self.post(f"/imports/{key}/relancer"))
            time.sleep(PAUSE)
        self._confirm("imports", key, act)

    def _is_sent(self, name: str) -> bool:
        """Look for a file in the list of imports and go where it leads."""
        found = re.search(
            r'href="(/imports/[0-9a-f]{16})"[^>]*>\s*(?:<strong>)?' + re.escape(name), self.get("/imports/")
        )
        if found:
            self.get(found[1])
        return found is not None

    def _confirm(self, where: str, key: str, act: Act) -> None:
        """Read what is told of lines and amount, confirm it, and keep the receipt; look anew after each failure."""

        def confirm() -> str:
            page = self.get(f"/{where}/{key}/confirmation")
            if "/recu" in self.at:
                return page
            return self.post(f"/{where}/{key}/importer", **dict(_FIELD.findall(page)))

        page = self.insist(confirm)
        number = _NUMBER.search(page)
        if "/recu" not in self.at or number is None:
            raise Stuck(f"no receipt but {self.at}: {page[:3000]}")
        self.book.acknowledged(Receipt(self.door, key, number[0], _permits(act)))


class Software:
    """A centre's program: the client that the product ships, patient; each sending under a key of its own."""

    def __init__(self, url: str, desk: Desk, book: Book) -> None:
        self.book = book
        self.client = registre_cqc.Client(url, desk.key, tries=10_000, send=self._send)
        self._failed_at = 0.0

    def _send(self, method: str, address: str, headers: Mapping[str, str], body: bytes | None) -> registre_cqc.Answer:
        began = time.monotonic()
        try:
            answer = registre_cqc._send(method, address, headers, body)
        except OSError:
            self.book.failed(API, 0, "")
            self._failed_at = self._failed_at or began
            raise
        if answer.status in registre_cqc.PASSING:
            self.book.failed(API, answer.status, answer.content.decode(errors="replace"))
            self._failed_at = self._failed_at or began
            return answer
        if self._failed_at:
            self.book.waits.append(time.monotonic() - self._failed_at)
            self._failed_at = 0.0
        self.book.answered(API, time.monotonic() - began)
        return answer

    def register(self, act: Act) -> None:
        """Send the lines of an act until they are registered."""
        sent = [
            {"training_label": LABEL, "category": CATEGORY, "end_date": END, **line}
            for line in lines(act.first, act.count)
        ]
        answer = self.client.register(sent, f"act-{act.first}")
        if len(answer["registrations"]) != act.count:
            raise Stuck(f"{answer}")
        self.book.acknowledged(Receipt(API, answer["batch"], "", _permits(act)))


def new(url: str, desk: Desk, book: Book) -> Clerk | Software:
    """Return the client of a desk, signed in where there is something to sign in to."""
    return Software(url, desk, book) if desk.door == API else Clerk(url, desk.email, desk.door, book)


def workbook(act: Act) -> bytes:
    """Return the file of an act, as the model has its columns."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Sessions")
    sheet.append(list(HEADERS.values()))
    for line in _whole_lines(act):
        sheet.append([line[name] for name in HEADERS])
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def _whole_lines(act: Act) -> list[dict[str, str]]:
    """Return the lines of an act with the training, as files and calls bear it."""
    return [
        {"training_label": LABEL, "category": CATEGORY, "end_date": END, **line} for line in lines(act.first, act.count)
    ]


def _permits(act: Act) -> tuple[str, ...]:
    return tuple(line["permit_number"] for line in lines(act.first, act.count))


def _key(address: str, where: str) -> str:
    found = re.search(rf"/{where}/([0-9a-f]{{16}})", address)
    if not found:
        raise Stuck(f"no batch at {address}")
    return found[1]
