"""The tables: columns, relations, constraints. Importing this package registers every table on one metadata."""

from . import types as types  # first: it names the constraints of every table
from .amendment import Cancellation, CorrectionRequest, ErrorReport, LookAlike, TrainerCancellation
from .api import ApiKey, ApiSubscription, ChangeDue, LastChange, WebhookDelivery, WebhookEndpoint
from .batch import Batch, BatchLine, ImportFile
from .billing import (
    Allocation,
    AllocationVat,
    BankEntry,
    BankStatement,
    BillingProfile,
    BillingTerritory,
    Deposit,
    Dunning,
    DunningPause,
    Invoice,
    InvoiceEvent,
    InvoiceItem,
    InvoiceLine,
    InvoiceRun,
    InvoiceSeries,
    InvoiceVat,
    LateRate,
    OrderBudget,
    OrderOverride,
    PlatformPoll,
    Seller,
    SimulatedEvent,
    SimulatedFlow,
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
from .driver import Driver, DriverMerge, IdentityCorrection
from .export import Export
from .identity import AskedIdentity, AskingAlert, IdentityCheck, IdentityClaim
from .journal import JournalCheckpoint, JournalEntry, JournalLink
from .operations import Breach, Incident
from .outbox import Mail, NightlyTask, Outbox
from .person import KeptForm, Person, RecoveryCode, SecondFactor
from .refused import RefusedRequest
from .registration import Document, Registration
from .sign_up import AccountLink, Attempt, SignUp
from .trainer import Trainer

__all__ = [
    "AccountLink",
    "Accreditation",
    "Allocation",
    "AllocationVat",
    "ApiKey",
    "ApiSubscription",
    "AskedIdentity",
    "AskingAlert",
    "Attempt",
    "BankEntry",
    "BankStatement",
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
    "Deposit",
    "Document",
    "Driver",
    "DriverMerge",
    "Dunning",
    "DunningPause",
    "ErrorReport",
    "Export",
    "IdentityCheck",
    "IdentityClaim",
    "IdentityCorrection",
    "ImportFile",
    "Incident",
    "Invoice",
    "InvoiceEvent",
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
    "LateRate",
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
    "PlatformPoll",
    "RecoveryCode",
    "RefusedRequest",
    "Registration",
    "SecondFactor",
    "Seller",
    "ServiceContract",
    "SignUp",
    "SimulatedEvent",
    "SimulatedFlow",
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
