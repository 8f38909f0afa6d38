"""« Mes sessions »: whom to register and how, drafts to take up again, last registrations; or what is still missing."""

from __future__ import annotations

from flask import flash, g, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.models.centre import LEGAL_REPRESENTATIVE, REGISTER, TRAINERS
from app.services.core import clock
from app.services.imports import desk as import_desk
from app.services.reference import pricing
from app.services.registration import desk as registration_desk
from app.services.registration import drafts
from app.services.rights import access, checklist, wishes
from app.services.trainers import drafts as trainer_drafts
from app.views.shell import filters
from app.views.shell.base import Screen, current_centre_id, place_or_403, require_right
from app.views.shell.reading import trainer_step

from .forms import BY_HAND, DRIVER, TRAINER, TRAINER_PROFILES, ChoiceForm


class SessionsView(Screen):
    """`/sessions/` and the start of a registration by hand."""

    route_base = "/sessions"
    class_permission_name = "Sessions"

    @expose("/")
    def index(self) -> str:
        """Show the choice of profile and mode, or the list of what is missing and who can mend it."""
        place = place_or_403()
        tasks, trainer_tasks = access.tasks(place, REGISTER), access.tasks(place, TRAINERS)
        is_open, trains = all(task.done for task in tasks), all(task.done for task in trainer_tasks)
        if not (is_open or trains):
            links = checklist.ADDRESSES if place.role == LEGAL_REPRESENTATIVE else {}
            told = {"tasks": tasks, "links": links, "asking": wishes.standing(place, REGISTER)}
            return str(self.render_template("registration/missing.html", centre=place.centre, **told))
        return str(
            self.render_template(
                "registration/index.html",
                choice=ChoiceForm(request.args, profil=DRIVER if is_open else TRAINER),
                tasks=[] if is_open else tasks,
                trainer_tasks=[] if trains else trainer_tasks,
                prices=registration_desk.prices(),
                fee=pricing.fee_told(clock.today()),
                resumable=registration_desk.resumable(place.centre_id) if is_open else [],
                unfinished=import_desk.unfinished(place.centre_id) if is_open else [],
                last=registration_desk.last_session(place.centre_id, g.user.id) if is_open else None,
                registered=registration_desk.last_registered(place.centre_id) if is_open else [],
                trainers=trainer_drafts.resumable(place.centre_id) if trains else [],
                step_address=trainer_step,
                step_of=trainer_drafts.step_of,
            )
        )

    @expose("/nouveau", methods=["POST"])
    def start(self) -> Response:
        """Start a draft by hand; a mode that has its own door leads back to where that door is."""
        form = ChoiceForm(request.form)
        if not form.validate():
            flash("Choisissez un profil et un mode d’enregistrement de la liste.", "danger")
            return redirect(url_for("SessionsView.index"))
        if form.profil.data in TRAINER_PROFILES:
            return self._start_trainer(TRAINER_PROFILES[form.profil.data])
        require_right(REGISTER)
        if form.mode.data != BY_HAND:
            return redirect(url_for("SessionsView.index", profil=form.profil.data, mode=form.mode.data))
        batch = drafts.start(current_centre_id(), g.user.id)
        return redirect(url_for("WizardView.training", key=batch.key))

    @expose("/reprendre", methods=["POST"])
    def again(self) -> Response:
        """« Reprendre la dernière session »: a draft of the same training and date; its order number is proposed in step 2."""
        require_right(REGISTER)
        centre_id = current_centre_id()
        last = registration_desk.last_session(centre_id, g.user.id)
        if last is None:
            flash("Vous n’avez encore enregistré aucune session manuellement : choisissez une formation.", "danger")
            return redirect(url_for("SessionsView.index"))
        batch = drafts.start(centre_id, g.user.id)
        try:
            drafts.choose_training(batch.id, last.training.id, filters.day(last.end_date), g.user.id)
        except drafts.LineRefused as refusal:
            flash(f"La dernière session ne peut pas être reprise. {refusal.message}.", "danger")
            return redirect(url_for("WizardView.training", key=batch.key))
        return redirect(url_for("WizardView.drivers", key=batch.key))

    def _start_trainer(self, profile: str) -> Response:
        """Start a draft of a trainer or an instructor, who are registered by hand only."""
        require_right(TRAINERS)
        return redirect(trainer_step(trainer_drafts.start(current_centre_id(), g.user.id, profile), 1))
