"""Money: who sells, who is billed, at which VAT; what is billed."""

from .invoices import Invoice, InvoiceItem, InvoiceLine, InvoiceVat, OrderBudget, OrderOverride
from .parties import BillingProfile, BillingTerritory, Seller, VatRegime
from .runs import InvoiceRun, InvoiceSeries

__all__ = [
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
