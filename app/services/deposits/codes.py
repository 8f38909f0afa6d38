"""What a platform says of an invoice, as codes of the French reform; what an agent does about it. The list is open: a
code we do not know is kept, and shown as it came.
"""

from __future__ import annotations

from app.models.types import Labelled


class Code(Labelled):
    """A status of the life of an invoice (AFNOR XP Z12-012), in words."""

    DEPOSITED = "200", "Déposée"
    EMITTED = "201", "Émise par la plateforme"
    RECEIVED = "202", "Reçue par la plateforme de l’acheteur"
    AVAILABLE = "203", "Mise à disposition de l’acheteur"
    TAKEN = "204", "Prise en charge"
    APPROVED = "205", "Approuvée"
    PARTLY_APPROVED = "206", "Approuvée en partie"
    DISPUTED = "207", "En litige"
    SUSPENDED = "208", "Suspendue"
    COMPLETED = "209", "Complétée"
    REFUSED = "210", "Refusée"
    PAYMENT_SENT = "211", "Paiement transmis"
    CASHED = "212", "Encaissement déclaré"
    REJECTED = "213", "Rejetée"
    CANCELLED = "220", "Annulée"
    MISROUTED = "221", "Erreur de routage"
    INADMISSIBLE = "501", "Irrecevable"
    #: Chorus Pro's own: the same invoice goes on once its routing is put right over there.
    TO_RECYCLE = "A_RECYCLER", "À recycler"


class Act(Labelled):
    """What an agent did about what the platform said."""

    ACCEPTED = "accepted", "Refus accepté"
    CONTESTED = "contested", "Contesté : note au centre"
    BILLED_AGAIN = "billed_again", "Annulée et refacturée"
    RECYCLED = "recycled", "À recycler : routage corrigé, même numéro"
    DEPOSITED_AGAIN = "deposited_again", "Déposée à nouveau"


#: The buyer never had it: a profile to correct, an invoice to make anew.
TECHNICAL = (Code.REJECTED, Code.MISROUTED, Code.INADMISSIBLE)
#: Shown whatever comes after, until an agent has done something about it.
STICKY = (Code.REFUSED, *TECHNICAL)
#: While one of these is the last word of the buyer, nobody is reminded to pay.
STOPPING = (Code.DISPUTED, Code.SUSPENDED, Code.REFUSED, Code.REJECTED)
#: What is said of money, which is no word of the buyer on the invoice.
OF_PAYMENT = (Code.PAYMENT_SENT, Code.CASHED)
#: An agent has something to do about it.
WAITING = (*STICKY, Code.TO_RECYCLE, Code.DISPUTED, Code.SUSPENDED, Code.PARTLY_APPROVED)

_WORDS = {**Code.labels(), **Act.labels()}


def words(code: str) -> str:
    """Return what a code says, in French; one that nobody knows as it came: « Statut 299 »."""
    return _WORDS.get(code, f"Statut {code}")


def is_act(code: str) -> bool:
    """Tell whether a code is an agent's act, not a status of the platform."""
    return code in Act.labels()
