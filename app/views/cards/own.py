"""« Demander ma carte »: the holder's own requests, step by step, and where each stands."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, g, make_response, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.models import CardRequest, Driver
from app.models.card import CARD_STATES, DRAFT, HOLDER, REFUSED
from app.services.cards import payment
from app.services.cards import requests as card_requests
from app.services.drivers import space as driver_space
from app.services.reference import pricing
from app.services.reference.pricing import Fee
from app.services.storage import pictures
from app.views.crud.widgets import CARD_TAGS
from app.views.shell.base import Screen
from app.views.shell.files import picture

from .forms import PaymentForm, PicturesForm, PostalForm

STEPS = ("Adresse", "Photo et signature", "Paiement", "Récapitulatif")
#: Steps as `services.cards.requests` names what is missing, in their order; the last one is the summary.
_ORDER = (card_requests.ADDRESS, card_requests.PICTURES, card_requests.PAYMENT)
_HANDLERS = ("address", "pictures", "payment", "summary")
KEY = "/<string(length=16):key>"
NOT_FOUND = "Cette demande de carte n’existe pas, ou n’est pas la vôtre."


def step_address(asked: CardRequest, step: int) -> str:
    """Return the address of a step, from 1."""
    return url_for(f"CardRequestView.{_HANDLERS[step - 1]}", key=asked.key)


def reached(asked: CardRequest) -> int:
    """Return the furthest step that may be opened, from 1."""
    missing = card_requests.missing(asked)
    return _ORDER.index(missing[0]) + 1 if missing else len(STEPS)


def fee_or_none(asked: CardRequest) -> Fee | None:
    """Return the fee to show; None while none is in force (sending the request says so)."""
    try:
        return pricing.fee_of(asked)
    except pricing.NoFee:
        return None


def picture_answer(asked: CardRequest, kind: str) -> Response:
    """Return a picture as kept, by no cache on the way; 404 for one that is not there."""
    if kind not in pictures.TYPES:
        abort(404, NOT_FOUND)
    return picture(lambda: card_requests.picture(asked, kind), kind, kind)


class CardRequestView(Screen):
    """`/mon-espace/carte/…`: one's own only; another person's is not found."""

    route_base = "/mon-espace/carte"
    class_permission_name = "CardRequest"

    @expose("/", methods=["POST"])
    def begin(self) -> Response:
        """Begin a request on a ground, or lead to the one begun before."""
        kind, _, number = request.form.get("ground", "").partition("-")
        if not (number.isascii() and number.isdigit() and len(number) < 10):
            abort(404, NOT_FOUND)
        return redirect(_here(card_requests.begin(_driver(), kind, int(number))))

    @expose(KEY)
    def show(self, key: str) -> Response | str:
        """Show where a request stands; a draft leads to its first step still to be done."""
        asked = _own(key)
        if asked.state == DRAFT:
            return redirect(step_address(asked, reached(asked)))
        until = card_requests.correct_until(asked)
        return self._page("cards/show.html", asked, 0, until=until, may_correct=not card_requests.is_too_late(asked))

    @expose(f"{KEY}/adresse", methods=["GET", "POST"])
    def address(self, key: str) -> Response | str:
        """Step 1: where the card is sent."""
        asked = _editable(key, 1)
        form = PostalForm(request.form, asked)
        if request.method == "POST" and form.validate():
            card_requests.set_address(asked, form.postal)
            return redirect(step_address(asked, 2))
        return self._page("cards/address.html", asked, 1, form)

    @expose(f"{KEY}/photo", methods=["GET", "POST"])
    def pictures(self, key: str) -> Response | str:
        """Step 2: the photo and the signature."""
        asked = _editable(key, 2)
        form = PicturesForm()
        if request.method == "POST" and _took(asked, form):
            return redirect(step_address(asked, 3))
        return self._page("cards/pictures.html", asked, 2, form)

    @expose(f"{KEY}/paiement", methods=["GET", "POST"])
    def payment(self, key: str) -> Response | str:
        """Step 3: who pays, and by what means."""
        asked = _editable(key, 3)
        form = PaymentForm(request.form, request=asked)
        to_pay = asked.payer == HOLDER and not asked.payment_reference
        if request.method == "POST" and (not to_pay or form.validate()):
            if to_pay:
                card_requests.set_means(asked, form.means.data)
            return redirect(step_address(asked, 4))
        return self._page("cards/payment.html", asked, 3, form, to_pay=to_pay)

    @expose(f"{KEY}/recapitulatif", methods=["GET", "POST"])
    def summary(self, key: str) -> Response | str:
        """Step 4: all that is sent, shown once more; then pay and send."""
        asked = _editable(key, 4)
        if request.method == "POST":
            try:
                card_requests.submit(asked.id, g.user.id)
            except payment.Declined as refusal:
                flash(refusal.message, "danger")
                return redirect(step_address(asked, 3))
            return redirect(_here(asked))
        return self._page("cards/summary.html", asked, 4)

    @expose(f"{KEY}/image/<kind>")
    def image(self, key: str, kind: str) -> Response:
        """Send one of the two pictures of one's own request."""
        return picture_answer(_own(key), kind)

    @expose(f"{KEY}/abandonner", methods=["POST"])
    def cancel(self, key: str) -> Response:
        """Give a draft up."""
        card_requests.cancel(_own(key), g.user.id)
        flash("La demande est abandonnée ; sa photo et sa signature sont supprimées.", "success")
        return redirect("/mon-espace/")

    def _page(self, template: str, asked: CardRequest, step: int, form: Any = None, **told: Any) -> Response:
        page = self.render_template(
            template,
            asked=asked,
            form=form,
            steps=STEPS,
            step=step,
            states=CARD_STATES,
            tags=CARD_TAGS,
            step_links=[step_address(asked, at) for at in range(1, step)],
            provider=payment.provider(),
            who_pays=card_requests.who_pays(asked),
            fee=fee_or_none(asked),
            **told,
        )
        return make_response(page, 422 if form is not None and form.errors else 200)


def _took(asked: CardRequest, form: PicturesForm) -> bool:
    """Keep the pictures that were sent; what is refused, or missing, is said on its field."""
    for kind, path in ((pictures.PHOTO, asked.photo_path), (pictures.SIGNATURE, asked.signature_path)):
        sent = request.files.get(kind)
        try:
            if sent is not None and sent.filename:
                card_requests.set_picture(asked, kind, sent.stream)
            elif not path:
                form[kind].errors = [
                    "Choisissez votre photo." if kind == pictures.PHOTO else "Choisissez l’image de votre signature."
                ]
        except pictures.PictureRefused as refusal:
            form[kind].errors = [refusal.message]
    return not form.errors


def _driver() -> Driver:
    return driver_space.driver_of(g.user.id) or abort(404, NOT_FOUND)


def _own(key: str) -> CardRequest:
    return card_requests.own(_driver(), key) or abort(404, NOT_FOUND)


def _editable(key: str, step: int) -> CardRequest:
    """Return a request that may still be changed; one that was sent, or a step not reached yet, leads elsewhere."""
    asked = _own(key)
    if not asked.is_editable:
        abort(redirect(_here(asked)))
    if asked.state == REFUSED and card_requests.is_too_late(asked):
        flash(card_requests.TooLate.message, "danger")
        abort(redirect(_here(asked)))
    if reached(asked) < step:
        abort(redirect(step_address(asked, reached(asked))))
    return asked


def _here(asked: CardRequest) -> str:
    return url_for("CardRequestView.show", key=asked.key)
