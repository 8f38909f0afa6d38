"""What people write above their columns, and which field of a line it means: one table for every door that reads headers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from app.validators.fields import fold
from app.validators.remark import EMAIL, HEADERS

_SIGNS = re.compile(r"[^a-z0-9]+")
_ASIDE = re.compile(r"\([^)]*\)|\[[^]]*\]")
#: « ˚ » and « ° » are typed for « º »; folding would lose the first and keep the second.
_NUMBER_SIGN = str.maketrans("\u02da\u00b0", "\u00ba\u00ba")

_NUMBER = tuple(
    f"{word}{link}" for word in ("numero", "num", "nro", "nr", "number", "no", "n") for link in ("", "de", "du", "d")
)
_NUMBERED = {
    "permit_number": (
        "permis", "permisconduire", "permisdeconduire", "neph", "permisneph", "permisdeconduireneph", "nephpermis",
        "enregistrementprefectoralharmonise", "licence", "license", "drivinglicence", "drivinglicense", "driverlicence",
        "driverlicense", "driverslicence", "driverslicense", "permit",
    ),
    "order_number": (
        "commande", "commandeclient", "cde", "cdeclient", "bondecommande", "boncommande", "bc", "order", "purchaseorder",
        "po",
    ),
}  # fmt: skip
_WORDS = {
    "reference": ("ref", "reference", "referenceinterne", "refinterne", "yourreference"),
    "training_label": (
        "libelle", "libelleformation", "libelledelaformation", "formation", "intitule", "intituleformation",
        "intituledelaformation", "training", "traininglabel", "course",
    ),
    "category": ("categorie", "categorieformation", "categoriedelaformation", "category"),
    "end_date": (
        "finformation", "findelaformation", "datefin", "datedefin", "datefinformation", "datedefinformation",
        "datefindeformation", "datedefindeformation", "datefindelaformation", "datedefindelaformation", "enddate",
        "trainingenddate", "trainingend",
    ),
    "first_name": (
        "prenom", "prenoms", "premierprenom", "1erprenom", "prenomstagiaire", "prenomdustagiaire", "prenomconducteur",
        "prenomduconducteur", "firstname", "firstnames", "forename", "forenames", "givenname", "givennames",
    ),
    "last_name": (
        "nom", "noms", "nomfamille", "nomdefamille", "nomnaissance", "nomdenaissance", "nompatronymique", "patronyme",
        "nomstagiaire", "nomdustagiaire", "nomconducteur", "nomduconducteur", "lastname", "surname", "familyname",
    ),
    "birth_date": (
        "naissance", "datenaissance", "datenais", "datenaiss", "dtnaissance", "dnaissance", "ddn", "dn", "nele", "neele",
        "neeele", "neneele", "neouneele", "jourdenaissance", "birth", "birthdate", "birthday", "dateofbirth", "dob",
        "bornon",
    ),
}  # fmt: skip
_ADDRESSES = frozenset({
    key_word
    for word in ("courriel", "email", "mail", "mel", "courrierelectronique", "adresseelectronique", "adressecourriel",
                 "adresseemail", "adressemail", "adressemel", "adressedecourriel", "adresseducourriel")
    for key_word in (word, f"{word}conducteur", f"{word}duconducteur", f"{word}stagiaire", f"{word}dustagiaire")
})  # fmt: skip
_BOTH_NAMES = frozenset({
    "nomprenom", "nometprenom", "nomprenoms", "nometprenoms", "nomsetprenoms", "prenomnom", "prenometnom", "fullname",
    "nomcomplet", "identite",
})  # fmt: skip


def key(text: str) -> str:
    """A header as it is compared: without case, accents, spaces, punctuation, or the ways to write « N° »."""
    return _SIGNS.sub("", fold(text.translate(_NUMBER_SIGN)).casefold())  # « № » is « No » once folded


def _numbered(field: str, words: Iterable[str]) -> Iterable[tuple[str, str]]:
    for word in words:
        yield word, field
        yield from ((f"{number}{word}", field) for number in _NUMBER)
        yield from ((f"{word}{number}", field) for number in ("numero", "num", "number", "no", "n"))


_FIELDS: dict[str, str] = {
    **{word: field for field, words in _WORDS.items() for word in words},
    **{word: found for field, words in _NUMBERED.items() for word, found in _numbered(field, words)},
    **{key(header): field for field, header in HEADERS.items()},
}


def _found_in(text: str, known: Iterable[str]) -> str:
    """The key of a header among those known, with or without what stands in brackets behind it; '' for none."""
    return next((one for one in (key(text), key(_ASIDE.sub(" ", text))) if one in known), "")


def field_of(text: str) -> str:
    """The field a header means: the model's own words or a usual way to say it; '' when it is not known for sure."""
    return EMAIL if is_address(text) else _FIELDS.get(_found_in(text, _FIELDS), "")


def fields_of(cells: Sequence[str]) -> list[str]:
    """The fields a row of headers names, '' for the others."""
    return [field_of(cell) for cell in cells]


def is_address(text: str) -> bool:
    """Whether a header means the one column that may be left out: the driver's address."""
    return bool(_found_in(text, _ADDRESSES))


def names_both(text: str) -> bool:
    """Whether a header stands above first and last name in one column, which nobody can part for sure."""
    return bool(_found_in(text, _BOTH_NAMES))
