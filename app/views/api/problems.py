"""What the API answers when it does not do what was asked: `application/problem+json` (RFC 9457) in French, stable codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from flask import current_app, json, make_response
from werkzeug.wrappers import Response

from app.services.amendments import acts
from app.services.api import files, registering
from app.services.operations import incidents
from app.services.reference import pricing

MEDIA_TYPE = "application/problem+json"


class Kind(NamedTuple):
    """A kind of problem: its HTTP status, its title, and the sentence said where no better one is known."""

    status: int
    title: str
    detail: str


#: Code → what it stands for. A code is never renamed; new ones may come.
KINDS: Mapping[str, Kind] = {
    "invalid_json": Kind(400, "Corps illisible", "Le corps de l’appel n’est pas un document JSON valide en UTF-8."),
    "duplicate_field": Kind(400, "Champ en double", "Le champ « first_name » figure deux fois dans le même objet."),
    "control_character": Kind(
        400, "Caractère de contrôle", "Un texte contient un caractère de contrôle, qu’aucun champ n’accepte."
    ),
    "unknown_field": Kind(400, "Champ inconnu", "Le champ « prenom » n’existe pas."),
    "missing_field": Kind(400, "Champ absent", "Le champ « lines » est nécessaire."),
    "wrong_type": Kind(400, "Type inattendu", "La valeur n’est pas du type attendu : texte."),
    "too_long": Kind(400, "Texte trop long", "Un texte dépasse 1 000 caractères."),
    "no_line": Kind(400, "Aucune ligne", "L’appel doit contenir au moins une ligne."),
    "invalid_date": Kind(400, "Date non conforme", "Une date s’écrit AAAA-MM-JJ ou JJ/MM/AAAA."),
    "invalid_parameter": Kind(
        400, "Paramètre non conforme", "« status » : une de ces valeurs : active, cancelled, replaced."
    ),
    "invalid_cursor": Kind(400, "Curseur non conforme", "« after » est le nombre rendu par la page précédente dans « next »."),
    "unknown_parameter": Kind(400, "Paramètre inconnu", "Le paramètre « jour » n’existe pas à cette adresse."),
    "idempotency_key_missing": Kind(
        400, "Clé d’idempotence absente", "L’en-tête Idempotency-Key est nécessaire : une valeur propre à cet envoi."
    ),
    "idempotency_key_invalid": Kind(
        400, "Clé d’idempotence non conforme", "Idempotency-Key contient de 1 à 80 caractères ASCII visibles."
    ),
    "key_missing": Kind(401, "Clé absente", "L’appel doit porter l’en-tête « Authorization: Bearer <clé> »."),
    "key_invalid": Kind(401, "Clé inconnue", "Cette clé n’est pas reconnue."),
    "key_expired": Kind(401, "Clé échue", "La date de fin de cette clé est passée."),
    "key_revoked": Kind(401, "Clé révoquée", "Cette clé a été révoquée ou remplacée."),
    "address_refused": Kind(403, "Adresse refusée", "Cette clé n’est pas acceptée depuis cette adresse réseau."),
    "key_without_right": Kind(
        403, "Clé sans titulaire", "La personne au nom de qui cette clé agit n’intervient plus pour ce centre, ou n’a plus "
        "le droit « API ». Son représentant légal peut créer une autre clé.",
    ),
    "scope_missing": Kind(403, "Portée insuffisante", "Cette clé n’a pas la portée « register »."),
    "not_allowed": Kind(
        403, "Enregistrement fermé", "Le contrat de service de ce centre n’est pas en vigueur."
    ),
    "not_found": Kind(404, "Introuvable", "Aucun objet de votre centre ne porte cet identifiant."),
    "idempotency_key_reused": Kind(
        409, "Clé d’idempotence déjà employée",
        registering.KeyReused.message,
    ),
    "already_registered": Kind(
        409, "Lignes déjà enregistrées",
        registering.AlreadyRegistered.message,
    ),
    "already_cancelled": Kind(409, "Déjà annulé", acts.AlreadyCancelled.message),
    **{
        kind.code: Kind(status, title, kind.message)
        for kind, status, title in (
            (files.StillPending, 409, "Document en préparation"),
            (files.Withheld, 409, "Document retenu"),
            (files.AwaitsAccount, 409, "Certificat en attente d’un compte"),
            (files.Revoked, 410, "Document annulé"),
            (files.Ended, 410, "Document retiré"),
            (files.Unreadable, 503, "Fichier illisible"),
        )
    },
    "no_tariff": Kind(
        409, "Tarif absent",
        pricing.NoTariff.message,
    ),
    "over_ceiling": Kind(409, "Plafond dépassé", "Une commande dépasserait son plafond, qui est bloquant."),
    "too_large": Kind(413, "Appel trop volumineux", "Le corps de l’appel dépasse 2 Mo : partagez les lignes."),
    "too_many_lines": Kind(413, "Trop de lignes", "Un appel contient au plus 1 000 lignes."),
    "not_json": Kind(415, "Type de contenu", "L’appel doit porter l’en-tête « Content-Type: application/json »."),
    "lines_in_error": Kind(
        422, "Lignes en erreur",
        registering.LinesInError.message,
    ),
    "correction_refused": Kind(422, "Correction refusée", "Aucune valeur ne change : corrigez au moins un champ."),
    "too_many_calls": Kind(429, "Trop d’appels", "Cette clé a épuisé ses appels de la minute : attendez la suivante."),
    "too_many_strangers": Kind(
        429, "Trop de conducteurs inconnus",
        "Votre centre a interrogé aujourd’hui trop de conducteurs qu’il n’a jamais enregistrés : attendez demain. "
        "Les enregistrements restent ouverts.",
    ),
    "read_only": Kind(503, "Lecture seule", incidents.READ_ONLY),
    "service_unavailable": Kind(
        503, "Service momentanément indisponible",
        "Le service ne peut pas répondre pour le moment. Renvoyez l’appel plus tard avec la même clé d’idempotence : rien ne "
        "sera fait deux fois.",
    ),
    "internal_error": Kind(
        500, "Erreur du service",
        "Le service a rencontré une erreur. Renvoyez l’appel avec la même clé d’idempotence : rien ne sera fait deux fois.",
    ),
}  # fmt: skip


class Problem(Exception):
    """The call is refused: ``code`` is a key of KINDS, ``extra`` are further members of the answer."""

    def __init__(self, code: str, detail: str = "", **extra: Any) -> None:
        super().__init__(code)
        self.code, self.detail, self.extra = code, detail, extra


def body(code: str, detail: str = "", **extra: Any) -> dict[str, Any]:
    """Return the members of a problem."""
    kind = KINDS[code]
    return {
        "type": f"{current_app.config['BASE_URL']}/aide/api/#{code}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail or kind.detail,
        "code": code,
        **extra,
    }


def answer(problem: Problem) -> Response:
    """Return the answer that carries a problem."""
    text = json.dumps(body(problem.code, problem.detail, **problem.extra), ensure_ascii=False)
    response = make_response(text, KINDS[problem.code].status, {"Content-Type": MEDIA_TYPE})
    if response.status_code == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="Registre CQC"'
    return response
