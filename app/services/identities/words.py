"""What correcting an identity, joining two drivers or parting them brings about, as sentences for an agent."""

from __future__ import annotations

from collections.abc import Iterable

from app.french.words import of
from app.models import CardRequest, Driver, Registration
from app.models.card import CARD_STATES
from app.services.amendments import words as amendment_words
from app.services.amendments.words import END, NEW, PLAIN, Sentence
from app.services.core.numbers import count_of, enumerated
from app.validators.fields import name_key

from . import mails
from .correcting import Effects as Correction
from .effects import JOINED, KEPT, Account, Effects, Parting
from .hanging import Hanging
from .ledger import Moves

_CERTIFICATES = "Aucun certificat de FCO ne change."


def named(driver: Driver) -> str:
    """Return a driver as sentences name one: last name, first name, permit number."""
    return f"{driver.last_name} {driver.first_name}, permis {driver.permit_number}"


def of_merge(effects: Effects) -> list[Sentence]:
    """Return every effect of joining two drivers, in the order in which they matter."""
    kept, joined = effects.kept.driver, effects.joined.driver
    return [
        Sentence(NEW, "check", f"Une seule fiche reste : {named(kept)}."),
        Sentence(PLAIN, "user", f"{_moved(effects.joined)} à cette fiche."),
        Sentence(
            PLAIN,
            "sheet",
            f"Une formation enregistrée plus tard sous le permis {joined.permit_number} sera celle du même conducteur.",
        ),
        *_names(effects),
        *_account(effects),
        *of_moves(effects.moves),
        *_cards(effects.moves, [*effects.kept.cards, *effects.joined.cards]),
        Sentence(
            PLAIN,
            "shield",
            "Chaque centre continue de voir ses seuls enregistrements, sous le nom, la date de naissance et le N° de permis "
            "qu’il a saisis. Les documents établis, ou en préparation, ne changent pas.",
        ),
        Sentence(
            PLAIN,
            "info",
            "Les codes d’activation et les invitations déjà remis ne valent plus : les reçus en montrent d’autres.",
        ),
    ]


def of_parting(parting: Parting) -> list[Sentence]:
    """Return every effect of undoing a merger."""
    merge = parting.merge
    count = len(merge.hung[JOINED]["registrations"])
    told = [
        Sentence(NEW, "check", f"Deux fiches de nouveau : {named(merge.kept)} et {named(merge.joined)}."),
        Sentence(
            PLAIN, "user", f"{count_of(count, 'formation revient', 'formations reviennent')} à {named(merge.joined)}."
        ),
    ]
    for side, driver in ((KEPT, merge.kept), (JOINED, merge.joined)):
        if Account.read(merge.accounts[side]) is not None:
            told.append(Sentence(PLAIN, "user", f"Le compte qui était celui {of(named(driver))} lui revient."))
    told += [*of_moves(parting.moves), *_cards(parting.moves, parting.now.cards)]
    return [
        *told,
        Sentence(
            PLAIN,
            "info",
            "Les codes d’activation et les invitations déjà remis ne valent plus : les reçus en montrent d’autres.",
        ),
    ]


def of_correction(effects: Correction) -> list[Sentence]:
    """Return every effect of correcting an identity."""
    asked, driver = effects.order, effects.now.driver
    changed = enumerated([words for field, words in mails.FIELDS.items() if field in effects.fields])
    verb = "change" if len(effects.fields) == 1 else "changent"
    told = [
        Sentence(NEW, "check", f"{changed[:1].upper()}{changed[1:]} {verb} ; les anciennes valeurs restent conservées.")
    ]
    if effects.changes_key:
        told += _key(effects, driver)
    told += [*_documents(effects), *_other_names(effects.now), *_corrected_cards(effects)]
    if driver.person is None:
        told.append(Sentence(PLAIN, "info", "Ce conducteur n’a pas de compte : personne n’est averti."))
    else:
        told.append(Sentence(PLAIN, "info", f"Le conducteur est averti par courriel, à {driver.person.email}."))
    if "last_name" in effects.fields and driver.person is not None and asked.leads:
        told.append(
            Sentence(
                PLAIN,
                "pause",
                "Une formation enregistrée plus tard sous l’ancien nom sera retenue : un agent décidera.",
            )
        )
    return told


def of_moves(moves: Moves) -> list[Sentence]:
    """Return the FCO certificates that go or come, with their centres."""
    rows = amendment_words.registrations([*moves.lost, *moves.gained])
    return [_one_moved(row, moves) for row in rows] or [Sentence(PLAIN, "sheet", _CERTIFICATES)]


def _one_moved(row: Registration, moves: Moves) -> Sentence:
    which = f"« {row.training.full_label} » du {row.end_date:%d/%m/%Y}, {row.centre.name}"
    if row.id in moves.lost:
        return Sentence(
            END,
            "x",
            f"Le certificat de FCO de {which} est annulé : les 35 heures s’achèvent avec un autre module.",
        )
    days = moves.days.get(row.id)
    until = f" ; il vaut jusqu’au {days[1]:%d/%m/%Y}, comme celui qu’il remplace" if days else " ; il vaut 4 mois"
    return Sentence(NEW, "check", f"Un certificat de FCO est établi pour {which}{until}.")


