"""The third door."""
