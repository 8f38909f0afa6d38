"""The border: what no screen can mean is refused before any screen sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from flask import Flask, abort, request
from werkzeug.routing import IntegerConverter, Map, ValidationError

#: C0 and C1 control characters, but TAB, LF, CR (text areas); lone surrogates no base can hold.
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
#: Page, size and order of Flask-AppBuilder's lists: a number, or a plain name.
LIST_ARGUMENT = re.compile(r"(page|psize)_\w+")
MAX_PAGE = 1_000_000
#: The largest number of a row in the base.
MAX_NUMBER = 2**31 - 1


class Number(IntegerConverter):
    """A number in an address, `<int:…>`; one that no row can have is an address where nothing is."""

    def __init__(
        self,
        url_map: Map,
        fixed_digits: int = 0,
        min: int | None = None,  # noqa: A002  Werkzeug's names, written in the address
        max: int | None = MAX_NUMBER,  # noqa: A002
        signed: bool = False,
    ) -> None:
        super().__init__(url_map, fixed_digits, min, max, signed)

    def to_python(self, value: str) -> int:
        """Return the number."""
        if len(value) > len(str(MAX_NUMBER)):  # Python makes no number of thousands of digits
            raise ValidationError
        number: int = super().to_python(value)
        return number


def _texts() -> Iterator[str]:
    """Yield every text of the request: path, names and values of the query and of the form, names of files."""
    yield unquote(request.path)
    for values in (request.args, request.form):
        for name, value in values.items(multi=True):
            yield name
            yield value
    for name, file in request.files.items(multi=True):
        yield name
        yield file.filename or ""


def _refuse_malformed() -> None:
    if (request.endpoint or "").endswith("static") or request.path.startswith("/api/"):
        return  # the API answers about its lines itself, in JSON
    if any(CONTROL.search(text) for text in _texts()):
        abort(400, "La demande contient des caractères de contrôle.")
    for name, value in request.args.items(multi=True):
        if LIST_ARGUMENT.fullmatch(name) and not _is_count(value):
            abort(400, "Le numéro ou la taille de page n’est pas un nombre.")


def _is_count(value: str) -> bool:
    return value.isascii() and value.isdigit() and int(value[:8]) <= MAX_PAGE


def register(app: Flask) -> None:
    """Check every request before its screen. To be called before addresses are added."""
    app.url_map.converters["int"] = Number
    app.before_request(_refuse_malformed)
