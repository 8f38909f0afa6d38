"""What the mails about a card request say, one for each state it comes to."""

from __future__ import annotations

from flask import current_app

from app.extensions import db
from app.models import CardEvent, Mail
from app.models.card import ACCEPTED, IN_REVIEW, PRODUCTION, REFUSED, SENT, SUBMITTED

#: State → subject, sentence.
SAID = {
    SUBMITTED: ("Votre demande de carte est déposée", "Nous l’avons bien reçue. Un agent va l’examiner."),
    IN_REVIEW: ("Votre demande de carte est en cours d’examen", "Un agent examine vos pièces."),
    ACCEPTED: ("Votre demande de carte est acceptée", "Votre carte va être fabriquée."),
    REFUSED: ("Votre demande de carte est refusée", "Vous pouvez la corriger et l’envoyer de nouveau, sans nouveau paiement."),
    PRODUCTION: ("Votre carte est en fabrication", "Elle vous sera envoyée à l’adresse indiquée dans votre demande."),
    SENT: ("Votre carte est envoyée", "Elle vous parviendra par courrier, à l’adresse indiquée dans votre demande."),
}  # fmt: skip


def content(row: Mail) -> tuple[str, str, dict[str, object]]:
    """Return the template's name, the subject and the values of a mail whose subject is an event of a request."""
    event = db.session.get_one(CardEvent, int(str(row.subject)))
    request = event.request
    subject, sentence = SAID[event.state]
    address = f"{current_app.config['BASE_URL']}/mon-espace/carte/{request.key}"
    values: dict[str, object] = {
        "first_name": request.first_name, "number": request.number, "ground": request.ground_label, "url": address,
        "sentence": sentence, "reason": event.reason,
    }  # fmt: skip
    return "card", subject, values
