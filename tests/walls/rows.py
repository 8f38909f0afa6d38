"""The rows that addresses name: one of each kind, all of the demonstration centre; and what a form or a call sends."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from flask import Flask, current_app
from flask_appbuilder import Model
from sqlalchemy import select
from werkzeug.routing import MapAdapter, Rule

from app import models, roles
from app.extensions import db
from app.models import Batch, Document, JournalEntry, Outbox, Registration, SignUp, Suspension
from app.models.outbox import MAIL
from app.models.sign_up import ADDRESS, CONFIRM, RESET, SENT, WAITING
from app.services.accounts import identity
from app.services.accounts.link import Identity
from app.services.amendments import orders, reports, sayings
from app.services.amendments import requests as correction_requests
from app.services.amendments.acts import Who
from app.services.api import keys as api_keys
from app.services.api import webhook_delivery, webhooks
from app.services.api.keys import NewKey
from app.services.cards import requests as card_requests
from app.services.contracts import acts as contract_acts
from app.services.core import clock, links, outbox
from app.services.decisions import identity_checks, incidents
from app.services.drivers import data_copy
from app.services.identities import merging
from app.services.imports import intake
from app.services.invoicing import credit_notes, issuing
from app.services.registration import analysis
from app.services.reporting import exports
from app.services.rights import invitations as member_invitations
from app.validators.remark import HEADERS
from tests.billing import making as billing
from tests.cards import making as cards
from tests.corpus import builders
from tests.invoicing import making as invoicing
from tests.payments import making as payments
from tests.support import (
    CHLOE,
    MARIE,
    PIERRE,
    centre_id,
    draft,
    drain,
    many,
    person_id,
    registered,
    registered_trainer,
    trainer_draft,
    training_id,
)

NEIGHBOUR = "98765432400019"
#: A driver with an account whom no other row is about: nothing to remark.
LEROY = {**MARIE, "last_name": "LEROY", "birth_date": "25/12/2002", "permit_number": "298795874"}
LINE = {**PIERRE, "training_label": "FIMO Marchandises", "category": "Marchandises", "end_date": "07/01/2022"}

#: Argument of an address → name of a row (`make_rows`), by the beginning of the endpoint; the longest beginning wins.
VALUES: dict[str, dict[str, str]] = {
    "": {"filename": "stylesheet", "locale": "locale", "code": "certificate", "kind": "csv"},
    "account": {"token": "sign_up_link"},
    "password": {"token": "reset_link"},
    "appbuilder.static": {"filename": "fab_style"},
    "AccountsView": {"pk": "person", "row_id": "person"},
    "AccreditationsView": {"pk": "accreditation"},
    "CatalogueView": {"pk": "training"},
    "CentresView": {"pk": "centre"},
    "DriversView": {"pk": "driver"},
    "ContractsView": {"pk": "contract", "contract_id": "contract", "act": "contract_act"},
    "ContractView": {"contract_id": "contract"},
    "RegistrationsView": {"pk": "registration"},
    "CentreDriversView": {"pk": "sayable"},
    "CentreRegistrationsView": {"pk": "registration"},
    "RevocationView": {"number": "certificate"},
    "SuspensionsView": {"pk": "suspension"},
    "TariffsView": {"pk": "tariff"},
    "SellersView": {"pk": "seller"},
    "VatRegimesView": {"pk": "regime", "regime_id": "regime"},
    "MyPeopleView": {"place_id": "place", "invitation_id": "invitation"},
    "CentreBillingView": {"centre_id": "centre"},
    "InvoicesView": {"key": "draft_invoice"},
    "BillingView": {"key": "draft_invoice"},
    "IssuedView": {"key": "issued_invoice"},
    "PlatformView": {"key": "issued_invoice"},
    "PaymentsView": {"statement_id": "statement"},
    "EntriesView": {"entry_id": "entry", "allocation_id": "allocation"},
    "NotesView": {"key": "credit_note", "centre_id": "centre"},
    "LateView": {"key": "issued_invoice", "dunning_id": "dunning"},
    "InvoicesView.pdf": {"key": "issued_invoice"},
    "InvoicesView.xml": {"key": "issued_invoice"},
    "InvoicesView.detail": {"key": "issued_invoice"},
    "InvoicesView.workbook": {"key": "issued_invoice"},
    "ReconciliationView": {"centre_id": "centre"},
    "CentrePeopleView": {"centre_id": "centre", "place_id": "place", "invitation_id": "invitation"},
    "RepresentativesView": {"pk": "representative"},
    "ManagersView": {"pk": "place"},
    "member_invitation": {"token": "member_link"},
    "CorrectionView": {"row_id": "registration"},
    "SeveralView": {"key": "registered"},
    "CorrectionDecisionsView": {"row_id": "correction"},
    "CentreToHandleView": {"row_id": "mistyped"},
    "TrainerRightView": {"row_id": "trainer_id"},
    "ReportsView": {"row_id": "error_report"},
    "OwnReportView": {"row_id": "sayable"},
    "OwnReportView.withdraw": {"row_id": "reported"},
    "CorrectionDecisionsView.stop": {"row_id": "card_id"},
    "ToHandleView": {"row_id": "withheld"},
    "ToHandleView.accept": {"row_id": "sign_up"},
    "ToHandleView.open_right": {"row_id": "withheld_right"},
    "ToHandleView.keep_right": {"row_id": "withheld_right"},
    "ToHandleView.refuse": {"row_id": "sign_up"},
    "ToHandleView.retry": {"row_id": "failed"},
    "ToHandleView.see_alert": {"row_id": "alert"},
    "IdentityChecksView": {"row_id": "identity_check"},
    "IncidentsView": {"row_id": "incident"},
    "IdentityCorrectionView": {"row_id": "driver"},
    "MergeView": {"row_id": "driver", "other_id": "twin"},
    "PartView": {"row_id": "merger"},
    "IdentityChecksView.picture": {"row_id": "identity_picture"},
    "IdentityChecksView.replace_codes": {"row_id": "driver"},
    "ImportsView": {"key": "import"},
    "ImportFilesView": {"pk": "import_id"},
    "CorrectionsView": {"key": "import", "number": "line"},
    "WizardView": {"key": "draft"},
    "LinesView": {"key": "draft", "number": "line"},
    "ReceiptView": {"key": "registered"},
    "ReceiptView.slips": {"key": "unproved"},
    "TrainersView": {"key": "trainer_draft"},
    "TrainersView.receipt": {"key": "trainer"},
    "TrainersView.state": {"key": "trainer"},
    "TrainersView.notify": {"key": "trainer"},
    "AgentTrainersView": {"pk": "trainer_id"},
    "CardRequestView": {"key": "card", "kind": "picture"},
    "CardRequestView.image": {"key": "card_sent"},
    "CardRequestsView": {"key": "card_sent", "kind": "picture", "act": "act"},
    "CentreTrainersView": {"pk": "trainer_id"},
    "ApiSubscriptionView": {"key_id": "key"},
    "WebhooksView": {"endpoint_id": "endpoint", "delivery_id": "delivery"},
    "JournalView": {"pk": "entry"},
    "ExportsView": {"key": "list_export"},
    "ResendingView": {"row_id": "registration"},
    "DriverSpaceView": {"document_id": "document"},
    "OwnDataView": {"export_id": "export"},
    "address": {"token": "address_link"},
    "api_v1": {"key": "registered", "id": "registration"},
    "api_v1.correction": {"key": "correction_key"},
    "api_v1.document": {"number": "certificate"},
    "api_v1.invoice": {"number": "issued_number"},
}
#: Endpoint and method → what the form or the call sends, where an empty one would be refused before anybody is looked at.
BODIES: dict[str, dict[str, Any]] = {
    "SessionsView.start POST": {"data": {"profil": "conducteur", "mode": "manuel"}},
    "CorrectionsView.cell GET": {"query_string": {"champ": "last_name"}},
    "CorrectionsView.cell POST": {"data": {"champ": "last_name", "valeur": "PETIT"}},
    "LinesView.add POST": {"data": LEROY},
    "LinesView.change POST": {"data": LEROY},
    "LinesView.field POST": {"data": {"champ": "last_name", "last_name": "PETIT"}},
    "TrainersView.field POST": {"data": {"champ": "last_name", "last_name": "DURAND"}},
    "TrainersView.person POST": {"data": CHLOE},
    "TrainersView.terms POST": {"data": {"sectors": "Voyageurs", "fee_borne": "non"}},
    "TrainersView.register POST": {"data": {"version": "2"}},
    "TrainersView.notify POST": {"data": {"email": "chloe@exemple.fr"}},
    "ContractsView.act POST": {"data": {"reason": "Contrôle en cours"}},
    "MyPeopleView.invite POST": {"data": {"email": "autre@mail.example"}},
    "CentrePeopleView.invite POST": {"data": {"email": "autre@mail.example", "role": "manager"}},
    "AccountsView.close POST": {"data": {"reason": "Départ"}},
    "AccountsView.reopen POST": {"data": {"reason": "Retour"}},
    "AccountsView.reset_factor POST": {"data": {"reason": "Téléphone perdu"}},
    "CorrectionView.effects POST": {"data": {"reason_code": "duplicate", "act": "annuler"}},
    "CorrectionView.confirm POST": {"data": {"reason_code": "duplicate", "act": "annuler"}},
    "CorrectionView.ask POST": {"data": {"reason_code": "duplicate", "act": "annuler"}},
    "SeveralView.effects POST": {"data": {"reason_code": "duplicate", "line": "<registration>"}},
    "SeveralView.confirm POST": {"data": {"reason_code": "duplicate", "line": "<registration>"}},
    "CorrectionDecisionsView.refuse POST": {"data": {"answer": "Pièce illisible"}},
    "OwnReportView.send POST": {"data": {"permit_number": "850492100132"}},
    "TrainerRightView.effects POST": {"data": {"reason_code": "duplicate"}},
    "TrainerRightView.confirm POST": {"data": {"reason_code": "duplicate"}},
    "TrainerRightView.ask POST": {"data": {"reason_code": "duplicate"}},
    "TrainerRightView.refuse POST": {"data": {"answer": "Pièce illisible"}},
    "ReportsView.exact POST": {"data": {"answer": "Relu sur le permis"}},
    "ToHandleView.refuse POST": {"data": {"reason": "Pièce illisible"}},
    "IdentityChecksView.refuse POST": {"data": {"reason": "Pièce illisible"}},
    "ToHandleView.keep_right POST": {"data": {"reason": "Nom différent"}},
    "ToHandleView.keep POST": {"data": {"reason": "Nom différent"}},
    "ApiSubscriptionView.create POST": {"data": {"name": "Logiciel", "scopes": ["read"]}},
    "WebhooksView.create POST": {"data": {"url": "https://logiciel.example/", "events": ["documents.available"]}},
    "WebhooksView.change POST": {"data": {"url": "https://logiciel.example/", "events": ["documents.available"]}},
    "InvoicesView.estimate GET": {"query_string": {"commande": "COM1"}},
    "OrderNumbersView.index GET": {"query_string": {"commande": "COM1"}},
    "OrderNumbersView.bill POST": {"data": {"commande": "COM1", "toutes": "1", "order_number": "ENG 1"}},
    "OrderNumbersView.restore POST": {"data": {"commande": "COM1", "toutes": "1"}},
    "OrderNumbersView.unite POST": {"data": {"commande": "COM1", "garder": "COM1"}},
    "ReconciliationView.lines GET": {"query_string": {"motif": "open"}},
    "AccountsMapView.save POST": {"data": {"role": "sales", "rate": "", "code": "706100", "label": "Formations"}},
    "AccountsMapView.remove POST": {"data": {"role": "sales", "rate": ""}},
    "BillingView.build POST": {"data": {"mois": "2021-12"}},
    "BillingView.hold POST": {"data": {"reason": "Une ligne est contestée"}},
    "ConsumptionView.save POST": {"data": {"order_number": "COM1", "ceiling": "1500,00"}},
    "CentreSwitchView.switch POST": {"data": {"centre_id": "<centre>"}},
    "api_v1.analyses POST": {"json": {"lines": [LINE]}},
    "api_v1.cancellation POST": {"json": {"reason_code": "duplicate"}, "headers": {"Idempotency-Key": "k2"}},
    "api_v1.registrations POST": {
        "json": {"lines": [LINE], "accept_duplicates": True},
        "headers": {"Idempotency-Key": "k1"},
    },
}


@dataclass
class Rows:
    """Name of a row → what an address says for it."""

    app: Flask
    named: dict[str, Any] = field(default_factory=dict)

    def url(self, rule: Rule) -> str:
        """Return the address of a rule with the rows it names; a name nobody gave a row is an error that says so."""
        values = {argument: value_of(rule.endpoint, argument, self) for argument in rule.arguments}
        urls: MapAdapter = self.app.url_map.bind("localhost")
        return urls.build(rule.endpoint, values)


def value_of(endpoint: str, argument: str, rows: Rows) -> Any:
    """Return what stands for an argument of an address; raise `LookupError` with what to add."""
    fitting = [start for start in VALUES if endpoint.startswith(start) and argument in VALUES[start]]
    if not fitting:
        raise LookupError(
            f"{endpoint}: say in tests/walls/rows.py which row <{argument}> names (VALUES), and make that row for the "
            "demonstration centre (make_rows)"
        )
    return rows.named[VALUES[max(fitting, key=len)][argument]]


def body_of(endpoint: str, method: str, rows: Rows) -> dict[str, Any]:
    """Return what a request sends, its « <row> » filled in."""
    body = BODIES.get(f"{endpoint} {method}", {})
    if "data" not in body:
        return dict(body)
    named = {f"<{name}>": str(value) for name, value in rows.named.items()}
    filled = {key: named.get(value, value) if isinstance(value, str) else value for key, value in body["data"].items()}
    return {**body, "data": filled}


def make_rows(app: Flask) -> Rows:
    """Make one row of each kind for the demonstration centre, on a fresh demonstration base."""
    rows = Rows(app, {"stylesheet": "css/frame/base.css", "fab_style": "css/ab.css", "locale": "fr", "line": 1})
    rows.named |= {"csv": "csv", "picture": "photo", "act": "examiner", "account": person_id()}
    for part in (
        _card_sent,
        _registrations,
        _reported,
        _list_export,
        _incident,
        _card,
        _copy,
        _trainers,
        _batches,
        _reference,
        _payments,
        _people,
        _identity,
        _twins,
        _links,
    ):
        rows.named |= part()
    db.session.commit()
    return rows


def _registrations() -> dict[str, Any]:
    done, apart = registered(MARIE), registered({**MARIE, "last_name": "MARTINEZ", "first_name": "Maria"})
    drain()
    certificate = _one(Document, Document.kind == "certificate", Document.registration.has(batch_id=done.id))
    apart_row = _one(Registration, Registration.batch_id == apart.id)
    asked = correction_requests.ask(orders.order(apart_row, "duplicate", ""), Who(person_id()))
    return {
        "unproved": registered(PIERRE).key, "correction": asked.id, "correction_key": asked.key, "registered": done.key,
        "registration": _one(Registration, Registration.batch_id == done.id).id,
        "withheld": _one(Registration, Registration.batch_id == apart.id).id,
        "document": certificate.id, "certificate": certificate.number,
    }  # fmt: skip


def _reported() -> dict[str, Any]:
    """Make a registration that its driver reports, one that may be reported, and one to check."""
    said, sayable = (registered(MARIE, end_date=day) for day in ("05/01/2022", "06/01/2022"))
    drain()
    reported = _one(Registration, Registration.batch_id == said.id)
    saying = sayings.Saying({"permit_number": "850492100132"}, text="Deux chiffres inversés")
    report = reports.say(person_id(cards.HOLDER), reported.id, saying)
    mistyped = registered({**MARIE, "permit_number": "850492100124"})
    drain()
    row = _one(Registration, Registration.batch_id == mistyped.id)
    db.session.add(models.LookAlike(registration_id=row.id, found_on=clock.today()))
    db.session.commit()
    return {
        "error_report": report.id, "reported": reported.id, "mistyped": row.id,
        "sayable": _one(Registration, Registration.batch_id == sayable.id).id,
    }  # fmt: skip


def _card_sent() -> dict[str, Any]:
    """Make a request for a card that agents have to examine."""
    done = registered(MARIE, training=training_id("FIMO Voyageurs", "Voyageurs"))
    drain()
    asked = cards.filled(_one(Registration, Registration.batch_id == done.id).id)
    return {"card_sent": card_requests.submit(asked.id, person_id(cards.HOLDER)).key, "card_id": asked.id}


def _card() -> dict[str, Any]:
    """Make a request for a card that its holder has filled in."""
    return {"card": cards.filled(_one(Registration, Registration.training_id == training_id()).id).key}


def _copy() -> dict[str, Any]:
    """Make a copy of a driver's own data."""
    export = data_copy.ask(person_id(cards.HOLDER))
    drain()
    return {"export": export.id}


