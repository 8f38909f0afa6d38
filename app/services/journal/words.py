"""The journal in French: what was done, on what, and what changed, as people read it."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from app.models.amendment import REASONS, TRAINER_REASONS
from app.models.api import EVENTS
from app.models.batch import STATES
from app.models.card import CARD_STATES
from app.models.catalogue import PRICE_CLASSES
from app.models.centre import CONTRACT_STATES, MEMBER_ROLES, RIGHTS
from app.models.registration import DOCUMENT_FAULTS
from app.models.trainer import PROFILES
from app.services.core.clock import PARIS

from . import money_words

#: Kind of subject → its word.
SUBJECTS = {
    "centre": "Centre", "accreditation": "Agrément", "suspension": "Suspension", "service_contract": "Contrat",
    "membership": "Place au centre", "training": "Formation", "tariff": "Tarif", "driver": "Conducteur",
    "person": "Personne", "batch": "Enregistrement par lot", "registration": "Enregistrement", "document": "Document",
    "trainer": "Formateur ou moniteur", "card_request": "Demande de carte", "sign_up": "Demande de compte",
    "api_key": "Clé d’API", "webhook_endpoint": "Notification de l’API", "outbox": "Travail", "list": "Liste",
    "member_invitation": "Invitation de gestionnaire", "draft": "Brouillon",
    "identity_claim": "Identité déclarée", "identity_check": "Pièce d’identité",
    "data_export": "Copie de données", "lent_view": "Partage", "webhook_delivery": "Envoi d’une notification",
    "seller": "Vendeur", "vat_regime": "TVA d’un territoire",
    "billing_profile": "Coordonnées de facturation", "invoice": "Facture", "order_budget": "Plafond",
    "register": "Registre", "incident": "Message de service", **money_words.SUBJECTS,
}  # fmt: skip
#: Kind of subject → what an act is about that concerns no one row.
ABOUT_NONE = {"invoice": "Factures", "document": "Documents", "draft": "Brouillons", "person": "Adresse sans compte"}
#: Table of the reference data → what is done to its rows, in words.
_WRITTEN = {
    f"{kind}.{act}": f"{SUBJECTS[kind]} : {words}"
    for kind in ("centre", "accreditation", "suspension", "training", "tariff", "driver", "seller", "vat_regime")
    for act, words in (("created", "ajout"), ("changed", "modification"), ("deleted", "suppression"))
}
#: What was done → its words: each act that the program notes, and no other.
ACTIONS = {
    **_WRITTEN,
    **money_words.ACTIONS,
    "vat_regime.confirmed": "TVA d’un territoire confirmée",
    "billing_profile.changed": "Coordonnées de facturation modifiées",
    "invoice.built": "Brouillons de factures construits",
    "invoice.held": "Facture retenue",
    "invoice.freed": "Facture libérée",
    "invoice.issued": "Facture émise",
    "credit_note.issued": "Avoir émis",
    "invoice.deposited": "Dépôt d’une facture sur la plateforme",
    "invoice.event": "Statut d’une facture sur la plateforme",
    "invoice.answered": "Réponse à un statut de facture",
    "order.overridden": "Facturé sous un autre numéro de commande",
    "order.restored": "Facturé de nouveau sous son numéro de commande",
    "order_budget.changed": "Plafond d’une commande fixé",
    "order_budget.removed": "Plafond d’une commande retiré",
    "address.asked": "Changement d’adresse demandé",
    "data.asked": "Copie de ses données demandée",
    "view.lent": "Partage ouvert",
    "view.taken_back": "Partage retiré",
    "data.fetched": "Copie de ses données téléchargée",
    "contract.replaced": "Contrat remplacé",
    "member.joined": "Place au centre prise",
    "member.ended": "Place au centre terminée",
    "member.until": "Dernier jour d’une place au centre fixé",
    "account.renamed": "Nom d’un compte modifié",
    "member.invited": "Gestionnaire invité",
    "member.invited_again": "Gestionnaire invité de nouveau",
    "member.invitation_cancelled": "Invitation annulée",
    "right.granted": "Droit accordé",
    "right.withdrawn": "Droit retiré",
    "right.asked": "Droit demandé",
    "address.changed": "Adresse changée",
    "document.revoked": "Document révoqué",
    "driver.identity_corrected": "Identité du conducteur corrigée",
    "driver.merged": "Deux fiches de conducteur réunies",
    "driver.parted": "Réunion de fiches défaite",
    "asking.limit_reached": "Trop de conducteurs inconnus interrogés",
    "asking.seen": "Alerte d’interrogations vue",
    "identity.asked": "Pièce d’identité envoyée",
    "identity.code_refused": "Code d’activation refusé",
    "identity.codes_replaced": "Codes d’activation remplacés",
    "identity.declared": "Identité déclarée corrigée",
    "identity.proved": "Identité prouvée, compte relié",
    "identity.refused": "Pièce d’identité refusée",
    "account.closed": "Compte fermé",
    "account.opened": "Compte ouvert",
    "account.refused": "Demande de compte refusée",
    "account.reopened": "Compte rouvert",
    "api.subscribed": "Souscription à l’API",
    "api_key.created": "Clé d’API créée",
    "api_key.revoked": "Clé d’API révoquée",
    "api_key.rotated": "Clé d’API renouvelée",
    "batch.cancelled": "Enregistrement annulé",
    "batch.registered": "Sessions enregistrées",
    "batch.started": "Saisie commencée",
    "card.draft": "Demande de carte commencée",
    "card.submitted": "Demande de carte déposée",
    "card.in_review": "Demande de carte examinée",
    "card.accepted": "Demande de carte acceptée",
    "card.refused": "Demande de carte refusée",
    "card.production": "Carte mise en fabrication",
    "card.sent": "Carte envoyée",
    "card.cancelled": "Demande de carte abandonnée",
    "card.stopped": "Demande de carte arrêtée",
    "card.moved": "Demande de carte rattachée à l’enregistrement corrigé",
    "registration.cancelled": "Formation enregistrée, annulée",
    "registration.replaced": "Formation enregistrée, remplacée",
    "certificate.lost": "Certificat annulé, l’FCO n’étant plus atteinte",
    "certificate.gained": "Certificat établi, l’FCO étant atteinte",
    "correction.requested": "Correction demandée",
    "correction.accepted": "Correction acceptée",
    "correction.refused": "Correction refusée",
    "correction.withdrawn": "Demande de correction retirée",
    "report.made": "Erreur signalée par le conducteur",
    "report.withdrawn": "Signalement d’erreur retiré",
    "report.answered": "Signalement d’erreur : données confirmées",
    "report.settled": "Signalement d’erreur : enregistrement annulé ou remplacé",
    "look_alike.checked": "Enregistrement vérifié, gardé tel quel",
    "contract.offered": "Contrat proposé",
    "contract.withdrawn": "Proposition de contrat retirée",
    "contract.signed": "Contrat signé",
    "contract.suspended": "Contrat suspendu",
    "contract.resumed": "Contrat rétabli",
    "contract.ended": "Contrat terminé",
    "card.pictures_purged": "Images de la demande retirées",
    "certificate.resent": "Certificat renvoyé",
    "document.fault": "Document altéré ou absent",
    "document.mended": "Document retrouvé",
    "documents.forgotten": "Empreintes anciennes oubliées",
    "documents.purged": "Documents retirés en fin de conservation",
    "documents.verified": "Documents vérifiés",
    "register.checked": "Contrôles du registre faits",
    "incident.declared": "Message de service annoncé",
    "incident.ended": "Message de service retiré",
    "drafts.purged": "Brouillons anciens supprimés",
    "import.confirmed": "Import confirmé",
    "import.purged": "Fichier purgé",
    "import.received": "Fichier reçu",
    "import.restarted": "Analyse relancée",
    "invitation.sent": "Invitation envoyée",
    "line.corrected": "Ligne corrigée",
    "line.set_aside": "Ligne mise de côté",
    "line.taken_back": "Ligne reprise",
    "list.exported": "Liste exportée",
    "outbox.retried": "Travail relancé",
    "value.corrected": "Valeur corrigée partout",
    "correction.undone": "Correction défaite",
    "second_factor.codes_renewed": "Codes de secours renouvelés",
    "second_factor.off": "Second facteur retiré",
    "second_factor.on": "Second facteur activé",
    "second_factor.refused": "Second facteur refusé",
    "second_factor.reset": "Second facteur réinitialisé",
    "trainer.cancelled": "Saisie de formateur annulée",
    "trainer.notified": "Formateur averti",
    "trainer.registered": "Formateur enregistré",
    "trainer.kept": "Droit laissé retenu",
    "trainer.opened": "Droit ouvert",
    "trainer.right_asked": "Annulation d’un droit demandée",
    "trainer.right_cancelled": "Droit annulé",
    "trainer.right_kept": "Annulation d’un droit refusée",
    "trainer.started": "Saisie de formateur commencée",
    "webhook.changed": "Notifications modifiées",
    "webhook.created": "Notifications ajoutées",
    "webhook.disabled": "Notifications arrêtées",
    "webhook.enabled": "Notifications reprises",
    "webhook.removed": "Notifications retirées",
    "webhook.replayed": "Notification renvoyée",
    "webhook.secret_rotated": "Secret des notifications renouvelé",
    "webhook.tried": "Notification d’essai",
    "withheld.kept": "Documents laissés retenus",
    "withheld.released": "Documents remis au conducteur",
    "password.changed": "Mot de passe changé",
    "password.reset": "Mot de passe réinitialisé",
    "sign_in.done": "Connexion",
    "sign_in.refused": "Connexion refusée",
    "sign_in.ended": "Déconnexion",
    "sign_in.others_ended": "Autres connexions fermées",
}
#: Name of a value → its word.
FIELDS = {
    "same_as_id": "Même conducteur que",
    "code_series": "Série des codes d’activation", "proved_at": "Identité vérifiée le",
    "limit": "Limite du jour", "proof": "Preuve", "why": "Réponse",
    "documents": "Documents", "driver": "Conducteur", "invitation": "Invitation",
    "active": "Actif", "batches": "Lots", "by": "Par", "checked": "Vérifiés", "delivery": "Envoi n°", "ends": "Fin",
    "expires_at": "Expire le", "fault": "Défaut", "faults": "Défauts", "fee": "Redevance prise en charge",
    "message": "Message", "prefix": "Clé", "previous_ends": "Fin de la clé précédente", "profile": "Profil",
    "role": "Rôle", "sandbox": "Clé d’essai", "text_sha256": "Empreinte du texte", "trainers": "Formateurs",
    "training_label": "Formation", "until": "Jusqu’au", "category_label": "Catégorie", "order_number": "N° de commande",
    "reference": "Référence", "end_date": "Fin de formation", "rights": "Droits", "accreditations": "Agréments",
    "name": "Nom", "siret": "SIRET", "address": "Adresse", "email": "Adresse électronique", "is_public": "Organisme public",
    "chorus_service": "Code service Chorus", "authority": "Autorité", "number": "Numéro", "valid_from": "Du",
    "valid_to": "Au", "withdrawn_on": "Retiré le", "trainings": "Formations", "starts_on": "Du", "ends_on": "Au",
    "reason": "Motif", "version": "Version", "state": "État", "signed_on": "Signé le", "label": "Libellé",
    "category": "Catégorie", "family": "Type", "hours": "Heures", "price_class": "Classe de tarif",
    "minors_allowed": "Ouverte aux mineurs", "amount": "Montant HT", "vat_rate": "TVA", "last_name": "Nom",
    "first_name": "Prénom", "birth_date": "Date de naissance", "permit_number": "N° de permis", "receipt": "Reçu",
    "replaces": "Remplace", "replaced_by": "Remplacé par", "refund": "Remboursement", "reason_code": "Motif",
    "registrations": "Enregistrements", "withheld": "Retenu", "rows": "Lignes", "lines": "Lignes", "line": "Ligne",
    "format": "Format", "mail": "Courriel n°", "person": "Personne", "sign_up": "Demande", "file": "Fichier",
    "names_agree": "Noms concordants", "centre_id": "Centre", "accreditation_id": "Agrément", "right": "Droit",
    "field": "Colonne", "value": "Valeur", "key": "Clé", "scopes": "Portées", "quality": "Qualité", "signer": "Signataire",
    "training_id": "Formation", "person_id": "Personne", "signed_by_id": "Signataire", "id": "Numéro interne",
    "total": "Total TTC", "issued_on": "Émise le",
    "legal_form": "Forme juridique", "capital": "Capital", "rcs": "RCS", "siren": "SIREN", "iban": "IBAN", "bic": "BIC",
    "vat_on_debits": "TVA exigible à la facturation", "territory": "Territoire", "rate": "Taux", "mention": "Mention",
    "to_confirm": "À confirmer", "api_key": "Clé d’API",
    "vat_number": "N° de TVA", "street": "Numéro et voie", "extra": "Complément d’adresse", "postcode": "Code postal",
    "city": "Commune", "e_address": "Adresse de facturation électronique", "service_code": "Code service",
    "service_required": "Code service exigé", "engagement_required": "N° d’engagement exigé",
    "ceiling": "Plafond HT", "blocking": "Bloquant", "period_end": "Fin de période",
    "accounts_email": "Courriel de la comptabilité", "payment_days": "Délai de paiement", "confirmed": "SIRET confirmé",
    "fields": "Données", "not_attended": "Formation non suivie", "url": "Adresse", "events": "Évènements",
    "count": "Nombre", "sha256": "Empreinte", "size": "Octets", "asked": "Contrôles faits",
    "breaches": "En défaut", "text": "Message", "read_only": "Lecture seule", **money_words.FIELDS,
}  # fmt: skip
_WORDS = {
    **CARD_STATES,
    **DOCUMENT_FAULTS,
    **PROFILES,
    **EVENTS,
    **PRICE_CLASSES,
    **CONTRACT_STATES,
    **STATES,
    **RIGHTS,
    **MEMBER_ROLES,
    **TRAINER_REASONS,
    **REASONS,
    "password": "mot de passe",
    "second_factor": "second facteur",
    "recovery_code": "code de secours",
    "code": "code à usage unique",
    "recovery": "code de secours",
    "pending": "En préparation",
    "available": "Disponible",
    "revoked": "Révoqué",
    "purged": "Retiré",
    "sign_up": "inscription",
    "registrations": "enregistrements",
    "drivers": "conducteurs",
}
#: An amount or a rate as JSON holds it.
_AMOUNT = re.compile(r"\d+\.\d\d")


def action_words(action: str) -> str:
    """Return « Agrément : modification » for « accreditation.changed »; the code itself for an act no longer noted."""
    return ACTIONS.get(action, action)


def subject_words(kind: str, key: str) -> str:
    """Return « Agrément n° 12 »; a subject that is named otherwise than by a number is named so, one of no row by its kind."""
    word = SUBJECTS.get(kind, kind)
    if key in ("", "all"):
        return ABOUT_NONE.get(kind, word)
    return f"{word} n° {key}" if key.isdigit() else f"{word} : {_WORDS.get(key, key)}"


def changes(before: dict[str, Any] | None, after: dict[str, Any] | None) -> list[tuple[str, str, str]]:
    """Return what changed as (name, before, after) in French; what stayed the same is left out."""
    old, new = before or {}, after or {}
    names = [*old, *(name for name in new if name not in old)]
    return [
        (FIELDS.get(name, name), value_words(old.get(name)), value_words(new.get(name)))
        for name in names
        if old.get(name) != new.get(name)
    ]


def value_words(value: Any) -> str:
    """Return a plain JSON value as people read it."""
    if value is None or value in ("", [], {}):
        return "–"
    if isinstance(value, bool):
        return "oui" if value else "non"
    if isinstance(value, list):
        return ", ".join(map(value_words, value))
    if isinstance(value, dict):
        words = {**_WORDS, **FIELDS}
        return ", ".join(f"{words.get(name, name)} {value_words(one)}" for name, one in value.items())
    if isinstance(value, str) and not _AMOUNT.fullmatch(value):
        return _WORDS.get(value) or _moment(value)
    return str(value).replace(".", ",")


def _moment(text: str) -> str:
    """Return an ISO day or instant as JJ/MM/AAAA, with the hour; other texts unchanged."""
    try:
        if len(text) == 10:
            return f"{date.fromisoformat(text):%d/%m/%Y}"
        return f"{datetime.fromisoformat(text).astimezone(PARIS):%d/%m/%Y à %H:%M}" if "T" in text else text
    except ValueError:
        return text
