"""Which platform the settings name (`EINVOICE_PLATFORM`): one for companies and public bodies alike."""

from __future__ import annotations

from .platform import EInvoicePlatform
from .simulated import NAME, NOTICE, Simulated

__all__ = ["current", "notice"]


def current() -> EInvoicePlatform:
    """Return the platform that invoices are deposited on; the simulated one is the only one there is so far."""
    return Simulated()


def notice() -> str:
    """Return what is said wherever the platform is shown; empty for a real one."""
    platform = current()
    return NOTICE if platform.is_simulated and platform.name == NAME else ""