def _incident() -> dict[str, Any]:
    """Make a message that nobody is told before long."""
    return {"incident": incidents.declare(incidents.read("Travaux prévus", "01/01/2098 08:00", "", False), None)}


def _list_export() -> dict[str, Any]:
    """Make an export of the manager's, ready to be fetched, and name an entry of the journal."""
    made = exports.order(exports.REGISTRATIONS, "csv", {}, centre_id(), person_id())
    drain()
    return {"list_export": made.key, "entry": _one(JournalEntry, JournalEntry.action == "list.exported").id}


def _trainers() -> dict[str, Any]:
    """Make a trainer registered and told so, one withheld for the name, and a draft whose steps are all typed."""
    done, open_draft = registered_trainer(), trainer_draft("non")
    withheld = registered_trainer(birth_date=MARIE["birth_date"], permit_number=MARIE["permit_number"])
    drain()
    return {"trainer": done.key, "withheld_right": withheld.id, "trainer_id": done.id, "trainer_draft": open_draft.key}


def _batches() -> dict[str, Any]:
    open_draft = draft(*many(1))
    analysis.check(open_draft)
    sent = _import()
    return {"draft": db.session.get_one(Batch, open_draft).key, "import": sent.key, "import_id": sent.id}


def _import() -> Batch:
    """Return the batch of a file analysed without an error."""
    table = [
        (
            "REF",
            "COM",
            "FIMO Marchandises",
            "Marchandises",
            "07/01/2022",
            "Jean",
            "PETITJEAN",
            "01/02/1980",
            "123456789",
        )
    ]
    content = builders.xlsx(list(HEADERS.values()), *map(list, table))
    batch = intake.receive(centre_id(), person_id(), "sessions.xlsx", io.BytesIO(content))
    drain()
    return batch


