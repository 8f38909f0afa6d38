"""Money: who sells, who is billed, at which VAT."""

from .parties import BillingProfile, BillingTerritory, Seller, VatRegime

__all__ = ["BillingProfile", "BillingTerritory", "Seller", "VatRegime"]
