"""What gunicorn writes of requests: the path, and of what was asked only what names nobody."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl

from gunicorn.glogging import Logger

#: Parameters whose values say nothing of a person: pages, orders, states. Of every other one the name alone is kept.
HARMLESS = re.compile(r"page_\w+|psize_\w+|_o[cd]_\w+|page|etat|gravite|motif|nouveau|vu|profil|limit|offset|mode|kind")
_PLAIN = re.compile(r"[\w.-]{0,40}")
#: The secret of a link that was sent by mail, or the hash of a document.
_SECRET = re.compile(r"(?<=/)[A-Za-z0-9_-]{20,}(?=/|$)")
MASK = "***"
#: The one header that may be named: of the answer, the number of the request (`services.core.trace`).
TRACE = "{x-trace-id}o"


def without_persons(address: str) -> str:
    """Return an address without what was searched for and without the secrets of links."""
    path, mark, query = address.partition("?")
    return _SECRET.sub(MASK, path) + mark + "&".join(_shown(*pair) for pair in parse_qsl(query, keep_blank_values=True))


def _shown(name: str, value: str) -> str:
    """Return a parameter; one whose name is no plain word could hold anything itself."""
    if not _PLAIN.fullmatch(name):
        return MASK
    return f"{name}={value if HARMLESS.fullmatch(name) and _PLAIN.fullmatch(value) else MASK}"


class AccessLogger(Logger):
    """Gunicorn's logs, access and error, without persons."""

    def atoms(self, resp: Any, req: Any, environ: Any, request_time: Any) -> dict[str, Any]:
        """Return what a line of the access log may name."""
        method, address, protocol = environ["REQUEST_METHOD"], environ["RAW_URI"], environ["SERVER_PROTOCOL"]
        kept = without_persons(address)
        atoms = super().atoms(resp, req, environ, request_time)
        told = {name: value for name, value in atoms.items() if name == TRACE or not name.startswith("{")}
        path, _mark, query = kept.partition("?")
        return {**told, "r": f"{method} {kept} {protocol}", "U": path, "q": query, "f": without_persons(str(told["f"]))}

    def exception(self, msg: Any, *args: Any, **kwargs: Any) -> None:
        """Write an error; the address that it names is cleaned."""
        super().exception(msg, *(without_persons(word) if isinstance(word, str) else word for word in args), **kwargs)