def _reference() -> dict[str, Any]:
    accreditation = _one(models.Accreditation, models.Accreditation.centre_id == centre_id())
    suspension = Suspension(accreditation_id=accreditation.id, starts_on=clock.today(), ends_on=clock.today())
    db.session.add(suspension)
    db.session.flush()
    contract = _one(models.ServiceContract, models.ServiceContract.centre_id == centre_id())
    contract_acts.draw(contract.id)
    invoice = invoicing.december()
    return {
        "centre": centre_id(), "accreditation": accreditation.id, "suspension": suspension.id,
        "contract": contract.id, "contract_act": "suspendre",
        "draft_invoice": billing.draft().key,
        "issued_invoice": invoice.key, "issued_number": invoice.public_number,
        "training": _one(models.Training).id, "tariff": _one(models.Tariff).id,
        "seller": _one(models.Seller).id, "regime": _one(models.VatRegime, models.VatRegime.to_confirm).id,
        "driver": _one(models.Driver).id,
    }  # fmt: skip


def _payments() -> dict[str, Any]:
    """Make an invoice that was paid and credited since, an entry that nobody has allocated, an invoice that is very late."""
    invoice = invoicing.issue_draft(billing.draft("FACTURE 9", permit="990000000009"))
    payments.paid(invoice)
    entry = payments.entry("12.00", day=clock.today())
    late = models.Dunning(
        invoice_id=_one(models.Invoice, models.Invoice.public_number == "F2022-000001").id,
        level=4,
        day=clock.today(),
        at=clock.now(),
        due=Decimal("30.41"),
        interest=Decimal("0.00"),
    )
    db.session.add(late)
    db.session.commit()
    items = [one.id for one in credit_notes.charges(invoice.id)]
    credit = credit_notes.give_back(invoice.id, items, "Erreur de saisie", person_id("agent@demo.example"))
    issuing.issue(credit, invoicing.Judge())
    return {
        "credit_note": db.session.get_one(models.Invoice, credit).key,
        "entry": entry.id,
        "statement": entry.statement_id,
        "allocation": _one(models.Allocation).id,
        "dunning": late.id,
    }


