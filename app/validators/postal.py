"""French postal addresses, as the post asks for them: lines of 38 characters, a five-figure postcode, a town."""

from __future__ import annotations

import re
from enum import StrEnum

from .fields import clean

LINE_MAX, CITY_MAX = 38, 32
#: What is said where a street, a postcode or a town has not its form.
STREET_FORM = f"Écrivez le numéro et la voie, en {LINE_MAX} caractères au plus."
POSTCODE_FORM = "Le code postal est celui d’une adresse en France : 5 chiffres, comme 69007."
CITY_FORM = f"Écrivez la commune en {CITY_MAX} caractères au plus, comme « LYON CEDEX 03 »."
_LINE = re.compile(r"[^\W_](?:[\w ,.'/°()&-]*[\w.)])?")
_CITY = re.compile(r"[^\W\d_](?:[\w '/.-]*[\w.])?")
#: Mainland with Corsica (20), overseas départements and collectivités; 96, 99 and 00 are not delivered to.
_POSTCODE = re.compile(r"(?:0[1-9]|[1-8][0-9]|9[0-5])[0-9]{3}|97[1-8][0-9]{2}|98[0-8][0-9]{2}")


def parse_street(text: str) -> str | None:
    """Number and street, or a place name: a letter at least, 38 characters at most; None for a bad form."""
    line = parse_extra(text)
    return line if line and any(c.isalpha() for c in line) else None


def parse_extra(text: str) -> str | None:
    """A further line (building, « chez … »), 38 characters at most; empty is fine; None for a bad form."""
    line = clean(text)
    if not line:
        return ""
    return line if len(line) <= LINE_MAX and _LINE.fullmatch(line) else None


def parse_postcode(text: str) -> str | None:
    """A French postcode, spaces dropped; None for what the post does not serve."""
    code = clean(text).replace(" ", "")
    return code if _POSTCODE.fullmatch(code) else None


def parse_city(text: str) -> str | None:
    """A town as written on a letter (« PARIS 15 », « LYON CEDEX 03 »), 32 characters at most; None for a bad form."""
    town = clean(text)
    return town if len(town) <= CITY_MAX and _CITY.fullmatch(town) else None


class Territory(StrEnum):
    """Where an address is, as VAT tells territories apart; Monaco and Corsica count as mainland for services."""

    METROPOLE = "METROPOLE"
    GUADELOUPE = "GUADELOUPE"
    MARTINIQUE = "MARTINIQUE"
    GUYANE = "GUYANE"
    REUNION = "REUNION"
    MAYOTTE = "MAYOTTE"
    SAINT_PIERRE = "SAINT_PIERRE"
    SAINT_BARTHELEMY = "SAINT_BARTHELEMY"
    SAINT_MARTIN = "SAINT_MARTIN"
    TERRES_AUSTRALES = "TERRES_AUSTRALES"
    WALLIS = "WALLIS"
    POLYNESIE = "POLYNESIE"
    CALEDONIE = "CALEDONIE"


#: Territory → its name, as read after « en » or alone.
TERRITORIES = {
    Territory.METROPOLE: "France métropolitaine",
    Territory.GUADELOUPE: "Guadeloupe",
    Territory.MARTINIQUE: "Martinique",
    Territory.GUYANE: "Guyane",
    Territory.REUNION: "La Réunion",
    Territory.MAYOTTE: "Mayotte",
    Territory.SAINT_PIERRE: "Saint-Pierre-et-Miquelon",
    Territory.SAINT_BARTHELEMY: "Saint-Barthélemy",
    Territory.SAINT_MARTIN: "Saint-Martin",
    Territory.TERRES_AUSTRALES: "Terres australes et antarctiques",
    Territory.WALLIS: "Wallis-et-Futuna",
    Territory.POLYNESIE: "Polynésie française",
    Territory.CALEDONIE: "Nouvelle-Calédonie",
}
_BY_POSTCODE = {
    # Served from Guadeloupe, and no part of it any more.
    "97133": Territory.SAINT_BARTHELEMY,
    "97150": Territory.SAINT_MARTIN,
    "971": Territory.GUADELOUPE,
    "972": Territory.MARTINIQUE,
    "973": Territory.GUYANE,
    "974": Territory.REUNION,
    "975": Territory.SAINT_PIERRE,
    "976": Territory.MAYOTTE,
    "977": Territory.SAINT_BARTHELEMY,
    "978": Territory.SAINT_MARTIN,
    "984": Territory.TERRES_AUSTRALES,
    "986": Territory.WALLIS,
    "987": Territory.POLYNESIE,
    "988": Territory.CALEDONIE,
}
#: An address on one line: what stands before the postcode, the postcode, the town.
_ON_ONE_LINE = re.compile(r"(?P<street>.*?)[\s,;]*\b(?P<postcode>\d{5})\b[\s,;]*(?P<city>.*)")


def territory_of(postcode: str) -> Territory:
    """Return the territory of a French postcode; mainland for one that no territory overseas has."""
    return _BY_POSTCODE.get(postcode) or _BY_POSTCODE.get(postcode[:3], Territory.METROPOLE)


def parts_of(address: str) -> tuple[str, str, str]:
    """Return street, postcode and town of an address on one line, each empty where it cannot be told or has a bad form."""
    found = _ON_ONE_LINE.fullmatch(clean(address))
    if found is None:
        return "", "", ""
    street, postcode, city = found["street"], found["postcode"], found["city"]
    return parse_street(street) or "", parse_postcode(postcode) or "", parse_city(city) or ""
