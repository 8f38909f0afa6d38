"""Money: who sells, who is billed, at which VAT; what is billed."""

from .deposits import Deposit, InvoiceEvent, PlatformPoll, SimulatedEvent, SimulatedFlow
from .invoices import Invoice, InvoiceItem, InvoiceLine, InvoiceVat, OrderBudget, OrderOverride
from .parties import BillingProfile, BillingTerritory, Seller, VatRegime
from .runs import InvoiceRun, InvoiceSeries

__all__ = [
    "BillingProfile",
    "BillingTerritory",
    "Deposit",
    "Invoice",
    "InvoiceEvent",
    "InvoiceItem",
    "InvoiceLine",
    "InvoiceRun",
    "InvoiceSeries",
    "InvoiceVat",
    "OrderBudget",
    "OrderOverride",
    "PlatformPoll",
    "Seller",
    "SimulatedEvent",
    "SimulatedFlow",
    "VatRegime",
]
