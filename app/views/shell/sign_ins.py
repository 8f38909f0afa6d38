"""A sign-in in this browser: begun, ended after a time without a request or in all, with the reason told at the next one."""

from __future__ import annotations

import time

from flask import Flask, after_this_request, current_app, g, redirect, request, session, url_for
from flask_appbuilder.utils.base import get_safe_redirect
from flask_login import login_user, logout_user
from sqlalchemy import inspect
from werkzeug.wrappers import Response

from app.models import Person
from app.services.accounts import known_browser, second_factor, sign_in
from app.services.accounts.known_browser import Browser
from app.services.core import actor
from app.services.core.numbers import count_of
from app.services.rights import access

from .headers import parts_of
from .resume.owner import void_forms

#: Keys of the cookie: seconds since 1970 of the sign-in and of the last request, seconds it may be idle, whether a second
#: factor must be set up first, why the last sign-in ended.
SINCE, SEEN, IDLE, MUST_ENROL, ENDED = "since", "seen", "idle", "must_enrol", "ended"
OWN_KEYS = (SINCE, SEEN, IDLE, MUST_ENROL)
#: The long-lived cookie by which an account knows its browsers (`services.known_browser`).
BROWSER = "navigateur"
#: The cookie is written again at most so often (seconds).
PRECISION = 60
EXPIRED, TOO_LONG, CLOSED = "expired", "too_long", "closed"
#: Where one may go before the second factor is set up.
OPEN_BEFORE = ("static", "LoginView.", "SecondFactorView.", "pages.", "health.")


def begin(person: Person, how: str) -> None:
    """Sign a person in, in this browser; ``how`` they showed who they are goes to the journal."""
    # By its identity: an account just opened is not seen by the public, who it still is.
    actor.be(actor.person(inspect(person).identity[0]))
    _start_afresh()
    login_user(person, remember=False)
    stamp(person)
    _remember(person)
    sign_in.note(person, how)


def stamp(person: Person) -> None:
    """Start the sign-in's clocks, as the person's place at the register asks."""
    minutes = current_app.config["IDLE_MINUTES_PRIVILEGED" if second_factor.is_privileged(person) else "IDLE_MINUTES"]
    if session.get("centre_id") not in {place.centre_id for place in access.memberships(person.id)}:
        session.pop("centre_id", None)  # somebody else's, who used this browser before
    session[SINCE] = session[SEEN] = int(time.time())
    session[IDLE] = minutes * 60
    void_forms(person.id)
    if second_factor.must_enrol(person):
        session[MUST_ENROL] = True


def browser() -> Browser:
    """Return the browser of this request, with the accounts that know it."""
    return known_browser.read(request.cookies.get(BROWSER, ""))


def _start_afresh() -> None:
    """Empty the cookie, which somebody may have planted, but for the centre one worked for; forms of before are void."""
    kept = {key: session[key] for key in ("centre_id",) if key in session}
    session.clear()
    session.update(kept)
    void_forms()


def _remember(person: Person) -> None:
    """Have the browser keep that the person signed in from it."""
    text = known_browser.remember(browser(), person)

    @after_this_request
    def keep(response: Response) -> Response:
        response.set_cookie(
            BROWSER,
            text,
            max_age=known_browser.HOLDS,
            httponly=True,
            samesite="Lax",
            secure=current_app.config["SESSION_COOKIE_SECURE"],
        )
        return response


def renew(person: Person) -> None:
    """Keep this browser signed in after the person's token was renewed; the clock of the whole sign-in runs on."""
    login_user(person, remember=False)


def end(why: str = "") -> None:
    """End the sign-in in this browser; ``why`` is told on the sign-in page."""
    logout_user()
    for key in OWN_KEYS:
        session.pop(key, None)
    if why:
        session[ENDED] = why


def seconds_left() -> int:
    """Return how long this browser may surely stay without a request: its clock is only written every `PRECISION`."""
    return max(0, int(session.get(IDLE, 0)) - PRECISION)


def why_ended() -> str:
    """Return the sentence that says why the last sign-in ended, once."""
    idle = count_of(current_app.config["SESSION_HOURS"], "heure", "heures")
    sentences = {
        EXPIRED: "Votre session a expiré : aucune action pendant un moment. Ce qui était enregistré est conservé.",
        TOO_LONG: f"Votre session a expiré : elle dure {idle} au plus. Ce qui était enregistré est conservé.",
        CLOSED: "Votre session a été fermée : déconnexion, changement de mot de passe ou fermeture du compte.",
    }
    return sentences.get(session.pop(ENDED, ""), "")


def wanted() -> str:
    """Return the page the person asked for before signing in, when it is one of ours; else the first page."""
    asked = request.args.get("next", "")
    return str(get_safe_redirect(asked)) if asked else "/"


def page_asked() -> str:
    """Return where to come back to after signing in: this page, or for a form sent the page it stood on."""
    if request.method in ("GET", "HEAD"):
        return request.full_path.rstrip("?")
    parts = parts_of(request.referrer or "")
    if f"{parts.scheme}://{parts.netloc}/" != request.host_url:
        return "/"
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _guard() -> Response | None:
    """End what has lasted too long; lead who must set up a second factor to where it is done."""
    if (request.endpoint or "").endswith("static"):
        return None
    if not g.user.is_authenticated:
        if "_user_id" in session:
            end(CLOSED)
        return None
    now = int(time.time())
    since, seen, idle = (int(session.get(key, 0)) for key in (SINCE, SEEN, IDLE))
    if now - since > current_app.config["SESSION_HOURS"] * 3600:
        end(TOO_LONG)
    elif now - seen > idle:
        end(EXPIRED)
    elif now - seen >= PRECISION:
        session[SEEN] = now
    if not g.user.is_authenticated or (request.endpoint or "").startswith(OPEN_BEFORE):
        return None
    if second_factor.must_enrol(g.user):  # asked each time: it may be reset, or asked for, during a sign-in
        session[MUST_ENROL] = True
        return redirect(url_for("SecondFactorView.index"))
    return None


def register(app: Flask) -> None:
    """Look at the sign-in before every screen."""
    app.before_request(_guard)
