"""What « de » and « à » become before a name: « d’André », « du Havre Formation », « au centre »."""

from __future__ import annotations

import re
import unicodedata

from markupsafe import Markup

APOSTROPHE = "’"
#: Beginnings of names of people and of centres whose h is not heard: before any other h nothing is elided.
_SILENT_H = (
    "habilit", "hameau", "harmoni", "hebert", "helen", "heli", "henri", "henriette", "herault", "heritage", "herve", "heure",
    "hilaire", "hippol", "histo", "homme", "honor", "honfleur", "hopital", "horizon", "horten", "hospital", "hotel", "hubert",
    "hugues", "huma", "hyacinth", "hydr", "hygi", "hyeres",
)  # fmt: skip
#: Words begun by a vowel before which nothing is elided.
_ASIDE = ("onz", "oui")
_TAGS = re.compile(r"^(?:\s|<[^>]*>)*")
_ARTICLE = re.compile(r"(?P<article>les?|Les?)[ \u00a0](?=\S)")
_CONTRACTED = {("de", "le"): "du", ("de", "les"): "des", ("à", "le"): "au", ("à", "les"): "aux"}


def is_elided(name: str) -> bool:
    """Tell whether « de » becomes « d’ » before a name."""
    bare = unicodedata.normalize("NFKD", name.replace("œ", "oe").replace("Œ", "OE")).casefold()
    bare = "".join(char for char in bare if not unicodedata.combining(char))
    if bare[:1] == "h":
        return bare.startswith(_SILENT_H)
    if bare[:1] == "y":
        return bare[1:2].isalpha() and bare[1:2] not in "aeiou"
    return bare[:1] in set("aeiou") and not bare.startswith(_ASIDE)


def led(word: str, name: str, *, is_place: bool = False) -> tuple[str, str]:
    """Return « de » or « à » as it stands before a name, with its space or apostrophe, and what of the name follows it.

    « le » and « les » are contracted with it; « Le » and « Les » where the name is a place's, never a person's.
    """
    found = _ARTICLE.match(name)
    if found and (is_place or found["article"].islower()):
        return _CONTRACTED[word.lower(), found["article"].lower()] + " ", name[found.end() :]
    if word.lower() == "de" and is_elided(name):
        return word[0] + APOSTROPHE, name
    return word + " ", name


def of(name: str, *, is_place: bool = False) -> str:
    """Return a name after « de »."""
    return "".join(led("de", name, is_place=is_place))


def to(name: str, *, is_place: bool = False) -> str:
    """Return a name after « à »."""
    return "".join(led("à", name, is_place=is_place))


def shown_after(name: object, word: str, is_place: bool = False) -> str:
    """Return what a template shows after « de » or « à », with it; markup stays markup."""
    if not isinstance(name, str):
        return f"{word} {name}"
    before = _TAGS.match(name) if isinstance(name, Markup) else None
    opening, rest = (name[: before.end()], name[before.end() :]) if before else ("", name)
    said, follows = led(word, str(rest), is_place=is_place)
    return Markup(said + str(opening) + follows) if isinstance(name, Markup) else said + follows  # noqa: S704  it was markup