def _people() -> dict[str, Any]:
    """Make a sign-up that waits for an agent, a job that failed, a key of the API, a webhook."""
    row = SignUp(
        email="attente@demo.example", last_name="MARTINEZ", first_name="Maria", birth_date=date(1985, 4, 12),
        permit_number="850492100123", password_hash="", state=WAITING, created_at=clock.now(),
    )  # fmt: skip
    outbox.add(MAIL, [{"mail": 0}])
    db.session.add(row)
    db.session.flush()
    failed = _one(Outbox, Outbox.done_at.is_(None))
    failed.created_at, failed.last_error = clock.machine_now() - timedelta(days=3), "OSError"
    db.session.commit()
    api_keys.subscribe(centre_id(), person_id("representant@demo.example"))
    api_keys.issue("12345678200010", NewKey("Logiciel", ("read",)))
    member_invitations.invite(centre_id(), "invite@mail.example", "manager", person_id("representant@demo.example"))
    person = person_id("sansdroit@demo.example")
    return {
        **_members(),
        "person": person,
        "sign_up": row.id,
        "failed": failed.id,
        "key": api_keys.keys(centre_id())[0].id,
        **_webhook(),
    }


def _identity() -> dict[str, Any]:
    """Make two accounts without proof that sent a document (deciding on one removes its picture), and an alert of a centre."""
    decided, looked_at = (_checked(f"sanspreuve{at}@demo.example") for at in range(2))
    alert = models.AskingAlert(centre_id=centre_id(), day=clock.today(), at=clock.now())
    db.session.add(alert)
    db.session.flush()
    return {"identity_check": decided, "identity_picture": looked_at, "alert": alert.id}


