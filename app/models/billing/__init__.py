"""Money: who sells, who is billed, at which VAT; what is billed, what is paid; the sales journal."""

from .accounting import AccountingLine, AccountingPeriod, AccountMap
from .deposits import Deposit, InvoiceEvent, PlatformPoll, SimulatedEvent, SimulatedFlow
from .dunning import Dunning, DunningPause, LateRate
from .invoices import Invoice, InvoiceItem, InvoiceLine, InvoiceVat, OrderBudget, OrderOverride
from .parties import BillingProfile, BillingTerritory, Seller, VatRegime
from .payments import Allocation, AllocationVat, BankEntry, BankStatement
from .runs import InvoiceRun, InvoiceSeries

__all__ = [
    "AccountMap",
    "AccountingLine",
    "AccountingPeriod",
    "Allocation",
    "AllocationVat",
    "BankEntry",
    "BankStatement",
    "BillingProfile",
    "BillingTerritory",
    "Deposit",
    "Dunning",
    "DunningPause",
    "Invoice",
    "InvoiceEvent",
    "InvoiceItem",
    "InvoiceLine",
    "InvoiceRun",
    "InvoiceSeries",
    "InvoiceVat",
    "LateRate",
    "OrderBudget",
    "OrderOverride",
    "PlatformPoll",
    "Seller",
    "SimulatedEvent",
    "SimulatedFlow",
    "VatRegime",
]
