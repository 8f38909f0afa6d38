"""What people are told on every page, and what they may still do while the register is only read: their drafts."""

from __future__ import annotations

from urllib.parse import quote

from flask import Flask, g, request
from werkzeug.wrappers import Response

from app.services.operations import incidents

from .base import READING
from .errors import Page, answer

#: Endpoints that write, and stay open while people may only read: signing in, drafts, readings that are sent as a form, and
#: the message itself. Whatever is not named here is refused: a new screen is, until somebody adds it.
OPEN = frozenset(
    (
        "LoginView.login", "LoginView.code", "LoginView.logout", "CentreSwitchView.switch",
        "IncidentsView.declare", "IncidentsView.end",
        # Drafts: sessions, files being corrected, trainers, card requests.
        "SessionsView.start", "SessionsView.again", "WizardView.training", "WizardView.check",
        "LinesView.add", "LinesView.change", "LinesView.remove", "LinesView.correct", "LinesView.field", "LinesView.paste",
        "LinesView.paste_again", "LinesView.add_pasted", "LinesView.fill", "LinesView.restore", "CellsView.cell",
        "CorrectionsView.cell", "CorrectionsView.aside", "CorrectionsView.suggestion", "CorrectionsView.undo",
        "TrainersView.person", "TrainersView.field", "TrainersView.terms",
        "CardRequestView.begin", "CardRequestView.address", "CardRequestView.pictures",
        # Readings.
        "verification.holder", "verification.file", "lot.answer", "api_v1.analyses",
        "CorrectionView.effects", "SeveralView.effects", "TrainerRightView.effects", "IdentityCorrectionView.effects",
    )
)  # fmt: skip


def is_refused() -> incidents.Notice | None:
    """Return the message because of which this request is not served; None for one that is."""
    if request.method in READING or request.endpoint is None or request.endpoint in OPEN:
        return None
    return incidents.closed()


def _refuse_writes() -> Response | None:
    """Answer a write with one sentence; the API answers its own calls, as a problem."""
    if request.path.startswith("/api/v1/") or (notice := is_refused()) is None:
        return None
    g.announced = True
    page = Page("Lecture seule", incidents.READ_ONLY, notice.text)
    response = answer(page, 503, bare=False)
    response.headers["Retry-After"] = str(incidents.retry_after(notice))
    return response


def _tell_programs(response: Response) -> Response:
    """Tell callers of the API, in a header, what people are told on their pages (RFC 8187: it may hold any letter)."""
    if request.path.startswith("/api/v1/"):
        told = incidents.current()
        if told:
            response.headers["Registre-Message"] = "UTF-8''" + quote(" ".join(one.text for one in told), safe="")
        if any(one.read_only for one in told):
            response.headers["Registre-Read-Only"] = "true"
    return response


def register(app: Flask) -> None:
    """Look at every write before its screen."""
    app.before_request(_refuse_writes)
    app.after_request(_tell_programs)
    app.jinja_env.globals["incidents"] = incidents.current
