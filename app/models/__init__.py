"""The tables: columns, relations, constraints. Importing this package registers every table on one metadata."""

from . import naming
from .accreditation import Accreditation, Suspension, accreditation_training
from .api import ApiKey, ApiSubscription
from .batch import Batch, BatchLine
from .card import CardEvent, CardRequest, DataExport
from .catalogue import Tariff, Training
from .centre import Centre, Membership, MembershipRight, ServiceContract, membership_right_accreditation
from .decision import Decision
from .driver import Driver
from .export import Export
from .identity import AskedIdentity, AskingAlert, IdentityCheck, IdentityClaim
from .import_file import ImportFile
from .journal import JournalCheckpoint, JournalEntry, JournalLink
from .member_invitation import MemberInvitation
from .nightly import NightlyTask
from .outbox import Mail, Outbox
from .person import Person
from .registration import Document, Registration
from .second_factor import RecoveryCode, SecondFactor
from .sign_up import AccountLink, Attempt, SignUp
from .trainer import Trainer
from .webhook import WebhookDelivery, WebhookEndpoint

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
    "CardEvent",
    "CardRequest",
    "Centre",
    "DataExport",
    "Decision",
    "Document",
    "Driver",
    "Export",
    "IdentityCheck",
    "IdentityClaim",
    "ImportFile",
    "JournalCheckpoint",
    "JournalEntry",
    "JournalLink",
    "Mail",
    "MemberInvitation",
    "Membership",
    "MembershipRight",
    "NightlyTask",
    "Outbox",
    "Person",
    "RecoveryCode",
    "Registration",
    "SecondFactor",
    "ServiceContract",
    "SignUp",
    "Suspension",
    "Tariff",
    "Trainer",
    "Training",
    "WebhookDelivery",
    "WebhookEndpoint",
    "accreditation_training",
    "membership_right_accreditation",
    "naming",
]
