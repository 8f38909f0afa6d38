"""« Gestionnaires et droits »: who may do what at a centre. One screen for its legal representatives, one for agents."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, g, make_response, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response
from wtforms import Form, SelectField, StringField
from wtforms.validators import InputRequired

from app.extensions import db
from app.french.words import of
from app.models import Centre, Membership
from app.models.centre import LEGAL_REPRESENTATIVE, MANAGER, MEMBER_ROLES, RIGHTS
from app.services.core.refusal import Refusal
from app.services.rights import checklist, members
from app.services.rights import invitations as member_invitations
from app.services.rights import mail as member_mail
from app.views.shell.base import Screen, require_representative

from . import grants

PLACE, INVITATION = "<int:place_id>", "<int:invitation_id>"
CENTRE_PART = "<int:centre_id>"
#: After an agent has sent an invitation, the centre's page says what comes next.
_LEADS_TO_CENTRE = {"CentrePeopleView.invite", "CentrePeopleView.resend"}


class InviteForm(Form):  # type: ignore[misc]
    """Whom to invite, and for what."""

    email = StringField("Adresse électronique", [InputRequired("Saisissez une adresse électronique.")])
    role = SelectField("Fonction", choices=list(MEMBER_ROLES.items()), default=MANAGER, validate_choice=False)


class PeopleScreen(Screen):
    """What both screens do; where they stand and whom they let in is their own."""

    def centre(self, centre_id: int) -> Centre:
        """Return the centre meant, or answer 403 or 404."""
        raise NotImplementedError

    def to(self, handler: str, **values: Any) -> str:
        """Return the address of one of this screen's handlers."""
        return url_for(f"{type(self).__name__}.{handler}", **{**(request.view_args or {}), **values})

    @expose("/")
    def index(self, centre_id: int = 0) -> str:
        """Show the matrix, the invitations that wait, and the form to invite."""
        centre = self.centre(centre_id)
        return self._page(centre, InviteForm(role=self.role_to_propose(centre)))

    @expose("/inviter", methods=["POST"])
    def invite(self, centre_id: int = 0) -> Response:
        """Invite an address."""
        centre, form = self.centre(centre_id), InviteForm(request.form)
        if not form.validate():
            return make_response(self._page(centre, form), 422)
        role = form.role.data or MANAGER
        try:
            address = member_invitations.invite(centre.id, form.email.data, role, g.user.id, grants.wanted())
        except Refusal as refusal:
            form.email.errors = [refusal.message]
            return make_response(self._page(centre, form), 422)
        return self._done(f"Une invitation part à l’adresse {address}. Elle est valable 7 jours.")

    @expose(f"/invitations/{INVITATION}/renvoyer", methods=["POST"])
    def resend(self, invitation_id: int, centre_id: int = 0) -> Response:
        """Send an invitation again, under a new link."""
        address = member_invitations.resend(self.centre(centre_id).id, invitation_id, g.user.id)
        return self._done(f"L’invitation repart à l’adresse {address}. Le lien précédent ne sert plus.")

    @expose(f"/invitations/{INVITATION}/annuler", methods=["POST"])
    def cancel(self, invitation_id: int, centre_id: int = 0) -> Response:
        """Make an invitation worthless."""
        member_invitations.cancel(self.centre(centre_id).id, invitation_id, g.user.id)
        return self._done("L’invitation est annulée : son lien ne sert plus.")

    @expose(f"/{PLACE}", methods=["GET", "POST"])
    def member(self, place_id: int, centre_id: int = 0) -> Response:
        """Show a person's rights, or set them."""
        centre = self.centre(centre_id)
        place = self._place(place_id, centre)
        if request.method != "POST":
            return make_response(self._member_page(centre, place, grants.held(place)))
        try:
            changed = members.set_rights(centre.id, place_id, grants.wanted(), g.user.id)
        except Refusal as refusal:
            return make_response(self._member_page(centre, place, grants.typed(), refusal.message), 422)
        name = place.person.full_name
        return self._done(f"Les droits {of(name)} sont modifiés, dès maintenant." if changed else "Rien n’a changé.")

    @expose(f"/{PLACE}/fin", methods=["POST"])
    def end(self, place_id: int, centre_id: int = 0) -> Response:
        """End a person's place."""
        centre = self.centre(centre_id)
        name = self._place(place_id, centre).person.full_name
        members.end(centre.id, place_id, g.user.id)
        return self._done(f"{name} n’intervient plus pour ce centre.")

    def role_to_propose(self, centre: Centre) -> str:
        """Return the role an invitation is for unless another is chosen."""
        return MANAGER

    def _place(self, place_id: int, centre: Centre) -> Membership:
        return members.place(place_id, centre.id) or abort(404, members.NobodyThere.message)

    def _page(self, centre: Centre, form: InviteForm) -> str:
        invitations = member_invitations.waiting(centre.id)
        return str(
            self.render_template(
                "rights/matrix.html",
                centre=centre,
                form=form,
                places=members.of_centre(centre.id),
                rights=RIGHTS,
                grants=members.grants,
                roles=MEMBER_ROLES,
                invitations=invitations,
                promised=member_mail.promised,
                letters=member_mail.letters(invitations),
                has_run_out=member_invitations.has_run_out,
                **grants.known(centre.id, grants.typed()),
                **self.shared(centre),
            )
        )

    def _member_page(self, centre: Centre, place: Membership, chosen: dict[str, Any], refused: str = "") -> str:
        return str(
            self.render_template(
                "rights/member.html",
                centre=centre,
                place=place,
                refused=refused,
                rights=RIGHTS,
                **grants.known(centre.id, chosen),
                is_representative=place.role == LEGAL_REPRESENTATIVE,
                roles=MEMBER_ROLES,
                **self.shared(centre),
            )
        )

    def shared(self, centre: Centre) -> dict[str, Any]:
        """Return what every page of this screen needs to know of it."""
        return {"to": self.to, "for_agent": isinstance(self, CentrePeopleView)}

    def _done(self, said: str) -> Response:
        flash(said, "success")
        if request.endpoint in _LEADS_TO_CENTRE:
            return redirect(url_for("CentresView.show", pk=(request.view_args or {})["centre_id"]))
        values = {name: value for name, value in (request.view_args or {}).items() if name == "centre_id"}
        return redirect(url_for(f"{type(self).__name__}.index", **values))


