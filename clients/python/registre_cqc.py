"""A small client of the Registre CQC API, version 1. Python 3.10 or later, nothing beyond the standard library.

>>> client = Client("https://registre.example", "cqc_test_…")
>>> client.register(lines, idempotency_key="envoi-2022-01-10-001")
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

Line = Mapping[str, str]
#: Answers that say nothing of the call itself: it may be sent again.
PASSING = (429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Answer:
    """What came back: HTTP status, headers (names in lower case), JSON body (None when empty or no JSON), bytes."""

    status: int
    headers: Mapping[str, str]
    body: Any
    content: bytes = b""


#: Sends (method, address, headers, body) and returns the answer; raises ``OSError`` when none came.
Send = Callable[[str, str, Mapping[str, str], bytes | None], Answer]


class ApiError(Exception):
    """The API refused the call. ``code`` is stable, ``detail`` is a French sentence."""

    def __init__(self, answer: Answer) -> None:
        body = answer.body if isinstance(answer.body, dict) else {}
        self.status, self.code, self.detail = answer.status, str(body.get("code", "")), str(body.get("detail", ""))
        self.body, self.request_id = body, answer.headers.get("x-request-id", "")
        super().__init__(f"{self.status} {self.code}: {self.detail}")


class LinesRefused(ApiError):
    """Nothing was registered. ``analysis`` says which lines are concerned and why."""

    @property
    def analysis(self) -> dict[str, Any]:
        """Return the analysis: counts and rows, those with an error first."""
        return {name: self.body[name] for name in ("lines", "informations", "errors", "importable", "withheld", "rows")}


class LinesInError(LinesRefused):
    """A line has an error."""


class AlreadyRegistered(LinesRefused):
    """Your centre registered a line before: it would be billed again. Say ``accept_duplicates`` where that is meant."""


class Client:
    """One key at one address. ``tries``: how often a call without an answer, or put off (429, 503), is sent."""

    def __init__(self, base_url: str, key: str, *, tries: int = 4, send: Send | None = None) -> None:
        self._root, self._key, self._tries = base_url.rstrip("/") + "/api/v1", key, tries
        self._send = send or _send

    def catalogue(self, on: str = "") -> list[dict[str, Any]]:
        """Return the trainings open to the centre on a day (AAAA-MM-JJ), today by default."""
        found: list[dict[str, Any]] = self._call("GET", "/catalogue" + (f"?{urlencode({'on': on})}" if on else ""))[
            "trainings"
        ]
        return found

    def analyse(self, lines: Iterable[Line]) -> dict[str, Any]:
        """Return the analysis of at most 1,000 lines; nothing is registered."""
        return self._call("POST", "/analyses", {"lines": list(lines)})

    def register(
        self, lines: Iterable[Line], idempotency_key: str = "", *, accept_duplicates: bool = False
    ) -> dict[str, Any]:
        """Register at most 1,000 lines, all or none, and return what was registered.

        Raise :class:`LinesInError`, or :class:`AlreadyRegistered` where your centre registered a line before: with
        ``accept_duplicates`` it is registered, and billed, again. Keep ``idempotency_key`` with your lines: after a crash of
        your own, the same call answers without doing it again.
        """
        headers = {"Idempotency-Key": idempotency_key or uuid.uuid4().hex}
        sent: dict[str, Any] = {"lines": list(lines), **({"accept_duplicates": True} if accept_duplicates else {})}
        return self._call("POST", "/registrations", sent, headers)

    def batch(self, batch_id: str, after: int = 0) -> dict[str, Any]:
        """Return the state of a batch and a page of its registrations; ``next`` goes into ``after``."""
        return self._call("GET", f"/batches/{quote(batch_id, safe='')}" + (f"?after={after}" if after else ""))

    def registration(self, registration_id: int) -> dict[str, Any]:
        """Return the state of a registration and of its documents."""
        return self._call("GET", f"/registrations/{registration_id}")

    def registrations(self, **filters: str) -> Iterator[dict[str, Any]]:
        """Yield your centre's registrations in the order of their last change, page after page.

        ``filters``: ``updated_since``, ``order_number``, ``permit_number``, ``birth_date``, ``training``, ``status``. To go on
        later, keep the last one's ``updated_at`` and ask for ``updated_since`` it: that one comes again, nothing is missed.
        What changes while you read comes once more, with its new state.
        """
        return self._pages("/registrations", filters)

    def batches(self, **filters: str) -> Iterator[dict[str, Any]]:
        """Yield your centre's batches likewise; ``filters``: ``updated_since``."""
        return self._pages("/batches", filters)

    def document(self, number: str) -> bytes:
        """Return the PDF of a document that was handed over."""
        return self._answer("GET", f"/documents/{quote(number, safe='')}.pdf", accept="application/pdf").content

    def invoices(self, **filters: str) -> Iterator[dict[str, Any]]:
        """Yield the invoices and credit notes issued, the earliest first; filters: `issued_since`, `order_number`."""
        return self._pages("/invoices", filters)

    def invoice(self, number: str) -> dict[str, Any]:
        """Return an invoice or a credit note: its lines, VAT, due day and what a transfer says."""
        return self._call("GET", f"/invoices/{quote(number, safe='')}")

    def invoice_file(self, number: str, form: str = "pdf") -> bytes:
        """Return its file (`pdf`, sealed), or the electronic invoice within (`xml`)."""
        return self._answer("GET", f"/invoices/{quote(number, safe='')}.{form}").content

    def consumption(self, order_number: str) -> dict[str, Any]:
        """Return what an order number has cost, excluding VAT, and what is left of its ceiling."""
        return self._call("GET", f"/consumption?{urlencode({'order_number': order_number})}")

    def cancel(
        self, registration_id: int, reason_code: str, reason: str = "", replacement: Line | None = None,
        idempotency_key: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Cancel a registration, or replace it by another line, and return what was done: ``status``, or the ``request`` that
        an agent decides. ``reason_code``: `wrong_permit`, `duplicate` … as the document names them.
        """
        headers = {"Idempotency-Key": idempotency_key or uuid.uuid4().hex}
        body = {"reason_code": reason_code, "reason": reason}
        more = {"replacement": replacement} if replacement is not None else {}
        return self._call("POST", f"/registrations/{registration_id}/cancellation", {**body, **more}, headers)

    def correction(self, request: str) -> dict[str, Any]:
        """Return the state of a correction that an agent decides, and the answer."""
        return self._call("GET", f"/corrections/{quote(request, safe='')}")

    def _pages(self, path: str, filters: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        asked = {name: text for name, text in filters.items() if text}
        while True:
            page = self._call("GET", path + (f"?{urlencode(asked)}" if asked else ""))
            yield from page["items"]
            if page["next"] is None:
                return
            asked = {"cursor": page["next"]}  # it carries the filters

    def _call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        found: dict[str, Any] = self._answer(method, path, body, headers).body
        return found

    def _answer(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None,
        accept: str = "application/json",
    ) -> Answer:  # fmt: skip
        sent = {"Authorization": f"Bearer {self._key}", "Accept": accept, **(headers or {})}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        answer = self._insist(method, self._root + path, sent, data)
        if answer.status >= 400:
            raise _refusal(answer)
        return answer

    def _insist(self, method: str, address: str, headers: Mapping[str, str], data: bytes | None) -> Answer:
        """Send until an answer that is about the call comes; every call of the API may be sent twice."""
        for last in [False] * (self._tries - 1) + [True]:
            wait = 1.0
            try:
                answer = self._send(method, address, headers, data)
                if answer.status not in PASSING or last:
                    return answer
                wait = float(answer.headers.get("retry-after", wait))
            except OSError:
                if last:
                    raise
            time.sleep(wait)
        raise AssertionError("the last try returns or raises")


def _refusal(answer: Answer) -> ApiError:
    code = answer.body.get("code") if isinstance(answer.body, dict) else ""
    kinds: dict[Any, type[ApiError]] = {"lines_in_error": LinesInError, "already_registered": AlreadyRegistered}
    return kinds.get(code, ApiError)(answer)


def _send(method: str, address: str, headers: Mapping[str, str], data: bytes | None) -> Answer:
    request = urllib.request.Request(address, data=data, headers=dict(headers), method=method)  # noqa: S310  ours
    try:
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
            return _answer(response.status, response.headers.items(), response.read())
    except urllib.error.HTTPError as error:
        return _answer(error.code, error.headers.items(), error.read())
    except http.client.HTTPException as error:  # the answer broke off
        raise ConnectionError(str(error)) from error


def _answer(status: int, headers: Iterable[tuple[str, str]], text: bytes) -> Answer:
    try:
        body = json.loads(text) if text else None
    except ValueError:  # a PDF, or a proxy's own page
        body = None
    return Answer(status, {name.lower(): value for name, value in headers}, body, text)
