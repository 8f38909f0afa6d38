"""The tables: columns, relations, constraints. Importing this package registers every table on one metadata."""

from . import types as types  # first: it names the constraints of every table
from .amendment import Cancellation, CorrectionRequest, ErrorReport, LookAlike, TrainerCancellation
from .api import ApiKey, ApiSubscription, ChangeDue, LastChange, WebhookDelivery, WebhookEndpoint
from .batch import Batch, BatchLine, ImportFile
from .billing import (
    BillingProfile,
    BillingTerritory,
    Invoice,
    InvoiceItem,
    InvoiceLine,
    InvoiceRun,
    InvoiceSeries,
    InvoiceVat,
    OrderBudget,
    OrderOverride,
    Seller,
    VatRegime,
)
from .card import CardEvent, CardRequest, DataExport
from .catalogue import Accreditation, Suspension, Tariff, Training, accreditation_training
from .centre import (
    Centre,
    MemberInvitation,
    Membership,
    MembershipRight,
    ServiceContract,
    membership_right_accreditation,
)
from .decision import Decision
from .driver import Driver, DriverMerge, IdentityCorrection, LentLook, LentView
from .export import Export
from .identity import AskedIdentity, AskingAlert, IdentityCheck, IdentityClaim
from .journal import JournalCheckpoint, JournalEntry, JournalLink
from .operations import Breach, Incident, Reminder, ReminderOff
from .outbox import Mail, NightlyTask, Outbox, RevocationList
from .person import KeptForm, Person, RecoveryCode, SecondFactor
from .refused import RefusedRequest
from .registration import Document, Registration
from .sign_up import AccountLink, Attempt, SignUp
from .trainer import Trainer

__all__ = [
    "AccountLink",
    "Accreditation",
    "ApiKey",
    "ApiSubscription",
    "AskedIdentity",
    "AskingAlert",
    "Attempt",
    "Batch",
    "BatchLine",
    "BillingProfile",
    "BillingTerritory",
    "Breach",
    "Cancellation",
    "CardEvent",
    "CardRequest",
    "Centre",
    "ChangeDue",
    "CorrectionRequest",
    "DataExport",
    "Decision",
    "Document",
    "Driver",
    "DriverMerge",
    "ErrorReport",
    "Export",
    "IdentityCheck",
    "IdentityClaim",
    "IdentityCorrection",
    "ImportFile",
    "Incident",
    "Invoice",
    "InvoiceItem",
    "InvoiceLine",
    "InvoiceRun",
    "InvoiceSeries",
    "InvoiceVat",
    "JournalCheckpoint",
    "JournalEntry",
    "JournalLink",
    "KeptForm",
    "LastChange",
    "LentLook",
    "LentView",
    "LookAlike",
    "Mail",
    "MemberInvitation",
    "Membership",
    "MembershipRight",
    "NightlyTask",
    "OrderBudget",
    "OrderOverride",
    "Outbox",
    "Person",
    "RecoveryCode",
    "RefusedRequest",
    "Registration",
    "Reminder",
    "ReminderOff",
    "RevocationList",
    "SecondFactor",
    "Seller",
    "ServiceContract",
    "SignUp",
    "Suspension",
    "Tariff",
    "Trainer",
    "TrainerCancellation",
    "Training",
    "VatRegime",
    "WebhookDelivery",
    "WebhookEndpoint",
    "accreditation_training",
    "membership_right_accreditation",
    "naming",
]