def _moved(joined: Hanging) -> str:
    """Return what passes to the other record, up to its preposition."""
    parts = [count_of(len(joined.registrations), "formation")]
    if joined.trainers:
        parts.append(
            count_of(len(joined.trainers), "droit de formateur ou moniteur", "droits de formateur ou moniteur")
        )
    if joined.cards:
        parts.append(count_of(len(joined.cards), "demande de carte", "demandes de carte"))
    many = len(parts) > 1 or len(joined.registrations) > 1
    return f"{enumerated(parts)} {of(named(joined.driver))} {'passent' if many else 'passe'}"


def _names(effects: Effects) -> list[Sentence]:
    """Return a warning where the two are known by names that do not agree."""
    kept, joined = effects.kept.driver, effects.joined.driver
    one, other = (name_key(driver.last_name, driver.first_name) for driver in (kept, joined))
    if one.agrees(other) and kept.birth_date == joined.birth_date:
        return []
    what = "Les noms diffèrent" if kept.birth_date == joined.birth_date else "Les dates de naissance diffèrent"
    return [Sentence(END, "error", f"{what} : assurez-vous, pièces à l’appui, qu’il s’agit d’une seule personne.")]


def _account(effects: Effects) -> list[Sentence]:
    person = effects.person
    if person is None:
        return [Sentence(PLAIN, "user", "Aucun des deux n’a de compte.")]
    whose = named((effects.kept if effects.account == KEPT else effects.joined).driver)
    told = [
        Sentence(
            PLAIN,
            "user",
            f"Le compte {person.email}, celui {of(whose)}, reste : il montrera toutes les formations, et son titulaire en est "
            "averti par courriel.",
        )
    ]
    if effects.left is not None:
        told.append(Sentence(END, "x", f"Le compte fermé {effects.left.email} n’est plus relié à un conducteur."))
    return told


def _cards(moves: Moves, cards: Iterable[CardRequest]) -> list[Sentence]:
    """Return what becomes of the requests for a card that lean on a certificate that goes."""
    return [_one_card(card, moves) for card in cards if card.registration_id in moves.lost and card.state not in _ENDED]


_ENDED = ("cancelled", "stopped")


def _one_card(card: CardRequest, moves: Moves) -> Sentence:
    what = f"La demande de carte {card.number or 'en brouillon'} ({CARD_STATES[card.state].lower()})"
    if card.state in ("production", "sent"):
        return Sentence(END, "card", f"{what} se fonde sur un certificat annulé : faites arrêter ou opposer la carte.")
    if card.registration_id in moves.heirs:
        return Sentence(PLAIN, "card", f"{what} se fonde désormais sur le certificat qui remplace l’annulé.")
    return Sentence(END, "card", f"{what} s’arrête ; ce qui a été payé est rendu.")


def _key(effects: Correction, driver: Driver) -> list[Sentence]:
    before = f"le permis {driver.permit_number} (naissance le {driver.birth_date:%d/%m/%Y})"
    if effects.order.leads:
        return [
            Sentence(
                PLAIN,
                "user",
                f"Une formation enregistrée plus tard sous {before} mènera au même conducteur, comme sous le nouveau numéro.",
            )
        ]
    return [
        Sentence(
            PLAIN,
            "shield",
            f"Ce qui sera enregistré sous {before} ne mènera plus à ce conducteur : c’est peut-être l’identité d’un autre.",
        )
    ]


def _documents(effects: Correction) -> list[Sentence]:
    kept = "Les documents établis restent tels qu’ils sont : ils portent l’identité du jour où ils l’ont été."
    told = [Sentence(PLAIN, "sheet", kept)]
    if effects.pending:
        which = (
            "celle de leur enregistrement" if effects.order.leads or not effects.changes_key else "l’identité corrigée"
        )
        made = count_of(effects.pending, "document en préparation portera", "documents en préparation porteront")
        told.append(Sentence(PLAIN, "clock", f"{made} {which}."))
    return told


def _other_names(now: Hanging) -> list[Sentence]:
    own = name_key(now.driver.last_name, now.driver.first_name)
    others = sorted({name for name in _names_of(now) if not name_key(*name).agrees(own)})
    if not others:
        return []
    listed = enumerated([" ".join(name) for name in others])
    return [
        Sentence(
            END,
            "error",
            f"Des enregistrements de cette fiche sont au nom {of(listed)}. S’ils sont d’une autre personne, ne corrigez pas "
            "l’identité : remplacez ces enregistrements.",
        )
    ]


def _names_of(now: Hanging) -> set[tuple[str, str]]:
    return {(row.last_name, row.first_name) for row in now.registrations if row.is_live}


def _corrected_cards(effects: Correction) -> list[Sentence]:
    told = []
    if effects.cards:
        follows = count_of(len(effects.cards), "demande de carte prend", "demandes de carte prennent")
        told.append(Sentence(PLAIN, "card", f"{follows} l’identité corrigée."))
    for card in effects.made:
        what = f"La carte de la demande {card.number} porte l’ancienne identité ({CARD_STATES[card.state].lower()})"
        told.append(Sentence(END, "card", f"{what} : faites-la refaire s’il le faut."))
    return told
