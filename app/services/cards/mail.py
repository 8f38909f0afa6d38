"""What the mails about a card request say, one for each state it comes to."""

from __future__ import annotations

from flask import current_app

from app.extensions import db
from app.models import CardEvent, Mail
from app.models.card import ACCEPTED, IN_REVIEW, PRODUCTION, REFUSED, SENT, STOPPED, SUBMITTED
from app.services.notifications import mail
from app.services.notifications.mail import Content

#: Kind of these mails; their values hold the ``event``, by its id.
CARD = "card"
#: State → subject, sentence.
SAID: dict[str, tuple[str, str]] = {
    SUBMITTED: ("Votre demande de carte est déposée", "Nous l’avons bien reçue. Un agent va l’examiner."),
    IN_REVIEW: ("Votre demande de carte est en cours d’examen", "Un agent examine vos pièces."),
    ACCEPTED: ("Votre demande de carte est acceptée", "Votre carte va être fabriquée."),
    REFUSED: (
        "Votre demande de carte est refusée",
        "Vous pouvez la corriger et l’envoyer de nouveau, sans nouveau paiement.",
    ),
    PRODUCTION: ("Votre carte est en fabrication", "Elle vous sera envoyée à l’adresse indiquée dans votre demande."),
    STOPPED: (
        "Votre demande de carte est arrêtée",
        "L’enregistrement de formation sur lequel elle se fonde a été annulé. Ce que vous avez payé vous est rendu.",
    ),
    SENT: ("Votre carte est envoyée", "Elle vous parviendra par courrier, à l’adresse indiquée dans votre demande."),
}


@mail.says(CARD, "Demande de carte")
def _card(row: Mail) -> Content:
    event = db.session.get_one(CardEvent, row.values["event"])
    request = event.request
    subject, sentence = SAID[event.state]
    values: dict[str, object] = {
        "first_name": request.first_name,
        "number": request.number,
        "ground": request.ground_label,
        "url": f"{current_app.config['BASE_URL']}/mon-espace/carte/{request.key}",
        "sentence": sentence,
        "reason": event.reason,
    }
    return Content("cards/mail/card", subject, values)
