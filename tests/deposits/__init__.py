"""Invoices on their platform: deposits, what it tells, what agents do about it."""
