"""Errors, in French: one sentence, what to do, a way back. JSON for those who ask for it, a fragment for htmx."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import structlog
from flask import Flask, current_app, g, json, make_response, render_template, request, session
from flask.globals import request_ctx
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, OperationalError
from werkzeug.exceptions import HTTPException, InternalServerError, default_exceptions
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.wrappers import Response

from app.extensions import db

from .base import SWITCHED
from .chrome import lay_bare
from .headers import is_htmx
from .resume.keeping import after_a_void_token

log = structlog.get_logger()


@dataclass(frozen=True)
class Page:
    """What an error page says: a title, what is wrong, what to do."""

    title: str
    sentence: str
    advice: str


PAGES: dict[int, Page] = {
    400: Page(
        "Demande non comprise",
        "La demande reçue est incomplète ou mal formée.",
        "Revenez à la page précédente et recommencez.",
    ),
    401: Page("Connexion nécessaire", "Cette page demande d’être connecté.", "Connectez-vous, puis recommencez."),
    403: Page(
        "Accès refusé",
        "Votre compte ne donne pas accès à cette page.",
        "Si vous devriez y avoir accès, demandez-le au représentant légal de votre centre.",
    ),
    404: Page(
        "Page introuvable",
        "Aucune page ne répond à cette adresse.",
        "Vérifiez l’adresse, ou repartez de l’accueil : la page a pu être supprimée ou concerner un autre centre.",
    ),
    405: Page(
        "Action impossible à cette adresse",
        "Cette adresse n’accepte pas cette action.",
        "Revenez à la page précédente et utilisez ses boutons.",
    ),
    409: Page(
        "Action impossible",
        "La situation a changé : cette action n’est plus possible.",
        "Rechargez la page pour voir où elle en est.",
    ),
    413: Page(
        "Envoi trop volumineux",
        "L’envoi dépasse la taille acceptée : un fichier fait 10 Mo au plus.",
        "Partagez le fichier en plusieurs, puis importez-les l’un après l’autre.",
    ),
    429: Page(
        "Trop de demandes",
        "Trop de demandes ont été reçues en peu de temps.",
        "Patientez une minute, puis recommencez.",
    ),
    500: Page(
        "Erreur du service",
        "Le service a rencontré une erreur et la demande n’a pas abouti.",
        "Réessayez dans quelques minutes. Avant de renvoyer un import, vérifiez son état dans «\u00a0Mes imports\u00a0».",
    ),
    503: Page(
        "Service momentanément indisponible",
        "Le service ne peut pas répondre pour le moment.",
        "Réessayez dans quelques minutes.",
    ),
}
#: Seconds after which to come back where the base is away.
BASE_BACK = 30
EXPIRED = Page(
    "Formulaire expiré",
    "Le formulaire a expiré. Rechargez la page, votre saisie enregistrée est conservée.",
    "Si le message revient, reconnectez-vous.",
)
#: To who has switched centres since the sign-in.
EXPIRED_OR_SWITCHED = Page(
    EXPIRED.title,
    "Le formulaire a expiré, ou concernait un autre centre que celui choisi depuis : rien n’a été fait.",
    "Vérifiez le centre affiché en haut de l’écran, puis rechargez la page.",
)


def _said(error: HTTPException) -> Page:
    """Return what to say; a sentence given to `abort()` in French takes the place of the general one."""
    if isinstance(error, CSRFError):
        return EXPIRED_OR_SWITCHED if session.get(SWITCHED) else EXPIRED
    page = PAGES.get(error.code or 500) or PAGES[500 if (error.code or 500) >= 500 else 400]
    return Page(page.title, error.description or "", page.advice) if _is_ours(error) else page


def _is_ours(error: HTTPException) -> bool:
    """Tell whether the description was written for `abort()` by a screen; werkzeug's own are in English."""
    plain = default_exceptions.get(error.code or 0)
    return type(error) is plain and (error.code or 500) < 500 and error.description != plain.description


def wants_json() -> bool:
    """Tell whether the caller asks for JSON: the API's addresses, or an Accept header that prefers it."""
    accept = request.accept_mimetypes
    return request.path.startswith("/api/") or accept["application/json"] > accept["text/html"]


def answer(page: Page, code: int, *, bare: bool = True) -> Response:
    """Return an error as who asks reads it; ``bare``: around one of 500 and more stands nothing that was read from the base."""
    if request_ctx.url_adapter is None:  # a host that is not ours: no address can be made, so no page either
        return make_response(
            "Cette adresse n’est pas celle du service.\n", 400, {"Content-Type": "text/plain; charset=utf-8"}
        )
    if wants_json():
        return _problem(page, code)
    if code >= 500 and bare:
        lay_bare()
    if is_htmx():
        response = make_response(render_template("shell/errors/fragment.html", error=page, code=code), code)
        response.headers["HX-Retarget"], response.headers["HX-Reswap"] = "#messages", "innerHTML"
        return response
    return make_response(render_template("shell/errors/page.html", error=page, code=code, title=page.title), code)


def _problem(page: Page, code: int) -> Response:
    """Return the error as `application/problem+json` (RFC 9457)."""
    name = HTTP_STATUS_CODES.get(code, "error").lower().replace(" ", "_")
    body = {"type": "about:blank", "title": page.title, "status": code, "detail": page.sentence, "code": name}
    return make_response(json.dumps(body, ensure_ascii=False), code, {"Content-Type": "application/problem+json"})


def _on_http_error(error: HTTPException) -> Response:
    if error.response is not None or (error.code or 500) < 400:
        return error.get_response()  # a redirection, or an answer made by the screen itself
    if isinstance(error, CSRFError) and not session.get(SWITCHED) and (back := after_a_void_token()):
        return back
    response = answer(_said(error), error.code or 500)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After", "WWW-Authenticate"):
            response.headers[name] = value
    return response


def _on_failure(error: InternalServerError) -> Response:
    """Answer an unforeseen failure; Flask has written it to the log with its trace, the screen shows none.

    Also one that struck while another error was being answered, or a made answer finished: the base may have gone then.
    """
    if isinstance(error.original_exception, OperationalError):
        return _on_base_away(error.original_exception)
    _ask_the_base_no_more()
    return answer(PAGES[500], 500)


def _on_base_away(error: OperationalError) -> Response:
    """Answer while the base is away or overloaded. The log names the failure, never the values of the statement."""
    _ask_the_base_no_more()
    log.error("base away", error=type(error.orig).__name__, endpoint=request.endpoint)
    response = answer(PAGES[503], 503)
    response.headers["Retry-After"] = str(BASE_BACK)
    return response


def _ask_the_base_no_more() -> None:
    """Let go of what was begun. Nobody is signed in for this answer: templates would have the person read once more."""
    with suppress(DBAPIError):
        db.session.rollback()
    g._login_user = current_app.login_manager.anonymous_user()  # type: ignore[attr-defined]


def register(app: Flask) -> None:
    """Answer every error of every screen."""
    app.register_error_handler(OperationalError, _on_base_away)
    app.register_error_handler(HTTPException, _on_http_error)
    app.register_error_handler(500, _on_failure)
