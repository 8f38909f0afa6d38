"""« Facturation », for agents: what the invoicing platform says that waits for somebody, and what an agent does about it."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, g, redirect, request, url_for
from flask_appbuilder import expose
from werkzeug.wrappers import Response

from app.models import Invoice
from app.models.billing.deposits import TEXT_MAX
from app.services.core.reason import REASON_MAX
from app.services.deposits import acts, codes, depositing, platforms, polling, statuses, watching
from app.services.invoicing import reading
from app.views.shell.base import Screen


class PlatformView(Screen):
    """`/facturation/plateforme/`"""

    route_base = "/facturation/plateforme"
    default_view = "index"
    class_permission_name = "Billing"

    @expose("/")
    def index(self) -> str:
        """Show what buyers said that waits for an answer, and the deposits that failed for good."""
        events, event_count = watching.said()
        failed, failed_count = watching.failed()
        page: str = self.render_template(
            "billing/platform.html",
            events=events,
            event_count=event_count,
            failed=failed,
            failed_count=failed_count,
            words=codes.words,
            poll=polling.poll_of(platforms.current().name),
            platform_notice=platforms.notice(),
        )
        return page

    @expose("/<key>/accepter", methods=["POST"])
    def accept(self, key: str) -> Response:
        """Accept a refusal: credit note of the whole, billed anew now or with the next month."""
        again = request.form.get("refacturer", "oui") == "oui"
        acts.accept(_invoice(key).id, _shown(), request.form.get("reason", ""), g.user.id, bills_again=again)
        when = "dès que l’avoir est émis" if again else "avec le mois suivant"
        return _led(
            key,
            "Le refus est accepté : l’avoir interne est demandé, il est prouvé puis numéroté dans les instants qui viennent."
            f" Les enregistrements valables sont facturés de nouveau {when}.",
        )

    @expose("/<key>/contester", methods=["POST"])
    def contest(self, key: str) -> Response:
        """Answer the centre."""
        acts.contest(_invoice(key).id, _shown(), request.form.get("note", ""), g.user.id)
        return _led(key, "La réponse est notée : le centre la lit sur la facture et la reçoit par courriel.")

    @expose("/<key>/completer", methods=["POST"])
    def complete(self, key: str) -> Response:
        """Note that the missing document was handed in."""
        acts.complete(_invoice(key).id, _shown(), request.form.get("note", ""), g.user.id)
        return _led(key, "La pièce ajoutée est notée : la facture est « complétée ».")

    @expose("/<key>/recycler", methods=["POST"])
    def recycle(self, key: str) -> Response:
        """Note that the routing was put right at Chorus Pro."""
        acts.recycle(_invoice(key).id, _shown(), request.form.get("note", ""), g.user.id)
        return _led(key, "La correction du routage est notée : la facture continue sous le même numéro.")

    @expose("/<key>/deposer", methods=["POST"])
    def deposit(self, key: str) -> Response:
        """Deposit again what failed for good."""
        acts.deposit_again(_invoice(key).id, g.user.id)
        return _led(key, "Le dépôt est redemandé : il part dans les instants qui viennent.")


def history(invoice: Invoice) -> dict[str, Any]:
    """Return what the agents' page of an invoice shows of its platform: all that was said, and what may be done now."""
    attempts = depositing.of_invoice(invoice.id)
    last = attempts[0] if attempts else None
    return {
        "history": statuses.history(invoice.id),
        "attempts": attempts,
        "waiting": watching.waiting_for(invoice.id),
        "can_deposit": last is not None and watching.is_given_up(last),
        "words": codes.words,
        "technical": codes.TECHNICAL,
        "note_max": TEXT_MAX,
        "reason_max": REASON_MAX,
    }


def _shown() -> int:
    """Return the event that the agent was shown; one that is none is no longer the one that counts."""
    typed = request.form.get("evenement", "")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else 0


def _led(key: str, said: str) -> Response:
    flash(said, "success")
    return redirect(url_for("IssuedView.show", key=key, _anchor="plateforme"))


def _invoice(key: str) -> Invoice:
    return reading.find(key) or abort(404, "Cette facture n’existe pas, ou n’est pas émise.")
