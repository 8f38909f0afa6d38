"""People and programs at work, by plain HTTP as the proxy sends it: what each was answered."""

from __future__ import annotations

import http.client
import itertools
import json
import re
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tests.support import many

PERSON, PASSWORD = "gestionnaire@demo.example", "volant-Ardoise-2026"
#: Screens that a manager opens one after the other.
SCREENS = ("/sessions/", "/imports/", "/mes-enregistrements/", "/mon-profil/", "/aide/")
SECONDS = 120
#: Cookies of one browser.
Jar = dict[str, str]
#: Each driver is another one, whoever sends.
NUMBERS = itertools.count(1)


class Traffic:
    """Some threads that send until told to stop. ``keys``: of the API, one a thread that posts."""

    def __init__(self, port: int, host: str, keys: list[str], people: int = 2) -> None:
        self.port, self.host = port, host
        self.answers: Counter[str] = Counter()
        self.failed: list[str] = []
        self.registered: list[str] = []
        #: Pages that were shown to somebody signed in.
        self.screens = 0
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._threads = [threading.Thread(target=self._person, args=(at,), daemon=True) for at in range(people)]
        self._threads += [
            threading.Thread(target=self._program, args=(at, key), daemon=True) for at, key in enumerate(keys)
        ]

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(SECONDS)

    @property
    def count(self) -> int:
        """Return how many requests were answered or failed."""
        return sum(self.answers.values())

    def wait_for(self, count: int) -> None:
        """Wait until so many requests were sent."""
        while self.count < count and any(thread.is_alive() for thread in self._threads):
            self._stop.wait(0.1)

    def wait_until(self, is_so: Callable[[], object]) -> None:
        """Wait until something is so; no longer than one answer may take, so that what never comes is told by who asked."""
        until = time.monotonic() + SECONDS
        while not is_so() and time.monotonic() < until:
            self._stop.wait(0.1)

    def ask(
        self, network: str, method: str, path: str, body: bytes | None = None, jar: Jar | None = None, **headers: str
    ) -> tuple[int, str]:
        """Send one request and return status and text; no answer at all is 599. Cookies go into the jar."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        sent = {"Host": self.host, "X-Forwarded-Proto": "https", "X-Forwarded-For": network, **headers}
        if jar:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in jar.items())
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in sent.items()})
            answer = connection.getresponse()
            status, text = answer.status, answer.read().decode(errors="replace")
            if jar is not None:
                cookies = [one.partition(";")[0].partition("=") for one in answer.headers.get_all("Set-Cookie", [])]
                jar.update({name: value for name, _, value in cookies})
        except (OSError, http.client.HTTPException) as error:
            status, text = 599, repr(error)
        finally:
            connection.close()
        with self._lock:
            self.answers[f"{status}"] += 1
            if status >= 500:
                self.failed.append(f"{method} {path}: {status} {text[:200]}")
        return status, text

    def _person(self, at: int) -> None:
        """Sign in, look at screens, sign out, again and again, from networks of one's own."""
        for turn in itertools.count():
            network, jar = f"192.0.2.{(at * 97 + turn) % 250}", dict[str, str]()
            _, text = self.ask(network, "GET", "/login/", jar=jar)
            token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', text)
            form = {"username": PERSON, "password": PASSWORD, "csrf_token": token[1] if token else ""}
            self.ask(network, "POST", "/login/", urllib.parse.urlencode(form).encode(), jar,
                     Content_Type="application/x-www-form-urlencoded", Referer=f"https://{self.host}/login/")  # fmt: skip
            for path in SCREENS * 4:
                if self._stop.is_set():
                    return
                status, text = self.ask(network, "GET", path, jar=jar)
                self.screens += status == 200 and "Se déconnecter" in text

    def _program(self, at: int, key: str) -> None:
        """Register, and read what was registered."""
        head = {"Authorization": f"Bearer {key}", "Content_Type": "application/json"}
        line = {"training_label": "FIMO Marchandises", "category": "Marchandises",
                "end_date": (datetime.now(UTC).date() - timedelta(days=1)).isoformat()}  # fmt: skip
        while not self._stop.is_set():
            number = next(NUMBERS)
            driver = {**many(1)[0], "last_name": "N" + "".join("ABCDEFGHIJ"[int(sign)] for sign in str(number)),
                      "permit_number": f"2{number:011d}"}  # fmt: skip
            sent = json.dumps({"lines": [{**driver, **line}]}).encode()
            status, text = self.ask("198.51.100.7", "POST", "/api/v1/registrations", sent, **head,
                                       Idempotency_Key=f"traffic-{number}")  # fmt: skip
            if status in (200, 201):
                self.registered.append(json.loads(text)["batch"])
            for path in ("/api/v1/registrations", "/api/v1/batches", "/verifier/000000000000"):
                self.ask("198.51.100.7", "GET", path, **head)