def _twins() -> dict[str, Any]:
    """Make three records of one person, two of them joined."""
    born, names = date(1988, 2, 14), {"last_name": "ROUSSEL", "first_name": "Nadia"}
    twin, kept, joined = (
        models.Driver(birth_date=born, permit_number=number, **names)
        for number in ("880269200041", "210969300777", "330969300111")
    )
    db.session.add_all([twin, kept, joined])
    db.session.commit()
    shown = merging.look(kept.id, joined.id).version
    merger = merging.join(kept.id, joined.id, person_id("agent@demo.example"), "Permis renouvelé", shown=shown)
    return {"twin": twin.id, "merger": merger}


def _checked(email: str) -> int:
    """Return the id of the document sent by an account without proof."""
    role = current_app.appbuilder.sm.find_role(roles.DRIVER)  # type: ignore[attr-defined]
    person = models.Person(
        username=email, email=email, first_name="Pierre", last_name="DUPONT", active=True, password="", roles=[role]
    )
    db.session.add(person)
    db.session.flush()
    claim = identity.new_claim(person.id, Identity("DUPONT", "Pierre", date(1990, 1, 1), "82R987928"))
    identity_checks.send(person.id, cards.picture(900, 600))
    return int(_one(models.IdentityCheck, models.IdentityCheck.claim_id == claim.id).id)


