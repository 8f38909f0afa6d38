"""Where a text has a plain space at French punctuation, and where a no-break one was put into what people typed."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from app.french.templates import READ_OUT, VERBATIM

#: A plain space, or a break of the line, where a no-break one belongs.
BREAKS = re.compile(r"[ \t\n](?=[:;?!»])|«[ \t\n]")
#: What stands in for a text that people typed; its spaces are theirs.
TYPED = "Zq : zq ? « zq »"
_TOUCHED = re.compile(r"Zq[\u00a0\u202f]")


class _Words(HTMLParser):
    """Collects what a page says: its text but for code, and the attributes that are read out."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self.read_out: list[str] = []
        self._verbatim = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.read_out += [value for name, value in attrs if name in READ_OUT and value]
        if tag in VERBATIM and not self._verbatim:
            self._verbatim = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._verbatim:
            self._verbatim = ""

    def handle_data(self, data: str) -> None:
        if not self._verbatim:
            self.said.append(data)


def words_of(page: str) -> str:
    """Return what a page says, its attributes that are read out on lines of their own."""
    words = _Words()
    words.feed(page)
    return "\n\n".join(["".join(words.said), *words.read_out])


def breaks(words: str) -> list[str]:
    """Return where a line could break before or after a mark, with the words around; none in what people typed."""
    return _around(BREAKS, words.replace(TYPED, ""))


def touched(words: str) -> list[str]:
    """Return where what people typed was changed."""
    return _around(_TOUCHED, words)


def _around(sought: re.Pattern[str], words: str) -> list[str]:
    """Return each place with the words around it; they are cut out where something is found, not tried at every sign."""
    places = [(max(0, found.start() - 40), found.end() + 20) for found in sought.finditer(words)]
    return [" ".join(words[start:end].split()) for start, end in places]
