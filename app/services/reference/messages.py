"""Every message of the rules with its cure, made of the rules' own tables: what the help shows, and lists of faults lead to.

A sentence that is added to a table without a cure here is told by a test, never by a gap on the page.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from app.validators import file, remark, trainer
from app.validators.file import FileCode
from app.validators.remark import Code, Remark, Severity


class Part(StrEnum):
    """What messages are about, in the order of the help, with its title there."""

    ERRORS = "Erreurs d’une ligne"
    INFORMATIONS = "Informations d’une ligne"
    FILE = "Fichier refusé"
    TRAINER = "Formateur ou moniteur"


@dataclass(frozen=True, slots=True)
class Message:
    """A message: where the help tells of it (``anchor``), the sentence with « … » for what changes, and what to do."""

    part: Part
    anchor: str
    sentence: str
    cure: str


_TEXT = "Recopiez cette valeur sans retour à la ligne ni signe invisible, et sans dépasser la longueur indiquée."
_DAY = "Écrivez le jour, le mois et l’année en chiffres, 31/01/2022 par exemple ; le jour doit exister."
_NAME = (
    "Recopiez ce qui figure sur le permis, sans chiffre ni abréviation. Un signe refusé est souvent venu d’un copier-coller : "
    "retapez-le."
)
_FILL = (
    "Remplissez la case : dans le tableau du rapport, à la saisie, ou dans votre fichier avant de l’envoyer de nouveau."
)

#: Cure of a code, or of a code for one field.
CURES: dict[Code | tuple[Code, str | None], str] = {
    Code.MISSING: _FILL,
    (Code.MISSING, "order_number"): (
        "Indiquez le numéro sous lequel vos factures sont regroupées ; pour un organisme public, le numéro CHORUS. "
        "« Pour toutes les lignes » le donne en une fois."
    ),
    (Code.FORMAT, "reference"): _TEXT,
    (Code.FORMAT, "order_number"): _TEXT,
    (Code.FORMAT, "end_date"): _DAY,
    (Code.FORMAT, "birth_date"): _DAY,
    (Code.FORMAT, "first_name"): _NAME,
    (Code.FORMAT, "last_name"): _NAME,
    (Code.FORMAT, "permit_number"): (
        "Recopiez le numéro du permis (rubrique 5) ou le NEPH. Espaces, points, tirets et barres sont admis ; il reste 9 à 16 "
        "chiffres ou lettres, dont un chiffre au moins."
    ),
    Code.UNKNOWN_TRAINING: (
        "Choisissez un libellé du catalogue : la liste déroulante du modèle et du rapport les contient tous. Quand un libellé "
        "est proche, « Vouliez-vous dire … ? » le propose."
    ),
    Code.UNKNOWN_CATEGORY: "Deux catégories existent : Marchandises et Voyageurs.",
    Code.END_DATE_IN_FUTURE: "Seules les formations terminées s’enregistrent : corrigez la date, ou attendez ce jour.",
    Code.MINOR: (
        "Vérifiez la date de naissance. Seules les formations de l’Éducation nationale s’enregistrent pour un mineur."
    ),
    Code.OVER_100: "Vérifiez l’année de naissance.",
    Code.BIRTH_DATE_IN_FUTURE: "Vérifiez l’année de naissance.",
    Code.NOT_ACCREDITED: (
        "L’agrément se juge au jour de fin de la formation. Vérifiez le libellé et la date ; vos agréments figurent dans "
        "« Mon centre ». S’il en manque un, adressez-vous à l’exploitant. Une personne limitée à certains agréments "
        "n’enregistre que ceux-là : son représentant légal les accorde."
    ),
    Code.CATEGORY_MISMATCH: "Le libellé existe dans l’autre catégorie : corrigez l’un des deux.",
    Code.DUPLICATE_DRIVER: (
        "Même date de naissance et même N° de permis pour la même formation : retirez l’une des lignes, ou corrigez celle qui "
        "concerne une autre personne."
    ),
    Code.IDENTICAL_LINE: "Rien à faire : la seconde ligne est laissée de côté et n’est pas facturée.",
    Code.ALREADY_REGISTERED: (
        "Retirez la ligne si cette formation est déjà enregistrée. Si le conducteur l’a vraiment suivie de nouveau, "
        "continuez : elle sera facturée."
    ),
    Code.IDENTITY_DIFFERS: (
        "Comparez avec le permis. Un nom d’usage ou de naissance s’enregistre tel quel ; un numéro mal recopié se "
        "corrige."
    ),
    Code.NO_ACCOUNT: (
        "Rien ne bloque : le certificat attendra le compte. Invitez le conducteur depuis le reçu, ou remettez-lui sa fiche "
        "d’activation."
    ),
    Code.ADDRESS_UNUSABLE: (
        "Une adresse a une arobase et un domaine, sans espace ni accent. Corrigez-la, ou videz la case : vous pourrez inviter "
        "le conducteur depuis le reçu."
    ),
    Code.LOOKS_ALIKE: "Comparez avec le permis : un chiffre a pu être mal recopié, ou le jour et le mois inversés.",
}
_COLUMN = (
    "Mettez la colonne au format TEXTE, puis retapez la valeur : le tableur a pu en changer les chiffres. "
    "Le modèle de fichier a ses colonnes au bon format."
)
_MODEL = "Téléchargez le modèle de fichier dans « Mes sessions », mode « Par fichier », et recopiez-y vos lignes."
FILE_CURES: dict[FileCode, str] = {
    FileCode.NAME: "Dans votre tableur : Fichier, Enregistrer sous, XLSX. Un fichier CSV ou PDF ne se lit pas.",
    FileCode.CONTENT: "Changer l’extension ne suffit pas : ouvrez le fichier et enregistrez-le au format XLSX.",
    FileCode.EMPTY: "Le fichier pèse 0 octet : l’enregistrement ou la copie ne s’est pas terminé.",
    FileCode.TOO_LARGE: "Retirez images et mises en forme, ou faites plusieurs fichiers : chacun a son reçu.",
    FileCode.INFECTED: "N’ouvrez plus ce fichier. Prévenez votre service informatique, puis repartez du modèle.",
    FileCode.ACTIVE_CONTENT: "Macros, objets et liens vers d’autres fichiers ne sont pas acceptés. " + _MODEL,
    FileCode.ANTIVIRUS_UNAVAILABLE: "Rien n’a été enregistré. Si cela dure, joignez l’exploitant.",
    FileCode.PASSWORD: "Dans votre tableur : Fichier, Informations, Protéger, et retirez le mot de passe.",
    FileCode.DAMAGED: "Si le tableur ne l’ouvre pas non plus, repartez du modèle.",
    FileCode.EXPANDS: _MODEL,
    FileCode.UNREADABLE: _MODEL,
    FileCode.NO_SHEET: _MODEL,
    FileCode.HEADERS: (
        "La première ligne porte les neuf titres du modèle, dans n’importe quel ordre ; majuscules, accents et espaces ne "
        "comptent pas. Une dixième colonne, « Courriel », est facultative. Retirez les colonnes en trop."
    ),
    FileCode.NO_LINE: "Écrivez vos lignes sous les titres, dans une feuille visible.",
    FileCode.TOO_MANY_LINES: "Chaque fichier a son reçu.",
}
#: Of a trainer's own messages; the others have the cure of a line's.
TRAINER_CURES: dict[tuple[Code, str | None], str] = {
    (Code.MISSING, "email"): "La personne est prévenue à cette adresse que son droit est ouvert.",
    (Code.MISSING, "sectors"): "Cochez Marchandises, Voyageurs, ou les deux.",
    (
        Code.MISSING,
        "fee_borne",
    ): "Dites si le centre paie la redevance de la carte. Ce choix ne se change plus ensuite.",
    (Code.FORMAT, "email"): "Une adresse a une arobase et un domaine, sans espace ni accent.",
    (Code.MINOR, "birth_date"): "Vérifiez la date de naissance.",
    (Code.OVER_100, "birth_date"): "Vérifiez l’année de naissance.",
    (Code.ALREADY_REGISTERED, None): "Le droit est déjà ouvert : ne continuez que s’il doit l’être de nouveau.",
}
_HOLES = {"{other_line}": "N", "{on}": "JJ/MM/AAAA", "{like}": "…", "{who}": "formateur", "{sign}": "signe …"}
_HOLES |= {"{signature}": "…", "{what}": "…"}


def every() -> list[Message]:
    """Return every message, part by part, in the order in which a report shows them."""
    found = [*_of_lines(), *_of_files(), *_of_trainers()]
    parts = list(Part)
    return sorted(found, key=lambda one: parts.index(one.part))


def anchor(kind: str) -> str:
    """Return where the help tells of a kind of remark (`Remark.kind`)."""
    code, _, rest = kind.partition(":")
    return "-".join(["message", code, *([rest.partition(":")[0]] if rest else [])])


def _of_lines() -> Iterator[Message]:
    told: set[str] = set()
    for (code, field), sentence in remark.SENTENCES.items():
        part = Part.INFORMATIONS if Remark(code, field).severity is Severity.INFORMATION else Part.ERRORS
        place = anchor(Remark(code, field).kind)
        yield Message(part, place if place not in told else f"{place}-{field}", _filled(sentence), _cure(code, field))
        told.add(place)
    for field in remark.LOST_IN_NUMBERS:
        column = Remark(Code.FORMAT, field, detail=remark.TEXT_COLUMN).message
        yield Message(Part.ERRORS, f"{anchor(f'format:{field}')}-colonne", column, _COLUMN)
    for named, sentence in remark.SIGN_SENTENCES.items():
        yield Message(Part.ERRORS, f"{anchor(f'format:{named}')}-signe", _filled(sentence), _NAME)


def _of_files() -> Iterator[Message]:
    for code, sentence in file.FILE_SENTENCES.items():
        yield Message(Part.FILE, f"fichier-{code.value}", _filled(sentence), FILE_CURES[code])


def _of_trainers() -> Iterator[Message]:
    for (code, field), sentence in trainer.OWN_SENTENCES.items():
        place = f"formateur-{code.value}-{field or 'ligne'}"
        yield Message(Part.TRAINER, place, _filled(sentence), TRAINER_CURES[code, field])


def _cure(code: Code, field: str | None) -> str:
    return CURES[(code, field) if (code, field) in CURES else code]


def _filled(sentence: str) -> str:
    for hole, shown in _HOLES.items():
        sentence = sentence.replace(hole, shown)
    return sentence
