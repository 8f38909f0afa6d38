"""Passwords: long enough, not common, not made of what is known about the person; no rule of composition."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from flask import current_app
from werkzeug.security import check_password_hash, generate_password_hash

from app.services.core.refusal import Refusal
from app.validators.fields import fold

from . import common_passwords

SHORTEST, LONGEST = 12, 256
TOO_SHORT = f"Le mot de passe fait {SHORTEST} caractères au moins."
TOO_LONG = f"Le mot de passe fait {LONGEST} caractères au plus."
COMMON = "Ce mot de passe est trop courant. Choisissez par exemple trois ou quatre mots sans lien entre eux."
KNOWN = "Ce mot de passe reprend votre nom, votre adresse, votre date de naissance ou le nom du service."
#: Names of the service and of the trade: the first thing that is tried here.
SERVICE_WORDS = ("registre", "cqc", "registrecqc", "fimo", "fco", "conducteur", "permis", "chauffeur")
#: A part of the person's name or address shorter than this says nothing about a password.
SHORT_WORD = 3
#: A password is refused where nothing but this many letters stands beside the words known.
REST = 5

_LOOKALIKES = str.maketrans("0134579@$!€", "oieastgasie")


class WeakPassword(Refusal):
    """The password is not taken; the message says why."""


def check(password: str, about: Iterable[str] = ()) -> None:
    """Raise :class:`WeakPassword` on a password too short, too long, common, or made of ``about``: the person's names,
    mail address and birth date (JJ/MM/AAAA)."""
    if why := objection(password, about):
        raise WeakPassword(why)


def objection(password: str, about: Iterable[str] = ()) -> str:
    """Return why the password is not taken, nothing when it is."""
    password = normal(password)
    if len(password) < SHORTEST:
        return TOO_SHORT
    if len(password) > LONGEST:
        return TOO_LONG
    if _is_made_of(password, about):
        return KNOWN
    return COMMON if _is_common(password) else ""


def normal(password: str | None) -> str:
    """Return a password in the one form (NFKC) that is judged, hashed and compared: keyboards write a letter in several."""
    return unicodedata.normalize("NFKC", password or "")


def hash_of(password: str) -> str:
    """Return the hash to keep; slow on purpose."""
    return generate_password_hash(normal(password), method=current_app.config["FAB_PASSWORD_HASH_METHOD"])


def matches(hashed: str | None, password: str) -> bool:
    """Tell whether this is the password of that hash; as typed, too: hashes were made of that before there was one form."""
    return bool(hashed) and any(
        check_password_hash(str(hashed), form) for form in dict.fromkeys((normal(password), password))
    )


def renewed(hashed: str, password: str) -> str:
    """Return the hash to keep of a password that matches: the same one, or a fresh one where it was made as typed."""
    if password == normal(password) or check_password_hash(hashed, normal(password)):
        return hashed
    return hash_of(password)


def _bare(text: str) -> str:
    """Return letters and digits only, folded."""
    return re.sub(r"[^a-z0-9]", "", fold(text))


def _is_common(password: str) -> bool:
    """Tell whether it is a common password, or one or two written over and over, with digits or signs around."""
    if len(set(password.casefold())) <= 4:
        return True
    core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", password)
    words = {_bare(password), _bare(core), _bare(core.translate(_LOOKALIKES))}
    return any(word in common_passwords.common() or _is_list_of(word, common_passwords.joined()) for word in words)


def _is_list_of(text: str, words: frozenset[str]) -> bool:
    """Tell whether a text is one common word, the same one several times, or two of them."""
    if text in words:
        return True
    splits = ((text[:at], text[at:]) for at in range(1, len(text)))
    return any(first in words and (rest in words or not rest.replace(first, "")) for first, rest in splits)


def _is_made_of(password: str, about: Iterable[str]) -> bool:
    """Tell whether, the known words taken out, next to nothing is left of the password."""
    left = _bare(password)
    for word in sorted(_known_words(about), key=len, reverse=True):
        left = left.replace(word, " ")
    return " " in left and sum(map(str.isalpha, left)) < REST


def _known_words(about: Iterable[str]) -> set[str]:
    words = set(SERVICE_WORDS)
    for text in about:
        if found := re.fullmatch(r"(\d\d)/(\d\d)/((\d\d)(\d\d))", text):
            day, month, year, _, short = found.groups()
            words |= {day + month + year, year + month + day, day + month + short, year}
        else:
            words |= {_bare(part) for part in re.split(r"[@.\s_+'-]", text)} | {_bare(text)}
    return {word for word in words if len(word) >= SHORT_WORD}