def _members() -> dict[str, Any]:
    places, invitation = models.Membership, _one(models.MemberInvitation)
    return {
        "person": person_id("sansdroit@demo.example"),
        "place": _one(places, places.person_id == person_id("sansdroit@demo.example")).id,
        "representative": _one(places, places.role == "legal_representative").id,
        "invitation": invitation.id, "member_link": links.token("member", invitation.nonce),
    }  # fmt: skip


def _webhook() -> dict[str, Any]:
    """Make an address of the centre's software, and a message to it."""
    person = person_id("representant@demo.example")
    endpoint, _ = webhooks.create(centre_id(), person, "https://logiciel.example/avis", ["registration.confirmed"])
    webhook_delivery.trial(centre_id(), endpoint, person)
    return {"endpoint": endpoint, "delivery": _one(models.WebhookDelivery).id}


def _links() -> dict[str, Any]:
    """Make the one-use links that mails bear: a sign-up to confirm, a password to choose."""
    row = SignUp(
        email="nouveau@demo.example", last_name="DUPONT", first_name="Pierre", birth_date=date(1990, 1, 1),
        permit_number="82R987928", password_hash="", state=SENT, created_at=clock.now(),
    )  # fmt: skip
    db.session.add(row)
    db.session.flush()
    confirm = links.issue(CONFIRM, row.email, timedelta(days=1), row.id)
    reset = links.issue(RESET, "conducteur@demo.example", timedelta(days=1))
    reset.person_id = person_id("conducteur@demo.example")
    address = links.issue(ADDRESS, "nouvelle@demo.example", timedelta(days=1))
    address.person_id = person_id("conducteur@demo.example")
    return {
        "address_link": links.token(ADDRESS, address.nonce),
        "sign_up_link": links.token(CONFIRM, confirm.nonce), "reset_link": links.token(RESET, reset.nonce),
    }  # fmt: skip


def _one(model: type[Model], *where: Any) -> Any:
    return db.session.execute(select(model).where(*where).order_by(model.id)).scalars().first()  # type: ignore[attr-defined]
