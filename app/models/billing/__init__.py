"""Money: who sells, who is billed, at which VAT; what is billed; the sales journal."""

from .accounting import AccountingLine, AccountingPeriod, AccountMap
from .invoices import Invoice, InvoiceItem, InvoiceLine, InvoiceVat, OrderBudget, OrderOverride
from .parties import BillingProfile, BillingTerritory, Seller, VatRegime
from .runs import InvoiceRun, InvoiceSeries

__all__ = [
    "AccountMap",
    "AccountingLine",
    "AccountingPeriod",
    "BillingProfile",
    "BillingTerritory",
    "Invoice",
    "InvoiceItem",
    "InvoiceLine",
    "InvoiceRun",
    "InvoiceSeries",
    "InvoiceVat",
    "OrderBudget",
    "OrderOverride",
    "Seller",
    "VatRegime",
]
