"""« Mes imports »: sending a file, following its analysis, finding it again."""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from flask import abort, flash, g, redirect, request, send_file, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.models import ImportFile
from app.models.batch import ANALYSING, CANCELLED, FAILED, PHASES, REFUSED, REGISTERED, REGISTERING, STATES
from app.models.centre import REGISTER
from app.services.core import clock
from app.services.imports import annotated_workbook, intake, template_workbook
from app.services.imports import desk as import_desk
from app.services.registration import batches, drafts
from app.services.rights import access
from app.views.shell.base import Screen, current_centre_id, require_right
from app.views.shell.reading import lead, number_of, word_of

from .report import import_file, report_page

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: The annotated file of some thousand lines is made in memory, a larger one on disk.
_IN_MEMORY = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Step:
    """A phase of the analysis on screen. ``state``: done, now or todo; ``count``: « 12 000 / 50 000 » or nothing."""

    label: str
    text: str
    state: str
    done: int = 0
    total: int = 0


#: What each phase does, in words.
_DONE_IN = {
    "antivirus": "Recherche de contenus dangereux",
    "reading": "En-têtes et lignes du fichier",
    "checking": "Agrément, formats, dates, doublets, comptes",
    "storing": "Compteurs, tri des lignes",
}

#: Phase → per cent done when it starts, and its own share.
_SHARES = {"antivirus": (5, 5), "reading": (10, 20), "checking": (30, 40), "storing": (70, 30)}


def steps_of(file: ImportFile) -> list[Step]:
    """Return the phases of an analysis, those behind, the present one, those to come."""
    order = list(PHASES)
    now = order.index(file.phase) if file.phase in order else -1
    states = ["done" if at < now else "now" if at == now else "todo" for at in range(len(order))]
    counts = [(file.done, file.total) if at == now else (0, 0) for at in range(len(order))]
    told = zip(order, states, counts, strict=True)
    return [Step(PHASES[phase], _DONE_IN[phase], state, *count) for phase, state, count in told]


class ImportsView(Screen):
    """`/imports/…`: from the list to the report."""

    route_base = "/imports"
    class_permission_name = "CentreImports"
    default_view = "index"

    @expose("/", methods=["GET", "POST"])
    def index(self) -> Response | str:
        """List the centre's imports, or take a file in and lead to its analysis."""
        require_right(REGISTER)
        if request.method == "POST":
            return self._receive()
        wanted = word_of("etat", import_desk.FILTERS)
        listing = import_desk.listing(current_centre_id(), wanted, number_of("page"))
        return str(
            self.render_template(
                "imports/list.html", listing=listing, wanted=wanted, filters=import_desk.FILTERS, states=STATES
            )
        )

    def _receive(self) -> Response:
        sent = request.files.get("file")
        if sent is None or not sent.filename:
            flash("Choisissez un fichier XLSX ou XLS avant de l’envoyer.", "danger")
            return lead(url_for("ImportsView.index"))
        batch = intake.receive(current_centre_id(), g.user.id, sent.filename, sent.stream)
        return lead(url_for("ImportsView.show", key=batch.key))

    @expose("/modele.xlsx")
    def template(self) -> Response:
        """Give the model of the file, with the trainings the centre is accredited for today."""
        require_right(REGISTER)
        trainings = drafts.open_trainings(current_centre_id(), clock.today(), access.Reach(g.user.id))
        book = template_workbook.build([(training.label, training.category.value) for training in trainings])
        return send_file(io.BytesIO(book), _XLSX, as_attachment=True, download_name="modele-import-formations.xlsx")

    @expose("/<key>")
    def show(self, key: str) -> Response | str:
        """Show where an import stands: its analysis, why it was refused, its report, or lead to its receipt."""
        file = import_file(key)
        state = file.batch.state
        if state == REGISTERED:
            return redirect(url_for("ReceiptView.show", key=key))
        if state == CANCELLED:
            flash(f"L’import de « {file.name} » a été annulé : ses lignes ont été supprimées.", "warning")
            return redirect(url_for("ImportsView.index"))
        if state == ANALYSING:
            return str(self.render_template("imports/progress.html", **_progress(file)))
        if state == REGISTERING:
            return str(self.render_template("imports/registering.html", file=file, batch=file.batch))
        if state in (REFUSED, FAILED):
            told = {"file": file, "batch": file.batch, "is_broken": state == FAILED}
            return str(self.render_template("imports/refused.html", **told))
        return report_page(self, file)

    @expose("/<key>/etat")
    def state(self, key: str) -> Response | str:
        """Return how far the analysis or the registration is; once it has ended, an order to show its outcome."""
        file = import_file(key)
        if file.batch.state == REGISTERING:
            return str(self.render_template("imports/registering_state.html", batch=file.batch))
        if file.batch.state == REGISTERED:
            return lead(url_for("ReceiptView.show", key=key, nouveau=1))
        if file.batch.state != ANALYSING:
            return lead(url_for("ImportsView.show", key=key))
        return str(self.render_template("imports/phases.html", **_progress(file)))

    @expose("/<key>/annote.xlsx")
    def annotated(self, key: str) -> Response:
        """Give back the person's own lines, with what is said of each."""
        file = import_file(key)
        if not file.batch.is_open and file.batch.state != REGISTERED:
            abort(404, "Cet import n’a pas de rapport à télécharger.")
        target = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  Flask closes it once it is sent
        rows, addresses = import_desk.annotated(file.batch_id), file.batch.bears_addresses
        annotated_workbook.write(rows, target, addresses=addresses)  # type: ignore[arg-type]
        target.seek(0)
        name = f"{PurePath(file.name).stem[:80]}-annote.xlsx"
        return send_file(target, _XLSX, as_attachment=True, download_name=name)  # type: ignore[arg-type]

    @expose("/<key>/annuler", methods=["GET", "POST"])
    def cancel(self, key: str) -> Response | str:
        """« Annuler »: ask on a page of its own (the dialog, without scripts), then delete the lines."""
        file = import_file(key)
        if request.method != "POST":
            return str(self.render_template("imports/cancel.html", file=file, batch=file.batch))
        batches.cancel(file.batch_id, g.user.id)
        flash(f"L’import de « {file.name} » a été annulé : rien n’a été enregistré.", "success")
        return lead(url_for("ImportsView.index"))

    @expose("/<key>/relancer", methods=["POST"])
    def restart(self, key: str) -> Response:
        """« Relancer »: analyse again a file whose analysis failed."""
        import_desk.restart(import_file(key).batch_id, g.user.id)
        return redirect(url_for("ImportsView.show", key=key))


def _progress(file: ImportFile) -> dict[str, Any]:
    steps = steps_of(file)
    now = next((step for step in steps if step.state == "now"), None)
    return {"file": file, "batch": file.batch, "steps": steps, "now": now, "percent": _percent(file)}


def _percent(file: ImportFile) -> int:
    """Return how much of the whole analysis is done, in per cent: each phase has its usual share of the time."""
    start, share = _SHARES.get(file.phase, (0, 0))
    return round(start + share * (file.done / file.total if file.total else 0))
