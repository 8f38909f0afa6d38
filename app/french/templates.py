"""French in what templates draw: no-break spaces, put into their text when they are compiled and into sentences when they are
shown; and « de » and « à » as they stand before the name that follows them in the text (« Droits de {{ name }} »).

A template's own text costs nothing more when a page is drawn. An expression that stands among the text, or in an attribute that
is read out, goes through `spaced` unless it names what people typed (``TYPED``); a value from elsewhere that people typed is
escaped first (``|e``), and left as it is. Code, addresses, values of fields and scripts are never touched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from jinja2 import Environment
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

from .spaces import no_break
from .words import of, shown_after

#: Attributes whose words people read or hear.
READ_OUT = frozenset(
    {
        "title",
        "aria-label",
        "aria-description",
        "alt",
        "placeholder",
        "data-label",
        "data-confirm",
        "data-confirm-button",
    }
)
#: Elements whose text is a program's, or what somebody types.
VERBATIM = frozenset({"script", "style", "pre", "code", "kbd", "samp", "textarea"})
#: Names of what people typed: shown as it is.
TYPED = frozenset(
    {
        "first_name", "last_name", "full_name", "name", "holder", "centre", "reference", "references", "order_number",
        "order_numbers", "orders", "reason", "revoked_reason", "undone_reason", "held_reason", "answer", "email", "address",
        "street", "address_extra", "signer_name", "sheet", "authority", "url", "value", "old", "column", "note", "sought",
        "birth_date", "permit_number", "record_name", "own_number", "own_reference",
    }
)  # fmt: skip
#: Filters that end an expression in which no sentence is left.
_WITHOUT_WORDS = frozenset(
    {
        "euros",
        "day",
        "moment",
        "number",
        "siret",
        "percent",
        "e",
        "escape",
        "safe",
        "tojson",
        "urlencode",
        "length",
        "draw",
    }
)
#: A word that may change before the expression that follows it; « au » and « du » only before a place's name.
_LEADING = re.compile(r"(?:(?<=[\s(«>’])|^)(?P<word>[Dd]e|à) $")
_PLACES = frozenset({"centre"})
_TAG = re.compile(r"<(?P<end>/?)(?P<name>[a-zA-Z]?[\w-]*)|<!--")
_IN_TAG = re.compile(r"""(?P<name>[\w:@.-]+)\s*=\s*(?P<quote>["'])|(?P<close>>)""")


def spaced(value: object) -> object:
    """Return a value to show: a sentence with no-break spaces; markup, and what is no text, as it is."""
    return no_break(value) if type(value) is str else value


class FrenchSpaces(Extension):
    """Puts no-break spaces into what a template says."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.filters.update(spaced=spaced, shown_after=shown_after, of=of)

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """Yield the tokens of a template, its text with no-break spaces, its sentences to be given theirs."""
        place: Place | PlainText = PlainText() if (stream.name or "").endswith(".txt") else Place()
        word = ""
        for token in stream:
            if token.type == "data":
                said = place.read(token.value)
                found = _LEADING.search(said) if place.is_read and stream.current.type == "variable_begin" else None
                word = found["word"] if found else ""
                yield Token(token.lineno, "data", said.removesuffix(f"{word} ") if word else said)
            elif token.type == "variable_begin" and place.is_read:
                yield token
                yield from _shown(list(_until_end(stream)), word)
                word = ""
            else:
                yield token


def _until_end(stream: TokenStream) -> Iterator[Token]:
    for token in stream:
        yield token
        if token.type == "variable_end":
            return


def _shown(tokens: list[Token], word: str) -> Iterable[Token]:
    """Return an expression and its end, after the word that leads to it, and by way of `spaced` where it may be a sentence."""
    *inner, end = tokens
    at = end.lineno
    if word:
        place = "true" if {token.value for token in inner} & _PLACES else "false"
        inner = [
            *(Token(at, "lparen", "("), *inner, Token(at, "rparen", ")"), Token(at, "pipe", "|")),
            *(Token(at, "name", "shown_after"), Token(at, "lparen", "("), Token(at, "string", word)),
            *(Token(at, "comma", ","), Token(at, "name", place), Token(at, "rparen", ")")),
        ]
        tokens = [*inner, end]
    names = {token.value for token in inner if token.type == "name"}
    last = [token.value for token in inner[-2:]]
    if names & TYPED or (len(last) == 2 and last[0] == "|" and last[1] in _WITHOUT_WORDS):
        return tokens
    filtered = (Token(at, "pipe", "|"), Token(at, "name", "spaced"))
    return [Token(at, "lparen", "("), *inner, Token(at, "rparen", ")"), *filtered, end]


class PlainText:
    """A template of plain text: everything is read."""

    is_read = True

    def read(self, data: str) -> str:
        return no_break(data)


class Place:
    """Where in the page a template's text stands, as far as it has been read."""

    def __init__(self) -> None:
        #: The tag one stands in, the attribute within it and its quotation mark, the element whose text is verbatim.
        self.tag: str | None = None
        self.attribute = self.quote = self.verbatim = ""

    @property
    def is_read(self) -> bool:
        """Tell whether people read what stands here."""
        if self.quote:
            return self.attribute in READ_OUT
        return self.tag is None and not self.verbatim

    def read(self, data: str) -> str:
        """Return a stretch of the template, its text with no-break spaces, and stand behind it."""
        done, at = [], 0
        while at < len(data):
            step = self._in_value if self.quote else self._in_text if self.tag is None else self._in_tag
            said, at = step(data, at)
            done.append(said)
        return "".join(done)

    def _in_text(self, data: str, at: int) -> tuple[str, int]:
        found = _TAG.search(data, at)
        said = data[at : found.start() if found else len(data)]
        said = said if self.verbatim else no_break(said)
        if found is None:
            return said, len(data)
        if found[0] == "<!--":
            end = data.find("-->", found.end())
            return said + data[found.start() : end], end if end >= 0 else len(data)
        name = found["name"].lower()
        if self.verbatim and not (found["end"] and name == self.verbatim):
            return said + found[0], found.end()
        if found["end"]:
            self.verbatim = ""
        self.tag = "" if found["end"] else name
        return said + found[0], found.end()

    def _in_tag(self, data: str, at: int) -> tuple[str, int]:
        found = _IN_TAG.search(data, at)
        if found is None:
            return data[at:], len(data)
        if found["close"]:
            self.verbatim = self.tag if self.tag in VERBATIM else self.verbatim
            self.tag = None
        else:
            self.attribute, self.quote = found["name"].lower(), found["quote"]
        return data[at : found.end()], found.end()

    def _in_value(self, data: str, at: int) -> tuple[str, int]:
        end = data.find(self.quote, at)
        said = data[at : end if end >= 0 else len(data)]
        said = no_break(said) if self.attribute in READ_OUT else said
        if end < 0:
            return said, len(data)
        self.quote = ""
        return said + data[end], end + 1