class MyPeopleView(PeopleScreen):
    """`/mon-centre/droits/`: for the centre's legal representatives."""

    route_base = "/mon-centre/droits"
    class_permission_name = "MyCentre"

    def centre(self, centre_id: int) -> Centre:
        """Return the current centre; 403 for anybody but its legal representatives."""
        return require_representative().centre


class CentrePeopleView(PeopleScreen):
    """`/centres/<id>/personnes/`: for agents, who also name legal representatives and close accounts."""

    route_base = f"/centres/{CENTRE_PART}/personnes"
    class_permission_name = "CentrePeople"
    #: An agent ends a place with a reason: « Retirer » of the lists.
    exclude_route_methods = {"end"}

    def centre(self, centre_id: int) -> Centre:
        """Return the centre of the address."""
        return db.session.get(Centre, centre_id) or abort(404, "Ce centre n’existe pas.")

    def role_to_propose(self, centre: Centre) -> str:
        """Return the legal representative's while the centre has none."""
        has_one = any(place.role == LEGAL_REPRESENTATIVE for place in members.of_centre(centre.id))
        return MANAGER if has_one else LEGAL_REPRESENTATIVE

    def shared(self, centre: Centre) -> dict[str, Any]:
        """Return what every page needs, and the centre's tasks with where an agent does them."""
        asked = f"?_flt_0_centre={centre.id}"
        links = {
            "contract": f"/contrats/add{asked}",
            "accreditation": f"/agrements/add{asked}",
            "representative": f"/centres/{centre.id}/personnes/#inviter",
            "managers": f"/centres/{centre.id}/personnes/#inviter",
        }
        found = checklist.tasks(centre.id)
        left = {key: href for key, href in links.items() if not next(t for t in found if t.key == key).done}
        return {**super().shared(centre), "tasks": found, "task_links": left, "is_open": checklist.is_open(found)}
