"""The tables: columns, relations, constraints. Importing this package registers every table on one metadata."""

from . import naming
from .accreditation import Accreditation, Suspension, accreditation_training
from .api import ApiKey, ApiSubscription
from .batch import Batch, BatchLine
from .catalogue import Tariff, Training
from .centre import Centre, Membership, MembershipRight, ServiceContract
from .driver import Driver
from .import_file import ImportFile
from .journal import JournalEntry
from .outbox import Mail, Outbox
from .person import Person
from .registration import Document, Registration
from .sign_up import AccountLink, Attempt, SignUp

__all__ = [
    "AccountLink",
    "Accreditation",
    "ApiKey",
    "ApiSubscription",
    "Attempt",
    "Batch",
    "BatchLine",
    "Centre",
    "Document",
    "Driver",
    "ImportFile",
    "JournalEntry",
    "Mail",
    "Membership",
    "MembershipRight",
    "Outbox",
    "Person",
    "Registration",
    "ServiceContract",
    "SignUp",
    "Suspension",
    "Tariff",
    "Training",
    "accreditation_training",
    "naming",
]
