"""Reading what a call carries, strictly: what the document does not foresee is refused with the place and the reason."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from functools import cache
from hashlib import sha256
from typing import Any, NoReturn

from flask import request
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from app.services.core import clock
from app.validators.fields import iso_to_french, parse_date
from app.validators.line import RawLine
from app.validators.remark import EMAIL, FIELDS
from app.views.shell.border import CONTROL

from .problems import Problem
from .schemas import DATES, MAX_LINES, bundled

MAX_BODY = 2 * 1024 * 1024
#: What no call of ours comes near: beginnings of objects and lists in a body, members of one object.
MAX_OPENINGS, MAX_MEMBERS = 10 * MAX_LINES, 50
#: Every name that a member of a body may have.
KNOWN = frozenset({"lines", "accept_duplicates", "reason_code", "reason", "replacement", *FIELDS, EMAIL})
#: In a text, what could stand for a character that is not written plainly.
_ESCAPED = "\\"
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{1,80}")
_TYPES = {"string": "texte", "array": "liste", "object": "objet", "integer": "nombre entier", "boolean": "vrai ou faux"}


def lines() -> list[RawLine]:
    """Return the lines of the call, numbered from 1, their dates as the rules know them; raise :class:`Problem`."""
    return _lines(_checked("Lines"))


def sending() -> tuple[list[RawLine], bool]:
    """Return the lines to register, and whether those registered before may be again; raise :class:`Problem`."""
    sent = _checked("Sending")
    return _lines(sent), sent.get("accept_duplicates", False)


def _checked(name: str) -> dict[str, Any]:
    """Return the body of the call, which fits the schema of this name, without the members that are null."""
    sent = body()
    if isinstance(sent, dict) and isinstance(sent.get("lines"), list) and len(sent["lines"]) > MAX_LINES:
        raise Problem("too_many_lines")
    check(name, sent)
    found: dict[str, Any] = _without_null(sent)
    return found


def _lines(sent: dict[str, Any]) -> list[RawLine]:
    return [_raw(number, line) for number, line in enumerate(sent["lines"], 1)]


def _without_null(sent: Any) -> Any:
    """Return a value without the members that are null: software writes one for what it does not fill in."""
    if isinstance(sent, dict):
        return {name: _without_null(value) for name, value in sent.items() if value is not None}
    return [_without_null(value) for value in sent] if isinstance(sent, list) else sent


def cancelling() -> tuple[str, str, dict[str, str] | None]:
    """Return the reason's code, its text, and the nine fields of the replacement if any; raise :class:`Problem`."""
    sent = _checked("Cancelling")
    line = sent.get("replacement")
    typed = None if line is None else _raw(1, line).values()
    return sent["reason_code"], sent.get("reason", ""), typed


def body() -> Any:
    """Return the JSON of the call; raise :class:`Problem` for whatever a base or another reader could take otherwise."""
    if request.mimetype != "application/json":
        raise Problem("not_json")
    request.max_content_length = MAX_BODY
    if (request.content_length or 0) > MAX_BODY:
        raise Problem("too_large")
    text = request.get_data()
    if len(text) > MAX_BODY:
        raise Problem("too_large")
    _refuse_crowd(text)
    try:
        plain = text.decode()
        sent = json.loads(plain, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Problem("invalid_json") from None
    if _ESCAPED in plain or CONTROL.search(plain):
        _refuse_control(sent)
    return sent


def fingerprint() -> str:
    """Return what tells two bodies apart, whatever their spaces, the order of their members and those that are null."""
    sent = _without_null(json.loads(request.get_data()))
    return sha256(json.dumps(sent, sort_keys=True).encode()).hexdigest()


def idempotency_key() -> str:
    """Return the caller's key for this call; raise :class:`Problem` when it is missing or malformed."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        raise Problem("idempotency_key_missing")
    if not _IDEMPOTENCY_KEY.fullmatch(key):
        raise Problem("idempotency_key_invalid")
    return key


def parameters(*known: str) -> None:
    """Refuse a parameter of the address that means nothing there, and one given twice."""
    for name, values in request.args.lists():
        if name not in known or len(values) > 1:
            raise Problem(
                "unknown_parameter",
                f"Le paramètre « {name[:50]} » n’existe pas à cette adresse, ou s’y répète.",
                parameter=name[:50],
            )


def day(name: str) -> date:
    """Return a day of the address, today by default; raise :class:`Problem`."""
    text = request.args.get(name)
    found = clock.today() if text is None else parse_date(iso_to_french(text))
    if found is None:
        raise Problem("invalid_date")
    return found


def cursor(name: str) -> int:
    """Return where a page of the address starts, 0 by default; raise :class:`Problem`."""
    text = request.args.get(name, "0")
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise Problem("invalid_cursor")
    return int(text)


def check(name: str, sent: Any) -> None:
    """Raise :class:`Problem` for the first thing in which a value differs from the schema of this name."""
    validator = _validator(name)
    if not validator.is_valid(sent):
        _refuse(best_match(validator.iter_errors(sent)))


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(bundled(name))


def _refuse(error: ValidationError) -> NoReturn:
    """Say in French what a schema objects to, and where (JSON Pointer)."""
    pointer = "".join(f"/{part}" for part in error.absolute_path)
    if error.validator == "additionalProperties":
        unknown = sorted(set(error.instance) - set(error.schema["properties"]))[0]
        raise Problem(
            "unknown_field", f"Le champ « {unknown[:50]} » n’existe pas.", pointer=f"{pointer}/{unknown[:50]}"
        )
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        raise Problem("missing_field", f"Le champ « {missing} » est nécessaire.", pointer=f"{pointer}/{missing}")
    if error.validator == "minItems":
        raise Problem("no_line", pointer=pointer)
    if error.validator == "maxLength":
        raise Problem("too_long", pointer=pointer)
    wanted = error.validator_value
    expected = _TYPES.get(str(wanted[0] if isinstance(wanted, list) else wanted), "celui du document")
    raise Problem("wrong_type", f"La valeur n’est pas du type attendu : {expected}.", pointer=pointer)


def _raw(number: int, line: dict[str, str]) -> RawLine:
    values = (iso_to_french(text) if field in DATES else text for field in FIELDS for text in [line.get(field, "")])
    return RawLine._make((number, *values, "", line.get(EMAIL, "")))


def _refuse_crowd(text: bytes) -> None:
    """Refuse by its brackets a body that would take long to read: each of them becomes an object or a list."""
    openings, closings = (text.count(one) + text.count(other) for one, other in ((b"[", b"{"), (b"]", b"}")))
    if openings > MAX_OPENINGS:
        raise Problem("too_many_lines" if closings > MAX_OPENINGS else "invalid_json")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object; refuse a member given twice, of which readers keep the first or the last as they please, and one
    among more members than any object of ours has."""
    found: dict[str, Any] = {}
    for name, value in pairs[: MAX_MEMBERS + 1]:
        if name in found:
            raise Problem("duplicate_field", f"Le champ « {name[:50]} » figure deux fois dans le même objet.")
        found[name] = value
    if len(pairs) > MAX_MEMBERS:
        unknown = next(name for name in found if name not in KNOWN)
        raise Problem("unknown_field", f"Le champ « {unknown[:50]} » n’existe pas.")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _refuse_control(sent: Any) -> None:
    if any(CONTROL.search(text) for text in _texts(sent)):
        raise Problem("control_character")


def _texts(sent: Any) -> Iterator[str]:
    """Yield every text of a value, names of members included; without recursion, as its depth is the caller's choice."""
    waiting = [sent]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            waiting += one
