"""What the mails of billing say, to who sees to a centre's invoices."""

from __future__ import annotations

from flask import current_app
from sqlalchemy import select

from app.extensions import db
from app.models import BillingProfile, Centre, Invoice, Mail, Person
from app.models.centre import INVOICES
from app.services.core import clock
from app.services.notifications import mail
from app.services.notifications.mail import Content
from app.services.rights import access

from . import grouping, missing

#: Kind of the mail that says how much of an order number's ceiling is spent; its values: ``centre``, ``order``, ``share``,
#: and ``at``, ``to``, by which one is told from another.
BUDGET = "budget"
#: Kind of the mail that says what keeps a centre's invoices from being issued; its values: ``centre``, ``at``, ``to``.
HELD = "invoice_held"
#: Order numbers that a mail names.
NAMED = 10


def recipients(centre_id: int) -> list[str]:
    """Return the addresses of those who hold the right « factures » at a centre, and of its accounts."""
    query = (
        select(Person.email)
        .join(Centre, Centre.id == centre_id)
        .where(access.holder_clause(Person.id, Centre.id, INVOICES))
        .order_by(Person.id)
    )
    accounts = db.session.scalar(select(BillingProfile.accounts_email).where(BillingProfile.centre_id == centre_id))
    others = [one.strip() for one in (accounts or "").split(",") if one.strip()]
    return list(dict.fromkeys([*db.session.execute(query).scalars(), *others]))


def make_due(centre_id: int, order_number: str, share: int) -> None:
    """Make due the mail that a threshold, in per cent, of a ceiling is reached; no commit."""
    tell(BUDGET, centre_id, centre=centre_id, order=order_number, share=share, at=clock.machine_now().isoformat())


def held(centre_id: int) -> None:
    """Make due the mail that something is missing which holds invoices of a centre; no commit."""
    tell(HELD, centre_id, centre=centre_id, at=clock.machine_now().isoformat())


def tell(kind: str, centre_id: int, **values: object) -> None:
    """Make a mail due to each of a centre's :func:`recipients`, its values with ``to``: the rank of who gets it; no commit."""
    to = enumerate(recipients(centre_id), 1)
    mail.make_all_due(kind, [{"recipient": one, "values": {**values, "to": rank}} for rank, one in to])


@mail.says(HELD, "Factures retenues")
def _held(row: Mail) -> Content:
    """Say what is missing as the mail leaves; nothing once it was filled in."""
    centre = db.session.get_one(Centre, row.values["centre"])
    own = select(Invoice.order_number).where(
        Invoice.centre_id == centre.id, *grouping.BILLS, Invoice.held_reason != "", Invoice.held_by_id.is_(None)
    )
    orders = list(db.session.execute(own.order_by(Invoice.order_number)).scalars())
    profile = db.session.scalars(select(BillingProfile).where(BillingProfile.centre_id == centre.id)).first()
    lacking = missing.of_centre(centre, profile)
    if not orders or not lacking:
        raise mail.Void
    told = list(dict.fromkeys(one for one in orders if one))
    count = "Une facture est retenue" if len(orders) == 1 else f"{len(orders)} factures sont retenues"
    is_theirs = any(one.field for one in lacking)
    values: dict[str, object] = {
        "centre": centre.name,
        "words": f"{count}, faute de ce qui suit.",
        "orders": told[:NAMED],
        "others": len(told[NAMED:]),
        "missing": [one.sentence for one in lacking],
        "url": f"{current_app.config['BASE_URL']}/mon-centre/facturation/" if is_theirs else "",
    }
    return Content("billing/mail/held", f"{count} : {lacking[0].sentence}", values)


@mail.says(BUDGET, "Plafond d’une commande")
def _budget(row: Mail) -> Content:
    centre = db.session.get_one(Centre, row.values["centre"])
    order, share = row.values["order"], row.values["share"]
    reached = (
        "Le plafond de la commande est atteint"
        if share == 100
        else f"{share} % du plafond de la commande sont atteints"
    )
    values: dict[str, object] = {
        "centre": centre.name,
        "order": order,
        "words": f"{reached}.",
        "url": f"{current_app.config['BASE_URL']}/consommation/",
    }
    return Content("billing/mail/budget", f"Commande {order} : {share} % du plafond", values)
