"""A person at a keyboard, without a browser: signs in, fills forms, tries again when the line is cut."""

from __future__ import annotations

import http.client
import re
import time
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar

PASSWORD = "volant-Ardoise-2026"


class Person:
    """Keeps cookies and the form's token."""

    def __init__(self, url: str, email: str) -> None:
        self.url, self.token, self.at = url, "", ""
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        self.get("/login/")
        self.post("/login/", username=email, password=PASSWORD)
        assert "/login" not in self.at, f"{email} could not sign in"

    def get(self, path: str) -> str:
        """Open a page and return its text; where it led stands in `at`."""
        return self._open(urllib.request.Request(self.url + path))

    def post(self, path: str, **fields: str) -> str:
        """Send a form and return the page it leads to."""
        body = urllib.parse.urlencode({"csrf_token": self.token, **fields}).encode()
        return self._open(urllib.request.Request(self.url + path, body))

    def insist(self, path: str, **fields: str) -> str:
        """Send a form again and again until an answer comes, as people do when nothing happens."""
        end = time.monotonic() + 60
        while True:
            try:
                return self.post(path, **fields)
            except (OSError, http.client.HTTPException):
                assert time.monotonic() < end, "no answer for a minute"
                time.sleep(0.2)

    def _open(self, request: urllib.request.Request) -> str:
        with self.opener.open(request, timeout=30) as answer:
            text = str(answer.read().decode())
            self.at = answer.geturl()
        if found := re.search(r'name="csrf_token"[^>]*value="([^"]+)"', text):
            self.token = found[1]
        return text

    def draft(self, *lines: dict[str, str], training: str = "1") -> str:
        """Register nothing yet: make a draft with these lines, checked, and return its key."""
        self.get("/sessions/")
        self.post("/sessions/nouveau", profil="conducteur", mode="manuel")
        key = re.search(r"/sessions/([0-9a-f]{16})/", self.at)
        assert key, self.at
        self.post(f"/sessions/{key[1]}/formation", training_id=training, end_date="07/01/2022")
        for line in lines:
            self.post(f"/sessions/{key[1]}/lignes", **line)
        self.post(f"/sessions/{key[1]}/verifier")
        return key[1]
