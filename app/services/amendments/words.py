"""The effects of a correction, as sentences: for the centre, which is told nothing of other centres nor of a driver's card; for
an agent, who is told all.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.extensions import db
from app.models import Registration
from app.models.amendment import NONE
from app.models.card import CARD_STATES
from app.models.registration import CERTIFICATE, RECAP
from app.services.core import actor

from .alone import BY_AGENT, CARD, CHAIN, INVOICED, LATE, OTHERS
from .effects import Effects

#: How a sentence is shown.
END, NEW, PLAIN = "end", "new", "plain"
#: Why an agent decides, in an agent's words.
WHY = {
    LATE: "le délai de 7 jours est passé",
    CARD: "une demande de carte est en cours",
    OTHERS: "le certificat d’un autre enregistrement change",
    CHAIN: "la ligne a déjà été remplacée deux fois",
    BY_AGENT: "un agent a révoqué un document de cet enregistrement",
    INVOICED: "la ligne est sur une facture émise",
}
_CARD_SAID = (
    "Si une demande de carte se fonde sur cet enregistrement, elle suit la correction ou s’arrête ; "
    "son titulaire en est averti."
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One effect: how it is shown (end, new, plain), the icon beside it, its words."""

    kind: str
    icon: str
    text: str


def sentences(effects: Effects, *, agent: bool = False) -> list[Sentence]:
    """Return every effect in words, in the order in which they matter."""
    told = [*_ended(effects), *_made(effects), *_person(effects), *_billed(effects)]
    told += [*_moved(effects), *_card(effects)] if agent else [Sentence(PLAIN, "card", _CARD_SAID)]
    return told


def why_agent(effects: Effects) -> list[str]:
    """Return, for an agent, why the centre may not do it alone."""
    return [WHY[code] for code in effects.needs_agent]


def _ended(effects: Effects) -> list[Sentence]:
    said = "« annulé et remplacé »" if effects.new else "« annulé »"
    names = {CERTIFICATE: "le certificat", RECAP: "le récapitulatif"}
    ended = [f"{names[kind]} {effects.revoked[kind]}" for kind in names if kind in effects.revoked]
    if not ended:
        return []
    one = len(ended) == 1
    words = f"{' et '.join(ended)} {'est annulé' if one else 'sont annulés'}."
    seen = f"Vérifié en ligne, il dira {said}." if one else f"Vérifiés en ligne, ils diront {said}."
    return [
        Sentence(END, "x", f"{words[:1].upper()}{words[1:]} {seen}"),
        Sentence(PLAIN, "info", "Qui a reçu ce certificat par courriel est averti qu’il ne vaut plus."),
    ]


def _made(effects: Effects) -> list[Sentence]:
    new = effects.new
    if new is None:
        return [Sentence(END, "x", "L’enregistrement ne compte plus : aucun document ne le remplace.")]
    if new.certificate is None:
        return [Sentence(NEW, "check", "Un nouveau récapitulatif est établi aujourd’hui ; aucun certificat n’est dû.")]
    until = f"{new.certificate[1]:%d/%m/%Y}"
    kept = f"sa validité reste celle du premier, jusqu’au {until}"
    days = kept if new.keeps_days else f"le certificat vaut 4 mois, jusqu’au {until}"
    return [
        Sentence(
            NEW,
            "check",
            f"Un récapitulatif et un certificat sont établis aujourd’hui, sous de nouveaux numéros ; {days}.",
        )
    ]


def _person(effects: Effects) -> list[Sentence]:
    new = effects.new
    if new is None:
        return []
    permit, told = effects.line[-1], []
    if new.withheld:
        held = f"Le permis {permit} est connu sous un autre nom : les documents seront retenus, un agent décidera."
        told.append(Sentence(END, "pause", held))
    elif new.certificate is not None:
        text = (
            f"Le titulaire du permis {permit} a un compte : il reçoit son certificat par courriel."
            if new.has_account
            else f"Le permis {permit} n’a pas de compte : le certificat attend la création du compte. Vous pourrez inviter "
            "la personne depuis le nouveau reçu."
        )
        told.append(Sentence(PLAIN, "user", text))
    if not new.same_driver:
        stranger = (
            "L’autre personne apprend au plus qu’un enregistrement établi par erreur a été annulé, et rien de celle-ci."
        )
        told.append(Sentence(PLAIN, "shield", stranger))
    return told


def _billed(effects: Effects) -> list[Sentence]:
    """Return what becomes of the money."""
    number = effects.invoiced
    if not effects.price:
        return []
    if not number:
        kept = effects.new is not None and effects.new.price == effects.price
        text = (
            "Rien ne change à ce qui sera facturé."
            if kept
            else "Il n’est encore sur aucune facture : le nouveau prix seul sera facturé."
            if effects.new
            else "Il n’est encore sur aucune facture : il ne sera pas facturé."
        )
        return [Sentence(PLAIN, "info", text)]
    if effects.new is None:
        text = f"Il figure sur la facture {number} : un agent décide si un avoir le rend, ou s’il reste dû."
    elif effects.moves == NONE:
        text = f"Il figure sur la facture {number}, au même prix : ni avoir, ni nouvelle facture."
    else:
        text = f"Il figure sur la facture {number}, à un autre prix : un avoir le rend, le nouveau prix sera facturé."
    return [Sentence(PLAIN, "info", text)]


def _moved(effects: Effects) -> list[Sentence]:
    """Return the certificates of other registrations that go or come, with their centres."""
    ids = [*effects.lost, *effects.gained]
    if not ids:
        return [Sentence(PLAIN, "sheet", "Aucun certificat d’un autre enregistrement ne change.")]
    return [_one_moved(row, row.id in effects.gained) for row in registrations(ids)]


def registrations(ids: Collection[int]) -> list[Registration]:
    """Return registrations, whosever they are, with their centres and trainings, in their order: what sentences are made of."""
    query = (
        select(Registration)
        .options(joinedload(Registration.centre), joinedload(Registration.training))
        .where(Registration.id.in_(ids))
        .order_by(Registration.id)
    )
    with actor.acting(actor.PROGRAM):
        return list(db.session.execute(query).scalars()) if ids else []


def _one_moved(row: Registration, gained: bool) -> Sentence:
    which = f"{row.training.full_label} du {row.end_date:%d/%m/%Y}, {row.centre.name}"
    if gained:
        return Sentence(
            NEW, "check", f"Un certificat de FCO est établi pour le module {which} : il atteint les 35 heures."
        )
    return Sentence(
        END, "x", f"Le certificat de FCO du module {which} est annulé : les 35 heures ne sont plus atteintes."
    )


def _card(effects: Effects) -> list[Sentence]:
    if effects.card is None:
        return [Sentence(PLAIN, "card", "Aucune demande de carte ne se fonde sur cet enregistrement.")]
    state = CARD_STATES[effects.card].lower()
    if effects.card_follows:
        return [
            Sentence(PLAIN, "card", f"La demande de carte ({state}) se fonde désormais sur le nouvel enregistrement.")
        ]
    if effects.card in ("production", "sent"):
        return [Sentence(END, "card", f"La carte est {state} : faites-la arrêter ou opposer, depuis « À traiter ».")]
    return [Sentence(END, "card", f"La demande de carte ({state}) s’arrête ; ce qui a été payé est rendu.")]
